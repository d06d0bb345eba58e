//! What the running server tells about itself over HTTP, to people, to Prometheus and to `explain`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::home::Home;
use crate::region::Regions;
use crate::run::meridian;
use crate::server::{Server, wait_for};

/// The token of an operator.
const TOKEN: &str = "0123456789abcdef01234567";

/// A server with admin pages, and their address.
pub struct Seen {
    pub server: Server,
    pub admin: String,
    pub home: Home,
    pub regions: Regions,
}

impl Seen {
    pub fn start() -> Self {
        Self::start_on(|_| ())
    }

    /// Starts it with further keys of `recovery`.
    fn start_with(recovery: &str) -> Self {
        Self::start_on(|home| home.edit("regions.yaml", "ramp: [] }", &format!("ramp: []{recovery} }}")))
    }

    /// Starts it on a configuration that was edited before.
    pub fn start_on(edit: impl FnOnce(&Home)) -> Self {
        let regions = Regions::start();
        let home = Home::new(regions.port);
        edit(&home);
        let access = "access: { tokens: [{ name: ops, role: operate, file: ../token }] }";
        home.edit("server.yaml", "geo:\n", &format!("admin: \"127.0.0.1:0\"\n{access}\ngeo:\n"));
        fs::write(home.path("token"), TOKEN).unwrap();
        let server = Server::start(&home);
        let line = server.process.line("admin pages on http://");
        let admin = line.rsplit("http://").next().expect("an address").to_owned();
        Self { server, admin, home, regions }
    }

    /// Gets a page that is there.
    pub fn page(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.admin).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").expect("a header and a body");
        assert!(head.contains(" 200 OK"), "{head}\n{body}");
        body.to_owned()
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.page("/status")).expect("JSON")
    }

    /// Returns how many queries were counted.
    fn queries(&self) -> f64 {
        let page = self.page("/metrics");
        let lines = page.lines().filter(|line| line.starts_with("meridian_queries_total{"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().expect("a number")).sum()
    }
}

#[test]
fn the_status_says_which_region_is_out_since_when_and_why() {
    let seen = Seen::start();
    assert_eq!(seen.page("/healthz"), "ok\n");
    seen.regions.break_("osaka");
    let status = wait_for("Osaka to be out", || {
        let status = seen.status();
        (status["regions"][1]["ipv4"]["service"] == "out").then_some(status)
    });
    let osaka = &status["regions"][1];
    assert_eq!(osaka["name"], "osaka");
    assert!(osaka["ipv4"]["since"].is_string());
    assert_eq!((&osaka["ipv4"]["phase"], &osaka["ipv4"]["share"]), (&"down".into(), &0.0.into()));
    assert_eq!(osaka["zones"][0]["addresses"][0]["state"], "down");
    assert_eq!(osaka["zones"][0]["addresses"][0]["why"]["class"], "status");
    assert_eq!(status["regions"][0]["ipv4"]["service"], "in");
    assert_eq!(status["zones"].as_array().map(Vec::len), Some(3));
    assert_ne!(status["alarms"].as_array().map(Vec::len), Some(0));
}

#[test]
fn explain_asks_the_running_server_and_sees_its_health() {
    let seen = Seen::start();
    seen.regions.break_("tokyo");
    seen.server.settles(&[("10.81.7.0/24", "osaka")]);
    let question = ["explain", "api.example.com", "--client", "10.81.7.0/24", "--admin", &seen.admin];
    let ran = meridian(&question);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("down: 0 of 2 up, 1 needed"), "{}", ran.out);
    assert!(ran.out.contains("api.example.com. 30 IN A 127.7.2.1"), "{}", ran.out);

    let admin = seen.admin.clone();
    drop(seen);
    let ran = meridian(&["explain", "api.example.com", "--client", "10.81.7.0/24", "--admin", &admin]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains(&format!("cannot ask the server at {admin}")), "{ran:?}");
}

#[test]
fn simulate_asks_the_running_server_what_a_loss_would_do() {
    let seen = Seen::start();
    let ran = meridian(&["simulate", "--lose", "frankfurt", "--admin", &seen.admin]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("\nfrankfurt -> paris "), "{}", ran.out);
    let ran = meridian(&["simulate", "--lose", "frankfurt,paris", "--admin", &seen.admin]);
    assert_eq!(ran.code, 1, "Europeans may go nowhere else: {ran:?}");
    let ran = meridian(&["simulate", "--each", "--admin", &seen.admin]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("21 losses, 1 END BADLY."), "{}", ran.out);
    let ran = meridian(&["simulate", "--lose", "tokio", "--admin", &seen.admin]);
    assert_eq!((ran.code, ran.err.contains("did you mean `tokyo`?")), (2, true), "{ran:?}");
}

#[test]
fn a_region_with_manual_failback_is_held_when_it_is_well_again_until_somebody_lets_it_back() {
    let seen = Seen::start_with(", failback: manual");
    let client = |region: &'static str| seen.server.settles(&[("10.81.7.0/24", region)]);
    let token = seen.home.path("token");
    let token = ["--token-file", token.to_str().unwrap()];
    let failback = |region: &str| {
        meridian(&[&["failback", region, "--admin", &seen.admin, "--author", "Jo"], &token[..]].concat())
    };
    client("tokyo");
    let refused = failback("tokyo");
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("tokyo is neither held nor quarantined"), "{refused:?}");

    seen.regions.break_("tokyo");
    client("osaka");
    seen.regions.heal("tokyo");
    seen.server.process.line("tokyo (IPv4) is held at 0% of its clients; `meridian failback tokyo` lets it");
    client("osaka");
    let ran = meridian(&["explain", "api.example.com", "--client", "10.81.7.0/24", "--admin", &seen.admin]);
    assert!(
        ran.out.contains("held: well again, and takes no clients until `meridian failback tokyo`"),
        "{ran:?}"
    );
    wait_for("the page to have it", || {
        (seen.status()["regions"][0]["ipv4"]["phase"] == "held").then_some(())
    });
    let unknown = failback("tokio");
    assert!(unknown.err.contains("no region is called `tokio`; did you mean `tokyo`?"), "{unknown:?}");

    let ran = failback("tokyo");
    assert_eq!((ran.code, ran.out.contains("tokyo is let back")), (0, true), "{ran:?}");
    client("tokyo");
    seen.server.process.line("Jo (ops) let tokyo back");
}

#[test]
fn a_refused_reload_is_shown_and_counted_until_it_is_repaired() {
    let seen = Seen::start();
    seen.home.edit("api.example.com.yaml", "order: nearest", "order: neerest");
    let status = wait_for("the failure", || {
        let status = seen.status();
        status["configuration"]["failed_at"].is_string().then_some(status)
    });
    let problems = status["configuration"]["problems"].to_string();
    assert!(problems.contains("api.example.com.yaml:9:"), "{problems}");
    seen.home.edit("api.example.com.yaml", "order: neerest", "order: nearest");
    wait_for("the repair", || seen.status()["configuration"]["failed_at"].is_null().then_some(()));
}

#[test]
fn queries_are_counted() {
    let seen = Seen::start();
    let before = seen.queries();
    for _ in 0..5 {
        seen.server.ask("api.example.com. A from 10.81.7.0/24");
    }
    wait_for("five more queries", || (seen.queries() >= before + 5.0).then_some(()));
}
