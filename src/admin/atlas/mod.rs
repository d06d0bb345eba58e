//! Answers `/atlas` and `/map.svg`: where the clients of each country go, as numbers and as a picture.

pub(super) mod cache;

use std::sync::Arc;

use super::api::{ApiError, CountryAtlas, RegionFraction, SteeredNameQuery};
use super::state::{AdminState, Published};
use super::{map, overview};
use crate::control::Report;
use crate::health::Phase;
use crate::inspect::Atlas;
use crate::region::{RegionId, Regions};
use crate::snapshot::Snapshot;
use crate::zone::{Name, SteeringId, name_text};

/// A name that is not steered.
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

impl From<NotSteered> for ApiError {
    fn from(error: NotSteered) -> Self {
        Self::bad_request(error.to_string())
    }
}

/// Returns where the clients of each country go.
pub(super) fn atlas(state: &AdminState, query: SteeredNameQuery) -> Result<CountryAtlas, ApiError> {
    let published = state.published.load();
    let world = &published.snapshot.base;
    let (id, atlas) = of_name(state, &published, &query)?;
    let countries = atlas.countries.iter();
    let countries =
        countries.map(|(country, parts)| (country.to_string(), named(&world.config.regions, parts)));
    let failing_open = atlas.failing_open.iter().map(|(country, part)| (country.to_string(), rounded(*part)));
    let moved = atlas.moved.iter().map(|(home, away)| {
        (world.config.regions.region(*home).name.clone(), named(&world.config.regions, away))
    });
    Ok(CountryAtlas {
        snapshot: published.snapshot.number,
        name: id.map(|id| world.config.steered[id.0 as usize].owner.to_string()),
        countries: countries.collect(),
        unknown: named(&world.config.regions, &atlas.unknown),
        failing_open: failing_open.collect(),
        moved: moved.collect(),
    })
}

/// Draws the map as it is now.
pub(super) fn picture(state: &AdminState, query: &SteeredNameQuery) -> Result<String, ApiError> {
    let published = state.published.load();
    let (id, atlas) = of_name(state, &published, query)?;
    Ok(map::draw(&drawing(&published.snapshot, id, &atlas, Some(&published.report))))
}

fn of_name(
    state: &AdminState,
    published: &Published,
    query: &SteeredNameQuery,
) -> Result<(Option<SteeringId>, Arc<Atlas>), NotSteered> {
    let id = find_name(&published.snapshot, query.name.as_deref())?;
    Ok((id, id.map(|id| state.atlases.atlas(&published.snapshot, id)).unwrap_or_default()))
}

fn named(regions: &Regions, parts: &[(RegionId, f64)]) -> Vec<RegionFraction> {
    let name = |region: RegionId| regions.region(region).name.clone();
    parts.iter().map(|(region, part)| RegionFraction(name(*region), rounded(*part))).collect()
}

/// Rounds a fraction: a tenth of a percent is as fine as a map shows.
fn rounded(part: f64) -> f64 {
    (part * 1000.0).round() / 1000.0
}

/// Returns the parts of a map; without a report every region is drawn as healthy.
pub fn drawing<'a>(
    snapshot: &'a Snapshot,
    id: Option<SteeringId>,
    atlas: &'a Atlas,
    report: Option<&Report>,
) -> map::Drawing<'a> {
    let config = &snapshot.base.config;
    let marks = config.regions.iter().map(|(id, region)| {
        let report = report.and_then(|report| report.region(id));
        map::Mark {
            name: &region.name,
            at: region.location,
            look: report.map_or(Phase::Healthy.as_str(), overview::look),
            state: report.map_or_else(|| Phase::Healthy.to_string(), overview::state),
            load: report.and_then(|report| report.vitals.load),
        }
    });
    map::Drawing {
        title: id.map_or_else(
            || format!("The regions of {}", config.server.name),
            |id| {
                let owner = &config.steered[id.0 as usize].owner;
                format!("Where the clients of {} go", name_text(owner))
            },
        ),
        marks: marks.collect(),
        atlas,
    }
}
