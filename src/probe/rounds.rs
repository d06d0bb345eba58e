//! The rounds of one pair of canary and what it watches: wait, probe, report.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{self, Instant};

use super::check::{Outcome, Probe};
use super::live::{Live, Pair};
use super::trust::Trust;
use crate::canary::{Canary, CanaryId, Epoch, Heard, Observation, Sighting, Subject};
use crate::health::{Streak, pace};
use crate::moment::Moment;

/// Reads the clock.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// The rounds of one pair.
pub(super) struct Rounds {
    pub(super) shared: Arc<Shared>,
    pub(super) pair: Pair,
    pub(super) probe: Probe,
    pub(super) orders: watch::Receiver<Orders>,
    pub(super) random: fastrand::Rng,
}

/// What all tasks have in common.
pub(super) struct Shared {
    pub(super) results: mpsc::Sender<Observation>,
    pub(super) clock: Clock,
    pub(super) slots: Semaphore,
    pub(super) trust: Trust,
    pub(super) live: Arc<Live>,
}

/// What a task is to do, and under which numbers it reports.
#[derive(Clone)]
pub(super) struct Orders {
    pub(super) epoch: Epoch,
    pub(super) subject: Subject,
    pub(super) canary: CanaryId,
    pub(super) settings: Arc<Canary>,
}

impl Rounds {
    /// Goes on until nobody wants results or orders it any more.
    pub(super) async fn run(mut self) {
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
            let outcome = self.probe.run(settings.timeout).await;
            let latency = started.elapsed();
            drop(slot);
            streak.count(outcome.result.is_ok(), settings.thresholds);
            took = Some(latency);
            if self.report((self.shared.clock)(), latency, outcome).await.is_none() {
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
    async fn report(&self, at: Moment, latency: Duration, outcome: Outcome) -> Option<()> {
        let room = self.shared.results.reserve().await.ok()?;
        let Outcome { result, signals, remark } = outcome;
        let heard = signals.map(|signals| Heard { at, signals });
        let sighting = Sighting { at, latency, result: result.clone(), remark, signals: heard };
        self.shared.live.note(&self.pair, sighting);
        let orders = self.orders.borrow();
        room.send(Observation {
            epoch: orders.epoch,
            subject: orders.subject,
            canary: orders.canary,
            at,
            latency,
            result,
            signals,
        });
        Some(())
    }
}
