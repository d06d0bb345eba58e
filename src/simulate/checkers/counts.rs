//! The plainest count of consecutive results, kept beside the server's own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::canary::{Canary, Criticality, ProbeReport, Reach};
use crate::config::Config;
use crate::region::{Family, RegionId, Resolved, Target};
use crate::simulate::happening::Happening;
use crate::simulate::probers::Probed;

/// The results of every canary against everything that it probes, by names.
#[derive(Debug, Default)]
pub struct ResultCounts {
    config: Option<Arc<Config>>,
    of: HashMap<(Target, String), ResultCount>,
}

/// The last results of one canary against one target.
#[derive(Clone, Debug, Default)]
pub struct ResultCount {
    /// Failures without a success between them.
    pub failures: u32,
    /// Successes without a failure between them.
    pub successes: u32,
    /// Whether there were `fall` failures in a row, and no `rise` successes since.
    pub has_fallen: bool,
    /// When the first of these failures was known that these settings count; `None`: none, or it is not known.
    pub failing_since: Option<Duration>,
    /// When it last rose again.
    pub risen_at: Option<Duration>,
}

/// The addresses of a region or zone in one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub total: usize,
    /// Those that no canary has taken down.
    pub up: usize,
    /// Those that are down, and whose last result was a success.
    pub rising: usize,
}

impl ResultCounts {
    /// Follows results and configurations. What becomes of counts when the process dies is left to the caller.
    pub fn see(&mut self, at: Duration, happening: &Happening<'_>) {
        match happening {
            Happening::Published(snapshot) => self.follow(&snapshot.base.config),
            Happening::Probed(probed) => self.count(at, probed),
            _ => {}
        }
    }

    /// Forgets what a process forgets that remembers falls, and takes what rose after a moment for still fallen: that was
    /// not written any more.
    pub fn forget_results(&mut self, written: Duration) {
        for count in self.of.values_mut() {
            let has_fallen = count.has_fallen || count.risen_at.is_some_and(|at| at >= written);
            *count = ResultCount { has_fallen, ..ResultCount::default() };
        }
    }

    /// Forgets every result.
    pub fn clear(&mut self) {
        self.of.clear();
    }

    /// Returns the configuration in force; `None` before the first snapshot.
    pub fn config(&self) -> Option<&Arc<Config>> {
        self.config.as_ref()
    }

    /// Returns the count of a critical canary that has taken a target down by itself, with the canary.
    pub fn fallen(&self, target: &Target) -> Option<(&Canary, &ResultCount)> {
        self.critical(target).find(|(_, count)| count.has_fallen)
    }

    /// Returns the counts of the critical canaries that probe a target.
    pub fn critical(&self, target: &Target) -> impl Iterator<Item = (&Canary, &ResultCount)> {
        let canaries = self.config.iter().flat_map(|config| &config.canaries);
        let critical = canaries.filter(|canary| canary.effect == Criticality::Critical);
        critical.filter_map(|canary| {
            let count = self.of.get(&(target.clone(), canary.name.clone()))?;
            Some((canary, count))
        })
    }

    /// Counts the addresses of a region, or of one zone of it, in one family.
    pub fn tally(&self, region: RegionId, zone: Option<&str>, family: Family) -> Tally {
        let mut tally = Tally::default();
        let Some(config) = &self.config else { return tally };
        for (id, address) in config.regions.addresses_of(region) {
            let target = config.regions.target(Resolved::Address(id));
            if Family::of(address.ip) != family || zone.is_some_and(|zone| target.zone() != Some(zone)) {
                continue;
            }
            tally.total += 1;
            match self.fallen(&target) {
                None => tally.up += 1,
                Some((_, count)) => tally.rising += usize::from(count.successes > 0),
            }
        }
        tally
    }

    fn count(&mut self, at: Duration, probed: &Probed) {
        let canary = self.config.as_ref().and_then(|config| canary(config, &probed.canary));
        let Some(canary) = canary else { return };
        let thresholds = canary.thresholds;
        let count = self.of.entry((probed.target.clone(), probed.canary.clone())).or_default();
        let is_passed = match &probed.report {
            ProbeReport::Seen(seen) => seen.result.is_ok(),
            // What could not be probed counts nothing, and promises nothing.
            ProbeReport::Blind(_) | ProbeReport::Reference(_) => {
                count.failing_since = None;
                return;
            }
        };
        if is_passed {
            count.failures = 0;
            count.successes += 1;
            if count.has_fallen && count.successes >= thresholds.rise {
                (count.has_fallen, count.risen_at) = (false, Some(at));
            }
            count.failing_since = None;
        } else {
            count.successes = 0;
            count.failures += 1;
            count.has_fallen |= count.failures >= thresholds.fall;
            count.failing_since.get_or_insert(at);
        }
    }

    /// Takes over a configuration, and forgets what is not probed any more.
    fn follow(&mut self, config: &Arc<Config>) {
        if self.config.as_ref().is_some_and(|known| Arc::ptr_eq(known, config)) {
            return;
        }
        let probed: HashSet<(Target, String)> = pairs(config).collect();
        self.of.retain(|pair, _| probed.contains(pair));
        let before = self.config.take();
        for ((_, name), count) in &mut self.of {
            let settings = before.as_ref().and_then(|before| canary(before, name)).zip(canary(config, name));
            let Some((before, now)) = settings else { continue };
            // Results of another check are none of this one: what fell has to rise by it, and what did not begins anew.
            if before.check != now.check {
                *count = ResultCount { has_fallen: count.has_fallen, ..ResultCount::default() };
            }
            // What is promised of a failure is promised by the settings under which it is probed from its start on.
            if before != now {
                count.failing_since = None;
            }
        }
        self.config = Some(Arc::clone(config));
    }
}

/// Returns everything that is probed with the name of the canary.
fn pairs(config: &Config) -> impl Iterator<Item = (Target, String)> {
    config.regions.iter().flat_map(move |(id, region)| {
        region.canaries.iter().flat_map(move |canary| {
            let canary = &config.canaries[usize::from(canary.0)];
            let targets: Vec<Target> = match canary.reach {
                Reach::Region => vec![Target::of_region(&region.name)],
                Reach::Address => config
                    .regions
                    .addresses_of(id)
                    .map(|(id, _)| config.regions.target(Resolved::Address(id)))
                    .collect(),
            };
            targets.into_iter().map(|target| (target, canary.name.clone()))
        })
    })
}

fn canary<'c>(config: &'c Config, name: &str) -> Option<&'c Canary> {
    config.canaries.iter().find(|canary| canary.name == name)
}
