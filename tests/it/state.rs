//! The state directory when its disk misbehaves: what cannot be read, and what cannot be written.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::home::Home;
use crate::intents::Operated;
use crate::run::meridian;
use crate::server::wait_for;

const FILES: [&str; 5] =
    ["health.json", "intents.json", "availability.json", "cursors.json", "generations.json"];

/// Puts something in the place of each file in turn, and expects that the server does not start, says which file it
/// is, and leaves that alone.
fn check_unreadable(put: impl Fn(&std::path::Path)) {
    for file in FILES {
        let home = Home::new(1);
        fs::create_dir(home.path("state")).unwrap();
        let path = home.path("state").join(file);
        put(&path);
        let zones = home.zones();
        let ran = meridian(&["serve", "--config", zones.to_str().unwrap()]);
        assert_eq!(ran.code, 1, "{file}: {ran:?}");
        let said =
            format!("state/{file} cannot be read, and is left alone: make it readable, or move it away");
        assert!(ran.err.contains(&said), "{file}: {ran:?}");
        assert!(!ran.err.contains("answering DNS"), "{file}: {ran:?}");
        assert!(fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()), "{file} is as it was");
    }
}

#[test]
fn a_state_file_that_is_a_directory_stops_the_start_and_is_left_alone() {
    check_unreadable(|path| fs::create_dir(path).unwrap());
}

#[test]
fn a_state_file_that_is_a_fifo_stops_the_start_and_is_left_alone() {
    check_unreadable(|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()));
}

/// Makes every write of the intents fail until the returned directory is removed.
fn block_intents(operated: &Operated) -> std::path::PathBuf {
    let in_the_way = operated.home.path("state/intents.json.new");
    fs::create_dir_all(&in_the_way).unwrap();
    in_the_way
}

#[test]
fn intents_that_the_disk_did_not_take_are_written_when_it_can_and_are_an_alarm_and_a_metric_meanwhile() {
    let operated = Operated::start();
    let in_the_way = block_intents(&operated);
    operated.succeeds("drain tokyo --reason kernel");
    operated.server.process.line("cannot write");
    let is_told = || operated.alarms().contains("state/intents.json");
    wait_for("the alarm", || is_told().then_some(()));
    let metric = |value: u8| format!("meridian_state_unwritten{{file=\"intents.json\"}} {value}");
    assert!(operated.page("/metrics").contains(&metric(1)));
    fs::remove_dir(in_the_way).unwrap();
    operated.server.process.line("intents.json is written again");
    assert!(operated.home.saved("intents.json").to_string().contains("kernel"));
    wait_for("the end of the alarm", || (!is_told()).then_some(()));
    assert!(operated.page("/metrics").contains(&metric(0)));
}

#[test]
fn what_the_disk_did_not_take_is_written_at_sigterm_at_the_latest() {
    let mut operated = Operated::start();
    let in_the_way = block_intents(&operated);
    operated.succeeds("drain tokyo --reason kernel");
    operated.server.process.line("cannot write");
    fs::remove_dir(in_the_way).unwrap();
    operated.server.process.signal("TERM");
    let status = operated.server.process.wait_at_most(Duration::from_secs(10));
    assert_eq!(status.code(), Some(0));
    assert!(operated.home.saved("intents.json").to_string().contains("kernel"));
}
