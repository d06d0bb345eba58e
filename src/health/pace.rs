//! When the next probe starts.
//!
//! With an interval of 10 s, a timeout of 2 s, a recheck of 2 s and `fall: 3`, an address that stops
//! answering right after a probe is down 20 s later: 10 s until the next probe starts, three timeouts,
//! two rechecks between them. [`worst_case`] computes it, [`wait`] keeps to it.

use std::time::Duration;

use super::{AddressState, Streak};
use crate::canary::Canary;

/// The share of the interval that lies between two probes on average, in percent; with jitter of ±10 %
/// on top the interval itself is the longest gap there is, so that [`worst_case`] is a promise.
const MEAN_PERCENT: f64 = 90.0;

/// How far the jitter reaches on either side, in percent of the interval (design, section 5).
const JITTER_PERCENT: f64 = 10.0;

/// Returns how long after its last start a probe starts again, given how long the last one `took` and a
/// `jitter` drawn evenly from 0 to 1.
///
/// A suspect address is probed again one `recheck` after its failed probe ended, so that it is decided
/// soon and yet has that long to recover from a hiccup. Everything else keeps the interval from start to start, so that
/// slow answers do not make probes rarer.
pub fn wait(canary: &Canary, streak: &Streak, took: Duration, jitter: f64) -> Duration {
    let percent = MEAN_PERCENT + JITTER_PERCENT * (2.0 * jitter.clamp(0.0, 1.0) - 1.0);
    let regular = canary.interval.mul_f64(percent / 100.0).max(took);
    match streak.state() {
        AddressState::Suspect => took + canary.recheck.min(canary.interval),
        AddressState::Unknown | AddressState::Up | AddressState::Rising | AddressState::Down => regular,
    }
}

/// Returns how long a new pair of address and canary waits for its first probe: anywhere in the interval,
/// so that a restart does not probe everything at once.
pub fn spread(canary: &Canary, jitter: f64) -> Duration {
    canary.interval.mul_f64(jitter.clamp(0.0, 1.0))
}

/// Returns the longest time from the moment an address stops answering until it is down.
pub fn worst_case(canary: &Canary) -> Duration {
    let recheck = canary.recheck.min(canary.interval);
    let fall = canary.thresholds.fall.max(1);
    canary.interval + canary.timeout * fall + recheck * (fall - 1)
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

    /// Lets every probe of a dead address take the whole timeout, starting with the longest wait.
    fn detection(canary: &Canary, jitters: &[f64]) -> Duration {
        let mut streak = Streak::default();
        streak.count(true, canary.thresholds);
        let mut passed = wait(canary, &streak, Duration::ZERO, 1.0);
        for jitter in jitters.iter().cycle() {
            streak.count(false, canary.thresholds);
            if streak.state() == AddressState::Down {
                break;
            }
            passed += wait(canary, &streak, canary.timeout, *jitter);
        }
        passed + canary.timeout
    }

    #[test]
    fn the_defaults_detect_within_twenty_seconds() {
        let canary = canary(10_000, 2_000, 2_000, 3);
        assert_eq!(worst_case(&canary), Duration::from_secs(20));
        assert_eq!(detection(&canary, &[0.5]), Duration::from_secs(20));
    }

    #[test]
    fn only_a_suspect_is_rechecked() {
        let canary = canary(10_000, 2_000, 2_000, 2);
        let took = Duration::from_secs(1);
        let mut streak = Streak::default();
        let mut waits = Vec::new();
        for is_success in [true, false, false, true, true, true] {
            streak.count(is_success, canary.thresholds);
            waits.push(wait(&canary, &streak, took, 0.5).as_secs());
        }
        assert_eq!(waits, [9, 3, 9, 9, 9, 9], "up, suspect, down, rising, rising, up");
    }

    #[test]
    fn a_probe_that_outlasts_the_interval_is_followed_at_once_and_never_overlapped() {
        let canary = canary(1_000, 5_000, 2_000, 3);
        let took = Duration::from_secs(4);
        assert_eq!(wait(&canary, &Streak::default(), took, 0.0), took);
    }

    proptest! {
        #[test]
        fn no_jitter_breaks_the_promised_detection_time(
            interval in 100u64..60_000, timeout in 10u64..10_000, recheck in 10u64..10_000,
            fall in 1u32..8, jitters in proptest::collection::vec(0.0f64..=1.0, 1..8),
        ) {
            let canary = canary(interval, timeout.min(interval), recheck, fall);
            prop_assert!(detection(&canary, &jitters) <= worst_case(&canary));
        }

        #[test]
        fn the_gap_is_between_eight_tenths_and_the_whole_of_the_interval(jitter in 0.0f64..=1.0) {
            let canary = canary(10_000, 2_000, 2_000, 3);
            let gap = wait(&canary, &Streak::default(), Duration::ZERO, jitter);
            prop_assert!((Duration::from_secs(8)..=Duration::from_secs(10)).contains(&gap));
        }
    }
}
