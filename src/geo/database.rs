//! Databases in MaxMind's format: networks and their records.
//!
//! The file may be damaged or hostile. [`Database::parse`] refuses what is not the format or could not be
//! walked; records are read field by field when they are needed, and the reader bounds the work and memory
//! for each. Fields that are missing, or out of range such as a latitude of 400, are missing from the
//! location: an operator's answer must not depend on a vendor's typing error.

use std::fmt;
use std::net::IpAddr;

use maxminddb::{LookupResult, MaxMindDbError, PathElement, Reader, path};

use super::search_tree::SearchTree;
use super::{Error, MAX_DATABASE_BYTES, ipv4_inside};
use crate::client::{Continent, Coordinates, Country, Location, Prefix, Subdivision};

/// A database in MaxMind's format, read whole into memory.
pub struct Database {
    reader: Reader<Vec<u8>>,
}

/// The result of looking one address up.
pub(super) type DatabaseRecord<'a> = LookupResult<'a, Vec<u8>>;

impl Database {
    /// Checks that `bytes` are such a database.
    ///
    /// # Errors
    ///
    /// When they are not, or are cut short.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Error> {
        if bytes.len() > MAX_DATABASE_BYTES {
            return Err(Error::TooLarge { bytes: bytes.len() });
        }
        // The reader does not give its bytes back, so the tree is checked before it takes them.
        let (nodes, record_bits, ipv6) = {
            let reader = Reader::from_source(bytes.as_slice()).map_err(Error::Foreign)?;
            let metadata = reader.metadata();
            (metadata.node_count as usize, metadata.record_size, metadata.ip_version == 6)
        };
        let tree = SearchTree { bytes: &bytes, nodes, record_bits };
        tree.check(ipv6)?;
        let reader = Reader::from_source(bytes).map_err(Error::Foreign)?;
        Ok(Self { reader })
    }

    /// Returns the time of its build, in seconds since the Unix epoch.
    pub fn build_epoch(&self) -> u64 {
        self.reader.metadata().build_epoch
    }

    /// Returns the type that the database states, for example `GeoLite2-City`.
    pub fn kind(&self) -> &str {
        &self.reader.metadata().database_type
    }

    /// Returns the location of one address, and the network it holds for. An IPv6 address that embeds an
    /// IPv4 address is located by that one, and the network is IPv4 then.
    pub fn locate(&self, address: IpAddr) -> (Location, Prefix) {
        let address = ipv4_inside(address).map_or(address, IpAddr::V4);
        let nowhere = |length| (Location::default(), Prefix::around(address, length));
        // The reader calls it an error to ask an IPv4-only database for an IPv6 address.
        let Ok(record) = self.reader.lookup(address) else {
            return nowhere(0);
        };
        // An IPv6 database without IPv4 addresses finds those in an IPv6 network.
        let Some(network) = network(&record).filter(|network| network.contains(address)) else {
            return nowhere(0);
        };
        if is_ipv4_space(network) {
            return nowhere(96);
        }
        // Compiling the same file has failed on a record that cannot be read.
        let location = location(&record).unwrap_or_default();
        let location = Location {
            subdivision: subdivision(&record, location.country).unwrap_or_default(),
            asn: asn(&record).unwrap_or_default(),
            ..location
        };
        (location, network)
    }

    /// Returns every network, with and without data, in ascending order, first IPv4.
    pub(super) fn networks(&self) -> Result<maxminddb::Within<'_, Vec<u8>>, Error> {
        // Those without data too: an address without a record counts as unknown, and is not skipped.
        let options = maxminddb::WithinOptions::default().include_networks_without_data();
        self.reader.networks(options).map_err(Error::Damaged)
    }
}

/// Returns whether a network lies in `::/96`, where the format keeps IPv4 addresses. No IPv6 client has an
/// address there.
pub(super) fn is_ipv4_space(network: Prefix) -> bool {
    match network.address() {
        IpAddr::V4(_) => false,
        IpAddr::V6(first) => network.length() >= 96 && first.to_bits() >> 32 == 0,
    }
}

/// Returns the network that a record was found under.
pub(super) fn network(record: &DatabaseRecord<'_>) -> Option<Prefix> {
    let network = record.network().ok()?;
    Some(Prefix::around(network.ip(), network.prefix()))
}

/// Returns the location that a record gives, without the subdivision and the autonomous system.
///
/// # Errors
///
/// When the record cannot be read.
pub(super) fn location(record: &DatabaseRecord<'_>) -> Result<Location, MaxMindDbError> {
    let text = |path: &[PathElement<'_>]| record.decode_path::<&str>(path);
    Ok(Location {
        continent: text(&path!["continent", "code"])?.and_then(Continent::from_code),
        country: text(&path!["country", "iso_code"])?.and_then(|code| code.parse().ok()),
        subdivision: None,
        european_union: record.decode_path(&path!["country", "is_in_european_union"])?,
        coordinates: coordinates(record)?,
        asn: None,
    })
}

/// Returns the first subdivision that a record gives, of the country that it gave.
///
/// # Errors
///
/// When the record cannot be read.
pub(super) fn subdivision(
    record: &DatabaseRecord<'_>,
    country: Option<Country>,
) -> Result<Option<Subdivision>, MaxMindDbError> {
    let code: Option<&str> = record.decode_path(&path!["subdivisions", 0, "iso_code"])?;
    let (Some(country), Some(bytes)) = (country, code.map(str::as_bytes)) else {
        return Ok(None);
    };
    let mut code = [0; 3];
    let fits = (1..=3).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric);
    Ok(fits.then(|| {
        code[..bytes.len()].copy_from_slice(bytes);
        Subdivision { country, code }
    }))
}

/// Returns the autonomous system that a record gives.
///
/// # Errors
///
/// When the record cannot be read.
pub(super) fn asn(record: &DatabaseRecord<'_>) -> Result<Option<u32>, MaxMindDbError> {
    record.decode_path(&path!["autonomous_system_number"])
}

fn coordinates(record: &DatabaseRecord<'_>) -> Result<Option<Coordinates>, MaxMindDbError> {
    let latitude: Option<f64> = record.decode_path(&path!["location", "latitude"])?;
    let longitude: Option<f64> = record.decode_path(&path!["location", "longitude"])?;
    Ok(latitude.zip(longitude).and_then(|(latitude, longitude)| {
        let on_the_globe = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        on_the_globe.then_some(Coordinates { latitude, longitude })
    }))
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("kind", &self.kind())
            .field("build_epoch", &self.build_epoch())
            .finish_non_exhaustive()
    }
}
