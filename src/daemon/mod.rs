//! The server: wires everything together and drives it with the real clock.
//!
//! ```text
//!  peers ───facts─────────▶┐
//!  prober ──observations──▶┤
//!  reload ──worlds────────▶│ writer ──snapshots──▶ serve
//!  signals ──stop─────────▶┘        ──report─────▶ admin
//!                                   ──facts──────▶ peers
//!                                   ──state──────▶ state writer
//!                                   ──records────▶ events ─▶ log, webhooks
//! ```
//!
//! Every box is a task of its own. The DNS listeners need nothing but the last snapshot: answers go on whatever else
//! dies, which is logged.

mod backups;
mod clock;
mod confine;
mod descriptors;
pub(crate) mod events;
mod generations;
mod handover;
mod hosts;
mod listeners;
mod load;
mod locations;
mod pages;
pub(crate) mod peers;
mod reload;
mod restore;
mod running;
mod secrets;
mod signals;
mod state_writer;
mod supervisor;
mod transfers;
mod webhooks;
mod write_outcomes;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, mem};

use tokio::runtime::Handle;
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, watch};

pub use clock::SystemClock;
pub use events::EventHistory;
pub use generations::{RollbackError, StoredGenerations};
pub use load::{Error as LoadError, LoadedDirectory, load, load_to_serve, locate};
pub use restore::{RestoreError, RestoredBackup, restore};
pub use secrets::of_peers as peer_secret;
pub use secrets::of_webhooks as webhook_secrets;
pub use signals::StopSignals;
pub use state_writer::chain;
pub use writer::EventListener;

use crate::admin;
use crate::admin::api::ConfinementStatus;
use crate::config::Server;
use crate::control::{NumberedConfig, Restored};
use crate::files::stamp::Stamp;
use crate::files::{Cursors, StateDirectory, Store, state_directory, store};
use crate::generation::SavedLineage;
use crate::metrics::Metrics;
use crate::moment::Moment;
use crate::probe::{self, Prober, Trust};
use crate::region::HostAddresses;
use crate::serve::{self, ListenError, PassedSocketError, PassedSockets};
use descriptors::DescriptorBudget;
use events::EventPublisher;
use generations::GenerationKeeper;
use handover::{HandoverError, HeldSockets, Predecessor, ReplaceError, SuccessorListener};
use listeners::Listeners;
use reload::Reload;
use running::Running;
use secrets::{PeerSecret, WebhookSecrets};
use signals::ProcessSignals;
use state_writer::{StateStores, StateWriter};
use webhooks::{CursorFile, Webhooks};
use write_outcomes::WriteOutcomes;
use writer::ControlLoop;

/// How a directory is served.
pub struct ServeOptions {
    pub directory: PathBuf,
    /// Called with every event.
    pub listener: EventListener,
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
    /// A file of the state directory cannot be read.
    #[error(transparent)]
    Unreadable(#[from] store::LoadError),
    /// A DNS address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] ListenError),
    /// A socket that was passed is of no use.
    #[error(transparent)]
    Passed(#[from] PassedSocketError),
    /// The admin address cannot be listened on.
    #[error(transparent)]
    Admin(#[from] admin::AdminBindError),
    /// A webhook cannot be set up.
    #[error(transparent)]
    Webhook(#[from] webhooks::Error),
    /// A peer cannot be asked.
    #[error(transparent)]
    Peers(#[from] peers::Error),
    /// The process cannot give up what it should.
    #[error(transparent)]
    Confine(#[from] confine::Error),
    /// There is no process that this one could replace.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    /// The process that was to replace this one has ended.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    #[error("cannot listen to signals")]
    Signals(#[source] io::Error),
}

/// The most orders that wait: more than operators give within the milliseconds that one takes.
const MAX_ORDERS: usize = 16;

/// Serves a directory until SIGTERM or SIGINT, or until another process goes on in its place.
///
/// # Errors
///
/// When it cannot start; then nothing stays bound. When the process that was to go on in its place ends before it does.
pub async fn run(
    loaded: LoadedDirectory,
    options: ServeOptions,
    mut resources: ServeResources,
) -> Result<(), Error> {
    let ProcessSignals { hangup, mut stop } = ProcessSignals::listen().map_err(Error::Signals)?;
    let directory = resources.state.directory.clone();
    let (held, predecessor) = (mem::take(&mut resources.held), resources.predecessor.take());
    let running = start(loaded, options, resources, hangup).await?;
    let mut successors = SuccessorListener::start(directory.as_ref(), held);
    supervisor::ready();
    predecessor.into_iter().for_each(Predecessor::release);
    tokio::select! {
        () = stop.wait() => running.stop().await,
        successor = successors.next() => running.hand_over(successor, directory).await?,
    }
    Ok(())
}

/// Starts everything. A reload is asked for by `hangup`, too.
async fn start(
    loaded: LoadedDirectory,
    options: ServeOptions,
    resources: ServeResources,
    hangup: Signal,
) -> Result<Running, Error> {
    let clock = SystemClock::start();
    let config = Arc::clone(&loaded.base.config);
    let ServeResources { limit, secrets, peer_secret, state, listeners, admin, confinement, .. } = resources;
    let budget = DescriptorBudget::of(limit, listeners.descriptors());
    let metrics = measure(&loaded, clock.boot());
    warn(&loaded, &secrets, peer_secret.as_ref());
    let (outcomes, written) = WriteOutcomes::start(&metrics);
    let SavedState { directory, cursors, stores, restored, hosts, generations, serials } = state;
    let cursors = CursorFile::new(cursors, &outcomes);
    let events = EventPublisher::start(directory.as_ref(), cursors.highest(), Arc::clone(&metrics));
    let webhooks = Webhooks::start(&config.server, secrets.list, cursors, &events, &metrics)?;
    let (loaded, hosts) = hosts::begin(loaded, hosts, &outcomes).await;
    let backing_up = tokio::spawn(backups::run(config.server.clone(), clock.clone(), outcomes.clone()));
    let mut generations = GenerationKeeper::new(generations, &config.server.name, &outcomes, clock.boot());
    let is_overtaken = generations.begin(&loaded, clock.boot()).await;
    let (hosts, findings, looking_up) = hosts.follow(&loaded.base.config);
    let transports = listeners.into_transports(&loaded, budget.tcp, &metrics);
    let are_handed_over = Arc::clone(&transports.are_handed_over);

    let (stop, stopped) = watch::channel(false);
    let (halt, halted) = watch::channel(false);
    let (results, reports) = mpsc::channel(probe::MAX_WAITING);
    let (worlds_in, worlds) = mpsc::channel(1);
    let (orders_in, orders) = mpsc::channel(MAX_ORDERS);
    let (rollbacks_in, rollbacks) = mpsc::channel(MAX_ORDERS);
    let stamp = clock.clone();
    let now = Arc::new(move || stamp.steady());
    let prober = Prober::new(results, now, Trust::default(), budget.probes, fastrand::u64(..));

    let (control, first, snapshot) = writer::begin(Arc::clone(&loaded.base), restored, clock.boot());
    let (transfers, current) = writer::serve_first(snapshot, serials, (&metrics, &outcomes), &clock).await;
    let sources = pages::sources(clock.clone(), &prober, &current, events.history(), orders_in, rollbacks_in);
    let facts = generations.shown(loaded.facts(&options.directory, clock.boot()));
    let state = pages::state(&loaded, facts, &clock, &metrics, &control, &current, sources);
    let origin = state.origin.load_full();
    let (peers, gate) = peers::start(&config.server, peer_secret, &control, &origin, &clock, &metrics)?;
    let state = Arc::new(state.within(budget.admin).with_peers(gate).confined(confinement));
    let writer = ControlLoop {
        clock: clock.clone(),
        prober,
        current: Arc::clone(&current),
        admin: Arc::clone(&state),
        metrics: Arc::clone(&metrics),
        state: StateWriter::start(stores, &outcomes),
        written,
        events,
        peers,
        transfers,
        listener: options.listener,
    };
    let reload = Reload {
        directory: options.directory,
        clock,
        metrics: Arc::clone(&metrics),
        admin: Arc::clone(&state),
        inputs: worlds_in,
        hosts,
        tls: loaded.tls.clone(),
        started_with: config,
        // An empty stamp is that of no directory, which is read again at once.
        started_from: if is_overtaken { Stamp::default() } else { loaded.stamp },
        started_as: NumberedConfig { passed_over: loaded.passed_over, rollback: None },
        generations,
        started_locations: loaded.locations,
    };
    let servers = tokio::spawn(serve::run(transports, current, stopped.clone()));
    let pages = tokio::spawn(pages::serve(admin, state, stopped.clone()));
    // Compiling takes milliseconds, and up to seconds after a reload: on a thread of its own it keeps no
    // query waiting, not even on one processor.
    let writing = writer.run(control, first, reports, worlds, orders, halted);
    let writing = tokio::task::spawn_blocking(|| Handle::current().block_on(writing));
    let watching = [tokio::spawn(reload.run(hangup, findings, rollbacks)), looking_up, backing_up];
    Ok(Running { stop, servers, pages, are_handed_over, halt, writing, watching, webhooks })
}

/// Logs what is amiss and keeps nothing from starting.
fn warn(loaded: &LoadedDirectory, secrets: &WebhookSecrets, peers: Option<&PeerSecret>) {
    let exposed = peers.and_then(|secret| secret.warning.as_ref());
    let warnings = loaded.warnings.iter().chain(&secrets.warnings).chain(exposed);
    warnings.for_each(|warning| tracing::warn!("{warning}"));
}

/// Begins to count.
fn measure(loaded: &LoadedDirectory, now: Moment) -> Arc<Metrics> {
    let metrics = Metrics::default();
    loaded.measure(&metrics, now);
    Arc::new(metrics)
}

/// Everything that only one process can have, or that the system may refuse: taken before anything is started.
pub struct ServeResources {
    /// The most files that the process may open.
    limit: u64,
    secrets: WebhookSecrets,
    peer_secret: Option<PeerSecret>,
    state: SavedState,
    listeners: Listeners,
    admin: Option<admin::AdminListener>,
    confinement: ConfinementStatus,
    /// All sockets once more, for the process that replaces this one.
    held: HeldSockets,
    /// The process that this one replaces.
    predecessor: Option<Predecessor>,
}

impl ServeResources {
    /// Takes the state directory before it binds anything: a second instance must find out before it touches what the first
    /// one has. A user of its own comes before both, for what root writes it cannot write again. A process that is replaced gives
    /// its sockets first, and the state when nothing can be missing any more.
    ///
    /// # Errors
    ///
    /// When the system refuses one of them; then none is held.
    pub fn open(server: &Server, replaces: bool) -> Result<Self, Error> {
        let limit = descriptors::raise_limit();
        let mut passed = PassedSockets::take()?;
        if let Some(user) = &server.user {
            confine::become_user(user).map_err(confine::Error::from)?;
        }
        let directory = server.state.as_deref();
        let (predecessor, state) = match replaces {
            true => (Some(Predecessor::meet(directory.ok_or(ReplaceError::Stateless)?, &mut passed)?), None),
            false => (None, directory.map(|path| SavedState::open(lock(path)?)).transpose()?),
        };
        let listeners = Listeners::bind(&server.listen, &mut passed)?;
        let bind = |address| admin::bind(address, passed.tcp(address).map(Into::into));
        let admin = server.admin.map(bind).transpose()?;
        if !replaces {
            passed.finish()?;
        }
        let secrets = secrets::of_webhooks(server).map_err(LoadError::from)?;
        let peer_secret = secrets::of_peers(server).map_err(LoadError::from)?;
        let held = held(&listeners, admin.as_ref());
        let state = match (&predecessor, directory) {
            (Some(predecessor), Some(path)) => Some(SavedState::handed(path, predecessor)?),
            _ => state,
        };
        Ok(Self {
            limit,
            secrets,
            peer_secret,
            state: state.unwrap_or_default(),
            listeners,
            admin,
            confinement: confine::open(),
            held,
            predecessor,
        })
    }

    /// Takes them, and gives up what the server never needs, on this thread and all that it starts from now on.
    ///
    /// # Errors
    ///
    /// As [`Self::open`], and when it cannot be given up.
    pub fn open_confined(server: &Server, replaces: bool) -> Result<Self, Error> {
        let resources = Self::open(server, replaces)?;
        let backups = server.backup.as_ref().map(|backup| backup.directory.as_path());
        // What cannot be made here cannot be written later, which is told then.
        backups.into_iter().for_each(|directory| drop(std::fs::create_dir_all(directory)));
        let writable: Vec<&Path> = server.state.as_deref().into_iter().chain(backups).collect();
        Ok(Self { confinement: confine::restrict(&writable)?, ..resources })
    }
}

/// The state directory, and what the last run left in it.
#[derive(Default)]
struct SavedState {
    directory: Option<StateDirectory>,
    cursors: Option<(Store<Cursors>, Option<Cursors>)>,
    stores: Option<StateStores>,
    restored: Restored,
    hosts: Option<(Store<HostAddresses>, Option<HostAddresses>)>,
    generations: Option<(Store<SavedLineage>, Option<SavedLineage>)>,
    serials: Option<transfers::SerialsFile>,
}

impl SavedState {
    /// Takes over the directory of a process that is replaced.
    fn handed(path: &Path, predecessor: &Predecessor) -> Result<Self, Error> {
        let lock = predecessor.take_state()?;
        Self::open(match lock {
            Some(lock) => StateDirectory::handed(path, lock),
            None => StateDirectory::unlocked(path),
        })
    }

    fn open(directory: StateDirectory) -> Result<Self, Error> {
        let (stores, mut restored) = state_writer::load_state(&directory)?;
        let cursors = state_writer::open(&directory, &mut restored.losses)?;
        let hosts = state_writer::open(&directory, &mut restored.losses)?;
        let generations = state_writer::open(&directory, &mut restored.losses)?;
        let serials = state_writer::open(&directory, &mut restored.losses)?;
        Ok(Self {
            directory: Some(directory),
            cursors: Some(cursors),
            stores: Some(stores),
            restored,
            hosts: Some(hosts),
            generations: Some(generations),
            serials: Some(serials),
        })
    }
}

/// Returns all sockets once more. Without descriptors for them the process cannot be replaced, which is logged, and runs all the same.
fn held(listeners: &Listeners, admin: Option<&admin::AdminListener>) -> HeldSockets {
    let held = listeners.held().and_then(|mut held| {
        admin.map_or(Ok(()), |admin| held.hold(admin.socket()))?;
        Ok(held)
    });
    held.unwrap_or_else(|error| {
        tracing::warn!("`serve --replace` cannot replace this process: {error}");
        HeldSockets::default()
    })
}

/// Locks the state directory for as long as the process lives.
///
/// # Errors
///
/// When another process has it, for two would overwrite each other's intents, or it is not this user's.
fn lock(path: &Path) -> Result<StateDirectory, state_directory::Error> {
    StateDirectory::lock(path).or_else(|error| match error {
        // As is a directory of another user's, which the operator puts right.
        state_directory::Error::InUse { .. } | state_directory::Error::Forbidden { .. } => Err(error),
        // A disk that fails must not keep the server from answering; each write that fails is logged as well.
        state_directory::Error::Unlockable { .. } => {
            tracing::error!("{}", chain(&error));
            Ok(StateDirectory::unlocked(path))
        }
    })
}
