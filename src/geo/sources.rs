//! The sources of a table, and what they say of one address.

use std::net::IpAddr;

use super::database::Database;
use super::embedded::ipv4_inside;
use super::{overlay, ranking};
use crate::client::{Group, Location, Prefix};
use crate::region::Regions;

/// The sources of a table.
#[derive(Clone, Copy, Debug)]
pub struct TableSources<'a> {
    /// The Country or City database.
    pub database: Option<&'a Database>,
    pub asn: Option<&'a Database>,
    /// The operator's networks, which lie on top.
    pub networks: &'a [(Prefix, Location)],
}

/// What decisions tell clients apart by, besides their addresses.
#[derive(Clone, Copy, Debug)]
pub struct Distinctions<'a> {
    /// Clients with another order of regions by distance are others.
    pub regions: &'a Regions,
    pub groups: &'a [Group],
    /// In kilometres, ascending: regions that are at most so much farther than another one count as near as that.
    pub spreads: &'a [u32],
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
    /// [`Table::compile`](super::Table::compile) classifies. Of a known country the coordinates are there, if only the centre of its
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
            None if is_nowhere(&below) => (below, network, LocationOrigin::Unknown),
            None => (below, network, LocationOrigin::Database),
        };
        Located { location: Location { coordinates: ranking::point(&location), ..location }, network, origin }
    }
}

/// Returns whether a database says nothing of a place.
fn is_nowhere(location: &Location) -> bool {
    Location { asn: None, ..location.clone() } == Location::default()
}
