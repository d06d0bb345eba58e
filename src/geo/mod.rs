//! Maps addresses to classes: the flat table that is compiled from databases and the operator's networks.

use std::net::IpAddr;

use crate::client::{Group, GroupSet, Location, Prefix};
use crate::region::Regions;

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

/// A database in MaxMind's format, read whole into memory.
#[derive(Debug)]
pub struct Database {}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {}

impl Database {
    /// Checks that `bytes` are such a database.
    ///
    /// # Errors
    ///
    /// When they are not, or are cut short.
    pub fn parse(_bytes: Vec<u8>) -> Result<Self, Error> {
        unimplemented!()
    }

    /// Returns when the database was built, in seconds since the Unix epoch.
    pub fn build_epoch(&self) -> u64 {
        unimplemented!()
    }

    /// Returns what the database says of one address, and of which network it says so.
    pub fn locate(&self, _address: IpAddr) -> (Location, Prefix) {
        unimplemented!()
    }
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

/// Every address there is, with the class of the client behind it.
#[derive(Debug)]
pub struct Table {}

impl Table {
    /// Walks the sources once.
    ///
    /// # Errors
    ///
    /// When a database turns out to be damaged on the way.
    pub fn compile(_sources: Sources<'_>, _regions: &Regions, _groups: &[Group]) -> Result<Self, Error> {
        unimplemented!()
    }

    /// Returns the classes, by `ClassId`.
    pub fn classes(&self) -> &[Class] {
        unimplemented!()
    }

    /// Returns the class of an address.
    pub fn class_of(&self, _address: IpAddr) -> ClassId {
        unimplemented!()
    }

    /// Returns the view in which the classes that `parts` gives one number are one.
    pub fn view(&self, _parts: Vec<u32>) -> View {
        unimplemented!()
    }
}

/// A coarser partition of the addresses: for one policy, the classes that it treats alike are one part.
#[derive(Debug)]
pub struct View {}

/// What a view says of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The number of the part.
    pub part: u32,
    /// The length of the widest block around the address that lies wholly in this part.
    pub scope: u8,
}

impl View {
    /// Returns the part that `address` lies in, and how far around it the part reaches.
    pub fn find(&self, _table: &Table, _address: IpAddr) -> Found {
        unimplemented!()
    }
}
