//! What the server tells about itself over HTTP: health, status, metrics, and why an answer is what it is.
//!
//! | path | what it says |
//! |---|---|
//! | `/` | for browsers, the [`ui`]: a map, the regions, what happens; else the list of paths |
//! | `/healthz` | `ok` while a snapshot is served |
//! | `/status` | zones, database, configuration, alarms, every region and address ([`status::Page`]) |
//! | `/status/REGION` | of it, one region |
//! | `/overview` | what is seen at a glance, and the last events ([`overview::Overview`]) |
//! | `/events` | the same, [`stream`] |
//! | `/atlas`, `/map.svg` | where each country's clients go, in numbers and as a picture ([`atlas`], [`map`]) |
//! | `/metrics` | the counters, for Prometheus |
//! | `/explain` | why a client gets the answer it gets |
//! | `/availability` | for how long everything was up ([`availability`]) |
//! | `/simulate` | what would happen if regions were lost |
//! | `/whoami` | who asks ([`whoami`]) |
//! | `/openapi.json` | all paths, for programs ([`openapi`]) |
//! | `/intents/NUMBER/receipt` | when the last client may be gone ([`drain_status`]) |
//! | `/history` | what people have done, and what came of drills ([`history`]) |
//! | `/intents`, `/proposals/N/approve`, `/failback/REGION` | what operators want ([`intents`]) |
//!
//! All but the last only read, and none stands in the way of answering queries: requests are small and without a
//! body, connections few and, but for those who watch, short (`listen`), and whatever takes time to render does so on threads of
//! its own. What it reads is published by the shell in [`State`].

pub mod access;
pub mod atlas;
pub mod availability;
pub mod drain_status;
mod explain;
pub mod history;
pub mod intents;
mod listen;
pub mod map;
mod openapi;
pub mod overview;
mod routes;
mod simulate;
pub mod status;
mod stream;
#[cfg(test)]
mod tests;
pub mod tls;
mod ui;
pub mod whoami;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Semaphore, mpsc, oneshot};

pub use listen::{BindError, Listener, bind, serve};

use access::{Access, Wrong};

use crate::canary::Sighting;
use crate::control::{Command, Done, Refusal, Report};
use crate::event::Event;
use crate::geo::Located;
use crate::metrics::Metrics;
use crate::moment::Moment;
use crate::snapshot::Snapshot;

/// Everything that the pages show. The shell makes one and stores in `seen` and `loaded` what changes.
pub struct State {
    /// What is served and what is known, replaced by the writer.
    pub seen: ArcSwap<Seen>,
    /// Where it comes from, replaced with every reload, also with one that fails.
    pub loaded: ArcSwap<Loaded>,
    /// Who may ask for what, replaced with every reload that succeeds.
    pub access: ArcSwap<Access>,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// When the process started.
    pub started_at: Moment,
    sources: Sources,
    wrong: Wrong,
    /// One explanation at a time: each may read a whole database.
    explaining: Arc<Semaphore>,
    /// One simulation at a time: each may take a processor for seconds.
    simulating: Arc<Semaphore>,
    live: stream::Live,
    atlases: atlas::Cache,
}

/// What the pages ask for when they are asked.
pub struct Sources {
    /// Returns the present moment.
    pub now: Box<dyn Fn() -> Moment + Send + Sync>,
    /// Returns the last result of the canary with this name, judged or not. It must not block. `None`:
    /// nothing later than the report has it.
    pub last: Box<Lookup>,
    /// Returns where the databases and the operator's networks put a client; `None` when they cannot
    /// be read. It may block: it runs on a thread of its own, one call at a time.
    pub locate: Box<dyn Fn(IpAddr) -> Option<Located> + Send + Sync>,
    /// Returns the last events, at most this many, the latest last. It must not block.
    pub history: Box<dyn Fn(usize) -> Vec<Arc<Event>> + Send + Sync>,
    /// Where orders of operators go.
    pub orders: mpsc::Sender<Order>,
}

/// What somebody asks the writer for.
#[derive(Debug)]
pub struct Order {
    /// What.
    pub request: Command,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<Done, Refusal>>,
}

/// Finds the last result of a canary.
pub type Lookup = dyn Fn(Whom<'_>, &str) -> Option<Sighting> + Send + Sync;

/// Whom a canary probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom<'n> {
    /// An address.
    Address(IpAddr),
    /// The region with this name, as a whole.
    Region(&'n str),
}

/// What is served and what is known of everything, at one moment.
#[derive(Debug)]
pub struct Seen {
    /// What queries are answered from.
    pub snapshot: Arc<Snapshot>,
    /// When it was published.
    pub published_at: Moment,
    /// What is known of everything; of the snapshot's configuration.
    pub report: Report,
}

/// Where the configuration in force comes from, and what became of the last attempt to replace it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration directory.
    pub directory: PathBuf,
    /// When the configuration in force was loaded.
    pub loaded_at: Moment,
    /// The Country or City database in force; `None` when none is configured.
    pub database: Option<Database>,
    /// The last attempt, when it failed; the configuration before it stays in force.
    pub failed: Option<Failed>,
}

/// The geo database in force.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its file.
    pub path: PathBuf,
    /// The type that it states, for example `GeoLite2-City`.
    pub kind: String,
    /// When it was built.
    pub built_at: Moment,
}

/// A reload that failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// When.
    pub at: Moment,
    /// Everything that is wrong, as `check` prints it.
    pub problems: Vec<String>,
}

impl State {
    /// Starts with the first snapshot, and what it was loaded from.
    pub fn new(
        seen: Seen,
        loaded: Loaded,
        metrics: Arc<Metrics>,
        started_at: Moment,
        sources: Sources,
    ) -> Self {
        Self {
            seen: ArcSwap::from_pointee(seen),
            loaded: ArcSwap::from_pointee(loaded),
            access: ArcSwap::default(),
            metrics,
            started_at,
            sources,
            wrong: Wrong::default(),
            explaining: Arc::new(Semaphore::new(1)),
            simulating: Arc::new(Semaphore::new(1)),
            live: stream::Live::default(),
            atlases: atlas::Cache::default(),
        }
    }

    /// Asks the writer for something. `None`: it does not answer, since it has too much to do or is stopping.
    async fn ask(&self, request: Command) -> Option<Result<Done, Refusal>> {
        let (reply, answer) = oneshot::channel();
        self.sources.orders.try_send(Order { request, reply }).ok()?;
        answer.await.ok()
    }

    /// Tells everybody who watches what has happened, and keeps it for those who come later. It never waits.
    pub fn tell(&self, event: Arc<Event>) {
        self.live.tell(event);
    }
}
