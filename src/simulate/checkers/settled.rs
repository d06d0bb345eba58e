//! Settled: when nothing is wrong any more and nothing is asked for, every region and zone is healthy as soon as the
//! settings promise, and every client is at home.
//!
//! ```text
//!  the last fault ends ──▶ rise ──▶ outliers forgotten ──▶ min_down, doubled, or quarantine ──▶ ramp ──▶ healthy
//!                                                                     held ──▶ an operator ────╯          │
//!                                                          load that was shed comes back, step by step ◀──╯
//! ```
//!
//! Home is what a server answers that has just begun in the same configuration. A region whose failover is not `auto`
//! moves nobody whatever phase it is in, and only its clients are looked at.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Checker, Found};
use crate::canary::Signal;
use crate::config::Config;
use crate::control::{Control, Effect, Input, RegionReport, Report, Restored};
use crate::health::{FALLS_TO_QUARANTINE, Phase, Status};
use crate::region::{Failover, Family, LONGEST_WAIT, Region, RegionId, Target};
use crate::simulate::clients::Clients;
use crate::simulate::clocks::BOOT;
use crate::simulate::fault::Fault;
use crate::simulate::happening::{CheckInput, Happening};
use crate::simulate::scenario::{Act, Scenario};
use crate::simulate::vitals::Vital;
use crate::snapshot::{Base, Snapshot};

/// How long a quarantine lasts at most.
const QUARANTINE: Duration = Duration::from_secs(3600);

/// An outlier is forgotten after this: four windows of half a minute in which it may grow worse, and two good ones.
const OUTLIER: Duration = Duration::from_secs(180);

/// What excuses a region lingers for a minute; and looks are a minute apart.
const SLACK: Duration = Duration::from_secs(120);

/// How long after an outage of everything, or of this instance's sight, regions are kept.
const AFTER_OUTAGE: Duration = Duration::from_secs(60);

/// Checks that everything comes back.
#[derive(Debug, Default)]
pub struct SettledChecker {
    scenario: Option<Scenario>,
    base: Option<Arc<Base>>,
    faults: Vec<Target>,
    signals: Vec<(Target, Signal)>,
    is_other_demand: bool,
    is_served_late: bool,
    is_blind: bool,
    /// Since when nothing has been wrong or asked for; `None`: something is.
    calm_since: Option<Duration>,
    /// How long each site may stay away from then on.
    away: HashMap<(Target, Family), Duration>,
    /// When an operator last let each region back.
    let_back: HashMap<String, Duration>,
    /// Since when every site is well.
    well_since: Option<Duration>,
    is_home: bool,
}

impl Checker for SettledChecker {
    fn name(&self) -> &'static str {
        "settled"
    }

    fn see(&mut self, at: Duration, happening: &Happening<'_>, found: &mut Found) {
        match happening {
            Happening::Begun(loaded) => self.scenario = Some(loaded.scenario.clone()),
            Happening::Act(Act::FailBack(region)) => drop(self.let_back.insert(region.clone(), at)),
            Happening::Act(act) => {
                self.note(act);
                self.disturb();
            }
            Happening::Published(snapshot) => self.base = Some(Arc::clone(&snapshot.base)),
            Happening::Looked(look) => self.look(at, look, found),
            _ => {}
        }
    }
}

impl SettledChecker {
    /// Returns whether everybody was found at home after the last trouble.
    pub fn is_home(&self) -> bool {
        self.is_home
    }

    /// Notes what is wrong.
    fn note(&mut self, act: &Act) {
        match act {
            Act::Fault(target, fault) => {
                self.faults.retain(|earlier| !target.contains(earlier));
                self.faults.extend((*fault != Fault::Ok).then(|| target.clone()));
            }
            Act::Signal(target, signal, vital) => {
                self.signals.retain(|(earlier, of)| of != signal || !target.contains(earlier));
                self.signals.extend((*vital != Vital::Auto).then(|| (target.clone(), *signal)));
            }
            Act::Demand(factor) => self.is_other_demand = (factor - 1.0).abs() > f64::EPSILON,
            Act::OwnFault(cause) => self.is_blind = cause.is_some(),
            Act::ServeAfter(delay) => self.is_served_late = !delay.is_zero(),
            Act::References(_)
            | Act::Clock(_)
            | Act::FailBack(_)
            | Act::Intend(_)
            | Act::Lift(..)
            | Act::LiftAll
            | Act::Restart(_)
            | Act::Host(..)
            | Act::Reload(_) => {}
        }
    }

    fn disturb(&mut self) {
        (self.calm_since, self.well_since, self.is_home) = (None, None, false);
    }

    fn is_disturbed(&self, report: &Report) -> bool {
        let is_wrong = self.is_other_demand || self.is_served_late || self.is_blind;
        is_wrong || !self.faults.is_empty() || !self.signals.is_empty() || !report.intents.is_empty()
    }

    fn look(&mut self, at: Duration, look: &CheckInput<'_>, found: &mut Found) {
        if self.is_disturbed(look.report) {
            return self.disturb();
        }
        let Some(base) = self.base.clone() else { return };
        let since = *self.calm_since.get_or_insert_with(|| {
            self.away = times_away(&base.config, look).collect();
            at
        });
        let mut is_well = true;
        for (id, region) in (0u8..).map(RegionId).zip(&look.report.regions) {
            for (target, site, family) in sites(region) {
                let settings = base.config.regions.region(id);
                if settings.failover != Failover::Auto || site.phase.is_stable() {
                    continue;
                }
                is_well = false;
                let away = self.away.get(&(target.clone(), family)).copied().unwrap_or(LONGEST_WAIT);
                let due = since
                    + rise_time(&base.config)
                    + restraint(&base.config)
                    + OUTLIER
                    + away
                    + return_time(settings);
                if at > self.due(region, settings, site, due) {
                    let phase = site.phase.as_str();
                    found.push(format!(
                        "{target} ({family}) is {phase} although nothing is wrong since {since:?}, and it had until {due:?}"
                    ));
                }
            }
        }
        self.well_since = is_well.then(|| self.well_since.unwrap_or(at));
        if let Some(well) = self.well_since.filter(|_| !self.is_home)
            && at > well.max(since + rise_time(&base.config)) + balance_time(&base.config)
        {
            self.is_home = true;
            self.check_home(&base, look.clients, found);
        }
    }

    /// Returns when a site is to be healthy that has this long if no operator is needed.
    fn due(&self, region: &RegionReport, settings: &Region, site: &Status, due: Duration) -> Duration {
        let let_back = self.let_back.get(&region.name).copied();
        let held_since = site.since.since(BOOT);
        match (site.phase, let_back) {
            (Phase::Held, None) => Duration::MAX,
            // It was let back before it was held: it waits for the next operator.
            (Phase::Held, Some(let_back)) if let_back <= held_since => Duration::MAX,
            (_, None) => due,
            (_, Some(let_back)) => due.max(let_back + return_time(settings)),
        }
    }

    fn check_home(&self, base: &Arc<Base>, clients: &Clients, found: &mut Found) {
        let Some(scenario) = &self.scenario else { return };
        let mut at_home = Clients::new(&scenario.clients, &scenario.watched);
        at_home.ask(&first_snapshot(base), BOOT);
        for (lookup, home) in clients.lookups().iter().zip(at_home.lookups()) {
            for (subnet, home) in lookup.subnets().iter().zip(home.subnets()) {
                for family in Family::BOTH {
                    let [is, home] =
                        [subnet, home].map(|subnet| subnet.answer(family).map(|answer| &answer.leads));
                    if let (Some(is), Some(home)) = (is, home)
                        && is != home
                    {
                        let (prefix, name) = (subnet.prefix, &lookup.name);
                        found.push(format!(
                            "{prefix} ({family}) is led to {is} for {name}, and {home} is its home"
                        ));
                    }
                }
            }
        }
    }
}

/// Returns what a server publishes first that remembers nothing.
fn first_snapshot(base: &Arc<Base>) -> Arc<Snapshot> {
    let mut control = Control::new(Arc::clone(base), BOOT);
    let effects = control.handle(Input::Restored(Restored::default()), BOOT);
    let published = effects.into_iter().find_map(|effect| match effect {
        Effect::Publish(snapshot) => Some(snapshot),
        _ => None,
    });
    published.expect("the first input publishes the first snapshot")
}

/// Returns a region and its zones, as far as they have a phase of their own, by family.
fn sites(region: &RegionReport) -> impl Iterator<Item = (Target, &Status, Family)> {
    let zones = region.zones.iter().filter(|_| region.zones.len() > 1);
    let zones = zones.map(|zone| (Target::of_zone(&region.name, &zone.name), &zone.status));
    let sites = std::iter::once((Target::of_region(&region.name), &region.status)).chain(zones);
    sites.flat_map(|(target, courses)| {
        Family::BOTH.map(|family| (target.clone(), &courses[family as usize], family))
    })
}

/// Returns how long each site may stay away after the last trouble.
fn times_away(config: &Config, look: &CheckInput<'_>) -> impl Iterator<Item = ((Target, Family), Duration)> {
    let regions = config.regions.iter().zip(&look.report.regions);
    let sites = regions.flat_map(|((_, settings), region)| sites(region).map(move |site| (settings, site)));
    sites.map(|(settings, (target, site, family))| {
        // It waits already, by falls that may be too long ago to be counted by now.
        let waits = site.until.map_or(Duration::ZERO, |until| until.since(look.now));
        // What has begun to fail just before may fall once more.
        let falls = site.falls + 1;
        let wait = settings.recovery.min_down.saturating_mul(1 << falls.min(10)).min(LONGEST_WAIT);
        let away = if falls >= FALLS_TO_QUARANTINE { QUARANTINE } else { wait };
        ((target, family), away.max(waits))
    })
}

/// Returns how long a region may be kept that is not bad any more, or the last one to be: as half of the regions failed
/// alike, and after an outage of everything.
fn restraint(config: &Config) -> Duration {
    config.safety.shared_hold + AFTER_OUTAGE
}

/// Returns how long after it was let back a region is healthy: each share once, and one of them once more.
fn return_time(region: &Region) -> Duration {
    let steps = u32::try_from(region.recovery.ramp.len()).expect("a ramp has few steps");
    region.recovery.hold * (steps + 2) + SLACK
}

/// Returns how long it takes until every canary that can has seen its successes.
fn rise_time(config: &Config) -> Duration {
    let canaries = config.canaries.iter();
    let times = canaries.map(|canary| canary.interval * (canary.thresholds.rise + 1) + canary.timeout);
    times.max().unwrap_or_default()
}

/// Returns how long it takes until regions have taken back what they shed: a step each two TTLs.
fn balance_time(config: &Config) -> Duration {
    let longest = config.steered.iter().map(|steering| steering.ttl.seconds()).max().unwrap_or_default();
    let pace = Duration::from_secs(u64::from(longest.max(15)) * 2);
    let has_capacity = config.regions.iter().any(|(_, region)| region.capacity.is_some());
    let steps = if has_capacity { (1.0 / config.safety.limits.step).ceil() + 3.0 } else { 0.0 };
    SLACK + pace.mul_f64(steps)
}
