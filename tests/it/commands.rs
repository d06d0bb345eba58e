//! The commands that answer and end.

use std::fs;

use crate::home::Home;
use crate::run::{database, meridian};

/// Runs `meridian check` on a directory of mistakes and compares what it says with the file beside them.
fn check_mistakes(name: &str) {
    let directory = format!("tests/check/{name}");
    let ran = meridian(&["check", &directory]);
    let expected = fs::read_to_string(format!("{directory}/expected")).unwrap();
    let rest = ran.err.strip_prefix(&expected);
    let count = rest.unwrap_or_else(|| panic!("expected:\n{expected}\ngot:\n{}", ran.err)).trim_end();
    assert!(count.ends_with(" problems") || count == "1 problem", "{count}");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
}

/// Explains an answer of the shared world.
fn explain(question: &[&str]) -> String {
    let home = Home::new(1);
    let zones = home.zones();
    let ran = meridian(&[&["explain"], question, &["--config", zones.to_str().unwrap()]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out
}

#[test]
fn check_prints_every_mistake_and_exits_with_two() {
    for name in ["one-of-each", "bomb", "syntax"] {
        check_mistakes(name);
    }
}

#[test]
fn check_prints_what_would_be_served_and_exits_with_zero() {
    let ran = meridian(&["check", "zones"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let rest = ran.out.strip_prefix(&fs::read_to_string("tests/check/example").unwrap());
    let rest = rest.unwrap_or_else(|| panic!("{ran:?}"));
    let parts: Vec<_> = rest.split("\n\n").collect();
    let [exits, age, unbound, amplification] = parts[..] else { panic!("not four parts: {rest}") };
    assert!(exits.starts_with("\nfalse exits a year\n  canary "), "{exits}");
    let has = |word: &str| exits.lines().any(|line| line.trim_start().starts_with(word));
    assert!(
        has("shallow ") && has("region ") && has("oregon ") && !has("dublin "),
        "dublin never leaves: {exits}"
    );
    assert!(
        !has("better"),
        "the settings that are shipped take out what is well less than once a year: {exits}"
    );
    assert!(age.starts_with("location data: Meridian-World") && age.ends_with(" old"), "{age}");
    assert!(unbound.starts_with("clients whom no residency rule binds, by IPv4 addresses\n  "), "{unbound}");
    let worst: Vec<_> = amplification.lines().collect();
    assert!(
        worst[0].starts_with("amplification over UDP, the worst names (replies to a network: "),
        "{worst:?}"
    );
    assert_eq!(
        (worst[1], worst.len()),
        ("  3.3: *.dev.example.org. HTTPS without EDNS, 115 octets for 35", 4)
    );
}

#[test]
fn check_warns_of_a_region_that_is_nearest_for_no_client_and_of_swapped_coordinates() {
    let home = Home::new(1);
    let path = home.path("geo.mmdb");
    fs::write(&path, database(&home, "203.0.113.0", "JP")).unwrap();
    home.use_database(&path);
    home.edit("regions.yaml", "latitude: 50.11, longitude: 8.68", "latitude: 8.68, longitude: 50.11");
    // No network of the test is near the South Pole.
    home.edit("regions.yaml", "latitude: 48.86, longitude: 2.35", "latitude: -80.0, longitude: 100.0");
    let ran = meridian(&["check", home.zones().to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let far = "region `frankfurt` is 5";
    assert!(
        ran.err.contains(far) && ran.err.contains("from the middle of Germany, its jurisdiction"),
        "{ran:?}"
    );
    assert!(ran.err.contains("hint: latitude and longitude are swapped"), "{ran:?}");
    assert!(ran.err.contains("region `paris` is nearest for no client"), "{ran:?}");
}

#[test]
fn the_version_names_the_source_of_the_location_data_when_asked() {
    let ran = meridian(&["--version", "--verbose"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(
        ran.out.starts_with("meridian ") && ran.out.contains("IP Geolocation by DB-IP (https://db-ip.com)")
    );
    assert_eq!(meridian(&["--version"]).out.lines().count(), 1);
}

#[test]
fn check_can_treat_warnings_as_errors() {
    let home = Home::new(1);
    let zones = home.zones();
    let zones = zones.to_str().unwrap();
    home.edit(
        "regions.yaml",
        "canaries:\n  shallow:",
        "canaries:\n  idle:\n    tcp: { port: 443 }\n  shallow:",
    );
    let ran = meridian(&["check", zones]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("warning: nothing refers to canary `idle`"), "{ran:?}");
    assert_eq!(meridian(&["check", "--strict", zones]).code, 2);
}

#[test]
fn prove_says_that_the_border_holds_and_of_which_configuration() {
    let home = Home::new(1);
    let zones = home.zones();
    let ran = meridian(&["prove", zones.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("no client is sent where its residency rules do not permit\n"), "{ran:?}");
    let hash =
        |out: &str| out.lines().find_map(|line| line.strip_prefix("configuration  ").map(str::to_owned));
    let before = hash(&ran.out).expect("it names the configuration");
    assert_eq!(before.len(), 64, "{ran:?}");
    home.edit("regions.yaml", "canaries:\n  shallow:", "canaries: # an other text\n  shallow:");
    let after = meridian(&["prove", zones.to_str().unwrap()]);
    assert_ne!(hash(&after.out), Some(before), "{after:?}");
}

#[test]
fn the_example_of_simulate_is_a_script() {
    let help = meridian(&["simulate", "--help"]).out;
    let (_, example) = help.split_once("say tokyo.scenario:\n").expect("there is an example");
    let (example, _) = example.split_once("Then:").expect("and more after it");
    let home = Home::new(1);
    let script = home.zones().join("example.scenario");
    fs::write(&script, example).unwrap();
    let ran = meridian(&["simulate", script.to_str().unwrap()]);
    // Its directories and regions are somebody else's; every statement of it is one.
    assert!(!ran.err.contains("is not a statement") && !ran.err.contains("is missing here"), "{ran:?}");
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn a_scenario_is_told_as_an_object_a_line_with_exact_loads_and_shares() {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/survivors.scenario");
    let ran = meridian(&["simulate", scenario, "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let of = |what: &str| lines.iter().filter(|line| line["what"] == what).collect::<Vec<_>>();
    assert!(of("load").iter().all(|line| line["loads"].is_object()), "{ran:?}");
    assert!(of("expected").iter().all(|line| line["got"].is_null()), "{ran:?}");
    for line in of("moved") {
        let shares = line["regions"].as_object().expect("regions").values();
        let sum: f64 = shares.map(|share| share.as_f64().expect("a share")).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{line}");
    }
    for what in ["load", "moved", "event", "notice", "expected"] {
        assert!(!of(what).is_empty(), "nothing of `{what}`");
    }
}

#[test]
fn the_schema_is_json_for_each_kind_of_file() {
    for kind in [&["schema"][..], &["schema", "server"], &["schema", "regions"], &["schema", "zone"]] {
        let ran = meridian(kind);
        assert_eq!(ran.code, 0, "{ran:?}");
        let schema: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
        assert!(schema["$schema"].is_string(), "{kind:?}");
    }
}

#[test]
fn explain_names_the_location_the_groups_the_rule_that_removed_a_region_the_answer_and_the_scope() {
    let text = explain(&["api.example.com", "--client", "10.49.7.0/24"]);
    for part in [
        "DE, 50.1 N 8.7 E",
        "10.49.0.0/16 (the operator's networks)",
        "groups      eu",
        "removed by residency rule 1: eu only in EU",
        "frankfurt       0 km  chosen: 1 of 1 up",
        "paris         478 km  behind the chosen one: 1 of 1 up",
        "api.example.com. 30 IN A 127.7.4.1",
        "client subnet scope /16",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    let removed = text.lines().filter(|line| line.contains("removed by")).count();
    assert_eq!(removed, 4, "tokyo, osaka, oregon and saopaulo:\n{text}");
}

#[test]
fn explain_tells_a_name_of_no_zone_from_one_that_everybody_gets_alike() {
    let text = explain(&["www.example.net", "--client", "10.49.7.0/24"]);
    assert!(
        text.contains("No zone of this server has the name: all clients are refused.\n\nREFUSED"),
        "{text}"
    );
    let text = explain(&["nothing.example.org", "--client", "10.49.7.0/24"]);
    assert!(
        text.contains("zone        example.org.\nThe name is not steered: all clients get this"),
        "{text}"
    );
    assert!(text.contains("\nNXDOMAIN\n"), "{text}");
}

#[test]
fn explain_gives_the_same_as_json() {
    let text = explain(&["www.api.example.com", "--client", "10.81.7.9", "--type", "AAAA", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["steering"]["owner"], "api.example.com.");
    assert_eq!(json["steering"]["regions"][0]["region"], "tokyo");
    assert_eq!(json["scope"], 16);
}

#[test]
fn bad_usage_exits_with_two_and_says_what_is_wrong() {
    for (arguments, words) in [
        (&["sevre"][..], "serve"),
        (&["serve", "--config"], "--config"),
        (&["explain", "api.example.com"], "--client"),
        (&["explain", "api.example.com", "--client", "somewhere"], "`somewhere`"),
        (&["explain", "api.example.com", "--client", "10.0.0.1", "--type", "AAAAA"], "`AAAAA`"),
        (&["demo", "break", "tokio"], "did you mean `tokyo`?"),
        (&["demo", "--dns", "5300"], "5300"),
        (&["schema", "zones"], "zone"),
    ] {
        let ran = meridian(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments:?}");
    }
}

#[test]
fn every_command_explains_itself() {
    for (command, flags) in [
        (&[][..], &["serve", "demo", "check", "explain", "schema", "geoip"][..]),
        (&["serve"], &["--config", "--log"]),
        (&["demo"], &["--dns", "--admin", "--control", "--directory", "break", "heal"]),
        (
            &["demo", "break"],
            &["REGION[/AZ]", "--how", "refuse:", "timeout:", "status:", "slow:", "gray:", "--control"],
        ),
        (&["demo", "heal"], &["REGION[/AZ]", "--control"]),
        (&["check"], &["[DIR]", "--strict"]),
        (&["explain"], &["<NAME>", "--client", "--type", "--config", "--admin", "--json"]),
        (
            &["availability"],
            &["--days", "--target", "--calculate", "--zone-availability", "--common-cause", "--admin"],
        ),
        (&["failback"], &["<REGION>", "--admin", "127.0.0.1:8053", "--author"]),
        (&["shift"], &["<TARGET>", "--percent", "--for", "--reason", "--override", "--dry-run", "--admin"]),
        (&["drain"], &["<TARGET>", "--for", "--reason", "--wait", "--timeout", "--token-file"]),
        (&["force"], &["<TARGET>", "up, down, auto", "--reason"]),
        (&["weights"], &["<NAME>", "REGION=N", "--steps", "--hold"]),
        (&["drain-status"], &["--wait", "--timeout", "--json"]),
        (&["rollout"], &["--exec", "--soak", "--timeout", "--for", "--dry-run"]),
        (&["drill"], &["--percent", "--for", "--abort-when", "--wait"]),
        (&["history"], &["--limit", "--kind", "--all", "--json"]),
        (&["schema"], &["server", "regions", "zone"]),
        (&["geoip", "build"], &["FILE", "--ipv4", "--ipv6", "--output"]),
        (&["geoip", "compare"], &["--regions"]),
    ] {
        let short = meridian(&[command, &["-h"]].concat());
        let long = meridian(&[command, &["--help"]].concat());
        assert_eq!((short.code, long.code), (0, 0), "{command:?}");
        for flag in flags {
            assert!(long.out.contains(flag), "{command:?} `{flag}`:\n{}", long.out);
        }
    }
}
