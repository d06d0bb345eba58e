//! `/intents`, `/proposals`, `/failback`: requests of operators, and what became of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Timestamp;
use crate::intent::{Action, MAX_REASON, SafetyRule};
use crate::region::Target;
use crate::units::TimeSpan;

/// The largest body of a request: the longest intent and reason, with room for what JSON escapes.
pub const MAX_BODY: usize = 16 << 10;

/// The kinds of intents.
const KINDS: [&str; 9] =
    ["shift", "drain", "disable", "force", "failover", "approve", "capacity", "weights", "drill"];

/// The states of an intent.
const STATES: [&str; 6] = ["scheduled", "standing", "stepping", "overdue", "returning", "stuck"];

/// A reason: one line that is not blank.
const REASON: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";

/// A request for an intent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntentRequest {
    /// The action: `{"action": "shift", "target": "tokyo/tokyo-a", "percent": 50}`.
    pub intent: Action,
    /// Its duration, as in `2h`; left out: the usual one, or until it is lifted.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2h")]
    pub lasts: Option<TimeSpan>,
    /// The reason, for the audit log.
    #[schemars(length(max = MAX_REASON), regex(pattern = REASON), example = "a new kernel")]
    pub reason: String,
    /// The safety rules that are broken on purpose.
    #[serde(rename = "override", default)]
    #[schemars(example = ["one_at_a_time"])]
    pub overrides: Vec<SafetyRule>,
    /// Whether only to forecast it.
    #[serde(default)]
    pub dry_run: bool,
}

/// The approval of a proposal.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The reason, for the audit log.
    #[schemars(length(max = MAX_REASON), regex(pattern = REASON), example = "a new kernel")]
    pub reason: String,
    /// The safety rules that are broken on purpose.
    #[serde(rename = "override", default)]
    #[schemars(example = ["hard_limit"])]
    pub overrides: Vec<SafetyRule>,
    /// Whether only to forecast it.
    #[serde(default)]
    pub dry_run: bool,
}

/// An intent by its number, as a part of a path.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct IntentNumber {
    /// Number of the intent
    pub number: u64,
}

/// A proposal by its number, as a part of a path.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProposalNumber {
    /// Number of the proposal
    pub number: u64,
}

/// An intent to lift.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftQuery {
    /// Number of the intent
    pub number: u64,
    /// Whether its clients come back at once, and not step by step
    #[serde(default)]
    pub at_once: bool,
}

/// The intents in force and the open proposals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntentList {
    /// The intents in force, in the order of their numbers.
    pub intents: Vec<IntentStatus>,
    /// The proposals that wait for an approval.
    pub proposals: Vec<ProposalStatus>,
}

/// An intent in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IntentStatus {
    /// Its number.
    pub number: u64,
    /// Its kind: `shift`.
    #[schemars(extend("enum" = KINDS))]
    pub kind: String,
    /// All of it, as the commands write it.
    pub intent: String,
    /// The region, zone or address that it is about; `null`: all regions, or a name.
    pub target: Option<Target>,
    /// The percentage of the clients that it keeps away.
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<f64>,
    /// Its author.
    pub author: String,
    /// The author's reason.
    pub reason: String,
    /// The safety rules that it breaks on purpose.
    #[serde(rename = "override")]
    pub overrides: Vec<SafetyRule>,
    /// Its beginning.
    pub made_at: Timestamp,
    /// Its end; `null`: when it is lifted.
    pub until: Option<Timestamp>,
    /// Its state.
    #[schemars(extend("enum" = STATES))]
    pub state: String,
    /// The reason for which its clients stay away although it is over.
    pub why: Option<String>,
    /// The intent as one line.
    pub text: String,
}

/// A failover that the server advises and does not carry out without an approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalStatus {
    /// Its number.
    pub number: u64,
    /// The region that would leave.
    pub region: String,
    /// What an approval is about: of a region with services, which of them stay.
    pub text: String,
    /// Its beginning.
    pub at: Timestamp,
}

/// The outcome of a change, or of its dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeReply {
    /// The intent that it is about.
    pub intent: Option<IntentStatus>,
    /// The first snapshot with the change.
    pub snapshot: Option<u64>,
    /// The forecast of the change.
    pub forecast: Option<String>,
    /// The safety rules that it would break; only of a dry run.
    pub violations: Vec<RuleViolation>,
    /// The outcome as one line.
    pub text: String,
    /// The other instances, by name: each takes intents for itself, and has to be asked, too. Left out: there are none, or
    /// nothing was done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unasked: Vec<String>,
}

/// A safety rule that would be broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleViolation {
    /// The rule.
    pub rule: SafetyRule,
    /// What would happen, with the numbers.
    pub sentence: String,
}
