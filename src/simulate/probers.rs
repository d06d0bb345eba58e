//! The probes of a simulated world: what each finds, and since when it fails.
//!
//! When probes are due is [`ProbeSchedule`], the same that drives the server's prober. What an address does and
//! says is left to the [`Environment`], and decided when a probe starts. A canary that probes a region once sees
//! what happens to the region as a whole.

use std::collections::BTreeMap;
use std::time::Duration;

use super::environment::Environment;
use super::fault::{Fault, ProbeEnd};
use crate::canary::{BlindProbe, Canary, Check, Epoch, Observation, ProbeError, ProbeReport, Subject};
use crate::config::Config;
use crate::health::pace;
use crate::moment::Moment;
use crate::probe::{EndedProbe, Pair, PairId, ProbeSchedule};
use crate::region::{Resolved, Target};

/// Everything that probes and is probed.
#[derive(Debug)]
pub struct Probers {
    schedule: ProbeSchedule,
    /// Which probes get no answer: drawn apart from jitter, which a loss leaves as it is.
    lost: fastrand::Rng,
    /// What each pair of the schedule meets.
    pairs: BTreeMap<PairId, ProbePair>,
}

/// What the probes of one pair meet.
#[derive(Debug)]
struct ProbePair {
    target: Target,
    canary: Canary,
    fault: Fault,
    /// Whether the instance itself cannot probe it.
    is_blind: bool,
    /// Since when every probe that starts will fail; `None` when it will not.
    failing_since: Option<Moment>,
}

/// A result with its pair in words that outlive the numbering.
#[derive(Clone, Debug)]
pub struct Probed {
    /// The address, or the region.
    pub target: Target,
    pub canary: String,
    /// What control gets.
    pub report: ProbeReport,
}

impl Probed {
    /// Returns whether the probe was made, and failed.
    pub fn has_failed(&self) -> bool {
        match &self.report {
            ProbeReport::Seen(seen) => seen.result.is_err(),
            ProbeReport::Blind(_) | ProbeReport::Reference(_) => false,
        }
    }
}

/// How long it took to see that an address had died.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
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
        let lost = fastrand::Rng::with_seed(seed);
        Self { schedule: ProbeSchedule::new(seed), lost, pairs: BTreeMap::new() }
    }

    /// Probes what a configuration says from now on, and returns when pairs are due.
    pub fn watch(
        &mut self,
        config: &Config,
        epoch: Epoch,
        environment: &Environment,
        now: Moment,
    ) -> Vec<(Moment, PairId)> {
        self.schedule.watch(&config.regions, &config.canaries, epoch, now);
        let mut before = std::mem::take(&mut self.pairs);
        for (id, pair) in self.schedule.pairs() {
            let target = config.regions.target(match pair.subject {
                Subject::Address(id) => Resolved::Address(id),
                Subject::Region(id) => Resolved::Region(id),
            });
            let pair = match before.remove(&id) {
                Some(known) => known.follow(target, &pair.settings, now),
                None => ProbePair::new(environment, target, &pair.settings, now),
            };
            self.pairs.insert(id, pair);
        }
        self.schedule.due().collect()
    }

    /// Ends all probes, as the death of the process does. Addresses go on as they are.
    pub fn die(&mut self) {
        self.schedule.clear();
        self.pairs.clear();
    }

    /// Takes note that something else happens in a target from now on.
    pub fn feel(&mut self, target: &Target, fault: Fault, now: Moment) {
        for pair in self.pairs.values_mut().filter(|pair| target.contains(&pair.target)) {
            pair.fault = fault;
            pair.fails_from(now);
        }
    }

    /// Takes note that the instance itself can or cannot probe from now on. What fails unseen is detected from when it
    /// is seen.
    pub fn go_blind(&mut self, environment: &Environment, now: Moment) {
        for pair in self.pairs.values_mut() {
            pair.is_blind = environment.blindness(&pair.target).is_some();
            pair.fails_from(now);
        }
    }

    /// Starts a probe, and returns how it will end. `None`: the pair is gone, or was told another time.
    pub fn begin(&mut self, id: PairId, environment: &Environment, now: Moment) -> Option<ProbeEnd> {
        self.schedule.begin(id, now)?;
        let pair = self.pairs.get(&id)?;
        if let Some(blindness) = environment.blindness(&pair.target) {
            let result = Err(ProbeError::Blind(blindness));
            return Some(ProbeEnd { took: Duration::ZERO, result, signals: None });
        }
        let loss = pair.fault.loss();
        let is_lost = loss > 0.0 && self.lost.f64() < loss;
        let fault = if is_lost { Fault::Timeout } else { pair.fault };
        let mut outcome = fault.probed_by(&pair.canary);
        if let Check::Json(json) = &pair.canary.check
            && !json.signals.is_empty()
            && outcome.result.is_ok()
        {
            let asked = json.signals.iter().map(|(signal, _)| *signal);
            outcome.signals = Some(environment.signals(&pair.target, asked, now));
        }
        Some(outcome)
    }

    /// Ends a probe, and returns what was seen and which pairs are due when. `None`: the pair is gone.
    pub fn end(
        &mut self,
        id: PairId,
        outcome: ProbeEnd,
        now: Moment,
    ) -> Option<(Probed, Vec<(Moment, PairId)>)> {
        let ProbeEnd { result, took, signals } = outcome;
        let EndedProbe { pair, due, hastened } = self.schedule.end(id, &result, took, now)?;
        let due = hastened.into_iter().map(|other| (now, other)).chain([(due, id)]).collect();
        let Pair { epoch, subject, canary, .. } = *pair;
        let seen = |result| Observation { epoch, subject, canary, at: now, latency: took, result, signals };
        let report = match result {
            Ok(()) => ProbeReport::Seen(seen(Ok(()))),
            Err(ProbeError::Failed(failure)) => ProbeReport::Seen(seen(Err(failure))),
            Err(ProbeError::Blind(blindness)) => {
                ProbeReport::Blind(BlindProbe { epoch, subject, canary, at: now, blindness })
            }
        };
        let target = self.pairs.get(&id)?.target.clone();
        Some((Probed { target, canary: pair.settings.name.clone(), report }, due))
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
}

impl ProbePair {
    fn new(environment: &Environment, target: Target, canary: &Canary, now: Moment) -> Self {
        let (fault, is_blind) = (environment.fault(&target), environment.blindness(&target).is_some());
        let mut pair = Self { target, canary: canary.clone(), fault, is_blind, failing_since: None };
        pair.fails_from(now);
        pair
    }

    /// Goes on as a target that may have another name, with settings that may be others.
    fn follow(mut self, target: Target, canary: &Canary, now: Moment) -> Self {
        self.target = target;
        if self.canary != *canary {
            self.canary = canary.clone();
            // What is promised has changed, and holds from now on.
            self.failing_since = None;
            self.fails_from(now);
        }
        self
    }

    /// Notes since when probes fail.
    fn fails_from(&mut self, now: Moment) {
        let fails = !self.is_blind && self.fault.probed_by(&self.canary).result.is_err();
        self.failing_since = fails.then(|| self.failing_since.unwrap_or(now));
    }
}
