//! Keeps the generations of the configuration: which one is in force is on disk before anything answers from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain;
use super::load::{self, LoadedDirectory};
use super::locations::LocationsInForce;
use super::write_outcomes::WriteOutcomes;
use crate::admin::ConfigOrigin;
use crate::admin::api::GenerationEntry;
use crate::config;
use crate::control::{NumberedConfig, Rejection, Rollback};
use crate::files::stamp::Stamp;
use crate::files::{PeekError, Saved, StateDirectory, Store, configuration, state_directory, store};
use crate::generation::{Lineage, PassedOver, RollbackRefusal, SavedLineage};
use crate::moment::Moment;

/// The generations of a server that runs.
pub struct GenerationKeeper {
    lineage: Lineage,
    /// `None`: they do not outlive the process.
    store: Option<Arc<Store<SavedLineage>>>,
    outcomes: WriteOutcomes,
    /// Whether the disk has not taken them.
    is_unsaved: bool,
    /// The digest of what the directory held when it could be used last.
    held: String,
}

/// Why there is no way back.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    #[error(transparent)]
    Refused(#[from] RollbackRefusal),
    /// The present program or machine cannot serve it.
    #[error("generation {0} cannot be used any more")]
    Unusable(u64, #[source] Box<load::Error>),
    #[error("generation {0} has another `state` in server.yaml: change the directory in its place")]
    OtherState(u64),
    #[error(
        "nothing was rolled back: the configuration directory names another `state` (`{}`), where the next start would not \
         find it: change it back first",
        .0.display()
    )]
    StateElsewhere(PathBuf),
    #[error("nothing was rolled back")]
    Unsaved(#[from] store::SaveError),
    #[error(
        "the configuration directory names no state directory that can be read: write `state` in server.yaml"
    )]
    NoState,
    #[error(transparent)]
    State(#[from] state_directory::Error),
    #[error(transparent)]
    Stored(#[from] PeekError),
    #[error(transparent)]
    Load(#[from] store::LoadError),
    /// The disk could not be asked.
    #[error("nothing was rolled back: {0}")]
    Failed(String),
}

impl From<RollbackError> for Rejection {
    fn from(error: RollbackError) -> Self {
        match error {
            RollbackError::Refused(refusal @ RollbackRefusal::Unknown(..)) => {
                Self::Unknown(refusal.to_string())
            }
            other => Self::Conflict(chain(&other).replace('\n', " ")),
        }
    }
}

/// A generation that was loaded to go back to it.
pub struct LoadedRollback {
    pub loaded: LoadedDirectory,
    /// The digest of what the directory holds.
    pub held: String,
}

impl GenerationKeeper {
    /// Goes on with what was saved; `None`: nothing outlives the process.
    pub fn new(
        saved: Option<(Store<SavedLineage>, Option<SavedLineage>)>,
        origin: &str,
        outcomes: &WriteOutcomes,
        now: Moment,
    ) -> Self {
        let (store, saved) = saved.map_or((None, None), |(store, saved)| (Some(Arc::new(store)), saved));
        Self {
            lineage: Lineage::adopt(origin, saved, now),
            store,
            outcomes: outcomes.clone(),
            is_unsaved: false,
            held: String::new(),
        }
    }

    /// Takes what the server starts with, and returns whether the process before has another generation in force by now
    /// than when this was loaded, so that it must be loaded again.
    pub async fn begin(&mut self, loaded: &LoadedDirectory, now: Moment) -> bool {
        let head = self.lineage.head().map(|head| &head.generation);
        if head != loaded.known.as_ref() && loaded.known.is_some() {
            return true;
        }
        let passes_over = |arrival| self.lineage.passes_over(arrival).is_some();
        if loaded.passed_over.is_none() && loaded.arrival.as_ref().is_some_and(passes_over) {
            return true;
        }
        self.take(loaded, now).await;
        false
    }

    /// Takes what is served from now on, and saves it when that is something new.
    pub async fn take(&mut self, loaded: &LoadedDirectory, now: Moment) {
        let Some(arrival) = &loaded.arrival else { return };
        self.held.clone_from(&arrival.digest);
        if loaded.passed_over.is_none() && self.lineage.accept(arrival.clone(), now) {
            self.save().await;
        }
    }

    /// Makes a new generation of an older one, and saves it.
    ///
    /// # Errors
    ///
    /// When there is no way back, or the disk does not take it; then nothing has changed.
    pub async fn roll_back(
        &mut self,
        number: u64,
        held: &str,
        author: &str,
        now: Moment,
    ) -> Result<NumberedConfig, RollbackError> {
        let before = self.lineage.clone();
        self.lineage.roll_back(number, held, author, now)?;
        if let Err(error) = self.try_save().await {
            self.lineage = before;
            return Err(error);
        }
        held.clone_into(&mut self.held);
        let to = self.lineage.head().map_or(0, |head| head.generation.counter);
        let passed_over = self.lineage.has_passed_over().then_some(PassedOver::RolledBack { served: to });
        let rollback = Rollback { to, of: number, author: author.to_owned() };
        Ok(NumberedConfig { passed_over, rollback: Some(rollback) })
    }

    /// Says what became of a rollback.
    pub fn told(&self, number: u64) -> String {
        told(&self.lineage, number, self.store.is_some())
    }

    /// Saves the generations, and takes note of how that ends.
    pub async fn save(&mut self) {
        let _ = self.try_save().await;
    }

    async fn try_save(&mut self) -> Result<(), RollbackError> {
        let Some(store) = self.store.clone() else { return Ok(()) };
        let saved = self.lineage.saved();
        let done = tokio::task::spawn_blocking(move || store.save(&saved)).await;
        let done = match done {
            Ok(done) => done.map_err(RollbackError::from),
            Err(panic) => Err(RollbackError::Failed(panic.to_string())),
        };
        self.is_unsaved = done.is_err();
        let told = |error: &RollbackError| match error {
            RollbackError::Unsaved(why) => chain(why),
            other => chain(other),
        };
        self.outcomes.note(SavedLineage::FILE, done.as_ref().err().map(told));
        done
    }

    pub fn is_unsaved(&self) -> bool {
        self.is_unsaved
    }

    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// Returns the digest of what the directory held when it could be used last.
    pub fn held(&self) -> &str {
        &self.held
    }

    /// Adds the generations to the facts that are shown of a load.
    pub fn shown(&self, facts: ConfigOrigin) -> ConfigOrigin {
        let generations = self.lineage.records().iter().map(GenerationEntry::from).collect();
        ConfigOrigin { generations, ..facts }
    }
}

/// Loads a generation to go back to it, and looks at what the directory holds meanwhile. `held` is its digest when it
/// could be used last, and `state` the state directory in use.
///
/// # Errors
///
/// When the generation is not known or not kept, or cannot be used any more, or has or meets another state directory.
pub fn load_back(
    directory: &Path,
    lineage: &Lineage,
    number: u64,
    held: String,
    before: Option<&LocationsInForce>,
    state: Option<PathBuf>,
    stamp: &mut Stamp,
) -> Result<LoadedRollback, RollbackError> {
    let record = lineage.kept(number)?;
    let content = record.content.as_ref().ok_or(RollbackRefusal::Unkept(number))?;
    let loaded = load::load_kept(directory, content, before, stamp)
        .map_err(|error| RollbackError::Unusable(number, Box::new(error)))?;
    if loaded.base.config.server.state != state {
        return Err(RollbackError::OtherState(number));
    }
    let present = load::held(directory);
    if let Some(named) = present.state.filter(|named| Some(named) != state.as_ref()) {
        return Err(RollbackError::StateElsewhere(named));
    }
    Ok(LoadedRollback { loaded, held: present.digest.unwrap_or(held) })
}

fn told(lineage: &Lineage, number: u64, is_kept: bool) -> String {
    let served = lineage.head().map_or(0, |head| head.generation.counter);
    let forgotten = if is_kept { "" } else { "; it is not written down, so that a restart forgets it" };
    let waits = match lineage.has_passed_over() {
        true => "; what the configuration directory holds is not in force until it changes",
        false => "",
    };
    format!("generation {served} is in force, with the content of {number}{waits}{forgotten}")
}

/// The generations of a configuration directory that no server serves at the moment.
pub struct StoredGenerations {
    directory: PathBuf,
    state: PathBuf,
    lineage: Lineage,
}

impl StoredGenerations {
    /// Reads them, and changes nothing.
    ///
    /// # Errors
    ///
    /// When the directory names no state directory, or that has none that can be used.
    pub fn read(directory: &Path) -> Result<Self, RollbackError> {
        let terms = configuration::read(directory).map(|sources| config::start_terms(&sources));
        let state = terms.ok().and_then(|terms| terms.state).ok_or(RollbackError::NoState)?;
        let saved = Store::<SavedLineage>::peek(&state)?;
        let lineage = Lineage::adopt("", saved, Moment::default());
        Ok(Self { directory: directory.to_owned(), state, lineage })
    }

    /// Returns the generations as they are shown.
    pub fn entries(&self) -> Vec<GenerationEntry> {
        self.lineage.records().iter().map(GenerationEntry::from).collect()
    }

    /// Makes a new generation of an older one, which the next start serves, and says so.
    ///
    /// # Errors
    ///
    /// When a server has the state directory, or there is no way back; then nothing has changed.
    pub fn roll_back(&self, number: u64, author: &str, now: Moment) -> Result<String, RollbackError> {
        let back = load_back(
            &self.directory,
            &self.lineage,
            number,
            String::new(),
            None,
            Some(self.state.clone()),
            &mut Stamp::default(),
        )?;
        let locked = StateDirectory::lock(&self.state)?;
        let (store, saved) = Store::<SavedLineage>::open(&locked);
        let mut lineage = Lineage::adopt(&back.loaded.base.config.server.name, saved?, now);
        lineage.roll_back(number, &back.held, author, now)?;
        store.save(&lineage.saved())?;
        Ok(told(&lineage, number, true))
    }
}
