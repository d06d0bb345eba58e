//! The real clock: the monotonic one, set to what the wall clock shows, and set anew when that is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::moment::{ClockStep, FollowClock, Moment};

/// How far the wall clock may be off before it is followed: time daemons slew up to half a second (`ntpd`) and step what
/// is more, and no one reads times of events to the second.
const TOLERANCE: Duration = Duration::from_secs(2);

/// Makes moments. All clones are one clock.
#[derive(Clone, Debug)]
pub struct SystemClock {
    boot: Moment,
    started: Instant,
    /// By how many milliseconds the wall clock has been set since, as far as it was followed.
    set_by: Arc<AtomicI64>,
}

impl SystemClock {
    /// Reads the wall clock. A clock before 1970 counts as 1970.
    pub fn start() -> Self {
        Self { boot: wall_clock(), started: Instant::now(), set_by: Arc::default() }
    }

    /// Returns when the clock was started, by what the wall clock showed then.
    pub fn boot(&self) -> Moment {
        self.boot
    }

    /// Returns the present moment.
    pub fn now(&self) -> Moment {
        self.told(self.steady())
    }

    /// Returns the present moment by a clock that is never set: for what is stamped in one task and read in another.
    pub fn steady(&self) -> Moment {
        self.boot.plus(self.started.elapsed())
    }

    /// Returns what keeps moments of the steady clock, or such a moment, as [`Self::now`] would have told it by the wall
    /// clock of today.
    pub fn told<T: FollowClock>(&self, mut steady: T) -> T {
        steady.follow_clock(ClockStep(self.set_by.load(Ordering::Relaxed)));
        steady
    }

    /// Follows the wall clock if it was set, and returns by how much. One task asks.
    pub fn follow(&self) -> Option<ClockStep> {
        let step = self.deviation(wall_clock())?;
        self.set_by.fetch_add(step.0, Ordering::Relaxed);
        Some(step)
    }

    /// Returns how far the wall clock is off, if that is more than is tolerated.
    fn deviation(&self, wall: Moment) -> Option<ClockStep> {
        let signed = |moment: Moment| i64::try_from(moment.0).unwrap_or(i64::MAX);
        let step = ClockStep(signed(wall).saturating_sub(signed(self.now())));
        (step.size() >= TOLERANCE).then_some(step)
    }
}

fn wall_clock() -> Moment {
    Moment::default().plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{AddressState, Fact, FactKey, PeerNews, PeerReport};

    #[test]
    fn a_clock_that_is_set_while_a_fact_is_on_its_way_makes_it_no_older() {
        let clock = SystemClock::start();
        let fact = |since| Fact {
            state: AddressState::Up,
            count: 1,
            since,
            failing_since: None,
            failure: None,
            succeeded: None,
            is_blind: false,
        };
        let key = FactKey { region: "tokyo".to_owned(), address: None, canary: "tcp".to_owned() };
        let told = |since| PeerReport {
            peer: "ns2".to_owned(),
            news: PeerNews::Changed(vec![(key.clone(), fact(since))]),
        };
        let waiting = vec![told(Moment(7_200_000))];
        clock.set_by.fetch_add(-3_600_000, Ordering::Relaxed);
        assert_eq!(clock.told(waiting), [told(Moment(3_600_000))]);
    }

    #[test]
    fn a_clock_that_was_set_is_followed_once_and_one_that_drifts_is_not() {
        let clock = SystemClock::start();
        let hour = Duration::from_secs(3600);
        assert_eq!((clock.follow(), clock.deviation(clock.now().plus(TOLERANCE / 2))), (None, None));
        let step = clock.deviation(clock.now().plus(hour)).expect("it was set");
        assert!((hour - TOLERANCE..=hour).contains(&step.size()) && step.0 > 0, "{step:?}");
        clock.set_by.fetch_add(step.0, Ordering::Relaxed);
        assert_eq!(clock.told(Moment(1)), Moment(1 + step.size().as_millis() as u64));
        assert_eq!(clock.deviation(clock.now()), None);
        assert!(clock.follow().is_some_and(|back| back.0 < 0), "the wall clock was not set after all");
        assert!(clock.now().since(clock.steady()) < TOLERANCE);
    }
}
