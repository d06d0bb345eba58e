//! Addresses that mean something inside one network only, and so say nothing of where a client is.
//!
//! A resolver that sends one as the client subnet serves clients of its own network, so that they are where it is
//! (RFC 7871, sections 10 and 11.3). What the operator says of such a block counts nevertheless: `geo.networks` and
//! groups by network describe offices, and tests.

use std::net::IpAddr;

use super::embedded::{Embedding, Inside, inside};
use super::intervals::Intervals;
use super::layer::Layer;
use super::run_map::{Bucketed, RunMap};
use super::runs::{Bits, Runs, join};
use crate::client::Prefix;

/// Private (RFC 1918), shared (RFC 6598), link-local (RFC 3927) and loopback (RFC 1122, 3.2.1.3), in ascending order.
const V4: [([u8; 4], u8); 6] = [
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 168, 0, 0], 16),
];

/// Loopback and link-local (RFC 4291, 2.5.3 and 2.5.6), unique local between them (RFC 4193).
const V6: [(u128, u8); 3] = [(1, 128), (0xfc00 << 112, 7), (0xfe80 << 112, 10)];

/// Whose location counts for a block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubnetPlace {
    /// Its own; the widest block around it in which that is so has this length.
    Public { scope: u8 },
    /// That of the sender; the widest block around it in which that is so has this length.
    Local { scope: u8 },
    /// There are clients of both sorts in it.
    Both,
}

/// The local addresses of which the operator says nothing.
#[derive(Clone, PartialEq)]
pub(super) struct LocalBlocks {
    v4: Sorts<u32>,
    v6: Sorts<u128>,
}

/// The sort of each address of a family.
#[derive(Clone, PartialEq)]
struct Sorts<A: Bucketed> {
    map: RunMap<A>,
    intervals: Intervals,
}

const PUBLIC: u32 = 0;
const LOCAL: u32 = 1;
/// Where IPv6 addresses embed IPv4 addresses, of both sorts.
const EMBEDDED: u32 = 2;

impl LocalBlocks {
    /// Finds them, given the layer in which zero stands for what the operator says nothing of.
    pub fn new(overlay: &Layer) -> Self {
        let v4 = blocks(V4.into_iter().map(|(octets, length)| (u32::from_be_bytes(octets), length, LOCAL)));
        let v6 = V6.into_iter().map(|(first, length)| (first, length, LOCAL));
        let embedded = Embedding::ALL.into_iter().map(|embedding| {
            let (first, length) = embedding.block();
            (first, length, EMBEDDED)
        });
        let mut v6: Vec<_> = v6.chain(embedded).collect();
        v6.sort_unstable();
        let v6 = blocks(v6);
        let sort = |sort, overlay| match (sort, overlay) {
            (LOCAL, 1..) => PUBLIC,
            (sort, _) => sort,
        };
        Self {
            v4: Sorts::new(join([&v4, &overlay.v4], |_, _, [is, said]| sort(is, said))),
            v6: Sorts::new(join([&v6, &overlay.v6], |_, _, [is, said]| sort(is, said))),
        }
    }

    /// Returns whose location counts for a block.
    pub fn find(&self, block: Prefix) -> SubnetPlace {
        match block.address() {
            IpAddr::V4(first) => self.v4.find(first.to_bits(), block.length()),
            IpAddr::V6(first) => match inside(first.to_bits(), block.length()) {
                Some(Inside { first, length, offset }) => match self.v4.find(first, length) {
                    SubnetPlace::Public { scope } => SubnetPlace::Public { scope: scope + offset },
                    SubnetPlace::Local { scope } => SubnetPlace::Local { scope: scope + offset },
                    SubnetPlace::Both => SubnetPlace::Both,
                },
                None => self.v6.find(first.to_bits(), block.length()),
            },
        }
    }

    pub fn memory_bytes(&self) -> usize {
        let v4 = self.v4.map.memory_bytes() + self.v4.intervals.memory_bytes();
        v4 + self.v6.map.memory_bytes() + self.v6.intervals.memory_bytes()
    }
}

impl<A: Bucketed> Sorts<A> {
    fn new(runs: Runs<A>) -> Self {
        let map = RunMap::from(runs);
        let intervals = Intervals::new(&map, Some);
        Self { map, intervals }
    }

    fn find(&self, address: A, length: u8) -> SubnetPlace {
        let (run, widest) = self.intervals.find(&self.map, address);
        match self.map.value(run) {
            _ if widest > length => SubnetPlace::Both,
            LOCAL => SubnetPlace::Local { scope: widest },
            _ => SubnetPlace::Public { scope: widest },
        }
    }
}

/// Returns runs in which these blocks, in ascending order, have their values, and all else is public.
fn blocks<A: Bits>(blocks: impl IntoIterator<Item = (A, u8, u32)>) -> Runs<A> {
    let mut runs = Runs::all(PUBLIC);
    for (first, length, sort) in blocks {
        runs.set_from(first, sort);
        if let Some(after) = first.last_of_block(length).successor() {
            runs.set_from(after, PUBLIC);
        }
    }
    runs
}
