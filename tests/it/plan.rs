//! What a change of the configuration changes: `meridian plan`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::home::Home;
use crate::run::{Ran, meridian};

const SERVER: &str = "name: ns1
listen: { dns: ['127.0.0.1:0'] }
state: ../state
geo: { networks: [{ network: 10.0.0.0/8, country: JP }, { network: 20.0.0.0/8, country: DE }] }
";

const REGIONS: &str = "regions:
  tokyo: { location: { latitude: 35.7, longitude: 139.7 }, jurisdiction: JP, capacity: 1000, zones: { a: { addresses: [127.7.1.1] } } }
  paris: { location: { latitude: 48.9, longitude: 2.3 }, jurisdiction: FR, zones: { a: { addresses: [127.7.2.1] } } }
  cloud: { location: { latitude: 1.4, longitude: 103.8 }, jurisdiction: SG, zones: { a: { host: lb.example.net } } }
";

const ZONE: &str = "zone: example.com
nameservers: [ns1.example.net]
groups: { eu: { european_union: true } }
names:
  api: { steer: { regions: [tokyo, paris], residency: [{ clients: eu, jurisdictions: [EU] }] } }
  www: { A: [192.0.2.80] }
";

/// Two directories, of which the second has these texts replaced.
struct Change {
    _home: Home,
    directories: [PathBuf; 2],
}

impl Change {
    fn of(replaced: &[(&str, &str)]) -> Self {
        Self::between(&[], replaced)
    }

    /// Two directories, in each of which these texts are replaced.
    fn between(before: &[(&str, &str)], after: &[(&str, &str)]) -> Self {
        let home = Home::new(1);
        let directories = ["old", "new"].map(|name| home.path(name));
        for (directory, replaced) in directories.iter().zip([before, after]) {
            fs::create_dir(directory).unwrap();
            for (name, text) in
                [("server.yaml", SERVER), ("regions.yaml", REGIONS), ("example.com.yaml", ZONE)]
            {
                let text = replaced.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
                fs::write(directory.join(name), text).unwrap();
            }
        }
        Self { _home: home, directories }
    }

    fn plan(&self, flags: &[&str]) -> Ran {
        let [old, new] = &self.directories;
        meridian(&[&["plan", old.to_str().unwrap(), new.to_str().unwrap()], flags].concat())
    }
}

#[test]
fn the_same_configuration_in_another_directory_changes_nothing_and_exits_with_zero() {
    let ran = Change::of(&[("capacity: 1000", "capacity: 1000, failover: auto")]).plan(&[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(ran.out.starts_with("nothing changes from ") && ran.out.lines().count() == 1, "{}", ran.out);
}

#[test]
fn clients_who_would_be_sent_elsewhere_are_told_by_country_and_it_exits_with_three() {
    let change = Change::of(&[
        ("jurisdictions: [EU]", "jurisdictions: [JP]"),
        ("capacity: 1000", "capacity: 900"),
        ("  www: { A: [192.0.2.80] }\n", "  web: { A: [192.0.2.80] }\n"),
    ]);
    let ran = change.plan(&[]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let lines: Vec<_> = ran.out.lines().collect();
    assert!(lines[0].starts_with("CLIENTS ARE SENT TO ANOTHER JURISDICTION: from "), "{}", ran.out);
    let expected = "
api.example.com: 0.4% of its clients get other answers
  border: 0.4% may be sent to JP from now on, and no longer to FR: DE 100%
  sent to another jurisdiction
    0.4% paris (FR) -> tokyo (JP), IPv4: DE 100%
  regions: tokyo 99.6% -> 100%, paris 0.4% -> 0%
  residency: eu only in EU (paris) -> eu only in JP (tokyo)

names
  + web.example.com, static
      A: 192.0.2.80 (ttl 3600s)
  - www.example.com, static

settings
  ~ region tokyo
      capacity: 1000 -> 900
";
    assert!(ran.out.contains(expected), "{}", ran.out);
    let json: Value = serde_json::from_str(&change.plan(&["--json"]).out).unwrap();
    let clients = &json["names"][0]["clients"];
    assert_eq!(clients["moves"][0]["kind"], "jurisdiction");
    assert_eq!(clients["moves"][0]["to"]["region"], "tokyo");
    assert!((clients["share"].as_f64().unwrap() - 1.0 / 224.0).abs() < 1e-9, "{clients}");
    let comment = change.plan(&["--markdown"]);
    let row = "| 0.4% | sent to another jurisdiction: paris (FR) -> tokyo (JP), IPv4 | DE 100% |";
    assert!(comment.code == 3 && comment.out.contains(row), "{}", comment.out);
}

#[test]
fn a_region_whose_addresses_a_host_has_is_there_without_a_lookup() {
    let ran = Change::of(&[("[tokyo, paris], residency", "[cloud, paris], residency")]).plan(&[]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("tokyo (JP) -> cloud (SG), IPv4"), "{}", ran.out);
    assert!(ran.out.contains("No `host` is looked up"), "{}", ran.out);
}

#[test]
fn a_directory_that_does_not_compile_and_bad_usage_exit_with_two() {
    let ran = Change::of(&[("jurisdictions: [EU]", "jurisdictions: [XX]")]).plan(&[]);
    assert!(ran.code == 2 && ran.err.contains("example.com.yaml:5:"), "{ran:?}");
    let change = Change::of(&[]);
    assert_eq!(change.plan(&["--json", "--markdown"]).code, 2);
    let [old, _] = &change.directories;
    assert_eq!(meridian(&["plan", old.to_str().unwrap()]).code, 2);
    assert_eq!(meridian(&["plan", old.to_str().unwrap(), "/nonexistent"]).code, 2);
}

/// Returns the script of the step `report` of the workflow in the recipes.
fn report_script() -> String {
    let page = fs::read_to_string("src/docs/recipes.md").unwrap();
    let (_, rest) = page.split_once("        shell: bash\n        run: |\n").expect("the workflow");
    rest.lines().map_while(|line| line.strip_prefix("          ")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_workflow_of_the_recipes_writes_one_comment_and_fails_for_findings_only() {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_meridian"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let small = [
        (
            "  cloud: { location: { latitude: 1.4, longitude: 103.8 }, jurisdiction: SG, zones: { a: { host: lb.example.net } } }\n",
            "",
        ),
        (", capacity: 1000", ""),
        ("groups: { eu: { european_union: true } }\n", ""),
        (", residency: [{ clients: eu, jurisdictions: [EU] }]", ""),
    ];
    for (regions, failed) in [("[paris, tokyo]", "failed=0\n"), ("[tokyo, nowhere]", "failed=1\n")] {
        let edits = [("192.0.2.80", "192.0.2.81"), ("[tokyo, paris]", regions)];
        let change = Change::between(&small, &[&small[..], &edits].concat());
        let home = Home::new(1);
        for (name, directory) in ["old", "new"].iter().zip(&change.directories) {
            fs::create_dir_all(home.path(name)).unwrap();
            fs::rename(directory, home.path(name).join("dns")).unwrap();
        }
        let work = home.path("old").parent().unwrap().to_owned();
        let mut bash = Command::new("bash");
        bash.args(["-eo", "pipefail", "-c", &report_script()]).current_dir(&work).env("PATH", &path);
        let ran = bash.env("GITHUB_ENV", home.path("env")).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        assert_eq!(fs::read_to_string(home.path("env")).unwrap(), failed);
        let comment = fs::read_to_string(work.join("comment.md")).unwrap();
        assert!(comment.starts_with("<!-- meridian -->\n"), "{comment}");
        assert_eq!(
            comment.contains("### meridian plan: CLIENTS ARE SENT TO ANOTHER"),
            failed == "failed=0\n",
            "{comment}"
        );
        for title in ["meridian check", "meridian prove", "meridian simulate --each"] {
            let code = if failed == "failed=0\n" { 0 } else { 2 };
            assert!(comment.contains(&format!("<summary>{title}: exit {code}</summary>")), "{comment}");
        }
    }
}
