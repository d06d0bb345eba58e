//! Alarms: what was lost and is not back yet.
//!
//! What can raise one is judged anew after every fall and return, and compared with what stood before;
//! so an alarm is said once when it is raised and once when it is cleared, and a reload, which numbers
//! everything anew, says nothing twice: alarms are compared by name.

mod incident;
mod rules;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;

pub use incident::Incident;
pub use rules::Excess;
pub(crate) use rules::Rules;

use crate::canary::Subject;
use crate::config::Config;
use crate::event::{Count, What};
use crate::health::{self, Board, OutlierGrade, Phase, Services, SiteShare, Sites, Suppression, View};
use crate::region::{Failover, Family, Region, RegionId, Regions, Site};
use crate::share::Share;
use crate::steering::{AllDown, Policy};

/// A loss that lasts until it is cleared.
#[derive(Clone, Debug, PartialEq)]
pub enum Alarm {
    /// A region left the answers of a family, and has not returned.
    RegionOut {
        /// The name of the region.
        region: String,
        /// The family.
        family: Family,
        /// How many of its addresses are left.
        count: health::Count,
        /// Why it is out although enough of them are.
        reason: Option<&'static str>,
        /// Whether it was out already when the process began.
        is_remembered: bool,
    },
    /// Every region that some clients of a name may be sent to is out.
    Exhausted {
        /// The owner name.
        owner: String,
        /// How many more names have the same policy.
        others: usize,
        /// The residency rule that binds those clients; `None`: all clients are concerned.
        rule: Option<String>,
        /// The family.
        family: Family,
        /// What they are answered.
        all_down: AllDown,
    },
    /// A region should leave, and does not.
    Restrained {
        /// The name of the region.
        region: String,
        /// The family.
        family: Family,
        /// Why not.
        restraint: Suppression,
    },
    /// An advisory canary leaves an address, or a region, a share of its clients only.
    Advised {
        /// The name of the region.
        region: String,
        /// The name of the zone and the address; `None`: the region as a whole.
        address: Option<(String, IpAddr)>,
        /// The share.
        share: Share,
        /// The name of the canary.
        canary: String,
        /// How it failed last.
        detail: String,
    },
    /// A region or zone passes its canaries and fails its clients.
    Gray {
        /// The name of the region.
        region: String,
        /// The name of the zone, if it is one.
        zone: Option<String>,
        /// How badly.
        grade: OutlierGrade,
    },
    /// Something that is measured has been beyond its limit for too long.
    Measured(Excess),
    /// The configuration on disk is refused, and the one before stays in force.
    ReloadFailed {
        /// Why, every problem on a line.
        why: String,
    },
}

/// The alarms that stand, and what is watched for others.
#[derive(Debug)]
pub(crate) struct Alarms {
    watches: Vec<Watch>,
    standing: BTreeMap<Key, Alarm>,
    /// Whether nothing was judged yet: what is out then was so before.
    is_first: bool,
}

/// What an alarm is about, whatever its details and whatever the numbering.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Region(String, Family),
    Restrained(String, Family),
    Advised(String, Option<IpAddr>),
    Gray(String, Option<String>),
    Names(String, Option<String>, Family),
}

/// The regions that some clients of some names may be sent to. When all are out, that is an alarm.
#[derive(Debug)]
struct Watch {
    /// The first of the names.
    owner: String,
    /// How many more have the same policy: one line is said for all of them.
    others: usize,
    /// The residency rule that binds the clients; `None`: all clients.
    rule: Option<String>,
    regions: Vec<RegionId>,
    all_down: AllDown,
}

impl Alarms {
    /// Returns no alarms, and watches the names of `config` for some.
    pub(crate) fn new(config: &Config) -> Self {
        Self { watches: watches(config), standing: BTreeMap::new(), is_first: true }
    }

    /// Watches the names of another configuration; what stands is kept until the next update.
    pub(crate) fn reload(&mut self, config: &Config) {
        self.watches = watches(config);
    }

    /// Returns the alarms that stand.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Alarm> {
        self.standing.values()
    }

    /// Judges everything anew, and returns which alarms were raised and which cleared.
    pub(crate) fn update(&mut self, board: &Board, sites: &Sites, observed: &View, view: &View) -> Vec<What> {
        // A region that an operator keeps clients from is no loss; that nobody is left for some clients is one
        // whoever brought it about.
        let (services, served) =
            (Services::of(board.regions(), observed), Services::of(board.regions(), view));
        let mut round = Round { before: &self.standing, standing: BTreeMap::new(), whats: Vec::new() };
        // What keeps a region comes before what it keeps it from.
        judge_restraints(&mut round, board.regions(), sites);
        judge_sites(&mut round, board.regions(), sites);
        judge_advice(&mut round, board);
        judge_regions(&mut round, board, sites, &services, self.is_first);
        for watch in &self.watches {
            for family in Family::BOTH {
                let key = || Key::Names(watch.owner.clone(), watch.rule.clone(), family);
                round.judge(key, || watch.alarm(&served, family), watch.is_exhausted(&served, family));
            }
        }
        let Round { standing, whats, .. } = round;
        self.standing = standing;
        self.is_first = false;
        whats
    }
}

/// One round of judging everything that can raise an alarm.
struct Round<'a> {
    /// What stood before. What a reload has removed is never judged: nobody is told that it is well.
    before: &'a BTreeMap<Key, Alarm>,
    standing: BTreeMap<Key, Alarm>,
    whats: Vec<What>,
}

impl Round<'_> {
    /// Judges one condition. Most raise nothing, there may be thousands, and so keys and alarms, which hold
    /// names, are made only when they are asked for.
    fn judge(&mut self, key: impl FnOnce() -> Key, alarm: impl FnOnce() -> Alarm, is_raised: bool) {
        if !is_raised && self.before.is_empty() {
            return;
        }
        let key = key();
        match (self.before.contains_key(&key), is_raised) {
            (false, true) => {
                let alarm = alarm();
                self.whats.push(What::Raised(alarm.clone()));
                self.standing.insert(key, alarm);
            }
            (true, true) => _ = self.standing.insert(key, alarm()),
            (true, false) => self.whats.push(What::Cleared(alarm())),
            (false, false) => {}
        }
    }
}

/// Returns every region with each family.
fn both(regions: &Regions) -> impl Iterator<Item = ((RegionId, &Region), Family)> {
    regions.iter().flat_map(|place| Family::BOTH.map(|family| (place, family)))
}

/// Judges which regions are out, and were so already when the process began.
fn judge_regions(
    round: &mut Round<'_>,
    board: &Board,
    sites: &Sites,
    services: &Services,
    is_remembered: bool,
) {
    for ((id, region), family) in both(board.regions()) {
        let Some(count) = services.get(id, family).count() else {
            continue;
        };
        let name = || region.name.clone();
        let is_out = matches!(
            services.stage(id, family),
            SiteShare::Waiting | SiteShare::Out { .. } | SiteShare::Disabled
        );
        let alarm = || {
            let reason = reason(id, family, count, board, sites);
            Alarm::RegionOut { region: name(), family, count, reason, is_remembered }
        };
        round.judge(|| Key::Region(name(), family), alarm, is_out);
    }
}

/// Judges which regions are kept from leaving.
fn judge_restraints(round: &mut Round<'_>, regions: &Regions, sites: &Sites) {
    for ((id, region), family) in both(regions) {
        let restraint = sites.suppression(id, family);
        let is_told = restraint.is_some_and(is_told);
        let restraint = restraint.unwrap_or(Suppression::MinInService);
        let name = || region.name.clone();
        let alarm = || Alarm::Restrained { region: name(), family, restraint };
        round.judge(|| Key::Restrained(name(), family), alarm, is_told);
    }
}

/// Judges which advisory canaries have fallen.
fn judge_advice(round: &mut Round<'_>, board: &Board) {
    let regions = board.regions();
    for (subject, track) in board.watched() {
        let (region, address) = match subject {
            Subject::Address(id) => (regions.address(id).region, Some(regions.address(id))),
            Subject::Region(region) => (region, None),
        };
        let name = || regions.region(region).name.clone();
        let advice = track.advice();
        let alarm = || Alarm::Advised {
            region: name(),
            address: address.map(|address| (regions.zone(address.zone).name.clone(), address.ip)),
            share: track.share(),
            canary: advice.map(|record| board.canary(record.canary).name.clone()).unwrap_or_default(),
            detail: advice
                .and_then(|record| record.failure.as_ref())
                .map(|it| it.detail.clone())
                .unwrap_or_default(),
        };
        round.judge(|| Key::Advised(name(), address.map(|address| address.ip)), alarm, advice.is_some());
    }
}

/// Judges which regions and zones fail their clients.
fn judge_sites(round: &mut Round<'_>, regions: &Regions, sites: &Sites) {
    for site in regions.sites() {
        let grade = sites.grade(site);
        let names = || {
            let target = regions.target(site);
            (target.region().to_owned(), target.zone().map(str::to_owned))
        };
        let key = || {
            let (region, zone) = names();
            Key::Gray(region, zone)
        };
        let alarm = || {
            let (region, zone) = names();
            Alarm::Gray { region, zone, grade }
        };
        round.judge(key, alarm, grade != OutlierGrade::Fine);
    }
}

impl Watch {
    fn alarm(&self, services: &Services, family: Family) -> Alarm {
        let stages = || self.regions.iter().map(|region| services.stage(*region, family));
        let is_disabled = stages().all(|stage| stage == SiteShare::Disabled);
        Alarm::Exhausted {
            owner: self.owner.clone(),
            others: self.others,
            rule: self.rule.clone(),
            family,
            // Nobody fails open to what an operator has disabled.
            all_down: if is_disabled { AllDown::Servfail } else { self.all_down },
        }
    }

    /// Returns whether every region that has addresses of the family is out, and there is one.
    fn is_exhausted(&self, services: &Services, family: Family) -> bool {
        let of_family = self.regions.iter().filter(|region| services.get(**region, family).count().is_some());
        let mut stages = of_family.map(|region| services.stage(*region, family)).peekable();
        stages.peek().is_some()
            && stages.all(|stage| matches!(stage, SiteShare::Out { .. } | SiteShare::Disabled))
    }
}

/// Returns what to watch for names to run out of regions: for each policy once, everybody and each
/// residency rule. Where several rules bind one client together, the cause shows in each of them.
fn watches(config: &Config) -> Vec<Watch> {
    let mut by_policy: Vec<(&Policy, String, usize)> = Vec::new();
    let mut known = HashMap::new();
    for steering in &config.steered {
        let place = *known.entry(&steering.policy).or_insert_with(|| {
            let owner = steering.owner.to_string();
            let owner = owner.strip_suffix('.').unwrap_or(&owner).to_owned();
            by_policy.push((&steering.policy, owner, 0));
            by_policy.len() - 1
        });
        by_policy[place].2 += 1;
    }
    let watches = by_policy.into_iter().flat_map(|(policy, owner, names)| {
        let everybody = (None, policy.regions.clone());
        let rules = policy.residency.iter().map(|rule| {
            let listed = policy.regions.iter().copied();
            let permitted = listed.filter(|region| rule.permitted.contains(*region));
            (Some(rule.text.clone()), permitted.collect())
        });
        let parts: Vec<_> = std::iter::once(everybody).chain(rules).collect();
        parts.into_iter().map(move |(rule, regions)| Watch {
            owner: owner.clone(),
            others: names - 1,
            rule,
            regions,
            all_down: policy.all_down,
        })
    });
    watches.collect()
}

impl Alarm {
    /// Writes that it is over.
    pub(crate) fn fmt_cleared(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegionOut { region, family, count, .. } => {
                let (family, health::Count { up, total, .. }) = (word(*family), count);
                write!(f, "{region} returns to the {family} answers: {up} of {total} addresses are up")
            }
            Self::Restrained { region, family, .. } => {
                write!(f, "{region} is no longer kept in the {} answers against its health", word(*family))
            }
            Self::Advised { region, address, .. } => {
                fmt_advised(region, address.as_ref(), f)?;
                f.write_str(" may have all of its clients again: no advisory canary speaks against it")
            }
            Self::Gray { region, zone, .. } => {
                let zone = zone.iter().flat_map(|zone| ["/", zone.as_str()]).collect::<String>();
                write!(f, "{region}{zone} does not stand out among the others any more")
            }
            Self::Exhausted { .. } => {
                self.fmt_whom(f)?;
                f.write_str(": a region is up again")
            }
            Self::Measured(excess) => excess.fmt_cleared(f),
            Self::ReloadFailed { .. } => f.write_str("the configuration on disk is in force again"),
        }
    }

    /// Writes which clients of which names are concerned.
    fn fmt_whom(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Exhausted { owner, others, rule, family, .. } = self else {
            return Ok(());
        };
        f.write_str(owner)?;
        if *others > 0 {
            write!(f, " and {}", Count(*others, "more name"))?;
        }
        write!(f, " ({}", word(*family))?;
        match rule {
            Some(rule) => write!(f, ", {rule})"),
            None => f.write_str(")"),
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegionOut { region, family, count, reason, is_remembered } => {
                let (family, health::Count { up, total, .. }) = (word(*family), count);
                let verb = if *is_remembered { "is still out of" } else { "leaves" };
                write!(f, "{region} {verb} the {family} answers: {up} of {total} addresses are up")?;
                reason.map_or(Ok(()), |reason| write!(f, ", but {reason}"))
            }
            Self::Restrained { region, family, restraint } => {
                write!(f, "{region} should leave the {} answers, and stays: {restraint}", word(*family))
            }
            Self::Advised { region, address, share, canary, detail } => {
                fmt_advised(region, address.as_ref(), f)?;
                write!(f, " keeps {share} of its clients: the advisory canary {canary} has fallen, {detail}")
            }
            Self::Gray { region, zone, grade } => {
                let zone = zone.iter().flat_map(|zone| ["/", zone.as_str()]).collect::<String>();
                write!(f, "{region}{zone} passes its canaries and fails its clients more than others do: ")?;
                f.write_str(match grade {
                    OutlierGrade::Fine | OutlierGrade::Degraded => "it keeps half of them at most",
                    OutlierGrade::Failing => "it leaves",
                })
            }
            Self::Exhausted { all_down, .. } => {
                self.fmt_whom(f)?;
                f.write_str(": every permitted region is down, ")?;
                f.write_str(match all_down {
                    AllDown::FailOpen => "answering with them all the same (fail-open)",
                    AllDown::Servfail => "answering SERVFAIL",
                    AllDown::Nodata => "answering without data",
                })
            }
            Self::Measured(excess) => excess.fmt(f),
            Self::ReloadFailed { why } => {
                let first = why.lines().next().unwrap_or_default();
                write!(f, "the configuration on disk is refused, and the one before stays in force: {first}")
            }
        }
    }
}

/// Returns why a region is out although enough of its addresses are up; `None`: they are not.
fn reason(
    id: RegionId,
    family: Family,
    count: health::Count,
    board: &Board,
    sites: &Sites,
) -> Option<&'static str> {
    let site = Site::Region(id);
    match sites.recovery(site, family).phase() {
        _ if count.up < count.needed => None,
        _ if board.whole(id).state().is_down() => Some("a canary of the region as a whole has fallen"),
        _ if sites.grade(site) == OutlierGrade::Failing => Some("it fails its clients more than others do"),
        Phase::Held(_) => Some("it is held"),
        Phase::Quarantined { .. } => Some("it is quarantined"),
        Phase::Recovering { .. } => Some("its wait is not over"),
        Phase::Unknown | Phase::Healthy | Phase::Suspect | Phase::Down | Phase::Ramp { .. } => None,
    }
}

fn fmt_advised(region: &str, address: Option<&(String, IpAddr)>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(region)?;
    address.map_or(Ok(()), |(zone, ip)| write!(f, "/{zone} {ip}"))
}

/// Returns whether people want to know of a restraint. Who turned failover off knows; and what is not
/// decided yet is so within seconds.
fn is_told(restraint: Suppression) -> bool {
    match restraint {
        Suppression::Failover(Failover::Off) | Suppression::Undecided(_) => false,
        Suppression::Failover(Failover::Auto | Failover::Advise)
        | Suppression::Correlated(_)
        | Suppression::Overload(_)
        | Suppression::MinInService => true,
    }
}

impl fmt::Display for Suppression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failover(failover) => write!(f, "failover is `{}`", failover.as_str()),
            Self::Correlated(class) => {
                write!(
                    f,
                    "half of the regions or more fail alike ({}), so the cause is shared",
                    class.as_str()
                )
            }
            Self::Undecided(class) => {
                write!(f, "others fail alike ({}), how many is not clear yet", class.as_str())
            }
            Self::Overload(load) => {
                let percent = load * 100.0;
                write!(f, "it is not dead but full, at {percent:.0} % of its capacity, and sheds clients")
            }
            Self::MinInService => f.write_str("fewer regions than `min_in_service` would be left"),
        }
    }
}

/// Returns what people call a family.
pub(crate) fn word(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}
