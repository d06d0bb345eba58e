//! When clients are divided anew.
//!
//! What was done last must have been felt, a TTL later, and reported, before anything else is done by what regions report.
//! Then a region that is too full is relieved; all else waits for the usual pace.

use std::time::Duration;

use crate::canary::{Canary, Signal};
use crate::moment::{ClockStep, FollowClock, Moment};
use crate::snapshot::Base;

/// The shortest time between two steps: three reports of a canary with the usual interval.
const SHORTEST: Duration = Duration::from_secs(30);

/// When a step may be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// When what was done last has been reported, and from then on when the next step is due.
    next: Moment,
    /// When the next step is due if no region is too full before.
    due: Moment,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// For regions that are too full, before the pace has passed.
    Early,
    /// For all of them.
    Usual,
}

impl Pace {
    /// Lets the first step wait for the usual time.
    pub fn new(base: &Base, now: Moment) -> Self {
        let next = now.plus(Self::usual(base));
        Self { next, due: next }
    }

    /// Returns the usual time between two steps.
    pub fn usual(base: &Base) -> Duration {
        SHORTEST.max(2 * longest_ttl(base))
    }

    /// Returns when to look again.
    pub fn next(self) -> Moment {
        self.next
    }

    /// Returns what a step at this moment would be for; `None`: none may be taken.
    pub fn turn(self, now: Moment) -> Option<Turn> {
        match (now < self.next, now < self.due) {
            (true, _) => None,
            (false, true) => Some(Turn::Early),
            (false, false) => Some(Turn::Usual),
        }
    }

    /// Waits for the usual step when an early one has nothing to do.
    pub fn skip(&mut self) {
        self.next = self.due;
    }

    /// Waits after a step until it has been reported, and usually for the usual time.
    pub fn stepped(&mut self, base: &Base, now: Moment) {
        self.wait(base, Self::usual(base), now);
    }

    /// Waits after clients have been divided at once. Unless something `is_known`, the first reports there are estimate what
    /// they ask for.
    pub fn landed(&mut self, base: &Base, is_known: bool, now: Moment) {
        let report = if is_known { longest_report(base) } else { Duration::ZERO };
        self.wait(base, Self::usual(base) + report, now);
    }

    fn wait(&mut self, base: &Base, usual: Duration, now: Moment) {
        let reported = now.plus(longest_ttl(base)).plus(longest_report(base));
        (self.next, self.due) = (reported, reported.max(now.plus(usual)));
    }
}

/// Returns after what time all clients have been answered anew.
fn longest_ttl(base: &Base) -> Duration {
    let longest = base.config.steered.iter().map(|steering| steering.ttl.seconds()).max().unwrap_or(0);
    Duration::from_secs(u64::from(longest))
}

/// Returns after what time every region has reported anew.
fn longest_report(base: &Base) -> Duration {
    let reporting =
        |canary: &&Canary| canary.check.signals().iter().any(|(signal, _)| *signal == Signal::Load);
    base.config.canaries.iter().filter(reporting).map(|canary| canary.interval).max().unwrap_or_default()
}

impl FollowClock for Pace {
    fn follow_clock(&mut self, step: ClockStep) {
        self.next.follow_clock(step);
        self.due.follow_clock(step);
    }
}
