//! Writes health, intents and the ledger to the state directory, away from the writer: a slow disk must not delay a snapshot.
//!
//! Of health only the latest counts. Intents are written one after the other, and whoever asked for one is told when
//! it lies on disk: what was accepted survives whatever happens next.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::availability::log::Ledger;
use crate::files::{intents, ledger, state};
use crate::health::Memory;
use crate::intent::Kept;

/// The most writes of intents that wait for a disk.
const MAX_WAITING: usize = 64;

/// Something to do when the intents before it are on disk.
type Then = Box<dyn FnOnce(bool) + Send>;

/// Work on the file of intents, in its order.
enum Job {
    Write(Kept),
    Then(Then),
}

/// Keeps the latest of everything on disk.
#[derive(Debug)]
pub struct Keep {
    latest: watch::Sender<Option<Memory>>,
    ledger: watch::Sender<Option<Arc<Ledger>>>,
    jobs: mpsc::Sender<Job>,
    tasks: [JoinHandle<()>; 3],
}

impl Keep {
    /// Starts to write to `directory`; `None`: nothing is kept.
    pub fn start(directory: Option<PathBuf>) -> Self {
        let (latest, received) = watch::channel(None);
        let (ledger, ledgers) = watch::channel(None);
        let (jobs, waiting) = mpsc::channel(MAX_WAITING);
        let tasks = [
            tokio::spawn(write_intents(directory.clone(), waiting)),
            tokio::spawn(write_all(
                directory.clone(),
                ledgers,
                "the ledger of availability",
                |directory, ledger: Arc<Ledger>| {
                    ledger::write(directory, &ledger).map_err(|error| chain(&error))
                },
            )),
            tokio::spawn(write_all(directory, received, "the state of health", |directory, memory| {
                state::write(directory, &memory).map_err(|error| chain(&error))
            })),
        ];
        Self { latest, ledger, jobs, tasks }
    }

    /// Writes these intents.
    pub fn keep_intents(&self, kept: Kept) {
        self.jobs.try_send(Job::Write(kept)).unwrap_or_else(|_| {
            tracing::error!("intents are not written: the disk does not answer; a restart would forget them");
        });
    }

    /// Does something when all intents so far are written, or cannot be: it is told whether the last ones are.
    pub fn then(&self, then: impl FnOnce(bool) + Send + 'static) {
        if let Err(
            mpsc::error::TrySendError::Full(Job::Then(then))
            | mpsc::error::TrySendError::Closed(Job::Then(then)),
        ) = self.jobs.try_send(Job::Then(Box::new(then)))
        {
            then(false);
        }
    }

    /// Writes this next.
    pub fn keep(&self, memory: Memory) {
        self.latest.send_replace(Some(memory));
    }

    /// Writes this ledger next.
    pub fn keep_ledger(&self, ledger: Arc<Ledger>) {
        self.ledger.send_replace(Some(ledger));
    }

    /// Writes what is still to be written, and stops.
    pub async fn finish(self) {
        drop((self.latest, self.ledger, self.jobs));
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!("the state could not be written: {error}");
            }
        }
    }
}

async fn write_intents(directory: Option<PathBuf>, mut jobs: mpsc::Receiver<Job>) {
    let mut is_kept = directory.is_some();
    while let Some(job) = jobs.recv().await {
        match (job, directory.clone()) {
            (Job::Write(kept), Some(directory)) => {
                let written = tokio::task::spawn_blocking(move || intents::write(&directory, &kept)).await;
                is_kept = matches!(written, Ok(Ok(())));
                match written {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::error!("{}", chain(&error)),
                    Err(error) => tracing::error!("the intents could not be written: {error}"),
                }
            }
            (Job::Write(_), None) => {}
            (Job::Then(then), _) => then(is_kept),
        }
    }
}

/// Writes the latest of something whenever there is a later one. When several come while one is being written, only
/// the last of them is written next.
async fn write_all<T: Clone + Send + Sync + 'static>(
    directory: Option<PathBuf>,
    mut latest: watch::Receiver<Option<T>>,
    what: &'static str,
    write: fn(&Path, T) -> Result<(), String>,
) {
    let mut is_failing = false;
    loop {
        let is_last = latest.changed().await.is_err();
        let value = latest.borrow_and_update().clone();
        if let (Some(directory), Some(value)) = (directory.clone(), value) {
            let written = tokio::task::spawn_blocking(move || write(&directory, value)).await;
            let error = written.unwrap_or_else(|error| Err(error.to_string())).err();
            // A full disk fails every few seconds: said once, and once more when it is over.
            match (&error, is_failing) {
                (Some(error), false) => tracing::error!("{error}"),
                (None, true) => tracing::info!("{what} is written again"),
                (Some(_), true) | (None, false) => {}
            }
            is_failing = error.is_some();
        }
        if is_last {
            return;
        }
    }
}

/// Returns an error and its causes as one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
