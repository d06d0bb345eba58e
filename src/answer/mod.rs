//! What answers are made of: RRsets packed for the wire, and the tree of names that holds them.

use crate::zone::{RData, RecordType, Ttl, Zone};

/// An RRset ready to be copied into a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {}

impl Packed {
    /// Packs records of one type.
    pub fn new(_rtype: RecordType, _ttl: Ttl, _rdata: &[RData]) -> Self {
        unimplemented!()
    }
}

/// All names of all zones, ready to be found by the bytes of a question.
#[derive(Debug)]
pub struct Tree {}

impl Tree {
    /// Compiles the zones.
    pub fn compile(_zones: &[Zone]) -> Self {
        unimplemented!()
    }
}
