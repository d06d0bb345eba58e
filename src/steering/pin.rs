//! Pins: names that lead to one region or availability zone of a steered name, whatever is known of its health.

use super::policy::{AllDown, Order, Policy, ResidencyRule};
use crate::health::HealthTerms;
use crate::ids::SteeringId;
use crate::region::{RegionId, Site};
use crate::zone::Name;

/// An owner name below a steered one, `tokyo.api.example.com` or `tokyo-a.tokyo.api.example.com`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    /// The owner name, absolute.
    pub owner: Name,
    /// The steered name that it is below.
    pub of: SteeringId,
    /// Its addresses are answered.
    pub site: Site,
}

impl Policy {
    /// Returns the policy of a pin of this region: the border as it is, and nothing else.
    ///
    /// A rule's `otherwise` is for clients whom it leaves no region. Most clients of a pin may be sent to some region, and
    /// get SERVFAIL for this one: what neither makes resolvers ask again nor may be kept for their other clients.
    pub fn pinned_to(&self, region: RegionId) -> Self {
        let rules = self.residency.iter().cloned();
        Self {
            regions: vec![region],
            order: Order::Listed,
            residency: rules.map(|rule| ResidencyRule { otherwise: None, ..rule }).collect(),
            admissions: self.admissions.iter().filter(|one| one.region == region).cloned().collect(),
            unknown_location: vec![region],
            terms: HealthTerms::default(),
            max_regions: 1,
            one_zone: false,
            names_next: false,
            spread: None,
            all_down: AllDown::FailOpen,
        }
    }
}
