//! Long random runs, a few of them and short ones; and that each checker finds what it is for, by showing it a
//! simulation in which something is not as it was.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use meridian::health::{SiteShare, View};
use meridian::region::RegionId;
use meridian::share::Share;
use meridian::simulate::checkers::{
    BorderChecker, Checker, Checkers, DetectionChecker, DrainChecker, FallChecker, RestartChecker,
    SettledChecker, ShareChecker, SnapshotChecker,
};
use meridian::simulate::random::{RandomRun, SCENARIO};
use meridian::simulate::{
    Act, CheckInput, Clients, Happening, LoadedScenario, Scenario, Simulation, StateFile,
};
use meridian::snapshot::{Base, Snapshot};

const WORLD: &str = "tests/scenarios/world";
const CLIENTS: &str = "watch api.example.com\nclient JP 133.11.0.0/20\nclient DE 141.20.0.0/20\n\
                       client US 128.223.0.0/20\ncheck\n";

fn world() -> Arc<Base> {
    let loaded = meridian::daemon::load(Path::new(WORLD));
    loaded.unwrap_or_else(|error| panic!("{error}")).base
}

/// Loads the world with these edits of its files: file, text, and what stands there instead.
fn edited(edits: &[(&str, &str, &str)]) -> Arc<Base> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for file in ["server.yaml", "regions.yaml", "api.example.com.yaml"] {
        let mut text = fs::read_to_string(Path::new(WORLD).join(file)).expect("a file");
        for (_, from, to) in edits.iter().filter(|(edited, ..)| *edited == file) {
            assert!(text.contains(from), "{file}: {from}");
            text = text.replace(from, to);
        }
        fs::write(directory.path().join(file), text).expect("a file is written");
    }
    meridian::daemon::load(directory.path()).unwrap_or_else(|error| panic!("{error}")).base
}

fn scenario(acts: &str) -> Scenario {
    let text = format!("{CLIENTS}{acts}");
    Scenario::parse("test", &text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Plays a scenario, and returns what a checker finds that is told of everything by `tell`.
fn found_by(
    checker: impl Checker + 'static,
    acts: &str,
    tell: impl FnMut(&mut Checkers, Duration, &Happening<'_>) -> Vec<String>,
) -> Vec<String> {
    let loaded = LoadedScenario::new(scenario(acts), world(), [].into());
    found_in(&loaded.unwrap_or_else(|error| panic!("{error}")), checker, tell)
}

/// The same of a scenario with its worlds.
fn found_in(
    loaded: &LoadedScenario,
    checker: impl Checker + 'static,
    mut tell: impl FnMut(&mut Checkers, Duration, &Happening<'_>) -> Vec<String>,
) -> Vec<String> {
    let mut checks = Checkers::of(vec![Box::new(checker)]);
    let mut found = Vec::new();
    Simulation::play(loaded, &mut |at, happening| found.extend(tell(&mut checks, at, happening)));
    found
}

fn see(checks: &mut Checkers, at: Duration, happening: &Happening<'_>) -> Vec<String> {
    checks.see(at, happening).into_iter().map(|violation| violation.sentence).collect()
}

/// Plays a scenario to a checker twice: as it is, which it must find nothing in, and with what `tamper` leaves of it, in
/// which it must find this.
fn check<C: Checker + Default + 'static>(
    acts: &str,
    expected: &str,
    mut tamper: impl FnMut(&Happening<'_>) -> usize,
) {
    assert_eq!(found_by(C::default(), acts, see), Vec::<String>::new());
    let found = found_by(C::default(), acts, |checks, at, happening| {
        (0..tamper(happening)).flat_map(|_| see(checks, at, happening)).collect()
    });
    assert!(found.iter().any(|sentence| sentence.contains(expected)), "{expected}: {found:?}");
}

#[test]
fn a_few_short_random_runs_violate_nothing() {
    for seed in 1..=3 {
        let run = RandomRun::draw(seed, 4);
        let result = run.play().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(result.violations, [], "seed {seed}");
        assert_eq!(result.summary.lasted, Duration::from_secs(4 * 3600));
        assert!(result.summary.probes > 1000, "seed {seed} probes");
    }
}

#[test]
fn equal_seeds_give_equal_runs_and_others_do_not() {
    let [one, again, other] = [7, 7, 8].map(|seed| RandomRun::draw(seed, 4));
    assert_eq!(one.scenario(), again.scenario());
    assert_ne!(one.scenario(), other.scenario());
    let [one, again] = [one, again].map(|run| run.play().unwrap_or_else(|error| panic!("{error}")));
    assert_eq!((one.summary, one.violations), (again.summary, again.violations));
}

#[test]
fn everybody_is_home_at_the_end_of_a_run() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    RandomRun::draw(5, 4).write(directory.path()).expect("a run is written");
    let loaded = LoadedScenario::load(&directory.path().join(SCENARIO), None);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let mut settled = SettledChecker::default();
    let mut found = Vec::new();
    Simulation::play(&loaded, &mut |at, happening| settled.see(at, happening, &mut found));
    assert_eq!(found, Vec::<String>::new());
    assert!(settled.is_home(), "the calm is too short");
}

#[test]
fn a_run_that_is_written_down_is_one_that_simulate_plays() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = RandomRun::draw(9, 4);
    run.write(directory.path()).expect("a run is written");
    let written = fs::read_to_string(directory.path().join(SCENARIO)).expect("a scenario");
    assert_eq!(written, run.scenario());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_meridian"))
        .arg("simulate")
        .arg(directory.path().join(SCENARIO))
        .output()
        .expect("the program runs");
    let timeline = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{timeline}");
    let probes = run.play().unwrap_or_else(|error| panic!("{error}")).summary.probes;
    assert!(timeline.contains(&format!("probes        {probes},")), "{timeline}");
}

#[test]
fn the_command_prints_what_was_drawn_and_what_was_counted() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_meridian"))
        .args(["simulate", "--random", "3", "--hours", "4"])
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.starts_with("seed 3: ") && text.ends_with("violations    0\n"), "{text}");
}

/// Asks for the clients of a snapshot.
fn asked(snapshot: &Snapshot) -> Clients {
    let scenario = scenario("until 1m\n");
    let mut clients = Clients::new(&scenario.clients, &scenario.watched);
    clients.ask(snapshot, meridian::simulate::BOOT);
    clients
}

#[test]
fn the_border_is_crossed_by_answers_of_a_world_without_the_rule() {
    let lawless = edited(&[("api.example.com.yaml", "jurisdictions: [EU]", "jurisdictions: [US]")]);
    let snapshot = |base: Arc<Base>| {
        let view = View::all_up(&base.config.regions);
        Arc::new(Snapshot::compile(base, view, 1))
    };
    let (lawful, lawless) = (snapshot(world()), snapshot(lawless));
    let served = |clients: &Clients| {
        see(
            &mut Checkers::of(vec![Box::new(BorderChecker::default())]),
            Duration::ZERO,
            &Happening::Served(&lawful, clients),
        )
    };
    assert_eq!(served(&asked(&lawful)), Vec::<String>::new());
    let found = served(&asked(&lawless));
    assert!(found[0].contains("141.20.0.0/24 is answered 10."), "{found:?}");
}

#[test]
fn a_fall_with_one_failure_too_few_is_found() {
    let mut failed = HashSet::new();
    let acts = "at 1m tokyo refuse\nuntil 3m\n";
    check::<FallChecker>(acts, "is down after failures 2 of 3 by shallow", |happening| match happening {
        // The first failure of each address is kept from the checker.
        Happening::Probed(probed) if probed.has_failed() => {
            usize::from(!failed.insert(probed.target.clone()))
        }
        _ => 1,
    });
}

#[test]
fn a_fall_that_does_not_come_is_found() {
    check::<DetectionChecker>(
        "at 1m tokyo refuse\nuntil 3m\n",
        "is not down although shallow failed",
        |happening| match happening {
            Happening::Probed(probed) if probed.has_failed() => 2,
            _ => 1,
        },
    );
}

#[test]
fn an_address_is_not_called_late_for_failures_of_a_check_that_a_reload_replaced() {
    let slow = ("regions.yaml", "recheck: 2s\n    fall: 3", "recheck: 5s\n    fall: 5");
    let other = edited(&[slow, ("regions.yaml", ":8080/health", ":8080/ready")]);
    let reloads = BTreeMap::from([("other".to_owned(), Ok(other))]);
    let acts = "at 95s tokyo refuse\nat 110s reload other\nuntil 3m\n";
    let loaded = LoadedScenario::new(scenario(acts), edited(&[slow]), reloads);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found_in(&loaded, DetectionChecker::default(), see), Vec::<String>::new());
    assert_eq!(found_in(&loaded, FallChecker::default(), see), Vec::<String>::new());
}

#[test]
fn what_happens_in_a_region_that_only_advises_is_looked_at_at_once_although_no_snapshot_tells_of_it() {
    let acts = "at 1s operator failover advise tokyo\nat 1m tokyo timeout\nat 2m tokyo ok\nuntil 20m\n";
    let loaded = LoadedScenario::new(scenario(acts), world(), [].into());
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let (mut events, mut snapshots, mut looks) = (Vec::new(), HashSet::new(), HashSet::new());
    Simulation::play(&loaded, &mut |at, happening| match happening {
        Happening::Emitted(event) => events.push((at, event.text.clone())),
        Happening::Published(_) => drop(snapshots.insert(at)),
        Happening::Looked(_) => drop(looks.insert(at)),
        _ => {}
    });
    let alone: Vec<_> = events.iter().filter(|(at, _)| !snapshots.contains(at)).collect();
    assert!(alone.iter().any(|(_, text)| text.starts_with("tokyo ")), "{events:?}");
    let missed: Vec<_> = alone.iter().filter(|(at, _)| !looks.contains(at)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn a_drain_that_is_over_while_answers_may_be_cached_is_found() {
    let mut is_drained = false;
    check::<DrainChecker>("at 1m operator drain tokyo\nuntil 5m\n", "drain of tokyo is over", |happening| {
        is_drained |= matches!(happening, Happening::Act(Act::Intend(_)));
        usize::from(!is_drained || !matches!(happening, Happening::Served(..)))
    });
}

#[test]
fn answers_that_lead_to_a_drained_region_are_found() {
    let healthy = world();
    let view = View::all_up(&healthy.config.regions);
    let before = Arc::new(Snapshot::compile(healthy, view.clone(), 1));
    let clients = asked(&before);
    let found = found_by(
        DrainChecker::default(),
        "at 1m operator drain tokyo\nuntil 2m\n",
        |checks, at, happening| match happening {
            Happening::Looked(look) if !look.report.intents.is_empty() => {
                let late = Snapshot::compile(world(), view.clone(), look.report.snapshot);
                see(checks, at, &Happening::Served(&Arc::new(late), &clients));
                see(checks, at, &Happening::Looked(&CheckInput { clients: &clients, ..**look }))
            }
            _ => see(checks, at, happening),
        },
    );
    assert!(found.iter().any(|sentence| sentence.starts_with("tokyo is emptied, and 133.11.")), "{found:?}");
}

#[test]
fn a_fall_that_is_forgotten_over_a_restart_is_found() {
    let kept = Act::Restart(StateFile::Keep);
    let acts = "at 1m tokyo refuse\nat 3m restart lose\nuntil 4m\n";
    let found = found_by(RestartChecker::default(), acts, |checks, at, happening| match happening {
        Happening::Act(Act::Restart(_)) => see(checks, at, &Happening::Act(&kept)),
        _ => see(checks, at, happening),
    });
    assert!(found.iter().any(|sentence| sentence.starts_with("tokyo (IPv4) was down since")), "{found:?}");
    assert_eq!(found_by(RestartChecker::default(), acts, see), Vec::<String>::new());
}

#[test]
fn clients_that_leave_a_region_whose_share_grows_are_found() {
    let base = world();
    let snapshot = |percent: u8, number| {
        let count = base.config.regions.addresses().count();
        let mut stages = vec![[SiteShare::Full; 2]; base.config.regions.len()];
        stages[usize::from(RegionId(0).0)] = [SiteShare::Part(Share::percent(percent)); 2];
        let view = View::all_up(&base.config.regions).with(vec![Share::ALL; count], &stages);
        Arc::new(Snapshot::compile(Arc::clone(&base), view, number))
    };
    let (few, many) = (snapshot(20, 1), snapshot(70, 2));
    let served = |pairs: [(&Arc<Snapshot>, &Arc<Snapshot>); 2]| {
        let mut checks = Checkers::of(vec![Box::new(ShareChecker::default())]);
        let found = pairs.map(|(told, answered)| {
            see(&mut checks, Duration::ZERO, &Happening::Served(told, &asked(answered)))
        });
        found.concat()
    };
    assert_eq!(served([(&few, &few), (&many, &many)]), Vec::<String>::new());
    assert_eq!(served([(&many, &many), (&few, &few)]), Vec::<String>::new());
    let found = served([(&few, &many), (&many, &few)]);
    assert!(found[0].contains("only the share of tokyo changed, from 20% to 70%"), "{found:?}");
}

#[test]
fn a_snapshot_that_says_nothing_new_is_found() {
    check::<SnapshotChecker>("at 1m tokyo refuse\nuntil 2m\n", "says what", |happening| {
        1 + usize::from(matches!(happening, Happening::Published(_)))
    });
}

#[test]
fn a_region_that_does_not_come_back_is_found() {
    check::<SettledChecker>(
        "at 5m tokyo refuse\nat 40m tokyo ok\nuntil 1h\n",
        "tokyo (IPv4) is down although nothing is wrong",
        |happening| usize::from(!matches!(happening, Happening::Act(_))),
    );
}
