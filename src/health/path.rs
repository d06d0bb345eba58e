//! How many probes are lost on the way to a region of which nothing has fallen.
//!
//! A probe is lost when it times out. What falls is down, and no matter of the path: with a fall the count begins anew, and
//! nothing is lost while something there is down.

use std::time::Duration;

use crate::moment::{Moment, follows_clock};

/// The time that is counted: long enough for [`MIN_PROBES`] of one canary with the usual interval.
const PATH_WINDOW: Duration = Duration::from_secs(600);

/// With fewer probes of a region nothing is known: a single one that is lost would be a large part.
const MIN_PROBES: u32 = 60;

/// The parts of the window, each forgotten as a whole.
const SLOTS: usize = 10;

const SLOT: Duration = Duration::from_secs(PATH_WINDOW.as_secs() / SLOTS as u64);

/// The probes of a region within the window.
#[derive(Clone, Debug, PartialEq)]
pub struct PathRecord {
    /// When the first slot began, which is the present one; the others are the ones before it.
    began: Moment,
    slots: [PathCount; SLOTS],
}

/// Probes, and how many of them were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PathCount {
    probes: u32,
    lost: u32,
}

impl PathCount {
    fn add(&mut self, other: Self) {
        self.probes = self.probes.saturating_add(other.probes);
        self.lost = self.lost.saturating_add(other.lost);
    }

    fn loss(self) -> Option<f64> {
        (self.probes >= MIN_PROBES).then(|| f64::from(self.lost) / f64::from(self.probes))
    }
}

impl PathRecord {
    /// Returns the record of a region that was not probed yet.
    pub fn new(now: Moment) -> Self {
        Self { began: now, slots: [PathCount::default(); SLOTS] }
    }

    /// Counts a probe.
    pub fn count(&mut self, is_lost: bool, at: Moment) {
        let passed = self.passed(at);
        if passed > 0 {
            self.slots.rotate_right(passed % SLOTS);
            self.slots[..passed].fill(PathCount::default());
            self.began = if passed < SLOTS { self.began.plus(SLOT * passed as u32) } else { at };
        }
        self.slots[0].add(PathCount { probes: 1, lost: is_lost.into() });
    }

    /// Returns the part of the probes that was lost, from 0 to 1; `None`: there were too few.
    pub fn loss(&self, now: Moment) -> Option<f64> {
        self.counted(now).loss()
    }

    /// Returns what was counted within the window before `now`, in whole slots.
    fn counted(&self, now: Moment) -> PathCount {
        let mut sum = PathCount::default();
        self.slots[..SLOTS - self.passed(now)].iter().for_each(|slot| sum.add(*slot));
        sum
    }

    /// Returns how many slots have begun since the present one, at most all.
    fn passed(&self, now: Moment) -> usize {
        let slots = now.since(self.began).as_millis() / SLOT.as_millis();
        usize::try_from(slots).unwrap_or(SLOTS).min(SLOTS)
    }
}

follows_clock!(PathRecord: began);

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts a probe every `every` seconds up to `until`, of which each third is lost, and compares what is counted then.
    fn check(every: u64, until: u64, at: u64, expected: (u32, u32)) {
        let mut record = PathRecord::new(Moment(0));
        for (number, second) in (0..until).step_by(every as usize).enumerate() {
            record.count(number % 3 == 0, Moment(second * 1000));
        }
        let PathCount { probes, lost } = record.counted(Moment(at * 1000));
        assert_eq!((probes, lost), expected, "every {every} s until {until}, at {at}");
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten_slot_by_slot() {
        check(10, 600, 599, (60, 20));
        check(10, 1800, 1799, (60, 20));
        check(10, 600, 660, (48, 16));
        check(10, 600, 1199, (0, 0));
        check(10, 600, 90_000, (0, 0));
        check(450, 900, 450, (2, 1));
        check(700, 1400, 700, (1, 0));
    }

    #[test]
    fn too_few_probes_say_nothing() {
        assert_eq!(PathCount { probes: MIN_PROBES - 1, lost: 30 }.loss(), None);
        assert_eq!(PathCount { probes: MIN_PROBES, lost: 3 }.loss(), Some(0.05));
    }
}
