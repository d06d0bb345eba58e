//! Where the parts of a view begin and end in one family, and so how wide the block around a client is.
//!
//! A stretch is some runs of a table, side by side, that a view treats alike. Most buckets of addresses
//! lie in one stretch as a whole; for each of those the block is known beforehand, for however far away
//! the ends of the stretch are, they lie in other buckets. In the buckets that are mixed one end is near,
//! and an end in another bucket does not matter.

use super::breaks::Breaks;
use super::map::{Address, BUCKETS, Map};
use super::runs::widest_block;

/// The stretches of one family.
pub(super) struct Stretches {
    breaks: Breaks,
    /// For each bucket the length of the widest block around it in one stretch, or [`MIXED`].
    whole: Box<[u8]>,
}

/// Says of a bucket that it does not lie in one stretch.
const MIXED: u8 = u8::MAX;

impl Stretches {
    /// Finds the stretches of `map`. Those runs of whose values `part` says the same are alike; one of
    /// `None` is alone.
    pub(super) fn new<A: Address>(map: &Map<A>, part: impl Fn(u32) -> Option<u32>) -> Self {
        let mut last = None;
        let breaks = Breaks::new(map.len(), |run| {
            let here = part(map.value(run));
            let before = std::mem::replace(&mut last, here);
            run == 0 || here.is_none() || here != before
        });
        let whole = whole(&borders(map, &breaks));
        Self { breaks, whole }
    }

    /// Returns whether there is only one.
    pub(super) fn is_one(&self) -> bool {
        self.breaks.after(0).is_none()
    }

    /// Returns a run that is alike with the one of `address`, and the length of the widest block around
    /// the address in its stretch.
    #[inline]
    pub(super) fn find<A: Address>(&self, map: &Map<A>, address: A) -> (usize, u8) {
        let bucket = address.bucket();
        let whole = self.whole[bucket];
        if whole != MIXED {
            return (map.last_of(bucket), whole);
        }
        let run = map.position(address);
        (run, map.widest_block(address, self.breaks.at_or_before(run), self.breaks.after(run)))
    }

    /// Returns how much memory they take.
    pub(super) fn memory_bytes(&self) -> usize {
        self.breaks.memory_bytes() + size_of_val(&*self.whole)
    }
}

/// Where stretches begin in a bucket.
#[derive(Clone, Copy)]
struct Border {
    /// Whether one begins at its first address.
    at_first: bool,
    /// Whether one begins at a later address.
    inside: bool,
}

/// Returns the borders of every bucket.
fn borders<A: Address>(map: &Map<A>, breaks: &Breaks) -> Vec<Border> {
    let border = |bucket| {
        let runs = map.starting_in(bucket);
        if runs.is_empty() {
            return Border { at_first: false, inside: false };
        }
        let opens = map.opens(runs.start, bucket);
        let is_break = breaks.at_or_before(runs.start) == runs.start;
        let has_later = breaks.after(runs.start).is_some_and(|later| later < runs.end);
        Border { at_first: opens && is_break, inside: has_later || (is_break && !opens) }
    };
    (0..BUCKETS).map(border).collect()
}

/// Returns the widest block around each bucket. Only the buckets that hold the addresses before and
/// after its stretch need to be known.
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
        fn the_block_is_the_widest_between_both_ends_of_the_stretch_however_far_they_are(
            starts in prop::collection::btree_map(near_borders(), 0u32..4, 0..12),
            asked in prop::collection::vec(near_borders(), 20),
        ) {
            let mut runs = Runs::all(0);
            let mut stretches = Runs::all(0);
            for (start, value) in starts {
                runs.set_from(start, value);
                stretches.set_from(start, value / 2);
            }
            let map = Map::from(runs);
            let found = Stretches::new(&map, |value| Some(value / 2));
            for address in asked {
                let here = stretches.iter().take_while(|run| run.start <= address).last();
                let here = here.expect("the first run starts at the lowest address");
                let after = stretches.iter().map(|run| run.start).find(|start| *start > address);
                let expected = widest_block(address, here.start.predecessor(), after);
                let (run, length) = found.find(&map, address);
                prop_assert_eq!((map.value(run) / 2, length), (here.value, expected), "{:x}", address);
            }
        }
    }
}
