//! Regions and availability zones: which of them leave, and how they come back.
//!
//! Each has a [`RecoveryState`] for each family. What it sees is counted from the board: a zone is bad when none
//! of its addresses is up, a region when fewer than its `min_healthy` are, when a critical canary says so
//! that probes the region once, or when it fails its clients though not its canaries ([`outlier`]). A region
//! that would fall may be kept ([`Suppression`]): then it is suspect, and moves no client, and what keeps it keeps its
//! zones. A zone that fell with its region comes back with it, and a region's only zone is the
//! region itself: neither has a ramp of its own.
//!
//! Everything is judged anew at each [`Sites::update`], so it does not matter which of several triggers
//! led to one: the same board at the same time is the same verdict.

mod memory;
mod suppress;
#[cfg(test)]
mod tests;
mod view;

use std::collections::HashMap;

pub use suppress::VELOCITY_PERIOD;

use super::correlation;
use super::evidence::Evidence;
use super::outlier::{self, OutlierGrade, Windows};
use super::site::name;
use super::tally::{AddressTally, SiteTallies};
use super::{
    Assessment, Board, Phase, PhaseChange, RecoveryState, Suppression, Surroundings, Vitals, vitals,
};
use crate::moment::{ClockStep, FollowClock, Moment, follows_clock};
use crate::region::{Failover, Family, RegionId, RegionSet, Regions, Safety, Site, ZoneId};

/// How far a region leaves that is down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exit {
    /// All of its clients, whatever becomes of the others.
    #[default]
    Whole,
    /// As many of its clients as others can bear, where that is known: the rest is no better off elsewhere.
    AsBorne,
    /// None of them: no region is well, or was within the last minute.
    Nowhere,
}

/// One site and family.
#[derive(Clone, Debug, PartialEq)]
struct SiteState {
    recovery: RecoveryState,
    suppression: Option<Suppression>,
    /// When it was last kept from leaving.
    kept_at: Option<Moment>,
    /// Of a region that is down: how far it has left.
    exit: Exit,
    /// When it was last full rather than dead, and at which load.
    overloaded: Option<(f64, Moment)>,
    /// When it was last bad while this instance may have been cut off.
    blind_at: Option<Moment>,
}

impl SiteState {
    fn new(now: Moment) -> Self {
        Self {
            recovery: RecoveryState::new(now),
            suppression: None,
            kept_at: None,
            exit: Exit::Whole,
            overloaded: None,
            blind_at: None,
        }
    }
}

/// All regions and availability zones of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Sites {
    /// By `RegionId` and family.
    regions: Vec<[SiteState; 2]>,
    /// By `ZoneId` and family.
    zones: Vec<[SiteState; 2]>,
    /// By `RegionId`.
    region_windows: Vec<Windows>,
    /// By `ZoneId`.
    zone_windows: Vec<Windows>,
    window_began: Moment,
    /// By `RegionId`: what the machine may do about it.
    failover: Vec<Failover>,
    /// The same as operators want it. A region that has left goes its way to the end first: freezing the machine
    /// during an outage must not bring the dead back.
    wanted: Vec<Failover>,
    /// The regions that take no clients because an operator wants so.
    withdrawn: RegionSet,
    /// By `RegionId`: when it was last given clients of another one, more than it may be expected to bear unseen.
    given: Vec<Option<Moment>>,
    /// By `RegionId` and family: when no region of its service was well last.
    none_well: Vec<[Option<Moment>; 2]>,
}

impl Sites {
    /// Returns sites of which nothing is known.
    pub fn new(regions: &Regions, now: Moment) -> Self {
        let state = SiteState::new(now);
        let states = |count: usize| vec![[state.clone(), state.clone()]; count];
        let zones = regions.zones().count();
        Self {
            regions: states(regions.len()),
            zones: states(zones),
            region_windows: vec![Windows::default(); regions.len()],
            zone_windows: vec![Windows::default(); zones],
            window_began: now,
            failover: regions.iter().map(|(_, region)| region.failover).collect(),
            wanted: regions.iter().map(|(_, region)| region.failover).collect(),
            withdrawn: RegionSet::NONE,
            given: vec![None; regions.len()],
            none_well: vec![[None; 2]; regions.len()],
        }
    }

    /// Takes note of when a region was given clients of another one, whose capacity for them is not known; `None`: it has
    /// none any more.
    pub fn note_guests(&mut self, region: RegionId, given: Option<Moment>) {
        self.given[usize::from(region.0)] = given;
    }

    /// Follows other wishes of operators: by `RegionId` what the machine may do, and the regions that take no clients.
    pub fn instruct(&mut self, failover: &[Failover], withdrawn: RegionSet) {
        self.wanted = failover.to_vec();
        self.withdrawn = withdrawn;
        self.follow_wishes();
    }

    /// Follows what operators want of the machine, for every region about which it does nothing.
    fn follow_wishes(&mut self) {
        for index in 0..self.wanted.len() {
            let wanted = self.wanted[index];
            if wanted == Failover::Auto || self.is_stable(Site::Region(RegionId(index as u8))) {
                self.failover[index] = wanted;
            }
        }
    }

    /// Returns what the machine may do about a region.
    pub fn failover(&self, region: RegionId) -> Failover {
        self.failover[usize::from(region.0)]
    }

    /// Returns whether a site is well or suspect in both families, so that no client is kept away.
    pub fn is_stable(&self, site: Site) -> bool {
        Family::BOTH.into_iter().all(|family| self.recovery(site, family).phase().is_stable())
    }

    /// Returns the sites of another configuration, with what is known of those that are still there.
    pub fn reload(&self, old: &Regions, new: &Regions, now: Moment) -> Self {
        let mut reloaded = Self { window_began: self.window_began, ..Self::new(new, now) };
        let known: HashMap<_, _> = old.sites().map(|site| (name(old, site), site)).collect();
        for site in new.sites() {
            match (site, known.get(&name(new, site))) {
                (Site::Region(id), Some(Site::Region(before))) => {
                    let (id, before) = (usize::from(id.0), usize::from(before.0));
                    reloaded.regions[id] = self.regions[before].clone();
                    reloaded.region_windows[id] = self.region_windows[before];
                    reloaded.failover[id] = self.failover[before];
                    reloaded.given[id] = self.given[before];
                    reloaded.none_well[id] = self.none_well[before];
                }
                (Site::Zone(id), Some(Site::Zone(before))) => {
                    let (id, before) = (usize::from(id.0), usize::from(before.0));
                    reloaded.zones[id] = self.zones[before].clone();
                    reloaded.zone_windows[id] = self.zone_windows[before];
                }
                _ => {}
            }
        }
        reloaded.forget_absent(new, now);
        reloaded
    }

    /// Forgets what is known of families of which a site has no address any more: nothing would ever lead it on.
    fn forget_absent(&mut self, regions: &Regions, now: Moment) {
        for site in regions.sites() {
            for family in Family::BOTH {
                let mut addresses =
                    regions.addresses_of(site.region(regions)).filter(|(_, address)| match site {
                        Site::Region(_) => true,
                        Site::Zone(zone) => address.zone == zone,
                    });
                if !addresses.any(|(_, address)| Family::of(address.ip) == family) {
                    *self.state_mut(site, family) = SiteState::new(now);
                }
            }
        }
    }

    /// Judges everything anew, and returns what has changed. `pools` are the sets of regions that some clients may be
    /// sent to.
    pub fn update(
        &mut self,
        board: &Board,
        safety: &Safety,
        pools: &[RegionSet],
        now: Moment,
    ) -> Vec<PhaseChange> {
        self.look_for_gray(board, now);
        self.follow_wishes();
        let tallies = SiteTallies::of(board);
        let mut turns = Vec::new();
        for service in board.regions().services() {
            for family in Family::BOTH {
                let evidence = Evidence { board, tallies: &tallies, safety, pools, family, service, now };
                if evidence.regions().all(|region| evidence.has_fallen(region)) {
                    let none_well = &mut self.none_well;
                    evidence
                        .all_regions()
                        .for_each(|id| none_well[usize::from(id.0)][family as usize] = Some(now));
                }
                turns.extend(self.update_regions(&evidence));
                let zones = board.regions().zones();
                let of_service = zones.filter(|(_, id, _)| board.regions().region(*id).service() == service);
                for (zone, region, _) in of_service {
                    turns.extend(self.update_zone(zone, region, &evidence));
                }
            }
        }
        turns
    }

    /// Lets the parts of a region back that are held or quarantined, in both families, and returns what has
    /// changed.
    pub fn fail_back(&mut self, region: RegionId, regions: &Regions, now: Moment) -> Vec<PhaseChange> {
        let rules = &regions.region(region).recovery;
        let zones = regions.zones().filter(|(_, of, _)| *of == region).map(|(zone, _, _)| Site::Zone(zone));
        let sites: Vec<_> = std::iter::once(Site::Region(region)).chain(zones).collect();
        let mut turns = Vec::new();
        for site in sites {
            for family in Family::BOTH {
                let state = self.state_mut(site, family);
                let before = state.recovery.clone();
                state.recovery.fail_back(rules, now);
                turns.extend(PhaseChange::between(site, family, &before, &state.recovery, now));
            }
        }
        turns
    }

    /// Returns the course of a site.
    pub fn recovery(&self, site: Site, family: Family) -> &RecoveryState {
        match site {
            Site::Region(id) => &self.regions[usize::from(id.0)][family as usize].recovery,
            Site::Zone(id) => &self.zones[usize::from(id.0)][family as usize].recovery,
        }
    }

    /// Returns why a region does not leave that is bad; `None`: it is not bad, or has left.
    pub fn suppression(&self, region: RegionId, family: Family) -> Option<Suppression> {
        self.regions[usize::from(region.0)][family as usize].suppression
    }

    /// Returns how far a region has left that is down.
    pub fn exit(&self, region: RegionId, family: Family) -> Exit {
        self.regions[usize::from(region.0)][family as usize].exit
    }

    /// Returns what its clients' requests say of a site.
    pub fn grade(&self, site: Site) -> OutlierGrade {
        self.windows(site).grade()
    }

    fn windows(&self, site: Site) -> &Windows {
        match site {
            Site::Region(id) => &self.region_windows[usize::from(id.0)],
            Site::Zone(id) => &self.zone_windows[usize::from(id.0)],
        }
    }

    /// Returns when to update although nothing happens; `None`: never.
    pub fn wake(&self, board: &Board, now: Moment) -> Option<Moment> {
        let regions = board.regions();
        let recoveries = regions.sites().flat_map(|site| {
            let rules = &regions.region(site.region(regions)).recovery;
            Family::BOTH.map(|family| self.recovery(site, family).wake(rules))
        });
        let window = hears_signals(board).then(|| self.window_began.plus(outlier::WINDOW));
        let is_passing = |state: &SiteState| {
            state.exit == Exit::Nowhere || state.suppression.is_some_and(Suppression::is_passing)
        };
        let restrained = self.regions.iter().flatten().any(is_passing).then(|| now.plus(RECONSIDER));
        // A course that is not followed any more, since failover is off, has nothing to wait for.
        let kept = self.regions.iter().flatten().map(|state| Some(state.kept_at?.plus(correlation::WINDOW)));
        recoveries.chain([window, restrained]).chain(kept).flatten().filter(|wake| *wake > now).min()
    }

    fn update_zone(
        &mut self,
        zone: ZoneId,
        region: RegionId,
        evidence: &Evidence<'_>,
    ) -> Option<PhaseChange> {
        let (board, family, now) = (evidence.board, evidence.family, evidence.now);
        let settings = board.regions().region(region);
        let tally = evidence.tallies.zone(zone, family);
        if tally.total == 0 || settings.zones.len() == 1 || self.failover(region) == Failover::Off {
            return None;
        }
        let site = Site::Zone(zone);
        let assessment = self.assess_zone(site, family, tally);
        let around = Surroundings {
            gates_are_open: self.gates_are_open(site, family, board, now),
            may_quarantine: true,
            refused_since: None,
        };
        // For a minute longer: the last zone to recover must not fall for being the last.
        let is_excused = assessment == Assessment::Bad && self.is_kept(region, family, now);
        let is_alone = self.recovery(Site::Region(region), family).phase().is_stable();
        let state = self.state_mut(site, family);
        let before = state.recovery.clone();
        // A zone that fell with its region comes back with it: one ramp is enough.
        if !is_alone && assessment != Assessment::Bad && before.is_on_its_way() {
            state.recovery.undo_fall(now);
        }
        match is_excused {
            // What keeps a region keeps its zones, and those that fell before it was seen.
            true if before.phase() == Phase::Down => {
                if now.since(before.since()) <= correlation::WINDOW {
                    state.recovery.undo_fall(now);
                }
            }
            true => drop(state.recovery.follow(Assessment::Suspect, around, &settings.recovery, now)),
            false => drop(state.recovery.follow(assessment, around, &settings.recovery, now)),
        }
        PhaseChange::between(site, family, &before, &state.recovery, now)
    }

    fn assess_zone(&self, site: Site, family: Family, tally: &AddressTally) -> Assessment {
        let recovery = self.recovery(site, family);
        // The requests of a zone without clients say nothing of it.
        let has_clients = recovery.serves() || recovery.phase() == Phase::Down;
        // What rises in a zone that still serves counts as suspect, as in regions.
        let up = if recovery.serves() { tally.up + tally.rising } else { tally.up };
        match tally {
            _ if self.grade(site) == OutlierGrade::Failing && has_clients => Assessment::Bad,
            _ if up == 0 => Assessment::Bad,
            AddressTally { clean: 0, .. } => Assessment::Suspect,
            AddressTally { known: 0, .. } => Assessment::Unknown,
            _ => Assessment::Good,
        }
    }

    fn update_region(&mut self, id: RegionId, evidence: &Evidence<'_>) -> Option<PhaseChange> {
        let (board, family, now) = (evidence.board, evidence.family, evidence.now);
        let region = board.regions().region(id);
        if evidence.tallies.region(id, family).total == 0 {
            return None;
        }
        let site = Site::Region(id);
        let before = self.recovery(site, family).clone();
        let assessment = evidence.assessment(id, self.grade(site), &before);
        let suppression = match assessment {
            Assessment::Bad => self.suppress(id, evidence),
            Assessment::Good | Assessment::Suspect | Assessment::Unknown => self.unconfirmed(id, evidence),
        };
        let followed = match suppression {
            // Who wants advice wants to know what would have happened.
            Some(Suppression::Failover(Failover::Advise)) | None => assessment,
            Some(_) => Assessment::Suspect,
        };
        let around = Surroundings {
            gates_are_open: self.gates_are_open(site, family, board, now),
            may_quarantine: self.may_quarantine(id, evidence),
            refused_since: evidence.refused_since(id),
        };
        let exit = self.exit_by(id, evidence);
        let is_refuted = assessment != Assessment::Bad && is_refuted(id, &before, evidence);
        let state = self.state_mut(site, family);
        if is_refuted {
            state.recovery.undo_fall(now);
        }
        state.suppression = suppression;
        let is_kept = suppression.is_some_and(Suppression::keeps_what_is_bad);
        state.kept_at = if is_kept { Some(now) } else { state.kept_at };
        state.recovery.follow(followed, around, &region.recovery, now);
        state.exit = if state.recovery.phase() == Phase::Down { exit } else { Exit::Whole };
        PhaseChange::between(site, family, &before, &state.recovery, now)
    }

    /// Judges the regions of a family: anew after every change, for one may follow from another.
    fn update_regions(&mut self, evidence: &Evidence<'_>) -> Vec<PhaseChange> {
        let mut turns = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let before = turns.len();
            for region in evidence.all_regions() {
                turns.extend(self.update_region(region, evidence));
            }
            turns.extend(self.follow_outage(evidence));
            if turns.len() == before {
                break;
            }
        }
        turns
    }

    /// Sees to it that clients go to what is well at once while no region of the family serves in full: waits and ramps
    /// would only scatter them over others that wait as well.
    fn follow_outage(&mut self, evidence: &Evidence<'_>) -> Vec<PhaseChange> {
        let (family, now) = (evidence.family, evidence.now);
        let assess = |sites: &Self, id: RegionId| {
            let recovery = sites.recovery(Site::Region(id), family);
            (recovery.phase(), evidence.assessment(id, sites.grade(Site::Region(id)), recovery))
        };
        let mut regions = evidence.regions().filter(|id| !self.withdrawn.contains(*id));
        let is_served = regions.any(|id| {
            let (phase, assessment) = assess(self, id);
            phase.is_stable() && assessment != Assessment::Bad
        });
        if is_served {
            return Vec::new();
        }
        let mut turns = Vec::new();
        for id in evidence.regions() {
            let site = Site::Region(id);
            let (_, assessment) = assess(self, id);
            let exit = self.exit_by(id, evidence);
            let state = self.state_mut(site, family);
            let before = state.recovery.clone();
            state.recovery.note_outage();
            if before.phase() == Phase::Down {
                state.exit = exit;
            }
            if assessment != Assessment::Bad {
                state.recovery.serve_at_once(now);
            }
            turns.extend(PhaseChange::between(site, family, &before, &state.recovery, now));
        }
        // Zones that fell with their regions come back with them.
        let regions = evidence.board.regions();
        for (zone, region, _) in regions.zones() {
            if regions.region(region).service() == evidence.service {
                self.zones[usize::from(zone.0)][family as usize].recovery.note_outage();
            }
        }
        turns
    }

    /// Returns whether a region may be kept away for its flaps: no other one is, and half of the family's regions or
    /// more are in service without it. One that an operator has disabled or emptied is not in service.
    fn may_quarantine(&self, id: RegionId, evidence: &Evidence<'_>) -> bool {
        let recovery = |other: RegionId| self.recovery(Site::Region(other), evidence.family);
        let others: Vec<_> = evidence.regions().filter(|other| *other != id).collect();
        let is_first = !others.iter().any(|other| recovery(*other).phase() == Phase::Quarantined);
        let is_serving = |other: &&RegionId| recovery(**other).serves() && !self.withdrawn.contains(**other);
        let serving = others.iter().filter(is_serving).count();
        is_first && 2 * serving > others.len()
    }

    fn gates_are_open(&self, site: Site, family: Family, board: &Board, now: Moment) -> bool {
        let recovery = self.recovery(site, family);
        match recovery.phase() {
            Phase::Ramp => self.is_open(site, board, recovery.since(), now),
            _ => true,
        }
    }

    /// Returns whether more clients may come to a site by what it has said since `after`, and by what gray failure knows
    /// of it: what made it leave must not wait for it at the end of the ramp, or it comes and goes.
    pub fn is_open(&self, site: Site, board: &Board, after: Moment, now: Moment) -> bool {
        self.windows(site).is_ordinary() && gates_are_open(site, board, after, now)
    }

    /// Ends a window if it is over: compares the zones of each region, and then the regions.
    fn look_for_gray(&mut self, board: &Board, now: Moment) {
        if now < self.window_began.plus(outlier::WINDOW) {
            return;
        }
        let after = std::mem::replace(&mut self.window_began, now);
        if !hears_signals(board) {
            return;
        }
        let regions = board.regions();
        for (region, _) in regions.iter() {
            let zones: Vec<_> =
                regions.zones().filter(|(_, of, _)| *of == region).map(|(id, _, _)| id).collect();
            let heard: Vec<_> =
                zones.iter().map(|zone| vitals(board, Site::Zone(*zone), after, now)).collect();
            for (zone, stands_out) in zones.iter().zip(outlier::outstanding(&heard)) {
                self.zone_windows[usize::from(zone.0)].add(stands_out && zones.len() > 1);
            }
        }
        for service in regions.services() {
            let of_service = regions.iter().filter(|(_, region)| region.service() == service);
            let ids: Vec<_> = of_service.map(|(id, _)| id).collect();
            let heard: Vec<_> =
                ids.iter().map(|id| self.without_gray_zones(*id, board, after, now)).collect();
            for (id, stands_out) in ids.iter().zip(outlier::outstanding(&heard)) {
                self.region_windows[usize::from(id.0)].add(stands_out);
            }
        }
    }

    /// Returns the vitals of a region without the zones that stand out in it: their fault is not its own.
    fn without_gray_zones(&self, region: RegionId, board: &Board, after: Moment, now: Moment) -> Vitals {
        let is_fine = |zone: ZoneId| self.zone_windows[usize::from(zone.0)].is_ordinary();
        let addresses = board.regions().addresses_of(region);
        let has_fine = addresses.clone().any(|(_, address)| is_fine(address.zone));
        let tracks = addresses.filter(|(_, address)| !has_fine || is_fine(address.zone));
        let tracks = tracks.map(|(id, _)| board.address(id)).chain([board.whole(region)]);
        Vitals::of(tracks, |record| board.canary(record.canary), after, now)
    }

    fn state_mut(&mut self, site: Site, family: Family) -> &mut SiteState {
        match site {
            Site::Region(id) => &mut self.regions[usize::from(id.0)][family as usize],
            Site::Zone(id) => &mut self.zones[usize::from(id.0)][family as usize],
        }
    }
}

/// How often regions are judged at one moment at most: a fall ends a quarantine, which ends an outage.
const MOST_ROUNDS: usize = 4;

/// How soon a restrained region is looked at again: less than any wait that people notice.
const RECONSIDER: std::time::Duration = std::time::Duration::from_secs(1);

/// Returns whether what a site has said since `after` lets more clients come to it.
fn gates_are_open(site: Site, board: &Board, after: Moment, now: Moment) -> bool {
    let gates = &board.regions().region(site.region(board.regions())).recovery.gates;
    let vitals = vitals(board, site, after, now);
    vitals.error_rate.is_none_or(|rate| rate <= gates.error_rate)
        && vitals.load.is_none_or(|load| load <= gates.load)
}

/// Returns whether a region fell while this instance judged without others that see it up, and have done so since before:
/// then it was the view of this one, and its clients need not wait for a recovery.
fn is_refuted(id: RegionId, recovery: &RecoveryState, evidence: &Evidence<'_>) -> bool {
    let sights = evidence.board.joint_sights.region(id, evidence.family);
    let up_since = sights.and_then(|sights| sights.up_since);
    let fell = recovery.falls().last().filter(|_| recovery.is_on_its_way());
    fell.zip(up_since).is_some_and(|(fell, up_since)| up_since < *fell)
}

/// Returns whether any signal was ever heard: without, no window is worth ending.
fn hears_signals(board: &Board) -> bool {
    board.watched().any(|(_, track)| track.records().iter().any(|record| record.heard.is_some()))
}

follows_clock!(Sites: regions, zones, window_began, given, none_well);

impl FollowClock for SiteState {
    fn follow_clock(&mut self, step: ClockStep) {
        let Self { recovery, suppression, kept_at, exit: _, overloaded, blind_at } = self;
        recovery.follow_clock(step);
        suppression.follow_clock(step);
        kept_at.follow_clock(step);
        overloaded.iter_mut().for_each(|(_, at)| at.follow_clock(step));
        blind_at.follow_clock(step);
    }
}
