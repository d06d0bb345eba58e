//! Observers: the other instances that judge health together with this one.
//!
//! ```text
//!   PeerReport ──▶ Observer (one a peer: facts, when heard) ─╮
//!   own Board ───────────────────────────────────────────────┴─▶ joint ──▶ joint Board, with its JointSights ──▶ Sites
//! ```
//!
//! Observers tell each other facts, never decisions: in which state the probes of each leave each address, and for how
//! long. From the facts of all, each makes the same board ([`joint`]) by the rule of the quorum
//! ([`quorum`](super::quorum)), and judges that as it would judge its own. A peer that is silent is waited for; after
//! `alone_after` the others judge without it. No clock of a peer is read: ages are told, and `now` is this instance's.

mod concern;
mod facts;
mod joint;
mod observer;
mod sights;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

pub use facts::{Fact, FactKey};
pub use observer::{FRESH_WITHIN, Link, Observer, ObserverRules, PeerHello, PeerNews, PeerReport};
pub use sights::{JointSights, LostPeer, RegionSights, Sight};

use super::Board;
use crate::moment::{Moment, follows_clock};
use concern::Concern;

/// The other observers, and what all see together.
#[derive(Clone, Debug)]
pub struct Observers {
    rules: ObserverRules,
    /// By name.
    peers: Vec<Observer>,
    /// What the facts are about, in the order of the board.
    keys: Arc<Vec<FactKey>>,
    slots: HashMap<FactKey, usize>,
    joint: Board,
    /// What has been told since the last verdict.
    concern: Concern,
    /// Whether this instance was cut off at the last verdict.
    was_blind: bool,
    /// When the verdict may change although nothing happens and all are heard.
    wake: Option<Moment>,
}

impl Observers {
    /// Returns the observers of whom nothing is known yet, beside one with this board.
    pub fn new(rules: ObserverRules, own: &Board, now: Moment) -> Self {
        let keys = facts::keys(own);
        let mut names = rules.peers.clone();
        names.sort_unstable();
        Self {
            peers: names.iter().map(|name| Observer::new(name, keys.len(), now)).collect(),
            rules,
            slots: slots(&keys),
            keys: Arc::new(keys),
            joint: own.clone(),
            concern: Concern::Everything,
            was_blind: false,
            wake: None,
        }
    }

    /// Takes over the board of another configuration, and keeps the facts about what is still there or may be again.
    pub fn reload(&mut self, own: &Board, now: Moment) {
        let keys = facts::keys(own);
        self.peers.iter_mut().for_each(|peer| peer.reload(&self.keys, &keys));
        self.slots = slots(&keys);
        self.keys = Arc::new(keys);
        self.joint.reload_as(own, now);
        self.concern = Concern::Everything;
    }

    /// Takes reports in their order, and returns whether the verdict may be another now.
    pub fn hear(&mut self, reports: Vec<PeerReport>, now: Moment) -> bool {
        for PeerReport { peer, news } in reports {
            if let Some(observer) = self.peers.iter_mut().find(|observer| *observer.name == *peer) {
                self.concern.join(observer.hear(news, &self.slots, now));
            }
        }
        !self.concern.is_none()
    }

    /// Judges everything anew that all see together. `is_blind` says whether this instance may be cut off from everything.
    pub fn update(&mut self, own: &Board, is_blind: bool, now: Moment) {
        self.concern = Concern::Everything;
        self.follow(own, is_blind, now);
    }

    /// Judges anew what peers have told since the last verdict. What this instance sees has not changed since.
    pub fn follow(&mut self, own: &Board, is_blind: bool, now: Moment) {
        let mut concern = std::mem::take(&mut self.concern);
        for peer in &mut self.peers {
            concern.include_all_if(peer.look(now));
        }
        let is_due = self.wake.is_some_and(|wake| wake <= now);
        concern.include_all_if(is_due || std::mem::replace(&mut self.was_blind, is_blind) != is_blind);
        let wake = joint::update(&self.rules, &self.peers, own, is_blind, &concern, &mut self.joint, now);
        // What was not judged anew waits as it did.
        let kept = self.wake.filter(|_| concern != Concern::Everything);
        self.wake = [wake, kept].into_iter().flatten().min();
    }

    /// Returns what all see together.
    pub fn board(&self) -> &Board {
        &self.joint
    }

    /// Returns the others, by name.
    pub fn peers(&self) -> &[Observer] {
        &self.peers
    }

    /// Returns what facts are about, in their order.
    pub fn keys(&self) -> &Arc<Vec<FactKey>> {
        &self.keys
    }

    /// Returns when to judge again although nothing happens; `None`: never. What is told puts it off.
    pub fn wake(&self) -> Option<Moment> {
        self.peers.iter().filter_map(Observer::silent_at).chain(self.wake).min()
    }
}

fn slots(keys: &[FactKey]) -> HashMap<FactKey, usize> {
    keys.iter().cloned().zip(0..).collect()
}

/// Returns the facts of an observer with this board, in the order of [`Observers::keys`].
pub fn own_facts(board: &Board) -> Vec<Fact> {
    facts::facts(board)
}

follows_clock!(Observers: peers, joint, wake);
