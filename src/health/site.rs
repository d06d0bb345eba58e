//! Turns of regions and availability zones, and what they have said.

use super::{Board, CanaryRecord, Phase, Vitals};
use crate::moment::Moment;
use crate::region::{Family, Regions, Site};

/// A site went from one phase to another.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseChange {
    /// The site.
    pub site: Site,
    /// The family.
    pub family: Family,
    /// The phase it left.
    pub from: Phase,
    /// When it had entered that phase.
    pub from_since: Moment,
    /// The phase it is in now.
    pub to: Phase,
    /// When it changed.
    pub at: Moment,
}

impl PhaseChange {
    /// Returns whether a gate was closed: its ramp goes not on but back, or ends.
    pub fn goes_back(&self) -> bool {
        match (self.from, self.to) {
            (Phase::Ramp { step: before, .. }, Phase::Ramp { step, .. }) => step <= before,
            (Phase::Ramp { .. }, Phase::Held(_)) => true,
            _ => false,
        }
    }
}

/// Returns what a site has said since `after`.
pub fn vitals(board: &Board, site: Site, after: Moment, now: Moment) -> Vitals {
    let canary = |record: &CanaryRecord| board.canary(record.canary);
    let regions = board.regions();
    let region = site.region(regions);
    let of_site = regions.addresses_of(region).filter(|(_, address)| match site {
        Site::Region(_) => true,
        Site::Zone(zone) => address.zone == zone,
    });
    let whole = matches!(site, Site::Region(_)).then(|| board.whole(region));
    Vitals::of(of_site.map(|(id, _)| board.address(id)).chain(whole), canary, after, now)
}

/// Returns the name of a region, and of the zone in it if the site is one.
pub(super) fn name(regions: &Regions, site: Site) -> (&str, Option<&str>) {
    let region = &regions.region(site.region(regions)).name;
    match site {
        Site::Region(_) => (region, None),
        Site::Zone(zone) => (region, Some(&regions.zone(zone).name)),
    }
}
