//! Rules about master files.

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
    let sources = SourceFiles::new("", files.map(|(name, text)| SourceFile::new(name, text)).into());
    let found = match compile(&sources) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems,
    };
    let lines = found
        .list
        .iter()
        .map(|problem| format!("{}:{}:{}: {}", problem.file, problem.line, problem.column, problem.message));
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
            "b.yaml:3:14: `example.com.` already has NS records",
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
