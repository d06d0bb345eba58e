//! Border: no answer, of any family, at any instant, leads a client out of what its residency rules permit.
//!
//! Which rules bind a subnet is worked out anew from the networks and groups of the configuration, without the
//! table of classes and without the code that decides. A subnet is located by its first address, as a server does
//! with one that has several locations in it. Databases are not known here: without networks a client is nowhere.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Checker, Found};
use crate::client::{GroupId, Location, Member, Prefix};
use crate::config::Config;
use crate::region::{Family, RegionId};
use crate::simulate::clients::Clients;
use crate::simulate::happening::Happening;
use crate::steering::Steering;
use crate::zone::Name;

/// Checks that clients stay within their border.
#[derive(Debug, Default)]
pub struct BorderChecker {
    config: Option<Arc<Config>>,
    /// The addresses that a subnet may be answered, by name.
    permitted: HashMap<(Name, Prefix), HashSet<IpAddr>>,
}

impl Checker for BorderChecker {
    fn name(&self) -> &'static str {
        "border"
    }

    fn see(&mut self, _at: Duration, happening: &Happening<'_>, found: &mut Found) {
        let Happening::Served(snapshot, clients) = happening else { return };
        let config = &snapshot.base.config;
        if self.config.as_ref().is_none_or(|known| !Arc::ptr_eq(known, config)) {
            self.permitted.clear();
            self.config = Some(Arc::clone(config));
        }
        self.check(config, clients, found);
    }
}

impl BorderChecker {
    fn check(&mut self, config: &Config, clients: &Clients, found: &mut Found) {
        for lookup in clients.lookups() {
            let Some(steering) = config.steered.iter().find(|steering| steering.owner == lookup.name) else {
                continue;
            };
            for subnet in lookup.subnets() {
                let key = (lookup.name.clone(), subnet.prefix);
                let permitted =
                    self.permitted.entry(key).or_insert_with(|| permitted(config, steering, subnet.prefix));
                for answer in Family::BOTH.into_iter().filter_map(|family| subnet.answer(family)) {
                    let beyond = answer.addresses.iter().filter(|address| !permitted.contains(*address));
                    found.extend(beyond.map(|address| {
                        format!(
                            "{} is answered {address} for {}, which no rule permits",
                            subnet.prefix, lookup.name
                        )
                    }));
                }
            }
        }
    }
}

/// Returns the addresses of the regions that every rule permits that binds a subnet, and that are for its clients.
pub(super) fn permitted(config: &Config, steering: &Steering, subnet: Prefix) -> HashSet<IpAddr> {
    let bound = groups_of(config, subnet);
    let binding = steering.policy.residency.iter();
    let binding: Vec<_> =
        binding.filter(|rule| rule.clients.iter().any(|group| bound.contains(group))).collect();
    let regions = steering.policy.regions.iter();
    let is_for = |region: &RegionId| {
        let mut admissions = steering.policy.admissions.iter().filter(|one| one.region == *region);
        admissions.all(|one| {
            let is_member = |groups: &[GroupId]| groups.iter().any(|group| bound.contains(group));
            (one.only_for.is_empty() || is_member(&one.only_for)) && !is_member(&one.not_for)
        })
    };
    let regions = regions
        .filter(|region| is_for(region))
        .filter(|region| binding.iter().all(|rule| rule.permitted.contains(**region)));
    regions.flat_map(|region| config.regions.addresses_of(*region)).map(|(_, address)| address.ip).collect()
}

/// Returns the groups that the clients of a subnet belong to.
fn groups_of(config: &Config, subnet: Prefix) -> HashSet<GroupId> {
    let location = location(config, subnet);
    let holds = |member: &Member| match member {
        Member::Network(network) => network.contains(subnet.address()),
        member => member.holds(&location),
    };
    let numbered = (1u8..).map(GroupId).zip(&config.groups);
    let defined = numbered.filter(|(_, group)| group.members.iter().any(holds)).map(|(id, _)| id);
    defined.chain(location.is_unknown().then_some(GroupId::UNKNOWN)).collect()
}

/// Returns the location of the smallest network around the first address of a subnet.
fn location(config: &Config, subnet: Prefix) -> Location {
    let networks = config.server.geo.networks.iter();
    let around = networks.filter(|(network, _)| network.contains(subnet.address()));
    let smallest = around.max_by_key(|(network, _)| network.length());
    smallest.map_or_else(Location::default, |(_, location)| location.clone())
}
