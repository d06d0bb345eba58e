//! Keeps up with where the names lead that availability zones are looked up by.
//!
//! Each name is looked up when the time to live of its records is over, and a few seconds after a lookup that failed. The
//! reload task makes a world of what was found; until then, and when nothing is found, the addresses of the lookup
//! before stay, also those of the last run.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use foldhash::{HashSet, HashSetExt};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{self, Instant};

use super::load::LoadedDirectory;
use super::locations::LocationsInForce;
use super::state_writer::chain;
use super::write_outcomes::WriteOutcomes;
use crate::config::{Config, Server};
use crate::files::{Saved, Store};
use crate::probe::HostResolver;
use crate::region::{Host, HostAddresses, HostLookup, LOOKUP_PAUSES};

/// How long the start waits for the first lookups. Names that are not found by then lead to where they led in the last run.
const FIRST_WITHIN: Duration = Duration::from_secs(2);

/// Looks names up.
pub struct HostWatch {
    /// `Err`: why no name can be looked up.
    resolver: Result<HostResolver, String>,
    own: OwnAddresses,
    /// The addresses that zones list.
    listed: HashSet<IpAddr>,
    /// When each name is looked up next; of those of the configuration in force.
    due: BTreeMap<String, Instant>,
}

/// The addresses that this server listens on.
struct OwnAddresses {
    listed: Vec<IpAddr>,
    /// Whether it listens on all addresses of the machine.
    are_all: bool,
}

/// Where the names led last, in memory and on disk.
#[derive(Debug, Default)]
pub struct HostMemory {
    pub known: HostAddresses,
    store: Option<(Arc<Store<HostAddresses>>, WriteOutcomes)>,
}

/// What is known of names as the server starts.
pub struct StartedHosts {
    pub memory: HostMemory,
    watch: HostWatch,
    /// What the first lookups found.
    first: Vec<HostLookup>,
}

/// What lookups find as long as the server runs.
pub struct HostFindings {
    pub first: Vec<HostLookup>,
    pub later: mpsc::Receiver<Vec<HostLookup>>,
    /// Takes the configuration whose names are looked up.
    pub in_force: watch::Sender<Arc<Config>>,
}

/// Looks up all names as the server starts, and returns what is loaded with the addresses that they lead to.
pub async fn begin(
    loaded: LoadedDirectory,
    saved: Option<(Store<HostAddresses>, Option<HostAddresses>)>,
    outcomes: &WriteOutcomes,
) -> (LoadedDirectory, StartedHosts) {
    let mut memory = HostMemory::new(saved, outcomes);
    let mut watch = HostWatch::new(&loaded.base.config.server);
    if loaded.base.config.regions.hosts().next().is_none() {
        return (loaded, StartedHosts { memory, watch, first: Vec::new() });
    }
    let lookups = watch.first(&loaded.base.config).await;
    memory.take(&lookups, &loaded.base.config).await;
    let base = Arc::new(loaded.base.led_by(&memory.known));
    let locations = LocationsInForce { base: Arc::clone(&base), ..loaded.locations };
    (LoadedDirectory { base, locations, ..loaded }, StartedHosts { memory, watch, first: lookups })
}

impl StartedHosts {
    /// Goes on looking up the names of a configuration, in a task of its own.
    pub fn follow(self, config: &Arc<Config>) -> (HostMemory, HostFindings, JoinHandle<()>) {
        let (in_force, followed) = watch::channel(Arc::clone(config));
        let (found, later) = mpsc::channel(1);
        let task = tokio::spawn(self.watch.run(followed, found));
        (self.memory, HostFindings { first: self.first, later, in_force }, task)
    }
}

impl HostWatch {
    pub fn new(server: &Server) -> Self {
        let resolver = HostResolver::new(&server.resolvers);
        let resolver = resolver.map_err(|error| format!("cannot be looked up: {}", chain(&error)));
        Self { resolver, own: OwnAddresses::of(server), listed: HashSet::new(), due: BTreeMap::new() }
    }

    /// Looks up all names of a configuration as the server starts.
    pub async fn first(&mut self, config: &Config) -> Vec<HostLookup> {
        let hosts: Vec<Host> = config.regions.hosts().cloned().collect();
        self.listed = listed(config);
        let names: Vec<String> = hosts.iter().map(|host| host.name.clone()).collect();
        match time::timeout(FIRST_WITHIN, self.look_up(hosts)).await {
            Ok(lookups) => lookups,
            Err(_) => {
                let why = format!("was not looked up within {FIRST_WITHIN:?}");
                let lookup = |host| HostLookup { host, found: Err(why.clone()) };
                names.into_iter().map(lookup).collect()
            }
        }
    }

    /// Looks up the names of the configuration in force until nobody wants to know.
    pub async fn run(
        mut self,
        mut in_force: watch::Receiver<Arc<Config>>,
        found: mpsc::Sender<Vec<HostLookup>>,
    ) {
        loop {
            let config = Arc::clone(&in_force.borrow_and_update());
            let hosts: Vec<Host> = config.regions.hosts().cloned().collect();
            self.listed = listed(&config);
            let now = Instant::now();
            self.due.retain(|name, _| hosts.iter().any(|host| host.name == *name));
            for host in &hosts {
                self.due.entry(host.name.clone()).or_insert(now);
            }
            let next = self.due.values().min().copied();
            let is_due = tokio::select! {
                changed = in_force.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    false
                }
                () = sleep_until(next) => true,
            };
            if is_due {
                let now = Instant::now();
                let due = hosts.into_iter().filter(|host| self.due[&host.name] <= now).collect();
                if found.send(self.look_up(due).await).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Says whose an address is that no name may lead to; `None`: nobody's.
    fn owner(&self, ip: IpAddr) -> Option<&'static str> {
        match () {
            () if self.own.holds(ip) => Some("this server"),
            () if self.listed.contains(&ip) => Some("listed in another zone"),
            () => None,
        }
    }

    /// Looks up names, all at once, and notes when to do so again.
    async fn look_up(&mut self, hosts: Vec<Host>) -> Vec<HostLookup> {
        let mut lookups = JoinSet::new();
        for host in hosts {
            let resolver = self.resolver.clone();
            lookups.spawn(async move {
                let found = match resolver {
                    Ok(resolver) => resolver.look_up(&host.name).await,
                    Err(why) => Err(why),
                };
                (host, found)
            });
        }
        let mut told = Vec::new();
        for (host, found) in lookups.join_all().await {
            let ttl = found.as_ref().map_or(Duration::ZERO, |found| found.ttl);
            let judged = found.and_then(|found| host.judge(found.ips, |ip| self.owner(ip)));
            let ttl = if judged.is_ok() { ttl } else { Duration::ZERO };
            let pause = ttl.clamp(*LOOKUP_PAUSES.start(), *LOOKUP_PAUSES.end());
            self.due.insert(host.name.clone(), Instant::now() + pause);
            told.push(HostLookup { host: host.name, found: judged });
        }
        told.sort_by(|one, other| one.host.cmp(&other.host));
        told
    }
}

impl OwnAddresses {
    fn of(server: &Server) -> Self {
        let dns = server.listen.dns.iter();
        let tls = server.listen.tls.iter().flat_map(|tls| &tls.addresses);
        let ips = dns.chain(tls).map(SocketAddr::ip);
        let (all, listed): (Vec<_>, Vec<_>) = ips.partition(IpAddr::is_unspecified);
        Self { listed, are_all: !all.is_empty() }
    }

    /// Returns whether an address is one of this server.
    fn holds(&self, ip: IpAddr) -> bool {
        // What can be bound is an address of this machine. Every address of the loopback network is, of any machine.
        let is_here = || !ip.is_loopback() && UdpSocket::bind((ip, 0)).is_ok();
        self.listed.contains(&ip) || self.are_all && is_here()
    }
}

impl HostMemory {
    /// Goes on with where the names led in the last run.
    pub fn new(
        saved: Option<(Store<HostAddresses>, Option<HostAddresses>)>,
        outcomes: &WriteOutcomes,
    ) -> Self {
        let Some((store, known)) = saved else { return Self::default() };
        Self { known: known.unwrap_or_default(), store: Some((Arc::new(store), outcomes.clone())) }
    }

    /// Takes what was found, and returns whether that is anything else than before.
    pub async fn take(&mut self, lookups: &[HostLookup], config: &Config) -> bool {
        let before = self.known.clone();
        for HostLookup { host, found } in lookups {
            if let Ok(ips) = found {
                self.known.0.insert(host.clone(), ips.clone());
            }
        }
        // Those of another configuration are not needed any more.
        self.known.0.retain(|name, _| config.regions.hosts().any(|host| host.name == *name));
        let is_other = self.known != before;
        if is_other {
            self.save().await;
        }
        is_other
    }

    async fn save(&self) {
        let Some((store, outcomes)) = &self.store else { return };
        let (store, known) = (Arc::clone(store), self.known.clone());
        let saved = tokio::task::spawn_blocking(move || store.save(&known).map_err(|error| chain(&error)));
        let why = saved.await.unwrap_or_else(|error| Err(error.to_string())).err();
        outcomes.note(HostAddresses::FILE, why);
    }
}

/// Returns the addresses that zones list.
fn listed(config: &Config) -> HashSet<IpAddr> {
    let zones = config.regions.zones().filter(|(_, _, zone)| zone.host.is_none());
    zones.flat_map(|(_, _, zone)| zone.addresses.iter().copied()).collect()
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
