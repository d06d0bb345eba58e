//! Whose clients a region carries: for alarms about its load.

use std::collections::BTreeMap;

use super::Outlook;
use super::estimate::route;
use crate::health::View;
use crate::region::RegionId;
use crate::snapshot::Base;

/// A smaller part of what a region serves is not worth a word.
const WORTH_NAMING: f64 = 0.01;

/// Returns how many requests per second a region is estimated to get of the clients who are at home in each region, the most
/// first; empty: what they ask for is not known.
pub(crate) fn carried(region: RegionId, base: &Base, view: &View, outlook: &Outlook) -> Vec<(RegionId, f64)> {
    let mut by_home: BTreeMap<RegionId, f64> = BTreeMap::new();
    for (index, rate) in outlook.rates.iter().enumerate() {
        let part = &base.demand[index];
        let own = part.drawn.and_then(|drawn| drawn.region);
        let Some(home) = own.or_else(|| part.order.first().map(|(home, _)| *home)) else { continue };
        let route = route(&base.demand, index, &outlook.splits, base, view, &outlook.readings);
        let here = route.fractions().into_iter().filter(|(to, _)| *to == region);
        *by_home.entry(home).or_default() += rate * here.map(|(_, fraction)| fraction).sum::<f64>();
    }
    let all: f64 = by_home.values().sum();
    let mut carried: Vec<_> = by_home.into_iter().filter(|(_, rate)| *rate > WORTH_NAMING * all).collect();
    carried.sort_by(|one, other| other.1.total_cmp(&one.1));
    carried
}
