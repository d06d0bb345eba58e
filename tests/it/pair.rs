//! Two instances of one configuration, operated together.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::home::Home;
use crate::region::Regions;
use crate::run::{Ran, meridian};
use crate::server::{Process, Server, wait_for};

/// A client that is nearest to Tokyo.
const JAPAN: &str = "10.81.7.0/24";

/// The token of an operator.
const TOKEN: &str = "0123456789abcdef01234567";

/// One of the two.
struct Half {
    server: Server,
    home: Home,
    admin: String,
}

impl Half {
    fn start(name: &str, port: u16, ttl: u32) -> Self {
        let home = Home::new(port);
        let access = "access: { tokens: [{ name: ops, role: operate, file: ../token }] }";
        home.edit("server.yaml", "geo:\n", &format!("admin: \"127.0.0.1:0\"\n{access}\ngeo:\n"));
        home.edit("server.yaml", "name: it", &format!("name: {name}"));
        fs::write(home.path("token"), TOKEN).unwrap();
        home.edit("api.example.com.yaml", "ttl: 30s\n", &format!("ttl: {ttl}s\n"));
        home.edit("api.example.com.yaml", "short_ttl: 2s", "short_ttl: 1s");
        let server = Server::start(&home);
        let admin = server.process.line("admin pages on http://");
        let admin = admin.rsplit("http://").next().expect("an address").to_owned();
        Self { server, home, admin }
    }

    fn addresses(&self) -> Vec<String> {
        let reply = self.server.ask(&format!("api.example.com. A from {JAPAN}"));
        let mut addresses: Vec<_> = reply.answers.iter().map(|record| record.data.to_string()).collect();
        addresses.sort_unstable();
        addresses
    }

    fn token(&self) -> String {
        self.home.path("token").to_str().expect("a path of letters").to_owned()
    }

    /// Runs a command at this instance alone.
    fn run(&self, arguments: &[&str]) -> Ran {
        meridian(&[arguments, &["--admin", &self.admin, "--token-file", &self.token()]].concat())
    }
}

/// Two instances, and the services that both probe.
struct Pair {
    one: Half,
    other: Half,
    _regions: Regions,
}

impl Pair {
    fn start(ttl: u32) -> Self {
        let regions = Regions::start();
        let (one, other) = (Half::start("ns1", regions.port, ttl), Half::start("ns2", regions.port, ttl));
        Self { one, other, _regions: regions }
    }

    fn halves(&self) -> [&Half; 2] {
        [&self.one, &self.other]
    }

    /// Runs a command at both.
    fn run(&self, arguments: &[&str]) -> Ran {
        let (one, other, token) = (&self.one.admin, &self.other.admin, self.one.token());
        meridian(&[arguments, &["--admin", one, "--admin", other, "--token-file", &token]].concat())
    }

    /// Starts a command at both.
    fn begin(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
        command.args(arguments).args(["--token-file", &self.one.token()]);
        command.env("MERIDIAN_ADMIN", format!("{},{}", self.one.admin, self.other.admin));
        Process::start(&mut command)
    }

    /// Returns the intents of each, without their numbers.
    fn intents(&self) -> [bool; 2] {
        self.halves().map(|half| half.run(&["intents"]).out.contains("drain tokyo/tokyo-b"))
    }
}

#[test]
fn a_drain_is_over_when_it_is_at_both_and_either_is_undrained_with_the_other() {
    let pair = Pair::start(3);
    // Numbers are each instance's own.
    assert_eq!(pair.one.run(&["capacity", "osaka", "50%", "--reason", "a test"]).code, 0);
    let start = Instant::now();
    let mut waits =
        pair.begin(&["drain", "tokyo/tokyo-b", "--reason", "a test", "--wait", "--timeout", "50s"]);
    assert_eq!(waits.wait_at_most(Duration::from_secs(55)).code(), Some(0));
    assert!(start.elapsed() >= Duration::from_secs(3), "not before the TTL has passed");
    let all = format!(
        "no resolver may hold an address of these instances: {}, {}",
        pair.one.admin, pair.other.admin
    );
    waits.line(&all);
    for half in pair.halves() {
        assert_eq!(half.addresses(), ["127.7.1.1"]);
        waits.line(&format!("{}: intent ", half.admin));
    }
    let status = pair.run(&["drain-status", "2", "--json"]);
    let joint: Value = serde_json::from_str(&status.out).unwrap_or_else(|_| panic!("{status:?}"));
    assert_eq!((&joint["is_over"], &joint["seconds_left"]), (&true.into(), &0.0.into()), "{status:?}");
    let numbers = [0, 1].map(|place| joint["instances"][place]["status"]["intent"].as_u64());
    assert_eq!(numbers, [Some(2), Some(1)], "{status:?}");
    let ambiguous = pair.run(&["drain-status", "1"]);
    assert_eq!(ambiguous.code, 1, "{ambiguous:?}");
    assert!(ambiguous.err.contains("each instance has its own numbers"), "{ambiguous:?}");
    let undrained = pair.run(&["undrain", "tokyo/tokyo-b"]);
    assert_eq!(undrained.code, 0, "{undrained:?}");
    for half in pair.halves() {
        wait_for("the zone's clients", || (half.addresses().len() == 2).then_some(()));
    }
}

#[test]
fn what_one_instance_refuses_is_done_at_none_and_what_one_has_is_completed() {
    let pair = Pair::start(1);
    assert_eq!(pair.one.run(&["drain", "osaka", "--reason", "a test"]).code, 0);
    let refused = pair.run(&["drain", "tokyo/tokyo-b", "--reason", "a test"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains(&format!("{}: it would refuse: ", pair.one.admin)), "{refused:?}");
    assert!(refused.err.contains("nothing was done at any of 2 instances"), "{refused:?}");
    assert_eq!(pair.intents(), [false, false]);
    assert_eq!(pair.run(&["undrain", "osaka"]).code, 0, "one of them has it");
    assert_eq!(pair.other.run(&["drain", "tokyo/tokyo-b", "--reason", "a test"]).code, 0);
    let differ = pair.run(&["intents"]);
    assert!(differ.out.starts_with("THE INSTANCES DIFFER"), "{differ:?}");
    let completed = pair.run(&["drain", "tokyo/tokyo-b", "--reason", "a test"]);
    assert_eq!(completed.code, 0, "{completed:?}");
    assert!(completed.out.contains("is in force already"), "{completed:?}");
    assert_eq!(pair.intents(), [true, true]);
    let explained = pair.run(&["explain", "api.example.com", "--client", JAPAN]);
    assert!(explained.out.starts_with("the same from "), "{explained:?}");
}

#[test]
fn a_rule_that_is_broken_on_purpose_is_no_refusal_at_two_instances() {
    let pair = Pair::start(1);
    assert_eq!(pair.run(&["drain", "osaka", "--reason", "a test"]).code, 0);
    let drain = ["drain", "tokyo/tokyo-b", "--reason", "a test", "--override", "one_at_a_time"];
    let tried = pair.run(&[&drain[..], &["--dry-run"]].concat());
    assert_eq!(tried.code, 0, "{tried:?}");
    assert!(tried.out.contains("it breaks one_at_a_time on purpose: "), "{tried:?}");
    assert_eq!(pair.intents(), [false, false]);
    let drained = pair.run(&drain);
    assert_eq!(drained.code, 0, "{drained:?}");
    assert_eq!(pair.intents(), [true, true]);
}

#[test]
fn an_instance_that_is_killed_counts_for_the_longest_ttl_and_stops_no_disabling() {
    let pair = Pair::start(4);
    let mut waits =
        pair.begin(&["drain", "tokyo/tokyo-b", "--reason", "a test", "--wait", "--timeout", "50s"]);
    waits.line(&format!("{}: no answer holds an address", pair.other.admin));
    pair.other.server.process.signal("KILL");
    let killed = Instant::now();
    waits.line(&format!("{}: it cannot be asked since ", pair.other.admin));
    assert_eq!(waits.wait_at_most(Duration::from_secs(55)).code(), Some(0));
    // It was last heard at most a look before its end.
    assert!(killed.elapsed() >= Duration::from_millis(2500), "{:?}", killed.elapsed());
    waits.line(&format!(", of which {} cannot be asked", pair.other.admin));
    let status = pair.run(&["drain-status", "1"]);
    assert_eq!(status.code, 1, "nothing is known of it here: {status:?}");
    assert!(status.out.contains("it counts as giving addresses out"), "{status:?}");
    let lifted = pair.run(&["undrain", "tokyo/tokyo-b"]);
    assert_eq!(lifted.code, 1, "{lifted:?}");
    assert!(lifted.err.contains("nothing was done at any instance"), "{lifted:?}");
    let disabled = pair.run(&["disable", "osaka", "--reason", "a fire"]);
    assert_eq!(disabled.code, 3, "{disabled:?}");
    assert!(disabled.err.contains("1 of 2 instances have it"), "{disabled:?}");
}

#[test]
fn the_outcome_of_a_drill_at_one_instance_is_told_while_the_other_goes_on() {
    let pair = Pair::start(1);
    pair.halves().iter().for_each(|half| half.server.settles(&[(JAPAN, "tokyo")]));
    let mut waits = pair.begin(&["drill", "tokyo", "--for", "10m", "--wait", "--reason", "a test"]);
    for half in pair.halves() {
        waits.line(&format!("{}: intent ", half.admin));
    }
    // The later of the two, for which the wait for the first would be in vain.
    let [first, later] = pair.halves();
    let lifted = later.run(&["lift", "1"]);
    assert_eq!(lifted.code, 0, "{lifted:?}");
    let line = waits.line(&format!("{}: `drill tokyo", later.admin));
    assert!(line.contains("interrupted"), "{line}");
    assert_eq!(first.run(&["lift", "1"]).code, 0);
    waits.line(&format!("{}: `drill tokyo", first.admin));
    assert_eq!(waits.wait_at_most(Duration::from_secs(30)).code(), Some(1));
}

/// Returns what `status --json` of both says differs.
fn differences(pair: &Pair) -> Vec<String> {
    let ran = pair.run(&["status", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let comparison: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let differences = comparison["differences"].as_array().expect("a list");
    differences.iter().map(|one| one["subject"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn what_differs_between_instances_is_said_and_what_is_alike_is_not() {
    let pair = Pair::start(30);
    // A first verdict may reach one before the other.
    wait_for("instances that are alike", || differences(&pair).is_empty().then_some(()));
    let alike = pair.run(&["status", "--check"]);
    assert_eq!(alike.code, 0, "{alike:?}");
    assert!(alike.out.starts_with("2 instances are alike\n"), "{alike:?}");
    pair.other.home.edit(
        "server.yaml",
        "  networks:\n",
        "  networks:\n    - { network: 192.0.2.0/24, country: JP }\n",
    );
    wait_for("other networks", || {
        differences(&pair).contains(&"geo.networks in server.yaml".to_owned()).then_some(())
    });
    pair.other.home.edit("api.example.com.yaml", "ttl: 30s\n", "ttl: 20s\n");
    wait_for("another configuration", || {
        let differences = differences(&pair);
        let has = |subject: &str| differences.iter().any(|one| one == subject);
        (has("configuration, api.example.com.yaml") && has("answers of api.example.com.")).then_some(())
    });
    assert_eq!(pair.other.run(&["disable", "tokyo", "--reason", "a test"]).code, 0);
    let differences = differences(&pair);
    assert!(differences.contains(&"intent, disable tokyo".to_owned()), "{differences:?}");
    let differ = pair.run(&["status", "--check"]);
    assert_eq!(differ.code, 1, "{differ:?}");
    assert!(
        differ.out.starts_with("THE INSTANCES DIFFER\n\nconfiguration, api.example.com.yaml\n")
            && differ.out.contains("\ngeo.networks in server.yaml\n"),
        "{differ:?}"
    );
    pair.other.server.process.signal("KILL");
    let silent = pair.run(&["status"]);
    assert_eq!(silent.code, 1, "{silent:?}");
    assert!(silent.out.contains("does not answer: nothing is known of it"), "{silent:?}");
}
