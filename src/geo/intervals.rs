//! The intervals of one family on which a view stays the same, and so the width of the block around a client.
//!
//! An interval is a sequence of neighbouring runs that a view treats alike. Most buckets of addresses lie in
//! one interval as a whole, and their block is computed beforehand: however far away the ends of the interval
//! are, they lie in other buckets, so that all addresses of the bucket have the same block. In a mixed bucket
//! an end is near, and one in another bucket cannot be the nearer one.

use super::boundaries::Boundaries;
use super::run_map::{BUCKETS, Bucketed, RunMap};
use super::runs::widest_block;

/// All intervals of one family.
#[derive(Clone, PartialEq)]
pub(super) struct Intervals {
    boundaries: Boundaries,
    /// By bucket: the length of the widest block around it in one interval, or [`MIXED`].
    whole: Box<[u8]>,
}

/// The mark of a bucket that lies in several intervals; no block has this length.
const MIXED: u8 = u8::MAX;

impl Intervals {
    /// Finds the intervals of `map`. Neighbouring runs of equal `part` are in one; a run of `None` is one alone.
    pub(super) fn new<A: Bucketed>(map: &RunMap<A>, part: impl Fn(u32) -> Option<u32>) -> Self {
        let mut last = None;
        let boundaries = Boundaries::new(map.len(), |run| {
            let here = part(map.value(run));
            let before = std::mem::replace(&mut last, here);
            run == 0 || here.is_none() || here != before
        });
        let whole = whole(&borders(map, &boundaries));
        Self { boundaries, whole }
    }

    /// Returns whether one interval covers all addresses.
    pub(super) fn is_one(&self) -> bool {
        self.boundaries.after(0).is_none()
    }

    /// Returns a run in the interval of `address`, and the length of the widest block around the address
    /// in that interval.
    #[inline]
    pub(super) fn find<A: Bucketed>(&self, map: &RunMap<A>, address: A) -> (usize, u8) {
        let bucket = address.bucket();
        let whole = self.whole[bucket];
        if whole != MIXED {
            return (map.last_of(bucket), whole);
        }
        let run = map.position(address);
        (run, map.widest_block(address, self.boundaries.at_or_before(run), self.boundaries.after(run)))
    }

    /// Returns the memory of the intervals in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.boundaries.memory_bytes() + size_of_val(&*self.whole)
    }
}

/// Whether intervals begin in a bucket: at its first address, at a later one.
#[derive(Clone, Copy)]
struct Border {
    at_first: bool,
    inside: bool,
}

/// Returns the borders of every bucket.
fn borders<A: Bucketed>(map: &RunMap<A>, boundaries: &Boundaries) -> Vec<Border> {
    let border = |bucket| {
        let runs = map.starting_in(bucket);
        if runs.is_empty() {
            return Border { at_first: false, inside: false };
        }
        let opens = map.opens(runs.start, bucket);
        let is_boundary = boundaries.at_or_before(runs.start) == runs.start;
        let has_later = boundaries.after(runs.start).is_some_and(|later| later < runs.end);
        Border { at_first: opens && is_boundary, inside: has_later || (is_boundary && !opens) }
    };
    (0..BUCKETS).map(border).collect()
}

/// Returns the widest block around each bucket. It depends only on which buckets hold the last address
/// before the interval and the first one after it.
fn whole(borders: &[Border]) -> Box<[u8]> {
    let mut whole = vec![MIXED; BUCKETS];
    let number = |bucket: usize| u16::try_from(bucket).expect("there are 2^16 buckets");
    let mut before = vec![None; BUCKETS];
    for bucket in 1..BUCKETS {
        let is_next = borders[bucket].at_first || borders[bucket - 1].inside;
        before[bucket] = if is_next { Some(number(bucket - 1)) } else { before[bucket - 1] };
    }
    let mut after = None;
    for bucket in (0..BUCKETS).rev() {
        if !borders[bucket].inside {
            whole[bucket] = widest_block(number(bucket), before[bucket], after);
        }
        if borders[bucket].at_first || borders[bucket].inside {
            after = Some(number(bucket));
        }
    }
    whole.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;
    use crate::geo::runs::{Bits, Runs};

    /// Addresses at and around the borders of a few buckets.
    fn near_borders() -> impl Strategy<Value = u32> {
        let bucket = prop_oneof![0u32..6, 0x7ffeu32..0x8002, 0xfffeu32..0x1_0000];
        let low = prop_oneof![Just(0u32), Just(0xffff), 0u32..4, 0u32..0x1_0000];
        (bucket, low).prop_map(|(bucket, low)| bucket << 16 | low)
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(16), ..ProptestConfig::default() })]

        #[test]
        fn the_block_is_the_widest_between_both_ends_of_the_interval_however_far_they_are(
            starts in prop::collection::btree_map(near_borders(), 0u32..4, 0..12),
            asked in prop::collection::vec(near_borders(), 20),
        ) {
            let mut runs = Runs::all(0);
            let mut intervals = Runs::all(0);
            for (start, value) in starts {
                runs.set_from(start, value);
                intervals.set_from(start, value / 2);
            }
            let map = RunMap::from(runs);
            let found = Intervals::new(&map, |value| Some(value / 2));
            for address in asked {
                let here = intervals.iter().take_while(|run| run.start <= address).last();
                let here = here.expect("the first run starts at the lowest address");
                let after = intervals.iter().map(|run| run.start).find(|start| *start > address);
                let expected = widest_block(address, here.start.predecessor(), after);
                let (run, length) = found.find(&map, address);
                prop_assert_eq!((map.value(run) / 2, length), (here.value, expected), "{:x}", address);
            }
        }
    }
}
