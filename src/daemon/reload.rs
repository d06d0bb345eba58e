//! Reloads the configuration when it has changed on disk, or on SIGHUP.
//!
//! A bad configuration changes nothing: it is logged once, counted, and shown by `/status` until a good one takes its
//! place. A database that cannot be used leaves the one before in use, and everything else takes effect. Tokens are the
//! exception: one whose file is gone, unreadable or another one is so at once, whatever the rest is worth.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::sync::mpsc;
use tokio::time;

use super::clock::SystemClock;
use super::generations::{self, GenerationKeeper, LoadedRollback};
use super::hosts::{HostFindings, HostMemory};
use super::load::{self, LoadedDirectory};
use super::locations::LocationsInForce;
use super::secrets;
use super::state_writer::{RETRY_EVERY, chain};
use crate::admin::access::AccessPolicy;
use crate::admin::{self, ConfigOrigin, FailedReload, RollbackOrder};
use crate::config::{Access, Config, Server};
use crate::control::{Input, NumberedConfig};
use crate::files::stamp::Stamp;
use crate::files::watch::FileWatcher;
use crate::metrics::Metrics;
use crate::region::HostLookup;
use crate::serve::DotPolicy;
use crate::units::TimeSpan;

/// The pause before a watch that failed is tried again, and the files are looked at without one: as soon as somebody who
/// has saved a file wonders what became of it.
const WATCH_AGAIN: Duration = Duration::from_secs(5);

/// The task that reloads.
pub struct Reload {
    pub directory: PathBuf,
    pub clock: SystemClock,
    pub metrics: Arc<Metrics>,
    pub admin: Arc<admin::AdminState>,
    /// Takes the results: what snapshots are compiled from, or all mistakes.
    pub inputs: mpsc::Sender<Input>,
    /// Where the names of availability zones lead.
    pub hosts: HostMemory,
    /// What clients of DNS over TLS are shown; `None`: there is no such address.
    pub tls: Option<Arc<DotPolicy>>,
    /// The configuration that the process was started with: some settings hold until it ends.
    pub started_with: Arc<Config>,
    /// Its files right before they were read.
    pub started_from: Stamp,
    /// Its databases.
    pub started_locations: LocationsInForce,
    /// How it came to be in force.
    pub started_as: NumberedConfig,
    /// The generations, of which the last is in force.
    pub generations: GenerationKeeper,
}

/// What is in force after a reload.
struct Reloaded {
    server: Server,
    locations: LocationsInForce,
}

impl Reload {
    /// Runs until `inputs` is closed.
    pub async fn run(
        mut self,
        mut hangup: Signal,
        findings: HostFindings,
        mut rollbacks: mpsc::Receiver<RollbackOrder>,
    ) {
        let HostFindings { first, later: mut found, in_force } = findings;
        let _ = self.inputs.send(Input::Numbered(std::mem::take(&mut self.started_as))).await;
        if !first.is_empty() {
            let _ = self.inputs.send(Input::Resolved { base: None, lookups: first }).await;
        }
        let mut server = self.started_with.server.clone();
        // The files that were read last, whether they were accepted or refused.
        let mut read = self.started_from.clone();
        let mut locations = self.started_locations.clone();
        let mut watch = self.watch(&server);
        while !self.inputs.is_closed() {
            let mut asked = None;
            if read.again() == read {
                tokio::select! {
                    _ = hangup.recv() => tracing::info!("SIGHUP: reloading the configuration"),
                    Some(order) = rollbacks.recv() => asked = Some(order),
                    () = time::sleep(RETRY_EVERY), if self.generations.is_unsaved() => {
                        self.generations.save().await;
                        continue;
                    }
                    seen = changed(watch.as_mut()) => {
                        // A directory that was replaced is another one to the system, so every place is
                        // watched again. The stamps tell whether anything that is read has changed: a state
                        // directory may lie beside the files.
                        if seen.is_none() {
                            let pause = TimeSpan(WATCH_AGAIN);
                            tracing::warn!("the watch of the configuration ended; it is tried again in {pause}");
                        }
                        watch = seen.and_then(|()| self.watch(&server));
                        continue;
                    }
                    Some(lookups) = found.recv() => {
                        locations = self.resolve(locations, lookups).await;
                        continue;
                    }
                    () = time::sleep(WATCH_AGAIN), if watch.is_none() => {
                        watch = self.watch_again(&server);
                        continue;
                    }
                }
            }
            let reloaded = match asked {
                Some(order) => self.roll_back(order, locations.clone(), &mut read).await,
                None => self.reload(locations.clone(), &mut read).await,
            };
            match reloaded {
                Some(reloaded) => {
                    Reloaded { server, locations } = reloaded;
                    in_force.send_replace(Arc::clone(&locations.base.config));
                    watch = self.watch(&server);
                }
                None => {
                    // What was read may end before the tokens, and a change of theirs must be seen.
                    server.access.files().for_each(|file| read.add(file));
                    self.reread_tokens(&server.access).await;
                }
            }
        }
    }

    /// Hands on what lookups found, and the world that follows if names lead elsewhere.
    async fn resolve(&mut self, locations: LocationsInForce, lookups: Vec<HostLookup>) -> LocationsInForce {
        let before = &locations.base;
        let base = match self.hosts.take(&lookups, &before.config).await {
            true => Some(Arc::new(before.led_by(&self.hosts.known))),
            false => None,
        };
        let locations = LocationsInForce {
            base: base.as_ref().map_or_else(|| Arc::clone(before), Arc::clone),
            sources: locations.sources,
        };
        // The writer is gone only when the server stops.
        let _ = self.inputs.send(Input::Resolved { base, lookups }).await;
        locations
    }

    fn watch(&self, server: &Server) -> Option<FileWatcher> {
        let watch = FileWatcher::start(&load::places(&self.directory, server));
        let say = |error: &_| {
            let pause = TimeSpan(WATCH_AGAIN);
            tracing::warn!("the configuration cannot be watched, and is looked at every {pause}: {error}");
        };
        watch.inspect_err(say).ok()
    }

    /// Tries to watch again after a failure that was told.
    fn watch_again(&self, server: &Server) -> Option<FileWatcher> {
        let watch = FileWatcher::start(&load::places(&self.directory, server)).ok();
        if watch.is_some() {
            tracing::info!("the configuration is watched again");
        }
        watch
    }

    /// Loads, hands the world on, and returns what is in force. `None`: it was refused. `read` becomes the stamp of
    /// what was read.
    async fn reload(&mut self, before: LocationsInForce, read: &mut Stamp) -> Option<Reloaded> {
        *read = read.again();
        let (directory, lineage) = (self.directory.clone(), self.generations.lineage().clone());
        let mut stamp = Stamp::default();
        let load = move || (load::load_over(&directory, Some(&before), Some(&lineage), &mut stamp), stamp);
        let loaded = match tokio::task::spawn_blocking(load).await {
            Ok((loaded, stamp)) => {
                *read = stamp;
                loaded
            }
            Err(error) => return self.refuse(&error.to_string()).await,
        };
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => return self.refuse(&chain(&error)).await,
        };
        // On disk before anything answers from it: after a crash it is known that it was in force.
        self.generations.take(&loaded, self.clock.now()).await;
        let numbered = NumberedConfig { passed_over: loaded.passed_over.clone(), rollback: None };
        self.take_over(loaded, numbered).await
    }

    /// Goes back to an earlier generation, and answers the operator when it is on disk and served.
    async fn roll_back(
        &mut self,
        order: RollbackOrder,
        before: LocationsInForce,
        read: &mut Stamp,
    ) -> Option<Reloaded> {
        let RollbackOrder { number, author, reply } = order;
        let (directory, lineage) = (self.directory.clone(), self.generations.lineage().clone());
        let held = self.generations.held().to_owned();
        let (mut stamp, state) = (read.clone(), self.started_with.server.state.clone());
        let load = move || {
            let loaded =
                generations::load_back(&directory, &lineage, number, held, Some(&before), state, &mut stamp);
            (loaded, stamp)
        };
        let (loaded, stamp) = tokio::task::spawn_blocking(load).await.ok()?;
        let made = match loaded {
            Ok(LoadedRollback { loaded, held }) => {
                let made = self.generations.roll_back(number, &held, &author, self.clock.now()).await;
                made.map(|numbered| (loaded, numbered))
            }
            Err(error) => Err(error),
        };
        match made {
            Ok((loaded, numbered)) => {
                *read = stamp;
                let text = self.generations.told(number);
                let reloaded = self.take_over(loaded, numbered).await;
                // There is room for one input: what was sent is served when there is room again.
                drop(self.inputs.reserve().await);
                let _ = reply.send(Ok(text));
                reloaded
            }
            Err(refusal) => {
                let _ = reply.send(Err(refusal.into()));
                None
            }
        }
    }

    /// Hands a world on that is on disk, and returns what is in force.
    async fn take_over(&self, loaded: LoadedDirectory, numbered: NumberedConfig) -> Option<Reloaded> {
        loaded.measure(&self.metrics, self.clock.now());
        if let Some(why) = &loaded.refused_database {
            tracing::error!(
                "a database is refused; the one before stays in use, and the rest is in force: {why}"
            );
        }
        loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        self.say_what_needs_a_restart(&loaded.base.config);
        self.admin.access.store(Arc::clone(&loaded.access));
        if let (Some(now), Some(before)) = (&loaded.tls, &self.tls) {
            before.show(now);
        }
        let facts = loaded.facts(&self.directory, self.clock.steady());
        self.admin.origin.store(Arc::new(self.generations.shown(facts)));
        let server = loaded.base.config.server.clone();
        let LocationsInForce { base, sources } = loaded.locations;
        let is_led = base.config.regions.hosts().next().is_some();
        let base = if is_led { Arc::new(base.led_by(&self.hosts.known)) } else { base };
        self.inputs.send(Input::Reloaded(Arc::clone(&base))).await.ok()?;
        self.inputs.send(Input::Numbered(numbered)).await.ok()?;
        Some(Reloaded { server, locations: LocationsInForce { base, sources } })
    }

    async fn refuse<T>(&self, why: &str) -> Option<T> {
        self.metrics.reloaded(false, self.clock.now());
        tracing::error!("the configuration is refused, and the one before stays in force:\n{why}");
        let problems = why.lines().map(str::to_owned).collect();
        let failed = Some(FailedReload { at: self.clock.steady(), problems });
        let before = ConfigOrigin::clone(&self.admin.origin.load());
        self.admin.origin.store(Arc::new(ConfigOrigin { failed, ..before }));
        self.inputs.send(Input::ReloadFailed(why.to_owned())).await.ok()?;
        None
    }

    /// Reads the tokens of the configuration in force again, when a later one is refused: one that was taken away or
    /// replaced must not let anybody in for as long as some other file is broken.
    async fn reread_tokens(&self, access: &Access) {
        let access = access.clone();
        // It was read before; a task that fails leaves what is in force.
        let Ok((tokens, unusable)) = tokio::task::spawn_blocking(move || secrets::of_tokens(&access)).await
        else {
            return;
        };
        let before = self.admin.access.load();
        for problem in &unusable {
            tracing::error!("a token is revoked until it can be read again: {problem}");
        }
        let AccessPolicy { tokens: _, tls, loopback } = &**before;
        let policy = AccessPolicy { tokens, tls: tls.clone(), loopback: *loopback };
        self.admin.access.store(Arc::new(policy));
    }

    fn say_what_needs_a_restart(&self, config: &Config) {
        let (now, then) = (&config.server, &self.started_with.server);
        let held = [
            ("listen.dns", now.listen.dns != then.listen.dns),
            ("listen.threads", now.listen.threads != then.listen.threads),
            ("listen.tls.addresses", addresses(now) != addresses(then)),
            ("admin", now.admin != then.admin),
            ("state", now.state != then.state),
            ("backup", now.backup != then.backup),
            ("user", now.user != then.user),
            ("log", now.log != then.log),
            ("webhooks", now.webhooks != then.webhooks),
            ("peers", now.peers != then.peers),
            ("resolvers", now.resolvers != then.resolvers),
        ];
        for (setting, _) in held.iter().filter(|(_, is_other)| *is_other) {
            tracing::warn!("server.yaml: the change of `{setting}` takes effect with a restart");
        }
    }
}

/// Returns where DNS over TLS is answered.
fn addresses(server: &Server) -> Option<&Vec<SocketAddr>> {
    server.listen.tls.as_ref().map(|tls| &tls.addresses)
}

async fn changed(watch: Option<&mut FileWatcher>) -> Option<()> {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}
