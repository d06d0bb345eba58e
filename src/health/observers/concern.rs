//! What is judged anew because a peer has told something.

use std::collections::BTreeSet;
use std::ops::Range;

/// The facts by which the verdict may be another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Concern {
    /// All of them: an observer is heard or lost, or what this instance sees has changed.
    Everything,
    /// Those in these places of the keys.
    Facts(BTreeSet<usize>),
}

impl Default for Concern {
    fn default() -> Self {
        Self::Facts(BTreeSet::new())
    }
}

impl Concern {
    pub fn is_none(&self) -> bool {
        match self {
            Self::Everything => false,
            Self::Facts(slots) => slots.is_empty(),
        }
    }

    /// Returns whether one of these facts is concerned.
    pub fn includes(&self, slots: Range<usize>) -> bool {
        match self {
            Self::Everything => true,
            Self::Facts(concerned) => concerned.range(slots).next().is_some(),
        }
    }

    pub fn include(&mut self, slot: usize) {
        match self {
            Self::Everything => {}
            Self::Facts(slots) => _ = slots.insert(slot),
        }
    }

    pub fn include_all_if(&mut self, is_all: bool) {
        if is_all {
            *self = Self::Everything;
        }
    }

    pub fn join(&mut self, other: Self) {
        match other {
            Self::Everything => *self = Self::Everything,
            Self::Facts(slots) => slots.into_iter().for_each(|slot| self.include(slot)),
        }
    }
}
