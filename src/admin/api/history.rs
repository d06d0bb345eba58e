//! `/history`: events in the memory of the server, drills, the age of the last good drill of each region, and the
//! generations of the configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Timestamp;
use crate::event::Event;
use crate::intent::DrillOutcome;
use crate::region::Target;

/// The most events of one answer: all that are kept in memory.
pub const MAX_EVENTS: usize = 1000;

/// Which events and drills to show.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// Maximum number of events, and of drills
    #[serde(default = "usual_limit")]
    #[schemars(range(min = 1, max = MAX_EVENTS))]
    pub limit: usize,
    /// Only events of this kind; `drill` includes `drill_succeeded`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255), example = &"drill")]
    pub kind: Option<String>,
    /// Whether to include events without an author
    #[serde(default)]
    pub all: bool,
}

fn usual_limit() -> usize {
    100
}

/// Events and drills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventsAndDrills {
    /// The events, the latest last.
    pub events: Vec<Event>,
    /// The drills, the latest last.
    pub drills: Vec<DrillRecord>,
    /// The last good drill of each region, in the order of the configuration, and of the zones that had one.
    pub last_good_drills: Vec<LastGoodDrill>,
    /// The last ten generations of the configuration, the latest last: that one is in force.
    pub generations: Vec<GenerationEntry>,
}

/// A generation by its number, as a part of a path.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GenerationNumber {
    /// Number of the generation
    #[schemars(example = 7)]
    pub number: u64,
}

/// A generation of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GenerationEntry {
    /// Its number, unique in the state directory.
    pub number: u64,
    /// The moment at which the state directory was begun or restored: of two generations of two instances, the later one
    /// has the later epoch, or the greater number.
    pub epoch: Timestamp,
    /// The instance that made it.
    pub origin: String,
    /// The moment at which it was accepted.
    pub made_at: Timestamp,
    /// What made it: `directory`, `rollback to 5`, `restore of 7`.
    pub cause: String,
    /// The operator of a rollback, or the one who brought the commit to this machine.
    pub author: Option<String>,
    /// The commit that was checked out in the configuration directory.
    pub commit: Option<String>,
    /// The SHA-256 of the names and digests of its files.
    pub sha256: String,
    /// How it differs from the one before.
    pub changes: String,
    /// Whether its content is kept, so that there is a way back to it.
    pub is_kept: bool,
}

/// A drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrillRecord {
    /// The number of its intent.
    pub number: u64,
    /// The intent, as the commands write it.
    pub intent: String,
    /// The region or zone.
    pub target: Target,
    /// The percentage of the clients that it kept away.
    pub percent: f64,
    /// Its duration, as in `30m`.
    #[serde(rename = "for")]
    pub lasts: Option<String>,
    /// Its author.
    pub author: String,
    /// The author's reason.
    pub reason: String,
    /// Its beginning.
    pub began_at: Timestamp,
    /// The moment at which its outcome was known; `null`: it is pending.
    pub ended_at: Option<Timestamp>,
    /// Its outcome.
    pub outcome: DrillOutcome,
    /// The reason of an outcome that is not the usual one.
    pub why: Option<String>,
    /// The drill as one line.
    pub text: String,
}

/// The age of the last good drill of a region or zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastGoodDrill {
    /// The region or zone.
    pub target: Target,
    /// Its end; `null`: there was none.
    pub ended_at: Option<Timestamp>,
    /// Its age.
    pub age_seconds: Option<u64>,
    /// The age as one line: `12 days ago, 10 % for 30m, succeeded`.
    pub text: String,
}
