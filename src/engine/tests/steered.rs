//! Steered names, and the client subnet in their replies.

use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};

use super::*;

const SOA: &str = "NS example.com. 300 SOA ns1.example.net.";
const FAR: &str = "AN geo.example.com. 30 A 192.0.2.88";
const NEAR: &str = "AN geo.example.com. 30 A 192.0.2.77";

/// Asks with a client subnet, and returns the option of the reply: source, scope and address.
fn check_scope(question: &str, expected: Option<(u8, u8, &str)>) {
    let ask = Ask::new(question);
    let (_, bytes) = reply(&zones(), &ask.bytes, ask.transport);
    let error = extended_error(question).map_or(0, |(_, text)| 6 + text.len());
    let opt =
        bytes.len() - 11 - error - expected.map_or(0, |(source, ..)| 8 + usize::from(source).div_ceil(8));
    assert_eq!(&bytes[opt..opt + 3], [0, 0, 41], "{question}: the OPT has the octets expected");
    let Some((source, scope, address)) = expected else {
        return;
    };
    let octets = match address.parse().expect("an address") {
        IpAddr::V4(v4) => [&[0, 1, source, scope][..], &v4.octets()].concat(),
        IpAddr::V6(v6) => [&[0, 2, source, scope][..], &v6.octets()].concat(),
    };
    let octets = &octets[..4 + usize::from(source).div_ceil(8)];
    assert_eq!(&bytes[opt + error + 15..], octets, "{question}");
}

#[test]
fn the_client_is_the_subnet_if_one_came_and_else_the_transport_address() {
    check("geo.example.com. A", "NOERROR aa", &[FAR]);
    check("geo.example.com. A +subnet=203.0.113.0/24", "NOERROR aa", &[NEAR]);
    check("geo.example.com. A +subnet=0.0.0.0/0", "NOERROR aa", &[FAR]);
}

#[test]
fn a_steered_name_holds_static_records_of_other_types() {
    check("geo.example.com. TXT", "NOERROR aa", &["AN geo.example.com. 3600 TXT about"]);
    check("geo.example.com. MX", "NOERROR aa", &[SOA]);
}

#[test]
fn a_choice_without_records_is_nodata_refused_or_servfail() {
    check("geo.example.com. AAAA", "NOERROR aa", &[SOA]);
    check("geo.example.com. HTTPS", "NOERROR aa", &[SOA]);
    check("refused.example.com. A", "REFUSED", &[]);
    check("broken.example.com. A", "SERVFAIL", &[]);
    check("prohibited.example.com. A", "SERVFAIL", &[]);
    check("sesame.example.com. A", "SERVFAIL", &[]);
}

/// Asks with EDNS, and returns the extended error of the reply (RFC 8914).
fn extended_error(question: &str) -> Option<(u16, String)> {
    let ask = Ask::new(question);
    let (_, bytes) = reply(&zones(), &ask.bytes, ask.transport);
    let edns = Message::from_vec(&bytes).expect("a reply can be read").edns.expect("an OPT record");
    let option = edns.option(EdnsCode::Unknown(15))?;
    let EdnsOption::Unknown(_, data) = option else { panic!("{option:?}") };
    let text = String::from_utf8(data[2..].to_vec()).expect("a text");
    Some((u16::from_be_bytes([data[0], data[1]]), text))
}

#[test]
fn a_client_without_permitted_region_is_told_so_in_an_extended_error() {
    let told = Some((18, "the rules of this name permit no region to this client".to_owned()));
    assert_eq!(extended_error("prohibited.example.com. A +edns"), told);
    assert_eq!(extended_error("sesame.example.com. AAAA +subnet=192.0.2.0/24 +nsid"), told);
    assert_eq!(extended_error("refused.example.com. A +edns"), told);
    assert_eq!(extended_error("geo.example.com. A +edns"), None);
    assert_eq!(extended_error("geo.example.com. AAAA +edns"), None);
}

#[test]
fn an_answer_while_all_regions_are_down_is_told_in_an_extended_error() {
    let told = |text: &str| Some((0, text.to_owned()));
    let down = told("no region that this client may be sent to is up");
    assert_eq!(extended_error("broken.example.com. A +edns"), down);
    let open = told("no region is known to be up; this is the first choice");
    assert_eq!(extended_error("steered6.example.com. AAAA +edns"), open);
    assert_eq!(extended_error("steered6.example.com. ANY +subnet=192.0.2.0/24"), open);
    assert_eq!(extended_error("steered6.example.com. A +edns"), None);
}

#[test]
fn a_name_in_no_zone_of_the_server_is_told_so_in_an_extended_error() {
    assert_eq!(extended_error("example.net. A +edns"), Some((20, String::new())));
    assert_eq!(extended_error("outside.example.com. A +edns"), None);
}

#[test]
fn an_alias_and_a_wildcard_lead_to_a_steered_name() {
    check("steer.example.com. A", "NOERROR aa", &["AN steer.example.com. 3600 CNAME geo.example.com.", FAR]);
    check("x.geo.example.com. A", "NOERROR aa", &["AN x.geo.example.com. 30 A 192.0.2.88"]);
    check_scope("steer.example.com. A +subnet=203.0.113.0/24", Some((24, 24, "203.0.113.0")));
    check_scope("x.geo.example.com. A +subnet=203.0.113.0/24", Some((24, 24, "203.0.113.0")));
}

#[test]
fn a_chain_over_zones_to_a_steered_name_has_the_scope_of_that() {
    for chain in ["geo.example.org.", "geo.moved.example.com."] {
        check_scope(&format!("{chain} A +subnet=203.0.113.0/24"), Some((24, 24, "203.0.113.0")));
        check_scope(&format!("{chain} TXT +subnet=203.0.113.0/24"), Some((24, 0, "203.0.113.0")));
    }
}

#[test]
fn any_at_a_steered_name_gets_the_steered_addresses() {
    check("geo.example.com. ANY", "NOERROR aa", &[FAR]);
    check("steered6.example.com. ANY", "NOERROR aa", &["AN steered6.example.com. 30 AAAA 2001:db8::99"]);
    check_scope("steered6.example.com. ANY +subnet=192.0.2.0/24", Some((24, 18, "192.0.2.0")));
}

#[test]
fn the_scope_is_that_of_the_choice_and_zero_for_all_that_is_static() {
    let subnet = "+subnet=192.0.2.0/24";
    for (question, scope) in [
        ("geo.example.com. A", 24),
        ("geo.example.com. AAAA", 20),
        ("refused.example.com. A", 16),
        ("broken.example.com. A", 8),
        ("prohibited.example.com. A", 9),
        ("sesame.example.com. A", 9),
        ("geo.example.com. TXT", 0),
        ("www.example.com. A", 0),
        ("missing.example.com. A", 0),
        ("www.cut.example.com. A", 0),
        ("example.net. A", 0),
        ("www.example.com. AXFR", 0),
        ("www.example.com. A +class=3", 0),
        ("www.example.com. A +opcode=4", 0),
    ] {
        check_scope(&format!("{question} {subnet}"), Some((24, scope, "192.0.2.0")));
    }
}

#[test]
fn a_subnet_comes_back_as_it_came_and_only_if_it_came() {
    check_scope("geo.example.com. A +edns", None);
    check_scope("geo.example.com. A +subnet=0.0.0.0/0", Some((0, 0, "0.0.0.0")));
    check_scope("geo.example.com. A +subnet=::/0", Some((0, 0, "::")));
    check_scope("geo.example.com. A +subnet=192.0.2.128/25", Some((25, 24, "192.0.2.128")));
    check_scope("geo.example.com. A +subnet=2001:db8::/33", Some((33, 24, "2001:db8::")));
}

#[test]
fn the_tally_says_what_was_answered() {
    let ask = Ask::new("steer.example.com. A +subnet=203.0.113.0/24");
    let (outcome, bytes) = reply(&zones(), &ask.bytes, ask.transport);
    let (steer, _) = crate::wire::LowerName::read(&name("steer.example.com."), 0).expect("a name");
    let tally = super::super::ReplyTally {
        zone: Some(0),
        qtype: Some(1),
        rcode: Rcode::NoError,
        region: Some(RegionId(4)),
        part: None,
        is_leaving: true,
        is_truncated: false,
        has_client_subnet: true,
        cookie: None,
        subject: super::super::ReplySubject::Name(
            NameTree::compile(&zones()).find(&steer).map(|found| found.node.id),
        ),
    };
    let length = bytes.len();
    assert_eq!(outcome, Disposition::Reply { length, tally });
}
