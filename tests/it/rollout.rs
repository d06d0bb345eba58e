//! The sequence of a rolling deployment, and where it stops.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::drain_status::Operated;
use crate::run::Ran;
use crate::server::{Process, wait_for};

/// A client that is nearest to Tokyo.
const JAPAN: &str = "10.81.7.0/24";

const BOTH: [&str; 2] = ["127.7.1.1", "127.7.1.2"];

/// Deploys the second zone of Tokyo with a command.
fn rollout(operated: &Operated, command: &str, options: &[&str]) -> Ran {
    let usual = ["rollout", "tokyo/tokyo-b", "--reason", "a test", "--exec", command];
    let soak = if options.contains(&"--soak") { &[][..] } else { &["--soak", "1s"] };
    operated.run(&[&usual, soak, options].concat())
}

fn file(operated: &Operated, name: &str) -> (PathBuf, String) {
    let path = operated.home.path(name);
    let text = path.to_str().expect("a path of letters").to_owned();
    (path, text)
}

#[test]
fn a_deployment_that_succeeds_brings_the_clients_back() {
    let operated = Operated::start(1);
    let (told, path) = file(&operated, "told");
    let command =
        format!("echo \"$MERIDIAN_REGION $MERIDIAN_ZONE $MERIDIAN_ADDRESSES\" > '{path}'; echo hello");
    let ran = rollout(&operated, &command, &["--timeout", "60s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(fs::read_to_string(told).unwrap(), "tokyo tokyo-b 127.7.1.2\n");
    let order = [
        "1/6 drain: ",
        "2/6 wait",
        "3/6 run: ",
        "hello",
        "4/6 wait for canaries",
        "5/6 lift",
        "6/6 soak",
        "done: ",
    ];
    let places: Vec<_> =
        order.iter().map(|text| ran.out.find(text).unwrap_or_else(|| panic!("{text}: {ran:?}"))).collect();
    assert!(places.is_sorted(), "{ran:?}");
    assert_eq!(operated.addresses(JAPAN), BOTH);
    assert!(operated.intents().contains("no intents in force"), "{}", operated.intents());
}

#[test]
fn a_command_that_fails_leaves_the_traffic_away_and_says_how_to_go_on() {
    let operated = Operated::start(1);
    let ran = rollout(&operated, "exit 7", &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("the command failed: it exited with 7"), "{ran:?}");
    assert!(ran.err.contains("tokyo/tokyo-b stays drained for 1h59m"), "{ran:?}");
    assert!(ran.err.contains("`meridian undrain tokyo/tokyo-b` brings its clients back"), "{ran:?}");
    assert_eq!(operated.addresses(JAPAN), BOTH[..1]);
    assert!(operated.intents().contains("drain tokyo/tokyo-b"), "{}", operated.intents());
    let status = operated.run(&["status"]).out;
    let tokyo = status.lines().find(|line| line.starts_with("tokyo")).expect("a line for tokyo");
    assert!(tokyo.contains("healthy, limited") && status.contains("tokyo-b withdrawn"), "{status}");
}

#[test]
fn a_drain_that_would_end_meanwhile_is_asked_for_anew() {
    let operated = Operated::start(1);
    let ran = rollout(&operated, "exit 7", &["--for", "1m", "--soak", "90s"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    // A minute, the soak, and a minute to look and to ask for more.
    assert!(ran.err.contains("stays drained for 3m2"), "{ran:?}");
    let intents = operated.intents();
    assert!(intents.lines().count() == 1 && intents.contains(" 2  standing"), "{intents}");
}

#[test]
fn a_canary_that_does_not_come_back_leaves_the_traffic_away() {
    let operated = Operated::start(1);
    operated.regions.break_("127.7.1.2");
    wait_for("the fall", || (operated.addresses(JAPAN) == BOTH[..1]).then_some(()));
    let ran = rollout(&operated, "true", &["--timeout", "5s"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("127.7.1.2 is down, 5s after the command"), "{ran:?}");
    assert!(operated.intents().contains("drain tokyo/tokyo-b"), "{}", operated.intents());
    operated.regions.heal("127.7.1.2");
    wait_for("the address to be up", || {
        operated.server.process.lines().iter().any(|line| line.contains("127.7.1.2 is up")).then_some(())
    });
    assert_eq!(operated.addresses(JAPAN), BOTH[..1], "it is up, and drained");
}

#[test]
fn a_drain_that_is_refused_runs_nothing_and_a_trial_does_nothing() {
    let operated = Operated::start(1);
    let (told, path) = file(&operated, "told");
    let command = format!("touch '{path}'");
    assert_eq!(operated.drain("osaka"), "1");
    let refused = rollout(&operated, &command, &[]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("one_at_a_time"), "{refused:?}");
    assert_eq!(operated.run(&["undrain", "osaka"]).code, 0);
    let tried = rollout(&operated, &command, &["--dry-run"]);
    assert_eq!(tried.code, 0, "{tried:?}");
    assert!(tried.out.contains("nothing was done; it would be accepted"), "{tried:?}");
    assert!(!told.exists());
    assert_eq!(operated.addresses(JAPAN), BOTH);
}

#[test]
fn an_interruption_leaves_the_drain_in_place_and_says_so() {
    let operated = Operated::start(1);
    let (started, path) = file(&operated, "started");
    let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
    command.args([
        "rollout",
        "tokyo/tokyo-b",
        "--reason",
        "a test",
        "--admin",
        &operated.admin,
        "--token-file",
    ]);
    command.arg(operated.home.path("token")).args(["--exec", &format!("touch '{path}'; sleep 3")]);
    let mut process = Process::start(&mut command);
    wait_for("the command", || started.exists().then_some(()));
    process.signal("INT");
    let status = process.wait_at_most(std::time::Duration::from_secs(30));
    assert_eq!(status.code(), Some(1));
    process.line("while the command ran: interrupted");
    process.line("tokyo/tokyo-b stays drained for ");
    assert_eq!(operated.addresses(JAPAN), BOTH[..1]);
}

#[test]
fn trouble_during_the_ramp_sends_the_clients_away_again() {
    let operated = Operated::start(1);
    let command = "true";
    let (_, token) = file(&operated, "token");
    let mut process = {
        let mut started = Command::new(env!("CARGO_BIN_EXE_meridian"));
        started.args(["rollout", "tokyo/tokyo-b", "--reason", "a test", "--soak", "50s", "--exec", command]);
        Process::start(started.args(["--admin", &operated.admin, "--token-file", &token]))
    };
    process.line("6/6 soak for 50s");
    operated.regions.break_("127.7.1.2");
    let status = process.wait_at_most(std::time::Duration::from_secs(45));
    assert_eq!(status.code(), Some(1));
    process.line("tokyo/tokyo-b stays drained for ");
    assert!(operated.intents().contains("drain tokyo/tokyo-b"), "{}", operated.intents());
}
