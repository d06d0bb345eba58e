//! The probes of every pair of an address (or region) and a canary: when each starts, and what comes of it.
//!
//! ```text
//!            due             took over
//!   waiting ─────▶ under way ──────────▶ an observation ──▶ waiting
//! ```
//!
//! It does what the tasks of `probe` do, one for each pair: wait as `health::pace` says, probe, report under the
//! numbers of that moment. A reload keeps the rhythm of the pairs that stay. What an address does and says is
//! left to the [`Environment`], and decided when a probe starts. A canary that probes a region once sees what happens
//! to the region as a whole.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::environment::Environment;
use super::fault::{Fault, ProbeEnd};
use crate::canary::{Canary, CanaryId, Check, Epoch, Observation, Reach, Subject};
use crate::config::Config;
use crate::health::{Streak, pace};
use crate::moment::Moment;
use crate::region::{Resolved, Target};

/// The number of a pair, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairId(pub u64);

/// Everything that probes and is probed.
#[derive(Debug)]
pub struct Probers {
    pairs: BTreeMap<PairId, ProbePair>,
    started: u64,
    random: fastrand::Rng,
}

/// What an observation is reported under.
type Numbers = (Epoch, Subject, CanaryId);

/// One pair of an address (or region) and a canary.
#[derive(Debug)]
struct ProbePair {
    target: Target,
    canary: Canary,
    numbers: Numbers,
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
    /// The address, or the region.
    pub target: Target,
    /// The canary.
    pub canary: String,
    /// What control gets.
    pub seen: Observation,
}

/// How long it took to see that an address had died.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The address.
    pub target: Target,
    /// The canary that took it down.
    pub canary: String,
    /// How long it took.
    pub took: Duration,
    /// How long it may take at most: what `check` prints.
    pub promised: Duration,
}

impl Probers {
    /// Returns probers that probe nothing yet.
    pub fn new(seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { pairs: BTreeMap::new(), started: 0, random }
    }

    /// Probes what a configuration says from now on, and returns when pairs are due that were not before.
    pub fn watch(
        &mut self,
        config: &Config,
        epoch: Epoch,
        environment: &Environment,
        now: Moment,
    ) -> Vec<(Moment, PairId)> {
        let mut before: HashMap<(String, String), (PairId, ProbePair)> = std::mem::take(&mut self.pairs)
            .into_iter()
            .map(|(id, pair)| ((probed(&pair.target), pair.canary.name.clone()), (id, pair)))
            .collect();
        let mut due = Vec::new();
        for (target, subject, canary_id) in pairs(config) {
            let canary = &config.canaries[usize::from(canary_id.0)];
            let numbers = (epoch, subject, canary_id);
            let known = before.remove(&(probed(&target), canary.name.clone()));
            let kept = known.filter(|(_, pair)| pair.canary.check == canary.check);
            let (id, pair) = match kept {
                Some((id, pair)) => (id, pair.follow(target, canary, numbers, now)),
                None => (self.number(), self.start(target, canary, numbers, environment, now)),
            };
            due.extend(pair.due.map(|at| (at, id)));
            self.pairs.insert(id, pair);
        }
        due
    }

    /// Ends all probes, as the death of the process does. Addresses go on as they are.
    pub fn die(&mut self) {
        self.pairs.clear();
    }

    /// Takes note that something else happens in a target from now on.
    pub fn feel(&mut self, target: &Target, fault: Fault, now: Moment) {
        for pair in self.pairs.values_mut().filter(|pair| target.contains(&pair.target)) {
            pair.fault = fault;
            pair.fails_from(now);
        }
    }

    /// Starts a probe, and returns how it will end. `None`: the pair is gone, or was told another time.
    pub fn begin(&mut self, id: PairId, environment: &Environment, now: Moment) -> Option<ProbeEnd> {
        let pair = self.pairs.get_mut(&id).filter(|pair| pair.due == Some(now))?;
        pair.due = None;
        pair.started = now;
        let mut outcome = pair.fault.probed_by(&pair.canary);
        if let Check::Json(json) = &pair.canary.check
            && !json.signals.is_empty()
            && outcome.result.is_ok()
        {
            let asked = json.signals.iter().map(|(signal, _)| *signal);
            outcome.signals = Some(environment.signals(&pair.target, asked, now));
        }
        Some(outcome)
    }

    /// Ends a probe, and returns what was seen and when the next one is due. `None`: the pair is gone.
    pub fn end(&mut self, id: PairId, outcome: ProbeEnd, now: Moment) -> Option<(Probed, Moment)> {
        let pair = self.pairs.get_mut(&id)?;
        pair.streak.count(outcome.result.is_ok(), pair.canary.thresholds);
        pair.took = Some(outcome.took);
        pair.jitter = pair.random.f64();
        let due = pair.schedule(now);
        let (epoch, subject, canary) = pair.numbers;
        let seen = Observation {
            epoch,
            subject,
            canary,
            at: now,
            latency: outcome.took,
            result: outcome.result,
            signals: outcome.signals,
        };
        Some((Probed { target: pair.target.clone(), canary: pair.canary.name.clone(), seen }, due))
    }

    /// Returns how long it took until a canary took an address down. `None`: nothing was wrong with it
    /// any more when it fell.
    pub fn detection(&self, target: &Target, canary: &str, now: Moment) -> Option<Detection> {
        let of_pair = |pair: &&ProbePair| pair.target == *target && pair.canary.name == canary;
        let pair = self.pairs.values().find(of_pair)?;
        Some(Detection {
            target: target.clone(),
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
        target: Target,
        canary: &Canary,
        numbers: Numbers,
        environment: &Environment,
        now: Moment,
    ) -> ProbePair {
        let mut random = self.random.fork();
        let mut pair = ProbePair {
            fault: environment.fault(&target),
            target,
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

/// Returns what is probed in a target: an address, wherever it is configured, or a region.
fn probed(target: &Target) -> String {
    target.address().map_or_else(|| target.region().to_owned(), |ip| ip.to_string())
}

/// Returns every pair of a configuration.
fn pairs(config: &Config) -> impl Iterator<Item = (Target, Subject, CanaryId)> {
    let reach = |canary: &CanaryId| config.canaries[usize::from(canary.0)].reach;
    let of_addresses = config.regions.addresses().flat_map(move |(id, address)| {
        let region = config.regions.region(address.region);
        let target = config.regions.target(Resolved::Address(id));
        let watching = region.canaries.iter().filter(move |canary| reach(canary) == Reach::Address);
        watching.map(move |canary| (target.clone(), Subject::Address(id), *canary))
    });
    let of_regions = config.regions.iter().flat_map(move |(id, region)| {
        let watching = region.canaries.iter().filter(move |canary| reach(canary) == Reach::Region);
        watching.map(move |canary| (Target::of_region(&region.name), Subject::Region(id), *canary))
    });
    of_addresses.chain(of_regions)
}

impl ProbePair {
    /// Goes on under other numbers, and at another pace if that has changed.
    fn follow(mut self, target: Target, canary: &Canary, numbers: Numbers, now: Moment) -> Self {
        self.target = target;
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
