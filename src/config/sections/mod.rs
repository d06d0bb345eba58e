//! What the operator writes and what the program makes of it: a section of a file is one file here.
//!
//! Each has the keys with their documentation, their defaults and bounds, and the lowering to the words that
//! the program works with. The reader and the JSON Schema are derived from the types, so they cannot disagree.
//! A new key is a field of its section, documented there, and a line in the lowering beside it.
//!
//! Nothing here stops at a mistake: what is wrong is reported and left out, and everything else is
//! still checked. The caller uses the result only when nothing was reported.

pub(crate) mod access;
mod admission;
pub(crate) mod alarms;
mod apex;
pub(crate) mod authorities;
mod availability_zone;
pub(crate) mod backup;
pub(crate) mod canaries;
pub(crate) mod capacity_events;
pub(crate) mod checks;
mod cookies;
mod draft;
pub(crate) mod drills;
mod far;
pub(crate) mod geo;
mod groups;
mod hints;
mod identity;
mod inner_zones;
pub(crate) mod json;
pub(crate) mod listen;
mod name_servers;
mod names;
mod or_off;
pub(crate) mod outside;
pub(crate) mod peers;
mod pins;
pub(crate) mod rate_limit;
pub(crate) mod recovery;
mod references;
pub(crate) mod region;
mod regions;
mod request;
mod residency;
mod safety;
mod secret;
mod server;
mod service_regions;
mod services;
pub(crate) mod steer;
pub(crate) mod transfer;
pub(crate) mod tsig_keys;
mod user;
mod watching;
pub(crate) mod webhooks;
mod zone;
pub(crate) mod zone_checks;

pub use access::{Access, AccessToken, AdminTls, LoopbackAccess, NamedFile, Role};
pub use alarms::{AlarmRule, AlarmRules, Measure};
pub use backup::Backups;
pub use cookies::{CookieSource, CookieSources};
pub use geo::{DatabaseSource, Geo};
pub use identity::Identity;
pub use listen::{Listen, ListenTls, TcpLimits};
pub use peers::{PeerInstance, Peers};
pub use rate_limit::RateLimit;
pub use regions::RegionsSpec;
pub use secret::Secret;
pub use server::{LogFormat, Server, ServerSpec, StartMode, StartTerms, start_terms};
pub use transfer::{NotifyTarget, TransferClient, ZoneTransfers};
pub use tsig_keys::TsigKeySource;
pub use user::SystemUser;
pub use webhooks::{Webhook, WebhookShape};
pub use zone::ZoneSpec;

use std::collections::BTreeSet;

use super::Config;
use super::problem::{Reporter, Span};
use super::sources::SourceFiles;
use crate::region::Regions;
use crate::steering::Steering;
use draft::ZoneList;
use regions::Definitions;

/// The files of a configuration as the operator's types; `None` for what could not be read.
pub struct Files {
    /// `server.yaml`.
    pub server: Option<(Span, ServerSpec)>,
    /// `regions.yaml`; nothing defined when there is no such file.
    pub regions: Option<RegionsSpec>,
    pub zones: Vec<(Span, ZoneSpec)>,
}

/// Lowers everything. The result is whole only when `report` has no errors.
pub fn config(files: &Files, sources: &SourceFiles, report: &mut Reporter) -> Option<Config> {
    let server = files.server.as_ref().and_then(|(span, spec)| server::lower(spec, *span, sources, report));
    let mut definitions = Definitions::of(files.regions.as_ref(), sources, report);
    let mut zones = ZoneList::default();
    // What is in a zone of its own is hidden in the zone above.
    let apexes: Vec<_> =
        files.zones.iter().map(|(span, spec)| zone::apex(spec, *span, sources, &mut zones, report)).collect();
    for ((span, spec), apex) in files.zones.iter().zip(apexes) {
        zone::lower(spec, apex, *span, sources, &mut definitions, &mut zones, report);
    }
    if let Some(regions) = &files.regions {
        regions.check_hosts(&zones.apexes, report);
    }
    pins::check_zones(&zones, report);
    hints::check(&zones, report);
    if let Some(server) = &server {
        transfer::check(&zones.transfer_keys, server, report);
    }
    if let Some((_, server)) = &files.server {
        outside::check(&server.references, definitions.regions.iter().flatten(), report);
        peers::check(&server.peers, definitions.regions.iter().flatten(), report);
    }
    // What is wrong may be what would refer to it.
    if !report.has_errors() {
        definitions.report_unused(report);
    }
    if let (Some(server), Some((span, _))) = (&server, &files.server) {
        warn_of_locations(&server.geo, *span, &definitions, !zones.steered.is_empty(), report);
    }
    if report.has_errors() {
        return None;
    }
    Some(whole(server?, definitions, zones))
}

/// Warns when clients cannot be located as the zones expect.
fn warn_of_locations(
    geo: &Geo,
    server: Span,
    definitions: &Definitions,
    is_steering: bool,
    report: &mut Reporter,
) {
    if is_steering && geo.database.is_none() && geo.networks.is_empty() {
        let finding = report.warning(server, "there is no geo database: all clients are of unknown location");
        finding.hint("add `geo: { database: shipped }`, or the name of a file");
    }
    let knows_asn = geo.asn.is_some() || geo.networks.iter().any(|(_, location)| location.asn.is_some());
    if let (Some(span), false) = (definitions.groups.by_asn, knows_asn) {
        let finding = report.warning(span, "autonomous systems are not known: no client belongs by `asns`");
        finding.hint("add `geo: { asn: … }` to server.yaml");
    }
}

/// Returns the distinct spreads of steered names, ascending.
fn spreads(steered: &[Steering]) -> Vec<u32> {
    let spreads: BTreeSet<u32> = steered
        .iter()
        .filter_map(|steering| steering.policy.spread.as_ref())
        .map(|spread| spread.km)
        .collect();
    spreads.into_iter().collect()
}

/// Assembles what has been found to be right.
fn whole(server: Server, definitions: Definitions, zones: ZoneList) -> Config {
    let regions = definitions.regions.into_iter().flatten().collect();
    Config {
        server,
        regions: Regions::new(regions),
        canaries: definitions.canaries.into_iter().flatten().collect(),
        groups: definitions.groups.list,
        spreads: spreads(&zones.steered),
        steered: zones.steered,
        pins: zones.pins.into_iter().map(|(pin, _)| pin).collect(),
        safety: definitions.safety,
        drills: definitions.drills,
        capacity_events: definitions.capacity_events,
        alarms: definitions.alarms,
        zones: zones.zones,
        transfers: zones.transfers,
    }
}
