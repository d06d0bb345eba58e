//! Rules about the form of files, and about bounds.

use super::*;

#[test]
fn a_usable_configuration_has_no_problems() {
    check("a.yaml", ZONE, &[]);
}

#[test]
fn the_shipped_example_has_neither_problems_nor_warnings() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/zones/");
    let files =
        ["server.yaml", "regions.yaml", "api.example.com.yaml", "example.org.yaml", "example.org.zone"];
    let text = |name| std::fs::read_to_string(format!("{directory}{name}")).expect("the example is shipped");
    let sources = SourceFiles::new("zones", files.map(|name| SourceFile::new(name, text(name))).into());
    let compiled = compile(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(compiled.warnings.to_string(), "");
    assert_eq!(compiled.config.steered.len(), 3);
    assert_eq!(compiled.config, compile(&sources).expect("it was right before").config);
}

#[test]
fn an_empty_zone_file_is_not_blamed_on_regions_nobody_refers_to_nor_on_a_name_nobody_wrote() {
    check(
        "a.yaml",
        "",
        &[
            "a.yaml:0:0: `zone` is missing | write `zone: api.example.com`",
            "a.yaml:0:0: the zone has no NS records | add `nameservers: [ns1.example.net, ns2.example.net]`",
        ],
    );
}

#[test]
fn an_unknown_key_is_reported_with_the_one_that_was_meant() {
    check(
        "server.yaml",
        "nam: ns1\nlisten: { dns: ['127.0.0.1:53'], watchdog: 1 }\ngeo: { database: x, asn: y }\n",
        &[
            "server.yaml:0:0: `name` is missing | write `name: ns1`",
            "server.yaml:1:1: unknown key `nam` | did you mean `name`?",
            "server.yaml:2:34: unknown key `watchdog` | there are `dns`, `threads`, `tcp` and `tls`",
        ],
    );
}

#[test]
fn a_duplicate_key_is_reported_at_any_depth() {
    check(
        "server.yaml",
        &format!("{SERVER}state: a\nstate: b\n"),
        &["server.yaml:5:1: duplicate key `state` | it is already set in line 4"],
    );
}

#[test]
fn one_wrong_value_hides_no_other() {
    check(
        "server.yaml",
        "name: [a]\nlisten: { dns: [x, '127.0.0.1:53'] }\nadmin: 8053\nlog: josn\ngeo: { database: x, asn: y, networks: [{ network: 10.0.0.1/8, country: jp }] }\n",
        &[
            "server.yaml:1:7: expected a single value, found a list",
            "server.yaml:2:17: `x` is not an address with a port | write `127.0.0.1:53` or `[::1]:53`",
            "server.yaml:3:8: `8053` is not an address with a port | write `127.0.0.1:53` or `[::1]:53`",
            "server.yaml:4:6: `josn` is not a choice here | did you mean `json`?",
            "server.yaml:5:51: `10.0.0.1/8` is not a network | bits beyond the prefix are set; write 10.0.0.0/8",
            "server.yaml:5:72: `jp` is not an ISO 3166-1 country code | write it in capitals: `JP`",
        ],
    );
}

#[test]
fn text_that_is_not_yaml_is_reported_and_other_files_are_still_checked() {
    check(
        "regions.yaml",
        "regions:\n  tokyo: { location: [\n",
        &["regions.yaml:2:22: not valid YAML: unclosed bracket '['"],
    );
}

#[test]
fn a_second_document_and_a_list_instead_of_keys_are_refused() {
    check(
        "server.yaml",
        &format!("{SERVER}---\nname: x\n"),
        &["server.yaml:4:1: a file holds one YAML document; this is a second one"],
    );
    check("server.yaml", "- a\n", &["server.yaml:1:1: expected keys with values, found a list"]);
}

#[test]
fn a_missing_server_file_is_reported_for_the_directory() {
    let found = compile(&SourceFiles::default()).expect_err("there is nothing");
    assert_eq!(found.list[0].message, "there is no `server.yaml` in ``");
}

#[test]
fn aliases_and_merge_keys_are_expanded_and_the_own_keys_win() {
    check_names("  a: &a { A: 192.0.2.1, ttl: 60s }\n  b: { <<: *a, A: 192.0.2.2 }\n  c: *a", &[]);
}

#[test]
fn a_yaml_bomb_ends_at_the_bound() {
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (one, next) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        bomb += &format!("{next}: &{next} [{}]\n", vec![format!("*{one}"); 10].join(","));
    }
    let found = problems("server.yaml", &bomb);
    assert_eq!(found.list[0].message, "more than 1000000 values in one file, aliases included");
    let deep = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(problems("server.yaml", &deep).list[0].message, "nested deeper than 32 levels");
}

#[test]
fn ten_thousand_problems_are_counted_and_the_first_hundred_printed() {
    let names: String = (0..10_000).map(|number| format!("  n{number}: {{ A: x }}\n")).collect();
    let found = problems("a.yaml", &format!("{ZONE}{names}"));
    assert_eq!(found.count(), 10_000);
    let text = found.to_string();
    assert_eq!(text.matches("is not an IPv4 address").count(), 100);
    assert!(text.ends_with("and 9900 more problems\n"), "{text}");
}
