//! The demand of clients, estimated from the loads that regions report.

use crate::health::{View, Vitals};
use crate::region::{Family, RegionId};
use crate::share::Share;
use crate::snapshot::{Base, DemandPart};
use crate::steering::{Capacities, Demand, Rest, Route, Split, Splits};

/// Requests per second of each /24 at least: what cannot be nothing can grow.
const HARDLY_ANY: f64 = 1e-9;

/// What regions report, by `RegionId`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// What each region says of itself.
    pub vitals: Vec<Vitals>,
    /// Which fraction of each region's capacity is there.
    pub present: Vec<f64>,
    /// Whether the machine may fill or relieve each region.
    pub is_auto: Vec<bool>,
    /// By partition: the weights that operators gave to all of its names. What is asked of names is not told apart
    /// that share a policy, so those of only some of them are not known here. Empty: there are none.
    pub weights: Vec<Option<Vec<(RegionId, u32)>>>,
}

/// Works out how much each part asks for, from what the regions serve and who is sent there.
///
/// What a region serves is divided among those who are sent there in proportion to the last estimates,
/// the first time to their number. So what is known of a part is kept while its clients are spread over
/// regions that others go to as well (it is one step of the EM algorithm for mixtures).
pub(crate) fn estimate(
    last: &[f64],
    splits: &Splits,
    base: &Base,
    view: &View,
    readings: &Readings,
) -> Vec<f64> {
    let parts = base.demand.iter().enumerate();
    let flows: Vec<_> =
        parts.map(|(index, part)| route(part, splits.of(index), base, view, readings).fractions()).collect();
    let mut rates: Vec<_> = base.demand.iter().zip(last).map(|(part, rate)| rate.max(least(part))).collect();
    let mut expected = vec![0.0; base.config.regions.len()];
    for (rate, flow) in rates.iter().zip(&flows) {
        for (region, fraction) in flow {
            expected[usize::from(region.0)] += rate * fraction;
        }
    }
    let factor = |region: RegionId| {
        let factor = served(base, readings, region)? / expected[usize::from(region.0)];
        Some(factor).filter(|factor| factor.is_finite())
    };
    for (flow, rate) in flows.iter().zip(&mut rates) {
        // Of those whose region says nothing, the last estimate is the best there is.
        let pieces = flow.iter().map(|(region, fraction)| fraction * factor(*region).unwrap_or(1.0));
        *rate *= pieces.sum::<f64>();
    }
    rates
}

/// Returns the least that a part is taken to ask for.
pub(crate) fn least(part: &DemandPart) -> f64 {
    part.weight * HARDLY_ANY
}

/// Returns the way of a part's clients, who are counted as if all of them asked for IPv4.
pub(crate) fn route(
    part: &DemandPart,
    split: Option<&Split>,
    base: &Base,
    view: &View,
    readings: &Readings,
) -> Route {
    let (plan, policy) = base.plan_of(part);
    let route = Route::find(plan, policy.all_down, view, split, Family::V4);
    match readings.weights.get(part.partition) {
        Some(Some(weights)) => route.weighted(plan, weights, view, Family::V4),
        Some(None) | None => route,
    }
}

/// Returns what there is to divide: of each part what no region takes a share of, and after them those
/// shares, which cannot be moved.
pub(crate) fn demands(
    parts: &[DemandPart],
    rates: &[f64],
    base: &Base,
    view: &View,
    readings: &Readings,
) -> Vec<Demand> {
    let (mut demands, mut fixed) = (Vec::new(), Vec::new());
    for (part, rate) in parts.iter().zip(rates) {
        let route = route(part, None, base, view, readings);
        // Weights say where their clients go, however full it is there.
        if let Rest::Divided { .. } = route.rest {
            let given = route.fractions().into_iter();
            fixed
                .extend(given.map(|(region, part)| Demand { rate: rate * part, order: vec![(region, 0.0)] }));
            demands.push(Demand { rate: 0.0, order: Vec::new() });
            continue;
        }
        let mut left = 1.0;
        for (region, share) in &route.stops {
            let rate = rate * left * share.fraction();
            fixed.push(Demand { rate, order: vec![(*region, 0.0)] });
            left *= 1.0 - share.fraction();
        }
        let order = part.order.iter().filter(|(region, _)| takes_all(view, *region));
        demands.push(Demand { rate: rate * left, order: order.copied().collect() });
    }
    demands.extend(fixed);
    demands
}

/// Returns whether a region takes all the clients that it is the best for.
fn takes_all(view: &View, region: RegionId) -> bool {
    let families = Family::BOTH.into_iter().filter(|family| view.status(region, *family).exists());
    let mut statuses = families.map(|family| view.status(region, family));
    statuses.next().is_some_and(|status| status.takes() == Share::ALL)
}

/// Returns what regions can serve of which that is known, and that the machine may fill or relieve.
pub(crate) fn capacities(base: &Base, readings: &Readings) -> Capacities {
    let regions = base.config.regions.iter();
    let capacities =
        regions.filter(|(id, _)| readings.is_auto[usize::from(id.0)]).filter_map(|(id, region)| {
            let index = usize::from(id.0);
            let capacity = region.capacity? as f64 * readings.present[index];
            readings.vitals[index]
                .load
                .is_some()
                .then_some((id, capacity))
                .filter(|(_, capacity)| *capacity > 0.0)
        });
    capacities.collect()
}

/// Returns how many requests per second a region serves; `None`: it does not say.
pub(crate) fn served(base: &Base, readings: &Readings, region: RegionId) -> Option<f64> {
    let index = usize::from(region.0);
    let capacity = base.config.regions.region(region).capacity? as f64;
    Some(readings.vitals[index].load? * capacity * readings.present[index])
}
