//! The laws of transfers: numbers never go back, differences lead from one zone to the next, and every message is small and
//! signed.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use hickory_proto::op::Message;
use hickory_proto::rr::{RData, RecordType};

use super::*;
use crate::engine::{Arrival, MAX_REPLY, Transport};
use crate::health::{Standing, View};
use crate::moment::Moment;
use crate::snapshot::{Base, Snapshot, fixture};
use crate::wire::{Query, TsigAlgorithm, TsigKey, TsigRecord, tsig_of};

const REGIONS: &str = "\
regions:
  tokyo: { location: { latitude: 35, longitude: 139 }, jurisdiction: JP, zones: { a: { addresses: [192.0.2.1, '2001:db8::1'] } } }
  lyon: { location: { latitude: 46, longitude: 5 }, jurisdiction: FR, zones: { a: { addresses: [192.0.2.2] } } }
";

const ZONE: &str = "\
zone: example.com
nameservers: [ns1.example.net]
transfer: { clients: [{ networks: 127.0.0.1 }] }
names:
  '@': { steer: { regions: [tokyo, lyon], order: listed, https: {} } }
  WWW: { CNAME: example.com. }
";

/// A moment in the summer of 2027.
const NOW: Moment = Moment(1_816_000_000_000);

fn base(zone: &str) -> Arc<Base> {
    let mut base = fixture::base(REGIONS, zone);
    let key = TsigKey::new(b"\x03key\0", TsigAlgorithm::HmacSha256, &[9; 32]).expect("a name");
    base.tsig_keys = [key].into();
    Arc::new(base)
}

fn snapshot(base: &Arc<Base>, is_up: [bool; 2]) -> Snapshot {
    let standing = |is_up| if is_up { Standing::Up } else { Standing::Down { since: Moment(0) } };
    // Tokyo has an address of each family.
    let standings = [is_up[0], is_up[0], is_up[1]].map(standing);
    let view = View::counted(&base.config.regions, standings.to_vec());
    Snapshot::compile(Arc::clone(base), view, 1)
}

/// Returns a zone with so many more names, whose text is this.
fn larger(names: usize, text: &str) -> String {
    let name = |number| format!("  name{number}: {{ TXT: '{text} {number}' }}\n");
    format!("{ZONE}{}", (0..names).map(name).collect::<String>())
}

/// Asks for the zone over TCP, and returns every message of the reply; `held`: by IXFR since that number.
fn transfer(
    snapshot: &Snapshot,
    transfers: &Transfers,
    held: Option<Serial>,
    key: Option<&TsigKey>,
) -> Vec<Vec<u8>> {
    let mut request = request(held);
    if let Some(key) = key {
        key.sign_request(&mut request, NOW.0 / 1000);
    }
    let mut buffer = vec![0; MAX_REPLY];
    let source = TransferSource { snapshot, transfers };
    let arrival = Arrival { client: Ipv4Addr::LOCALHOST.into(), transport: Transport::Tcp, at: NOW };
    let answered = respond(source, &request, arrival, &mut buffer);
    match answered.reply {
        TransactionReply::Message { length, .. } => vec![buffer[..length].to_vec()],
        TransactionReply::Silence => Vec::new(),
        TransactionReply::Stream(mut stream, _) => std::iter::from_fn(|| {
            let length = stream.next(&mut buffer, NOW)?;
            Some(buffer[..length].to_vec())
        })
        .collect(),
    }
}

fn request(held: Option<Serial>) -> Vec<u8> {
    let mut request = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\xfc\0\x01".to_vec();
    if let Some(Serial(serial)) = held {
        request[9] = 1;
        let end = request.len();
        request[end - 3] = 251;
        request.extend(b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x16\0\0");
        request.extend(serial.to_be_bytes());
        request.extend([0; 16]);
    }
    request
}

/// Returns the records of messages as text, in their order.
fn records(messages: &[Vec<u8>]) -> Vec<(RecordType, String)> {
    let messages = messages.iter().map(|message| Message::from_vec(message).expect("a message"));
    let records = messages.flat_map(|message| message.answers);
    records.map(|record| (record.record_type(), record.to_string().to_lowercase())).collect()
}

/// Returns the zone that a secondary has after a reply, if it had one before; panics where the reply asks for what cannot be done.
fn applied(before: Option<&BTreeSet<String>>, messages: &[Vec<u8>]) -> BTreeSet<String> {
    let records = records(messages);
    let is_soa = |(rtype, _): &&(RecordType, String)| *rtype == RecordType::SOA;
    assert!(is_soa(&&records[0]) && records.first() == records.last(), "{records:?}");
    let is_difference = records.get(1).is_some_and(|second| is_soa(&second)) && records.len() > 2;
    if !is_difference {
        return records[..records.len() - 1].iter().map(|(_, text)| text.clone()).collect();
    }
    let mut zone = before.expect("differences are of a zone that is there").clone();
    let mut is_adding = true;
    for (rtype, text) in &records[1..records.len() - 1] {
        if *rtype == RecordType::SOA {
            is_adding = !is_adding;
        }
        match is_adding {
            true => assert!(zone.insert(text.clone()), "{text} is there already"),
            false => assert!(zone.remove(text), "{text} is not there"),
        }
    }
    zone
}

#[test]
fn a_whole_zone_is_its_soa_record_then_all_others_each_once_then_the_soa_record_again() {
    let base = base(ZONE);
    let snapshot = snapshot(&base, [true, true]);
    let transfers = SerialBook::default().take(&snapshot, NOW);
    let texts: Vec<String> =
        records(&transfer(&snapshot, &transfers, None, None)).into_iter().map(|(_, text)| text).collect();
    let soa =
        "example.com. 3600 in soa ns1.example.net. hostmaster.example.com. 1816000000 7200 900 1209600 60";
    assert_eq!(
        texts,
        [
            soa,
            "example.com. 3600 in ns ns1.example.net.",
            "www.example.com. 3600 in cname example.com.",
            "example.com. 30 in a 192.0.2.1",
            "example.com. 30 in aaaa 2001:db8::1",
            "example.com. 30 in https 1 . ipv4hint=192.0.2.1, ipv6hint=2001:db8::1,",
            soa,
        ]
    );
}

#[test]
fn differences_lead_from_every_number_that_is_known_to_the_present_zone() {
    let mut rng = Rng::with_seed(11);
    for _ in 0..8 {
        let mut book = SerialBook::default();
        // By serial number: what a secondary has.
        let mut had: Vec<(Serial, BTreeSet<String>)> = Vec::new();
        let mut now = NOW;
        for step in 0..12 {
            let zone = larger(rng.usize(..4), ["one", "two"][rng.usize(..2)]);
            let zone = if rng.bool() { zone.replace("ns1.", "ns2.") } else { zone };
            let snapshot = snapshot(&base(&zone), [rng.bool(), rng.bool()]);
            now = now.plus(Duration::from_millis(rng.u64(..3000)));
            let transfers = book.take(&snapshot, now);
            let whole = applied(None, &transfer(&snapshot, &transfers, None, None));
            for (serial, zone) in &had {
                let reply = transfer(&snapshot, &transfers, Some(*serial), None);
                let kinds = records(&reply).len();
                let reached = if kinds == 1 { zone.clone() } else { applied(Some(zone), &reply) };
                assert_eq!(reached, whole, "step {step} from {serial}");
            }
            let serial = transfers.zones[0].serial;
            if had.last().is_none_or(|(last, _)| *last != serial) {
                had.push((serial, whole));
            }
        }
    }
}

#[test]
fn an_unknown_number_gets_the_whole_zone_and_the_present_or_a_later_one_the_soa_record_alone() {
    let base = base(ZONE);
    let snapshot = snapshot(&base, [true, true]);
    let transfers = SerialBook::default().take(&snapshot, NOW);
    let serial = transfers.zones[0].serial;
    let count = |held| records(&transfer(&snapshot, &transfers, Some(held), None)).len();
    assert_eq!((count(serial), count(serial.plus(1)), count(serial.plus(u32::MAX))), (1, 1, 7));
}

#[test]
fn messages_are_bounded_and_each_is_signed_over_the_one_before() {
    let base = base(&larger(2000, &"x".repeat(100)));
    let snapshot = snapshot(&base, [true, true]);
    let transfers = SerialBook::default().take(&snapshot, NOW);
    let key = &base.tsig_keys[0];
    let messages = transfer(&snapshot, &transfers, None, Some(key));
    assert!(messages.len() > 10 && messages.iter().all(|message| message.len() <= MESSAGE_OCTETS));
    let mut before = {
        let mut request = request(None);
        key.sign_request(&mut request, NOW.0 / 1000)
    };
    let mut is_first = true;
    for message in &messages {
        let mut as_request = message.clone();
        as_request[2] &= 0x7f;
        let at = Query::parse(&as_request).map(|_| message.len() - record_octets(key)).expect("a header");
        let record = TsigRecord::read(message, at).expect("the last record is a signature");
        if is_first {
            assert!(record.is_signed_by(key, message, &before));
        }
        assert!(is_first || !record.is_signed_by(key, message, &before), "only the first covers all fields");
        before = message[message.len() - 6 - 32..message.len() - 6].to_vec();
        is_first = false;
    }
    assert_eq!(records(&messages).len(), 2000 + 7);
}

/// Returns the octets of a signature of a key.
fn record_octets(key: &TsigKey) -> usize {
    key.name().len() + 10 + 13 + 16 + 32
}

/// Plays changes of health and configuration, restarts with and without a clean end, lost state and a clock that goes back, and
/// holds that no number goes back and that other data has another number.
#[test]
fn a_serial_number_never_goes_back_and_stands_for_one_content() {
    let bases: Vec<_> =
        [ZONE.to_owned(), larger(1, "one"), larger(1, "two")].iter().map(|zone| base(zone)).collect();
    let written: Vec<_> = [7_u32, 2_027_010_101, 2_027_010_150]
        .map(|serial| ZONE.replace("names:", &format!("soa: {{ serial: {serial} }}\nnames:")))
        .iter()
        .map(|zone| base(zone))
        .collect();
    for seed in 0..60 {
        let mut rng = Rng::with_seed(seed);
        let bases = if rng.bool() { &bases } else { &written };
        let mut book = SerialBook::default();
        let mut told: Vec<(Serial, [u8; 32])> = Vec::new();
        let mut on_disk = SavedSerials::default();
        let mut now = NOW;
        for _ in 0..60 {
            now = now.plus(Duration::from_millis(rng.u64(..2500)));
            let event = rng.u8(..12);
            match event {
                // A restart after a clean end, or after none.
                0 => book = SerialBook::after(book.saved(true)),
                1 => book = SerialBook::after(on_disk.clone()),
                2 => now = now.minus(Duration::from_secs(rng.u64(..100))),
                _ => {}
            }
            let snapshot = snapshot(&bases[rng.usize(..3)], [rng.bool(), rng.bool()]);
            let transfers = book.take(&snapshot, now);
            // The disk is some changes late at times, but never at a start, which waits for it, nor so late that its number
            // is no longer ahead.
            let ahead = on_disk.0.values().next().map(|saved| Serial(saved.serial));
            let is_late = ahead.is_none_or(|ahead| !ahead.is_after(transfers.zones[0].serial));
            if rng.u8(..3) > 0 || event < 2 || is_late {
                on_disk = book.saved(false);
            }
            let zone = &transfers.zones[0];
            let now_told = (zone.serial, zone.content.digest());
            if let Some((serial, digest)) = told.last() {
                assert!(
                    zone.serial == *serial || zone.serial.is_after(*serial),
                    "seed {seed}: {told:?}, {now_told:?}"
                );
                assert!(
                    zone.serial != *serial || now_told.1 == *digest,
                    "seed {seed}: {told:?}, {now_told:?}"
                );
            }
            told.push(now_told);
        }
    }
}

#[test]
fn a_clean_restart_keeps_the_number_and_a_lost_state_begins_with_the_time() {
    let base = base(ZONE);
    let snapshot = snapshot(&base, [true, true]);
    let mut book = SerialBook::default();
    let first = book.take(&snapshot, NOW).zones[0].serial;
    let later = NOW.plus(Duration::from_secs(60));
    let mut again = SerialBook::after(book.saved(true));
    assert_eq!(again.take(&snapshot, later).zones[0].serial, first);
    let mut crashed = SerialBook::after(book.saved(false));
    assert!(crashed.take(&snapshot, later).zones[0].serial.is_after(first));
    assert_eq!(SerialBook::default().take(&snapshot, later).zones[0].serial, Serial(1_816_000_060));
}

#[test]
fn a_zone_that_is_taken_out_and_comes_back_goes_on_after_its_number() {
    let with = snapshot(&base(&ZONE.replace("names:", "soa: { serial: 3000000000 }\nnames:")), [true, true]);
    let without = snapshot(
        &base(&ZONE.replace("transfer: { clients: [{ networks: 127.0.0.1 }] }\n", "")),
        [true, true],
    );
    let mut book = SerialBook::default();
    let first = book.take(&with, NOW).zones[0].serial;
    assert_eq!(first, Serial(3_000_000_000));
    assert!(book.take(&without, NOW).zones.is_empty());
    assert!(book.take(&with, NOW).zones[0].serial.is_after(first));
}

#[test]
fn queries_have_the_same_serial_number_as_transfers_in_answers_and_in_negative_ones() {
    let base = base(ZONE);
    let snapshot = snapshot(&base, [true, true]);
    let transfers = SerialBook::default().take(&snapshot, NOW);
    let names = crate::engine::ServedNames { tree: &transfers.tree, transactions: true };
    let arrival = Arrival { client: IpAddr::V4(Ipv4Addr::LOCALHOST), transport: Transport::Udp, at: NOW };
    let ask = |question: &[u8]| {
        let query = [b"\x12\x34\0\0\0\x01\0\0\0\0\0\0", question].concat();
        let mut reply = [0; 1232];
        let crate::engine::Disposition::Reply { length, .. } =
            crate::engine::answer_under(&snapshot, names, &query, arrival, &mut reply)
        else {
            panic!("it is answered")
        };
        let message = Message::from_vec(&reply[..length]).expect("a message");
        let soa = message.answers.iter().chain(&message.authorities).find_map(|record| match &record.data {
            RData::SOA(soa) => Some(soa.serial),
            _ => None,
        });
        soa.expect("a SOA record")
    };
    let questions: [&[u8]; 4] = [
        b"\x07example\x03com\0\0\x06\0\x01",
        b"\x07example\x03com\0\0\x10\0\x01",
        b"\x03www\x07example\x03com\0\0\x06\0\x01",
        b"\x02no\x07example\x03com\0\0\x01\0\x01",
    ];
    assert_eq!(questions.map(ask), [1_816_000_000; 4]);
}

#[test]
fn a_signed_query_gets_a_signed_reply_and_one_that_is_late_the_time_of_the_server() {
    let base = base(ZONE);
    let snapshot = snapshot(&base, [true, true]);
    let transfers = SerialBook::default().take(&snapshot, NOW);
    let ask = |late: u64| {
        let mut query = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x06\0\x01".to_vec();
        let mac = base.tsig_keys[0].sign_request(&mut query, NOW.0 / 1000 - late);
        let mut reply = [0; 1232];
        let arrival = Arrival { client: Ipv4Addr::LOCALHOST.into(), transport: Transport::Udp, at: NOW };
        let source = TransferSource { snapshot: &snapshot, transfers: &transfers };
        let answered = respond(source, &query, arrival, &mut reply);
        let TransactionReply::Message { length, tally } = answered.reply else { panic!("one message") };
        let mut as_request = reply[..length].to_vec();
        as_request[2] &= 0x7f;
        let query = Query::parse(&as_request).expect("a header");
        let record = tsig_of(&query, &reply[..length]).ok().flatten();
        // A reply has records where a query has none, and is then no well-formed query; the signature is found all the same.
        let record = record.expect("it is signed");
        assert!(record.is_signed_by(&base.tsig_keys[0], &reply[..length], &mac), "{late} s");
        (answered.refusal, tally.rcode.as_str(), record.error())
    };
    assert_eq!(ask(0), (None, "NOERROR", 0));
    assert_eq!(ask(301), (Some(TransferRefusal::BadTime), "NOTAUTH", 18));
}

/// A schedule for a zone with one secondary.
fn told(serials: &[(u64, bool)]) -> Vec<u64> {
    let zone = ZONE.replace("127.0.0.1 }] }", "127.0.0.1 }], notify: [{ address: 192.0.2.9 }] }");
    let base = base(&zone);
    let (mut book, mut schedule) = (SerialBook::default(), NotifySchedule::default());
    let at = |milliseconds| NOW.plus(Duration::from_millis(milliseconds));
    let mut sent = Vec::new();
    let mut changes = serials.iter().peekable();
    let mut transfers = Arc::new(Transfers::none(&base));
    let end = 200_000;
    for passed in (0..end).step_by(100) {
        while let Some((_, is_up)) = changes.next_if(|(at, _)| *at <= passed) {
            transfers = book.take(&snapshot(&base, [*is_up, true]), at(passed));
            schedule.take(&transfers, at(passed));
        }
        if schedule.due_at().is_some_and(|due| due <= at(passed)) {
            let due = schedule.due(&transfers, &[], (at(passed), at(passed)), || 7);
            sent.extend(due.iter().map(|_| passed));
        }
    }
    sent
}

#[test]
fn a_secondary_is_told_at_once_and_again_until_it_acknowledges_with_longer_and_longer_waits() {
    assert_eq!(told(&[(0, true)]), [0, 1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000, 183_000]);
}

#[test]
fn a_zone_that_changes_all_the_time_is_told_once_a_second() {
    let changes: Vec<_> = (0..100).map(|number| (number * 100, number % 2 == 0)).collect();
    let sent = told(&changes);
    let early: Vec<u64> = sent.iter().copied().filter(|at| *at <= 10_000).collect();
    assert!(early.windows(2).all(|pair| pair[1] - pair[0] >= 1000), "{early:?}");
    assert_eq!(early.len(), 11, "{early:?}");
}

#[test]
fn steered_names_are_given_as_to_the_group_that_is_named_and_left_out_where_it_gets_nothing() {
    let given = |steer: &str, transfer_as: &str| {
        let zone = format!(
            "zone: example.com\nnameservers: [ns1.example.net]\ngroups: {{ eu: {{ european_union: true }} }}\n\
             transfer: {{ clients: [{{ networks: 127.0.0.1 }}] }}\n{transfer_as}names:\n  \
             '@': {{ steer: {{ regions: [tokyo, lyon], order: listed, {steer} }} }}\n"
        );
        let base = base(&zone);
        let snapshot = snapshot(&base, [true, true]);
        let sets = snapshot.chosen_sets(&base.config.transfers[0]);
        sets.iter().filter_map(|set| set.records.records().next()?.try_into().ok()).collect::<Vec<[u8; 4]>>()
    };
    let rule = "residency: [{ clients: eu, jurisdictions: [FR] }]";
    assert_eq!(given(rule, ""), [[192, 0, 2, 1]]);
    assert_eq!(given(rule, "transfer_as: eu\n"), [[192, 0, 2, 2]]);
    assert_eq!(given(rule, "transfer_as: unknown\n"), [[192, 0, 2, 1]]);
    let none = "residency: [{ clients: eu, jurisdictions: [US], otherwise: servfail }]";
    assert_eq!(given(none, "transfer_as: eu\n"), [[0; 4]; 0]);
}
