//! How often a whole region is taken out that is well, because probes are lost on the way to it.
//!
//! A region leaves the answers of a family when fewer of its addresses are up than `min_healthy` asks for, and the
//! answers of both when a critical canary of the region as a whole has fallen. Both are calculated from what each
//! canary does ([`Gaps`]), and held against trials.
//!
//! **Loss.** Probes are lost independently of each other, so that addresses, and the canaries of one, alternate
//! independently between up and down. How often `k` of `n` are down together follows from how often and how long each is.
//!
//! **Outage.** The path to the region is out, for all of its addresses at once. The first of them that is probed fails
//! after a timeout, and the others are probed at once then, if their turn has not come before.
//!
//! The families are counted apart, for they leave apart. What keeps a region although its addresses are down
//! (`safety`, a shared cause) is not counted: it may make false exits fewer.

use serde::Serialize;

use super::false_exits::{FalseExits, Gaps, LOSSES, OUTAGE, OUTAGES_A_YEAR, TOLERATED, YEAR};
use crate::canary::{Canary, Criticality, Reach};
use crate::region::{Failover, Family, Region};

/// How often a region is taken out that is well.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegionFalseExits {
    pub region: String,
    /// How many addresses must be down for it to leave, of how many; by family, of those that it has.
    pub down: Vec<[usize; 2]>,
    /// The exits a year at each of [`LOSSES`].
    pub a_year_by_loss: [f64; LOSSES.len()],
    /// The exits a year by one [`OUTAGE`] a day of the path to the region.
    pub a_year_by_outages: f64,
}

/// How often something falls, in events a second, and the part of the time that it is down.
#[derive(Clone, Copy, Debug, Default)]
struct Falls {
    rate: f64,
    down: f64,
}

impl RegionFalseExits {
    /// Calculates them of a region with its canaries; `None`: no critical canary watches it, or it never leaves by itself.
    pub fn of(region: &Region, canaries: &[Canary]) -> Option<Self> {
        let critical = || {
            let named = region.canaries.iter().map(|id| &canaries[usize::from(id.0)]);
            named.filter(|canary| canary.effect == Criticality::Critical)
        };
        let gaps = |reach: Reach| -> Vec<Gaps> {
            critical().filter(|canary| canary.reach == reach).map(Gaps::of).collect()
        };
        let (of_address, of_region) = (gaps(Reach::Address), gaps(Reach::Region));
        let is_watched = !of_address.is_empty() || !of_region.is_empty();
        (is_watched && region.failover == Failover::Auto).then(|| {
            let down = needed(region);
            let a_year = |loss: f64| {
                let families =
                    down.iter().map(|[needed, of]| falls(&of_address, &of_region, *needed, *of, loss));
                YEAR.as_secs_f64() * families.map(|falls| falls.rate).sum::<f64>()
            };
            let in_outage = |[needed, of]: &[usize; 2]| {
                let addresses =
                    of_address.iter().map(|gaps| gaps.fall_together_in(OUTAGE.as_secs_f64(), *needed, *of));
                let whole = of_region.iter().map(|gaps| gaps.falls_in(OUTAGE.as_secs_f64()));
                1.0 - addresses.chain(whole).map(|probability| 1.0 - probability).product::<f64>()
            };
            Self {
                region: region.name.clone(),
                a_year_by_loss: LOSSES.map(a_year),
                a_year_by_outages: OUTAGES_A_YEAR * down.iter().map(in_outage).sum::<f64>(),
                down,
            }
        })
    }

    /// Returns whether it is taken out more often than an operator should bear.
    pub fn are_many(&self) -> bool {
        self.a_year_by_loss[1] > TOLERATED || self.a_year_by_outages > TOLERATED
    }

    /// Returns them with the `fall` that [`FalseExits::recommended`] has for each of its canaries; `None`: they are few,
    /// or that does not make them few.
    pub fn recommended(region: &Region, canaries: &[Canary]) -> Option<Self> {
        Self::of(region, canaries).filter(Self::are_many)?;
        let patient: Vec<Canary> = canaries
            .iter()
            .map(|canary| {
                let mut patient = canary.clone();
                let recommended = FalseExits::recommended(canary);
                patient.thresholds.fall = recommended.map_or(canary.thresholds.fall, |better| better.fall);
                patient
            })
            .collect();
        Self::of(region, &patient).filter(|better| !better.are_many())
    }
}

/// Returns how many addresses must be down for a region to leave, of how many, of each family that it has.
fn needed(region: &Region) -> Vec<[usize; 2]> {
    let addresses = || region.zones.iter().flat_map(|zone| &zone.addresses);
    let counts = Family::BOTH.map(|family| addresses().filter(|ip| Family::of(**ip) == family).count());
    let counts = counts.into_iter().filter(|count| *count > 0);
    counts.map(|count| [count - region.min_healthy.of(count) + 1, count]).collect()
}

/// Returns how often a region falls of which so many addresses must be down, of so many, at this loss.
fn falls(of_address: &[Gaps], of_region: &[Gaps], needed: usize, of: usize, loss: f64) -> Falls {
    let of_canary = |gaps: &Gaps| {
        let (up, down) = gaps.up_and_down(loss);
        Falls { rate: 1.0 / (up + down), down: down / (up + down) }
    };
    let address = any_of(of_address.iter().map(of_canary));
    any_of([some_of(address, needed, of)].into_iter().chain(of_region.iter().map(of_canary)))
}

/// Returns how often something falls that is down while any of these is.
fn any_of(parts: impl Iterator<Item = Falls>) -> Falls {
    parts.fold(Falls::default(), |all, part| Falls {
        rate: all.rate * (1.0 - part.down) + part.rate * (1.0 - all.down),
        down: 1.0 - (1.0 - all.down) * (1.0 - part.down),
    })
}

/// Returns how often something falls that is down while at least `needed` of `of` such parts are.
fn some_of(part: Falls, needed: usize, of: usize) -> Falls {
    let exactly = |down: usize, of: usize| {
        let ways = (0..down).map(|step| (of - step) as f64 / (step + 1) as f64).product::<f64>();
        ways * part.down.powi(down as i32) * (1.0 - part.down).powi((of - down) as i32)
    };
    Falls {
        // It falls with the part that falls while all but one of those that are needed are down.
        rate: of as f64 * part.rate * exactly(needed - 1, of - 1),
        down: (needed..=of).map(|down| exactly(down, of)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::canary::CanaryId;
    use crate::forecast::false_exits::tests::Trial;
    use crate::health::fixture;
    use crate::moment::Moment;
    use crate::region::Minimum;

    fn canary(fall: u32, rise: u32) -> Canary {
        Canary {
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            recheck: Duration::from_secs(2),
            ..fixture::canary("shallow", fall, rise)
        }
    }

    fn region(addresses: &[&str], least: u32) -> Region {
        Region {
            min_healthy: Minimum::Count(least),
            canaries: vec![CanaryId(0)],
            ..fixture::region("tokyo", addresses)
        }
    }

    /// Lets the probes of so many addresses be lost by chance, and counts how often so many are down together; returns
    /// the mean time between in seconds, and the count.
    fn tried(canary: &Canary, needed: usize, of: usize, loss: f64, probes: u32) -> (f64, u32) {
        let mut chance = fastrand::Rng::with_seed(7);
        let mut trials: Vec<_> = (0..of).map(|_| Trial::new(canary, chance.fork())).collect();
        let mut falls = 0;
        let down = |trials: &[Trial]| trials.iter().filter(|trial| trial.is_down()).count();
        for _ in 0..probes {
            let before = down(&trials);
            let next = trials.iter_mut().min_by_key(|trial| trial.now).expect("an address");
            next.probe(chance.f64() < loss);
            falls += u32::from(before < needed && down(&trials) >= needed);
        }
        (trials[0].now.0 as f64 / 1000.0 / f64::from(falls), falls)
    }

    #[test]
    fn a_region_is_lost_as_often_as_a_trial_finds() {
        for (needed, of) in [(1, 3), (2, 2), (2, 3)] {
            let canary = canary(2, 3);
            let (found, count) = tried(&canary, needed, of, 0.2, 300_000);
            assert!(count > 300, "{count} falls prove nothing");
            let calculated = 1.0 / falls(&[Gaps::of(&canary)], &[], needed, of, 0.2).rate;
            let tolerance = 6.0 / f64::from(count).sqrt();
            assert!(
                (calculated / found - 1.0).abs() < tolerance,
                "{needed} of {of}: {calculated} s, tried {found} s"
            );
        }
    }

    /// Lets the path to a region be out at a random time, many times.
    fn tried_outage(canary: &Canary, needed: usize, of: usize, outage: f64) -> f64 {
        const TIMES: u32 = 20_000;
        let mut chance = fastrand::Rng::with_seed(7);
        let mut lost = 0;
        for _ in 0..TIMES {
            let begins = Moment(chance.u64(100_000..200_000));
            let ends = begins.plus(Duration::from_secs_f64(outage));
            let start = chance.f64();
            let mut trials: Vec<_> =
                (0..of).map(|index| Trial::in_turn(canary, start, index, of, chance.fork())).collect();
            while let Some(at) = (0..of).min_by_key(|at| trials[*at].now).filter(|at| trials[*at].now < ends)
            {
                let (started, is_lost) = (trials[at].now, trials[at].now >= begins);
                let was_up = trials.iter().all(Trial::is_up);
                trials[at].probe(is_lost);
                if is_lost && was_up {
                    let failed = started.plus(canary.timeout);
                    let others = trials.iter_mut().filter(|trial| trial.is_up());
                    others.for_each(|trial| trial.now = trial.now.min(failed));
                }
            }
            lost += u32::from(trials.iter().filter(|trial| trial.is_down()).count() >= needed);
        }
        f64::from(lost) / f64::from(TIMES)
    }

    #[test]
    fn an_outage_of_the_path_takes_a_region_out_as_often_as_a_trial_finds() {
        for (canary, needed, of) in [
            (canary(3, 3), 1, 2),
            (canary(3, 3), 2, 2),
            (canary(2, 3), 2, 2),
            (canary(2, 3), 2, 4),
            (canary(1, 1), 3, 3),
        ] {
            let found = tried_outage(&canary, needed, of, 10.0);
            let calculated = Gaps::of(&canary).fall_together_in(10.0, needed, of);
            assert!((found - calculated).abs() < 0.06, "{needed} of {of}: {calculated}, tried {found}");
        }
    }

    #[test]
    fn a_region_of_two_addresses_is_lost_for_nothing_less_often_than_one_unless_it_needs_both() {
        let canaries = [canary(3, 3)];
        let at_one_percent = |addresses: &[&str], least| {
            RegionFalseExits::of(&region(addresses, least), &canaries).expect("it is watched").a_year_by_loss
                [1]
        };
        let one = at_one_percent(&["192.0.2.1"], 1);
        let both = at_one_percent(&["192.0.2.1", "192.0.2.2"], 2);
        let either = at_one_percent(&["192.0.2.1", "192.0.2.2"], 1);
        assert!(
            (3.0..4.0).contains(&one) && (both / one - 2.0).abs() < 0.01 && either < 0.001,
            "{one} {both} {either}"
        );
    }

    #[test]
    fn a_region_that_is_lost_often_is_told_what_the_recommended_fall_makes_of_it() {
        let region = region(&["192.0.2.1"], 1);
        let better = RegionFalseExits::recommended(&region, &[canary(3, 3)]).expect("there are many");
        assert!(!better.are_many(), "{better:?}");
        assert_eq!(RegionFalseExits::recommended(&region, &[canary(4, 3)]), None, "there are few");
    }
}
