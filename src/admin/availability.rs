//! What `/availability` answers: for how long everything was up, as it was measured.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::State;
use crate::availability::log::{AvailabilitySummary, DAYS, LogSubject};

/// How many days are told unless it is said.
pub const USUAL_DAYS: u64 = 30;

/// The parameters, as they stand in the URL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    #[serde(default = "usual")]
    days: u64,
}

fn usual() -> u64 {
    USUAL_DAYS
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// Over how many days (UTC), today included.
    pub days: u64,
    /// The names, then the regions, the availability zones and the addresses.
    pub subjects: Vec<Row>,
}

/// What was measured of one subject. Whatever nobody observed counts neither as up nor as down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// `name`, `region`, `zone` or `address`.
    pub kind: Kind,
    /// What it is called: `tokyo/tokyo-a/192.0.2.1`.
    pub subject: String,
    /// The region that it is or is in; `null` for names.
    pub region: Option<String>,
    /// The zone that it is or is in.
    pub zone: Option<String>,
    /// The address that it is.
    pub address: Option<IpAddr>,
    /// The share of the time observed in which it was up; `null`: it was not observed.
    pub uptime_percent: Option<f64>,
    /// For how long it was observed.
    pub observed_hours: f64,
    /// For how long it was down, from the first failed probe of each fall.
    pub downtime_minutes: f64,
    /// How many falls there were.
    pub incidents: u64,
    /// The mean time from the first failed probe to the verdict; `null`: there was none.
    pub detect_seconds: Option<f64>,
    /// The mean time from the verdict to the answers without it.
    pub decide_seconds: Option<f64>,
    /// The mean time from the first failed probe until it was back.
    pub recover_seconds: Option<f64>,
    /// Whether it is down now.
    pub is_down: bool,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A steered name: down while some class of its clients had no region that was up.
    Name,
    /// A region: down while it served nobody of its own.
    Region,
    /// An availability zone.
    Zone,
    /// An address.
    Address,
}

impl Parameters {
    /// Returns for how many days, or a sentence that says what to write.
    pub(super) fn check(&self) -> Result<u64, String> {
        match self.days {
            days @ 1..=DAYS => Ok(days),
            _ => Err(usage(&format!("`days` goes from 1 to {DAYS}"))),
        }
    }
}

/// Completes what is wrong with how it would be right.
pub(super) fn usage(wrong: &str) -> String {
    format!("{wrong}; write /availability?days=30")
}

/// Writes down what was measured.
pub(super) fn page(state: &State, days: u64) -> Page {
    let now = (state.sources.now)();
    let seen = state.seen.load_full();
    let subjects =
        seen.report.availability.summaries(days, now).map(|(subject, summary)| row(subject, &summary));
    Page { days, subjects: subjects.collect() }
}

fn row(subject: &LogSubject, summary: &AvailabilitySummary) -> Row {
    let (kind, text, region, zone, address) = match subject {
        LogSubject::Name(name) => (Kind::Name, name.clone(), None, None, None),
        LogSubject::Region(region) => (Kind::Region, region.clone(), Some(region), None, None),
        LogSubject::Zone(region, zone) => {
            (Kind::Zone, format!("{region}/{zone}"), Some(region), Some(zone), None)
        }
        LogSubject::Address(region, zone, ip) => {
            (Kind::Address, format!("{region}/{zone}/{ip}"), Some(region), Some(zone), Some(*ip))
        }
    };
    let seconds = |time: Option<std::time::Duration>| time.map(|time| time.as_secs_f64());
    Row {
        kind,
        subject: text,
        region: region.cloned(),
        zone: zone.cloned(),
        address,
        uptime_percent: summary.uptime_percent(),
        observed_hours: summary.observed.as_secs_f64() / 3600.0,
        downtime_minutes: summary.down.as_secs_f64() / 60.0,
        incidents: summary.incidents,
        detect_seconds: seconds(summary.detect),
        decide_seconds: seconds(summary.decide),
        recover_seconds: seconds(summary.recover),
        is_down: summary.is_down,
    }
}
