//! What an authoritative server answers from its zones.

use super::check;

const SOA: &str = "NS example.com. 300 SOA ns1.example.net.";
const ORG_SOA: &str = "NS example.org. 300 SOA ns1.example.net.";
const CHILD_SOA: &str = "NS child.example.com. 300 SOA ns1.example.net.";
const WWW: &str = "AN www.example.com. 3600 A 192.0.2.1";
const ALIAS: &str = "AN alias.example.com. 3600 CNAME www.example.com.";

#[test]
fn an_rrset_is_answered_with_authority() {
    check("www.example.com. A", "NOERROR aa", &[WWW]);
    check("www.example.com. AAAA", "NOERROR aa", &["AN www.example.com. 3600 AAAA 2001:db8::1"]);
    check("example.com. MX", "NOERROR aa", &["AN example.com. 3600 MX 10 mail.example.com."]);
    check(
        "_s._tcp.example.com. SRV",
        "NOERROR aa",
        &["AN _s._tcp.example.com. 3600 SRV 1 2 443 www.example.com."],
    );
}

#[test]
fn the_apex_has_the_soa_and_the_ns_records_as_configured() {
    check("example.com. SOA", "NOERROR aa", &["AN example.com. 3600 SOA ns1.example.net."]);
    check("example.com. NS", "NOERROR aa", &["AN example.com. 3600 NS ns1.example.net."]);
}

#[test]
fn the_case_of_the_question_is_kept_and_does_not_matter() {
    check("WwW.eXample.COM. A", "NOERROR aa", &["AN WwW.eXample.COM. 3600 A 192.0.2.1"]);
}

#[test]
fn a_name_without_the_type_is_nodata_and_a_missing_name_is_nxdomain_both_with_the_soa() {
    check("www.example.com. MX", "NOERROR aa", &[SOA]);
    check("www.example.com. 1000", "NOERROR aa", &[SOA]);
    check("missing.example.com. A", "NXDOMAIN aa", &[SOA]);
    check("below.www.example.com. A", "NXDOMAIN aa", &[SOA]);
}

#[test]
fn an_empty_non_terminal_exists() {
    check("terminal.example.com. A", "NOERROR aa", &[SOA]);
    check("empty.terminal.example.com. A", "NOERROR aa", &[SOA]);
    check("other.terminal.example.com. A", "NXDOMAIN aa", &[SOA]);
}

#[test]
fn a_name_outside_every_zone_is_refused() {
    check("example.net. A", "REFUSED", &[]);
    check("com. A", "REFUSED", &[]);
    check(". NS", "REFUSED", &[]);
    check("notexample.com. A", "REFUSED", &[]);
}

#[test]
fn a_wildcard_stands_for_names_that_do_not_exist() {
    check("a.wild.example.com. TXT", "NOERROR aa", &["AN a.wild.example.com. 3600 TXT wild"]);
    check("a.b.wild.example.com. TXT", "NOERROR aa", &["AN a.b.wild.example.com. 3600 TXT wild"]);
    check("*.wild.example.com. TXT", "NOERROR aa", &["AN *.wild.example.com. 3600 TXT wild"]);
    check("a.wild.example.com. A", "NOERROR aa", &[SOA]);
}

#[test]
fn a_wildcard_stands_for_no_name_that_exists_and_for_none_below_one() {
    check("there.wild.example.com. TXT", "NOERROR aa", &[SOA]);
    check("a.there.wild.example.com. TXT", "NXDOMAIN aa", &[SOA]);
    check("a.*.wild.example.com. TXT", "NXDOMAIN aa", &[SOA]);
    check("wild.example.com. TXT", "NOERROR aa", &[SOA]);
}

#[test]
fn an_alias_is_followed_to_the_records_asked_for() {
    check("alias.example.com. A", "NOERROR aa", &[ALIAS, WWW]);
    check(
        "alias2.example.com. A",
        "NOERROR aa",
        &["AN alias2.example.com. 3600 CNAME alias.example.com.", ALIAS, WWW],
    );
    check("alias.example.com. CNAME", "NOERROR aa", &[ALIAS]);
    check("alias.example.com. ANY", "NOERROR aa", &[ALIAS]);
    check(
        "x.walias.example.com. A",
        "NOERROR aa",
        &["AN x.walias.example.com. 3600 CNAME www.example.com.", WWW],
    );
}

#[test]
fn the_end_of_a_chain_decides_the_response_code() {
    check("alias.example.com. MX", "NOERROR aa", &[ALIAS, SOA]);
    check(
        "nowhere.example.com. A",
        "NXDOMAIN aa",
        &["AN nowhere.example.com. 3600 CNAME missing.example.com.", SOA],
    );
    check("outside.example.com. A", "NOERROR aa", &["AN outside.example.com. 3600 CNAME www.example.net."]);
}

#[test]
fn a_chain_goes_on_in_another_zone_of_the_server() {
    check(
        "across.example.com. A",
        "NOERROR aa",
        &[
            "AN across.example.com. 3600 CNAME any.example.org.",
            "AN any.example.org. 3600 CNAME www.example.org.",
            "AN www.example.org. 3600 A 192.0.2.60",
        ],
    );
    check(
        "across.example.com. MX",
        "NOERROR aa",
        &[
            "AN across.example.com. 3600 CNAME any.example.org.",
            "AN any.example.org. 3600 CNAME www.example.org.",
            ORG_SOA,
        ],
    );
}

#[test]
fn a_loop_ends_with_what_there_is_so_far() {
    let loop1 = "AN loop1.example.com. 3600 CNAME loop2.example.com.";
    let loop2 = "AN loop2.example.com. 3600 CNAME loop1.example.com.";
    check("loop1.example.com. A", "NOERROR aa", &[loop1, loop2]);
    check(
        "selfish.example.com. A",
        "NOERROR aa",
        &["AN selfish.example.com. 3600 CNAME selfish.example.com."],
    );
    check(
        "b.loop.example.com. A",
        "NOERROR aa",
        &[
            "AN b.loop.example.com. 3600 CNAME a.loop.example.com.",
            "AN a.loop.example.com. 3600 CNAME a.loop.example.com.",
        ],
    );
}

/// The referral to `cut.example.com.`; the glue of the sibling's server comes after what is required.
const REFERRAL: [&str; 5] = [
    "NS cut.example.com. 3600 NS ns.cut.example.com.",
    "NS cut.example.com. 3600 NS ns.sibling.example.com.",
    "AR ns.cut.example.com. 3600 A 192.0.2.10",
    "AR ns.cut.example.com. 3600 AAAA 2001:db8::10",
    "AR ns.sibling.example.com. 3600 A 192.0.2.11",
];

#[test]
fn names_at_and_below_a_cut_are_referred_without_authority() {
    for question in [
        "cut.example.com. A",
        "cut.example.com. NS",
        "cut.example.com. ANY",
        "www.cut.example.com. A",
        "ns.cut.example.com. A",
        "a.b.cut.example.com. DS",
    ] {
        check(question, "NOERROR", &REFERRAL);
    }
}

#[test]
fn a_referral_at_the_end_of_a_chain_keeps_the_authority_of_its_first_name() {
    let alias = "AN cutter.example.com. 3600 CNAME www.cut.example.com.";
    let records: Vec<&str> = [alias].into_iter().chain(REFERRAL).collect();
    check("cutter.example.com. A", "NOERROR aa", &records);
}

#[test]
fn ds_records_are_answered_by_the_parent_of_the_cut() {
    check("cut.example.com. DS", "NOERROR aa", &["AN cut.example.com. 3600 DS digest"]);
    check("sibling.example.com. DS", "NOERROR aa", &[SOA]);
    // Both sides are here.
    check("child.example.com. DS", "NOERROR aa", &["AN child.example.com. 3600 DS childdigest"]);
    check("www.child.example.com. DS", "NOERROR aa", &[CHILD_SOA]);
    // Only the child is here.
    check("example.org. DS", "NOERROR aa", &[ORG_SOA]);
}

#[test]
fn the_child_answers_for_its_names_where_its_parent_is_here_too() {
    check("www.child.example.com. A", "NOERROR aa", &["AN www.child.example.com. 3600 A 192.0.2.50"]);
    check("child.example.com. TXT", "NOERROR aa", &["AN child.example.com. 3600 TXT child"]);
    check("ns.child.example.com. A", "NXDOMAIN aa", &[CHILD_SOA]);
}

/// The DNAME record of `moved.example.com.`, its data escaped.
const MOVED: &str = "AN moved.example.com. 3600 DNAME \\x07example\\x03org\\x00";

#[test]
fn names_below_a_dname_are_redirected_and_the_owner_is_not() {
    check(
        "www.moved.example.com. A",
        "NOERROR aa",
        &[
            MOVED,
            "AN www.moved.example.com. 3600 CNAME www.example.org.",
            "AN www.example.org. 3600 A 192.0.2.60",
        ],
    );
    check(
        "www.moved.example.com. CNAME",
        "NOERROR aa",
        &[MOVED, "AN www.moved.example.com. 3600 CNAME www.example.org."],
    );
    check("moved.example.com. DNAME", "NOERROR aa", &[MOVED]);
    check("moved.example.com. TXT", "NOERROR aa", &["AN moved.example.com. 3600 TXT here"]);
    check("moved.example.com. A", "NOERROR aa", &[SOA]);
}

#[test]
fn a_redirection_to_a_name_that_is_too_long_is_yxdomain() {
    let label = "c".repeat(60);
    let question = format!("{label}.{label}.{label}.long.example.com. A");
    let dname = "AN long.example.com. 3600 DNAME \\x1eaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
                 \\x1ebbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\\x07example\\x03org\\x00";
    check(&question, "YXDOMAIN aa", &[dname]);
}

#[test]
fn a_redirection_into_itself_ends_and_repeats_no_record() {
    let ask = super::Ask::new("a.grow.example.com. A");
    let (_, bytes) = super::reply(&super::zones(), &ask.bytes, ask.transport);
    let message = super::Message::from_vec(&bytes).expect("a reply can be read");
    let mut lines = super::all_records(&message);
    let count = lines.len();
    lines.sort();
    lines.dedup();
    assert_eq!((lines.len(), count), (13, 13)); // one DNAME, twelve CNAMEs
}

#[test]
fn any_gets_one_rrset() {
    check("www.example.com. ANY", "NOERROR aa", &[WWW]);
    check("example.com. ANY", "NOERROR aa", &["AN example.com. 3600 NS ns1.example.net."]);
    check("terminal.example.com. ANY", "NOERROR aa", &[SOA]);
    check("missing.example.com. ANY", "NXDOMAIN aa", &[SOA]);
}
