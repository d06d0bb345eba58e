//! Regions and availability zones alike: what has a status and a way back.

use super::{RegionId, Regions, ZoneId};

/// A region, or one of its availability zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    Region(RegionId),
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

impl From<RegionId> for Site {
    fn from(region: RegionId) -> Self {
        Self::Region(region)
    }
}

impl From<ZoneId> for Site {
    fn from(zone: ZoneId) -> Self {
        Self::Zone(zone)
    }
}

impl Regions {
    /// Returns how many of the `total` addresses of a site in one family must be up: at least one, unless there
    /// are none.
    pub fn needed(&self, site: Site, total: usize) -> usize {
        match site {
            _ if total == 0 => 0,
            Site::Region(region) => self.region(region).min_healthy.of(total),
            Site::Zone(_) => 1,
        }
    }

    /// Returns every site: the regions, and then the zones.
    pub fn sites(&self) -> impl Iterator<Item = Site> {
        let zones = self.zones().map(|(zone, _, _)| Site::Zone(zone));
        self.iter().map(|(id, _)| Site::Region(id)).chain(zones)
    }
}
