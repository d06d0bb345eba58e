//! Converts DB-IP City Lite, in the vendor's layout or in that of ip-location-db, into the database that Meridian
//! ships: what `cells` leaves of it.
//!
//! The build date is that of the source, the later one of two files, so that equal sources give equal bytes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cells::{self, PlacedBlock, SourceNetwork, SourcePlace};
use super::mmdb::{self, DatabaseWriter, Metadata};
use super::value;
use crate::client::{Location, Prefix};
use crate::geo::{self, Contents, Database, countries, is_embedded};
use crate::region::Family;

/// The type that the metadata states.
pub const KIND: &str = "Meridian-World";

/// The sentence that the metadata states; the licence asks for the name of the source and a link.
const DESCRIPTION: &str = "IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0; places merged by Meridian";

/// Data that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a database cannot be read")]
    Read(#[from] geo::Error),
    #[error("there is no {0} address with a country; name the files of both families")]
    NoPlaces(Family),
    #[error("{0} addresses are in two files")]
    Twice(Family),
    #[error("cannot write the database")]
    Write(#[from] mmdb::Error),
}

/// Returns a database in MaxMind's format from City databases: one of both families, or one for each.
///
/// # Errors
///
/// When one of them cannot be read, or a family is missing.
pub fn build(sources: Vec<Database>) -> Result<Vec<u8>, Error> {
    let mut writer = DatabaseWriter::new(Metadata {
        kind: KIND.to_owned(),
        description: DESCRIPTION.to_owned(),
        build_epoch: sources.iter().map(Database::build_epoch).max().unwrap_or_default(),
        family: Family::V6,
        record_bits: None,
    });
    let mut families: HashMap<Family, Source> = HashMap::new();
    for database in sources {
        let contents = Contents::of(&database)?;
        for family in Family::BOTH {
            families.entry(family).or_default().add(&contents, family)?;
        }
    }
    for family in Family::BOTH {
        let source = families.remove(&family).filter(|source| !source.networks.is_empty());
        let source = source.ok_or(Error::NoPlaces(family))?;
        for block in source.merge(family) {
            add(&mut writer, family, &block)?;
        }
    }
    Ok(writer.finish()?)
}

/// The networks of one family, and their places.
#[derive(Default)]
struct Source {
    networks: Vec<SourceNetwork>,
    places: Vec<SourcePlace>,
}

impl Source {
    /// Adds what a database says of a family.
    fn add(&mut self, contents: &Contents, family: Family) -> Result<(), Error> {
        let is_first = self.networks.is_empty();
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        let of_family = contents.networks.iter().filter(|(network, _)| network.family() == family);
        for (network, location) in of_family.filter(|(network, _)| !is_embedded(*network)) {
            let Some(place) = place(&contents.locations[*location as usize]) else { continue };
            let number = *numbers.entry(*location).or_insert_with(|| {
                self.places.push(place);
                u32::try_from(self.places.len() - 1).expect("a file has fewer records than bytes")
            });
            let first = match network.address() {
                IpAddr::V4(first) => u128::from(first.to_bits()),
                IpAddr::V6(first) => first.to_bits(),
            };
            self.networks.push(SourceNetwork { first, length: network.length(), place: number });
        }
        if is_first || numbers.is_empty() { Ok(()) } else { Err(Error::Twice(family)) }
    }

    fn merge(&self, family: Family) -> Vec<PlacedBlock> {
        match family {
            Family::V4 => cells::merge(32, &self.networks, &self.places, subnets),
            Family::V6 => cells::merge(128, &self.networks, &self.places, prefixes),
        }
    }
}

/// Returns the place of a location whose country is one. A country without coordinates has its middle.
fn place(location: &Location) -> Option<SourcePlace> {
    let country = location.country?;
    let entry = countries::find(country)?;
    Some(SourcePlace::new(Some(country), location.coordinates.unwrap_or(entry.point)))
}

/// Returns the number of subnets of 256 addresses in an IPv4 network.
fn subnets(length: u8) -> f64 {
    f64::from(2u32).powi(24 - i32::from(length))
}

/// Estimates the clients of an IPv6 network as those of so many IPv4 subnets: one for a /48, and twice as many in
/// sixteen times the space. IPv6 is handed out by plan and not by need.
#[expect(clippy::approx_constant, reason = "an estimate, with as many digits as its neighbours")]
fn prefixes(length: u8) -> f64 {
    let doublings = 48 - i32::from(length);
    // The rest of the division by four as a constant: powers of fractions differ between machines.
    let rest = [1.0, 1.189_207, 1.414_214, 1.681_793];
    let index = usize::try_from(doublings.rem_euclid(4)).expect("less than four");
    rest[index] * f64::from(2u32).powi(doublings.div_euclid(4))
}

fn add(writer: &mut DatabaseWriter, family: Family, block: &PlacedBlock) -> Result<(), mmdb::Error> {
    let Some((country, entry)) = block.country.and_then(|country| Some((country, countries::find(country)?)))
    else {
        return Ok(());
    };
    let address = match family {
        Family::V4 => {
            let bits = u32::try_from(block.first).expect("an IPv4 address was read from 32 bits");
            IpAddr::V4(Ipv4Addr::from_bits(bits))
        }
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(block.first)),
    };
    writer.add(Prefix::around(address, block.length), &value::record(country, entry, block.point))
}

#[cfg(test)]
mod tests {
    use super::super::mmdb::DataValue;
    use super::*;

    /// Returns a database of networks, each with its fields.
    fn database(family: Family, networks: &[(&str, DataValue)]) -> Database {
        let mut writer = DatabaseWriter::new(Metadata {
            kind: "Test-City".to_owned(),
            description: "made by hand".to_owned(),
            build_epoch: 7,
            family,
            record_bits: None,
        });
        for (network, fields) in networks {
            writer.add(network.parse().expect("a network"), fields).expect("they do not overlap");
        }
        Database::parse(writer.finish().expect("a small database")).expect("a sound database")
    }

    fn flat(country: &str, latitude: f64, longitude: f64) -> DataValue {
        DataValue::Map(vec![
            ("country_code", DataValue::text(country)),
            ("latitude", DataValue::Double(latitude)),
            ("longitude", DataValue::Double(longitude)),
        ])
    }

    fn nested(country: &str, latitude: f64, longitude: f64) -> DataValue {
        let degrees =
            vec![("latitude", DataValue::Double(latitude)), ("longitude", DataValue::Double(longitude))];
        DataValue::Map(vec![
            ("country", DataValue::Map(vec![("iso_code", DataValue::text(country))])),
            ("location", DataValue::Map(degrees)),
        ])
    }

    fn check(sources: Vec<Database>) -> Vec<u8> {
        let bytes = build(sources).expect("sound sources");
        let built = Database::parse(bytes.clone()).expect("what is written can be read");
        let at = |address: &str| {
            let (location, network) = built.locate(address.parse().expect("an address"));
            let country = location.country.map_or("nowhere".to_owned(), |country| country.to_string());
            let latitude = location.coordinates.map_or(0.0, |point| point.latitude);
            format!("{network} {country} {latitude}")
        };
        assert_eq!(at("8.1.2.3"), "8.0.0.0/8 US 40");
        assert_eq!(at("9.1.2.3"), "9.0.0.0/8 US 45");
        assert_eq!(at("10.1.2.3"), "10.0.0.0/7 nowhere 0");
        assert_eq!(at("2001:db8::1"), "2001:db8::/32 FR 48.5");
        assert_eq!(at("2002:801:203::1"), "8.0.0.0/8 US 40");
        assert_eq!((built.kind(), built.build_epoch()), (KIND, 7));
        bytes
    }

    #[test]
    fn the_layout_of_the_vendor_and_the_flat_one_give_the_same_bytes() {
        let both = |place: fn(&str, f64, f64) -> DataValue| {
            let v4 = [
                ("8.0.0.0/8", place("US", 40.0, -75.0)),
                ("9.0.0.0/8", place("US", 45.0, -120.0)),
                ("10.0.0.0/8", DataValue::Map(Vec::new())),
            ];
            let v6 =
                [("2001:db8::/33", place("FR", 48.5, 2.0)), ("2001:db8:8000::/33", place("FR", 48.5, 2.0))];
            (v4, v6)
        };
        let (v4, v6) = both(flat);
        let two = check(vec![database(Family::V4, &v4), database(Family::V6, &v6)]);
        let (v4, v6) = both(nested);
        let one = check(vec![database(Family::V6, &v4.into_iter().chain(v6).collect::<Vec<_>>())]);
        assert_eq!(one, two);
    }

    #[test]
    fn a_family_that_is_missing_is_named() {
        let v4 = database(Family::V4, &[("8.0.0.0/8", flat("US", 40.0, -75.0))]);
        let error = build(vec![v4]).expect_err("there is no IPv6").to_string();
        assert!(error.starts_with("there is no IPv6 address"), "{error}");
    }

    #[test]
    fn a_family_in_two_files_is_named() {
        let v4 = || database(Family::V4, &[("8.0.0.0/8", flat("US", 40.0, -75.0))]);
        let error = build(vec![v4(), v4()]).expect_err("they overlap").to_string();
        assert_eq!(error, "IPv4 addresses are in two files");
    }

    #[test]
    fn sixteen_times_the_space_counts_as_twice_the_clients() {
        assert_eq!([48, 44, 40, 52].map(prefixes), [1.0, 2.0, 4.0, 0.5]);
        assert!((prefixes(47) - 1.189_207).abs() < 1e-9 && (prefixes(49) - 1.681_793 / 2.0).abs() < 1e-9);
    }
}
