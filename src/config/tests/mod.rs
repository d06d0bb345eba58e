//! The rules of the configuration, one mistake a test.
//!
//! [`check`] compiles a whole configuration in which one file is as the test says, and compares the
//! problems, each as `file:line:column: message | hint`.

mod alarms;
mod canaries;
mod drills;
mod how_problems_look;
mod laws;
mod master_files;
mod name_servers;
mod recovery;
mod regions;
mod server;
mod services;
mod steering;
mod the_form_of_files;
mod transfer;
mod zones;

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
    let mut files = vec![("server.yaml", SERVER), ("regions.yaml", REGIONS), ("a.yaml", ZONE)];
    match files.iter_mut().find(|(name, _)| *name == file) {
        Some(entry) => entry.1 = text,
        None => files.push((file, text)),
    }
    let files = files.into_iter().map(|(name, text)| SourceFile::new(name, text));
    match compile(&SourceFiles::new("", files.collect())) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems,
    }
}

fn check(file: &str, text: &str, expected: &[&str]) {
    let lines = problems(file, text).list.into_iter().map(|problem| {
        let level = if problem.level == ProblemLevel::Warning { "warning: " } else { "" };
        let hint = problem.hint.map(|hint| format!(" | {hint}")).unwrap_or_default();
        let Problem { file, line, column, message, .. } = problem;
        format!("{file}:{line}:{column}: {level}{message}{hint}")
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
        SourceFile::new("server.yaml", SERVER),
        SourceFile::new("regions.yaml", regions.clone()),
        SourceFile::new("a.yaml", ZONE.replace("[tokyo,", "[new, tokyo,")),
    ];
    let found = compile(&SourceFiles::new("", files)).err().unwrap_or_default();
    let lines = found.list.iter().map(|problem| {
        let hint = problem.hint.as_ref().map(|hint| format!(" | {hint}")).unwrap_or_default();
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
    let files = [("server.yaml", SERVER), ("regions.yaml", &regions), ("a.yaml", &zone)];
    let sources = SourceFiles::new("", files.map(|(name, text)| SourceFile::new(name, text)).into());
    let found = compile(&sources).err().unwrap_or_default();
    let lines = found.list.iter().map(|problem| {
        let hint = problem.hint.as_ref().map(|hint| format!(" | {hint}")).unwrap_or_default();
        format!("{}: {}{hint}", problem.column, problem.message)
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected, "\n{regions}");
}
