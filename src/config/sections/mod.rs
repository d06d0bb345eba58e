//! What the operator writes and what the program makes of it: a section of a file is one file here.
//!
//! Each has the keys with their documentation, their defaults and bounds, and the lowering to the words that
//! the program works with. The reader and the JSON Schema are derived from the types, so they cannot disagree.
//! A new key is a field of its section, documented there, and a line in the lowering beside it.
//!
//! Nothing here stops at a mistake: what is wrong is reported and left out, and everything else is
//! still checked. The caller uses the result only when nothing was reported.

mod access;
mod alarms;
mod apex;
mod canaries;
mod checks;
mod draft;
mod drills;
mod geo;
mod groups;
mod json;
mod names;
mod recovery;
mod region;
mod regions;
mod request;
mod residency;
mod safety;
mod secret;
mod server;
mod steer;
mod watching;
mod webhooks;
mod zone;
mod zone_checks;

pub use access::{Access, Named, Role, Tls, Token};
pub use alarms::{AlarmRule, Alarms, Level, Measure};
pub use geo::Geo;
pub use regions::RegionsSpec;
pub use secret::Secret;
pub use server::{LogFormat, Server, ServerSpec};
pub use webhooks::{Least, Shape, Webhook};
pub use zone::ZoneSpec;

use super::Config;
use super::problem::{Place, Report};
use super::sources::Sources;
use crate::region::Regions;
use draft::Zones;
use regions::World;

/// The files of a configuration as the operator's types; `None` for what could not be read.
pub struct Files {
    /// `server.yaml`.
    pub server: Option<(Place, ServerSpec)>,
    /// `regions.yaml`; nothing defined when there is no such file.
    pub regions: Option<RegionsSpec>,
    /// The zone files.
    pub zones: Vec<(Place, ZoneSpec)>,
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
