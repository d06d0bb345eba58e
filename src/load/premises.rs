//! What clients were last divided for.

use super::Readings;
use crate::health::{SiteShare, View};
use crate::moment::follows_clock;
use crate::region::{RegionId, RegionSet};

/// What clients are divided for: they are divided anew when any of it changes.
#[derive(Clone, Debug)]
pub(super) struct Premises {
    /// What regions take of their clients.
    shares: Vec<[SiteShare; 2]>,
    /// How much of each region is there.
    present: Vec<f64>,
    /// The regions that operators empty.
    withdrawn: RegionSet,
}

impl Premises {
    pub fn of(view: &View, readings: &Readings) -> Self {
        let shares = view.all_shares_of_regions().collect();
        Self { shares, present: readings.present.clone(), withdrawn: readings.withdrawn }
    }

    /// Returns the regions that had left as far as others could bear their clients, and take all of them now.
    pub fn returned(&self, view: &View) -> RegionSet {
        let regions = self.shares.iter().zip(view.all_shares_of_regions());
        let numbered = (0..).map(RegionId).zip(regions).take(self.present.len());
        let is_back = |(was, is): (&[SiteShare; 2], [SiteShare; 2])| {
            was.iter()
                .zip(is)
                .any(|(was, is)| matches!(was, SiteShare::Yielding { .. }) && is == SiteShare::Full)
        };
        numbered.filter(|(_, shares)| is_back(*shares)).map(|(region, _)| region).collect()
    }

    pub fn hold(&self, view: &View, readings: &Readings) -> bool {
        self.withdrawn == readings.withdrawn
            && self.present == readings.present
            && view.all_shares_of_regions().eq(self.shares.iter().copied())
    }
}

follows_clock!(Premises: shares);
