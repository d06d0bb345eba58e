//! The immutable, numbered result of compiling everything: the only thing that a query touches.

use std::net::IpAddr;
use std::sync::Arc;

use crate::answer::{Packed, Tree};
use crate::config::Config;
use crate::geo::Table;
use crate::health::View;
use crate::region::RegionId;
use crate::steering::SteeringId;

/// Everything that a snapshot needs and that health does not change: one world serves many snapshots.
#[derive(Debug)]
pub struct World {
    /// The configuration it was built from.
    pub config: Arc<Config>,
    /// The static names, and where the steered ones are.
    pub tree: Tree,
    /// Addresses to classes.
    pub table: Table,
}

impl World {
    /// Compiles what health does not change.
    pub fn build(_config: Arc<Config>, _table: Table) -> Self {
        unimplemented!()
    }
}

/// What a query is answered from.
#[derive(Debug)]
pub struct Snapshot {
    /// Its number; each published snapshot has a higher one than the snapshot before.
    pub number: u64,
    /// What it has in common with its neighbours.
    pub world: Arc<World>,
}

/// The types of a steered name whose answers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A
    A,
    /// AAAA
    Aaaa,
    /// HTTPS
    Https,
}

/// What a steered name answers to one client.
#[derive(Clone, Copy, Debug)]
pub struct Steered<'a> {
    /// What is answered.
    pub choice: Choice<'a>,
    /// The length of the widest block around the client in which this is the same whatever happens
    /// to health: the scope prefix length of RFC 7871.
    pub scope: u8,
    /// The region that was chosen, for the counters.
    pub region: Option<RegionId>,
}

/// The answer of a steered name.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// This RRset.
    Records(&'a Packed),
    /// NOERROR without data.
    Nodata,
    /// RCODE REFUSED.
    Refuse,
    /// RCODE SERVFAIL.
    Servfail,
}

impl Snapshot {
    /// Decides everything for `health` and encodes it.
    pub fn compile(_world: Arc<World>, _health: &View, _number: u64) -> Self {
        unimplemented!()
    }

    /// Returns what the steered name `id` answers to `client`.
    pub fn steer(&self, _id: SteeringId, _kind: Kind, _client: IpAddr) -> Steered<'_> {
        unimplemented!()
    }
}
