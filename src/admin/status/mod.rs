//! Answers `/status`, of everything and of one region.

mod canary;
mod region;
pub(super) mod transfers;

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use super::api::route::NoParameters;
use super::api::status::{
    ConfigurationStatus, EventLogStatus, GeoStatus, InstanceStatus, NameAnswers, PeerStatus, ReferenceStatus,
    RegionName, RegionStatus, ServedZone, SnapshotStatus,
};
use super::api::{ApiError, Timestamp};
use super::state::{AdminState, ConfigOrigin, Published};
use crate::control::ObserverReport;
use crate::geo;
use crate::health::Reference;
use crate::moment::Moment;
use crate::snapshot::Snapshot;
use crate::zone::{self, Chooser, RData, RecordType};
use canary::CanaryWatch;

pub(super) use region::summary;

/// Returns the status of the instance.
pub(super) fn instance(state: &AdminState, _: NoParameters) -> Result<InstanceStatus, ApiError> {
    let now = (state.sources.now)();
    let (published, origin) = (state.published.load(), state.origin.load());
    let config = &published.snapshot.base.config;
    // The report and the snapshot are of one configuration, so their regions go together.
    let regions = config.regions.iter().zip(&published.report.regions);
    let delivery = state.metrics.delivery.report();
    let watch = CanaryWatch { state, canaries: &config.canaries, now };
    let given = state.metrics.transfers.told();
    let kept = given.zones.iter().map(|zone| (zone.zone.clone(), zone.serial)).collect();
    let zones = config.zones.iter().map(|zone| served_zone(zone, &kept));
    Ok(InstanceStatus {
        server: config.server.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_seconds: now.since(state.started_at()).as_secs(),
        now: Timestamp(now),
        snapshot: SnapshotStatus::from(&**published),
        zones: zones.collect(),
        geo: geo(&origin, &published.snapshot.base.table, now),
        configuration: configuration(state, &origin),
        incidents: published.report.incidents.clone(),
        alarms: published.report.alarms.iter().map(|alarm| alarm.event.text.clone()).collect(),
        regions: regions.map(|((_, region), report)| region::status(&watch, region, report)).collect(),
        references: published.report.references.iter().map(reference).collect(),
        peers: published.report.peers.iter().map(|report| peer(report, now)).collect(),
        transfers: transfers::status(given),
        answers: answers(&published.snapshot),
        confinement: state.confinement.clone(),
        events: EventLogStatus { lost: delivery.events_lost, trouble: delivery.trouble },
        webhooks: delivery.webhooks,
    })
}

/// Returns the status of one region.
pub(super) fn one_region(
    state: &AdminState,
    RegionName { region: name }: RegionName,
) -> Result<RegionStatus, ApiError> {
    let published = state.published.load();
    let config = &published.snapshot.base.config;
    let id = config.regions.named(&name).map_err(|error| ApiError::not_found(error.to_string()))?;
    let report = published.report.region(id).expect("the report has every region of its configuration");
    let watch = CanaryWatch { state, canaries: &config.canaries, now: (state.sources.now)() };
    Ok(region::status(&watch, config.regions.region(id), report))
}

/// Returns the digests of what the first steered names answer.
fn answers(snapshot: &Snapshot) -> Vec<NameAnswers> {
    let named = snapshot.base.config.steered.iter().zip(snapshot.digests());
    let answers = named.map(|(steering, digest)| NameAnswers {
        name: steering.owner.to_string(),
        sha256: HEXLOWER.encode(digest),
    });
    answers.collect()
}

fn reference(reference: &Reference) -> ReferenceStatus {
    ReferenceStatus {
        name: reference.name.clone(),
        answered_at: reference.answered.map(Timestamp),
        trouble: reference.trouble.clone(),
    }
}

fn peer(report: &ObserverReport, now: Moment) -> PeerStatus {
    let hello = report.hello.as_ref();
    PeerStatus {
        name: report.name.clone(),
        state: report.state().to_owned(),
        since: Timestamp(report.since),
        fact_age_seconds: report.told_at.map(|at| now.since(at).as_secs()),
        trouble: report.why.clone(),
        version: hello.map(|hello| hello.version.clone()),
        protocol: hello.map(|hello| hello.protocol),
        configuration_sha256: hello.map(|hello| hello.configuration.clone()),
        region: hello.and_then(|hello| hello.region.clone()),
    }
}

impl From<&Published> for SnapshotStatus {
    fn from(published: &Published) -> Self {
        Self { number: published.snapshot.number, published_at: Timestamp(published.published_at) }
    }
}

/// Returns the status of a zone; `kept` are the serial numbers that the server keeps.
fn served_zone(zone: &zone::Zone, kept: &BTreeMap<String, u32>) -> ServedZone {
    let name = zone.apex.to_string();
    let kept = kept.get(&name).copied();
    let soa = zone.nodes.get(&zone.apex).into_iter().flat_map(|node| &node.rrsets);
    let serial =
        soa.filter(|rrset| rrset.rtype == RecordType::SOA).find_map(|rrset| match rrset.rdata.first() {
            Some(RData::SOA(soa)) => Some(soa.serial),
            _ => None,
        });
    ServedZone {
        name,
        names: zone.nodes.len(),
        steered: zone
            .nodes
            .values()
            .filter(|node| matches!(node.chooser, Some(Chooser::Steering(_))))
            .count(),
        serial: kept.or(serial),
    }
}

fn geo(origin: &ConfigOrigin, table: &geo::Table, now: Moment) -> GeoStatus {
    let database = origin.database.as_ref();
    GeoStatus {
        database: database.map(|database| database.source.to_string()),
        kind: database.map(|database| database.kind.clone()),
        sha256: database.map(|database| database.sha256.clone()),
        asn_sha256: origin.asn_database.as_ref().map(|database| database.sha256.clone()),
        networks_sha256: origin.networks_sha256.clone(),
        built_at: database.map(|database| Timestamp(database.built_at)),
        age_seconds: database.map(|database| now.since(database.built_at).as_secs()),
        classes: table.classes().len(),
        memory_bytes: table.memory_bytes(),
    }
}

fn configuration(state: &AdminState, origin: &ConfigOrigin) -> ConfigurationStatus {
    let failed = origin.failed.as_ref();
    let told = |steady| Timestamp((state.sources.told)(steady));
    ConfigurationStatus {
        directory: origin.directory.display().to_string(),
        files: origin.files.clone(),
        generation: origin.generations.last().map(|generation| generation.number),
        loaded_at: told(origin.loaded_at),
        failed_at: failed.map(|failed| told(failed.at)),
        problems: failed.map_or_else(Vec::new, |failed| failed.problems.clone()),
    }
}
