//! The static RRsets of a zone, as secondaries are given them.

use std::hash::Hash;

use super::digest::Digester;
use crate::answer::{Packed, wire_name, written_name};
use crate::zone::{Name, Node, RecordType, Zone};

/// An RRset with its owner name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneSet {
    /// On the wire, in the case in which it was written.
    pub owner: Box<[u8]>,
    pub records: Packed,
}

/// Returns the static RRsets of a name but for a SOA record.
pub fn sets_of(name: &Name, node: &Node) -> Vec<ZoneSet> {
    let sets = node.rrsets.iter().filter(|rrset| rrset.rtype != RecordType::SOA);
    let sets = sets.map(|rrset| ZoneSet {
        owner: written_name(name),
        records: Packed::new(rrset.rtype, rrset.ttl, &rrset.rdata),
    });
    sets.collect()
}

/// Returns the digest of the static part of a zone. The serial number is no part of it.
pub(super) fn digest_of_fixed(zone: &Zone) -> [u8; 32] {
    let mut digester = Digester::new();
    for (name, node) in &zone.nodes {
        for rrset in &node.rrsets {
            let packed = Packed::new(rrset.rtype, rrset.ttl, &rrset.rdata);
            let packed = if rrset.rtype == RecordType::SOA { packed.with_serial(0) } else { packed };
            wire_name(name).hash(&mut digester);
            packed.sorted(|_| true).hash(&mut digester);
        }
    }
    digester.done()
}
