//! Which availability zone of its region answers a client of a name with `one_zone`.
//!
//! In each region a client has a zone of its own, which is drawn: a zone that is added at the end takes the same share from
//! every other one, and no other client moves.
//!
//! While a zone has no address for a client, its clients, and no others, are divided evenly between the zones that have, by
//! hashes of their own: with those of the first draw they would not be even.

use super::draw::draw;
use super::share_test::ShareTest;
use crate::health::{Standing, View};
use crate::region::{Family, RegionId, Regions, ZoneId};
use crate::share::{Key, Share};

/// The zones of a region that have addresses of one family, in their listed order.
#[derive(Clone, Debug, Default)]
pub(super) struct ZoneDraw {
    zones: Vec<DrawnZone>,
}

/// A zone, and the addresses that it has.
#[derive(Clone, Copy, Debug)]
struct DrawnZone {
    zone: ZoneId,
    /// Decides whether a client's own zone is this one.
    own: Key,
    /// Decides whether it takes a client whose own zone has no address.
    instead: Key,
    /// The highest share of its addresses that are not down; `None`: all are.
    highest: Option<Share>,
    /// Whether an operator has disabled all of its addresses.
    is_disabled: bool,
}

impl ZoneDraw {
    /// Returns the zones of a region as `view` has them.
    pub fn of(regions: &Regions, view: &View, region: RegionId, family: Family) -> Self {
        let mut zones: Vec<DrawnZone> = Vec::new();
        let of_family = regions.addresses_of(region).filter(|(_, address)| Family::of(address.ip) == family);
        for (id, address) in of_family {
            if zones.last().is_none_or(|last| last.zone != address.zone) {
                zones.push(DrawnZone::new(regions, address.zone));
            }
            let zone = zones.last_mut().expect("one was pushed");
            let standing = view.of(id);
            zone.is_disabled &= standing == Standing::Disabled;
            if !standing.is_down() {
                zone.highest = zone.highest.max(Some(view.share(id)));
            }
        }
        Self { zones }
    }

    /// Returns the zone whose addresses a client gets that gets those above `floor`: its own, or when that has none, another
    /// one that has. `None`: no zone has an address for anybody.
    ///
    /// # Errors
    ///
    /// The first test that `is_in_share` does not answer.
    pub fn find(
        &self,
        floor: Share,
        is_in_share: &impl Fn(ShareTest) -> Option<bool>,
    ) -> Result<Option<ZoneId>, ShareTest> {
        let is_above = |zone: &DrawnZone| zone.highest.is_some_and(|highest| highest > floor);
        let is_up = |zone: &DrawnZone| zone.highest.is_some();
        let is_enabled = |zone: &DrawnZone| !zone.is_disabled;
        let wishes: [&dyn Fn(&DrawnZone) -> bool; 3] = [&is_above, &is_up, &is_enabled];
        // When every address is down, a client keeps its zone: nobody knows of a better one.
        let Some(has_address) = wishes.into_iter().find(|wish| self.zones.iter().any(wish)) else {
            return Ok(None);
        };
        let zones: Vec<_> = self.zones.iter().collect();
        let own = draw(&zones, |_| 1, |zone| zone.own, is_in_share)?;
        if has_address(own) {
            return Ok(Some(own.zone));
        }
        let others: Vec<_> = self.zones.iter().filter(|zone| has_address(zone)).collect();
        let instead = draw(&others, |_| 1, |zone| zone.instead, is_in_share)?;
        Ok(Some(instead.zone))
    }
}

impl DrawnZone {
    fn new(regions: &Regions, zone: ZoneId) -> Self {
        let region = &regions.region(regions.region_of(zone)).name;
        let name = &regions.zone(zone).name;
        Self {
            zone,
            // No name of a region or zone contains a blank.
            own: Key::of(&format!("{region} zone {name}")),
            instead: Key::of(&format!("{region} zone {name} instead")),
            highest: None,
            is_disabled: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::moment::Moment;
    use crate::region::tests::region;

    const CLIENTS: u32 = 20_000;

    fn regions(zones: usize) -> Regions {
        let all: [&[&str]; 4] = [&["192.0.2.1"], &["192.0.2.2"], &["192.0.2.3"], &["192.0.2.4"]];
        Regions::new(vec![region("tokyo", "JP", &all[..zones])])
    }

    /// Returns the zone of each of many clients, while the zones of these letters are up, down or disabled.
    fn zones(letters: &str) -> Vec<u16> {
        let regions = regions(letters.len());
        let standing = |letter| match letter {
            'u' => Standing::Up,
            'd' => Standing::Down { since: Moment(1) },
            _ => Standing::Disabled,
        };
        let view = View::counted(&regions, letters.chars().map(standing).collect());
        let draw = ZoneDraw::of(&regions, &view, RegionId(0), Family::V4);
        let zone = |client: u32| {
            let client = IpAddr::from(Ipv4Addr::from(0x0a00_0000 | client << 8));
            let found = draw.find(Share::NONE, &|test| Some(test.includes(client)));
            found.expect("every test is answered").expect("a zone").0
        };
        (0..CLIENTS).map(zone).collect()
    }

    /// Checks that each of these zones has one in `of` of the clients that `is_counted` keeps, but for a twentieth.
    fn check_even(found: &[u16], is_counted: impl Fn(usize) -> bool, expected: &[u16]) {
        let counted: Vec<u16> =
            (0..found.len()).filter(|one| is_counted(*one)).map(|one| found[one]).collect();
        for zone in expected {
            let has = counted.iter().filter(|one| *one == zone).count();
            let even = counted.len() / expected.len();
            assert!(
                has.abs_diff(even) <= even / 20,
                "zone {zone} has {has} of {}, not {even}",
                counted.len()
            );
        }
    }

    #[test]
    fn zones_share_the_clients_evenly() {
        check_even(&zones("uuu"), |_| true, &[0, 1, 2]);
        check_even(&zones("uuuu"), |_| true, &[0, 1, 2, 3]);
    }

    #[test]
    fn the_clients_of_a_zone_that_is_down_and_no_others_are_divided_evenly() {
        let before = zones("uuu");
        for (letters, lost) in [("duu", 0), ("udu", 1), ("uud", 2), ("uux", 2)] {
            let after = zones(letters);
            let stays = |one: usize| before[one] == lost || before[one] == after[one];
            assert!((0..before.len()).all(stays), "{letters}: a client of another zone moved");
            let left: Vec<u16> = (0..3).filter(|zone| *zone != lost).collect();
            check_even(&after, |one| before[one] == lost, &left);
        }
    }

    #[test]
    fn a_zone_that_is_added_at_the_end_takes_its_clients_from_all_and_moves_no_other() {
        let (before, after) = (zones("uuu"), zones("uuuu"));
        assert!((0..before.len()).all(|one| after[one] == 3 || after[one] == before[one]));
        check_even(&before, |one| after[one] == 3, &[0, 1, 2]);
    }

    #[test]
    fn when_all_zones_are_down_each_client_keeps_its_own_unless_it_is_disabled() {
        let before = zones("uuu");
        assert_eq!(zones("ddd"), before);
        let disabled = zones("dxd");
        assert!(
            (0..before.len())
                .all(|one| disabled[one] != 1 && (before[one] == 1 || disabled[one] == before[one]))
        );
    }

    #[test]
    fn the_draw_depends_on_the_client_also_where_no_zone_is_above_the_floor() {
        let regions = regions(2);
        let view = View::all_up(&regions);
        let draw = ZoneDraw::of(&regions, &view, RegionId(0), Family::V4);
        let found = draw.find(Share::ALL, &|_| Some(true));
        assert_eq!(found, Ok(Some(ZoneId(1))));
        assert_eq!(draw.find(Share::NONE, &|_| Some(false)), Ok(Some(ZoneId(0))));
        assert!(draw.find(Share::NONE, &|_| None).is_err());
    }
}
