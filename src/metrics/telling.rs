//! How well people are told: events that the log lost, and what became of deliveries to webhooks.
//!
//! `/metrics` prints the numbers, and `/status` shows them with the reasons.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    webhook: String,
}

/// What is counted of being told.
#[derive(Debug, Default)]
pub struct Telling {
    events_lost: Counter,
    delivered: Family<Of, Counter>,
    retried: Family<Of, Counter>,
    failed: Family<Of, Counter>,
    lost: Family<Of, Counter>,
    waiting: Family<Of, Gauge>,
    troubles: Mutex<Troubles>,
}

/// What is wrong now.
#[derive(Debug, Default)]
struct Troubles {
    /// Why events are being lost.
    log: Option<String>,
    /// By webhook; `None`: the last delivery succeeded, or there was none.
    webhooks: BTreeMap<String, Option<String>>,
}

/// What became of a delivery to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver has the event.
    Delivered,
    /// An attempt failed, and another follows.
    Retried,
    /// The receiver does not want the event, and will not be asked again.
    Failed,
}

/// How well people are told, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// How many events the log has lost since the process started.
    pub events_lost: u64,
    /// Why it is losing them now; `None`: it is not.
    pub trouble: Option<String>,
    /// The webhooks by name.
    pub webhooks: Vec<ToldWebhook>,
}

/// What became of the deliveries to one webhook since the process started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WebhookStatus")]
pub struct ToldWebhook {
    /// Its name.
    pub name: String,
    /// How many events it has.
    pub delivered: u64,
    /// How many attempts failed and were followed by another.
    pub retried: u64,
    /// How many events it refused.
    pub failed: u64,
    /// How many events were given up before they could be delivered.
    pub lost: u64,
    /// How many events are to be gone through yet.
    pub waiting: u64,
    /// How the last attempt failed; `None`: it did not.
    pub trouble: Option<String>,
}

impl Telling {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Events that the event log lost";
        registry.register("events_lost", help, self.events_lost.clone());
        let help = "Events that a webhook has taken";
        registry.register("webhook_delivered", help, self.delivered.clone());
        let help = "Deliveries to a webhook that failed and were tried again";
        registry.register("webhook_retried", help, self.retried.clone());
        let help = "Events that a webhook has refused";
        registry.register("webhook_failed", help, self.failed.clone());
        let help = "Events that were given up before a webhook could take them";
        registry.register("webhook_lost", help, self.lost.clone());
        let help = "Events that are to be gone through for a webhook yet";
        registry.register("webhook_waiting", help, self.waiting.clone());
    }

    /// Counts events that the log could not take.
    pub fn events_lost(&self, number: u64) {
        self.events_lost.inc_by(number);
    }

    /// Notes whether the log loses events, and why.
    pub fn log_is(&self, trouble: Option<String>) {
        self.troubles().log = trouble;
    }

    /// Begins to count for a webhook, so that zeros show too. So many events are to be gone through for it.
    pub fn begin(&self, webhook: &str, waiting: u64) {
        let of = Of { webhook: webhook.to_owned() };
        for family in [&self.delivered, &self.retried, &self.failed, &self.lost] {
            family.get_or_create(&of).inc_by(0);
        }
        self.waiting.get_or_create(&of).set(signed(waiting));
        self.troubles().webhooks.insert(of.webhook, None);
    }

    /// Counts what became of a delivery, and notes what went wrong.
    pub fn came_of(&self, webhook: &str, delivery: Delivery, trouble: Option<String>) {
        let family = match delivery {
            Delivery::Delivered => &self.delivered,
            Delivery::Retried => &self.retried,
            Delivery::Failed => &self.failed,
        };
        family.get_or_create(&Of { webhook: webhook.to_owned() }).inc();
        self.troubles().webhooks.insert(webhook.to_owned(), trouble);
    }

    /// Counts events that were given up before a webhook could take them.
    pub fn given_up(&self, webhook: &str, number: u64) {
        self.lost.get_or_create(&Of { webhook: webhook.to_owned() }).inc_by(number);
    }

    /// Counts one more event that is to be gone through for every webhook.
    pub fn happened(&self) {
        for webhook in self.troubles().webhooks.keys() {
            self.waiting.get_or_create(&Of { webhook: webhook.clone() }).inc();
        }
    }

    /// Counts that a webhook is done with so many events more.
    pub fn passed(&self, webhook: &str, number: u64) {
        self.waiting.get_or_create(&Of { webhook: webhook.to_owned() }).dec_by(signed(number));
    }

    /// Returns everything, for `/status`.
    pub fn told(&self) -> Told {
        let troubles = self.troubles();
        let webhooks = troubles.webhooks.iter().map(|(name, trouble)| {
            let of = Of { webhook: name.clone() };
            let count = |family: &Family<Of, Counter>| family.get_or_create(&of).get();
            ToldWebhook {
                name: name.clone(),
                delivered: count(&self.delivered),
                retried: count(&self.retried),
                failed: count(&self.failed),
                lost: count(&self.lost),
                waiting: u64::try_from(self.waiting.get_or_create(&of).get()).unwrap_or_default(),
                trouble: trouble.clone(),
            }
        });
        Told {
            events_lost: self.events_lost.get(),
            trouble: troubles.log.clone(),
            webhooks: webhooks.collect(),
        }
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_of_a_webhook_is_told_with_its_last_trouble() {
        let telling = Telling::default();
        telling.begin("oncall", 4);
        telling.came_of("oncall", Delivery::Retried, Some("refused".to_owned()));
        telling.given_up("oncall", 3);
        telling.happened();
        telling.passed("oncall", 3);
        let trouble = |telling: &Telling| telling.told().webhooks[0].trouble.clone();
        assert_eq!(trouble(&telling).as_deref(), Some("refused"));
        telling.came_of("oncall", Delivery::Delivered, None);
        let expected = ToldWebhook {
            name: "oncall".to_owned(),
            delivered: 1,
            retried: 1,
            failed: 0,
            lost: 3,
            waiting: 2,
            trouble: None,
        };
        assert_eq!(telling.told().webhooks, [expected]);
    }
}
