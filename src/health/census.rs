//! Counts the addresses of regions and availability zones, by family.

use super::{Board, State};
use crate::canary::FailureClass;
use crate::moment::Moment;
use crate::region::{Family, RegionId, ZoneId};

/// What is counted of one region or zone, and one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All addresses.
    pub total: usize,
    /// Those that are not down.
    pub up: usize,
    /// Those that are neither down nor suspect.
    pub clean: usize,
    /// Those that are down, and whose last probe was a success.
    pub rising: usize,
    /// Those of which anything is known.
    pub known: usize,
    /// The others than the clean ones: since when, and how they failed last.
    pub ailing: Vec<(Moment, FailureClass)>,
    /// When the clean ones were last heard of, each.
    pub heard: Vec<Moment>,
}

/// The tallies of every region and zone.
#[derive(Clone, Debug)]
pub struct Census {
    regions: Vec<[Tally; 2]>,
    zones: Vec<[Tally; 2]>,
}

impl Census {
    /// Counts all addresses.
    pub fn of(board: &Board) -> Self {
        let regions = board.regions();
        let mut census = Self { regions: empty(regions.len()), zones: empty(regions.zones().count()) };
        for (id, address) in regions.addresses() {
            let family = Family::of(address.ip) as usize;
            let track = board.track(id);
            census.regions[usize::from(address.region.0)][family].count(track);
            census.zones[usize::from(address.zone.0)][family].count(track);
        }
        census
    }

    /// Returns what was counted of a region.
    pub fn region(&self, region: RegionId, family: Family) -> &Tally {
        &self.regions[usize::from(region.0)][family as usize]
    }

    /// Returns what was counted of a zone.
    pub fn zone(&self, zone: ZoneId, family: Family) -> &Tally {
        &self.zones[usize::from(zone.0)][family as usize]
    }
}

fn empty(count: usize) -> Vec<[Tally; 2]> {
    vec![[Tally::default(), Tally::default()]; count]
}

impl Tally {
    fn count(&mut self, track: &super::Track) {
        self.total += 1;
        match track.state() {
            State::Unknown => {
                self.up += 1;
                self.clean += 1;
            }
            State::Up => {
                self.up += 1;
                self.clean += 1;
                self.known += 1;
                self.heard.extend(
                    track.records().iter().filter_map(|record| record.last).map(|last| last.at).max(),
                );
            }
            State::Suspect => {
                self.up += 1;
                self.known += 1;
                self.ail(track);
            }
            State::Rising | State::Down => {
                self.known += 1;
                self.rising += usize::from(track.state() == State::Rising);
                self.ail(track);
            }
        }
    }

    fn ail(&mut self, track: &super::Track) {
        self.ailing.extend(track.cause().map(|cause| (track.since(), cause.failure.class)));
    }
}
