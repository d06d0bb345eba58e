//! Chooses the region whose addresses a client gets, and says why the others were not chosen.
//!
//! A decision is made in two steps. What health cannot change comes first, once for each class of
//! clients: [`plan`] keeps the regions that the residency rules permit and sorts them. What health and load
//! change comes second, for each family: a [`Route`] leads the clients of a plan to the first region in
//! service, past those that take a share of them only, or to what `all_down` asks for; [`choose`] follows
//! it for one client, with reasons. No step brings back what a step before it removed.
//!
//! Orders sort and never remove: a region that a list does not name stands behind those it names.
//! Residency removes and never sorts.

mod addresses;
mod choice;
mod load;
mod lottery;
mod order;
mod policy;
mod residency;
mod route;

pub use addresses::{Addresses, spread};
pub use choice::{Choice, Fate, Situation, choose};
pub use load::{Capacities, Demand, Piece, Split, Splits};
pub use lottery::{Draw, Lottery};
pub use policy::{AllDown, Https, Order, Policy, Refusal, Rule, Steering};
pub use residency::Removed;
pub use route::{Division, Found, Lot, Rest, Route, family_of};

pub use crate::zone::SteeringId;

use std::net::IpAddr;

use crate::geo::Class;
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

/// Decides where a client of `class` is sent, with every reason.
pub fn decide(policy: &Policy, class: &Class, situation: &Situation<'_>, client: IpAddr) -> Decision {
    let plan = plan(policy, class);
    let choices = Family::BOTH.map(|family| choose(&plan, policy.all_down, situation, family, client));
    Decision { plan, choices }
}
