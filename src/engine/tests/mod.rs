//! What the engine answers: questions in the manner of `dig`, and the replies in words.

mod authority;
mod cookies;
mod format;
mod laws;
mod plain;
mod put_off;
mod size;
mod steered;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record, RecordType};

use super::{AnswerSource, Arrival, Disposition, MAX_REPLY, Transport, respond};
use crate::answer::tests::{name, zone};
use crate::answer::{NameTree, Packed};
use crate::client::{Prefix, Requester};
use crate::config::Identity;
use crate::moment::Moment;
use crate::region::RegionId;
use crate::snapshot::{Kind, Steered, SteeredAnswer};
use crate::wire::{CookieSecret, CookieSecrets, CookieStatus, Rcode};
use crate::zone::{Chooser, SteeringId, Ttl, Zone};

/// The address that questions come from.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

/// When they come.
const NOW: Moment = Moment(1_000_000);

/// The secret of cookies.
const COOKIES: CookieSecrets = CookieSecrets { active: CookieSecret([7; 16]), staged: None, retired: None };

/// The zones of these tests.
fn zones() -> Vec<Zone> {
    let example = zone("example.com.", EXAMPLE);
    let child = zone("child.example.com.", &["www A 192.0.2.50", "@ TXT child"]);
    let other = zone(
        "example.org.",
        &["www A 192.0.2.60", "* CNAME www.example.org.", "geo CNAME steer.example.com."],
    );
    vec![example, child, other]
}

/// The records of `example.com.`; see `answer::tests` for the form.
const EXAMPLE: &[&str] = &[
    "www A 192.0.2.1",
    "www AAAA 2001:db8::1",
    "www TXT hello",
    "@ MX mail.example.com.",
    "_s._tcp SRV www.example.com.",
    "deep.empty.terminal A 192.0.2.2",
    // Aliases.
    "alias CNAME www.example.com.",
    "alias2 CNAME alias.example.com.",
    "nowhere CNAME missing.example.com.",
    "outside CNAME www.example.net.",
    "across CNAME any.example.org.",
    "loop1 CNAME loop2.example.com.",
    "loop2 CNAME loop1.example.com.",
    "selfish CNAME selfish.example.com.",
    "cutter CNAME www.cut.example.com.",
    "steer CNAME geo.example.com.",
    "chain0 CNAME chain1.example.com.",
    // Wildcards.
    "*.wild TXT wild",
    "*.wild MX mail.example.com.",
    "there.wild A 192.0.2.3",
    "*.walias CNAME www.example.com.",
    "*.loop CNAME a.loop.example.com.",
    "*.geo STEER 0",
    // Zone cuts.
    "cut NS ns.cut.example.com.",
    "cut NS ns.sibling.example.com.",
    "cut DS digest",
    "ns.cut A 192.0.2.10",
    "ns.cut AAAA 2001:db8::10",
    "sibling NS ns.sibling.example.com.",
    "ns.sibling A 192.0.2.11",
    "child NS ns.child.example.com.",
    "child DS childdigest",
    "ns.child A 192.0.2.12",
    // Redirections.
    "moved DNAME example.org.",
    "moved TXT here",
    "long DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.example.org.",
    "grow DNAME x.grow.example.com.",
    // Steered names.
    "geo STEER 0",
    "geo TXT about",
    "refused STEER 1",
    "broken STEER 2",
    "steered6 STEER 3",
    "prohibited STEER 4",
    "sesame CNAME prohibited.example.com.",
];

/// A question: its parts as they go over the wire.
struct Ask {
    bytes: Vec<u8>,
    transport: Transport,
}

impl Ask {
    /// Parses `name type` and words in the manner of `dig`: `+rd`, `+tcp`, `+bufsize=512`,
    /// `+subnet=192.0.2.0/24`, `+id=1`.
    fn new(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let (owner, rtype) = (words.next().expect("a name"), words.next().expect("a type"));
        let qtype: u16 = rtype.parse().unwrap_or_else(|_| {
            let rtype: RecordType = rtype.parse().expect("a type");
            rtype.into()
        });
        let (mut id, mut flags, mut class, mut transport) = (0u16, 0u16, 1u16, Transport::Udp);
        let (mut edns, mut payload, mut ttl, mut options) = (false, 1232u16, 0u32, Vec::new());
        for word in words {
            let (word, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || value.parse::<u16>().expect("a number");
            edns |= matches!(
                word,
                "+edns" | "+do" | "+nsid" | "+bufsize" | "+eflags" | "+option" | "+subnet" | "+cookie"
            );
            match word {
                "+tcp" => transport = Transport::Tcp,
                "+rd" => flags |= 0x0100,
                "+ad" => flags |= 0x0020,
                "+cd" => flags |= 0x0010,
                "+z" => flags |= 0x0040,
                "+aa" => flags |= 0x0400,
                "+tc" => flags |= 0x0200,
                "+opcode" => flags |= number() << 11,
                "+class" => class = number(),
                "+id" => id = number(),
                "+edns" => ttl |= u32::from(value.parse::<u8>().unwrap_or(0)) << 16,
                "+do" => ttl |= 0x8000,
                "+eflags" => ttl |= u32::from(number()),
                "+bufsize" => payload = number(),
                "+nsid" => options.extend([0, 3, 0, 0]),
                "+option" => options.extend(number().to_be_bytes().into_iter().chain([0, 2, 9, 9])),
                "+cookie" => options.extend([&[0, 10, 0, 8][..], b"cookie12"].concat()),
                "+subnet" => options.extend(subnet(value)),
                other => panic!("no such word: {other}"),
            }
        }
        let mut bytes = [id, flags, 1, 0, 0, u16::from(edns)].map(u16::to_be_bytes).concat();
        bytes.extend(name(owner));
        bytes.extend([qtype, class].map(u16::to_be_bytes).concat());
        if edns {
            bytes.extend([0, 0, 41]);
            bytes.extend(payload.to_be_bytes());
            bytes.extend(ttl.to_be_bytes());
            bytes.extend(u16::try_from(options.len()).expect("few options").to_be_bytes());
            bytes.extend(options);
        }
        Self { bytes, transport }
    }
}

/// Returns the client subnet option for `address/length`.
fn subnet(text: &str) -> Vec<u8> {
    let (address, source) = text.split_once('/').expect("a prefix");
    let source: u8 = source.parse().expect("a length");
    let (family, octets) = match address.parse().expect("an address") {
        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
        IpAddr::V6(v6) => (2, v6.octets().to_vec()),
    };
    let octets = &octets[..usize::from(source).div_ceil(8)];
    let length = u8::try_from(4 + octets.len()).expect("an address is short");
    [&[0, 8, 0, length, 0, family, source, 0], octets].concat()
}

/// Returns the reply to a request. Steered name 0 leads IPv4 clients in 203.0.113.0/24 to 192.0.2.77 and
/// others to 192.0.2.88, both with scope 24, and has no AAAA records (scope 20); 1 is refused, 2 broken,
/// 3 has AAAA records only, and 4 is prohibited.
fn reply(zones: &[Zone], request: &[u8], transport: Transport) -> (Disposition, Vec<u8>) {
    let tree = NameTree::compile(zones);
    let a = |text: &str| RData::A(text.parse().expect("an address"));
    let ttl = Ttl::from_seconds(30).expect("a TTL");
    let near = Packed::new(RecordType::A, ttl, &[a("192.0.2.77")]);
    let far = Packed::new(RecordType::A, ttl, &[a("192.0.2.88")]);
    let six = RData::AAAA("2001:db8::99".parse().expect("an address"));
    let six = Packed::new(RecordType::AAAA, ttl, &[six]);
    let source = AnswerSource {
        idle: Duration::from_secs(10),
        cookies: Some(&COOKIES),
        transactions: false,
        tree: &tree,
        identity: &Identity { version: Some("meridian 1".to_owned()), ..Identity::of("ns1") },
        steer: |chooser, kind, requester: &Requester| {
            let Chooser::Steering(SteeringId(id)) = chooser else { panic!("there are no pins") };
            let client = requester.subnet.map_or(requester.sender, Prefix::address);
            let is_near = client.to_string().starts_with("203.0.113.");
            let (choice, scope) = match (id, kind) {
                (0, Kind::A) if is_near => (SteeredAnswer::Records(&near), 24),
                (0, Kind::A) => (SteeredAnswer::Records(&far), 24),
                (0, Kind::Aaaa | Kind::Https) => (SteeredAnswer::Nodata(Ttl::MAX), 20),
                (1, _) => (SteeredAnswer::Refuse, 16),
                (2, _) => (SteeredAnswer::Servfail, 8),
                (3, Kind::Aaaa) => (SteeredAnswer::Records(&six), 12),
                (3, _) => (SteeredAnswer::Nodata(Ttl::MAX), 18),
                _ => (SteeredAnswer::Prohibited, 9),
            };
            let region = matches!(choice, SteeredAnswer::Records(_)).then_some(RegionId(4));
            let is_leaving = region.is_some();
            Steered { choice, scope, region, part: None, is_leaving, is_fail_open: id == 3 && is_leaving }
        },
    };
    let mut buffer = vec![0xee; MAX_REPLY];
    let outcome = respond(&source, request, Arrival { client: CLIENT, transport, at: NOW }, &mut buffer);
    if let Disposition::Reply { length, .. } = outcome {
        buffer.truncate(length);
    }
    (outcome, buffer)
}

/// Asks, and compares the reply with `status` (the response code and the flags that are set) and with its
/// records: section, owner, TTL, type, data. Also holds what every reply must.
fn check(question: &str, status: &str, records: &[&str]) {
    let ask = Ask::new(question);
    let (outcome, bytes) = reply(&zones(), &ask.bytes, ask.transport);
    let Disposition::Reply { tally, .. } = outcome else {
        panic!("{question}: silence");
    };
    let message = Message::from_vec(&bytes).expect("a reply can be read");
    let question_end = 12 + name(question.split(' ').next().expect("a name")).len() + 4;
    assert_eq!(bytes[12..question_end], ask.bytes[12..question_end], "{question}: the question");
    assert_eq!(bytes[..2], ask.bytes[..2], "{question}: the ID");
    assert_eq!(message.edns.is_some(), ask.bytes[11] == 1, "{question}: OPT");
    assert_eq!(in_words(&tally.rcode, &bytes), status, "{question}");
    assert_eq!(all_records(&message), records, "{question}");
    assert_eq!(tally.is_truncated, bytes[2] & 2 != 0);
}

/// Returns the response code and the flags of a reply.
fn in_words(rcode: &Rcode, bytes: &[u8]) -> String {
    let flags = u16::from_be_bytes([bytes[2], bytes[3]]);
    assert_eq!(flags & 0xf, rcode.code() & 0xf);
    assert_eq!(flags & 0x8000, 0x8000);
    let names = [
        (0x0400, "aa"),
        (0x0200, "tc"),
        (0x0100, "rd"),
        (0x0080, "ra"),
        (0x0040, "z"),
        (0x0020, "ad"),
        (0x0010, "cd"),
    ];
    let set = names.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name);
    std::iter::once(rcode.as_str()).chain(set).collect::<Vec<_>>().join(" ")
}

/// Returns the records of a reply, one line each.
fn all_records(message: &Message) -> Vec<String> {
    let sections = [("AN", &message.answers), ("NS", &message.authorities), ("AR", &message.additionals)];
    let lines = sections
        .into_iter()
        .flat_map(|(section, records)| records.iter().map(move |record| line(section, record)));
    lines.collect()
}

/// Returns one record as a line.
fn line(section: &str, record: &Record) -> String {
    let data = match &record.data {
        RData::Unknown { rdata, .. } => rdata.anything.escape_ascii().to_string(),
        RData::SOA(soa) => format!("{}", soa.mname),
        RData::TXT(txt) => txt.to_string(),
        data => data.to_string(),
    };
    format!("{section} {} {} {} {data}", record.name, record.ttl, record.record_type())
}
