//! Saves health, intents and availability in the background: a slow disk must not delay a snapshot.
//!
//! Of health and availability only the latest value counts. Intents are written one after the other, and the answer
//! to an operator waits until the disk has them, so that an accepted intent survives whatever happens next.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::availability::log::AvailabilityLog;
use crate::control::Restored;
use crate::files::store::SaveError;
use crate::files::{Saved, StateDirectory, Store};
use crate::health::Memory;
use crate::intent::SavedIntents;

/// The most writes of intents that wait for a disk.
const MAX_WAITING: usize = 64;

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
    intents: mpsc::Sender<IntentsJob>,
    tasks: [JoinHandle<()>; 3],
}

/// Called when the intents before it are on disk, or are known not to be.
type OnSaved = Box<dyn FnOnce(bool) + Send>;

/// Work on the file of intents, in its order.
enum IntentsJob {
    Save(SavedIntents),
    Then(OnSaved),
}

/// Reads what the last run saved, with nothing in place of what cannot be used.
pub fn load_state(directory: &StateDirectory) -> (StateStores, Restored) {
    let (health, saved_health) = open(directory);
    let (intents, saved_intents) = open::<SavedIntents>(directory);
    let (availability, saved_availability) = open::<AvailabilityLog>(directory);
    let restored = Restored {
        health: saved_health,
        intents: saved_intents.unwrap_or_default(),
        availability: saved_availability.unwrap_or_default(),
    };
    (StateStores { health, intents, availability }, restored)
}

/// Opens one file of the state directory. One that cannot be used is a warning, and the server starts without it.
pub fn open<T: Saved>(directory: &StateDirectory) -> (Store<T>, Option<T>) {
    let (store, loaded) = Store::open(directory);
    let saved = loaded.unwrap_or_else(|error| {
        tracing::warn!("{}", chain(&error));
        None
    });
    (store, saved)
}

impl StateWriter {
    /// Starts to save to these files; `None`: nothing outlives the process.
    pub fn start(stores: Option<StateStores>) -> Self {
        let (health, latest_health) = watch::channel(Arc::default());
        let (availability, latest_availability) = watch::channel(Arc::default());
        let (intents, jobs) = mpsc::channel(MAX_WAITING);
        let (health_store, intents_store, availability_store) = match stores {
            Some(stores) => (Some(stores.health), Some(stores.intents), Some(stores.availability)),
            None => (None, None, None),
        };
        let tasks = [
            tokio::spawn(save_intents(intents_store, jobs)),
            tokio::spawn(save_latest(availability_store, latest_availability)),
            tokio::spawn(save_latest(health_store, latest_health)),
        ];
        Self { health, availability, intents, tasks }
    }

    /// Saves health next.
    pub fn save_health(&self, memory: Memory) {
        self.health.send_replace(Arc::new(memory));
    }

    /// Saves availability next.
    pub fn save_availability(&self, log: Arc<AvailabilityLog>) {
        self.availability.send_replace(log);
    }

    /// Saves intents after those before.
    pub fn save_intents(&self, kept: SavedIntents) {
        if self.intents.try_send(IntentsJob::Save(kept)).is_err() {
            tracing::error!(
                "intents are not saved, the disk does not answer: after a restart, {}",
                SavedIntents::LOSS
            );
        }
    }

    /// Calls `written` when the disk has all intents so far, with whether it has the last of them.
    pub fn then(&self, written: impl FnOnce(bool) + Send + 'static) {
        let sent = self.intents.try_send(IntentsJob::Then(Box::new(written)));
        if let Err(error) = sent
            && let IntentsJob::Then(written) = error.into_inner()
        {
            written(false);
        }
    }

    /// Saves what is still waiting, and stops.
    pub async fn finish(self) {
        let Self { health, availability, intents, tasks } = self;
        drop((health, availability, intents));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!("the state is not saved: {error}");
            }
        }
    }
}

async fn save_intents(store: Option<Store<SavedIntents>>, mut jobs: mpsc::Receiver<IntentsJob>) {
    let store = store.map(Arc::new);
    let mut is_saved = store.is_some();
    while let Some(job) = jobs.recv().await {
        match (job, &store) {
            (IntentsJob::Save(kept), Some(store)) => {
                let saved = save(store, Arc::new(kept)).await;
                is_saved = saved.is_ok();
                if let Err(why) = saved {
                    tracing::error!("{why}");
                }
            }
            (IntentsJob::Save(_), None) => {}
            (IntentsJob::Then(written), _) => written(is_saved),
        }
    }
}

/// Saves every value that comes, until no more can come. Of several that come while one is being written, the last is
/// written next.
async fn save_latest<T>(store: Option<Store<T>>, mut latest: watch::Receiver<Arc<T>>)
where
    T: Saved + Send + Sync + 'static,
{
    let Some(store) = store.map(Arc::new) else { return };
    let mut is_failing = false;
    while latest.changed().await.is_ok() {
        let value = Arc::clone(&latest.borrow_and_update());
        let saved = save(&store, value).await;
        // A full disk fails every few seconds: logged once, and once more when it is over.
        match (&saved, is_failing) {
            (Err(why), false) => tracing::error!("{why}"),
            (Ok(()), true) => tracing::info!("{} is written again", T::FILE),
            (Err(_), true) | (Ok(()), false) => {}
        }
        is_failing = saved.is_err();
    }
}

/// Saves a value on a thread that may wait for the disk.
async fn save<T>(store: &Arc<Store<T>>, value: Arc<T>) -> Result<(), String>
where
    T: Saved + Send + Sync + 'static,
{
    let store = Arc::clone(store);
    match tokio::task::spawn_blocking(move || store.save(&value)).await {
        Ok(saved) => saved.map_err(|error: SaveError| chain(&error)),
        Err(panic) => Err(panic.to_string()),
    }
}

/// Returns an error and its causes as one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
