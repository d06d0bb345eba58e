//! The tasks of a server that runs, and how they end: all together, or with another process in their place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::handover::{HandoverError, Successor};
use super::supervisor;
use super::webhooks::Webhooks;
use crate::files::StateDirectory;

/// The longest wait for each part to stop, so that all are done within the 5 s that a stop may take.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The tasks of a server that runs.
pub struct Running {
    /// Ends what answers: `servers` and `pages`.
    pub stop: watch::Sender<bool>,
    pub servers: JoinHandle<()>,
    pub pages: JoinHandle<()>,
    /// Whether another process goes on with the sockets of `servers`.
    pub are_handed_over: Arc<AtomicBool>,
    /// Ends what decides: `writing`.
    pub halt: watch::Sender<bool>,
    pub writing: JoinHandle<()>,
    /// What watches the configuration and the hosts in it, and makes backups.
    pub watching: [JoinHandle<()>; 3],
    pub webhooks: Webhooks,
}

impl Running {
    /// Ends everything.
    pub async fn stop(self) {
        tracing::info!("stopping");
        supervisor::stopping();
        let Self { stop, servers, pages, halt, writing, watching, webhooks, .. } = self;
        watching.iter().for_each(JoinHandle::abort);
        let _ = (halt.send(true), stop.send(true));
        tokio::join!(
            ended("the DNS listeners", servers),
            ended("the admin pages", pages),
            ended("the writer", writing)
        );
        webhooks.finish().await;
    }

    /// Ends what decides, so that everything is on disk; gives that to another process; and ends what answers once the other
    /// answers.
    ///
    /// # Errors
    ///
    /// When the other ends before. Then everything has ended here as well, for nothing decides any more.
    pub async fn hand_over(
        self,
        successor: Successor,
        directory: Option<StateDirectory>,
    ) -> Result<(), HandoverError> {
        tracing::info!("process {} goes on in place of this one", successor.pid);
        let Self { stop, servers, pages, are_handed_over, halt, writing, watching, webhooks } = self;
        watching.iter().for_each(JoinHandle::abort);
        let _ = halt.send(true);
        ended("the writer", writing).await;
        webhooks.finish().await;
        let taken = successor.take_over(directory).await;
        are_handed_over.store(taken.is_ok(), Ordering::Release);
        let _ = stop.send(true);
        tokio::join!(ended("the DNS listeners", servers), ended("the admin pages", pages));
        taken
    }
}

/// Waits for a task, no longer than the time that a stop may take.
async fn ended(what: &str, task: JoinHandle<()>) {
    match tokio::time::timeout(STOP_WITHIN, task).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!("{what} ended badly: {error}"),
        Err(_) => tracing::warn!("{what} did not end in time and are left behind"),
    }
}
