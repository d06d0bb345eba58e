//! Proves the border: that nobody is ever sent where their residency rules do not permit, whatever is in service.
//!
//! What a client of a class may be sent to is read from the rules themselves, a second time and not from the
//! plans, which are what is on trial. What the client is sent to is what [`Route::find`] finds, for every set of
//! regions that can be in service. Every class is tried, so every address is.

use std::fmt;
use std::ops::AddAssign;

use super::world::{Partition, World};
use crate::geo::Class;
use crate::health::{Services, Standing, View};
use crate::moment::Moment;
use crate::region::{Family, RegionId, RegionSet};
use crate::steering::{Policy, Rest, Route};

/// The most regions of one policy whose sets are enumerated: twice as many sets with each region more.
pub const MAX_REGIONS: usize = 16;

/// The most breaches that are told; one is one too many.
const MAX_TOLD: usize = 20;

/// What was tried, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// How many different policies the steered names have.
    pub policies: usize,
    /// How many classes of clients there are.
    pub classes: usize,
    /// How many decisions were made: parts of the clients × sets of regions × families.
    pub decisions: u64,
    /// How many classes of a policy are permitted no region at all, and are told so.
    pub without_region: usize,
    /// Everybody who was sent where they may not go.
    pub breaches: Vec<Breach>,
}

/// Clients who were sent where they may not go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// A steered name that they ask for.
    pub owner: String,
    /// The region that they were sent to.
    pub region: String,
    /// The regions that were in service.
    pub in_service: Vec<String>,
}

/// A policy has more regions than can be enumerated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{owner}` is steered between {count} regions; the sets of at most {MAX_REGIONS} can be enumerated")]
pub struct TooMany {
    /// The first name with the policy.
    pub owner: String,
    /// How many regions it has.
    pub count: usize,
}

/// Tries every class of clients with every set of regions in service.
///
/// # Errors
///
/// When a policy has more than [`MAX_REGIONS`] regions.
pub fn prove(world: &World) -> Result<Proof, TooMany> {
    let mut proof =
        Proof { policies: world.partitions.len(), classes: world.table.classes().len(), ..Proof::default() };
    for (number, partition) in world.partitions.iter().enumerate() {
        let owner = world.partition_of.iter().position(|of| *of == number);
        let owner = owner.map(|index| world.config.steered[index].owner.to_string()).unwrap_or_default();
        let count = partition.policy.regions.len();
        if count > MAX_REGIONS {
            return Err(TooMany { owner, count });
        }
        try_policy(world, partition, &owner, &mut proof);
    }
    Ok(proof)
}

fn try_policy(world: &World, partition: &Partition, owner: &str, proof: &mut Proof) {
    let permitted = permitted_by_part(world, partition);
    proof.without_region += permitted.iter().filter(|set| set.is_empty()).count();
    let regions = &partition.policy.regions;
    for set in 0u32..1 << regions.len() {
        let in_service: RegionSet = regions
            .iter()
            .enumerate()
            .filter(|(bit, _)| set >> bit & 1 == 1)
            .map(|(_, region)| *region)
            .collect();
        let services = Services::of(&world.config.regions, &view(world, in_service));
        for (plan, permitted) in partition.plans.iter().zip(&permitted) {
            for family in Family::BOTH {
                proof.decisions.add_assign(1);
                let route = Route::find(plan, partition.policy.all_down, &services, None, family);
                let stray = reached(&route).find(|region| !permitted.contains(*region));
                if let Some(region) = stray.filter(|_| proof.breaches.len() < MAX_TOLD) {
                    let name = |region: RegionId| world.config.regions.region(region).name.clone();
                    let in_service = regions.iter().filter(|region| in_service.contains(**region));
                    let in_service = in_service.map(|region| name(*region)).collect();
                    proof.breaches.push(Breach { owner: owner.to_owned(), region: name(region), in_service });
                }
            }
        }
    }
}

/// Returns where the clients of each part may be sent: where every class in it may.
fn permitted_by_part(world: &World, partition: &Partition) -> Vec<RegionSet> {
    let mut permitted = vec![RegionSet::ALL; partition.plans.len()];
    for (class, part) in world.table.classes().iter().zip(partition.view.parts()) {
        let part = &mut permitted[*part as usize];
        *part = part.intersection(permitted_by_rules(&partition.policy, class));
    }
    permitted
}

/// Reads the rules: the regions of the policy that every rule permits whose clients include the class.
fn permitted_by_rules(policy: &Policy, class: &Class) -> RegionSet {
    let mut permitted: RegionSet = policy.regions.iter().copied().collect();
    for rule in &policy.residency {
        if rule.clients.iter().any(|group| class.groups.contains(*group)) {
            permitted = permitted.intersection(rule.permitted);
        }
    }
    permitted
}

/// Returns the health in which exactly these regions are in service.
fn view(world: &World, in_service: RegionSet) -> View {
    let standing = |region: RegionId| match in_service.contains(region) {
        true => Standing::Up,
        false => Standing::Down { since: Moment::default() },
    };
    View::new(world.config.regions.addresses().map(|(_, address)| standing(address.region)).collect())
}

/// Returns every region that some client on a route gets to.
fn reached(route: &Route) -> impl Iterator<Item = RegionId> {
    let (whole, pieces) = match &route.rest {
        Rest::Whole(found) => (found.region(), &[][..]),
        Rest::Divided { pieces, .. } => (None, &pieces[..]),
    };
    let stops = route.stops.iter().map(|(region, _)| *region);
    stops.chain(whole).chain(pieces.iter().map(|(_, region)| *region))
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_service =
            if self.in_service.is_empty() { "none".to_owned() } else { self.in_service.join(", ") };
        write!(f, "{}: clients are sent to {}, which no rule permits them, ", self.owner, self.region)?;
        write!(f, "when these regions are in service: {in_service}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    /// Three regions; the clients of 10.0.0.0/8 may be sent to tokyo and osaka only.
    fn world(rule: &str) -> World {
        let region = |name: &str, law: &str, last: u8| {
            format!(
                "  {name}:\n    location: {{ latitude: 35, longitude: 139 }}\n    jurisdiction: {law}\n    \
                 zones: {{ a: {{ addresses: [192.0.2.{last}] }} }}\n"
            )
        };
        let regions = [
            "regions:\n".to_owned(),
            region("tokyo", "JP", 1),
            region("osaka", "JP", 2),
            region("oregon", "US", 3),
        ];
        let zone = format!(
            "zone: example.com\nnameservers: [ns1.example.net]\ngroups: {{ banks: {{ networks: [10.0.0.0/8] }} }}\n\
             names: {{ '@': {{ steer: {{ regions: [oregon, tokyo, osaka], order: listed, residency: [{rule}] }} }} }}\n"
        );
        fixture::world(&regions.concat(), &zone)
    }

    const RULE: &str = "{ clients: banks, jurisdictions: [JP] }";

    #[test]
    fn a_border_that_holds_is_proved_for_every_set_of_regions() {
        let proof = prove(&world(RULE)).expect("three regions are few");
        assert_eq!(proof.breaches, []);
        assert_eq!((proof.policies, proof.without_region), (1, 0));
        assert_eq!(proof.decisions, 2 * 8 * 2, "banks and others, eight sets, two families");
    }

    #[test]
    fn a_plan_that_crosses_the_border_is_found_with_the_set_that_leads_there() {
        let mut world = world(RULE);
        let plans = &mut world.partitions[0].plans;
        let bank = plans.iter_mut().find(|plan| plan.order.len() == 2).expect("the plan of banks");
        bank.order.push(world.config.regions.find("oregon").expect("a region"));
        let proof = prove(&world).expect("three regions are few");
        let told: Vec<_> = proof.breaches.iter().map(ToString::to_string).collect();
        let told: Vec<_> = told.iter().map(String::as_str).collect();
        assert_eq!(
            told[..1],
            ["example.com.: clients are sent to oregon, which no rule permits them, \
              when these regions are in service: oregon"]
        );
        assert_eq!(told.len(), 2, "once in each family");
    }
}
