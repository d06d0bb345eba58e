//! The last hour of every region: a few numbers each, kept in memory for the page.
//!
//! It is bounded: [`KEPT`] samples of 16 octets a region, so less than 3 kB for each. It is gone with the process, and
//! what has to last longer is for Prometheus to keep.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::admin::api::Timestamp;
use crate::admin::api::trends::{RegionTrend, TrendList};
use crate::control::RegionReport;
use crate::moment::Moment;

/// The time between two samples: short enough to see a ramp, long enough that an hour is a short line.
pub(super) const STEP: Duration = Duration::from_secs(20);

/// The samples of an hour.
pub(crate) const KEPT: usize = 180;

/// The samples of all regions.
#[derive(Debug, Default)]
pub(in crate::admin) struct Trends(Mutex<TrendSamples>);

#[derive(Debug, Default)]
struct TrendSamples {
    at: Option<Moment>,
    by_region: BTreeMap<String, VecDeque<TrendSample>>,
    /// How many answers there had been of each region by then.
    answers: BTreeMap<String, u64>,
}

/// What was known of a region at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct TrendSample {
    queries_per_second: Option<f32>,
    share: Option<f32>,
    p95_latency_seconds: Option<f32>,
    load: Option<f32>,
}

impl Trends {
    /// Adds a sample of every region, and forgets regions that are gone.
    pub(super) fn sample(&self, regions: &[RegionReport], answers: BTreeMap<String, u64>, now: Moment) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = kept.at.map(|at| now.since(at).as_secs_f64()).filter(|seconds| *seconds > 0.0);
        kept.by_region.retain(|name, _| regions.iter().any(|region| region.name == *name));
        for region in regions {
            let counts = (kept.answers.get(&region.name), answers.get(&region.name));
            let rate = seconds.and_then(|seconds| match counts {
                (Some(before), Some(after)) => Some(after.saturating_sub(*before) as f64 / seconds),
                _ => None,
            });
            let samples = kept.by_region.entry(region.name.clone()).or_default();
            if samples.len() == KEPT {
                samples.pop_front();
            }
            samples.push_back(TrendSample::of(region, rate));
        }
        (kept.at, kept.answers) = (Some(now), answers);
    }

    /// Returns the samples of these regions.
    pub(super) fn list<'n>(&self, names: impl Iterator<Item = &'n str>) -> TrendList {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let trend = |name: &str| {
            let samples = kept.by_region.get(name);
            let each = |of: fn(&TrendSample) -> Option<f32>| {
                samples.into_iter().flatten().map(of).collect::<Vec<_>>()
            };
            RegionTrend {
                region: name.to_owned(),
                queries_per_second: each(|sample| sample.queries_per_second),
                share: each(|sample| sample.share),
                p95_latency_seconds: each(|sample| sample.p95_latency_seconds),
                load: each(|sample| sample.load),
            }
        };
        TrendList {
            at: kept.at.map(Timestamp),
            step_seconds: STEP.as_secs(),
            regions: names.map(trend).collect(),
        }
    }
}

impl TrendSample {
    fn of(region: &RegionReport, queries_per_second: Option<f64>) -> Self {
        let there = region.status.iter().filter(|status| status.exists());
        let share = there.map(|status| status.takes().fraction()).reduce(f64::min);
        Self {
            queries_per_second: queries_per_second.map(short),
            share: share.map(short),
            p95_latency_seconds: region.vitals.p95_latency_seconds.map(short),
            load: region.vitals.load.map(short),
        }
    }
}

/// Rounds to thousandths: what a line of some pixels shows, in as few digits.
fn short(number: f64) -> f32 {
    ((number * 1000.0).round() / 1000.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::tests::state;

    fn second(number: u64) -> Moment {
        Moment(number * 1000)
    }

    fn answers(tokyo: u64) -> BTreeMap<String, u64> {
        [("tokyo".to_owned(), tokyo), ("dublin".to_owned(), 0)].into()
    }

    #[test]
    fn a_rate_is_that_of_the_time_between_two_samples_and_is_not_known_at_first() {
        let (state, trends) = (state(), Trends::default());
        let regions = &state.published.load().report.regions;
        trends.sample(regions, answers(100), second(20));
        trends.sample(regions, answers(150), second(40));
        let list = trends.list(["tokyo", "dublin", "gone"].into_iter());
        assert_eq!(list.at, Some(Timestamp(second(40))));
        assert_eq!(list.regions[0].queries_per_second, [None, Some(2.5)]);
        assert_eq!(list.regions[0].share, [Some(1.0), Some(1.0)]);
        assert_eq!(list.regions[1].queries_per_second, [None, Some(0.0)]);
        assert_eq!(list.regions[2].share, []);
    }

    #[test]
    fn an_hour_is_kept_and_a_region_that_is_gone_is_forgotten() {
        let (state, trends) = (state(), Trends::default());
        let regions = &state.published.load().report.regions;
        for step in 1..=KEPT as u64 + 5 {
            trends.sample(regions, answers(step), second(step * STEP.as_secs()));
        }
        assert_eq!(trends.list(["tokyo"].into_iter()).regions[0].share.len(), KEPT);
        assert_eq!(STEP * u32::try_from(KEPT).expect("few"), Duration::from_secs(3600));
        trends.sample(&regions[..1], answers(0), second(1_000_000));
        assert_eq!(trends.list(["dublin"].into_iter()).regions[0].share, []);
    }
}
