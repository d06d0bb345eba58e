//! Rules about regions.

use super::*;

const PLACE: &str = "location: { latitude: 1, longitude: 1 }, jurisdiction: IE";

#[test]
fn a_region_needs_a_location_a_jurisdiction_and_addresses() {
    check_region(
        "capacity: 1",
        &[
            "3: `jurisdiction` is missing | write the country whose law applies there, for example `jurisdiction: JP`",
            "3: `location` is missing | write `location: { latitude: 35.68, longitude: 139.69 }`",
            "3: region `new` has no addresses | write `zones: { a: { addresses: [192.0.2.1] } }`",
        ],
    );
    check_region(
        &format!("{PLACE}, zones: {{ a: {{ addresses: [] }}, b: }}"),
        &[
            "78: availability zone `a` has no addresses | write `addresses: [192.0.2.1]`",
            "100: availability zone `b` has no addresses | write `addresses: [192.0.2.1]`",
        ],
    );
}

#[test]
fn an_address_that_is_none_is_refused_with_what_is_wrong_with_it() {
    check_region(
        &format!(
            "{PLACE}, zones: {{ a: {{ addresses: ['2001:db8::10g', 2001:db8:1, '::ffff:192.0.2.9', 0.0.0.0, '[::1]'] }} }}"
        ),
        &[
            "95: `2001:db8::10g` is not an IPv6 address | groups have one to four of the digits 0 to 9 and a to f",
            "112: `2001:db8:1` is not an IPv6 address | write eight groups of hexadecimal digits, or `::` for zeros, as in `2001:db8::a`",
            "124: `::ffff:192.0.2.9` is an IPv4 address inside of IPv6 | write `192.0.2.9`",
            "144: `0.0.0.0` is not the address of a machine",
            "153: `[::1]` is not an IP address | write `::1` without brackets",
        ],
    );
}

#[test]
fn mapped_loopback_addresses_pass_for_the_demo_uses_them() {
    check_region(&format!("{PLACE}, zones: {{ a: {{ addresses: ['::ffff:127.0.0.1'] }} }}"), &[]);
}

#[test]
fn an_address_may_occur_once() {
    check_region(
        &format!("{PLACE}, zones: {{ a: {{ addresses: 192.0.2.1 }} }}"),
        &[
            "94: address `192.0.2.1` occurs twice | region `tokyo` has it in line 2; what else stands behind it is one of its `services`, with canaries of its own",
        ],
    );
}

#[test]
fn coordinates_and_countries_have_bounds() {
    check_region(
        "location: { latitude: 91, longitude: -181 }, jurisdiction: UK, zones: { a: { addresses: 192.0.2.9 } }",
        &[
            "32: `latitude` goes from -90 to 90, not 91",
            "47: `longitude` goes from -180 to 180, not -181",
            "69: `UK` is not an ISO 3166-1 country code | the code is `GB`",
        ],
    );
}

#[test]
fn a_region_that_could_never_be_healthy_is_refused() {
    check_region(
        &format!("{PLACE}, min_healthy: 2, zones: {{ a: {{ addresses: [192.0.2.9, '::1'] }} }}"),
        &[
            "82: `min_healthy` is 2, but no family has more than 1 | a share such as `50%` grows with the region",
        ],
    );
    check_region(
        &format!("{PLACE}, min_healthy: 0%, zones: {{ a: {{ addresses: 192.0.2.9 }} }}"),
        &["82: `0%` is not a percentage from 1% to 100% | write `10%` or `10`"],
    );
}

#[test]
fn a_canary_that_is_not_defined_is_reported() {
    check_region(
        &format!("{PLACE}, zones: {{ a: {{ addresses: 192.0.2.9 }} }}, canaries: [tpc, deep]"),
        &[
            "120: canary `tpc` is not defined | regions.yaml defines `tcp`",
            "125: canary `deep` is not defined | regions.yaml defines `tcp`",
        ],
    );
}

#[test]
fn what_nothing_refers_to_is_a_warning() {
    let regions = format!(
        "{}  deep: {{ tcp: {{ port: 80 }} }}\n",
        REGIONS.replace("groups:\n  eu: { european_union: true }\n", "")
    );
    let zone = "zone: example.org\nnameservers: a.b\nnames: { '@': { steer: { regions: tokyo } } }";
    let files = [("server.yaml", SERVER), ("regions.yaml", &regions), ("a.yaml", zone)];
    let sources = SourceFiles::new("", files.map(|(name, text)| SourceFile::new(name, text)).into());
    let compiled = compile(&sources).expect("it can be used");
    let messages: Vec<_> = compiled.warnings.list.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, ["nothing refers to region `dublin`", "nothing refers to canary `deep`"]);
}

#[test]
fn there_are_at_most_128_regions() {
    let many: String = (0..129)
        .map(|number| {
            format!("  r{number}: {{ {PLACE}, zones: {{ a: {{ addresses: 10.0.1.{number} }} }} }}\n")
        })
        .collect();
    let found = problems("regions.yaml", &format!("regions:\n{many}"));
    assert!(
        found.list.iter().any(|problem| problem.line == 130 && problem.message == "more than 128 regions")
    );
}

#[test]
fn a_region_for_some_clients_names_groups_of_regions_yaml_each_once() {
    let place = format!("{PLACE}, zones: {{ a: {{ addresses: 192.0.2.9 }} }}");
    let check = |lists: &str, expected: &str| check_region(&format!("{place}, {lists}"), &[expected]);
    check(
        "only_for: [unknown], not_for: [nobody]",
        "140: group `nobody` is not defined | a region is for groups of regions.yaml, for all zones: define it under `groups:` there",
    );
    check("only_for: [unknown, unknown]", "129: group `unknown` is listed twice");
    check(
        "only_for: unknown, not_for: unknown",
        "137: group `unknown` is in `only_for` and `not_for` | a client of both is not sent there; keep the group in one of them",
    );
    check("only_for: []", "119: `only_for` is empty | name groups of regions.yaml, or leave it out");
}
