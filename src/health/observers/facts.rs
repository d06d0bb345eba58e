//! Facts: what one observer sees by its own probes, in words that mean the same to every other one.

use std::net::IpAddr;
use std::time::Duration;

use crate::canary::{Failure, Subject};
use crate::health::{AddressHealth, AddressState, Board, CanaryRecord, Streak};
use crate::moment::{Moment, follows_clock};

/// How far apart two told moments may be and be one: no line is on its way for longer, or its peer counts as silent.
const ONE_MOMENT: Duration = Duration::from_secs(3);

/// What a fact is about: a canary of an address, or of a region as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactKey {
    /// The name of the region.
    pub region: String,
    /// The name of the availability zone and the address; `None`: the region as a whole.
    pub address: Option<(String, IpAddr)>,
    /// The name of the canary.
    pub canary: String,
}

/// What one observer sees by one canary.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Where its probes leave what they watch.
    pub state: AddressState,
    /// How many of its last results were alike.
    pub count: u32,
    /// When the state began.
    pub since: Moment,
    /// When the first probe failed since what is watched was last up; `None`: it is up, or that is not known.
    pub failing_since: Option<Moment>,
    /// Its last failure.
    pub failure: Option<Failure>,
    /// When a probe succeeded last.
    pub succeeded: Option<Moment>,
    /// Whether its probes cannot be made, so that the state is an old one.
    pub is_blind: bool,
}

impl Fact {
    /// Returns what is known by one canary of what is watched.
    pub(super) fn of(record: &CanaryRecord, track: &AddressHealth) -> Self {
        let streak = record.streak;
        Self {
            state: streak.state(),
            count: streak.failures().max(streak.successes()),
            since: record.since,
            failing_since: track.failing_since(),
            failure: record.failure.clone().filter(|_| streak.state() > AddressState::Up),
            succeeded: record.succeeded,
            is_blind: record.blind.is_some(),
        }
    }

    /// Returns the streak that it tells of.
    pub(super) fn streak(&self) -> Streak {
        Streak::told(self.state, self.count)
    }

    /// Returns this fact as it is told after another one about the same. The moments of what has not changed stay: each
    /// line takes another time on its way.
    pub(super) fn after(self, before: &Self) -> Self {
        let is_one = |one: Moment, other: Moment| one.since(other).max(other.since(one)) <= ONE_MOMENT;
        let is_same = self.state == before.state;
        let keep = |told: Moment, before: Moment| if is_same && is_one(told, before) { before } else { told };
        let since = keep(self.since, before.since);
        let failing_since = self.failing_since.map(|told| keep(told, before.failing_since.unwrap_or(told)));
        Self { since, failing_since, ..self }
    }

    /// Returns whether another fact leads to the same verdicts as this one, but for when probes succeeded.
    pub fn judges_like(&self, other: &Self) -> bool {
        let Self { state, count: _, since, failing_since, failure, succeeded: _, is_blind } = self;
        (*state, *since, *failing_since, *is_blind)
            == (other.state, other.since, other.failing_since, other.is_blind)
            && failure.as_ref().map(|failure| failure.class)
                == other.failure.as_ref().map(|other| other.class)
    }
}

/// Returns what the facts of a board are about, in its order: every canary of every address, and of every region.
pub(super) fn keys(board: &Board) -> Vec<FactKey> {
    let regions = board.regions();
    let keys = board.watched().flat_map(|(subject, track)| {
        let (region, address) = match subject {
            Subject::Address(id) => {
                let address = regions.address(id);
                (address.region, Some((regions.zone(address.zone).name.clone(), address.ip)))
            }
            Subject::Region(region) => (region, None),
        };
        let region = regions.region(region).name.clone();
        let canaries = track.records().iter().map(|record| board.canary(record.canary).name.clone());
        let key = move |canary| FactKey { region: region.clone(), address: address.clone(), canary };
        canaries.map(key)
    });
    keys.collect()
}

/// Returns the facts of a board, in the order of their keys.
pub(super) fn facts(board: &Board) -> Vec<Fact> {
    let facts = board
        .watched()
        .flat_map(|(_, track)| track.records().iter().map(move |record| Fact::of(record, track)));
    facts.collect()
}

follows_clock!(Fact: since, failing_since, succeeded);
