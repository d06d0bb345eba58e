//! Wires everything together and drives it with the real clock.
//!
//! ```text
//!  prober ──observations──▶┐
//!  reload ──worlds────────▶│ writer ──snapshots──▶ lanes
//!  signals ──stop─────────▶┘        ──report─────▶ admin
//!                                   ──memory─────▶ keep
//! ```
//!
//! Every box is a task of its own. The lanes need nothing but the last snapshot: whatever else dies
//! is said, and answers go on.

mod clock;
mod keep;
mod load;
mod reload;
mod writer;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use clock::Clock;
pub use keep::chain;
pub use load::{DatabaseFacts, Error as LoadError, Loaded, load, locate};
pub use writer::Listener;

use crate::files::state;
use crate::health::Memory;
use crate::metrics::Metrics;
use crate::probe::{self, Prober, Trust};
use crate::serve::{self, BindError};
use reload::{Reload, Standing};
use writer::{Known, Writer};

/// How long each part may take to stop: together within the 5 s that a stop is promised to take.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// What is to be run.
pub struct Options {
    /// The configuration directory.
    pub directory: PathBuf,
    /// Who is told what happens, besides the log.
    pub listener: Listener,
}

/// Why the server did not start, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A DNS address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The process cannot listen to signals.
    #[error("cannot listen to signals")]
    Signals(#[source] io::Error),
}

/// Serves a directory until SIGTERM or SIGINT.
///
/// # Errors
///
/// When it cannot start; then nothing stays bound.
pub async fn run(loaded: Loaded, options: Options) -> Result<(), Error> {
    let clock = Clock::start();
    let config = Arc::clone(&loaded.world.config);
    let sockets = serve::bind(&config.server.dns)?;
    let addresses: Vec<SocketAddr> = sockets.iter().map(|pair| pair.address).collect();
    let metrics = Arc::new(Metrics::default());
    metrics.reloaded(true);
    metrics.database_built(loaded.database.as_ref().map_or(0, |facts| facts.built_at));
    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));

    let memory = remember(config.server.state.as_ref());
    let (control, first, current) = writer::begin(Arc::clone(&loaded.world), memory, &metrics, clock.boot());
    let known =
        Arc::new(ArcSwap::from_pointee(Known { report: control.report(), published_at: clock.boot() }));
    let standing = Arc::new(ArcSwap::from_pointee(Standing::of(&loaded, clock.boot())));

    let (stop, stopped) = watch::channel(false);
    let (results, observations) = mpsc::channel(probe::MAX_WAITING);
    let (worlds_in, worlds) = mpsc::channel(1);
    let now = Arc::new(move || clock.now());
    let prober = Prober::new(results, now, Trust::default(), fastrand::u64(..));
    let writer = Writer {
        clock,
        prober,
        current: Arc::clone(&current),
        known: Arc::clone(&known),
        metrics: Arc::clone(&metrics),
        keep: keep::Keep::start(config.server.state.clone()),
        listener: options.listener,
    };
    let reload = Reload {
        directory: options.directory,
        clock,
        metrics: Arc::clone(&metrics),
        standing,
        worlds: worlds_in,
        started_with: Arc::clone(&config),
    };
    let hangup = signal(SignalKind::hangup()).map_err(Error::Signals)?;
    let lanes = tokio::spawn(serve::run(sockets, serve::responder(Arc::clone(&current)), stopped.clone()));
    let writing = tokio::spawn(writer.run(control, first, observations, worlds, stopped));
    let reloading = tokio::spawn(reload.run(hangup));
    say_ready(&addresses);

    wait_for_the_end().await?;
    tracing::info!("stopping");
    let _ = stop.send(true);
    reloading.abort();
    ended("the lanes", lanes).await;
    ended("the writer", writing).await;
    Ok(())
}

/// Returns what the last run remembered. A state that cannot be used is said, and does not keep the
/// server from starting.
fn remember(directory: Option<&PathBuf>) -> Option<Memory> {
    let read = state::read(directory?);
    read.unwrap_or_else(|error| {
        tracing::warn!("{}", chain(&error));
        None
    })
}

fn say_ready(addresses: &[SocketAddr]) {
    for address in addresses {
        tracing::info!("answering DNS on {address} over UDP and TCP");
    }
}

async fn wait_for_the_end() -> Result<(), Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Waits for a task, no longer than the time that a stop may take.
async fn ended(what: &str, task: JoinHandle<()>) {
    match tokio::time::timeout(STOP_WITHIN, task).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!("{what} ended badly: {error}"),
        Err(_) => tracing::warn!("{what} did not end in time and are left behind"),
    }
}
