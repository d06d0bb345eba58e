//! Groups: named sets of clients that rules and orders refer to.

use super::country::{Continent, Country};
use super::location::{Location, Subdivision};
use super::prefix::Prefix;
use crate::ids::GroupId;

/// The most groups one configuration may define: a [`GroupSet`] is one machine word pair, and one
/// bit of it is taken by the clients of unknown location.
pub const MAX_GROUPS: usize = 127;

/// A named set of clients: all who match at least one of the members.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name in the configuration, for example `eu`.
    pub name: String,
    /// Who belongs to it.
    pub members: Vec<Member>,
}

/// One way to belong to a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Member {
    Continent(Continent),
    Country(Country),
    /// Clients in this state or province.
    Subdivision(Subdivision),
    /// Clients where the law of the European Union holds.
    EuropeanUnion,
    /// Clients in the European Economic Area.
    EuropeanEconomicArea,
    /// Clients of this autonomous system.
    Asn(u32),
    /// Clients in this network, whatever a database says of it.
    Network(Prefix),
    /// Clients whose location is not known.
    Unknown,
}

impl Member {
    /// Returns whether a client at `location` belongs. Networks are matched where addresses are
    /// known, when the geo table is compiled, and never here.
    pub fn holds(&self, location: &Location) -> bool {
        match self {
            Self::Continent(continent) => location.continent == Some(*continent),
            Self::Country(country) => location.country == Some(*country),
            Self::Subdivision(subdivision) => location.subdivision == Some(*subdivision),
            Self::EuropeanUnion => is_in_union(location),
            // Databases have no flag for it.
            Self::EuropeanEconomicArea => {
                is_in_union(location) || location.country.is_some_and(Country::is_eea)
            }
            Self::Asn(asn) => location.asn == Some(*asn),
            Self::Network(_) => false,
            Self::Unknown => location.is_unknown(),
        }
    }
}

/// A database's flag adds clients and takes none away: most carry it only where it is true, and then not in every
/// network of a country, others say `false` of all but the 27. What a vendor leaves out must not lift a rule.
fn is_in_union(location: &Location) -> bool {
    location.european_union == Some(true) || location.country.is_some_and(Country::is_eu)
}

/// A set of groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct GroupSet(u128);

impl GroupSet {
    /// Returns whether `group` is in the set.
    pub fn contains(self, group: GroupId) -> bool {
        self.0 >> group.0 & 1 == 1
    }

    /// Adds `group`.
    pub fn insert(&mut self, group: GroupId) {
        self.0 |= 1 << group.0;
    }

    /// Returns the groups that are in either set.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the groups in the set, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = GroupId> {
        (0..128).map(GroupId).filter(move |group| self.contains(*group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_binds_clients_to_the_union_and_releases_none_from_it() {
        let check = |country: Option<&str>, european_union, expected: bool| {
            let country = country.map(|code| code.parse().expect("a valid code"));
            let location = Location { country, european_union, ..Location::default() };
            for member in [Member::EuropeanUnion, Member::EuropeanEconomicArea] {
                assert_eq!(member.holds(&location), expected, "{location:?}");
            }
        };
        for country in ["DE", "GF"] {
            [None, Some(false), Some(true)].into_iter().for_each(|flag| check(Some(country), flag, true));
        }
        check(Some("GB"), Some(true), true);
        check(None, Some(true), true);
        check(Some("GB"), None, false);
        check(Some("US"), Some(false), false);
    }
}
