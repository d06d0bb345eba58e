//! What compiling a large configuration costs, and what a change of health does. Prints; judges nothing.

#[path = "../tests/support/demo.rs"]
mod demo;
#[path = "support/figures.rs"]
mod figures;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use figures::{memory, print, print_time};
use meridian::canary::{CanaryId, Epoch, Failure, FailureClass, Observation, Subject};
use meridian::config::{Source, Sources, compile};
use meridian::control::{Control, Effect, Event};
use meridian::geo::{Database, Table};
use meridian::health::{Standing, View};
use meridian::moment::Moment;
use meridian::region::AddressId;
use meridian::snapshot::{Snapshot, World};
use meridian::steering::Splits;

const STATIC_NAMES: usize = 10_000;
const STEERED_NAMES: usize = 1_000;
const REGIONS: [&str; 8] =
    ["tokyo", "osaka", "singapore", "sydney", "frankfurt", "paris", "virginia", "oregon"];

fn main() {
    for (name, path) in figures::databases() {
        let bytes = std::fs::read(path).expect("the database can be read");
        let database = Database::parse(bytes).expect("a database");
        failover(name, &database);
        for policies in [10, STEERED_NAMES] {
            large(&format!("snapshot/{name}, {policies} policies"), &database, policies);
        }
    }
}

/// Compiles a large configuration, and a snapshot of it for another health.
fn large(name: &str, database: &Database, policies: usize) {
    let sources = sources(policies);
    let (config_time, config) =
        figures::median(3, || compile(&sources).expect("the configuration is valid").config);
    let (table_time, table) = figures::median(3, || demo::table(&config, Some(database)));
    let before = memory("VmRSS");
    let (world_time, world) = figures::median(3, || World::build(Arc::new(config.clone()), table.clone()));
    let world = Arc::new(world);
    let addresses = config.regions.addresses().count();
    let mut standings = vec![Standing::Up; addresses];
    let compile = |standings: &[Standing]| {
        Snapshot::compile(Arc::clone(&world), View::new(standings.to_vec()), Splits::default(), 1)
    };
    let (snapshot_time, _up) = figures::median(9, || compile(&standings));
    standings[0] = Standing::Down { since: Moment(1) };
    let (flip_time, _down) = figures::median(9, || compile(&standings));
    print_time(&format!("{name}: text to Config"), config_time, "");
    print_time(&format!("{name}: databases to Table"), table_time, "");
    print_time(&format!("{name}: both to World"), world_time, "");
    print_time(&format!("{name}: first Snapshot"), snapshot_time, "");
    let all = config_time + table_time + world_time + snapshot_time;
    print_time(&format!("{name}: all of it"), all, "at most 2 s");
    print_time(&format!("{name}: one address flips"), flip_time, "at most 20 ms");
    print(&format!("{name}: memory"), memory("VmRSS"), &format!("{before} before the World"));
}

/// Returns a configuration of static names and of steered names with so many distinct policies.
fn sources(policies: usize) -> Sources {
    let mut zone = String::from(
        "zone: example.com
nameservers: [ns1.example.net, ns2.example.net]
groups:
  eu: { european_union: true }
  japan: { countries: [JP] }
names:
",
    );
    for number in 0..STATIC_NAMES {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number as u32);
        writeln!(zone, "  host{number}: {{ A: [{address}], TXT: [\"host {number}\"] }}")
            .expect("a String takes everything");
    }
    for number in 0..STEERED_NAMES {
        let regions = REGIONS.join(", ");
        let list = permutation(number % policies).join(", ");
        write!(
            zone,
            "  api{number}:
    steer:
      regions: [{regions}]
      order: {{ japan: [{list}], otherwise: nearest }}
      ttl: 30s
      https: {{ alpn: [h2] }}
      residency:
        - {{ clients: eu, jurisdictions: [EU] }}
      unknown_location: [oregon, tokyo]
"
        )
        .expect("a String takes everything");
    }
    let server = "name: ns1\nlisten: { dns: [\"127.0.0.1:5300\"] }\n";
    Sources::new(
        "large",
        vec![
            Source::new("server.yaml", server),
            Source::new("regions.yaml", demo::regions_yaml(REGIONS.len())),
            Source::new("example.com.yaml", zone),
        ],
    )
}

/// Returns the regions in the order with this number, of all the orders there are.
fn permutation(mut number: usize) -> Vec<&'static str> {
    let mut rest = REGIONS.to_vec();
    let mut order = Vec::new();
    while !rest.is_empty() {
        order.push(rest.remove(number % rest.len()));
        number /= rest.len() + 1;
    }
    order
}

/// Lets an address of the demo fall and rise again and again, and times the observations that decide.
fn failover(name: &str, database: &Database) {
    let config = demo::config();
    let table: Table = demo::table(&config, Some(database));
    let world = Arc::new(World::build(Arc::new(config), table));
    let mut now = Moment(1_000_000);
    let (mut control, _effects) = Control::new(world, None, now);
    let failure = Failure { class: FailureClass::Timeout, detail: "no answer within 1s".to_owned() };
    let mut times = Vec::new();
    for round in 0..600 {
        now = now.plus(Duration::from_secs(2));
        // Three failures take it down, two successes bring it back.
        let result = if round % 5 < 3 { Err(failure.clone()) } else { Ok(()) };
        let seen = Observation {
            epoch: Epoch::default(),
            subject: Subject::Address(AddressId(0)),
            canary: CanaryId(0),
            at: now,
            latency: Duration::from_millis(1),
            result,
            signals: None,
        };
        let started = Instant::now();
        let effects = control.handle(Event::Observed(vec![seen]), now);
        let time = started.elapsed();
        if matches!(round % 5, 2 | 4) {
            assert!(effects.iter().any(|effect| matches!(effect, Effect::Publish(_))), "it decides");
            times.push(time);
        }
    }
    times.sort();
    print_time(
        &format!("control/{name}: deciding observation to snapshot, demo"),
        times[times.len() / 2],
        "at most 10 ms",
    );
}
