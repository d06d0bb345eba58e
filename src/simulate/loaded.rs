//! A scenario together with the worlds that it is about: everything that a simulation needs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use super::line::Word;
use super::scenario::{Act, Aspect, Claim, Mistake, Scenario, Spot};
use crate::config::Problems;
use crate::daemon::{self, LoadError};
use crate::region::{Target, UnknownTarget};
use crate::snapshot::Base;

/// The largest scenario that is read: more than a line for every second of a week.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// What a client may be expected to get besides a region.
const REFUSALS: [&str; 3] = ["nodata", "servfail", "refused"];

/// A scenario that can be played.
#[derive(Debug)]
pub struct LoadedScenario {
    pub scenario: Scenario,
    /// The configuration that it begins with.
    pub base: Arc<Base>,
    /// What its reloads lead to, by the directory that they name. `Err`: it will be refused, and why.
    pub reloads: BTreeMap<String, Result<Arc<Base>, String>>,
}

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read the scenario `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The scenario has mistakes.
    #[error("{0}")]
    Scenario(Problems),
    /// The configuration that it begins with cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl LoadedScenario {
    /// Reads a scenario and what it names. A `config` directory goes before the scenario's own.
    ///
    /// # Errors
    ///
    /// When the scenario or the configuration that it begins with cannot be used.
    pub fn load(path: &Path, config: Option<&Path>) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let size = fs::metadata(path).map_err(failed)?.len();
        if size > MAX_BYTES {
            return Err(failed(io::Error::other("it is larger than 64 MiB")));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let scenario = Scenario::parse(&path.display().to_string(), &text).map_err(Error::Scenario)?;
        let beside = path.parent().unwrap_or(Path::new(""));
        let own = scenario.config.as_ref().map(|directory| beside.join(directory));
        let Some(directory) = config.map(Path::to_owned).or(own) else {
            let hint = "name a directory: config zones, or --config zones".to_owned();
            let message = "the scenario names no configuration".to_owned();
            let mistake = Mistake { spot: Spot::default(), message, hint: Some(hint) };
            return Err(Error::Scenario(scenario.problems(vec![mistake])));
        };
        let base = load_alone(&directory)?;
        let named = scenario.acts.iter().filter_map(|(_, act, _)| match act {
            Act::Reload(directory) => Some(directory.clone()),
            Act::Fault(..)
            | Act::Signal(..)
            | Act::OwnFault(_)
            | Act::References(_)
            | Act::Demand(_)
            | Act::FailBack(_)
            | Act::Intend(_)
            | Act::Lift(..)
            | Act::LiftAll
            | Act::ServeAfter(_)
            | Act::Clock(_)
            | Act::Host(..)
            | Act::Restart(_) => None,
        });
        let load = |directory: String| {
            let loaded = load_alone(&beside.join(&directory));
            (directory, loaded.map_err(|error| refusal(&error)))
        };
        let reloads = named.map(load).collect();
        Self::new(scenario, base, reloads)
    }

    /// Joins a scenario and worlds that are there already.
    ///
    /// # Errors
    ///
    /// When the scenario names regions, zones or addresses that are in none of the worlds.
    pub fn new(
        scenario: Scenario,
        base: Arc<Base>,
        reloads: BTreeMap<String, Result<Arc<Base>, String>>,
    ) -> Result<Self, Error> {
        let loaded = Self { scenario, base, reloads };
        let faults = loaded.scenario.acts.iter().filter_map(|(_, act, spot)| match act {
            Act::Fault(target, _) | Act::Signal(target, ..) => loaded.missing(target, *spot),
            Act::FailBack(region) => loaded.no_region(region, &[], *spot),
            // A request about an unknown region is played, too: control declines it.
            Act::Intend(_) | Act::Lift(..) | Act::LiftAll => None,
            Act::OwnFault(_)
            | Act::References(_)
            | Act::ServeAfter(_)
            | Act::Demand(_)
            | Act::Clock(_)
            | Act::Restart(_)
            | Act::Host(..)
            | Act::Reload(_) => None,
        });
        let expected = loaded.scenario.expectations.iter();
        let expected = expected.filter_map(|expectation| match &expectation.aspect {
            Aspect::AddressState(target, _) | Aspect::Phase(target, _) => {
                loaded.missing(target, expectation.spot)
            }
            Aspect::Load(region, _) => loaded.no_region(region, &[], expectation.spot),
            Aspect::Client { claim: Claim::Leads { to, .. }, .. } => {
                to.iter().find_map(|region| loaded.no_region(region, &REFUSALS, expectation.spot))
            }
            Aspect::Client { claim: Claim::Stays { .. }, .. } => None,
        });
        let mut mistakes: Vec<_> = loaded.useless_rates().into_iter().chain(faults).chain(expected).collect();
        // A repeated event has its mistake once.
        mistakes.dedup();
        if mistakes.is_empty() {
            Ok(loaded)
        } else {
            Err(Error::Scenario(loaded.scenario.problems(mistakes)))
        }
    }

    fn worlds(&self) -> impl Iterator<Item = &Base> {
        let reloaded = self.reloads.values().filter_map(|base| base.as_deref().ok());
        std::iter::once(&*self.base).chain(reloaded)
    }

    /// Returns what is wrong with a target that is in no world.
    fn missing(&self, target: &Target, spot: Spot) -> Option<Mistake> {
        let mut unknown = Vec::new();
        for base in self.worlds() {
            unknown.push(base.config.regions.resolve(target).err()?);
        }
        // A world that has the region knows more of what is meant.
        let is_near = |unknown: &UnknownTarget| !matches!(unknown, UnknownTarget::Region { .. });
        let unknown = unknown.into_iter().max_by_key(is_near)?;
        Some(Mistake { spot, message: unknown.to_string(), hint: None })
    }

    fn no_region(&self, region: &str, besides: &[&'static str], spot: Spot) -> Option<Mistake> {
        let mut known = self.names();
        known.extend(besides);
        let is_known = known.contains(&region);
        (!is_known).then(|| Word { text: region, spot }.unknown("a region", &known))
    }

    /// Returns what is wrong with rates when no region has a capacity to measure them by.
    fn useless_rates(&self) -> Option<Mistake> {
        let has_capacity =
            |base: &Base| base.config.regions.iter().any(|(_, region)| region.capacity.is_some());
        let client = self.scenario.clients.iter().find(|client| client.rate.is_some())?;
        let word = Word { text: &client.name, spot: client.spot };
        let hint = "give the regions a `capacity` in requests per second".to_owned();
        let useless = || word.wrong("has a rate, and no region has a capacity", Some(hint));
        (!self.worlds().any(has_capacity)).then(useless)
    }

    /// Returns the names of all regions, each once.
    fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for (_, region) in self.worlds().flat_map(|base| base.config.regions.iter()) {
            if !names.contains(&region.name.as_str()) {
                names.push(&region.name);
            }
        }
        names
    }
}

/// Says in a line why a directory is refused while the server runs.
fn refusal(error: &LoadError) -> String {
    match error {
        LoadError::Problems(problems) => {
            let first = problems.list.first().map_or("", |problem| problem.message.as_str());
            match problems.count() {
                1 => first.to_owned(),
                count => format!("{first}, and {} more", count - 1),
            }
        }
        LoadError::Directory(_)
        | LoadError::Locations(_)
        | LoadError::Secret(_)
        | LoadError::PeerSecret(_)
        | LoadError::Kept(..)
        | LoadError::LastGood { .. }
        | LoadError::NoLastGood { .. } => daemon::chain(error),
    }
}

/// Loads a world in which this instance is alone: a scenario plays one, and what its peers would see is not written.
fn load_alone(directory: &Path) -> Result<Arc<Base>, LoadError> {
    let mut base = daemon::load(directory)?.base;
    let own = Arc::get_mut(&mut base).expect("nothing else was kept of what was loaded");
    if own.config.server.peers.is_some() {
        Arc::make_mut(&mut own.config).server.peers = None;
    }
    Ok(base)
}
