//! Answers `/overview`, and makes the state that the stream sends.

use super::api::overview::{
    LoadLimits, OutOfLine, Overview, OverviewWithEvents, PeerOverview, RegionOverview,
};
use super::api::route::NoParameters;
use super::api::status::SnapshotStatus;
use super::api::{ApiError, IntentList, Timestamp, TransferStatus};
use super::map::palette::{self, BLIND, DEGRADED};
use super::out_of_line::out_of_line;
use super::state::AdminState;
use super::status;
use super::stream::hub::FIRST_EVENTS;
use crate::control::{ObserverReport, RegionReport};
use crate::event::Event;
use crate::health::{LIMITED, OutlierGrade, Phase, Status, WITHDRAWN};
use crate::region::{Family, Region, RegionId};

/// The most steered names that are listed: those beyond are in the configuration.
const MAX_NAMES: usize = 100;

/// The most zones whose secondaries are shown: `/status` has all.
const MAX_ZONES: usize = 20;

/// Returns everything at a glance, with the last events.
pub(super) fn with_events(state: &AdminState, _: NoParameters) -> Result<OverviewWithEvents, ApiError> {
    let events = (state.sources.history)(FIRST_EVENTS);
    let events = events.iter().map(|event| Event::clone(event));
    Ok(OverviewWithEvents { overview: overview(state), events: events.collect() })
}

/// Returns everything at a glance.
pub(super) fn overview(state: &AdminState) -> Overview {
    let (published, origin) = (state.published.load(), state.origin.load());
    let config = &published.snapshot.base.config;
    let names = config.steered.iter().take(MAX_NAMES);
    let limits = config.safety.limits;
    let configuration = &origin.files_sha256;
    let out_of_line = out_of_line(&published.report, &limits);
    let regions = config.regions.iter().zip(&published.report.regions).zip(out_of_line);
    let open = published.report.incidents.iter().filter(|incident| incident.ended_at.is_none());
    Overview {
        server: config.server.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Timestamp(state.started_at()),
        snapshot: SnapshotStatus::from(&**published),
        summary: published.report.summary(config, (state.sources.now)()),
        names: names.map(|steering| steering.owner.to_string()).collect(),
        incidents: open.cloned().collect(),
        alarms: published.report.alarms.iter().map(|alarm| alarm.event.text.clone()).collect(),
        problems: origin.failed.as_ref().map_or_else(Vec::new, |failed| failed.problems.clone()),
        regions: regions.map(|(((id, region), report), out)| at_a_glance(id, region, report, out)).collect(),
        load_limits: LoadLimits { soft: limits.soft, hard: limits.hard },
        location_database: origin.database.as_ref().map(|database| database.kind.clone()),
        peers: published.report.peers.iter().map(|report| peer(report, configuration)).collect(),
        transfers: transfers(state),
        intents: IntentList::from(&published.report),
    }
}

/// Returns the first zones that secondaries are given.
fn transfers(state: &AdminState) -> TransferStatus {
    let mut told = state.metrics.transfers.told();
    told.zones.truncate(MAX_ZONES);
    status::transfers::status(told)
}

fn peer(report: &ObserverReport, configuration: &str) -> PeerOverview {
    let hello = report.hello.as_ref();
    PeerOverview {
        name: report.name.clone(),
        state: report.state().to_owned(),
        since: Timestamp(report.since),
        trouble: report.why.clone(),
        version: hello.map(|hello| hello.version.clone()),
        region: hello.and_then(|hello| hello.region.clone()),
        same_configuration: hello.map(|hello| hello.configuration == configuration),
    }
}

fn at_a_glance(
    id: RegionId,
    region: &Region,
    report: &RegionReport,
    out_of_line: Vec<OutOfLine>,
) -> RegionOverview {
    RegionOverview {
        summary: status::summary(region, report),
        phase: report.status[report.worse_family() as usize].phase,
        look: look(report).to_owned(),
        awaits_failback: report.statuses().any(|status| status.phase.is_kept_away()),
        colour: palette::of_region(id).to_owned(),
        texture: palette::texture(id),
        notable_zones: report.notable_zones(),
        out_of_line,
    }
}

/// Returns the mark of a region on the map: its phase, unless only operators keep it from serving, or it serves and is
/// degraded, without some of its zones, or not seen.
pub(super) fn look(report: &RegionReport) -> &'static str {
    let phase = report.status[report.worse_family() as usize].phase;
    let is_wanted = report.intent.is_some() || report.zones.iter().any(|zone| zone.intent.is_some());
    let is_empty = !report.status.iter().any(Status::is_in_service);
    let is_limited = Family::BOTH.into_iter().any(|family| report.limited_zones(family).is_some());
    match phase {
        Phase::Healthy | Phase::Unknown | Phase::Suspect | Phase::Ramp if is_wanted && is_empty => WITHDRAWN,
        Phase::Healthy | Phase::Unknown | Phase::Suspect if report.grade != OutlierGrade::Fine => DEGRADED,
        Phase::Healthy | Phase::Unknown | Phase::Suspect if is_limited => LIMITED,
        Phase::Healthy | Phase::Unknown if report.blind().is_some() => BLIND,
        phase => phase.as_str(),
    }
}

/// Returns how a region stands in a line: `healthy, 1 of 3 zones held`.
pub(super) fn state(report: &RegionReport) -> String {
    let family = report.worse_family();
    let zones = Family::BOTH.into_iter().find_map(|family| report.limited_zones(family));
    let phase = report.status[family as usize].phase;
    zones.map_or_else(|| phase.to_string(), |zones| format!("{phase}, {zones}"))
}
