//! What is known of everything at one moment: plain values, for `/status`.

use std::net::IpAddr;

use super::Alarm;
use crate::canary::Failure;
use crate::config::Config;
use crate::health::{Board, Last, Record, Service, Services, State, Track};
use crate::moment::Moment;
use crate::region::{AddressId, Family, Region, RegionId};

/// What is known of everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The number of the last published snapshot.
    pub snapshot: u64,
    /// The alarms that last.
    pub alarms: Vec<Alarm>,
    /// The regions, in the order of the configuration, as are all lists below.
    pub regions: Vec<RegionReport>,
}

/// What is known of a region.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionReport {
    /// Its name.
    pub name: String,
    /// Whether it serves each family, and how many of its addresses are up.
    pub families: [(Family, Service); 2],
    /// Its availability zones.
    pub zones: Vec<ZoneReport>,
}

/// What is known of an availability zone.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneReport {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<AddressReport>,
}

/// What is known of an address.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressReport {
    /// The address.
    pub ip: IpAddr,
    /// Its state.
    pub state: State,
    /// When the state began; rising does not interrupt being down.
    pub since: Moment,
    /// The canary and the failure that keep it from being up; `None` when it is.
    pub why: Option<(String, Failure)>,
    /// What each canary says.
    pub canaries: Vec<CanaryReport>,
}

/// What a canary says of an address.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryReport {
    /// Its name.
    pub name: String,
    /// Where it leaves the address.
    pub state: State,
    /// When that began.
    pub since: Moment,
    /// How many of its last results were failures.
    pub failures: u32,
    /// How many of its last results were successes.
    pub successes: u32,
    /// Its last result that was judged; `None` before the first.
    pub last: Option<Last>,
    /// Its last failure, however long ago.
    pub failure: Option<Failure>,
}

impl Report {
    /// Reads everything off the board.
    pub fn new(snapshot: u64, config: &Config, board: &Board, alarms: Vec<Alarm>) -> Self {
        let services = Services::of(&config.regions, &board.view());
        let mut next = (0u32..).map(AddressId);
        let regions = config.regions.iter().map(|(id, region)| RegionReport {
            name: region.name.clone(),
            families: Family::BOTH.map(|family| (family, services.get(id, family))),
            zones: zones(config, board, region, &mut next),
        });
        Self { snapshot, alarms, regions: regions.collect() }
    }

    /// Returns the report on the region with this number.
    pub fn region(&self, id: RegionId) -> Option<&RegionReport> {
        self.regions.get(usize::from(id.0))
    }
}

/// Reads the zones of a region, taking the numbers of their addresses from `next`.
fn zones(
    config: &Config,
    board: &Board,
    region: &Region,
    next: &mut impl Iterator<Item = AddressId>,
) -> Vec<ZoneReport> {
    let zones = region.zones.iter().map(|zone| {
        let addresses = zone.addresses.iter().zip(&mut *next);
        let addresses = addresses.map(|(&ip, id)| address(config, ip, board.track(id)));
        ZoneReport { name: zone.name.clone(), addresses: addresses.collect() }
    });
    zones.collect()
}

/// Reads one address.
fn address(config: &Config, ip: IpAddr, track: &Track) -> AddressReport {
    let name = |record: &Record| config.canaries[usize::from(record.canary.0)].name.clone();
    let canaries = track.records().iter().map(|record| CanaryReport {
        name: name(record),
        state: record.streak.state(),
        since: record.since,
        failures: record.streak.failures(),
        successes: record.streak.successes(),
        last: record.last,
        failure: record.failure.clone(),
    });
    let why = track.cause().map(|cause| {
        let canary = &config.canaries[usize::from(cause.canary.0)];
        (canary.name.clone(), cause.failure)
    });
    AddressReport { ip, state: track.state(), since: track.since(), why, canaries: canaries.collect() }
}
