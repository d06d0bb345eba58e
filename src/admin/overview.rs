//! Answers `/overview`, and makes the state that the stream sends.

use super::api::overview::{Overview, OverviewWithEvents, RegionOverview};
use super::api::route::NoParameters;
use super::api::status::SnapshotStatus;
use super::api::{ApiError, IntentList, Timestamp};
use super::map::palette;
use super::state::AdminState;
use super::status;
use super::stream::hub::MAX_RECORDS;
use crate::control::RegionReport;
use crate::event::Event;
use crate::health::Phase;
use crate::region::{Family, Region, RegionId};
use crate::share::Share;

/// The most steered names that are listed: those beyond are in the configuration.
const MAX_NAMES: usize = 100;

/// Returns everything at a glance, with the last events.
pub(super) fn with_events(state: &AdminState, _: NoParameters) -> Result<OverviewWithEvents, ApiError> {
    let events = (state.sources.history)(MAX_RECORDS);
    let events = events.iter().map(|event| Event::clone(event));
    Ok(OverviewWithEvents { overview: overview(state), events: events.collect() })
}

/// Returns everything at a glance.
pub(super) fn overview(state: &AdminState) -> Overview {
    let (published, origin) = (state.published.load(), state.origin.load());
    let config = &published.snapshot.base.config;
    let names = config.steered.iter().take(MAX_NAMES);
    let regions = config.regions.iter().zip(&published.report.regions);
    let open = published.report.incidents.iter().filter(|incident| incident.ended_at.is_none());
    Overview {
        server: config.server.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Timestamp(state.started_at),
        snapshot: SnapshotStatus::from(&**published),
        names: names.map(|steering| steering.owner.to_string()).collect(),
        incidents: open.cloned().collect(),
        alarms: published.report.alarms.iter().map(|alarm| alarm.event.text.clone()).collect(),
        problems: origin.failed.as_ref().map_or_else(Vec::new, |failed| failed.problems.clone()),
        regions: regions.map(|((id, region), report)| at_a_glance(id, region, report)).collect(),
        intents: IntentList::from(&published.report),
    }
}

fn at_a_glance(id: RegionId, region: &Region, report: &RegionReport) -> RegionOverview {
    RegionOverview {
        summary: status::summary(region, report),
        phase: worse_phase(report).as_str().to_owned(),
        look: look(report).to_owned(),
        colour: palette::of_region(id).to_owned(),
    }
}

/// Returns the mark of a region on the map: its phase, unless only operators keep it from serving.
pub(super) fn look(report: &RegionReport) -> &'static str {
    let phase = worse_phase(report);
    let is_able = match phase {
        Phase::Healthy | Phase::Unknown | Phase::Suspect | Phase::Ramp { .. } => true,
        Phase::Recovering { .. } | Phase::Held(_) | Phase::Quarantined { .. } | Phase::Down => false,
    };
    let zones = report.zones.iter().flat_map(|zone| &zone.courses);
    let is_wanted = report.courses.iter().chain(zones).any(|site| site.intent.is_some());
    let serves = report.families.iter().zip(&report.courses);
    let serves = serves.filter(|((_, service), _)| service.count().is_some());
    let is_empty = serves.map(|(_, site)| site.share).all(|share| share == Share::NONE);
    if is_able && is_wanted && is_empty { palette::WITHDRAWN } else { phase.as_str() }
}

/// Returns the worse phase of the families in which a region has addresses.
fn worse_phase(report: &RegionReport) -> Phase {
    let there = report.families.iter().zip(&report.courses);
    let there = there.filter(|((_, service), _)| service.count().is_some());
    let phases = there.map(|(_, course)| course.phase);
    let worst = phases.max_by_key(|phase| badness(*phase));
    worst.unwrap_or(report.courses[Family::V4 as usize].phase)
}

/// Returns how bad a phase is: the further from serving all clients, the worse.
fn badness(phase: Phase) -> u8 {
    match phase {
        Phase::Healthy => 0,
        Phase::Unknown => 1,
        Phase::Suspect => 2,
        Phase::Ramp { .. } => 3,
        Phase::Recovering { .. } => 4,
        Phase::Held(_) => 5,
        Phase::Quarantined { .. } => 6,
        Phase::Down => 7,
    }
}
