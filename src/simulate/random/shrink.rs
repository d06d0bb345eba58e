//! Makes a run that fails shorter, as long as the same checker still finds something.
//!
//! First everything after the first violation goes, then ever smaller pieces of what happens before it. It is greedy: what
//! is left may not be the least there is, but each single act of it is needed.

use std::time::Duration;

use super::RandomRun;
use crate::simulate::violation::CheckViolation;

/// The most runs that are tried.
const MOST_TRIES: usize = 300;

/// Returns a shorter run in which the same checker finds something; the run itself if there is none.
pub fn shrink(run: &RandomRun, violation: &CheckViolation) -> RandomRun {
    let mut shrinking = Shrinking { best: run.clone(), checker: violation.checker, tries: 0 };
    shrinking.cut_after(violation.at);
    let mut piece = shrinking.best.lines.len().div_ceil(2);
    while piece > 0 && shrinking.tries < MOST_TRIES {
        let has_shrunk = shrinking.without_pieces(piece);
        // Single acts are tried until none can go.
        piece = if piece == 1 && has_shrunk { 1 } else { piece / 2 };
    }
    shrinking.best
}

struct Shrinking {
    best: RandomRun,
    checker: &'static str,
    tries: usize,
}

impl Shrinking {
    /// Lets a run end when the violation is found.
    fn cut_after(&mut self, at: Duration) {
        let mut cut = self.best.clone();
        cut.until = at + Duration::from_secs(1);
        cut.until = Duration::from_secs(cut.until.as_secs() + 1).min(self.best.until);
        cut.lines.retain(|(begins, _)| *begins <= cut.until);
        self.keep_if_failing(cut);
    }

    /// Leaves out pieces of this many acts, one after the other, and returns whether any could go.
    fn without_pieces(&mut self, piece: usize) -> bool {
        let mut from = 0;
        let mut has_shrunk = false;
        while from < self.best.lines.len() && self.tries < MOST_TRIES {
            let mut shorter = self.best.clone();
            shorter.lines.drain(from..(from + piece).min(shorter.lines.len()));
            match self.keep_if_failing(shorter) {
                true => has_shrunk = true,
                false => from += piece,
            }
        }
        has_shrunk
    }

    /// Takes a run for the best if the same checker finds something in it.
    fn keep_if_failing(&mut self, run: RandomRun) -> bool {
        self.tries += 1;
        let is_failing = run
            .play()
            .is_ok_and(|result| result.violations.iter().any(|violation| violation.checker == self.checker));
        if is_failing {
            self.best = run;
        }
        is_failing
    }
}
