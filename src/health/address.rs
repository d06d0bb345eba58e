//! What is known of one address, or of one region as a whole: a record for each of the canaries that
//! watch it, and where they leave it.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::correlation::RegionFailure;
use super::{AddressState, Standing, Streak};
use crate::canary::{BlindProbe, Blindness, Canary, CanaryId, Criticality, Failure, Heard, Observation};
use crate::moment::{Moment, follows_clock};
use crate::share::Share;

/// What is known of one address, or of one region as a whole.
///
/// `state` is always the worst state among the critical `records`, or up when there are none.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressHealth {
    state: AddressState,
    since: Moment,
    /// When the first probe failed since it was last up; `None`: it is up, or that was not seen.
    failing_since: Option<Moment>,
    records: Vec<CanaryRecord>,
}

/// What is known by one canary.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryRecord {
    pub canary: CanaryId,
    /// What its fall does.
    pub effect: Criticality,
    pub streak: Streak,
    /// When the streak's state began; rising does not interrupt being down.
    pub since: Moment,
    /// Its last result; `None` before the first.
    pub last: Option<LastResult>,
    /// When a probe succeeded last; `None`: none has.
    pub succeeded: Option<Moment>,
    /// Its last failure, kept when successes follow it.
    pub failure: Option<Failure>,
    /// The last signals that it heard, however old.
    pub heard: Option<Heard>,
    /// What keeps this instance from seeing by it; `None`: its last probe could be made, or none was due yet.
    pub blind: Option<BlindSpot>,
}

/// What this instance cannot see: a canary whose probes it cannot make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindSpot {
    /// When the first probe could not be made since the last one that could.
    pub since: Moment,
    /// Why the last one could not.
    pub blindness: Blindness,
}

/// The last result of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastResult {
    /// When it was known.
    pub at: Moment,
    /// How long the probe took.
    pub latency: Duration,
    /// Whether it was a success.
    pub is_success: bool,
}

/// Why an address is not up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The canary that says so.
    pub canary: CanaryId,
    /// How often it has failed in a row; zero while it rises.
    pub failures: u32,
    /// Its last failure.
    pub failure: Failure,
}

impl AddressHealth {
    /// Returns the track of an address that these records are about, as of `now`.
    pub(super) fn new(records: Vec<CanaryRecord>, now: Moment) -> Self {
        let mut track = Self { state: AddressState::Up, since: now, failing_since: None, records };
        track.judge();
        track.since = track.worst().map_or(now, |record| record.since);
        track
    }

    /// Returns the track that several observers agree on, after the last one. It began to fail at `failing` if it had
    /// not before.
    pub(super) fn joined(
        records: Vec<CanaryRecord>,
        failing: Option<Moment>,
        last: &Self,
        now: Moment,
    ) -> Self {
        let mut track = Self::new(records, now);
        track.continues(last);
        track.failing_since = match track.state {
            AddressState::Unknown | AddressState::Up => None,
            AddressState::Suspect | AddressState::Rising | AddressState::Down => {
                last.failing_since.or(failing)
            }
        };
        track
    }

    /// Takes over from what this instance sees what is measured, and no verdict.
    pub(super) fn follow(&mut self, own: &Self) {
        for (record, own) in self.records.iter_mut().zip(&own.records) {
            (record.last, record.heard) = (own.last, own.heard);
            record.succeeded = record.succeeded.max(own.succeeded);
            record.blind.clone_from(&own.blind);
        }
    }

    /// Counts one result, and returns whether its canary has fallen or returned by it.
    pub(super) fn count(&mut self, seen: &Observation, canary: &Canary) -> bool {
        let Some(record) = self.records.iter_mut().find(|record| record.canary == seen.canary) else {
            return false;
        };
        let was_down = record.streak.state().is_down();
        record.count(seen, canary);
        let has_turned = record.streak.state().is_down() != was_down;
        let was = self.state;
        self.judge();
        if !is_one_spell(was, self.state) {
            self.since = seen.at;
        }
        self.failing_since = match self.state {
            AddressState::Unknown | AddressState::Up => None,
            AddressState::Suspect | AddressState::Rising | AddressState::Down => {
                self.failing_since.or(seen.result.is_err().then_some(seen.at))
            }
        };
        has_turned
    }

    /// Notes that a canary could not probe, which counts nothing, and returns whether that is news.
    pub(super) fn blind(&mut self, probe: &BlindProbe) -> bool {
        let record = self.records.iter_mut().find(|record| record.canary == probe.canary);
        record.is_some_and(|record| record.go_blind(probe))
    }

    /// Lets the spell that the address was in before a reload go on, if it does.
    pub(super) fn continues(&mut self, before: &Self) {
        if is_one_spell(before.state, self.state) {
            self.since = before.since;
            self.failing_since = before.failing_since;
        }
    }

    /// Takes up that an earlier life left the address down, and returns whether `canary` is known here.
    pub(super) fn adopt(&mut self, fallen: &RememberedFall, canary: CanaryId, now: Moment) -> bool {
        let Some(record) = self.records.iter_mut().find(|record| record.canary == canary) else {
            return false;
        };
        record.streak = Streak::fallen();
        // The wall clock may have been set back between the two lives.
        record.since = fallen.since.min(now);
        record.failure = Some(fallen.failure.clone());
        *self = Self::new(std::mem::take(&mut self.records), now);
        true
    }

    /// Returns where the address stands.
    pub fn state(&self) -> AddressState {
        self.state
    }

    /// Returns when the state began; rising does not interrupt being down.
    pub fn since(&self) -> Moment {
        self.since
    }

    /// Returns when the first probe failed of the fall that it is in; `None`: it is up, or it is only remembered that it
    /// fell, and no probe has failed since.
    pub fn failing_since(&self) -> Option<Moment> {
        self.failing_since
    }

    /// Returns when a critical canary last succeeded; `None`: none has.
    pub fn succeeded(&self) -> Option<Moment> {
        self.critical().filter_map(|record| record.succeeded).max()
    }

    /// Returns what each canary says, in the order of the region's list.
    pub fn records(&self) -> &[CanaryRecord] {
        &self.records
    }

    /// Returns why the address is not up; `None` when it is.
    pub fn cause(&self) -> Option<Cause> {
        let record = self.worst().filter(|_| self.state > AddressState::Up)?;
        Some(Cause {
            canary: record.canary,
            failures: record.streak.failures(),
            failure: record.failure.clone()?,
        })
    }

    /// Returns how it fails and since its first failed probe, for the verdict on its region; `None`: it is up.
    pub(super) fn region_failure(&self) -> Option<RegionFailure> {
        let (cause, began) = (self.cause()?, self.began()?);
        Some(RegionFailure { class: cause.failure.class, began })
    }

    /// Returns when the first probe failed of what fails; `None`: nothing does.
    pub(super) fn began(&self) -> Option<Moment> {
        // Of a fall that is only remembered, the first failed probe is not known.
        let began = self.failing_since.map_or(self.since, |began| began.min(self.since));
        (self.state > AddressState::Up).then_some(began)
    }

    /// Returns what steering sees of the address.
    pub fn standing(&self) -> Standing {
        match self.state {
            AddressState::Unknown => Standing::Unknown,
            AddressState::Up => Standing::Up,
            AddressState::Suspect => Standing::Suspect,
            AddressState::Rising | AddressState::Down => Standing::Down { since: self.since },
        }
    }

    /// Returns the share of its clients that the advisory canaries leave it: the least that one of those
    /// that are down says.
    pub fn share(&self) -> Share {
        self.advice().map_or(Share::ALL, |record| record.effect.share())
    }

    /// Returns what the advisory canary knows that leaves it the least; `None`: none speaks against it.
    pub fn advice(&self) -> Option<&CanaryRecord> {
        let down = self.records.iter().filter(|record| record.streak.state().is_down());
        down.filter(|record| record.effect != Criticality::Critical)
            .min_by_key(|record| record.effect.share())
    }

    /// Returns the first of the critical records that leave it where it is.
    fn worst(&self) -> Option<&CanaryRecord> {
        self.critical().find(|record| record.streak.state() == self.state)
    }

    /// Brings `state` up to date: the worst of the critical canaries decides.
    fn judge(&mut self) {
        let states = self.critical().map(|record| record.streak.state());
        self.state = states.max().unwrap_or(AddressState::Up);
    }

    fn critical(&self) -> impl Iterator<Item = &CanaryRecord> {
        self.records.iter().filter(|record| record.effect == Criticality::Critical)
    }
}

impl CanaryRecord {
    /// Returns the record of a canary that has not reported yet.
    pub(super) fn new(canary: CanaryId, effect: Criticality, now: Moment) -> Self {
        Self {
            canary,
            effect,
            streak: Streak::default(),
            since: now,
            last: None,
            succeeded: None,
            failure: None,
            heard: None,
            blind: None,
        }
    }

    fn count(&mut self, seen: &Observation, canary: &Canary) {
        let was = self.streak.state();
        self.streak.count(seen.result.is_ok(), canary.thresholds);
        if !is_one_spell(was, self.streak.state()) {
            self.since = seen.at;
        }
        self.last = Some(LastResult { at: seen.at, latency: seen.latency, is_success: seen.result.is_ok() });
        match &seen.result {
            Ok(()) => self.succeeded = Some(seen.at),
            Err(failure) => self.failure = Some(failure.clone()),
        }
        if let Some(signals) = seen.signals {
            self.heard = Some(Heard { at: seen.at, signals });
        }
        self.blind = None;
    }

    /// Notes a probe that could not be made, and returns whether it tells of another cause than the one before.
    fn go_blind(&mut self, probe: &BlindProbe) -> bool {
        let before = self.blind.take();
        let is_news = before.as_ref().is_none_or(|spot| spot.blindness != probe.blindness);
        let since = before.map_or(probe.at, |spot| spot.since);
        self.blind = Some(BlindSpot { since, blindness: probe.blindness.clone() });
        is_news
    }
}

/// Returns whether going from `was` to `is` continues one spell: down and rising are one, because since
/// when an address is down must not change with each probe of its recovery.
pub(super) fn is_one_spell(was: AddressState, is: AddressState) -> bool {
    was == is || (was.is_down() && is.is_down())
}

/// A canary that had fallen: the address or region with it, unless it was advisory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RememberedFall {
    /// The name of the region.
    pub region: String,
    /// The name of the availability zone and the address; `None`: the region as a whole.
    pub address: Option<(String, IpAddr)>,
    /// The name of the canary.
    pub canary: String,
    pub since: Moment,
    /// Its last failure.
    pub failure: Failure,
}

follows_clock!(AddressHealth: since, failing_since, records);
follows_clock!(CanaryRecord: since, last, succeeded, heard, blind);
follows_clock!(BlindSpot: since);
follows_clock!(LastResult: at);
