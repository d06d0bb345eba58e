//! What operators ask for, through the commands, and what `dig` sees of it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use hickory_proto::op::ResponseCode;
use serde_json::Value;

use crate::home::Home;
use crate::region::{Regions, regions_in};
use crate::run::{Ran, meridian};
use crate::server::{Server, wait_for};

const ALICE: &str = "0123456789abcdef01234567";

const JAPAN: &str = "10.81.7.0/24";
const GERMANY: &str = "10.49.7.0/24";

/// A server that an operator may change, and its services.
pub struct Operated {
    pub server: Server,
    pub admin: String,
    pub home: Home,
    pub regions: Regions,
}

impl Operated {
    pub fn start() -> Self {
        let (home, regions) = Self::home();
        Self::serve(home, regions)
    }

    /// Returns a folder for a server that an operator may change, and its services.
    pub fn home() -> (Home, Regions) {
        let regions = Regions::start();
        let home = Home::new(regions.port);
        fs::write(home.path("alice"), ALICE).expect("a writable directory");
        let access = "admin: \"127.0.0.1:0\"\naccess: { tokens: [{ name: alice, role: operate, file: ../alice }] }\ngeo:\n";
        home.edit("server.yaml", "geo:\n", access);
        (home, regions)
    }

    fn serve(home: Home, regions: Regions) -> Self {
        let server = Server::start(&home);
        Self::running(home, regions, server)
    }

    /// Takes a server that was started on a folder.
    pub fn running(home: Home, regions: Regions, server: Server) -> Self {
        let line = server.process.line("admin pages on http");
        let admin = line.rsplit(' ').next().expect("a URL").to_owned();
        Self { server, admin, home, regions }
    }

    /// Lets the process die, does something, and starts another one.
    pub fn reborn(self, meanwhile: impl FnOnce(&Home)) -> Self {
        let Self { server, home, regions, .. } = self;
        server.process.signal("KILL");
        drop(server);
        meanwhile(&home);
        Self::serve(home, regions)
    }

    /// Runs a command as alice.
    pub fn run(&self, words: &str) -> Ran {
        let token = self.home.path("alice");
        let options = ["--admin", &self.admin, "--token-file", token.to_str().expect("a path of letters")];
        let words: Vec<&str> = words.split(' ').collect();
        meridian(&[&words[..], &options].concat())
    }

    pub fn succeeds(&self, words: &str) -> String {
        let ran = self.run(words);
        assert_eq!(ran.code, 0, "{words}: {ran:?}");
        ran.out
    }

    pub fn fails(&self, words: &str, sentence: &str) {
        let ran = self.run(words);
        assert!(ran.code != 0 && ran.err.contains(sentence), "{words}: {ran:?}");
    }

    /// Returns a page of the admin address, as anyone may see it.
    pub fn page(&self, path: &str) -> String {
        let address = self.admin.strip_prefix("http://").expect("plain HTTP");
        let mut stream = TcpStream::connect(address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").expect("it reads");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("a reply");
        reply.split_once("\r\n\r\n").expect("a head and a body").1.to_owned()
    }

    /// Returns the alarms that stand.
    pub fn alarms(&self) -> String {
        let status: Value = serde_json::from_str(&self.page("/status")).expect("JSON");
        status["alarms"].to_string()
    }

    /// Posts to `/intents` as alice, and returns the status and the body.
    fn post(&self, body: &str) -> (u16, Value) {
        let address = self.admin.strip_prefix("http://").expect("plain HTTP");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let length = body.len();
        write!(
            stream,
            "POST /intents HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {ALICE}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("a reply");
        let (head, body) = reply.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    fn gets(&self, client: &str, region: &str) {
        assert_eq!(self.server.regions(client), [region], "{client}");
    }
}

#[test]
fn what_an_operator_asks_for_is_in_the_answers_when_the_command_returns_and_gone_when_it_is_undone() {
    let operated = Operated::start();
    for (action, undo, region) in [
        ("shift tokyo --reason kernel --for 5m", "unshift tokyo", "osaka"),
        ("drain tokyo --reason kernel", "undrain tokyo", "osaka"),
        ("disable tokyo --reason kernel", "enable tokyo", "osaka"),
        ("force tokyo down --reason kernel", "force tokyo auto", "osaka"),
        ("weights api.example.com tokyo=0 osaka=100 --reason blue-green", "lift 5", "osaka"),
    ] {
        operated.gets(JAPAN, "tokyo");
        let out = operated.succeeds(action);
        assert!(out.contains(" is in force: "), "{out}");
        operated.gets(JAPAN, region);
        operated.gets(GERMANY, "frankfurt");
        operated.succeeds(undo);
        operated.gets(JAPAN, "tokyo");
    }
    assert_eq!(operated.succeeds("intents"), "no intents in force, no open proposals\n");
    operated.server.process.line("alice: drain tokyo for 2h: kernel (intent 2)");
    operated.server.process.line("lifted intent 2 (drain tokyo)");
}

#[test]
fn no_operator_moves_anybody_across_the_border() {
    let operated = Operated::start();
    operated.fails("drain frankfurt --reason x --override hard_limit --for 5h", "stands for at most 4h");
    operated.succeeds("drain frankfurt --reason law");
    operated.gets(GERMANY, "paris");
    operated.fails("drain paris --reason law --override one_at_a_time --for 1h", "(no_region)");
    operated.gets(GERMANY, "paris");
    operated.succeeds("drain paris --reason law --override one_at_a_time --override no_region --for 1h");
    // Kept away and well: both are asked before anybody is sent elsewhere.
    operated.gets(GERMANY, "frankfurt");
    operated.succeeds("disable frankfurt --reason law --override no_region --for 1h");
    operated.gets(GERMANY, "paris");
    operated.succeeds("disable paris --reason law --override no_region --for 1h");
    let reply = operated.server.ask(&format!("api.example.com. A from {GERMANY}"));
    assert_eq!((reply.metadata.response_code, regions_in(&reply).len()), (ResponseCode::ServFail, 0));
    operated.gets(JAPAN, "tokyo");
}

#[test]
fn a_dry_run_tells_who_moves_where_and_does_nothing() {
    let operated = Operated::start();
    let out = operated.succeeds("drain tokyo --reason kernel --dry-run");
    for part in
        ["tokyo -> osaka", "regions would be in service in IPv4", "nothing was done; it would be accepted"]
    {
        assert!(out.contains(part), "`{part}` is not in {out}");
    }
    operated.gets(JAPAN, "tokyo");
}

#[test]
fn an_intent_survives_kill_9_and_ends_although_the_process_was_dead() {
    let operated = Operated::start();
    operated.succeeds("drain tokyo --reason kernel --for 10m");
    let operated = operated.reborn(|_| {});
    operated.gets(JAPAN, "osaka");
    assert!(operated.succeeds("intents").contains("standing   drain tokyo"), "it is still shown");
    // Ten minutes pass in which nothing runs.
    let operated = operated.reborn(|home| {
        home.edit_saved("intents.json", |saved| {
            let made_at = saved["intents"][0]["made_at"].as_u64().expect("a moment");
            saved["intents"][0]["made_at"] = (made_at - 11 * 60_000).into();
        });
    });
    operated.gets(JAPAN, "tokyo");
    operated.server.process.line("(drain tokyo) is over");
    operated.succeeds("force osaka down --reason x");
    assert!(operated.succeeds("intents").starts_with("    2  "), "numbers go on");
}

#[test]
fn intents_that_cannot_be_read_are_set_aside_and_said_loudly() {
    let operated = Operated::start();
    operated.succeeds("drain tokyo --reason kernel");
    let operated = operated.reborn(|home| {
        fs::write(home.path("state").join("intents.json"), "{ half").expect("it is writable");
    });
    operated.server.process.line("NO INTENT IS IN FORCE");
    operated.gets(JAPAN, "tokyo");
    let alarm = "the event log knows of 1 intent: alice: drain tokyo for 2h: kernel (intent 1)";
    assert!(operated.alarms().contains(alarm), "it is an alarm that stands");
    operated.succeeds("drain tokyo --reason kernel");
    operated.server.process.line("intents.json is written again");
    let is_over = || (!operated.alarms().contains(alarm)).then_some(());
    wait_for("the alarm to end when intents are written anew", is_over);
    assert!(operated.home.path("state").join("intents.json.unusable").exists());
}

#[test]
fn a_thousand_posts_of_the_same_make_one_intent() {
    let operated = Operated::start();
    let body = r#"{"intent": {"action": "failover", "mode": "off", "region": "tokyo"}, "reason": "a flood", "for": "1h"}"#;
    let answers: Vec<(u16, Value)> = thread::scope(|scope| {
        let posts = |_| scope.spawn(|| (0..40).map(|_| operated.post(body)).collect::<Vec<_>>());
        let threads: Vec<_> = (0..25).map(posts).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it does not panic")).collect()
    });
    let made = answers.iter().filter(|(status, _)| *status == 201).count();
    // The queue to the writer is bounded: who finds it full is told to try again.
    let same =
        answers.iter().filter(|(status, body)| *status == 200 && body["intent"]["number"] == 1).count();
    let full = answers.iter().filter(|(status, _)| *status == 503).count();
    assert_eq!((made, made + same + full), (1, 1000));
    assert!(same > 0);
}

#[test]
fn what_makes_no_sense_is_refused_in_one_sentence_and_changes_nothing() {
    let operated = Operated::start();
    for (words, sentence) in [
        ("shift tokio --reason x", "no region is called `tokio`; did you mean `tokyo`?"),
        ("shift tokyo/tokyo-z --reason x", "tokyo has no availability zone `tokyo-z`"),
        ("shift tokyo --percent 101 --reason x", "`101` is not a percentage from 0.01% to 100%"),
        ("shift tokyo --for 0s --reason x", "an intent stands for 1m to 3d, not for 0s"),
        ("shift tokyo --for 8760h --reason x", "an intent stands for 1m to 3d, not for 365d"),
        ("shift tokyo --for 1y --reason x", "`1y` is not a duration"),
        ("capacity tokyo 0% --reason x", "`0%` is not a percentage from 1% to 1000%"),
        (
            "weights api.example.com tokyo=1 osaca=1 --reason x",
            "no region is called `osaca`; did you mean `osaka`?",
        ),
        (
            "weights static.example.com tokyo=1 osaka=1 --reason x",
            "no steered name is called static.example.com.",
        ),
        ("approve 7 --reason x", "no proposal 7 is open (none is open)"),
        ("lift 7", "no intent 7 is in force"),
        ("undrain tokyo", "no `drain tokyo` is in force"),
        ("failback tokyo", "tokyo is neither held nor quarantined: it is"),
        ("force tokyo up", "--reason"),
    ] {
        operated.fails(words, sentence);
    }
    operated.gets(JAPAN, "tokyo");
    assert!(!operated.home.path("state").join("intents.json").exists(), "nothing was ever in force");
}

#[test]
fn what_the_machine_advises_waits_for_somebody_to_approve_it() {
    let operated = Operated::start();
    operated.succeeds("failover advise --reason holidays");
    operated.regions.break_("tokyo");
    let number = wait_for("a proposal", || {
        let text = operated.succeeds("intents");
        let line = text.lines().find(|line| line.contains("tokyo leaves"))?;
        Some(line.split_whitespace().next().expect("a number").to_owned())
    });
    operated.gets(JAPAN, "tokyo");
    operated.succeeds(&format!("approve {number} --reason dead"));
    // It may have been advised for the other family first.
    wait_for("its fall", || (operated.server.regions(JAPAN) == ["osaka"]).then_some(()));
    operated.regions.heal("tokyo");
    wait_for("its return", || (operated.server.regions(JAPAN) == ["tokyo"]).then_some(()));
    wait_for("the end of the approval", || (!operated.succeeds("intents").contains("approve")).then_some(()));
}
