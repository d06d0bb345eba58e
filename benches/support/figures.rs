//! How figures are taken and printed: one line each, beside the bound that the project sets itself.
//! Nothing is judged; the machine may be busy.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

/// How many things are timed together where one takes less than reading the clock.
const BATCH: usize = 64;

/// Prints one figure and its bound.
pub fn print(what: &str, figure: impl std::fmt::Display, bound: &str) {
    println!("{what:<58} {figure:>14}   {bound}");
}

/// Prints one time and its bound.
pub fn print_time(what: &str, time: Duration, bound: &str) {
    print(what, format!("{time:.2?}"), bound);
}

/// Calls `run` this many times, and returns the median of the times with the last result.
pub fn median<T>(runs: usize, mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut once = || {
        let started = Instant::now();
        let result = black_box(run());
        (started.elapsed(), result)
    };
    let (first, mut last) = once();
    let mut times = vec![first];
    for _ in 1..runs {
        // The one before is dropped outside of the measured time, and before the next takes memory.
        drop(last);
        let time;
        (time, last) = once();
        times.push(time);
    }
    times.sort();
    (times[times.len() / 2], last)
}

/// Prints the median and the 99th percentile of what `run` takes for one item, over batches of items.
pub fn print_each<T>(what: &str, items: &[T], mut run: impl FnMut(&T), bound: &str) {
    let mut batches: Vec<Duration> = items
        .chunks_exact(BATCH)
        .map(|batch| {
            let started = Instant::now();
            batch.iter().for_each(&mut run);
            started.elapsed()
        })
        .collect();
    batches.sort();
    let at = |share: usize| batches[batches.len() * share / 100].as_nanos() / BATCH as u128;
    print(what, format!("{} ns", at(50)), &format!("{bound}; 99 % of batches within {} ns", at(99)));
}

/// Returns how much memory the process holds (`VmRSS`) or has held at most (`VmHWM`), in MB.
pub fn memory(of: &str) -> String {
    memory_of(of, "self")
}

/// Returns how much memory the process with this number holds or has held at most.
pub fn memory_of(of: &str, process: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(of));
    let kilobytes = line.and_then(|line| line.trim_matches([':', ' ', '\t', 'k', 'B']).parse::<u64>().ok());
    kilobytes.map_or("unknown".to_owned(), |kilobytes| format!("{} MB", kilobytes * 1024 / 1_000_000))
}

/// The databases there are to measure with, each with its name and its file: always `world.mmdb`, and
/// a City database if the environment variable `MERIDIAN_CITY_DB` names one, for example that of the
/// PyPI package `maxminddb-geolite2`.
pub fn databases() -> Vec<(&'static str, String)> {
    let world = concat!(env!("CARGO_MANIFEST_DIR"), "/geoip/world.mmdb");
    let mut databases = vec![("world", world.to_owned())];
    match std::env::var("MERIDIAN_CITY_DB") {
        Ok(path) => databases.push(("city", path)),
        Err(_) => println!("MERIDIAN_CITY_DB names no City database: those figures are left out"),
    }
    databases
}

/// Numbers that look random and are the same every time (xorshift).
pub struct Random(u64);

impl Random {
    /// Starts anew.
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Returns any IPv4 address.
    pub fn v4(&mut self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits((self.next() >> 32) as u32))
    }

    /// Returns an IPv6 address where the networks are: in the six blocks that the regional registries
    /// give out.
    pub fn v6_in_use(&mut self) -> IpAddr {
        let [block, high, low] = [self.next(), self.next(), self.next()];
        let prefix = [0x2001, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00][(block % 6) as usize];
        let bits = prefix << 112 | u128::from(high) << 48 >> 4 | u128::from(low);
        IpAddr::V6(Ipv6Addr::from_bits(bits))
    }
}
