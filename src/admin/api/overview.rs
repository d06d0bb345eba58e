//! `/overview`: what is seen at a glance, small whatever the number of addresses, because every browser gets it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{IntentList, RegionSummary, SnapshotStatus, Timestamp, TransferStatus};
use crate::alarm::Incident;
use crate::event::Event;
use crate::health::Phase;

/// Everything at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// The name of this instance.
    pub server: String,
    /// The version of the program.
    pub version: String,
    /// The start of the process: numbers of events and snapshots hold within one life.
    pub started_at: Timestamp,
    /// The snapshot that queries are answered from.
    pub snapshot: SnapshotStatus,
    /// How clients fare, in a sentence; the times in it are in UTC.
    #[serde(default)]
    pub summary: String,
    /// The steered names, the first hundred.
    pub names: Vec<String>,
    /// The open incidents, the most severe first.
    pub incidents: Vec<Incident>,
    /// The standing alarms, one sentence each. Each belongs to an incident.
    pub alarms: Vec<String>,
    /// The problems of the last attempt to load another configuration, if it failed.
    pub problems: Vec<String>,
    /// The regions, in the order of the configuration.
    pub regions: Vec<RegionOverview>,
    /// The type that the location database states, for its attribution: `Meridian-World`; `null`: there is none.
    #[serde(default)]
    pub location_database: Option<String>,
    /// The loads at which regions shed clients.
    #[serde(default)]
    pub load_limits: LoadLimits,
    /// The zones that secondaries are given, the first twenty; left out: none are, and nothing asked for one.
    #[serde(default, skip_serializing_if = "TransferStatus::is_empty")]
    pub transfers: TransferStatus,
    /// The other instances that judge health with this one, by name; left out: it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<PeerOverview>,
    /// The intents in force and the open proposals.
    #[serde(flatten)]
    pub intents: IntentList,
}

/// Another instance at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerOverview {
    /// Its name.
    pub name: String,
    /// `heard`, `silent` or `lost`, as in `/status`.
    #[schemars(extend("enum" = ["heard", "silent", "lost"]))]
    pub state: String,
    /// The beginning of its present stream, or the end of the last one.
    pub since: Timestamp,
    /// Why it is not heard; `null`: it is.
    pub trouble: Option<String>,
    /// The version of its program; `null`: it was never heard.
    #[serde(default)]
    pub version: Option<String>,
    /// The region in which it runs; `null`: outside of all.
    #[serde(default)]
    pub region: Option<String>,
    /// Whether it has the same configuration, without `server.yaml`, as it said when it was heard; `null`: it never was.
    #[serde(default)]
    pub same_configuration: Option<bool>,
}

/// A region at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionOverview {
    /// The region in a line, as in `/status`.
    #[serde(flatten)]
    pub summary: RegionSummary,
    /// The worse phase of its families.
    pub phase: Phase,
    /// Its mark on the map: its phase; `withdrawn` while only operators keep it from serving; and while it serves,
    /// `degraded` when its clients' requests keep some of them away, `limited` when one of its zones takes fewer clients
    /// than all, `blind` when this instance cannot see all of it.
    pub look: String,
    /// Whether it or one of its zones is held or quarantined, so that `failback` would let it back.
    pub awaits_failback: bool,
    /// The colour of its clients' countries on the map.
    pub colour: String,
    /// Its zones that take fewer clients than all for a reason of their own, or that this instance cannot see:
    /// `tokyo-a ramp at 10%`, `tokyo-b blind`.
    #[serde(default)]
    pub notable_zones: Vec<String>,
    /// The numbers of it that are out of line, each with why.
    #[serde(default)]
    pub out_of_line: Vec<OutOfLine>,
    /// How dense the dots are over that colour, where more regions than colours are: 0 for none.
    #[serde(default)]
    pub texture: u8,
}

/// A number of a region that is out of line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutOfLine {
    /// Which number.
    #[schemars(extend("enum" = ["load", "p95", "errors", "away", "up"]))]
    pub number: String,
    /// Why, in a few words: `above the soft limit of 80%`.
    pub why: String,
}

/// The loads at which a region sheds clients, as fractions of its capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadLimits {
    /// Above it the region sends clients elsewhere, step by step.
    pub soft: f64,
    /// No region is given clients beyond it.
    pub hard: f64,
}

/// Everything at a glance, and the last events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OverviewWithEvents {
    /// Everything at a glance.
    #[serde(flatten)]
    pub overview: Overview,
    /// The last events, the oldest first.
    pub events: Vec<Event>,
}
