//! Regions and availability zones: which of them leave, and how they come back.
//!
//! Each has a [`RecoveryState`] for each family. What it sees is counted from the board: a zone is bad when none
//! of its addresses is up, a region when fewer than its `min_healthy` are, when a critical canary says so
//! that probes the region once, or when it fails its clients though not its canaries ([`outlier`]). A region
//! that would fall may be restrained ([`Suppression`]): then it is suspect, and moves no clients, and what excuses it
//! excuses its zones. A zone that fell with its region comes back with it, and a region's only zone is the
//! region itself: neither has a ramp of its own.
//!
//! Everything is judged anew at each [`Sites::update`], so it does not matter which of several triggers
//! led to one: the same board at the same time is the same verdict.

#[cfg(test)]
mod tests;
mod view;

use std::collections::HashMap;

use super::correlation::{self, Correlation};
use super::evidence::Evidence;
use super::outlier::{self, OutlierGrade, Windows};
use super::site::name;
use super::tally::{AddressTally, SiteTallies};
use super::{
    Assessment, Board, Phase, PhaseChange, RecoveryState, RememberedGrade, RememberedRecovery, Suppression,
    Vitals, vitals,
};
use crate::canary::FailureClass;
use crate::moment::Moment;
use crate::region::{Failover, Family, RegionId, RegionSet, Regions, Safety, Site, ZoneId};

/// One site and family.
#[derive(Clone, Debug, PartialEq)]
struct SiteState {
    recovery: RecoveryState,
    suppression: Option<Suppression>,
    /// When it was last found to have a cause that is not its own, and which.
    excused: Option<(Suppression, Moment)>,
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
}

impl Sites {
    /// Returns sites of which nothing is known.
    pub fn new(regions: &Regions, now: Moment) -> Self {
        let state = SiteState { recovery: RecoveryState::new(now), suppression: None, excused: None };
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
        }
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
                }
                (Site::Zone(id), Some(Site::Zone(before))) => {
                    let (id, before) = (usize::from(id.0), usize::from(before.0));
                    reloaded.zones[id] = self.zones[before].clone();
                    reloaded.zone_windows[id] = self.zone_windows[before];
                }
                _ => {}
            }
        }
        reloaded
    }

    /// Judges everything anew, and returns what has changed.
    pub fn update(&mut self, board: &Board, safety: &Safety, now: Moment) -> Vec<PhaseChange> {
        self.look_for_gray(board, now);
        self.follow_wishes();
        let tallies = SiteTallies::of(board);
        let mut turns = Vec::new();
        for family in Family::BOTH {
            let evidence = Evidence { board, tallies: &tallies, safety, family, now };
            for (region, _) in board.regions().iter() {
                turns.extend(self.update_region(region, &evidence));
            }
            for (zone, region, _) in board.regions().zones() {
                turns.extend(self.update_zone(zone, region, &evidence));
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

    /// Returns every course that is worth remembering, in words that outlive the numbering.
    pub fn remember(&self, regions: &Regions) -> Vec<RememberedRecovery> {
        let recoveries = regions.sites().flat_map(|site| Family::BOTH.map(|family| (site, family)));
        let eventful = recoveries.filter(|(site, family)| self.recovery(*site, *family).is_eventful());
        let remembered = eventful.map(|(site, family)| {
            let (region, zone) = name(regions, site);
            RememberedRecovery {
                region: region.to_owned(),
                zone: zone.map(str::to_owned),
                family,
                recovery: self.recovery(site, family).clone(),
            }
        });
        remembered.collect()
    }

    /// Puts the sites on the recoveries on which an earlier life left them, and returns how many of these were
    /// about sites that are not there any more.
    pub fn adopt(
        &mut self,
        remembered: &[RememberedRecovery],
        grades: &[RememberedGrade],
        regions: &Regions,
        now: Moment,
    ) -> usize {
        let mut foreign = 0;
        let known: HashMap<_, _> = regions.sites().map(|site| (name(regions, site), site)).collect();
        for RememberedRecovery { region, zone, family, recovery } in remembered {
            match known.get(&(region.as_str(), zone.as_deref())) {
                Some(site) => self.state_mut(*site, *family).recovery = recovery.as_of(now),
                None => foreign += 1,
            }
        }
        for RememberedGrade { region, zone, grade } in grades {
            match known.get(&(region.as_str(), zone.as_deref())) {
                Some(Site::Region(id)) => {
                    self.region_windows[usize::from(id.0)] = Windows::remembered(*grade)
                }
                Some(Site::Zone(id)) => self.zone_windows[usize::from(id.0)] = Windows::remembered(*grade),
                None => foreign += 1,
            }
        }
        foreign
    }

    /// Returns every site that stands out among the others, in words that outlive the numbering.
    pub fn grades(&self, regions: &Regions) -> Vec<RememberedGrade> {
        let outstanding = regions.sites().filter(|site| self.grade(*site) != OutlierGrade::Fine);
        let grades = outstanding.map(|site| {
            let (region, zone) = name(regions, site);
            RememberedGrade {
                region: region.to_owned(),
                zone: zone.map(str::to_owned),
                grade: self.grade(site),
            }
        });
        grades.collect()
    }

    /// Returns what its clients' requests say of a site.
    pub fn grade(&self, site: Site) -> OutlierGrade {
        match site {
            Site::Region(id) => self.region_windows[usize::from(id.0)].grade(),
            Site::Zone(id) => self.zone_windows[usize::from(id.0)].grade(),
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
        // What restrains a region may end without a change of any address: a signal grows stale.
        let is_passing = |state: &SiteState| match state.suppression {
            None | Some(Suppression::Failover(_) | Suppression::MinInService) => false,
            Some(Suppression::Correlated(_) | Suppression::Undecided(_) | Suppression::Overload(_)) => true,
        };
        let restrained = self.regions.iter().flatten().any(is_passing).then(|| now.plus(RECONSIDER));
        // A course that is not followed any more, since failover is off, has nothing to wait for.
        recoveries.chain([window, restrained]).flatten().filter(|wake| *wake > now).min()
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
        let is_open = self.gates_are_open(site, family, board, now);
        let is_excused = assessment == Assessment::Bad && self.excuse(region, family, now).is_some();
        let is_alone = self.recovery(Site::Region(region), family).phase().is_stable();
        let state = self.state_mut(site, family);
        let before = state.recovery.clone();
        // A zone that fell with its region comes back with it: one ramp is enough.
        if !is_alone && assessment != Assessment::Bad && before.is_on_its_way() {
            state.recovery.undo_fall(now);
        }
        match is_excused {
            // What excuses a region excuses its zones, and those that fell before it was seen.
            true if before.phase() == Phase::Down => {
                if now.since(before.since()) <= correlation::TOGETHER {
                    state.recovery.undo_fall(now);
                }
            }
            true => drop(state.recovery.follow(Assessment::Suspect, is_open, &settings.recovery, now)),
            false => drop(state.recovery.follow(assessment, is_open, &settings.recovery, now)),
        }
        PhaseChange::between(site, family, &before, &state.recovery, now)
    }

    fn assess_zone(&self, site: Site, family: Family, tally: &AddressTally) -> Assessment {
        let recovery = self.recovery(site, family);
        // The requests of a zone without clients say nothing of it.
        let has_clients = recovery.serves() || recovery.phase() == Phase::Down;
        match tally {
            _ if self.grade(site) == OutlierGrade::Failing && has_clients => Assessment::Bad,
            AddressTally { up: 0, .. } => Assessment::Bad,
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
        let suppression = (assessment == Assessment::Bad).then(|| self.suppress(id, evidence)).flatten();
        let is_open = self.gates_are_open(site, family, board, now);
        let state = self.state_mut(site, family);
        state.suppression = suppression;
        match suppression {
            // It fell less than a minute ago, before it was seen that the others fall too.
            Some(Suppression::Correlated(_)) if before.phase() == Phase::Down => {
                state.recovery.undo_fall(now)
            }
            // Who wants advice wants to know what would have happened.
            Some(Suppression::Failover(Failover::Advise)) | None => {
                state.recovery.follow(assessment, is_open, &region.recovery, now);
            }
            Some(_) => {
                state.recovery.follow(Assessment::Suspect, is_open, &region.recovery, now);
            }
        }
        PhaseChange::between(site, family, &before, &state.recovery, now)
    }

    /// Returns what keeps a bad region from leaving.
    fn suppress(&mut self, id: RegionId, evidence: &Evidence<'_>) -> Option<Suppression> {
        let recovery = self.recovery(Site::Region(id), evidence.family);
        let has_left = !recovery.serves();
        if self.failover(id) != Failover::Auto {
            return Some(Suppression::Failover(self.failover(id)));
        }
        if has_left
            && (recovery.phase() != Phase::Down
                || evidence.now.since(recovery.since()) > correlation::TOGETHER)
        {
            return None;
        }
        let excused = self.excuse(id, evidence.family, evidence.now);
        let is_known = matches!(excused, Some(Suppression::Correlated(_)));
        let cause = evidence.cause(id, is_known);
        let excuse = match cause {
            Some((class, Correlation::Found)) => Some(Suppression::Correlated(class)),
            Some((_, Correlation::Undecided | Correlation::None)) | None if has_left => return None,
            Some((_, Correlation::Undecided | Correlation::None)) | None => {
                let was_full = matches!(excused, Some(Suppression::Overload(_)));
                evidence.overload(id, was_full).map(Suppression::Overload)
            }
        };
        if let Some(excuse) = excuse {
            self.state_mut(Site::Region(id), evidence.family).excused = Some((excuse, evidence.now));
            return Some(excuse);
        }
        match cause {
            Some((FailureClass::Refused, _)) => {}
            Some((class, Correlation::Undecided)) => return Some(Suppression::Undecided(class)),
            Some(_) | None if excused.is_some_and(|excuse| evidence.still_holds(id, excuse)) => {
                return excused;
            }
            Some(_) | None => {}
        }
        self.is_needed(id, evidence).then_some(Suppression::MinInService)
    }

    /// Returns what excused a region within the last minute. Excuses linger: the last to recover from a
    /// shared cause must not fall for being the last, and a region that is full no more not for being slow
    /// to show it.
    fn excuse(&self, id: RegionId, family: Family, now: Moment) -> Option<Suppression> {
        let state = &self.regions[usize::from(id.0)][family as usize];
        state.excused.filter(|(_, at)| now.since(*at) <= correlation::TOGETHER).map(|(excuse, _)| excuse)
    }

    /// Returns whether too few regions would be in service without this one.
    fn is_needed(&self, id: RegionId, evidence: &Evidence<'_>) -> bool {
        let Some(least) = evidence.safety.min_in_service else {
            return false;
        };
        let regions = evidence.board.regions();
        let has_family = |id: RegionId| evidence.tallies.region(id, evidence.family).total > 0;
        let of_family = || regions.iter().map(|(id, _)| id).filter(|id| has_family(*id));
        let is_in_service = |other: &RegionId| {
            let share = self.share_of_region(*other, evidence.family, evidence.board);
            share.is_in_service() && !self.withdrawn.contains(*other)
        };
        let left = of_family().filter(|other| *other != id).filter(is_in_service).count();
        left < least.of(of_family().count())
    }

    fn gates_are_open(&self, site: Site, family: Family, board: &Board, now: Moment) -> bool {
        let recovery = self.recovery(site, family);
        match recovery.phase() {
            Phase::Ramp => gates_are_open(site, board, recovery.since(), now),
            _ => true,
        }
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
        let heard: Vec<_> =
            regions.iter().map(|(id, _)| self.without_gray_zones(id, board, after, now)).collect();
        for (windows, stands_out) in self.region_windows.iter_mut().zip(outlier::outstanding(&heard)) {
            windows.add(stands_out);
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

/// How soon a restrained region is looked at again: less than any wait that people notice.
const RECONSIDER: std::time::Duration = std::time::Duration::from_secs(1);

/// Returns whether what a site has said since `after` lets more clients come to it.
pub fn gates_are_open(site: Site, board: &Board, after: Moment, now: Moment) -> bool {
    let gates = &board.regions().region(site.region(board.regions())).recovery.gates;
    let vitals = vitals(board, site, after, now);
    vitals.error_rate.is_none_or(|rate| rate <= gates.error_rate)
        && vitals.load.is_none_or(|load| load <= gates.load)
}

/// Returns whether any signal was ever heard: without, no window is worth ending.
fn hears_signals(board: &Board) -> bool {
    board.watched().any(|(_, track)| track.records().iter().any(|record| record.heard.is_some()))
}
