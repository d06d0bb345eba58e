//! `/atlas` and `/map.svg`: where each country's clients go, as numbers and as a picture.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{State, map, overview};
use crate::control::Report;
use crate::inspect;
use crate::region::{RegionId, Regions};
use crate::snapshot::Snapshot;
use crate::steering::SteeringId;
use crate::zone::Name;

/// The parameters, as they stand in the URL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    name: Option<String>,
}

/// Where each country's clients go.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Atlas")]
pub struct Page {
    /// The number of the snapshot that it was read from.
    pub snapshot: u64,
    /// The steered name that they ask for; `null` when there is none.
    pub name: Option<String>,
    /// By country: the names of regions and the fraction of its clients that each gets, the largest first.
    pub countries: BTreeMap<String, Vec<Part>>,
    /// The same of those whose country nobody knows.
    pub unknown: Vec<Part>,
}

/// A region, and the fraction of the clients that it gets, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Part(pub String, pub f64);

/// The last atlases that were made: a hundred browsers ask for the same one.
#[derive(Default)]
pub(super) struct Cache(Mutex<Vec<Made>>);

struct Made {
    snapshot: Arc<Snapshot>,
    name: SteeringId,
    atlas: Arc<inspect::Atlas>,
}

/// The most atlases that are kept: as many names as people look at in one moment.
const MAX_KEPT: usize = 8;

impl Cache {
    fn atlas(&self, snapshot: &Arc<Snapshot>, name: SteeringId) -> Arc<inspect::Atlas> {
        // The lock is held while one is made, so that those who ask for the same one wait for it.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = |made: &&Made| Arc::ptr_eq(&made.snapshot, snapshot) && made.name == name;
        if let Some(made) = kept.iter().find(is_this) {
            return Arc::clone(&made.atlas);
        }
        let atlas = Arc::new(inspect::Atlas::of(snapshot, name));
        kept.retain(|made| Arc::ptr_eq(&made.snapshot, snapshot));
        kept.truncate(MAX_KEPT - 1);
        kept.insert(0, Made { snapshot: Arc::clone(snapshot), name, atlas: Arc::clone(&atlas) });
        atlas
    }
}

/// Nobody is steered under a name. Its message is the sentence for who asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a steered name; leave `name` out for the first one")]
pub struct NotSteered(pub String);

/// Finds a steered name, the first one when none is said. `Ok(None)`: there are none.
///
/// # Errors
///
/// When the name is not steered.
pub fn find_name(snapshot: &Snapshot, name: Option<&str>) -> Result<Option<SteeringId>, NotSteered> {
    let mut steered = (0u32..).map(SteeringId).zip(&snapshot.base.config.steered);
    let Some(text) = name else {
        return Ok(steered.next().map(|(id, _)| id));
    };
    let refuse = || NotSteered(text.to_owned());
    let mut owner = Name::from_ascii(text).map_err(|_| refuse())?;
    owner.set_fqdn(true);
    let found = steered.find(|(_, steering)| steering.owner == owner);
    found.map(|(id, _)| Some(id)).ok_or_else(refuse)
}

/// Writes down where each country's clients go.
pub(super) fn page(state: &State, parameters: &Parameters) -> Result<Page, NotSteered> {
    let seen = state.seen.load();
    let regions = &seen.snapshot.base.config.regions;
    let id = find_name(&seen.snapshot, parameters.name.as_deref())?;
    let atlas = id.map(|id| state.atlases.atlas(&seen.snapshot, id)).unwrap_or_default();
    let countries = atlas.countries.iter();
    let countries = countries.map(|(country, parts)| (country.to_string(), named(regions, parts)));
    Ok(Page {
        snapshot: seen.snapshot.number,
        name: id.map(|id| seen.snapshot.base.config.steered[id.0 as usize].owner.to_string()),
        countries: countries.collect(),
        unknown: named(regions, &atlas.unknown),
    })
}

fn named(regions: &Regions, parts: &[(RegionId, f64)]) -> Vec<Part> {
    let name = |region: RegionId| regions.region(region).name.clone();
    // A tenth of a percent is as much as anybody reads.
    parts.iter().map(|(region, part)| Part(name(*region), (part * 1000.0).round() / 1000.0)).collect()
}

/// Draws the map as it is now.
pub(super) fn picture(state: &State, parameters: &Parameters) -> Result<String, NotSteered> {
    let seen = state.seen.load();
    let id = find_name(&seen.snapshot, parameters.name.as_deref())?;
    let atlas = id.map(|id| state.atlases.atlas(&seen.snapshot, id)).unwrap_or_default();
    Ok(map::draw(&drawing(&seen.snapshot, id, &atlas, Some(&seen.report))))
}

/// Puts together what a map shows; without a report every region is drawn as healthy.
pub fn drawing<'a>(
    snapshot: &'a Snapshot,
    id: Option<SteeringId>,
    atlas: &'a inspect::Atlas,
    report: Option<&Report>,
) -> map::Drawing<'a> {
    let config = &snapshot.base.config;
    let marks = config.regions.iter().map(|(id, region)| {
        let report = report.and_then(|report| report.region(id));
        map::Mark {
            name: &region.name,
            at: region.location,
            phase: report.map_or("healthy", overview::look),
            load: report.and_then(|report| report.vitals.load),
        }
    });
    map::Drawing {
        title: id.map_or_else(
            || format!("The regions of {}", config.server.name),
            |id| {
                let owner = config.steered[id.0 as usize].owner.to_string();
                format!("Where the clients of {} go", owner.trim_end_matches('.'))
            },
        ),
        marks: marks.collect(),
        atlas,
    }
}
