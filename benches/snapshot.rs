//! What compiling a large configuration costs, and what a change of health does. Prints; judges nothing.

#[path = "../tests/support/demo.rs"]
mod demo;
#[path = "support/figures.rs"]
mod figures;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use figures::{memory, print, print_time};
use meridian::canary::{CanaryId, Epoch, Failure, FailureClass, Observation, Signals, Subject};
use meridian::config::{SourceFile, SourceFiles, compile};
use meridian::control::{Control, Effect, Input, Restored};
use meridian::geo::{Database, Table};
use meridian::health::{SiteShare, Standing, View};
use meridian::moment::Moment;
use meridian::region::{AddressId, Family, RegionId};
use meridian::snapshot::{Base, Snapshot};

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
            moving(&format!("control/{name}, {policies} policies"), &database, policies);
        }
    }
}

/// Compiles a large configuration, and a snapshot of it for another health.
fn large(name: &str, database: &Database, policies: usize) {
    let sources = sources(policies, demo::regions_yaml(REGIONS.len()));
    let (config_time, config) =
        figures::median(3, || compile(&sources).expect("the configuration is valid").config);
    let (table_time, table) = figures::median(3, || demo::table(&config, Some(database)));
    let before = memory("VmRSS");
    let (base_time, base) = figures::median(3, || Base::build(Arc::new(config.clone()), table.clone()));
    let base = Arc::new(base);
    let addresses = config.regions.addresses().count();
    let mut standings = vec![Standing::Up; addresses];
    let compile = |standings: &[Standing]| {
        Snapshot::compile(Arc::clone(&base), View::counted(&base.config.regions, standings.to_vec()), 1)
    };
    let (snapshot_time, _up) = figures::median(9, || compile(&standings));
    standings[0] = Standing::Down { since: Moment(1) };
    let (flip_time, _down) = figures::median(9, || compile(&standings));
    print_time(&format!("{name}: text to Config"), config_time, "");
    print_time(&format!("{name}: databases to Table"), table_time, "");
    print_time(&format!("{name}: both to a base"), base_time, "");
    print_time(&format!("{name}: first Snapshot"), snapshot_time, "");
    let all = config_time + table_time + base_time + snapshot_time;
    print_time(&format!("{name}: all of it"), all, "at most 2 s");
    print_time(&format!("{name}: one address flips"), flip_time, "at most 20 ms");
    print(&format!("{name}: memory"), memory("VmRSS"), &format!("{before} before it"));
}

/// Returns a configuration of static names and of steered names with so many distinct policies.
fn sources(policies: usize, regions: String) -> SourceFiles {
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
    SourceFiles::new(
        "large",
        vec![
            SourceFile::new("server.yaml", server),
            SourceFile::new("regions.yaml", regions),
            SourceFile::new("example.com.yaml", zone),
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

/// Lets addresses fall in a large world while everything is whole, while regions ramp, and while others shed
/// load as well, and times the observations that decide.
fn moving(name: &str, database: &Database, policies: usize) {
    let sources = sources(policies, reporting_regions());
    let config = Arc::new(compile(&sources).expect("the configuration is valid").config);
    let table = demo::table(&config, Some(database));
    let (base_time, base) = figures::median(1, || Base::build(Arc::clone(&config), table.clone()));
    print_time(&format!("{name}: base with capacities"), base_time, "");
    let mut drive = Drive::new(Arc::new(base));
    let bound = "at most 20 ms";
    print_time(&format!("{name}: decides, all whole"), drive.decide(), bound);
    RAMPING.iter().for_each(|region| drive.ramp(*region));
    print_time(&format!("{name}: decides, 2 regions ramp"), drive.decide(), bound);
    let step = drive.shed();
    print_time(&format!("{name}: a step of shedding"), step, "");
    print_time(&format!("{name}: decides, 2 ramp and 2 shed"), drive.decide(), bound);
}

/// The regions that come back step by step, those that are full, and the others.
const RAMPING: [usize; 2] = [0, 4];
const FULL: [usize; 2] = [1, 5];
const CALM: [usize; 4] = [2, 3, 6, 7];

/// Each region has two zones of an address in each family.
const IN_REGION: usize = 4;

/// Returns the regions with capacities, and with canaries that report loads. Two come back in steps that take
/// long, the others at once.
fn reporting_regions() -> String {
    let mut yaml = demo::regions_yaml(REGIONS.len());
    for (number, name) in REGIONS.iter().enumerate() {
        let key = format!("  {name}:\n");
        let ramp = if RAMPING.contains(&number) { "ramp: [10%, 50%], hold: 24h, " } else { "ramp: [], " };
        let more = format!("    capacity: 10000\n    recovery: {{ {ramp}min_down: 0s }}\n");
        yaml = yaml.replacen(&key, &(key.clone() + &more), 1);
    }
    let json = "json: { url: \"http://{address}:8080/health\", signals: { load: /load }, host";
    yaml.replace("http: { url: \"http://{address}:8080/health\", host", json)
}

/// A control that is driven from one situation to the next.
struct Drive {
    control: Control,
    now: Moment,
    /// What is answered from.
    snapshot: Option<Arc<Snapshot>>,
}

impl Drive {
    fn new(base: Arc<Base>) -> Self {
        let now = Moment(1_000_000);
        let mut control = Control::new(base, now);
        let effects = control.handle(Input::Restored(Restored::default()), now);
        let mut drive = Self { control, now, snapshot: None };
        drive.take(effects);
        drive.report();
        drive
    }

    /// Lets every address of the calm regions fall once and return, and returns the median time from the
    /// deciding observation to the snapshot.
    fn decide(&mut self) -> Duration {
        let mut times = Vec::new();
        for address in CALM.iter().flat_map(|region| addresses(*region)) {
            self.report();
            times.extend((0..3).filter_map(|_| self.see(vec![failure(address)])).last());
            times.extend((0..2).filter_map(|_| self.see(vec![success(address)])).last());
        }
        times.sort();
        times[times.len() / 2]
    }

    /// Lets a region fall and return, so that it has the first step of its ramp.
    fn ramp(&mut self, region: usize) {
        (0..3).for_each(|_| _ = self.see(addresses(region).map(failure).collect()));
        (0..2).for_each(|_| _ = self.see(addresses(region).map(success).collect()));
        let share = self.snapshot().health.status(RegionId(region as u8), Family::V4).share;
        assert!(matches!(share, SiteShare::Part(_)), "it ramps: {share:?}");
    }

    /// Lets time pass until regions shed, and returns how long the last step took.
    fn shed(&mut self) -> Duration {
        for _ in 0..10 {
            self.now = self.now.plus(Duration::from_secs(61));
            self.report();
            let started = Instant::now();
            let effects = self.control.handle(Input::Tick, self.now);
            let time = started.elapsed();
            self.take(effects);
            if !self.snapshot().splits.is_whole() {
                return time;
            }
        }
        panic!("regions that are full shed");
    }

    /// Lets every address say how loaded its region is.
    fn report(&mut self) {
        let everywhere = (0..REGIONS.len()).flat_map(addresses);
        self.see(everywhere.map(success).collect());
    }

    /// Lets probes come back, and returns how long it took to a snapshot; `None`: there was none.
    fn see(&mut self, mut seen: Vec<Observation>) -> Option<Duration> {
        self.now = self.now.plus(Duration::from_millis(1));
        seen.iter_mut().for_each(|seen| seen.at = self.now);
        let started = Instant::now();
        let effects = self.control.handle(Input::Observed(seen), self.now);
        let time = started.elapsed();
        self.take(effects).then_some(time)
    }

    /// Takes the snapshot if there is one.
    fn take(&mut self, effects: Vec<Effect>) -> bool {
        let snapshots = effects.into_iter().filter_map(|effect| match effect {
            Effect::Publish(snapshot) => Some(snapshot),
            _ => None,
        });
        let newest = snapshots.last();
        let is_new = newest.is_some();
        self.snapshot = newest.or(self.snapshot.take());
        is_new
    }

    fn snapshot(&self) -> &Snapshot {
        self.snapshot.as_ref().expect("a start publishes")
    }
}

fn addresses(region: usize) -> impl Iterator<Item = usize> {
    region * IN_REGION..(region + 1) * IN_REGION
}

fn success(address: usize) -> Observation {
    let load = if FULL.contains(&(address / IN_REGION)) { 0.95 } else { 0.3 };
    observation(address, Ok(()), Some(Signals { load: Some(load), ..Signals::default() }))
}

fn failure(address: usize) -> Observation {
    let refused = Failure { class: FailureClass::Refused, detail: "connection refused".to_owned() };
    observation(address, Err(refused), None)
}

fn observation(address: usize, result: Result<(), Failure>, signals: Option<Signals>) -> Observation {
    Observation {
        epoch: Epoch::default(),
        subject: Subject::Address(AddressId(address as u32)),
        canary: CanaryId(0),
        at: Moment(0),
        latency: Duration::from_millis(1),
        result,
        signals,
    }
}

/// Lets an address of the demo fall and rise again and again, and times the observations that decide.
fn failover(name: &str, database: &Database) {
    let config = demo::config();
    let table: Table = demo::table(&config, Some(database));
    let base = Arc::new(Base::build(Arc::new(config), table));
    let mut now = Moment(1_000_000);
    let mut control = Control::new(base, now);
    control.handle(Input::Restored(Restored::default()), now);
    let mut times = Vec::new();
    for round in 0..600 {
        now = now.plus(Duration::from_secs(2));
        // Three failures take it down, two successes bring it back.
        let seen = if round % 5 < 3 { failure(0) } else { observation(0, Ok(()), None) };
        let seen = Observation { at: now, ..seen };
        let started = Instant::now();
        let effects = control.handle(Input::Observed(vec![seen]), now);
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
