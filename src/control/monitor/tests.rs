//! Stories of one instance, told in results of canaries.

use std::time::Duration;

use super::*;
use crate::canary::{Canary, Failure, FailureClass};
use crate::config::{Access, AlarmRules, Geo, Identity, Listen, LogFormat, Server, StartMode};
use crate::health::{AddressState, fixture};
use crate::ids::{AddressId, CanaryId};
use crate::region::{Recovery, Region, Regions, Safety};
use crate::steering::fixture::{policy, steering};
use crate::steering::{Order, Policy, ResidencyRule};

/// `tokyo` with two IPv4 addresses and one IPv6 address, `frankfurt` with one IPv4 address; one
/// name, whose European clients must stay in `frankfurt`.
fn config(canary: Canary) -> Arc<Config> {
    let at_once = || Recovery { min_down: Duration::ZERO, ramp: Vec::new(), ..Recovery::default() };
    let region = |name, ips: &[&str]| Region { recovery: at_once(), ..fixture::region(name, ips) };
    let tokyo = region("tokyo", &["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
    let frankfurt = region("frankfurt", &["198.51.100.1"]);
    let rule = ResidencyRule {
        clients: Vec::new(),
        permitted: RegionSet::from_iter([RegionId(1)]),
        otherwise: None,
        text: "eu only in EU".to_owned(),
    };
    let policy = Policy {
        order: Order::Listed,
        residency: vec![rule],
        unknown_location: vec![RegionId(0)],
        ..policy(&[0, 1])
    };
    let steered = |owner| steering(owner, policy.clone());
    Arc::new(Config {
        server: Server {
            name: "ns1".to_owned(),
            listen: Listen::default(),
            identity: Identity::default(),
            cookies: None,
            rate_limit: None,
            user: None,
            admin: None,
            access: Access::default(),
            geo: Geo::default(),
            state: None,
            start: StartMode::Refuse,
            backup: None,
            references: Vec::new(),
            resolvers: Vec::new(),
            peers: None,
            tsig_keys: Vec::new(),
            webhooks: Vec::new(),
            log: LogFormat::Human,
        },
        regions: Regions::new(vec![tokyo, frankfurt]),
        canaries: vec![canary],
        groups: Vec::new(),
        steered: vec![steered("api.example.com."), steered("www.example.com.")],
        safety: Safety::default(),
        drills: Vec::new(),
        capacity_events: Vec::new(),
        spreads: Vec::new(),
        pins: Vec::new(),
        alarms: AlarmRules::default(),
        zones: Vec::new(),
        transfers: Vec::new(),
    })
}

fn start(config: Arc<Config>, memory: Option<&Memory>, now: Moment) -> (Monitor, Findings) {
    let overlay = Overlay::none(&config.regions);
    Monitor::new(config, overlay, memory, now)
}

fn reload(monitor: &mut Monitor, config: Arc<Config>, now: Moment) -> Vec<Event> {
    let overlay = Overlay::none(&config.regions);
    monitor.reload(config, overlay, now).events
}

fn monitor() -> Monitor {
    start(config(fixture::canary("shallow", 2, 2)), None, Moment(0)).0
}

/// Plays `ADDRESS:RESULT` words, one a second, and returns what each led to.
fn play(monitor: &mut Monitor, results: &str) -> Vec<Findings> {
    let words = (1..).zip(results.split_whitespace());
    let findings = words.map(|(second, word)| {
        let (address, result) = word.split_once(':').expect("ADDRESS:RESULT");
        let address = address.parse().expect("the number of an address");
        let seen = fixture::result(&monitor.board, address, 0, second, result == "o");
        monitor.observe(std::slice::from_ref(&seen), seen.at)
    });
    findings.collect()
}

/// Plays results and compares the lines that people get to read, in their order.
fn check(results: &str, lines: &[&str]) {
    let mut monitor = monitor();
    let findings = play(&mut monitor, results);
    let events = findings.iter().flat_map(|findings| &findings.events);
    let texts: Vec<_> = events.map(|event| event.text.as_str()).collect();
    assert_eq!(texts, lines, "after {results}");
}

#[test]
fn an_address_is_followed_from_suspicion_through_its_fall_to_its_return() {
    check(
        "0:o 0:x 0:x 0:o 0:x 0:o 0:o",
        &[
            "tokyo/tokyo-a/192.0.2.1 is suspect: shallow failed 1 of 2 times (status 503)",
            "tokyo/tokyo-a/192.0.2.1 is down: shallow failed 2 times in a row (status 503)",
            "tokyo/tokyo-a/192.0.2.1 is up again after 4s down",
        ],
    );
}

#[test]
fn a_region_leaves_one_family_and_returns_to_it() {
    check(
        "2:x 2:x 2:o 2:o",
        &[
            "tokyo/tokyo-a/2001:db8::1 is suspect: shallow failed 1 of 2 times (status 503)",
            "tokyo/tokyo-a/2001:db8::1 is down: shallow failed 2 times in a row (status 503)",
            "tokyo is down in IPv6, and keeps its clients, for no region is well: 1 of 1 addresses down (status 503)",
            "no region is left for api.example.com and 1 more name (IPv6): every permitted region is down; \
             answers hold them all the same (fail-open)",
            "tokyo/tokyo-a/2001:db8::1 is up again after 2s down",
            "tokyo is back in the IPv6 answers: 1 of 1 addresses up",
            "a region is left again for api.example.com and 1 more name (IPv6)",
        ],
    );
}

#[test]
fn a_rule_whose_regions_are_all_down_raises_an_alarm_although_others_are_up() {
    check(
        "3:x 0:o 3:x",
        &[
            "frankfurt/frankfurt-a/198.51.100.1 is suspect: shallow failed 1 of 2 times (status 503)",
            "frankfurt/frankfurt-a/198.51.100.1 is down: shallow failed 2 times in a row (status 503)",
            "frankfurt left the IPv4 answers: 1 of 1 addresses down (status 503)",
            "no region is left for api.example.com and 1 more name (IPv4, eu only in EU): every permitted region is \
             down; answers hold them all the same (fail-open)",
        ],
    );
}

#[test]
fn only_what_steering_sees_moves_the_view_and_only_falls_and_returns_are_kept() {
    let mut monitor = monitor();
    let findings = play(&mut monitor, "0:o 0:o 0:x 0:x 0:x 0:o 0:o 0:o");
    let seen = findings.iter().map(|findings| (findings.moves_view, findings.is_worth_keeping));
    let (nothing, decided) = ((false, false), (true, true));
    let [known, suspect] = [(true, false); 2];
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [known, nothing, suspect, decided, nothing, nothing, decided, nothing],
        "up, up, suspect, down, down, rising, up, up"
    );
}

/// What was written down before would leave it down after a restart until that canary has passed again.
#[test]
fn a_canary_that_returns_before_its_address_does_is_kept() {
    let mut config = Config::clone(&config(fixture::canary("shallow", 1, 1)));
    config.canaries.push(fixture::canary("deep", 1, 1));
    let regions = config
        .regions
        .iter()
        .map(|(_, region)| Region { canaries: vec![CanaryId(0), CanaryId(1)], ..region.clone() });
    config.regions = Regions::new(regions.collect());
    let (mut monitor, _) = start(Arc::new(config), None, Moment(0));
    let mut sees = |canary, second, is_success| {
        let seen = fixture::result(&monitor.board, 0, canary, second, is_success);
        let findings = monitor.observe(std::slice::from_ref(&seen), seen.at);
        (monitor.board.address(AddressId(0)).state(), findings.is_worth_keeping)
    };
    assert_eq!(sees(0, 1, false), (AddressState::Down, true));
    assert_eq!(sees(1, 2, false), (AddressState::Down, true));
    assert_eq!(sees(1, 3, false), (AddressState::Down, false));
    assert_eq!(sees(0, 4, true), (AddressState::Down, true));
    assert_eq!(sees(1, 5, true), (AddressState::Up, true));
}

#[test]
fn a_reload_keeps_alarms_and_says_nothing_twice() {
    let mut monitor = monitor();
    play(&mut monitor, "3:x 0:o 3:x");
    let late = fixture::result(&monitor.board, 3, 0, 9, true);
    let events = reload(&mut monitor, config(fixture::canary("shallow", 5, 1)), Moment(10_000));
    assert_eq!(events, []);
    assert_eq!(monitor.observe(&[late], Moment(10_000)), Findings::default(), "of the old numbering");
    assert_eq!(monitor.report(7, Moment(10_000)).alarms.len(), 2);
    let seen = fixture::result(&monitor.board, 3, 0, 11, true);
    let findings = monitor.observe(std::slice::from_ref(&seen), seen.at);
    assert_eq!(findings.events.len(), 3, "up again, region back, alarm over");
    assert_eq!(monitor.report(8, Moment(11_000)).alarms, []);
}

#[test]
fn a_restart_takes_up_the_falls_and_rings_again() {
    let mut before = monitor();
    play(&mut before, "3:x 0:o 3:x");
    let memory = before.memory(Moment(3000));
    let (mut after, findings) = start(config(fixture::canary("shallow", 2, 2)), Some(&memory), Moment(9000));
    play(&mut after, "0:o");
    assert!(after.view().steers_like(before.view()));
    let kinds: Vec<_> = findings.events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["health_restored", "region_out", "no_region_available"]);
    let still = "frankfurt is still out of the IPv4 answers: 1 of 1 addresses down (status 503)";
    assert_eq!(findings.events[1].text, still);
}

#[test]
fn a_stale_memory_and_one_of_another_configuration_get_one_warning_each() {
    let mut before = monitor();
    play(&mut before, "3:x 0:o 3:x");
    let memory = before.memory(Moment(3000));
    let say = |memory: &Memory, now| {
        let (_, findings) = start(config(fixture::canary("shallow", 2, 2)), Some(memory), now);
        findings.events.into_iter().map(|event| event.kind.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(say(&memory, Moment(1_203_000)), ["health_stale"]);
    let mut foreign = memory;
    foreign.fallen[0].region = "osaka".to_owned();
    foreign.recoveries.clear();
    assert_eq!(say(&foreign, Moment(3000)), ["health_mismatch"]);
}

#[test]
fn the_report_tells_why_and_since_when() {
    let mut monitor = monitor();
    play(&mut monitor, "0:o 1:x 1:x");
    let report = monitor.report(3, Moment(4000));
    let tokyo = &report.regions[0];
    assert!(tokyo.status[0].is_in_service());
    let address = &tokyo.zones[0].addresses[1];
    assert_eq!((address.state, address.since), (AddressState::Down, Moment(3000)));
    let failure = Failure { class: FailureClass::Status, detail: "status 503".to_owned() };
    assert_eq!(address.why, Some(("shallow".to_owned(), failure)));
    assert_eq!(report.regions[1].zones[0].addresses[0].state, AddressState::Unknown);
}
