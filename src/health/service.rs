//! Whether a region serves a family: the one rule that steering, alarms and `/status` go by.

use super::View;
use crate::region::{Family, MinHealthy, RegionId, Regions};

/// What a region is to the clients of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// It has no address of the family and never had an answer to lose.
    Absent,
    /// Enough of its addresses of the family are up.
    In,
    /// Fewer than `min_healthy` of its addresses of the family are up: it leaves the family's answers.
    Out,
}

/// How many addresses of one family a region has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that are not down: up, suspect, or not known yet.
    pub up: usize,
    /// All of them.
    pub total: usize,
}

impl Tally {
    /// Returns whether so many are enough.
    pub fn service(self, min_healthy: MinHealthy) -> Service {
        match self.total {
            0 => Service::Absent,
            total if self.up >= min_healthy.of(total) => Service::In,
            _ => Service::Out,
        }
    }
}

/// Returns whether `region` serves `family`, counting the addresses of the family that are not down
/// against the region's `min_healthy`.
///
/// Who asks for many regions at once takes a [`Census`]; the rule is the same.
pub fn in_service(regions: &Regions, region: RegionId, family: Family, view: &View) -> Service {
    let mut tally = Tally::default();
    let of_family = regions
        .addresses_of(region)
        .filter(|(_, address)| Family::of(address.ip) == family);
    for (id, _) in of_family {
        tally.total += 1;
        tally.up += usize::from(!view.of(id).is_down());
    }
    tally.service(regions.region(region).min_healthy)
}

/// The tallies of all regions, from one walk over the addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    /// By region, each by the place of the family in [`Family::BOTH`].
    tallies: Vec<([Tally; 2], MinHealthy)>,
}

impl Census {
    /// Counts every address.
    pub fn take(regions: &Regions, view: &View) -> Self {
        let mut tallies: Vec<_> = regions
            .iter()
            .map(|(_, region)| ([Tally::default(); 2], region.min_healthy))
            .collect();
        for (id, address) in regions.addresses() {
            let (of_region, _) = &mut tallies[usize::from(address.region.0)];
            let tally = &mut of_region[place(Family::of(address.ip))];
            tally.total += 1;
            tally.up += usize::from(!view.of(id).is_down());
        }
        Self { tallies }
    }

    /// Returns the count for one region and family.
    pub fn tally(&self, region: RegionId, family: Family) -> Tally {
        let (of_region, _) = &self.tallies[usize::from(region.0)];
        of_region[place(family)]
    }

    /// Returns whether `region` serves `family`.
    pub fn service(&self, region: RegionId, family: Family) -> Service {
        let (_, min_healthy) = self.tallies[usize::from(region.0)];
        self.tally(region, family).service(min_healthy)
    }
}

/// Returns the place of a family in a pair.
fn place(family: Family) -> usize {
    match family {
        Family::V4 => 0,
        Family::V6 => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Standing, fixture};
    use crate::moment::Moment;

    /// Judges one region with these standings (`u` up, `s` suspect, `d` down), IPv4 first, then IPv6.
    fn check(min_healthy: MinHealthy, v4: &str, v6: &str, expected: [Service; 2]) {
        let standing = |letter| match letter {
            'u' => Standing::Up,
            's' => Standing::Suspect,
            _ => Standing::Down { since: Moment(7) },
        };
        let view = View::new(v4.chars().chain(v6.chars()).map(standing).collect());
        let v4 = (1..=v4.len()).map(|last| format!("192.0.2.{last}"));
        let v6 = (1..=v6.len()).map(|last| format!("2001:db8::{last}"));
        let addresses: Vec<_> = v4.chain(v6).collect();
        let mut region = fixture::region("tokyo", &addresses);
        region.min_healthy = min_healthy;
        let regions = Regions::new(vec![region]);
        let census = Census::take(&regions, &view);
        for (family, expected) in Family::BOTH.into_iter().zip(expected) {
            assert_eq!(census.service(RegionId(0), family), expected);
            assert_eq!(in_service(&regions, RegionId(0), family, &view), expected);
        }
    }

    #[test]
    fn families_are_judged_apart() {
        check(MinHealthy::Count(1), "dd", "ud", [Service::Out, Service::In]);
    }

    #[test]
    fn a_region_without_addresses_of_a_family_is_absent_from_it() {
        check(MinHealthy::Count(1), "u", "", [Service::In, Service::Absent]);
    }

    #[test]
    fn a_suspect_address_still_counts() {
        check(MinHealthy::Percent(100), "us", "s", [Service::In, Service::In]);
    }

    #[test]
    fn fewer_than_min_healthy_take_the_region_out() {
        check(MinHealthy::Percent(50), "udd", "ud", [Service::Out, Service::In]);
        check(MinHealthy::Count(9), "uud", "uu", [Service::Out, Service::In]);
    }
}
