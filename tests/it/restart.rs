//! What survives a restart, and what a broken memory does: nothing.

use std::fs;

use crate::home::Home;
use crate::region::Regions;
use crate::server::{Server, wait_for};

/// A client that is nearest to Tokyo.
const JAPAN: &str = "10.81.7.0/24";

/// Runs a server until it has written down that Tokyo is down, and kills it.
fn crash_while_tokyo_is_down(home: &Home, regions: &Regions) {
    let server = Server::start(home);
    regions.break_("tokyo");
    server.settles(&[(JAPAN, "osaka")]);
    let file = home.path("state/health.json");
    wait_for("the state file to know of both addresses and of the region", || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let known = ["\"127.7.1.1\"", "\"127.7.1.2\"", "\"zone\":null"];
        known.into_iter().all(|known| text.contains(known)).then_some(())
    });
    server.process.signal("KILL");
}

/// Makes canaries so rare that only the memory can know: of those that come at once none is the last of three.
fn let_canaries_sleep(home: &Home) {
    home.edit("regions.yaml", "interval: 500ms", "interval: 1h");
    home.edit("regions.yaml", "recheck: 50ms", "recheck: 1h");
}

#[test]
fn a_region_that_was_down_before_a_crash_is_not_in_the_very_first_answers() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    crash_while_tokyo_is_down(&home, &regions);
    let_canaries_sleep(&home);
    let server = Server::start(&home);
    assert_eq!(server.regions(JAPAN), ["osaka"]);
    server.process.line("saved health restored: 3 falls");
    server.process.line("tokyo is still out of the IPv4 answers: 2 of 2 addresses down");
}

#[test]
fn a_corrupt_state_file_is_said_once_and_everything_counts_as_up() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    crash_while_tokyo_is_down(&home, &regions);
    let_canaries_sleep(&home);
    fs::write(home.path("state/health.json"), "{\"version\":1,\"sha256\":\"17").unwrap();
    let server = Server::start(&home);
    assert_eq!(server.regions(JAPAN), ["tokyo"]);
    server.process.line("health.json is damaged and is set aside as ");
    assert!(home.path("state/health.json.unusable").exists());
    let warnings = server
        .process
        .lines()
        .into_iter()
        .filter(|line| line.contains(" WARN ") && line.contains("health.json"));
    let warnings: Vec<String> = warnings.collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn a_stale_state_file_is_said_once_and_everything_counts_as_up() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    crash_while_tokyo_is_down(&home, &regions);
    let_canaries_sleep(&home);
    home.edit_saved("health.json", |health| {
        let written_at = health["written_at"].as_u64().unwrap();
        let eleven_minutes = 11 * 60 * 1000;
        health["written_at"] = (written_at - eleven_minutes).into();
    });
    let server = Server::start(&home);
    assert_eq!(server.regions(JAPAN), ["tokyo"]);
    server.process.line("saved health ignored");
    let lines = server.process.lines().into_iter();
    let said = lines.filter(|line| line.contains("saved health ignored")).count();
    assert_eq!(said, 1);
}

#[test]
fn sigterm_ends_it_with_zero_and_leaves_the_state_behind() {
    let home = Home::new(Regions::start().port);
    let mut server = Server::start(&home);
    server.process.signal("TERM");
    let status = server.process.wait_at_most(std::time::Duration::from_secs(5));
    assert_eq!(status.code(), Some(0));
    assert_eq!(home.saved("health.json")["fallen"], serde_json::json!([]));
}
