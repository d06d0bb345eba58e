//! Classes: what the table maps addresses to.

use crate::client::GroupSet;
use crate::ids::RegionId;

/// The number of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u32);

/// All clients for whom every decision is the same by construction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    /// The groups they belong to.
    pub groups: GroupSet,
    /// Ranks by distance, by `RegionId`; regions equally far have equal ranks. Empty when the location of the
    /// clients is unknown or has no coordinates.
    pub ranks: Box<[u8]>,
    /// By [`Distinctions::spreads`](super::Distinctions) and `RegionId`: the highest rank of a region that is as near as
    /// this one, as it is no farther beyond it. Empty as `ranks` is, or when there are no spreads.
    pub reach: Box<[(u32, Box<[u8]>)]>,
}

impl Class {
    /// Returns the highest rank of a region that is at most so many kilometres farther away than a region.
    pub fn reach(&self, km: u32, region: RegionId) -> Option<u8> {
        let (_, ranks) = self.reach.iter().find(|(spread, _)| *spread == km)?;
        Some(ranks[usize::from(region.0)])
    }
}
