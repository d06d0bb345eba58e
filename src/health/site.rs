//! Turns of regions and availability zones, and what they have said.

use super::{Board, CanaryRecord, Phase, RecoveryState, Vitals};
use crate::moment::Moment;
use crate::region::{Family, Regions, Site};

/// A site went from one phase to another.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseChange {
    pub site: Site,
    pub family: Family,
    /// The phase it left.
    pub from: Phase,
    /// The beginning of that phase.
    pub from_since: Moment,
    /// Whether it had any clients in that phase.
    pub had_clients: bool,
    /// The phase it is in now; of a ramp, it may be the next step of the same phase.
    pub to: Phase,
    /// The end of that phase if nothing happens; `None`: it has no end, or ends in steps.
    pub until: Option<Moment>,
    /// Whether a gate was closed: its ramp goes not on but back, or ends.
    pub goes_back: bool,
    pub at: Moment,
}

impl PhaseChange {
    /// Returns what has changed between two states of a site; `None`: nothing.
    pub(super) fn between(
        site: Site,
        family: Family,
        before: &RecoveryState,
        after: &RecoveryState,
        at: Moment,
    ) -> Option<Self> {
        (before.stage() != after.stage()).then(|| Self {
            site,
            family,
            from: before.phase(),
            from_since: before.since(),
            had_clients: before.serves(),
            to: after.phase(),
            until: after.until(),
            goes_back: after.has_gone_back(before),
            at,
        })
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
    let probe_loss = whole.and_then(|_| board.path(region).loss(now));
    let tracks = of_site.map(|(id, _)| board.address(id)).chain(whole);
    Vitals { probe_loss, ..Vitals::of(tracks, canary, after, now) }
}

/// Returns the name of a region, and of the zone in it if the site is one.
pub(super) fn name(regions: &Regions, site: Site) -> (&str, Option<&str>) {
    let region = &regions.region(site.region(regions)).name;
    match site {
        Site::Region(_) => (region, None),
        Site::Zone(zone) => (region, Some(&regions.zone(zone).name)),
    }
}
