//! Quantities in text: durations, percentages and numbers of things.
//!
//! Each has one parser and one printer, whose text the parser takes back; configuration, scenarios, flags, the
//! API and logs use these. What is measured is rounded first and printed by the same printer.

mod count;
mod percent;
mod time_span;

pub use count::Count;
pub use percent::Percent;
pub use time_span::TimeSpan;

/// Why a text is not of the form it should have, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {hint}")]
pub struct Malformed {
    /// What is wrong: `` `12` is not a duration ``.
    pub message: String,
    /// What to write: ``write `30s`, `500ms`, `1h30m` or `1d` ``.
    pub hint: String,
}
