//! Regions, their availability zones and addresses, as `/status` has them.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::Whom;
use super::canary::{self, Canary, Watch, Why};
use super::rfc3339;
use crate::control::{AddressReport, RegionReport, SiteReport, ZoneReport};
use crate::health::{self, OutlierGrade, Phase};
use crate::region::{self, Family};
use crate::share::Share;

/// What a course may be in; of no address, `null`.
const PHASES: [Option<&str>; 9] = [
    None,
    Some("unknown"),
    Some("healthy"),
    Some("suspect"),
    Some("down"),
    Some("recovering"),
    Some("ramp"),
    Some("held"),
    Some("quarantined"),
];

/// The states of an address, and of a canary.
pub(super) const STATES: [&str; 5] = ["unknown", "up", "suspect", "rising", "down"];

/// A region.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Region {
    /// What there is to say in a line.
    #[serde(flatten)]
    pub summary: Summary,
    /// What each canary says that probes the region once, as a whole.
    pub canaries: Vec<Canary>,
    /// Its availability zones.
    pub zones: Vec<AvailabilityZone>,
}

/// What there is to say of a region in a line.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// The country whose law applies there.
    pub jurisdiction: String,
    /// What the machine may do about it: `auto`, `advise` or `off`.
    #[schemars(extend("enum" = ["auto", "advise", "off"]))]
    pub failover: &'static str,
    /// How it stands in IPv4.
    pub ipv4: Service,
    /// How it stands in IPv6.
    pub ipv6: Service,
    /// What it says of itself.
    pub vitals: Vitals,
    /// What the requests of its clients say of it: `fine`; `degraded`, it keeps half of them; `failing`, it
    /// leaves.
    #[schemars(extend("enum" = ["fine", "degraded", "failing"]))]
    pub grade: &'static str,
    /// The share of its clients that it sends elsewhere because it is full, 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub shed: f64,
    /// The intent of an operator that decides how much of its clients it takes; `null`: none does.
    pub intent: Option<String>,
}

/// How a region stands in one family.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Service {
    /// `in` the answers, if only for some of its clients, `out` of them, or `absent`: it has no address of the
    /// family.
    #[schemars(extend("enum" = ["in", "out", "absent"]))]
    pub service: &'static str,
    /// How many of its addresses are up or suspect.
    pub up: usize,
    /// How many it has.
    pub total: usize,
    /// How many must be up for it to be in.
    pub needed: usize,
    /// Where it stands on its course.
    #[serde(flatten)]
    pub course: Course,
    /// How often it has fallen within the hour.
    pub falls: usize,
    /// Why it stays although it is bad, one sentence; `null` when it is not bad, or has left.
    pub restraint: Option<String>,
}

/// Where a region or an availability zone stands on its course through trouble; all `null` when it has no
/// address of the family.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Course {
    /// `unknown`, `healthy`, `suspect`, `down`, `recovering`, `ramp`, `held` or `quarantined`.
    #[schemars(extend("enum" = PHASES))]
    pub phase: Option<&'static str>,
    /// When that began.
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
    /// When it ends if nothing happens; `null` when it does not, and while it ramps.
    #[schemars(extend("format" = "date-time"))]
    pub until: Option<String>,
    /// The share of its clients that it takes, 0 to 1, for whatever reason; of a zone, the share of its
    /// region's clients that get its addresses.
    #[schemars(range(min = 0, max = 1))]
    pub share: Option<f64>,
}

/// What a region says of itself, over all its addresses; `null` is unknown.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Vitals {
    /// The share of the capacity that is in use: 1 is full.
    pub load: Option<f64>,
    /// The share of requests that fail, 0 to 1.
    pub error_rate: Option<f64>,
    /// The latency that 95 % of requests do not exceed.
    pub p95_latency_seconds: Option<f64>,
    /// How many requests the error rate and the latency are about.
    pub requests: Option<f64>,
    /// How far the replica is behind that is the furthest.
    pub replication_lag_seconds: Option<f64>,
    /// How many whole days the certificate is still valid that ends first.
    pub certificate_days: Option<f64>,
}

/// An availability zone.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AvailabilityZone {
    /// Its name.
    pub name: String,
    /// How it stands in IPv4.
    pub ipv4: Course,
    /// How it stands in IPv6.
    pub ipv6: Course,
    /// What the requests of its clients say of it, as of a region.
    #[schemars(extend("enum" = ["fine", "degraded", "failing"]))]
    pub grade: &'static str,
    /// The intent of an operator that decides about it apart from its region; `null`: none does.
    pub intent: Option<String>,
    /// Its addresses.
    pub addresses: Vec<Address>,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// `unknown`, `up`, `suspect`, `rising` or `down`; traffic stays with the first three.
    #[schemars(extend("enum" = STATES))]
    pub state: &'static str,
    /// When that began; rising does not interrupt being down.
    #[schemars(extend("format" = "date-time"))]
    pub since: String,
    /// What keeps it from being up; `null` when nothing does.
    pub why: Option<Why>,
    /// What each canary says.
    pub canaries: Vec<Canary>,
}

pub(super) fn region(watch: &Watch<'_>, region: &region::Region, report: &RegionReport) -> Region {
    Region {
        summary: summary(region, report),
        canaries: canary::canaries(watch, Whom::Region(&report.name), &report.canaries),
        zones: report.zones.iter().map(|zone| availability_zone(watch, zone)).collect(),
    }
}

/// Writes down what there is to say of a region in a line.
pub(in super::super) fn summary(region: &region::Region, report: &RegionReport) -> Summary {
    let [ipv4, ipv6] = Family::BOTH.map(|family| service(report, family));
    Summary {
        name: report.name.clone(),
        jurisdiction: region.jurisdiction.to_string(),
        failover: region.failover.as_str(),
        ipv4,
        ipv6,
        vitals: vitals(report.vitals),
        grade: grade(report.grade),
        shed: report.away.fraction(),
        // An intent makes no difference between the families.
        intent: report.courses[0].intent.clone(),
    }
}

fn vitals(vitals: health::Vitals) -> Vitals {
    let health::Vitals {
        load,
        error_rate,
        p95_latency_seconds,
        requests,
        replication_lag_seconds,
        certificate_days,
    } = vitals;
    Vitals { load, error_rate, p95_latency_seconds, requests, replication_lag_seconds, certificate_days }
}

fn service(report: &RegionReport, family: Family) -> Service {
    let (_, service) = report.families[family as usize];
    let site = &report.courses[family as usize];
    let Some(health::Count { up, total, needed }) = service.count() else {
        let course = Course::default();
        return Service { service: "absent", up: 0, total: 0, needed: 0, course, falls: 0, restraint: None };
    };
    Service {
        service: if site.share > Share::NONE { "in" } else { "out" },
        up,
        total,
        needed,
        course: course(site),
        falls: site.falls,
        restraint: site.suppression.map(|suppression| suppression.to_string()),
    }
}

fn course(site: &SiteReport) -> Course {
    let until = match site.phase {
        Phase::Recovering { until } | Phase::Quarantined { until } => Some(rfc3339(until)),
        Phase::Unknown
        | Phase::Healthy
        | Phase::Suspect
        | Phase::Down
        | Phase::Ramp { .. }
        | Phase::Held(_) => None,
    };
    Course {
        phase: Some(site.phase.as_str()),
        since: Some(rfc3339(site.since)),
        until,
        share: Some(site.share.fraction()),
    }
}

fn grade(grade: OutlierGrade) -> &'static str {
    match grade {
        OutlierGrade::Fine => "fine",
        OutlierGrade::Degraded => "degraded",
        OutlierGrade::Failing => "failing",
    }
}

fn availability_zone(watch: &Watch<'_>, zone: &ZoneReport) -> AvailabilityZone {
    let [ipv4, ipv6] = Family::BOTH.map(|family| {
        let has_any = zone.addresses.iter().any(|address| Family::of(address.ip) == family);
        if has_any { course(&zone.courses[family as usize]) } else { Course::default() }
    });
    AvailabilityZone {
        name: zone.name.clone(),
        ipv4,
        ipv6,
        grade: grade(zone.grade),
        intent: zone.courses[0].intent.clone(),
        addresses: zone.addresses.iter().map(|report| address(watch, report)).collect(),
    }
}

fn address(watch: &Watch<'_>, report: &AddressReport) -> Address {
    let why = report.why.as_ref();
    Address {
        address: report.ip,
        state: report.state.as_str(),
        since: rfc3339(report.since),
        why: why.map(|(canary, cause)| Why { canary: canary.clone(), failure: canary::failure(cause) }),
        canaries: canary::canaries(watch, Whom::Address(report.ip), &report.canaries),
    }
}
