//! Load: what regions report, and how much of their clients they shed for it.
//!
//! ```text
//!  queries of each part        ──▶ how the parts compare   (LearntDemand)
//!  reported loads × capacities ──▶ how much each part of the clients asks for
//!  a region leaves or returns  ──▶ its clients are spread at once   (Splits::land)
//!  the pace has passed         ──▶ the full shed a little, the empty take back a little   (Splits::step)
//! ```
//!
//! Answers are cached, so a change is felt only after a TTL, and reported after that. For that long no part is
//! estimated anew and no further step is taken: acting on what was measured before the last act is how
//! balancing turns into swinging. Then a region that is too full is relieved, and all others wait for the pace. Only of
//! the regions *together* the load says something in that time, whoever has which clients already: when they serve more
//! than was expected of them, all parts are taken to ask for more, before a region that has just left is divided.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::estimate::{capacities, demands, estimate_by, route, served, unmeasured};
use super::learnt::LearntDemand;
use super::pace::{Pace, Turn};
use super::premises::Premises;
use super::{Outlook, Readings};
use crate::canary::{CanaryId, Signal};
use crate::health::{DrawnClients, Phase, RememberedDemand, SiteShare, Standing, VELOCITY_PERIOD, View};
use crate::moment::{ClockStep, FollowClock, Moment};
use crate::region::{Family, RegionId, RegionSet};
use crate::share::Share;
use crate::snapshot::{Base, DemandPart, DrawnFor};
use crate::steering::{Capacities, Demand, Piece, Split, Splits, too_much};

/// A smaller part of a region's clients that stays with it is rounding.
const WORTH_TELLING: f64 = 0.005;

/// Parts that ask for less than this fraction of everything are estimated anew after a restart.
const WORTH_REMEMBERING: f64 = 1e-4;

/// The least part of its capacity that a region is filled to because it serves more than the estimate explains.
const LEAST_TRUST: f64 = 0.8;

/// A region sends another share of the clients elsewhere that are at home there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShedChange {
    pub region: RegionId,
    /// The load that it reports; `None`: none.
    pub load: Option<f64>,
    /// The share before and now.
    pub shares: [Share; 2],
}

/// What a step has done.
#[derive(Clone, Debug, Default)]
pub struct LoadStep {
    /// Whether some clients are sent elsewhere than before, if only the guests of a region.
    pub moves_clients: bool,
    /// The regions that shed another share of those who are at home there.
    pub changes: Vec<ShedChange>,
}

/// Divides load. A copy is cheap: what is large is shared until it changes.
#[derive(Clone, Debug)]
pub struct Balancer {
    splits: Arc<Splits>,
    /// Requests per second of each part, as of the last estimate; by the place in `Base::demand`.
    rates: Arc<Vec<f64>>,
    /// What the queries say.
    learnt: LearntDemand,
    /// What clients were last divided for; `None`: they never were.
    divided_for: Option<Premises>,
    /// What each region was expected to serve at most since clients were last divided, in requests per second, by
    /// `RegionId`.
    expected: Vec<f64>,
    /// Which part of what each region serves the estimate explains, at most all of it, by `RegionId`: where a few large
    /// networks happen to be more than their share of the clients, a region is filled by what it says and not by what it should say.
    explained: Vec<f64>,
    /// The regions whose load was known when a region left that is still out, or is known since.
    remembered: RegionSet,
    pace: Pace,
}

impl Balancer {
    /// Starts without knowing any load.
    pub fn new(base: &Base, now: Moment) -> Self {
        let rates = Arc::new(vec![0.0; base.demand.len()]);
        let learnt = LearntDemand::new(base.demand.len(), now);
        Self {
            splits: Arc::default(),
            rates,
            learnt,
            divided_for: None,
            expected: Vec::new(),
            explained: vec![1.0; base.config.regions.len()],
            remembered: RegionSet::NONE,
            pace: Pace::new(base, now),
        }
    }

    /// Takes how many queries of each part were answered since the last call, by the place in `Base::demand`.
    pub fn count(&mut self, queries: &[u64], now: Moment) {
        self.learnt.count(queries, now);
    }

    /// Returns what is known of the demand and of what becomes of it, with what the regions report.
    pub fn outlook(&self, readings: Readings) -> Outlook {
        Outlook { splits: Arc::clone(&self.splits), rates: Arc::clone(&self.rates), readings }
    }

    /// Returns who is sent elsewhere.
    pub fn splits(&self) -> &Splits {
        &self.splits
    }

    /// Returns what the parts ask for and where they are sent, in words that outlive the numbering.
    pub fn remember(&self, base: &Base) -> Vec<RememberedDemand> {
        let name = |region: RegionId| base.config.regions.region(region).name.clone();
        let least = self.rates.iter().sum::<f64>() * WORTH_REMEMBERING;
        let parts = base.demand.iter().zip(&*self.rates).enumerate();
        let parts = parts.filter_map(|(index, (part, rate))| Some((part, *rate, self.splits.of(index)?)));
        let known = parts.filter(|(_, rate, split)| *rate > least || split.pieces().len() > 1);
        let portions = known.map(|(part, rate, split)| RememberedDemand {
            owner: base.owner_of(part),
            order: part.order.iter().map(|(region, _)| name(*region)).collect(),
            drawn: drawn(part),
            rate,
            pieces: split.pieces().iter().map(|piece| (piece.until, name(piece.region))).collect(),
        });
        portions.collect()
    }

    /// Expects of those who are still the same what an earlier life expected, and sends them where it did.
    pub fn adopt(&mut self, portions: &[RememberedDemand], base: &Base) {
        let regions = &base.config.regions;
        let key = |part: &DemandPart| {
            let order = part.order.iter().map(|(region, _)| regions.region(*region).name.clone());
            (base.owner_of(part), order.collect::<Vec<_>>(), drawn(part))
        };
        let parts: HashMap<_, _> =
            base.demand.iter().enumerate().map(|(index, part)| (key(part), index)).collect();
        let (splits, rates) = (Arc::make_mut(&mut self.splits), Arc::make_mut(&mut self.rates));
        for RememberedDemand { owner, order, drawn, rate, pieces } in portions {
            let Some(part) = parts.get(&(owner.clone(), order.clone(), *drawn)) else {
                continue;
            };
            rates[*part] = if rate.is_finite() { rate.max(0.0) } else { 0.0 };
            let permitted = |region: &RegionId| base.demand[*part].order.iter().any(|(one, _)| one == region);
            let pieces = pieces.iter().map(|(until, name)| {
                Some(Piece { until: *until, region: regions.find(name).filter(permitted)? })
            });
            if let Some(split) = pieces.collect::<Option<Vec<_>>>().and_then(Split::of) {
                splits.set(*part, split);
            }
        }
    }

    /// Lets what an earlier life divided stand while regions take what they take now: no load has been reported yet by
    /// which to divide anew. What it sent where an operator wants no clients by now goes home. Regions that are to report
    /// are taken to have done so: one that has fallen silent in an outage must not be taken for one that never said anything.
    pub fn resume(&mut self, base: &Base, view: &View, readings: &Readings) {
        Arc::make_mut(&mut self.splits).send_home_from(readings.withdrawn);
        self.remembered = reporting(base);
        self.divided_for = Some(Premises::of(view, readings));
    }

    /// Returns whether a region has left or returned, takes another share of its clients, has lost or regained a part
    /// of its capacity, or was emptied by an operator, since those were last divided.
    pub fn is_due(&self, base: &Base, view: &View, readings: &Readings) -> bool {
        let is_other = |premises: &Premises| !premises.hold(view, readings);
        !base.demand.is_empty() && self.divided_for.as_ref().is_none_or(is_other)
    }

    /// Returns when the next step is due; `None`: nothing is ever divided.
    pub fn wake(&self, base: &Base) -> Option<Moment> {
        (!base.demand.is_empty()).then_some(self.pace.next())
    }

    /// Takes over another base. What is known of parts that are still there stays, and so does where they are sent.
    pub fn reload(&mut self, before: &Base, base: &Base, now: Moment) {
        if before.demand != base.demand || before.config.regions != base.config.regions {
            let known = self.remember(before);
            *self = Self::new(base, now);
            self.adopt(&known, base);
            self.remembered = reporting(base);
        }
    }

    /// Spreads the clients of regions that have left or returned.
    pub fn land(&mut self, base: &Base, view: &View, readings: &Readings, now: Moment) {
        self.expect_no_less(base, view, readings);
        self.note_known(base, view, readings);
        let readings = &self.with_known(readings);
        let demands = self.demands(base, view, readings);
        let capacities = self.takers(base, view, readings);
        let splits = Arc::make_mut(&mut self.splits);
        if let Some(premises) = &self.divided_for {
            splits.send_home_to(premises.returned(view));
        }
        splits.land(&demands, &capacities, base.config.safety.limits);
        splits.truncate(base.demand.len());
        self.divided_for = Some(Premises::of(view, readings));
        // Clients who leave a region are there until their answers have expired.
        let expected = self.expect(base, view, readings);
        let before = std::mem::replace(&mut self.expected, expected);
        self.expected.iter_mut().zip(before).for_each(|(now, before)| *now = now.max(before));
        self.pace.landed(base, self.rates.iter().any(|rate| *rate > 0.0), now);
    }

    /// Lets all parts ask for more when the regions that take all of their clients together serve more than was expected
    /// of them.
    fn expect_no_less(&mut self, base: &Base, view: &View, readings: &Readings) {
        let regions = base.config.regions.iter().zip(&self.expected);
        let regions = regions.filter(|((id, _), _)| view.status(*id, Family::V4).share == SiteShare::Full);
        let reports =
            regions.filter_map(|((id, _), expected)| Some((served(base, readings, id)?, *expected)));
        let (serve, expected) = reports.fold((0.0, 0.0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
        let factor = serve / expected;
        if factor.is_finite() && factor > 1.0 {
            Arc::make_mut(&mut self.rates).iter_mut().for_each(|rate| *rate *= factor);
        }
    }

    /// Returns what each region is expected to serve, by `RegionId`.
    fn expect(&self, base: &Base, view: &View, readings: &Readings) -> Vec<f64> {
        let mut expected = vec![0.0; base.config.regions.len()];
        for (index, rate) in self.rates.iter().enumerate() {
            let route = route(&base.demand, index, &self.splits, base, view, readings);
            for (region, fraction) in route.fractions() {
                expected[usize::from(region.0)] += rate * fraction;
            }
        }
        expected
    }

    /// Takes a step if one is due.
    pub fn step(&mut self, base: &Base, view: &View, readings: &Readings, now: Moment) -> LoadStep {
        let Some(turn) = self.pace.turn(now).filter(|_| !base.demand.is_empty()) else {
            return LoadStep::default();
        };
        if turn == Turn::Early && !is_too_full(base, view, readings) {
            self.pace.skip();
            return LoadStep::default();
        }
        self.pace.stepped(base, now);
        let limits = base.config.safety.limits;
        let splits_before = Arc::clone(&self.splits);
        self.note_known(base, view, readings);
        self.catch_up(base, view, readings);
        let weights = self.learnt.weights(&base.demand);
        self.rates =
            Arc::new(estimate_by(weights.as_deref(), &self.rates, &self.splits, base, view, readings));
        self.explain(base, view, readings);
        let before = self.away(base);
        let with_known = self.with_known(readings);
        let demands = self.demands(base, view, &with_known);
        let velocity = match turn {
            Turn::Early => 0.0,
            Turn::Usual => {
                base.config.safety.velocity.fraction() * Pace::usual(base).div_duration_f64(VELOCITY_PERIOD)
            }
        };
        let may_follow = |region| may_follow(region, &demands, base, view, &with_known);
        let velocity = |region| if may_follow(region) { velocity } else { 0.0 };
        // What has fallen silent is neither filled nor relieved.
        let known = capacities(base, view, &with_known);
        let mut capacities = self.takers(base, view, readings);
        capacities.retain(|id, most| most.is_finite() || !known.contains_key(id));
        let splits = Arc::make_mut(&mut self.splits);
        splits.step(&demands, &capacities, limits, &velocity);
        splits.truncate(base.demand.len());
        self.expected = self.expect(base, view, readings);
        let after = self.away(base);
        let changes = base.config.regions.iter().zip(before.into_iter().zip(after));
        let changes = changes.filter(|(_, (before, after))| before != after);
        let changes = changes.map(|((region, _), (before, away))| {
            let load = readings.vitals[usize::from(region.0)].load;
            ShedChange { region, load, shares: [before, away] }
        });
        LoadStep { moves_clients: self.splits != splits_before, changes: changes.collect() }
    }

    /// Compares what regions serve that are above the hard limit with what the last estimate expects of them. Once they are
    /// relieved by that, it holds until they have room.
    fn explain(&mut self, base: &Base, view: &View, readings: &Readings) {
        let expected = self.expect(base, view, readings);
        let limits = base.config.safety.limits;
        for (id, capacity) in capacities(base, view, readings) {
            let (index, served) = (usize::from(id.0), served(base, readings, id).unwrap_or_default());
            if served > too_much(limits) * capacity && served > expected[index] {
                self.explained[index] = (expected[index] / served).max(LEAST_TRUST);
            } else if served < limits.soft * capacity {
                self.explained[index] = 1.0;
            }
        }
    }

    /// Divides clients that are not divided yet, by what was asked for before: those that are at home by now stay there, and
    /// are shed in steps. Those who stayed with a region that is down leave it as far as others have room by now.
    fn catch_up(&mut self, base: &Base, view: &View, readings: &Readings) {
        let readings = &self.with_known(readings);
        let demands = self.demands(base, view, readings);
        let capacities = self.takers(base, view, readings);
        let before = Arc::clone(&self.splits);
        let may_leave =
            |region| before.is_behind(region, &demands) || may_follow(region, &demands, base, view, readings);
        let limits = base.config.safety.limits;
        Arc::make_mut(&mut self.splits).land_from(&may_leave, &demands, &capacities, limits);
    }

    /// Takes note of the regions whose load is known. While one is out by which clients were divided they stay known.
    fn note_known(&mut self, base: &Base, view: &View, readings: &Readings) {
        let known = capacities(base, view, readings).into_keys();
        let is_out = |shares: [SiteShare; 2]| {
            shares.iter().any(|share| matches!(share, SiteShare::Yielding { .. } | SiteShare::Out { .. }))
        };
        let (before, is_outage) = (self.remembered, view.all_shares_of_regions().any(is_out));
        let regions = base.config.regions.iter().map(|(id, _)| id);
        let stay = regions.filter(|id| is_outage && before.contains(*id));
        self.remembered = stay.chain(known).collect();
    }

    /// Returns the readings in which what was known when a region left is known.
    fn with_known(&self, readings: &Readings) -> Readings {
        Readings { remembered: self.remembered, ..readings.clone() }
    }

    /// Returns what regions can serve of what the estimate counts; of those that say nothing, whatever comes.
    fn takers(&self, base: &Base, view: &View, readings: &Readings) -> Capacities {
        let known = capacities(base, view, readings).into_iter();
        let known = known.map(|(id, capacity)| (id, capacity * self.explained[usize::from(id.0)]));
        let silent = unmeasured(base, view, readings);
        known.chain(silent.into_iter().map(|id| (id, f64::INFINITY))).collect()
    }

    fn demands(&self, base: &Base, view: &View, readings: &Readings) -> Vec<Demand> {
        demands(&base.demand, &self.rates, base, view, readings)
    }

    /// Returns the regions that are down and keep clients whom no other one can bear, with their share of those who are
    /// at home there.
    pub fn unborne(&self, base: &Base, view: &View, readings: &Readings) -> Vec<(RegionId, Share)> {
        let mut sums: BTreeMap<RegionId, (f64, f64)> = BTreeMap::new();
        let readings = &self.with_known(readings);
        for (index, demand) in self.demands(base, view, readings).iter().enumerate() {
            if let Some(split) = self.splits.of(index).filter(|_| demand.yields) {
                let (all, staying) = sums.entry(split.home()).or_default();
                *all += demand.rate;
                *staying += demand.rate * split.pieces()[0].until;
            }
        }
        let told = sums.into_iter().filter(|(_, (all, staying))| *staying > WORTH_TELLING * all);
        told.map(|(region, (all, staying))| (region, Share::of_fraction(staying / all))).collect()
    }

    /// Returns the regions that wait, ramp or are kept away and take clients of others all the same, with the part of their
    /// capacity that those fill.
    pub fn reserve(&self, base: &Base, view: &View, readings: &Readings) -> Vec<(RegionId, Share)> {
        let readings = &self.with_known(readings);
        let mut taken: BTreeMap<RegionId, f64> = BTreeMap::new();
        for (index, demand) in self.demands(base, view, readings).iter().enumerate() {
            for (region, size) in self.splits.of(index).into_iter().flat_map(Split::given) {
                if demand.reserve.iter().any(|(reserve, _)| *reserve == region) {
                    *taken.entry(region).or_default() += demand.rate * size;
                }
            }
        }
        let capacities = capacities(base, view, readings);
        let filled =
            taken.into_iter().filter_map(|(region, rate)| Some((region, rate / capacities.get(&region)?)));
        let told = filled.filter(|(_, filled)| *filled > WORTH_TELLING);
        told.map(|(region, filled)| (region, Share::of_fraction(filled.min(1.0)))).collect()
    }

    /// Returns, by `RegionId`, the share of the clients at home there that is sent elsewhere.
    pub fn away(&self, base: &Base) -> Vec<Share> {
        let mut sums = vec![(0.0, 0.0); base.config.regions.len()];
        for (index, rate) in self.rates.iter().enumerate() {
            if let Some(split) = self.splits.of(index) {
                let (all, away) = &mut sums[usize::from(split.home().0)];
                *all += rate;
                *away += rate * (1.0 - split.pieces()[0].until);
            }
        }
        let share = |(all, away): (f64, f64)| Share::of_fraction(if all > 0.0 { away / all } else { 0.0 });
        sums.into_iter().map(share).collect()
    }
}

/// Returns which of the clients of a part these are.
fn drawn(part: &DemandPart) -> DrawnClients {
    match part.drawn {
        None => DrawnClients::All,
        Some(DrawnFor { region: Some(_), .. }) => DrawnClients::Own,
        Some(DrawnFor { region: None, .. }) => DrawnClients::Others,
    }
}

/// Returns the regions that are to report their load.
fn reporting(base: &Base) -> RegionSet {
    let reports = |id: &CanaryId| {
        let signals = base.config.canaries[usize::from(id.0)].check.signals();
        signals.iter().any(|(signal, _)| *signal == Signal::Load)
    };
    let regions = base.config.regions.iter();
    let reporting = regions.filter(|(_, region)| region.canaries.iter().any(reports));
    reporting.map(|(id, _)| id).collect()
}

/// Returns whether more clients of a region that is down may follow those whom others could bear: every region that takes
/// them passes its canaries, and says that it is below the hard limit, or never said what it can bear.
fn may_follow(region: RegionId, demands: &[Demand], base: &Base, view: &View, readings: &Readings) -> bool {
    let of_region = demands.iter().filter(|demand| demand.yields && demand.order[0].0 == region);
    let takers: BTreeSet<_> =
        of_region.flat_map(|demand| &demand.order[1..]).map(|(taker, _)| *taker).collect();
    let passes = |taker: RegionId| {
        let mut statuses = Family::BOTH.into_iter().map(|family| view.status(taker, family));
        let mut addresses = base.config.regions.addresses_of(taker);
        statuses.all(|status| !status.exists() || status.phase == Phase::Healthy)
            && addresses.all(|(id, _)| view.of(id) == Standing::Up)
    };
    let silent = unmeasured(base, view, readings);
    let has_room = |taker: RegionId| match readings.vitals[usize::from(taker.0)].load {
        Some(load) => load < base.config.safety.limits.hard,
        None => silent.contains(&taker),
    };
    takers.into_iter().all(|taker| passes(taker) && has_room(taker))
}

/// Returns whether some region says that it serves more than it may.
fn is_too_full(base: &Base, view: &View, readings: &Readings) -> bool {
    let most = too_much(base.config.safety.limits);
    let mut known = capacities(base, view, readings).into_iter();
    known.any(|(id, capacity)| served(base, readings, id).is_some_and(|served| served > most * capacity))
}

impl FollowClock for Balancer {
    fn follow_clock(&mut self, step: ClockStep) {
        let Self { splits: _, rates: _, learnt, divided_for, expected: _, explained: _, remembered: _, pace } =
            self;
        learnt.follow_clock(step);
        divided_for.follow_clock(step);
        pace.follow_clock(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Status, Vitals};
    use crate::load::route;
    use crate::region::Site;
    use crate::snapshot::fixture;

    /// Three equal regions, each the first choice of a group of clients of its own.
    const ZONE: &str = "zone: example.com\nnameservers: [ns1.example.net]\ngroups:\n  a: { networks: [0.0.0.0/1] }\n  \
                        b: { networks: [128.0.0.0/2] }\n  c: { networks: [192.0.0.0/2] }\nnames:\n  '@':\n    steer:\n      \
                        regions: [tokyo, osaka, oregon]\n      order: { a: [tokyo, osaka, oregon], b: [osaka, oregon, tokyo], \
                        c: [oregon, osaka, tokyo], otherwise: listed }\n";

    fn base() -> Base {
        fixture::base(&regions(), ZONE)
    }

    fn regions() -> String {
        let region = |(index, name): (usize, &&str)| {
            format!(
                "  {name}:\n    location: {{ latitude: 35, longitude: {} }}\n    jurisdiction: JP\n    capacity: 1000\n    \
                 zones: {{ {name}-a: {{ addresses: [192.0.2.1{index}] }} }}\n",
                index * 40
            )
        };
        let regions: String = ["tokyo", "osaka", "oregon"].iter().enumerate().map(region).collect();
        format!("regions:\n{regions}")
    }

    fn readings(loads: [f64; 3]) -> Readings {
        let vitals = loads.map(|load| Vitals { load: Some(load), ..Vitals::default() });
        Readings { vitals: vitals.to_vec(), ..Readings::unknown(3) }
    }

    fn view(base: &Base, stages: [SiteShare; 3]) -> View {
        View::all_up(&base.config.regions).with(Vec::new(), &stages.map(|share| [share; 2]))
    }

    /// Returns what each region would serve, in percent.
    fn loads(balance: &Balancer, base: &Base, view: &View) -> [u32; 3] {
        let mut loads = [0.0; 3];
        for (part, rate) in balance.rates.iter().enumerate() {
            let route = route(&base.demand, part, &balance.splits, base, view, &Readings::default());
            for (region, fraction) in route.fractions() {
                loads[usize::from(region.0)] += rate * fraction / 10.0;
            }
        }
        loads.map(|load: f64| load.round() as u32)
    }

    const ALL: [SiteShare; 3] = [SiteShare::Full; 3];
    const TOKYO_LOST: [SiteShare; 3] =
        [SiteShare::Out { since: Moment(0) }, SiteShare::Full, SiteShare::Full];

    #[test]
    fn a_region_lost_at_140_percent_leaves_no_survivor_above_90() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let (all, lost) = (view(&base, ALL), view(&base, TOKYO_LOST));
        balance.step(&base, &all, &readings([0.56, 0.49, 0.35]), Moment(600_000));
        assert_eq!(loads(&balance, &base, &all), [56, 49, 35]);
        balance.land(&base, &lost, &readings([0.56, 0.49, 0.35]), Moment(601_000));
        assert_eq!(loads(&balance, &base, &lost), [0, 80, 60]);
        balance.land(&base, &all, &readings([0.0, 0.80, 0.60]), Moment(900_000));
        assert_eq!(loads(&balance, &base, &all), [56, 49, 35], "everybody returns");
    }

    #[test]
    fn clients_are_divided_anew_only_when_a_region_leaves_or_returns() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let (all, lost) = (view(&base, ALL), view(&base, TOKYO_LOST));
        let usual = readings([0.56, 0.49, 0.35]);
        assert!(balance.is_due(&base, &all, &usual), "they never were");
        balance.land(&base, &all, &usual, Moment(600_000));
        assert!(!balance.is_due(&base, &all, &usual), "a suspect address must not put off the next step");
        assert!(balance.is_due(&base, &lost, &usual));
        let halved = Readings { present: vec![0.5, 1.0, 1.0], ..usual };
        assert!(balance.is_due(&base, &all, &halved), "a zone is lost");
    }

    #[test]
    fn a_region_that_an_operator_empties_keeps_no_clients_whom_a_full_one_sent_there() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let all = view(&base, ALL);
        let usual = readings([0.95, 0.40, 0.40]);
        balance.land(&base, &all, &usual, Moment(599_000));
        balance.step(&base, &all, &usual, Moment(660_000));
        assert_eq!(loads(&balance, &base, &all), [85, 50, 40]);
        let portions = balance.remember(&base);
        let drained = view(&base, [SiteShare::Full, SiteShare::Waiting, SiteShare::Full]);
        let withdrawn = [RegionId(1)].into_iter().collect();
        let readings = Readings { withdrawn, ..readings([0.85, 0.50, 0.40]) };
        assert!(balance.is_due(&base, &drained, &readings));
        balance.land(&base, &drained, &readings, Moment(661_000));
        assert_eq!(
            loads(&balance, &base, &drained),
            [88, 0, 87],
            "oregon has its clients, and the rest of tokyo's"
        );
        // The state that the next life finds is from before.
        let mut after = Balancer::new(&base, Moment(700_000));
        after.adopt(&portions, &base);
        after.resume(&base, &drained, &readings);
        assert_eq!(loads(&after, &base, &drained)[1], 0);
    }

    #[test]
    fn a_region_that_waits_keeps_whom_a_full_one_sent_there_until_an_operator_empties_it() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let waiting = view(&base, [SiteShare::Full, SiteShare::Full, SiteShare::Waiting]);
        let usual = readings([0.95, 0.95, 0.40]);
        balance.land(&base, &waiting, &usual, Moment(599_000));
        balance.step(&base, &waiting, &readings([1.30, 0.95, 0.0]), Moment(660_000));
        assert!(loads(&balance, &base, &waiting)[2] > 0, "it is the reserve");
        let emptied = Readings { withdrawn: [RegionId(2)].into_iter().collect(), ..usual };
        assert!(balance.is_due(&base, &waiting, &emptied));
        balance.land(&base, &waiting, &emptied, Moment(661_000));
        assert_eq!(loads(&balance, &base, &waiting)[2], 0);
    }

    #[test]
    fn a_region_that_is_too_full_sheds_at_its_pace_and_says_so() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let all = view(&base, ALL);
        let changes = balance.step(&base, &all, &readings([0.95, 0.40, 0.40]), Moment(600_000)).changes;
        let [change] = &changes[..] else { panic!("tokyo is too full: {changes:?}") };
        assert_eq!((change.region, change.load), (RegionId(0), Some(0.95)));
        assert_eq!(change.shares.map(|share| share.to_string()), ["0%", "10.5%"]);
        assert_eq!(
            balance.wake(&base),
            Some(Moment(630_000)),
            "a TTL later, in case it is above the hard limit then"
        );
        assert!(!balance.step(&base, &all, &readings([0.85, 0.50, 0.40]), Moment(630_000)).moves_clients);
        let next = balance.wake(&base).expect("it goes on");
        assert_eq!(next, Moment(660_000), "two TTLs later");
        assert_eq!(balance.step(&base, &all, &readings([0.85, 0.50, 0.40]), next).changes.len(), 1);
        assert_eq!(loads(&balance, &base, &all)[0], 80);
    }

    #[test]
    fn a_region_above_its_hard_limit_is_relieved_as_soon_as_the_last_step_has_been_reported() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let all = view(&base, ALL);
        balance.step(&base, &all, &readings([0.95, 0.40, 0.40]), Moment(600_000));
        assert!(!balance.step(&base, &all, &readings([1.05, 0.50, 0.40]), Moment(629_999)).moves_clients);
        balance.step(&base, &all, &readings([1.05, 0.50, 0.40]), Moment(630_000));
        assert!(loads(&balance, &base, &all)[0] < 100);
    }

    #[test]
    fn guests_leave_a_region_above_its_hard_limit_before_those_who_are_at_home_there() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let (all, lost) = (view(&base, ALL), view(&base, TOKYO_LOST));
        balance.step(&base, &all, &readings([0.56, 0.49, 0.35]), Moment(600_000));
        balance.land(&base, &lost, &readings([0.56, 0.49, 0.35]), Moment(601_000));
        assert_eq!(loads(&balance, &base, &lost), [0, 80, 60]);
        // Tokyo's clients at oregon ask for more than was known of them.
        let step = balance.step(&base, &lost, &readings([0.0, 0.75, 1.05]), Moment(700_000));
        assert!(step.moves_clients, "an answer that changes must be published");
        assert_eq!(balance.away(&base)[2], Share::NONE, "oregon's own clients stay");
        assert!(loads(&balance, &base, &lost)[2] < 100, "{:?}", loads(&balance, &base, &lost));
    }

    #[test]
    fn a_ramp_is_counted_and_left_alone() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let (all, half) =
            (view(&base, ALL), [SiteShare::Part(Share::HALF), SiteShare::Full, SiteShare::Full]);
        balance.step(&base, &all, &readings([0.60, 0.30, 0.30]), Moment(600_000));
        let half = view(&base, half);
        balance.land(&base, &half, &readings([0.60, 0.30, 0.30]), Moment(601_000));
        assert_eq!(loads(&balance, &base, &half), [30, 60, 30]);
    }

    #[test]
    fn who_is_divided_by_weights_is_counted_where_the_weights_lead_and_not_shed() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let all = view(&base, ALL);
        balance.step(&base, &all, &readings([0.60, 0.30, 0.30]), Moment(600_000));
        let mut weighted = readings([0.06, 0.84, 0.30]);
        weighted.weights = vec![Some(vec![(RegionId(1), 90), (RegionId(0), 10)])];
        balance.land(&base, &all, &weighted, Moment(601_000));
        balance.step(&base, &all, &weighted, Moment(700_000));
        let rates: Vec<_> = balance.rates.iter().map(|rate| (rate / 10.0).round()).collect();
        assert_eq!(rates.iter().sum::<f64>(), 120.0, "{rates:?}");
        assert!(balance.splits.is_whole(), "osaka is above its soft limit, and an operator wants it so");
    }

    /// Tokyo and osaka are equally near for all clients, and share them; oregon is farther.
    fn spread_base() -> Base {
        let region = |(index, name): (usize, &&str)| {
            format!(
                "  {name}:\n    location: {{ latitude: 35, longitude: {} }}\n    jurisdiction: JP\n    capacity: 1000\n    \
                 zones: {{ {name}-a: {{ addresses: [192.0.2.1{index}] }} }}\n",
                [139, 140, 170][index]
            )
        };
        let regions: String = ["tokyo", "osaka", "oregon"].iter().enumerate().map(region).collect();
        let zone = "zone: example.com\nnameservers: [ns1.example.net]\nnames:\n  '@':\n    steer:\n      \
                    regions: [tokyo, osaka, oregon]\n      spread: 500 km\n";
        let half =
            |network: &str| format!("{{ network: {network}, country: JP, latitude: 35, longitude: 139.5 }}");
        let geo = format!("geo: {{ networks: [{}, {}] }}\n", half("0.0.0.0/1"), half("128.0.0.0/1"));
        fixture::located(&geo, &format!("regions:\n{regions}"), zone)
    }

    #[test]
    fn a_region_that_shares_clients_as_equally_near_sheds_its_own_when_it_is_full() {
        let base = spread_base();
        let mut balance = Balancer::new(&base, Moment(0));
        let all = view(&base, ALL);
        balance.step(&base, &all, &readings([0.60, 0.60, 0.10]), Moment(600_000));
        assert_eq!(loads(&balance, &base, &all), [60, 60, 0], "drawn for both alike");
        let changes = balance.step(&base, &all, &readings([0.95, 0.60, 0.10]), Moment(700_000)).changes;
        let [change] = &changes[..] else { panic!("tokyo is too full: {changes:?}") };
        assert_eq!(change.region, RegionId(0));
        let [tokyo, osaka, oregon] = loads(&balance, &base, &all);
        assert_eq!(
            (tokyo, tokyo + osaka + oregon),
            (85, 155),
            "a tenth of tokyo's capacity, and nobody is lost"
        );
        assert!(osaka > 60, "first to the region that is as near: {osaka}, {oregon}");
        let mut again = Balancer::new(&base, Moment(700_000));
        again.adopt(&balance.remember(&base), &base);
        assert_eq!(loads(&again, &base, &all), [tokyo, osaka, oregon], "a restart forgets nothing");
        // Both are lost: their clients go to oregon, also those that tokyo had shed.
        let lost = view(&base, [OUT_NOW, OUT_NOW, SiteShare::Full]);
        balance.land(&base, &lost, &readings([0.0, 0.0, 0.10]), Moment(701_000));
        assert_eq!(loads(&balance, &base, &lost), [0, 0, 155]);
    }

    const OUT_NOW: SiteShare = SiteShare::Out { since: Moment(0) };

    #[test]
    fn a_region_that_says_nothing_is_neither_relieved_nor_filled() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let mut silent = readings([0.95, 0.0, 0.40]);
        silent.vitals[1].load = None;
        let all = view(&base, ALL);
        balance.step(&base, &all, &silent, Moment(600_000));
        assert_eq!(loads(&balance, &base, &all), [85, 0, 50], "osaka is nearer, and who knows how full");
    }

    #[test]
    fn a_region_that_leaves_is_taken_to_ask_for_more_when_its_survivors_serve_more_than_was_expected() {
        let base = base();
        let mut balance = Balancer::new(&base, Moment(0));
        let (all, lost) = (view(&base, ALL), view(&base, TOKYO_LOST));
        balance.step(&base, &all, &readings([0.50, 0.40, 0.30]), Moment(600_000));
        balance.land(&base, &lost, &readings([0.60, 0.48, 0.36]), Moment(630_000));
        let after = loads(&balance, &base, &lost);
        assert_eq!((after[0], after[1] + after[2]), (0, 144), "a fifth more: {after:?}");
    }

    #[test]
    fn those_who_stay_with_a_region_that_is_down_follow_when_every_survivor_is_well_and_below_the_hard_limit()
    {
        let base = base();
        let all = view(&base, ALL);
        let lost = view(&base, [SiteShare::Yielding { since: Moment(0) }, SiteShare::Full, SiteShare::Full]);
        let fail = |site: Site, _, status: Status| match site == Site::Region(RegionId(2)) {
            true => Status { phase: Phase::Suspect, ..status },
            false => status,
        };
        let ill = lost.clone().map(fail);
        let silent = |loads: [f64; 3]| {
            let mut readings = readings(loads);
            readings.vitals[2].load = None;
            readings
        };
        for (name, view, heard, follows) in [
            ("all are well", &lost, readings([0.0, 0.50, 0.50]), true),
            ("one is suspect", &ill, readings([0.0, 0.50, 0.50]), false),
            ("one is above the hard limit", &lost, readings([0.0, 1.05, 0.50]), false),
            ("one says nothing any more", &lost, silent([0.0, 0.50, 0.50]), false),
        ] {
            let mut balance = Balancer::new(&base, Moment(0));
            balance.step(&base, &all, &readings([0.90, 0.80, 0.80]), Moment(600_000));
            balance.land(&base, &lost, &readings([0.90, 0.80, 0.80]), Moment(601_000));
            let staying = |balance: &Balancer| balance.unborne(&base, &lost, &readings([0.0; 3]))[0].1;
            let before = staying(&balance);
            assert!(before > Share::HALF, "{name}: {before}");
            balance.step(&base, view, &heard, Moment(900_000));
            balance.step(&base, view, &heard, Moment(1_200_000));
            let rest = balance.unborne(&base, &lost, &readings([0.0; 3])).first().map(|(_, share)| *share);
            assert_eq!(rest.is_none_or(|rest| rest < before), follows, "{name}: {before} to {rest:?}");
        }
    }

    #[test]
    fn clients_who_are_on_their_way_are_not_taken_for_demand_that_is_gone() {
        let deep = "canaries: { deep: { json: { url: 'http://{address}/', signals: { load: /load } }, interval: 30s } }\n";
        let named = regions().replace("    zones:", "    canaries: [deep]\n    zones:");
        let base = fixture::base(&(named + deep), ZONE);
        let mut balance = Balancer::new(&base, Moment(0));
        let (all, lost) = (view(&base, ALL), view(&base, TOKYO_LOST));
        balance.step(&base, &all, &readings([0.56, 0.49, 0.35]), Moment(600_000));
        balance.land(&base, &lost, &readings([0.56, 0.49, 0.35]), Moment(601_000));
        assert_eq!(balance.wake(&base), Some(Moment(661_000)), "a TTL and a report later");
        balance.step(&base, &lost, &readings([0.0, 0.60, 0.50]), Moment(660_999));
        assert_eq!(loads(&balance, &base, &lost), [0, 80, 60], "osaka reported 30 s ago");
    }

    #[test]
    fn a_state_file_sends_nobody_where_their_plan_does_not_lead() {
        let base = base();
        let mut before = Balancer::new(&base, Moment(0));
        let all = view(&base, ALL);
        before.step(&base, &all, &readings([0.95, 0.40, 0.40]), Moment(600_000));
        let mut portions = before.remember(&base);
        portions
            .iter_mut()
            .flat_map(|portion| &mut portion.pieces)
            .for_each(|(_, name)| *name = "moon".to_owned());
        portions[0].rate = f64::INFINITY;
        let mut after = Balancer::new(&base, Moment(700_000));
        after.adopt(&portions, &base);
        assert!(after.splits.is_whole());
        assert!(after.rates.iter().all(|rate| rate.is_finite()));
    }

    #[test]
    fn a_restart_goes_on_where_the_last_life_ended() {
        let base = base();
        let mut before = Balancer::new(&base, Moment(0));
        let all = view(&base, ALL);
        before.step(&base, &all, &readings([0.95, 0.40, 0.40]), Moment(600_000));
        let mut after = Balancer::new(&base, Moment(700_000));
        after.adopt(&before.remember(&base), &base);
        after.resume(&base, &all, &Readings::unknown(3));
        assert!(!after.is_due(&base, &all, &Readings::unknown(3)), "no region has reported yet");
        let (before, after) = (before.splits.of(0), after.splits.of(0));
        assert_eq!(before, after);
        assert_eq!(after.map(|split| split.pieces().len()), Some(2));
    }
}
