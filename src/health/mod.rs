//! Judges addresses, availability zones and regions: turns observations into verdicts.
//!
//! Each canary of an address counts for itself ([`Streak`]); the address is as bad as the worst of those
//! that are critical ([`Board`]):
//!
//! ```text
//!              first failure             fall-th failure in a row
//!   unknown ───────────────▶ suspect ───────────────────────────▶ down ◀─────────────┐
//!      │                      │   ▲                                │                 │
//!      │ success      success │   │ failure          first success │                 │ failure
//!      │                      ▼   │                                ▼                 │
//!      └────────────────────▶  up  ◀─────────────────────────── rising ──────────────┘
//!                                      rise-th success in a row
//! ```
//!
//! With `fall: 1` nothing is ever suspect, with `rise: 1` nothing rises. An address counts as up until
//! it is down, and as down until it is up: unknown and suspect addresses keep their traffic, rising
//! ones do not get it back yet. An address that no canary watches is always up. A probe that this machine could not
//! make is in no place of this picture ([`BlindSpot`]): it leaves everything as it was.
//!
//! From addresses to zones and regions it goes by [`Sites`]: each follows a [`RecoveryState`], which says how it
//! leaves and how it comes back; what keeps a region from leaving, or from leaving whole, is one table
//! (`sites/suppress.rs`, [`Suppression`]); and it may be degraded for failing its clients though not its canaries (`outlier`). What comes of all
//! this is the [`Status`] of each, which a [`View`] carries to steering, alarms and reports.
//!
//! Where several instances judge together ([`Observers`]), all of this is judged on the board that they have in common, by
//! the rule of the [`quorum`].
//!
//! Everything here is a function of the observations and of time: the time of a change is the time of the
//! observation, or the tick of a clock, that made it. When to probe is [`pace`]; what outlives the process is [`Memory`]; for how long what was up is the log of [`availability`](crate::availability).

mod address;
mod board;
mod correlation;
mod evidence;
#[cfg(test)]
pub(crate) mod fixture;
mod lag;
mod memory;
mod observers;
mod outlier;
pub mod pace;
mod path;
mod quorum;
mod recovery;
mod reference;
mod site;
mod sites;
mod status;
mod streak;
mod suppression;
mod tally;
mod view;
mod vitals;

pub use address::{AddressHealth, BlindSpot, CanaryRecord, Cause, LastResult, RememberedFall};
pub use board::{Board, StateChange};
pub use evidence::is_cut_off;
pub use lag::{LagChange, LagGates};
pub use memory::{
    Adoption, DrawnClients, FRESH_FOR, Memory, RememberedDemand, RememberedGrade, RememberedGuests,
    RememberedRecovery,
};
pub use observers::{
    FRESH_WITHIN, Fact, FactKey, JointSights, Link, LostPeer, Observer, ObserverRules, Observers, PeerHello,
    PeerNews, PeerReport, RegionSights, Sight, own_facts,
};
pub use outlier::{OutlierGrade, Standout, compared};
pub use quorum::{DownQuorum, Vote, joint_state};
#[cfg(test)]
pub(crate) use recovery::Stage;
pub use recovery::{Assessment, FALLS_TO_QUARANTINE, RecoveryState, Surroundings};
pub use reference::{COUNTS_FOR, Reference, ReferenceBoard};
pub use site::{PhaseChange, vitals};
pub use sites::{Exit, Sites, VELOCITY_PERIOD};
pub use status::{LIMITED, Phase, SiteShare, Status, WITHDRAWN, limited_zones};
pub use streak::Streak;
pub use suppression::Suppression;
pub use view::{HealthTerms, View};
pub use vitals::Vitals;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// Where an address or one of its canaries stands in the picture above, from what says least against
/// it to what says most: an address is in the worst of its canaries' states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AddressState {
    /// No probe has come back yet.
    Unknown,
    /// The last probe succeeded.
    Up,
    /// The last probes failed, too few to act.
    Suspect,
    /// It fell, and the last probes succeeded, too few to trust it.
    Rising,
    /// It fell.
    Down,
}

impl AddressState {
    /// Every state, in the order in which metrics list them.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Up, Self::Suspect, Self::Rising, Self::Down];

    /// Returns the word that metrics, `/status` and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Rising => "rising",
            Self::Down => "down",
        }
    }

    /// Returns whether the address is out of the answers.
    pub fn is_down(self) -> bool {
        match self {
            Self::Unknown | Self::Up | Self::Suspect => false,
            Self::Rising | Self::Down => true,
        }
    }
}

impl fmt::Display for AddressState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The state of an address as far as answers depend on it, by its canaries and by operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No probe of it has come back yet: traffic stays, TTLs are short.
    Unknown,
    /// It answers, or no canary watches it.
    Up,
    /// It failed at least once and has not fallen: traffic stays, TTLs shrink.
    Suspect,
    Down {
        since: Moment,
    },
    /// An operator wants it in no answer, whatever happens to the others.
    Disabled,
}

impl Standing {
    /// Returns the state that it counts as.
    pub fn state(self) -> AddressState {
        match self {
            Self::Unknown | Self::Up => AddressState::Up,
            Self::Suspect => AddressState::Suspect,
            Self::Down { .. } | Self::Disabled => AddressState::Down,
        }
    }

    /// Returns whether the address is out of the answers.
    pub fn is_down(self) -> bool {
        self.state().is_down()
    }
}
