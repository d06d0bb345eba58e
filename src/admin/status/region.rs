//! Regions, availability zones and addresses, from the report of the writer.

use super::canary::{self, CanaryWatch};
use crate::admin::api::Timestamp;
use crate::admin::api::status::{
    AddressStatus, DownReason, FamilyStatus, RegionStatus, RegionSummary, SiteStatus, ZoneStatus,
};
use crate::control::{AddressReport, RegionReport, SiteReport, ZoneReport};
use crate::health::{Count, Phase};
use crate::region::{Family, Region, Target};
use crate::share::Share;

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
        // An intent makes no difference between the families.
        intent: report.courses[0].intent.clone(),
    }
}

fn family_status(report: &RegionReport, family: Family) -> FamilyStatus {
    let (_, service) = report.families[family as usize];
    let site = &report.courses[family as usize];
    let count = service.count();
    let Count { up, total, needed } = count.unwrap_or(Count { up: 0, total: 0, needed: 0 });
    let word = match count {
        None => "absent",
        Some(_) if site.share > Share::NONE => "in",
        Some(_) => "out",
    };
    FamilyStatus {
        service: word.to_owned(),
        up,
        total,
        needed,
        site: if count.is_some() { site_status(site) } else { SiteStatus::default() },
        falls: if count.is_some() { site.falls } else { 0 },
        restraint: site.suppression.filter(|_| count.is_some()).map(|suppression| suppression.to_string()),
    }
}

fn site_status(site: &SiteReport) -> SiteStatus {
    let until = match site.phase {
        Phase::Recovering { until } | Phase::Quarantined { until } => Some(Timestamp(until)),
        Phase::Unknown
        | Phase::Healthy
        | Phase::Suspect
        | Phase::Down
        | Phase::Ramp { .. }
        | Phase::Held(_) => None,
    };
    SiteStatus {
        phase: Some(site.phase.as_str().to_owned()),
        since: Some(Timestamp(site.since)),
        until,
        share: Some(site.share.fraction()),
    }
}

fn zone_status(watch: &CanaryWatch<'_>, region: &str, zone: &ZoneReport) -> ZoneStatus {
    let [ipv4, ipv6] = Family::BOTH.map(|family| {
        let has_any = zone.addresses.iter().any(|address| Family::of(address.ip) == family);
        if has_any { site_status(&zone.courses[family as usize]) } else { SiteStatus::default() }
    });
    let target = |report: &AddressReport| Target::of_address(region, &zone.name, report.ip);
    ZoneStatus {
        name: zone.name.clone(),
        ipv4,
        ipv6,
        grade: zone.grade,
        intent: zone.courses[0].intent.clone(),
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
