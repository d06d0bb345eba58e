//! Delivers events to receivers over HTTP: every event of sufficient severity, in order, at least once.
//!
//! ```text
//!   event log ──▶ wanted? ──▶ POST ──▶ accepted ────────────────────▶ the next
//!       ▲                      ▲ ╰───▶ rejected (4xx): counted, logged ▶ the next
//!       │ cursor               ╰─ wait 1 s … 60 s ◀── failed
//! ```
//!
//! The event log is the queue, and a cursor says how far a webhook has come in it: a receiver that was down
//! has everything later, also after a restart. An event is sent again only when it is not known whether the
//! receiver has it, under the same `Meridian-Delivery`. What the log gave up before it could be sent is
//! counted as lost. Each webhook is a task of its own; no other task waits for it. The log, the cursor and secrets
//! are left to the shell.

pub(crate) mod request;
mod shape;
mod signature;

use std::future::Future;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time;

use crate::config;
use crate::event::Event;
use crate::metrics::{Delivery, Metrics};
use crate::outbound::Backoff;
use crate::probe::Trust;
use crate::severity::Severity;
use request::{DeliveryOutcome, Requests};

/// The lengths of a secret: 16 bytes are 128 bits at the very best, and a file of more than 4 KiB is something else.
pub const SECRET_BYTES: RangeInclusive<usize> = 16..=4096;

/// The waits between attempts: a receiver that is being restarted is back within seconds, and one that was down for an
/// hour has everything a minute after.
pub(crate) const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

/// One receiver.
pub struct WebhookSender {
    name: String,
    min_severity: Severity,
    requests: Requests,
    metrics: Arc<Metrics>,
}

/// Where events come from, and where it is kept how many of them are done with. Both may block: they run on
/// threads of their own.
pub struct Queue {
    /// Returns the first events after the one with this number, in their order; some, not necessarily all.
    pub after: Arc<dyn Fn(u64) -> Vec<Arc<Event>> + Send + Sync>,
    /// Writes down that everything up to this number is done with.
    pub keep: Arc<dyn Fn(u64) + Send + Sync>,
    /// The number of the last event there is. When its sender is gone, no more will come.
    pub last: watch::Receiver<u64>,
    /// The number of the last event that is done with.
    pub done: u64,
}

impl WebhookSender {
    /// Prepares to tell a receiver in the name of an instance.
    ///
    /// # Errors
    ///
    /// When the HTTP client cannot be set up.
    pub fn new(
        settings: &config::Webhook,
        secret: Option<Vec<u8>>,
        instance: String,
        trust: &Trust,
        metrics: Arc<Metrics>,
    ) -> Result<Self, reqwest::Error> {
        let requests = Requests::new(settings, secret, instance, trust)?;
        Ok(Self { name: settings.name.clone(), min_severity: settings.min_severity, requests, metrics })
    }

    /// Delivers events for as long as there are any to come.
    pub async fn run(self, mut queue: Queue) {
        loop {
            let last = *queue.last.borrow_and_update();
            let batch = if queue.done < last { queue.take().await } else { Vec::new() };
            if batch.is_empty() {
                if queue.last.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let before = queue.done;
            for event in batch {
                self.pass(&event, &mut queue).await;
            }
            if queue.done != before {
                queue.keep().await;
            }
        }
    }

    /// Delivers an event if it is wanted, and is done with it.
    async fn pass(&self, event: &Event, queue: &mut Queue) {
        // Numbers have no gaps: what is not there was given up.
        let lost = event.number.saturating_sub(queue.done + 1);
        if lost > 0 {
            tracing::warn!(webhook = self.name, "{lost} events were given up before they could be sent");
            self.metrics.delivery.count(&self.name, Delivery::Lost, lost);
        }
        queue.done = event.number;
        if event.is_wanted(self.min_severity) {
            deliver_with_retry(
                || self.requests.send(event),
                |outcome, failures| self.tell(event, outcome, failures),
            )
            .await;
            queue.keep().await;
        }
        self.metrics.delivery.passed(&self.name, lost + 1);
    }

    /// Counts what became of an attempt, and says what is new: that a receiver fails, and that it does not
    /// any more.
    fn tell(&self, event: &Event, outcome: &DeliveryOutcome, failures: u32) {
        let (webhook, delivery) = (&self.name, &self.metrics.delivery);
        // What becomes of the alarm about refusals says nothing of refusals: it would raise and clear itself for ever.
        if !event.is_about_webhooks() {
            match outcome {
                DeliveryOutcome::Accepted => delivery.taken(webhook),
                DeliveryOutcome::Rejected(why) => delivery.refused(webhook, why),
                DeliveryOutcome::Failed(_) => {}
            }
        }
        match outcome {
            DeliveryOutcome::Accepted => {
                delivery.attempted(webhook, Delivery::Accepted, None);
                if failures > 0 {
                    tracing::info!(
                        webhook,
                        "events are delivered again, after {failures} attempts that failed"
                    );
                }
            }
            DeliveryOutcome::Rejected(why) => {
                delivery.attempted(webhook, Delivery::Rejected, Some(why.clone()));
                tracing::error!(webhook, "an event is refused, and is not sent again: {why}");
            }
            DeliveryOutcome::Failed(why) => {
                delivery.attempted(webhook, Delivery::Retried, Some(why.clone()));
                if failures == 0 {
                    tracing::warn!(webhook, "events wait, and delivery is tried again: {why}");
                }
            }
        }
    }
}

impl Queue {
    async fn take(&self) -> Vec<Arc<Event>> {
        let (after, done) = (Arc::clone(&self.after), self.done);
        tokio::task::spawn_blocking(move || after(done)).await.unwrap_or_default()
    }

    async fn keep(&self) {
        let (keep, done) = (Arc::clone(&self.keep), self.done);
        // A cursor that is not kept costs a second delivery after a restart, and says so itself.
        let _ = tokio::task::spawn_blocking(move || keep(done)).await;
    }
}

/// Tries until the event is taken or refused. Tells of each outcome, with the number of failures before it.
async fn deliver_with_retry<F: Future<Output = DeliveryOutcome>>(
    attempt: impl Fn() -> F,
    tell: impl Fn(&DeliveryOutcome, u32),
) {
    for failures in 0_u32.. {
        let outcome = attempt().await;
        tell(&outcome, failures);
        match outcome {
            DeliveryOutcome::Accepted | DeliveryOutcome::Rejected(_) => return,
            DeliveryOutcome::Failed(_) => time::sleep(BACKOFF.wait(failures + 1, fastrand::f64())).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_event_is_tried_after_longer_and_longer_waits_until_it_is_taken() {
        let start = Instant::now();
        let times = RefCell::new(Vec::new());
        let attempt = || {
            times.borrow_mut().push(start.elapsed().as_secs_f64());
            let is_taken = times.borrow().len() == 10;
            async move {
                if is_taken {
                    DeliveryOutcome::Accepted
                } else {
                    DeliveryOutcome::Failed("refused".to_owned())
                }
            }
        };
        let told = RefCell::new(Vec::new());
        deliver_with_retry(attempt, |outcome, failures| told.borrow_mut().push((outcome.clone(), failures)))
            .await;
        let waits: Vec<f64> = times.borrow().windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (wait, longest) in waits.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]) {
            // The clock of tests goes in milliseconds.
            assert!((longest / 2.0 - 0.002..=longest + 0.002).contains(wait), "{waits:?}");
        }
        assert_eq!(told.borrow().last(), Some(&(DeliveryOutcome::Accepted, 9)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_is_not_tried_again() {
        let start = Instant::now();
        let told = RefCell::new(0);
        deliver_with_retry(
            || async { DeliveryOutcome::Rejected("status 404".to_owned()) },
            |_, _| *told.borrow_mut() += 1,
        )
        .await;
        assert_eq!((*told.borrow(), start.elapsed().as_secs()), (1, 0));
    }
}
