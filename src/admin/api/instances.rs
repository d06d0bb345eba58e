//! What commands print of several instances: not a route, for no instance knows of the others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DrainStatus;

/// What one of several instances answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceAnswer<A> {
    /// The admin address of the instance, as it was given.
    pub instance: String,
    /// Its answer; `null`: none.
    pub answer: Option<A>,
    /// The reason for which there is none.
    pub error: Option<String>,
}

/// The progress of an intent that sends clients away, over several instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JointDrainStatus {
    /// Whether all clients are gone from all instances.
    pub is_over: bool,
    /// The time until the last resolver of the last instance may hold an address; 0 when it has passed, `null` while one
    /// of them gives addresses out or may do so.
    pub seconds_left: Option<f64>,
    /// The reason for which it is over, or is not.
    pub why: String,
    /// The instances, in the order in which they were named.
    pub instances: Vec<InstanceDrainStatus>,
}

/// The part that one instance has in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceDrainStatus {
    /// The admin address of the instance, as it was given.
    pub instance: String,
    /// Whether all clients are gone from this instance, as far as that may be known.
    pub is_over: bool,
    /// The time until a resolver of this instance may hold an address; an instance that cannot be asked counts with the
    /// longest time that it may be.
    pub seconds_left: Option<f64>,
    /// The time since the instance was last heard, if it cannot be asked.
    pub silent_seconds: Option<f64>,
    /// The reason for which it is over, or is not.
    pub why: String,
    /// What the instance said last; `null`: nothing.
    pub status: Option<DrainStatus>,
}
