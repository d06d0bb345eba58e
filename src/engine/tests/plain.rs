//! The law of the short way: it says nothing, or every octet and the tally as the rest of the engine says them.

use fastrand::Rng;
use hickory_proto::rr::rdata::SOA;

use super::super::{plain, respond_in_full};
use super::*;
use crate::zone::{Name, Node};

/// Worlds, and the packets that each gets.
const WORLDS: u64 = 1_000;
const PACKETS: u64 = 1_000;

/// Names below each other, of which owners, servers and questions are made: they share labels now and then.
const LABELS: [&str; 8] = ["a", "b", "ns", "xns", "geo", "*", "cut", "a-label-of-some-length"];

const APEXES: [&str; 4] = ["example.com.", "a.example.com.", "ns.", "."];

/// What answers are made from.
struct Chance {
    zones: Vec<Zone>,
    tree: NameTree,
    /// What the steered names answer, by their number.
    chosen: Vec<Packed>,
}

impl Chance {
    fn draw(rng: &mut Rng) -> Self {
        let count = rng.usize(1..=APEXES.len());
        let zones: Vec<Zone> = APEXES[..count].iter().map(|apex| random_zone(apex, rng)).collect();
        let chosen = (0..4).map(|_| {
            // Few, or so many that there is hardly room for the OPT record.
            let count = if rng.bool() { rng.u8(1..=5) } else { rng.u8(22..=29) };
            let addresses = (0..count).map(|last| RData::A(Ipv4Addr::new(192, 0, 2, last).into()));
            let ttl = Ttl::from_seconds(rng.u32(0..300)).expect("a TTL");
            Packed::new(RecordType::A, ttl, &addresses.collect::<Vec<_>>()).turning(rng.usize(0..6))
        });
        Self { tree: NameTree::compile(&zones), zones, chosen: chosen.collect() }
    }

    /// Returns a name, of those that exist three times in four.
    fn name(&self, rng: &mut Rng) -> String {
        let names = &self.zones[rng.usize(..self.zones.len())].nodes;
        match rng.u8(..4) {
            0 => random_name(APEXES[rng.usize(..APEXES.len())], rng),
            _ => names.keys().nth(rng.usize(..names.len())).map(Name::to_string).unwrap_or_default(),
        }
    }

    /// Chooses by the numbers of name and kind and by the client, as if by chance.
    fn steer(&self, chooser: Chooser, kind: Kind, requester: &Requester) -> Steered<'_> {
        let Chooser::Steering(SteeringId(id)) = chooser else { panic!("there are no pins") };
        let client = requester.subnet.map_or(requester.sender, Prefix::address);
        let IpAddr::V4(client) = client else { panic!("all clients have IPv4 here") };
        let drawn = client
            .octets()
            .iter()
            .fold(id as usize + kind as usize, |sum, octet| (sum * 31 + usize::from(*octet)) % 97);
        let choice = match drawn % 9 {
            0 => SteeredAnswer::Nodata(Ttl::MAX),
            1 => SteeredAnswer::Nodata(Ttl::from_seconds(7).expect("a TTL")),
            2 => SteeredAnswer::Refuse,
            3 => SteeredAnswer::Servfail,
            4 => SteeredAnswer::Prohibited,
            _ => SteeredAnswer::Records(&self.chosen[drawn % self.chosen.len()]),
        };
        Steered {
            choice,
            scope: (drawn % 33) as u8,
            region: (drawn % 2 == 0).then_some(RegionId(3)),
            part: (drawn % 3 == 0).then_some(5),
            is_leaving: drawn % 5 == 0,
            is_fail_open: drawn % 7 == 0,
        }
    }
}

fn random_name(apex: &str, rng: &mut Rng) -> String {
    let labels = (0..rng.usize(0..4)).map(|_| format!("{}.", LABELS[rng.usize(..LABELS.len())]));
    let below: String = labels.collect();
    match (below.is_empty(), apex) {
        (true, apex) => apex.to_owned(),
        (false, ".") => below,
        (false, apex) => below + apex,
    }
}

fn random_zone(apex: &str, rng: &mut Rng) -> Zone {
    let owner_of = |rng: &mut Rng| {
        let labels = (0..rng.usize(1..4)).map(|_| LABELS[rng.usize(..LABELS.len())]);
        labels.collect::<Vec<_>>().join(".")
    };
    let records = (0..rng.usize(0..20)).map(|_| {
        let owner = if rng.u8(..6) == 0 { "@".to_owned() } else { owner_of(rng) };
        let data = match rng.u8(..16) {
            0..4 => format!("A 192.0.2.{}", rng.u8(..)),
            4..6 => format!("AAAA 2001:db8::{:x}", rng.u8(..)),
            6 => format!("TXT {}", "x".repeat(rng.usize(0..255))),
            7 => format!("MX {}", random_name(apex, rng)),
            8 => format!("SRV {}", random_name(apex, rng)),
            9 => format!("CNAME {}", random_name(apex, rng)),
            10 => format!("NS {}", random_name(apex, rng)),
            11 => format!("DNAME {}", random_name("example.org.", rng)),
            12 => "DS digest".to_owned(),
            _ => format!("STEER {}", rng.u8(..4)),
        };
        format!("{owner} {data}")
    });
    let records: Vec<String> = records.collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let mut zone = zone(apex, &records);
    let origin = if rng.bool() { apex } else { "example.net." };
    let [server, mailbox] = [(); 2].map(|()| random_name(origin, rng).parse().expect("a name"));
    let node: &mut Node = zone.nodes.get_mut(&zone.apex).expect("it has a SOA record");
    let soa = SOA::new(server, mailbox, 1, 7200, 900, 1_209_600, rng.u32(0..600));
    node.rrsets[0].rdata = vec![RData::SOA(soa)];
    zone
}

/// Returns a question, mostly a usual one for a name that exists, and damages it now and then.
fn random_packet(chance: &Chance, rng: &mut Rng) -> Ask {
    let types = ["A", "A", "AAAA", "HTTPS", "TXT", "MX", "SRV", "DS", "ANY", "SOA", "NS", "CNAME", "999"];
    let mut words = vec![chance.name(rng), types[rng.usize(..types.len())].to_owned()];
    words.push(format!("+id={}", rng.u16(..)));
    let subnet = format!("+subnet={}.{}.{}.0/24", rng.u8(..), rng.u8(..), rng.u8(..));
    // Any size, or about as many octets as the longest answers have.
    let size = if rng.bool() { rng.u16(..) } else { rng.u16(500..700) };
    let sizes = [format!("+bufsize={size}"), "+subnet=0.0.0.0/0".to_owned(), subnet];
    let usual = ["+rd", "+do", "+cookie", "+ad", "+cd", "+tcp"].map(str::to_owned);
    words.extend(usual.into_iter().chain(sizes).filter(|_| rng.u8(..3) == 0));
    let unusual =
        ["+nsid", "+aa", "+tc", "+z", "+class=3", "+opcode=4", "+edns=1", "+option=77", "+eflags=77"];
    words.extend(unusual.map(str::to_owned).into_iter().filter(|_| rng.u8(..40) == 0));
    let mut ask = Ask::new(&words.join(" "));
    for octet in &mut ask.bytes[12..] {
        if octet.is_ascii_alphabetic() && rng.u8(..4) == 0 {
            *octet ^= 0x20;
        }
    }
    if rng.u8(..8) == 0 {
        let place = rng.usize(..ask.bytes.len());
        ask.bytes[place] = rng.u8(..);
    }
    if rng.u8(..20) == 0 {
        ask.bytes.truncate(rng.usize(..ask.bytes.len()));
    }
    ask
}

/// Answers both ways. Returns whether the short one also explains that it fails open; `None`: it has said nothing.
fn compare(chance: &Chance, ask: &Ask, buffers: &mut [Vec<u8>; 2]) -> Option<bool> {
    let source = AnswerSource {
        idle: Duration::from_secs(10),
        cookies: Some(&COOKIES),
        transactions: false,
        tree: &chance.tree,
        identity: &Identity::of("ns1"),
        steer: |chooser, kind, requester: &Requester| chance.steer(chooser, kind, requester),
    };
    let arrival = Arrival { client: CLIENT, transport: ask.transport, at: NOW };
    let [short, full] = buffers;
    let said = plain::respond(&source, &ask.bytes, arrival, short)?;
    let expected = respond_in_full(&source, &ask.bytes, arrival, full);
    let told = || format!("{}\n{:#?}", ask.bytes.escape_ascii(), chance.zones);
    assert_eq!(said, expected, "{}", told());
    let Disposition::Reply { length, .. } = said else { panic!("silence is left to the engine") };
    assert_eq!(
        short[..length].escape_ascii().to_string(),
        full[..length].escape_ascii().to_string(),
        "{}",
        told()
    );
    let explained = b"no region is known to be up";
    Some(short[..length].windows(explained.len()).any(|octets| octets == explained))
}

#[test]
fn the_short_way_says_nothing_or_what_the_engine_says_octets_and_tally() {
    let mut buffers = [vec![0; MAX_REPLY], vec![0; MAX_REPLY]];
    let (mut said, mut explained) = (0, 0);
    for seed in 0..WORLDS {
        let mut rng = Rng::with_seed(seed);
        let chance = Chance::draw(&mut rng);
        for _ in 0..PACKETS {
            let reply = compare(&chance, &random_packet(&chance, &mut rng), &mut buffers);
            said += u64::from(reply.is_some());
            explained += u64::from(reply == Some(true));
        }
    }
    // A law about nothing would hold, too.
    assert!(said * 12 > WORLDS * PACKETS, "{said}");
    assert!(explained * 500 > WORLDS * PACKETS, "{explained}");
}
