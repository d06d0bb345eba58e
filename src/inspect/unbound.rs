//! Clients whom no residency rule of a name binds: who is meant to be bound and is not shows here.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use crate::client::Country;
use crate::geo::Class;
use crate::snapshot::{Base, Partition};
use crate::steering::Policy;
use crate::units::Percent;

/// The most countries that are told of one policy.
const MAX_COUNTRIES: usize = 5;

/// The clients of one policy with residency rules whom none of them binds.
#[derive(Clone, Debug, PartialEq)]
pub struct UnboundClients {
    /// The first steered name with the policy.
    pub owner: String,
    /// How many more names have it.
    pub more: usize,
    /// Which fraction of all clients they are, counted by IPv4 subnets of 256 addresses.
    pub fraction: f64,
    /// The same by country, the most first; `None`: of unknown location.
    pub countries: Vec<(Option<Country>, f64)>,
}

/// Returns, for each policy with residency rules, the clients whom none of them binds; nothing where no client is located.
pub fn unbound_clients(base: &Base) -> Vec<UnboundClients> {
    let all: f64 = base.table.residents().iter().map(|residents| residents.subnets).sum();
    let partitions = base.partitions.iter().enumerate();
    let bound = partitions.filter(|(_, partition)| !partition.policy.residency.is_empty() && all > 0.0);
    bound.map(|(number, partition)| of_policy(base, number, partition, all)).collect()
}

fn of_policy(base: &Base, number: usize, partition: &Partition, all: f64) -> UnboundClients {
    let mut by_country: BTreeMap<Option<Country>, f64> = BTreeMap::new();
    for residents in base.table.residents() {
        if !is_bound(&partition.policy, &base.table.classes()[residents.class.0 as usize]) {
            *by_country.entry(residents.country).or_default() += residents.subnets / all;
        }
    }
    let mut countries: Vec<_> = by_country.into_iter().filter(|(_, fraction)| *fraction > 0.0).collect();
    countries.sort_by(|(_, one), (_, other)| other.partial_cmp(one).unwrap_or(Ordering::Equal));
    let mut owners = base.names_of(number).map(|steering| steering.owner.to_string());
    UnboundClients {
        owner: owners.next().unwrap_or_default(),
        more: owners.count(),
        fraction: countries.iter().map(|(_, fraction)| fraction).sum(),
        countries,
    }
}

/// Returns whether a rule of the policy binds clients of a class.
fn is_bound(policy: &Policy, class: &Class) -> bool {
    let mut groups = policy.residency.iter().flat_map(|rule| &rule.clients);
    groups.any(|group| class.groups.contains(*group))
}

impl fmt::Display for UnboundClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, more, fraction, countries } = self;
        write!(f, "{owner}")?;
        if *more > 0 {
            write!(f, " and {more} more")?;
        }
        write!(f, ": {}", Percent::rounded(*fraction))?;
        let named = countries.iter().take(MAX_COUNTRIES).map(|(country, fraction)| {
            let country = country.map_or_else(|| "unknown".to_owned(), |country| country.to_string());
            format!("{country} {}", Percent::rounded(*fraction))
        });
        let named: Vec<_> = named.collect();
        if !named.is_empty() {
            write!(f, " ({}", named.join(", "))?;
            match countries.len() - named.len() {
                0 => write!(f, ")")?,
                others => write!(f, " and {others} more)")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::fixture;

    #[test]
    fn clients_whom_no_rule_binds_are_counted_with_their_countries() {
        let regions = "regions: { tokyo: { location: { latitude: 35, longitude: 139 }, jurisdiction: JP, canaries: [], \
                       zones: { a: { addresses: [192.0.2.1] } } } }\n";
        // Of the 224 first /8, which are unicast.
        let geo = "geo: { networks: [{ network: 2.0.0.0/7, country: DE }, { network: 16.0.0.0/5, country: US }, \
                   { network: 32.0.0.0/3, country: JP }] }\n";
        let told = |groups: &str, clients: &str| {
            let zone = format!(
                "zone: example.com\nnameservers: [ns1.example.net]\ngroups: {{ own: {{ {groups} }} }}\nnames:\n  '@': \
                 {{ steer: &s {{ regions: [tokyo], order: listed, residency: [{{ clients: {clients}, regions: [tokyo] \
                 }}] }} }}\n  www: {{ steer: *s }}\n"
            );
            let found = unbound_clients(&fixture::located(geo, regions, &zone));
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            told("european_union: true", "own"),
            ["example.com. and 1 more: 99.1% (unknown 81%, JP 14%, US 3.6%)"]
        );
        assert_eq!(told("countries: [DE, US, JP]", "[own, unknown]"), ["example.com. and 1 more: 0%"]);
    }
}
