//! Counts the results of one canary against one address.

use super::AddressState;
use crate::canary::Thresholds;

/// How one canary has fared against one address: consecutive results, and what they have led to.
///
/// At most one of the two counters is above zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    failures: u32,
    successes: u32,
    has_fallen: bool,
}

impl Streak {
    /// Returns the streak of a canary that took its address down in an earlier life: it counts from
    /// nothing, and has to rise.
    pub fn fallen() -> Self {
        Self { has_fallen: true, ..Self::default() }
    }

    /// Returns the streak of another observer, by the state that it has led to and the number of its last results that
    /// were alike.
    pub fn told(state: AddressState, count: u32) -> Self {
        let (failures, successes) = match state {
            AddressState::Unknown => (0, 0),
            AddressState::Up | AddressState::Rising => (0, count.max(1)),
            AddressState::Suspect => (count.max(1), 0),
            AddressState::Down => (count, 0),
        };
        Self { failures, successes, has_fallen: state.is_down() }
    }

    /// Counts one result.
    pub fn count(&mut self, is_success: bool, thresholds: Thresholds) {
        if is_success {
            self.failures = 0;
            self.successes = self.successes.saturating_add(1);
            self.has_fallen &= self.successes < thresholds.rise;
        } else {
            self.successes = 0;
            self.failures = self.failures.saturating_add(1);
            self.has_fallen |= self.failures >= thresholds.fall;
        }
    }

    /// Returns where the counters have led.
    pub fn state(&self) -> AddressState {
        match (self.has_fallen, self.failures, self.successes) {
            (true, _, 0) => AddressState::Down,
            (true, _, _) => AddressState::Rising,
            (false, 0, 0) => AddressState::Unknown,
            (false, 0, _) => AddressState::Up,
            (false, _, _) => AddressState::Suspect,
        }
    }

    /// Returns how many of the last results were failures without a success between them.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns how many of the last results were successes without a failure between them.
    pub fn successes(&self) -> u32 {
        self.successes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `results` (`x` a failure, `o` a success) and compares the state after each.
    fn check(thresholds: Thresholds, results: &str, states: &str) {
        let mut streak = Streak::default();
        let reached: Vec<_> = results
            .split_whitespace()
            .map(|result| {
                streak.count(result == "o", thresholds);
                streak.state().as_str()
            })
            .collect();
        assert_eq!(reached.join(" "), states, "after {results}");
    }

    #[test]
    fn an_address_falls_after_three_failures_and_rises_after_two_successes() {
        check(Thresholds { rise: 2, fall: 3 }, "x x x o o", "suspect suspect down rising up");
    }

    #[test]
    fn a_success_between_failures_starts_the_count_anew() {
        check(Thresholds { rise: 1, fall: 3 }, "x x o x x x", "suspect suspect up suspect suspect down");
    }

    #[test]
    fn a_failure_while_rising_starts_the_count_anew() {
        check(Thresholds { rise: 3, fall: 1 }, "x o o x o o o", "down rising rising down rising rising up");
    }

    #[test]
    fn a_threshold_of_one_acts_at_once() {
        check(Thresholds { rise: 1, fall: 1 }, "x o x", "down up down");
    }

    #[test]
    fn a_streak_that_is_told_is_in_the_state_that_was_told() {
        for state in AddressState::ALL {
            for count in [0, 1, 7] {
                assert_eq!(Streak::told(state, count).state(), state, "{count}");
            }
        }
    }

    #[test]
    fn what_fell_in_an_earlier_life_has_to_rise() {
        let thresholds = Thresholds { rise: 2, fall: 3 };
        let mut streak = Streak::fallen();
        assert_eq!(streak.state(), AddressState::Down);
        streak.count(true, thresholds);
        assert_eq!(streak.state(), AddressState::Rising);
        streak.count(true, thresholds);
        assert_eq!(streak.state(), AddressState::Up);
    }
}
