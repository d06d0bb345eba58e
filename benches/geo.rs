//! What compiling a table and finding an address cost, with the demo's regions and rules. Prints;
//! judges nothing.

#[path = "../tests/support/demo.rs"]
mod demo;
#[path = "support/figures.rs"]
mod figures;

use std::hint::black_box;
use std::net::IpAddr;

use figures::{Random, memory, print, print_each, print_time};
use meridian::geo::{Database, PolicyView, Table};

fn main() {
    for (name, path) in figures::databases() {
        measure(name, &path);
    }
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
