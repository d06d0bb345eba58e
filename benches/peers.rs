//! What a query costs here and at other name servers, as ratios to a UDP echo beside each in the same minute.
//! `benches/peers/run` installs the others from Debian. Prints; judges nothing.
//!
//! All have the same City database, the same regions and one thread on core 0. The loader asks for a steered name from random
//! client subnets, and for a static one, 64 queries on their way, and checks every reply:
//!
//! - the CPU of a query, with the loader on the same core, so that every batch is full; as the kernel counts it;
//! - queries a second, with the loader on another core;
//! - from the start to the first answer; memory.
//!
//! Servers that cannot steer by the nearest region do what they can: Knot and PowerDNS go by continent and country, NSD has static
//! names only.

#[path = "../tests/support/demo.rs"]
mod demo;
#[path = "support/figures.rs"]
mod figures;
#[path = "support/loader.rs"]
mod loader;

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use figures::Random;
use loader::{BURST, Running, flood, is_answer, middle};

/// Queries of one measurement, and how often the servers take turns with the echo.
const QUERIES: usize = 1_000 * BURST;
const ROUNDS: usize = 5;

/// What is asked for.
const STEERED: &str = "api.example.com.";
const STATIC: &str = "status.api.example.com.";

/// A name server of others.
struct Peer {
    name: &'static str,
    /// Its program, and the arguments, with the folder of its configuration for `@HOME@`.
    program: &'static str,
    arguments: &'static [&'static str],
    /// The files of its configuration.
    files: &'static [(&'static str, &'static str)],
    is_steering: bool,
}

const ZONE: &str = include_str!("peers/api.example.com.zone");

const PEERS: [Peer; 4] = [
    Peer {
        name: "gdnsd",
        program: "gdnsd",
        arguments: &["-c", "@HOME@", "start"],
        files: &[
            ("config", include_str!("peers/gdnsd.config")),
            ("zones/api.example.com", include_str!("peers/gdnsd.zone")),
        ],
        is_steering: true,
    },
    Peer {
        name: "knot",
        program: "knotd",
        arguments: &["-c", "@HOME@/knot.conf"],
        files: &[
            ("knot.conf", include_str!("peers/knot.conf")),
            ("geo.conf", include_str!("peers/knot.geo.conf")),
            ("api.example.com.zone", ZONE),
        ],
        is_steering: true,
    },
    Peer {
        name: "powerdns",
        program: "pdns_server",
        arguments: &["--config-dir=@HOME@"],
        files: &[
            ("pdns.conf", include_str!("peers/pdns.conf")),
            ("zones.yaml", include_str!("peers/pdns.zones.yaml")),
        ],
        is_steering: true,
    },
    Peer {
        name: "nsd",
        program: "nsd",
        arguments: &["-d", "-c", "@HOME@/nsd.conf"],
        files: &[("nsd.conf", include_str!("peers/nsd.conf")), ("api.example.com.zone", ZONE)],
        is_steering: false,
    },
];

/// What was measured of a server.
struct Row {
    name: String,
    /// The CPU of a query as a ratio to the echo, steered and static: the middle, with the least and the most.
    cpu: [Option<[f64; 3]>; 2],
    /// Queries a second as a ratio to the echo.
    rate: [Option<[f64; 3]>; 2],
    ready_after: Duration,
    /// In MB.
    memory: u64,
}

fn main() {
    loader::echo_if_asked();
    let Ok(database) = std::env::var("MERIDIAN_CITY_DB") else {
        println!("MERIDIAN_CITY_DB names no City database: `benches/peers/run` fetches one");
        return;
    };
    let requests = [questions(STEERED), questions(STATIC)];
    let echo = Running::echo();
    let home = tempfile::tempdir().expect("a directory");
    loader::configure(home.path(), &demo::regions_yaml(9), &database);
    let meridian = Running::meridian(home.path());
    let mut rows = vec![measure("meridian", &meridian, &echo, &requests, [true; 2])];
    drop(meridian);
    for peer in &PEERS {
        let home = tempfile::tempdir().expect("a directory");
        match start(peer, home.path(), &database, &requests) {
            Ok(running) => {
                rows.push(measure(peer.name, &running, &echo, &requests, [peer.is_steering, true]))
            }
            Err(why) => println!("{} is left out: {why}", peer.name),
        }
    }
    print(&rows);
}

/// Returns questions from random client subnets.
fn questions(name: &str) -> Vec<Vec<u8>> {
    let mut random = Random::new();
    (0..QUERIES).map(|_| demo::question(name, random.v4())).collect()
}

/// Writes the configuration of a server, and starts it.
fn start(peer: &Peer, home: &Path, database: &str, requests: &[Vec<Vec<u8>>; 2]) -> Result<Running, String> {
    let free = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("loopback");
    let address: SocketAddr = free;
    let path = home.to_str().expect("a path of letters");
    let fill = |text: &str| {
        text.replace("@HOME@", path)
            .replace("@PORT@", &address.port().to_string())
            .replace("@CITY@", database)
    };
    for folder in ["zones", "run", "state"] {
        fs::create_dir(home.join(folder)).map_err(|error| error.to_string())?;
    }
    for (file, text) in peer.files {
        fs::write(home.join(file), fill(text)).map_err(|error| error.to_string())?;
    }
    let mut command = loader::pinned(peer.program);
    command.args(peer.arguments.iter().map(|argument| fill(argument)));
    let first = if peer.is_steering { &requests[0][0] } else { &requests[1][0] };
    Running::at(address, &mut command, first)
}

/// Measures a server and the echo by turns.
fn measure(
    name: &str,
    server: &Running,
    echo: &Running,
    requests: &[Vec<Vec<u8>>; 2],
    has: [bool; 2],
) -> Row {
    let of = |index: usize, cores: &str, figure: &dyn Fn(loader::Flood) -> f64| {
        if !has[index] {
            return None;
        }
        loader::move_to(cores);
        let one = || {
            let theirs = figure(flood(server, &requests[index], is_answer));
            theirs / figure(flood(echo, &requests[index], |request, reply| request[..2] == reply[..2]))
        };
        // What is done once is done before.
        one();
        let mut ratios: Vec<f64> = (0..ROUNDS).map(|_| one()).collect();
        let middle = middle(&mut ratios);
        Some([middle, ratios[0], ratios[ROUNDS - 1]])
    };
    let last = std::thread::available_parallelism().map_or(0, |cores| cores.get() - 1).to_string();
    let cpu = |flood: loader::Flood| flood.on_core.as_secs_f64();
    let rate = |flood: loader::Flood| 1.0 / flood.whole.as_secs_f64();
    Row {
        name: name.to_owned(),
        cpu: [of(0, "0", &cpu), of(1, "0", &cpu)],
        rate: [of(0, &last, &rate), of(1, &last, &rate)],
        ready_after: server.ready_after,
        memory: server.memory(),
    }
}

/// Prints a table in Markdown.
fn print(rows: &[Row]) {
    println!("| | CPU, steered | CPU, static | queries a second, steered | static | first answer | memory |");
    println!("|---|---|---|---|---|---|---|");
    let in_words = |ratio: &Option<[f64; 3]>| match ratio {
        Some([middle, least, most]) => format!("{middle:.2} ({least:.2}–{most:.2})"),
        None => "–".to_owned(),
    };
    for Row { name, cpu, rate, ready_after, memory } in rows {
        let [steered, fixed] = cpu.each_ref().map(in_words);
        let [fast, faster] = rate.each_ref().map(in_words);
        let ready = format!("{:.2} s", ready_after.as_secs_f64());
        println!("| {name} | {steered} | {fixed} | {fast} | {faster} | {ready} | {memory} MB |");
    }
}
