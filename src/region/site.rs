//! Regions and availability zones alike: what has a status and a way back.

use super::{RegionId, Regions, ZoneId};

/// A region, or one of its availability zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// A region.
    Region(RegionId),
    /// An availability zone.
    Zone(ZoneId),
}

impl Site {
    /// Returns the region that it is or is in.
    pub fn region(self, regions: &Regions) -> RegionId {
        match self {
            Self::Region(region) => region,
            Self::Zone(zone) => regions.region_of(zone),
        }
    }
}

impl Regions {
    /// Returns every site: the regions, and then the zones.
    pub fn sites(&self) -> impl Iterator<Item = Site> {
        let zones = self.zones().map(|(zone, _, _)| Site::Zone(zone));
        self.iter().map(|(id, _)| Site::Region(id)).chain(zones)
    }
}
