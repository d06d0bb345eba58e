//! Load: which clients a full region sheds, and to which regions.
//!
//! All clients of a part go to its home, the first region of its plan that is in service, unless
//! its [`Split`] says that a piece of them goes to another region of the plan. Two things cut
//! pieces: [`Splits::step`] relieves regions above the soft limit, a little at a time, and
//! [`Splits::land`] spreads the clients of a region that has just left, at once and touching no client
//! but them. Both give away those clients first who lose least distance, only to regions of the
//! same plan, and only to regions known to have room: nothing here can cross a border.

use std::collections::{BTreeMap, BTreeSet};

use super::split::{Leaving, NEGLIGIBLE, Piece, Split};
use crate::region::{Limits, RegionId, RegionSet};

/// The demand of one part of the clients, and the regions that may serve it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demand {
    /// Requests per second.
    pub rate: f64,
    /// The regions of the plan that are in service, the best first, each with its distance in
    /// kilometres; empty when none is.
    pub order: Vec<(RegionId, f64)>,
    /// Whether the first of them is down, and keeps only those clients whom none of the others can bear.
    pub yields: bool,
    /// The other regions of the plan that are well and wait or ramp: the reserve, taken before a region goes above the
    /// hard limit.
    pub reserve: Vec<(RegionId, f64)>,
}

impl Demand {
    /// Returns the demand of clients who can be sent to one region only.
    pub fn fixed(rate: f64, region: RegionId) -> Self {
        Self { rate, order: vec![(region, 0.0)], yields: false, reserve: Vec::new() }
    }
}

/// What each region can serve, in requests per second. A region that is not listed is never full and is
/// never given more. One of infinite capacity says nothing of what it can bear: it is taken to bear the clients of
/// regions that have left whom the others cannot, and nobody else.
pub type Capacities = BTreeMap<RegionId, f64>;

/// A region that is above the soft limit by no more than this, as a fraction of its capacity, sheds no
/// clients: reports are no more exact, and clients would come and go with their noise.
const WORTH_MOVING: f64 = 0.01;

/// How many levels there are from the soft limit to the hard one: what is divided is even to a fifth of the room
/// between them.
const LEVELS: u32 = 5;

/// The factor between two levels beyond the hard limit.
const BEYOND_HARD: f64 = 1.05;

/// A smaller part of a crowd is not cut off for a region that is tiny beside it.
const LEAST_PIECE: f64 = 0.02;

/// How many prefixes a part of the clients is taken to have.
const PREFIXES: f64 = 256.0;

/// How many prefixes of a part are passed on at least.
const FELT_PREFIXES: f64 = 1.0;

/// How much of a region's capacity the clients that a hash finds may be beside what they should be, one time in three.
const ROUGH: f64 = 0.05;

/// A way out of a region.
#[derive(Clone, Copy, Debug)]
struct WayOut {
    part: usize,
    to: RegionId,
    /// The distance that the clients lose, in kilometres.
    loses_km: f64,
}

/// The splits of all parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Splits {
    by_part: Vec<Option<Split>>,
}

impl Splits {
    /// Returns the split of a part; `None` when no region of its plan is in service.
    pub fn of(&self, part: usize) -> Option<&Split> {
        self.by_part.get(part)?.as_ref()
    }

    /// Replaces the split of a part.
    pub fn set(&mut self, part: usize, split: Split) {
        if self.by_part.len() <= part {
            self.by_part.resize(part + 1, None);
        }
        self.by_part[part] = Some(split);
    }

    /// Sends those home who were sent to one of these regions, with all others of their part.
    pub fn send_home_from(&mut self, regions: RegionSet) {
        let guests =
            |split: &&mut Split| split.pieces()[1..].iter().any(|piece| regions.contains(piece.region));
        self.by_part
            .iter_mut()
            .flatten()
            .filter(guests)
            .for_each(|split| *split = Split::whole(split.home()));
    }

    /// Sends those home who are at home in one of these regions.
    pub fn send_home_to(&mut self, regions: RegionSet) {
        let splits = self.by_part.iter_mut().flatten().filter(|split| regions.contains(split.home()));
        splits.for_each(|split| *split = Split::whole(split.home()));
    }

    /// Forgets all but the first `count` parts.
    pub fn truncate(&mut self, count: usize) {
        self.by_part.truncate(count);
    }

    /// Returns whether all clients go home.
    pub fn is_whole(&self) -> bool {
        self.by_part.iter().flatten().all(|split| split.pieces().len() == 1)
    }

    /// Returns the regions that send some of their clients elsewhere.
    pub fn shedding(&self) -> RegionSet {
        self.by_part.iter().flatten().filter(|split| split.pieces().len() > 1).map(Split::home).collect()
    }

    /// Returns the load of each region in requests per second.
    pub fn loads(&self, demands: &[Demand]) -> BTreeMap<RegionId, f64> {
        let mut loads = BTreeMap::new();
        for (demand, split) in demands.iter().zip(&self.by_part) {
            for (region, size) in split.iter().flat_map(Split::sizes) {
                *loads.entry(region).or_insert(0.0) += demand.rate * size;
            }
        }
        loads
    }

    /// Divides the clients anew whose home or whose pieces' regions are not in service any more, or whose home has
    /// come back, and those of every region above the hard limit.
    ///
    /// No region is lifted above the soft limit while another one has room below it, and so on for a few levels
    /// up to the hard one; of a region that says nothing of what it can bear it is taken that it has room. What remains stays
    /// where it is if its home yields. Else it is divided so that those that
    /// exceed the hard limit exceed it alike: however few they are, there is no other.
    pub fn land(&mut self, demands: &[Demand], capacities: &Capacities, limits: Limits) {
        self.land_from(&|_| true, demands, capacities, limits);
    }

    /// The same, with clients leaving only those regions that are down of which `may_leave` says so.
    pub fn land_from(
        &mut self,
        may_leave: &dyn Fn(RegionId) -> bool,
        demands: &[Demand],
        capacities: &Capacities,
        limits: Limits,
    ) {
        let landed = self.send_home(demands);
        let leaving: Vec<_> = yielding(demands).into_iter().filter(|region| may_leave(*region)).collect();
        let (known, silent) = by_knowledge(capacities);
        let leaves_for_silent = |part: usize| {
            let nearest = demands[part].order.iter().skip(1).find(|(to, _)| capacities.contains_key(to));
            demands[part].yields && nearest.is_some_and(|(to, _)| silent.contains_key(to))
        };
        for region in leaving.iter().copied() {
            self.relieve(region, f64::INFINITY, demands, &silent, limits.hard, &leaves_for_silent);
        }
        let at_soft = [(limits.soft, &known), (limits.soft, &silent)].into_iter();
        for (limit, takers) in at_soft.chain(levels(limits).skip(1).map(|limit| (limit, &known))) {
            for region in leaving.iter().copied() {
                self.relieve(region, f64::INFINITY, demands, takers, limit, &|part| demands[part].yields);
            }
            self.level(demands, &known, takers, limit, &|part| landed[part]);
        }
        for region in leaving {
            self.fill(region, demands, &known, up_to_hard(limits));
            self.make_room(region, demands, &known, limits);
        }
        self.mend(demands, capacities, limits);
        let mut limit = limits.hard;
        self.level(demands, &known, &known, limit, &|part| landed[part]);
        while landed.contains(&true) && limit < self.highest(demands, &known) {
            limit *= BEYOND_HARD;
            self.level(demands, &known, &known, limit, &|part| landed[part]);
        }
    }

    /// Returns whether some clients of a region that is down are not divided yet, or were sent where they cannot be any more.
    pub fn is_behind(&self, region: RegionId, demands: &[Demand]) -> bool {
        let of_region = |demand: &Demand| demand.yields && demand.order[0].0 == region;
        let parts = demands.iter().enumerate().filter(|(_, demand)| of_region(demand));
        parts.into_iter().any(|(part, demand)| !self.of(part).is_some_and(|split| stays(split, demand)))
    }

    /// Sends the parts home whose split leads where it cannot any more, and returns which.
    fn send_home(&mut self, demands: &[Demand]) -> Vec<bool> {
        self.by_part.resize(demands.len(), None);
        let parts = demands.iter().zip(&mut self.by_part);
        let landed = parts.map(|(demand, split)| {
            let Some((home, _)) = demand.order.first() else {
                *split = None;
                return false;
            };
            let stays = split.as_ref().is_some_and(|split| stays(split, demand));
            if !stays {
                *split = Some(Split::whole(*home));
            }
            !stays && !demand.yields
        });
        landed.collect()
    }

    /// Moves what is above `limit` out of every region, as far as those of `takers` have room below it.
    fn level(
        &mut self,
        demands: &[Demand],
        capacities: &Capacities,
        takers: &Capacities,
        limit: f64,
        may_move: &dyn Fn(usize) -> bool,
    ) {
        for (region, capacity) in capacities {
            let above = self.loads(demands).get(region).copied().unwrap_or(0.0) - limit * capacity;
            self.relieve(*region, above, demands, takers, limit, may_move);
        }
    }

    /// Makes room for clients of a region that is down whom no other can bear, if other clients there may go elsewhere:
    /// those of other regions that are down are divided anew, after them.
    fn make_room(&mut self, region: RegionId, demands: &[Demand], capacities: &Capacities, limits: Limits) {
        let is_own = |part: usize| demands[part].yields && demands[part].order[0].0 == region;
        let kept = self.kept(demands, &is_own);
        if kept <= NEGLIGIBLE {
            return;
        }
        let parts = (0..demands.len()).filter(|part| is_own(*part));
        let takers: BTreeSet<_> =
            parts.flat_map(|part| demands[part].order.iter().skip(1)).map(|(taker, _)| *taker).collect();
        for taker in &takers {
            let ways = self.ways(*taker, Leaving::AtHome, demands, false, &|part| !demands[part].yields);
            self.give_away((*taker, Leaving::AtHome, &ways), kept, demands, capacities, full(limits));
        }
        let (before, kept_before) = (self.clone(), self.kept(demands, &|_| true));
        for (demand, split) in demands.iter().zip(&mut self.by_part).filter(|(demand, _)| demand.yields) {
            let is_guest = |split: &Split| split.pieces().iter().any(|piece| takers.contains(&piece.region));
            *split = split
                .take()
                .map(|split| if is_guest(&split) { Split::whole(demand.order[0].0) } else { split });
        }
        for leaving in std::iter::once(region).chain(yielding(demands)) {
            self.fill(leaving, demands, capacities, up_to_hard(limits));
        }
        if self.kept(demands, &|_| true) > kept_before - NEGLIGIBLE {
            *self = before;
        }
    }

    /// Gives away the clients of a region that is down, as evenly as its others allow, up to these limits one after the
    /// other.
    fn fill(
        &mut self,
        region: RegionId,
        demands: &[Demand],
        capacities: &Capacities,
        levels: impl Iterator<Item = f64>,
    ) {
        for limit in levels {
            self.relieve(region, f64::INFINITY, demands, capacities, limit, &|part| demands[part].yields);
        }
    }

    /// Returns the demand of clients that stay in regions that are down, of these parts.
    fn kept(&self, demands: &[Demand], of: &dyn Fn(usize) -> bool) -> f64 {
        let parts = demands.iter().zip(&self.by_part).enumerate();
        let kept = parts.filter(|(part, (demand, _))| demand.yields && of(*part));
        kept.filter_map(|(_, (demand, split))| Some(demand.rate * split.as_ref()?.pieces()[0].until)).sum()
    }

    /// Moves what is above the hard limit out of every region until it is just full, whosever clients they are, as far as
    /// others have room below that: first those that take all of their clients, and then the reserve. Guests go before
    /// those who are at home.
    fn mend(&mut self, demands: &[Demand], capacities: &Capacities, limits: Limits) {
        let (known, _) = by_knowledge(capacities);
        for takes_reserve in [false, true] {
            for limit in up_to_hard(limits) {
                for (region, capacity) in &known {
                    let load = self.loads(demands).get(region).copied().unwrap_or(0.0);
                    if load > too_much(limits) * capacity {
                        let mut above = load - full(limits) * capacity;
                        for leaving in [Leaving::Guests, Leaving::AtHome] {
                            let ways = self.ways(*region, leaving, demands, takes_reserve, &|_| true);
                            let ways = (*region, leaving, &ways[..]);
                            above -= self.give_away(ways, above, demands, &known, limit);
                        }
                    }
                }
            }
        }
        if self.send_back(demands, &known, limits) {
            yielding(demands)
                .into_iter()
                .for_each(|region| self.fill(region, demands, &known, levels(limits)));
        }
    }

    /// Sends back, to regions that are down, whom they gave to regions above the hard limit that could not be relieved
    /// otherwise: those who left last. Who left after them for elsewhere comes along if that is no more, and is given away
    /// anew. Returns whether there were any.
    fn send_back(&mut self, demands: &[Demand], capacities: &Capacities, limits: Limits) -> bool {
        let before = self.clone();
        for (region, capacity) in capacities {
            let load = self.loads(demands).get(region).copied().unwrap_or(0.0);
            if load <= too_much(limits) * capacity {
                continue;
            }
            let mut above = load - full(limits) * capacity;
            let parts = demands.iter().zip(&mut self.by_part).filter(|(demand, _)| demand.yields);
            for (demand, split) in parts.filter_map(|(demand, split)| Some((demand, split.as_mut()?))) {
                while above > NEGLIGIBLE && split.pieces().iter().skip(1).any(|piece| piece.region == *region)
                {
                    let last = split.pieces()[1];
                    let size = demand.rate * (last.until - split.pieces()[0].until);
                    if size <= NEGLIGIBLE || last.region != *region && size > above {
                        break;
                    }
                    let moved = size.min(above);
                    split.take_back(moved / demand.rate);
                    above -= if last.region == *region { moved } else { 0.0 };
                }
            }
        }
        *self != before
    }

    /// Returns the load of the fullest region, as a fraction of its capacity.
    fn highest(&self, demands: &[Demand], capacities: &Capacities) -> f64 {
        let loads = self.loads(demands);
        let fill =
            |(region, capacity): (&RegionId, &f64)| loads.get(region).map_or(0.0, |load| load / capacity);
        capacities.iter().map(fill).fold(0.0, f64::max)
    }

    /// Moves one step: regions above the soft limit shed, regions below the lower one take back, and regions that are
    /// down give away whom others can bear by now, at most the share of their clients that `velocity` says.
    pub fn step(
        &mut self,
        demands: &[Demand],
        capacities: &Capacities,
        limits: Limits,
        velocity: &dyn Fn(RegionId) -> f64,
    ) {
        self.mend(demands, capacities, limits);
        let (known, _) = by_knowledge(capacities);
        for region in yielding(demands) {
            let of_region = |demand: &&Demand| demand.yields && demand.order[0].0 == region;
            let most =
                velocity(region) * demands.iter().filter(of_region).map(|demand| demand.rate).sum::<f64>();
            self.relieve(region, most, demands, &known, full(limits), &|part| demands[part].yields);
        }
        for (region, capacity) in &known {
            let loads = self.loads(demands);
            let load = loads.get(region).copied().unwrap_or(0.0);
            let most = limits.step * capacity;
            if load > (limits.soft + WORTH_MOVING) * capacity {
                let above = (load - limits.soft * capacity).min(most);
                self.relieve(*region, above, demands, &known, limits.soft, &|_| true);
            } else if load < limits.back * capacity {
                // Not above the soft limit with what comes back, or it would be shed again.
                let room = (limits.soft * capacity - load).min(most);
                self.restore(*region, room, demands);
            }
        }
    }

    /// Gives away up to `amount` of the demand of parts whose home is `region`, those first who
    /// lose least distance, to regions that it does not lift above `limit`.
    fn relieve(
        &mut self,
        region: RegionId,
        amount: f64,
        demands: &[Demand],
        capacities: &Capacities,
        limit: f64,
        may_move: &dyn Fn(usize) -> bool,
    ) {
        let ways = self.ways(region, Leaving::AtHome, demands, false, may_move);
        self.give_away((region, Leaving::AtHome, &ways), amount, demands, capacities, limit);
    }

    /// Lets up to `amount` leave a region by these ways, in their order, to regions that it does not lift above `limit`, and
    /// returns how much left.
    fn give_away(
        &mut self,
        (region, leaving, ways): (RegionId, Leaving, &[WayOut]),
        amount: f64,
        demands: &[Demand],
        capacities: &Capacities,
        limit: f64,
    ) -> f64 {
        let (mut loads, mut given) = (self.loads(demands), 0.0);
        for WayOut { part, to, .. } in ways {
            let (Some(capacity), true) = (capacities.get(to), given < amount) else {
                continue;
            };
            let rate = demands[*part].rate;
            let load = loads.entry(*to).or_insert(0.0);
            let split = self.by_part[*part].as_mut().expect("a way leads out of a split");
            let wanted = (amount - given).max(least(leaving, rate)).min(limit * capacity - *load);
            let wanted = wanted.min(rate * split.fraction_of(leaving, region));
            if wanted > NEGLIGIBLE && !is_too_fine(wanted / rate, rate, *capacity) {
                let moved = rate * split.pass(leaving, region, *to, wanted / rate);
                *load += moved;
                given += moved;
            }
        }
        given
    }

    /// Takes back up to `amount` of what parts whose home is `region` gave away, those first who
    /// lose most distance where they are.
    fn restore(&mut self, region: RegionId, mut amount: f64, demands: &[Demand]) {
        let ways = self.ways(region, Leaving::AtHome, demands, true, &|_| true);
        for WayOut { part, to, .. } in ways.into_iter().rev() {
            let rate = demands[part].rate;
            let split = self.by_part[part].as_mut().expect("a way leads out of a split");
            // Pieces come back in the reverse order of their going, whichever region lost more: moving the
            // line anywhere else would move clients who are not coming home.
            if split.pieces().get(1).is_some_and(|piece| piece.region == to) {
                let away = rate * (1.0 - split.pieces()[0].until);
                let moved = amount.min(away);
                split.take_back(moved / rate);
                amount -= moved;
            }
        }
    }

    /// Returns the ways by which clients leave a region: each part with such clients, each other region of its plan, of the
    /// reserve too if that is taken, and for guests home if it is not down; those first who lose least distance.
    fn ways(
        &self,
        region: RegionId,
        leaving: Leaving,
        demands: &[Demand],
        takes_reserve: bool,
        may_move: &dyn Fn(usize) -> bool,
    ) -> Vec<WayOut> {
        let mut ways = Vec::new();
        for (part, (demand, split)) in demands.iter().zip(&self.by_part).enumerate() {
            let may_leave = split.as_ref().is_some_and(|split| split.has(leaving, region));
            if !may_leave || !may_move(part) || demand.rate <= NEGLIGIBLE {
                continue;
            }
            let mut known = demand.order.iter().chain(&demand.reserve);
            let here_km = known.find(|(known, _)| *known == region).map_or(0.0, |(_, km)| *km);
            let reserve = demand.reserve.iter().filter(|_| takes_reserve);
            let others = demand.order.iter().skip(usize::from(demand.yields)).chain(reserve);
            let others = others.filter(|(other, _)| *other != region);
            ways.extend(others.map(|(to, km)| WayOut { part, to: *to, loses_km: km - here_km }));
        }
        ways.sort_by(|one, other| one.loses_km.total_cmp(&other.loses_km));
        ways
    }
}

/// Returns whether a split leads clients with this demand where they may go.
fn stays(split: &Split, demand: &Demand) -> bool {
    let known = || demand.order.iter().chain(&demand.reserve);
    let in_order = |piece: &Piece| known().any(|(region, _)| *region == piece.region);
    demand.order.first().is_some_and(|(home, _)| split.home() == *home) && split.pieces().iter().all(in_order)
}

/// Parts the regions of which it is known what they can bear from those that say nothing.
fn by_knowledge(capacities: &Capacities) -> (Capacities, Capacities) {
    capacities.iter().partition(|(_, capacity)| capacity.is_finite())
}

/// Returns the load from which on a region is relieved at once, as a fraction of its capacity.
pub(crate) fn too_much(limits: Limits) -> f64 {
    limits.hard + WORTH_MOVING
}

/// Returns up to which limit a region is filled while there is a choice: a percent below the hard one, for the share of
/// clients that a hash finds is no more exact.
fn full(limits: Limits) -> f64 {
    (limits.hard - WORTH_MOVING).max(limits.soft)
}

/// Returns the least that clients of a part with this rate leave by, in requests per second: of guests so much that it is
/// likely to be felt, for the hash must find a prefix or two.
fn least(leaving: Leaving, rate: f64) -> f64 {
    match leaving {
        Leaving::AtHome => 0.0,
        Leaving::Guests => rate * FELT_PREFIXES / PREFIXES,
    }
}

/// Returns whether this piece of a crowd may be far more than it should be for a region of this capacity: a few prefixes
/// are there or not, by their hash.
fn is_too_fine(piece: f64, rate: f64, capacity: f64) -> bool {
    piece < LEAST_PIECE && rate * (piece / PREFIXES).sqrt() > ROUGH * capacity
}

/// Returns the limits up to which regions are filled, one after the other.
fn levels(limits: Limits) -> impl Iterator<Item = f64> {
    let step = (full(limits) - limits.soft) / f64::from(LEVELS);
    (0..=LEVELS).map(move |level| limits.soft + step * f64::from(level))
}

fn up_to_hard(limits: Limits) -> impl Iterator<Item = f64> {
    levels(limits).chain([limits.hard])
}

/// Returns the regions that are down and keep whom no other can bear.
fn yielding(demands: &[Demand]) -> BTreeSet<RegionId> {
    let homes = demands.iter().filter(|demand| demand.yields).filter_map(|demand| demand.order.first());
    homes.map(|(home, _)| *home).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn demand(rate: f64, order: &[(u8, f64)]) -> Demand {
        let order = order.iter().map(|(region, km)| (RegionId(*region), *km)).collect();
        Demand { rate, order, yields: false, reserve: Vec::new() }
    }

    fn capacities(of: &[f64]) -> Capacities {
        (0..).map(RegionId).zip(of.iter().copied()).collect()
    }

    /// Lands, takes steps, and compares the loads in percent of capacities of 100.
    fn check(demands: &[Demand], steps: usize, expected: &[f64]) {
        let capacities = capacities(&vec![100.0; expected.len()]);
        let mut splits = Splits::default();
        splits.land(demands, &capacities, Limits::default());
        for _ in 0..steps {
            splits.step(demands, &capacities, Limits::default(), &|_| 0.2);
        }
        let loads = splits.loads(demands);
        let loads: Vec<f64> = (0..)
            .map(RegionId)
            .take(expected.len())
            .map(|region| loads.get(&region).copied().unwrap_or(0.0))
            .collect();
        let is_close = loads.iter().zip(expected).all(|(load, expected)| (load - expected).abs() < 0.01);
        assert!(is_close, "loads {loads:?}, expected {expected:?}");
    }

    #[test]
    fn losing_the_first_of_three_at_140_percent_leaves_none_above_90() {
        let demands = [
            demand(56.0, &[(1, 400.0), (2, 900.0)]),
            demand(49.0, &[(1, 0.0), (2, 500.0)]),
            demand(35.0, &[(2, 0.0), (1, 500.0)]),
        ];
        check(&demands, 0, &[0.0, 80.0, 60.0]);
    }

    #[test]
    fn a_fail_over_that_fits_nowhere_below_the_soft_limit_is_divided_evenly_up_to_the_hard_one() {
        let demands = [
            demand(90.0, &[(0, 400.0), (1, 900.0)]),
            demand(50.0, &[(0, 0.0), (1, 500.0)]),
            demand(50.0, &[(1, 0.0), (0, 500.0)]),
        ];
        check(&demands, 0, &[95.2, 94.8]);
    }

    #[test]
    fn a_region_above_the_soft_limit_sheds_ten_points_a_step_the_clients_who_lose_least() {
        let near = demand(30.0, &[(0, 300.0), (1, 400.0)]);
        let far = demand(65.0, &[(0, 0.0), (1, 5000.0)]);
        let demands = [far, near];
        // Landing spreads nobody who was at home: that is what steps are for.
        let capacities = capacities(&[100.0, 100.0]);
        let mut splits = Splits { by_part: vec![Some(Split::whole(RegionId(0))); 2] };
        splits.step(&demands, &capacities, Limits::default(), &|_| 0.2);
        assert_eq!(splits.of(0), Some(&Split::whole(RegionId(0))), "the far ones stay");
        let loads = splits.loads(&demands);
        assert!((loads[&RegionId(0)] - 85.0).abs() < 0.01, "{loads:?}");
        splits.step(&demands, &capacities, Limits::default(), &|_| 0.2);
        let loads = splits.loads(&demands);
        assert!((loads[&RegionId(0)] - 80.0).abs() < 0.01, "{loads:?}");
    }

    #[test]
    fn what_was_shed_comes_home_when_the_load_has_fallen() {
        let at = |rate| [demand(rate, &[(0, 0.0), (1, 400.0)])];
        let capacities = capacities(&[100.0, 100.0]);
        let mut splits = Splits { by_part: vec![Some(Split::whole(RegionId(0)))] };
        for _ in 0..3 {
            splits.step(&at(100.0), &capacities, Limits::default(), &|_| 0.2);
        }
        assert!((splits.loads(&at(100.0))[&RegionId(0)] - 80.0).abs() < 0.01);
        splits.step(&at(74.0), &capacities, Limits::default(), &|_| 0.2);
        for _ in 0..3 {
            splits.step(&at(40.0), &capacities, Limits::default(), &|_| 0.2);
        }
        assert_eq!(splits.of(0), Some(&Split::whole(RegionId(0))));
    }

    #[test]
    fn a_region_of_unknown_capacity_neither_sheds_nor_is_given_more() {
        let demands = [demand(500.0, &[(0, 0.0), (7, 1.0)])];
        check(&demands, 3, &[500.0]);
    }

    #[test]
    fn what_the_regions_that_report_cannot_bear_goes_to_one_that_says_nothing() {
        let own = demand(75.0, &[(1, 0.0), (2, 900.0)]);
        for yields in [false, true] {
            let order: &[_] =
                if yields { &[(0, 0.0), (1, 300.0), (2, 900.0)] } else { &[(1, 300.0), (2, 900.0)] };
            let dead = Demand { yields, ..demand(80.0, order) };
            let capacities: Capacities = [(RegionId(1), 100.0), (RegionId(2), f64::INFINITY)].into();
            let mut splits = Splits::default();
            let demands = [dead, own.clone()];
            splits.land(&demands, &capacities, Limits::default());
            for _ in 0..3 {
                splits.step(&demands, &capacities, Limits::default(), &|_| 0.2);
            }
            let loads = splits.loads(&demands);
            let of = |region| loads.get(&RegionId(region)).copied().unwrap_or(0.0);
            assert!(of(0) < 0.01 && of(1) < 80.01 && (of(1) + of(2) - 155.0).abs() < 0.01, "{loads:?}");
        }
    }

    #[test]
    fn a_guest_from_a_region_that_is_down_makes_room_for_clients_of_another_one_who_may_go_nowhere_else() {
        let dead = |rate, order: &[(u8, f64)]| Demand { yields: true, ..demand(rate, order) };
        let guest = dead(70.0, &[(3, 0.0), (1, 3000.0), (2, 4000.0)]);
        let late = dead(40.0, &[(0, 0.0), (1, 500.0)]);
        let own = demand(30.0, &[(1, 0.0), (2, 900.0)]);
        let capacities: Capacities = [(RegionId(1), 100.0), (RegionId(2), 100.0)].into();
        let at = |region| Piece { until: 1.0, region: RegionId(region) };
        let left = Split::of(vec![Piece { until: 0.0, region: RegionId(3) }, at(1)]).expect("a split");
        let whole = |region| Some(Split::whole(RegionId(region)));
        let mut splits = Splits { by_part: vec![Some(left), whole(0), whole(1)] };
        let demands = [guest, late, own];
        splits.land(&demands, &capacities, Limits::default());
        let loads = splits.loads(&demands);
        assert!(splits.kept(&demands, &|_| true) < 0.01, "{loads:?}");
        assert!((loads[&RegionId(1)] + loads[&RegionId(2)] - 140.0).abs() < 0.01, "{loads:?}");
    }

    #[test]
    fn a_guest_makes_room_for_clients_of_a_region_that_is_down_who_may_go_nowhere_else() {
        let dead = Demand { yields: true, ..demand(40.0, &[(0, 0.0), (1, 500.0)]) };
        let guest = demand(60.0, &[(1, 3000.0), (2, 4000.0)]);
        let own = demand(30.0, &[(1, 0.0), (2, 900.0)]);
        let demands = [dead, guest, own];
        let capacities: Capacities = [(RegionId(1), 100.0), (RegionId(2), 100.0)].into();
        let whole = |region| Some(Split::whole(RegionId(region)));
        let mut splits = Splits { by_part: vec![whole(0), whole(1), whole(1)] };
        splits.land(&demands, &capacities, Limits::default());
        let loads = splits.loads(&demands);
        let of = |region| loads.get(&RegionId(region)).copied().unwrap_or(0.0);
        assert!(of(0) < 0.01 && of(1) < 100.01 && (of(1) + of(2) - 130.0).abs() < 0.01, "{loads:?}");
    }

    #[test]
    fn a_region_that_turns_out_to_be_drowned_by_clients_of_one_that_is_down_sends_them_back() {
        let dead = Demand { yields: true, ..demand(60.0, &[(0, 0.0), (1, 500.0)]) };
        let own = demand(60.0, &[(1, 0.0)]);
        let demands = [dead, own];
        let capacities: Capacities = [(RegionId(1), 100.0)].into();
        let pieces =
            vec![Piece { until: 0.0, region: RegionId(0) }, Piece { until: 1.0, region: RegionId(1) }];
        let mut splits = Splits { by_part: vec![Split::of(pieces), Some(Split::whole(RegionId(1)))] };
        splits.step(&demands, &capacities, Limits::default(), &|_| 0.0);
        let loads = splits.loads(&demands);
        assert!(
            (loads[&RegionId(1)] - 99.0).abs() < 0.01 && (loads[&RegionId(0)] - 21.0).abs() < 0.01,
            "{loads:?}"
        );
    }

    #[test]
    fn no_crowd_is_cut_so_finely_for_a_tiny_region_that_chance_fills_it() {
        let crowd = demand(20_000.0, &[(0, 0.0), (1, 500.0), (2, 900.0)]);
        let capacities: Capacities =
            [(RegionId(0), 18_000.0), (RegionId(1), 264.0), (RegionId(2), 30_000.0)].into();
        let mut splits = Splits::default();
        let demands = [crowd];
        splits.land(&demands, &capacities, Limits::default());
        let loads = splits.loads(&demands);
        assert!(!loads.contains_key(&RegionId(1)) && loads[&RegionId(2)] > 5000.0, "{loads:?}");
    }

    fn any_world() -> impl Strategy<Value = (Vec<Demand>, Vec<f64>)> {
        let order = proptest::sample::subsequence((0u8..5).collect::<Vec<_>>(), 0..=5).prop_shuffle();
        let part = (0.0..50.0f64, order, proptest::collection::vec(0.0..9000.0f64, 5));
        let part = part.prop_map(|(rate, order, mut km)| {
            km.sort_by(f64::total_cmp);
            demand(rate, &order.into_iter().zip(km).collect::<Vec<_>>())
        });
        (proptest::collection::vec(part, 0..8), proptest::collection::vec(1.0..100.0f64, 5))
    }

    proptest! {
        #[test]
        fn nobody_is_sent_outside_the_plan_nobody_is_lost_and_nothing_fills_beyond_the_hard_limit(
            (demands, of) in any_world(), steps in 0usize..6,
        ) {
            let capacities = capacities(&of);
            let limits = Limits::default();
            let mut splits = Splits::default();
            splits.land(&demands, &capacities, limits);
            for _ in 0..steps {
                let before = splits.loads(&demands);
                splits.step(&demands, &capacities, limits, &|_| 0.2);
                for (region, load) in splits.loads(&demands) {
                    let grew = load > before.get(&region).copied().unwrap_or(0.0) + 1e-6;
                    prop_assert!(!grew || load <= limits.hard * capacities[&region] + 1e-6);
                }
            }
            for (part, demand) in demands.iter().enumerate() {
                let Some(split) = splits.of(part) else {
                    prop_assert!(demand.order.is_empty());
                    continue;
                };
                let total: f64 = split.sizes().map(|(_, size)| size).sum();
                prop_assert!((total - 1.0).abs() < 1e-6);
                prop_assert!(split.sizes().all(|(region, size)| size >= -1e-9 && demand.order.iter().any(|(of, _)| *of == region)));
            }
        }
    }
}
