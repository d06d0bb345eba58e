//! Databases in MaxMind's format: networks and their records.
//!
//! The file may be damaged or hostile. [`Database::parse`] refuses what is not the format or could not be
//! walked; records are read when they are needed, and the reader bounds the work and memory for each. What
//! their fields mean is left to `record`.

use std::fmt;
use std::net::IpAddr;

use maxminddb::{LookupResult, Reader};

use super::record::RecordField;
use super::search_tree::SearchTree;
use super::{Error, MAX_DATABASE_BYTES, ipv4_inside};
use crate::client::{Location, Prefix};

/// A database in MaxMind's format, read whole into memory.
pub struct Database {
    reader: Reader<Vec<u8>>,
}

/// The first bytes of a file that gzip has compressed (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

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
        if bytes.is_empty() {
            return Err(Error::Empty);
        }
        // Vendors send `.mmdb.gz`.
        if bytes.starts_with(&GZIP) {
            return Err(Error::Compressed);
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
        (location(&record).unwrap_or_default(), network)
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

/// Returns the location that a record gives.
///
/// # Errors
///
/// When the record cannot be read.
pub(super) fn location(record: &DatabaseRecord<'_>) -> Result<Location, Error> {
    fields(record)?.map_or_else(|| Ok(Location::default()), |fields| fields.location())
}

/// Returns the autonomous system that a record gives.
///
/// # Errors
///
/// When the record cannot be read.
pub(super) fn asn(record: &DatabaseRecord<'_>) -> Result<Option<u32>, Error> {
    fields(record)?.map_or(Ok(None), |fields| fields.system())
}

fn fields<'a>(record: &DatabaseRecord<'a>) -> Result<Option<RecordField<'a>>, Error> {
    record.decode().map_err(Error::Damaged)
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("kind", &self.kind())
            .field("build_epoch", &self.build_epoch())
            .finish_non_exhaustive()
    }
}
