//! How often what is well is taken out because probes are lost on the way.
//!
//! A canary takes down what it probes after `fall` failures in a row. So it does, now and then, when nothing is wrong there:
//! each probe is lost with some probability, or the path is out for some seconds and `fall` probes lie in them.
//! Both are calculated from the pace of the probes ([`pace`]), and held against trials of it.
//!
//! **Loss.** A renewal process counted in turns: at a turn a regular probe starts; a failure is followed by rechecks, one
//! timeout and one recheck apart, until a success or the fall; what comes next has the first turn after these. Once
//! fallen, `rise` successes in a row at the regular turns end it. A year over the mean time of one way round is the number
//! of exits.
//!
//! **Outage.** The first probe in an outage comes at a random time of a regular gap, the others follow as rechecks; the
//! outage is seen as a death when the last of `fall` starts before it is over.
//!
//! A probe that is not lost is taken to be answered at once. Extra probes, which other addresses' failures cause, are not
//! counted; what they find is independent of it.

use std::time::Duration;

use serde::Serialize;

use crate::canary::{Canary, Criticality};
use crate::health::pace;

/// The parts of lost probes that are calculated with.
pub const LOSSES: [f64; 3] = [0.001, 0.01, 0.03];

/// How long the path is out, once a day.
pub const OUTAGE: Duration = Duration::from_secs(10);

/// How many false exits a year are too many: at a loss of 1 %, or by outages.
pub(super) const TOLERATED: f64 = 1.0;

/// The largest `fall` that is recommended: beyond, detection takes longer than a longer interval does.
const LARGEST_FALL: u32 = 10;

pub(super) const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
pub(super) const OUTAGES_A_YEAR: f64 = 365.0;

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
            let gaps = Gaps::of(canary);
            Self {
                canary: canary.name.clone(),
                fall: gaps.fall,
                worst_case_seconds: pace::worst_case(canary).as_secs_f64(),
                a_year_by_loss: LOSSES.map(|loss| YEAR.as_secs_f64() / gaps.between_exits(loss)),
                a_year_by_outages: OUTAGES_A_YEAR * gaps.falls_in(OUTAGE.as_secs_f64()),
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

/// The pace of a canary's probes, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gaps {
    /// From turn to turn.
    period: f64,
    /// How late a regular probe starts after its turn at most; each delay is as likely as the others.
    late: f64,
    /// How long after a start the next turn is looked for.
    pause: f64,
    /// From a lost probe to the next while nothing has fallen.
    recheck: f64,
    timeout: f64,
    fall: u32,
    rise: u32,
}

impl Gaps {
    /// Returns the pace of a canary.
    pub(super) fn of(canary: &Canary) -> Self {
        let turns = pace::turns(canary);
        Self {
            period: turns.period.as_secs_f64(),
            late: turns.late.as_secs_f64(),
            pause: turns.pause.as_secs_f64(),
            recheck: (canary.timeout + turns.recheck).as_secs_f64(),
            timeout: canary.timeout.as_secs_f64(),
            fall: canary.thresholds.fall.max(1),
            rise: canary.thresholds.rise.max(1),
        }
    }

    /// Returns the mean number of turns from a regular probe that so many rechecks followed to the next regular one.
    fn turns_after(&self, rechecks: u32) -> f64 {
        let ended = self.recheck * f64::from(rechecks) + self.pause;
        let passed = (ended / self.period).floor();
        let beyond = (ended + self.late - (passed + 1.0) * self.period).max(0.0);
        passed + 1.0 + beyond / self.late
    }

    /// Returns the mean time from one fall to the next when this part of the probes is lost.
    fn between_exits(&self, loss: f64) -> f64 {
        let (up, down) = self.up_and_down(loss);
        up + down
    }

    /// Returns the mean time from a return to the next fall, and from a fall to its return, when this part of the probes
    /// is lost.
    pub(super) fn up_and_down(&self, loss: f64) -> (f64, f64) {
        let kept = 1.0 - loss;
        let parts = (0..self.fall).map(|lost| kept * loss.powi(lost as i32) * self.turns_after(lost));
        let until_fall = parts.sum::<f64>() / loss.powi(self.fall as i32) + self.turns_after(self.fall - 1);
        let all_kept = kept.powi(self.rise as i32);
        let until_rise = (1.0 - all_kept) / (loss * all_kept);
        // While it is down, a probe that is lost may outlast the turn.
        let outlasting = loss * (self.timeout - self.period).max(0.0);
        (until_fall * self.period, until_rise * (self.period + outlasting))
    }

    /// Returns the probability that an outage of so many seconds takes down `needed` of `of` addresses of one region that
    /// are well. By how much each is late at its turn is left out.
    pub(super) fn fall_together_in(&self, outage: f64, needed: usize, of: usize) -> f64 {
        if of == 1 {
            return self.falls_in(outage);
        }
        // Each must fail first before this, and the first of them does at any time of a turn.
        let latest = (outage - self.recheck * f64::from(self.fall - 1)).max(0.0);
        let turn = self.period / of as f64;
        // The others have their turns, or are probed when the first has failed.
        let behind = if needed > 1 { (turn * (needed - 1) as f64).min(self.timeout) } else { 0.0 };
        ((latest - behind) / turn).clamp(0.0, 1.0)
    }

    /// Returns the probability that an outage of so many seconds takes down what is well.
    pub(super) fn falls_in(&self, outage: f64) -> f64 {
        let first = (outage - self.recheck * f64::from(self.fall - 1)).max(0.0);
        (first - self.beyond_gap(first)) / self.period
    }

    /// Returns the mean time by which a regular gap is shorter than this. A gap is a period and the difference of two
    /// delays, and so has a triangular distribution.
    fn beyond_gap(&self, time: f64) -> f64 {
        let part = |beyond: f64| beyond.powi(3) / (6.0 * self.late * self.late);
        let from_mean = time - self.period;
        match from_mean {
            ..0.0 => part((from_mean + self.late).max(0.0)),
            _ => from_mean + part((self.late - from_mean).max(0.0)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::canary::Thresholds;
    use crate::health::{Streak, fixture};
    use crate::moment::Moment;

    fn canary(interval: u64, timeout: u64, recheck: u64, fall: u32, rise: u32) -> Canary {
        Canary {
            interval: Duration::from_secs(interval),
            timeout: Duration::from_secs(timeout),
            recheck: Duration::from_secs(recheck),
            ..fixture::canary("shallow", fall, rise)
        }
    }

    /// A pair that is probed at its pace.
    pub struct Trial<'a> {
        canary: &'a Canary,
        streak: Streak,
        rhythm: pace::Rhythm,
        random: fastrand::Rng,
        pub now: Moment,
    }

    impl<'a> Trial<'a> {
        pub fn new(canary: &'a Canary, mut random: fastrand::Rng) -> Self {
            let start = random.f64();
            Self::in_turn(canary, start, 0, 1, random)
        }

        /// Takes turns with others.
        pub fn in_turn(
            canary: &'a Canary,
            start: f64,
            index: usize,
            of: usize,
            random: fastrand::Rng,
        ) -> Self {
            let rhythm = pace::Rhythm::of(start, index, of);
            Self { canary, streak: Streak::default(), rhythm, random, now: Moment(0) }
        }

        /// Probes, goes on to the next probe, and returns whether the pair fell.
        pub fn probe(&mut self, is_lost: bool) -> bool {
            let was_down = self.streak.state().is_down();
            self.streak.count(!is_lost, self.canary.thresholds);
            let took = if is_lost { self.canary.timeout } else { Duration::ZERO };
            let jitter = self.random.f64();
            self.now = pace::due(self.canary, &self.streak, self.rhythm, jitter, self.now, took);
            self.streak.state().is_down() && !was_down
        }

        pub fn is_down(&self) -> bool {
            self.streak.state().is_down()
        }

        /// Returns whether no probe has failed since the last success.
        pub fn is_up(&self) -> bool {
            self.streak.failures() == 0 && !self.is_down()
        }
    }

    /// Counts the falls in so many probes, each of which is lost by chance, and returns the mean time between them in
    /// seconds.
    fn tried(canary: &Canary, loss: f64, probes: u32) -> (f64, u32) {
        let mut chance = fastrand::Rng::with_seed(7);
        let mut trial = Trial::new(canary, chance.fork());
        let falls = (0..probes).filter(|_| trial.probe(chance.f64() < loss)).count();
        let falls = u32::try_from(falls).expect("no more than probes");
        (trial.now.0 as f64 / 1000.0 / f64::from(falls), falls)
    }

    /// Compares the calculation with a trial, within five standard deviations of the count.
    fn check(canary: &Canary, loss: f64) {
        let (found, falls) = tried(canary, loss, 1_000_000);
        assert!(falls > 300, "{falls} falls prove nothing");
        let calculated = Gaps::of(canary).between_exits(loss);
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
        const TIMES: u32 = 100_000;
        let mut chance = fastrand::Rng::with_seed(7);
        let mut falls = 0;
        for _ in 0..TIMES {
            let begins = Moment(chance.u64(100_000..200_000));
            let ends = begins.plus(Duration::from_secs_f64(outage));
            let mut trial = Trial::new(canary, chance.fork());
            while trial.now < ends && !trial.streak.state().is_down() {
                trial.probe(trial.now >= begins);
            }
            falls += u32::from(trial.streak.state().is_down());
        }
        f64::from(falls) / f64::from(TIMES)
    }

    #[test]
    fn an_outage_is_taken_for_a_death_as_often_as_a_trial_finds() {
        for settings in
            [canary(10, 2, 2, 3, 3), canary(10, 2, 2, 2, 3), canary(10, 1, 1, 1, 1), canary(12, 1, 2, 1, 1)]
        {
            let (found, calculated) = (tried_outage(&settings, 10.0), Gaps::of(&settings).falls_in(10.0));
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
