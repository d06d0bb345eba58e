//! What commands print of several instances: not a route, for no instance knows of the others.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DrainStatus, FileDigest, NameAnswers, Timestamp};

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

/// What instances have in common, and what differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstancesComparison {
    /// What differs, causes before what follows of them.
    pub differences: Vec<InstanceDifference>,
    /// What each instance said.
    pub instances: Vec<InstanceAnswer<InstanceFacts>>,
}

/// Something that differs between instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceDifference {
    /// What differs: `configuration, regions.yaml`.
    pub subject: String,
    /// What it is at each instance.
    pub values: Vec<InstanceValue>,
}

/// What something is at an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceValue {
    /// The admin address of the instance, as it was given.
    pub instance: String,
    /// What it is; `null`: the instance has no such thing.
    pub value: Option<String>,
}

/// What is compared of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceFacts {
    /// The name of the instance.
    pub server: String,
    /// The version of the program.
    pub version: String,
    /// By how much its clock is ahead of that of the machine which asked.
    pub clock_ahead_seconds: f64,
    /// The error of that: half of the time that the question took.
    pub clock_error_seconds: f64,
    /// The files of its configuration, without `server.yaml`.
    pub files: Vec<FileDigest>,
    /// The problems of its last attempt to load another configuration, if it failed.
    pub problems: Vec<String>,
    /// The SHA-256 of its database; `null`: it has none.
    pub database_sha256: Option<String>,
    /// The SHA-256 of its ASN database; `null`: it has none.
    pub asn_sha256: Option<String>,
    /// The SHA-256 of its `geo.networks`; `null`: it has none.
    pub networks_sha256: Option<String>,
    /// The moment at which its database was built.
    pub database_built_at: Option<Timestamp>,
    /// Its steered names with a digest of what they answer: the first thousand.
    pub answers: Vec<NameAnswers>,
    /// Its intents, as the commands write them, each with its state.
    pub intents: BTreeMap<String, String>,
}
