//! When the next probe starts.
//!
//! The first probe of a pair of address and canary starts at once. After it each pair has its turn in the interval
//! ([`Rhythm`]): the addresses of a region take turns evenly, so that the death of a region is seen by the first of
//! them that is probed.
//!
//! ```text
//!   first of three   o━━━━━━━━━━━━━━━━━━━o━━━━━━━━━━━━━━━━━━━o
//!   second           o━━━━━o━━━━━━━━━━━━━━━━━━━o━━━━━━━━━━━━━━
//!   third            o━━━━━━━━━━━━o━━━━━━━━━━━━━━━━━━━o━━━━━━━
//! ```
//!
//! With an interval of 10 s, a timeout of 2 s, a recheck of 2 s and `fall: 3`, an address that stops
//! answering right after a probe is down 20 s later: 10 s until the next probe starts, three timeouts,
//! two rechecks between them. [`worst_case`] computes it, [`due`] keeps to it.

use std::time::Duration;

use super::{AddressState, Streak};
use crate::canary::Canary;
use crate::moment::Moment;

/// The time from one turn of a pair to the next, in percent of the interval.
const PERIOD_PERCENT: u32 = 90;

/// The turn of a pair: which part of a period has passed when it comes, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rhythm(f64);

impl Rhythm {
    /// Returns the turn of one of so many pairs that take turns evenly, of which the first has its turn at `start`, a
    /// part of a period from 0 to 1.
    pub fn of(start: f64, index: usize, count: usize) -> Self {
        Self((start + index as f64 / count.max(1) as f64).fract())
    }

    /// Returns the first turn after a moment, with this time between two turns.
    fn turn_after(self, moment: Moment, period: Duration) -> Moment {
        let period = u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1);
        let first = (self.0 * period as f64).round() as u64;
        let passed = (moment.0 % period + period - first.min(period - 1)) % period;
        Moment(moment.0.saturating_add(period - passed))
    }
}

/// Returns when a probe starts again whose last one `started` then and `took` so long, given a `jitter` drawn evenly
/// from 0 to 1.
///
/// A suspect address is probed again one `recheck` after its failed probe ended, so that it is decided
/// soon and yet has that long to recover from a hiccup. Everything else is probed at its next turn, up to a tenth of the
/// interval later, whatever brought the last probe forward: from start to start never more than the interval, so that
/// [`worst_case`] is a promise and slow answers do not make probes rarer. A turn that would come within one `recheck`
/// of the last start is left out.
pub fn due(
    canary: &Canary,
    streak: &Streak,
    rhythm: Rhythm,
    jitter: f64,
    started: Moment,
    took: Duration,
) -> Moment {
    let ended = started.plus(took);
    let turns = turns(canary);
    match streak.state() {
        AddressState::Suspect => ended.plus(turns.recheck),
        AddressState::Unknown | AddressState::Up | AddressState::Rising | AddressState::Down => {
            let late = turns.late.mul_f64(jitter.clamp(0.0, 1.0));
            let turn = rhythm.turn_after(started.plus(turns.pause), turns.period).plus(late);
            turn.min(started.plus(canary.interval)).max(ended)
        }
    }
}

/// The times between the probes of a canary that all is well with, and after a failure.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    /// From turn to turn.
    pub period: Duration,
    /// How late a probe starts after its turn at most.
    pub late: Duration,
    /// How long after a start the next turn is looked for at the earliest.
    pub pause: Duration,
    /// From the end of a failed probe to the next one while nothing has fallen.
    pub recheck: Duration,
}

/// Returns the times between the probes of a canary.
pub fn turns(canary: &Canary) -> Turns {
    let period = canary.interval * PERIOD_PERCENT / 100;
    let recheck = canary.recheck.min(canary.interval);
    // With more than half of the interval a pair would miss its regular turn.
    Turns { period, late: canary.interval - period, pause: recheck.min(canary.interval / 2), recheck }
}

/// Returns the longest time from the moment an address stops answering until it is down.
pub fn worst_case(canary: &Canary) -> Duration {
    let fall = canary.thresholds.fall.max(1);
    canary.interval + canary.timeout * fall + turns(canary).recheck * (fall - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::canary::{Check, Criticality, Reach, Thresholds};

    fn canary(interval: u64, timeout: u64, recheck: u64, fall: u32) -> Canary {
        Canary {
            name: "shallow".to_owned(),
            check: Check::Tcp { port: 80 },
            interval: Duration::from_millis(interval),
            timeout: Duration::from_millis(timeout),
            recheck: Duration::from_millis(recheck),
            thresholds: Thresholds { fall, rise: 3 },
            effect: Criticality::Critical,
            reach: Reach::Address,
            slow: None,
        }
    }

    const START: Moment = Moment(1_000_000);

    /// Lets every probe of an address take the whole timeout that died right after one, which started then.
    fn detection(canary: &Canary, rhythm: Rhythm, jitters: &[f64]) -> Duration {
        let mut streak = Streak::default();
        streak.count(true, canary.thresholds);
        let (mut started, mut took) = (START, Duration::ZERO);
        for jitter in jitters.iter().cycle() {
            started = due(canary, &streak, rhythm, *jitter, started, took);
            took = canary.timeout;
            streak.count(false, canary.thresholds);
            if streak.state() == AddressState::Down {
                break;
            }
        }
        started.plus(took).since(START)
    }

    /// Returns when the probes of a pair start that are answered at once, from its first one on.
    fn starts(canary: &Canary, rhythm: Rhythm, jitters: &[f64]) -> Vec<Moment> {
        let mut streak = Streak::default();
        streak.count(true, canary.thresholds);
        let next = |last: &mut Moment, jitter: &f64| {
            *last = due(canary, &streak, rhythm, *jitter, *last, Duration::ZERO);
            Some(*last)
        };
        std::iter::once(START).chain(jitters.iter().scan(START, next)).collect()
    }

    #[test]
    fn the_defaults_detect_within_twenty_seconds() {
        let canary = canary(10_000, 2_000, 2_000, 3);
        assert_eq!(worst_case(&canary), Duration::from_secs(20));
        // A turn that was just missed.
        let rhythm = Rhythm::of(0.12, 0, 1);
        assert_eq!(START.0 % 9_000, 1_000);
        assert_eq!(detection(&canary, rhythm, &[1.0]), Duration::from_secs(20));
    }

    #[test]
    fn only_a_suspect_is_rechecked() {
        let canary = canary(10_000, 2_000, 2_000, 2);
        let took = Duration::from_secs(1);
        let mut streak = Streak::default();
        let mut waits = Vec::new();
        for is_success in [true, false, false, true, true, true] {
            streak.count(is_success, canary.thresholds);
            let started = Moment(900_000);
            waits.push(
                due(&canary, &streak, Rhythm::default(), 0.5, started, took).since(started).as_secs_f64(),
            );
        }
        assert_eq!(waits, [9.5, 3.0, 9.5, 9.5, 9.5, 9.5], "up, suspect, down, rising, rising, up");
    }

    #[test]
    fn a_probe_that_outlasts_the_interval_is_followed_at_once_and_never_overlapped() {
        let canary = canary(1_000, 5_000, 2_000, 3);
        let took = Duration::from_secs(4);
        let again = due(&canary, &Streak::default(), Rhythm::default(), 0.0, START, took);
        assert_eq!(again, START.plus(took));
    }

    #[test]
    fn the_addresses_of_a_region_take_turns_evenly() {
        let canary = canary(10_000, 2_000, 2_000, 3);
        let turns = [0, 1, 2].map(|index| {
            let starts = starts(&canary, Rhythm::of(0.5, index, 3), &[0.0; 4]);
            starts[2].0 % 9_000
        });
        assert_eq!(turns, [4_500, 7_500, 1_500]);
    }

    #[test]
    fn what_was_probed_out_of_turn_keeps_its_next_turn_unless_that_comes_at_once() {
        let canary = canary(10_000, 2_000, 2_000, 3);
        let next = |started: u64| {
            due(&canary, &Streak::default(), Rhythm::default(), 0.0, Moment(started), Duration::ZERO)
        };
        assert_eq!([next(900_000), next(905_000)], [Moment(909_000); 2]);
        assert_eq!(next(907_500), Moment(917_500), "the turn at 909 s is left out, and the interval kept");
    }

    proptest! {
        #[test]
        fn no_rhythm_and_no_jitter_break_the_promised_detection_time(
            interval in 100u64..60_000, timeout in 10u64..10_000, recheck in 10u64..10_000,
            fall in 1u32..8, start in 0.0f64..=1.0, jitters in proptest::collection::vec(0.0f64..=1.0, 1..8),
        ) {
            let canary = canary(interval, timeout.min(interval), recheck, fall);
            prop_assert!(detection(&canary, Rhythm::of(start, 0, 1), &jitters) <= worst_case(&canary));
        }

        #[test]
        fn the_gap_is_between_eight_tenths_and_the_whole_of_the_interval(
            recheck in 10u64..20_000, start in 0.0f64..=1.0, jitters in proptest::collection::vec(0.0f64..=1.0, 8..12),
        ) {
            let canary = canary(10_000, 2_000, recheck, 3);
            let starts = starts(&canary, Rhythm::of(start, 1, 3), &jitters);
            let gaps: Vec<_> = starts.windows(2).map(|two| two[1].since(two[0])).collect();
            prop_assert!(gaps.iter().all(|gap| *gap <= Duration::from_secs(10)), "{gaps:?}");
            // Its turn is found with the first or the second.
            prop_assert!(gaps[2..].iter().all(|gap| *gap >= Duration::from_secs(8)), "{gaps:?}");
        }
    }
}
