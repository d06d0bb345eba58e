//! The page `/status`: the fields that scripts and dashboards may rely on.
//!
//! Fields are only added. A moment is text in RFC 3339, in UTC; what is not known or does not apply is
//! `null`, never left out.

mod canary;
mod region;
mod telling;

use schemars::JsonSchema;
use serde::Serialize;

pub use canary::{Canary, Failure, Last, Signals, Why};
pub(super) use region::summary;
pub use region::{Address, AvailabilityZone, Course, Region, Service, Summary, Vitals};
pub use telling::{Events, Webhook};

use super::{Loaded, State};
use crate::geo;
use crate::moment::Moment;
use crate::zone::{self, RData, RecordType};
use canary::Watch;

/// The whole page.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Status")]
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
    /// The event log.
    pub events: Events,
    /// Who is told of events over HTTP, by name.
    pub webhooks: Vec<Webhook>,
}

/// What queries are answered from.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "SnapshotInForce")]
pub struct Snapshot {
    /// Its number; it starts anew with each process.
    pub number: u64,
    /// When it was published.
    #[schemars(extend("format" = "date-time"))]
    pub published_at: String,
}

/// A zone.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Geo {
    /// The file of the database.
    pub database: Option<String>,
    /// The type that the database states, for example `GeoLite2-City`.
    pub kind: Option<String>,
    /// When it was built.
    #[schemars(extend("format" = "date-time"))]
    pub built_at: Option<String>,
    /// How long ago that was.
    pub age_seconds: Option<u64>,
    /// How many classes of clients are told apart.
    pub classes: usize,
    /// How much memory the table of addresses takes, about.
    pub memory_bytes: usize,
}

/// What the operator wrote.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Configuration {
    /// Its directory.
    pub directory: String,
    /// When the configuration in force was loaded.
    #[schemars(extend("format" = "date-time"))]
    pub loaded_at: String,
    /// When the last attempt to load another one failed; `null` when it did not.
    #[schemars(extend("format" = "date-time"))]
    pub failed_at: Option<String>,
    /// What was wrong with that one, as `meridian check` prints it; empty when nothing was.
    pub problems: Vec<String>,
}

/// Writes down what is the case now.
pub(super) fn page(state: &State) -> Page {
    let now = (state.sources.now)();
    let (seen, loaded) = (state.seen.load(), state.loaded.load());
    let config = &seen.snapshot.base.config;
    // The report and the snapshot are of one configuration, so their regions go together.
    let regions = config.regions.iter().zip(&seen.report.regions);
    let told = state.metrics.telling.told();
    let watch = Watch { state, canaries: &config.canaries, now };
    Page {
        server: config.server.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: now.since(state.started_at).as_secs(),
        snapshot: Snapshot { number: seen.snapshot.number, published_at: rfc3339(seen.published_at) },
        zones: config.zones.iter().map(zone).collect(),
        geo: geo(&loaded, &seen.snapshot.base.table, now),
        configuration: configuration(&loaded),
        alarms: seen.report.alarms.iter().map(|alarm| alarm.event.text.clone()).collect(),
        regions: regions.map(|((_, region), report)| region::region(&watch, region, report)).collect(),
        events: telling::events(&told),
        webhooks: telling::webhooks(told),
    }
}

/// Writes down what is the case now with one region; `None`: there is none of this name.
pub(super) fn region(state: &State, name: &str) -> Option<Region> {
    let seen = state.seen.load();
    let config = &seen.snapshot.base.config;
    let mut regions = config.regions.iter().zip(&seen.report.regions);
    let ((_, region), report) = regions.find(|((_, region), _)| region.name == name)?;
    let watch = Watch { state, canaries: &config.canaries, now: (state.sources.now)() };
    Some(region::region(&watch, region, report))
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

/// Writes a moment for people and programs: `2026-03-01T09:30:00.25Z`.
pub(super) fn rfc3339(moment: Moment) -> String {
    let milliseconds = i64::try_from(moment.0).unwrap_or(i64::MAX);
    // What lies beyond the year 9999 comes from nonsense, such as a database's damaged build time.
    let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::MAX);
    time.to_string()
}
