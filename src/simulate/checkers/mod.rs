//! Checkers: what must hold whatever happens, each in a file of its own.
//!
//! ```text
//!  safety     border      no answer leads a client out of its residency rules
//!             falls       nothing leaves before `fall` consecutive failures
//!             drains      a drained place is in no answer, and "over" means that no cache may hold it
//!             restarts    what was down, held, quarantined or asked for is so after a restart
//!             shares      who is in at 10% stays in at 50%
//!             snapshots   each says something new, under a higher number
//!  liveness   detection   what fails is out as soon as promised, or a suppression says why not
//!             settled     when nothing is wrong any more, everything is healthy and at home as soon as promised
//! ```
//!
//! A checker sees what a listener sees, before it, and knows the configuration only by what snapshots and reports
//! carry. What it holds the server against it works out by itself: the counts of failures, the rules of a client,
//! the time until an answer is gone. A scenario asks for all of them with `check`; a new one is a file here and a
//! line in [`Checkers::all`].

mod border;
mod counts;
mod detection;
mod drains;
mod falls;
mod restarts;
mod settled;
mod shares;
mod snapshots;

use std::fmt;
use std::time::Duration;

pub use border::BorderChecker;
pub use detection::DetectionChecker;
pub use drains::DrainChecker;
pub use falls::FallChecker;
pub use restarts::RestartChecker;
pub use settled::SettledChecker;
pub use shares::ShareChecker;
pub use snapshots::SnapshotChecker;

use super::happening::Happening;
use super::violation::CheckViolation;

/// The most violations that are told of one checker; one bug violates the same again and again.
const MOST_TOLD: usize = 5;

/// Something that must hold, whatever happens.
pub trait Checker {
    /// Returns its name in violations.
    fn name(&self) -> &'static str;

    /// Takes what happens at a moment, the end included, and says what must not be.
    fn see(&mut self, at: Duration, happening: &Happening<'_>, found: &mut Found);
}

/// What a checker found: sentences.
pub type Found = Vec<String>;

/// All checkers of one simulation.
pub struct Checkers {
    checkers: Vec<(Box<dyn Checker>, usize)>,
}

impl Checkers {
    /// Returns every checker there is.
    pub fn all() -> Self {
        Self::of(vec![
            Box::new(BorderChecker::default()),
            Box::new(FallChecker::default()),
            Box::new(DetectionChecker::default()),
            Box::new(DrainChecker::default()),
            Box::new(RestartChecker::default()),
            Box::new(ShareChecker::default()),
            Box::new(SnapshotChecker::default()),
            Box::new(SettledChecker::default()),
        ])
    }

    /// Returns these checkers.
    pub fn of(checkers: Vec<Box<dyn Checker>>) -> Self {
        Self { checkers: checkers.into_iter().map(|checker| (checker, 0)).collect() }
    }

    /// Takes what happens, and returns what must not be; of one checker only the first few.
    pub fn see(&mut self, at: Duration, happening: &Happening<'_>) -> Vec<CheckViolation> {
        let mut violations = Vec::new();
        for (checker, told) in &mut self.checkers {
            let mut found = Found::new();
            checker.see(at, happening, &mut found);
            let left = MOST_TOLD.saturating_sub(*told);
            *told += found.len();
            let checker = checker.name();
            violations.extend(found.into_iter().take(left).map(|sentence| CheckViolation {
                at,
                checker,
                sentence,
            }));
        }
        violations
    }
}

impl fmt::Debug for Checkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.checkers.iter().map(|(checker, _)| checker.name())).finish()
    }
}
