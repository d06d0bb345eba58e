//! When the last client may be gone from where an operator sends clients away.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::home::Home;
use crate::region::Regions;
use crate::run::{Ran, meridian};
use crate::server::{Server, wait_for};

/// A client that is nearest to Tokyo.
const JAPAN: &str = "10.81.7.0/24";

/// The token of an operator.
const TOKEN: &str = "0123456789abcdef01234567";

/// A server whose steered names have a TTL of `ttl` seconds, and the commands that ask it.
pub struct Operated {
    pub server: Server,
    pub home: Home,
    pub regions: Regions,
    pub admin: String,
}

impl Operated {
    pub fn start(ttl: u32) -> Self {
        let regions = Regions::start();
        let home = Home::new(regions.port);
        let access = "access: { tokens: [{ name: ops, role: operate, file: ../token }] }";
        home.edit("server.yaml", "geo:\n", &format!("admin: \"127.0.0.1:0\"\n{access}\ngeo:\n"));
        fs::write(home.path("token"), TOKEN).unwrap();
        home.edit("api.example.com.yaml", "ttl: 30s\n", &format!("ttl: {ttl}s\n"));
        home.edit("api.example.com.yaml", "short_ttl: 2s", "short_ttl: 1s");
        let server = Server::start(&home);
        let admin = admin(&server);
        Self { server, home, regions, admin }
    }

    /// Runs a command of an operator.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let token = self.home.path("token");
        let server = ["--admin", &self.admin, "--token-file", token.to_str().expect("a path of letters")];
        meridian(&[arguments, &server].concat())
    }

    /// Drains a place, and returns the number of the intent.
    pub fn drain(&self, place: &str) -> String {
        let ran = self.run(&["drain", place, "--reason", "a test"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let number = ran.out.strip_prefix("intent ").and_then(|rest| rest.split(' ').next());
        number.unwrap_or_else(|| panic!("{ran:?}")).to_owned()
    }

    pub fn drain_status(&self, number: &str) -> Value {
        let ran = self.run(&["drain-status", number, "--json"]);
        serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"))
    }

    /// Returns the intents in force, a line each.
    pub fn intents(&self) -> String {
        self.run(&["intents"]).out
    }

    /// Returns the addresses that a client gets.
    pub fn addresses(&self, client: &str) -> Vec<String> {
        let reply = self.server.ask(&format!("api.example.com. A from {client}"));
        let mut addresses: Vec<_> = reply.answers.iter().map(|record| record.data.to_string()).collect();
        addresses.sort_unstable();
        addresses
    }
}

fn admin(server: &Server) -> String {
    let line = server.process.line("admin pages on http://");
    line.rsplit("http://").next().expect("an address").to_owned()
}

/// Returns at which second of its day a moment in RFC 3339 is.
fn second_of_day(moment: &Value) -> f64 {
    let text = moment.as_str().unwrap_or_else(|| panic!("{moment} is no moment"));
    let clock = text.split_once('T').expect("a time").1.trim_end_matches('Z');
    clock.split(':').fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().expect("a number"))
}

#[test]
fn a_drained_zone_may_be_held_for_the_ttl_and_waiting_ends_right_after_it() {
    let operated = Operated::start(3);
    assert_eq!(operated.addresses(JAPAN), ["127.7.1.1", "127.7.1.2"]);
    let before = SystemTime::now();
    let number = operated.drain("tokyo/tokyo-b");
    assert_eq!(operated.addresses(JAPAN), ["127.7.1.1"]);
    let status = operated.drain_status(&number);
    assert_eq!(status["target"], "tokyo/tokyo-b");
    assert_eq!((&status["still_given_out"], &status["is_over"]), (&false.into(), &false.into()), "{status}");
    let left = status["seconds_left"].as_f64().expect("a number");
    assert!(left > 0.0 && left <= 3.0, "{status}");
    let ran = operated.run(&["drain-status", &number, "--wait", "--timeout", "30s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(before.elapsed().unwrap() >= Duration::from_secs(3), "not before the TTL has passed");
    assert!(ran.out.contains("resolvers may keep those they have for "), "{ran:?}");
    let status = operated.drain_status(&number);
    assert_eq!((&status["is_over"], &status["resolvers"]["count"]), (&true.into(), &0.into()), "{status}");
    assert!(
        operated.run(&["drain-status", &number]).out.contains("it reports no load"),
        "long streams may run"
    );
}

#[test]
fn the_last_moment_is_that_of_publishing_and_the_ttl() {
    let operated = Operated::start(300);
    let number = operated.drain("tokyo/tokyo-b");
    let status: Value = serde_json::from_str(&page(&operated.admin, "/status")).expect("JSON");
    let published = second_of_day(&status["snapshot"]["published_at"]);
    let last = second_of_day(&operated.drain_status(&number)["last_lawful"]);
    let held = (last - published).rem_euclid(86_400.0);
    assert!((299.0..301.0).contains(&held), "{held} s");
}

#[test]
fn a_shift_in_part_still_gives_its_addresses_out_and_the_resolvers_that_get_them_are_told() {
    let operated = Operated::start(1);
    let ran = operated.run(&["shift", "tokyo", "--percent", "50", "--reason", "a test"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let number = ran.out.split(' ').nth(1).expect("a number").to_owned();
    let mut kept = 0;
    for third in 0..40 {
        let addresses = operated.addresses(&format!("10.81.{third}.0/24"));
        kept += u64::from(addresses.iter().any(|address| address.starts_with("127.7.1.")));
    }
    let status = operated.drain_status(&number);
    assert_eq!(
        (&status["still_given_out"], &status["last_lawful"]),
        (&true.into(), &Value::Null),
        "{status}"
    );
    assert!(status["why"].as_str().expect("a sentence").contains("it keeps 50% of its clients"), "{status}");
    assert_eq!(status["resolvers"]["count"], 1, "{status}");
    assert_eq!(status["resolvers"]["sample"][0]["resolver"], "127.0.0.1", "{status}");
    assert_eq!(status["resolvers"]["sample"][0]["answers"], kept, "{status}");
    let waited = operated.run(&["drain-status", &number, "--wait", "--timeout", "1s"]);
    assert_eq!(waited.code, 1, "{waited:?}");
    assert!(waited.err.contains("it is not over after 1s"), "{waited:?}");
}

#[test]
fn a_drain_goes_on_after_kill_9_and_a_restart_and_ends_with_its_intent() {
    let mut operated = Operated::start(2);
    let number = operated.drain("tokyo/tokyo-b");
    operated.server.process.signal("KILL");
    operated.server = Server::start(&operated.home);
    operated.admin = admin(&operated.server);
    assert_eq!(operated.addresses(JAPAN), ["127.7.1.1"], "in the very first answers");
    let left = operated.drain_status(&number)["seconds_left"].as_f64().expect("a number");
    assert!(left <= 2.0, "{left}");
    let ran = operated.run(&["drain-status", &number, "--wait", "--timeout", "30s"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(operated.run(&["undrain", "tokyo/tokyo-b"]).code, 0);
    wait_for("the zone's clients", || (operated.addresses(JAPAN).len() == 2).then_some(()));
    let gone = operated.run(&["drain-status", &number]);
    assert_eq!(gone.code, 1, "{gone:?}");
    assert!(
        gone.err.contains(&format!("no intent {number} is in force: it never was, or it was lifted")),
        "{gone:?}"
    );
    assert_eq!(operated.run(&["drain-status", &number, "--wait"]).code, 1);
}

#[test]
fn what_sends_no_clients_away_has_no_drain_status() {
    let operated = Operated::start(1);
    assert_eq!(operated.run(&["capacity", "tokyo", "50%", "--reason", "a test"]).code, 0);
    let ran = operated.run(&["drain-status", "1"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("intent 1 (`capacity tokyo 50%`) sends no clients away"), "{ran:?}");
}

/// Gets a page of the admin server.
fn page(admin: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(admin).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.split_once("\r\n\r\n").expect("a header and a body").1.to_owned()
}
