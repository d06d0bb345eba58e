//! What happens if the situation becomes another one: who moves where, and what breaks.
//!
//! The very code that serves works it out: [`Route`] leads the clients, [`Splits::land`] spreads those whose region
//! leaves, and [`Splits::step`] lets the full shed until nothing moves any more. So it is what will happen as far as
//! the demand is known; where it is not, the forecast says what it assumes and which rule it cannot check.
//! Demand is counted once, as if all clients asked for IPv4: it is not known how much of it is IPv6.
//!
//! It is a calculation and changes nothing; who asks decides what to do about its [`Violation`]s.
//!
//! [`Route`]: crate::steering::Route
//! [`Splits::land`]: crate::steering::Splits::land
//! [`Splits::step`]: crate::steering::Splits::step

mod baseline;
mod false_exits;
pub(crate) mod flow;
mod region_exits;
mod rule;
mod stranded;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use baseline::Baseline;
pub use false_exits::{FalseExits, LOSSES, OUTAGE};
pub use region_exits::RegionFalseExits;
pub use rule::{SafetyRule, Violation};
pub use stranded::Stranded;

use crate::health::View;
use crate::load::{Outlook, Readings};
use crate::snapshot::Base;

/// A load that is above a limit by no more than this is at it.
const TOLERANCE: f64 = 1e-4;

/// A state of all regions.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What they take of their clients.
    pub view: &'a View,
    /// What they report, and which fraction of their capacity is there.
    pub readings: &'a Readings,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Forecast {
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionLoad {
    /// Its name.
    pub region: String,
    /// How much of all demand it serves before, 0 to 1.
    pub share_before: f64,
    /// How much of all demand it would serve.
    pub share_after: f64,
    /// Its load before, as a fraction of its capacity; `None`: not known.
    pub load_before: Option<f64>,
    /// Its load right after the change, before any region sheds.
    pub load_at_first: Option<f64>,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// Predicts what happens when `before` becomes `after` while the demand is `load` times what it is.
pub fn predict<'a>(
    base: &'a Base,
    outlook: &Outlook,
    before: Situation<'a>,
    after: Situation<'_>,
    load: f64,
) -> Forecast {
    Baseline::new(base, outlook, before, load).predict(after)
}

impl Forecast {
    /// Returns every rule that the change would break. What was so before is not its fault.
    pub fn violations(&self) -> Vec<Violation> {
        let stranded = self.stranded.iter().filter(|stranded| stranded.is_new);
        let stranded = stranded.map(|stranded| (SafetyRule::NoRegion, stranded.to_string()));
        let few = self.in_service.iter().filter(|family| {
            family.after < family.before && family.least.is_some_and(|least| family.after < least)
        });
        let few = few.map(|family| (SafetyRule::MinInService, family.to_string()));
        let full = self.regions.iter().filter(|region| region.is_above_hard);
        let full = full.filter(|region| region.load_before.is_none_or(|load| load <= self.hard + TOLERANCE));
        let full = full.map(|region| (SafetyRule::HardLimit, region.over(self.hard)));
        let all = stranded.chain(few).chain(full);
        all.map(|(rule, sentence)| Violation { rule, sentence }).collect()
    }

    /// Returns what is bad about how it ends, a sentence each: some clients have no region that had one, or a region is
    /// above its hard limit, whether or not it was before.
    pub fn endings(&self) -> Vec<String> {
        let stranded = self.stranded.iter().filter(|stranded| stranded.is_new).map(ToString::to_string);
        let full = self.regions.iter().filter(|region| region.is_above_hard);
        stranded.chain(full.map(|region| region.over(self.hard))).collect()
    }
}
