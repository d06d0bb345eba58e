//! What follows from the recoveries of regions and zones: the view of steering, and how much capacity is there.

use super::Sites;
use crate::health::{AddressHealth, Board, OutlierGrade, Phase, SiteShare, Standing, View, outlier};
use crate::region::{Failover, Family, Region, RegionId, Regions, Site, ZoneId};
use crate::share::Share;

impl Sites {
    /// Returns what steering sees.
    pub fn view(&self, board: &Board) -> View {
        let regions = board.regions();
        let standings: Vec<Standing> =
            regions.addresses().map(|(id, _)| board.address(id).standing()).collect();
        let shares = regions.addresses().map(|(id, address)| {
            let family = Family::of(address.ip);
            board.address(id).share().min(self.share_of_zone(address.zone, family, regions))
        });
        let stages = regions
            .iter()
            .map(|(id, region)| Family::BOTH.map(|family| self.stage(id, region, family, board)));
        View::new(standings).with(shares.collect(), stages.collect())
    }

    /// Returns which fraction of a region's capacity is there: half the zones, half the capacity; of the
    /// family that has more of it. `kept` says which share of their clients operators leave to zones.
    pub fn present(&self, region: RegionId, board: &Board, kept: impl Fn(ZoneId) -> Share) -> f64 {
        let regions = board.regions();
        let of_family = |family: Family| {
            let zones = regions.zones().filter(|(_, of, _)| *of == region);
            let present: Vec<f64> = zones
                .filter_map(|(zone, _, _)| {
                    Some(kept(zone).fraction() * self.present_of(zone, region, family, board)?)
                })
                .collect();
            present.iter().sum::<f64>() / present.len().max(1) as f64
        };
        Family::BOTH.map(of_family).into_iter().fold(0.0, f64::max)
    }

    /// Returns which fraction of a zone is there; `None`: it has no address of the family.
    fn present_of(&self, zone: ZoneId, region: RegionId, family: Family, board: &Board) -> Option<f64> {
        let regions = board.regions();
        let addresses = regions.addresses_of(region);
        let addresses = addresses.filter(|(_, at)| at.zone == zone && Family::of(at.ip) == family);
        let total = addresses.clone().count();
        // What is kept in the answers against its health is loaded like everything else.
        let is_kept = self.suppression(region, family).is_some();
        let up = addresses.filter(|(id, _)| is_kept || !board.address(*id).state().is_down()).count();
        let share = self.share_of_zone(zone, family, regions);
        (total > 0).then(|| share.fraction() * up as f64 / total as f64)
    }

    fn stage(&self, id: RegionId, region: &Region, family: Family, board: &Board) -> SiteShare {
        let recovery = self.recovery(Site::Region(id), family);
        match (self.failover(id), recovery.phase()) {
            (Failover::Advise | Failover::Off, _) => SiteShare::Full,
            (Failover::Auto, Phase::Down) => SiteShare::Out { since: recovery.since() },
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
                SiteShare::of(recovery.share(&region.recovery).min(advised).min(graded))
            }
        }
    }

    /// Returns the share of its region's clients that get a zone's addresses.
    pub fn share_of_zone(&self, zone: ZoneId, family: Family, regions: &Regions) -> Share {
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

fn share_of_grade(grade: OutlierGrade) -> Share {
    match grade {
        OutlierGrade::Fine => Share::ALL,
        OutlierGrade::Degraded | OutlierGrade::Failing => outlier::DEGRADED,
    }
}
