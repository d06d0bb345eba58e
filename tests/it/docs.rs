//! The documentation, and what a new user types first.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::home::Home;
use crate::run::meridian;

/// Returns the YAML blocks of a page that begin with the name of their file.
fn yaml_blocks(page: &str) -> BTreeMap<String, String> {
    let blocks = page.split("```yaml\n# ").skip(1);
    let named = blocks.filter_map(|block| block.split("```").next()?.split_once('\n'));
    named.map(|(file, text)| (file.to_owned(), text.to_owned())).collect()
}

/// Pastes a page's configuration into a directory, and checks it.
fn check_pasted(page: &str) {
    let home = Home::new(1);
    let directory = home.path("pasted");
    fs::create_dir(&directory).unwrap();
    let blocks = yaml_blocks(&fs::read_to_string(page).unwrap());
    assert_eq!(blocks.len(), 3, "{page}: {:?}", blocks.keys());
    blocks.iter().for_each(|(file, text)| fs::write(directory.join(file), text).unwrap());
    let ran = meridian(&["check", "--strict", directory.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{page}: {ran:?}");
}

#[test]
fn the_configuration_of_the_readme_and_of_the_quick_start_works_when_pasted() {
    check_pasted("README.md");
    check_pasted("src/docs/quick-start.md");
}

/// Checks that every command in console blocks that the program has is one that its parser knows.
fn check_commands(page: &Path) {
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```console\n").skip(1).filter_map(|block| block.split("```").next());
    let typed = blocks.flat_map(str::lines).filter_map(|line| line.trim().strip_prefix("$ meridian "));
    for line in typed {
        let command = line.split_whitespace().next().unwrap();
        let ran = meridian(&[command, "--help"]);
        assert_eq!(ran.code, 0, "{}: {line}", page.display());
        let flags = line.split_whitespace().filter(|word| word.starts_with("--"));
        for flag in flags.map(|flag| flag.trim_end_matches([',', '`'])) {
            assert!(ran.out.contains(flag), "{}: `meridian {command}` has no {flag}", page.display());
        }
    }
}

#[test]
fn the_commands_in_console_blocks_exist_with_their_flags() {
    let pages = fs::read_dir("src/docs").unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    pages.chain(["README.md".into()]).for_each(|page| check_commands(&page));
}

#[test]
fn docs_are_listed_printed_and_written_as_a_site() {
    let listed = meridian(&["docs"]);
    assert!(listed.code == 0 && listed.out.lines().count() == 11, "{listed:?}");
    for line in listed.out.lines() {
        let name = line.split_whitespace().next().unwrap();
        let page = meridian(&["docs", name]);
        assert!(page.code == 0 && page.out.starts_with("# "), "{page:?}");
    }
    assert_eq!(meridian(&["docs", "nonsense"]).code, 2);
    let home = Home::new(1);
    let site = home.path("site");
    let ran = meridian(&["docs", "--output", site.to_str().unwrap()]);
    assert!(
        ran.code == 0 && site.join("index.html").exists() && site.join("alarms.html").exists(),
        "{ran:?}"
    );
}

#[test]
fn a_new_configuration_passes_check_and_fills_no_directory_twice() {
    let home = Home::new(1);
    let directory = home.path("new");
    let path = directory.to_str().unwrap();
    let ran = meridian(&["new", path, "--eu", "--ipv6"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let checked = meridian(&["check", "--strict", path]);
    assert!(checked.code == 0 && checked.out.contains("residency"), "{checked:?}");
    let again = meridian(&["new", path]);
    assert!(again.code == 2 && again.err.contains("is not empty"), "{again:?}");
    let other = home.path("other");
    let own = ["--zone", "shop.test", "--region", "lab=1.5,2.5,GB,192.0.2.1"];
    assert_eq!(meridian(&[&["new", other.to_str().unwrap()][..], &own].concat()).code, 0);
    assert_eq!(meridian(&["check", other.to_str().unwrap()]).code, 0);
    let far = ["new", path, "--region", "lab=1.5,2.5,Britain,192.0.2.1"];
    assert_eq!(meridian(&far).code, 2);
}

#[test]
fn an_empty_directory_that_is_there_is_filled_and_keeps_its_mode_even_as_the_working_directory() {
    let home = Home::new(1);
    let directory = home.path("mounted");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o750)).unwrap();
    let before = fs::metadata(&directory).unwrap();
    let mut new = Command::new(env!("CARGO_BIN_EXE_meridian"));
    let output = new.args(["new", "."]).current_dir(&directory).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let after = fs::metadata(&directory).unwrap();
    assert_eq!((after.ino(), after.mode() & 0o777), (before.ino(), 0o750));
    assert_eq!(meridian(&["check", directory.to_str().unwrap()]).code, 0);
}

#[test]
fn check_can_probe_every_address_once_before_anything_is_served() {
    let home = Home::new(1);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let directory = home.path("probed");
    let own = ["--region", "lab=1.5,2.5,GB,127.0.0.1,127.0.0.2"];
    assert_eq!(meridian(&[&["new", directory.to_str().unwrap()][..], &own].concat()).code, 0);
    let regions = fs::read_to_string(directory.join("regions.yaml")).unwrap();
    let http = regions.lines().find(|line| line.contains("http: {")).unwrap();
    fs::write(directory.join("regions.yaml"), regions.replace(http, &format!("    tcp: {{ port: {port} }}")))
        .unwrap();
    let ran = meridian(&["check", "--probe", directory.to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let seen = |line: &str| ran.out.lines().any(|other| other.starts_with(line));
    assert!(seen("lab/lab-a/127.0.0.1  health  ok in "), "{ran:?}");
    assert!(seen("lab/lab-a/127.0.0.2  health  failed: connection refused"), "{ran:?}");
    assert!(seen("1 of 2 probes failed"), "{ran:?}");
}

#[test]
fn manual_pages_and_completions_are_printed() {
    let page = meridian(&["man"]);
    assert!(page.code == 0 && page.out.contains(".TH"), "{page:?}");
    let home = Home::new(1);
    let pages = home.path("man");
    assert_eq!(meridian(&["man", "--output", pages.to_str().unwrap()]).code, 0);
    assert!(pages.join("meridian-drain.1").exists());
    for shell in ["bash", "zsh", "fish"] {
        let script = meridian(&["completions", shell]);
        assert!(script.code == 0 && script.out.contains("drain-status"), "{script:?}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let home = Home::new(1);
    let zones = home.zones();
    let zones = zones.to_str().unwrap();
    for arguments in [
        &["schema"][..],
        &["docs", "configuration"],
        &["check", zones],
        &["prove", zones],
        &["explain", "api.example.com", "--client", "133.11.0.0/24", "--config", zones, "--json"],
        &["simulate", "--each", "--config", zones],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_meridian"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::with_capacity(1, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.code().is_some_and(|code| code <= 1), "{arguments:?}: {ended:?}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
}
