//! What the intents in force come to: what they do to the view of steering, by number and not by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::health::{SiteShare, Standing, Status, View};
use crate::moment::Moment;
use crate::region::{AddressId, Failover, Family, RegionId, RegionSet, Regions, Site, ZoneId};
use crate::share::Share;
use crate::zone::Name;

/// The health state by which canaries are overridden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForcedState {
    /// As up.
    Up,
    /// As down.
    Down,
}

impl ForcedState {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    fn standing(self, since: Moment) -> Standing {
        match self {
            Self::Up => Standing::Up,
            Self::Down => Standing::Down { since },
        }
    }
}

/// How the clients of one name are divided between regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    pub owner: Name,
    /// The regions with their weights, in the order in which they lie on the line of the clients: the one
    /// that grows comes first, so that growing takes clients from its neighbours only.
    pub members: Vec<(RegionId, u32)>,
}

/// What the intents in force come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlay {
    /// By `RegionId`: the share of its clients that a region keeps.
    pub kept: Vec<Share>,
    /// By `ZoneId`: the share of its region's clients that a zone keeps.
    pub kept_of_zones: Vec<Share>,
    /// The regions that are in no answer.
    pub disabled: RegionSet,
    /// By `ZoneId`: whether the zone is in no answer.
    pub disabled_zones: Vec<bool>,
    /// By `RegionId`: as what a region counts, and since when.
    pub forced: Vec<Option<(ForcedState, Moment)>>,
    /// By `AddressId`: as what an address counts, and since when.
    pub forced_addresses: Vec<Option<(ForcedState, Moment)>>,
    /// By `RegionId`: what the machine may do.
    pub failover: Vec<Failover>,
    /// Whether clients leave regions that are down for names, too, whose `failover` is `off`.
    pub moves_all_names: bool,
    /// The regions that an operator lets leave: as long as there is one, those that only advise take its clients by what
    /// they can bear, as they would by themselves.
    pub approved: RegionSet,
    /// By `RegionId`: how much of the configured capacity there is.
    pub capacity: Vec<f64>,
    /// How the clients of names are divided.
    pub weights: Vec<Weights>,
}

impl Overlay {
    /// Returns no orders.
    pub fn none(regions: &Regions) -> Self {
        Self {
            kept: vec![Share::ALL; regions.len()],
            kept_of_zones: vec![Share::ALL; regions.zones().count()],
            disabled: RegionSet::NONE,
            disabled_zones: vec![false; regions.zones().count()],
            forced: vec![None; regions.len()],
            forced_addresses: vec![None; regions.addresses().count()],
            failover: regions.iter().map(|(_, region)| region.failover).collect(),
            moves_all_names: false,
            approved: RegionSet::NONE,
            capacity: vec![1.0; regions.len()],
            weights: Vec::new(),
        }
    }

    /// Returns whether load may fill or relieve a region: it may act by itself, or an operator had it act, and none keeps
    /// clients from it.
    pub fn may_divide(&self, id: RegionId) -> bool {
        let may_act = match self.failover[usize::from(id.0)] {
            Failover::Auto => true,
            Failover::Advise => !self.approved.is_empty(),
            Failover::Off => false,
        };
        may_act && self.kept[usize::from(id.0)] == Share::ALL
    }

    /// Returns the regions that take no clients because an operator wants so.
    pub fn withdrawn(&self) -> RegionSet {
        let kept = (0u8..).map(RegionId).zip(&self.kept);
        let mut withdrawn: RegionSet =
            kept.filter(|(_, kept)| **kept == Share::NONE).map(|(id, _)| id).collect();
        (0u8..).map(RegionId).take(self.kept.len()).filter(|id| self.disabled.contains(*id)).for_each(|id| {
            withdrawn.insert(id);
        });
        withdrawn
    }

    /// Returns the share of its region's clients that a zone keeps.
    pub fn kept_of_zone(&self, zone: ZoneId) -> Share {
        match self.disabled_zones[usize::from(zone.0)] {
            true => Share::NONE,
            false => self.kept_of_zones[usize::from(zone.0)],
        }
    }

    /// Returns the view of steering: what health says, as far as no operator wants otherwise.
    pub fn amend(&self, view: View, regions: &Regions) -> View {
        if *self == Self::none(regions) {
            return view;
        }
        let addresses = || regions.addresses();
        let standings = addresses().map(|(id, _)| self.standing(id, &view, regions)).collect();
        let shares = addresses().map(|(id, address)| {
            let is_forced_up = self.is_forced_up(id, regions);
            let share = if is_forced_up { Share::ALL } else { view.share(id) };
            share.min(self.kept_of_zone(address.zone))
        });
        let counted = View::counted(regions, standings).with_shares(shares.collect());
        let kept = |site: Site, family: Family| self.kept(site, family, &counted, regions);
        counted.clone().map(|site, family, counted| {
            let was = view.status(site, family);
            let forced = self.share_by_force(site, was, &counted, regions);
            let share = amended_share(forced, kept(site, family));
            Status { up: counted.up, share, ..*was }
        })
    }

    fn is_forced_up(&self, id: AddressId, regions: &Regions) -> bool {
        let region = usize::from(regions.address(id).region.0);
        let forced = self.forced_addresses[id.0 as usize].or(self.forced[region]);
        matches!(forced, Some((ForcedState::Up, _)))
    }

    fn standing(&self, id: AddressId, view: &View, regions: &Regions) -> Standing {
        let address = regions.address(id);
        let is_disabled =
            self.disabled.contains(address.region) || self.disabled_zones[usize::from(address.zone.0)];
        let forced = self.forced_addresses[id.0 as usize].or(self.forced[usize::from(address.region.0)]);
        match forced {
            _ if is_disabled => Standing::Disabled,
            Some((forced, since)) => forced.standing(since),
            None => view.of(id),
        }
    }

    /// Returns what a site takes when what is forced is taken for true.
    fn share_by_force(&self, site: Site, was: &Status, is: &Status, regions: &Regions) -> SiteShare {
        match self.forced(site, regions) {
            Some((ForcedState::Up, _)) => SiteShare::Full,
            Some((ForcedState::Down, since)) => SiteShare::Out { since },
            // Counting goes its own way only where something was forced or disabled.
            None => match (was.has_enough(), is.has_enough()) {
                (true, false) => is.share,
                (false, true) => SiteShare::Full,
                (true, true) | (false, false) => was.share,
            },
        }
    }

    /// Returns as what a site counts: a zone also if all of its addresses do.
    fn forced(&self, site: Site, regions: &Regions) -> Option<(ForcedState, Moment)> {
        let region = site.region(regions);
        let of_region = self.forced[usize::from(region.0)];
        let Site::Zone(zone) = site else { return of_region };
        let in_zone = regions.addresses_of(region).filter(|(_, address)| address.zone == zone);
        let mut forced = in_zone.map(|(id, _)| self.forced_addresses[id.0 as usize].or(of_region));
        let first = forced.next()??;
        forced.all(|other| other.is_some_and(|(state, _)| state == first.0)).then_some(first)
    }

    /// Returns the share of its clients that operators leave to a site; `None`: every one of its addresses of the family
    /// is disabled.
    fn kept(&self, site: Site, family: Family, view: &View, regions: &Regions) -> Option<Share> {
        let id = site.region(regions);
        let is_of = |zone: ZoneId| site == Site::Region(id) || site == Site::Zone(zone);
        let addresses = regions.addresses_of(id);
        let addresses =
            addresses.filter(|(_, address)| Family::of(address.ip) == family && is_of(address.zone));
        let addresses: Vec<_> = addresses.map(|(id, address)| (view.of(id), address.zone)).collect();
        let is_disabled = |(standing, _): &(Standing, ZoneId)| *standing == Standing::Disabled;
        if self.disabled.contains(id) || (!addresses.is_empty() && addresses.iter().all(is_disabled)) {
            return None;
        }
        let mut up = addresses.iter().filter(|(standing, _)| !standing.is_down()).peekable();
        let is_emptied = up.peek().is_some() && up.all(|(_, zone)| self.kept_of_zone(*zone) == Share::NONE);
        Some(match site {
            Site::Zone(zone) => self.kept_of_zones[usize::from(zone.0)],
            Site::Region(_) if is_emptied => Share::NONE,
            Site::Region(_) => self.kept[usize::from(id.0)],
        })
    }
}

/// Returns what a site takes that would take `share`, and may keep so much of its clients; `None`: it is disabled.
fn amended_share(share: SiteShare, kept: Option<Share>) -> SiteShare {
    match (share, kept) {
        (_, None) => SiteShare::Disabled,
        (SiteShare::Out { .. } | SiteShare::Disabled, _) => share,
        // No client is left behind where operators want fewer.
        (SiteShare::Yielding { since }, Some(kept)) if kept < Share::ALL => SiteShare::Out { since },
        (SiteShare::Yielding { .. }, Some(_)) => share,
        (SiteShare::Kept(share), Some(kept)) if kept > Share::NONE => SiteShare::Kept(share.min(kept)),
        (SiteShare::Kept(_), Some(_)) => SiteShare::Waiting,
        (SiteShare::Full | SiteShare::Part(_) | SiteShare::Waiting, Some(kept)) => {
            SiteShare::of(share.share().min(kept))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{IntentStore, Request};
    use super::*;
    use crate::region::tests::region;

    /// `tokyo` with two zones of one address each, `osaka` with one zone.
    fn regions() -> Regions {
        Regions::new(vec![
            region("tokyo", "JP", &[&["192.0.2.1"], &["192.0.2.2"]]),
            region("osaka", "JP", &[&["192.0.2.3"]]),
        ])
    }

    const UP: Standing = Standing::Up;
    const DOWN: Standing = Standing::Down { since: Moment(5) };

    /// Amends a view of these standings in which regions take so much by what is asked for, and compares what tokyo
    /// and osaka take then (IPv4) and the shares of the addresses, in percent.
    fn check(
        wishes: &[&str],
        standings: [Standing; 3],
        taken: [SiteShare; 2],
        expected: [SiteShare; 2],
        shares: [u8; 3],
    ) {
        let regions = regions();
        let mut intents = IntentStore::default();
        for action in wishes {
            let action = action.parse().expect("an action");
            intents.make(Request { action, ..Request::default() }, Moment(9));
        }
        let view = View::counted(&regions, standings.to_vec());
        let view = view.with(vec![Share::ALL; 3], &taken.map(|share| [share; 2]));
        let amended = intents.overlay(&regions).amend(view, &regions);
        let found = [0, 1].map(|id| amended.status(RegionId(id), Family::V4).share);
        assert_eq!(found, expected, "{wishes:?}");
        assert_eq!(
            [0, 1, 2].map(|id| amended.share(AddressId(id))),
            shares.map(Share::percent),
            "{wishes:?}"
        );
    }

    const FULL: [SiteShare; 2] = [SiteShare::Full; 2];
    const OUT: SiteShare = SiteShare::Out { since: Moment(5) };
    const OUT_BY_HAND: SiteShare = SiteShare::Out { since: Moment(9) };

    #[test]
    fn a_shift_takes_its_share_and_a_drain_everybody() {
        check(
            &["shift tokyo 40"],
            [UP; 3],
            FULL,
            [SiteShare::Part(Share::percent(60)), SiteShare::Full],
            [100; 3],
        );
        check(&["drain tokyo"], [UP; 3], FULL, [SiteShare::Waiting, SiteShare::Full], [100; 3]);
        check(&["drain tokyo/tokyo-a"], [UP; 3], FULL, FULL, [0, 100, 100]);
        check(&["shift tokyo/tokyo-a 30"], [UP; 3], FULL, FULL, [70, 100, 100]);
    }

    #[test]
    fn a_shift_brings_nothing_back_and_the_smaller_share_counts() {
        let part = |percent| SiteShare::Part(Share::percent(percent));
        check(
            &["shift tokyo 40"],
            [UP; 3],
            [part(10), SiteShare::Full],
            [part(10), SiteShare::Full],
            [100; 3],
        );
        check(
            &["shift tokyo 40"],
            [UP; 3],
            [part(90), SiteShare::Full],
            [part(60), SiteShare::Full],
            [100; 3],
        );
        check(
            &["shift tokyo 40"],
            [DOWN, DOWN, UP],
            [OUT, SiteShare::Full],
            [OUT, SiteShare::Full],
            [100; 3],
        );
    }

    #[test]
    fn a_region_whose_last_zone_that_is_up_is_drained_waits() {
        check(
            &["drain tokyo/tokyo-a"],
            [UP, DOWN, UP],
            FULL,
            [SiteShare::Waiting, SiteShare::Full],
            [0, 100, 100],
        );
    }

    #[test]
    fn disabled_is_stronger_than_force_and_force_is_stronger_than_health() {
        check(
            &["disable tokyo", "force tokyo up"],
            [UP; 3],
            FULL,
            [SiteShare::Disabled, SiteShare::Full],
            [100; 3],
        );
        check(&["force tokyo up"], [DOWN, DOWN, UP], [OUT, SiteShare::Full], FULL, [100; 3]);
        check(&["force tokyo down"], [UP; 3], FULL, [OUT_BY_HAND, SiteShare::Full], [100; 3]);
        check(
            &["force tokyo up", "shift tokyo 40"],
            [DOWN; 3],
            [OUT; 2],
            [SiteShare::Part(Share::percent(60)), OUT],
            [100; 3],
        );
    }

    #[test]
    fn forcing_the_last_address_down_takes_its_region_out_and_forcing_one_up_brings_it_back() {
        check(
            &["force osaka/osaka-a/192.0.2.3 down"],
            [UP; 3],
            FULL,
            [SiteShare::Full, OUT_BY_HAND],
            [100; 3],
        );
        check(&["force osaka/osaka-a down"], [UP; 3], FULL, [SiteShare::Full, OUT_BY_HAND], [100; 3]);
        check(&["force tokyo/tokyo-b up"], [DOWN, DOWN, UP], [OUT, SiteShare::Full], FULL, [100; 3]);
    }

    #[test]
    fn a_disabled_zone_counts_as_lost() {
        check(&["disable tokyo/tokyo-a"], [UP; 3], FULL, FULL, [0, 100, 100]);
        check(
            &["disable tokyo/tokyo-a"],
            [DOWN, DOWN, UP],
            [OUT, SiteShare::Full],
            [OUT, SiteShare::Full],
            [0, 100, 100],
        );
        check(
            &["disable osaka/osaka-a"],
            [UP; 3],
            FULL,
            [SiteShare::Full, SiteShare::Disabled],
            [100, 100, 0],
        );
    }

    #[test]
    fn a_zone_takes_what_operators_leave_it() {
        let taken = |action: &str, standings: [Standing; 3]| {
            let regions = regions();
            let mut intents = IntentStore::default();
            let action = action.parse().expect("an action");
            intents.make(Request { action, ..Request::default() }, Moment(9));
            let amended =
                intents.overlay(&regions).amend(View::counted(&regions, standings.to_vec()), &regions);
            let status = amended.status(ZoneId(0), Family::V4);
            (status.up, status.share)
        };
        assert_eq!(taken("drain tokyo/tokyo-a", [UP; 3]), (1, SiteShare::Waiting));
        assert_eq!(taken("shift tokyo/tokyo-a 30", [UP; 3]), (1, SiteShare::Part(Share::percent(70))));
        assert_eq!(taken("disable tokyo/tokyo-a", [UP; 3]), (0, SiteShare::Disabled));
        assert_eq!(taken("force tokyo/tokyo-a down", [UP; 3]), (0, OUT_BY_HAND));
        assert_eq!(taken("force tokyo/tokyo-a up", [DOWN; 3]), (1, SiteShare::Full));
        assert_eq!(taken("force tokyo/tokyo-b down", [UP; 3]), (1, SiteShare::Full));
        assert_eq!(taken("drain tokyo", [UP; 3]), (1, SiteShare::Full), "of what its region takes");
    }

    #[test]
    fn what_is_not_there_any_more_changes_nothing() {
        check(
            &["drain moon", "force tokyo/tokyo-z down", "capacity mars 10%"],
            [UP; 3],
            FULL,
            FULL,
            [100; 3],
        );
    }
}
