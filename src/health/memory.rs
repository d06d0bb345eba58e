//! What is remembered of health across a restart, by names, because numbers change with the configuration.
//!
//! Only falls are remembered, and what they left behind in the recoveries of regions and zones: an address that
//! was up or suspect starts as unknown and counts as up, and that is right for both. How this is written down is left to `files::health`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{OutlierGrade, RecoveryState, RememberedFall};
use crate::moment::Moment;
use crate::region::{Failover, Family};

/// How old a memory may be and still be adopted. A restart or an upgrade with its image pull is over in
/// a few minutes; after ten the canaries' first round, which takes 20 s, knows better than the past.
pub const FRESH_FOR: Duration = Duration::from_secs(600);

/// What is worth remembering of health across a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// When it was true.
    pub written_at: Moment,
    /// Every canary that had fallen.
    pub fallen: Vec<RememberedFall>,
    /// Every course with something in it that the first probes would not show.
    pub recoveries: Vec<RememberedRecovery>,
    /// Every region and zone that stood out among the others.
    pub grades: Vec<RememberedGrade>,
    /// What the parts of the clients asked for, and where they were sent.
    pub portions: Vec<RememberedDemand>,
    /// The regions that were given clients of others.
    #[serde(default)]
    pub guests: Vec<RememberedGuests>,
    /// Until when a resolver may hold an answer that was given by then, also one of an earlier configuration.
    pub held_until: Moment,
}

/// The course of a region or availability zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RememberedRecovery {
    /// The name of the region.
    pub region: String,
    /// The name of the availability zone; `None`: the region itself.
    pub zone: Option<String>,
    pub family: Family,
    pub recovery: RecoveryState,
    /// What the machine does about its region, which may be other than what operators want by now: one that has left
    /// goes its way to the end first.
    pub failover: Failover,
}

/// A region or availability zone that passed its canaries and failed its clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RememberedGrade {
    /// The name of the region.
    pub region: String,
    /// The name of the availability zone; `None`: the region itself.
    pub zone: Option<String>,
    pub grade: OutlierGrade,
}

/// A region that was given clients of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RememberedGuests {
    /// The name of the region.
    pub region: String,
    /// When it was given them last.
    pub given: Moment,
}

/// Which of the clients of one plan some are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrawnClients {
    #[default]
    All,
    /// Those who are drawn for the first of its regions, which are equally near.
    Own,
    /// Those whom no region takes that they are drawn for.
    Others,
}

impl DrawnClients {
    fn are_all(&self) -> bool {
        *self == Self::All
    }
}

/// What the clients of one plan asked for, and where they were sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RememberedDemand {
    /// A steered name that they ask for.
    pub owner: String,
    /// The names of the regions that they may be sent to, the best first: together with the owner it says who
    /// they are.
    pub order: Vec<String>,
    /// Which of the clients of several equally near regions they are.
    #[serde(default, skip_serializing_if = "DrawnClients::are_all")]
    pub drawn: DrawnClients,
    /// Requests per second, as far as could be told.
    pub rate: f64,
    /// The pieces of their line: where each ends, and the name of the region that it goes to.
    pub pieces: Vec<(f64, String)>,
}

impl Memory {
    /// Returns whether the memory is young enough to be adopted. One from the future is judged by its
    /// distance too: the wall clock was set back, and a little of that is no reason to forget.
    pub fn is_fresh(&self, now: Moment) -> bool {
        now.since(self.written_at).max(self.written_at.since(now)) <= FRESH_FOR
    }
}

/// What became of a memory at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    Adopted {
        /// How many remembered falls were taken over.
        adopted: usize,
        /// How many were about addresses or canaries that this configuration does not have.
        foreign: usize,
    },
    /// It was older than [`FRESH_FOR`], or from that far in the future, and was not used.
    Stale,
}
