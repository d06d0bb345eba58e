//! What the intents in force come to: what they do to the view of steering, by number and not by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::health::{Services, SiteShare, Standing, View};
use crate::moment::Moment;
use crate::region::{AddressId, Failover, Family, RegionId, RegionSet, Regions, ZoneId};
use crate::share::Share;
use crate::zone::Name;

/// As what something counts, whatever its canaries say.
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
    /// The owner name.
    pub owner: Name,
    /// The regions with their weights, in the order in which they lie on the line of the clients: the one
    /// that grows comes first, so that growing takes nobody from anywhere but its neighbours.
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
            capacity: vec![1.0; regions.len()],
            weights: Vec::new(),
        }
    }

    /// Returns the regions that take nobody because an operator wants so.
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

    /// Returns the view of steering: what health says, as far as nobody wants otherwise.
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
        let shares: Vec<Share> = shares.collect();
        let counted = View::new(standings).with(shares.clone(), Vec::new());
        let (before, after) = (Services::of(regions, &view), Services::of(regions, &counted));
        let stages = regions.iter().map(|(id, _)| {
            Family::BOTH.map(|family| {
                let forced = self.stage_by_force(id, family, &before, &after);
                self.stage(id, forced, self.left_of(id, family, &counted, regions))
            })
        });
        let stages = stages.collect();
        counted.with(shares, stages)
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

    /// Returns what a region takes when what is forced is taken for true.
    fn stage_by_force(&self, id: RegionId, family: Family, before: &Services, after: &Services) -> SiteShare {
        let (was, is) = (before.get(id, family), after.get(id, family));
        match self.forced[usize::from(id.0)] {
            Some((ForcedState::Up, _)) => SiteShare::Full,
            Some((ForcedState::Down, since)) => SiteShare::Out { since },
            // Counting goes its own way only where something was forced or disabled.
            None => match (was.is_out(), is.is_out()) {
                (false, true) => after.stage(id, family),
                (true, false) => SiteShare::Full,
                (true, true) | (false, false) => before.stage(id, family),
            },
        }
    }

    /// Returns the share of a region's clients that its addresses of a family keep together; `None`: every one of
    /// them is disabled.
    fn left_of(&self, id: RegionId, family: Family, view: &View, regions: &Regions) -> Option<Share> {
        let of_family = regions.addresses_of(id).filter(|(_, address)| Family::of(address.ip) == family);
        let of_family: Vec<_> = of_family.map(|(id, address)| (view.of(id), address.zone)).collect();
        if !of_family.is_empty() && of_family.iter().all(|(standing, _)| *standing == Standing::Disabled) {
            return None;
        }
        let up = of_family.iter().filter(|(standing, _)| !standing.is_down());
        let is_emptied =
            up.clone().count() > 0 && up.clone().all(|(_, zone)| self.kept_of_zone(*zone) == Share::NONE);
        Some(if is_emptied { Share::NONE } else { self.kept[usize::from(id.0)] })
    }

    /// Returns what a region takes of whose clients it may keep this share.
    fn stage(&self, id: RegionId, stage: SiteShare, kept: Option<Share>) -> SiteShare {
        match (stage, kept) {
            _ if self.disabled.contains(id) => SiteShare::Disabled,
            (_, None) => SiteShare::Disabled,
            (SiteShare::Out { .. } | SiteShare::Disabled, _) => stage,
            (SiteShare::Full | SiteShare::Part(_) | SiteShare::Waiting, Some(kept)) => {
                SiteShare::of(stage.share().min(kept))
            }
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

    /// Amends a view of these standings and stages (IPv4) by what is asked for, and compares the stages of tokyo
    /// and osaka and the shares of the addresses, in percent.
    fn check(
        wishes: &[&str],
        standings: [Standing; 3],
        stages: [SiteShare; 2],
        expected: [SiteShare; 2],
        shares: [u8; 3],
    ) {
        let regions = regions();
        let mut intents = IntentStore::default();
        for action in wishes {
            let action = action.parse().expect("an action");
            intents.make(Request { action, ..Request::default() }, Moment(9));
        }
        let view =
            View::new(standings.to_vec()).with(vec![Share::ALL; 3], stages.map(|stage| [stage; 2]).to_vec());
        let amended = intents.overlay(&regions).amend(view, &regions);
        let services = Services::of(&regions, &amended);
        assert_eq!([0, 1].map(|id| services.stage(RegionId(id), Family::V4)), expected, "{wishes:?}");
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
