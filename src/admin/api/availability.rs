//! `/availability`: measured uptime of names, regions, zones and addresses.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::availability::log::DAYS;

/// The days of an answer unless the query says otherwise.
pub const USUAL_DAYS: u64 = 30;

/// The period to show.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailabilityQuery {
    /// Number of days (UTC), today included
    #[serde(default = "usual_days")]
    #[schemars(range(min = 1, max = DAYS))]
    pub days: u64,
}

fn usual_days() -> u64 {
    USUAL_DAYS
}

/// Measured availability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AvailabilityTable {
    /// The number of days (UTC), today included.
    pub days: u64,
    /// The names, then the regions, the availability zones and the addresses.
    pub subjects: Vec<AvailabilityRow>,
}

/// The measured availability of one subject. Time without observations counts neither as up nor as down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AvailabilityRow {
    /// The kind of the subject.
    pub kind: RowKind,
    /// Its name: `tokyo/tokyo-a/192.0.2.1`.
    pub subject: String,
    /// The region that it is or is in; `null` for names.
    pub region: Option<String>,
    /// The zone that it is or is in.
    pub zone: Option<String>,
    /// The address that it is.
    pub address: Option<IpAddr>,
    /// The share of the observed time in which it was up; `null` without observations.
    pub uptime_percent: Option<f64>,
    /// The observed time.
    pub observed_hours: f64,
    /// The time in which it was down, from the first failed probe of each fall.
    pub downtime_minutes: f64,
    /// The number of falls.
    pub incidents: u64,
    /// The mean time from the first failed probe to the verdict; `null` without a fall.
    pub detect_seconds: Option<f64>,
    /// The mean time from the verdict to the answers without it.
    pub decide_seconds: Option<f64>,
    /// The mean time from the first failed probe to the return.
    pub recover_seconds: Option<f64>,
    /// Whether it is down now.
    pub is_down: bool,
}

/// The kind of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// A steered name: down while some class of its clients has no region that is up.
    Name,
    /// A region: down while it serves none of its own clients.
    Region,
    /// An availability zone.
    Zone,
    /// An address.
    Address,
}
