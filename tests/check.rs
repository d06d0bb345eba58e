//! Bad configurations and what is said about them: each directory in `tests/check` has an `expected`;
//! and the summary of the configuration that is shipped in `zones`.

use std::fs;
use std::path::Path;

use meridian::config;
use meridian::config::summary::ConfigSummary;
use meridian::files::configuration;

/// Compiles `tests/check/NAME` and compares the printed problems with its file `expected`.
fn check(name: &str) {
    // Tests run in the package's directory, so the printed paths are the same everywhere.
    let directory = Path::new("tests/check").join(name);
    let sources = configuration::read(&directory).expect("the directory is part of the repository");
    let problems = config::compile(&sources).expect_err("the configuration is bad");
    compare(&problems.to_string(), &directory.join("expected"));
}

/// Compares a text with a file. With `BLESS` in the environment the file is written instead.
fn compare(text: &str, expected: &Path) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(expected, text).expect("the directory can be written");
    }
    assert_eq!(text, fs::read_to_string(expected).expect("there is such a file"));
}

#[test]
fn the_example_would_serve_what_its_files_say() {
    let sources = configuration::read(Path::new("zones")).expect("the example is part of the repository");
    let compiled = config::compile(&sources).expect("the example is right");
    compare(&ConfigSummary(&compiled.config).to_string(), Path::new("tests/check/example"));
}

#[test]
fn one_of_each_mistake_is_reported_with_its_place_and_a_way_out() {
    check("one-of-each");
}

#[test]
fn a_yaml_bomb_is_defused() {
    check("bomb");
}

#[test]
fn a_file_that_is_not_yaml_hides_no_mistake_in_another_and_causes_none() {
    check("syntax");
}
