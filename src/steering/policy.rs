//! Policies: the regions of a steered name, their order, and the border.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::{GroupId, GroupSet};
use crate::health::HealthTerms;
use crate::region::{RegionId, RegionSet, Regions};
use crate::zone::{Name, Ttl};

/// An owner name whose A, AAAA and HTTPS answers are chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Steering {
    /// The owner name, absolute.
    pub owner: Name,
    /// How regions are chosen.
    pub policy: Policy,
    /// The TTL of an answer whose addresses are all healthy.
    pub ttl: Ttl,
    /// The TTL while an address in the answer is suspect or not probed yet, and of fail-open answers.
    pub short_ttl: Ttl,
    /// The most addresses in one answer, at least 1.
    pub max_answers: u8,
    /// The parameters of the HTTPS record; `None`: HTTPS queries get NODATA.
    pub https: Option<Https>,
    /// How clients whose way leads to one of these regions are divided between them, the last listed first; empty: they
    /// are not. Weights that an operator sets take their place.
    pub weights: Vec<(RegionId, u32)>,
}

/// The parameters of a steered name's HTTPS record besides the address hints (RFC 9460).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Https {
    /// The protocols of `alpn`, for example `h2`; may be empty.
    pub alpn: Vec<String>,
    /// The port, when it is not 443.
    pub port: Option<u16>,
    /// The pin of each region, for records that lead to another region when the first does not answer; empty: there are
    /// no such records.
    pub pins: Vec<(RegionId, Name)>,
}

/// The most regions whose addresses one answer holds: clients that tried four do not try a fifth.
pub const MAX_ANSWERED_REGIONS: usize = 4;

/// How the regions of a steered name are chosen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The regions to choose from, without duplicates, in the listed order.
    pub regions: Vec<RegionId>,
    /// The order of preference.
    pub order: Order,
    /// The border. All rules that bind a client apply together.
    pub residency: Vec<ResidencyRule>,
    /// The clients that some of the regions are for, in their listed order; it removes as residency does.
    pub admissions: Vec<Admission>,
    /// The order for clients whose location is unknown; a subset of `regions`, never empty.
    pub unknown_location: Vec<RegionId>,
    /// The answer when intents and health leave no region.
    pub all_down: AllDown,
    /// What it makes of health.
    pub terms: HealthTerms,
    /// How many regions one answer holds addresses of, 1 to [`MAX_ANSWERED_REGIONS`].
    pub max_regions: u8,
    /// Whether a client gets the addresses of one availability zone of its region only.
    pub one_zone: bool,
    /// Whether HTTPS answers name the region that comes next.
    pub names_next: bool,
    /// Regions that are equally near share the clients; `None`: each client has one that is nearest.
    pub spread: Option<Spread>,
}

/// Which regions are equally near, and how many clients each takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spread {
    /// In kilometres: how much farther than the nearest permitted region.
    pub km: u32,
    /// The capacities of the regions that have one, in requests per second.
    pub capacities: Vec<(RegionId, u64)>,
}

impl Spread {
    /// Returns how many clients each of several regions takes in proportion: by capacity when all have one, else equally.
    pub(super) fn weighed(&self, regions: &[RegionId]) -> Vec<(RegionId, u64)> {
        let capacity = |region: &RegionId| {
            let known = self.capacities.iter().find(|(known, _)| known == region);
            Some((*region, known?.1))
        };
        let by_capacity: Option<Vec<_>> = regions.iter().map(capacity).collect();
        by_capacity.unwrap_or_else(|| regions.iter().map(|region| (*region, 1)).collect())
    }
}

/// The clients of a policy that one residency rule binds, or whom a region is not for, or all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Audience {
    /// The rule in the operator's words; `None`: all clients.
    pub rule: Option<String>,
    /// The regions that they may be sent to, never empty.
    pub regions: Vec<RegionId>,
}

impl Steering {
    /// Returns the owner name as operators read it, without the final dot.
    pub fn name(&self) -> String {
        let mut owner = self.owner.to_string();
        if owner.ends_with('.') {
            owner.pop();
        }
        owner
    }
}

impl Policy {
    /// Returns the service that names with this policy are for: all of their regions are of one. `None`: they are for none.
    pub fn service<'r>(&self, regions: &'r Regions) -> Option<&'r str> {
        self.regions.first().and_then(|id| regions.region(*id).service())
    }

    /// Returns all clients, then those of each residency rule, then those whom a region is not for. A rule that permits
    /// nothing refuses on purpose, and is no audience that could lose its regions. A client that several rules bind is in
    /// each of their audiences.
    pub fn audiences(&self) -> Vec<Audience> {
        let all = Audience { rule: None, regions: self.regions.clone() };
        let rules = self.residency.iter().map(|rule| {
            let regions = self.regions.iter().copied().filter(|region| rule.permitted.contains(*region));
            Audience { rule: Some(rule.text.clone()), regions: regions.collect() }
        });
        let outsiders = self.admissions.iter().map(|admission| {
            let regions = self.regions.iter().copied().filter(|region| *region != admission.region);
            Audience { rule: Some(admission.text.clone()), regions: regions.collect() }
        });
        std::iter::once(all)
            .chain(rules)
            .chain(outsiders)
            .filter(|audience| !audience.regions.is_empty())
            .collect()
    }
}

/// The order of preference among permitted regions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// By great-circle distance from the client; ties by the listed order.
    Nearest,
    Listed,
    /// The first list whose group the client belongs to; for all other clients the other order.
    Groups {
        /// Lists by group, in the order in which they are tried. Each is a subset of the regions.
        lists: Vec<(GroupId, Vec<RegionId>)>,
        /// The order for clients of no listed group: `Nearest` or `Listed`.
        otherwise: Box<Order>,
    },
}

/// A residency rule: a group of clients and the only regions they may be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResidencyRule {
    /// It binds the members of any of these groups.
    pub clients: Vec<GroupId>,
    /// The regions they may be sent to.
    pub permitted: RegionSet,
    /// Their answer when no region is left; `None`: SERVFAIL, and the configuration is checked so that the
    /// rule alone never comes to that.
    pub otherwise: Option<Refusal>,
    /// The rule in the operator's words, for `explain`: `eu only in EU`.
    pub text: String,
}

/// The clients that a region is for: a site for some clients only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Admission {
    pub region: RegionId,
    /// Only members of one of these groups are sent there; empty: all clients are.
    pub only_for: Vec<GroupId>,
    /// Members of any of these groups are not.
    pub not_for: Vec<GroupId>,
    /// In the operator's words, for `explain`: `tokyo only for partners`.
    pub text: String,
}

impl Admission {
    /// Returns whether clients of these groups may be sent to the region.
    pub fn admits(&self, groups: GroupSet) -> bool {
        let holds = |group: &GroupId| groups.contains(*group);
        (self.only_for.is_empty() || self.only_for.iter().any(holds)) && !self.not_for.iter().any(holds)
    }
}

/// An answer without addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// RCODE SERVFAIL: the resolver may try another server, and tells its client.
    #[default]
    Servfail,
    /// RCODE REFUSED. Resolvers then ask again without the client subnet (RFC 7871, 7.3), and may give the client what
    /// is permitted to the resolver.
    Refuse,
    /// NOERROR without data. Resolvers may keep it for all of their clients (RFC 7871, 7.4).
    Nodata,
}

impl Refusal {
    /// Returns the word that `dig` shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "REFUSED",
            Self::Nodata => "NODATA",
            Self::Servfail => "SERVFAIL",
        }
    }
}

/// The answer when every permitted region is down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllDown {
    /// The addresses of the nearest permitted region that is not disabled, although it is down, with the short TTL.
    #[default]
    FailOpen,
    /// RCODE SERVFAIL: the resolver may try another server.
    Servfail,
    /// NOERROR without data.
    Nodata,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns what steers a name by a policy, with TTLs without bounds.
    pub fn steering(owner: &str, policy: Policy) -> Steering {
        Steering {
            owner: Name::from_ascii(owner).expect("a name"),
            policy,
            ttl: Ttl::MAX,
            short_ttl: Ttl::MAX,
            max_answers: 4,
            https: None,
            weights: Vec::new(),
        }
    }

    /// Returns a policy over `regions` without rules, by distance.
    pub fn policy(regions: &[u8]) -> Policy {
        let regions: Vec<RegionId> = regions.iter().copied().map(RegionId).collect();
        Policy {
            unknown_location: regions.clone(),
            regions,
            order: Order::Nearest,
            residency: Vec::new(),
            admissions: Vec::new(),
            all_down: AllDown::FailOpen,
            terms: HealthTerms::default(),
            max_regions: 1,
            one_zone: false,
            names_next: false,
            spread: None,
        }
    }
}
