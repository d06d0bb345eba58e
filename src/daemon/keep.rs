//! Writes health to the state directory, away from the writer: a slow disk must not delay a snapshot.

use std::path::PathBuf;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::files::state;
use crate::health::Memory;

/// Keeps the latest memory on disk. When several come while one is being written, only the last of
/// them is written next.
#[derive(Debug)]
pub struct Keep {
    latest: watch::Sender<Option<Memory>>,
    task: JoinHandle<()>,
}

impl Keep {
    /// Starts to write to `directory`; `None`: nothing is kept.
    pub fn start(directory: Option<PathBuf>) -> Self {
        let (latest, received) = watch::channel(None);
        Self { latest, task: tokio::spawn(write_all(directory, received)) }
    }

    /// Writes this next.
    pub fn keep(&self, memory: Memory) {
        self.latest.send_replace(Some(memory));
    }

    /// Writes what is still to be written, and stops.
    pub async fn finish(self) {
        drop(self.latest);
        if let Err(error) = self.task.await {
            tracing::error!("the state of health could not be written: {error}");
        }
    }
}

async fn write_all(directory: Option<PathBuf>, mut latest: watch::Receiver<Option<Memory>>) {
    let mut is_failing = false;
    loop {
        let is_last = latest.changed().await.is_err();
        let memory = latest.borrow_and_update().clone();
        if let (Some(directory), Some(memory)) = (directory.clone(), memory) {
            let written = tokio::task::spawn_blocking(move || state::write(&directory, &memory)).await;
            let error = match written {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(chain(&error)),
                Err(error) => Some(error.to_string()),
            };
            // A full disk fails every few seconds: said once, and once more when it is over.
            match (&error, is_failing) {
                (Some(error), false) => tracing::error!("{error}"),
                (None, true) => tracing::info!("the state of health is written again"),
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
