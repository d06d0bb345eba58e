//! The probes of every pair of address and canary: when each starts, and what comes of it.
//!
//! ```text
//!            due             took over
//!   waiting ─────▶ under way ──────────▶ an observation ──▶ waiting
//! ```
//!
//! It does what the tasks of `probe` do, one for each pair: wait as `health::pace` says, probe, report under the
//! numbers of that moment. A reload keeps the rhythm of the pairs that stay. What an address does is left to
//! [`Fault`], and decided when a probe starts.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use super::fault::{Fault, Outcome};
use super::script::Place;
use crate::canary::{Canary, CanaryId, Epoch, Observation, Subject};
use crate::config::Config;
use crate::control;
use crate::health::{Streak, pace};
use crate::moment::Moment;
use crate::region::AddressId;

/// The number of a pair, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairId(pub u64);

/// Everything that probes and is probed.
#[derive(Debug)]
pub struct Fleet {
    pairs: BTreeMap<PairId, Pair>,
    started: u64,
    random: fastrand::Rng,
    /// What the script said of places, the latest last; one that is covered by a later one is dropped.
    faults: Vec<(Place, Fault)>,
}

/// One pair of address and canary.
#[derive(Debug)]
struct Pair {
    place: control::Place,
    canary: Canary,
    numbers: (Epoch, AddressId, CanaryId),
    fault: Fault,
    /// Since when every probe that starts will fail; `None` when it will not.
    failing_since: Option<Moment>,
    streak: Streak,
    random: fastrand::Rng,
    jitter: f64,
    started: Moment,
    took: Option<Duration>,
    /// When the next probe starts; `None` while one is under way.
    due: Option<Moment>,
}

/// A result with its pair in words that outlive the numbering.
#[derive(Clone, Debug)]
pub struct Probed {
    /// The address.
    pub place: control::Place,
    /// The canary.
    pub canary: String,
    /// What control gets.
    pub seen: Observation,
}

/// How long it took to see that an address had died.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The address.
    pub place: control::Place,
    /// The canary that took it down.
    pub canary: String,
    /// How long it took.
    pub took: Duration,
    /// How long it may take at most: what `check` prints.
    pub promised: Duration,
}

impl Fleet {
    /// Returns a fleet that probes nothing yet.
    pub fn new(seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { pairs: BTreeMap::new(), started: 0, random, faults: Vec::new() }
    }

    /// Probes what a configuration says from now on, and returns when pairs are due that were not before.
    pub fn watch(&mut self, config: &Config, epoch: Epoch, now: Moment) -> Vec<(Moment, PairId)> {
        let mut before: HashMap<(IpAddr, String), (PairId, Pair)> = std::mem::take(&mut self.pairs)
            .into_iter()
            .map(|(id, pair)| ((pair.place.ip, pair.canary.name.clone()), (id, pair)))
            .collect();
        let mut due = Vec::new();
        for (address_id, address) in config.regions.addresses() {
            let region = config.regions.region(address.region);
            let zone = &config.regions.zone(address.zone).name;
            let place = control::Place { region: region.name.clone(), zone: zone.clone(), ip: address.ip };
            for canary_id in &region.canaries {
                let canary = &config.canaries[usize::from(canary_id.0)];
                let numbers = (epoch, address_id, *canary_id);
                let known = before.remove(&(address.ip, canary.name.clone()));
                let kept = known.filter(|(_, pair)| pair.canary.check == canary.check);
                let (id, pair) = match kept {
                    Some((id, pair)) => (id, pair.follow(place.clone(), canary, numbers, now)),
                    None => (self.number(), self.start(place.clone(), canary, numbers, now)),
                };
                due.extend(pair.due.map(|at| (at, id)));
                self.pairs.insert(id, pair);
            }
        }
        due
    }

    /// Ends all probes, as the death of the process does. Addresses go on as they are.
    pub fn die(&mut self) {
        self.pairs.clear();
    }

    /// Makes every address in `place` do this from now on.
    pub fn impose(&mut self, place: &Place, fault: Fault, now: Moment) {
        self.faults.retain(|(earlier, _)| !place.covers(earlier));
        self.faults.push((place.clone(), fault));
        for pair in self.pairs.values_mut().filter(|pair| place.contains(&pair.place)) {
            pair.fault = fault;
            pair.fails_from(now);
        }
    }

    /// Starts a probe, and returns how it will end. `None`: the pair is gone, or was told another time.
    pub fn begin(&mut self, id: PairId, now: Moment) -> Option<Outcome> {
        let pair = self.pairs.get_mut(&id).filter(|pair| pair.due == Some(now))?;
        pair.due = None;
        pair.started = now;
        Some(pair.fault.probed_by(&pair.canary))
    }

    /// Ends a probe, and returns what was seen and when the next one is due. `None`: the pair is gone.
    pub fn end(&mut self, id: PairId, outcome: Outcome, now: Moment) -> Option<(Probed, Moment)> {
        let pair = self.pairs.get_mut(&id)?;
        pair.streak.count(outcome.result.is_ok(), pair.canary.thresholds);
        pair.took = Some(outcome.took);
        pair.jitter = pair.random.f64();
        let due = pair.schedule(now);
        let (epoch, address, canary) = pair.numbers;
        let seen = Observation {
            epoch,
            subject: Subject::Address(address),
            canary,
            at: now,
            latency: outcome.took,
            result: outcome.result,
            signals: None,
        };
        Some((Probed { place: pair.place.clone(), canary: pair.canary.name.clone(), seen }, due))
    }

    /// Returns how long it took until a canary took an address down. `None`: nothing was wrong with it
    /// any more when it fell.
    pub fn detection(&self, place: &control::Place, canary: &str, now: Moment) -> Option<Detection> {
        let of_pair = |pair: &&Pair| pair.place == *place && pair.canary.name == canary;
        let pair = self.pairs.values().find(of_pair)?;
        Some(Detection {
            place: place.clone(),
            canary: canary.to_owned(),
            took: now.since(pair.failing_since?),
            promised: pace::worst_case(&pair.canary),
        })
    }

    fn number(&mut self) -> PairId {
        self.started += 1;
        PairId(self.started)
    }

    fn start(
        &mut self,
        place: control::Place,
        canary: &Canary,
        numbers: (Epoch, AddressId, CanaryId),
        now: Moment,
    ) -> Pair {
        let latest = self.faults.iter().rev().find(|(faulty, _)| faulty.contains(&place));
        let mut random = self.random.fork();
        let mut pair = Pair {
            fault: latest.map_or(Fault::Ok, |(_, fault)| *fault),
            place,
            canary: canary.clone(),
            numbers,
            failing_since: None,
            streak: Streak::default(),
            jitter: random.f64(),
            random,
            started: now,
            took: None,
            due: None,
        };
        pair.fails_from(now);
        pair.schedule(now);
        pair
    }
}

impl Pair {
    /// Goes on under other numbers, and at another pace if that has changed.
    fn follow(
        mut self,
        place: control::Place,
        canary: &Canary,
        numbers: (Epoch, AddressId, CanaryId),
        now: Moment,
    ) -> Self {
        self.place = place;
        self.numbers = numbers;
        if self.canary != *canary {
            self.canary = canary.clone();
            // What is promised has changed, and holds from now on.
            self.failing_since = None;
            self.fails_from(now);
            if self.due.is_some() {
                self.schedule(now);
            }
        }
        self
    }

    /// Decides when the next probe starts, and returns it.
    fn schedule(&mut self, now: Moment) -> Moment {
        let wait = match self.took {
            Some(took) => pace::wait(&self.canary, &self.streak, took, self.jitter),
            None => pace::spread(&self.canary, self.jitter),
        };
        let due = self.started.plus(wait).max(now);
        self.due = Some(due);
        due
    }

    /// Notes since when probes fail.
    fn fails_from(&mut self, now: Moment) {
        let fails = self.fault.probed_by(&self.canary).result.is_err();
        self.failing_since = fails.then(|| self.failing_since.unwrap_or(now));
    }
}
