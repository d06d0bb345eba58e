//! What secondaries are given of a zone: its static RRsets, and those of steered names and pins as they are for the clients
//! of one group now.
//!
//! The static part may be large and belongs to the base: it is packed when it is read, and only its digest is kept. What
//! is chosen is small, and packed with each snapshot anyway.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

use super::Snapshot;
use super::base::Base;
use super::digest::Digester;
use super::fixed::{ZoneSet, sets_of};
use super::steered::SteeredAnswer;
use crate::answer::written_name;
use crate::config::ZoneTransfers;
use crate::zone::Name;

/// The names that are packed at a time.
const PACKED_AHEAD: usize = 64;

/// The static RRsets of a zone but for its SOA record, in the order of their names.
#[derive(Debug)]
pub struct FixedSets {
    base: Arc<Base>,
    zone: usize,
    last: Option<Name>,
    ahead: VecDeque<ZoneSet>,
}

impl FixedSets {
    /// Begins with the first name of a zone.
    pub fn of(base: Arc<Base>, zone: usize) -> Self {
        Self { base, zone, last: None, ahead: VecDeque::new() }
    }
}

impl Iterator for FixedSets {
    type Item = ZoneSet;

    fn next(&mut self) -> Option<ZoneSet> {
        while self.ahead.is_empty() {
            let nodes = &self.base.config.zones[self.zone].nodes;
            let from = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let next: Vec<_> = nodes.range::<Name, _>((from, Bound::Unbounded)).take(PACKED_AHEAD).collect();
            let (last, _) = next.last()?;
            self.ahead.extend(next.iter().flat_map(|(name, node)| sets_of(name, node)));
            self.last = Some((*last).clone());
        }
        self.ahead.pop_front()
    }
}

/// Returns a digest of the digest of a static part and of what was chosen.
pub fn digest_of_content(fixed: &[u8; 32], chosen: &[ZoneSet]) -> [u8; 32] {
    let mut digester = Digester::new();
    digester.write(fixed);
    for set in chosen {
        set.owner.to_ascii_lowercase().hash(&mut digester);
        set.records.hash(&mut digester);
    }
    digester.done()
}

impl Snapshot {
    /// Returns what the steered names and pins of a zone answer to the clients that secondaries stand for, in the order of
    /// their names. A name that answers an error or nothing has no RRset.
    pub fn chosen_sets(&self, transfers: &ZoneTransfers) -> Vec<ZoneSet> {
        let choosing = self.base.choosing_in(transfers.zone);
        let sets = choosing.iter().flat_map(|(name, chooser)| {
            self.given_to(*chooser, transfers.answers_for).into_iter().filter_map(
                move |answer| match answer {
                    SteeredAnswer::Records(records) => {
                        // In one order, so that what only turns is no change.
                        let records = records.sorted(|_| true)?;
                        Some(ZoneSet { owner: written_name(name), records })
                    }
                    SteeredAnswer::Nodata(_)
                    | SteeredAnswer::Refuse
                    | SteeredAnswer::Servfail
                    | SteeredAnswer::Prohibited => None,
                },
            )
        });
        sets.collect()
    }
}
