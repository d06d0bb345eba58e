//! Tells the checkers, if the scenario asks for them, and then the listener.

use std::time::Duration;

use super::checkers::Checkers;
use super::happening::{Happening, Listener};

/// The listener, and the checkers, which see everything before it does.
pub struct CheckedListener<'l> {
    pub listener: Listener<'l>,
    pub checks: Option<Checkers>,
}

impl CheckedListener<'_> {
    /// Tells what happens at a moment, and what it violates.
    pub fn tell(&mut self, at: Duration, happening: &Happening<'_>) {
        let violations = self.checks.as_mut().map_or_else(Vec::new, |checks| checks.see(at, happening));
        // The end is the last that a listener hears.
        let is_end = matches!(happening, Happening::Ended);
        if !is_end {
            (self.listener)(at, happening);
        }
        violations.iter().for_each(|violation| (self.listener)(at, &Happening::Violated(violation)));
        if is_end {
            (self.listener)(at, happening);
        }
    }
}
