//! Alarms: conditions that stand until they clear, and the events that raise and clear them.
//!
//! What can raise an alarm is judged anew after every fall and return, and compared with what stood before: so it is
//! told once when it is raised and once when it is cleared, and a reload, which numbers everything anew, tells
//! nothing twice, for a [`Condition`] is called by names. Most conditions do not stand, and there may be thousands:
//! keys and events, which hold names, are made only when they are needed. The conditions of one cause are one
//! incident (`incident`).

mod flood;
pub(crate) mod incident;
mod rules;
mod server;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use incident::{Incident, IncidentMember};
pub(crate) use incident::{IncidentCause, Incidents, StandingCondition};
pub(crate) use rules::Rules;
pub(crate) use server::ServerAlarms;

use crate::canary::{BlindCause, Blindness, Subject};
use crate::config::Config;
use crate::event::{AffectedNames, Condition, Event, Outage};
use crate::health::{
    Board, FALLS_TO_QUARANTINE, HealthTerms, OutlierGrade, Phase, SiteShare, Sites, Status, Suppression, View,
};
use crate::moment::{Moment, follows_clock};
use crate::region::{Failover, Family, Region, RegionId, Regions, Resolved, Site, Target};
use crate::steering::{AllDown, Audience, Policy};

/// A condition that stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    pub condition: Condition,
    /// The event that raised it: its time is when it was raised, the details are those of now.
    pub event: Event,
}

/// The alarms that stand, and what is watched for others.
#[derive(Debug)]
pub(crate) struct Alarms {
    watches: Vec<WatchedNames>,
    standing: BTreeMap<Condition, Event>,
    /// Whether nothing was judged yet: what is out then was so before.
    is_first: bool,
}

/// The regions that some clients of some names may be sent to. When all are out, that is an alarm.
#[derive(Debug)]
struct WatchedNames {
    names: AffectedNames,
    regions: Vec<RegionId>,
    all_down: AllDown,
    terms: HealthTerms,
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
    pub(crate) fn standing(&self) -> impl Iterator<Item = Alarm> {
        let alarm = |(condition, event): (&Condition, &Event)| Alarm {
            condition: condition.clone(),
            event: event.clone(),
        };
        self.standing.iter().map(alarm)
    }

    /// Returns the regions that names may lead to for which no region is left; none for other conditions.
    pub(crate) fn regions_of(&self, condition: &Condition) -> &[RegionId] {
        let is_meant = |watch: &&WatchedNames| {
            condition.family().is_some_and(|family| watch.names.condition(family) == *condition)
        };
        self.watches.iter().find(is_meant).map_or(&[], |watch| &watch.regions)
    }

    /// Judges everything anew, and returns the events that raise and clear alarms. `own` is what this instance sees,
    /// `board` what all observers see together.
    pub(crate) fn update(
        &mut self,
        own: &Board,
        board: &Board,
        sites: &Sites,
        observed: &View,
        view: &View,
        now: Moment,
    ) -> Vec<Event> {
        let mut round = Round { now, before: &self.standing, standing: BTreeMap::new(), events: Vec::new() };
        // What keeps a region comes before what it keeps it from.
        round.judge_suppressions(board.regions(), observed);
        round.judge_flaps(board.regions(), observed);
        round.judge_outliers(board.regions(), sites);
        round.judge_blindness(own);
        round.judge_peers(board);
        round.judge_references(board);
        round.judge_advisories(board);
        // A region that an operator keeps clients from is no loss; that no region is left for some clients is one
        // whatever brought it about.
        round.judge_regions(board, sites, observed, self.is_first);
        round.judge_names(&self.watches, view);
        round.judge_stays(board.regions(), &self.watches, view);
        let Round { standing, events, .. } = round;
        self.standing = standing;
        self.is_first = false;
        events
    }
}

/// One round of judging everything that can raise an alarm.
struct Round<'a> {
    now: Moment,
    /// What stood before. What a reload has removed is never judged, and so never cleared: it is not well.
    before: &'a BTreeMap<Condition, Event>,
    standing: BTreeMap<Condition, Event>,
    events: Vec<Event>,
}

impl Round<'_> {
    /// Judges one condition.
    fn judge(
        &mut self,
        is_raised: bool,
        condition: impl FnOnce() -> Condition,
        raise: impl FnOnce() -> Event,
        clear: impl FnOnce() -> Event,
    ) {
        if !is_raised && self.before.is_empty() {
            return;
        }
        let condition = condition();
        match (self.before.get(&condition), is_raised) {
            (None, true) => {
                let event = raise();
                self.events.push(event.clone());
                self.standing.insert(condition, event);
            }
            (Some(before), true) => {
                self.standing.insert(condition, Event { time: before.time, ..raise() });
            }
            (Some(_), false) => self.events.push(clear()),
            (None, false) => {}
        }
    }

    /// Judges which regions are out, and were so already when the process began.
    fn judge_regions(&mut self, board: &Board, sites: &Sites, observed: &View, is_remembered: bool) {
        for (id, target, family) in regions_and_families(board.regions()) {
            let (now, status) = (self.now, observed.status(id, family));
            if !status.exists() {
                continue;
            }
            let raise = || {
                let reason = reason(id, status, board, sites);
                let failure = failure(Site::Region(id), family, board);
                let failure = failure.as_deref();
                Event::region_out(&target(), family, Outage { status, reason, failure, is_remembered }, now)
            };
            let clear = || Event::region_back(&target(), family, status, now);
            self.judge(status.has_left(), || Condition::Out(target(), family), raise, clear);
        }
    }

    /// Judges which regions are kept from leaving.
    fn judge_suppressions(&mut self, regions: &Regions, observed: &View) {
        for (id, target, family) in regions_and_families(regions) {
            let told = observed.status(id, family).suppression.filter(|suppression| is_told(*suppression));
            let (now, suppression) = (self.now, told.unwrap_or(Suppression::MinInService));
            self.judge(
                told.is_some(),
                || Condition::Suppressed(target(), family),
                || Event::failover_suppressed(&target(), family, suppression, now),
                || Event::failover_resumed(&target(), family, now),
            );
        }
    }

    /// Judges which regions flap that are not quarantined because another one is.
    fn judge_flaps(&mut self, regions: &Regions, observed: &View) {
        for (id, target, family) in regions_and_families(regions) {
            let (now, status) = (self.now, observed.status(id, family));
            let is_other = |(other, region): &(RegionId, &Region)| {
                let is_kept_away = observed.status(*other, family).phase == Phase::Quarantined;
                *other != id && region.service() == regions.region(id).service() && is_kept_away
            };
            let flaps = status.falls >= FALLS_TO_QUARANTINE && status.phase != Phase::Quarantined;
            let other = regions.iter().filter(|_| flaps).find(is_other);
            let other = other.map(|(_, region)| Target::of_region(&region.name));
            self.judge(
                other.is_some(),
                || Condition::Flapping(target(), family),
                || {
                    let other = other.as_ref().expect("raised only beside another region");
                    Event::region_flapping(&target(), family, status, other, now)
                },
                || Event::region_steady(&target(), family, now),
            );
        }
    }

    /// Judges for which causes this instance cannot probe.
    fn judge_blindness(&mut self, board: &Board) {
        let mut blind: BTreeMap<BlindCause, (&Blindness, usize, BTreeSet<&str>)> = BTreeMap::new();
        let regions = board.regions();
        for (subject, spot) in board.blind_spots() {
            let region = match subject {
                Subject::Address(address) => regions.address(address).region,
                Subject::Region(region) => region,
            };
            let entry = blind.entry(spot.blindness.cause).or_insert((&spot.blindness, 0, BTreeSet::new()));
            entry.1 += 1;
            entry.2.insert(&regions.region(region).name);
        }
        for cause in BlindCause::ALL {
            let (now, spot) = (self.now, blind.get(&cause));
            let raise = || {
                let (blindness, canaries, regions) = spot.expect("raised only for what is blind");
                Event::probes_blind(blindness, *canaries, &Vec::from_iter(regions.iter().copied()), now)
            };
            let clear = || Event::probes_sighted(cause, now);
            self.judge(spot.is_some(), || Condition::Blind(cause), raise, clear);
        }
    }

    /// Judges which peers are lost, and on which regions observers disagree.
    fn judge_peers(&mut self, board: &Board) {
        let now = self.now;
        for peer in board.joint_sights.peers() {
            let lost = board.joint_sights.lost().iter().find(|lost| lost.name == *peer);
            let is_alone = board.joint_sights.is_alone();
            self.judge(
                lost.is_some(),
                || Condition::Peer(peer.clone()),
                || Event::peer_lost(lost.expect("raised only for what is lost"), is_alone, now),
                || Event::peer_found(peer, now),
            );
        }
        for (id, target, family) in regions_and_families(board.regions()) {
            let Some(sights) = board.joint_sights.region(id, family) else { continue };
            self.judge(
                sights.is_told,
                || Condition::Disagreement(target(), family),
                || Event::observers_disagree(&target(), family, sights, now),
                || Event::observers_agree(&target(), family, now),
            );
        }
    }

    /// Judges which references do not answer for so long that they do not count.
    fn judge_references(&mut self, board: &Board) {
        let now = self.now;
        let lost: Vec<_> = board.references.lost(now).map(|reference| reference.name.as_str()).collect();
        for reference in board.references.iter() {
            let (name, trouble) = (reference.name.as_str(), reference.trouble.as_deref());
            self.judge(
                lost.contains(&name),
                || Condition::Reference(name.to_owned()),
                || Event::reference_lost(name, trouble.unwrap_or("it has not been probed"), now),
                || Event::reference_found(name, now),
            );
        }
    }

    /// Judges which advisory canaries have fallen.
    fn judge_advisories(&mut self, board: &Board) {
        let now = self.now;
        for (subject, track) in board.watched() {
            let target = || match subject {
                Subject::Address(address) => board.regions().target(Resolved::Address(address)),
                Subject::Region(region) => board.regions().target(Resolved::Region(region)),
            };
            let advice = track.advice();
            let raise = || {
                let canary = advice.map_or("", |record| board.canary(record.canary).name.as_str());
                let failure = advice.and_then(|record| record.failure.as_ref());
                let detail = failure.map_or("", |failure| failure.detail.as_str());
                Event::advisory_failing(&target(), track.share(), canary, detail, now)
            };
            let clear = || Event::advisory_recovered(&target(), now);
            self.judge(advice.is_some(), || Condition::Advisory(target()), raise, clear);
        }
    }

    /// Judges which regions and zones fail their clients more than others do.
    fn judge_outliers(&mut self, regions: &Regions, sites: &Sites) {
        for site in regions.sites() {
            let (now, grade) = (self.now, sites.grade(site));
            let target = || regions.target(site);
            self.judge(
                grade != OutlierGrade::Fine,
                || Condition::Outlier(target()),
                || Event::outlier_detected(&target(), grade, now),
                || Event::outlier_cleared(&target(), now),
            );
        }
    }

    /// Judges with which regions that are down clients stay because their names want it.
    fn judge_stays(&mut self, regions: &Regions, watches: &[WatchedNames], view: &View) {
        let steady = |watch: &&WatchedNames| watch.names.rule.is_none() && watch.terms == HealthTerms::Steady;
        for WatchedNames { names, regions: of_names, terms, .. } in watches.iter().filter(steady) {
            for (id, target, family) in regions_and_families(regions) {
                if !of_names.contains(&id) {
                    continue;
                }
                let (now, share) = (self.now, |view: &View| view.status(id, family).share);
                let is_down = matches!(share(view), SiteShare::Out { .. } | SiteShare::Yielding { .. });
                let has_clients = matches!(share(view.under(*terms)), SiteShare::Full | SiteShare::Part(_));
                self.judge(
                    is_down && has_clients,
                    || names.stay_condition(&target(), family),
                    || Event::clients_stay(names, &target(), family, now),
                    || Event::clients_free(names, &target(), family, now),
                );
            }
        }
    }

    /// Judges for which names no region is left.
    fn judge_names(&mut self, watches: &[WatchedNames], view: &View) {
        for watch in watches {
            let view = view.under(watch.terms);
            for family in Family::BOTH {
                let (now, all_down) = (self.now, || watch.all_down(view, family));
                self.judge(
                    watch.is_exhausted(view, family),
                    || watch.names.condition(family),
                    || Event::no_region_available(&watch.names, family, all_down(), now),
                    || Event::region_available(&watch.names, family, all_down(), now),
                );
            }
        }
    }
}

/// Returns every region with what makes its target, and with each family.
fn regions_and_families(regions: &Regions) -> impl Iterator<Item = (RegionId, impl Fn() -> Target, Family)> {
    regions.iter().flat_map(move |(id, region): (RegionId, &Region)| {
        Family::BOTH.map(|family| (id, || Target::of_region(&region.name), family))
    })
}

impl WatchedNames {
    /// Returns what its clients are answered when no region is left.
    fn all_down(&self, view: &View, family: Family) -> AllDown {
        let mut shares = self.regions.iter().map(|region| view.status(*region, family).share);
        // No client fails open to what an operator has disabled.
        if shares.all(|share| share == SiteShare::Disabled) { AllDown::Servfail } else { self.all_down }
    }

    /// Returns whether every region that has addresses of the family is out or stays only by a rule, and there is one.
    fn is_exhausted(&self, view: &View, family: Family) -> bool {
        let statuses = self.regions.iter().map(|region| view.status(*region, family));
        let mut shares = statuses.filter(|status| status.exists()).map(|status| status.share).peekable();
        shares.peek().is_some() && !shares.any(SiteShare::is_well)
    }
}

/// Returns what to watch for names to run out of regions: for each policy once, all clients and those of each
/// residency rule. Where several rules bind one client together, the cause shows in each of them.
fn watches(config: &Config) -> Vec<WatchedNames> {
    let mut by_policy: Vec<(&Policy, String, usize)> = Vec::new();
    let mut known = HashMap::new();
    for steering in &config.steered {
        let place = *known.entry(&steering.policy).or_insert_with(|| {
            by_policy.push((&steering.policy, steering.name(), 0));
            by_policy.len() - 1
        });
        by_policy[place].2 += 1;
    }
    let watches = by_policy.into_iter().flat_map(|(policy, owner, names)| {
        policy.audiences().into_iter().map(move |Audience { rule, regions }| WatchedNames {
            names: AffectedNames { owner: owner.clone(), others: names - 1, rule },
            regions,
            all_down: policy.all_down,
            terms: policy.terms,
        })
    });
    watches.collect()
}

/// Returns why a region is out although enough of its addresses are up; `None`: they are not.
fn reason(id: RegionId, status: &Status, board: &Board, sites: &Sites) -> Option<&'static str> {
    match status.phase {
        _ if !status.has_enough() => None,
        _ if board.whole(id).state().is_down() => Some("a canary of the region as a whole has fallen"),
        _ if sites.grade(Site::Region(id)) == OutlierGrade::Failing => {
            Some("it fails its clients more than others do")
        }
        Phase::Held => Some("it is held"),
        Phase::Quarantined => Some("it is quarantined"),
        Phase::Recovering => Some("its wait is not over"),
        Phase::Unknown | Phase::Healthy | Phase::Suspect | Phase::Down | Phase::Ramp => None,
    }
}

/// Returns how most of the addresses of a site fail that are down, or how the region fails as a whole.
pub(crate) fn failure(site: Site, family: Family, board: &Board) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for address in Resolved::from(site).addresses(board.regions()) {
        let (health, ip) = (board.address(address), board.regions().address(address).ip);
        if let Some(cause) = health.cause().filter(|_| health.state().is_down() && Family::of(ip) == family) {
            *counts.entry(cause.failure.detail).or_default() += 1;
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(detail, _)| detail);
    most.or_else(|| Some(board.whole(site.region(board.regions())).cause()?.failure.detail))
}

/// Returns whether people want to know of a suppression. Who turned failover off knows; what is not
/// decided yet is so within seconds; and a disagreement that lasts is an alarm of its own.
fn is_told(suppression: Suppression) -> bool {
    match suppression {
        Suppression::Failover(Failover::Off) | Suppression::Unheard | Suppression::Unconfirmed { .. } => {
            false
        }
        Suppression::Failover(Failover::Auto | Failover::Advise)
        | Suppression::Correlated(..)
        | Suppression::NoneWell
        | Suppression::Overload(_)
        | Suppression::Keep
        | Suppression::Cascade(_)
        | Suppression::MinInService
        | Suppression::Blind => true,
    }
}

follows_clock!(Alarms: standing);
