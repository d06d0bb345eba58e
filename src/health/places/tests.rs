//! Stories of regions and zones, told in results of canaries and seconds.

use std::time::Duration;

use super::*;
use crate::canary::{
    Canary, CanaryId, Effect, Failure, FailureClass, Observation, Reach, Signal, Signals, Subject,
};
use crate::health::{Stage, fixture};
use crate::region::{AddressId, AvailabilityZone, Minimum, Recovery, Region};
use crate::share::Share;

/// Regions with one address each, or as told; one canary that falls after two failures and rises after one
/// success, and one that probes regions as a whole.
struct Story {
    board: Board,
    places: Places,
    safety: Safety,
    now: Moment,
    turns: Vec<Turn>,
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

impl Story {
    fn of(regions: Vec<Region>) -> Self {
        Self::with(regions, &canaries())
    }

    fn with(regions: Vec<Region>, canaries: &[Canary]) -> Self {
        let regions = Regions::new(regions);
        let now = Moment(0);
        Self {
            board: Board::new(&regions, canaries, now),
            places: Places::new(&regions, now),
            safety: Safety::default(),
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
            self.turns.extend(self.places.update(&self.board, &self.safety, self.now));
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

    fn blank(&self) -> Observation {
        Observation { at: self.now, ..fixture::result(&self.board, 0, 0, 0, true) }
    }

    /// Compares the IPv4 phases of all regions.
    fn expect(&mut self, phases: &str) -> &mut Self {
        let reached = self
            .board
            .regions()
            .iter()
            .map(|(id, _)| self.places.course(Site::Region(id), Family::V4).phase().as_str());
        assert_eq!(reached.collect::<Vec<_>>().join(" "), phases);
        self
    }

    fn stage(&self, region: u8) -> Stage {
        self.places.view(&self.board).stage(RegionId(region), Family::V4).expect("stages are given")
    }

    fn restraint(&self, region: u8) -> Option<Restraint> {
        self.places.restraint(RegionId(region), Family::V4)
    }
}

#[test]
fn a_region_leaves_with_its_addresses_and_comes_back_by_its_course() {
    let mut story = Story::of(regions(3));
    story.play("1 0o 1o 2o 2 0t").expect("suspect healthy healthy");
    assert_eq!(story.stage(0), Stage::Full, "suspicion moves nobody");
    story.play("4 0t").expect("down healthy healthy");
    assert_eq!(story.stage(0), Stage::Out { since: Moment(4000) });
    story.play("6 0o").expect("recovering healthy healthy");
    assert_eq!(story.stage(0), Stage::Waiting);
    assert_eq!(story.places.wake(&story.board, story.now), Some(Moment(64_000)));
    story.play("64").expect("ramp healthy healthy");
    assert_eq!(story.stage(0), Stage::Part(Share::percent(10)));
    story.play("124 184").expect("healthy healthy healthy");
    assert_eq!(story.turns.len(), 3 + 6, "three starts, and six turns of tokyo");
}

#[test]
fn every_region_sick_in_the_same_minute_for_the_same_reason_moves_nobody() {
    let mut story = Story::of(regions(4));
    story.play("1 0o 1o 2o 3o 10 0s 1s 2s 3s 12 0s 1s 2s 3s").expect("suspect suspect suspect suspect");
    assert_eq!(story.restraint(0), Some(Restraint::Shared(FailureClass::Status)));
    assert_eq!(story.stage(0), Stage::Full);
    story.play("300").expect("suspect suspect suspect suspect");
    story.play("310 0o 1o 2o 3o").expect("healthy healthy healthy healthy");
}

#[test]
fn a_really_dead_region_leaves_while_the_others_have_a_shared_cause() {
    let mut story = Story::of(regions(6));
    story.play("1 0o 1o 2o 3o 4o 5o 10 0r 1t 2t 3t 4t 5t 12 0r 1t 2t 3t 4t 5t");
    story.expect("down suspect suspect suspect suspect suspect");
}

#[test]
fn those_who_are_sick_a_minute_after_the_others_have_recovered_leave() {
    let mut story = Story::of(regions(4));
    story.play("1 0o 1o 2o 3o 10 0s 1s 2s 3s 12 0s 1s 2s 3s 20 1o 2o 3o");
    story.expect("suspect healthy healthy healthy").play("79").expect("suspect healthy healthy healthy");
    story.play("81").expect("down healthy healthy healthy");
}

#[test]
fn a_region_that_fell_before_the_others_were_heard_is_acquitted() {
    let mut story = Story::of(regions(3));
    story.play("1 0o 1o 2o 10 0s 12 0s").expect("down healthy healthy");
    story.play("14 1s 16 1s").expect("suspect suspect healthy");
    assert_eq!(story.stage(0), Stage::Full);
    assert_eq!(story.places.course(Site::Region(RegionId(0)), Family::V4).falls(), []);
}

#[test]
fn a_fall_waits_for_the_unheard_only_when_others_ail_alike() {
    let mut story = Story::of(regions(6));
    story.play("1 0o 1o 2o 3o 4o 5o 10 0s 11 1s 12 0s");
    story.expect("suspect suspect healthy healthy healthy healthy");
    assert_eq!(story.restraint(0), Some(Restraint::Undecided(FailureClass::Status)));
    story.play("13 2o 3o 4o").expect("suspect suspect healthy healthy healthy healthy");
    assert_eq!(story.places.wake(&story.board, story.now), Some(Moment(14_000)));
    story.play("14 5o").expect("down suspect healthy healthy healthy healthy");
}

#[test]
fn min_in_service_is_never_broken() {
    let mut story = Story::of(regions(3));
    story.safety.min_in_service = Some(Minimum::Count(2));
    story.play("1 0o 1o 2o 10 0r 12 0r 100 1r 102 1r").expect("down suspect healthy");
    assert_eq!(story.restraint(1), Some(Restraint::MinInService));
    assert_eq!(story.stage(1), Stage::Full);
    story.play("200 0o 202").expect("ramp down healthy");
}

#[test]
fn a_region_that_times_out_because_it_is_full_stays_until_its_report_is_stale() {
    let mut story = Story::of(regions(3));
    story.play("1 0o 1o 2o 5").hear(0, &[(Signal::Load, 0.93)]).play("10 0t 12 0t");
    story.expect("suspect healthy healthy");
    assert_eq!(story.restraint(0), Some(Restraint::Overload(0.93)));
    story.play("36").expect("down healthy healthy");
    let mut idle = Story::of(regions(3));
    idle.play("1 0o 1o 2o 5").hear(0, &[(Signal::Load, 0.3)]).play("10 0t 12 0t");
    idle.expect("down healthy healthy");
}

#[test]
fn advice_is_given_and_moves_nobody_and_off_says_nothing() {
    let mut all = regions(3);
    all[0].failover = Failover::Advise;
    all[1].failover = Failover::Off;
    let mut story = Story::of(all);
    story.play("1 0o 1o 2o 10 0r 12 0r 100 1r 102 1r").expect("down suspect healthy");
    assert_eq!([story.stage(0), story.stage(1)], [Stage::Full; 2]);
    assert_eq!(story.restraint(0), Some(Restraint::Failover(Failover::Advise)));
}

#[test]
fn a_canary_of_the_whole_region_takes_it_out_or_lowers_its_share() {
    let mut story = Story::of(regions(2));
    story.play("1 0o 1o R0o 10 R0s 12 R0s").expect("down healthy");
    let advisory = Effect::Advisory(Share::percent(30));
    let [shallow, whole] = canaries();
    let mut story = Story::with(regions(2), &[shallow, Canary { effect: advisory, ..whole }]);
    story.play("1 0o 1o R0o 10 R0s 12 R0s").expect("healthy healthy");
    assert_eq!(story.stage(0), Stage::Part(Share::percent(30)));
}

/// One region with two zones of one address each.
fn two_zones() -> Vec<Region> {
    let zone = |name: &str, ip: &str| AvailabilityZone {
        name: name.to_owned(),
        addresses: vec![ip.parse().expect("an address")],
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
    let mut story = Story::of(two_zones());
    story.play("1 0o 1o 2o 10 0r 12 0r").expect("healthy healthy");
    let zone = Site::Zone(ZoneId(0));
    assert_eq!(story.places.course(zone, Family::V4).phase(), Phase::Down);
    assert_eq!(story.stage(0), Stage::Full);
    assert!((story.places.present(RegionId(0), &story.board, |_| Share::ALL) - 0.5).abs() < 1e-9);
    story.play("20 0o 72").expect("healthy healthy");
    let view = story.places.view(&story.board);
    assert_eq!([0, 1].map(|id| view.share(AddressId(id))), [Share::percent(10), Share::ALL]);
    assert!((story.places.present(RegionId(0), &story.board, |_| Share::ALL) - 0.55).abs() < 1e-9);
}

#[test]
fn an_advisory_canary_lowers_the_share_of_an_address_and_of_a_region_that_has_no_better_one() {
    let advisory = Canary { effect: Effect::Advisory(Share::HALF), ..fixture::canary("deep", 2, 1) };
    let mut story = Story::with(two_zones(), &[advisory, canaries()[1].clone()]);
    story.play("1 0o 1o 2o 10 0s 2s 12 0s 2s").expect("healthy healthy");
    let view = story.places.view(&story.board);
    assert_eq!([0, 1].map(|id| view.share(AddressId(id))), [Share::HALF, Share::ALL]);
    assert_eq!([story.stage(0), story.stage(1)], [Stage::Full, Stage::Part(Share::HALF)]);
}

#[test]
fn a_gray_region_is_degraded_after_two_windows_and_leaves_after_four() {
    let mut story = Story::of(regions(3));
    story.play("1 0o 1o 2o");
    let mut stages = Vec::new();
    for window in 1..=5u64 {
        let (heard, end) = (window * 30 - 5, window * 30);
        story.play(&heard.to_string());
        for (address, errors) in [(0, 0.2), (1, 0.002), (2, 0.004)] {
            story.hear(address, &[(Signal::ErrorRate, errors), (Signal::Requests, 5000.0)]);
        }
        story.play(&end.to_string());
        stages.push(story.stage(0).share());
    }
    assert_eq!(stages, [Share::ALL, Share::HALF, Share::HALF, Share::NONE, Share::NONE]);
    story.expect("down healthy healthy");
}

#[test]
fn a_closed_gate_sends_a_ramp_back() {
    let mut story = Story::of(regions(3));
    story.play("1 0o 1o 2o 10 0r 12 0r 80 0o").expect("ramp healthy healthy");
    story.play("130").hear(0, &[(Signal::ErrorRate, 0.3)]).play("140");
    let phase = story.places.course(Site::Region(RegionId(0)), Family::V4).phase();
    assert_eq!(phase, Phase::Ramp { step: 0, has_slipped: true });
}

#[test]
fn courses_survive_a_reload_and_a_restart() {
    let mut story = Story::of(regions(3));
    story.play("1 0o 1o 2o 10 0r 12 0r 30 0o").expect("recovering healthy healthy");
    let mut fewer = regions(3);
    fewer.remove(1);
    let after = Regions::new(fewer);
    let reloaded = story.places.reload(story.board.regions(), &after, story.now);
    let site = Site::Region(RegionId(0));
    assert_eq!(reloaded.course(site, Family::V4), story.places.course(site, Family::V4));
    let remembered = reloaded.remember(&after);
    assert_eq!(remembered.len(), 1);
    let mut reborn = Places::new(&after, Moment(40_000));
    reborn.adopt(&remembered, &[], &after, Moment(40_000));
    assert_eq!(reborn.course(site, Family::V4), reloaded.course(site, Family::V4));
}

#[test]
fn an_operator_lets_a_held_region_back_with_its_zones() {
    let mut manual = regions(2);
    manual[0].recovery = Recovery {
        failback: crate::region::Failback::Manual,
        min_down: Duration::ZERO,
        ..Recovery::default()
    };
    let mut story = Story::of(manual);
    story.play("1 0o 1o 10 0r 12 0r 30 0o").expect("held healthy");
    let turns = story.places.fail_back(RegionId(0), story.board.regions(), story.now);
    assert_eq!(turns.len(), 1);
    story.expect("ramp healthy");
}
