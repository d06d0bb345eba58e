//! Which client is drawn for which share: the lines on which every client has a place.
//!
//! Each region has three lines, drawn from its name: one decides whether a client belongs to the share that
//! the region takes, one which of its addresses the client gets, and one who is sent elsewhere when the
//! region sheds load. A client keeps its place on a line for ever, so a share that grows takes nobody away.

use std::net::IpAddr;

use crate::health::View;
use crate::region::{Family, RegionId, Regions};
use crate::share::{Key, Share};

/// A question about a client: does it belong to this share of this line?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The line.
    pub key: Key,
    /// The share.
    pub share: Share,
}

impl Draw {
    /// Returns the answer.
    pub fn takes(self, client: IpAddr) -> bool {
        self.share.includes(self.key.bucket(client))
    }
}

/// The lines of every region, and the shares of its addresses.
#[derive(Clone, Debug)]
pub struct Lottery {
    /// By `RegionId`.
    lines: Vec<Lines>,
    /// By `RegionId` and family: the distinct shares of the addresses that not everybody gets, growing.
    cuts: Vec<[Vec<Share>; 2]>,
}

/// The lines of one region.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    /// Whether a client belongs to the region's share.
    pub region: Key,
    /// Which of the addresses it gets.
    pub addresses: Key,
    /// Where it goes when the region sheds.
    pub load: Key,
}

impl Lottery {
    /// Returns the lines of these regions, and the shares that a view gives their addresses.
    pub fn of(regions: &Regions, view: &View) -> Self {
        let lines = regions.iter().map(|(_, region)| Lines {
            region: Key::of(&region.name),
            // No name of a region contains a blank.
            addresses: Key::of(&format!("{} addresses", region.name)),
            load: Key::of(&format!("{} load", region.name)),
        });
        let lines = lines.collect();
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
        Self { lines, cuts }
    }

    pub(super) fn lines(&self, region: RegionId) -> Lines {
        self.lines[usize::from(region.0)]
    }

    /// Returns how far up the line of the region's addresses a client stands: those whose share reaches
    /// further are its own. `drawn` answers draws, or not; then the one that is missing is the error.
    pub(super) fn rung(
        &self,
        region: RegionId,
        family: Family,
        drawn: &impl Fn(Draw) -> Option<bool>,
    ) -> Result<Share, Draw> {
        let key = self.lines(region).addresses;
        let mut rung = Share::NONE;
        for share in &self.cuts[usize::from(region.0)][family as usize] {
            let draw = Draw { key, share: *share };
            if drawn(draw).ok_or(draw)? {
                break;
            }
            rung = *share;
        }
        Ok(rung)
    }
}
