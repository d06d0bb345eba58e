//! What an intent is about, by name: names outlive the numbering of a configuration.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::health::Site;
use crate::region::{AddressId, RegionId, Regions};

/// A region, one of its availability zones, or one address: `tokyo`, `tokyo/tokyo-a`, `tokyo/tokyo-a/192.0.2.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// The name of the region.
    pub region: String,
    /// The name of the availability zone; `None`: the region.
    pub zone: Option<String>,
    /// The address; `None`: the zone, or the region.
    pub address: Option<IpAddr>,
}

impl Aim {
    /// Returns the region with this name.
    pub fn region(name: &str) -> Self {
        Self { region: name.to_owned(), zone: None, address: None }
    }

    /// Returns the region or zone that is meant, or that the address is in; `None`: there is none.
    pub fn site(&self, regions: &Regions) -> Option<Site> {
        let region = regions.find(&self.region)?;
        let Some(wanted) = &self.zone else {
            return Some(Site::Region(region));
        };
        let mut zones = regions.zones();
        zones.find(|(_, of, zone)| *of == region && zone.name == *wanted).map(|(id, _, _)| Site::Zone(id))
    }

    /// Returns every address that is meant.
    pub fn addresses(&self, regions: &Regions) -> Vec<AddressId> {
        let Some(site) = self.site(regions) else {
            return Vec::new();
        };
        let is_meant = |(_, address): &(AddressId, &crate::region::Address)| {
            let is_there = match site {
                Site::Region(_) => true,
                Site::Zone(zone) => address.zone == zone,
            };
            is_there && self.address.is_none_or(|wanted| wanted == address.ip)
        };
        let of_region: RegionId = crate::health::region_of(regions, site);
        regions.addresses_of(of_region).filter(is_meant).map(|(id, _)| id).collect()
    }
}

impl FromStr for Aim {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '/');
        let name = |part: Option<&str>| part.filter(|name| !name.is_empty()).map(str::to_owned);
        let region = name(parts.next()).ok_or(())?;
        let zone = parts.next().map(|part| name(Some(part)).ok_or(())).transpose()?;
        let address = parts.next().map(|part| part.parse().map_err(|_| ())).transpose()?;
        Ok(Self { region, zone, address })
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.region)?;
        self.zone.iter().try_for_each(|zone| write!(f, "/{zone}"))?;
        self.address.iter().try_for_each(|address| write!(f, "/{address}"))
    }
}
