//! When health is saved.

use std::time::Duration;

use crate::moment::{Moment, follows_clock};

/// The shortest time between two writes. When a thousand addresses fall at once, the file is written
/// once or twice and not a thousand times; `kill -9` forgets at most the last second.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// The longest time between two writes while probes come back: a tenth of `health::FRESH_FOR`, so that what
/// lies on disk is fresh whenever the process ends.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// Decides when health is saved.
#[derive(Clone, Debug)]
pub struct SaveSchedule {
    written: Moment,
    has_news: bool,
}

impl SaveSchedule {
    /// Starts with nothing to save.
    pub fn new(now: Moment) -> Self {
        Self { written: now, has_news: false }
    }

    /// Returns when to ask again although nothing happens: when news may be saved that came too soon after the last write;
    /// `None`: there is none.
    pub fn wake(&self) -> Option<Moment> {
        self.has_news.then(|| self.written.plus(AT_MOST_EVERY))
    }

    /// Returns whether health is to be saved now; `is_news`: what is saved has changed.
    pub fn is_due(&mut self, is_news: bool, now: Moment) -> bool {
        self.has_news |= is_news;
        let age = now.since(self.written);
        let is_due = age >= AT_LEAST_EVERY || (self.has_news && age >= AT_MOST_EVERY);
        if is_due {
            *self = Self::new(now);
        }
        is_due
    }
}

follows_clock!(SaveSchedule: written);

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes events at these milliseconds, with or without news, and compares when it writes.
    fn check(events: &[(u64, bool)], written: &[u64]) {
        let mut save_schedule = SaveSchedule::new(Moment(0));
        let due = events.iter().filter(|(at, is_news)| save_schedule.is_due(*is_news, Moment(*at)));
        assert_eq!(due.map(|(at, _)| *at).collect::<Vec<_>>(), written);
    }

    #[test]
    fn news_is_written_at_once_but_not_twice_a_second() {
        check(&[(5000, true), (5100, true), (5900, true), (6000, false), (9000, false)], &[5000, 6000]);
    }

    #[test]
    fn news_that_came_too_soon_is_written_although_nothing_more_happens() {
        let mut schedule = SaveSchedule::new(Moment(0));
        assert!(schedule.is_due(true, Moment(5000)) && schedule.wake().is_none());
        assert!(!schedule.is_due(true, Moment(5400)));
        let wake = schedule.wake();
        assert_eq!(wake, Some(Moment(6000)));
        assert!(wake.is_some_and(|wake| schedule.is_due(false, wake)) && schedule.wake().is_none());
    }

    #[test]
    fn without_news_it_is_written_every_minute() {
        let events: Vec<_> = (0..20).map(|tenth| (tenth * 10_000, false)).collect();
        check(&events, &[60_000, 120_000, 180_000]);
    }
}
