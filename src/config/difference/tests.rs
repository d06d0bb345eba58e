//! What counts as a difference of two configurations, and what does not.

use super::{SubjectDifference, differences, name_differences};
use crate::config::{self, Config, SourceFile, SourceFiles};

const SERVER: &str = "name: ns1\nlisten: { dns: ['127.0.0.1:5300'] }\n";

const REGIONS: &str = "\
regions:
  tokyo:
    location: { latitude: 35.68, longitude: 139.69 }
    jurisdiction: JP
    capacity: 1000
    zones: { tokyo-a: { addresses: [192.0.2.1] } }
    canaries: [shallow]
  paris:
    location: { latitude: 48.86, longitude: 2.35 }
    jurisdiction: FR
    zones: { paris-a: { addresses: [192.0.2.2] } }
canaries:
  shallow: { tcp: { port: 443 }, interval: 10s, timeout: 1s }
safety: { velocity: 20% }
";

const ZONE: &str = "\
zone: example.com
nameservers: [ns1.example.net]
groups: { eu: { european_union: true } }
names:
  api: { steer: { regions: [tokyo, paris], residency: [{ clients: eu, jurisdictions: [EU] }] }, TXT: hello }
  www: { A: [192.0.2.80] }
";

fn compiled([server, regions, zone]: [&str; 3]) -> Config {
    let files = [("server.yaml", server), ("regions.yaml", regions), ("example.com.yaml", zone)];
    let files = files.map(|(name, text)| SourceFile::new(name, text)).to_vec();
    config::compile(&SourceFiles::new("", files)).unwrap_or_else(|problems| panic!("{problems}")).config
}

/// Replaces a text in one of the files, and lists what is told of it.
#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    let files = [SERVER, REGIONS, ZONE];
    assert!(files.iter().any(|file| file.contains(from)), "{from} is somewhere");
    let changed = files.map(|file| file.replace(from, to));
    let (before, after) = (compiled(files), compiled([&changed[0], &changed[1], &changed[2]]));
    let mut lines = Vec::new();
    let names = name_differences(&before, &after).into_iter().map(|name| SubjectDifference {
        subject: format!("{} {:?}", name.owner, name.kind),
        change: name.change,
        settings: name.settings,
    });
    for one in names.chain(differences(&before, &after)) {
        lines.push(format!("{} {}", one.change.sign(), one.subject));
        lines.extend(one.settings.iter().filter_map(|setting| setting.told(one.change)));
    }
    assert_eq!(lines, expected);
}

#[test]
fn a_token_that_is_named_some_lines_further_down_is_no_other_one() {
    let with = |comment: &str| {
        let server =
            format!("{SERVER}{comment}access: {{ tokens: [{{ name: jo, role: operate, file: jo }}] }}\n");
        compiled([&server, REGIONS, ZONE])
    };
    assert_eq!(differences(&with(""), &with("# The operators.\n")), []);
}

#[test]
fn a_setting_that_says_its_default_and_a_comment_change_nothing() {
    check("velocity: 20%", "velocity: 20%, keep: 33%", &[]);
    check("capacity: 1000", "capacity: 1000 # as ever\n    min_healthy: 1\n    failover: auto", &[]);
    check("name: ns1", "name: ns1\nlog: human", &[]);
}

#[test]
fn settings_of_regions_canaries_groups_and_safety_are_told_with_both_values() {
    check("capacity: 1000", "capacity: 900", &["~ region tokyo", "capacity: 1000 -> 900"]);
    check("interval: 10s", "interval: 20s", &["~ canary shallow", "interval: 10s -> 20s"]);
    check("velocity: 20%", "velocity: 10%", &["~ safety", "velocity: 20% -> 10%"]);
    check("    canaries: [shallow]\n", "", &["~ region tokyo", "canaries: shallow -> none"]);
    check(
        "{ european_union: true }",
        "{ european_union: true, countries: [CH] }",
        &["~ group eu", "member: country CH, new"],
    );
}

#[test]
fn what_is_renumbered_by_a_new_region_is_not_told() {
    let oslo = "regions:\n  oslo: { location: { latitude: 59.9, longitude: 10.7 }, jurisdiction: NO, \
                zones: { a: { addresses: [192.0.2.3] } } }\n";
    let expected = ["+ region oslo", "jurisdiction: NO", "location: 59.9, 10.7", "capacity: none"];
    let files = [SERVER, REGIONS, ZONE];
    let added = REGIONS.replace("regions:\n", oslo);
    let found = differences(&compiled(files), &compiled([SERVER, &added, ZONE]));
    let lines = found.iter().flat_map(|one| {
        let settings = one.settings.iter().filter_map(|setting| setting.told(one.change));
        std::iter::once(format!("{} {}", one.change.sign(), one.subject)).chain(settings)
    });
    assert_eq!(lines.take(4).collect::<Vec<_>>(), expected);
    assert_eq!(found.len(), 1);
    let gone = differences(&compiled([SERVER, &added, ZONE]), &compiled(files));
    assert_eq!(
        gone.iter().map(|one| (one.change.sign(), one.subject.as_str())).collect::<Vec<_>>(),
        [('-', "region oslo")]
    );
}

#[test]
fn names_are_told_by_what_they_hold_and_the_serial_number_is_no_change_of_its_own() {
    check(
        "192.0.2.80",
        "192.0.2.81",
        &["~ www.example.com. Static", "A: 192.0.2.80 (ttl 3600s) -> 192.0.2.81 (ttl 3600s)"],
    );
    check(
        "TXT: hello",
        "TXT: bye",
        &["~ api.example.com. Steered", "TXT: \"hello\" (ttl 3600s) -> \"bye\" (ttl 3600s)"],
    );
    check("  www: { A: [192.0.2.80] }\n", "", &["- www.example.com. Static"]);
    check(
        "www:",
        "web:",
        &["+ web.example.com. Static", "A: 192.0.2.80 (ttl 3600s)", "- www.example.com. Static"],
    );
    check(
        "jurisdictions: [EU] }",
        "jurisdictions: [EU, JP] }",
        &[
            "~ api.example.com. Steered",
            "residency: eu only in EU (paris) -> eu only in EU, JP (tokyo, paris)",
        ],
    );
    check(
        "[tokyo, paris], ",
        "[tokyo, paris], pins: true, ",
        &[
            "+ paris.api.example.com. Pin",
            "pin of: api.example.com.",
            "addresses: 192.0.2.2",
            "+ paris-a.paris.api.example.com. Pin",
            "pin of: api.example.com.",
            "addresses: 192.0.2.2",
            "+ tokyo.api.example.com. Pin",
            "pin of: api.example.com.",
            "addresses: 192.0.2.1",
            "+ tokyo-a.tokyo.api.example.com. Pin",
            "pin of: api.example.com.",
            "addresses: 192.0.2.1",
        ],
    );
}

#[test]
fn of_server_yaml_the_keys_are_told_and_no_values() {
    check("name: ns1", "name: ns2", &["~ server.yaml", "name", "identity"]);
    check("name: ns1", "name: ns1\nadmin: '127.0.0.1:8053'", &["~ server.yaml", "admin"]);
}
