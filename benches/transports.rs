//! What the transports cost beside a UDP echo, as ratios: absolute figures of one machine differ from minute to minute.
//! Prints; judges nothing.
//!
//! The server, the echo and the loader share one core, so that the loader sends a whole burst before the other side
//! runs and every batch is full. The kernel says how long each was on the core. Every reply is checked.

#[path = "../tests/support/demo.rs"]
mod demo;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/loader.rs"]
mod loader;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use figures::{Random, print, print_time};
use loader::{BURST, Running};

/// Bursts of one measurement.
const BURSTS: usize = 2_000;

/// How often the server and the echo take turns.
const ROUNDS: usize = 7;

/// Connections that ask without end beside the UDP queries.
const CONNECTIONS: usize = 200;

/// Requests that a connection sends ahead.
const AHEAD: usize = 32;

fn main() {
    loader::echo_if_asked();
    for (name, path) in figures::databases() {
        let home = tempfile::tempdir().expect("a directory");
        loader::configure(home.path(), &demo::regions_yaml(9), &path);
        let server = Running::meridian(home.path());
        let echo = Running::echo();
        compare(name, &server, &echo);
        beside_connections(name, &server);
    }
}

/// Asks both by turns, and prints what a query costs the server, as a ratio to the echo.
fn compare(name: &str, server: &Running, echo: &Running) {
    let mut random = Random::new();
    let requests: Vec<_> =
        (0..BURSTS * BURST).map(|_| demo::question("api.example.com.", random.v4())).collect();
    // This thread, and those that it starts later, which wait most of the time.
    loader::move_to("0");
    let flood = |running, requests| loader::flood(running, requests, loader::is_answer).on_core;
    let echoed =
        |running, requests| loader::flood(running, requests, |one, other| one[..2] == other[..2]).on_core;
    // What is done once: pages, branches, and the first probes.
    flood(server, &requests);
    echoed(echo, &requests);
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| flood(server, &requests).as_secs_f64() / echoed(echo, &requests).as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let figure = format!("{:.3}", ratios[ROUNDS / 2]);
    let range = format!("at most 1.08; from {:.3} to {:.3}", ratios[0], ratios[ROUNDS - 1]);
    print(&format!("transports/{name}: CPU of a steered query, to the echo"), figure, &range);
    let each = flood(server, &requests) / requests.len() as u32;
    print_time(&format!("transports/{name}: CPU of a steered query"), each, "");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    loader::move_to(&format!("0-{}", cores - 1));
}

/// Prints how long a UDP query takes alone, and beside connections that ask without end.
fn beside_connections(name: &str, server: &Running) {
    let alone = median_of_queries(server);
    print_time(&format!("transports/{name}: UDP query, alone"), alone, "");
    let is_over = Arc::new(AtomicBool::new(false));
    let floods: Vec<_> = (0..4)
        .map(|_| {
            let (address, is_over) = (server.address, Arc::clone(&is_over));
            thread::spawn(move || ask_without_end(address, CONNECTIONS / 4, &is_over))
        })
        .collect();
    thread::sleep(Duration::from_secs(1));
    let beside = median_of_queries(server);
    is_over.store(true, Ordering::Relaxed);
    floods.into_iter().for_each(|flood| flood.join().expect("it ends"));
    print_time(
        &format!("transports/{name}: UDP query, beside {CONNECTIONS} TCP connections"),
        beside,
        "at most twice the time alone",
    );
}

fn median_of_queries(server: &Running) -> Duration {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    socket.connect(server.address).expect("loopback");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    let request = demo::question("api.example.com.", Random::new().v4());
    let mut times: Vec<Duration> = (0..500)
        .map(|_| {
            let started = Instant::now();
            socket.send(&request).expect("loopback takes it");
            let mut reply = [0; 2048];
            socket.recv(&mut reply).expect("a reply");
            let time = started.elapsed();
            thread::sleep(Duration::from_millis(2));
            time
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// Keeps connections busy: each has requests under way all the time.
fn ask_without_end(address: SocketAddr, connections: usize, is_over: &AtomicBool) {
    let request = demo::question("api.example.com.", Random::new().v4());
    let framed = [&(request.len() as u16).to_be_bytes(), &request[..]].concat().repeat(AHEAD);
    let mut streams: Vec<TcpStream> =
        (0..connections).map(|_| TcpStream::connect(address).expect("a connection")).collect();
    while !is_over.load(Ordering::Relaxed) {
        streams.iter_mut().for_each(|stream| stream.write_all(&framed).expect("it is read"));
        for stream in &mut streams {
            for _ in 0..AHEAD {
                let mut length = [0; 2];
                stream.read_exact(&mut length).expect("a reply");
                let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut reply).expect("a whole reply");
            }
        }
    }
}
