//! Proves the border for prefixes: a resolver may send a client subnet of any length, and hand the answer to every
//! client in it.
//!
//! What all clients of a prefix may be sent to is worked out here by halving the address space, from the runs of the
//! table up, and not by the steps that answers are looked up in, which are on trial. Prefixes that the border does
//! not cut are those of one part, and tried as such.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::client::{Prefix, Requester};
use crate::family::Family;
use crate::geo::{ClassId, SubnetPlace, Table};
use crate::region::{RegionId, RegionSet};
use crate::snapshot::Partition;

/// What a prefix got that some client in it must not.
pub(super) struct Stray {
    pub prefix: Prefix,
    pub region: RegionId,
}

/// Tries every prefix of both families that the border of a partition cuts, and returns how many those are.
/// `permitted` says where the clients of a class may be sent.
pub(super) fn try_all(
    table: &Table,
    partition: &Partition,
    permitted: impl Fn(ClassId) -> RegionSet,
    mut found: impl FnMut(Stray),
) -> u64 {
    let mut trial = PrefixTrial { table, partition, family: Family::V4, tried: 0, found: &mut found };
    let runs = merged(table.runs_v4().map(|(first, class)| (u128::from(first), permitted(class))));
    let whole_v4 = trial.descend(0, 0, &runs);
    trial.family = Family::V6;
    let runs = table.runs_v6().map(|(first, class)| (first, class.map_or(whole_v4, &permitted)));
    trial.descend(0, 0, &merged(runs));
    trial.tried
}

/// Joins neighbouring runs of clients who are permitted the same.
fn merged(runs: impl Iterator<Item = (u128, RegionSet)>) -> Vec<(u128, RegionSet)> {
    let mut merged: Vec<(u128, RegionSet)> = runs.collect();
    merged.dedup_by_key(|(_, permitted)| *permitted);
    merged
}

struct PrefixTrial<'a> {
    table: &'a Table,
    partition: &'a Partition,
    family: Family,
    tried: u64,
    found: &'a mut dyn FnMut(Stray),
}

impl PrefixTrial<'_> {
    /// Tries all prefixes in the block of this length from `first` on, over which `runs` lie, and returns what is
    /// permitted to all of its clients.
    fn descend(&mut self, first: u128, length: u8, runs: &[(u128, RegionSet)]) -> RegionSet {
        if let [(_, only)] = runs {
            return *only;
        }
        let width = if self.family == Family::V4 { 32 } else { 128 };
        let middle = first | 1 << (width - 1 - length);
        let right = runs.partition_point(|(start, _)| *start < middle);
        // The run before the middle reaches beyond it, unless another one starts right there.
        let over = if runs.get(right).is_some_and(|(start, _)| *start == middle) { right } else { right - 1 };
        let left = self.descend(first, length + 1, &runs[..right]);
        let common = left.intersection(self.descend(middle, length + 1, &runs[over..]));
        self.judge(first, length, common);
        common
    }

    fn judge(&mut self, first: u128, length: u8, common: RegionSet) {
        let v4 = u32::try_from(first).unwrap_or_default();
        let own = match self.family {
            Family::V4 => Prefix::around(Ipv4Addr::from_bits(v4).into(), length),
            Family::V6 => Prefix::around(Ipv6Addr::from_bits(first).into(), length),
        };
        // The same clients behind a 6to4 relay (RFC 3056).
        let relayed = Ipv6Addr::from_bits(0x2002 << 112 | u128::from(v4) << 80);
        let relayed = (self.family == Family::V4).then(|| Prefix::around(relayed.into(), length + 16));
        for prefix in [Some(own), relayed].into_iter().flatten().filter(|prefix| prefix.length() > 0) {
            // Clients with local addresses are where their resolver is.
            if matches!(self.table.subnet_place(prefix), SubnetPlace::Local { .. }) {
                continue;
            }
            self.tried += 1;
            let requester = Requester { sender: prefix.address(), subnet: Some(prefix) };
            let place = self.partition.find(self.table, &requester);
            let plan = &self.partition.plans[place.part as usize];
            if let Some(region) = plan.order.iter().find(|region| !common.contains(**region)) {
                (self.found)(Stray { prefix, region: *region });
            }
        }
    }
}
