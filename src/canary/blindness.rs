//! Blindness: what keeps this machine from probing, which says nothing of what was to be probed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CanaryId, Epoch, Failure, Observation, ReferenceSighting, Subject};
use crate::moment::Moment;

/// Why a probe was no success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeError {
    /// What was probed failed, or the way to it beyond this machine and its gateway.
    Failed(Failure),
    /// This machine could not probe.
    Blind(Blindness),
}

impl From<Failure> for ProbeError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What keeps this machine from probing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blindness {
    /// The cause, which alarms and metrics go by.
    pub cause: BlindCause,
    /// What exactly is missing, for people: `no route to 192.0.2.1`.
    pub detail: String,
}

/// The causes of blindness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlindCause {
    /// The kernel has no IPv6, or no interface has an address of it beyond its own link.
    NoIpv6,
    /// No route leads to the address, or one that forbids it.
    NoRoute,
    /// The interface that leads to the address is down or has no carrier.
    LinkDown,
    /// The gateway that leads to the address does not answer on its link.
    GatewaySilent,
    /// The process, or the system, has no file descriptor left.
    OutOfDescriptors,
    /// A firewall or security module of this machine forbids it.
    NotPermitted,
    /// The kernel says that it is forbidden, by its own rules or by those of a router on the way.
    Prohibited,
    /// There is no source address or port left to connect from.
    NoSourceAddress,
    /// The kernel has no memory for it.
    OutOfMemory,
    /// The name servers of the system do not answer.
    ResolverSilent,
}

impl BlindCause {
    /// Every cause, in the order in which metrics list them.
    pub const ALL: [Self; 10] = [
        Self::NoIpv6,
        Self::NoRoute,
        Self::LinkDown,
        Self::GatewaySilent,
        Self::OutOfDescriptors,
        Self::NotPermitted,
        Self::Prohibited,
        Self::NoSourceAddress,
        Self::OutOfMemory,
        Self::ResolverSilent,
    ];

    /// Returns the word that metrics, `/status` and alarms use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoIpv6 => "no_ipv6",
            Self::NoRoute => "no_route",
            Self::LinkDown => "link_down",
            Self::GatewaySilent => "gateway_silent",
            Self::OutOfDescriptors => "out_of_descriptors",
            Self::NotPermitted => "not_permitted",
            Self::Prohibited => "prohibited",
            Self::NoSourceAddress => "no_source_address",
            Self::OutOfMemory => "out_of_memory",
            Self::ResolverSilent => "resolver_silent",
        }
    }
}

/// A probe that this machine could not make: it counts neither for nor against anything.
#[derive(Clone, Debug, PartialEq)]
pub struct BlindProbe {
    /// The numbering that `subject` and `canary` belong to.
    pub epoch: Epoch,
    /// What was to be probed.
    pub subject: Subject,
    /// The canary that was to probe it.
    pub canary: CanaryId,
    /// When the attempt ended.
    pub at: Moment,
    /// What kept it from being made.
    pub blindness: Blindness,
}

/// What a probe brings home.
#[derive(Clone, Debug, PartialEq)]
pub enum ProbeReport {
    /// It saw what it probed.
    Seen(Observation),
    /// It saw nothing.
    Blind(BlindProbe),
    /// It was a probe of a reference.
    Reference(ReferenceSighting),
}
