//! Runs canaries against addresses, each pair in its own rhythm, and sends what it sees to control.
//!
//! Every canary runs against every address of the regions that name it, from boot on and whether or
//! not anybody asks for the region. Each pair has a task, so that a slow one delays no other; a cap bounds
//! how many probes run at once. When to probe is `health::pace`, what results mean is `health::Board`: all
//! that is decided here is what a failure is ([`failure`]).
//!
//! A reload hands over another configuration ([`Prober::watch`]): pairs that are still in it keep their
//! rhythm, and learn their new numbers before they report again.

mod check;
mod failure;
mod http;
mod live;
#[cfg(test)]
mod tests;
mod trust;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{self, Instant};

pub use check::Probe;
pub use http::Error;
pub use live::{Live, Sighting};
pub use trust::Trust;

use crate::canary::{Canary, CanaryId, Epoch, Observation};
use crate::config::Config;
use crate::health::{Streak, pace};
use crate::moment::Moment;
use crate::region::{AddressId, Regions};
use live::Pair;

/// The most probes that run at once. It is a quarter of the usual limit of 1 024 open files, the rest being
/// for clients; with a timeout of 2 s it still takes 1 280 hanging addresses at an interval of 10 s before
/// probes have to wait for each other, and detection takes longer than `pace::worst_case` says.
const MAX_AT_ONCE: usize = 256;

/// How many results may wait for control: four rounds of the most that can finish at once. When control
/// does not keep up, probes wait instead of memory growing.
pub const MAX_WAITING: usize = 4 * MAX_AT_ONCE;

/// Reads the clock.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// Runs canaries. Dropping it ends them all.
pub struct Prober {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    running: HashMap<Pair, Running>,
    random: fastrand::Rng,
}

/// What all tasks have in common.
struct Shared {
    results: mpsc::Sender<Observation>,
    clock: Clock,
    slots: Semaphore,
    trust: Trust,
    live: Arc<Live>,
}

/// The task of one pair.
struct Running {
    orders: watch::Sender<Orders>,
    task: AbortHandle,
}

/// What a task is to do, and under which numbers it reports.
#[derive(Clone)]
struct Orders {
    epoch: Epoch,
    address: AddressId,
    canary: CanaryId,
    settings: Arc<Canary>,
}

impl Prober {
    /// Returns a prober that sends to `results`, a channel that should hold [`MAX_WAITING`], and draws its
    /// jitter from `seed`. It probes nothing before [`Prober::watch`].
    pub fn new(results: mpsc::Sender<Observation>, clock: Clock, trust: Trust, seed: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                results,
                clock,
                slots: Semaphore::new(MAX_AT_ONCE),
                trust,
                live: Arc::default(),
            }),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Returns the last result of every probe, which goes on changing.
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.shared.live)
    }

    /// Probes what `config` says from now on, and marks the observations with `epoch`. Must be called
    /// inside a tokio runtime.
    pub fn watch(&mut self, config: &Config, epoch: Epoch) {
        let wanted = pairs(&config.regions, &config.canaries, epoch);
        self.running.retain(|pair, running| {
            let is_same = wanted.get(pair).is_some_and(|orders| running.does(orders));
            if !is_same {
                running.task.abort();
            }
            is_same
        });
        for (pair, orders) in wanted {
            match self.running.get(&pair) {
                Some(running) => {
                    running.orders.send_replace(orders);
                }
                None => self.start(pair, orders),
            }
        }
        self.shared.live.keep(|pair| self.running.contains_key(pair));
        self.reap();
    }

    /// Starts the task of a new pair.
    fn start(&mut self, pair: Pair, orders: Orders) {
        let probe = match Probe::new(&orders.settings.check, pair.0, &self.shared.trust) {
            Ok(probe) => probe,
            Err(error) => {
                // No verdict is better than a wrong one: the address counts as up.
                tracing::error!(canary = %pair.1, address = %pair.0, "the canary cannot be run: {error}");
                return;
            }
        };
        let (orders, received) = watch::channel(orders);
        let rounds = Rounds {
            shared: Arc::clone(&self.shared),
            pair: pair.clone(),
            probe,
            orders: received,
            random: self.random.fork(),
        };
        let task = self.tasks.spawn(rounds.run());
        self.running.insert(pair, Running { orders, task });
    }

    /// Lets go of the tasks that have ended, and says so when one ended badly.
    fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!("a canary's task has died: {error}");
            }
        }
    }
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober")
            .field("pairs", &self.running.len())
            .finish_non_exhaustive()
    }
}

impl Running {
    /// Returns whether the task, as it was started, can follow these orders: pace and thresholds may
    /// change under way, the check may not.
    fn does(&self, orders: &Orders) -> bool {
        self.orders.borrow().settings.check == orders.settings.check && !self.task.is_finished()
    }
}

/// Returns every pair of a configuration with its orders.
fn pairs(regions: &Regions, canaries: &[Canary], epoch: Epoch) -> HashMap<Pair, Orders> {
    let named: Vec<(Arc<str>, Arc<Canary>)> = canaries
        .iter()
        .map(|canary| (Arc::from(canary.name.as_str()), Arc::new(canary.clone())))
        .collect();
    let named = &named;
    let pairs = regions.addresses().flat_map(|(id, address)| {
        let watching = regions.region(address.region).canaries.iter();
        watching.map(move |&canary| {
            let (name, settings) = &named[usize::from(canary.0)];
            let orders = Orders {
                epoch,
                address: id,
                canary,
                settings: Arc::clone(settings),
            };
            ((address.ip, Arc::clone(name)), orders)
        })
    });
    pairs.collect()
}

/// The rounds of one pair: wait, probe, report.
struct Rounds {
    shared: Arc<Shared>,
    pair: Pair,
    probe: Probe,
    orders: watch::Receiver<Orders>,
    random: fastrand::Rng,
}

impl Rounds {
    /// Goes on until nobody wants results or orders it any more.
    async fn run(mut self) {
        let mut streak = Streak::default();
        let mut started = Instant::now();
        let mut took = None;
        loop {
            if self.wait(started, &streak, took).await.is_none() {
                return;
            }
            let Ok(slot) = self.shared.slots.acquire().await else {
                return;
            };
            let settings = Arc::clone(&self.orders.borrow_and_update().settings);
            started = Instant::now();
            let result = self.probe.run(settings.timeout).await;
            let latency = started.elapsed();
            drop(slot);
            streak.count(result.is_ok(), settings.thresholds);
            took = Some(latency);
            let sighting = Sighting {
                at: (self.shared.clock)(),
                latency,
                result,
            };
            if self.report(sighting).await.is_none() {
                return;
            }
        }
    }

    /// Waits until the next probe is due. `None`: there will be none.
    async fn wait(&mut self, started: Instant, streak: &Streak, took: Option<Duration>) -> Option<()> {
        // Drawn once for each wait, so that a reload that leaves the pace alone leaves the rhythm alone.
        let jitter = self.random.f64();
        loop {
            let settings = Arc::clone(&self.orders.borrow_and_update().settings);
            let wait = match took {
                Some(took) => pace::wait(&settings, streak, took, jitter),
                None => pace::spread(&settings, jitter),
            };
            tokio::select! {
                () = time::sleep_until(started + wait) => return Some(()),
                changed = self.orders.changed() => changed.ok()?,
            }
        }
    }

    /// Sends a result under the numbers of this moment. `None`: nobody takes results any more.
    async fn report(&self, sighting: Sighting) -> Option<()> {
        let room = self.shared.results.reserve().await.ok()?;
        self.shared.live.note(&self.pair, sighting.clone());
        let orders = self.orders.borrow();
        room.send(Observation {
            epoch: orders.epoch,
            address: orders.address,
            canary: orders.canary,
            at: sighting.at,
            latency: sighting.latency,
            result: sighting.result,
        });
        Some(())
    }
}
