//! Counts the addresses of regions and availability zones, by family.

use super::correlation::RegionFailure;
use super::{AddressState, Board};
use crate::moment::Moment;
use crate::region::{Family, RegionId, ZoneId};

/// What is counted of one region or zone, and one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressTally {
    pub total: usize,
    /// Those that are not down.
    pub up: usize,
    /// Those that are neither down nor suspect.
    pub clean: usize,
    /// Those that are down, and whose last probe was a success.
    pub rising: usize,
    /// Those of which anything is known.
    pub known: usize,
    /// Of those that are down: how they failed last, and since when.
    pub fallen: Vec<RegionFailure>,
    /// When one of those that are up last passed; `None`: none has.
    pub passed: Option<Moment>,
}

/// The tallies of every region and zone.
#[derive(Clone, Debug)]
pub struct SiteTallies {
    regions: Vec<[AddressTally; 2]>,
    zones: Vec<[AddressTally; 2]>,
}

impl SiteTallies {
    /// Counts all addresses.
    pub fn of(board: &Board) -> Self {
        let regions = board.regions();
        let mut tallies = Self { regions: empty(regions.len()), zones: empty(regions.zones().count()) };
        for (id, address) in regions.addresses() {
            let family = Family::of(address.ip) as usize;
            let track = board.address(id);
            tallies.regions[usize::from(address.region.0)][family].count(track);
            tallies.zones[usize::from(address.zone.0)][family].count(track);
        }
        tallies
    }

    /// Returns what was counted of a region.
    pub fn region(&self, region: RegionId, family: Family) -> &AddressTally {
        &self.regions[usize::from(region.0)][family as usize]
    }

    /// Returns what was counted of a zone.
    pub fn zone(&self, zone: ZoneId, family: Family) -> &AddressTally {
        &self.zones[usize::from(zone.0)][family as usize]
    }
}

fn empty(count: usize) -> Vec<[AddressTally; 2]> {
    vec![[AddressTally::default(), AddressTally::default()]; count]
}

impl AddressTally {
    fn count(&mut self, track: &super::AddressHealth) {
        self.total += 1;
        match track.state() {
            AddressState::Unknown => {
                self.up += 1;
                self.clean += 1;
            }
            AddressState::Up => {
                self.up += 1;
                self.clean += 1;
                self.known += 1;
                self.passed = self.passed.max(track.succeeded());
            }
            AddressState::Suspect => {
                self.up += 1;
                self.known += 1;
                self.passed = self.passed.max(track.succeeded());
            }
            AddressState::Rising | AddressState::Down => {
                self.known += 1;
                self.rising += usize::from(track.state() == AddressState::Rising);
                self.fallen.extend(track.region_failure());
            }
        }
    }
}
