//! Being told: the event log on disk, and webhooks whose receivers come and go.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ring::hmac;
use serde_json::Value;

use crate::home::Home;
use crate::region::Regions;
use crate::run::meridian;
use crate::server::{Server, wait_for};

/// A client that is nearest to Tokyo.
const JAPAN: &str = "10.81.7.0/24";

const SECRET: &str = "correct horse battery staple";

/// A receiver of webhooks on loopback, until it is dropped.
struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    is_gone: Arc<AtomicBool>,
}

/// One request that a receiver has got.
#[derive(Clone, Debug)]
struct Request {
    head: String,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> String {
        let lines = self.head.lines();
        let values = lines.filter_map(|line| line.split_once(": "));
        let mut values = values.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.next().unwrap_or_else(|| panic!("no {name} in {self:?}")).1.to_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

impl Receiver {
    /// Takes everything that comes to an address.
    fn start(address: SocketAddr) -> Self {
        Self::serve(address, true)
    }

    /// Accepts connections at an address, and never answers.
    fn hang(address: SocketAddr) -> Self {
        Self::serve(address, false)
    }

    fn serve(address: SocketAddr, answers: bool) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        let address = listener.local_addr().unwrap();
        let (seen, is_gone) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::<AtomicBool>::default());
        let (requests, gone) = (Arc::clone(&seen), Arc::clone(&is_gone));
        thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming().flatten() {
                if gone.load(Ordering::SeqCst) {
                    return;
                }
                if answers {
                    requests.lock().unwrap().extend(take(stream));
                } else {
                    kept.push(stream);
                }
            }
        });
        Self { address, seen, is_gone }
    }

    /// Returns the requests so far.
    fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns the kinds and numbers of the events so far.
    fn events(&self) -> Vec<(String, u64)> {
        let of = |request: &Request| {
            let event = request.json();
            (event["kind"].as_str().unwrap().to_owned(), event["number"].as_u64().unwrap())
        };
        self.requests().iter().map(of).collect()
    }

    /// Waits for an event.
    fn waits_for(&self, kind: &str) {
        wait_for(kind, || self.events().iter().any(|(seen, _)| seen == kind).then_some(()));
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.is_gone.store(true, Ordering::SeqCst);
        // Wakes its thread, which lets the address go.
        let _ = TcpStream::connect(self.address);
        let free = || TcpListener::bind(self.address).is_ok().then_some(());
        wait_for("the address of the receiver to be free", free);
    }
}

/// Reads one request, and says that all is well. `None`: nobody sent one.
fn take(mut stream: TcpStream) -> Option<Request> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        text.extend_from_slice(&buffer[..length]);
        let request = String::from_utf8(text.clone()).expect("text");
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let request = Request { head: head.to_owned(), body: body.to_owned() };
        if request.body.len() >= request.header("content-length").parse().expect("a number") {
            stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").ok()?;
            return Some(request);
        }
    }
}

/// Returns an address that nobody listens on.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// Writes a webhook for everything into the configuration, signed with [`SECRET`].
fn add_webhook(home: &Home, address: SocketAddr) {
    fs::write(home.path("secret"), format!("{SECRET}\n")).unwrap();
    fs::set_permissions(home.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let webhook = format!(
        "admin: \"127.0.0.1:0\"\nwebhooks:\n  - {{ name: oncall, url: \"http://{address}/hook\", \
         secret: {{ file: ../secret }}, min_severity: info }}\ngeo:\n"
    );
    home.edit("server.yaml", "geo:\n", &webhook);
}

/// Returns the events that the log on disk has.
fn logged(home: &Home) -> Vec<Value> {
    let text = fs::read_to_string(home.path("state/events.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Gets a page of the admin server.
fn page(server: &Server, path: &str) -> String {
    let line = server.process.line("admin pages on http://");
    let address = line.rsplit("http://").next().expect("an address");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.split_once("\r\n\r\n").expect("a header and a body").1.to_owned()
}

fn status(server: &Server) -> Value {
    serde_json::from_str(&page(server, "/status")).expect("JSON")
}

/// Lets Tokyo fall and come back.
fn break_and_heal(server: &Server, regions: &Regions) {
    regions.break_("tokyo");
    server.settles(&[(JAPAN, "osaka")]);
    regions.heal("tokyo");
    server.settles(&[(JAPAN, "tokyo")]);
}

const TOKYO_B: &str = "tokyo/tokyo-b/127.7.1.2";

#[test]
fn the_event_log_alone_tells_the_story_and_goes_on_after_a_crash() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let server = Server::start(&home);
    wait_for("two results", || (regions.successes("127.7.1.2") > 1).then_some(()));
    break_and_heal(&server, &regions);
    let events = wait_for("the log to have the return", || {
        let events = logged(&home);
        let is_up = |event: &Value| event["kind"] == "address_up" && event["target"] == TOKYO_B;
        events.iter().any(is_up).then_some(events)
    });
    let story: Vec<_> = events
        .iter()
        .filter(|event| event["target"] == TOKYO_B || event["kind"] == "region_out")
        .map(|event| ["kind", "target", "from", "to", "reason"].map(|key| event[key].as_str().unwrap_or("-")))
        .collect();
    assert!(story.contains(&["address_suspect", TOKYO_B, "up", "suspect", "status 503"]), "{story:?}");
    assert!(story.contains(&["address_down", TOKYO_B, "suspect", "down", "status 503"]), "{story:?}");
    assert!(story.contains(&["region_out", "tokyo", "in", "out", "status 503"]), "{story:?}");
    assert!(story.contains(&["address_up", TOKYO_B, "down", "up", "-"]), "{story:?}");
    server.process.signal("KILL");
    drop(server);

    // A crash in the middle of a line.
    let file = home.path("state/events.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let before = logged(&home).last().expect("events")["number"].as_u64().unwrap();
    fs::write(&file, format!("{text}{{\"time\":\"20")).unwrap();
    let _server = Server::start(&home);
    regions.break_("osaka");
    let after = wait_for("the next event", || {
        let next = logged(&home).into_iter().find(|event| event["number"].as_u64() > Some(before));
        next.filter(|event| event["number"] == before + 1)
    });
    assert!(after["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{after}");
    // One reading, for osaka's events go on.
    let text = fs::read_to_string(&file).unwrap();
    let damaged = text.lines().filter(|line| serde_json::from_str::<Value>(line).is_err());
    assert_eq!(damaged.count(), 1);
}

#[test]
fn a_receiver_that_is_down_gets_every_event_exactly_once_and_in_order_when_it_comes_up() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let address = free_address();
    add_webhook(&home, address);
    let server = Server::start(&home);
    server.settles(&[(JAPAN, "tokyo")]);
    break_and_heal(&server, &regions);
    server.process.line("events wait, and delivery is tried again");
    let waiting = wait_for("events to wait", || {
        let status = status(&server);
        let webhook = status["webhooks"][0].clone();
        (webhook["pending"].as_u64() > Some(3) && webhook["retried"].as_u64() > Some(0)).then_some(webhook)
    });
    assert_eq!((&waiting["name"], &waiting["accepted"]), (&"oncall".into(), &0.into()));
    assert!(waiting["trouble"].as_str().is_some_and(|why| why.contains("refused")), "{waiting}");
    // Also after a restart.
    server.process.signal("KILL");
    drop(server);
    let server = Server::start(&home);

    let receiver = Receiver::start(address);
    receiver.waits_for("region_back");
    wait_for("all of them", || (status(&server)["webhooks"][0]["pending"] == 0).then_some(()));
    let expected: Vec<_> = logged(&home)
        .iter()
        .map(|event| (event["kind"].as_str().unwrap().to_owned(), event["number"].as_u64().unwrap()))
        .collect();
    assert_eq!(receiver.events(), expected, "what the log has");
    assert!(expected.iter().map(|(_, number)| *number).eq(1..=expected.len() as u64), "{expected:?}");
    check_signature(&receiver.requests()[0]);
    let metrics = page(&server, "/metrics");
    let delivered = format!(
        "meridian_webhook_deliveries_total{{webhook=\"oncall\",outcome=\"accepted\"}} {}",
        expected.len()
    );
    assert!(metrics.contains(&delivered), "{metrics}");
}

/// Does what a receiver does to know from whom a request is.
fn check_signature(request: &Request) {
    let signature = request.header("meridian-signature");
    let (time, given) =
        signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).expect("a form");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let given: Vec<u8> =
        (0..given.len()).step_by(2).map(|at| u8::from_str_radix(&given[at..at + 2], 16).unwrap()).collect();
    let signed = format!("{time}.{}", request.body);
    hmac::verify(&key, signed.as_bytes(), &given).expect("the signature is right");
    let event = request.json();
    assert_eq!(request.header("meridian-event"), event["kind"].as_str().unwrap());
    let delivery = request.header("meridian-delivery");
    assert!(delivery.starts_with(&format!("it-{}-", event["number"])), "{delivery}");
    assert_eq!(request.header("content-type"), "application/json");
}

#[test]
fn a_receiver_that_hangs_delays_no_answer_and_its_events_arrive_when_it_is_replaced() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let hanging = Receiver::hang("127.0.0.1:0".parse().unwrap());
    let address = hanging.address;
    add_webhook(&home, address);
    let server = Server::start(&home);
    server.settles(&[(JAPAN, "tokyo")]);
    break_and_heal(&server, &regions);
    let start = Instant::now();
    (0..200).for_each(|_| _ = server.regions(JAPAN));
    assert!(start.elapsed() < Duration::from_secs(4), "less than one attempt takes: {:?}", start.elapsed());
    server.process.line("events wait, and delivery is tried again: no answer within 5 s");
    drop(hanging);
    let receiver = Receiver::start(address);
    receiver.waits_for("region_back");
    let numbers: Vec<u64> = receiver.events().into_iter().map(|(_, number)| number).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
}

#[test]
fn a_log_that_cannot_be_written_is_a_counted_loss_that_is_shown_and_answers_go_on() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    home.edit("server.yaml", "geo:\n", "admin: \"127.0.0.1:0\"\ngeo:\n");
    let in_the_way = home.path("state/events.jsonl");
    fs::create_dir_all(&in_the_way).unwrap();
    let server = Server::start(&home);
    server.settles(&[(JAPAN, "tokyo")]);
    break_and_heal(&server, &regions);
    let lost = wait_for("the loss to show", || {
        let events = status(&server)["events"].clone();
        (events["lost"].as_u64() > Some(3)).then_some(events)
    });
    assert!(lost["trouble"].as_str().is_some_and(|why| why.contains("events.jsonl")), "{lost}");
    assert!(!page(&server, "/metrics").contains("meridian_events_lost_total 0"));
    fs::remove_dir(&in_the_way).unwrap();
    break_and_heal(&server, &regions);
    let first = wait_for("the log to go on", || logged(&home).into_iter().next());
    assert_eq!(first["kind"], "events_lost");
    assert!(first["reason"].as_str().is_some_and(|why| why.contains("events.jsonl")), "{first}");
    wait_for("the trouble to be over", || status(&server)["events"]["trouble"].is_null().then_some(()));
    let said = |text: &str| server.process.lines().iter().filter(|line| line.contains(text)).count();
    assert_eq!(said("events are lost to the log"), 1);
    assert_eq!(said("events are written to the log again"), 1);
}

#[test]
fn a_secret_that_is_missing_or_short_keeps_the_server_from_starting() {
    let home = Home::new(1);
    add_webhook(&home, free_address());
    let zones = home.zones();
    let zones = zones.to_str().unwrap();
    fs::write(home.path("secret"), "hunter2").unwrap();
    let ran = meridian(&["serve", "--config", zones]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let said = "`secret` of webhook `oncall` in server.yaml: ";
    assert!(ran.err.contains(said) && ran.err.contains("has 7 bytes, expected 16 to 4096"), "{ran:?}");
    fs::write(home.path("secret"), SECRET).unwrap();
    fs::set_permissions(home.path("secret"), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = meridian(&["check", zones]);
    let said_of_mode = "warning: every user of this machine may read or write `";
    assert!(ran.code == 0 && ran.err.contains(said_of_mode), "{ran:?}");
    fs::remove_file(home.path("secret")).unwrap();
    let ran = meridian(&["serve", "--config", zones]);
    assert!(ran.code == 2 && ran.err.contains(said) && ran.err.contains("cannot read `"), "{ran:?}");
    // Who checks a configuration need not know its secrets.
    let ran = meridian(&["check", zones]);
    assert!(ran.code == 0 && ran.err.contains(said), "{ran:?}");
    assert_eq!(meridian(&["check", "--strict", zones]).code, 2);
}
