//! Rules about services: what stands behind one address and is watched apart.

use super::*;
use crate::snapshot::fixture;

const PLACE: &str = "location: { latitude: 35.68, longitude: 139.69 }, jurisdiction: JP";
const CANARIES: &str = "canaries: { api: { tcp: { port: 443 } }, batch: { tcp: { port: 8443 } } }\n";

/// Checks what is said of the services of a region that is in use, and of names that are for one.
fn check_services(services: &str, names: &str, expected: &[&str]) {
    let regions = format!(
        "regions:\n  tokyo: {{ {PLACE}, zones: {{ a: {{ addresses: [192.0.2.1] }} }}, canaries: [api], services: {{ {services} }} }}\n{CANARIES}"
    );
    let zone = format!(
        "zone: example.org\nnameservers: [ns1.example.net]\nnames: {{ '@': {{ steer: {{ regions: [tokyo] }} }}, {names} }}\n"
    );
    let files = [("server.yaml", SERVER), ("regions.yaml", &*regions), ("a.yaml", &*zone)];
    let files = files.into_iter().map(|(name, text)| SourceFile::new(name, text));
    let problems = match compile(&SourceFiles::new("", files.collect())) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems,
    };
    let said = problems.list.into_iter().map(|problem| {
        let hint = problem.hint.map(|hint| format!(" | {hint}")).unwrap_or_default();
        format!("{}{hint}", problem.message)
    });
    assert_eq!(said.collect::<Vec<_>>(), expected, "{services} {names}");
}

#[test]
fn two_services_behind_one_address_have_canaries_of_their_own_and_names_choose() {
    check_services("batch: { canaries: [batch] }", "b: { steer: { regions: [tokyo], service: batch } }", &[]);
    let regions = format!(
        "regions:\n  tokyo: {{ {PLACE}, zones: {{ a: {{ addresses: [192.0.2.1] }} }}, canaries: [api], \
         services: {{ batch: {{ canaries: [batch] }} }} }}\n{CANARIES}"
    );
    let zone = "zone: example.org\nnameservers: [ns1.example.net]\nnames:\n  \
                api: { steer: { regions: [tokyo], pins: true } }\n  \
                batch: { steer: { regions: [tokyo], service: batch, pins: true } }\n";
    let config = &fixture::base(&regions, zone).config;
    let named: Vec<_> = config.regions.iter().map(|(_, region)| region.name.as_str()).collect();
    assert_eq!(named, ["tokyo", "tokyo:batch"]);
    let of_name = |index: usize| config.regions.region(config.steered[index].policy.regions[0]);
    assert_eq!([of_name(0).name.as_str(), of_name(1).name.as_str()], ["tokyo", "tokyo:batch"]);
    assert_ne!(of_name(0).canaries, of_name(1).canaries);
    assert_eq!(of_name(0).zones, of_name(1).zones, "the addresses are those of the region");
    let pins: Vec<_> = config.pins.iter().map(|pin| pin.owner.to_string()).collect();
    assert!(pins.contains(&"tokyo.batch.example.org.".to_owned()), "{pins:?}");
}

#[test]
fn a_service_that_a_region_has_not_is_an_error_and_so_is_its_name_in_place_of_a_region() {
    check_services(
        "batch: { canaries: [batch] }",
        "b: { steer: { regions: [tokyo], service: bach } }, c: { steer: { regions: ['tokyo:batch'] } }",
        &[
            "region `tokyo` has no service `bach` | did you mean `batch`?",
            "`tokyo:batch` names a service | write the region here, and `service: batch` beside `regions`",
        ],
    );
    check_services(
        "batch:",
        "",
        &[
            "service `batch` says nothing | write `batch: { canaries: [batch] }`; the addresses are those of the region",
        ],
    );
}

#[test]
fn two_regions_with_one_address_are_told_to_be_services_of_one() {
    let regions = format!(
        "regions:\n  tokyo-api: {{ {PLACE}, zones: {{ a: {{ addresses: [127.0.1.1] }} }}, canaries: [api] }}\n  \
         tokyo-batch: {{ {PLACE}, zones: {{ b: {{ addresses: [127.0.1.1] }} }}, canaries: [batch] }}\n{CANARIES}"
    );
    let said = problems("regions.yaml", &regions).list;
    let twice = said.iter().find(|one| one.message == "address `127.0.1.1` occurs twice").expect("an error");
    assert_eq!(
        twice.hint.as_deref(),
        Some(
            "region `tokyo-api` has it in line 2; what else stands behind it is one of its `services`, with canaries of its own"
        )
    );
}
