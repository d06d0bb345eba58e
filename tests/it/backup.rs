//! Backups: what a machine in the place of a lost one needs, and what never takes the place of anything newer.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ask::lines;
use crate::home::Home;
use crate::intents::Operated;
use crate::region::Regions;
use crate::run::{Ran, meridian};
use crate::server::{Server, wait_for};

const JAPAN: &str = "10.81.7.0/24";
const GERMANY: &str = "10.49.7.0/24";

/// Runs a command on a file and the configuration directory of a folder.
fn run(command: &str, file: &Path, home: &Home) -> Ran {
    let zones = home.zones();
    meridian(&[command, file.to_str().unwrap(), zones.to_str().unwrap()])
}

fn succeeds(command: &str, file: &Path, home: &Home) -> String {
    let ran = run(command, file, home);
    assert_eq!(ran.code, 0, "{command}: {ran:?}");
    ran.out
}

/// Expects that a backup is not restored for this reason, and that the folder is what it was.
fn check_refused(file: &Path, home: &Home, expected: &str) {
    let before = everything(&home.path(""));
    let ran = run("restore", file, home);
    assert!(ran.code == 1 && ran.err.contains(expected), "{expected}: {ran:?}");
    assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
    assert_eq!(everything(&home.path("")), before, "{expected}: something was changed");
}

/// Returns every file below a directory with its content, but locks.
fn everything(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        match path.is_dir() {
            true => files.extend(everything(&path)),
            false if path.ends_with("lock") || path.ends_with("replace.sock") => {}
            false => files.push((path.clone(), fs::read(path).unwrap())),
        }
    }
    files.sort();
    files
}

/// Waits until every address has been probed, for times to live are short until then, and returns what clients are told.
fn settled(server: &Server) -> Vec<String> {
    wait_for("usual times to live", || {
        let told = answers(server);
        let is_usual = |line: &String| line.starts_with("api.example.com. 30 IN A ");
        let mut addresses =
            told.iter().filter(|line| line.starts_with("api.example.com.") && line.contains(" IN A "));
        (addresses.clone().next().is_some() && addresses.all(is_usual)).then_some(told)
    })
}

/// Waits until clients are told this.
fn check_answers(server: &Server, expected: &[String]) {
    assert_eq!(settled(server), expected);
}

/// Returns what clients are told, in the order of octets: addresses take turns.
fn answers(server: &Server) -> Vec<String> {
    let questions = [
        "status.api.example.com. A".to_owned(),
        "api.example.com. SOA".to_owned(),
        "api.example.com. NS".to_owned(),
        format!("api.example.com. A from {JAPAN}"),
        format!("api.example.com. A from {GERMANY}"),
    ];
    let mut all: Vec<String> = questions.iter().flat_map(|question| lines(&server.ask(question))).collect();
    all.sort();
    all
}

/// Serves a folder with an intent until the intent is on disk, backs it up, and kills the server.
fn backed_up() -> (Home, Regions, PathBuf, Vec<String>, String) {
    let operated = Operated::start();
    operated.home.edit("api.example.com.yaml", "192.0.2.10", "192.0.2.11");
    operated.server.process.line("configuration reloaded");
    operated.succeeds("drain tokyo --reason kernel");
    let (told, intents) = (settled(&operated.server), operated.succeeds("intents"));
    let file = operated.home.path("one.backup");
    let out = succeeds("backup", &file, &operated.home);
    assert!(out.starts_with("generation 2 of "), "{out}");
    let Operated { server, home, regions, .. } = operated;
    server.process.signal("KILL");
    (home, regions, file, told, intents)
}

#[test]
fn a_lost_machine_is_restored_with_the_same_answers_and_intents() {
    let (home, regions, file, told, intents) = backed_up();
    for lost in ["zones", "state"] {
        fs::remove_dir_all(home.path(lost)).unwrap();
    }
    let out = succeeds("restore", &file, &home);
    assert!(out.contains(" has the content of 2, as backed up at "), "{out}");
    assert!(out.contains(", 1 intent and the state in "), "{out}");
    assert!(!out.contains("missing"), "{out}");
    let server = Server::start(&home);
    let operated = Operated::running(home, regions, server);
    assert_eq!(operated.server.regions(JAPAN), ["osaka"], "not even the first answer is without the intent");
    check_answers(&operated.server, &told);
    assert_eq!(operated.succeeds("intents"), intents);
    let history = operated.succeeds("history");
    assert!(history.contains("restore of 2"), "{history}");
    // Its generations go on, and there is a way back to what was before the backup.
    operated.succeeds("rollback 1");
    assert_eq!(
        lines(&operated.server.ask("status.api.example.com. A"))[1].rsplit(' ').next(),
        Some("192.0.2.10")
    );
}

#[test]
fn secrets_are_not_in_a_backup_and_a_restore_says_which_are_missing() {
    let (home, _regions, file, ..) = backed_up();
    let token = fs::read_to_string(home.path("alice")).unwrap();
    assert!(!fs::read_to_string(&file).unwrap().contains(&token));
    for lost in ["zones", "state"] {
        fs::remove_dir_all(home.path(lost)).unwrap();
    }
    fs::remove_file(home.path("alice")).unwrap();
    let out = succeeds("restore", &file, &home);
    assert!(out.contains("alice, which no backup has: put it back before the start"), "{out}");
}

#[test]
fn a_restore_takes_the_place_of_nothing_that_is_newer_other_or_in_use() {
    let (home, regions, file, ..) = backed_up();
    home.edit("api.example.com.yaml", "192.0.2.11", "192.0.2.12");
    check_refused(&file, &home, "api.example.com.yaml` is there and is another one");
    home.edit("api.example.com.yaml", "192.0.2.12", "192.0.2.11");
    home.write("more.yaml", "zone: more.example.net\nnameservers: [ns1.example.net]\n");
    check_refused(&file, &home, "more.yaml` is there and is another one");
    fs::remove_file(home.zones().join("more.yaml")).unwrap();
    let server = Server::start(&home);
    let ran = run("restore", &file, &home);
    assert!(ran.code == 1 && ran.err.contains("is in use by process"), "{ran:?}");
    for (place, why) in
        [("zones", "is there and is no file"), ("state/intents.json", "in the state directory")]
    {
        let ran = run("backup", &home.path(place), &home);
        assert!(ran.code == 1 && ran.err.contains(why), "{ran:?}");
    }
    home.edit("api.example.com.yaml", "192.0.2.11", "192.0.2.12");
    server.process.line("configuration reloaded");
    server.process.signal("KILL");
    home.edit("api.example.com.yaml", "192.0.2.12", "192.0.2.11");
    let newer = "has generation 3, which is newer than generation 2 of the backup; move it away to lose it";
    check_refused(&file, &home, newer);
    fs::rename(home.path("state"), home.path("moved")).unwrap();
    let zone = home.zones().join("api.example.com.yaml");
    fs::rename(&zone, home.path("aside")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&zone).status().unwrap().success());
    assert_ne!(run("restore", &file, &home).code, 0, "and waits for no writer of a FIFO");
    fs::rename(home.path("aside"), &zone).unwrap();
    let server = Server::start(&home);
    server.process.signal("KILL");
    // A machine that was set up anew counts from 1, and is newer all the same.
    check_refused(&file, &home, "has generation 1 (epoch 20");
    fs::remove_dir_all(home.path("state")).unwrap();
    succeeds("restore", &file, &home);
    drop(regions);
}

#[test]
fn what_is_no_whole_backup_is_refused_in_one_line_and_changes_nothing() {
    let (home, _regions, file, ..) = backed_up();
    for lost in ["zones", "state"] {
        fs::remove_dir_all(home.path(lost)).unwrap();
    }
    fs::create_dir(home.zones()).unwrap();
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in
        [&flipped[..], &whole[..whole.len() - 9], b"", b"PK\x03\x04 an archive", b"{\"version\":1}"]
    {
        fs::write(&file, damaged).unwrap();
        check_refused(&file, &home, "is damaged, or it is no backup of Meridian");
    }
    check_refused(&home.path("none.backup"), &home, "there is no file ");
}

#[test]
fn a_restore_that_was_cut_off_serves_nothing_and_is_completed_by_the_same_command() {
    let (home, regions, file, told, _) = backed_up();
    for lost in ["zones", "state"] {
        fs::remove_dir_all(home.path(lost)).unwrap();
    }
    succeeds("restore", &file, &home);
    // As if the process had been killed before its last write.
    fs::remove_file(home.zones().join("server.yaml")).unwrap();
    let zones = home.zones();
    let ran = meridian(&["serve", "--config", zones.to_str().unwrap()]);
    assert_eq!(ran.code, 2, "{ran:?}");
    succeeds("restore", &file, &home);
    let server = Server::start(&home);
    check_answers(&server, &told);
    drop(regions);
}

#[test]
fn a_server_backs_itself_up_and_starts_again_from_that() {
    let (home, regions) = Operated::home();
    home.edit("server.yaml", "geo:\n", "backup: { directory: ../backups, every: 1m, keep: 1d }\ngeo:\n");
    let server = Server::start(&home);
    let told = settled(&server);
    server.process.line("backed up to ");
    server.process.signal("KILL");
    let backups: Vec<_> =
        fs::read_dir(home.path("backups")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(backups.len(), 1, "{backups:?}");
    for lost in ["zones", "state"] {
        fs::remove_dir_all(home.path(lost)).unwrap();
    }
    succeeds("restore", &backups[0], &home);
    let server = Server::start(&home);
    check_answers(&server, &told);
    // The last one is young enough.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(fs::read_dir(home.path("backups")).unwrap().count(), 1);
    drop(regions);
}

#[test]
fn a_backup_that_the_disk_does_not_take_is_an_alarm_until_it_does() {
    let (home, regions) = Operated::home();
    home.edit("server.yaml", "geo:\n", "backup: { directory: ../backups, every: 1m }\ngeo:\n");
    fs::write(home.path("backups"), "in the way").unwrap();
    let server = Server::start(&home);
    let operated = Operated::running(home, regions, server);
    wait_for("the alarm", || operated.alarms().contains("backups").then_some(()));
    operated.server.process.line("there is no newer backup");
}

#[test]
fn a_directory_without_a_state_or_without_a_start_has_nothing_to_back_up() {
    let home = Home::new(1);
    let ran = run("backup", &home.path("one.backup"), &home);
    assert!(ran.code == 1 && ran.err.contains("has no generation of the configuration"), "{ran:?}");
    home.edit("server.yaml", "state: ../state\n", "");
    let ran = run("backup", &home.path("one.backup"), &home);
    assert!(ran.code == 1 && ran.err.contains("names no state directory"), "{ran:?}");
    assert!(!home.path("one.backup").exists());
}
