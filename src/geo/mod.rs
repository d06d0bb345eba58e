//! Maps addresses to classes: the flat table that is compiled from databases and the operator's networks.
//!
//! In the order of the data: [`Database`] reads MaxMind's format; `walk` turns one into runs of equal
//! places; `overlay` lays the operator's networks out the same way; `classes` says what clients of a
//! place have in common; `population` counts them; [`Table`] joins it all; a [`View`] is the table as one
//! policy sees it.
//! `embedded` says which IPv6 addresses are located by an IPv4 address inside them.
//!
//! Everything here is pure. What is promised, and held by the laws in `tests`: the table covers every
//! address; every address in a scope lies in one part; no wider block around the client does.

use std::net::IpAddr;

use crate::client::{GroupSet, Location, Prefix};

mod breaks;
mod classes;
pub mod countries;
mod database;
mod embedded;
mod map;
mod overlay;
mod population;
mod ranking;
mod runs;
mod stretches;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod view;
mod walk;

pub use database::{Database, MAX_DATABASE_BYTES};
pub use embedded::{ipv4_inside, is_embedded};
pub use population::{Population, Residents};
pub use table::Table;
pub use view::{Found, View};

/// The number of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u32);

/// All clients for whom every decision is the same by construction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// The groups they belong to.
    pub groups: GroupSet,
    /// The rank of each region by distance, by `RegionId`; regions equally far have equal ranks.
    /// Empty when the location of the clients is unknown or has no coordinates.
    pub ranks: Box<[u8]>,
}

/// What a table is compiled from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The Country or City database.
    pub database: Option<&'a Database>,
    /// The ASN database.
    pub asn: Option<&'a Database>,
    /// The operator's networks, which lie on top.
    pub networks: &'a [(Prefix, Location)],
}

/// Where a client is, and who says so.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The location, from all sources together.
    pub location: Location,
    /// The network that the source of the country gave: IPv4 for an address that embeds one.
    pub network: Prefix,
    /// Who gave it.
    pub origin: Origin,
}

/// Who said where a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The operator's own networks.
    Operator,
    /// The Country or City database.
    Database,
    /// Nobody: the network is the one of which the database says nothing.
    Nobody,
}

impl Sources<'_> {
    /// Returns what all sources together say of one address: the same that [`Table::compile`] puts
    /// into the table, but looked up one by one, for `explain`. Of a known country the coordinates
    /// are there, if only the middle of its population.
    pub fn locate(&self, address: IpAddr) -> Located {
        let address = ipv4_inside(address).map_or(address, IpAddr::V4);
        let (below, network) = match self.database {
            Some(database) => database.locate(address),
            None => (Location::default(), Prefix::around(address, 0)),
        };
        let asn = self.asn.and_then(|asn| asn.locate(address).0.asn);
        let below = Location { asn: asn.or(below.asn), ..below };
        let (location, network, origin) = match overlay::most_specific(self.networks, address) {
            Some((network, operator)) => (overlay::over(&below, operator), *network, Origin::Operator),
            None if below.is_unknown() => (below, network, Origin::Nobody),
            None => (below, network, Origin::Database),
        };
        Located { location: Location { coordinates: ranking::point(&location), ..location }, network, origin }
    }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are another kind of file, or lack their end, where the format keeps its metadata.
    #[error("not a database in MaxMind's format, or cut short")]
    Foreign(#[source] maxminddb::MaxMindDbError),
    /// The file is larger than any database that is sold.
    #[error("the file has {bytes} bytes; at most {MAX_DATABASE_BYTES} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The search tree refers to one node twice, so that walking it might never end.
    #[error("the search tree is damaged: node {node} is reached twice")]
    Tangled {
        /// The node.
        node: usize,
    },
    /// A record or a pointer in the file makes no sense.
    #[error("the database is damaged")]
    Damaged(#[source] maxminddb::MaxMindDbError),
    /// There is no country in any record.
    #[error(
        "no record of the database (type `{kind}`) names a country; it must be a Country or City database"
    )]
    NoCountries {
        /// The type that the database states.
        kind: String,
    },
    /// There is no autonomous system in any record.
    #[error(
        "no record of the database (type `{kind}`) names an autonomous system; it must be an ASN database"
    )]
    NoAsns {
        /// The type that the database states.
        kind: String,
    },
}
