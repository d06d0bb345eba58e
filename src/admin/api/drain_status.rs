//! `/intents/NUMBER/drain-status`: when the last client may be gone from where an intent sends clients away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Timestamp;
use crate::region::Target;

/// The progress of an intent that sends clients away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DrainStatus {
    /// The number of the intent.
    pub intent: u64,
    /// The name of the instance that says so. It speaks for itself: what others answer it does not know.
    pub instance: String,
    /// The region or zone that clients are sent away from.
    pub target: Target,
    /// The last moment at which a resolver may lawfully hold one of its addresses; `null` while answers contain one.
    pub last_lawful: Option<Timestamp>,
    /// The time until then; 0 when it has passed.
    pub seconds_left: Option<f64>,
    /// The longest time for which a resolver may keep an address that a steered name answers with: the longest TTL.
    pub longest_seconds: f64,
    /// Whether an answer still contains one of its addresses.
    pub still_given_out: bool,
    /// Its addresses in the answers of steered names.
    pub given_out: Vec<String>,
    /// The static names that hold one of its addresses.
    pub static_names: Vec<String>,
    /// The load that it reports; `null` without a report.
    pub load: Option<f64>,
    /// The part of the load at the beginning that is gone, 0 to 1; `null` when it is not known.
    pub moved_share: Option<f64>,
    /// The resolvers that got one of its addresses since the intent is in force, or since the server was started.
    pub resolvers: ResolversLeft,
    /// Whether its clients are on their way back.
    pub is_returning: bool,
    /// Whether all clients are gone.
    pub is_over: bool,
    /// The reason for which it is over, or is not.
    pub why: String,
}

/// The resolvers that still get an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResolversLeft {
    /// Their number.
    pub count: usize,
    /// Whether there are more, which are not told apart.
    pub is_more: bool,
    /// The busiest.
    pub sample: Vec<ResolverAnswers>,
}

/// A resolver that still gets an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResolverAnswers {
    /// Its address, or its /64.
    pub resolver: String,
    /// The number of its answers with an address.
    pub answers: u64,
}
