//! Replies that do not fit: what is left out, and how the sender is told.

use super::*;

/// A zone whose names need 621, 1300 and 72000 octets, and with referrals of about 700 and more.
fn big() -> Vec<Zone> {
    let address = |host: &str, last: usize| format!("{host} A 10.0.{}.{}", last / 256, last % 256);
    let mut records: Vec<String> = (0..36).map(|last| address("some", last)).collect();
    records.extend((0..78).map(|last| address("many", last)));
    records.extend((0..3000).map(|last| address("more", last)));
    records.extend((0..4500).map(|last| address("most", last)));
    records.push("alias CNAME many.example.com.".to_owned());
    for server in 0..13 {
        let host = format!("a-name-server-with-a-long-name-{server}");
        records.push(format!("cut NS {host}.cut.example.com."));
        records.push(format!("{host}.cut A 192.0.2.{server}"));
        records.push(format!("sibling NS {host}.siblings.example.com."));
        records.push(format!("siblings NS {host}.siblings.example.com."));
        records.push(format!("{host}.siblings A 192.0.2.{server}"));
        let label = "x".repeat(55);
        records.push(format!("wide NS {label}{server}.{label}.wide.example.com."));
    }
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    vec![zone("example.com.", &records)]
}

/// Asks, and compares the flags, the numbers of records by section, and whether the question and the OPT
/// record are there.
fn check(question: &str, limit: usize, status: &str, counts: [u16; 4]) {
    let ask = Ask::new(question);
    let (outcome, bytes) = reply(&big(), &ask.bytes, ask.transport);
    let Disposition::Reply { tally, .. } = outcome else {
        panic!("{question}: silence");
    };
    assert!(bytes.len() <= limit, "{question}: {} octets", bytes.len());
    assert_eq!(in_words(&tally.rcode, &bytes), status, "{question}");
    let section = |at| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    assert_eq!([4, 6, 8, 10].map(section), counts, "{question}");
    Message::from_vec(&bytes).expect("a reply can be read");
}

#[test]
fn a_reply_is_bounded_by_512_by_the_senders_size_and_by_1232_octets() {
    check("some.example.com. A", 512, "NOERROR aa tc", [1, 0, 0, 0]);
    check("some.example.com. A +bufsize=100", 512, "NOERROR aa tc", [1, 0, 0, 1]);
    check("some.example.com. A +bufsize=621", 621, "NOERROR aa", [1, 36, 0, 1]);
    check("some.example.com. A +bufsize=620", 620, "NOERROR aa tc", [1, 0, 0, 1]);
    check("many.example.com. A +bufsize=4096", 1232, "NOERROR aa tc", [1, 0, 0, 1]);
    check("many.example.com. A +bufsize=512 +tcp", 65535, "NOERROR aa", [1, 78, 0, 1]);
}

#[test]
fn three_thousand_addresses_are_answered_over_tcp_all_of_them() {
    check("more.example.com. A +tcp +edns", 65535, "NOERROR aa", [1, 3000, 0, 1]);
}

#[test]
fn what_does_not_fit_into_tcp_either_is_cut_too() {
    check("most.example.com. A +tcp", 65535, "NOERROR aa tc", [1, 0, 0, 0]);
}

#[test]
fn the_rrsets_before_the_one_that_does_not_fit_stay() {
    check("alias.example.com. A", 512, "NOERROR aa tc", [1, 1, 0, 0]);
}

#[test]
fn a_referral_without_its_required_glue_is_truncated() {
    check("www.cut.example.com. A +edns", 1232, "NOERROR", [1, 0, 13, 14]);
    check("www.cut.example.com. A +bufsize=700", 700, "NOERROR tc", [1, 0, 13, 3]);
}

#[test]
fn a_referral_without_the_glue_of_a_sibling_is_whole() {
    check("www.sibling.example.com. A +edns", 1232, "NOERROR", [1, 0, 13, 14]);
    check("www.sibling.example.com. A +bufsize=700", 700, "NOERROR", [1, 0, 13, 2]);
}

#[test]
fn a_referral_without_its_servers_is_truncated_and_empty() {
    check("www.wide.example.com. A", 512, "NOERROR tc", [1, 0, 0, 0]);
}

#[test]
fn the_longest_question_leaves_room_for_the_opt_with_all_its_options() {
    let label = "a".repeat(62);
    let question = format!("{label}.{label}.{label}.{label}. A +nsid +cookie +subnet=2001:db8::1/128");
    check(&question, 512, "REFUSED", [1, 0, 0, 1]);
}
