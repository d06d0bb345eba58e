//! Laws: whatever comes, replies keep the format and the bounds, and say what was configured.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::wire::LowerName;
use crate::zone::Name;

/// Holds what every reply to `request` must, and returns it.
fn lawful(request: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let (outcome, bytes) = reply(&zones(), request, transport);
    let Disposition::Reply { length, .. } = outcome else {
        assert!(request.len() < 12 || request[2] & 0x80 != 0);
        return None;
    };
    let most = match transport {
        Transport::Udp => 1232,
        Transport::Tcp => MAX_REPLY,
    };
    assert!(length <= most);
    assert_eq!(bytes[..2], request[..2], "the ID");
    assert_eq!(bytes[2] & 0xf8, 0x80 | request[2] & 0x78, "QR and the opcode");
    assert_eq!(bytes[3] & 0xf0, 0, "RA, Z, AD and CD");
    if bytes[5] == 1 {
        let (_, name_end) = LowerName::read(&bytes, 12).expect("the question is there");
        assert_eq!(bytes[12..name_end + 4], request[12..name_end + 4], "the question");
    }
    Message::from_vec(&bytes).expect("a reply can be read");
    Some(bytes)
}

/// Questions that meet everything there is in the zones.
fn questions() -> impl Strategy<Value = String> {
    let labels = prop::sample::select(vec![
        "",
        "www.",
        "a.",
        "*.",
        "wild.",
        "cut.",
        "moved.",
        "geo.",
        "alias2.",
        "child.",
        "loop1.",
        "long.",
        "grow.",
        "empty.terminal.",
        "steer.",
        "across.",
        "walias.",
        "refused.",
        "ns.",
    ]);
    let apexes = prop::sample::select(vec!["example.com.", "example.org.", "com.", "example.net."]);
    let types =
        prop::sample::select(vec!["A", "AAAA", "TXT", "MX", "DS", "ANY", "HTTPS", "NS", "SOA", "999"]);
    let words = prop::sample::subsequence(
        vec![
            "+rd",
            "+do",
            "+nsid",
            "+subnet=203.0.113.0/24",
            "+bufsize=600",
            "+option=77",
            "+tcp",
            "+cookie",
        ],
        0..=4,
    );
    (labels.clone(), labels, apexes, types, words, any::<u16>()).prop_map(
        |(first, second, apex, rtype, words, id)| {
            format!("{first}{second}{apex} {rtype} {} +id={id}", words.join(" "))
        },
    )
}

/// Returns every record that is configured, without its TTL, in lower case.
fn configured() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for zone in zones() {
        for (owner, node) in &zone.nodes {
            for rrset in &node.rrsets {
                for data in &rrset.rdata {
                    let record = Record::from_rdata(owner.clone(), 0, data.clone());
                    all.insert(line("", &record).to_lowercase());
                }
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_get_silence_or_a_lawful_reply(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        lawful(&bytes, Transport::Udp);
        lawful(&bytes, Transport::Tcp);
    }

    #[test]
    fn damaged_questions_get_silence_or_a_lawful_reply(
        question in questions(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        more in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = Ask::new(&question).bytes;
        for (place, octet) in damage {
            let place = place.index(bytes.len());
            bytes[place] = octet;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.extend(more);
        lawful(&bytes, Transport::Udp);
    }

    #[test]
    fn every_static_record_in_a_reply_is_configured_under_its_name_or_a_wildcard(question in questions()) {
        let ask = Ask::new(&question);
        let bytes = lawful(&ask.bytes, ask.transport).expect("a question gets a reply");
        let configured = configured();
        let message = Message::from_vec(&bytes).expect("a reply can be read");
        for record in message.answers.iter().chain(&message.authorities).chain(&message.additionals) {
            let is_steered = record.ttl == 30;
            let mut plain = record.clone();
            plain.ttl = 0;
            let text = line("", &plain).to_lowercase();
            // From a wildcard, the data is that of the wildcard, and the owner is the question's.
            let (_, data) = text.trim_start().split_once(' ').expect("an owner");
            let synthesised = configured.iter().any(|line| line.starts_with(" *.") && line.ends_with(data));
            let redirected = message.answers.iter().any(|record| record.record_type() == RecordType::DNAME);
            prop_assert!(
                configured.contains(&text) || synthesised || redirected || is_steered,
                "{question}: {text}"
            );
        }
    }

    #[test]
    fn equal_requests_get_equal_replies(question in questions()) {
        let ask = Ask::new(&question);
        prop_assert_eq!(lawful(&ask.bytes, ask.transport), lawful(&ask.bytes, ask.transport));
    }
}

/// Every static RRset, asked for by name and type, comes back whole and unchanged.
#[test]
fn what_is_configured_is_what_is_answered() {
    let child: Name = "child.example.com.".parse().expect("a name");
    for zone in zones() {
        for (owner, node) in &zone.nodes {
            for rrset in &node.rrsets {
                let ask = Ask::new(&format!("{owner} {} +tcp", u16::from(rrset.rtype)));
                let bytes = lawful(&ask.bytes, ask.transport).expect("a question gets a reply");
                let message = Message::from_vec(&bytes).expect("a reply can be read");
                let is_referral = !message.metadata.authoritative;
                let is_of_the_child = child.zone_of(owner) && zone.apex != child;
                if is_referral || is_of_the_child && rrset.rtype != RecordType::DS {
                    continue;
                }
                let own = message.answers.iter().filter(|record| record.name == *owner);
                let answered: BTreeSet<String> = own.map(|record| line("", record)).collect();
                let wanted = rrset.rdata.iter();
                let wanted = wanted.map(|data| {
                    line("", &Record::from_rdata(owner.clone(), rrset.ttl.seconds(), data.clone()))
                });
                assert_eq!(answered, wanted.collect(), "{owner} {}", rrset.rtype);
            }
        }
    }
}
