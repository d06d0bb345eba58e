//! Where the API is served from: regions, their availability zones, and the addresses in them.
//!
//! How they leave the answers and come back is [`Recovery`]. [`Regions`] is the flat, numbered form that everything else refers to: a [`RegionId`] or an
//! [`AddressId`] is an index into it, in the order of the configuration.

mod covered;
mod host;
mod recovery;
mod safety;
mod service;
mod site;
mod target;

use std::fmt;
use std::net::IpAddr;

pub use host::{Host, HostAddresses, HostLookup, LOOKUP_PAUSES, MAX_HOST_ADDRESSES, MAX_HOSTS};
pub use recovery::{Failback, Failover, Gates, LONGEST_WAIT, Recovery};
pub use safety::{Limits, Safety};
pub use service::{MAX_SERVICES, SERVICE_SEPARATOR, service_name, split_service};
pub use site::Site;
pub use target::{Resolved, Target, UnknownTarget};

pub use crate::family::Family;
pub use crate::ids::{AddressId, RegionId, ZoneId};

use crate::client::{Coordinates, Country};
use crate::ids::CanaryId;
use crate::units::Percent;

/// The most regions one server can steer between: a [`RegionSet`] is one machine word pair.
pub const MAX_REGIONS: usize = 128;

/// A place that serves the API.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its name in the configuration, for example `tokyo`; of one of its services `tokyo:batch`.
    pub name: String,
    /// Where it is, for the order by distance.
    pub location: Coordinates,
    /// The country whose law applies to what is processed here.
    pub jurisdiction: Country,
    /// Requests per second it can serve at peak; `None` when the operator did not say.
    pub capacity: Option<u64>,
    /// The region leaves the answers of a family when fewer of its addresses of that family are up.
    pub min_healthy: Minimum,
    /// What the machine may do when the region should leave.
    pub failover: Failover,
    /// How it, and each of its availability zones, comes back.
    pub recovery: Recovery,
    /// The canaries that watch it: each of its addresses, or the region as a whole.
    pub canaries: Vec<CanaryId>,
    /// Its availability zones, never empty, each with at least one address or a name that leads to some.
    pub zones: Vec<AvailabilityZone>,
}

/// A part of a region with its own addresses, which can be lost or evacuated alone.
#[derive(Clone, Debug, PartialEq)]
pub struct AvailabilityZone {
    /// Its name in the configuration, for example `tokyo-a`; unique in its region.
    pub name: String,
    /// Its addresses, each unique among those of a service; none only where `host` has not led anywhere yet.
    pub addresses: Vec<IpAddr>,
    /// The name that leads to its addresses; `None`: they are listed.
    pub host: Option<Host>,
}

/// How many of a number of things must be there: of a region's addresses of a family for it to stay in
/// that family's answers, or of all regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Minimum {
    /// At least this many addresses.
    Count(u32),
    /// At least this part of the region's addresses of the family, rounded up, from 1 % to 100 %.
    Percent(Percent),
}

impl fmt::Display for Minimum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Percent(percent) => percent.fmt(f),
        }
    }
}

impl Minimum {
    /// Returns how many of `total` addresses must be up: at least one, at most all of them.
    pub fn of(self, total: usize) -> usize {
        let wanted = match self {
            Self::Count(count) => count as usize,
            Self::Percent(percent) => percent.of_total(total),
        };
        wanted.clamp(1, total.max(1))
    }
}

/// One address with its place in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    pub ip: IpAddr,
    /// The region it belongs to.
    pub region: RegionId,
    /// The availability zone it belongs to.
    pub zone: ZoneId,
}

/// All regions of a configuration with their zones and addresses numbered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Regions {
    regions: Vec<Region>,
    zones: Vec<(RegionId, usize)>,
    addresses: Vec<Address>,
    /// By `RegionId`: where its addresses begin, and where those of the last region end.
    first_address: Vec<u32>,
}

impl Regions {
    /// Numbers `regions` in their order.
    ///
    /// # Panics
    ///
    /// When there are more than [`MAX_REGIONS`]; the configuration is validated before.
    pub fn new(regions: Vec<Region>) -> Self {
        assert!(regions.len() <= MAX_REGIONS, "the configuration bounds the number of regions");
        let mut numbered = Self::default();
        for (index, region) in regions.iter().enumerate() {
            let id = RegionId(u8::try_from(index).expect("fewer than MAX_REGIONS regions"));
            numbered.first_address.push(numbered.addresses.len() as u32);
            for (position, zone) in region.zones.iter().enumerate() {
                let zone_id = ZoneId(u16::try_from(numbered.zones.len()).expect("zones are bounded"));
                numbered.zones.push((id, position));
                let of_zone = zone.addresses.iter();
                numbered.addresses.extend(of_zone.map(|&ip| Address { ip, region: id, zone: zone_id }));
            }
        }
        numbered.first_address.push(numbered.addresses.len() as u32);
        numbered.regions = regions;
        numbered
    }

    /// Returns how many regions there are.
    pub fn len(&self) -> usize {
        self.regions.len()
    }

    /// Returns whether there are no regions at all, as on a server with static names only.
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }

    /// Returns the regions with their numbers, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = (RegionId, &Region)> {
        (0u8..).map(RegionId).zip(&self.regions)
    }

    /// Returns a region.
    pub fn region(&self, id: RegionId) -> &Region {
        &self.regions[usize::from(id.0)]
    }

    /// Returns the region of an availability zone.
    pub fn region_of(&self, id: ZoneId) -> RegionId {
        self.zones[usize::from(id.0)].0
    }

    /// Returns an availability zone.
    pub fn zone(&self, id: ZoneId) -> &AvailabilityZone {
        let (region, position) = self.zones[usize::from(id.0)];
        &self.region(region).zones[position]
    }

    /// Returns every availability zone with its number and region, in the order of the configuration.
    pub fn zones(&self) -> impl Iterator<Item = (ZoneId, RegionId, &AvailabilityZone)> {
        let numbered = (0u16..).map(ZoneId).zip(&self.zones);
        numbered.map(|(id, (region, position))| (id, *region, &self.region(*region).zones[*position]))
    }

    /// Returns an address.
    pub fn address(&self, id: AddressId) -> &Address {
        &self.addresses[id.0 as usize]
    }

    /// Returns every address with its number, in the order of the configuration.
    pub fn addresses(&self) -> impl Iterator<Item = (AddressId, &Address)> + Clone {
        (0u32..).map(AddressId).zip(&self.addresses)
    }

    /// Returns the addresses of one region.
    pub fn addresses_of(&self, region: RegionId) -> impl Iterator<Item = (AddressId, &Address)> + Clone {
        let [first, end] = [0, 1].map(|next| self.first_address[usize::from(region.0) + next]);
        (first..end).map(AddressId).zip(&self.addresses[first as usize..end as usize])
    }

    /// Returns the regions that have an address of a family.
    pub fn having(&self, family: Family) -> RegionSet {
        let is_of_family =
            |id: &RegionId| self.addresses_of(*id).any(|(_, address)| Family::of(address.ip) == family);
        self.iter().map(|(id, _)| id).filter(is_of_family).collect()
    }

    /// Returns the region with this name.
    pub fn find(&self, name: &str) -> Option<RegionId> {
        self.iter().find(|(_, region)| region.name == name).map(|(id, _)| id)
    }
}

/// A set of regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RegionSet(u128);

impl RegionSet {
    /// No region.
    pub const NONE: Self = Self(0);
    /// Every region there can be.
    pub const ALL: Self = Self(u128::MAX);

    /// Returns whether `region` is in the set.
    pub fn contains(self, region: RegionId) -> bool {
        self.0 >> region.0 & 1 == 1
    }

    /// Adds `region`.
    pub fn insert(&mut self, region: RegionId) {
        self.0 |= 1 << region.0;
    }

    /// Returns the regions that are in both sets.
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the regions that are in one of the sets.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether no region is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<RegionId> for RegionSet {
    fn from_iter<I: IntoIterator<Item = RegionId>>(regions: I) -> Self {
        let mut set = Self::NONE;
        regions.into_iter().for_each(|region| set.insert(region));
        set
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns a region with a zone for each list of addresses, for tests of the layers below.
    pub fn region(name: &str, jurisdiction: &str, zones: &[&[&str]]) -> Region {
        let zone = |(index, addresses): (usize, &&[&str])| AvailabilityZone {
            name: format!("{name}-{}", char::from(b'a' + index as u8)),
            addresses: addresses.iter().map(|ip| ip.parse().expect("a valid address")).collect(),
            host: None,
        };
        Region {
            name: name.to_owned(),
            location: Coordinates { latitude: 0.0, longitude: 0.0 },
            jurisdiction: jurisdiction.parse().expect("a valid country"),
            capacity: None,
            min_healthy: Minimum::Count(1),
            failover: Failover::Auto,
            recovery: Recovery::default(),
            canaries: Vec::new(),
            zones: zones.iter().enumerate().map(zone).collect(),
        }
    }

    #[test]
    fn min_healthy_is_at_least_one_and_at_most_all() {
        assert_eq!(Minimum::Count(0).of(4), 1);
        assert_eq!(Minimum::Count(9).of(4), 4);
        assert_eq!(Minimum::Percent(Percent::of(50)).of(3), 2);
        assert_eq!(Minimum::Percent(Percent::of(1)).of(3), 1);
    }
}
