//! What secondaries are given of one zone, and the difference of two such contents.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::answer::Packed;
use crate::config::ZoneTransfers;
use crate::snapshot::{Base, FixedSets, Snapshot, ZoneSet, digest_of_content, sets_of};
use crate::zone::{Name, Node};

/// The RRsets of a zone but for its SOA record. The static ones stay in the configuration.
#[derive(Clone, Debug)]
pub struct ZoneContent {
    pub(super) base: Arc<Base>,
    /// Its place in the configuration.
    pub(super) zone: usize,
    /// Of the static part.
    fixed: [u8; 32],
    chosen: Arc<[ZoneSet]>,
}

/// What has changed between two contents, record by record.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub removed: Vec<ZoneSet>,
    pub added: Vec<ZoneSet>,
}

/// RRsets by owner, in lower case, and type.
type SetsByKey = BTreeMap<(Vec<u8>, u16), ZoneSet>;

impl ZoneContent {
    /// Returns what is given of a zone now.
    pub fn of(snapshot: &Snapshot, transfers: &ZoneTransfers) -> Self {
        Self {
            base: Arc::clone(&snapshot.base),
            zone: transfers.zone,
            fixed: snapshot.base.digest_of_fixed(transfers.zone),
            chosen: snapshot.chosen_sets(transfers).into(),
        }
    }

    /// Returns whether both are the same records.
    pub fn is_same(&self, other: &Self) -> bool {
        self.fixed == other.fixed && self.chosen == other.chosen
    }

    /// Returns a digest of all records but the serial number.
    pub fn digest(&self) -> [u8; 32] {
        digest_of_content(&self.fixed, &self.chosen)
    }

    /// Returns all RRsets but the SOA record.
    pub fn sets(&self) -> impl Iterator<Item = ZoneSet> + use<> {
        let chosen = Arc::clone(&self.chosen);
        let chosen = (0..chosen.len()).map(move |index| chosen[index].clone());
        FixedSets::of(Arc::clone(&self.base), self.zone).chain(chosen)
    }

    fn nodes(&self) -> &BTreeMap<Name, Node> {
        &self.base.config.zones[self.zone].nodes
    }

    /// Returns what has changed since another content of the same zone; `None`: it would take more than `most` octets.
    pub fn since(&self, before: &Self, most: usize) -> Option<Changes> {
        let (mut old, mut new) = (SetsByKey::new(), SetsByKey::new());
        if self.fixed != before.fixed {
            let (gone, come) = differing(before.nodes(), self.nodes(), most)?;
            gone.into_iter().for_each(|set| insert(&mut old, set));
            come.into_iter().for_each(|set| insert(&mut new, set));
        }
        before.chosen.iter().for_each(|set| insert(&mut old, set.clone()));
        self.chosen.iter().for_each(|set| insert(&mut new, set.clone()));
        let changes = Changes { removed: missing(&old, &new), added: missing(&new, &old) };
        (changes.octets() <= most).then_some(changes)
    }
}

impl Changes {
    /// Returns about how much memory they take.
    pub fn octets(&self) -> usize {
        self.removed.iter().chain(&self.added).map(octets).sum()
    }
}

fn octets(set: &ZoneSet) -> usize {
    set.records.records().map(|data| set.owner.len() + data.len() + 10).sum()
}

fn insert(sets: &mut SetsByKey, set: ZoneSet) {
    sets.insert((set.owner.to_ascii_lowercase(), set.records.rtype()), set);
}

/// Returns the RRsets of the names that differ, on both sides; `None`: they are too many.
fn differing(
    old: &BTreeMap<Name, Node>,
    new: &BTreeMap<Name, Node>,
    most: usize,
) -> Option<(Vec<ZoneSet>, Vec<ZoneSet>)> {
    let (mut gone, mut come, mut sum) = (Vec::new(), Vec::new(), 0);
    let mut take = |name: &Name, node: &Node, sets: &mut Vec<ZoneSet>| {
        let these = sets_of(name, node);
        sum += these.iter().map(octets).sum::<usize>();
        sets.extend(these);
        (sum <= most.saturating_mul(2)).then_some(())
    };
    for (name, node) in old {
        if new.get(name).is_none_or(|other| other.rrsets != node.rrsets) {
            take(name, node, &mut gone)?;
        }
    }
    for (name, node) in new {
        if old.get(name).is_none_or(|other| other.rrsets != node.rrsets) {
            take(name, node, &mut come)?;
        }
    }
    Some((gone, come))
}

/// Returns the records of `these` that the others do not have. A record with another time to live is another one.
fn missing(these: &SetsByKey, others: &SetsByKey) -> Vec<ZoneSet> {
    let missing = these.iter().filter_map(|(key, set)| {
        let other = others.get(key).map(|set| &set.records);
        let other = other.filter(|other| other.ttl_seconds() == set.records.ttl_seconds());
        let is_missing = |data: &[u8]| {
            let mut known = other.into_iter().flat_map(Packed::records);
            !known.any(|other| other == data)
        };
        let records = set.records.sorted(is_missing)?;
        Some(ZoneSet { owner: set.owner.clone(), records })
    });
    missing.collect()
}
