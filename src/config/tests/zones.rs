//! Rules about zones and their records.

use super::*;

#[test]
fn two_zones_with_one_apex_are_refused() {
    check(
        "b.yaml",
        "zone: EXAMPLE.org.\nnameservers: a.b\n",
        &["b.yaml:1:7: there are two zones `EXAMPLE.org.` | the other one is at a.yaml:1"],
    );
}

#[test]
fn a_zone_needs_nameservers() {
    check(
        "b.yaml",
        "zone: example.com\nnames: { x: { steer: { regions: tokyo } } }\n",
        &["b.yaml:0:0: the zone has no NS records | add `nameservers: [ns1.example.net, ns2.example.net]`"],
    );
}

#[test]
fn a_cname_stands_alone() {
    check_names(
        "  a: { CNAME: x.example.net., TXT: y }",
        &[
            "a.yaml:5:8: `a.example.org.` has a CNAME record beside other data | a CNAME stands alone (RFC 1034, section 3.6.2); line 5 has TXT",
        ],
    );
    check_names(
        "  a: { CNAME: [a.example.net., b.example.net.] }",
        &["a.yaml:5:8: a name has at most one CNAME record"],
    );
}

#[test]
fn a_steered_name_has_no_static_addresses() {
    check_names(
        "  a: { steer: { regions: tokyo }, A: 192.0.2.1, TXT: fine }",
        &[
            "a.yaml:5:35: `a.example.org.` is steered and has a static A record | line 5 steers it: its A, AAAA and HTTPS answers are chosen",
        ],
    );
}

#[test]
fn a_steered_name_without_https_may_stand_beside_an_alias_of_that_type() {
    check_names("  a: { steer: { regions: tokyo }, HTTPS: 0 edge.example.net. }", &[]);
    check_names(
        "  a: { steer: { regions: tokyo, https: { alpn: [h2] } }, HTTPS: 0 edge.example.net. }",
        &[
            "a.yaml:5:58: `a.example.org.` is steered and has a static HTTPS record | line 5 steers it: its A, AAAA and HTTPS answers are chosen",
        ],
    );
}

#[test]
fn a_static_https_record_of_a_steered_name_has_no_addresses() {
    let hinted = |target: &str| {
        format!("  a: {{ steer: {{ regions: tokyo }}, HTTPS: '1 {target} alpn=h2 ipv6hint=2001:db8::1' }}")
    };
    let expected = "a.yaml:5:35: `a.example.org.` is steered, and its HTTPS record has addresses for all clients | leave out \
                    `ipv4hint` and `ipv6hint`";
    check_names(&hinted("."), &[expected]);
    check_names(&hinted("a"), &[expected]);
    check_names(
        "  a: { steer: { regions: tokyo }, HTTPS: '1 . alpn=h2 key4=\\192\\000\\002\\001' }",
        &[expected],
    );
    check_names(&hinted("edge.example.net."), &[]);
    check_names("  a: { steer: { regions: tokyo }, HTTPS: 1 . alpn=h2 }", &[]);
}

/// Names whose addresses are chosen, and names beside them.
const CHOSEN: &str = "  a: { steer: { regions: tokyo, pins: true } }
  '*.w': { steer: { regions: tokyo } }
  al: { CNAME: a }
  '*.al': { CNAME: al }
  d: { DNAME: a }
  y.w: { A: 192.0.2.1 }
  cut.w: { NS: ns1.example.net. }
  deep.below.w: { TXT: x }
";

#[test]
fn a_service_record_has_no_addresses_of_a_name_whose_addresses_are_chosen() {
    for (owner, rtype, target, chosen) in [
        ("x", "HTTPS", "a", "a"),
        ("x", "SVCB", "a", "a"),
        ("x", "HTTPS", "tokyo.a", "tokyo.a"),
        ("x", "HTTPS", "z.w", "z.w"),
        ("x", "HTTPS", "al", "a"),
        ("x", "HTTPS", "z.al", "a"),
        ("x", "HTTPS", "tokyo.d.example.org.", "tokyo.a"),
        ("_8443._https.a", "HTTPS", ".", "a"),
        ("_dns.a", "SVCB", ".", "a"),
    ] {
        let record = format!("{CHOSEN}  {owner}: {{ {rtype}: '1 {target} ipv4hint=192.0.2.1' }}");
        let expected = format!(
            "a.yaml:13:{}: the addresses of `{chosen}.example.org.` are chosen for each client, and the {rtype} record of \
             `{owner}.example.org.` has some for all | leave out `ipv4hint` and `ipv6hint`",
            owner.len() + 7
        );
        check_names(&record, &[&expected]);
        check_names(&record.replace("ipv4hint=192.0.2.1", "alpn=h2"), &[]);
    }
}

#[test]
fn a_service_record_may_have_addresses_of_a_name_beside_those_that_are_chosen() {
    // A name of its own, one below a cut, an empty one, and one whose closest encloser has no wildcard.
    for target in ["y.w", "host.cut.w", "below.w", "z.below.w", "edge.example.net."] {
        check_names(&format!("{CHOSEN}  x: {{ HTTPS: '1 {target} ipv4hint=192.0.2.1' }}"), &[]);
    }
}

#[test]
fn name_servers_that_cannot_be_read_are_not_called_missing() {
    check(
        "b.yaml",
        "zone: example.com\nnames:\n  '@': { NS: ns1..example.net. }\n",
        &["b.yaml:3:14: `ns1..example.net.` is not a name: there is nothing between two dots"],
    );
}

#[test]
fn names_stand_inside_of_their_zone() {
    check_names(
        "  www.example.com.: { A: 192.0.2.1 }\n  a..b: { A: 192.0.2.1 }\n  bücher: { A: 192.0.2.1 }\n  empty:",
        &[
            "a.yaml:5:3: name `www.example.com.` is outside of the zone `example.org.` | names are relative to the zone unless they end with a dot",
            "a.yaml:6:3: `a..b` is not a name: there is nothing between two dots",
            "a.yaml:7:3: `bücher` is not a name: it is not ASCII | write its punycode form, `xn--…`",
            "a.yaml:8:3: name `empty` holds nothing | add `steer:`, or records by type as `A: 192.0.2.1`",
        ],
    );
}

#[test]
fn a_wrong_record_is_reported_at_the_wrong_word() {
    check_names(
        "  a: { MX: 10, SRV: 1 2 x a., TXTT: x, TXT: [], TYPE252: x, RRSIG: x, ster: 1 }",
        &[
            "a.yaml:5:12: a name is missing at the end",
            "a.yaml:5:25: `x` is not a number from 0 to 65535",
            "a.yaml:5:31: `TXTT` is not a record type | did you mean `TXT`?",
            "a.yaml:5:40: TXT has no records | write a value, or leave the type out",
            "a.yaml:5:49: `TYPE252` is not a record type | this type cannot stand in a zone",
            "a.yaml:5:61: RRSIG records are made by the server that signs the zone | signed zones are not served: remove the zone's DS records at its parent, then leave these out",
            "a.yaml:5:71: `ster` is not a record type | did you mean `steer`?",
        ],
    );
}

#[test]
fn nothing_is_below_a_dname_and_what_is_delegated_is_not_steered() {
    check_names(
        "  d: { DNAME: example.net. }\n  x.d: { A: 192.0.2.1 }\n  lab: { NS: ns.lab }\n  ns.lab: { A: 192.0.2.2 }\n  api.lab: { steer: { regions: tokyo } }\n  t.lab: { TXT: x }",
        &[
            "a.yaml:6:10: `x.d.example.org.` is below a DNAME | line 5 redirects everything below `d.example.org.` (RFC 6672)",
            "a.yaml:9:21: `api.lab.example.org.` is steered, but delegated away | line 7 delegates `lab.example.org.` to other servers",
            "a.yaml:10:12: warning: the TXT record of `t.lab.example.org.` is never seen | line 7 delegates `lab.example.org.` to other servers",
        ],
    );
}

#[test]
fn a_target_that_is_an_alias_or_was_hardly_meant_to_be_relative_is_a_warning() {
    check_names(
        "  www: { CNAME: x.example.net. }\n  mail: { MX: 10 www }\n  a: { CNAME: status.example.net }",
        &[
            "a.yaml:6:18: warning: the MX record points at `www.example.org.`, which is a CNAME | RFC 2181, section 10.3, asks for the name behind it",
            "a.yaml:7:15: warning: `status.example.net` means `status.example.net.example.org.`, which is not there | write `status.example.net.` if it is meant as it stands",
        ],
    );
}

#[test]
fn soa_and_ds_stand_where_they_belong() {
    check_names(
        "  a: { SOA: a. b. 1 2 3 4 5, NS: ns.a., DS: 1 8 2 00ff }\n  '*': { NS: ns.a. }",
        &[
            "a.yaml:5:8: the SOA record has its own setting | write `soa:` beside `zone:`, or leave it to its defaults",
            "a.yaml:6:10: a wildcard cannot be delegated | RFC 4592, section 4.2, leaves its meaning open",
        ],
    );
}

#[test]
fn a_text_is_taken_as_it_is_and_cut_into_strings() {
    let zone = format!("{ZONE}  long: {{ TXT: \"v=DKIM1; k=rsa; p={}\" }}\n", "A".repeat(300));
    let files = [("server.yaml", SERVER), ("regions.yaml", REGIONS), ("a.yaml", &zone)];
    let sources = SourceFiles::new("", files.map(|(name, text)| SourceFile::new(name, text)).into());
    let compiled = compile(&sources).expect("it is right");
    let texts = compiled.config.zones[0].nodes.values().flat_map(|node| &node.rrsets).find_map(|set| {
        match &set.rdata[0] {
            crate::zone::RData::TXT(text) => {
                Some(text.txt_data.iter().map(|string| string.len()).collect::<Vec<_>>())
            }
            _ => None,
        }
    });
    assert_eq!(texts, Some(vec![255, 63]));
}

#[test]
fn a_steered_name_that_another_zone_answers_is_an_error() {
    let zone = format!(
        "{ZONE}  deep.sub: {{ steer: {{ regions: tokyo }} }}\n  '*.sub': {{ steer: {{ regions: tokyo }} }}\n"
    );
    let nested = "zone: sub.example.org\nnameservers: [ns1.example.net]\nnames: { '@': { steer: { regions: tokyo } } }\n";
    let files = [("server.yaml", SERVER), ("regions.yaml", REGIONS), ("a.yaml", &*zone), ("b.yaml", nested)];
    let files = files.into_iter().map(|(name, text)| SourceFile::new(name, text));
    let problems = compile(&SourceFiles::new("", files.collect())).expect_err("two names are never answered");
    let said: Vec<_> = problems.list.iter().map(|one| (one.line, one.message.as_str())).collect();
    assert_eq!(
        said,
        [
            (5, "`deep.sub.example.org.` is in the zone `sub.example.org.`, and is answered from there"),
            (6, "`*.sub.example.org.` is in the zone `sub.example.org.`, and is answered from there"),
        ]
    );
}

/// Checks a zone with these names beside a zone inside it.
fn check_around_inner(names: &str, expected: &[&str]) {
    let nested = "zone: sub.example.org\nnameservers: [ns1.example.net]\nnames: { ns: { A: 192.0.2.9 } }\n";
    let zone = format!("{ZONE}{names}\n");
    let files = [("server.yaml", SERVER), ("regions.yaml", REGIONS), ("a.yaml", &*zone), ("b.yaml", nested)];
    let files = files.into_iter().map(|(name, text)| SourceFile::new(name, text));
    let warnings = compile(&SourceFiles::new("", files.collect())).expect("nothing is wrong").warnings;
    let said = warnings
        .list
        .iter()
        .map(|one| format!("{}: {} | {}", one.line, one.message, one.hint.as_deref().unwrap_or_default()));
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

#[test]
fn static_records_that_a_zone_inside_hides_are_warned_of_whatever_their_type() {
    let hint = "`sub.example.org.` is a zone of its own, at b.yaml:1: write it there";
    let unseen = |line: u32, rtype: &str, name: &str| {
        format!("{line}: the {rtype} record of `{name}.example.org.` is never seen | {hint}")
    };
    let names = "  www.sub: { A: 192.0.2.1, TXT: x }\n  sub: { MX: 10 mail.example.net. }\n  \
                 '*.a.sub': { AAAA: '2001:db8::1' }\n  lab.sub: { NS: ns.example.net. }\n  subway: { A: 192.0.2.1 }";
    let expected = [
        unseen(5, "A", "www.sub"),
        unseen(5, "TXT", "www.sub"),
        unseen(6, "MX", "sub"),
        unseen(7, "AAAA", "*.a.sub"),
        unseen(8, "NS", "lab.sub"),
    ];
    check_around_inner(names, &expected.each_ref().map(String::as_str));
}

#[test]
fn the_delegation_of_a_zone_inside_its_glue_and_names_that_lead_into_it_are_no_mistakes() {
    let names = "  sub: { NS: [ns.sub, ns2.sub], DS: 1 13 2 aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899 }\n  \
                 ns.sub: { A: 192.0.2.9 }\n  www: { CNAME: www.sub }";
    check_around_inner(names, &[]);
}

#[test]
fn what_stands_at_a_delegation_and_addresses_of_no_name_server_below_it_are_never_seen() {
    check_names(
        "  lab: { NS: [ns.lab, ns.dc], TXT: x, A: 192.0.2.3 }\n  ns.lab: { A: 192.0.2.2 }\n  www.lab: { A: 192.0.2.2 }\n  \
         dc: { NS: dc }\n  ns.dc: { AAAA: '2001:db8::1' }",
        &[
            "a.yaml:5:31: warning: the TXT record of `lab.example.org.` is never seen | line 5 delegates `lab.example.org.` to other servers",
            "a.yaml:5:39: warning: the A record of `lab.example.org.` is never seen | line 5 delegates `lab.example.org.` to other servers",
            "a.yaml:7:14: warning: the A record of `www.lab.example.org.` is never seen | line 5 delegates `lab.example.org.` to other servers",
            "a.yaml:8:13: warning: name server `dc.example.org.` has no glue | add its A or AAAA records here: without them no resolver reaches it",
        ],
    );
}
