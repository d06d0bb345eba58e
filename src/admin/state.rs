//! What the handlers read: published by the shell, and replaced by it when something changes.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::access::{AccessPolicy, WrongTokens};
use super::api::{ConfinementStatus, FileDigest, GenerationEntry};
use super::atlas::cache::AtlasCache;
use super::peers::gate::PeerGate;
use super::places::ConnectionLimits;
use super::stream::hub::StreamHub;
use super::trends::samples::Trends;
use crate::canary::Sighting;
use crate::config::DatabaseSource;
use crate::control::{Command, Done, Rejection, Report};
use crate::event::Event;
use crate::geo::Located;
use crate::metrics::Metrics;
use crate::moment::Moment;
use crate::region::Target;
use crate::snapshot::Snapshot;

/// Everything that the handlers read. The shell makes one, and stores in its cells what changes.
pub struct AdminState {
    /// What is served and what is known, replaced by the writer.
    pub published: ArcSwap<Published>,
    /// Where it comes from, replaced with every reload, also with one that fails.
    pub origin: ArcSwap<ConfigOrigin>,
    /// The credentials that are accepted, replaced with every reload that succeeds.
    pub access: ArcSwap<AccessPolicy>,
    pub metrics: Arc<Metrics>,
    /// The start of the process, by the steady clock.
    pub(super) started_at: Moment,
    pub(super) sources: AdminSources,
    pub(super) connections: ConnectionLimits,
    pub(super) wrong_tokens: WrongTokens,
    /// One explanation at a time: each may read a whole database.
    pub(super) explaining: Arc<Semaphore>,
    /// One simulation at a time: each may take a processor for seconds.
    pub(super) simulating: Arc<Semaphore>,
    pub(super) streams: StreamHub,
    /// What the process has given up.
    pub(super) confinement: ConfinementStatus,
    /// What other instances are told; `None`: there are none.
    pub(super) peers: Option<PeerGate>,
    pub(super) atlases: AtlasCache,
    pub(super) trends: Trends,
}

/// What the handlers ask for when a request comes.
pub struct AdminSources {
    /// Returns the present moment.
    pub now: Box<dyn Fn() -> Moment + Send + Sync>,
    /// Returns a moment of the steady clock as the wall clock of today tells it.
    pub told: Box<dyn Fn(Moment) -> Moment + Send + Sync>,
    /// Returns the last result of a canary by its name, judged or not. It must not block. `None`: nothing later
    /// than the report has it.
    pub last: Box<LatestResult>,
    /// Returns where the databases and the operator's networks put a client; `None` when they cannot
    /// be read. It may block: it runs on a thread of its own, one call at a time.
    pub locate: Box<dyn Fn(IpAddr) -> Option<Located> + Send + Sync>,
    /// Returns the last events, at most this many, the latest last. It must not block.
    pub history: Box<dyn Fn(usize) -> Vec<Arc<Event>> + Send + Sync>,
    /// Takes the requests of operators.
    pub orders: mpsc::Sender<OperatorOrder>,
    /// Takes their requests to go back to an earlier generation.
    pub rollbacks: mpsc::Sender<RollbackOrder>,
}

/// Finds the last result of the canary with this name at an address, or at a region as a whole.
pub type LatestResult = dyn Fn(&Target, &str) -> Option<Sighting> + Send + Sync;

/// A command to the writer.
#[derive(Debug)]
pub struct OperatorOrder {
    pub command: Command,
    pub reply: oneshot::Sender<Result<Done, Rejection>>,
}

/// A request to go back to an earlier generation.
#[derive(Debug)]
pub struct RollbackOrder {
    /// The counter of that generation.
    pub number: u64,
    pub author: String,
    /// Takes what was done, in a line.
    pub reply: oneshot::Sender<Result<String, Rejection>>,
}

/// What is served and what is known of everything, at one moment.
#[derive(Debug)]
pub struct Published {
    /// What queries are answered from.
    pub snapshot: Arc<Snapshot>,
    /// The moment of its publication.
    pub published_at: Moment,
    /// What is known of everything; of the snapshot's configuration.
    pub report: Report,
}

/// Where the configuration in force comes from, and what became of the last attempt to replace it.
#[derive(Clone, Debug)]
pub struct ConfigOrigin {
    pub directory: PathBuf,
    /// When the configuration in force was loaded, by the steady clock.
    pub loaded_at: Moment,
    /// The Country or City database in force; `None` when none is configured.
    pub database: Option<DatabaseOrigin>,
    /// The ASN database in force; `None` when none is configured.
    pub asn_database: Option<DatabaseOrigin>,
    /// A SHA-256 of the networks of the operator, whatever their order; `None` when there are none.
    pub networks_sha256: Option<String>,
    /// The digests of its files, without `server.yaml`, in the order of their names.
    pub files: Vec<FileDigest>,
    /// A SHA-256 of these digests: what peers compare.
    pub files_sha256: String,
    /// The last attempt, when it failed; the configuration before it stays in force.
    pub failed: Option<FailedReload>,
    /// The generations that are known, the oldest first; the last one is in force.
    pub generations: Arc<[GenerationEntry]>,
}

/// A geo database in force.
#[derive(Clone, Debug)]
pub struct DatabaseOrigin {
    pub source: DatabaseSource,
    /// The type that it states, for example `GeoLite2-City`.
    pub kind: String,
    pub built_at: Moment,
    /// Of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// A reload that failed.
#[derive(Clone, Debug)]
pub struct FailedReload {
    /// By the steady clock.
    pub at: Moment,
    /// Its problems, as `check` prints them.
    pub problems: Vec<String>,
}

impl AdminState {
    /// Starts with the first snapshot, and what it was loaded from.
    pub fn new(
        published: Published,
        origin: ConfigOrigin,
        metrics: Arc<Metrics>,
        started_at: Moment,
        sources: AdminSources,
    ) -> Self {
        let connections = ConnectionLimits::default();
        Self {
            published: ArcSwap::from_pointee(published),
            origin: ArcSwap::from_pointee(origin),
            access: ArcSwap::default(),
            metrics,
            started_at,
            sources,
            connections,
            wrong_tokens: WrongTokens::default(),
            explaining: Arc::new(Semaphore::new(1)),
            simulating: Arc::new(Semaphore::new(1)),
            streams: StreamHub::new(connections.streams),
            confinement: ConfinementStatus::default(),
            peers: None,
            atlases: AtlasCache::default(),
            trends: Trends::default(),
        }
    }

    /// Limits the connections.
    pub fn within(self, connections: ConnectionLimits) -> Self {
        Self { streams: StreamHub::new(connections.streams), connections, ..self }
    }

    /// Returns the names of the other instances.
    pub(super) fn peer_names(&self) -> Vec<String> {
        self.published.load().report.peers.iter().map(|peer| peer.name.clone()).collect()
    }

    /// Lets peers in.
    pub fn with_peers(self, peers: Option<PeerGate>) -> Self {
        Self { peers, ..self }
    }

    /// Says what the process has given up.
    pub fn confined(self, confinement: ConfinementStatus) -> Self {
        Self { confinement, ..self }
    }

    /// Returns the start of the process, as the wall clock of today tells it.
    pub(super) fn started_at(&self) -> Moment {
        (self.sources.told)(self.started_at)
    }

    /// Asks the writer. `None`: it does not answer, since it has too much to do or is stopping.
    pub(super) async fn ask(&self, command: Command) -> Option<Result<Done, Rejection>> {
        let (reply, answer) = oneshot::channel();
        self.sources.orders.try_send(OperatorOrder { command, reply }).ok()?;
        answer.await.ok()
    }

    /// Asks for the way back to a generation. `None`: nothing answers, for the server is busy or stopping.
    pub(super) async fn roll_back(&self, number: u64, author: String) -> Option<Result<String, Rejection>> {
        let (reply, answer) = oneshot::channel();
        self.sources.rollbacks.try_send(RollbackOrder { number, author, reply }).ok()?;
        answer.await.ok()
    }

    /// Sends an event that the history has to all streams. It never waits.
    pub fn tell(&self, event: &Event) {
        self.streams.tell(event);
    }
}
