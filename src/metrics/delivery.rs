//! Delivery of events: those that the log lost, and the outcomes of deliveries to webhooks.
//!
//! `/metrics` prints the numbers, and `/status` shows them with the last error.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::WebhookRefusals;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfWebhook {
    webhook: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOutcome {
    webhook: String,
    outcome: &'static str,
}

/// Counters of the event log and of webhooks.
#[derive(Debug, Default)]
pub struct DeliveryMetrics {
    events_lost: Counter,
    deliveries: Family<OfOutcome, Counter>,
    pending: Family<OfWebhook, Gauge>,
    errors: Mutex<DeliveryErrors>,
}

/// What fails now.
#[derive(Debug, Default)]
struct DeliveryErrors {
    log: Option<String>,
    /// By webhook; `None`: the last delivery succeeded, or there was none.
    webhooks: BTreeMap<String, Option<String>>,
    /// By webhook: what was refused, or taken after that, since it was last asked for.
    refusals: BTreeMap<String, WebhookRefusals>,
}

impl DeliveryErrors {
    /// Returns what is kept of a webhook for those who ask what is refused.
    fn refusals(&mut self, webhook: &str) -> &mut WebhookRefusals {
        self.refusals.entry(webhook.to_owned()).or_insert_with(|| WebhookRefusals {
            webhook: webhook.to_owned(),
            refused: 0,
            why: String::new(),
            takes_again: false,
        })
    }
}

/// The outcome of a delivery to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver has the event.
    Accepted,
    /// The receiver does not want the event, and is not asked again.
    Rejected,
    /// An attempt failed, and another follows.
    Retried,
    /// The log dropped the event before it could be delivered.
    Lost,
}

impl Delivery {
    const ALL: [Self; 4] = [Self::Accepted, Self::Rejected, Self::Retried, Self::Lost];

    fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Retried => "retried",
            Self::Lost => "lost",
        }
    }
}

/// The state of the event log and of all webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    /// How many events the log has lost since the process started.
    pub events_lost: u64,
    /// Why it is losing them now; `None`: it is not.
    pub trouble: Option<String>,
    /// By name.
    pub webhooks: Vec<WebhookStatus>,
}

/// The deliveries to one webhook since the process started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookStatus {
    /// Its name.
    pub name: String,
    /// Events that the receiver has.
    pub accepted: u64,
    /// Events that the receiver refused.
    pub rejected: u64,
    /// Attempts that failed and were followed by another.
    pub retried: u64,
    /// Events that the log dropped before they could be delivered.
    pub lost: u64,
    /// Events that are still to be looked at for this webhook.
    pub pending: u64,
    /// The error of the last attempt; `None`: it succeeded.
    pub trouble: Option<String>,
}

impl DeliveryMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Events that the event log lost";
        registry.register("events_lost", help, self.events_lost.clone());
        let help = "Deliveries of events to a webhook by outcome: accepted, rejected, retried, lost";
        registry.register("webhook_deliveries", help, self.deliveries.clone());
        let help = "Events that are still to be looked at for a webhook";
        registry.register("webhook_pending_events", help, self.pending.clone());
    }

    /// Counts events that the log could not take.
    pub fn events_lost(&self, number: u64) {
        self.events_lost.inc_by(number);
    }

    /// Notes why the log loses events; `None`: it does not.
    pub fn log_is(&self, trouble: Option<String>) {
        self.errors().log = trouble;
    }

    /// Begins to count for a webhook with so many events pending, so that zeros show too.
    pub fn begin(&self, webhook: &str, pending: u64) {
        Delivery::ALL.into_iter().for_each(|outcome| self.count(webhook, outcome, 0));
        self.pending(webhook).set(signed(pending));
        self.errors().webhooks.insert(webhook.to_owned(), None);
    }

    /// Counts the outcome of an attempt, and keeps its error.
    pub fn attempted(&self, webhook: &str, outcome: Delivery, trouble: Option<String>) {
        self.count(webhook, outcome, 1);
        self.errors().webhooks.insert(webhook.to_owned(), trouble);
    }

    /// Notes that a receiver has refused an event.
    pub fn refused(&self, webhook: &str, why: &str) {
        let mut errors = self.errors();
        let refusals = errors.refusals(webhook);
        refusals.refused += 1;
        refusals.why = why.to_owned();
        refusals.takes_again = false;
    }

    /// Notes that a receiver has taken an event.
    pub fn taken(&self, webhook: &str) {
        self.errors().refusals(webhook).takes_again = true;
    }

    /// Returns what receivers have refused, or taken after that, since the last call.
    pub fn take_refusals(&self) -> Vec<WebhookRefusals> {
        std::mem::take(&mut self.errors().refusals).into_values().collect()
    }

    /// Counts events of one outcome.
    pub fn count(&self, webhook: &str, outcome: Delivery, number: u64) {
        self.deliveries.get_or_create(&of(webhook, outcome)).inc_by(number);
    }

    /// Counts one more event that is pending for every webhook.
    pub fn happened(&self) {
        for webhook in self.errors().webhooks.keys() {
            self.pending(webhook).inc();
        }
    }

    /// Counts that a webhook is done with so many events more.
    pub fn passed(&self, webhook: &str, number: u64) {
        self.pending(webhook).dec_by(signed(number));
    }

    /// Returns everything, for `/status`.
    pub fn report(&self) -> DeliveryReport {
        let errors = self.errors();
        let webhooks = errors.webhooks.iter().map(|(name, trouble)| {
            let count = |outcome| self.deliveries.get_or_create(&of(name, outcome)).get();
            WebhookStatus {
                name: name.clone(),
                accepted: count(Delivery::Accepted),
                rejected: count(Delivery::Rejected),
                retried: count(Delivery::Retried),
                lost: count(Delivery::Lost),
                pending: u64::try_from(self.pending(name).get()).unwrap_or_default(),
                trouble: trouble.clone(),
            }
        });
        let webhooks = webhooks.collect();
        DeliveryReport { events_lost: self.events_lost.get(), trouble: errors.log.clone(), webhooks }
    }

    fn pending(&self, webhook: &str) -> Gauge {
        self.pending.get_or_create_owned(&OfWebhook { webhook: webhook.to_owned() })
    }

    fn errors(&self) -> MutexGuard<'_, DeliveryErrors> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of(webhook: &str, outcome: Delivery) -> OfOutcome {
    OfOutcome { webhook: webhook.to_owned(), outcome: outcome.as_str() }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_told_once_with_its_count_and_whether_something_was_taken_since() {
        let delivery = DeliveryMetrics::default();
        let refuse = || delivery.refused("oncall", "status 401");
        let told = || {
            let refusals = delivery.take_refusals().into_iter();
            refusals.map(|one| (one.refused, one.why, one.takes_again)).collect::<Vec<_>>()
        };
        refuse();
        refuse();
        assert_eq!(told(), [(2, "status 401".to_owned(), false)]);
        assert_eq!(told(), []);
        refuse();
        delivery.taken("oncall");
        assert_eq!(told(), [(1, "status 401".to_owned(), true)]);
    }

    #[test]
    fn the_report_of_a_webhook_has_its_counts_and_its_last_error() {
        let delivery = DeliveryMetrics::default();
        delivery.begin("oncall", 4);
        delivery.attempted("oncall", Delivery::Retried, Some("refused".to_owned()));
        delivery.count("oncall", Delivery::Lost, 3);
        delivery.happened();
        delivery.passed("oncall", 3);
        let trouble = |delivery: &DeliveryMetrics| delivery.report().webhooks[0].trouble.clone();
        assert_eq!(trouble(&delivery).as_deref(), Some("refused"));
        delivery.attempted("oncall", Delivery::Accepted, None);
        let expected = WebhookStatus {
            name: "oncall".to_owned(),
            accepted: 1,
            rejected: 0,
            retried: 1,
            lost: 3,
            pending: 2,
            trouble: None,
        };
        assert_eq!(delivery.report().webhooks, [expected]);
    }
}
