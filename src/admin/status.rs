//! The page `/status`: the fields that scripts and dashboards may rely on.
//!
//! Fields are only added. A moment is text in RFC 3339, in UTC; what is not known or does not apply is
//! `null`, never left out.

use std::net::IpAddr;

use serde::Serialize;

use super::{Loaded, State};
use crate::canary;
use crate::canary::{Heard, Sighting};
use crate::control::{AddressReport, CanaryReport, RegionReport, ZoneReport};
use crate::geo;
use crate::health;
use crate::moment::Moment;
use crate::region;
use crate::zone::{self, RData, RecordType};

/// The whole page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page {
    /// The name of this instance.
    pub server: String,
    /// The version of the program.
    pub version: &'static str,
    /// How long the process has been running.
    pub uptime_seconds: u64,
    /// What queries are answered from.
    pub snapshot: Snapshot,
    /// The zones, in the order of the configuration.
    pub zones: Vec<Zone>,
    /// Where locations come from.
    pub geo: Geo,
    /// What the operator wrote.
    pub configuration: Configuration,
    /// The alarms that last, one sentence each.
    pub alarms: Vec<String>,
    /// The regions, in the order of the configuration.
    pub regions: Vec<Region>,
}

/// What queries are answered from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Snapshot {
    /// Its number; it starts anew with each process.
    pub number: u64,
    /// When it was published.
    pub published_at: String,
}

/// A zone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Zone {
    /// Its apex.
    pub name: String,
    /// How many owner names have data, steered ones included.
    pub names: usize,
    /// How many of them are steered.
    pub steered: usize,
    /// The serial number of its SOA record.
    pub serial: Option<u32>,
}

/// Where locations come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Geo {
    /// The file of the database.
    pub database: Option<String>,
    /// The type that the database states, for example `GeoLite2-City`.
    pub kind: Option<String>,
    /// When it was built.
    pub built_at: Option<String>,
    /// How long ago that was.
    pub age_seconds: Option<u64>,
    /// How many classes of clients are told apart.
    pub classes: usize,
    /// How much memory the table of addresses takes, about.
    pub memory_bytes: usize,
}

/// What the operator wrote.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Configuration {
    /// Its directory.
    pub directory: String,
    /// When the configuration in force was loaded.
    pub loaded_at: String,
    /// When the last attempt to load another one failed; `null` when it did not.
    pub failed_at: Option<String>,
    /// What was wrong with that one, as `meridian check` prints it; empty when nothing was.
    pub problems: Vec<String>,
}

/// A region.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// The country whose law applies there.
    pub jurisdiction: String,
    /// How it stands in IPv4.
    pub ipv4: Service,
    /// How it stands in IPv6.
    pub ipv6: Service,
    /// Its availability zones.
    pub zones: Vec<AvailabilityZone>,
}

/// How a region stands in one family.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Service {
    /// `in` the answers, `out` of them for lack of addresses that are up, or `absent`: it has no
    /// address of the family.
    pub service: &'static str,
    /// How many of its addresses are up or suspect.
    pub up: usize,
    /// How many it has.
    pub total: usize,
    /// How many must be up for it to be in.
    pub needed: usize,
    /// Since when it is out; `null` when it is not.
    pub since: Option<String>,
}

/// An availability zone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AvailabilityZone {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<Address>,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// `unknown`, `up`, `suspect`, `rising` or `down`; traffic stays with the first three.
    pub state: &'static str,
    /// When that began; rising does not interrupt being down.
    pub since: String,
    /// What keeps it from being up; `null` when nothing does.
    pub why: Option<Why>,
    /// What each canary says.
    pub canaries: Vec<Canary>,
}

/// What keeps an address from being up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Why {
    /// The canary that says so.
    pub canary: String,
    /// Its last failure.
    #[serde(flatten)]
    pub failure: Failure,
}

/// A failure of a canary.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// `refused`, `timeout`, `tls`, `status`, `body` or `dns`.
    pub class: &'static str,
    /// What exactly happened.
    pub detail: String,
}

/// What a canary says of an address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Canary {
    /// Its name.
    pub name: String,
    /// What it does: `tcp`, `tls`, `http`, `json` or `inference`.
    pub kind: &'static str,
    /// The state in which it leaves the address.
    pub state: &'static str,
    /// When that began.
    pub since: String,
    /// Its last result; `null` before the first.
    pub last: Option<Last>,
    /// What the service last said of itself; `null` before the first time, and for canaries that do not ask.
    pub signals: Option<Signals>,
}

/// The last result of a canary.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Last {
    /// When it was known.
    pub at: String,
    /// Whether it was a success.
    pub ok: bool,
    /// How long the probe took, in milliseconds and their fractions.
    pub latency_ms: f64,
    /// Whether it was a success that took longer than the canary's `slow`.
    pub slow: bool,
    /// How it failed; `null` when it did not.
    pub failure: Option<Failure>,
    /// What made no sense in the response, but failed nothing.
    pub remark: Option<String>,
}

/// What a service said of itself; `null` is unknown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Signals {
    /// When.
    pub at: String,
    /// How long ago that was.
    pub age_seconds: u64,
    /// Whether that is more than three intervals ago; then all are unknown.
    pub stale: bool,
    /// The share of the capacity that is in use: 1 is full.
    pub load: Option<f64>,
    /// The share of requests that fail, 0 to 1.
    pub error_rate: Option<f64>,
    /// The latency that 95 % of requests do not exceed.
    pub p95_latency_seconds: Option<f64>,
    /// How far a replica is behind.
    pub replication_lag_seconds: Option<f64>,
    /// How many requests wait.
    pub queue_depth: Option<f64>,
    /// How many requests the error rate and the latency are about.
    pub requests: Option<f64>,
}

/// What is needed to write down an address.
struct Watch<'p> {
    state: &'p State,
    canaries: &'p [canary::Canary],
    now: Moment,
}

/// Writes down what is the case now.
pub(super) fn page(state: &State) -> Page {
    let now = (state.sources.now)();
    let (seen, loaded) = (state.seen.load(), state.loaded.load());
    let config = &seen.snapshot.world.config;
    // The report and the snapshot are of one configuration, so their regions go together.
    let regions = config.regions.iter().zip(&seen.report.regions);
    let watch = Watch { state, canaries: &config.canaries, now };
    Page {
        server: config.server.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: now.since(state.started_at).as_secs(),
        snapshot: Snapshot { number: seen.snapshot.number, published_at: rfc3339(seen.published_at) },
        zones: config.zones.iter().map(zone).collect(),
        geo: geo(&loaded, &seen.snapshot.world.table, now),
        configuration: configuration(&loaded),
        alarms: seen.report.alarms.iter().map(ToString::to_string).collect(),
        regions: regions.map(|((_, region), report)| self::region(&watch, region, report)).collect(),
    }
}

fn zone(zone: &zone::Zone) -> Zone {
    let soa = zone.nodes.get(&zone.apex).into_iter().flat_map(|node| &node.rrsets);
    let serial =
        soa.filter(|rrset| rrset.rtype == RecordType::SOA).find_map(|rrset| match rrset.rdata.first() {
            Some(RData::SOA(soa)) => Some(soa.serial),
            _ => None,
        });
    Zone {
        name: zone.apex.to_string(),
        names: zone.nodes.len(),
        steered: zone.nodes.values().filter(|node| node.steering.is_some()).count(),
        serial,
    }
}

fn geo(loaded: &Loaded, table: &geo::Table, now: Moment) -> Geo {
    let database = loaded.database.as_ref();
    Geo {
        database: database.map(|database| database.path.display().to_string()),
        kind: database.map(|database| database.kind.clone()),
        built_at: database.map(|database| rfc3339(database.built_at)),
        age_seconds: database.map(|database| now.since(database.built_at).as_secs()),
        classes: table.classes().len(),
        memory_bytes: table.memory_bytes(),
    }
}

fn configuration(loaded: &Loaded) -> Configuration {
    let failed = loaded.failed.as_ref();
    Configuration {
        directory: loaded.directory.display().to_string(),
        loaded_at: rfc3339(loaded.loaded_at),
        failed_at: failed.map(|failed| rfc3339(failed.at)),
        problems: failed.map_or_else(Vec::new, |failed| failed.problems.clone()),
    }
}

fn region(watch: &Watch<'_>, region: &region::Region, report: &RegionReport) -> Region {
    let [(_, ipv4), (_, ipv6)] = report.families;
    Region {
        name: report.name.clone(),
        jurisdiction: region.jurisdiction.to_string(),
        ipv4: service(ipv4),
        ipv6: service(ipv6),
        zones: report.zones.iter().map(|zone| availability_zone(watch, zone)).collect(),
    }
}

fn service(service: health::Service) -> Service {
    let (word, since) = match service {
        health::Service::Absent => ("absent", None),
        health::Service::In(_) => ("in", None),
        health::Service::Out { since, .. } => ("out", Some(rfc3339(since))),
    };
    let none = health::Count { up: 0, total: 0, needed: 0 };
    let health::Count { up, total, needed } = service.count().unwrap_or(none);
    Service { service: word, up, total, needed, since }
}

fn availability_zone(watch: &Watch<'_>, zone: &ZoneReport) -> AvailabilityZone {
    AvailabilityZone {
        name: zone.name.clone(),
        addresses: zone.addresses.iter().map(|report| address(watch, report)).collect(),
    }
}

fn address(watch: &Watch<'_>, report: &AddressReport) -> Address {
    let why =
        report.why.as_ref().map(|(canary, cause)| Why { canary: canary.clone(), failure: failure(cause) });
    let canaries = report.canaries.iter().filter_map(|canary| {
        // The report and the snapshot are of one configuration, so the canary is there.
        let settings = watch.canaries.iter().find(|settings| settings.name == canary.name)?;
        let seen = (watch.state.sources.last)(report.ip, &canary.name);
        Some(Canary {
            name: canary.name.clone(),
            kind: settings.check.kind(),
            state: canary.state.as_str(),
            since: rfc3339(canary.since),
            signals: seen
                .as_ref()
                .and_then(|seen| seen.signals)
                .map(|heard| signals(heard, settings, watch.now)),
            last: last(canary, seen, settings),
        })
    });
    Address {
        address: report.ip,
        state: report.state.as_str(),
        since: rfc3339(report.since),
        why,
        canaries: canaries.collect(),
    }
}

/// Returns the later one of what the report has and what was seen since.
fn last(report: &CanaryReport, seen: Option<Sighting>, settings: &canary::Canary) -> Option<Last> {
    let judged = report.last.map(|last| Sighting {
        at: last.at,
        latency: last.latency,
        result: match &report.failure {
            // The last failure is that of the last result when it was one.
            Some(failure) if !last.is_success => Err(failure.clone()),
            _ => Ok(()),
        },
        remark: None,
        signals: None,
    });
    // Of two that are equally late the second wins, which has been seen just now.
    let latest = judged.into_iter().chain(seen).max_by_key(|sighting| sighting.at)?;
    Some(Last {
        at: rfc3339(latest.at),
        ok: latest.result.is_ok(),
        latency_ms: latest.latency.as_secs_f64() * 1000.0,
        slow: latest.result.is_ok() && settings.is_slow(latest.latency),
        failure: latest.result.err().map(|cause| failure(&cause)),
        remark: latest.remark,
    })
}

/// Writes down what a service said of itself, unless it is too old to be believed.
fn signals(heard: Heard, settings: &canary::Canary, now: Moment) -> Signals {
    let stale = heard.is_stale(settings.interval, now);
    let known = if stale { canary::Signals::default() } else { heard.signals };
    Signals {
        at: rfc3339(heard.at),
        age_seconds: now.since(heard.at).as_secs(),
        stale,
        load: known.load,
        error_rate: known.error_rate,
        p95_latency_seconds: known.p95_latency_seconds,
        replication_lag_seconds: known.replication_lag_seconds,
        queue_depth: known.queue_depth,
        requests: known.requests,
    }
}

fn failure(failure: &canary::Failure) -> Failure {
    Failure { class: failure.class.as_str(), detail: failure.detail.clone() }
}

/// Writes a moment for people and programs: `2026-03-01T09:30:00.25Z`.
fn rfc3339(moment: Moment) -> String {
    let milliseconds = i64::try_from(moment.0).unwrap_or(i64::MAX);
    // What lies beyond the year 9999 comes from nonsense, such as a database's damaged build time.
    let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::MAX);
    time.to_string()
}
