//! Chooses the region whose addresses a client gets, and says why the others were not chosen.
//!
//! A decision is made in two steps, so that a change of health repeats only the second. What health cannot
//! change comes first, once for each class of clients: [`plan`] keeps the regions that the residency rules
//! permit and sorts them. What health and load change comes second, for each family: a [`Route`] leads the
//! clients of a plan to the first region in service, past those that take a share of them only, or to what
//! `all_down` asks for; [`choose`] follows it for one client, with reasons. No step brings back what a step
//! before it removed: the border holds because the first step draws it and none after it adds a region.
//!
//! Orders sort and never remove: a region that a list does not name comes after those it names.
//! Residency removes and never sorts.

mod addresses;
mod bucketing;
mod choice;
mod draw;
mod load;
mod near;
mod order;
mod pin;
mod policy;
mod residency;
mod route;
mod share_test;
mod split;
mod zones;

pub use addresses::{AddressFilter, Addresses, addresses_across_zones, whole};
pub use bucketing::Bucketing;
pub use choice::{Choice, Fate, choose};
pub(crate) use load::too_much;
pub use load::{Capacities, Demand, Splits};
pub use near::{MAX_NEAR, NearDraw};
pub use pin::Pin;
#[cfg(test)]
pub(crate) use policy::tests as fixture;
pub use policy::{
    Admission, AllDown, Audience, Https, MAX_ANSWERED_REGIONS, Order, Policy, Refusal, ResidencyRule, Spread,
    Steering,
};
pub use residency::{Removed, Remover};
pub use route::{Conditions, Destination, Division, Rest, Route, Selection, family_of, status};
pub use share_test::ShareTest;
pub use split::{PartSplits, Piece, Split};

pub use crate::zone::SteeringId;

use std::net::IpAddr;

use crate::geo::Class;
use crate::region::{Family, RegionId, RegionSet};

/// The part of a decision that health cannot change: where clients of one class may go, the best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The permitted regions in order of preference.
    pub order: Vec<RegionId>,
    /// The first of them, when several are equally near, with how many of the clients each takes in proportion; empty: the
    /// first takes all. At most [`MAX_NEAR`].
    pub near: Vec<(RegionId, u64)>,
    /// The regions that the clients may not be sent to.
    pub removed: Vec<Removed>,
    /// By family: whether the clients of a prefix are refused it, since the regions that all of them may be sent to have no
    /// addresses of it, and those of some of them have: NODATA for the prefix may become NODATA for all clients of a
    /// resolver (RFC 7871, section 7.4).
    pub withheld: [bool; 2],
    /// The answer when `order` is empty, or a family is withheld.
    pub refusal: Refusal,
}

impl Plan {
    /// Returns the regions that it permits.
    pub fn permitted(&self) -> RegionSet {
        self.order.iter().copied().collect()
    }

    /// Returns the plan of a prefix whose clients have several: what is `permitted` to all of them, in the order of
    /// this one. When that is nothing, no rule's `otherwise` applies, for it speaks of some of the clients only.
    pub fn within(&self, permitted: RegionSet) -> Self {
        let (order, others): (Vec<_>, Vec<_>) =
            self.order.iter().copied().partition(|region| permitted.contains(*region));
        let others = others.into_iter().map(|region| Removed { region, by: Remover::Neighbours });
        let removed = self.removed.iter().copied().chain(others).collect();
        let near = self.near.iter().copied().filter(|(region, _)| permitted.contains(*region));
        let near: Vec<_> = near.collect();
        let near = if near.len() > 1 { near } else { Vec::new() };
        Self { order, near, removed, withheld: [false; 2], refusal: Refusal::default() }
    }

    /// Withholds the families in which some of its clients have addresses by plans of their own, and the regions of this
    /// one have none. `own` are the regions of those plans, `having` by family the regions with addresses.
    pub fn withholding(self, own: RegionSet, having: [RegionSet; 2]) -> Self {
        let permitted = self.permitted();
        let withheld = having.map(|having| {
            let has_any = |set: RegionSet| !set.intersection(having).is_empty();
            !permitted.is_empty() && has_any(own) && !has_any(permitted)
        });
        Self { withheld, ..self }
    }
}

/// Keeps the regions that clients of `class` may be sent to, and sorts them.
pub fn plan(policy: &Policy, class: &Class) -> Plan {
    let resident = residency::filter(policy, class);
    let order = order::sort(&policy.order, policy, class, resident.kept);
    let (order, near) = near::group(policy, class, order);
    Plan { order, near, removed: resident.removed, withheld: [false; 2], refusal: resident.refusal }
}

/// A whole decision: the plan, and the choice made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The part that health cannot change.
    pub plan: Plan,
    /// By family.
    pub choices: [Choice; 2],
}

/// Decides where a client with this plan is sent, with every reason.
pub fn decide(plan: Plan, policy: &Policy, conditions: &Conditions<'_>, client: IpAddr) -> Decision {
    let choices = Family::BOTH.map(|family| choose(&plan, policy, conditions, family, client));
    Decision { plan, choices }
}
