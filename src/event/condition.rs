//! Conditions: what begins with one event and ends with another.
//!
//! A condition is called by names, whatever its details and the numbering of a configuration are: an event that ends
//! one has the key of the event that began it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::canary::BlindCause;
use crate::config::Measure;
use crate::region::{Family, Target};
use crate::severity::Severity;

/// Something that stands from the event that raises it to the event that clears it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Every region that some clients of a name may be sent to is out.
    NoRegion {
        owner: String,
        /// The residency rule that binds those clients; `None`: all clients are concerned.
        rule: Option<String>,
        /// The family of the addresses that they would get.
        family: Family,
    },
    /// Clients of a name stay with a region that is down, for its `failover` is `off`.
    ClientsStay { region: Target, owner: String, family: Family },
    /// Clients of a region that is down stay with it, for no other region can bear them.
    Unborne(Target),
    /// A region that waits, ramps or is kept away takes clients whom the others cannot bear.
    ReserveUsed(Target),
    /// A region falls again and again, and is not quarantined because another one is.
    Flapping(Target, Family),
    /// A region should leave, and does not.
    Suppressed(Target, Family),
    /// A region or availability zone is out of the answers, or takes less than it should until an operator acts.
    Out(Target, Family),
    /// A canary that probes a region once has fallen.
    RegionCanary(Target),
    /// A region or availability zone fails its clients more than others do.
    Outlier(Target),
    /// An address is down.
    Address(Target),
    /// An advisory canary leaves an address or region only a share of its clients.
    Advisory(Target),
    /// A measure is beyond its limit, of a region or of the server.
    Threshold(Measure, Severity, Option<Target>),
    /// A region sends clients elsewhere because it is full.
    LoadShed(Target),
    /// An intent with this number is over, and its clients are not back.
    Intent(u64),
    /// This instance cannot probe, for this cause.
    Blind(BlindCause),
    /// This reference has not answered for so long that it does not count.
    Reference(String),
    /// The peer with this name is not heard.
    Peer(String),
    /// Observers disagree on a region.
    Disagreement(Target, Family),
    /// This name of an availability zone cannot be looked up.
    Host(String),
    /// The receiver of this webhook refuses events.
    Webhook(String),
    /// The configuration on disk is refused.
    ReloadFailed,
    /// Something else is served than the configuration directory holds.
    PassedOver,
    /// This file of the state directory could not be used, or cannot be written.
    StateFile(String),
    /// The wall clock was set.
    ClockSet,
    /// Queries are over the rate limits, of however many networks.
    Flood,
    /// The loss of a region would end badly.
    Redundancy,
}

impl Condition {
    /// Returns how severe its beginning is at most. An end is told to all who may have been told of the beginning, and
    /// does not say how severe that was.
    pub fn severity(&self) -> Severity {
        match self {
            Self::NoRegion { .. }
            | Self::Unborne(_)
            | Self::Suppressed(..)
            | Self::PassedOver
            | Self::StateFile(_) => Severity::Critical,
            Self::Threshold(_, level, _) => *level,
            Self::Blind(cause) => severity_of_blindness(*cause),
            Self::ClientsStay { .. }
            | Self::Out(..)
            | Self::RegionCanary(_)
            | Self::Outlier(_)
            | Self::Address(_)
            | Self::Advisory(_)
            | Self::LoadShed(_)
            | Self::ReserveUsed(_)
            | Self::Flapping(..)
            | Self::Intent(_)
            | Self::Reference(_)
            | Self::Peer(_)
            | Self::Disagreement(..)
            | Self::Host(_)
            | Self::Webhook(_)
            | Self::ReloadFailed
            | Self::ClockSet
            | Self::Flood
            | Self::Redundancy => Severity::Warning,
        }
    }

    /// Returns what it is about, if it is about one target.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::ClientsStay { region: target, .. }
            | Self::Unborne(target)
            | Self::Suppressed(target, _)
            | Self::Out(target, _)
            | Self::Disagreement(target, _)
            | Self::RegionCanary(target)
            | Self::Outlier(target)
            | Self::Address(target)
            | Self::Advisory(target)
            | Self::ReserveUsed(target)
            | Self::Flapping(target, _)
            | Self::LoadShed(target) => Some(target),
            Self::Threshold(_, _, target) => target.as_ref(),
            Self::NoRegion { .. }
            | Self::Intent(_)
            | Self::Blind(_)
            | Self::Reference(_)
            | Self::Peer(_)
            | Self::Host(_)
            | Self::Webhook(_)
            | Self::ReloadFailed
            | Self::PassedOver
            | Self::StateFile(_)
            | Self::ClockSet
            | Self::Flood
            | Self::Redundancy => None,
        }
    }

    /// Returns the family that it is about; `None`: both, or that is no matter.
    pub fn family(&self) -> Option<Family> {
        match self {
            Self::NoRegion { family, .. }
            | Self::ClientsStay { family, .. }
            | Self::Suppressed(_, family)
            | Self::Out(_, family)
            | Self::Flapping(_, family)
            | Self::Disagreement(_, family) => Some(*family),
            Self::Unborne(_)
            | Self::ReserveUsed(_)
            | Self::RegionCanary(_)
            | Self::Outlier(_)
            | Self::Address(_)
            | Self::Advisory(_)
            | Self::Threshold(..)
            | Self::LoadShed(_)
            | Self::Intent(_)
            | Self::Blind(_)
            | Self::Reference(_)
            | Self::Peer(_)
            | Self::Host(_)
            | Self::Webhook(_)
            | Self::ReloadFailed
            | Self::PassedOver
            | Self::StateFile(_)
            | Self::ClockSet
            | Self::Flood
            | Self::Redundancy => None,
        }
    }
}

/// Writes its key, which is the same in every process: `out/tokyo/IPv4`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRegion { owner, rule, family } => {
                write!(f, "no_region/{owner}/{family}")?;
                rule.iter().try_for_each(|rule| write!(f, "/{rule}"))
            }
            Self::ClientsStay { region, owner, family } => {
                write!(f, "clients_stay/{region}/{owner}/{family}")
            }
            Self::Unborne(target) => write!(f, "unborne/{target}"),
            Self::ReserveUsed(target) => write!(f, "reserve/{target}"),
            Self::Flapping(target, family) => write!(f, "flapping/{target}/{family}"),
            Self::Suppressed(target, family) => write!(f, "suppressed/{target}/{family}"),
            Self::Out(target, family) => write!(f, "out/{target}/{family}"),
            Self::RegionCanary(target) => write!(f, "region_canary/{target}"),
            Self::Outlier(target) => write!(f, "outlier/{target}"),
            Self::Address(target) => write!(f, "address/{target}"),
            Self::Advisory(target) => write!(f, "advisory/{target}"),
            Self::Threshold(measure, level, target) => {
                write!(f, "{}/{}", measure.as_str(), level.as_str())?;
                target.iter().try_for_each(|target| write!(f, "/{target}"))
            }
            Self::LoadShed(target) => write!(f, "load/{target}"),
            Self::Intent(number) => write!(f, "intent/{number}"),
            Self::Blind(cause) => write!(f, "blind/{}", cause.as_str()),
            Self::Reference(name) => write!(f, "reference/{name}"),
            Self::Peer(name) => write!(f, "peer/{name}"),
            Self::Disagreement(target, family) => write!(f, "disagreement/{target}/{family}"),
            Self::Host(name) => write!(f, "host/{name}"),
            Self::Webhook(name) => write!(f, "webhook/{name}"),
            Self::ReloadFailed => f.write_str("reload"),
            Self::PassedOver => f.write_str("passed_over"),
            Self::StateFile(file) => write!(f, "state/{file}"),
            Self::ClockSet => f.write_str("clock"),
            Self::Flood => f.write_str("flood"),
            Self::Redundancy => f.write_str("redundancy"),
        }
    }
}

/// What an event does to a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConditionMark {
    /// The key of the condition: `out/tokyo/IPv4`.
    pub key: String,
    /// How severe its beginning is at most.
    pub severity: Severity,
    /// Whether the event ends it, and does not begin it.
    pub is_over: bool,
}

/// The incident that an event belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentMark {
    /// Its number in this process.
    pub id: u64,
    /// What it has in common with the same incident of another process, or at another time: `region/tokyo`.
    pub key: String,
    /// How severe it has been at most.
    pub severity: Severity,
    /// Whether the event ends it.
    pub is_over: bool,
}

/// Returns how severe blindness is. A family that a machine never had is known to its operator, who only has to be told
/// what follows; all else came about just now.
fn severity_of_blindness(cause: BlindCause) -> Severity {
    match cause {
        BlindCause::NoIpv6 => Severity::Warning,
        BlindCause::NoRoute
        | BlindCause::LinkDown
        | BlindCause::GatewaySilent
        | BlindCause::OutOfDescriptors
        | BlindCause::NotPermitted
        | BlindCause::Prohibited
        | BlindCause::NoSourceAddress
        | BlindCause::OutOfMemory
        | BlindCause::ResolverSilent => Severity::Critical,
    }
}
