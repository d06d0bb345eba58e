//! Judges addresses: counts observations and turns them into verdicts.

mod service;

pub use service::{Count, Service, Services};

use crate::moment::Moment;
use crate::region::AddressId;

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

/// What is worth remembering of health across a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {}
