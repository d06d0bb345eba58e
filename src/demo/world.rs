//! The demo's world: which regions there are, where they are, and which loopback addresses they have.
//!
//! It is a constant, so that `demo break` checks a target before it asks the demo. Making the zones
//! answer is left to `service`, writing them down as a configuration to `directory`.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::region::{Target, UnknownTarget};
use crate::units::Malformed;

/// A region of the demo's world; it has two availability zones.
#[derive(Debug, PartialEq)]
pub struct DemoRegion {
    /// Its name, as in the configuration.
    pub name: &'static str,
    /// Its city and continent, for the opening page.
    pub city: &'static str,
    pub country: &'static str,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// The requests a second that it can bear.
    pub capacity: u32,
    /// Its number, the third octet of its addresses.
    number: u8,
}

/// All regions: five continents, and on three of them a neighbour to fail over to.
pub static REGIONS: [DemoRegion; 9] = [
    region(1, "tokyo", "Tokyo, Asia", "JP", 35.68, 139.69, 5000),
    region(2, "osaka", "Osaka, Asia", "JP", 34.69, 135.50, 4000),
    region(3, "singapore", "Singapore, Asia", "SG", 1.35, 103.82, 4000),
    region(4, "sydney", "Sydney, Oceania", "AU", -33.87, 151.21, 3000),
    region(5, "frankfurt", "Frankfurt, Europe", "DE", 50.11, 8.68, 5000),
    region(6, "paris", "Paris, Europe", "FR", 48.86, 2.35, 6000),
    region(7, "virginia", "Ashburn, North America", "US", 39.04, -77.49, 6000),
    region(8, "oregon", "Boardman, North America", "US", 45.84, -119.70, 5000),
    region(9, "saopaulo", "São Paulo, South America", "BR", -23.55, -46.63, 3000),
];

const fn region(
    number: u8,
    name: &'static str,
    city: &'static str,
    country: &'static str,
    latitude: f64,
    longitude: f64,
    capacity: u32,
) -> DemoRegion {
    DemoRegion { name, city, country, latitude, longitude, capacity, number }
}

impl DemoRegion {
    /// Returns its availability zones.
    pub fn zones(&'static self) -> [DemoZone; 2] {
        [1, 2].map(|number| DemoZone { region: self, number })
    }
}

/// An availability zone of the demo's world. It has one address in each family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DemoZone {
    /// The region it is a part of.
    pub region: &'static DemoRegion,
    number: u8,
}

impl DemoZone {
    /// Returns its name, as in the configuration: `tokyo-a`.
    pub fn name(self) -> String {
        format!("{}-{}", self.region.name, char::from(b'a' + self.number - 1))
    }

    /// Returns the requests a second that it can bear: its part of those of its region.
    pub fn capacity(self) -> f64 {
        f64::from(self.region.capacity) / self.region.zones().len() as f64
    }

    /// Returns its IPv4 address.
    pub fn ipv4(self) -> Ipv4Addr {
        Ipv4Addr::new(127, 1, self.region.number, self.number)
    }

    /// Returns its IPv6 address. Loopback has only one of its own, `::1`, so this is the IPv4-mapped
    /// form: a connection to it arrives at the IPv4 address.
    pub fn ipv6(self) -> Ipv6Addr {
        self.ipv4().to_ipv6_mapped()
    }
}

impl fmt::Display for DemoZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.region.name, self.name())
    }
}

/// Returns the availability zones that a target means.
///
/// # Errors
///
/// The part of the target that the demo's world does not have.
pub fn zones(target: &Target) -> Result<Vec<DemoZone>, UnknownTarget> {
    let region = REGIONS.iter().find(|region| region.name == target.region());
    let region = region
        .ok_or_else(|| UnknownTarget::region(target.region(), REGIONS.iter().map(|region| region.name)))?;
    let Some(wanted) = target.zone() else {
        return Ok(region.zones().to_vec());
    };
    let names = region.zones().map(DemoZone::name);
    let zone = region.zones().into_iter().find(|zone| zone.name() == wanted);
    let unknown = || UnknownTarget::zone(region.name, wanted, names.iter().map(String::as_str));
    Ok(vec![zone.ok_or_else(unknown)?])
}

/// Reads a region or an availability zone of the demo's world: what can be broken and healed.
///
/// # Errors
///
/// A sentence that says what the world has instead.
pub fn parse_target(text: &str) -> Result<Target, String> {
    let target: Target = text.parse().map_err(|error: Malformed| error.to_string())?;
    if target.address().is_some() {
        return Err(format!("`{target}` is one address; name a region or an availability zone"));
    }
    zones(&target).map_err(|error| error.to_string())?;
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_means_one_zone_or_both() {
        let count = |text: &str| zones(&text.parse().expect(text)).map(|zones| zones.len());
        assert_eq!((count("tokyo"), count("saopaulo/saopaulo-b")), (Ok(2), Ok(1)));
    }

    #[test]
    fn what_the_world_does_not_have_is_refused_with_what_it_has() {
        for (text, sentence) in [
            ("tokio", "no region is called `tokio`; did you mean `tokyo`?"),
            ("mars", "there are `tokyo`, `osaka`, `singapore`, `sydney`, `frankfurt`, `paris`, `virginia`"),
            ("tokyo/a", "tokyo has no availability zone `a`; there are `tokyo-a` and `tokyo-b`"),
            ("tokyo/tokyo-a/127.1.1.1", "is one address"),
        ] {
            let error = parse_target(text).expect_err(text);
            assert!(error.contains(sentence), "{text}: {error}");
        }
    }

    #[test]
    fn every_address_is_of_one_zone_only() {
        let zones = REGIONS.iter().flat_map(DemoRegion::zones);
        let mut addresses: Vec<_> = zones.map(DemoZone::ipv4).collect();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 2 * REGIONS.len());
    }
}
