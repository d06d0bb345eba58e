//! The whole address space of a family as runs of equal values.
//!
//! Blocks need not be stored: the widest block around an address inside a run follows from the two
//! ends of the run ([`widest_block`]). So neighbouring blocks of equal value are one run.

use std::fmt::Debug;

/// An address of either family, or a part of one, as a number.
pub(super) trait Bits: Copy + Ord + Debug {
    /// The lowest address.
    const MIN: Self;

    /// Returns the address after this one, or `None` after the last.
    fn successor(self) -> Option<Self>;

    /// Returns the address before this one, or `None` before the first.
    fn predecessor(self) -> Option<Self>;

    /// Returns the number of leading bits that the two have in common.
    fn common(self, other: Self) -> u8;

    /// Returns the last address of the block of `length` bits that begins here.
    fn last_of_block(self, length: u8) -> Self;
}

macro_rules! bits {
    ($type:ty) => {
        #[expect(clippy::cast_possible_truncation, reason = "there are 128 bits at most")]
        impl Bits for $type {
            const MIN: Self = 0;

            fn successor(self) -> Option<Self> {
                self.checked_add(1)
            }

            fn predecessor(self) -> Option<Self> {
                self.checked_sub(1)
            }

            #[inline]
            fn common(self, other: Self) -> u8 {
                (self ^ other).leading_zeros() as u8
            }

            fn last_of_block(self, length: u8) -> Self {
                self | Self::MAX.checked_shr(u32::from(length)).unwrap_or(0)
            }
        }
    };
}

bits!(u16);
bits!(u32);
bits!(u128);

/// Returns the length of the widest block around `address` that reaches neither `before`, the
/// address before the run, nor `after`, the one after it. A block is an interval that holds
/// `address`, so it leaves the run exactly when it holds one of them; and it holds all addresses
/// that have its length of bits in common with `address`.
#[inline]
pub(super) fn widest_block<A: Bits>(address: A, before: Option<A>, after: Option<A>) -> u8 {
    let outside = |other: Option<A>| other.map_or(0, |other| address.common(other) + 1);
    outside(before).max(outside(after))
}

/// A family's addresses in ascending runs. Invariants: the first run starts at the lowest address,
/// starts ascend strictly, and no two neighbours have the same value.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Runs<A>(Vec<Run<A>>);

/// Neighbouring addresses of equal value: from `start` to the start of the next run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Run<A> {
    pub(super) start: A,
    pub(super) value: u32,
}

impl<A: Bits> Runs<A> {
    /// Returns one run that gives every address `value`.
    pub(super) fn all(value: u32) -> Self {
        Self(vec![Run { start: A::MIN, value }])
    }

    /// Sets the value of every address from `start` on. Starts must not descend.
    pub(super) fn set_from(&mut self, start: A, value: u32) {
        debug_assert!(self.0.last().is_none_or(|last| last.start <= start), "starts ascend");
        self.0.pop_if(|last| last.start == start);
        if self.0.last().is_none_or(|last| last.value != value) {
            self.0.push(Run { start, value });
        }
    }

    /// Returns the runs in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Run<A>> {
        self.0.iter().copied()
    }
}

/// Joins layers of runs: calls `value` for each interval on which none of them changes, with its first
/// address, the first one beyond it, and the values of all layers.
pub(super) fn join<A: Bits, const N: usize>(
    layers: [&Runs<A>; N],
    mut value: impl FnMut(A, Option<A>, [u32; N]) -> u32,
) -> Runs<A> {
    let mut joined = Runs(Vec::new());
    let mut next = [0; N];
    let mut values = [0; N];
    let mut start = Some(A::MIN);
    while let Some(here) = start {
        start = None;
        for (layer, runs) in layers.iter().enumerate() {
            if let Some(run) = runs.0.get(next[layer]).filter(|run| run.start == here) {
                values[layer] = run.value;
                next[layer] += 1;
            }
            if let Some(run) = runs.0.get(next[layer]) {
                start = Some(start.map_or(run.start, |earliest| earliest.min(run.start)));
            }
        }
        joined.set_from(here, value(here, start, values));
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &[(u32, u32)]) -> Runs<u32> {
        let mut runs = Runs::all(0);
        text.iter().for_each(|(start, value)| runs.set_from(*start, *value));
        runs
    }

    fn pairs(runs: &Runs<u32>) -> Vec<(u32, u32)> {
        runs.iter().map(|run| (run.start, run.value)).collect()
    }

    #[test]
    fn neighbours_of_equal_value_become_one_run() {
        let check = |set: &[(u32, u32)], expected: &[(u32, u32)]| {
            assert_eq!(pairs(&runs(set)), expected);
        };
        check(&[(5, 1), (9, 1), (12, 0)], &[(0, 0), (5, 1), (12, 0)]);
        check(&[(5, 1), (5, 2), (5, 0)], &[(0, 0)]);
        check(&[(0, 7), (u32::MAX, 1)], &[(0, 7), (u32::MAX, 1)]);
    }

    #[test]
    fn joining_layers_changes_value_wherever_one_of_them_does() {
        let mut intervals = Vec::new();
        let layers = [&runs(&[(10, 1), (20, 0)]), &runs(&[(15, 1), (20, 0)])];
        let joined = join(layers, |start, next, [left, right]| {
            intervals.push((start, next));
            left + 2 * right
        });
        assert_eq!(intervals, [(0, Some(10)), (10, Some(15)), (15, Some(20)), (20, None)]);
        assert_eq!(pairs(&joined), [(0, 0), (10, 1), (15, 3), (20, 0)]);
    }

    #[test]
    fn the_widest_block_stops_short_of_both_neighbours() {
        assert_eq!(widest_block(0x0a00_0001_u32, None, None), 0);
        assert_eq!(widest_block(0x0a00_0001_u32, Some(0x09ff_ffff), None), 7);
        assert_eq!(widest_block(0x0a00_0001_u32, Some(0x09ff_ffff), Some(0x0a00_0002)), 31);
    }
}
