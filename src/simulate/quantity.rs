//! Ranges and jumps, as scenarios write them.

use std::fmt;
use std::time::Duration;

use crate::units::TimeSpan;

/// What a number is expected to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// From one to the other, both included.
    Within(f64, f64),
    Below(f64),
    Above(f64),
}

impl Range {
    /// The whole.
    pub const ALL: Self = Self::Within(1.0, 1.0);

    /// Returns whether a number is as expected.
    pub fn contains(self, number: f64) -> bool {
        match self {
            Self::Within(lowest, highest) => (lowest..=highest).contains(&number),
            Self::Below(limit) => number < limit,
            Self::Above(limit) => number > limit,
        }
    }
}

/// A jump of the wall clock: `+1h`, `-30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// It goes on later than it was.
    Forward(Duration),
    /// It goes on earlier than it was.
    Back(Duration),
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(by) => write!(f, "+{}", TimeSpan(*by)),
            Self::Back(by) => write!(f, "-{}", TimeSpan(*by)),
        }
    }
}
