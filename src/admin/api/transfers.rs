//! Zones that plain secondaries are given.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Zone transfers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransferStatus {
    /// The zones with `transfer`, in the order of the configuration.
    pub zones: Vec<TransferredZoneStatus>,
    /// The transfers and signed requests that were refused since the start.
    pub refused: u64,
    /// The last one of them.
    pub last_refusal: Option<RefusedTransferStatus>,
}

impl TransferStatus {
    /// Returns whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A zone that is transferred.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransferredZoneStatus {
    /// Its apex.
    pub name: String,
    /// Its serial number, in queries, transfers and NOTIFY alike.
    pub serial: u32,
    /// The number of differences that IXFR can give.
    pub differences: usize,
    /// The secondaries that are told of changes.
    pub notified: Vec<NotifiedStatus>,
    /// The last transfer of each name server, the latest last; at most 64.
    pub taken: Vec<TakenStatus>,
}

/// A secondary that is told of changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotifiedStatus {
    /// The address that it is told at.
    pub address: SocketAddr,
    /// The last serial number that it has acknowledged to have been told.
    pub acknowledged: Option<u32>,
    /// The messages about the present serial number that it has not acknowledged.
    pub unanswered: u32,
}

/// A transfer that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TakenStatus {
    /// The name server that has taken the zone.
    pub client: IpAddr,
    /// The serial number that it has since.
    pub serial: u32,
    /// `axfr`, `ixfr`, or `axfr_for_ixfr` when the differences were not known.
    pub kind: String,
    /// The moment of its end.
    pub at: Timestamp,
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedTransferStatus {
    /// The address that it came from.
    pub client: IpAddr,
    /// The reason, as in metrics.
    pub reason: String,
    /// The reason as a sentence.
    pub text: String,
    /// The moment of the refusal.
    pub at: Timestamp,
}
