//! The page, its live stream, and the same in a terminal, of a real server.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::pages::Seen;
use crate::run::meridian;
use crate::server::{DEADLINE, wait_for};

/// Sends the head of a request.
fn send(admin: &str, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(admin).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    stream
}

/// Reads events until one of this kind satisfies a claim, and returns it.
fn event(lines: &mut impl BufRead, kind: &str, claim: impl Fn(&Value) -> bool) -> Value {
    let mut name = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).expect("the stream goes on"), 0, "the stream ended");
        if let Some(next) = line.strip_prefix("event: ") {
            name = next.trim_end().to_owned();
        }
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let data: Value = serde_json::from_str(data).expect("JSON");
        if name == kind && claim(&data) {
            return data;
        }
    }
}

#[test]
fn whoever_watches_sees_a_region_break_and_heal() {
    let seen = Seen::start();
    let mut lines = BufReader::new(send(&seen.admin, "GET /events"));
    let tokyo = |state: &Value| state["regions"][0]["phase"].clone();
    event(&mut lines, "state", |state| tokyo(state) == "healthy" || tokyo(state) == "unknown");

    seen.regions.break_("tokyo");
    // Records come as they happen, states within a second of it: in which order is nobody's promise.
    let record = event(&mut lines, "event", |event| event["kind"] == "region_out");
    assert_eq!((&record["target"], &record["severity"]), (&"tokyo".into(), &"warning".into()));
    let state = event(&mut lines, "state", |state| tokyo(state) == "down");
    assert!(state["alarms"].to_string().contains("tokyo left the IPv4 answers"), "{state}");
    let atlas: Value = serde_json::from_str(&seen.page("/atlas?name=api.example.com")).unwrap();
    assert_eq!(atlas["countries"]["JP"][0][0], "osaka");

    seen.regions.heal("tokyo");
    event(&mut lines, "event", |event| event["kind"] == "region_back");
    event(&mut lines, "state", |state| tokyo(state) == "healthy");
}

#[test]
fn a_130th_stream_is_refused_and_the_others_go_on() {
    let seen = Seen::start();
    let mut streams: Vec<_> = (0..130).map(|_| BufReader::new(send(&seen.admin, "GET /events"))).collect();
    let status = |stream: &mut BufReader<TcpStream>| {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        line
    };
    let refused = streams.iter_mut().map(status).filter(|line| line.contains(" 503 ")).count();
    assert_eq!(refused, 2);
    assert_eq!(seen.page("/healthz"), "ok\n");
    drop(streams);
    wait_for("a place to be free again", || {
        status(&mut BufReader::new(send(&seen.admin, "GET /events"))).contains(" 200 ").then_some(())
    });
}

#[test]
fn ten_megabytes_are_refused_unread() {
    let seen = Seen::start();
    let mut stream = TcpStream::connect(&seen.admin).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10000000\r\n\r\n").unwrap();
    // The server answers and closes before all of it is sent.
    let _ = stream.write_all(&vec![b'x'; 10_000_000]);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert_eq!(seen.page("/healthz"), "ok\n");
}

#[test]
fn the_terminal_shows_what_the_page_shows() {
    let seen = Seen::start();
    seen.regions.break_("tokyo");
    seen.server.settles(&[("10.81.7.0/24", "osaka")]);
    let ran = wait_for("tokyo to be shown as down", || {
        let ran = meridian(&["status", "--admin", &seen.admin]);
        ran.out.lines().any(|line| line.starts_with("tokyo ") && line.contains("down")).then_some(ran)
    });
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("  tokyo is down (IPv4"), "{}", ran.out);
    assert!(!ran.out.contains('\x1b'), "a pipe gets plain text: {}", ran.out);
    let ran = meridian(&["status", "--json", "--admin", &seen.admin]);
    let page: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(page["regions"][0]["name"], "tokyo");
}

#[test]
fn a_health_check_succeeds_while_the_server_answers() {
    let seen = Seen::start();
    let ran = meridian(&["health", "--admin", &seen.admin]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "ok\n"), "{ran:?}");
    assert_eq!(meridian(&["health", "--admin", "127.0.0.1:1"]).code, 1);
}

#[test]
fn a_map_is_drawn_of_a_directory_and_of_a_running_server() {
    let seen = Seen::start();
    let (zones, file) = (seen.home.zones(), seen.home.path("map.svg"));
    let (zones, output) = (zones.to_str().unwrap(), file.to_str().unwrap());
    for source in [["--config", zones], ["--admin", &seen.admin]] {
        let arguments = [&["map", "-o", output, "--name", "api.example.com"], &source[..]].concat();
        let ran = meridian(&arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        let svg = fs::read_to_string(&file).unwrap();
        assert!(svg.contains("<title>Japan: tokyo 100%</title>") && svg.contains("mark-saopaulo"), "{svg}");
        fs::remove_file(&file).unwrap();
    }
    let ran = meridian(&["map", "--config", zones, "--name", "www.example.net"]);
    assert_eq!((ran.code, ran.err.contains("is not a steered name")), (1, true), "{ran:?}");
}
