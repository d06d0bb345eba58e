//! Loads health, intents and availability, or stops the start where a file cannot be read; and saves them in the
//! background: a slow disk must not delay a snapshot.
//!
//! Of each only the latest value counts, and one that could not be written is tried again until it is, or another takes
//! its place; the last time when the server stops. The answer to an operator waits until the disk has the intents, or has
//! refused them, so that an accepted intent survives whatever happens next.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::write_outcomes::WriteOutcomes;
use crate::availability::log::AvailabilityLog;
use crate::control::Restored;
use crate::event::{EventKind, StateLoss};
use crate::files::store::{LoadError, SaveError};
use crate::files::{Saved, StateDirectory, Store, events};
use crate::health::Memory;
use crate::intent::SavedIntents;

/// The most operators that wait for a disk.
const MAX_WAITING: usize = 64;

/// How often a write that failed is tried again: sooner than an operator can have made room and looked, and an 8 MiB
/// file is made anew each time.
pub const RETRY_EVERY: Duration = Duration::from_secs(10);

/// The files of [`Restored`], to be written by this one.
#[derive(Debug)]
pub struct StateStores {
    health: Store<Memory>,
    intents: Store<SavedIntents>,
    availability: Store<AvailabilityLog>,
}

/// Saves what it is given.
#[derive(Debug)]
pub struct StateWriter {
    health: watch::Sender<Arc<Memory>>,
    availability: watch::Sender<Arc<AvailabilityLog>>,
    intents: watch::Sender<Arc<SavedIntents>>,
    waiting: mpsc::Sender<OnSaved>,
    tasks: [JoinHandle<()>; 3],
}

/// Called when the intents before it are on disk, or are known not to be.
type OnSaved = Box<dyn FnOnce(bool) + Send>;

/// Reads what the last run saved, with nothing in place of what is damaged.
///
/// # Errors
///
/// When a file is there and cannot be read: it may be whole, and to go on without it would undo what operators did.
pub fn load_state(directory: &StateDirectory) -> Result<(StateStores, Restored), LoadError> {
    let mut losses = Vec::new();
    let (health, saved_health) = open(directory, &mut losses)?;
    let (intents, saved_intents) = open::<SavedIntents>(directory, &mut losses)?;
    let (availability, saved_availability) = open::<AvailabilityLog>(directory, &mut losses)?;
    if let Some(loss) = losses.iter_mut().find(|loss| loss.file == SavedIntents::FILE) {
        loss.intents = intents_of_log(directory);
    }
    let restored = Restored {
        health: saved_health,
        intents: saved_intents.unwrap_or_default(),
        availability: saved_availability.unwrap_or_default(),
        losses,
    };
    Ok((StateStores { health, intents, availability }, restored))
}

/// Opens one file of the state directory. The server goes on without one that is damaged, which is a loss.
///
/// # Errors
///
/// When it is there and cannot be read.
pub fn open<T: Saved>(
    directory: &StateDirectory,
    losses: &mut Vec<StateLoss>,
) -> Result<(Store<T>, Option<T>), LoadError> {
    let (store, loaded) = Store::open(directory);
    let saved = match loaded {
        Ok(saved) => saved,
        Err(error @ LoadError::Unreadable(..)) => return Err(error),
        Err(
            error @ (LoadError::Damaged(..)
            | LoadError::Outdated(..)
            | LoadError::Newer(..)
            | LoadError::Immovable(..)),
        ) => {
            losses.push(StateLoss { file: T::FILE, why: chain(&error), intents: Vec::new() });
            None
        }
    };
    Ok((store, saved))
}

/// Returns the intents that were in force at last by the event log, as far as it goes back and has them.
fn intents_of_log(directory: &StateDirectory) -> Vec<String> {
    let events = events::latest(directory.path(), usize::MAX).unwrap_or_default();
    let mut standing: Vec<(String, String)> = Vec::new();
    for event in events {
        // `intent 7: drain tokyo`
        let Some(named) = event.evidence.filter(|evidence| evidence.starts_with("intent ")) else { continue };
        if event.kind == EventKind::INTENT_MADE {
            standing.push((named, event.text));
        } else if [EventKind::INTENT_OVER, EventKind::INTENT_LIFTED].contains(&event.kind) {
            standing.retain(|(other, _)| *other != named);
        }
    }
    standing.into_iter().map(|(_, text)| text).collect()
}

impl StateWriter {
    /// Starts to save to these files, and tells how each write ends; `None`: nothing outlives the process.
    pub fn start(stores: Option<StateStores>, outcomes: &WriteOutcomes) -> Self {
        let (health, latest_health) = watch::channel(Arc::default());
        let (availability, latest_availability) = watch::channel(Arc::default());
        let (intents, latest_intents) = watch::channel(Arc::default());
        let (waiting, answered) = mpsc::channel(MAX_WAITING);
        let (health_store, intents_store, availability_store) = match stores {
            Some(stores) => (Some(stores.health), Some(stores.intents), Some(stores.availability)),
            None => (None, None, None),
        };
        let tasks = [
            tokio::spawn(save_intents(Saver::of(intents_store, outcomes), latest_intents, answered)),
            tokio::spawn(save_latest(Saver::of(availability_store, outcomes), latest_availability)),
            tokio::spawn(save_latest(Saver::of(health_store, outcomes), latest_health)),
        ];
        Self { health, availability, intents, waiting, tasks }
    }

    /// Saves health next.
    pub fn save_health(&self, memory: Memory) {
        self.health.send_replace(Arc::new(memory));
    }

    /// Saves availability next.
    pub fn save_availability(&self, log: Arc<AvailabilityLog>) {
        self.availability.send_replace(log);
    }

    /// Saves intents next.
    pub fn save_intents(&self, kept: SavedIntents) {
        self.intents.send_replace(Arc::new(kept));
    }

    /// Calls `written` when the disk has the last intents, or it is known that it does not take them: with which of
    /// the two.
    pub fn then(&self, written: impl FnOnce(bool) + Send + 'static) {
        if let Err(error) = self.waiting.try_send(Box::new(written)) {
            error.into_inner()(false);
        }
    }

    /// Saves what is still waiting, and stops.
    pub async fn finish(self) {
        let Self { health, availability, intents, waiting, tasks } = self;
        drop((health, availability, intents, waiting));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!("the state is not saved: {error}");
            }
        }
    }
}

/// Saves the values of one file, on a thread that may wait for the disk.
pub(super) struct Saver<T> {
    store: Arc<Store<T>>,
    /// What is still to be saved.
    unsaved: Option<Arc<T>>,
    outcomes: WriteOutcomes,
}

impl<T: Saved + Send + Sync + 'static> Saver<T> {
    pub fn of(store: Option<Store<T>>, outcomes: &WriteOutcomes) -> Option<Self> {
        Some(Self { store: Arc::new(store?), unsaved: None, outcomes: outcomes.clone() })
    }

    /// Tries to save a value now, and again with the next one if that fails.
    pub async fn save_value(&mut self, value: Arc<T>) {
        self.unsaved = Some(value);
        self.save().await;
    }

    /// Tries to save what is still to be saved.
    async fn save(&mut self) {
        let Some(value) = self.unsaved.take() else { return };
        let (store, saving) = (Arc::clone(&self.store), Arc::clone(&value));
        let why = match tokio::task::spawn_blocking(move || store.save(&saving)).await {
            Ok(saved) => saved.err().map(|error: SaveError| chain(&error)),
            Err(panic) => Some(panic.to_string()),
        };
        self.unsaved = why.is_some().then_some(value);
        self.outcomes.note(T::FILE, why);
    }

    /// Returns when to try again; for ever when nothing is to be saved.
    async fn retry(&self) {
        match &self.unsaved {
            Some(_) => tokio::time::sleep(RETRY_EVERY).await,
            None => std::future::pending().await,
        }
    }

    /// Tries a last time.
    async fn finish(mut self) {
        self.save().await;
        if self.unsaved.is_some() {
            tracing::error!("the server stops, and {} was not written: {}", T::FILE, T::LOSS);
        }
    }
}

/// Saves the latest intents, and tells those who wait for it. What they wait for came before them.
async fn save_intents(
    saver: Option<Saver<SavedIntents>>,
    mut latest: watch::Receiver<Arc<SavedIntents>>,
    mut waiting: mpsc::Receiver<OnSaved>,
) {
    let Some(mut saver) = saver else {
        while let Some(written) = waiting.recv().await {
            written(false);
        }
        return;
    };
    loop {
        tokio::select! {
            biased;
            Ok(()) = latest.changed() => {
                saver.unsaved = Some(Arc::clone(&latest.borrow_and_update()));
                saver.save().await;
            }
            written = waiting.recv() => match written {
                Some(written) => written(saver.unsaved.is_none()),
                None => break saver.finish().await,
            },
            () = saver.retry() => saver.save().await,
        }
    }
}

/// Saves every value that comes, until no more can come. Of several that come while one is being written, the last is
/// written next.
pub(super) async fn save_latest<T>(saver: Option<Saver<T>>, mut latest: watch::Receiver<Arc<T>>)
where
    T: Saved + Send + Sync + 'static,
{
    let Some(mut saver) = saver else { return };
    loop {
        tokio::select! {
            changed = latest.changed() => match changed {
                Ok(()) => saver.unsaved = Some(Arc::clone(&latest.borrow_and_update())),
                Err(_) => break saver.finish().await,
            },
            () = saver.retry() => {}
        }
        saver.save().await;
    }
}

/// Returns an error and its causes as one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
