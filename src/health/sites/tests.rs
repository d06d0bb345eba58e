//! Stories of regions and zones, told in results of canaries and seconds.

use std::time::Duration;

use super::*;
use crate::canary::{
    Canary, CanaryId, Criticality, Failure, FailureClass, Observation, Reach, ReferenceSighting, Signal,
    Signals, Subject,
};
use crate::health::{SiteShare, Status, fixture};
use crate::region::{AddressId, AvailabilityZone, Minimum, Recovery, Region};
use crate::share::Share;

/// Regions with one address each, or as told; one canary that falls after two failures and rises after one
/// success, and one that probes regions as a whole.
struct Scenario {
    board: Board,
    sites: Sites,
    safety: Safety,
    pools: Vec<RegionSet>,
    now: Moment,
    turns: Vec<PhaseChange>,
}

const NAMES: [&str; 6] = ["tokyo", "osaka", "oregon", "virginia", "frankfurt", "dublin"];

fn regions(count: usize) -> Vec<Region> {
    let region = |(index, name): (usize, &&str)| Region {
        canaries: vec![CanaryId(0), CanaryId(1)],
        ..fixture::region(name, &[format!("192.0.2.{}", index + 1)])
    };
    NAMES.iter().enumerate().take(count).map(region).collect()
}

fn canaries() -> [Canary; 2] {
    [fixture::canary("shallow", 2, 1), Canary { reach: Reach::Region, ..fixture::canary("whole", 2, 1) }]
}

impl Scenario {
    fn of(regions: Vec<Region>) -> Self {
        Self::with(regions, &canaries())
    }

    fn with(regions: Vec<Region>, canaries: &[Canary]) -> Self {
        let regions = Regions::new(regions);
        let now = Moment(0);
        Self {
            board: Board::new(&regions, canaries, now),
            sites: Sites::new(&regions, now),
            safety: Safety::default(),
            pools: vec![RegionSet::ALL],
            now,
            turns: Vec::new(),
        }
    }

    /// Plays words: `12` the time is second 12, `0t` address 0 times out, `0s` bad status, `0r` refuses, `0o`
    /// answers; `R0s` the region 0 as a whole.
    fn play(&mut self, words: &str) -> &mut Self {
        for word in words.split_whitespace() {
            match word.parse::<u64>() {
                Ok(second) => self.now = Moment(second * 1000),
                Err(_) => self.probe(word),
            }
            self.turns.extend(self.sites.update(&self.board, &self.safety, &self.pools, self.now));
        }
        self
    }

    fn probe(&mut self, word: &str) {
        let (subject, result) = word.split_at(word.len() - 1);
        let (subject, canary) = match subject.strip_prefix('R') {
            Some(region) => (Subject::Region(RegionId(region.parse().expect("a region"))), CanaryId(1)),
            None => (Subject::Address(AddressId(subject.parse().expect("an address"))), CanaryId(0)),
        };
        let class = match result {
            "t" => Some(FailureClass::Timeout),
            "s" => Some(FailureClass::Status),
            "r" => Some(FailureClass::Refused),
            _ => None,
        };
        let failure = class.map(|class| Failure { class, detail: String::new() });
        let seen = Observation { subject, canary, result: failure.map_or(Ok(()), Err), ..self.blank() };
        self.board.observe(&seen);
    }

    /// Lets an address report.
    fn hear(&mut self, address: u32, report: &[(Signal, f64)]) -> &mut Self {
        let mut signals = Signals::default();
        report.iter().for_each(|(signal, value)| signals.set(*signal, *value));
        let subject = Subject::Address(AddressId(address));
        self.board.observe(&Observation { subject, signals: Some(signals), ..self.blank() });
        self
    }

    /// Watches these references, which answer at once.
    fn refer(&mut self, names: &[&str]) -> &mut Self {
        let all: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        self.board.references.watch(&all, self.now);
        names.iter().for_each(|name| self.answer(name));
        self
    }

    /// Lets a reference answer now.
    fn answer(&mut self, name: &str) {
        self.board.references.observe(&ReferenceSighting {
            name: name.to_owned(),
            at: self.now,
            result: Ok(()),
        });
    }

    fn blank(&self) -> Observation {
        Observation { at: self.now, ..fixture::result(&self.board, 0, 0, 0, true) }
    }

    /// Compares the IPv4 phases of all regions.
    fn expect(&mut self, phases: &str) -> &mut Self {
        let reached = self
            .board
            .regions()
            .iter()
            .map(|(id, _)| self.sites.recovery(Site::Region(id), Family::V4).phase().as_str());
        assert_eq!(reached.collect::<Vec<_>>().join(" "), phases);
        self
    }

    fn status(&self, site: impl Into<Site>) -> Status {
        *self.sites.view(&self.board).status(site, Family::V4)
    }

    fn share(&self, region: u8) -> SiteShare {
        self.status(RegionId(region)).share
    }

    fn suppression(&self, region: u8) -> Option<Suppression> {
        self.status(RegionId(region)).suppression
    }
}

#[test]
fn a_region_leaves_with_its_addresses_and_comes_back_by_its_course() {
    let mut scenario = Scenario::of(regions(3));
    scenario.play("1 0o 1o 2o 2 0t 3 1o").expect("suspect healthy healthy");
    assert_eq!(scenario.share(0), SiteShare::Full, "suspicion moves nobody");
    scenario.play("4 0t").expect("down healthy healthy");
    assert_eq!(scenario.share(0), SiteShare::Yielding { since: Moment(4000) });
    scenario.play("6 0o").expect("recovering healthy healthy");
    assert_eq!(scenario.share(0), SiteShare::Waiting);
    assert_eq!(scenario.sites.wake(&scenario.board, scenario.now), Some(Moment(64_000)));
    scenario.play("64").expect("ramp healthy healthy");
    assert_eq!(scenario.share(0), SiteShare::Part(Share::percent(10)));
    scenario.play("124 184").expect("healthy healthy healthy");
    assert_eq!(scenario.turns.len(), 3 + 6, "three starts, and six turns of tokyo");
}

#[test]
fn every_region_sick_in_the_same_minute_for_the_same_reason_moves_nobody() {
    let mut scenario = Scenario::of(regions(4));
    scenario.play("1 0o 1o 2o 3o 10 0s 1s 2s 3s 12 0s 1s 2s 3s").expect("suspect suspect suspect suspect");
    assert_eq!(scenario.suppression(0), Some(Suppression::Correlated(FailureClass::Status, Moment(130_000))));
    assert_eq!(scenario.share(0), SiteShare::Kept(Share::ALL));
    scenario.play("300").expect("suspect suspect suspect suspect");
    scenario.play("310 0o 1o 2o 3o").expect("healthy healthy healthy healthy");
}

#[test]
fn a_really_dead_region_leaves_while_the_others_have_a_shared_cause() {
    let mut scenario = Scenario::of(regions(6));
    scenario.play("1 0o 1o 2o 3o 4o 5o 10 0r 1t 2t 3t 4t 5t 12 0r 1t 2t 3t 4t 5t");
    scenario.expect("down suspect suspect suspect suspect suspect");
}

#[test]
fn the_hold_ends_when_the_others_are_well() {
    let mut scenario = Scenario::of(regions(4));
    scenario.play("1 0o 1o 2o 3o 10 0s 1s 11 3o 12 0s 1s").expect("down suspect healthy healthy");
    scenario.play("20 0o").expect("recovering down healthy healthy");
}

#[test]
fn the_hold_ends_when_a_majority_of_the_references_has_answered_since_the_first_failed_probe() {
    let mut scenario = Scenario::of(regions(4));
    scenario.refer(&["a", "b", "c"]).play("1 0o 1o 2o 3o 10 0s 1s 11");
    scenario.answer("a");
    scenario.play("2o 3o 12 0s 1s 13").expect("down suspect healthy healthy");
    assert_eq!(scenario.suppression(1), Some(Suppression::Correlated(FailureClass::Status, Moment(130_000))));
    scenario.answer("b");
    scenario.play("14").expect("down down healthy healthy");
}

#[test]
fn no_region_leaves_while_half_refuse_and_no_reference_answers_and_for_a_minute_after() {
    let mut scenario = Scenario::of(regions(4));
    scenario.refer(&["a"]).play("1 0o 1o 2o 3o 10 0r 1r 11 2o 3o 12 0r 1r");
    scenario.expect("suspect suspect healthy healthy");
    assert_eq!(scenario.suppression(0), Some(Suppression::Blind));
    assert_eq!(scenario.share(0), SiteShare::Kept(Share::ALL));
    scenario.play("600").expect("suspect suspect healthy healthy");
    scenario.answer("a");
    scenario.play("660").expect("suspect suspect healthy healthy");
    scenario.play("661").expect("down down healthy healthy");
}

#[test]
fn one_region_that_refuses_leaves_though_no_reference_answers() {
    let mut scenario = Scenario::of(regions(4));
    scenario
        .refer(&["a"])
        .play("1 0o 1o 2o 3o 10 0r 11 1o 2o 3o 12 0r")
        .expect("down healthy healthy healthy");
}

#[test]
fn who_is_still_sick_when_everything_comes_back_leaves_a_minute_later_and_not_at_once() {
    let mut scenario = Scenario::of(regions(4));
    scenario.play("1 0o 1o 2o 3o 10 0s 1s 2s 3s 12 0s 1s 2s 3s").expect("suspect suspect suspect suspect");
    scenario.play("20 1o 2o 3o").expect("suspect healthy healthy healthy");
    scenario
        .play("80")
        .expect("suspect healthy healthy healthy")
        .play("81")
        .expect("down healthy healthy healthy");
}

#[test]
fn a_region_that_left_stays_out_when_another_one_fails_alike_and_that_one_waits_for_two_minutes() {
    let mut scenario = Scenario::of(regions(3));
    scenario.play("1 0o 1o 2o 10 0s 11 2o 12 0s").expect("down healthy healthy");
    scenario.play("14 1s 15 2o 16 1s").expect("down suspect healthy");
    assert_eq!(scenario.suppression(1), Some(Suppression::Correlated(FailureClass::Status, Moment(130_000))));
    scenario.play("129").expect("down suspect healthy").play("130").expect("down down healthy");
}

#[test]
fn one_missed_probe_of_the_backup_does_not_bring_back_the_primary() {
    let mut scenario = Scenario::of(regions(2));
    scenario.play("1 0o 1o 10 0s 11 1o 12 0s").expect("down healthy").play("14 1s").expect("down suspect");
}

#[test]
fn a_soft_failure_waits_until_another_region_has_passed_a_probe_since() {
    let mut scenario = Scenario::of(regions(6));
    scenario.play("1 0o 1o 2o 3o 4o 5o 10 0s 11 1s 12 0s");
    scenario.expect("suspect suspect healthy healthy healthy healthy");
    assert_eq!(scenario.suppression(0), Some(Suppression::Unheard));
    assert_eq!(scenario.sites.wake(&scenario.board, scenario.now), Some(Moment(13_000)));
    scenario.play("13 2o").expect("down suspect healthy healthy healthy healthy");
}

#[test]
fn a_third_of_the_regions_stays_in_the_answers_while_soft_failures_creep_and_refusals_leave_all_the_same() {
    let mut scenario = Scenario::of(regions(6));
    scenario.play("1 0o 1o 2o 3o 4o 5o");
    for (region, start) in [(0, 100), (1, 200), (2, 300), (3, 400), (4, 500)] {
        scenario.play(&format!("{start} {region}t {} 5o {} {region}t", start + 1, start + 2));
    }
    scenario.expect("down down down down suspect healthy");
    assert_eq!(scenario.suppression(4), Some(Suppression::Keep));
    scenario.play("600 4r 602 4r").expect("down down down down down healthy");
}

#[test]
fn a_region_that_fails_after_it_was_given_clients_leaves_in_steps() {
    let mut scenario = Scenario::of(regions(4));
    scenario.play("1 0o 1o 2o 3o 100 0t 101 1o 102 0t").expect("down healthy healthy healthy");
    scenario.sites.note_guests(RegionId(1), Some(scenario.now));
    scenario.play("200 1t 201 2o 202 1t").expect("down suspect healthy healthy");
    assert_eq!(scenario.share(1).share(), Share::percent(80));
    scenario.play("800");
    assert_eq!(scenario.share(1).share(), Share::percent(60));
    scenario.play("2600").expect("down down healthy healthy");
}

#[test]
fn the_first_region_back_from_an_outage_of_everything_has_its_clients_at_once_and_so_have_the_others() {
    let mut scenario = Scenario::of(regions(3));
    scenario.play("1 0o 1o 2o 10 0r 1r 2r 12 0r 1r 2r").expect("down down down");
    scenario.play("200 0o").expect("healthy down down").play("202 1o 2o").expect("healthy healthy healthy");
}

#[test]
fn what_waits_serves_at_once_when_nothing_else_does() {
    let mut scenario = Scenario::of(regions(2));
    scenario.play("1 0o 1o 10 0r 12 0r 20 0o").expect("recovering healthy");
    scenario.play("30 1r 32 1r").expect("healthy down");
}

#[test]
fn min_in_service_is_never_broken() {
    let mut scenario = Scenario::of(regions(3));
    scenario.safety.min_in_service = Some(Minimum::Count(2));
    scenario.play("1 0o 1o 2o 10 0r 12 0r 100 1r 102 1r").expect("down suspect healthy");
    assert_eq!(scenario.suppression(1), Some(Suppression::MinInService));
    assert_eq!(scenario.share(1), SiteShare::Kept(Share::ALL));
    scenario.play("200 0o 202").expect("ramp down healthy");
}

#[test]
fn a_region_that_times_out_because_it_is_full_stays_until_its_report_is_stale() {
    let mut scenario = Scenario::of(regions(3));
    scenario.play("1 0o 1o 2o 5").hear(0, &[(Signal::Load, 0.93)]).play("10 0t 12 0t");
    scenario.expect("suspect healthy healthy");
    assert_eq!(scenario.suppression(0), Some(Suppression::Overload(0.93)));
    scenario.play("20 1o 2o 36").expect("down healthy healthy");
    let mut idle = Scenario::of(regions(3));
    idle.play("1 0o 1o 2o 5").hear(0, &[(Signal::Load, 0.3)]).play("10 0t 11 1o 12 0t");
    idle.expect("down healthy healthy");
}

#[test]
fn advice_is_given_and_moves_nobody_and_off_says_nothing() {
    let mut all = regions(3);
    all[0].failover = Failover::Advise;
    all[1].failover = Failover::Off;
    let mut scenario = Scenario::of(all);
    scenario.play("1 0o 1o 2o 10 0r 12 0r 100 1r 102 1r").expect("down suspect healthy");
    assert_eq!([scenario.share(0), scenario.share(1)], [SiteShare::Full; 2]);
    assert_eq!(scenario.suppression(0), Some(Suppression::Failover(Failover::Advise)));
}

#[test]
fn a_canary_of_the_whole_region_takes_it_out_or_lowers_its_share() {
    let mut scenario = Scenario::of(regions(2));
    scenario.play("1 0o 1o R0o 10 R0s 11 1o 12 R0s").expect("down healthy");
    let advisory = Criticality::Advisory(Share::percent(30));
    let [shallow, whole] = canaries();
    let mut scenario = Scenario::with(regions(2), &[shallow, Canary { effect: advisory, ..whole }]);
    scenario.play("1 0o 1o R0o 10 R0s 12 R0s").expect("healthy healthy");
    assert_eq!(scenario.share(0), SiteShare::Part(Share::percent(30)));
}

/// One region with two zones of one address each.
fn two_zones() -> Vec<Region> {
    let zone = |name: &str, ip: &str| AvailabilityZone {
        name: name.to_owned(),
        addresses: vec![ip.parse().expect("an address")],
        host: None,
    };
    let zones = vec![zone("a", "192.0.2.1"), zone("b", "192.0.2.2")];
    let [first, second] = <[Region; 2]>::try_from(regions(2)).expect("two");
    let elsewhere = AvailabilityZone {
        addresses: vec!["192.0.2.3".parse().expect("an address")],
        ..second.zones[0].clone()
    };
    vec![Region { zones, ..first }, Region { zones: vec![elsewhere], ..second }]
}

#[test]
fn a_zone_is_lost_without_its_region_and_takes_half_of_the_capacity_along() {
    let mut scenario = Scenario::of(two_zones());
    scenario.play("1 0o 1o 2o 10 0r 12 0r").expect("healthy healthy");
    let zone = scenario.status(ZoneId(0));
    assert_eq!((zone.phase, zone.share), (Phase::Down, SiteShare::Out { since: Moment(12_000) }));
    assert_eq!(scenario.share(0), SiteShare::Full);
    let present = |scenario: &Scenario, now| {
        scenario.sites.present(RegionId(0), &scenario.board, Moment(now), |_| Share::ALL)
    };
    assert!((present(&scenario, 12_000) - 0.5).abs() < 1e-9);
    scenario.play("20 0o 72").expect("healthy healthy");
    let view = scenario.sites.view(&scenario.board);
    assert_eq!([0, 1].map(|id| view.share(AddressId(id))), [Share::percent(10), Share::ALL]);
    let zone = scenario.status(ZoneId(0));
    assert_eq!((zone.phase, zone.share), (Phase::Ramp, SiteShare::Part(Share::percent(10))));
    assert!((present(&scenario, 72_000) - 0.55).abs() < 1e-9);
}

#[test]
fn a_zone_that_was_kept_with_its_region_falls_a_minute_later_though_nothing_more_is_seen() {
    let mut scenario = Scenario::of(two_zones());
    // It is kept until the other one has passed a probe since.
    scenario.play("1 0o 1o 2o 10 0t 1t 12 0t 1t").expect("suspect healthy");
    scenario.play("20 2o").expect("down healthy");
    assert_ne!(
        scenario.status(ZoneId(0)).phase,
        Phase::Down,
        "kept with its region, and for a minute longer"
    );
    let wakes = std::iter::successors(Some(scenario.now), |now| scenario.sites.wake(&scenario.board, *now));
    assert!(wakes.take(100).any(|wake| wake == Moment(80_000)), "it is looked at again");
    scenario.play("80");
    assert_eq!(scenario.status(ZoneId(0)).phase, Phase::Down);
}

#[test]
fn a_zone_that_fell_while_the_rest_of_its_region_is_suspect_is_no_lost_capacity_until_that_is_decided() {
    let mut scenario = Scenario::of(two_zones());
    scenario.play("1 0o 1o 2o 10 0r 12 1t 0r").expect("suspect healthy");
    let present = |scenario: &Scenario, now| {
        scenario.sites.present(RegionId(0), &scenario.board, Moment(now), |_| Share::ALL)
    };
    assert!(
        (present(&scenario, 12_000) - 1.0).abs() < 1e-9,
        "in a moment the region is gone, or half of it is"
    );
    assert!((present(&scenario, 43_000) - 0.5).abs() < 1e-9, "that does not last for ever");
    scenario.play("14 1o").expect("healthy healthy");
    assert!((present(&scenario, 14_000) - 0.5).abs() < 1e-9, "the other one is well");
}

#[test]
fn an_advisory_canary_lowers_the_share_of_an_address_and_of_a_region_that_has_no_better_one() {
    let advisory = Canary { effect: Criticality::Advisory(Share::HALF), ..fixture::canary("deep", 2, 1) };
    let mut scenario = Scenario::with(two_zones(), &[advisory, canaries()[1].clone()]);
    scenario.play("1 0o 1o 2o 10 0s 2s 12 0s 2s").expect("healthy healthy");
    let view = scenario.sites.view(&scenario.board);
    assert_eq!([0, 1].map(|id| view.share(AddressId(id))), [Share::HALF, Share::ALL]);
    assert_eq!([scenario.share(0), scenario.share(1)], [SiteShare::Full, SiteShare::Part(Share::HALF)]);
}

#[test]
fn a_gray_region_is_degraded_after_two_windows_and_leaves_after_four() {
    let mut scenario = Scenario::of(regions(3));
    scenario.play("1 0o 1o 2o");
    let mut shares = Vec::new();
    for window in 1..=5u64 {
        let (heard, end) = (window * 30 - 5, window * 30);
        scenario.play(&heard.to_string());
        for (address, errors) in [(0, 0.2), (1, 0.002), (2, 0.004)] {
            scenario.hear(address, &[(Signal::ErrorRate, errors), (Signal::Requests, 5000.0)]);
        }
        scenario.play(&end.to_string());
        shares.push(scenario.share(0).share());
    }
    assert_eq!(shares, [Share::ALL, Share::HALF, Share::HALF, Share::NONE, Share::NONE]);
    scenario.expect("down healthy healthy");
}

#[test]
fn a_closed_gate_sends_a_ramp_back() {
    let mut scenario = Scenario::of(regions(3));
    scenario.play("1 0o 1o 2o 10 0r 12 0r 80 0o").expect("ramp healthy healthy");
    scenario.play("130").hear(0, &[(Signal::ErrorRate, 0.3)]).play("140");
    let turn = scenario.turns.last().expect("a turn");
    assert_eq!((turn.from, turn.to, turn.goes_back), (Phase::Ramp, Phase::Ramp, true));
}

#[test]
fn courses_survive_a_reload_and_a_restart() {
    let mut scenario = Scenario::of(regions(3));
    scenario.play("1 0o 1o 2o 10 0r 12 0r 30 0o").expect("recovering healthy healthy");
    let mut fewer = regions(3);
    fewer.remove(1);
    let after = Regions::new(fewer);
    let reloaded = scenario.sites.reload(scenario.board.regions(), &after, scenario.now);
    let site = Site::Region(RegionId(0));
    assert_eq!(reloaded.recovery(site, Family::V4), scenario.sites.recovery(site, Family::V4));
    let remembered = reloaded.remember(&after);
    assert_eq!(remembered.len(), 1);
    let mut reborn = Sites::new(&after, Moment(40_000));
    reborn.adopt(&remembered, &[], &after, Moment(40_000));
    assert_eq!(reborn.recovery(site, Family::V4), reloaded.recovery(site, Family::V4));
}

#[test]
fn an_operator_lets_a_held_region_back_with_its_zones() {
    let mut manual = regions(2);
    manual[0].recovery = Recovery {
        failback: crate::region::Failback::Manual,
        min_down: Duration::ZERO,
        ..Recovery::default()
    };
    let mut scenario = Scenario::of(manual);
    scenario.play("1 0o 1o 10 0r 12 0r 30 0o").expect("held healthy");
    let turns = scenario.sites.fail_back(RegionId(0), scenario.board.regions(), scenario.now);
    assert_eq!(turns.len(), 1);
    scenario.expect("ramp healthy");
}

#[test]
fn a_region_that_lost_its_last_address_of_a_family_to_a_reload_is_not_down_in_it_for_ever() {
    let mut both = regions(2);
    both[0].zones[0].addresses.push("2001:db8::1".parse().expect("an address"));
    let mut scenario = Scenario::of(both);
    scenario.play("1 0o 1o 2o 10 1r 12 1r");
    let site = Site::Region(RegionId(0));
    assert!(!scenario.sites.is_stable(site), "its IPv6 address is down");
    let after = Regions::new(regions(2));
    let reloaded = scenario.sites.reload(scenario.board.regions(), &after, scenario.now);
    assert!(reloaded.is_stable(site));
    let mut reborn = Sites::new(&after, scenario.now);
    reborn.adopt(&scenario.sites.remember(scenario.board.regions()), &[], &after, scenario.now);
    assert!(reborn.is_stable(site), "nor by what an earlier life remembers");
}

#[test]
fn a_dead_region_is_not_brought_back_by_a_restart_while_the_machine_is_frozen() {
    let mut scenario = Scenario::of(regions(2));
    scenario.play("1 0o 1o 10 0r 12 0r").expect("down healthy");
    let regions = scenario.board.regions().clone();
    let remembered = scenario.sites.remember(&regions);
    scenario.sites = Sites::new(&regions, scenario.now);
    scenario.sites.instruct(&[Failover::Off; 2], RegionSet::NONE);
    scenario.sites.adopt(&remembered, &[], &regions, scenario.now);
    scenario.play("200").expect("down healthy");
}

#[test]
fn a_region_that_an_operator_has_disabled_is_not_in_service_when_another_one_flaps() {
    let falls = [10, 100, 300].map(|at| format!("{at} 0s 0s {} 1o 2o 3o {} 0o ", at + 1, at + 10));
    let flaps = format!("1 0o 1o 2o 3o {}", falls.concat());
    let quarantined = |disabled: &[u8]| {
        let mut scenario = Scenario::of(regions(4));
        let withdrawn = disabled.iter().map(|id| RegionId(*id)).collect();
        scenario.sites.instruct(&[Failover::Auto; 4], withdrawn);
        scenario.play(&flaps);
        scenario.status(RegionId(0)).phase == Phase::Quarantined
    };
    assert!(quarantined(&[]) && quarantined(&[3]), "two of the other three serve");
    assert!(!quarantined(&[2, 3]), "one of the other three serves");
}
