//! What compiling a table and finding an address cost. Prints; judges nothing.
//!
//! `world.mmdb` is always measured. The environment variable `MERIDIAN_CITY_DB` may name a City
//! database, for example the one of the PyPI package `maxminddb-geolite2`.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use meridian::client::{Coordinates, Group, Member};
use meridian::geo::{Database, Sources, Table, View};
use meridian::region::{AvailabilityZone, MinHealthy, Region, Regions};

fn main() {
    let world = concat!(env!("CARGO_MANIFEST_DIR"), "/geoip/world.mmdb");
    measure("world", world);
    match std::env::var("MERIDIAN_CITY_DB") {
        Ok(path) => measure("city", &path),
        Err(_) => println!("city: skipped, MERIDIAN_CITY_DB names no database"),
    }
}

fn measure(name: &str, path: &str) {
    let regions = regions();
    let groups = [Group { name: "eu".to_owned(), members: vec![Member::EuropeanUnion] }];
    let bytes = std::fs::read(path).expect("the database can be read");
    let started = Instant::now();
    let database = Database::parse(bytes).expect("a database");
    let parsed = started.elapsed();
    let sources = Sources { database: Some(&database), asn: None, networks: &[] };
    let table = Table::compile(sources, &regions, &groups).expect("a sound database");
    println!(
        "{name}: parse {parsed:?}, parse and compile {:?}, {table:?}, {} kB",
        started.elapsed(),
        table.memory_bytes() / 1000,
    );
    drop(database);
    println!("{name}: memory {}", memory());
    find(name, &table);
}

/// Finds random addresses in the view of a name that is steered to the nearest region.
fn find(name: &str, table: &Table) {
    let started = Instant::now();
    let nearest =
        |ranks: &[u8]| ranks.iter().position(|rank| *rank == 0).map_or(0, |region| region as u32 + 1);
    let parts = table.classes().iter().map(|class| nearest(&class.ranks));
    let view = table.view(parts.collect());
    let made = started.elapsed();
    println!("{name}: view {made:?}, {} kB", view.memory_bytes() / 1000);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let v4: Vec<IpAddr> = (0..1_000_000).map(|_| IpAddr::V4(random.v4())).collect();
    // Where the networks are: the six blocks that the regional registries give out.
    let v6: Vec<IpAddr> = (0..1_000_000).map(|_| IpAddr::V6(random.v6_in_use())).collect();
    median(name, "IPv4", table, &view, &v4);
    median(name, "IPv6", table, &view, &v6);
}

/// Prints the median over batches of 64 addresses, each found in turn.
fn median(name: &str, family: &str, table: &Table, view: &View, addresses: &[IpAddr]) {
    let mut batches: Vec<Duration> = addresses
        .chunks_exact(64)
        .map(|batch| {
            let started = Instant::now();
            for address in batch {
                black_box(view.find(table, black_box(*address)));
            }
            started.elapsed()
        })
        .collect();
    batches.sort();
    let at = |share: usize| batches[batches.len() * share / 100].as_nanos() / 64;
    println!("{name}: find {family} median {} ns, 99 % {} ns", at(50), at(99));
}

/// Numbers that look random and are the same every time (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn v4(&mut self) -> Ipv4Addr {
        Ipv4Addr::from_bits((self.next() >> 32) as u32)
    }

    fn v6_in_use(&mut self) -> Ipv6Addr {
        let [block, high, low] = [self.next(), self.next(), self.next()];
        let prefix = [0x2001, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00][(block % 6) as usize];
        Ipv6Addr::from_bits(prefix << 112 | u128::from(high) << 48 >> 4 | u128::from(low))
    }
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status.lines().filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"));
    lines.map(|line| line.replace('\t', " ")).collect::<Vec<_>>().join(", ")
}

fn regions() -> Regions {
    let places = [
        ("tokyo", "JP", 35.68, 139.69),
        ("osaka", "JP", 34.69, 135.50),
        ("singapore", "SG", 1.29, 103.85),
        ("mumbai", "IN", 19.08, 72.88),
        ("frankfurt", "DE", 50.11, 8.68),
        ("paris", "FR", 48.86, 2.35),
        ("stockholm", "SE", 59.33, 18.07),
        ("virginia", "US", 38.95, -77.45),
        ("ohio", "US", 39.96, -83.00),
        ("oregon", "US", 45.84, -119.70),
        ("saopaulo", "BR", -23.55, -46.63),
        ("sydney", "AU", -33.87, 151.21),
    ];
    let region = |(index, (name, jurisdiction, latitude, longitude)): (u8, (&str, &str, f64, f64))| Region {
        name: name.to_owned(),
        location: Coordinates { latitude, longitude },
        jurisdiction: jurisdiction.parse().expect("a country"),
        capacity: None,
        min_healthy: MinHealthy::Count(1),
        canaries: Vec::new(),
        zones: vec![AvailabilityZone {
            name: "a".to_owned(),
            addresses: vec![IpAddr::V4(Ipv4Addr::new(192, 0, 2, index))],
        }],
    };
    Regions::new((0u8..).zip(places).map(region).collect())
}
