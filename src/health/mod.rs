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
//! ones do not get it back yet. An address that no canary watches is always up.
//!
//! From addresses to zones and regions it goes by [`Places`]: each follows a [`Course`], which says how it
//! leaves and how it comes back; a region may be restrained from leaving when the cause is shared (`shared`),
//! when it is merely full, or when too few would be left; and it may be degraded for failing its clients
//! though not its canaries (`gray`). What steering sees of all this is a [`View`].
//!
//! Everything here is a function of the observations and of time: the time of a change is the time of the
//! observation, or the turn of a clock, that made it. When to probe is [`pace`]; when a region has too few addresses
//! is [`Services`]; what outlives the process is [`Memory`]; for how long what was up is the log of [`availability`](crate::availability).

mod board;
mod census;
mod course;
#[cfg(test)]
pub(crate) mod fixture;
mod gray;
mod memory;
pub mod pace;
mod places;
mod scene;
mod service;
mod shared;
mod site;
mod streak;
mod track;
mod view;
mod vitals;

pub use board::{Board, Change};
pub use course::{Course, FALLS_TO_QUARANTINE, Phase, Sign};
pub use gray::Grade;
pub use memory::{Adoption, FRESH_FOR, Fallen, Gray, Memory, Portion, Remembered};
pub use places::{Places, Restraint, gates_are_open};
pub use service::{Count, Service, Services};
pub use site::{Turn, vitals};
pub use streak::Streak;
pub use track::{Cause, Last, Record, Track};
pub use view::{Stage, View};
pub use vitals::Vitals;

use crate::moment::Moment;

/// Where an address or one of its canaries stands in the picture above, from what says least against
/// it to what says most: an address is in the worst of its canaries' states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
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

impl State {
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

/// What is thought of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It answers, or nothing is known against it yet.
    Up,
    /// It failed at least once and has not fallen: traffic stays, TTLs shrink.
    Suspect,
    /// It fell.
    Down {
        /// When it fell.
        since: Moment,
    },
    /// An operator wants it in no answer, whatever happens to the others.
    Disabled,
}

impl Standing {
    /// Returns whether the address is out of the answers.
    pub fn is_down(self) -> bool {
        match self {
            Self::Up | Self::Suspect => false,
            Self::Down { .. } | Self::Disabled => true,
        }
    }
}
