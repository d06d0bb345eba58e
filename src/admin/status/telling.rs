//! How well people are told, as `/status` shows it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::metrics::{Told, ToldWebhook};

/// The event log.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "EventLog")]
pub struct Events {
    /// How many events the log has lost since the process started.
    pub lost: u64,
    /// Why it is losing them now; `null`: it is not.
    pub trouble: Option<String>,
}

/// A webhook, and what became of its deliveries since the process started.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// How many events it has taken.
    pub delivered: u64,
    /// How many attempts failed and were followed by another.
    pub retried: u64,
    /// How many events it has refused.
    pub failed: u64,
    /// How many events were given up before it could take them.
    pub lost: u64,
    /// How many events are to be gone through for it yet.
    pub waiting: u64,
    /// How the last attempt failed; `null`: it did not.
    pub trouble: Option<String>,
}

pub(super) fn events(told: &Told) -> Events {
    Events { lost: told.events_lost, trouble: told.trouble.clone() }
}

pub(super) fn webhooks(told: Told) -> Vec<Webhook> {
    let webhook = |told: ToldWebhook| {
        let ToldWebhook { name, delivered, retried, failed, lost, waiting, trouble } = told;
        Webhook { name, delivered, retried, failed, lost, waiting, trouble }
    };
    told.webhooks.into_iter().map(webhook).collect()
}
