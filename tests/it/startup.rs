//! What keeps the server from starting, and how it says so.

use std::fs::{self, File};
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::home::Home;
use crate::run::{Ran, database, meridian};
use crate::server::{Process, Server};

/// Tries to start a server on a folder that it cannot start on.
fn serve(home: &Home) -> Ran {
    let zones = home.zones();
    meridian(&["serve", "--config", zones.to_str().expect("a path of letters")])
}

/// Makes the server use this file as its database, and expects that both `serve` and `check` refuse it
/// in the same words.
fn check_database(home: &Home, path: &Path, words: &str) {
    home.use_database(path);
    let zones = home.zones();
    for ran in [serve(home), meridian(&["check", zones.to_str().expect("a path of letters")])] {
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(&*path.to_string_lossy()), "{ran:?}");
        assert!(ran.err.contains(words), "{ran:?}");
        assert!(ran.err.contains("`geo.database` in server.yaml: "), "{ran:?}");
    }
}

#[test]
fn a_bad_configuration_exits_with_two_and_every_problem_before_anything_is_bound() {
    let held = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap();
    let home = Home::new(1);
    home.edit("server.yaml", "127.0.0.1:0", &address.to_string());
    home.edit("api.example.com.yaml", "[tokyo, osaka,", "[tokio, osaka,");
    home.edit("regions.yaml", "jurisdiction: FR", "jurisdiction: UK");
    home.edit("internal.api.example.com.yaml", "192.0.2.77", "192.0.2.777");
    let ran = serve(&home);
    assert_eq!(ran.code, 2, "{ran:?}");
    for place in
        ["api.example.com.yaml:8:17: ", "regions.yaml:30:19: ", "internal.api.example.com.yaml:5:12: "]
    {
        assert!(ran.err.contains(place), "{place}: {}", ran.err);
    }
    // Had it tried to bind, the port in use would have been the reason.
    assert!(!ran.err.contains("in use"), "{}", ran.err);
}

#[test]
fn a_port_in_use_exits_with_one_and_one_sentence_that_names_it() {
    let held = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let home = Home::new(1);
    home.edit("server.yaml", "127.0.0.1:0", &address);
    let ran = serve(&home);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.contains(&address) && ran.err.contains("the port is in use"), "{}", ran.err);
}

#[test]
fn a_state_directory_that_another_process_uses_exits_with_one_and_says_which() {
    let home = Home::new(1);
    let first = Server::start(&home);
    // Port 0 is another port each time, so that only the state directory is in the way.
    let second = serve(&home);
    assert_eq!(second.code, 1, "{second:?}");
    let words = format!("is in use by process {}", first.process.id());
    assert!(second.err.contains(&words) && second.err.contains("state`"), "{second:?}");
    first.process.signal("KILL");
    drop(first);
    Server::start(&home);
}

#[test]
fn a_state_directory_that_cannot_be_used_is_said_and_the_server_answers() {
    let home = Home::new(1);
    fs::write(home.path("state"), "a file where the directory should be").unwrap();
    let server = Server::start(&home);
    server.process.line("cannot lock the state directory");
    server.process.line("after a restart, every address counts as up");
    server.ask("api.example.com. A from 10.81.7.0/24");
}

#[test]
fn a_missing_directory_exits_with_two_and_its_name() {
    for command in [["serve", "--config", "/nonexistent/zones"].as_slice(), &["check", "/nonexistent/zones"]]
    {
        let ran = meridian(command);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("`/nonexistent/zones`"), "{ran:?}");
    }
}

#[test]
fn a_missing_database_is_refused() {
    let home = Home::new(1);
    check_database(&home, &home.path("nowhere.mmdb"), "No such file");
}

#[test]
fn a_database_that_is_none_is_refused() {
    let home = Home::new(1);
    let path = home.path("readme.mmdb");
    fs::write(&path, "This is no database, however it is called.").unwrap();
    check_database(&home, &path, "cannot be used");
}

#[test]
fn a_truncated_database_is_refused() {
    let home = Home::new(1);
    let whole = database(&home, "203.0.113.0", "JP");
    let path = home.path("half.mmdb");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    check_database(&home, &path, "cannot be used");
}

#[test]
fn a_database_whose_middle_is_missing_is_refused() {
    let home = Home::new(1);
    let mut whole = database(&home, "203.0.113.0", "JP");
    // The metadata at the end is as it was.
    whole.drain(64..whole.len() / 3);
    let path = home.path("holes.mmdb");
    fs::write(&path, &whole).unwrap();
    check_database(&home, &path, "cannot be used");
}

#[test]
fn of_two_databases_the_one_that_is_of_another_kind_is_named_with_its_setting() {
    let home = Home::new(1);
    let path = home.path("world.mmdb");
    fs::write(&path, database(&home, "203.0.113.0", "JP")).unwrap();
    home.use_database(&path);
    home.edit("server.yaml", "geo:\n", &format!("geo:\n  asn: {}\n", path.display()));
    let ran = meridian(&["check", home.zones().to_str().expect("a path of letters")]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("`geo.asn` in server.yaml: ") && !ran.err.contains("`geo.database`"), "{ran:?}");
}

#[test]
fn a_sparse_database_of_two_gigabytes_is_refused_without_being_read() {
    let home = Home::new(1);
    let path = home.path("huge.mmdb");
    File::create(&path).unwrap().set_len(2 << 30).unwrap();
    check_database(&home, &path, "file too large: 2147483648 bytes (limit ");
}

/// Starts a server with these options and variable, and waits until it answers.
fn serve_with(home: &Home, options: &[&str], rust_log: &str) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
    command.env("RUST_LOG", rust_log).arg("serve").arg("--config").arg(home.zones()).args(options);
    Server::of(Process::start(&mut command))
}

#[test]
fn every_line_in_json_names_its_instance_whatever_rust_log_adds() {
    let home = Home::new(1);
    let server = serve_with(&home, &["--log", "json"], "meridian::peers=debug");
    for line in server.process.lines() {
        let line: Value = serde_json::from_str(&line).expect("one object");
        assert_eq!(line["name"], "it", "{line}");
    }
}

#[test]
fn a_rust_log_that_cannot_be_read_is_passed_over_and_said() {
    let home = Home::new(1);
    let server = serve_with(&home, &[], "meridian=loud");
    server.process.line("RUST_LOG=meridian=loud is passed over");
}
