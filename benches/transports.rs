//! What the transports cost beside a UDP echo, as ratios: absolute figures of one machine differ from minute to minute.
//! Prints; judges nothing.
//!
//! The server, the echo and the loader share one core, so that the loader sends a whole burst before the other side
//! runs and every batch is full. The kernel says how long each was on the core. Every reply is checked.

#[path = "../tests/support/demo.rs"]
mod demo;
#[path = "support/figures.rs"]
mod figures;

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use figures::{Random, print, print_time};
use meridian::serve;

/// Bursts of one measurement, and the queries of each.
const BURSTS: usize = 2_000;
const BURST: usize = 64;

/// How often the server and the echo take turns.
const ROUNDS: usize = 7;

/// Connections that ask without end beside the UDP queries.
const CONNECTIONS: usize = 200;

/// Requests that a connection sends ahead.
const AHEAD: usize = 32;

/// The argument with which the bench is its own echo.
const ECHO: &str = "--echo";

fn main() {
    if std::env::args().any(|argument| argument == ECHO) {
        run_echo().expect("loopback");
        return;
    }
    for (name, path) in figures::databases() {
        let home = tempfile::tempdir().expect("a directory");
        configure(home.path(), &path);
        let server = Running::server(home.path());
        let echo = Running::echo();
        compare(name, &server, &echo);
        beside_connections(name, &server);
    }
}

/// Answers on any port, whose number is the first line of the output.
fn run_echo() -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    println!("answering DNS on {} by echo", socket.local_addr()?);
    serve::echo(&socket)
}

fn configure(directory: &std::path::Path, database: &str) {
    let server = format!(
        "name: bench\nlisten: {{ threads: 1, tcp: {{ per_client: 1000 }}, dns: [\"127.0.0.1:0\"] }}\ngeo: {{ database: {database} }}\n"
    );
    let regions = demo::regions_yaml(9);
    let zone = include_str!("../src/demo/zones/api.example.com.yaml");
    for (file, text) in [("server.yaml", &server[..]), ("regions.yaml", &regions), ("zone.yaml", zone)] {
        fs::write(directory.join(file), text).expect("a file");
    }
}

/// A process that answers, on the core that all share.
struct Running {
    process: Child,
    address: SocketAddr,
}

impl Running {
    fn server(directory: &std::path::Path) -> Self {
        let mut command = pinned(env!("CARGO_BIN_EXE_meridian"));
        Self::start(command.arg("serve").arg("--config").arg(directory).stderr(Stdio::piped()))
    }

    fn echo() -> Self {
        let own = std::env::current_exe().expect("this program");
        Self::start(pinned(own.to_str().expect("a path of letters")).arg(ECHO).stdout(Stdio::piped()))
    }

    fn start(command: &mut Command) -> Self {
        let mut process = command.spawn().expect("the program runs");
        let output: Box<dyn Read + Send> = match process.stderr.take() {
            Some(stderr) => Box::new(stderr),
            None => Box::new(process.stdout.take().expect("it is piped")),
        };
        let mut lines = BufReader::new(output).lines();
        let address = loop {
            let line = lines.next().expect("it says where it answers").expect("text");
            if let Some((_, rest)) = line.split_once("answering DNS on ") {
                break rest.split(' ').next().and_then(|word| word.parse().ok()).expect("an address");
            }
        };
        // What it says later is read and left.
        thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    /// Returns how long its threads have been on a core.
    fn time_on_core(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("Linux");
        let nanoseconds = tasks.filter_map(|task| {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanoseconds.sum())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn pinned(program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0", program]);
    command
}

/// Asks both by turns, and prints what a query costs the server, as a ratio to the echo.
fn compare(name: &str, server: &Running, echo: &Running) {
    let mut random = Random::new();
    let requests: Vec<_> =
        (0..BURSTS * BURST).map(|_| demo::question("api.example.com.", random.v4())).collect();
    // This thread, and those that it starts later, which wait most of the time.
    let own = std::process::id().to_string();
    let status = Command::new("taskset").args(["-cp", "0", &own]).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "the loader is pinned");
    // What is done once: pages, branches, and the first probes.
    flood(server, &requests);
    flood(echo, &requests);
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| flood(server, &requests).as_secs_f64() / flood(echo, &requests).as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let figure = format!("{:.3}", ratios[ROUNDS / 2]);
    let range = format!("at most 1.08; from {:.3} to {:.3}", ratios[0], ratios[ROUNDS - 1]);
    print(&format!("transports/{name}: CPU of a steered query, to the echo"), figure, &range);
    let each = flood(server, &requests) / requests.len() as u32;
    print_time(&format!("transports/{name}: CPU of a steered query"), each, "");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let all = format!("0-{}", cores - 1);
    let _ = Command::new("taskset").args(["-cp", &all, &own]).stdout(Stdio::null()).status();
}

/// Sends every request, a burst at a time, checks the replies, and returns how long the other side was on the core.
fn flood(running: &Running, requests: &[Vec<u8>]) -> Duration {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    socket.connect(running.address).expect("loopback");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    let before = running.time_on_core();
    let mut reply = [0; 2048];
    for burst in requests.chunks(BURST) {
        burst.iter().for_each(|request| _ = socket.send(request).expect("loopback takes it"));
        for request in burst {
            let length = socket.recv(&mut reply).expect("every query gets a reply");
            assert!(length >= request.len() && reply[..2] == request[..2], "a reply to a query");
        }
    }
    running.time_on_core() - before
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
