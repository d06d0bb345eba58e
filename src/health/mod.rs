//! Judges addresses: counts observations and turns them into verdicts.
//!
//! Each canary of an address counts for itself ([`Streak`]); the address is as bad as its worst
//! canary ([`Board`]):
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
//! Everything here is a function of the observations, in their order: the time of a change is the
//! time of the observation that made it. When to probe is [`pace`]; when a region has too few addresses
//! is [`Services`]; what outlives the process is [`Memory`].

mod board;
#[cfg(test)]
pub(crate) mod fixture;
mod memory;
pub mod pace;
mod service;
mod streak;
mod track;

pub use board::{Board, Change};
pub use memory::{Adoption, FRESH_FOR, Fallen, Memory};
pub use service::{Count, Service, Services};
pub use streak::Streak;
pub use track::{Cause, Last, Record, Track};

use crate::moment::Moment;
use crate::region::AddressId;

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
}

impl Standing {
    /// Returns whether the address is out of the answers.
    pub fn is_down(self) -> bool {
        match self {
            Self::Up | Self::Suspect => false,
            Self::Down { .. } => true,
        }
    }
}

/// The standing of every address at one moment: all that steering sees of health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    standings: Vec<Standing>,
}

impl View {
    /// Returns a view of these standings, by `AddressId`.
    pub fn new(standings: Vec<Standing>) -> Self {
        Self { standings }
    }

    /// Returns a view in which all of `count` addresses are up.
    pub fn all_up(count: usize) -> Self {
        Self::new(vec![Standing::Up; count])
    }

    /// Returns the standing of an address.
    pub fn of(&self, address: AddressId) -> Standing {
        self.standings[address.0 as usize]
    }
}
