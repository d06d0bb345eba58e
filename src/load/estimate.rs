//! The demand of clients, estimated from the loads that regions report.

use crate::health::{HealthTerms, SiteShare, View, Vitals};
use crate::region::{Family, RegionId, RegionSet};
use crate::snapshot::{Base, DemandPart, DrawnFor, splits_of};
use crate::steering::{Capacities, Demand, Rest, Route, Splits};

/// Requests per second of each /24 at least: what cannot be nothing can grow.
const HARDLY_ANY: f64 = 1e-9;

/// The least part of a part's clients whose regions must report for the part to be estimated anew from its queries.
const LEAST_REPORTED: f64 = 0.8;

/// What regions report, by `RegionId`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// What each region says of itself.
    pub vitals: Vec<Vitals>,
    /// Which fraction of each region's capacity is there.
    pub present: Vec<f64>,
    /// Whether the machine may fill or relieve each region: it may fail over, and no operator keeps clients from it.
    pub is_auto: Vec<bool>,
    /// The regions that take no clients because an operator wants so, not even those of full ones.
    pub withdrawn: RegionSet,
    /// The regions whose load was known when a region left that is still out: what was divided by it stays when they say
    /// nothing any more.
    pub remembered: RegionSet,
    /// By partition: the weights that operators gave to all of its names. What is asked of names is not told apart
    /// that share a policy, so those of only some of them are not known here. Empty: there are none.
    pub weights: Vec<Option<Vec<(RegionId, u32)>>>,
}

impl Readings {
    /// Returns what is known of so many regions that report nothing.
    pub fn unknown(regions: usize) -> Self {
        Self {
            vitals: vec![Vitals::default(); regions],
            present: vec![1.0; regions],
            is_auto: vec![true; regions],
            withdrawn: RegionSet::NONE,
            remembered: RegionSet::NONE,
            weights: Vec::new(),
        }
    }
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
    let parts = &base.demand;
    let flow = |index| route(parts, index, splits, base, view, readings).fractions();
    let flows: Vec<_> = (0..parts.len()).map(flow).collect();
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

/// Works out what the parts ask for, in the proportions that their queries show where regions report; `None`: the queries say
/// nothing.
pub(crate) fn estimate_by(
    weights: Option<&[f64]>,
    last: &[f64],
    splits: &Splits,
    base: &Base,
    view: &View,
    readings: &Readings,
) -> Vec<f64> {
    let Some(weights) = weights else { return estimate(last, splits, base, view, readings) };
    // On the scale of the last estimate: a few clients of a part may be where nothing is reported.
    let all: f64 = last.iter().sum();
    let scale = if all > 0.0 { all } else { 1.0 };
    let weights: Vec<_> = weights.iter().map(|weight| weight * scale).collect();
    let learnt = estimate(&weights, splits, base, view, readings);
    let reported = |index: usize| -> f64 {
        let route = route(&base.demand, index, splits, base, view, readings);
        let fractions = route.fractions();
        let reporting = fractions.iter().filter(|(region, _)| served(base, readings, *region).is_some());
        reporting.map(|(_, fraction)| fraction).sum()
    };
    // Of those whose region says nothing, the last estimate is the best there is.
    let rate = |index| if reported(index) >= LEAST_REPORTED { learnt[index] } else { last[index] };
    (0..base.demand.len()).map(rate).collect()
}

/// Returns the least that a part is taken to ask for.
pub(crate) fn least(part: &DemandPart) -> f64 {
    part.weight * HARDLY_ANY
}

/// Returns the way of the clients of one of `parts`, who are counted as if all of them asked for IPv4.
pub(crate) fn route(
    parts: &[DemandPart],
    index: usize,
    splits: &Splits,
    base: &Base,
    view: &View,
    readings: &Readings,
) -> Route {
    route_in(parts, index, splits, base, view, readings, Family::V4)
}

/// Returns the way of the clients of one of `parts` in a family.
pub(crate) fn route_in(
    parts: &[DemandPart],
    index: usize,
    splits: &Splits,
    base: &Base,
    view: &View,
    readings: &Readings,
    family: Family,
) -> Route {
    let part = &parts[index];
    if part.drawn.is_some_and(|drawn| drawn.region.is_none()) {
        return Route::of_nobody();
    }
    let (plan, policy) = base.plan_of(part);
    let view = view.under(policy.terms);
    let splits = splits_of(parts, index, splits);
    let route = Route::find(plan, policy.all_down, view, &splits, family);
    let route = route.of_own(part.drawn.and_then(|drawn| drawn.region));
    match readings.weights.get(part.partition) {
        Some(Some(weights)) => route.weighted(plan, weights, view, family),
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
    let known = capacities(base, view, readings);
    let undivided = Splits::default();
    // Of the part at hand: what those ask for whom no region takes that they are drawn for.
    let mut past_near = 0.0;
    for (index, (part, rate)) in parts.iter().zip(rates).enumerate() {
        let route = route(parts, index, &undivided, base, view, readings);
        let terms = base.plan_of(part).1.terms;
        let view = view.under(terms);
        let is_settled = terms == HealthTerms::Steady || matches!(route.rest, Rest::Divided { .. });
        let (given, left) = match part.drawn {
            // Weights say where their clients go, however full it is there; and no client is shed that stays even
            // with what is down.
            _ if is_settled => (route.fractions(), 0.0),
            Some(DrawnFor { region: Some(own), .. }) if route.near.is_some() && keeps_own(view, own) => {
                (Vec::new(), 1.0)
            }
            Some(DrawnFor { region: Some(_), .. }) => {
                let (given, left) = route.parted();
                past_near += rate * left;
                (given, 0.0)
            }
            Some(DrawnFor { region: None, .. }) => (Vec::new(), 1.0),
            None => route.parted(),
        };
        fixed.extend(given.into_iter().map(|(region, part)| Demand::fixed(rate * part, region)));
        let is_past_near = part.drawn.is_some_and(|drawn| drawn.region.is_none());
        let rate = if is_past_near { std::mem::take(&mut past_near) } else { rate * left };
        let is_divided = left > 0.0 || part.drawn.is_none() && !is_settled;
        demands.push(if is_divided { demand(part, rate, view, readings, &known) } else { Demand::default() });
    }
    demands.extend(fixed);
    demands
}

/// Returns whether a region has all of the clients that are drawn for it, but for those that it gives away.
fn keeps_own(view: &View, region: RegionId) -> bool {
    matches!(share_of(view, region), Some(SiteShare::Full | SiteShare::Yielding { .. }))
}

/// Returns what a part asks for and who may serve it: the regions that take all clients, after the nearest one if that
/// stays in service by a rule only, or is down and keeps whom the others cannot bear. What an operator empties, the last
/// zone of a region included, is no reserve.
fn demand(part: &DemandPart, rate: f64, view: &View, readings: &Readings, known: &Capacities) -> Demand {
    let share = |region: RegionId| share_of(view, region);
    let at = |wanted: fn(SiteShare) -> bool| {
        let regions = part.order.iter().filter(move |(region, _)| share(*region).is_some_and(wanted));
        regions.copied().collect::<Vec<_>>()
    };
    let takers = at(|share| share == SiteShare::Full);
    let is_emptied = |region: RegionId| {
        readings.withdrawn.contains(region) || readings.present.get(usize::from(region.0)) == Some(&0.0)
    };
    let mut reserve = at(|share| matches!(share, SiteShare::Part(_) | SiteShare::Waiting));
    reserve.retain(|(region, _)| !is_emptied(*region));
    let candidates = at(|share| {
        matches!(
            share,
            SiteShare::Full | SiteShare::Kept(_) | SiteShare::Yielding { .. } | SiteShare::Part(_)
        )
    });
    let first = candidates.first().map(|(region, km)| (*region, *km, share(*region)));
    // Of a part that has never been heard to ask for anything it is not known what the others would have to bear, nor of
    // others that all say nothing. And without others there is nothing to divide: what waits, or `all_down`, has its
    // clients.
    let is_known = takers.iter().any(|(region, _)| known.contains_key(region));
    let is_counted = rate > least(part) && is_known;
    let with = |region, km| std::iter::once((region, km)).chain(takers.iter().copied()).collect();
    match first {
        Some((region, km, Some(SiteShare::Kept(_)))) => {
            Demand { rate, order: with(region, km), yields: false, reserve }
        }
        Some((region, km, Some(SiteShare::Yielding { .. }))) if is_counted => {
            Demand { rate, order: with(region, km), yields: true, reserve }
        }
        _ => Demand { rate, order: takers, yields: false, reserve },
    }
}

/// Returns what a region takes of the clients that are counted; `None`: it has no addresses.
fn share_of(view: &View, region: RegionId) -> Option<SiteShare> {
    let mut statuses = Family::BOTH.into_iter().map(|family| view.status(region, family));
    statuses.find(|status| status.exists()).map(|status| status.share)
}

/// Returns what regions can serve of which that is known, and that the machine may fill or relieve.
pub(crate) fn capacities(base: &Base, view: &View, readings: &Readings) -> Capacities {
    let regions = base.config.regions.iter();
    let may_fill = regions.filter(|(id, _)| {
        let is_in = match share_of(view, *id) {
            Some(SiteShare::Full | SiteShare::Kept(_) | SiteShare::Part(_) | SiteShare::Waiting) => true,
            None | Some(SiteShare::Out { .. } | SiteShare::Yielding { .. } | SiteShare::Disabled) => false,
        };
        is_in && readings.is_auto[usize::from(id.0)]
    });
    let capacities = may_fill.filter_map(|(id, region)| {
        let index = usize::from(id.0);
        let capacity = region.capacity? as f64 * readings.present[index];
        let is_heard = readings.vitals[index].load.is_some() || readings.remembered.contains(id);
        (is_heard && capacity > 0.0).then_some((id, capacity))
    });
    capacities.collect()
}

/// Returns the regions that take all of their clients and may act, and of which it is not known what they can bear: they
/// are taken to bear what the others cannot.
pub(crate) fn unmeasured(base: &Base, view: &View, readings: &Readings) -> Vec<RegionId> {
    let known = capacities(base, view, readings);
    let regions = base.config.regions.iter().map(|(id, _)| id);
    let unmeasured = regions.filter(|id| {
        let index = usize::from(id.0);
        let may_take = share_of(view, *id) == Some(SiteShare::Full) && readings.is_auto[index];
        may_take && readings.present[index] > 0.0 && !known.contains_key(id)
    });
    unmeasured.collect()
}

/// Returns how many requests per second a region serves; `None`: it does not say, or no address of it is up, and what
/// it said last says nothing of now.
pub(crate) fn served(base: &Base, readings: &Readings, region: RegionId) -> Option<f64> {
    let index = usize::from(region.0);
    let capacity = base.config.regions.region(region).capacity? as f64;
    let present = readings.present[index];
    Some(readings.vitals[index].load? * capacity * present).filter(|_| present > 0.0)
}
