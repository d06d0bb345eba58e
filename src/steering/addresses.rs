//! Which addresses of the chosen region are answered: spread over its availability zones.

use std::net::IpAddr;

use crate::health::{Standing, View};
use crate::region::{Address, Family, RegionId, Regions, ZoneId};
use crate::share::Share;

/// The addresses of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Addresses {
    /// At most as many as asked for, one zone after the other.
    pub ips: Vec<IpAddr>,
    /// Whether one of them is suspect or not judged yet, so that the answer should not be cached for long.
    pub any_unsure: bool,
}

/// The addresses of a region that some of its clients get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressFilter {
    /// Those whose share is above this one.
    pub floor: Share,
    /// Those of this availability zone; `None`: of all.
    pub zone: Option<ZoneId>,
}

impl AddressFilter {
    /// Lets every address through.
    pub const ALL: Self = Self { floor: Share::NONE, zone: None };
}

/// Returns up to `most` addresses of a region and family that `filter` lets through: those that are not down and whose
/// share is above its floor, or all that are not down when there is no such one, or all of them when every one is down (a
/// region that fails open). A disabled address is never one of them. Zones take turns, so that the first
/// addresses lie in different zones.
pub fn addresses_across_zones(
    regions: &Regions,
    view: &View,
    region: RegionId,
    family: Family,
    most: usize,
    filter: AddressFilter,
) -> Addresses {
    let AddressFilter { floor, zone } = filter;
    let of_family: Vec<_> = regions
        .addresses_of(region)
        .filter(|(id, address)| Family::of(address.ip) == family && view.of(*id) != Standing::Disabled)
        .filter(|(_, address)| zone.is_none_or(|zone| zone == address.zone))
        .map(|(id, address)| (*address, view.of(id), view.share(id) > floor))
        .collect();
    let is_down = |standing: &Standing| standing.is_down();
    let all_down = of_family.iter().all(|(_, standing, _)| is_down(standing));
    let none_above = !of_family.iter().any(|(_, standing, is_above)| *is_above && !is_down(standing));
    let usable = of_family
        .into_iter()
        .filter(|(_, standing, is_above)| all_down || (!is_down(standing) && (*is_above || none_above)));
    let addresses = first_of(usable.map(|(address, standing, _)| (address, standing)), most);
    Addresses { any_unsure: addresses.any_unsure || (all_down && !addresses.ips.is_empty()), ..addresses }
}

/// Returns up to `most` addresses of a region and family that are not down and that all of its clients get: those that
/// follow the addresses of another region.
pub fn whole(regions: &Regions, view: &View, region: RegionId, family: Family, most: usize) -> Addresses {
    let of_family = regions.addresses_of(region).filter(|(_, address)| Family::of(address.ip) == family);
    let usable = of_family.filter(|(id, _)| !view.of(*id).is_down() && view.share(*id) == Share::ALL);
    first_of(usable.map(|(id, address)| (*address, view.of(id))), most)
}

/// Returns the first `most` addresses, one zone after the other.
fn first_of(usable: impl Iterator<Item = (Address, Standing)>, most: usize) -> Addresses {
    let mut chosen = in_turns(usable.collect());
    chosen.truncate(most);
    Addresses {
        any_unsure: chosen.iter().any(|(_, standing)| is_unsure(*standing)),
        ips: chosen.into_iter().map(|(address, _)| address.ip).collect(),
    }
}

fn is_unsure(standing: Standing) -> bool {
    match standing {
        Standing::Unknown | Standing::Suspect => true,
        Standing::Up | Standing::Down { .. } | Standing::Disabled => false,
    }
}

/// Sorts by turn, then by zone: the first of every zone, then the second of every zone, and so on.
fn in_turns(addresses: Vec<(Address, Standing)>) -> Vec<(Address, Standing)> {
    let mut turns: Vec<(ZoneId, usize)> = Vec::new();
    let mut sorted: Vec<_> = addresses
        .into_iter()
        .map(|(address, standing)| {
            let turn = turns.iter().filter(|(zone, _)| *zone == address.zone).count();
            turns.push((address.zone, turn));
            (turn, address, standing)
        })
        .collect();
    sorted.sort_by_key(|(turn, address, _)| (*turn, address.zone));
    sorted.into_iter().map(|(_, address, standing)| (address, standing)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;
    use crate::region::tests::region;

    /// Checks the last octets of an answer of a region with three addresses in zone a, one in b.
    fn check(standings: &str, most: usize, expected: &[u8], any_unsure: bool) {
        let zones: [&[&str]; 2] = [&["192.0.2.1", "192.0.2.2", "192.0.2.3"], &["192.0.2.4"]];
        let regions = Regions::new(vec![region("tokyo", "JP", &zones)]);
        let standing = |letter| match letter {
            'u' => Standing::Up,
            '?' => Standing::Unknown,
            's' => Standing::Suspect,
            _ => Standing::Down { since: Moment(1) },
        };
        let view = View::counted(&regions, standings.chars().map(standing).collect());
        let addresses =
            addresses_across_zones(&regions, &view, RegionId(0), Family::V4, most, AddressFilter::ALL);
        let ips: Vec<_> = expected.iter().map(|last| [192, 0, 2, *last].into()).collect();
        assert_eq!(addresses, Addresses { ips, any_unsure });
    }

    #[test]
    fn zones_take_turns() {
        check("uuuu", 4, &[1, 4, 2, 3], false);
        check("uuuu", 2, &[1, 4], false);
    }

    #[test]
    fn an_address_that_is_down_leaves_alone() {
        check("duuu", 4, &[2, 4, 3], false);
        check("uuud", 4, &[1, 2, 3], false);
    }

    #[test]
    fn a_suspect_stays_and_is_told_of_only_when_it_is_answered() {
        check("usuu", 4, &[1, 4, 2, 3], true);
        check("usuu", 2, &[1, 4], false);
    }

    #[test]
    fn what_was_never_probed_is_answered_and_told_of() {
        check("u?uu", 4, &[1, 4, 2, 3], true);
        check("????", 2, &[1, 4], true);
    }

    #[test]
    fn when_every_address_is_down_all_of_them_are_answered() {
        check("dddd", 4, &[1, 4, 2, 3], true);
    }

    #[test]
    fn a_family_that_the_region_does_not_have_gets_nothing() {
        let regions = Regions::new(vec![region("tokyo", "JP", &[&["192.0.2.1"]])]);
        let addresses = addresses_across_zones(
            &regions,
            &View::all_up(&regions),
            RegionId(0),
            Family::V6,
            4,
            AddressFilter::ALL,
        );
        assert_eq!(addresses, Addresses { ips: Vec::new(), any_unsure: false });
    }
}
