//! From what the operator wrote to what the program works with, area by area.
//!
//! Nothing here stops at a mistake: what is wrong is reported and left out, and everything else is
//! still checked. The caller uses the result only when nothing was reported.

mod access;
mod alarms;
mod apex;
mod canaries;
mod checks;
mod defined;
mod drills;
mod groups;
mod json;
mod recovery;
mod regions;
mod request;
mod residency;
mod server;
mod steering;
mod times;
mod watching;
mod webhooks;
mod zone;
mod zone_checks;

use std::collections::BTreeMap;

use super::problem::{Place, Report};
use super::sources::Sources;
use super::spec;
use super::{Alarms, Config, Geo, Server};
use crate::canary::Canary;
use crate::client::Country;
use crate::intent::Schedule;
use crate::region::{Region, Regions, Safety};
use crate::steering::Steering;
use crate::zone::{Name, Zone};
use defined::Defined;

/// The files of a configuration as the operator's types; `None` for what could not be read.
pub struct Files {
    /// `server.yaml`.
    pub server: Option<(Place, spec::ServerSpec)>,
    /// `regions.yaml`; nothing defined when there is no such file.
    pub regions: Option<spec::RegionsSpec>,
    /// The zone files.
    pub zones: Vec<(Place, spec::ZoneSpec)>,
}

/// Lowers everything. The result is whole only when `report` has no errors.
pub fn config(files: &Files, sources: &Sources, report: &mut Report) -> Option<Config> {
    let server = files.server.as_ref().and_then(|(place, spec)| server::lower(spec, *place, sources, report));
    let mut world = World::of(files.regions.as_ref(), report);
    let mut zones = Zones::default();
    for (place, spec) in &files.zones {
        zone::lower(spec, *place, sources, &mut world, &mut zones, report);
    }
    // What is wrong may be what would refer to it.
    if !report.has_errors() {
        world.report_unused(report);
    }
    if let (Some(server), Some((place, _))) = (&server, &files.server) {
        warn_of_locations(&server.geo, *place, &world, !zones.steered.is_empty(), report);
    }
    if report.has_errors() {
        return None;
    }
    Some(whole(server?, world, zones))
}

/// Warns when clients cannot be located as the zones expect.
fn warn_of_locations(geo: &Geo, server: Place, world: &World, is_steering: bool, report: &mut Report) {
    if is_steering && geo.database.is_none() && geo.networks.is_empty() {
        let draft = report.warning(server, "there is no geo database: all clients are of unknown location");
        draft.hint("add `geo: { database: world.mmdb }`");
    }
    let knows_asn = geo.asn.is_some() || geo.networks.iter().any(|(_, location)| location.asn.is_some());
    if let (Some(place), false) = (world.groups.by_asn, knows_asn) {
        let draft = report.warning(place, "autonomous systems are not known: no client belongs by `asns`");
        draft.hint("add `geo: { asn: … }` to server.yaml");
    }
}

/// Assembles what has been found to be right.
fn whole(server: Server, world: World, zones: Zones) -> Config {
    let regions = world.regions.into_iter().flatten().collect();
    Config {
        server,
        regions: Regions::new(regions),
        canaries: world.canaries.into_iter().flatten().collect(),
        groups: world.groups.list,
        steered: zones.steered,
        safety: world.safety,
        drills: world.drills,
        alarms: world.alarms,
        zones: zones.zones,
    }
}

/// The zones so far, and the steered names in them.
#[derive(Default)]
struct Zones {
    zones: Vec<Zone>,
    steered: Vec<Steering>,
    /// The apex of every zone, with where it was said.
    apexes: BTreeMap<Name, String>,
}

/// What zones refer to.
struct World {
    /// The regions by number; `None` for one that is wrong.
    regions: Vec<Option<Region>>,
    /// The jurisdiction of each region, which is known even when something else is wrong with it.
    jurisdictions: Vec<Option<Country>>,
    region_names: Defined,
    canaries: Vec<Option<Canary>>,
    canary_names: Defined,
    groups: groups::Registry,
    /// The groups of `regions.yaml`.
    shared_groups: groups::Scope,
    safety: Safety,
    drills: Vec<Schedule>,
    alarms: Alarms,
}

impl World {
    fn of(spec: Option<&spec::RegionsSpec>, report: &mut Report) -> Self {
        let canaries = canaries::lower(spec, report);
        let mut canary_names = canaries::names(spec);
        let regions = regions::lower(spec, &mut canary_names, report);
        watching::check(spec, &regions, &canaries, report);
        let mut groups = groups::Registry::default();
        let region_names = regions::names(spec);
        let drills = drills::lower(spec, &region_names, &regions, report);
        let shared = spec.and_then(|spec| spec.groups.as_ref());
        let shared_groups = groups::lower(shared, spec.is_some(), &mut groups, None, report);
        Self {
            jurisdictions: regions::jurisdictions(spec),
            region_names,
            drills,
            safety: recovery::safety(spec, report),
            alarms: alarms::lower(spec, report),
            regions,
            canaries,
            canary_names,
            groups,
            shared_groups,
        }
    }

    fn report_unused(&self, report: &mut Report) {
        self.region_names.report_unused(report);
        self.canary_names.report_unused(report);
        self.shared_groups.names.report_unused(report);
    }
}
