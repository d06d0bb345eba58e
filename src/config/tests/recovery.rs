//! Rules about how regions leave and come back.

use std::time::Duration;

use super::*;
use crate::canary::{Criticality, Reach, Signal};
use crate::region::{Failback, Failover, Gates, Limits, Minimum, Recovery};
use crate::share::Share;
use crate::units::Percent;

/// Compiles the usual configuration with these lines at the end of `regions.yaml`, and `tokyo` saying this.
fn compiled(more: &str, tokyo: &str) -> Compiled {
    let regions = REGIONS.replace("canaries: tcp }", &format!("canaries: [tcp], {tokyo} }}"));
    let files = [("server.yaml", SERVER), ("regions.yaml", &format!("{regions}{more}\n")), ("a.yaml", ZONE)];
    let sources = SourceFiles::new("", files.map(|(name, text)| SourceFile::new(name, text)).into());
    compile(&sources).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Returns what `tokyo` and `dublin` do, given what is said for all and of `tokyo`.
fn recoveries(all: &str, tokyo: &str) -> [Recovery; 2] {
    let config = compiled(all, tokyo).config;
    [0, 1].map(|region| config.regions.region(crate::region::RegionId(region)).recovery.clone())
}

/// Checks what is said of these lines at the end of `regions.yaml`, each problem as `column: message | hint`.
fn check_all(line: &str, expected: &[&str]) {
    let found = problems("regions.yaml", &format!("{REGIONS}{line}\n"));
    let lines = found.list.iter().map(|problem| {
        let hint = problem.hint.as_ref().map(|hint| format!(" | {hint}")).unwrap_or_default();
        format!("{}: {}{hint}", problem.column, problem.message)
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected, "\n{line}");
}

#[test]
fn a_region_overrides_what_is_said_for_all_key_by_key() {
    assert_eq!(recoveries("", "capacity: 1"), [Recovery::default(), Recovery::default()]);
    let all = "recovery: { min_down: 5m, ramp: 20%, gates: { load: 0.5 } }";
    let tokyo = "recovery: { ramp: [], hold: 0s, gates: { error_rate: 0 }, failback: manual }";
    let for_all = Recovery {
        min_down: Duration::from_secs(300),
        ramp: vec![Share::percent(20)],
        gates: Gates { error_rate: 0.05, load: 0.5 },
        ..Recovery::default()
    };
    let for_tokyo = Recovery {
        ramp: Vec::new(),
        hold: Duration::ZERO,
        gates: Gates { error_rate: 0.0, load: 0.5 },
        failback: Failback::Manual,
        ..for_all.clone()
    };
    assert_eq!(recoveries(all, tokyo), [for_tokyo, for_all]);
}

#[test]
fn failover_is_said_for_all_or_for_one() {
    for (all, tokyo, expected) in [
        ("", "capacity: 1", [Failover::Auto, Failover::Auto]),
        ("failover: advise", "failover: auto", [Failover::Auto, Failover::Advise]),
        ("failover: off", "capacity: 1", [Failover::Off, Failover::Off]),
    ] {
        let config = compiled(all, tokyo).config;
        let found: Vec<_> = config.regions.iter().map(|(_, region)| region.failover).collect();
        assert_eq!(found, expected);
    }
    check_all("failover: of", &["11: `of` is not a choice here | did you mean `off`?"]);
}

#[test]
fn a_recovery_has_bounds() {
    check_all("recovery: { min_down: 0s, hold: 24h, ramp: [1%, 2%, 3%, 4%, 5%, 6%, 7%, 99%] }", &[]);
    check_all(
        "recovery: { min_down: 31m, hold: 25h }",
        &["23: `min_down` goes from 0s to 30m, not 31m", "34: `hold` goes from 0s to 1d, not 1d1h"],
    );
    check_all(
        "recovery: { ramp: [10%, 10%, 5%, 100%] }",
        &[
            "25: `ramp` does not grow from 10% to 10% | write each share larger than the one before: `[10%, 50%]`",
            "30: `ramp` does not grow from 10% to 5% | write each share larger than the one before: `[10%, 50%]`",
            "34: `100%` is not a percentage from 1% to 99% | write `10%` or `10`",
        ],
    );
    check_all(
        "recovery: { ramp: [1%, 2%, 3%, 4%, 5%, 6%, 7%, 8%, 9%] }",
        &["52: `ramp` has more than 8 steps"],
    );
    check_all(
        "recovery: { gates: { error_rate: 5, load: 0 } }",
        &[
            "34: `error_rate` goes from 0 to 1, not 5 | 5 % is written `0.05`",
            "43: `load` is above 0 and at most 10, not 0 | 80 % is written `0.80`",
        ],
    );
    check_all(
        "recovery: { failback: never, min_dwon: 1s }",
        &[
            "23: `never` is not a choice here | there are `auto` and `manual`",
            "30: unknown key `min_dwon` | did you mean `min_down`?",
        ],
    );
}

#[test]
fn safety_is_lowered_as_it_is_written() {
    let safety = compiled("safety: { min_in_service: 50%, load: { soft: 0.7, step: 0.2 } }", "capacity: 1");
    let safety = safety.config.safety;
    assert_eq!(safety.min_in_service, Some(Minimum::Percent(Percent::of(50))));
    assert_eq!(safety.limits, Limits { soft: 0.7, step: 0.2, ..Limits::default() });
}

#[test]
fn regions_that_stay_in_service_are_fewer_than_there_are() {
    check_all("safety: { min_in_service: 1 }", &[]);
    check_all("safety: { min_in_service: 50% }", &[]);
    check_all(
        "safety: { min_in_service: 3 }",
        &["27: `min_in_service` is 3, but the regions are 2 | a share such as `50%` grows with their number"],
    );
    let none_leaves = "27: `min_in_service` is all regions: none could ever leave | if that is meant, `failover: off` says so";
    check_all("safety: { min_in_service: 2 }", &[none_leaves]);
    check_all("safety: { min_in_service: 51% }", &[none_leaves]);
}

#[test]
fn loads_lie_in_order_and_steps_are_shares() {
    check_all("safety: { load: { soft: 1, hard: 1, back: 0.99, step: 1 } }", &[]);
    check_all(
        "safety: { load: { back: 0.8 } }",
        &[
            "25: `back` (0.8) must be less than `soft` (0.8) | else a region takes back what it sheds, and sheds it again",
        ],
    );
    check_all(
        "safety: { load: { soft: 1.1 } }",
        &["25: `soft` (1.1) must not be more than `hard` (1) | a region sheds before it is full"],
    );
    check_all(
        "safety: { load: { hard: 80, step: 0 } }",
        &[
            "25: `hard` is above 0 and at most 10, not 80 | 80 % is written `0.80`",
            "35: `step` is above 0 and at most 1, not 0 | 80 % is written `0.80`",
        ],
    );
}

/// Compiles a configuration whose only canary is this one, watching `tokyo` and `dublin`.
fn watched(canary: &str) -> Compiled {
    let span = "location: { latitude: 1, longitude: 1 }, jurisdiction: IE, canaries: deep";
    let regions = [
        format!("regions:\n  tokyo: {{ {span}, zones: {{ a: {{ addresses: 192.0.2.1 }} }} }}\n"),
        format!("  dublin: {{ {span}, capacity: 5, zones: {{ a: {{ addresses: 192.0.2.2 }} }} }}\n"),
        format!("canaries:\n  deep: {{ {canary} }}\n"),
    ]
    .concat();
    let zone = "zone: example.org\nnameservers: a.b\nnames: { '@': { steer: { regions: [tokyo, dublin] } } }";
    let files = [("server.yaml", SERVER), ("regions.yaml", &regions), ("a.yaml", zone)];
    let sources = SourceFiles::new("", files.map(|(name, text)| SourceFile::new(name, text)).into());
    compile(&sources).unwrap_or_else(|problems| panic!("{problems}"))
}

fn warnings(canary: &str) -> Vec<String> {
    let list = watched(canary).warnings.list.into_iter();
    list.map(|problem| format!("{}:{}: {}", problem.line, problem.column, problem.message)).collect()
}

#[test]
fn a_load_without_a_capacity_is_a_warning_for_each_region() {
    let json = |signals: &str| format!("json: {{ url: 'http://{{address}}/', signals: {{ {signals} }} }}");
    let expected = ["2:3: region `tokyo` reports its load and has no `capacity`: it cannot shed"];
    assert_eq!(warnings(&json("load: /load")), expected);
    assert_eq!(warnings(&json("error_rate: /errors")), [""; 0]);
}

#[test]
fn one_place_that_several_regions_are_judged_by_is_a_warning() {
    let http = |url: &str| format!("probe: region, http: {{ url: '{url}' }}");
    let expected = ["3:82: canary `deep` asks one place about several regions"];
    assert_eq!(warnings(&http("https://api.example.com/health")), expected);
    assert_eq!(warnings(&http("https://{region}.example.com/health")), [""; 0]);
    assert_eq!(warnings(&http("https://example.com/{region}/health")), [""; 0]);
}

#[test]
fn a_region_whose_name_cannot_be_in_a_host_name_has_no_canary_that_says_so() {
    let regions = REGIONS
        .replace("canaries: tcp }", "canaries: [tcp, own] }")
        .replace("  tcp:", "  own: { probe: region, http: { url: 'https://{region}.example.com/' } }\n  tcp:")
        .replace("tokyo:", "-tokyo:");
    let found = problems("regions.yaml", &regions);
    let first = found.list.iter().find(|problem| problem.file == "regions.yaml").expect("a problem");
    assert_eq!(first.message, "canary `own` leads to `https://-tokyo.example.com/`, which is not a URL");
}

#[test]
fn effects_reaches_and_signals_are_lowered_as_they_are_written() {
    let effect_and_reach = |canary: &str| {
        let canary = watched(canary).config.canaries.remove(0);
        (canary.effect, canary.reach)
    };
    assert_eq!(effect_and_reach("tcp: { port: 1 }"), (Criticality::Critical, Reach::Address));
    let whole = "advisory: 25%, probe: region, http: { url: 'https://{region}.example.com/' }";
    assert_eq!(effect_and_reach(whole), (Criticality::Advisory(Share::percent(25)), Reach::Region));
    let json = "json: { url: 'http://{address}/', signals: { requests: /n, error_rate: /e } }";
    let canary = watched(json).config.canaries.remove(0);
    let signals: Vec<_> = canary.check.signals().iter().map(|(signal, at)| (*signal, at.as_str())).collect();
    assert_eq!(signals, [(Signal::ErrorRate, "/e"), (Signal::Requests, "/n")]);
}

#[test]
fn the_summary_says_what_is_not_default() {
    let canary = "advisory: 29%, probe: region, http: { url: 'https://{region}.example.com/' }";
    let mut config = watched(canary).config;
    config.safety.limits.step = 0.2;
    config.safety.min_in_service = Some(Minimum::Percent(Percent::of(50)));
    let text = summary::ConfigSummary(&config).to_string();
    for line in [
        "  advisory: what it finds down keeps 29% of its clients",
        "  once for each region, where the name leads",
        "  no critical canary of addresses: they count as up",
        "recovery: all clients are back 3m after a fall at the earliest = min_down 1m + 2 x hold 1m",
        "safety: regions that stay in service: 50%",
        "load: sheds above 0.8 by 0.2, takes back below 0.6, full at 1",
    ] {
        assert!(text.lines().any(|written| written == line), "there is no `{line}` in\n{text}");
    }
}
