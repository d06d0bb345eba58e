//! From addresses to regions: whether a region is in service for a family.
//!
//! IPv4 and IPv6 are judged apart, so that losing one family moves that family only. This is the
//! only place that counts addresses against `min_healthy`; steering and `/status` both ask here.

use super::{SiteShare, Standing, View};
use crate::moment::Moment;
use crate::region::{Family, Region, RegionId, Regions};

/// How a region stands in one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// It has no address of this family.
    Absent,
    /// Enough of its addresses are up.
    In(Count),
    /// Too few are.
    Out {
        /// How many are.
        count: Count,
        /// When the address fell that was one too many.
        since: Moment,
    },
}

impl Service {
    /// Returns whether the region has left the family's answers.
    pub fn is_out(self) -> bool {
        matches!(self, Self::Out { .. })
    }

    /// Returns what a region takes of its clients if nothing but counting decides.
    fn stage(self) -> SiteShare {
        match self {
            Self::Absent | Self::In(_) => SiteShare::Full,
            Self::Out { since, .. } => SiteShare::Out { since },
        }
    }

    /// Returns how many addresses are up; `None` when there are none to be.
    pub fn count(self) -> Option<Count> {
        match self {
            Self::Absent => None,
            Self::In(count) | Self::Out { count, .. } => Some(count),
        }
    }
}

/// How many addresses of a region and family are up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Those that are up or suspect.
    pub up: usize,
    /// All of them.
    pub total: usize,
    /// Those that must be up for the region to be in service.
    pub needed: usize,
}

/// How every region stands, by family, and what it takes of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Services {
    by_region: Vec<[(Service, SiteShare); 2]>,
}

impl Services {
    /// Counts the addresses of every region.
    pub fn of(regions: &Regions, view: &View) -> Self {
        let mut tallies = vec![[ServiceTally::default(), ServiceTally::default()]; regions.len()];
        for (id, address) in regions.addresses() {
            let tally = &mut tallies[usize::from(address.region.0)][Family::of(address.ip) as usize];
            tally.total += 1;
            match view.of(id) {
                Standing::Down { since } => tally.fallen.push(since),
                Standing::Disabled => tally.fallen.push(Moment::default()),
                Standing::Up | Standing::Suspect => {}
            }
        }
        let judged = regions.iter().zip(tallies);
        let by_region = judged.map(|((id, region), tallies)| {
            let mut tallies = tallies.into_iter();
            Family::BOTH.map(|family| {
                let service = tallies.next().expect("a tally for each family").judge(region);
                (service, view.stage(id, family).unwrap_or(service.stage()))
            })
        });
        Self { by_region: by_region.collect() }
    }

    /// Returns how a region stands in a family.
    pub fn get(&self, region: RegionId, family: Family) -> Service {
        self.by_region[usize::from(region.0)][family as usize].0
    }

    /// Returns what a region takes of its clients in a family.
    pub fn stage(&self, region: RegionId, family: Family) -> SiteShare {
        self.by_region[usize::from(region.0)][family as usize].1
    }

    /// Returns what every region takes of its clients, by `RegionId` and family.
    pub fn stages(&self) -> Vec<[SiteShare; 2]> {
        self.by_region.iter().map(|both| both.map(|(_, stage)| stage)).collect()
    }

    /// Returns whether every region takes all of its clients or none.
    pub fn is_whole(&self) -> bool {
        let mut stages = self.by_region.iter().flatten().map(|(_, stage)| stage);
        stages.all(|stage| matches!(stage, SiteShare::Full | SiteShare::Out { .. } | SiteShare::Disabled))
    }
}

/// What is counted of one region and family.
#[derive(Clone, Default)]
struct ServiceTally {
    total: usize,
    fallen: Vec<Moment>,
}

impl ServiceTally {
    fn judge(mut self, region: &Region) -> Service {
        if self.total == 0 {
            return Service::Absent;
        }
        let needed = region.min_healthy.of(self.total);
        let count = Count { up: self.total - self.fallen.len(), total: self.total, needed };
        if count.up >= needed {
            return Service::In(count);
        }
        // The region was in service until `total - needed` addresses had fallen and one more did.
        self.fallen.sort_unstable();
        let since = self.fallen[self.total - needed];
        Service::Out { count, since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Minimum;
    use crate::region::tests::region;

    fn check(min_healthy: Minimum, addresses: &[&str], fell_at: &[Option<u64>], expected: [Service; 2]) {
        let regions = Regions::new(vec![Region { min_healthy, ..region("tokyo", "JP", &[addresses]) }]);
        let standing = |fell: &Option<u64>| match fell {
            None => Standing::Up,
            Some(at) => Standing::Down { since: Moment(*at) },
        };
        let view = View::new(fell_at.iter().map(standing).collect());
        let services = Services::of(&regions, &view);
        assert_eq!(Family::BOTH.map(|family| services.get(RegionId(0), family)), expected);
    }

    #[test]
    fn a_region_leaves_with_the_address_that_is_one_too_many() {
        let addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
        let count = |up, needed| Count { up, total: 3, needed };
        let two = Minimum::Count(2);
        check(two, &addresses, &[None, Some(9), None], [Service::In(count(2, 2)), Service::Absent]);
        let out = Service::Out { count: count(1, 2), since: Moment(9) };
        check(two, &addresses, &[Some(5), Some(9), None], [out, Service::Absent]);
        let half = Minimum::Percent(50);
        let out = Service::Out { count: count(0, 2), since: Moment(7) };
        check(half, &addresses, &[Some(5), Some(9), Some(7)], [out, Service::Absent]);
    }

    #[test]
    fn losing_ipv6_leaves_ipv4_in_service() {
        let count = |up| Count { up, total: 1, needed: 1 };
        let out = Service::Out { count: count(0), since: Moment(3) };
        check(
            Minimum::Count(1),
            &["192.0.2.1", "2001:db8::1"],
            &[None, Some(3)],
            [Service::In(count(1)), out],
        );
    }
}
