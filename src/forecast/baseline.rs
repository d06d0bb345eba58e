//! Where all clients are, and from there what follows from another situation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::flow::{Flow, NEGLIGIBLE, RegionPair, added_km, paces, ways};
use super::stranded;
use super::{Forecast, InService, Move, RegionLoad, Situation, TOLERANCE, text};
use crate::health::View;
use crate::load::{Outlook, Readings, capacities, demands, route, unmeasured};
use crate::region::{Family, RegionId};
use crate::snapshot::{Base, DemandPart, Permit};
use crate::steering::{self, Split, Splits};

/// The most steps that a cascade is followed for: an hour at the usual pace. Each moves up to a tenth of a
/// capacity, so that no region has more than ten to take in one direction.
const MAX_STEPS: usize = 64;

/// The situation that forecasts start from, worked out once for all of them.
#[derive(Debug)]
pub struct Baseline<'a> {
    base: &'a Base,
    before: Situation<'a>,
    load: f64,
    parts: Cow<'a, [DemandPart]>,
    permits: Vec<Permit>,
    /// Requests per second of each part.
    rates: Vec<f64>,
    total: f64,
    splits: Splits,
    /// Where each part's clients are.
    flows: Vec<Flow>,
    /// Requests per second of the resolvers, on a scale of its own.
    queries: f64,
    /// Regions whose clients' demand is assumed.
    silent: Vec<RegionId>,
}

/// Who is sent elsewhere, right after a change and in the end.
struct Cascade {
    landed: Splits,
    settled: Splits,
}

impl<'a> Baseline<'a> {
    /// Works out where all clients are in the situation `before`.
    pub fn new(base: &'a Base, outlook: &Outlook, before: Situation<'a>, load: f64) -> Self {
        let parts = match base.demand.is_empty() {
            true => Cow::Owned(base.weigh()),
            false => Cow::Borrowed(&*base.demand),
        };
        let (mut rates, silent) = outlook.rates(&parts, base, before.view);
        rates.iter_mut().for_each(|rate| *rate *= load);
        let mut baseline = Self {
            total: rates.iter().sum(),
            base,
            before,
            load,
            permits: base.permits(),
            parts,
            rates,
            splits: Splits::clone(&outlook.splits),
            flows: Vec::new(),
            queries: 0.0,
            silent,
        };
        baseline.send_home();
        // As it is, nothing is to be settled; at another load every region has had the time to shed.
        if load != 1.0 {
            baseline.splits = baseline.settle(before).settled;
        }
        baseline.flows = baseline.flows(&baseline.splits, before);
        baseline.queries = baseline.queries(&baseline.flows);
        baseline
    }

    /// Predicts what happens when the situation becomes `after`.
    pub fn predict(&self, after: Situation<'_>) -> Forecast {
        let Cascade { landed, settled } = self.settle(after);
        let [at_first, flows] = [landed, settled].map(|splits| self.flows(&splits, after));
        let regions = self.regions(&at_first, &flows, after);
        let queries = self.queries(&flows);
        Forecast {
            load: self.load,
            hard: self.base.config.safety.limits.hard,
            moves: self.moves(&flows),
            stranded: stranded::find(self.base, &self.permits, self.before.view, after.view),
            in_service: self.in_service(after.view),
            query_factor: if self.queries > 0.0 { queries / self.queries } else { 1.0 },
            notes: self.notes(&regions, after.view),
            regions,
        }
    }

    /// Sends home clients that are not divided yet. Without, the first landing would take all clients for those whose
    /// region has just left, and spread them.
    fn send_home(&mut self) {
        let demands = demands(&self.parts, &self.rates, self.base, self.before.view, self.before.readings);
        for (index, demand) in demands.iter().take(self.parts.len()).enumerate() {
            if let (None, Some((home, _))) = (self.splits.of(index), demand.order.first()) {
                self.splits.set(index, Split::whole(*home));
            }
        }
    }

    /// Lets all clients land, and the full regions shed until nothing moves any more.
    fn settle(&self, situation: Situation<'_>) -> Cascade {
        let (limits, velocity) =
            (self.base.config.safety.limits, self.base.config.safety.velocity.fraction());
        let Situation { view, readings } = situation;
        let mut capacities = capacities(self.base, view, readings);
        capacities.extend(unmeasured(self.base, view, readings).into_iter().map(|id| (id, f64::INFINITY)));
        let demands = demands(&self.parts, &self.rates, self.base, situation.view, situation.readings);
        let mut splits = self.splits.clone();
        splits.land(&demands, &capacities, limits);
        let landed = splits.clone();
        for _ in 0..MAX_STEPS {
            let before = splits.clone();
            splits.step(&demands, &capacities, limits, &|_| velocity);
            if splits == before {
                break;
            }
        }
        Cascade { landed, settled: splits }
    }

    fn flows(&self, splits: &Splits, situation: Situation<'_>) -> Vec<Flow> {
        let Situation { view, readings } = situation;
        let flow = |index| Flow::of(&route(&self.parts, index, splits, self.base, view, readings));
        (0..self.parts.len()).map(flow).collect()
    }

    /// Returns how often resolvers ask: once in each TTL, for each subnet's worth of demand.
    fn queries(&self, flows: &[Flow]) -> f64 {
        let mut pace: BTreeMap<usize, [f64; 2]> = BTreeMap::new();
        let parts = self.parts.iter().zip(&self.rates).zip(flows);
        let queries = parts.map(|((part, rate), flow)| {
            let [usual, short] =
                *pace.entry(part.partition).or_insert_with(|| paces(self.base, part.partition));
            rate * if flow.fractions.is_empty() { short } else { usual }
        });
        queries.sum()
    }

    fn moves(&self, flows: &[Flow]) -> Vec<Move> {
        let mut sums: BTreeMap<RegionPair, (f64, f64)> = BTreeMap::new();
        let parts = self.parts.iter().zip(&self.rates);
        for ((part, rate), (before, after)) in parts.zip(self.flows.iter().zip(flows)) {
            for (way, fraction) in ways(before, after) {
                let (sum, far) = sums.entry(way).or_insert((0.0, 0.0));
                *sum += rate * fraction;
                *far += rate * fraction * added_km(part, way).unwrap_or(0.0);
            }
        }
        let name = |region: RegionId| self.name(region).to_owned();
        let moves = sums.into_iter().filter(|(_, (sum, _))| *sum > self.total * NEGLIGIBLE);
        let moves = moves.map(|([from, to], (sum, far))| Move {
            from: from.map(name),
            to: to.map(name),
            share: sum / self.total,
            added_km: from.and(to).map(|_| far / sum),
        });
        let mut moves: Vec<_> = moves.collect();
        moves.sort_by(|one, other| other.share.total_cmp(&one.share));
        moves
    }

    fn regions(&self, at_first: &[Flow], flows: &[Flow], after: Situation<'_>) -> Vec<RegionLoad> {
        let limits = self.base.config.safety.limits;
        let asked = [&self.flows[..], at_first, flows].map(|flows| self.asked(flows));
        let regions = self.base.config.regions.iter().map(|(id, region)| {
            let [before, at_first, then] = asked.each_ref().map(|asked| asked[usize::from(id.0)]);
            let is_serving = takes_any(after.view, id);
            let load = |asked| self.load(id, asked, after.readings).filter(|_| is_serving);
            let load_after = load(then);
            let is_above = |limit: f64| load_after.is_some_and(|load| load > limit + TOLERANCE);
            let share = |rate: f64| if self.total > 0.0 { rate / self.total } else { 0.0 };
            RegionLoad {
                region: region.name.clone(),
                share_before: share(before),
                share_after: share(then),
                load_before: self.load(id, before, self.before.readings),
                load_at_first: load(at_first),
                load_after,
                is_serving,
                // Regions shed down to the limit, and leave it at a percent above: so much is at it.
                is_above_soft: is_above(limits.soft + 0.01),
                is_above_hard: is_above(limits.hard),
            }
        });
        regions.collect()
    }

    /// Returns how many requests per second each region gets, by `RegionId`.
    fn asked(&self, flows: &[Flow]) -> Vec<f64> {
        let mut asked = vec![0.0; self.base.config.regions.len()];
        for (flow, rate) in flows.iter().zip(&self.rates) {
            for (region, fraction) in &flow.fractions {
                asked[usize::from(region.0)] += rate * fraction;
            }
        }
        asked
    }

    /// Returns the load of a region that gets this many requests; `None`: it has no capacity, or does not say
    /// how much of it is in use.
    fn load(&self, id: RegionId, asked: f64, readings: &Readings) -> Option<f64> {
        let index = usize::from(id.0);
        self.before.readings.vitals.get(index)?.load?;
        let there = self.base.config.regions.region(id).capacity? as f64 * readings.present[index];
        (there > 0.0).then_some(asked / there)
    }

    fn in_service(&self, after: &View) -> Vec<InService> {
        let regions = &self.base.config.regions;
        let by_family = Family::BOTH.map(|family| {
            let of_family =
                || regions.iter().map(|(id, _)| id).filter(|id| after.status(*id, family).exists());
            let count =
                |view: &View| of_family().filter(|id| view.status(*id, family).is_in_service()).count();
            let total = of_family().count();
            let least = self.base.config.safety.min_in_service.map(|least| least.of(total));
            let (before, after) = (count(self.before.view), count(after));
            InService { family: family.to_string(), regions: total, before, after, least }
        });
        by_family.into_iter().filter(|family| family.regions > 0).collect()
    }

    /// Says what was assumed, and what could not be checked.
    fn notes(&self, regions: &[RegionLoad], after: &View) -> Vec<String> {
        let serving = || regions.iter().filter(|region| region.is_serving);
        let unknown: Vec<_> = serving()
            .filter(|region| region.load_after.is_none())
            .map(|region| region.region.as_str())
            .collect();
        let mut notes = Vec::new();
        if unknown.len() == regions.len() || regions.iter().all(|region| region.load_before.is_none()) {
            notes.push(text::NO_LOADS.to_owned());
        } else if !unknown.is_empty() {
            notes.push(text::unknown_loads(&unknown));
        }
        let limit = self.base.config.safety.limits.hard + TOLERANCE;
        let passing = serving().filter(|region| !region.is_above_hard);
        let passing = passing.filter_map(|region| Some((&region.region, region.load_at_first?)));
        let passing = passing.filter(|(_, load)| *load > limit);
        notes.extend(passing.map(|(region, load)| text::until_it_has_shed(region, load)));
        let known = self.silent.len() < self.base.config.regions.len() && !unknown.is_empty();
        if known && !self.silent.is_empty() {
            let silent: Vec<_> = self.silent.iter().map(|region| self.name(*region)).collect();
            notes.push(text::assumed_average(&silent));
        }
        let differs = |family: Family| {
            self.base.config.regions.iter().any(|(id, _)| {
                let takes = |view: &View| view.status(id, family).takes();
                takes(after) != takes(self.before.view)
            })
        };
        if differs(Family::V6) && !differs(Family::V4) {
            notes.push(text::IPV6_ONLY.to_owned());
        }
        notes
    }

    fn name(&self, region: RegionId) -> &'a str {
        &self.base.config.regions.region(region).name
    }
}

/// Returns whether a region takes any clients, where IPv4 clients are judged.
fn takes_any(view: &View, region: RegionId) -> bool {
    steering::status(view, region, Family::V4).is_in_service()
}
