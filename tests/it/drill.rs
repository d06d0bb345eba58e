//! Drills: begun, watched, ended early, and gone on with after a crash.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::home::{Home, replace};
use crate::region::Regions;
use crate::run::{Ran, meridian};
use crate::server::{Process, Server, wait_for};

/// A client that is nearest to Tokyo, and one nearest to Oregon.
const JAPAN: &str = "10.81.7.0/24";
const AMERICA: &str = "10.1.7.0/24";

const ALICE: &str = "0123456789abcdef01234567";

/// Services, a server on them, and where it is asked.
struct Play {
    regions: Regions,
    home: Home,
    server: Server,
    admin: String,
}

impl Play {
    fn start() -> Self {
        let regions = Regions::start();
        let home = Home::new(regions.port);
        replace(&home.path("alice"), ALICE.as_bytes());
        let access =
            "admin: \"127.0.0.1:0\"\naccess: { tokens: [{ name: alice, role: operate, file: ../alice }] }";
        home.edit("server.yaml", "geo:\n", &format!("{access}\ngeo:\n"));
        let (server, admin) = serve(&home);
        server.settles(&[(JAPAN, "tokyo")]);
        Self { regions, home, server, admin }
    }

    fn token(&self) -> String {
        self.home.path("alice").to_str().expect("a path of letters").to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        meridian(
            &[
                &["drill"],
                arguments,
                &["--reason", "a test", "--admin", &self.admin, "--token-file", &self.token()],
            ]
            .concat(),
        )
    }

    /// Begins a drill in the background, and waits until it is in force.
    fn drill(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
        let command = command.args(["drill"]).args(arguments).args(["--wait", "--reason", "a test"]);
        let process = Process::start(command.args(["--admin", &self.admin, "--token-file", &self.token()]));
        process.line("is in force: drill ");
        process
    }

    /// Sends a request, and returns the status.
    fn send(&self, request: &str, body: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.admin).unwrap();
        let headers =
            format!("Host: it\r\nAuthorization: Bearer {ALICE}\r\nContent-Length: {}\r\n", body.len());
        write!(stream, "{request} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n{body}").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }

    fn history(&self) -> Value {
        let ran = meridian(&["history", "--json", "--admin", &self.admin]);
        assert_eq!(ran.code, 0, "{ran:?}");
        serde_json::from_str(&ran.out).expect("JSON")
    }

    /// Waits for what comes of the last drill, and returns why.
    fn outcome(&self, expected: &str) -> String {
        wait_for(&format!("a drill that is {expected}"), || {
            let drill = self.history()["drills"].as_array()?.last()?.clone();
            (drill["outcome"] == expected).then(|| drill["why"].as_str().unwrap_or_default().to_owned())
        })
    }
}

fn serve(home: &Home) -> (Server, String) {
    let server = Server::start(home);
    let line = server.process.line("admin pages on http://");
    let (_, address) = line.rsplit_once("http://").expect("the log names the address");
    let address = address.to_owned();
    (server, address)
}

/// Returns the exit code of a command that waits for a drill.
fn code(process: &mut Process) -> Option<i32> {
    process.wait_at_most(Duration::from_secs(60)).code()
}

#[test]
fn a_drill_that_is_lifted_was_interrupted_and_whoever_waits_for_it_is_told() {
    let play = Play::start();
    let mut waiting = play.drill(&["tokyo", "--percent", "100", "--for", "10m"]);
    play.server.settles(&[(JAPAN, "osaka")]);
    assert_eq!(play.send("DELETE /intents/1", ""), 200);
    assert_eq!(code(&mut waiting), Some(1));
    waiting.line("`drill tokyo 100% abort-when alarm` (1) was interrupted: ");
    play.server.settles(&[(JAPAN, "tokyo")]);
    assert!(play.outcome("interrupted").ends_with(" lifted it"));
}

#[test]
fn a_service_that_breaks_elsewhere_fails_a_drill_and_its_clients_are_back() {
    let play = Play::start();
    let mut waiting = play.drill(&["tokyo", "--percent", "100"]);
    play.server.settles(&[(JAPAN, "osaka"), (AMERICA, "oregon")]);
    play.regions.break_("oregon");
    assert_eq!(code(&mut waiting), Some(1));
    waiting.line("failed: oregon left the IPv");
    play.server.settles(&[(JAPAN, "tokyo")]);
    assert!(play.outcome("failed").starts_with("oregon left the IPv"));
    let text = play.history()["last_good_drills"][0]["text"].clone();
    assert_eq!(text, "never");
    let ran = meridian(&["history", "--kind", "drill", "--admin", &play.admin]);
    assert!(ran.out.contains(" failed: oregon left the IPv"), "{ran:?}");
    assert!(ran.out.contains("\nlast good drills:\n  tokyo:     never\n"), "{ran:?}");
}

#[test]
fn a_drill_that_would_leave_too_few_regions_is_refused_and_remembered() {
    let play = Play::start();
    play.home.edit(
        "regions.yaml",
        "canaries:\n  shallow",
        "safety: { min_in_service: 6 }\ncanaries:\n  shallow",
    );
    play.server.process.line("reloaded: ");
    let tried = play.run(&["tokyo", "--percent", "100", "--dry-run"]);
    assert_eq!(tried.code, 1, "{tried:?}");
    assert!(tried.out.contains("it breaks min_in_service"), "{tried:?}");
    assert!(play.history()["drills"].as_array().is_some_and(Vec::is_empty));
    let refused = play.run(&["tokyo", "--percent", "100", "--wait"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("--override min_in_service"), "{refused:?}");
    assert!(play.outcome("capacity_check_failed").contains("(min_in_service)"));
    play.server.settles(&[(JAPAN, "tokyo")]);
    for (arguments, sentence) in [
        (["tokio", "--percent", "10"], "no region is called `tokio`; did you mean `tokyo`?"),
        (["tokyo", "--for", "10s"], "stands for 1m to 3d, not for 10s"),
    ] {
        let wrong = play.run(&arguments);
        assert_eq!(wrong.code, 1, "{wrong:?}");
        assert!(wrong.err.contains(sentence), "{wrong:?}");
    }
    // A slip is told before the server is asked.
    for (arguments, sentence) in [
        (["tokyo", "--percent", "101"], "`101` is not a percentage from 0.01% to 100%"),
        (["tokyo", "--abort-when", "moon"], "`moon` is none of alarm"),
    ] {
        let wrong = play.run(&arguments);
        assert_eq!(wrong.code, 2, "{wrong:?}");
        assert!(wrong.err.contains(sentence), "{wrong:?}");
    }
}

#[test]
fn a_drill_goes_on_after_a_crash_and_a_shift_in_earnest_ends_it() {
    let mut play = Play::start();
    let drill = play.drill(&["tokyo", "--percent", "100"]);
    play.server.settles(&[(JAPAN, "osaka")]);
    play.server.process.signal("KILL");
    drop(drill);
    (play.server, play.admin) = serve(&play.home);
    assert_eq!(play.server.regions(JAPAN), ["osaka"], "in the very first answers");
    play.outcome("pending");
    let body = r#"{"intent":{"action": "drain", "target": "oregon"},"reason":"in earnest"}"#;
    assert_eq!(play.send("POST /intents", body), 201);
    play.server.settles(&[(JAPAN, "tokyo")]);
    assert_eq!(play.outcome("interrupted"), "`drain oregon` (intent 2) took over");
    play.server.process.signal("KILL");
    (play.server, play.admin) = serve(&play.home);
    assert_eq!(play.outcome("interrupted"), "`drain oregon` (intent 2) took over");
}
