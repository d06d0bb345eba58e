//! Generations: what was in force never comes back by itself, and the last good one outlives a broken directory.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::ask::lines;
use crate::home::Home;
use crate::intents::Operated;
use crate::region::Regions;
use crate::run::meridian;
use crate::server::{Process, Server, wait_for};

/// The static answer that the tests change, and what they change it to.
const FIRST: &str = "192.0.2.10";
const SECOND: &str = "192.0.2.11";
const THIRD: &str = "192.0.2.12";

fn status(server: &Server) -> String {
    let lines = lines(&server.ask("status.api.example.com. A"));
    lines[1].rsplit(' ').next().expect("an address").to_owned()
}

fn check_status(server: &Server, expected: &str) {
    wait_for(&format!("the answer {expected}"), || (status(server) == expected).then_some(()));
}

fn edit(home: &Home, from: &str, to: &str) {
    home.edit("api.example.com.yaml", from, to);
}

/// Returns the generations as `number cause`, from the state directory.
fn generations(home: &Home) -> Vec<String> {
    let zones = home.zones();
    let ran = meridian(&["history", zones.to_str().unwrap(), "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let list: Value = serde_json::from_str(&ran.out).expect("JSON");
    let text = |entry: &Value| format!("{} {}", entry["number"], entry["cause"].as_str().unwrap());
    list.as_array().expect("a list").iter().map(text).collect()
}

/// Waits until the server has read the directory again, and expects that the answer is the same then.
fn reload_changes_nothing(operated: &Operated, expected: &str) {
    let from = operated.server.process.lines().len();
    operated.server.process.signal("HUP");
    operated.server.process.line_after(from, "configuration reloaded");
    assert_eq!(status(&operated.server), expected);
}

#[test]
fn a_rollback_holds_over_reloads_and_a_crash_until_the_directory_changes() {
    let operated = Operated::start();
    edit(&operated.home, FIRST, SECOND);
    check_status(&operated.server, SECOND);
    let told = operated.succeeds("rollback 1");
    assert_eq!(
        told,
        "generation 3 is in force, with the content of 1; what the configuration directory holds is not in force until \
         it changes\n"
    );
    assert_eq!(status(&operated.server), FIRST);
    wait_for("the alarm", || operated.alarms().contains("generation 3 is served after").then_some(()));
    reload_changes_nothing(&operated, FIRST);
    let operated = operated.reborn(|_| ());
    assert_eq!(status(&operated.server), FIRST);
    wait_for("the alarm", || operated.alarms().contains("after a rollback").then_some(()));
    reload_changes_nothing(&operated, FIRST);
    edit(&operated.home, SECOND, THIRD);
    check_status(&operated.server, THIRD);
    wait_for("the end of the alarm", || (!operated.alarms().contains("rollback")).then_some(()));
    let history = operated.succeeds("history");
    assert!(history.contains("alice  rollback to 1"), "{history}");
    assert_eq!(generations(&operated.home), ["1 directory", "2 directory", "3 rollback to 1", "4 directory"]);
}

#[test]
fn a_rollback_to_what_is_not_there_changes_nothing() {
    let operated = Operated::start();
    operated.fails("rollback 7", "no generation 7 is known (known: 1)");
    operated.fails("rollback 1", "generation 1 is in force already");
    let ran = meridian(&["rollback", "1", "--admin", &operated.admin]);
    assert!(ran.code != 0 && ran.err.contains("operate"), "{ran:?}");
    assert_eq!(generations(&operated.home), ["1 directory"]);
}

#[test]
fn a_rollback_that_the_disk_does_not_take_is_refused_and_changes_nothing() {
    let operated = Operated::start();
    edit(&operated.home, FIRST, SECOND);
    check_status(&operated.server, SECOND);
    let in_the_way = operated.home.path("state/generations.json.new");
    fs::create_dir_all(&in_the_way).unwrap();
    operated.fails("rollback 1", "nothing was rolled back: cannot write ");
    assert_eq!(status(&operated.server), SECOND);
    fs::remove_dir(in_the_way).unwrap();
    operated.server.process.line("generations.json is written again");
    operated.succeeds("rollback 1");
    assert_eq!(status(&operated.server), FIRST);
}

#[test]
fn a_rollback_without_a_server_is_what_the_next_start_serves_and_a_running_one_refuses_it() {
    let operated = Operated::start();
    edit(&operated.home, FIRST, SECOND);
    check_status(&operated.server, SECOND);
    let zones = operated.home.zones();
    let offline = ["rollback", "1", zones.to_str().unwrap(), "--author", "jo"];
    let ran = meridian(&offline);
    assert!(ran.code == 1 && ran.err.contains("is in use by process"), "{ran:?}");
    let operated = operated.reborn(|_| {
        let ran = meridian(&offline);
        assert_eq!(ran.code, 0, "{ran:?}");
    });
    assert_eq!(status(&operated.server), FIRST);
    assert_eq!(generations(&operated.home), ["1 directory", "2 directory", "3 rollback to 1"]);
}

#[test]
fn a_rollback_is_refused_while_the_directory_names_another_state_which_the_next_start_would_read() {
    let operated = Operated::start();
    edit(&operated.home, FIRST, SECOND);
    check_status(&operated.server, SECOND);
    operated.home.edit("server.yaml", "state: ../state", "state: ../elsewhere");
    operated.server.process.line("the change of `state` takes effect with a restart");
    operated
        .fails("rollback 1", "nothing was rolled back: the configuration directory names another `state`");
    assert_eq!(status(&operated.server), SECOND);
    operated.home.edit("server.yaml", "state: ../elsewhere", "state: ../state");
    wait_for("the rollback", || (operated.run("rollback 1").code == 0).then_some(()));
    assert_eq!(status(&operated.server), FIRST);
    let operated = operated.reborn(|_| ());
    assert_eq!(status(&operated.server), FIRST);
}

/// Writes a `.git` by which this commit is checked out, as jo pulled it.
fn check_out(home: &Home, commit: char) {
    let commit = commit.to_string().repeat(40);
    let git = home.zones().join(".git");
    fs::create_dir_all(git.join("logs")).unwrap();
    let log = format!("{commit} {commit} Jo <jo@example.net> 1772357400 +0000\tpull\n");
    fs::write(git.join("logs/HEAD"), log).unwrap();
    fs::write(git.join("HEAD"), commit).unwrap();
}

#[test]
fn an_older_commit_that_comes_late_is_not_served_and_a_newer_one_is() {
    let (home, regions) = Operated::home();
    check_out(&home, 'a');
    let server = Server::start(&home);
    let operated = Operated::running(home, regions, server);
    check_out(&operated.home, 'b');
    edit(&operated.home, FIRST, SECOND);
    check_status(&operated.server, SECOND);
    check_out(&operated.home, 'a');
    edit(&operated.home, SECOND, FIRST);
    wait_for("the alarm", || operated.alarms().contains("holds the commit of generation 1").then_some(()));
    assert_eq!(status(&operated.server), SECOND);
    let operated = operated.reborn(|_| ());
    assert_eq!(status(&operated.server), SECOND);
    let history = operated.succeeds("history");
    assert!(history.contains("  Jo  directory"), "{history}");
    check_out(&operated.home, 'c');
    reload_changes_nothing(&operated, FIRST);
}

/// Starts a server on a folder with more arguments, and waits until it answers.
fn start_with(home: &Home, arguments: &[&str]) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
    command.arg("serve").arg("--config").arg(home.zones()).args(arguments);
    Server::of(Process::start(&mut command))
}

/// Serves a folder, ends the server, and breaks a file of the folder.
fn broken(file: &str, start: Option<&str>) -> (Home, Regions) {
    let (home, regions) = Operated::home();
    if let Some(start) = start {
        home.edit("server.yaml", "geo:\n", &format!("start: {start}\ngeo:\n"));
    }
    let mut server = Server::start(&home);
    assert_eq!(status(&server), FIRST);
    server.process.signal("TERM");
    server.process.wait_at_most(Duration::from_secs(10));
    home.write(file, "names: [\n");
    (home, regions)
}

#[test]
fn a_broken_directory_is_refused_at_the_start_unless_it_is_said_otherwise() {
    for start in [None, Some("refuse")] {
        let (home, _regions) = broken("api.example.com.yaml", start);
        let ran = meridian(&["serve", "--config", home.zones().to_str().unwrap()]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains("api.example.com.yaml:"), "{ran:?}");
    }
}

#[test]
fn the_last_good_generation_is_served_with_a_critical_alarm_until_the_directory_is_put_right() {
    let (home, regions) = broken("api.example.com.yaml", Some("last_good"));
    let server = Server::start(&home);
    let operated = Operated::running(home, regions, server);
    assert_eq!(status(&operated.server), FIRST);
    wait_for("the alarm", || operated.alarms().contains("generation 1, the last good one").then_some(()));
    let line = operated.server.process.line("generation 1, the last good one");
    assert!(line.contains(" ERROR "), "what is critical is an error of the log: {line}");
    let shown: Value = serde_json::from_str(&operated.page("/status")).expect("JSON");
    assert!(shown["configuration"]["problems"].to_string().contains("api.example.com.yaml"), "{shown}");
    assert_eq!(shown["configuration"]["generation"], 1);
    let good = fs::read_to_string("tests/it/zones/api.example.com.yaml").unwrap();
    operated.home.write("api.example.com.yaml", &good.replace(FIRST, SECOND));
    check_status(&operated.server, SECOND);
    wait_for("the end of the alarm", || (!operated.alarms().contains("last good")).then_some(()));
}

#[test]
fn a_server_yaml_that_cannot_be_read_is_no_way_to_the_last_good_generation_and_the_flag_is() {
    let (home, _regions) = broken("server.yaml", Some("last_good"));
    let ran = meridian(&["serve", "--config", home.zones().to_str().unwrap()]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let state = home.path("state");
    let server = start_with(&home, &["--last-good", state.to_str().unwrap()]);
    assert_eq!(status(&server), FIRST);
    server.process.line("generation 1, the last good one, is served");
}

#[test]
fn a_last_good_generation_that_is_damaged_is_none() {
    let (home, _regions) = broken("api.example.com.yaml", Some("last_good"));
    let path = home.path("state/generations.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    let ran = meridian(&["serve", "--config", home.zones().to_str().unwrap()]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let said = format!(
        "`{}` has no generation that could be served in its place",
        home.path("zones/../state").display()
    );
    assert!(ran.err.contains("api.example.com.yaml:") && ran.err.contains(&said), "{ran:?}");
    let ran = meridian(&["history", home.zones().to_str().unwrap()]);
    assert!(ran.code == 1 && ran.err.contains("generations.json is damaged"), "{ran:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text[..text.len() / 2], "who only looks changes nothing");
}

/// Kills a server at many moments of a reload or a rollback: whatever was being written, the next start serves what the
/// directory holds, or what was rolled back to, and the numbers go on.
#[test]
fn no_moment_of_a_crash_brings_something_older_back_or_a_number_again() {
    let mut operated = Operated::start();
    let mut highest = 1;
    for round in 0..12_u64 {
        let (from, to) = if round % 2 == 0 { (FIRST, SECOND) } else { (SECOND, FIRST) };
        edit(&operated.home, from, to);
        std::thread::sleep(Duration::from_millis(round * 7));
        operated = operated.reborn(|_| ());
        assert_eq!(status(&operated.server), to, "round {round}");
        let last = generations(&operated.home).pop().expect("one");
        let number: u64 = last.split(' ').next().unwrap().parse().unwrap();
        assert!(number > highest, "round {round}: {number} after {highest}");
        highest = number;
    }
}
