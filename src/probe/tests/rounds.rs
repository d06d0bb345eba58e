//! When the prober probes what, by a clock that jumps from one appointment to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Trust, get, words};
use crate::canary::{Canary, CanaryId, Check, Epoch, Observation, Thresholds};
use crate::config::{Config, Geo, LogFormat, Server};
use crate::health::fixture;
use crate::moment::Moment;
use crate::probe::{MAX_WAITING, Prober};
use crate::region::{Address, AddressId, Region, Regions};

/// A prober by a written clock, and what it has seen.
struct Watch {
    prober: Prober,
    seen: mpsc::Receiver<Observation>,
}

impl Watch {
    fn start() -> Self {
        let (results, seen) = mpsc::channel(MAX_WAITING);
        let boot = Instant::now();
        let clock = move || Moment::default().plus(boot.elapsed());
        Self {
            prober: Prober::new(results, Arc::new(clock), Trust::default(), 7),
            seen,
        }
    }

    async fn next(&mut self) -> Observation {
        self.seen.recv().await.expect("the prober runs")
    }

    /// Returns the next `count` observations as `address canary` by number.
    async fn pairs(&mut self, count: usize) -> BTreeSet<(u32, u16)> {
        let mut pairs = BTreeSet::new();
        for _ in 0..count {
            let seen = self.next().await;
            pairs.insert((seen.address.0, seen.canary.0));
        }
        pairs
    }
}

/// Opens a port at `ip`; the kernel completes connections to it that nobody accepts.
async fn open(ip: &str) -> (TcpListener, u16) {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Holds a port at 127.0.0.1 on which nobody listens.
fn closed() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// A canary that probes a port every 100 s, with a timeout of 10 ms and a recheck after 2 s.
fn tcp(name: &str, port: u16) -> Canary {
    Canary {
        name: name.to_owned(),
        check: Check::Tcp { port },
        interval: Duration::from_secs(100),
        timeout: Duration::from_millis(10),
        recheck: Duration::from_secs(2),
        thresholds: Thresholds { fall: 3, rise: 2 },
    }
}

fn region(name: &str, addresses: &[&str], canaries: &[u16]) -> Region {
    Region {
        canaries: canaries.iter().copied().map(CanaryId).collect(),
        ..fixture::region(name, addresses)
    }
}

fn config(regions: Vec<Region>, canaries: Vec<Canary>) -> Config {
    Config {
        server: Server {
            name: "ns1".to_owned(),
            dns: vec![],
            admin: None,
            geo: Geo::default(),
            state: None,
            log: LogFormat::default(),
        },
        regions: Regions::new(regions),
        canaries,
        groups: vec![],
        steered: vec![],
        zones: vec![],
    }
}

#[tokio::test(start_paused = true)]
async fn every_address_is_probed_by_every_canary_of_its_region() {
    let (_listener, port) = open("127.0.0.1").await;
    let regions = vec![
        region("tokyo", &["127.0.0.1", "127.0.0.2"], &[0, 1]),
        region("oregon", &["127.0.0.3"], &[1]),
        region("dark", &["127.0.0.4"], &[]),
    ];
    let mut watch = Watch::start();
    watch.prober.watch(
        &config(regions, vec![tcp("one", port), tcp("two", port)]),
        Epoch(1),
    );
    // A pair comes again after 2 s at the earliest and 100 s at the latest: two rounds hold all of them.
    let pairs = watch.pairs(5 * 50).await;
    assert_eq!(pairs, BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1), (2, 1)]));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_address_delays_no_other() {
    let (_open, port) = open("127.0.0.1").await;
    let (_silent, silent_port) = open("127.0.0.2").await;
    let quick = Canary {
        interval: Duration::from_secs(10),
        ..tcp("quick", port)
    };
    let slow = Canary {
        check: Check::Http(get(format!("http://{{address}}:{silent_port}/"))),
        timeout: Duration::from_secs(90),
        ..tcp("slow", port)
    };
    let regions = vec![
        region("tokyo", &["127.0.0.1"], &[0]),
        region("oregon", &["127.0.0.2"], &[1]),
    ];
    let mut watch = Watch::start();
    watch.prober.watch(&config(regions, vec![quick, slow]), Epoch(1));
    let mut meanwhile = 0;
    let hung = loop {
        let seen = watch.next().await;
        if seen.address == AddressId(1) {
            break seen;
        }
        meanwhile += 1;
    };
    assert_eq!(words(hung.result), "timeout: no whole answer within 90s");
    assert!(meanwhile >= 9, "one at least in each 10 of the 90 s, {meanwhile}");
}

/// Returns how many whole seconds lie between the probes of one address, of which the `count` first fail.
async fn gaps(watch: &mut Watch, count: usize) -> Vec<u64> {
    let mut gaps = Vec::new();
    let mut last = watch.next().await.at;
    for _ in 0..count {
        let at = watch.next().await.at;
        gaps.push(at.since(last).as_secs());
        last = at;
    }
    gaps
}

#[tokio::test(start_paused = true)]
async fn a_suspect_is_rechecked_and_what_is_down_keeps_the_interval() {
    let (_closed, port) = closed();
    let mut watch = Watch::start();
    let config = config(
        vec![region("tokyo", &["127.0.0.1"], &[0])],
        vec![tcp("one", port)],
    );
    watch.prober.watch(&config, Epoch(1));
    let gaps = gaps(&mut watch, 4).await;
    assert_eq!(gaps[..2], [2, 2], "suspect twice, then down");
    assert!(gaps[2..].iter().all(|gap| (80..=100).contains(gap)), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_the_rhythm_of_what_stays_under_its_new_number() {
    let (_closed, port) = closed();
    let canaries = vec![tcp("one", port)];
    let mut watch = Watch::start();
    let before = config(vec![region("tokyo", &["127.0.0.1"], &[0])], canaries.clone());
    watch.prober.watch(&before, Epoch(1));
    let first = watch.next().await;
    assert_eq!((first.epoch, first.address), (Epoch(1), AddressId(0)));
    // Another comes before it, and the canary has another number, too.
    let after = config(
        vec![
            region("oregon", &[], &[]),
            region("tokyo", &["127.0.0.9", "127.0.0.1"], &[1]),
        ],
        vec![tcp("new", port), canaries[0].clone()],
    );
    watch.prober.watch(&after, Epoch(2));
    let second = loop {
        let seen = watch.next().await;
        if seen.address == AddressId(1) {
            break seen;
        }
    };
    assert_eq!((second.epoch, second.canary), (Epoch(2), CanaryId(1)));
    assert_eq!(second.at.since(first.at).as_secs(), 2, "still a suspect");
}

#[tokio::test(start_paused = true)]
async fn a_reload_starts_what_is_new_and_stops_what_is_gone() {
    let (_closed, port) = closed();
    let canaries = || vec![tcp("one", port)];
    let mut watch = Watch::start();
    let live = watch.prober.live();
    let address: IpAddr = "127.0.0.1".parse().unwrap();
    let before = config(
        vec![region("tokyo", &["127.0.0.1", "127.0.0.2"], &[0])],
        canaries(),
    );
    watch.prober.watch(&before, Epoch(1));
    watch.pairs(50).await;
    let sighting = live.last(address, "one").expect("it was probed");
    assert!(sighting.result.is_err());
    let after = config(
        vec![region("tokyo", &["127.0.0.2", "127.0.0.3"], &[0])],
        canaries(),
    );
    watch.prober.watch(&after, Epoch(2));
    let mut ips = BTreeMap::new();
    for _ in 0..50 {
        let seen = watch.next().await;
        assert_eq!(seen.epoch, Epoch(2));
        let Address { ip, .. } = after.regions.address(seen.address);
        *ips.entry(ip.to_string()).or_insert(0) += 1;
    }
    assert_eq!(ips.into_keys().collect::<Vec<_>>(), ["127.0.0.2", "127.0.0.3"]);
    assert_eq!(live.last(address, "one"), None);
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_changes_the_check_probes_by_the_new_one() {
    let (_closed, closed_port) = closed();
    let (_open, open_port) = open("127.0.0.1").await;
    let at = |port| {
        config(
            vec![region("tokyo", &["127.0.0.1"], &[0])],
            vec![tcp("one", port)],
        )
    };
    let mut watch = Watch::start();
    watch.prober.watch(&at(closed_port), Epoch(1));
    assert!(watch.next().await.result.is_err());
    watch.prober.watch(&at(open_port), Epoch(2));
    assert_eq!(words(watch.next().await.result), "ok");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_prober_ends_its_tasks() {
    let (_closed, port) = closed();
    let Watch { mut prober, mut seen } = Watch::start();
    let config = config(
        vec![region("tokyo", &["127.0.0.1"], &[0])],
        vec![tcp("one", port)],
    );
    prober.watch(&config, Epoch(1));
    drop(prober);
    assert_eq!(seen.recv().await, None, "no task is left that could send");
}

#[tokio::test(start_paused = true)]
async fn nobody_who_takes_results_ends_the_probing() {
    let (_closed, port) = closed();
    let Watch { mut prober, seen } = Watch::start();
    let config = config(
        vec![region("tokyo", &["127.0.0.1"], &[0])],
        vec![tcp("one", port)],
    );
    prober.watch(&config, Epoch(1));
    drop(seen);
    while prober.tasks.join_next().await.is_some() {}
}
