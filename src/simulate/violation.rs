//! What checkers find.

use std::fmt;
use std::time::Duration;

/// Something that was so and must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckViolation {
    /// When it was found.
    pub at: Duration,
    /// The checker that found it.
    pub checker: &'static str,
    /// What was so.
    pub sentence: String,
}

impl fmt::Display for CheckViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.checker, self.sentence)
    }
}
