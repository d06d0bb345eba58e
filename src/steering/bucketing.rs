//! Which clients belong to a share: deterministic bucketing by a keyed hash of the client's prefix.
//!
//! Each region has keys of its own, derived from its name: one decides whether a client belongs to the share that
//! the region takes, one which of its addresses the client gets, one which clients are sent elsewhere
//! when the region sheds load, and two which clients it has to whom other regions are as near. One key for all would send the same clients away each time. Under one
//! key a client has one bucket for ever, so that a share that grows takes no client away: chance or a hash of
//! the query would move clients back and forth with every answer.

use super::share_test::ShareTest;
use super::zones::ZoneDraw;
use crate::health::View;
use crate::region::{Family, RegionId, Regions, ZoneId};
use crate::share::{Key, Share};

/// The keys of every region, and the shares of its addresses.
#[derive(Clone, Debug)]
pub struct Bucketing {
    /// By `RegionId`.
    keys: Vec<RegionKeys>,
    /// By `RegionId` and family: the distinct shares of the addresses that only some clients get, growing.
    cuts: Vec<[Vec<Share>; 2]>,
    /// By `RegionId` and family.
    zones: Vec<[ZoneDraw; 2]>,
}

/// The keys of one region.
#[derive(Clone, Copy, Debug)]
pub(super) struct RegionKeys {
    pub region: Key,
    pub addresses: Key,
    pub load: Key,
    /// Decides whether it is the own region of a client to whom others are as near.
    pub near: Key,
    /// Decides whether it takes a client whose own region does not.
    pub instead: Key,
}

impl Bucketing {
    /// Returns the keys of these regions, and the shares that a view gives their addresses.
    pub fn of(regions: &Regions, view: &View) -> Self {
        let keys = regions.iter().map(|(_, region)| RegionKeys {
            region: Key::of(&region.name),
            // No name of a region contains a blank.
            addresses: Key::of(&format!("{} addresses", region.name)),
            load: Key::of(&format!("{} load", region.name)),
            near: Key::of(&format!("{} near", region.name)),
            instead: Key::of(&format!("{} instead", region.name)),
        });
        let keys = keys.collect();
        let mut cuts = vec![[Vec::new(), Vec::new()]; regions.len()];
        if !view.is_even() {
            for (id, address) in regions.addresses().filter(|(id, _)| !view.of(*id).is_down()) {
                cuts[usize::from(address.region.0)][Family::of(address.ip) as usize].push(view.share(id));
            }
        }
        for shares in cuts.iter_mut().flatten() {
            shares.retain(|share| *share > Share::NONE && *share < Share::ALL);
            shares.sort_unstable();
            shares.dedup();
        }
        let zones = regions.iter();
        let zones =
            zones.map(|(id, _)| Family::BOTH.map(|family| ZoneDraw::of(regions, view, id, family))).collect();
        Self { keys, cuts, zones }
    }

    pub(super) fn keys(&self, region: RegionId) -> RegionKeys {
        self.keys[usize::from(region.0)]
    }

    /// Returns the highest share of the region's addresses that does not include a client: the client gets
    /// the addresses above it.
    ///
    /// # Errors
    ///
    /// The first test that `is_in_share` does not answer.
    pub(super) fn floor(
        &self,
        region: RegionId,
        family: Family,
        is_in_share: &impl Fn(ShareTest) -> Option<bool>,
    ) -> Result<Share, ShareTest> {
        let key = self.keys(region).addresses;
        let mut floor = Share::NONE;
        for share in &self.cuts[usize::from(region.0)][family as usize] {
            let test = ShareTest { key, share: *share };
            if is_in_share(test).ok_or(test)? {
                break;
            }
            floor = *share;
        }
        Ok(floor)
    }

    /// Returns the availability zone whose addresses above `floor` a client gets; `None`: the region has no address for it.
    ///
    /// # Errors
    ///
    /// The first test that `is_in_share` does not answer.
    pub(super) fn zone(
        &self,
        region: RegionId,
        family: Family,
        floor: Share,
        is_in_share: &impl Fn(ShareTest) -> Option<bool>,
    ) -> Result<Option<ZoneId>, ShareTest> {
        self.zones[usize::from(region.0)][family as usize].find(floor, is_in_share)
    }
}
