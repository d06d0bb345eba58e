//! Regions, availability zones and addresses, from the report of the writer.

use super::canary::{self, CanaryWatch};
use crate::admin::api::Timestamp;
use crate::admin::api::status::{
    AddressStatus, DownReason, FamilyStatus, RegionStatus, RegionSummary, SiteStatus, ZoneStatus,
};
use crate::control::{AddressReport, RegionReport, ZoneReport};
use crate::health::Status;
use crate::region::{Family, Region, Target};

/// Returns the status of a region.
pub(super) fn status(watch: &CanaryWatch<'_>, region: &Region, report: &RegionReport) -> RegionStatus {
    RegionStatus {
        summary: summary(region, report),
        canaries: canary::canaries(watch, &Target::of_region(&report.name), &report.canaries),
        zones: report.zones.iter().map(|zone| zone_status(watch, &report.name, zone)).collect(),
    }
}

/// Returns the status of a region in a line.
pub(in super::super) fn summary(region: &Region, report: &RegionReport) -> RegionSummary {
    let [ipv4, ipv6] = Family::BOTH.map(|family| family_status(report, family));
    RegionSummary {
        name: report.name.clone(),
        jurisdiction: region.jurisdiction.to_string(),
        failover: region.failover,
        ipv4,
        ipv6,
        vitals: report.vitals,
        grade: report.grade,
        shed: report.away.fraction(),
        intent: report.intent.clone(),
        blind: report.blind(),
    }
}

fn family_status(report: &RegionReport, family: Family) -> FamilyStatus {
    let status = &report.status[family as usize];
    let word = match status.is_in_service() {
        _ if !status.exists() => "absent",
        true => "in",
        false => "out",
    };
    FamilyStatus {
        service: word.to_owned(),
        up: status.up,
        total: status.total,
        needed: status.needed,
        site: site_status(status),
        falls: status.falls,
        suppression: status.suppression.map(|suppression| suppression.to_string()),
        observers: report.observers(family),
        limited_zones: report.limited_zones(family),
    }
}

fn site_status(status: &Status) -> SiteStatus {
    if !status.exists() {
        return SiteStatus::default();
    }
    SiteStatus {
        phase: Some(status.phase),
        since: Some(Timestamp(status.since)),
        until: status.until.map(Timestamp),
        share: Some(status.takes().fraction()),
    }
}

fn zone_status(watch: &CanaryWatch<'_>, region: &str, zone: &ZoneReport) -> ZoneStatus {
    let [ipv4, ipv6] = zone.status.each_ref().map(site_status);
    let target = |report: &AddressReport| Target::of_address(region, &zone.name, report.ip);
    ZoneStatus {
        name: zone.name.clone(),
        ipv4,
        ipv6,
        grade: zone.grade,
        intent: zone.intent.clone(),
        addresses: zone.addresses.iter().map(|report| address(watch, &target(report), report)).collect(),
    }
}

fn address(watch: &CanaryWatch<'_>, target: &Target, report: &AddressReport) -> AddressStatus {
    let why = report.why.clone();
    AddressStatus {
        address: report.ip,
        state: report.state,
        since: Timestamp(report.since),
        why: why.map(|(canary, failure)| DownReason { canary, failure }),
        canaries: canary::canaries(watch, target, &report.canaries),
    }
}
