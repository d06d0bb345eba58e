//! Load: what regions report, and how much of their clients they shed for it.
//!
//! ```text
//!  reported loads × capacities ──▶ how much each part of the clients asks for
//!  a region leaves or returns  ──▶ its clients are spread at once   (Splits::land)
//!  the pace has passed         ──▶ the full shed a little, the empty take back a little   (Splits::step)
//! ```
//!
//! Answers are cached, so a change is felt only after a TTL, and reported after that. For that long nothing is
//! estimated anew and no further step is taken: acting on what was measured before the last act is how
//! balancing turns into swinging.

use std::time::Duration;

use super::{Notice, What};
use crate::health::{Services, Vitals};
use crate::moment::Moment;
use crate::region::{Failover, Family, RegionId};
use crate::share::Share;
use crate::snapshot::World;
use crate::steering::{Capacities, Demand, Route, Splits};

/// The shortest time between two steps: three reports of a canary with the usual interval.
const SHORTEST_PACE: Duration = Duration::from_secs(30);

/// Divides load.
#[derive(Debug)]
pub struct Balance {
    splits: Splits,
    /// Requests per second of each part, as of the last estimate; by the place in `World::demand`.
    rates: Vec<f64>,
    /// When the next step is due.
    next: Moment,
}

/// What regions report, by `RegionId`.
#[derive(Clone, Debug)]
pub struct Readings {
    /// What each region says of itself.
    pub vitals: Vec<Vitals>,
    /// Which fraction of each region's capacity is there.
    pub present: Vec<f64>,
}

impl Balance {
    /// Starts without knowing anybody's load.
    pub fn new(world: &World, now: Moment) -> Self {
        let next = now.plus(pace(world));
        Self { splits: Splits::default(), rates: vec![0.0; world.demand.len()], next }
    }

    /// Returns who is sent elsewhere.
    pub fn splits(&self) -> &Splits {
        &self.splits
    }

    /// Returns when the next step is due; `None`: nothing is ever divided.
    pub fn wake(&self, world: &World) -> Option<Moment> {
        (!world.demand.is_empty()).then_some(self.next)
    }

    /// Takes over another world. Where the parts are the same, what was divided stays.
    pub fn reload(&mut self, before: &World, world: &World, now: Moment) {
        if before.demand != world.demand || before.config.regions != world.config.regions {
            *self = Self::new(world, now);
        }
    }

    /// Spreads the clients of regions that have left or returned, and returns whether anybody is sent
    /// elsewhere than before.
    pub fn land(&mut self, world: &World, services: &Services, readings: &Readings, now: Moment) -> bool {
        if world.demand.is_empty() {
            return false;
        }
        let before = self.splits.clone();
        let demands = self.demands(world, services);
        self.splits.land(&demands, &capacities(world, readings), world.config.safety.limits);
        self.splits.truncate(world.demand.len());
        self.next = now.plus(pace(world));
        before != self.splits
    }

    /// Takes a step if one is due, and says who sheds what.
    pub fn step(
        &mut self,
        world: &World,
        services: &Services,
        readings: &Readings,
        now: Moment,
    ) -> Vec<Notice> {
        if world.demand.is_empty() || now < self.next {
            return Vec::new();
        }
        self.next = now.plus(pace(world));
        self.estimate(world, services, readings);
        let before = self.away(world);
        let demands = self.demands(world, services);
        let (capacities, limits) = (capacities(world, readings), world.config.safety.limits);
        self.splits.land(&demands, &capacities, limits);
        self.splits.step(&demands, &capacities, limits);
        self.splits.truncate(world.demand.len());
        let after = self.away(world);
        let changed = world.config.regions.iter().zip(before.into_iter().zip(after));
        let changed = changed.filter(|(_, (before, after))| before != after);
        let told = changed.map(|((id, region), (_, away))| {
            let load = readings.vitals[usize::from(id.0)].load;
            Notice { at: now, what: What::Shed { region: region.name.clone(), load, away } }
        });
        told.collect()
    }

    /// Works out how much each part asks for, from what the regions serve and who is sent there.
    fn estimate(&mut self, world: &World, services: &Services, readings: &Readings) {
        let flows: Vec<_> = (0..world.demand.len()).map(|part| self.flow(part, world, services)).collect();
        let mut weights = vec![0.0; world.config.regions.len()];
        for (part, flow) in world.demand.iter().zip(&flows) {
            for (region, fraction) in flow {
                weights[usize::from(region.0)] += part.weight * fraction;
            }
        }
        let rate_of = |region: RegionId| {
            let rate = served(world, readings, region)?;
            Some(rate / weights[usize::from(region.0)]).filter(|rate| rate.is_finite())
        };
        for ((part, flow), rate) in world.demand.iter().zip(&flows).zip(&mut self.rates) {
            let pieces = flow.iter().filter(|(_, fraction)| *fraction > 0.0);
            let known: Option<f64> =
                pieces.map(|(region, fraction)| Some(part.weight * fraction * rate_of(*region)?)).sum();
            // Of a part whose region says nothing, the last estimate is the best there is.
            *rate = known.unwrap_or(*rate);
        }
    }

    /// Returns the fraction of a part's clients that each region gets.
    fn flow(&self, part: usize, world: &World, services: &Services) -> Vec<(RegionId, f64)> {
        let (plan, policy) = world.plan_of(&world.demand[part]);
        Route::find(plan, policy.all_down, services, self.splits.of(part), Family::V4).fractions()
    }

    /// Returns what there is to divide: of each part what no region takes a share of, and after them those
    /// shares, which cannot be moved.
    fn demands(&self, world: &World, services: &Services) -> Vec<Demand> {
        let (mut demands, mut fixed) = (Vec::new(), Vec::new());
        for (index, part) in world.demand.iter().enumerate() {
            let (plan, policy) = world.plan_of(part);
            let route = Route::find(plan, policy.all_down, services, None, Family::V4);
            let mut left = 1.0;
            for (region, share) in &route.stops {
                let rate = self.rates[index] * left * share.fraction();
                fixed.push(Demand { rate, order: vec![(*region, 0.0)] });
                left *= 1.0 - share.fraction();
            }
            let order = part.order.iter().filter(|(region, _)| takes_all(services, *region));
            demands.push(Demand { rate: self.rates[index] * left, order: order.copied().collect() });
        }
        demands.extend(fixed);
        demands
    }

    /// Returns, by `RegionId`, the share of the clients at home there that is sent elsewhere.
    pub fn away(&self, world: &World) -> Vec<Share> {
        let mut sums = vec![(0.0, 0.0); world.config.regions.len()];
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

/// Returns whether a region takes all the clients that it is the best for.
fn takes_all(services: &Services, region: RegionId) -> bool {
    let families = Family::BOTH.into_iter().filter(|family| services.get(region, *family).count().is_some());
    let mut stages = families.map(|family| services.stage(region, family));
    stages.next().is_some_and(|stage| stage.share() == Share::ALL)
}

/// Returns what regions can serve of which that is known, and that the machine may fill or relieve.
fn capacities(world: &World, readings: &Readings) -> Capacities {
    let regions = world.config.regions.iter();
    let capacities =
        regions.filter(|(_, region)| region.failover == Failover::Auto).filter_map(|(id, region)| {
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
fn served(world: &World, readings: &Readings, region: RegionId) -> Option<f64> {
    let index = usize::from(region.0);
    let capacity = world.config.regions.region(region).capacity? as f64;
    Some(readings.vitals[index].load? * capacity * readings.present[index])
}

/// Returns the time between two steps: long enough for the last one to be felt and reported.
fn pace(world: &World) -> Duration {
    let longest = world.config.steered.iter().map(|steering| steering.ttl.seconds()).max().unwrap_or(0);
    SHORTEST_PACE.max(Duration::from_secs(2 * u64::from(longest)))
}
