//! Rules about time, as scenarios: every `tests/scenarios/NAME.scenario` is played, and its timeline compared
//! with `NAME.timeline`. With `BLESS` in the environment the timelines are written instead.
//!
//! Below them are laws, which hold over random scenarios in the same world.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use meridian::health::{Standing, View};
use meridian::simulate::{
    Act, Error, Happening, LoadedScenario, PlaySummary, Scenario, Simulation, Spot, StateFile, Timeline,
};
use meridian::snapshot::{Base, Snapshot};

const DIRECTORY: &str = "tests/scenarios";

/// Plays a scenario, and returns its timeline and what was counted.
fn play(loaded: &LoadedScenario) -> (String, PlaySummary) {
    let mut timeline = Timeline::default();
    Simulation::play(loaded, &mut |at, happening| timeline.take(at, happening));
    (timeline.text, timeline.summary)
}

/// Compares a text with a file. With `BLESS` in the environment the file is written instead.
fn compare(text: &str, expected: &Path) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(expected, text).expect("the directory can be written");
    }
    let wanted = fs::read_to_string(expected).unwrap_or_default();
    assert_eq!(text, wanted, "{} says otherwise", expected.display());
}

fn scenarios() -> Vec<PathBuf> {
    let entries = fs::read_dir(DIRECTORY).expect("the directory is part of the repository");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "scenario")).collect();
    paths.sort();
    paths
}

#[test]
fn every_scenario_goes_as_it_expects_and_as_it_went_before() {
    for path in scenarios() {
        let loaded = LoadedScenario::load(&path, None).unwrap_or_else(|error| panic!("{error}"));
        let (timeline, summary) = play(&loaded);
        compare(&timeline, &path.with_extension("timeline"));
        assert!(summary.is_ok(), "{}:\n{timeline}", path.display());
    }
}

#[test]
fn a_process_that_dies_in_the_middle_of_a_scenario_and_finds_its_state_goes_on_as_expected() {
    for path in scenarios() {
        let mut loaded = LoadedScenario::load(&path, None).unwrap_or_else(|error| panic!("{error}"));
        // With the wall clock elsewhere a restart is a story of its own.
        if loaded.scenario.acts.iter().any(|(_, act, _)| matches!(act, Act::Clock(_))) {
            continue;
        }
        let middle = loaded.scenario.until / 2;
        loaded.scenario.acts.push((middle, Act::Restart(StateFile::Keep), Spot::default()));
        let (timeline, summary) = play(&loaded);
        assert!(summary.is_ok(), "{}, with a restart at {middle:?}:\n{timeline}", path.display());
    }
}

#[test]
fn every_mistake_in_a_script_is_told_with_its_place_and_a_way_out() {
    let mut told = String::new();
    for name in ["grammar", "references"] {
        let path = Path::new(DIRECTORY).join("mistakes").join(name);
        let Err(Error::Scenario(problems)) = LoadedScenario::load(&path, None) else {
            panic!("{} has mistakes", path.display());
        };
        told += &problems.to_string();
    }
    compare(&told, &Path::new(DIRECTORY).join("mistakes/expected"));
}

/// Writes a configuration of `regions` regions with two zones of `in_zone` addresses each into a directory.
fn generate(directory: &Path, regions: usize, in_zone: usize) {
    let base = Path::new(DIRECTORY).join("world");
    fs::copy(base.join("server.yaml"), directory.join("server.yaml")).expect("a file is copied");
    let (mut text, mut names) = (String::from("regions:\n"), Vec::new());
    for region in 0..regions {
        let zone = |zone: usize| {
            let addresses = (0..in_zone).map(|host| format!("10.{region}.{zone}.{}", host + 1));
            addresses.collect::<Vec<_>>().join(", ")
        };
        let longitude = 170.0 - 340.0 * region as f64 / regions as f64;
        let (first, second) = (zone(0), zone(1));
        write!(
            text,
            "  r{region}:\n    location: {{ latitude: 35, longitude: {longitude} }}\n    jurisdiction: JP\n    \
             zones:\n      a: {{ addresses: [{first}] }}\n      b: {{ addresses: [{second}] }}\n    \
             canaries: [shallow]\n"
        )
        .expect("a text takes text");
        names.push(format!("r{region}"));
    }
    text += "canaries:\n  shallow: { tcp: { port: 80 }, interval: 10s, timeout: 2s, fall: 3, rise: 3 }\n";
    fs::write(directory.join("regions.yaml"), text).expect("a file is written");
    let names = names.join(", ");
    let zone = format!(
        "zone: api.example.com\nnameservers: [ns1.example.net]\nnames:\n  \"@\":\n    steer: {{ regions: [{names}], \
         order: nearest, ttl: 30s, unknown_location: [r0] }}\n"
    );
    fs::write(directory.join("api.example.com.yaml"), zone).expect("a file is written");
}

/// Plays a scenario over a generated world.
fn play_generated(regions: usize, in_zone: usize, scenario: &str) -> (LoadedScenario, PlaySummary) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    generate(directory.path(), regions, in_zone);
    let path = directory.path().join("scenario");
    let head = "config .\nwatch api.example.com\nclient JP 133.11.0.0/24\nclient US 128.112.0.0/24\n";
    fs::write(&path, format!("{head}{scenario}")).expect("a file is written");
    let loaded = LoadedScenario::load(&path, None).unwrap_or_else(|error| panic!("{error}"));
    let (timeline, summary) = play(&loaded);
    assert!(summary.is_ok(), "{timeline}");
    (loaded, summary)
}

#[test]
fn one_of_a_thousand_addresses_hangs_and_the_others_keep_their_rhythm() {
    let scenario = "at 1m r0/a/10.0.0.7 timeout\nexpect 1m20s r0/a/10.0.0.7 is down\n\
                  expect 9m59s r1 is up\nexpect 10m JP stays\nexpect 10m US stays\nuntil 10m\n";
    let (loaded, summary) = play_generated(10, 50, scenario);
    assert_eq!(loaded.base.config.regions.addresses().count(), 1000);
    // An interval of 10 s is 8 to 10 s with its jitter: 60 to 75 probes of each in ten minutes.
    assert!((60_000..=75_000).contains(&summary.probes), "{} probes", summary.probes);
}

#[test]
fn an_hour_of_twenty_regions_is_played_to_its_end() {
    let scenario = "every 5m from 1m to 55m r3 refuse\nevery 5m from 3m to 57m r3 ok\nuntil 1h\n";
    let (_, summary) = play_generated(20, 2, scenario);
    assert_eq!(summary.lasted, Duration::from_secs(3600));
}

/// The regions of the European Union have these addresses in `tests/scenarios/world`, and nobody else has.
fn is_in_the_union(address: &IpAddr) -> bool {
    let text = address.to_string();
    ["10.5.", "10.6.", "2001:db8:5:", "2001:db8:6:"].iter().any(|start| text.starts_with(start))
}

const PLACES: [&str; 12] = [
    "tokyo",
    "tokyo/tokyo-a",
    "tokyo/tokyo-b",
    "tokyo/tokyo-b/10.1.2.1",
    "osaka",
    "osaka/osaka-b",
    "oregon",
    "virginia",
    "frankfurt",
    "frankfurt/frankfurt-a",
    "dublin",
    "dublin/dublin-b",
];
const FAULTS: [&str; 9] =
    ["ok", "ok", "ok", "refuse", "refuse", "timeout", "status 503", "slow 1s", "slow 3s"];
const RESTARTS: [&str; 4] = ["keep", "lose", "stale", "corrupt"];

const SIGNALS: [&str; 6] = ["load 95%", "load 20%", "load silent", "errors 30%", "errors auto", "p95 2s"];

/// Returns random acts within ten minutes that move load and shares, besides faults.
fn any_trouble() -> impl Strategy<Value = String> {
    let gray = select(&PLACES[..]).prop_map(|place| format!("{place} gray"));
    let signal =
        (select(&PLACES[..]), select(&SIGNALS[..])).prop_map(|(place, says)| format!("{place} {says}"));
    let failback = select(&["tokyo", "oregon", "dublin"][..]).prop_map(|region| format!("failback {region}"));
    let demand = (50u32..250).prop_map(|percent| format!("demand {percent}%"));
    let act = prop_oneof![3 => gray, 4 => signal, 2 => failback, 2 => demand];
    let timed = (0u64..600_000, act).prop_map(|(at, act)| format!("at {at}ms {act}\n"));
    prop::collection::vec(timed, 0..15).prop_map(|lines| lines.concat())
}

/// Returns what operators may ask for at random, reasonable or not.
fn any_wishes() -> impl Strategy<Value = String> {
    let sites = &["tokyo", "tokyo/tokyo-a", "osaka", "oregon", "frankfurt", "dublin", "dublin/dublin-b"][..];
    let keeps_away = ["shift", "drain", "disable", "drill"];
    let away =
        (select(keeps_away.to_vec()), select(sites), 1u8..=100).prop_map(
            |(word, site, percent)| match word {
                "shift" | "drill" => format!("{word} {site} {percent}%"),
                _ => format!("{word} {site}"),
            },
        );
    let others = [
        "force tokyo/tokyo-b down",
        "force frankfurt up",
        "force dublin/dublin-a/10.6.1.1 up",
        "failover advise",
        "failover off dublin",
        "failover auto",
        "capacity oregon 30%",
        "weights api.example.com frankfurt=50 oregon=50",
        "weights api.example.com tokyo=1 osaka=1 steps 10,50,100 hold 1m",
    ];
    let action = prop_oneof![3 => away, 2 => select(others.to_vec()).prop_map(str::to_owned)];
    let overridden = (action, any::<bool>()).prop_map(|(action, is_forced)| {
        // Each action takes the rules that it can break.
        let rules = match action.split(' ').next() {
            _ if !is_forced => "",
            Some("shift" | "drain" | "drill") => {
                " override one_at_a_time override hard_limit override min_in_service"
            }
            Some("disable") => " override hard_limit override min_in_service",
            Some("weights" | "capacity") => " override hard_limit",
            _ => "",
        };
        format!("operator {action} for 2m{rules}")
    });
    let lift = (1u8..9, any::<bool>()).prop_map(|(number, is_at_once)| {
        format!("lift {number}{}", if is_at_once { " at-once" } else { "" })
    });
    let timed = (0u64..600_000, prop_oneof![4 => overridden, 1 => lift]);
    let timed = timed.prop_map(|(at, act)| format!("at {at}ms {act}\n"));
    prop::collection::vec(timed, 0..12).prop_map(|lines| lines.concat())
}

/// Returns random acts within ten minutes, faults for the most part.
fn any_acts() -> impl Strategy<Value = String> {
    let fault =
        (select(&PLACES[..]), select(&FAULTS[..])).prop_map(|(place, fault)| format!("{place} {fault}"));
    let restart = select(&RESTARTS[..]).prop_map(|file| format!("restart {file}"));
    let reload = select(vec!["reload world", "reload reloaded"]).prop_map(str::to_owned);
    let clock = select(&["clock +7m", "clock +1h", "clock -3m", "clock -20m"][..]).prop_map(str::to_owned);
    let act = prop_oneof![12 => fault, 1 => restart, 1 => reload, 1 => clock];
    let timed = (0u64..600_000, act).prop_map(|(at, act)| format!("at {at}ms {act}\n"));
    prop::collection::vec(timed, 0..25).prop_map(|lines| lines.concat())
}

/// The worlds of the laws, loaded once.
struct Worlds {
    base: Arc<Base>,
    reloads: BTreeMap<String, Result<Arc<Base>, String>>,
    clients: &'static str,
}

/// Four clients of one subnet each.
const SINGLE: &str = "client JP 133.11.0.0/24\nclient DE 141.20.0.0/24\nclient IE 134.226.0.0/24\n\
                      client US 128.223.0.0/24\n";

/// As many of them as can be told apart, with what they ask for.
const MANY: &str = "client JP 133.11.0.0/16 rate 6000\nclient DE 141.20.0.0/16 rate 7000\n\
                    client IE 134.226.0.0/16 rate 3000\nclient US 128.223.0.0/16 rate 5000\n";

impl Worlds {
    fn load(first: &str, clients: &'static str) -> Self {
        let load = |name: &str| {
            let loaded = meridian::daemon::load(&Path::new(DIRECTORY).join(name));
            loaded.unwrap_or_else(|error| panic!("{error}")).base
        };
        let reloads = ["world", "reloaded"].map(|name| (name.to_owned(), Ok(load(name))));
        Self { base: load(first), reloads: reloads.into(), clients }
    }

    fn loaded(&self, seed: u64, acts: &str) -> LoadedScenario {
        let text = format!("seed {seed}\nwatch api.example.com\n{}until 12m\n{acts}", self.clients);
        let scenario = Scenario::parse("random", &text).unwrap_or_else(|problems| panic!("{problems}"));
        LoadedScenario::new(scenario, Arc::clone(&self.base), self.reloads.clone())
            .unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Watches a simulation and holds the laws against it.
#[derive(Default)]
struct Laws {
    /// Failures in a row, by address and canary, in this life of the process.
    failures: HashMap<(IpAddr, String), u32>,
    /// Addresses that were down with reason at some time: a state file may bring that back.
    fell: BTreeSet<IpAddr>,
    /// Addresses that an operator has forced down at some time: intents outlive a lost state of health.
    forced: BTreeSet<IpAddr>,
    last: Option<Arc<Snapshot>>,
    /// A restart or a reload publishes even when nothing changes.
    is_new_world: bool,
}

impl Laws {
    fn watch(&mut self, happening: &Happening<'_>) {
        match happening {
            Happening::Act(Act::Restart(file)) => {
                self.failures.clear();
                self.is_new_world = true;
                if *file != StateFile::Keep {
                    self.fell.clone_from(&self.forced);
                }
            }
            Happening::Act(Act::Reload(_)) => self.is_new_world = true,
            Happening::Act(Act::Intend(request))
                if request.action.to_string() == "force tokyo/tokyo-b down" =>
            {
                let addresses = ["10.1.2.1", "2001:db8:1:2::1"];
                self.forced.extend(addresses.map(|ip| ip.parse::<IpAddr>().expect("an address")));
                self.fell.extend(&self.forced);
            }
            Happening::Probed(probed) => {
                let ip = probed.target.address().expect("every canary of this world probes addresses");
                let count = self.failures.entry((ip, probed.canary.clone())).or_default();
                *count = if probed.has_failed() { *count + 1 } else { 0 };
                if *count >= 3 {
                    self.fell.insert(ip);
                }
            }
            Happening::Published(snapshot) => self.published(snapshot),
            Happening::Moved(one) if ["DE", "IE"].contains(&one.client.as_str()) => {
                assert!(one.to.addresses.iter().all(is_in_the_union), "{one:?} leaves the Union");
                assert!(!one.to.addresses.is_empty(), "{one:?} leaves clients alone");
            }
            _ => {}
        }
    }

    fn published(&mut self, snapshot: &Arc<Snapshot>) {
        for ip in down(snapshot, &snapshot.health) {
            assert!(self.fell.contains(&ip), "{ip} left with fewer than three failures in a row");
        }
        if let Some(last) = self.last.replace(Arc::clone(snapshot))
            && !std::mem::take(&mut self.is_new_world)
        {
            let is_news = !snapshot.answers_like(&last)
                || snapshot.health != last.health
                || snapshot.weights != last.weights
                || snapshot.leaving != last.leaving;
            assert!(is_news, "snapshot {} says what the one before said", snapshot.number);
            assert!(snapshot.number > last.number);
        }
    }
}

fn down(snapshot: &Snapshot, view: &View) -> Vec<IpAddr> {
    let addresses = snapshot.base.config.regions.addresses();
    let down = addresses.filter(|(id, _)| matches!(view.of(*id), Standing::Down { .. }));
    down.map(|(_, address)| address.ip).collect()
}

#[test]
fn the_laws_hold_whatever_happens() {
    hold(&Worlds::load("world", SINGLE), 96, any_acts());
}

#[test]
fn the_laws_hold_while_regions_ramp_shed_fail_grayly_and_are_failed_back() {
    let acts = (any_acts(), any_trouble()).prop_map(|(acts, trouble)| {
        // Another world would have none of it.
        let acts = acts.lines().filter(|act| !act.contains("reload"));
        acts.flat_map(|act| [act, "\n"]).collect::<String>() + &trouble
    });
    hold(&Worlds::load("world-laws", MANY), 24, acts);
}

#[test]
fn the_laws_hold_whatever_operators_ask_for() {
    let acts = (any_acts(), any_wishes()).prop_map(|(acts, wishes)| acts + &wishes);
    hold(
        &Worlds::load("world-laws", MANY),
        16,
        acts.prop_map(|acts| {
            let acts = acts.lines().filter(|act| !act.contains("reload"));
            acts.flat_map(|act| [act, "\n"]).collect::<String>()
        }),
    );
}

/// Plays random acts, and holds the laws against what happens.
fn hold(worlds: &Worlds, cases: u32, acts: impl Strategy<Value = String>) {
    proptest!(ProptestConfig::with_cases(cases), |(seed in any::<u64>(), acts in acts)| {
        let mut laws = Laws::default();
        let mut summary = PlaySummary::default();
        let loaded = worlds.loaded(seed, &acts);
        Simulation::play(&loaded, &mut |at, happening| {
            laws.watch(happening);
            summary.count(at, happening);
        });
        // A fall that is seen later than promised counts as a failed expectation.
        prop_assert!(summary.is_ok(), "{:?}", summary.slowest);
    });
}

#[test]
fn equal_scripts_give_equal_timelines_and_the_seed_matters() {
    let worlds = Worlds::load("world", SINGLE);
    proptest!(ProptestConfig::with_cases(16), |(seed in any::<u64>(), acts in any_acts())| {
        let acts = format!("at 30s tokyo refuse\n{acts}");
        let timeline = |seed| play(&worlds.loaded(seed, &acts)).0;
        prop_assert_eq!(timeline(seed), timeline(seed));
        prop_assert_ne!(timeline(seed), timeline(seed.wrapping_add(1)));
    });
}
