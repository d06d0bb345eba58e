//! Zones from short texts, for the tests of this module and of the engine.

use std::str::FromStr;

use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, NULL, SOA, SRV, TXT};

use crate::zone::{Chooser, Name, Node, RData, RRset, RecordType, SteeringId, Ttl, Zone};

/// Returns a name on the wire, in the case it is written in.
pub(crate) fn name(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in text.trim_end_matches('.').split('.').filter(|label| !label.is_empty()) {
        octets.push(u8::try_from(label.len()).expect("a label is short"));
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}

/// Returns a zone with a SOA record (TTL 3600, minimum 300), one NS record, and `records`: owner (relative,
/// or `@`), type, and data. `STEER n` makes a steered name.
pub(crate) fn zone(apex: &str, records: &[&str]) -> Zone {
    let apex = Name::from_str(apex).expect("an apex");
    let mut zone =
        Zone { apex: apex.clone(), nodes: std::collections::BTreeMap::new(), is_transferred: false };
    let server = Name::from_str("ns1.example.net.").expect("a name");
    let contact = Name::from_str("hostmaster.example.net.").expect("a name");
    let soa = SOA::new(server.clone(), contact, 1, 7200, 900, 1_209_600, 300);
    add(&mut zone, apex.clone(), RData::SOA(soa));
    add(&mut zone, apex.clone(), RData::NS(NS(server)));
    for record in records {
        let mut parts = record.splitn(3, ' ');
        let mut part = || parts.next().expect("owner, type and data");
        let (owner, rtype, data) = (part(), part(), part());
        let owner = match owner {
            "@" => apex.clone(),
            owner => Name::from_str(owner).and_then(|owner| owner.append_domain(&apex)).expect("an owner"),
        };
        match rtype {
            "STEER" => {
                let id = SteeringId(data.parse().expect("a number"));
                zone.nodes.entry(owner).or_default().chooser = Some(Chooser::Steering(id));
            }
            rtype => add(&mut zone, owner, rdata(rtype, data)),
        }
    }
    zone
}

/// Adds a record to the RRset that it belongs to.
fn add(zone: &mut Zone, owner: Name, rdata: RData) {
    let node: &mut Node = zone.nodes.entry(owner).or_default();
    let rtype = rdata.record_type();
    match node.rrsets.iter_mut().find(|rrset| rrset.rtype == rtype) {
        Some(rrset) => rrset.rdata.push(rdata),
        None => node.rrsets.push(RRset {
            rtype,
            ttl: Ttl::from_seconds(3600).expect("a TTL"),
            rdata: vec![rdata],
        }),
    }
}

/// Parses the data of the types that the tests use.
fn rdata(rtype: &str, data: &str) -> RData {
    let target = |text: &str| Name::from_str(text).expect("a name");
    let raw = |code, octets| RData::Unknown { code, rdata: NULL::with(octets) };
    match rtype {
        "A" => RData::A(A::from_str(data).expect("an address")),
        "AAAA" => RData::AAAA(AAAA::from_str(data).expect("an address")),
        "NS" => RData::NS(NS(target(data))),
        "CNAME" => RData::CNAME(CNAME(target(data))),
        "DNAME" => raw(RecordType::DNAME, name(data)),
        "MX" => RData::MX(MX::new(10, target(data))),
        "SRV" => RData::SRV(SRV::new(1, 2, 443, target(data))),
        "TXT" => RData::TXT(TXT::new(vec![data.to_owned()])),
        "DS" => raw(RecordType::DS, data.as_bytes().to_vec()),
        other => panic!("the tests know no type {other}"),
    }
}
