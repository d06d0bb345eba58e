//! Replication lag: which regions lag more than names allow.
//!
//! A region that lags more than a limit takes no clients of names with that limit while another region may, until it lags a
//! tenth less: a value around the limit moves no client to and fro. A region that does not say how much it lags stays as
//! it was. A restart forgets it: a region that lags by nearly the limit takes clients again until it lags more.

use std::time::Duration;

use crate::region::{RegionId, RegionSet};

/// How much less a region must lag to take clients again: the margin of alarm rules.
const MARGIN: f64 = 0.1;

/// The regions beyond each limit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LagGates {
    beyond: Vec<(Duration, RegionSet)>,
}

/// A region that came to lag too much for names with a limit, or does so no longer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LagChange {
    pub region: RegionId,
    pub limit: Duration,
    pub lag_seconds: f64,
    pub is_beyond: bool,
}

impl LagGates {
    /// Starts with all regions within these limits.
    pub fn of(limits: impl Iterator<Item = Duration>) -> Self {
        let mut limits: Vec<_> = limits.collect();
        limits.sort_unstable();
        limits.dedup();
        Self { beyond: limits.into_iter().map(|limit| (limit, RegionSet::NONE)).collect() }
    }

    /// Returns whether no name limits the lag.
    pub fn is_empty(&self) -> bool {
        self.beyond.is_empty()
    }

    /// Returns the regions beyond each limit.
    pub fn beyond(&self) -> &[(Duration, RegionSet)] {
        &self.beyond
    }

    /// Takes how many seconds each region lags, by `RegionId`, and returns what changes by it.
    pub fn look(&mut self, lags: &[Option<f64>]) -> Vec<LagChange> {
        let mut changes = Vec::new();
        for (limit, beyond) in &mut self.beyond {
            for (region, lag_seconds) in (0u8..).map(RegionId).zip(lags) {
                let Some(lag_seconds) = *lag_seconds else { continue };
                let was_beyond = beyond.contains(region);
                let bound = limit.as_secs_f64() * if was_beyond { 1.0 - MARGIN } else { 1.0 };
                let is_beyond = lag_seconds > bound;
                if is_beyond != was_beyond {
                    let others = (0u8..).map(RegionId).take(lags.len());
                    *beyond = others
                        .filter(|other| if *other == region { is_beyond } else { beyond.contains(*other) })
                        .collect();
                    changes.push(LagChange { region, limit: *limit, lag_seconds, is_beyond });
                }
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_beyond_a_limit_until_it_lags_a_tenth_less_and_silence_changes_nothing() {
        let mut gates = LagGates::of([30, 60, 30].map(Duration::from_secs).into_iter());
        let mut look = |lag: Option<f64>| {
            let changes = gates.look(&[Some(0.0), lag]);
            let told = changes.iter().map(|change| format!("{}{}", change.limit.as_secs(), change.is_beyond));
            told.collect::<Vec<_>>().join(" ")
        };
        let seen = [Some(30.0), Some(31.0), Some(70.0), None, Some(55.0), Some(53.0), Some(28.0), Some(27.0)];
        assert_eq!(seen.map(&mut look), ["", "30true", "60true", "", "", "60false", "", "30false"]);
    }
}
