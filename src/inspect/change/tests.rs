//! Which clients get other answers, and which of them are told first.

use super::*;
use crate::client::Country;
use crate::config::difference::SettingChange;
use crate::geo::{Cohort, TableSources};
use crate::snapshot::fixture;

const GEO: &str = "geo: { networks: [
  { network: 10.0.0.0/8, country: JP },
  { network: 20.0.0.0/8, country: DE },
  { network: 30.0.0.0/8, country: FR },
  { network: '2001:db8::/32', country: AU } ] }
";

const REGIONS: &str = "\
regions:
  tokyo: { location: { latitude: 35.7, longitude: 139.7 }, jurisdiction: JP, capacity: 3, zones: { a: { addresses: [192.0.2.1, '2001:db8::1'] } } }
  paris: { location: { latitude: 48.9, longitude: 2.3 }, jurisdiction: FR, capacity: 1, zones: { a: { addresses: [192.0.2.2, '2001:db8::2'] } } }
  lyon: { location: { latitude: 45.8, longitude: 4.8 }, jurisdiction: FR, capacity: 1, zones: { a: { addresses: [192.0.2.3, '2001:db8::3'] } } }
";

const ZONE: &str = "\
zone: example.com
nameservers: [ns1.example.net]
groups: { eu: { european_union: true } }
names:
  '@': { steer: { regions: [tokyo, paris], residency: [{ clients: eu, jurisdictions: [EU] }], all_down: servfail } }
";

/// Compares the configuration with one in which texts are replaced.
fn change(replaced: &[(&str, &str)]) -> ConfigChange {
    change_between(&[], replaced)
}

/// Compares two configurations in which texts are replaced.
fn change_between(before: &[(&str, &str)], after: &[(&str, &str)]) -> ConfigChange {
    let [before, after] = [before, after].map(|replaced| {
        let texts = [GEO, REGIONS, ZONE]
            .map(|text| replaced.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)));
        fixture::located(&texts[0], &texts[1], &texts[2])
    });
    let networks = &after.config.server.geo.networks;
    let sources = TableSources { database: None, asn: None, networks };
    let cohorts = Cohort::census([&before.table, &after.table], sources).expect("no database");
    let compared = |base| ComparedConfig { place: "", base, settings: &base.config };
    ConfigChange::of(&compared(&before), &compared(&after), &cohorts)
}

/// Lists how much of which countries moves where.
#[track_caller]
fn check(replaced: &[(&str, &str)], expected: &[&str]) {
    let change = change(replaced);
    let countries = |list: &[CountryShare]| {
        let one = |one: &CountryShare| {
            format!("{} {:.0}", one.country.as_deref().unwrap_or("?"), one.of_country * 100.0)
        };
        list.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let clients = change.names.iter().filter_map(|name| name.clients.as_ref());
    let lines = clients.flat_map(|clients| {
        let border =
            clients.border.iter().map(|one| format!("{}: {}", one.sentence(), countries(&one.countries)));
        let moves = clients
            .moves
            .iter()
            .map(|one| format!("{:?} {}: {}", one.kind, one.way(), countries(&one.countries)));
        border.chain(moves).collect::<Vec<_>>()
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

#[test]
fn the_same_configuration_changes_nothing() {
    let change = change(&[]);
    assert!(change.is_nothing(), "{change:?}");
}

#[test]
fn a_client_of_a_region_that_stays_and_is_drawn_for_a_new_one_is_told_of() {
    let near = ("latitude: 35.7, longitude: 139.7", "latitude: 47, longitude: 3");
    let before = [near, ("regions: [tokyo, paris],", "regions: [tokyo, paris], spread: 1000 km,")];
    let after = [near, ("regions: [tokyo, paris],", "regions: [paris, lyon], spread: 1000 km,")];
    let change = change_between(&before, &after);
    let moves = &change.names[0].clients.as_ref().expect("clients move").moves;
    let ways = moves.iter().filter(|one| one.countries.iter().any(|of| of.country.as_deref() == Some("JP")));
    let mut ways: Vec<_> = ways.map(AnswerMove::way).collect();
    ways.sort_unstable();
    assert_eq!(
        ways,
        [
            "paris (FR) -> lyon (FR), IPv4 and IPv6",
            "tokyo (JP) -> lyon (FR), IPv4 and IPv6",
            "tokyo (JP) -> paris (FR), IPv4 and IPv6",
        ]
    );
}

#[test]
fn a_setting_without_effect_on_healthy_answers_moves_no_client() {
    let change = change(&[("all_down: servfail", "all_down: nodata")]);
    assert_eq!(change.names.len(), 1);
    assert_eq!((change.names[0].clients.as_ref(), change.names[0].settings.len()), (None, 1));
}

#[test]
fn clients_who_cross_the_border_come_first_and_those_of_a_region_that_is_gone_are_told_by_country() {
    check(
        &[("clients: eu, jurisdictions: [EU]", "clients: eu, jurisdictions: [JP]")],
        &[
            "may be sent to JP from now on, and no longer to FR: DE 100 FR 100",
            "Jurisdiction paris (FR) -> tokyo (JP), IPv4 and IPv6: DE 100 FR 100",
        ],
    );
    check(
        &[("regions: [tokyo, paris]", "regions: [tokyo, lyon]")],
        &["Region paris (FR) -> lyon (FR), IPv4 and IPv6: DE 100 FR 100"],
    );
    check(
        &[("regions: [tokyo, paris]", "regions: [paris]")],
        &[
            "may no longer be sent to JP: ? 100 JP 100 AU 100",
            "Jurisdiction tokyo (JP) -> paris (FR), IPv4 and IPv6: ? 100 JP 100 AU 100",
        ],
    );
}

#[test]
fn a_border_that_falls_is_told_although_no_client_moves_while_all_is_well() {
    let without = [(", residency: [{ clients: eu, jurisdictions: [EU] }]", "")];
    check(&without, &["may be sent to JP from now on: DE 100 FR 100"]);
    let change = change(&without);
    let clients = change.names[0].clients.as_ref().expect("the border changes");
    assert!(clients.share.abs() < 1e-9 && clients.moves.is_empty());
    assert!(
        change.summary().starts_with("CLIENTS MAY BE SENT TO ANOTHER JURISDICTION"),
        "{}",
        change.summary()
    );
}

#[test]
fn a_region_that_is_moved_to_another_jurisdiction_takes_its_clients_there() {
    check(
        &[("jurisdiction: JP", "jurisdiction: SG")],
        &[
            "may be sent to SG from now on, and no longer to JP: ? 100 JP 100 AU 100",
            "Jurisdiction tokyo (JP) -> tokyo (SG), IPv4 and IPv6: ? 100 JP 100 AU 100",
        ],
    );
}

#[test]
fn clients_without_an_address_are_told_with_what_they_get_and_of_one_family_alone() {
    check(
        &[("{ clients: eu, jurisdictions: [EU] }", "{ clients: eu, regions: [], otherwise: nodata }")],
        &[
            "may no longer be sent to FR: DE 100 FR 100",
            "Unanswered paris (FR) -> NODATA, IPv4 and IPv6: DE 100 FR 100",
        ],
    );
    // The Union has no other region to send its clients to.
    check(&[("192.0.2.2, ", "")], &["Unanswered paris (FR) -> NODATA, IPv4: DE 100 FR 100"]);
    check(&[("192.0.2.1, ", "")], &["Jurisdiction tokyo (JP) -> paris (FR), IPv4: ? 100 JP 100 AU 100"]);
}

#[test]
fn other_addresses_of_the_same_region_are_no_other_region_and_an_address_that_is_not_answered_is_nothing() {
    check(
        &[("192.0.2.1,", "192.0.2.9,")],
        &["Addresses tokyo (JP) -> tokyo (JP), IPv4: ? 100 JP 100 AU 100"],
    );
    check(&[("192.0.2.3", "192.0.2.9")], &[]);
}

#[test]
fn weights_move_a_fraction_of_the_clients_in_every_country() {
    let weights = "regions: [tokyo, paris], order: listed, weights: { tokyo: 1, paris: 3 }, ";
    let change = change(&[
        ("regions: [tokyo, paris], ", weights),
        (" residency: [{ clients: eu, jurisdictions: [EU] }],", ""),
    ]);
    let clients = change.names[0].clients.as_ref().expect("clients move");
    let one = clients.moves.iter().find(|one| one.kind == MoveKind::Jurisdiction).expect("clients move");
    let japan = one.countries.iter().find(|one| one.country.as_deref() == Some("JP")).expect("Japan");
    assert!((japan.of_country - 0.75).abs() < 1e-3, "{japan:?}");
}

#[test]
fn a_database_that_places_clients_elsewhere_moves_them_and_they_are_where_it_says() {
    check(
        &[("10.0.0.0/8, country: JP", "10.0.0.0/8, country: IT")],
        &[
            "may no longer be sent to JP: IT 100",
            "Jurisdiction tokyo (JP) -> paris (FR), IPv4 and IPv6: IT 100",
        ],
    );
}

/// Checks that two listed countries weigh what their networks do.
#[test]
fn shares_are_of_all_clients_by_their_networks() {
    let change = change(&[("regions: [tokyo, paris]", "regions: [tokyo, lyon]")]);
    let clients = change.names[0].clients.as_ref().expect("clients move");
    // Two of the 224 networks of eight bits that are unicast.
    assert!((clients.share - 2.0 / 224.0).abs() < 1e-9, "{}", clients.share);
    let regions: Vec<_> =
        clients.regions.iter().map(|one| (one.region.as_str(), one.after > one.before)).collect();
    assert_eq!(regions, [("paris", false), ("lyon", true)]);
    let germany: Country = "DE".parse().expect("a country");
    let germany = clients.moves[0].countries.iter().find(|one| one.country == Some(germany.to_string()));
    assert!((germany.expect("Germany").share - 1.0 / 224.0).abs() < 1e-9);
}

#[test]
fn names_with_the_same_change_are_told_once() {
    let mut change = change(&[("regions: [tokyo, paris]", "regions: [tokyo, lyon]")]);
    let other = NameChange { name: "other.example.com".to_owned(), ..change.names[0].clone() };
    change.names.push(other);
    for report in [change.to_string(), Markdown(&change).to_string()] {
        assert_eq!(report.matches("other.example.com").count(), 1, "{report}");
        assert_eq!(report.matches("paris (FR) -> lyon (FR)").count(), 1, "{report}");
    }
}

#[test]
fn markup_in_a_value_is_none_in_the_comment() {
    let mut change = change(&[]);
    let settings = vec![SettingChange {
        setting: "TXT".to_owned(),
        before: None,
        after: Some("``` [x](https://example.net) @everyone".to_owned()),
    }];
    change.names.push(NameChange {
        name: "a".to_owned(),
        kind: ChooserKind::Static,
        change: ChangeKind::Added,
        settings,
        clients: None,
    });
    let comment = Markdown(&change).to_string();
    assert!(comment.contains("  - ```` TXT: ``` [x](https://example.net) @everyone ````\n"), "{comment}");
}
