//! What is predicted of three regions with 40, 35 and 25 % of the demand.

use super::*;
use crate::health::{SiteShare, View, Vitals};
use crate::moment::Moment;
use crate::share::Share;
use crate::snapshot::fixture;

/// Three equal regions in Japan and Oregon, each the first choice of a group of clients of its own; those of
/// oregon's may be sent there only if `rule` says so.
fn base(rule: &str, safety: &str, capacity: &str) -> Base {
    let region = |(index, name): (usize, &&str)| {
        let law = if *name == "oregon" { "US" } else { "JP" };
        format!(
            "  {name}:\n    location: {{ latitude: 35, longitude: {} }}\n    jurisdiction: {law}\n{capacity}    \
             zones: {{ {name}-a: {{ addresses: [192.0.2.1{index}, '2001:db8::{index}'] }} }}\n",
            index * 40
        )
    };
    let regions: String = ["tokyo", "osaka", "oregon"].iter().enumerate().map(region).collect();
    let regions = format!("regions:\n{regions}{safety}");
    // A list must not name what a rule forbids.
    let c = if rule.is_empty() { "[oregon, osaka, tokyo]" } else { "[oregon]" };
    let zone = format!(
        "zone: example.com\nnameservers: [ns1.example.net]\ngroups:\n  a: {{ networks: [0.0.0.0/1] }}\n  \
         b: {{ networks: [128.0.0.0/2] }}\n  c: {{ networks: [192.0.0.0/2] }}\nnames:\n  '@':\n    steer:\n      \
         regions: [tokyo, osaka, oregon]\n      ttl: 30s\n      short_ttl: 3s\n      residency: [{rule}]\n      \
         order: {{ a: [tokyo, osaka, oregon], b: [osaka, oregon, tokyo], c: {c}, otherwise: listed }}\n"
    );
    fixture::base(&regions, &zone)
}

const CAPACITY: &str = "    capacity: 1000\n";
const C_STAYS: &str = "{ clients: c, jurisdictions: [US] }";

const LOST: SiteShare = SiteShare::Out { since: Moment(0) };
const ALL: [SiteShare; 3] = [SiteShare::Full; 3];

fn view(base: &Base, stages: [SiteShare; 3]) -> View {
    View::all_up(&base.config.regions).with(Vec::new(), &stages.map(|share| [share; 2]))
}

fn readings(loads: [Option<f64>; 3]) -> Readings {
    let vitals = loads.map(|load| Vitals { load, ..Vitals::default() });
    Readings { vitals: vitals.to_vec(), ..Readings::unknown(3) }
}

/// Predicts that regions at these loads come to these stages, at a demand that is multiplied.
fn check(base: &Base, loads: [Option<f64>; 3], stages: [SiteShare; 3], load: f64) -> Forecast {
    let (all, after) = (view(base, ALL), view(base, stages));
    let outlook = Outlook { readings: readings(loads), ..Outlook::default() };
    let situation = |view| Situation { view, readings: &outlook.readings };
    predict(base, &outlook, situation(&all), situation(&after), load)
}

/// Loads of regions before and after, in percent; `-` is not known.
fn loads(forecast: &Forecast) -> String {
    let percent =
        |load: Option<f64>| load.map_or_else(|| "-".to_owned(), |load| format!("{:.0}", load * 100.0));
    let told = forecast.regions.iter();
    let told = told.map(|region| format!("{}>{}", percent(region.load_before), percent(region.load_after)));
    told.collect::<Vec<_>>().join(" ")
}

fn violations(forecast: &Forecast) -> Vec<(SafetyRule, String)> {
    let violations = forecast.violations().into_iter();
    violations.map(|violation| (violation.rule, violation.sentence)).collect()
}

const USUAL: [Option<f64>; 3] = [Some(0.40), Some(0.35), Some(0.25)];

#[test]
fn losing_the_first_of_three_at_140_percent_leaves_the_others_at_80_and_60() {
    let base = base("", "", CAPACITY);
    let forecast = check(&base, USUAL, [LOST, SiteShare::Full, SiteShare::Full], 1.4);
    assert_eq!(loads(&forecast), "56>- 49>80 35>60");
    assert_eq!(violations(&forecast), []);
    assert_eq!(forecast.endings(), [""; 0]);
    let moves = forecast.moves.iter().map(|one| (one.from.as_deref(), one.to.as_deref()));
    assert_eq!(moves.collect::<Vec<_>>(), [(Some("tokyo"), Some("osaka")), (Some("tokyo"), Some("oregon"))]);
    assert!((forecast.moves[0].share - 31.0 / 140.0).abs() < 1e-3, "{:?}", forecast.moves);
    assert!((forecast.query_factor - 1.0).abs() < 1e-9);
}

#[test]
fn a_survivor_that_passes_its_hard_limit_is_told_with_its_numbers() {
    let base = base("", "", CAPACITY);
    let forecast = check(&base, [Some(0.8), Some(0.7), Some(0.5)], [LOST, LOST, SiteShare::Full], 1.0);
    assert_eq!(loads(&forecast), "80>- 70>- 50>200");
    let sentence = "oregon would stand at 200% of its capacity, above the hard limit of 100%";
    assert_eq!(violations(&forecast), [(SafetyRule::HardLimit, sentence.to_owned())]);
    assert_eq!(forecast.endings(), [sentence]);
    assert!(forecast.to_string().contains(&format!("BREAKS hard_limit: {sentence}\n")), "{forecast}");
}

#[test]
fn a_region_that_was_too_full_before_is_no_fault_of_the_change_but_ends_badly() {
    let base = base("", "", CAPACITY);
    let alone = [Some(0.2), Some(0.2), Some(1.3)];
    let forecast = check(&base, alone, [LOST, LOST, SiteShare::Full], 1.0);
    assert_eq!(violations(&forecast), []);
    assert_eq!(forecast.endings(), ["oregon stays at 170% of its capacity, above the hard limit of 100%"]);
}

#[test]
fn a_class_that_loses_its_only_permitted_region_is_told_and_one_that_had_none_is_not() {
    let base = base(C_STAYS, "", CAPACITY);
    let forecast = check(&base, USUAL, [SiteShare::Full, SiteShare::Full, LOST], 1.0);
    let sentence = "example.com.: the clients that are permitted only oregon (2097152 /24s, 14% of all) would be \
                    without any region in IPv4 and IPv6 and get a region that is down all the same (fail-open)";
    assert_eq!(violations(&forecast), [(SafetyRule::NoRegion, sentence.to_owned())]);
    let nowhere = &forecast.moves[0];
    assert_eq!(
        (nowhere.from.as_deref(), nowhere.to.as_deref(), nowhere.added_km),
        (Some("oregon"), None, None)
    );
    // A quarter of the demand asks ten times as often: once in 3 s.
    assert!((forecast.query_factor - 3.25).abs() < 1e-6, "{}", forecast.query_factor);

    let lost = view(&base, [SiteShare::Full, SiteShare::Full, LOST]);
    let outlook = Outlook { readings: readings(USUAL), ..Outlook::default() };
    let situation = Situation { view: &lost, readings: &outlook.readings };
    let still = predict(&base, &outlook, situation, situation, 1.0);
    assert_eq!(violations(&still), []);
    assert_eq!(still.stranded.len(), 1, "it is said all the same");
}

#[test]
fn a_region_that_is_to_take_nobody_leaves_a_class_without_although_it_is_well() {
    let base = base(C_STAYS, "", CAPACITY);
    let forecast = check(&base, USUAL, [SiteShare::Full, SiteShare::Full, SiteShare::Waiting], 1.0);
    let told = violations(&forecast);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].1.ends_with("and get a region that is to take no clients, for want of another"),
        "{told:?}"
    );
    let half = [SiteShare::Full, SiteShare::Full, SiteShare::Part(Share::HALF)];
    assert_eq!(violations(&check(&base, USUAL, half, 1.0)), [], "half of them are taken, so all are");
}

#[test]
fn fewer_regions_than_min_in_service_are_a_violation_of_each_family() {
    let base = base("", "safety: { min_in_service: 2 }\n", CAPACITY);
    assert_eq!(violations(&check(&base, USUAL, [LOST, SiteShare::Full, SiteShare::Full], 1.0)), []);
    let told = violations(&check(&base, [Some(0.1); 3], [LOST, LOST, SiteShare::Full], 1.0));
    let sentence = |family: &str| {
        format!("1 of 3 regions would be in service in {family}, and `min_in_service` asks for 2")
    };
    let expected = ["IPv4", "IPv6"].map(|family| (SafetyRule::MinInService, sentence(family)));
    assert_eq!(told, expected);
}

#[test]
fn loads_that_nobody_knows_are_said_and_shares_are_told_all_the_same() {
    for capacity in [CAPACITY, ""] {
        let base = base("", "", capacity);
        let forecast = check(&base, [None; 3], [LOST, SiteShare::Full, SiteShare::Full], 1.0);
        assert_eq!(loads(&forecast), "->- ->- ->-");
        assert_eq!(forecast.notes, [text::NO_LOADS], "{capacity}");
        let shares = forecast.regions.iter().map(|region| region.share_after);
        let shares: Vec<_> = shares.map(|share| (share * 14.0).round()).collect();
        assert_eq!(
            shares,
            [0.0, 12.0, 2.0],
            "tokyo's eight fourteenths go to osaka, there are 14 /4s: {capacity}"
        );
    }
}

#[test]
fn one_region_that_says_nothing_is_named_and_its_clients_count_as_the_average() {
    let base = base("", "", CAPACITY);
    let silent = [Some(0.32), None, Some(0.08)];
    let forecast = check(&base, silent, [LOST, SiteShare::Full, SiteShare::Full], 1.0);
    // 8, 4 and 2 fourteenths of the clients: osaka's ask for 160 as the others do on average. Tokyo's go where
    // they are nearest, since nobody knows that it has no room.
    assert_eq!(loads(&forecast), "32>- ->- 8>8");
    let osaka = &forecast.regions[1];
    assert!((osaka.share_before - 160.0 / 560.0).abs() < 1e-6, "{osaka:?}");
    assert_eq!(forecast.notes, [text::unknown_loads(&["osaka"]), text::assumed_average(&["osaka"])]);
}

#[test]
fn a_demand_that_nobody_knows_is_assumed_by_the_number_of_clients() {
    let base = base("", "", CAPACITY);
    let outlook = Outlook::assumed(&base);
    let all = view(&base, ALL);
    let situation = Situation { view: &all, readings: &outlook.readings };
    let forecast = predict(&base, &outlook, situation, situation, 1.0);
    assert_eq!(loads(&forecast), "60>60 30>30 15>15");
    assert_eq!(forecast.moves, []);
}

#[test]
fn what_changes_for_ipv6_alone_is_said() {
    let base = base("", "", CAPACITY);
    let all = view(&base, ALL);
    let v6_lost = [[SiteShare::Full, LOST], [SiteShare::Full; 2], [SiteShare::Full; 2]];
    let after = View::all_up(&base.config.regions).with(Vec::new(), &v6_lost);
    let outlook = Outlook { readings: readings(USUAL), ..Outlook::default() };
    let situation = |view| Situation { view, readings: &outlook.readings };
    let forecast = predict(&base, &outlook, situation(&all), situation(&after), 1.0);
    assert_eq!((forecast.moves.len(), &*forecast.notes), (0, &[text::IPV6_ONLY.to_owned()][..]));
}
