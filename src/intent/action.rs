//! The actions that an operator may ask for, and their JSON form: in requests of the API and on disk.
//!
//! ```json
//! {"action": "shift", "target": "tokyo/tokyo-a", "percent": 50}
//! {"action": "force", "target": "tokyo/tokyo-a/192.0.2.1", "state": "down"}
//! {"action": "weights", "name": "api.example.com.", "weights": [{"region": "tokyo", "weight": 90}, …]}
//! ```
//!
//! Scenario scripts, logs and the page write an action as a [`sentence`](super::sentence).

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ForcedState, SafetyRule, form};
use crate::moment::{Moment, rfc3339};
use crate::region::{Failover, Target};
use crate::share::Share;
use crate::units::{Malformed, Percent};
use crate::zone::Name;

/// The most regions that clients of one name are divided between by weights.
pub const MAX_MEMBERS: usize = 8;

/// The largest weight: shares are drawn in hundredths of a percent.
pub const MAX_WEIGHT: u32 = 10_000;

/// The most steps of weights, as many as a ramp may have.
pub const MAX_STEPS: usize = 8;

/// The bounds of a capacity, relative to the configured one.
pub const CAPACITY: RangeInclusive<Percent> = Percent::of(1)..=Percent::of(MAX_CAPACITY);

const MAX_CAPACITY: u32 = 1000;

/// How long each step of weights is held when nothing else is said.
pub(super) const HOLD: Duration = Duration::from_secs(600);

/// An action that an operator may ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// A share of the clients of a region or zone goes elsewhere.
    Shift {
        /// `REGION`, `REGION/AZ` or, for `force` only, `REGION/AZ/ADDRESS`.
        target: Target,
        /// The share in percent, above 0; left out: all of them.
        #[serde(rename = "percent", with = "form::percent", default = "form::everyone")]
        #[schemars(with = "f64", range(min = 0.01, max = 100))]
        away: Share,
    },
    /// All of its clients go elsewhere, and `meridian drain-status` says when the last of them may be gone.
    Drain {
        /// `REGION` or `REGION/AZ`.
        target: Target,
    },
    /// It is in no answer, whatever happens to the others.
    Disable {
        /// `REGION` or `REGION/AZ`.
        target: Target,
    },
    /// Its health state is overridden: up or down.
    Force {
        /// `REGION`, `REGION/AZ` or, for `force` only, `REGION/AZ/ADDRESS`.
        target: Target,
        /// The state that it counts as.
        #[serde(rename = "state")]
        forced: ForcedState,
    },
    /// What the machine may do about regions that should leave.
    Failover {
        /// Left out: all regions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// What the machine may do.
        #[serde(rename = "mode")]
        failover: Failover,
    },
    /// A region leaves for which the machine only advised it, until it is well again.
    Approve {
        /// The name of the region.
        region: String,
    },
    /// A region can serve this much of what the configuration says.
    Capacity {
        /// The name of the region.
        region: String,
        /// In percent.
        #[schemars(with = "f64", range(min = 1, max = MAX_CAPACITY))]
        percent: Percent,
        /// From then on; left out: at once.
        #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>", extend("format" = "date-time"))]
        at: Option<Moment>,
    },
    /// Clients of a name whose way leads to one of these regions are divided between them.
    Weights {
        /// The owner name.
        #[serde(rename = "name", with = "form::name")]
        #[schemars(with = "String")]
        owner: Name,
        /// The regions with their weights; the last one is what `steps` raise.
        #[serde(rename = "weights", with = "form::weights")]
        #[schemars(with = "Vec<form::RegionWeight>", length(min = 2, max = MAX_MEMBERS))]
        members: Vec<(String, u32)>,
        /// The shares of the last region on its way up, in percent and growing; empty: the weights hold at once.
        #[serde(default, with = "form::percentages", skip_serializing_if = "Vec::is_empty")]
        #[schemars(with = "Vec<f64>", length(max = MAX_STEPS))]
        steps: Vec<Share>,
        /// How long each step is held, such as `10m`.
        #[serde(default = "usual_hold", with = "form::time_span")]
        #[schemars(with = "String")]
        hold: Duration,
    },
    /// A shift to learn from, which ends at the first sign of trouble.
    Drill {
        /// `REGION`, `REGION/AZ` or, for `force` only, `REGION/AZ/ADDRESS`.
        target: Target,
        /// The share in percent, above 0; left out: 10.
        #[serde(rename = "percent", with = "form::percent", default = "form::a_tenth")]
        #[schemars(with = "f64", range(min = 0.01, max = 100))]
        away: Share,
        /// What ends it early: `alarm`, `load>90%`, `error_rate>2%` or `p95>900ms`.
        #[serde(rename = "abort_when", default = "any_alarm")]
        abort: AbortRule,
    },
}

/// What ends a drill early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AbortRule {
    /// An alarm that did not stand when it began.
    Alarm,
    /// A region's load above this fraction of its capacity, or such an alarm.
    Load(f64),
    /// A region's error rate above this fraction, or such an alarm.
    ErrorRate(f64),
    /// A region's p95 latency above this, or such an alarm.
    P95(Duration),
}

/// What is wrong with what was asked for. Its message is the sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidAction(pub String);

impl From<Malformed> for InvalidAction {
    fn from(malformed: Malformed) -> Self {
        Self(malformed.to_string())
    }
}

impl Action {
    /// Checks what the types alone do not hold: bounds, and what must fit together.
    ///
    /// # Errors
    ///
    /// When it is outside the bounds of its fields.
    pub fn check(&self) -> Result<(), InvalidAction> {
        if let (Some(target), false) = (self.target(), matches!(self, Self::Force { .. }))
            && target.address().is_some()
        {
            return Err(InvalidAction(format!(
                "`{target}` is one address; only `force` takes one, so name a region or a zone"
            )));
        }
        match self {
            Self::Capacity { percent, .. } => Ok(Percent::within(&percent.to_string(), CAPACITY).map(drop)?),
            Self::Weights { members, steps, hold, .. } => check_weights(members, steps, *hold),
            _ => Ok(()),
        }
    }

    /// Returns the word that it begins with.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Shift { .. } => "shift",
            Self::Drain { .. } => "drain",
            Self::Disable { .. } => "disable",
            Self::Force { .. } => "force",
            Self::Failover { .. } => "failover",
            Self::Approve { .. } => "approve",
            Self::Capacity { .. } => "capacity",
            Self::Weights { .. } => "weights",
            Self::Drill { .. } => "drill",
        }
    }

    /// Returns the region, zone or address that it is about; `None`: a name, or all regions.
    pub fn target(&self) -> Option<Target> {
        match self {
            Self::Shift { target, .. }
            | Self::Drain { target }
            | Self::Disable { target }
            | Self::Force { target, .. }
            | Self::Drill { target, .. } => Some(target.clone()),
            Self::Failover { region, .. } => region.as_deref().map(Target::of_region),
            Self::Approve { region } | Self::Capacity { region, .. } => Some(Target::of_region(region)),
            Self::Weights { .. } => None,
        }
    }

    /// Returns the name of the region that it is about; `None`: a name, or all regions.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Shift { target, .. }
            | Self::Drain { target }
            | Self::Disable { target }
            | Self::Force { target, .. }
            | Self::Drill { target, .. } => Some(target.region()),
            Self::Failover { region, .. } => region.as_deref(),
            Self::Approve { region } | Self::Capacity { region, .. } => Some(region),
            Self::Weights { .. } => None,
        }
    }

    /// Returns the share of its clients that goes elsewhere, if it is one that keeps clients away.
    pub fn away(&self) -> Option<Share> {
        match self {
            Self::Shift { away, .. } | Self::Drill { away, .. } => Some(*away),
            Self::Drain { .. } | Self::Disable { .. } => Some(Share::ALL),
            Self::Force { .. }
            | Self::Failover { .. }
            | Self::Approve { .. }
            | Self::Capacity { .. }
            | Self::Weights { .. } => None,
        }
    }

    /// Returns whether clients come back step by step when it is over: those that it kept away, or that its region lost
    /// by being forced down. Those of one address of a region stay in the region.
    pub fn returns_by_ramp(&self) -> bool {
        match self {
            Self::Force { target, forced: ForcedState::Down } => target.address().is_none(),
            action => action.away().is_some(),
        }
    }

    /// Returns whether there may be only one of its kind at a time.
    pub fn is_alone(&self) -> bool {
        matches!(self, Self::Shift { .. } | Self::Drain { .. } | Self::Drill { .. })
    }

    /// Returns the safety rules that it can break, and that an operator can override.
    pub fn rules(&self) -> &'static [SafetyRule] {
        const OF_CLIENTS: &[SafetyRule] =
            &[SafetyRule::NoRegion, SafetyRule::MinInService, SafetyRule::HardLimit];
        match self {
            Self::Shift { .. } | Self::Drain { .. } | Self::Drill { .. } => &SafetyRule::ALL,
            Self::Disable { .. } | Self::Approve { .. } | Self::Force { forced: ForcedState::Down, .. } => {
                OF_CLIENTS
            }
            Self::Capacity { .. } | Self::Weights { .. } => &[SafetyRule::HardLimit],
            // What brings a region in, or only says what the machine may do, moves nobody where it must not.
            Self::Force { forced: ForcedState::Up, .. } | Self::Failover { .. } => &[],
        }
    }

    /// Returns how long it stands when nothing is said; `None`: until it is lifted.
    pub fn usual_time(&self) -> Option<Duration> {
        const HOUR: Duration = Duration::from_secs(3600);
        match self {
            Self::Shift { .. } | Self::Drain { .. } => Some(2 * HOUR),
            Self::Force { .. } | Self::Capacity { .. } => Some(6 * HOUR),
            Self::Drill { .. } => Some(HOUR / 2),
            Self::Disable { .. } | Self::Failover { .. } | Self::Approve { .. } | Self::Weights { .. } => {
                None
            }
        }
    }

    /// Returns when it begins that was asked for ahead; `None`: at once.
    pub fn begins_at(&self) -> Option<Moment> {
        match self {
            Self::Capacity { at, .. } => *at,
            Self::Shift { .. }
            | Self::Drain { .. }
            | Self::Disable { .. }
            | Self::Force { .. }
            | Self::Failover { .. }
            | Self::Approve { .. }
            | Self::Weights { .. }
            | Self::Drill { .. } => None,
        }
    }

    /// Returns the same, to begin at once.
    pub fn at_once(self) -> Self {
        match self {
            Self::Capacity { region, percent, .. } => Self::Capacity { region, percent, at: None },
            other => other,
        }
    }

    /// Returns whether another one is over when this is taken: one that this replaces, and any drill where people
    /// shift, drain or disable in earnest.
    pub fn ends(&self, other: &Self) -> bool {
        let is_earnest = matches!(self, Self::Shift { .. } | Self::Drain { .. } | Self::Disable { .. });
        self.replaces(other) || is_earnest && matches!(other, Self::Drill { .. })
    }

    /// Returns whether another one takes its place: it is about the same in the same way.
    pub fn replaces(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Weights { owner, .. }, Self::Weights { owner: before, .. }) => owner == before,
            (one, other) => {
                let is_same = one.word() == other.word() && one.target() == other.target();
                is_same && one.begins_at() == other.begins_at()
            }
        }
    }
}

/// Checks the parts of weights.
fn check_weights(members: &[(String, u32)], steps: &[Share], hold: Duration) -> Result<(), InvalidAction> {
    let is_twice =
        |(at, (name, _)): (usize, &(String, u32))| members[..at].iter().any(|(one, _)| one == name);
    if members.len() < 2 || members.len() > MAX_MEMBERS || members.iter().enumerate().any(is_twice) {
        return Err(InvalidAction(format!(
            "weights are for two to {MAX_MEMBERS} different regions, REGION=N each"
        )));
    }
    if let Some((region, weight)) = members.iter().find(|(_, weight)| *weight > MAX_WEIGHT) {
        return Err(InvalidAction(format!(
            "`{region}={weight}` is not REGION=N with N from 0 to {MAX_WEIGHT}"
        )));
    }
    if members.iter().all(|(_, weight)| *weight == 0) {
        return Err(InvalidAction("some weight must be above 0".to_owned()));
    }
    if steps.len() > MAX_STEPS || steps.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(InvalidAction(format!("the steps must grow, and be at most {MAX_STEPS}")));
    }
    match hold.is_zero() {
        true => Err(InvalidAction("each step of weights is held for some time".to_owned())),
        false => Ok(()),
    }
}

fn any_alarm() -> AbortRule {
    AbortRule::Alarm
}

fn usual_hold() -> Duration {
    HOLD
}
