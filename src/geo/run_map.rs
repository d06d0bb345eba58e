//! Immutable runs with an index: from an address to its run.
//!
//! The addresses that share their 16 highest bits are a bucket. A lookup searches the runs of one
//! bucket only, and compares the remaining bits of an address: of IPv4 that is half of it, so that the runs
//! of a bucket lie in one or two cache lines. A trie would touch a line a level.

use std::ops::Range;

use super::runs::{Bits, Run, Runs, widest_block};

/// One for each value of the 16 highest bits.
pub(super) const BUCKETS: usize = 1 << 16;

/// An address that has a bucket.
pub(super) trait Bucketed: Bits {
    /// The bits that differ within a bucket.
    type Low: Bits;
    /// The number of bits before those in `Low`.
    const BEFORE_LOW: u8;

    /// Returns the first address of a bucket.
    fn first_of(bucket: usize) -> Self;

    /// Returns the number of the bucket: the 16 highest bits.
    fn bucket(self) -> usize;

    /// Returns the bits that differ within the bucket.
    fn low(self) -> Self::Low;

    /// Returns the address of a bucket with these bits.
    fn of(bucket: usize, low: Self::Low) -> Self;
}

impl Bucketed for u32 {
    type Low = u16;
    const BEFORE_LOW: u8 = 16;

    fn first_of(bucket: usize) -> Self {
        (bucket as Self) << 16
    }

    #[inline]
    fn bucket(self) -> usize {
        (self >> 16) as usize
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lowest 16 bits are wanted")]
    fn low(self) -> u16 {
        self as u16
    }

    fn of(bucket: usize, low: u16) -> Self {
        Self::first_of(bucket) | Self::from(low)
    }
}

/// There is no type of 112 bits: the rest of an IPv6 address is all of it.
impl Bucketed for u128 {
    type Low = u128;
    const BEFORE_LOW: u8 = 0;

    fn first_of(bucket: usize) -> Self {
        (bucket as Self) << 112
    }

    #[inline]
    fn bucket(self) -> usize {
        (self >> 112) as usize
    }

    #[inline]
    fn low(self) -> u128 {
        self
    }

    fn of(_bucket: usize, low: u128) -> Self {
        low
    }
}

/// Immutable runs, found by address.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RunMap<A: Bucketed> {
    /// By run: its start in its bucket.
    starts: Box<[A::Low]>,
    values: Box<[u32]>,
    /// By bucket: the number of runs that start in the buckets before it; at the end, the number of all.
    index: Box<[u32]>,
}

impl<A: Bucketed> From<Runs<A>> for RunMap<A> {
    fn from(runs: Runs<A>) -> Self {
        let mut index = vec![0u32; BUCKETS + 1].into_boxed_slice();
        for run in runs.iter() {
            index[run.start.bucket() + 1] += 1;
        }
        let mut before = 0;
        for count in &mut index {
            before += *count;
            *count = before;
        }
        Self {
            starts: runs.iter().map(|run| run.start.low()).collect(),
            values: runs.iter().map(|run| run.value).collect(),
            index,
        }
    }
}

impl<A: Bucketed> RunMap<A> {
    /// Returns the number of runs.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Returns the runs in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Run<A>> {
        let run =
            |bucket, run: usize| Run { start: A::of(bucket, self.starts[run]), value: self.values[run] };
        (0..BUCKETS).flat_map(move |bucket| self.starting_in(bucket).map(move |number| run(bucket, number)))
    }

    /// Returns the runs as they were before they had an index.
    pub(super) fn runs(&self) -> Runs<A> {
        let mut runs = Runs::all(0);
        self.iter().for_each(|run| runs.set_from(run.start, run.value));
        runs
    }

    /// Returns the number of the run that holds `address`.
    #[inline]
    pub(super) fn position(&self, address: A) -> usize {
        let Range { start, end } = self.starting_in(address.bucket());
        let low = address.low();
        // The run before the first one that starts later; the very first run starts at the lowest address.
        start + self.starts[start..end].partition_point(|start| *start <= low) - 1
    }

    /// Returns the number of the run that holds the last address of a bucket.
    #[inline]
    pub(super) fn last_of(&self, bucket: usize) -> usize {
        self.index[bucket + 1] as usize - 1
    }

    /// Returns the numbers of the runs that start in a bucket.
    #[inline]
    pub(super) fn starting_in(&self, bucket: usize) -> Range<usize> {
        self.index[bucket] as usize..self.index[bucket + 1] as usize
    }

    /// Returns whether `run`, which starts in this bucket, starts at its first address.
    pub(super) fn opens(&self, run: usize, bucket: usize) -> bool {
        self.starts[run] == A::first_of(bucket).low()
    }

    /// Returns the value of a run.
    #[inline]
    pub(super) fn value(&self, run: usize) -> u32 {
        self.values[run]
    }

    /// Returns the length of the widest block around `address` within the runs from `first` up to
    /// `end`, the first run beyond them if there is one. At least one of the two must start inside the
    /// bucket: an end in another bucket is farther away than that one, and does not bound the block.
    #[inline]
    pub(super) fn widest_block(&self, address: A, first: usize, end: Option<usize>) -> u8 {
        let bucket = self.starting_in(address.bucket());
        let start = |run: usize| bucket.contains(&run).then(|| self.starts[run]);
        let before = start(first).and_then(Bits::predecessor);
        let after = end.and_then(start);
        A::BEFORE_LOW + widest_block(address.low(), before, after)
    }

    /// Returns the memory of the runs and their index in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.values) + size_of_val(&*self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_found_in_the_run_that_starts_last_before_it() {
        let mut runs = Runs::all(0);
        for (start, value) in [(1, 1), (0x0001_0000, 2), (0x0001_0001, 3), (u32::MAX, 4)] {
            runs.set_from(start, value);
        }
        let map = RunMap::from(runs);
        for (address, value) in [(0, 0), (1, 1), (0xffff, 1), (0x0001_0000, 2), (0x7fff_0000, 3)] {
            assert_eq!(map.value(map.position(address)), value, "{address:x}");
        }
        assert_eq!(map.value(map.position(u32::MAX)), 4);
    }
}
