//! How long an answer takes, and how often it allocates. Prints; judges nothing.

#[path = "../tests/support/demo.rs"]
mod demo;
#[path = "support/figures.rs"]
mod figures;
#[path = "../tests/support/world.rs"]
mod world;

use std::hint::black_box;

use figures::{Random, print, print_each};
use meridian::engine::{self, Disposition, MAX_REPLY, Transport};
use meridian::geo::Database;

/// As many static names as the largest configuration has.
const NAMES: u32 = 10_000;

/// How often each question is asked.
const QUERIES: usize = 500_000;

fn main() {
    for (name, path) in figures::databases() {
        steered(name, &path);
    }
    kinds_of_answer();
}

/// Asks snapshots of the demo's configuration from random client subnets: while all is well, and while regions
/// take shares of their clients.
fn steered(name: &str, path: &str) {
    let config = demo::config();
    let bytes = std::fs::read(path).expect("the database can be read");
    let table = demo::table(&config, Some(&Database::parse(bytes).expect("a database")));
    let ramping = |count| demo::ramping_snapshot(config.clone(), table.clone(), count);
    let (one, every) = (ramping(1), ramping(config.regions.len()));
    let whole = demo::snapshot(config, table);
    let mut random = Random::new();
    let v4: Vec<_> = (0..QUERIES).map(|_| demo::question("api.example.com.", random.v4())).collect();
    let v6: Vec<_> = (0..QUERIES).map(|_| demo::question("api.example.com.", random.v6_in_use())).collect();
    let situations = [("", &whole), (", one region ramps", &one), (", every region ramps", &every)];
    for (situation, snapshot) in situations {
        for (family, requests) in [("IPv4", &v4), ("IPv6", &v6)] {
            let what = format!("engine/{name}: steered, random {family} subnets{situation}");
            measure(&what, requests, "at most 600 ns", |request, reply| {
                engine::answer(snapshot, request, world::ARRIVAL, reply)
            });
        }
    }
}

/// Asks for every kind of answer among many names, one of them steered without a snapshot.
fn kinds_of_answer() {
    let world = world::World::new(NAMES);
    for (what, owner, rtype) in world::QUESTIONS {
        let requests = vec![world::question(owner, rtype); QUERIES / 10];
        measure(&format!("engine/{NAMES} names: {what}"), &requests, "", |request, reply| {
            world.answer(request, Transport::Udp, reply)
        });
    }
}

/// Prints the time of an answer, and how many allocations all of them made together.
fn measure(what: &str, requests: &[Vec<u8>], bound: &str, answer: impl Fn(&[u8], &mut [u8]) -> Disposition) {
    let mut reply = vec![0; MAX_REPLY];
    let run = |request: &Vec<u8>| _ = black_box(answer(black_box(request), black_box(&mut reply)));
    print_each(what, requests, run, bound);
    let allocations = allocation_counter::measure(|| {
        requests.iter().for_each(|request| _ = answer(request, &mut reply));
    });
    print(&format!("{what}: allocations"), allocations.count_total, "none");
}
