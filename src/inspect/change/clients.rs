//! Which clients of a steered name get other answers.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use foldhash::{HashMap, HashMapExt};

use super::{AnswerMove, BorderChange, ClientChange, CountryShare, MoveKind, RegionPlace, RegionShareChange};
use crate::client::Country;
use crate::family::Family;
use crate::geo::Cohort;
use crate::health::View;
use crate::intent::Weights;
use crate::region::{RegionId, RegionSet};
use crate::snapshot::{Base, Kind};
use crate::steering::{
    self, AddressFilter, Bucketing, Conditions, Destination, PartSplits, Plan, Refusal, Rest, Route,
    ShareTest, Steering, SteeringId,
};

/// What those weigh who are reached over IPv6 alone: nothing beside the smallest part of a subnet.
const NEARLY_NOTHING: f64 = 1e-9;

/// A share that changes by less is rounding.
const NEGLIGIBLE: f64 = 1e-6;

/// The subnets by which clients are told apart that both configurations divide: a way of a hundredth is told to a tenth
/// of itself.
const SAMPLE: u32 = 4096;

/// What a client is answered. Regions have one number in both configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum HealthyAnswer {
    Region(JointRegion),
    Nothing(Refusal),
}

/// The number of a region by its name, in both configurations together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct JointRegion(usize);

/// One of two configurations, with everything healthy.
struct HealthySide<'a> {
    base: &'a Base,
    view: View,
    bucketing: Bucketing,
    weights: Vec<Weights>,
    /// By region.
    joint: Vec<JointRegion>,
}

/// Clients who are in one part before and in another one after.
struct PartPair {
    parts: [usize; 2],
    countries: CountryWeights,
}

/// How many clients there are in each country; `None`: unknown.
type CountryWeights = BTreeMap<Option<Country>, f64>;

/// Where clients go by two configurations.
pub(super) struct ClientComparison<'a> {
    sides: [HealthySide<'a>; 2],
    cohorts: &'a [Cohort],
    /// By number.
    regions: Vec<&'a str>,
    /// All clients.
    countries: CountryWeights,
    total: f64,
    /// By the partitions of the two configurations.
    known: HashMap<[usize; 2], Vec<PartPair>>,
}

impl<'a> ClientComparison<'a> {
    pub(super) fn new(bases: [&'a Base; 2], cohorts: &'a [Cohort]) -> Self {
        let mut regions: Vec<&'a str> = Vec::new();
        let sides = bases.map(|base| {
            let joint = base.config.regions.iter().map(|(_, region)| {
                let known = regions.iter().position(|name| *name == region.name);
                JointRegion(known.unwrap_or_else(|| {
                    regions.push(&region.name);
                    regions.len() - 1
                }))
            });
            let joint = joint.collect();
            let view = View::all_up(&base.config.regions);
            let bucketing = Bucketing::of(&base.config.regions, &view);
            HealthySide { base, view, bucketing, weights: base.config.weights_over(Vec::new()), joint }
        });
        let mut countries = CountryWeights::new();
        for cohort in cohorts {
            *countries.entry(cohort.country).or_default() += cohort.subnets.max(NEARLY_NOTHING);
        }
        let total = countries.values().sum();
        Self { sides, cohorts, regions, countries, total, known: HashMap::new() }
    }

    /// Compares the answers of one name; `None`: every client gets the same.
    pub(super) fn compare(&mut self, ids: [SteeringId; 2]) -> Option<ClientChange> {
        let partitions = [0, 1].map(|side| self.sides[side].base.partition_of_names()[ids[side].0 as usize]);
        let pairs = match self.known.remove(&partitions) {
            Some(pairs) => pairs,
            None => self.pairs(partitions),
        };
        let mut count = ClientCount::default();
        for pair in &pairs {
            self.count(ids, partitions, pair, &mut count);
        }
        self.known.insert(partitions, pairs);
        let change = self.told(count);
        (!change.moves.is_empty() || !change.border.is_empty()).then_some(change)
    }

    /// Returns what was assumed.
    pub(super) fn notes(&self) -> Vec<String> {
        let counted = "Clients are counted by their IPv4 addresses, as with `meridian simulate`, and are in the countries \
                       that the location data of the second configuration says; everything is healthy, no operator has \
                       moved clients, and no region is too full.";
        vec![counted.to_owned()]
    }

    /// Takes the clients together who are in the same parts.
    fn pairs(&self, partitions: [usize; 2]) -> Vec<PartPair> {
        let views = [0, 1].map(|side| self.sides[side].base.parts_of_classes(partitions[side]));
        let mut found: BTreeMap<[usize; 2], CountryWeights> = BTreeMap::new();
        for cohort in self.cohorts {
            let parts = [0, 1].map(|side| views[side][cohort.classes[side].0 as usize] as usize);
            let countries = found.entry(parts).or_default();
            *countries.entry(cohort.country).or_default() += cohort.subnets.max(NEARLY_NOTHING);
        }
        found.into_iter().map(|(parts, countries)| PartPair { parts, countries }).collect()
    }

    fn count(&self, ids: [SteeringId; 2], partitions: [usize; 2], pair: &PartPair, count: &mut ClientCount) {
        let mut most: f64 = 0.0;
        let weight: f64 = pair.countries.values().sum();
        for family in Family::BOTH {
            let routes = [0, 1]
                .map(|side| self.sides[side].route(ids[side], partitions[side], pair.parts[side], family));
            let answers = [0, 1].map(|side| self.sides[side].answers(ids[side], &routes[side], family));
            let mut changed = 0.0;
            let ways = self.ways(&routes, &answers, family).into_iter();
            for ([from, to], fraction) in ways.filter(|(way, _)| self.differs(ids, &routes, *way, family)) {
                changed += fraction;
                let key = (self.kind(from, to), from, to);
                let moved = count.moves[family as usize].entry(key).or_default();
                add(moved, &pair.countries, fraction);
            }
            most = most.max(changed.min(1.0));
            for (side, answers) in answers.iter().enumerate() {
                for (answer, fraction) in answers {
                    if let HealthyAnswer::Region(region) = answer {
                        let regions = &mut count.regions[family as usize];
                        regions.entry(*region).or_insert([0.0; 2])[side] += weight * fraction;
                    }
                }
            }
        }
        count.changed += weight * most;
        let permitted = [0, 1].map(|side| self.sides[side].jurisdictions(partitions[side], pair.parts[side]));
        let beyond = |one: &[Country], other: &[Country]| -> Vec<Country> {
            one.iter().copied().filter(|country| !other.contains(country)).collect()
        };
        let border = [beyond(&permitted[1], &permitted[0]), beyond(&permitted[0], &permitted[1])];
        if border != [Vec::new(), Vec::new()] {
            add(count.border.entry(border).or_default(), &pair.countries, 1.0);
        }
    }

    /// Returns which fraction of the clients gets one answer before and another after.
    fn ways(
        &self,
        routes: &[Route; 2],
        [before, after]: &[Vec<(HealthyAnswer, f64)>; 2],
        family: Family,
    ) -> Vec<([HealthyAnswer; 2], f64)> {
        if before.len() == 1 || after.len() == 1 {
            let ways = before
                .iter()
                .flat_map(|(from, was)| after.iter().map(move |(to, is)| ([*from, *to], was * is)));
            return ways.filter(|(_, fraction)| *fraction > NEGLIGIBLE).collect();
        }
        // Both divide the clients, each by keys of its own: which of them are the same is not in the fractions.
        let mut ways: HashMap<_, f64> = HashMap::new();
        for subnet in sample() {
            let way = [0, 1].map(|side| self.sides[side].answer_of(subnet, &routes[side], family));
            *ways.entry(way).or_default() += 1.0 / f64::from(SAMPLE);
        }
        ways.into_iter().collect()
    }

    /// Returns whether two answers differ: also of one region, by other addresses, or another jurisdiction.
    fn differs(
        &self,
        ids: [SteeringId; 2],
        routes: &[Route; 2],
        [from, to]: [HealthyAnswer; 2],
        family: Family,
    ) -> bool {
        match to {
            _ if from != to => true,
            HealthyAnswer::Nothing(_) => false,
            HealthyAnswer::Region(region) => {
                let [was, is] =
                    [0, 1].map(|side| self.sides[side].addresses(ids[side], &routes[side], region, family));
                self.kind(from, to) == MoveKind::Jurisdiction || was != is
            }
        }
    }

    fn kind(&self, from: HealthyAnswer, to: HealthyAnswer) -> MoveKind {
        match (from, to) {
            (HealthyAnswer::Region(one), HealthyAnswer::Region(other)) => {
                match self.sides[0].jurisdiction(one) != self.sides[1].jurisdiction(other) {
                    true => MoveKind::Jurisdiction,
                    false if one == other => MoveKind::Addresses,
                    false => MoveKind::Region,
                }
            }
            (HealthyAnswer::Region(_), HealthyAnswer::Nothing(_)) => MoveKind::Unanswered,
            (HealthyAnswer::Nothing(_), HealthyAnswer::Region(_)) => MoveKind::Answered,
            (HealthyAnswer::Nothing(_), HealthyAnswer::Nothing(_)) => MoveKind::Refusal,
        }
    }

    fn told(&self, count: ClientCount) -> ClientChange {
        let ClientCount { changed, border, moves: [v4, mut v6], regions: [regions_v4, regions_v6] } = count;
        let mut moves: Vec<AnswerMove> = Vec::new();
        for (way, countries) in v4 {
            // What is the same in both families is told once.
            let is_both = v6.get(&way) == Some(&countries);
            let families = match is_both {
                true => Family::BOTH.to_vec(),
                false => vec![Family::V4],
            };
            if is_both {
                v6.remove(&way);
            }
            moves.push(self.told_move(way, families, &countries));
        }
        moves.extend(v6.iter().map(|(way, countries)| self.told_move(*way, vec![Family::V6], countries)));
        moves.sort_by(|one, other| {
            let by_place = || (&one.families, place(&one.from), place(&one.to));
            let by_other = (&other.families, place(&other.from), place(&other.to));
            let by_share = other.share.total_cmp(&one.share);
            one.kind.cmp(&other.kind).then(by_share).then_with(|| by_place().cmp(&by_other))
        });
        let border = border.into_iter().map(|([gained, lost], countries)| BorderChange {
            gained: gained.iter().map(ToString::to_string).collect(),
            lost: lost.iter().map(ToString::to_string).collect(),
            share: countries.values().sum::<f64>() / self.total,
            countries: self.shares(&countries),
        });
        let mut border: Vec<_> = border.collect();
        border.sort_by(|one, other| {
            other.gained.len().min(1).cmp(&one.gained.len().min(1)).then(other.share.total_cmp(&one.share))
        });
        let regions = if regions_v4.is_empty() { regions_v6 } else { regions_v4 };
        let regions = regions.into_iter().map(|(region, [before, after])| RegionShareChange {
            region: self.regions[region.0].to_owned(),
            before: before / self.total,
            after: after / self.total,
        });
        let regions = regions.filter(|region| (region.before - region.after).abs() > NEGLIGIBLE);
        ClientChange { share: changed / self.total, border, moves, regions: regions.collect() }
    }

    fn told_move(
        &self,
        (kind, from, to): Way,
        families: Vec<Family>,
        countries: &CountryWeights,
    ) -> AnswerMove {
        let region = |side: usize, answer: HealthyAnswer| match answer {
            HealthyAnswer::Nothing(_) => None,
            HealthyAnswer::Region(region) => Some(RegionPlace {
                region: self.regions[region.0].to_owned(),
                jurisdiction: self.sides[side]
                    .jurisdiction(region)
                    .map(|one| one.to_string())
                    .unwrap_or_default(),
            }),
        };
        let refusal = |answer: HealthyAnswer| match answer {
            HealthyAnswer::Nothing(refusal) => Some(refusal.as_str().to_owned()),
            HealthyAnswer::Region(_) => None,
        };
        AnswerMove {
            kind,
            from: region(0, from),
            to: region(1, to),
            refusals: [refusal(from), refusal(to)],
            families,
            share: countries.values().sum::<f64>() / self.total,
            countries: self.shares(countries),
        }
    }

    fn shares(&self, weights: &CountryWeights) -> Vec<CountryShare> {
        let share = |(country, weight): (&Option<Country>, &f64)| CountryShare {
            country: country.map(|country| country.to_string()),
            share: weight / self.total,
            of_country: weight / self.countries[country],
        };
        let mut shares: Vec<_> = weights.iter().map(share).collect();
        shares.sort_by(|one, other| other.share.total_cmp(&one.share));
        shares
    }
}

/// From which answer to which clients move.
type Way = (MoveKind, HealthyAnswer, HealthyAnswer);

/// The clients of a name, while they are counted.
#[derive(Default)]
struct ClientCount {
    changed: f64,
    /// By the jurisdictions that they gain and lose.
    border: BTreeMap<[Vec<Country>; 2], CountryWeights>,
    /// By family.
    moves: [HashMap<Way, CountryWeights>; 2],
    /// By family and region: before and after.
    regions: [BTreeMap<JointRegion, [f64; 2]>; 2],
}

fn add(sum: &mut CountryWeights, weights: &CountryWeights, fraction: f64) {
    for (country, weight) in weights {
        *sum.entry(*country).or_default() += weight * fraction;
    }
}

/// Returns subnets (/24) that are spread over all there are: by steps of the golden section, which leave no large gap.
fn sample() -> impl Iterator<Item = IpAddr> {
    (0..SAMPLE).map(|index| Ipv4Addr::from_bits(index.wrapping_mul(0x9e37_79b9) & 0xffff_ff00).into())
}

fn place(region: &Option<RegionPlace>) -> &str {
    region.as_ref().map_or("", |place| &place.region)
}

impl HealthySide<'_> {
    fn steering(&self, id: SteeringId) -> &Steering {
        &self.base.config.steered[id.0 as usize]
    }

    fn plan(&self, partition: usize, part: usize) -> &Plan {
        self.base.plan(partition, part).0
    }

    fn route(&self, id: SteeringId, partition: usize, part: usize, family: Family) -> Route {
        let steering = self.steering(id);
        let weights = self.weights.iter().find(|weights| weights.owner == steering.owner);
        let conditions = Conditions {
            view: self.view.under(steering.policy.terms),
            bucketing: &self.bucketing,
            splits: &PartSplits::default(),
            shedding: RegionSet::NONE,
            weights: weights.map(|weights| &weights.members[..]),
        };
        Route::of(self.plan(partition, part), &steering.policy, &conditions, family)
    }

    /// Returns which fraction of the clients gets which answer.
    fn answers(&self, id: SteeringId, route: &Route, family: Family) -> Vec<(HealthyAnswer, f64)> {
        let kind = match family {
            Family::V4 => Kind::A,
            Family::V6 => Kind::Aaaa,
        };
        if !self.base.is_offered(id, kind) {
            return vec![(HealthyAnswer::Nothing(Refusal::Nodata), 1.0)];
        }
        if let Rest::Whole(Destination::Refused(refusal) | Destination::Forbidden(refusal)) = route.rest {
            return vec![(HealthyAnswer::Nothing(refusal), 1.0)];
        }
        let mut answers: Vec<(HealthyAnswer, f64)> = Vec::new();
        for (region, fraction) in route.fractions() {
            let answer = self.answer_with(region, family);
            match answers.iter_mut().find(|(known, _)| *known == answer) {
                Some((_, sum)) => *sum += fraction,
                None => answers.push((answer, fraction)),
            }
        }
        answers
    }

    /// Returns the answer of the clients of one subnet, whom a route divides.
    fn answer_of(&self, subnet: IpAddr, route: &Route, family: Family) -> HealthyAnswer {
        let is_in_share = |test: ShareTest| Some(test.share.includes(test.key.bucket(subnet)));
        let selection = route.follow(&self.bucketing, family, &is_in_share);
        match selection.expect("every test is answered").destination {
            Destination::Healthy(region) | Destination::FailOpen(region) => self.answer_with(region, family),
            Destination::Refused(refusal) | Destination::Forbidden(refusal) => {
                HealthyAnswer::Nothing(refusal)
            }
        }
    }

    fn answer_with(&self, region: RegionId, family: Family) -> HealthyAnswer {
        match self.view.status(region, family).exists() {
            true => HealthyAnswer::Region(self.joint[usize::from(region.0)]),
            false => HealthyAnswer::Nothing(Refusal::Nodata),
        }
    }

    /// Returns the addresses that clients of a region may get, with those that follow.
    fn addresses(
        &self,
        id: SteeringId,
        route: &Route,
        region: JointRegion,
        family: Family,
    ) -> Vec<Vec<IpAddr>> {
        let Some(first) = self.id(region) else { return Vec::new() };
        let (regions, steering) = (&self.base.config.regions, self.steering(id));
        let most = usize::from(steering.max_answers);
        let zones = regions.zones().filter(|(_, of, _)| *of == first).map(|(zone, ..)| Some(zone));
        let zones: Vec<_> = if route.one_zone { zones.collect() } else { vec![None] };
        let addresses = zones.into_iter().map(|zone| {
            let filter = AddressFilter { zone, ..AddressFilter::ALL };
            steering::addresses_across_zones(regions, &self.view, first, family, most, filter).ips
        });
        // Their order turns from answer to answer.
        let mut addresses: Vec<Vec<IpAddr>> = addresses
            .map(|mut ips| {
                ips.sort_unstable();
                ips
            })
            .collect();
        addresses.sort_unstable();
        let mut room = most.saturating_sub(addresses.iter().map(Vec::len).min().unwrap_or_default());
        let following = route.others.iter().filter(|other| **other != first);
        for other in following.take(usize::from(route.max_regions).saturating_sub(1)) {
            let ips = steering::whole(regions, &self.view, *other, family, room).ips;
            room -= ips.len();
            addresses.push(ips);
        }
        addresses
    }

    fn id(&self, region: JointRegion) -> Option<RegionId> {
        let index = self.joint.iter().position(|known| *known == region)?;
        Some(RegionId(u8::try_from(index).expect("the configuration bounds the number of regions")))
    }

    fn jurisdiction(&self, region: JointRegion) -> Option<Country> {
        Some(self.base.config.regions.region(self.id(region)?).jurisdiction)
    }

    /// Returns the jurisdictions that clients of a part may be sent to.
    fn jurisdictions(&self, partition: usize, part: usize) -> Vec<Country> {
        let permitted = self.plan(partition, part).order.iter();
        let mut found: Vec<_> =
            permitted.map(|region| self.base.config.regions.region(*region).jurisdiction).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
