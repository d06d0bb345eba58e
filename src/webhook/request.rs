//! One attempt to deliver one event: a POST that is signed, has a limit, and follows no redirect.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};

use super::{shape, signature};
use crate::config::{self, WebhookShape};
use crate::event::Event;
use crate::outbound;
use crate::probe::Trust;

/// How long a receiver may take. One that works takes milliseconds, and around the globe less than a second.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The outcome of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DeliveryOutcome {
    /// The receiver has the event.
    Accepted,
    /// The receiver does not want the event, now or later.
    Rejected(String),
    /// The receiver may accept it later.
    Failed(String),
}

/// Makes requests to one receiver.
#[derive(Debug)]
pub(super) struct Requests {
    client: Client,
    url: String,
    shape: WebhookShape,
    secret: Option<Vec<u8>>,
    instance: String,
}

impl Requests {
    /// Prepares requests. What signs them, or is the routing key, is `secret`.
    pub(super) fn new(
        settings: &config::Webhook,
        secret: Option<Vec<u8>>,
        instance: String,
        trust: &Trust,
    ) -> Result<Self, reqwest::Error> {
        let client = outbound::client(&settings.url, trust).timeout(PATIENCE).build()?;
        let (url, shape) = (settings.url.clone(), settings.shape);
        Ok(Self { client, url, shape, secret, instance })
    }

    /// Tries once.
    pub(super) async fn send(&self, event: &Event) -> DeliveryOutcome {
        let body = self.body(event);
        let mut request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header("Meridian-Event", event.kind.as_str())
            .header("Meridian-Delivery", delivery(event, &self.instance));
        if let (Some(secret), WebhookShape::Json | WebhookShape::Slack) = (&self.secret, self.shape) {
            // The receiver compares it with its own wall clock.
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            request = request.header("Meridian-Signature", signature::sign(secret, now, &body));
        }
        match request.body(body).send().await {
            // What the body says is not read: it may be endless.
            Ok(response) => judge(response.status()),
            Err(error) if error.is_builder() => DeliveryOutcome::Rejected(said(error)),
            Err(error) => DeliveryOutcome::Failed(said(error)),
        }
    }

    fn body(&self, event: &Event) -> Vec<u8> {
        match self.shape {
            WebhookShape::Json => shape::json(event),
            WebhookShape::Slack => shape::slack(event, &self.instance),
            WebhookShape::PagerDuty => {
                let key = self.secret.as_deref().unwrap_or_default();
                shape::pagerduty(event, &self.instance, &String::from_utf8_lossy(key))
            }
        }
    }
}

/// Returns what tells a delivery from all others: the same for every attempt, and another for an event that has
/// its number from a log that was begun anew.
fn delivery(event: &Event, instance: &str) -> String {
    format!("{instance}-{}-{}", event.number, event.time.0)
}

/// Returns what a status says. What is wrong with a request is wrong the next time too, but for a receiver
/// that is slow (408) or wants to be asked less often (429).
fn judge(status: StatusCode) -> DeliveryOutcome {
    match status.as_u16() {
        200..=299 => DeliveryOutcome::Accepted,
        300..=399 => {
            DeliveryOutcome::Rejected(format!("status {}, and redirects are not followed", status.as_u16()))
        }
        408 | 429 => DeliveryOutcome::Failed(format!("status {}", status.as_u16())),
        400..=499 => DeliveryOutcome::Rejected(format!("status {}", status.as_u16())),
        other => DeliveryOutcome::Failed(format!("status {other}")),
    }
}

/// Returns why a request failed.
fn said(error: reqwest::Error) -> String {
    match error.is_timeout() {
        true => format!("no answer within {} s", PATIENCE.as_secs()),
        false => outbound::failure(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;

    #[test]
    fn only_what_may_be_otherwise_later_is_tried_again() {
        let outcomes = [200, 204, 302, 400, 404, 408, 429, 500, 503].map(|status| {
            match judge(StatusCode::from_u16(status).expect("a status")) {
                DeliveryOutcome::Accepted => 't',
                DeliveryOutcome::Rejected(_) => 'r',
                DeliveryOutcome::Failed(_) => 'f',
            }
        });
        assert_eq!(String::from_iter(outcomes), "ttrrrffff");
    }

    #[test]
    fn a_delivery_has_one_name_for_all_attempts() {
        let event = Event { number: 17, ..Event::failback("tokyo", "Jo", Moment(1_700_000_000_000)) };
        assert_eq!(delivery(&event, "ns1"), "ns1-17-1700000000000");
    }
}
