//! Wires everything together and drives it with the real clock.
//!
//! ```text
//!  prober ──observations──▶┐
//!  reload ──worlds────────▶│ writer ──snapshots──▶ serve
//!  signals ──stop─────────▶┘        ──report─────▶ admin
//!                                   ──state──────▶ state writer
//!                                   ──records────▶ events ─▶ log, webhooks
//! ```
//!
//! Every box is a task of its own. The DNS listeners need nothing but the last snapshot: whatever else dies
//! is said, and answers go on.

mod clock;
mod events;
mod load;
mod reload;
mod secrets;
mod state_writer;
mod webhooks;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use clock::Clock;
pub use events::History;
pub use load::{Error as LoadError, Loaded, load, locate};
pub use secrets::of_webhooks as webhook_secrets;
pub use state_writer::chain;
pub use writer::Listener;

use crate::admin::{self, Order, Seen, Whom};
use crate::control::Control;
use crate::files::{StateDirectory, state_directory};
use crate::metrics::Metrics;
use crate::probe::{self, Prober, Trust};
use crate::serve::{self, Current, ListenError};
use events::Events;
use reload::Reload;
use state_writer::StateWriter;
use webhooks::{CursorFile, Webhooks};
use writer::Writer;

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
    /// Another process uses the state directory.
    #[error(transparent)]
    State(#[from] state_directory::Error),
    /// A DNS address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] ListenError),
    /// The admin address cannot be listened on.
    #[error(transparent)]
    Admin(#[from] admin::BindError),
    /// A webhook cannot be set up.
    #[error(transparent)]
    Webhook(#[from] webhooks::Error),
    /// The process cannot listen to signals.
    #[error("cannot listen to signals")]
    Signals(#[source] io::Error),
}

/// How many orders of operators may wait: more than people give within the milliseconds that one takes.
const MAX_ORDERS: usize = 16;

/// Serves a directory until SIGTERM or SIGINT.
///
/// # Errors
///
/// When it cannot start; then nothing stays bound.
pub async fn run(loaded: Loaded, options: Options) -> Result<(), Error> {
    let clock = Clock::start();
    let config = Arc::clone(&loaded.base.config);
    let secrets = secrets::of_webhooks(&config.server).map_err(LoadError::from)?;
    let directory = config.server.state.as_deref().map(lock).transpose()?;
    let sockets = serve::bind(&config.server.dns)?;
    let listener = config.server.admin.map(admin::bind).transpose()?;
    let signals = Signals::listen().map_err(Error::Signals)?;
    let metrics = Arc::new(Metrics::default());
    metrics.reloaded(true);
    metrics.database_built(loaded.built_at_seconds());
    loaded.warnings.iter().chain(&secrets.warnings).for_each(|warning| tracing::warn!("{warning}"));
    let cursors = CursorFile::open(directory.as_ref());
    let events = Events::start(config.server.state.clone(), cursors.highest(), Arc::clone(&metrics));
    let webhooks = Webhooks::start(&config.server, secrets.list, cursors, &events, &metrics)?;
    for pair in &sockets {
        tracing::info!("answering DNS on {} over UDP and TCP", pair.address);
    }

    let (stop, stopped) = watch::channel(false);
    let (results, observations) = mpsc::channel(probe::MAX_WAITING);
    let (worlds_in, worlds) = mpsc::channel(1);
    let (orders_in, orders) = mpsc::channel(MAX_ORDERS);
    let now = Arc::new(move || clock.now());
    let prober = Prober::new(results, now, Trust::default(), fastrand::u64(..));

    let (stores, restored) = directory.as_ref().map(state_writer::load_state).unzip();
    let restored = restored.unwrap_or_default();
    let (control, first, current) = writer::begin(Arc::clone(&loaded.base), restored, &metrics, clock.boot());
    let sources = sources(clock, &prober, &current, events.history(), orders_in);
    let admin = pages(&loaded, &options.directory, clock, &metrics, &control, &current, sources);
    admin.access.store(Arc::clone(&loaded.access));
    let admin = Arc::new(admin);
    let writer = Writer {
        clock,
        prober,
        current: Arc::clone(&current),
        admin: Arc::clone(&admin),
        metrics: Arc::clone(&metrics),
        state: StateWriter::start(stores),
        events,
        listener: options.listener,
    };
    let reload = Reload {
        directory: options.directory,
        clock,
        metrics,
        admin: Arc::clone(&admin),
        worlds: worlds_in,
        started_with: config,
        started_from: loaded.stamp,
    };
    let servers = tokio::spawn(serve::run(sockets, serve::answer_from(current), stopped.clone()));
    let pages = tokio::spawn(show(listener, admin, stopped.clone()));
    // Compiling takes milliseconds, and up to seconds after a reload: on a thread of its own it keeps no
    // query waiting, not even on one processor.
    let writing = writer.run(control, first, observations, worlds, orders, stopped);
    let writing = tokio::task::spawn_blocking(|| Handle::current().block_on(writing));
    let reloading = tokio::spawn(reload.run(signals.hangup));

    wait(signals.terminate, signals.interrupt).await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    reloading.abort();
    tokio::join!(
        ended("the DNS listeners", servers),
        ended("the admin pages", pages),
        ended("the writer", writing)
    );
    webhooks.finish().await;
    Ok(())
}

/// The signals that the server listens to.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

async fn wait(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Returns what the admin pages show.
fn pages(
    loaded: &Loaded,
    directory: &Path,
    clock: Clock,
    metrics: &Arc<Metrics>,
    control: &Control,
    current: &Current,
    sources: admin::Sources,
) -> admin::State {
    let snapshot = Arc::clone(&current.load().snapshot);
    let seen = Seen { snapshot, published_at: clock.boot(), report: control.report(clock.boot()) };
    let facts = loaded.facts(directory, clock.boot());
    admin::State::new(seen, facts, Arc::clone(metrics), clock.boot(), sources)
}

/// Returns what the admin pages ask for when they are asked.
fn sources(
    clock: Clock,
    prober: &Prober,
    current: &Arc<Current>,
    history: Arc<History>,
    orders: mpsc::Sender<Order>,
) -> admin::Sources {
    let (latest, current) = (prober.latest(), Arc::clone(current));
    let last = move |whom: Whom<'_>, canary: &str| match whom {
        Whom::Address(address) => latest.last(address, canary),
        Whom::Region(region) => latest.last_of_region(region, canary),
    };
    let locate = move |client| {
        let base = Arc::clone(&current.load().snapshot.base);
        let located = load::locate(&base.config.server.geo, client);
        located.inspect_err(|error| tracing::warn!("cannot locate a client: {}", chain(error))).ok()
    };
    let now = Box::new(move || clock.now());
    let history = Box::new(move |at_most| history.latest(at_most));
    admin::Sources { now, last: Box::new(last), locate: Box::new(locate), history, orders }
}

/// Serves the admin pages, when there is an address for them.
async fn show(listener: Option<admin::Listener>, state: Arc<admin::State>, mut stop: watch::Receiver<bool>) {
    let Some(listener) = listener else { return };
    let scheme = if state.access.load().tls.is_some() { "https" } else { "http" };
    tracing::info!("admin pages on {scheme}://{}", listener.address);
    let stopped = async move { _ = stop.wait_for(|stop| *stop).await };
    if let Err(error) = admin::serve(listener, state, stopped).await {
        tracing::error!("the admin pages are gone, answers go on: {error}");
    }
}

/// Locks the state directory for as long as the process lives.
///
/// # Errors
///
/// When another process has it: two would overwrite each other's intents.
fn lock(path: &Path) -> Result<StateDirectory, state_directory::Error> {
    StateDirectory::lock(path).or_else(|error| match error {
        state_directory::Error::InUse { .. } => Err(error),
        // A disk that fails must not keep the server from answering; each write that fails is logged as well.
        state_directory::Error::Unlockable { .. } => {
            tracing::error!("{}", chain(&error));
            Ok(StateDirectory::unlocked(path))
        }
    })
}

/// Waits for a task, no longer than the time that a stop may take.
async fn ended(what: &str, task: JoinHandle<()>) {
    match tokio::time::timeout(STOP_WITHIN, task).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!("{what} ended badly: {error}"),
        Err(_) => tracing::warn!("{what} did not end in time and are left behind"),
    }
}
