//! The resolvers that still get addresses which clients are sent away from, counted without a lock.
//!
//! A table holds a fixed number of resolvers, IPv4 by address and IPv6 by /64 (one host usually holds a whole /64).
//! Transports write to it, only for answers with such an address; reports read it, and the order of increments
//! makes no difference to them, so that all operations are relaxed. Resolvers that find no slot are counted together.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::ReplyTally;
use crate::region::{AddressId, RegionId, Regions};

/// How many resolvers a table tells apart: several thousand ask most servers. With its counters 64 kB.
const SLOTS: usize = 4096;

/// Slots that are tried for a resolver; when others hold all of them, it is counted with the rest.
const PLACES: usize = 16;

/// The most resolvers that a report lists.
const MAX_LISTED: usize = 20;

/// The upper half of the key of an IPv4 address: ff00::/8 is multicast, where no query comes from.
const IPV4: u64 = 0xffff_ffff << 32;

/// The key of ::/64, the loopback, in place of zero: no query comes from 0:0:0:1::/64.
const LOOPBACK: u64 = 1;

/// The resolvers that got addresses of one region.
#[derive(Debug)]
pub struct ResolverTable {
    slots: Box<[Slot]>,
    /// Answers to resolvers without a slot.
    others: AtomicU64,
}

/// One resolver. Invariant: a key that is not zero never changes again.
#[derive(Debug, Default)]
struct Slot {
    key: AtomicU64,
    answers: AtomicU64,
}

/// A report on the resolvers that got addresses of one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverSummary {
    /// How many of them are told apart.
    pub count: usize,
    /// Whether there are more.
    pub is_more: bool,
    /// The busiest with the number of their answers, the busiest first; an IPv6 address stands for its /64.
    pub busiest: Vec<(IpAddr, u64)>,
}

impl Default for ResolverTable {
    fn default() -> Self {
        Self { slots: (0..SLOTS).map(|_| Slot::default()).collect(), others: AtomicU64::new(0) }
    }
}

impl ResolverTable {
    /// Notes an answer to a resolver.
    pub fn note(&self, resolver: IpAddr) {
        let key = key(resolver);
        let first = place(key);
        for step in 0..PLACES {
            let slot = &self.slots[(first + step) % SLOTS];
            if slot.is_of(key) {
                slot.answers.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        self.others.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of resolvers, and the busiest of them.
    pub fn summary(&self) -> ResolverSummary {
        let taken = self.slots.iter().filter_map(Slot::read);
        let mut busiest: Vec<(IpAddr, u64)> = taken.collect();
        let count = busiest.len();
        busiest.sort_unstable_by_key(|(resolver, answers)| (Reverse(*answers), *resolver));
        busiest.truncate(MAX_LISTED);
        ResolverSummary { count, is_more: self.others.load(Ordering::Relaxed) > 0, busiest }
    }
}

impl Slot {
    /// Returns whether the slot is this resolver's, after taking it if it is free.
    fn is_of(&self, key: u64) -> bool {
        let holder = match self.key.load(Ordering::Relaxed) {
            0 => self
                .key
                .compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed)
                .unwrap_or_else(|other| other),
            holder => holder,
        };
        holder == key || holder == 0
    }

    fn read(&self) -> Option<(IpAddr, u64)> {
        let key = self.key.load(Ordering::Relaxed);
        (key != 0).then(|| (address(key), self.answers.load(Ordering::Relaxed)))
    }
}

fn key(resolver: IpAddr) -> u64 {
    match resolver.to_canonical() {
        IpAddr::V4(ip) => IPV4 | u64::from(ip.to_bits()),
        IpAddr::V6(ip) => match (ip.to_bits() >> 64) as u64 {
            0 => LOOPBACK,
            prefix => prefix,
        },
    }
}

fn address(key: u64) -> IpAddr {
    match key {
        LOOPBACK => Ipv6Addr::UNSPECIFIED.into(),
        key if key & IPV4 == IPV4 => Ipv4Addr::from_bits(key as u32).into(),
        prefix => Ipv6Addr::from_bits(u128::from(prefix) << 64).into(),
    }
}

/// Spreads keys over the slots: the upper bits of a product with 2^64 divided by the golden ratio (Knuth, 6.4).
fn place(key: u64) -> usize {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize
}

/// The tables of the regions that clients are sent away from. A copy is cheap.
#[derive(Clone, Debug, Default)]
pub struct ResolverWatch {
    /// By `RegionId`; nothing when no clients are sent away from anywhere.
    tables: Arc<[Option<Arc<ResolverTable>>]>,
    /// The names of the regions with a table.
    names: Arc<[(String, Arc<ResolverTable>)]>,
}

impl ResolverWatch {
    /// Notes an answer, if it has an address that clients are sent away from.
    pub fn note(&self, tally: &ReplyTally, resolver: IpAddr) {
        if tally.is_leaving
            && let Some(RegionId(region)) = tally.region
            && let Some(Some(table)) = self.tables.get(usize::from(region))
        {
            table.note(resolver);
        }
    }

    /// Returns the tables for when clients are sent away from these addresses; the regions where they were already
    /// keep theirs.
    pub(super) fn next(&self, regions: &Regions, leaving: &[AddressId]) -> Self {
        if leaving.is_empty() {
            return Self::default();
        }
        let mut tables = vec![None; regions.len()];
        let mut names = Vec::new();
        for id in leaving {
            let region = regions.address(*id).region;
            let slot = &mut tables[usize::from(region.0)];
            if slot.is_none() {
                let name = &regions.region(region).name;
                let table = self.find(name).unwrap_or_default();
                names.push((name.clone(), Arc::clone(&table)));
                *slot = Some(table);
            }
        }
        Self { tables: tables.into(), names: names.into() }
    }

    /// Returns the table of a region.
    pub(super) fn find(&self, region: &str) -> Option<Arc<ResolverTable>> {
        self.names.iter().find(|(name, _)| name == region).map(|(_, table)| Arc::clone(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ReplySubject;
    use crate::engine::ReplyTally;
    use crate::region::tests::region;
    use crate::wire::Rcode;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Notes these resolvers, and returns the busiest as `resolver answers`.
    fn check(resolvers: &[&str], expected: &[&str]) {
        let table = ResolverTable::default();
        resolvers.iter().for_each(|resolver| table.note(ip(resolver)));
        let summary = table.summary();
        let listed: Vec<_> = summary.busiest.iter().map(|(ip, answers)| format!("{ip} {answers}")).collect();
        assert_eq!(
            (listed.iter().map(String::as_str).collect::<Vec<_>>(), summary.is_more),
            (expected.to_vec(), false)
        );
    }

    #[test]
    fn resolvers_are_told_apart_by_ipv4_address_and_ipv6_network_and_the_busiest_comes_first() {
        check(
            &[
                "192.0.2.1",
                "2001:db8::1",
                "192.0.2.2",
                "2001:db8::ffff",
                "2001:db8:0:1::1",
                "192.0.2.2",
                "192.0.2.2",
            ],
            &["192.0.2.2 3", "2001:db8:: 2", "192.0.2.1 1", "2001:db8:0:1:: 1"],
        );
        check(&["::1", "::ffff:192.0.2.1", "192.0.2.1", "0.0.0.0"], &["192.0.2.1 2", "0.0.0.0 1", ":: 1"]);
    }

    #[test]
    fn a_full_table_says_that_there_are_more_and_loses_nobody_it_knows() {
        let table = ResolverTable::default();
        table.note(ip("192.0.2.1"));
        (0..3 * SLOTS as u32).for_each(|bits| table.note(Ipv4Addr::from_bits(bits).into()));
        (0..99).for_each(|_| table.note(ip("192.0.2.1")));
        let summary = table.summary();
        assert_eq!(summary.busiest[0], (ip("192.0.2.1"), 100));
        assert!(summary.count > SLOTS * 9 / 10 && summary.count <= SLOTS, "{}", summary.count);
        assert!(summary.is_more);
        assert_eq!(summary.busiest.len(), MAX_LISTED);
    }

    #[test]
    fn only_answers_with_an_address_that_is_left_count_and_a_table_lasts_as_long_as_the_intent() {
        let regions = Regions::new(vec![
            region("tokyo", "JP", &[&["192.0.2.1"]]),
            region("osaka", "JP", &[&["192.0.2.2"]]),
        ]);
        let tally = |region: u8, is_leaving| ReplyTally {
            zone: None,
            qtype: None,
            rcode: Rcode::NoError,
            region: Some(RegionId(region)),
            part: None,
            is_leaving,
            is_truncated: false,
            has_client_subnet: false,
            cookie: None,
            subject: ReplySubject::Name(None),
        };
        let watch = ResolverWatch::default().next(&regions, &[AddressId(1)]);
        watch.note(&tally(1, true), ip("192.0.2.53"));
        watch.note(&tally(1, false), ip("192.0.2.54"));
        watch.note(&tally(0, true), ip("192.0.2.55"));
        let count = |watch: &ResolverWatch| watch.find("osaka").map(|table| table.summary().count);
        assert_eq!(count(&watch), Some(1));
        let both = watch.next(&regions, &[AddressId(0), AddressId(1)]);
        assert_eq!(count(&both), Some(1), "it goes on");
        assert_eq!(count(&both.next(&regions, &[])), None);
    }
}
