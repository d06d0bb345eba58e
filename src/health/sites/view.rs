//! What follows from the recoveries of regions and zones: the view of steering, and how much capacity is there.

use std::time::Duration;

use super::Sites;
use crate::health::{
    AddressHealth, AddressState, Board, Exit, OutlierGrade, Phase, SiteShare, Standing, Status, View,
    correlation, outlier,
};
use crate::moment::Moment;
use crate::region::{Failover, Family, RegionId, Regions, Site, ZoneId};
use crate::share::Share;

/// Within this time the rest of a region is suspect no more after the first of its addresses fell: all are probed when one
/// fails (`probe::ProbeSchedule`), and fall within some timeouts and rechecks.
const DECIDED_WITHIN: Duration = Duration::from_secs(30);

impl Sites {
    /// Returns the standing of every address, and the status of every region and zone.
    pub fn view(&self, board: &Board) -> View {
        let regions = board.regions();
        let standings: Vec<Standing> =
            regions.addresses().map(|(id, _)| board.address(id).standing()).collect();
        let shares = regions.addresses().map(|(id, address)| {
            let family = Family::of(address.ip);
            board.address(id).share().min(self.share_of_zone(address.zone, family, regions))
        });
        let counted = View::counted(regions, standings).with_shares(shares.collect());
        counted.map(|site, family, counted| self.status(site, family, board, counted))
    }

    /// Returns the status of a site whose addresses were counted.
    fn status(&self, site: Site, family: Family, board: &Board, counted: Status) -> Status {
        if !counted.exists() {
            return counted;
        }
        let regions = board.regions();
        let region = site.region(regions);
        // The only zone of a region has no course of its own.
        let is_alone = regions.region(region).zones.len() == 1;
        let recovery = self.recovery(if is_alone { Site::Region(region) } else { site }, family);
        let (share, suppression) = match site {
            Site::Region(id) => (self.share_of_region(id, family, board), self.suppression(id, family)),
            Site::Zone(zone) => {
                let share = self.share_of_zone(zone, family, regions);
                let has_left = share == Share::NONE && recovery.phase() == Phase::Down;
                let out = SiteShare::Out { since: recovery.since() };
                (if has_left { out } else { SiteShare::of(share) }, None)
            }
        };
        Status {
            phase: recovery.phase(),
            since: recovery.since(),
            until: recovery.until(),
            falls: recovery.falls().len(),
            share,
            suppression,
            ..counted
        }
    }

    /// Returns which fraction of a region's capacity is there: half the zones, half the capacity; of the
    /// family that has more of it. `kept` says which share of their clients operators leave to zones.
    ///
    /// What fell a moment ago counts as there while all the rest of the region is suspect: it is about to leave whole,
    /// or not at all, and clients would move twice.
    pub fn present(
        &self,
        region: RegionId,
        board: &Board,
        now: Moment,
        kept: impl Fn(ZoneId) -> Share,
    ) -> f64 {
        let regions = board.regions();
        let of_family = |family: Family| {
            let undecided_since = is_undecided(region, family, board).then(|| now.minus(DECIDED_WITHIN));
            // All clients were at home in an outage, too.
            let is_kept = self.is_kept(region, family, now) || self.was_none_well(region, family, now);
            let zones = regions.zones().filter(|(_, of, _)| *of == region);
            let present: Vec<f64> = zones
                .filter_map(|(zone, _, _)| {
                    Some(
                        kept(zone).fraction()
                            * self.present_of(zone, family, board, undecided_since, is_kept)?,
                    )
                })
                .collect();
            present.iter().sum::<f64>() / present.len().max(1) as f64
        };
        Family::BOTH.map(of_family).into_iter().fold(0.0, f64::max)
    }

    /// Returns whether a region is kept in the answers against its health, and loaded like every other one; or was within
    /// the last minute, in which the rest of its addresses is probed again.
    pub(super) fn is_kept(&self, region: RegionId, family: Family, now: Moment) -> bool {
        let kept_at = self.regions[usize::from(region.0)][family as usize].kept_at;
        kept_at.is_some_and(|at| now.since(at) < correlation::WINDOW)
    }

    /// Returns which fraction of a zone is there, with what fell since then, and all of it while its region is kept; `None`:
    /// it has no address of the family.
    fn present_of(
        &self,
        zone: ZoneId,
        family: Family,
        board: &Board,
        undecided_since: Option<Moment>,
        is_kept: bool,
    ) -> Option<f64> {
        let regions = board.regions();
        let region = regions.region_of(zone);
        let addresses = regions.addresses_of(region);
        let addresses = addresses.filter(|(_, at)| at.zone == zone && Family::of(at.ip) == family);
        let total = addresses.clone().count();
        // What rises in a zone that serves is back in a moment.
        let serves = self.recovery(Site::Zone(zone), family).serves();
        let is_up = |state: AddressState| !state.is_down() || (serves && state == AddressState::Rising);
        let is_new = |id| undecided_since.is_some_and(|since| board.address(id).since() > since);
        let is_there = |id| is_kept || is_up(board.address(id).state()) || is_new(id);
        let up = addresses.clone().filter(|(id, _)| is_there(*id)).count();
        let share = match is_kept || addresses.clone().any(|(id, _)| is_new(id)) {
            true => Share::ALL,
            false => self.share_of_zone(zone, family, regions),
        };
        (total > 0).then(|| share.fraction() * up as f64 / total as f64)
    }

    /// Returns what a region takes of its clients.
    pub(super) fn share_of_region(&self, id: RegionId, family: Family, board: &Board) -> SiteShare {
        let rules = &board.regions().region(id).recovery;
        let recovery = self.recovery(Site::Region(id), family);
        match (self.failover(id), recovery.phase()) {
            (Failover::Advise | Failover::Off, _) => SiteShare::Full,
            (Failover::Auto, Phase::Down) => match self.exit(id, family) {
                Exit::Whole => SiteShare::Out { since: recovery.since() },
                Exit::AsBorne => SiteShare::Yielding { since: recovery.since() },
                Exit::Nowhere => SiteShare::Kept(Share::ALL),
            },
            (Failover::Auto, _) => {
                // An advisory canary of every address is one of the region: it keeps as much of its
                // clients as the best of its addresses does.
                let up =
                    board.regions().addresses_of(id).filter(|(_, address)| Family::of(address.ip) == family);
                let up =
                    up.map(|(address, _)| board.address(address)).filter(|track| !track.state().is_down());
                let best = up.map(AddressHealth::share).max().unwrap_or(Share::ALL);
                let advised = board.whole(id).share().min(best);
                let graded = share_of_grade(self.grade(Site::Region(id)));
                let share = recovery.share(rules).min(advised).min(graded);
                match self.suppression(id, family).filter(|suppression| suppression.counts_as_down()) {
                    Some(suppression) => SiteShare::Kept(share.min(suppression.share())),
                    None => SiteShare::of(share),
                }
            }
        }
    }

    /// Returns the share of its region's clients that get a zone's addresses.
    fn share_of_zone(&self, zone: ZoneId, family: Family, regions: &Regions) -> Share {
        let id = regions.region_of(zone);
        let region = regions.region(id);
        match self.failover(id) {
            Failover::Auto if region.zones.len() > 1 => {
                let recovery = self.recovery(Site::Zone(zone), family);
                recovery.share(&region.recovery).min(share_of_grade(self.grade(Site::Zone(zone))))
            }
            Failover::Auto | Failover::Advise | Failover::Off => Share::ALL,
        }
    }
}

/// Returns whether nothing of a region is known to be well and something is not down yet.
fn is_undecided(region: RegionId, family: Family, board: &Board) -> bool {
    let addresses = board.regions().addresses_of(region);
    let states =
        addresses.filter(|(_, at)| Family::of(at.ip) == family).map(|(id, _)| board.address(id).state());
    let mut left = states.filter(|state| !state.is_down()).peekable();
    left.peek().is_some() && left.all(|state| state == AddressState::Suspect)
}

fn share_of_grade(grade: OutlierGrade) -> Share {
    match grade {
        OutlierGrade::Fine => Share::ALL,
        OutlierGrade::Degraded | OutlierGrade::Failing => outlier::DEGRADED,
    }
}
