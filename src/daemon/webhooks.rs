//! Starts the webhooks on the event log, and keeps their cursors in the state directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::events::Events;
use super::keep::chain;
use crate::config::{self, Server};
use crate::files::cursor;
use crate::metrics::Metrics;
use crate::probe::Trust;
use crate::webhook::{Queue, Way, Webhook};

/// How long the last events may take to be delivered when the server stops; what is not, is so after the next
/// start.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// The running webhooks.
#[derive(Debug, Default)]
pub struct Webhooks {
    tasks: JoinSet<()>,
}

/// Why a webhook cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("webhook `{name}` in server.yaml")]
pub struct Error {
    /// Its name.
    name: String,
    /// Why.
    source: reqwest::Error,
}

/// Where each webhook has come to; `None`: it is new.
pub type Cursors = Vec<Option<u64>>;

/// Reads how far webhooks have come. What cannot be read is said, and counts as new.
pub fn cursors(server: &Server) -> Cursors {
    let read = |directory: &Path, name: &str| {
        cursor::read(directory, name).unwrap_or_else(|error| {
            tracing::warn!(webhook = name, "how far it has come is not known, it begins now: {error}");
            None
        })
    };
    let state = server.state.as_deref();
    server.webhooks.iter().map(|webhook| state.and_then(|state| read(state, &webhook.name))).collect()
}

impl Webhooks {
    /// Starts all of them, each with its secret and its cursor. One that is new begins with the next event.
    ///
    /// # Errors
    ///
    /// When an HTTP client cannot be set up.
    pub fn start(
        server: &Server,
        secrets: Vec<Option<Vec<u8>>>,
        cursors: Cursors,
        events: &Events,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, Error> {
        let (mut webhooks, trust) = (Self::default(), Trust::default());
        for ((settings, secret), cursor) in server.webhooks.iter().zip(secrets).zip(cursors) {
            let failed = |source| Error { name: settings.name.clone(), source };
            let way = way(settings, &trust);
            let webhook = Webhook::new(settings, secret, server.name.clone(), way, Arc::clone(metrics))
                .map_err(failed)?;
            let last = events.last();
            let newest = *last.borrow();
            let done = cursor.unwrap_or(newest);
            metrics.telling.begin(&settings.name, newest.saturating_sub(done));
            let history = events.history();
            let keep = keep(server.state.clone(), settings.name.clone());
            if cursor.is_none() {
                keep(done);
            }
            let queue = Queue { after: Arc::new(move |number| history.after(number)), keep, last, done };
            webhooks.tasks.spawn(webhook.run(queue));
        }
        Ok(webhooks)
    }

    /// Delivers what can be delivered at once, and stops. To be called when no more events come.
    pub async fn finish(mut self) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Whoever is not done by then goes on after the next start.
        let _ = tokio::time::timeout(FINISH_WITHIN, all).await;
        self.tasks.abort_all();
    }
}

/// Returns how a receiver is reached. Its names are looked up as those of canaries are.
fn way(settings: &config::Webhook, trust: &Trust) -> Way {
    let tls = if settings.url.starts_with("https:") { trust.encrypted() } else { Trust::plain() };
    let names = trust.names();
    if let Err(error) = &names {
        tracing::warn!("the system's name servers are not known: {}", chain(error));
    }
    Way { tls, names: names.ok() }
}

/// Returns what writes a cursor down. That it cannot be is said once.
fn keep(directory: Option<PathBuf>, name: String) -> Arc<dyn Fn(u64) + Send + Sync> {
    let is_failing = AtomicBool::new(false);
    Arc::new(move |number| {
        let Some(directory) = &directory else { return };
        let written = cursor::write(directory, &name, number);
        let was_failing = is_failing.swap(written.is_err(), Ordering::Relaxed);
        if let (Err(error), false) = (written, was_failing) {
            let webhook = &name;
            tracing::error!(
                webhook,
                "a restart will deliver events again, its cursor is not written: {error}"
            );
        }
    })
}
