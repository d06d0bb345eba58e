//! Chooses the region whose addresses a client gets, and says why the others were not chosen.
//!
//! A decision is made in two steps. What health cannot change comes first, once for each class of
//! clients: [`plan`] keeps the regions that the residency rules permit and sorts them. What health
//! changes comes second, for each family: [`choose`] takes the first region of the plan that is in
//! service, or what `all_down` asks for. No step brings back what a step before it removed.
//!
//! Orders sort and never remove: a region that a list does not name stands behind those it names.
//! Residency removes and never sorts.

mod addresses;
mod choice;
mod order;
mod policy;
mod residency;

pub use addresses::{Addresses, spread};
pub use choice::{Choice, Fate, Found, choose, find};
pub use policy::{AllDown, Https, Order, Policy, Refusal, Rule, Steering};
pub use residency::Removed;

pub use crate::zone::SteeringId;

use crate::geo::Class;
use crate::health::Services;
use crate::region::{Family, RegionId};

/// What of a decision health cannot change: where clients of one class may go, the best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The permitted regions in order of preference.
    pub order: Vec<RegionId>,
    /// The regions that a residency rule removed, each with the rule.
    pub removed: Vec<Removed>,
    /// What is answered when `order` is empty.
    pub refusal: Refusal,
}

/// Keeps the regions that clients of `class` may be sent to, and sorts them.
pub fn plan(policy: &Policy, class: &Class) -> Plan {
    let resident = residency::filter(policy, class);
    let order = order::sort(policy, class, resident.kept);
    Plan { order, removed: resident.removed, refusal: resident.refusal }
}

/// A whole decision: the plan, and for each family the choice made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What health cannot change.
    pub plan: Plan,
    /// What was chosen, by family.
    pub choices: [Choice; 2],
}

/// Decides where clients of `class` are sent, with every reason.
pub fn decide(policy: &Policy, class: &Class, services: &Services) -> Decision {
    let plan = plan(policy, class);
    let choices = Family::BOTH.map(|family| choose(&plan, policy.all_down, services, family));
    Decision { plan, choices }
}
