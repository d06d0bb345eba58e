//! What the clients ask for and where they are sent, at one moment: what forecasts start from.
//!
//! Of a running server [`Control`](crate::control::Control) knows it. Without one it is not known, and is assumed
//! ([`Outlook::assumed`]): in proportion to the IPv4 addresses that clients have, and so much altogether that the
//! fullest region stands at the limit below which regions take back what they shed (`safety.load.back`).

use std::sync::Arc;

use super::Readings;
use super::estimate::{self, estimate, least};
use crate::health::{View, Vitals};
use crate::region::RegionId;
use crate::snapshot::{Base, DemandPart};
use crate::steering::Splits;

/// What the clients ask for and where they are sent. A copy is cheap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// Who is sent elsewhere than home.
    pub splits: Arc<Splits>,
    /// Requests per second of each part, by the place in `Base::demand`; zeros or nothing: not known.
    pub rates: Arc<Vec<f64>>,
    /// What the regions report.
    pub readings: Readings,
}

impl Outlook {
    /// Assumes a demand, for when there is no server that could know it.
    pub fn assumed(base: &Base) -> Self {
        let regions = &base.config.regions;
        let view = View::all_up(regions);
        let mut asked = vec![0.0; regions.len()];
        let parts = &base.demand;
        for (index, part) in parts.iter().enumerate() {
            let route = estimate::route(parts, index, &Splits::default(), base, &view, &Readings::default());
            for (region, fraction) in route.fractions() {
                asked[usize::from(region.0)] += part.weight * fraction;
            }
        }
        let fill = |id: RegionId| Some(asked[usize::from(id.0)] / regions.region(id).capacity? as f64);
        let fills: Vec<_> = regions.iter().map(|(id, _)| fill(id)).collect();
        let fullest = fills.iter().flatten().copied().fold(0.0, f64::max);
        let scale = if fullest > 0.0 { base.config.safety.limits.back / fullest } else { 0.0 };
        let load = |fill: &Option<f64>| Vitals { load: fill.map(|fill| fill * scale), ..Vitals::default() };
        Self {
            splits: Arc::default(),
            rates: Arc::new(base.demand.iter().map(|part| part.weight * scale).collect()),
            readings: Readings {
                vitals: fills.iter().map(load).collect(),
                ..Readings::unknown(regions.len())
            },
        }
    }

    /// Returns what each part asks for, by its place in `parts`, and those regions that say nothing of theirs:
    /// their clients are taken to ask for as much as others do on average.
    pub(crate) fn rates(&self, parts: &[DemandPart], base: &Base, view: &View) -> (Vec<f64>, Vec<RegionId>) {
        let is_known = self.rates.len() == parts.len();
        let mut rates = match self.rates.iter().sum::<f64>() {
            sum if is_known && sum > 0.0 => self.rates.to_vec(),
            // It is not worked out yet.
            _ if parts.len() == base.demand.len() => {
                estimate(&vec![0.0; parts.len()], &self.splits, base, view, &self.readings)
            }
            _ => vec![0.0; parts.len()],
        };
        let homes = (0..parts.len()).map(|index| {
            let route = estimate::route(parts, index, &self.splits, base, view, &self.readings);
            route.fractions().into_iter().map(|(region, _)| region).collect::<Vec<_>>()
        });
        let is_silent = |region: &RegionId| estimate::served(base, &self.readings, *region).is_none();
        let mut silent: Vec<RegionId> = Vec::new();
        let (mut asked, mut weights, mut unknown) = (0.0, 0.0, Vec::new());
        for (index, homes) in homes.enumerate() {
            let rate = &mut rates[index];
            // Half as much again, for what was rounded.
            if homes.iter().all(is_silent) && *rate <= least(&parts[index]) * 1.5 {
                unknown.push(index);
                silent.extend(homes);
            } else {
                asked += *rate;
                weights += parts[index].weight;
            }
            *rate = rate.max(least(&parts[index]));
        }
        if asked > 0.0 && weights > 0.0 {
            unknown.iter().for_each(|index| rates[*index] = parts[*index].weight * asked / weights);
        }
        silent.sort_unstable();
        silent.dedup();
        (rates, silent)
    }
}
