//! What is known of zone transfers.

use crate::admin::api::Timestamp;
use crate::admin::api::transfers::{
    NotifiedStatus, RefusedTransferStatus, TakenStatus, TransferStatus, TransferredZoneStatus,
};
use crate::metrics::{NotifiedSecondary, TakenTransfer, TransferReport, ZoneTransferReport};

/// Returns the status of zone transfers.
pub fn status(report: TransferReport) -> TransferStatus {
    let TransferReport { zones, refused, last_refusal } = report;
    TransferStatus {
        zones: zones.into_iter().map(zone).collect(),
        refused,
        last_refusal: last_refusal.map(|last| RefusedTransferStatus {
            client: last.client,
            reason: last.reason.as_str().to_owned(),
            text: last.reason.text().to_owned(),
            at: Timestamp(last.at),
        }),
    }
}

fn zone(report: ZoneTransferReport) -> TransferredZoneStatus {
    let notified = |secondary: NotifiedSecondary| NotifiedStatus {
        address: secondary.address,
        acknowledged: secondary.acknowledged,
        unanswered: secondary.unanswered,
    };
    let taken = |taken: TakenTransfer| TakenStatus {
        client: taken.client,
        serial: taken.serial,
        kind: taken.kind.to_owned(),
        at: Timestamp(taken.at),
    };
    TransferredZoneStatus {
        name: report.zone,
        serial: report.serial,
        differences: report.differences,
        notified: report.notified.into_iter().map(notified).collect(),
        taken: report.taken.into_iter().map(taken).collect(),
    }
}
