//! A small world to ask questions in, shared by the benches, the allocation test and the fuzz targets.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::time::Duration;

use hickory_proto::rr::rdata::{A, CNAME, NS, SOA};

use meridian::answer::{NameTree, Packed};
use meridian::client::Requester;
use meridian::config::Identity;
use meridian::engine::{AnswerSource, Arrival, Disposition, Transport, respond};
use meridian::moment::Moment;
use meridian::snapshot::{Kind, Steered, SteeredAnswer};
use meridian::wire::{CookieSecret, CookieSecrets};
use meridian::zone::{Chooser, Name, Node, RData, RRset, RecordType, SteeringId, Ttl, Zone};

/// Where the questions come from.
pub const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

/// When they come.
pub const NOW: Moment = Moment(1_772_357_400_000);

/// How they come as datagrams.
pub const ARRIVAL: Arrival = Arrival { client: CLIENT, transport: Transport::Udp, at: NOW };

/// What answers are made from.
pub struct World {
    tree: NameTree,
    steered: Packed,
    identity: Identity,
    cookies: CookieSecrets,
}

impl World {
    /// Makes `api.example.com.` with `names` further names, an alias of an alias, and one steered name.
    pub fn new(names: u32) -> Self {
        let address = |host: u32| RData::A(A(Ipv4Addr::from_bits(0x0a00_0000 | host)));
        let mut zone = Zone { apex: name("api.example.com."), nodes: [].into(), is_transferred: false };
        let soa = SOA::new(name("ns1.example.net."), name("admin.example.net."), 1, 7200, 900, 86400, 300);
        add(&mut zone, "api.example.com.", RData::SOA(soa));
        add(&mut zone, "api.example.com.", RData::NS(NS(name("ns1.example.net."))));
        add(&mut zone, "alias.api.example.com.", RData::CNAME(CNAME(name("middle.api.example.com."))));
        add(&mut zone, "middle.api.example.com.", RData::CNAME(CNAME(name("host0.api.example.com."))));
        add(&mut zone, "cut.api.example.com.", RData::NS(NS(name("ns.cut.api.example.com."))));
        add(&mut zone, "ns.cut.api.example.com.", address(1));
        for host in 0..names {
            add(&mut zone, &format!("host{host}.api.example.com."), address(host));
        }
        let geo = zone.nodes.entry(name("geo.api.example.com.")).or_default();
        geo.chooser = Some(Chooser::Steering(SteeringId(0)));
        let chosen: Vec<RData> = (1..=4).map(address).collect();
        Self {
            tree: NameTree::compile(&[zone]),
            steered: Packed::new(RecordType::A, ttl(30), &chosen),
            identity: Identity::of("ns1"),
            cookies: CookieSecrets { active: CookieSecret([7; 16]), staged: None, retired: None },
        }
    }

    /// Answers a request.
    pub fn answer(&self, request: &[u8], transport: Transport, reply: &mut [u8]) -> Disposition {
        let source = AnswerSource {
            idle: Duration::from_secs(10),
            tree: &self.tree,
            identity: &self.identity,
            cookies: Some(&self.cookies),
            transactions: false,
            steer: |_: Chooser, kind, _: &Requester| Steered {
                choice: match kind {
                    Kind::A => SteeredAnswer::Records(&self.steered),
                    Kind::Aaaa | Kind::Https => SteeredAnswer::Nodata(Ttl::MAX),
                },
                scope: 16,
                region: None,
                part: None,
                is_leaving: false,
                is_fail_open: false,
            },
        };
        respond(&source, request, Arrival { transport, ..ARRIVAL }, reply)
    }
}

/// Returns the bytes of a question with an OPT record and the client subnet 192.0.2.0/24.
pub fn question(owner: &str, rtype: RecordType) -> Vec<u8> {
    let mut bytes = b"\x12\x34\0\0\0\x01\0\0\0\0\0\x01".to_vec();
    for label in owner.split_terminator('.') {
        bytes.push(u8::try_from(label.len()).expect("a label is short"));
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(u16::from(rtype).to_be_bytes());
    bytes.extend(b"\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\x0b\0\x08\0\x07\0\x01\x18\0\xc0\0\x02");
    bytes
}

/// The questions that are measured: what they show, name and type.
pub const QUESTIONS: [(&str, &str, RecordType); 7] = [
    ("static", "host7.api.example.com.", RecordType::A),
    ("steered", "geo.api.example.com.", RecordType::A),
    ("nodata", "geo.api.example.com.", RecordType::MX),
    ("nxdomain", "missing.api.example.com.", RecordType::A),
    ("chain", "alias.api.example.com.", RecordType::A),
    ("referral", "www.cut.api.example.com.", RecordType::A),
    ("refused", "www.example.net.", RecordType::A),
];

/// Adds a record.
fn add(zone: &mut Zone, owner: &str, rdata: RData) {
    let node: &mut Node = zone.nodes.entry(name(owner)).or_default();
    node.rrsets.push(RRset { rtype: rdata.record_type(), ttl: ttl(3600), rdata: vec![rdata] });
}

fn name(text: &str) -> Name {
    Name::from_str(text).expect("a name")
}

fn ttl(seconds: u32) -> Ttl {
    Ttl::from_seconds(seconds).expect("a TTL")
}
