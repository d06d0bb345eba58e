//! What somebody who looks after the service wants to see first: the page's stream carries it, `/overview`
//! answers it with the last events, and `meridian status` prints it.
//!
//! It is small whatever the number of addresses, because it is sent to every browser: what a single address
//! or canary says is asked for when somebody wants to know (`/status/REGION`).

use schemars::JsonSchema;
use serde::Serialize;

use super::State;
use super::intents::Intents;
use super::map::palette;
use super::status::{self, Summary, rfc3339};
use crate::control::RegionReport;
use crate::event::Event;
use crate::health::Phase;
use crate::region::{self, Family, RegionId};
use crate::share::Share;

/// Everything that can be seen at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Overview {
    /// The name of this instance.
    pub server: String,
    /// The version of the program.
    pub version: &'static str,
    /// When the process started: numbers of events and snapshots hold within one life.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// What queries are answered from.
    pub snapshot: status::Snapshot,
    /// The steered names.
    pub names: Vec<String>,
    /// The alarms that last, one sentence each.
    pub alarms: Vec<String>,
    /// What was wrong with the last attempt to load another configuration, if it failed.
    pub problems: Vec<String>,
    /// The regions, in the order of the configuration.
    pub regions: Vec<Region>,
    /// What operators want, and what the machine advises.
    #[serde(flatten)]
    pub wanted: Intents,
}

/// A region at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "RegionAtAGlance")]
pub struct Region {
    /// What `/status` says of it in a line.
    #[serde(flatten)]
    pub summary: Summary,
    /// The phase of the family that stands worse.
    pub phase: &'static str,
    /// How it is drawn: by its phase, or `withdrawn` while it would serve if operators let it.
    pub look: &'static str,
    /// The colour of its clients' countries on the map.
    pub colour: &'static str,
}

/// What `/overview` answers: everything at a glance, and what has happened.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OverviewWithEvents")]
pub(super) struct Page {
    #[serde(flatten)]
    overview: Overview,
    /// The last events, the oldest first.
    events: Vec<Event>,
}

/// Writes down what is the case now, and the last events.
pub(super) fn page(state: &State) -> Page {
    let events = state.live.records().iter().map(|event| Event::clone(event)).collect();
    Page { overview: overview(state), events }
}

/// The most steered names that are told: those beyond can be asked for, and are in the configuration.
const MAX_NAMES: usize = 100;

/// Writes down what is the case now.
pub(super) fn overview(state: &State) -> Overview {
    let (seen, loaded) = (state.seen.load(), state.loaded.load());
    let config = &seen.snapshot.base.config;
    let names = config.steered.iter().take(MAX_NAMES);
    let regions = config.regions.iter().zip(&seen.report.regions);
    Overview {
        server: config.server.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        started_at: rfc3339(state.started_at),
        snapshot: status::Snapshot { number: seen.snapshot.number, published_at: rfc3339(seen.published_at) },
        names: names.map(|steering| steering.owner.to_string()).collect(),
        alarms: seen.report.alarms.iter().map(|alarm| alarm.event.text.clone()).collect(),
        problems: loaded.failed.as_ref().map_or_else(Vec::new, |failed| failed.problems.clone()),
        regions: regions.map(|((id, region), report)| glance(id, region, report)).collect(),
        wanted: Intents::of(&seen.report),
    }
}

fn glance(id: RegionId, region: &region::Region, report: &RegionReport) -> Region {
    Region {
        summary: status::summary(region, report),
        phase: worse_phase(report).as_str(),
        look: look(report),
        colour: palette::of_region(id),
    }
}

/// Returns how a region is drawn: by its phase, unless only operators keep it from serving anybody.
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

/// Returns the phase of the family in which a region stands worse; one without addresses does not count.
pub(super) fn worse_phase(report: &RegionReport) -> Phase {
    let there = report.families.iter().zip(&report.courses);
    let there = there.filter(|((_, service), _)| service.count().is_some());
    let phases = there.map(|(_, course)| course.phase);
    let worst = phases.max_by_key(|phase| badness(*phase));
    worst.unwrap_or(report.courses[Family::V4 as usize].phase)
}

/// Returns how bad a phase is, for those who look: the further from serving everybody the worse.
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
