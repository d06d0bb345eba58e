//! The rules of the configuration, one mistake a test.
//!
//! [`check`] compiles a whole configuration in which one file is as the test says, and compares the
//! problems, each as `file:line:column: message | hint`.

use super::*;

const SERVER: &str =
    "name: ns1\nlisten: { dns: [\"127.0.0.1:5300\"] }\ngeo: { database: world.mmdb, asn: asn.mmdb }\n";

const REGIONS: &str = "\
regions:
  tokyo: { location: { latitude: 35.68, longitude: 139.69 }, jurisdiction: JP, zones: { a: { addresses: [192.0.2.1] } }, canaries: tcp }
  dublin: { location: { latitude: 53.35, longitude: -6.26 }, jurisdiction: IE, zones: { a: { addresses: [192.0.2.2] } } }
canaries:
  tcp: { tcp: { port: 443 } }
groups:
  eu: { european_union: true }
";

/// A zone that uses everything that is defined; tests add names to it.
const ZONE: &str = "\
zone: example.org
nameservers: [ns1.example.net]
names:
  '@': { steer: { regions: [tokyo, dublin], residency: [{ clients: eu, jurisdictions: EU }] } }
";

/// Compiles a usable configuration in which `file` has this text instead.
fn problems(file: &str, text: &str) -> Problems {
    let mut files = vec![
        ("server.yaml", SERVER),
        ("regions.yaml", REGIONS),
        ("a.yaml", ZONE),
    ];
    match files.iter_mut().find(|(name, _)| *name == file) {
        Some(entry) => entry.1 = text,
        None => files.push((file, text)),
    }
    let files = files.into_iter().map(|(name, text)| Source::new(name, text));
    match compile(&Sources::new("", files.collect())) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems,
    }
}

fn check(file: &str, text: &str, expected: &[&str]) {
    let lines = problems(file, text).list.into_iter().map(|problem| {
        let severity = if problem.severity == Severity::Warning {
            "warning: "
        } else {
            ""
        };
        let hint = problem.hint.map(|hint| format!(" | {hint}")).unwrap_or_default();
        let Problem {
            file,
            line,
            column,
            message,
            ..
        } = problem;
        format!("{file}:{line}:{column}: {severity}{message}{hint}")
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected, "\n{text}");
}

/// Checks a zone with these names besides the usual ones.
fn check_names(names: &str, expected: &[&str]) {
    check("a.yaml", &format!("{ZONE}{names}\n"), expected);
}

/// Checks a zone with one steered name that says this.
fn check_steer(steer: &str, expected: &[&str]) {
    let zone = format!("{ZONE}  x: {{ steer: {{ {steer} }} }}\n");
    check("a.yaml", &zone, expected);
}

/// Checks the regions with this one besides the usual ones, which the zone then steers to as well.
fn check_region(region: &str, expected: &[&str]) {
    let regions = REGIONS.replace("canaries:\n", &format!("  new: {{ {region} }}\ncanaries:\n"));
    let files = vec![
        Source::new("server.yaml", SERVER),
        Source::new("regions.yaml", regions.clone()),
        Source::new("a.yaml", ZONE.replace("[tokyo,", "[new, tokyo,")),
    ];
    let found = compile(&Sources::new("", files)).err().unwrap_or_default();
    let lines = found.list.iter().map(|problem| {
        let hint = problem
            .hint
            .as_ref()
            .map(|hint| format!(" | {hint}"))
            .unwrap_or_default();
        format!("{}: {}{hint}", problem.column, problem.message)
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected, "\n{regions}");
}

/// Checks the regions with this canary besides the usual one, which nothing refers to.
fn check_canary(canary: &str, expected: &[&str]) {
    let regions = format!(
        "{}  new: {{ {canary} }}\n",
        REGIONS.replace("groups:\n  eu: { european_union: true }\n", "")
    );
    let regions = regions.replace("canaries: tcp", "canaries: [tcp, new]");
    let zone = ZONE.replace("names:", "groups: { eu: { european_union: true } }\nnames:");
    let files = [
        ("server.yaml", SERVER),
        ("regions.yaml", &regions),
        ("a.yaml", &zone),
    ];
    let sources = Sources::new("", files.map(|(name, text)| Source::new(name, text)).into());
    let found = compile(&sources).err().unwrap_or_default();
    let lines = found.list.iter().map(|problem| {
        let hint = problem
            .hint
            .as_ref()
            .map(|hint| format!(" | {hint}"))
            .unwrap_or_default();
        format!("{}: {}{hint}", problem.column, problem.message)
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected, "\n{regions}");
}

mod the_form_of_files {
    use super::*;

    #[test]
    fn a_usable_configuration_has_no_problems() {
        check("a.yaml", ZONE, &[]);
    }

    #[test]
    fn the_shipped_example_has_neither_problems_nor_warnings() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/zones/");
        let files = [
            "server.yaml",
            "regions.yaml",
            "api.example.com.yaml",
            "example.org.yaml",
            "example.org.zone",
        ];
        let text =
            |name| std::fs::read_to_string(format!("{directory}{name}")).expect("the example is shipped");
        let sources = Sources::new("zones", files.map(|name| Source::new(name, text(name))).into());
        let compiled = compile(&sources).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(compiled.warnings.to_string(), "");
        assert_eq!(compiled.config.steered.len(), 3);
        assert_eq!(
            compiled.config,
            compile(&sources).expect("it was right before").config
        );
    }

    #[test]
    fn an_unknown_key_is_reported_with_the_one_that_was_meant() {
        check(
            "server.yaml",
            "nam: ns1\nlisten: { dns: ['127.0.0.1:53'], tcp: 1 }\ngeo: { database: x, asn: y }\n",
            &[
                "server.yaml:0:0: `name` is missing | write `name: ns1`",
                "server.yaml:1:1: unknown key `nam` | did you mean `name`?",
                "server.yaml:2:34: unknown key `tcp` | the keys here are `dns`",
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
        check(
            "server.yaml",
            "- a\n",
            &["server.yaml:1:1: expected keys with values, found a list"],
        );
    }

    #[test]
    fn a_missing_server_file_is_reported_for_the_directory() {
        let found = compile(&Sources::default()).expect_err("there is nothing");
        assert_eq!(found.list[0].message, "there is no `server.yaml` in ``");
    }

    #[test]
    fn aliases_and_merge_keys_are_expanded_and_the_own_keys_win() {
        check_names(
            "  a: &a { A: 192.0.2.1, ttl: 60s }\n  b: { <<: *a, A: 192.0.2.2 }\n  c: *a",
            &[],
        );
    }

    #[test]
    fn a_yaml_bomb_ends_at_the_bound() {
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (one, next) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            bomb += &format!("{next}: &{next} [{}]\n", vec![format!("*{one}"); 10].join(","));
        }
        let found = problems("server.yaml", &bomb);
        assert_eq!(
            found.list[0].message,
            "more than 1000000 values in one file, aliases included"
        );
        let deep = format!("a: {}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(
            problems("server.yaml", &deep).list[0].message,
            "nested deeper than 32 levels"
        );
    }

    #[test]
    fn ten_thousand_problems_are_counted_and_the_first_hundred_printed() {
        let names: String = (0..10_000)
            .map(|number| format!("  n{number}: {{ A: x }}\n"))
            .collect();
        let found = problems("a.yaml", &format!("{ZONE}{names}"));
        assert_eq!(found.count(), 10_000);
        let text = found.to_string();
        assert_eq!(text.matches("is not an IPv4 address").count(), 100);
        assert!(text.ends_with("and 9900 more problems\n"), "{text}");
    }
}

mod how_problems_look {
    use super::*;

    #[test]
    fn a_problem_shows_its_place_its_line_a_caret_and_a_hint() {
        let zone = ZONE.replace("[tokyo, dublin]", "[tokio, dublin]");
        let expected = "\
a.yaml:4:27: region `tokio` is not defined
 4 |   '@': { steer: { regions: [tokio, dublin], residency: [{ clients: eu, jurisdictions: EU }] } }
   |                             ^^^^^
  hint: regions.yaml defines `tokyo`
";
        let found = problems("a.yaml", &zone);
        assert_eq!(found.list[0].to_string() + "\n", expected.replace("4:27", "4:29"));
    }

    #[test]
    fn a_long_line_is_cut_around_the_place_and_control_characters_are_not_printed() {
        let text = format!(
            "zone: example.org\nnames: {{ \"{}\\u0007\": {{ A: \u{7f}x }} }}\n",
            "a".repeat(300)
        );
        let found = problems("a.yaml", &text).to_string();
        assert!(found.lines().all(|line| line.chars().count() < 400), "{found}");
        assert!(!found.contains('\u{7f}') || !found.contains('\u{7}'), "{found}");
    }
}

mod regions {
    use super::*;

    const PLACE: &str = "location: { latitude: 1, longitude: 1 }, jurisdiction: IE";

    #[test]
    fn a_region_needs_a_location_a_jurisdiction_and_addresses() {
        check_region(
            "capacity: 1",
            &[
                "3: `jurisdiction` is missing | write the country whose law applies there, for example `jurisdiction: JP`",
                "3: region `new` has no `location` | write `location: { latitude: 35.68, longitude: 139.69 }`",
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
        check_region(
            &format!("{PLACE}, zones: {{ a: {{ addresses: ['::ffff:127.0.0.1'] }} }}"),
            &[],
        );
    }

    #[test]
    fn an_address_may_occur_once() {
        check_region(
            &format!("{PLACE}, zones: {{ a: {{ addresses: 192.0.2.1 }} }}"),
            &["94: address `192.0.2.1` occurs twice | region `tokyo` has it in line 2"],
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
            &[
                "82: `0%` is neither a number of addresses nor a share of them | write `2` or `50%`, at least 1 and at most 100%",
            ],
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
        let files = [
            ("server.yaml", SERVER),
            ("regions.yaml", &regions),
            ("a.yaml", zone),
        ];
        let sources = Sources::new("", files.map(|(name, text)| Source::new(name, text)).into());
        let compiled = compile(&sources).expect("it can be used");
        let messages: Vec<_> = compiled
            .warnings
            .list
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        assert_eq!(
            messages,
            [
                "nothing refers to region `dublin`",
                "nothing refers to canary `deep`"
            ]
        );
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
            found
                .list
                .iter()
                .any(|problem| problem.line == 130 && problem.message == "more than 128 regions")
        );
    }
}

mod canaries {
    use super::*;

    #[test]
    fn a_canary_checks_exactly_one_thing() {
        check_canary(
            "interval: 5s",
            &[
                "3: canary `new` checks nothing | add `http: { url: \"http://{address}:8080/health\" }` or `tcp: { port: 443 }`",
            ],
        );
        check_canary(
            "tcp: { port: 1 }, http: { url: 'http://{address}/' }",
            &["3: canary `new` has both `http` and `tcp` | make it two canaries"],
        );
        check_canary("tcp: {}", &["15: `port` is missing | write `tcp: { port: 443 }`"]);
    }

    #[test]
    fn a_url_is_http_or_https_with_a_host() {
        check_canary("http: { url: 'http://{address}:8080/health?deep=1' }", &[]);
        check_canary("http: { url: 'https://api.example.com' }", &[]);
        check_canary(
            "http: { url: '{address}:8080' }",
            &["23: `{address}:8080` is not an `http` or `https` URL"],
        );
        check_canary(
            "http: { url: 'http://{adress}/' }",
            &[
                "23: `http://{adress}/` is not a URL | write `http://{address}:8080/health`; `{address}` stands for the probed address",
            ],
        );
    }

    #[test]
    fn times_have_units_and_bounds_and_the_timeout_is_shorter_than_the_interval() {
        check_canary(
            "tcp: { port: 1 }, interval: 10",
            &["38: `10` is not a duration | write `10s`, `500ms`, `2m` or `1h`"],
        );
        check_canary(
            "tcp: { port: 1 }, interval: 2s, timeout: 2s",
            &["51: `timeout` (2s) must be shorter than `interval` (2s) | else probes of one address overlap"],
        );
        check_canary(
            "tcp: { port: 1 }, interval: 2h, recheck: 1ms",
            &[
                "38: `interval` goes from 100ms to 1h, not 2h",
                "51: `recheck` goes from 50ms to 2h, not 1ms",
            ],
        );
    }

    #[test]
    fn it_takes_at_least_one_result_to_fall_or_rise() {
        check_canary(
            "tcp: { port: 1 }, fall: 0, rise: 101",
            &[
                "34: `fall` goes from 1 to 100, not 0",
                "43: `rise` goes from 1 to 100, not 101",
            ],
        );
    }

    #[test]
    fn statuses_are_numbers_or_ranges() {
        check_canary(
            "http: { url: 'http://{address}/', expect: { status: [200, 300-399] } }",
            &[],
        );
        check_canary(
            "http: { url: 'http://{address}/', expect: { status: [20, 299-200] } }",
            &[
                "63: `20` is not an HTTP status | write `200`, or `200-299` for a range; statuses go from 100 to 599",
                "67: `299-200` is not an HTTP status | write `200`, or `200-299` for a range; statuses go from 100 to 599",
            ],
        );
    }
}

mod steering {
    use super::*;

    #[test]
    fn regions_are_listed_once_and_there_is_at_least_one() {
        check_steer(
            "ttl: 1s",
            &[
                "a.yaml:5:15: there are no regions to choose from | write `regions:` with names from regions.yaml",
            ],
        );
        check_steer(
            "regions: [tokyo, tokyo]",
            &["a.yaml:5:34: region `tokyo` is listed twice"],
        );
    }

    #[test]
    fn a_rule_that_permits_none_of_the_regions_needs_an_otherwise() {
        check_steer(
            "regions: tokyo, residency: [{ clients: eu, jurisdictions: [EU] }]",
            &[
                "a.yaml:5:45: the rule `eu only in EU` permits none of the name's regions | add a region, or say what the clients are told: `otherwise: refuse`, `nodata` or `servfail`",
            ],
        );
        check_steer(
            "regions: tokyo, residency: [{ clients: eu, jurisdictions: [EU], otherwise: nodata }]",
            &[],
        );
    }

    #[test]
    fn rules_that_leave_one_group_nothing_together_are_an_error() {
        check_steer(
            "regions: [tokyo, dublin], residency: [{ clients: eu, jurisdictions: EU }, { clients: eu, regions: tokyo }]",
            &[
                "a.yaml:5:91: the rule `eu only in tokyo` leaves nothing of what line 5 permits | add a region, or say what the clients are told: `otherwise: refuse`, `nodata` or `servfail`",
            ],
        );
    }

    #[test]
    fn an_order_may_not_list_for_a_group_what_a_rule_forbids_to_it() {
        check_steer(
            "regions: [tokyo, dublin], order: { eu: [dublin, tokyo], otherwise: nearest }, residency: [{ clients: eu, jurisdictions: EU }]",
            &[
                "a.yaml:5:65: region `tokyo` is listed for group `eu`, to whom a rule forbids it | line 5 says: eu only in EU",
            ],
        );
        check_steer(
            "regions: [tokyo, dublin], unknown_location: tokyo, residency: [{ clients: [eu, unknown], jurisdictions: EU }]",
            &[
                "a.yaml:5:61: region `tokyo` is listed for clients of unknown location, to whom a rule forbids it | line 5 says: eu, unknown only in EU",
            ],
        );
    }

    #[test]
    fn an_order_by_group_says_what_everybody_else_gets() {
        check_steer(
            "regions: [tokyo, dublin], order: { eu: [dublin] }",
            &[
                "a.yaml:5:50: the order for the clients of no listed group is missing | add `otherwise: nearest` or `otherwise: listed`",
            ],
        );
        check_steer(
            "regions: [tokyo], order: { eu: dublin, ue: [dublin], otherwise: [tokyo] }",
            &[
                "a.yaml:5:48: `dublin` is not a choice here | the choices are `nearest` and `listed`",
                "a.yaml:5:56: group `ue` is not defined | did you mean `eu`?",
                "a.yaml:5:61: region `dublin` is not one of the name's regions | add it to `regions:`",
                "a.yaml:5:81: `otherwise` is `nearest` or `listed`, not a list | the order of `regions:` is the list that `listed` means",
            ],
        );
        check_steer(
            "regions: tokyo, order: neerest",
            &["a.yaml:5:40: `neerest` is not a choice here | did you mean `nearest`?"],
        );
    }

    #[test]
    fn numbers_have_bounds() {
        check_steer(
            "regions: tokyo, ttl: 2d, max_answers: 0",
            &[
                "a.yaml:5:38: a TTL of 172800 seconds is too long for a steered name | at most `1d`: failover waits for it",
                "a.yaml:5:55: `max_answers` goes from 1 to 32, not 0",
            ],
        );
        check_steer(
            "regions: tokyo, ttl: 5s, short_ttl: 6s",
            &["a.yaml:5:53: `short_ttl` is longer than `ttl`, which is 5 seconds"],
        );
    }

    #[test]
    fn a_rule_says_whom_it_binds_and_what_it_permits() {
        check_steer(
            "regions: tokyo, residency: [{ jurisdictions: JP }, { clients: eu }]",
            &[
                "a.yaml:5:45: the rule binds nobody | write `clients:` with a group, for example `clients: eu`",
                "a.yaml:5:68: the rule does not say what is permitted | add `jurisdictions: [EU]` or `regions: [frankfurt]`",
            ],
        );
    }

    #[test]
    fn names_of_groups_are_not_taken_and_groups_have_members() {
        let groups = "groups: { unknown: { countries: JP }, eu: { countries: JP }, none: {}, kr: { countries: [KR, XXX] } }\n";
        check(
            "a.yaml",
            &format!("{ZONE}{groups}"),
            &[
                "a.yaml:5:11: a group cannot be called `unknown` | it is built in: the clients whose location is not known",
                "a.yaml:5:39: regions.yaml already defines group `eu` | give it another name",
                "a.yaml:5:62: group `none` has no members | add for example `countries: [JP]` or `european_union: true`",
                "a.yaml:5:94: `XXX` is not an ISO 3166-1 country code | write two letters, for example `JP`",
                "a.yaml:5:11: warning: nothing refers to group `unknown`",
                "a.yaml:5:62: warning: nothing refers to group `none`",
                "a.yaml:5:72: warning: nothing refers to group `kr`",
                "regions.yaml:7:3: warning: nothing refers to group `eu`",
            ],
        );
    }
}

mod zones {
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
            &[
                "b.yaml:0:0: the zone `example.com.` has no NS records | add `nameservers: [ns1.example.net, ns2.example.net]`",
            ],
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
                "a.yaml:5:61: RRSIG records are made by the server that signs the zone | leave them out",
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
                "a.yaml:6:15: warning: the MX record points at `www.example.org.`, which is a CNAME | RFC 2181, section 10.3, asks for the name behind it",
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
        let zone = format!(
            "{ZONE}  long: {{ TXT: \"v=DKIM1; k=rsa; p={}\" }}\n",
            "A".repeat(300)
        );
        let files = [
            ("server.yaml", SERVER),
            ("regions.yaml", REGIONS),
            ("a.yaml", &zone),
        ];
        let sources = Sources::new("", files.map(|(name, text)| Source::new(name, text)).into());
        let compiled = compile(&sources).expect("it is right");
        let texts = compiled.config.zones[0]
            .nodes
            .values()
            .flat_map(|node| &node.rrsets)
            .find_map(|set| match &set.rdata[0] {
                crate::zone::RData::TXT(text) => Some(
                    text.txt_data
                        .iter()
                        .map(|string| string.len())
                        .collect::<Vec<_>>(),
                ),
                _ => None,
            });
        assert_eq!(texts, Some(vec![255, 63]));
    }
}

mod master_files {
    use super::*;

    /// Checks a zone `example.com` with a master file; the text of the YAML file follows the two lines.
    fn check_file(master: &str, more: &str, expected: &[&str]) {
        let zone = format!("zone: example.com\nfile: z.zone\n{more}");
        let files = [
            ("server.yaml", SERVER),
            ("regions.yaml", REGIONS),
            ("a.yaml", ZONE),
            ("b.yaml", &zone),
            ("z.zone", master),
        ];
        let sources = Sources::new("", files.map(|(name, text)| Source::new(name, text)).into());
        let found = match compile(&sources) {
            Ok(compiled) => compiled.warnings,
            Err(problems) => problems,
        };
        let lines = found.list.iter().map(|problem| {
            format!(
                "{}:{}:{}: {}",
                problem.file, problem.line, problem.column, problem.message
            )
        });
        assert_eq!(lines.collect::<Vec<_>>(), expected, "\n{master}");
    }

    #[test]
    fn a_master_file_makes_a_whole_zone_and_names_add_to_it() {
        check_file(
            "@ SOA a. b. 1 2 3 4 5\n@ NS a.\nwww A 192.0.2.1\n",
            "names: { x: { steer: { regions: tokyo } } }\n",
            &[],
        );
        check_file("@ NS a.\n", "", &[]);
    }

    #[test]
    fn what_is_said_in_both_files_is_refused() {
        check_file(
            "@ SOA a. b. 1 2 3 4 5\n@ NS a.\nwww A 192.0.2.1\n",
            "nameservers: a.b\nsoa: { serial: 1 }\nnames: { www: { A: 192.0.2.2 } }\n",
            &[
                "b.yaml:3:14: the zone already has NS records at its apex",
                "b.yaml:4:6: the zone already has a SOA record",
                "b.yaml:5:17: `www.example.com.` already has A records",
            ],
        );
    }

    #[test]
    fn problems_in_a_master_file_have_its_lines() {
        check_file(
            "@ NS a.\nwww A 192.0.2\n$INCLUDE x\nb.example.net. A 192.0.2.1\n",
            "",
            &[
                "z.zone:2:7: `192.0.2` is not an IPv4 address",
                "z.zone:3:1: `$INCLUDE` is not supported",
                "z.zone:4:1: name `b.example.net.` is outside of the zone `example.com.`",
            ],
        );
    }

    #[test]
    fn different_ttls_and_repeated_records_are_warnings() {
        check_file(
            "@ NS a.\nw 60 A 192.0.2.1\nw 30 A 192.0.2.2\nw 30 A 192.0.2.1\n",
            "",
            &[
                "z.zone:3:1: the records of one name and type have different TTLs",
                "z.zone:4:1: this record occurs twice",
            ],
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_reported() {
        check(
            "b.yaml",
            "zone: example.com\nnameservers: a.b\nfile: x.zone\n",
            &["b.yaml:3:7: there is no file `x.zone` in the configuration directory"],
        );
    }
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    /// What breaks parsers: the signs of YAML and of master files, and numbers at their bounds.
    const SCRAPS: [&str; 34] = [
        ":",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "<<: *a",
        "!!str ",
        "|\n",
        ">",
        "\"",
        "'",
        "#",
        "\t",
        "\n",
        "~",
        "@",
        "\\",
        "\\# 4 ",
        "\\300",
        "(",
        ")",
        ";",
        "*",
        ".",
        "é",
        "\u{7f}",
        "-1",
        "99999999999999999999",
        "0",
        "%",
        "eu",
    ];

    /// A change to a text: at a share of its length, so many characters go and a scrap comes.
    fn change() -> impl Strategy<Value = (f64, usize, &'static str)> {
        (0.0..1.0, 0usize..12, proptest::sample::select(&SCRAPS[..]))
    }

    fn mutated(text: &str, changes: &[(f64, usize, &str)]) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        for (share, gone, scrap) in changes {
            let start = (characters.len() as f64 * share) as usize;
            let end = (start + gone).min(characters.len());
            characters.splice(start..end, scrap.chars());
        }
        characters.into_iter().collect()
    }

    const MASTER: &str = "$TTL 1h\n@ IN SOA ns1 host ( 7 2h 15m 2w 1m )\n@ NS a.\nwww 300 A 192.0.2.1\nt TXT \"a;b\" c\\032\nx TYPE65280 \\# 2 0a00\ns HTTPS 1 . alpn=\"h2,h3\" port=1\n";

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_the_compiler_panic_and_problems_can_be_printed(
            changes in proptest::collection::vec((0usize..4, change()), 1..6),
        ) {
            let mut texts = [SERVER.to_owned(), REGIONS.to_owned(), format!("{ZONE}file: z.zone\n"), MASTER.to_owned()];
            for (file, change) in changes {
                texts[file] = mutated(&texts[file], &[change]);
            }
            let names = ["server.yaml", "regions.yaml", "a.yaml", "z.zone"];
            let files = names.into_iter().zip(texts).map(|(name, text)| Source::new(name, text));
            let sources = Sources::new("", files.collect());
            match compile(&sources) {
                Ok(compiled) => prop_assert!(!summary::Summary(&compiled.config).to_string().is_empty()),
                Err(problems) => prop_assert!(!problems.to_string().is_empty()),
            }
        }

        #[test]
        fn arbitrary_text_is_no_worse(text in "\\PC{0,200}", name in 0usize..4) {
            let name = ["server.yaml", "regions.yaml", "a.yaml", "z.zone"][name];
            prop_assert!(problems(name, &text).count() < 10_000);
        }
    }
}
