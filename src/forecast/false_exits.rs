//! How often what is well is taken out because probes are lost on the way.
//!
//! A canary takes down what it probes after `fall` failures in a row. So it does, now and then, when nothing is wrong there:
//! each probe is lost with some probability, or the path is out for some seconds and `fall` probes lie in them.
//! Both are calculated from the very pace of the probes ([`pace::wait`]), exactly.
//!
//! **Loss.** A Markov chain over the failures in a row: after a success the next probe starts one regular gap later, after
//! a failure one timeout and one recheck later; once fallen, `rise` successes at the regular pace end it. A year over the
//! mean time of one way round is the number of exits.
//!
//! **Outage.** The first probe in an outage comes at a random time of a regular gap, the others follow as rechecks; the
//! outage is seen as a death when the last of `fall` starts before it is over.
//!
//! A probe that is not lost is taken to be answered at once. Extra probes, which other addresses' failures cause, are not
//! counted; what they find is independent of it.

use std::time::Duration;

use serde::Serialize;

use crate::canary::{Canary, Criticality, Thresholds};
use crate::health::{Streak, pace};

/// The parts of lost probes that are calculated with.
pub const LOSSES: [f64; 3] = [0.001, 0.01, 0.03];

/// How long the path is out, once a day.
pub const OUTAGE: Duration = Duration::from_secs(10);

/// How many false exits a year are too many: at a loss of 1 %, or by outages.
const TOLERATED: f64 = 1.0;

/// The largest `fall` that is recommended: beyond, detection takes longer than a longer interval does.
const LARGEST_FALL: u32 = 10;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const OUTAGES_A_YEAR: f64 = 365.0;

/// What the settings of one critical canary promise, and what they cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FalseExits {
    pub canary: String,
    pub fall: u32,
    /// The longest time from a death to its detection, in seconds.
    pub worst_case_seconds: f64,
    /// The exits a year at each of [`LOSSES`].
    pub a_year_by_loss: [f64; LOSSES.len()],
    /// The exits a year by one [`OUTAGE`] a day.
    pub a_year_by_outages: f64,
}

impl FalseExits {
    /// Calculates them of a canary; `None`: it is advisory, and takes nothing out.
    pub fn of(canary: &Canary) -> Option<Self> {
        (canary.effect == Criticality::Critical).then(|| {
            let rhythm = Rhythm::of(canary);
            Self {
                canary: canary.name.clone(),
                fall: rhythm.fall,
                worst_case_seconds: pace::worst_case(canary).as_secs_f64(),
                a_year_by_loss: LOSSES.map(|loss| YEAR.as_secs_f64() / rhythm.between_exits(loss)),
                a_year_by_outages: OUTAGES_A_YEAR * rhythm.falls_in(OUTAGE.as_secs_f64()),
            }
        })
    }

    /// Returns whether it takes out what is well more often than an operator should bear.
    pub fn are_many(&self) -> bool {
        self.a_year_by_loss[1] > TOLERATED || self.a_year_by_outages > TOLERATED
    }

    /// Returns the same canary with the smallest `fall` that makes them few; `None`: they are few, or no `fall` does.
    pub fn recommended(canary: &Canary) -> Option<Self> {
        Self::of(canary).filter(Self::are_many)?;
        let with_fall = |fall| {
            let mut other = canary.clone();
            other.thresholds.fall = fall;
            Self::of(&other)
        };
        (canary.thresholds.fall + 1..=LARGEST_FALL).filter_map(with_fall).find(|exits| !exits.are_many())
    }
}

/// The pace of a canary's probes, in seconds from start to start.
#[derive(Clone, Copy, Debug)]
struct Rhythm {
    /// The shortest and the longest regular gap, each between them as likely as the others.
    shortest: f64,
    longest: f64,
    /// From a lost probe to the next while nothing has fallen.
    recheck: f64,
    timeout: f64,
    fall: u32,
    rise: u32,
}

impl Rhythm {
    fn of(canary: &Canary) -> Self {
        let gap = |jitter| pace::wait(canary, &Streak::default(), Duration::ZERO, jitter).as_secs_f64();
        let mut suspect = Streak::default();
        suspect.count(false, Thresholds { fall: 2, rise: 1 });
        Self {
            shortest: gap(0.0),
            longest: gap(1.0),
            recheck: pace::wait(canary, &suspect, canary.timeout, 0.5).as_secs_f64(),
            timeout: canary.timeout.as_secs_f64(),
            fall: canary.thresholds.fall.max(1),
            rise: canary.thresholds.rise.max(1),
        }
    }

    /// Returns the mean regular gap after a probe that took this long, which no other overlaps.
    fn regular(&self, took: f64) -> f64 {
        let Self { shortest, longest, .. } = *self;
        if took <= shortest {
            return f64::midpoint(shortest, longest);
        }
        if took >= longest {
            return took;
        }
        ((took - shortest) * took + (longest * longest - took * took) / 2.0) / (longest - shortest)
    }

    /// Returns the mean time from one fall to the next when this part of the probes is lost.
    fn between_exits(&self, loss: f64) -> f64 {
        let (kept, regular) = (1.0 - loss, self.regular(0.0));
        // The time that is added by what may come after so many failures, from the last to the first; what begins anew
        // is left out, for it comes with probability 1 − loss^fall as a whole.
        let last = kept * regular + loss * self.timeout;
        let up = (1..self.fall).fold(last, |later, _| kept * regular + loss * (self.recheck + later));
        let until_fall = up / loss.powi(self.fall as i32);
        // Once it has fallen everything is probed at the regular pace; a lost probe takes its timeout.
        let after_loss = self.regular(self.timeout);
        let top = loss * after_loss;
        let rising = (1..self.rise).fold(top, |later, _| kept * (regular + later) + loss * after_loss);
        let until_rise = after_loss - self.timeout + rising / kept.powi(self.rise as i32);
        until_fall + until_rise + regular
    }

    /// Returns the probability that an outage of so many seconds takes down what is well.
    fn falls_in(&self, outage: f64) -> f64 {
        let first = (outage - self.recheck * f64::from(self.fall - 1)).clamp(0.0, self.longest);
        // How likely the outage's first probe comes within `first`: gaps that are longer than it, over the mean gap.
        let beyond = (first - self.shortest).max(0.0);
        let spread = self.longest - self.shortest;
        let lost = if spread > 0.0 { beyond * beyond / (2.0 * spread) } else { 0.0 };
        (first - lost) / self.regular(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{AddressState, fixture};

    fn canary(interval: u64, timeout: u64, recheck: u64, fall: u32, rise: u32) -> Canary {
        Canary {
            interval: Duration::from_secs(interval),
            timeout: Duration::from_secs(timeout),
            recheck: Duration::from_secs(recheck),
            ..fixture::canary("shallow", fall, rise)
        }
    }

    /// Counts the falls in so many probes, each of which is lost by chance, in a run of the pace itself, and returns the
    /// mean time between them in seconds.
    fn tried(canary: &Canary, loss: f64, probes: u32) -> (f64, u32) {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut streak, mut passed, mut falls) = (Streak::default(), 0.0, 0);
        for _ in 0..probes {
            let is_lost = random.f64() < loss;
            let was_down = matches!(streak.state(), AddressState::Down | AddressState::Rising);
            streak.count(!is_lost, canary.thresholds);
            falls += u32::from(streak.state() == AddressState::Down && !was_down);
            let took = if is_lost { canary.timeout } else { Duration::ZERO };
            passed += pace::wait(canary, &streak, took, random.f64()).as_secs_f64();
        }
        (passed / f64::from(falls), falls)
    }

    /// Compares the calculation with a trial, within five standard deviations of the count.
    fn check(canary: &Canary, loss: f64) {
        let (found, falls) = tried(canary, loss, 1_000_000);
        assert!(falls > 300, "{falls} falls prove nothing");
        let calculated = Rhythm::of(canary).between_exits(loss);
        let tolerance = 5.0 / f64::from(falls).sqrt();
        assert!((calculated / found - 1.0).abs() < tolerance, "{calculated} s, tried {found} s ({falls})");
    }

    #[test]
    fn the_time_between_false_exits_is_what_a_trial_finds() {
        check(&canary(10, 2, 2, 1, 1), 0.01);
        check(&canary(10, 2, 2, 2, 3), 0.05);
        check(&canary(10, 2, 2, 3, 3), 0.1);
        check(&canary(30, 5, 1, 4, 2), 0.3);
        check(&canary(10, 9, 2, 3, 3), 0.2);
        check(&canary(5, 5, 5, 3, 1), 0.2);
    }

    /// Lets an outage begin at a random time of a run of probes, many times.
    fn tried_outage(canary: &Canary, outage: f64) -> f64 {
        const TIMES: u32 = 200_000;
        let mut random = fastrand::Rng::with_seed(7);
        let mut falls = 0;
        for _ in 0..TIMES {
            let begins = random.f64() * 1000.0 + 100.0;
            let (mut streak, mut now) = (Streak::default(), 0.0);
            while now < begins + outage && streak.state() != AddressState::Down {
                let is_lost = now >= begins;
                streak.count(!is_lost, canary.thresholds);
                let took = if is_lost { canary.timeout } else { Duration::ZERO };
                now += pace::wait(canary, &streak, took, random.f64()).as_secs_f64();
            }
            falls += u32::from(streak.state() == AddressState::Down);
        }
        f64::from(falls) / f64::from(TIMES)
    }

    #[test]
    fn an_outage_is_taken_for_a_death_as_often_as_a_trial_finds() {
        for settings in
            [canary(10, 2, 2, 3, 3), canary(10, 2, 2, 2, 3), canary(10, 1, 1, 1, 1), canary(12, 1, 2, 1, 1)]
        {
            let (found, calculated) = (tried_outage(&settings, 10.0), Rhythm::of(&settings).falls_in(10.0));
            assert!((found - calculated).abs() < 0.006, "{calculated}, tried {found}: {settings:?}");
        }
    }

    #[test]
    fn the_defaults_fall_for_nothing_every_few_months_at_one_percent() {
        let exits = FalseExits::of(&canary(10, 2, 2, 3, 3)).expect("it is critical");
        assert!((3.0..4.0).contains(&exits.a_year_by_loss[1]), "{exits:?}");
        // A first failure within 2 s of 9 s leaves time for the other two.
        assert!((exits.a_year_by_outages - 365.0 * 2.0 / 9.0).abs() < 0.01, "{exits:?}");
    }

    #[test]
    fn what_is_recommended_is_the_next_setting_with_few() {
        let settings = canary(10, 2, 2, 3, 3);
        let recommended = FalseExits::recommended(&settings).expect("there are many");
        assert_eq!((recommended.fall, recommended.worst_case_seconds), (4, 24.0));
        assert!(!recommended.are_many());
        let patient = Canary { thresholds: Thresholds { fall: 4, rise: 3 }, ..settings };
        assert_eq!(FalseExits::recommended(&patient), None);
    }
}
