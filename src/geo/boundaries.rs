//! The runs at which an interval of a view begins: one bit a run, with summaries above.
//!
//! A view must find both ends of the interval around an address. A sorted list of ends would cost 32 bits an
//! end and a binary search for each query. Here each level has one bit for each 64 bits of the level below,
//! set when any of them is: an interval of a million runs is crossed in a handful of steps, at a memory of
//! one bit and a little a run.

/// A set of run numbers. Invariant: number 0 is in it, so that every run has a boundary at or before it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Boundaries {
    /// One bit for each number.
    words: Box<[u64]>,
    /// One bit for each word of the level below, the first level for `words`; the last is one word.
    summaries: Vec<Box<[u64]>>,
}

impl Boundaries {
    /// Collects the numbers below `length` for which `is_boundary` holds.
    pub(super) fn new(length: usize, mut is_boundary: impl FnMut(usize) -> bool) -> Self {
        let word = |first: usize| {
            let numbers = first..length.min(first + 64);
            numbers.fold(0u64, |bits, number| bits | u64::from(is_boundary(number)) << (number - first))
        };
        let words: Box<[u64]> = (0..length).step_by(64).map(word).collect();
        let mut summaries: Vec<Box<[u64]>> = Vec::new();
        loop {
            let below = summaries.last().unwrap_or(&words);
            if below.len() <= 1 {
                return Self { words, summaries };
            }
            let summary = |words: &[u64]| {
                let any = words.iter().enumerate();
                any.fold(0, |bits, (place, word)| bits | u64::from(*word != 0) << place)
            };
            summaries.push(below.chunks(64).map(summary).collect());
        }
    }

    /// Returns the highest number in the set that is at most `number`.
    #[inline]
    pub(super) fn at_or_before(&self, number: usize) -> usize {
        let (word, bit) = (number / 64, number % 64);
        let earlier = self.words[word] & (u64::MAX >> (63 - bit));
        match earlier {
            0 => self.before_word(word),
            _ => word * 64 + highest(earlier),
        }
    }

    /// Returns the lowest number in the set that is greater than `number`.
    #[inline]
    pub(super) fn after(&self, number: usize) -> Option<usize> {
        let (word, bit) = (number / 64, number % 64);
        match self.words[word] & above(bit) {
            0 => self.after_word(word),
            later => Some(word * 64 + lowest(later)),
        }
    }

    /// Returns the highest number in the set that lies in an earlier word than `place`.
    fn before_word(&self, mut place: usize) -> usize {
        for (level, words) in self.summaries.iter().enumerate() {
            let (word, bit) = (place / 64, place % 64);
            let earlier = words[word] & ((1 << bit) - 1);
            if earlier != 0 {
                return self.descend(level, word * 64 + highest(earlier), highest);
            }
            place = word;
        }
        unreachable!("number 0 is in the set")
    }

    /// Returns the lowest number in the set that lies in a later word than `place`.
    fn after_word(&self, mut place: usize) -> Option<usize> {
        for (level, words) in self.summaries.iter().enumerate() {
            let (word, bit) = (place / 64, place % 64);
            let later = words[word] & above(bit);
            if later != 0 {
                return Some(self.descend(level, word * 64 + lowest(later), lowest));
            }
            place = word;
        }
        None
    }

    /// Follows a word that is set in the summary of `level` down to the number in it that `choose`
    /// chooses.
    fn descend(&self, level: usize, mut place: usize, choose: fn(u64) -> usize) -> usize {
        for words in self.summaries[..level].iter().rev() {
            place = place * 64 + choose(words[place]);
        }
        place * 64 + choose(self.words[place])
    }

    /// Returns the memory of the set in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        let summaries: usize = self.summaries.iter().map(|level| size_of_val(&**level)).sum();
        size_of_val(&*self.words) + summaries
    }
}

/// Returns the bits above `bit`. Two shifts, because a shift by 64 is none.
fn above(bit: usize) -> u64 {
    u64::MAX << bit << 1
}

/// Returns the place of the highest bit that is set.
fn highest(word: u64) -> usize {
    word.ilog2() as usize
}

/// Returns the place of the lowest bit that is set.
fn lowest(word: u64) -> usize {
    word.trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(64), ..ProptestConfig::default() })]

        #[test]
        fn neighbours_in_the_set_are_those_of_an_ordered_set(
            members in prop::collection::btree_set(0usize..9_000, 0..40),
            length in 1usize..9_000,
            asked in prop::collection::vec(0usize..9_000, 20),
        ) {
            let mut members: BTreeSet<usize> = members.into_iter().filter(|number| *number < length).collect();
            members.insert(0);
            let boundaries = Boundaries::new(length, |number| members.contains(&number));
            for number in asked.into_iter().chain(members.iter().copied()).filter(|number| *number < length) {
                prop_assert_eq!(Some(&boundaries.at_or_before(number)), members.range(..=number).next_back());
                prop_assert_eq!(boundaries.after(number), members.range(number + 1..).next().copied());
            }
        }
    }
}
