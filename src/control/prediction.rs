//! What happens if the situation becomes another one: who moves where, and what breaks.
//!
//! The very code that serves works it out: [`Route`] leads the clients, [`Splits::land`] spreads those whose
//! region leaves, and [`Splits::step`] lets the full shed until nothing moves any more. So it is what will happen
//! as far as the demand is known; where it is not, the prediction says what it assumes and which rule it cannot
//! check. Demand is counted once, as if everybody asked for IPv4: nobody knows how much of it is IPv6.
//!
//! It is a calculation and changes nothing; who asks decides what to do about its [`Violation`]s.

mod rule;
mod stranded;
#[cfg(test)]
mod tests;
pub(super) mod text;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use rule::{Rule, Violation};
pub use stranded::Stranded;

use super::balance::{capacities, demands, route};
use super::{Outlook, Readings};
use crate::health::Services;
use crate::region::{Family, RegionId};
use crate::share::Share;
use crate::snapshot::{Part, Permit, World};
use crate::steering::{Found, Rest, Route, Splits, family_of};

/// The most steps that a cascade is followed for: an hour at the usual pace. Each moves up to a tenth of a
/// capacity, so that no region has more than ten to take in one direction.
const MAX_STEPS: usize = 64;

/// What of the demand is less than this is rounding.
const NEGLIGIBLE: f64 = 1e-6;

/// A load that is above a limit by no more than this is at it.
const TOLERANCE: f64 = 1e-4;

/// A state of all regions.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What they take of their clients.
    pub services: &'a Services,
    /// What they report, and which fraction of their capacity is there.
    pub readings: &'a Readings,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// What the demand was multiplied by.
    pub load: f64,
    /// The limit, as a fraction of a capacity, that no change should lead beyond.
    pub hard: f64,
    /// Who would move, the most first.
    pub moves: Vec<Move>,
    /// Every region, in the order of the configuration.
    pub regions: Vec<RegionLoad>,
    /// Who would be without a region, those to whom that is new first.
    pub stranded: Vec<Stranded>,
    /// How many regions would be in service, by family.
    pub in_service: Vec<InService>,
    /// By how much the queries of resolvers would multiply, since short TTLs are cached for less time.
    pub query_factor: f64,
    /// What was assumed or could not be checked, a sentence each.
    pub notes: Vec<String>,
}

/// Clients who would move from one region to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// From where; `None`: no region in service served them.
    pub from: Option<String>,
    /// To where; `None`: no region in service would.
    pub to: Option<String>,
    /// How much of all demand they are, 0 to 1.
    pub share: f64,
    /// By how many kilometres they would be farther away, on average; `None`: from or to nowhere.
    pub added_km: Option<f64>,
}

/// What a region has to bear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionLoad {
    /// Its name.
    pub region: String,
    /// How much of all demand it serves before, 0 to 1.
    pub share_before: f64,
    /// How much of all demand it would serve.
    pub share_after: f64,
    /// Its load before, as a fraction of its capacity; `None`: not known.
    pub load_before: Option<f64>,
    /// Its load after the cascade has settled.
    pub load_after: Option<f64>,
    /// Whether it would take any clients.
    pub is_serving: bool,
    /// Whether it would then be above the limit at which regions shed.
    pub is_above_soft: bool,
    /// Whether it would then be above the limit that no fail-over should lead to.
    pub is_above_hard: bool,
}

/// How many regions serve a family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InService {
    /// The family: `IPv4`.
    pub family: String,
    /// How many have addresses of it.
    pub regions: usize,
    /// How many of these take clients before.
    pub before: usize,
    /// How many would.
    pub after: usize,
    /// How many must, by `min_in_service`; `None`: nothing is laid down.
    pub least: Option<usize>,
}

/// The situation that predictions start from, worked out once for all of them.
#[derive(Debug)]
pub struct Baseline<'a> {
    world: &'a World,
    before: Situation<'a>,
    load: f64,
    parts: Cow<'a, [Part]>,
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

/// Where the clients of one part are.
#[derive(Clone, Debug, PartialEq)]
struct Flow {
    /// The fraction that each region gets; empty when no region in service serves them.
    fractions: Vec<(RegionId, f64)>,
}

/// Predicts what happens when `before` becomes `after` while the demand is `load` times what it is.
pub fn predict<'a>(
    world: &'a World,
    outlook: &Outlook,
    before: Situation<'a>,
    after: Situation<'_>,
    load: f64,
) -> Prediction {
    Baseline::new(world, outlook, before, load).predict(after)
}

impl<'a> Baseline<'a> {
    /// Works out where everybody is in the situation `before`.
    pub fn new(world: &'a World, outlook: &Outlook, before: Situation<'a>, load: f64) -> Self {
        let parts = match world.demand.is_empty() {
            true => Cow::Owned(world.weigh()),
            false => Cow::Borrowed(&*world.demand),
        };
        let (mut rates, silent) = outlook.rates(&parts, world, before.services);
        rates.iter_mut().for_each(|rate| *rate *= load);
        let mut baseline = Self {
            total: rates.iter().sum(),
            world,
            before,
            load,
            permits: world.permits(),
            parts,
            rates,
            splits: Splits::clone(&outlook.splits),
            flows: Vec::new(),
            queries: 0.0,
            silent,
        };
        // As it is, nothing is to be settled; at another load everybody has had the time to shed.
        if load != 1.0 {
            baseline.splits = baseline.settle(before);
        }
        baseline.flows = baseline.flows(&baseline.splits, before.services);
        baseline.queries = baseline.queries(&baseline.flows);
        baseline
    }

    /// Predicts what happens when the situation becomes `after`.
    pub fn predict(&self, after: Situation<'_>) -> Prediction {
        let splits = self.settle(after);
        let flows = self.flows(&splits, after.services);
        let regions = self.regions(&flows, after);
        let queries = self.queries(&flows);
        Prediction {
            load: self.load,
            hard: self.world.config.safety.limits.hard,
            moves: self.moves(&flows),
            stranded: stranded::find(self.world, &self.permits, self.before.services, after.services),
            in_service: self.in_service(after.services),
            query_factor: if self.queries > 0.0 { queries / self.queries } else { 1.0 },
            notes: self.notes(&regions, after.services),
            regions,
        }
    }

    /// Lets everybody land, and the full shed until nothing moves any more.
    fn settle(&self, situation: Situation<'_>) -> Splits {
        let limits = self.world.config.safety.limits;
        let capacities = capacities(self.world, situation.readings);
        let demands = demands(&self.parts, &self.rates, self.world, situation.services);
        let mut splits = self.splits.clone();
        splits.land(&demands, &capacities, limits);
        for _ in 0..MAX_STEPS {
            let before = splits.clone();
            splits.step(&demands, &capacities, limits);
            if splits == before {
                break;
            }
        }
        splits.truncate(self.parts.len());
        splits
    }

    fn flows(&self, splits: &Splits, services: &Services) -> Vec<Flow> {
        let parts = self.parts.iter().enumerate();
        let flows = parts.map(|(index, part)| flow(&route(part, splits.of(index), self.world, services)));
        flows.collect()
    }

    /// Returns how often resolvers ask: once in each TTL, for each subnet's worth of demand.
    fn queries(&self, flows: &[Flow]) -> f64 {
        let mut pace: BTreeMap<usize, [f64; 2]> = BTreeMap::new();
        let parts = self.parts.iter().zip(&self.rates).zip(flows);
        let queries = parts.map(|((part, rate), flow)| {
            let [usual, short] =
                *pace.entry(part.partition).or_insert_with(|| paces(self.world, part.partition));
            rate * if flow.fractions.is_empty() { short } else { usual }
        });
        queries.sum()
    }

    fn moves(&self, flows: &[Flow]) -> Vec<Move> {
        let mut sums: BTreeMap<[Option<RegionId>; 2], (f64, f64)> = BTreeMap::new();
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

    fn regions(&self, flows: &[Flow], after: Situation<'_>) -> Vec<RegionLoad> {
        let limits = self.world.config.safety.limits;
        let asked = [self.asked(&self.flows), self.asked(flows)];
        let regions = self.world.config.regions.iter().map(|(id, region)| {
            let [before, then] = asked.each_ref().map(|asked| asked[usize::from(id.0)]);
            let is_serving = takes_any(after.services, id);
            let load_after = self.load(id, then, after.readings).filter(|_| is_serving);
            let is_above = |limit: f64| load_after.is_some_and(|load| load > limit + TOLERANCE);
            let share = |rate: f64| if self.total > 0.0 { rate / self.total } else { 0.0 };
            RegionLoad {
                region: region.name.clone(),
                share_before: share(before),
                share_after: share(then),
                load_before: self.load(id, before, self.before.readings),
                load_after,
                is_serving,
                is_above_soft: is_above(limits.soft),
                is_above_hard: is_above(limits.hard),
            }
        });
        regions.collect()
    }

    /// Returns how many requests per second each region gets, by `RegionId`.
    fn asked(&self, flows: &[Flow]) -> Vec<f64> {
        let mut asked = vec![0.0; self.world.config.regions.len()];
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
        let there = self.world.config.regions.region(id).capacity? as f64 * readings.present[index];
        (there > 0.0).then_some(asked / there)
    }

    fn in_service(&self, after: &Services) -> Vec<InService> {
        let regions = &self.world.config.regions;
        let by_family = Family::BOTH.map(|family| {
            let of_family =
                || regions.iter().map(|(id, _)| id).filter(|id| after.get(*id, family).count().is_some());
            let count = |services: &Services| {
                of_family().filter(|id| services.stage(*id, family).share() > Share::NONE).count()
            };
            let total = of_family().count();
            let least = self.world.config.safety.min_in_service.map(|least| least.of(total));
            let (before, after) = (count(self.before.services), count(after));
            InService { family: text::family(family).to_owned(), regions: total, before, after, least }
        });
        by_family.into_iter().filter(|family| family.regions > 0).collect()
    }

    /// Says what was assumed, and what could not be checked.
    fn notes(&self, regions: &[RegionLoad], after: &Services) -> Vec<String> {
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
        let known = self.silent.len() < self.world.config.regions.len() && !unknown.is_empty();
        if known && !self.silent.is_empty() {
            let silent: Vec<_> = self.silent.iter().map(|region| self.name(*region)).collect();
            notes.push(text::assumed_average(&silent));
        }
        let differs = |family: Family| {
            self.world.config.regions.iter().any(|(id, _)| {
                let stage = |services: &Services| services.stage(id, family).share();
                stage(after) != stage(self.before.services)
            })
        };
        if differs(Family::V6) && !differs(Family::V4) {
            notes.push(text::IPV6_ONLY.to_owned());
        }
        notes
    }

    fn name(&self, region: RegionId) -> &'a str {
        &self.world.config.regions.region(region).name
    }
}

impl Prediction {
    /// Returns every rule that the change would break. What was so before is not its fault.
    pub fn violations(&self) -> Vec<Violation> {
        let stranded = self.stranded.iter().filter(|stranded| stranded.is_new);
        let stranded = stranded.map(|stranded| (Rule::NoRegion, stranded.to_string()));
        let few = self.in_service.iter().filter(|family| {
            family.after < family.before && family.least.is_some_and(|least| family.after < least)
        });
        let few = few.map(|family| (Rule::MinInService, family.to_string()));
        let full = self.regions.iter().filter(|region| region.is_above_hard);
        let full = full.filter(|region| region.load_before.is_none_or(|load| load <= self.hard + TOLERANCE));
        let full = full.map(|region| (Rule::HardLimit, region.over(self.hard)));
        let all = stranded.chain(few).chain(full);
        all.map(|(rule, sentence)| Violation { rule, sentence }).collect()
    }

    /// Returns what is bad about how it ends, a sentence each: somebody has no region who had one, or a region is
    /// above its hard limit, whether or not it was before.
    pub fn endings(&self) -> Vec<String> {
        let stranded = self.stranded.iter().filter(|stranded| stranded.is_new).map(ToString::to_string);
        let full = self.regions.iter().filter(|region| region.is_above_hard);
        stranded.chain(full.map(|region| region.over(self.hard))).collect()
    }
}

/// Reads a way as a flow. A way that ends at a region that waits, since there is no other, flows there.
fn flow(route: &Route) -> Flow {
    let is_lost = matches!(route.rest, Rest::Whole(Found::FailOpen(_) | Found::Refused(_)));
    let mut fractions: Vec<(RegionId, f64)> = Vec::new();
    for (region, fraction) in if is_lost { Vec::new() } else { route.fractions() } {
        match fractions.iter_mut().find(|(known, _)| *known == region) {
            Some((_, sum)) => *sum += fraction,
            None => fractions.push((region, fraction)),
        }
    }
    Flow { fractions }
}

/// Returns who of a part moves where: as few as can be, and from each region in the proportion in which others
/// gain.
fn ways(before: &Flow, after: &Flow) -> Vec<([Option<RegionId>; 2], f64)> {
    if before == after {
        return Vec::new();
    }
    let lost = gains(after, before);
    let gained = gains(before, after);
    let all: f64 = gained.iter().map(|(_, fraction)| fraction).sum();
    let ways = lost
        .iter()
        .flat_map(|(from, loss)| gained.iter().map(move |(to, gain)| ([*from, *to], loss * gain / all)));
    ways.filter(|(_, fraction)| *fraction > NEGLIGIBLE).collect()
}

/// Returns which regions have more in `after` than in `before`, and by how much; `None`: nobody.
fn gains(before: &Flow, after: &Flow) -> Vec<(Option<RegionId>, f64)> {
    let of = |flow: &Flow, region: RegionId| {
        flow.fractions.iter().find(|(known, _)| *known == region).map_or(0.0, |(_, fraction)| *fraction)
    };
    let regions = after.fractions.iter();
    let gains = regions.map(|(region, fraction)| (Some(*region), fraction - of(before, *region)));
    let nobody = (after.fractions.is_empty() && !before.fractions.is_empty()).then_some((None, 1.0));
    gains.chain(nobody).filter(|(_, gain)| *gain > NEGLIGIBLE).collect()
}

/// Returns by how much farther the clients of a part are from one region than from the other.
fn added_km(part: &Part, [from, to]: [Option<RegionId>; 2]) -> Option<f64> {
    let km = |region: Option<RegionId>| {
        part.order.iter().find(|(known, _)| Some(*known) == region).map(|(_, km)| *km)
    };
    Some(km(to)? - km(from)?)
}

/// Returns how often a resolver asks for a name of a partition while a region serves it, and while none does:
/// the mean over the names, per second.
fn paces(world: &World, partition: usize) -> [f64; 2] {
    let pace = |ttl: crate::zone::Ttl| 1.0 / f64::from(ttl.seconds().max(1));
    let names = world.names_of(partition).fold((0.0, [0.0; 2]), |(count, [usual, short]), name| {
        (count + 1.0, [usual + pace(name.ttl), short + pace(name.short_ttl)])
    });
    let (count, sums) = names;
    sums.map(|sum| sum / f64::max(count, 1.0))
}

/// Returns whether a region takes any clients, where IPv4 clients are judged.
fn takes_any(services: &Services, region: RegionId) -> bool {
    services.stage(region, family_of(services, region, Family::V4)).share() > Share::NONE
}
