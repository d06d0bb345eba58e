//! The demo's world: which regions there are, where they are, and which loopback addresses they have.
//!
//! It is a constant, so that `demo break` checks a place before it asks anybody. Making the places
//! answer is left to `service`, writing them down as a configuration to `directory`.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A region of the demo's world; it has two availability zones.
#[derive(Debug, PartialEq)]
pub struct Region {
    /// Its name, as in the configuration.
    pub name: &'static str,
    /// Its city and continent, for people.
    pub city: &'static str,
    /// Its jurisdiction.
    pub country: &'static str,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Its number, the third octet of its addresses.
    number: u8,
}

/// All regions: five continents, and on three of them a neighbour to fail over to.
pub static REGIONS: [Region; 9] = [
    region(1, "tokyo", "Tokyo, Asia", "JP", 35.68, 139.69),
    region(2, "osaka", "Osaka, Asia", "JP", 34.69, 135.50),
    region(3, "singapore", "Singapore, Asia", "SG", 1.35, 103.82),
    region(4, "sydney", "Sydney, Oceania", "AU", -33.87, 151.21),
    region(5, "frankfurt", "Frankfurt, Europe", "DE", 50.11, 8.68),
    region(6, "paris", "Paris, Europe", "FR", 48.86, 2.35),
    region(7, "virginia", "Ashburn, North America", "US", 39.04, -77.49),
    region(8, "oregon", "Boardman, North America", "US", 45.84, -119.70),
    region(9, "saopaulo", "São Paulo, South America", "BR", -23.55, -46.63),
];

const fn region(
    number: u8,
    name: &'static str,
    city: &'static str,
    country: &'static str,
    latitude: f64,
    longitude: f64,
) -> Region {
    Region { name, city, country, latitude, longitude, number }
}

impl Region {
    /// Returns its availability zones.
    pub fn zones(&'static self) -> [Zone; 2] {
        [1, 2].map(|number| Zone { region: self, number })
    }
}

/// An availability zone of the demo's world. It has one address in each family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zone {
    /// The region it is a part of.
    pub region: &'static Region,
    number: u8,
}

impl Zone {
    /// Returns its name, as in the configuration: `tokyo-a`.
    pub fn name(self) -> String {
        format!("{}-{}", self.region.name, char::from(b'a' + self.number - 1))
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

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.region.name, self.name())
    }
}

/// A region, or one availability zone of it: what can be broken and healed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// Every availability zone of this region.
    Region(&'static Region),
    /// This availability zone.
    Zone(Zone),
}

impl Place {
    /// Returns the availability zones that are meant.
    pub fn zones(self) -> Vec<Zone> {
        match self {
            Self::Region(region) => region.zones().to_vec(),
            Self::Zone(zone) => vec![zone],
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(region) => f.write_str(region.name),
            Self::Zone(zone) => zone.fmt(f),
        }
    }
}

/// A text that names no place of the demo's world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchPlace {
    /// There is no region of this name.
    #[error("no region is called `{name}`; {}there are {}", did_you_mean(.suggestion), known_regions())]
    Region {
        /// What was asked for.
        name: String,
        /// The region whose name is nearest to it.
        suggestion: Option<String>,
    },
    /// The region has no availability zone of this name.
    #[error("{region} has no availability zone `{name}`; it has {region}/{region}-a and {region}/{region}-b")]
    Zone {
        /// The region.
        region: &'static str,
        /// What was asked for.
        name: String,
    },
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or_else(String::new, |name| format!("did you mean `{name}`? "))
}

fn known_regions() -> String {
    REGIONS.each_ref().map(|region| region.name).join(", ")
}

impl FromStr for Place {
    type Err = NoSuchPlace;

    /// Parses `tokyo` or `tokyo/tokyo-a`.
    fn from_str(text: &str) -> Result<Self, NoSuchPlace> {
        let (name, zone) = match text.split_once('/') {
            Some((name, zone)) => (name, Some(zone)),
            None => (text, None),
        };
        let region = find_region(name)?;
        let Some(wanted) = zone else {
            return Ok(Self::Region(region));
        };
        let found = region.zones().into_iter().find(|zone| zone.name() == wanted);
        found
            .map(Self::Zone)
            .ok_or_else(|| NoSuchPlace::Zone { region: region.name, name: wanted.to_owned() })
    }
}

fn find_region(name: &str) -> Result<&'static Region, NoSuchPlace> {
    if let Some(region) = REGIONS.iter().find(|region| region.name == name) {
        return Ok(region);
    }
    // 0.8 is what clap asks of its own suggestions: `tokio` finds `tokyo`, `mars` finds nothing.
    let similarity = |region: &&Region| strsim::jaro(region.name, name);
    let nearest = REGIONS
        .iter()
        .filter(|region| similarity(region) > 0.8)
        .max_by(|left, right| similarity(left).total_cmp(&similarity(right)));
    Err(NoSuchPlace::Region {
        name: name.to_owned(),
        suggestion: nearest.map(|region| region.name.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        text.parse::<Place>().expect_err("no such place").to_string()
    }

    #[test]
    fn a_place_parses_and_prints_as_the_same_text() {
        for text in ["tokyo", "saopaulo/saopaulo-b"] {
            let place = text.parse::<Place>().map(|place| place.to_string());
            assert_eq!(place, Ok(text.to_owned()));
        }
    }

    #[test]
    fn an_unknown_region_is_refused_with_the_known_ones_and_the_nearest_name() {
        assert_eq!(
            refusal("tokio"),
            "no region is called `tokio`; did you mean `tokyo`? there are tokyo, osaka, singapore, sydney, \
             frankfurt, paris, virginia, oregon, saopaulo"
        );
        assert!(!refusal("mars").contains("did you mean"));
    }

    #[test]
    fn an_unknown_zone_is_refused_with_the_known_ones() {
        assert_eq!(
            refusal("tokyo/a"),
            "tokyo has no availability zone `a`; it has tokyo/tokyo-a and tokyo/tokyo-b"
        );
    }

    #[test]
    fn every_address_is_of_one_zone_only() {
        let zones = REGIONS.iter().flat_map(Region::zones);
        let mut addresses: Vec<_> = zones.map(Zone::ipv4).collect();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 2 * REGIONS.len());
    }
}
