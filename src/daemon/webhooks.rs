//! Starts the webhooks on the event log, and saves how far each has come.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use super::events::EventPublisher;
use super::state_writer::{RETRY_EVERY, chain};
use super::write_outcomes::WriteOutcomes;
use crate::config::Server;
use crate::files::{Cursors, Saved, Store};
use crate::metrics::Metrics;
use crate::probe::Trust;
use crate::webhook::{Queue, WebhookSender};

/// The longest wait for the last deliveries when the server stops; the others follow after the next start.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// The longest wait for the last write of the cursors, whose disk may hang; events since the last one that was written
/// are then sent again.
const SAVE_WITHIN: Duration = Duration::from_millis(500);

/// The running webhooks.
#[derive(Debug, Default)]
pub struct Webhooks {
    tasks: JoinSet<()>,
    cursors: Arc<CursorFile>,
    retrying: Option<JoinHandle<()>>,
}

/// Why a webhook cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("webhook `{name}` in server.yaml")]
pub struct Error {
    name: String,
    source: reqwest::Error,
}

/// The cursors of all webhooks, in memory and on disk.
#[derive(Debug, Default)]
pub struct CursorFile {
    store: Option<(Store<Cursors>, WriteOutcomes)>,
    cursors: Mutex<Advancing>,
}

#[derive(Debug, Default)]
struct Advancing {
    cursors: Cursors,
    /// Whether the last write failed.
    is_failing: bool,
}

impl CursorFile {
    /// Goes on with how far they had come; without a store nothing is saved.
    pub fn new(saved: Option<(Store<Cursors>, Option<Cursors>)>, outcomes: &WriteOutcomes) -> Self {
        let Some((store, cursors)) = saved else { return Self::default() };
        let cursors = Advancing { cursors: cursors.unwrap_or_default(), is_failing: false };
        Self { store: Some((store, outcomes.clone())), cursors: Mutex::new(cursors) }
    }

    /// Returns the highest number of an event that a webhook is done with; zero: there is none.
    pub fn highest(&self) -> u64 {
        self.with(|advancing| advancing.cursors.0.values().copied().max().unwrap_or_default())
    }

    fn get(&self, webhook: &str) -> Option<u64> {
        self.with(|advancing| advancing.cursors.0.get(webhook).copied())
    }

    /// Notes that a webhook is done with everything up to an event. It blocks until the disk has it.
    fn advance(&self, webhook: &str, number: u64) {
        self.with(|Advancing { cursors, is_failing }| {
            cursors.0.insert(webhook.to_owned(), number);
            *is_failing = !self.save(cursors);
        });
    }

    /// Tries again to save what could not be saved.
    fn retry(&self) {
        self.with(|Advancing { cursors, is_failing }| *is_failing = *is_failing && !self.save(cursors));
    }

    /// Saves the cursors, and returns whether there is nothing to try again.
    fn save(&self, cursors: &Cursors) -> bool {
        let Some((store, outcomes)) = &self.store else { return true };
        let why = store.save(cursors).err().map(|error| chain(&error));
        let is_saved = why.is_none();
        outcomes.note(Cursors::FILE, why);
        is_saved
    }

    fn with<T>(&self, act: impl FnOnce(&mut Advancing) -> T) -> T {
        act(&mut self.cursors.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Webhooks {
    /// Starts all of them, each with its secret and its cursor. A new one begins with the next event.
    ///
    /// # Errors
    ///
    /// When an HTTP client cannot be set up.
    pub fn start(
        server: &Server,
        secrets: Vec<Option<Vec<u8>>>,
        cursors: CursorFile,
        events: &EventPublisher,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, Error> {
        let cursors = Arc::new(cursors);
        let retrying = (!server.webhooks.is_empty()).then(|| tokio::spawn(retry(Arc::clone(&cursors))));
        let (tasks, trust) = (JoinSet::new(), Trust::default());
        let mut webhooks = Self { tasks, cursors: Arc::clone(&cursors), retrying };
        let newest = *events.last().borrow();
        for (settings, secret) in server.webhooks.iter().zip(secrets) {
            let name = settings.name.clone();
            let failed = |source| Error { name: settings.name.clone(), source };
            let webhook =
                WebhookSender::new(settings, secret, server.name.clone(), &trust, Arc::clone(metrics))
                    .map_err(failed)?;
            let done = cursors.get(&name).unwrap_or_else(|| {
                // Saved at once: what happens before its first delivery would else be missed after a crash.
                cursors.advance(&name, newest);
                newest
            });
            metrics.delivery.begin(&name, newest.saturating_sub(done));
            let (history, cursors) = (events.history(), Arc::clone(&cursors));
            let queue = Queue {
                after: Arc::new(move |number| history.after(number)),
                keep: Arc::new(move |number| cursors.advance(&name, number)),
                last: events.last(),
                done,
            };
            webhooks.tasks.spawn(webhook.run(queue));
        }
        Ok(webhooks)
    }

    /// Delivers what can be delivered at once, and stops. To be called when no more events come.
    pub async fn finish(mut self) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(FINISH_WITHIN, all).await;
        self.tasks.abort_all();
        self.retrying.iter().for_each(JoinHandle::abort);
        let cursors = self.cursors;
        let saving = tokio::task::spawn_blocking(move || cursors.retry());
        let _ = tokio::time::timeout(SAVE_WITHIN, saving).await;
    }
}

/// Tries again and again to save cursors that could not be saved.
async fn retry(cursors: Arc<CursorFile>) {
    loop {
        tokio::time::sleep(RETRY_EVERY).await;
        let cursors = Arc::clone(&cursors);
        let _ = tokio::task::spawn_blocking(move || cursors.retry()).await;
    }
}
