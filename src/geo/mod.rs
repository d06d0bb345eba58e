//! Maps addresses to classes: the flat table that is compiled from databases and the operator's networks.
//!
//! ```text
//!   Database ──▶ layer ─────╮                        ╭─▶ population (estimates for load and the atlas)
//!   Database ──▶ layer ─────┼─▶ join ─▶ classifier ──┤
//!   networks ──▶ overlay ───╯                        ╰─▶ Table ─▶ PolicyView (part and scope of a client)
//! ```
//!
//! Databases are read once, at load, and never while answering: a lookup in MaxMind's format takes a step a
//! bit and decodes a record, and its networks are no scopes. `embedded` says which IPv6 addresses are located
//! by an IPv4 address inside them.
//!
//! Everything here is pure. What is promised, and held by the laws in `tests`: the table covers every
//! address; every address in a scope lies in one part; no wider block around the client does.

use std::net::IpAddr;

use crate::client::{GroupSet, Location, Prefix};

mod boundaries;
mod classifier;
pub mod countries;
mod database;
mod embedded;
mod intervals;
mod layer;
mod overlay;
mod population;
mod ranking;
mod run_map;
mod runs;
mod search_tree;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use database::{Database, MAX_DATABASE_BYTES};
pub use embedded::{ipv4_inside, is_embedded};
pub use population::{Population, Residents};
pub use table::Table;
pub use view::{PolicyView, ScopedPart};

/// The number of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u32);

/// All clients for whom every decision is the same by construction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// The groups they belong to.
    pub groups: GroupSet,
    /// Ranks by distance, by `RegionId`; regions equally far have equal ranks. Empty when the location of the
    /// clients is unknown or has no coordinates.
    pub ranks: Box<[u8]>,
}

/// The sources of a table.
#[derive(Clone, Copy, Debug)]
pub struct TableSources<'a> {
    /// The Country or City database.
    pub database: Option<&'a Database>,
    /// The ASN database.
    pub asn: Option<&'a Database>,
    /// The operator's networks, which lie on top.
    pub networks: &'a [(Prefix, Location)],
}

/// The location of a client, and its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// From all sources together.
    pub location: Location,
    /// The network that the source of the country gave: IPv4 for an address that embeds one.
    pub network: Prefix,
    /// The source of the network.
    pub origin: LocationOrigin,
}

/// The source of a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationOrigin {
    /// The operator's own networks.
    Operator,
    /// The Country or City database.
    Database,
    /// None: the network is one without a record.
    Unknown,
}

impl TableSources<'_> {
    /// Returns the location of one address from all sources together, for `explain`: the one that
    /// [`Table::compile`] classifies. Of a known country the coordinates are there, if only the centre of its
    /// population.
    pub fn locate(&self, address: IpAddr) -> Located {
        let address = ipv4_inside(address).map_or(address, IpAddr::V4);
        let (below, network) = match self.database {
            Some(database) => database.locate(address),
            None => (Location::default(), Prefix::around(address, 0)),
        };
        let asn = self.asn.and_then(|asn| asn.locate(address).0.asn);
        let below = Location { asn: asn.or(below.asn), ..below };
        let (location, network, origin) = match overlay::most_specific(self.networks, address) {
            Some((network, operator)) => {
                (overlay::over(&below, operator), *network, LocationOrigin::Operator)
            }
            None if below.is_unknown() => (below, network, LocationOrigin::Unknown),
            None => (below, network, LocationOrigin::Database),
        };
        Located { location: Location { coordinates: ranking::point(&location), ..location }, network, origin }
    }
}

/// A database that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are another kind of file, or lack their end, where the format keeps its metadata.
    #[error("not a database in MaxMind's format, or cut short")]
    Foreign(#[source] maxminddb::MaxMindDbError),
    /// The file is larger than any database that is sold.
    #[error("the file has {bytes} bytes; at most {MAX_DATABASE_BYTES} are read")]
    TooLarge {
        /// Its size in bytes.
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
