//! `webhooks` in `server.yaml`: receivers of events over HTTP.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secret::{self, Secret, SecretSpec};
use crate::config::problem::{Reporter, Span};
use crate::config::values::url::{has_user, is_url};
use crate::config::values::{Checked, Value, required_name};
use crate::config::yaml::{Setting, Written};
use crate::severity::Severity;

/// The most webhooks: each is a task of its own, with a connection now and then.
pub const MAX_WEBHOOKS: usize = 32;

/// A receiver of events over HTTP.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSpec {
    /// Its name in logs, metrics and `/status`, and in the name of the file that holds how far it has
    /// come. 1 to 63 letters, digits, hyphens, underscores and dots.
    name: Value<String>,
    /// Where events are posted to, for example `https://hooks.example.com/meridian`, or
    /// `https://events.pagerduty.com/v2/enqueue`. Redirects are not followed, and no proxy is used.
    url: Value<String>,
    /// What is posted. Left out: `json`.
    shape: Option<Setting<WebhookShape>>,
    /// What requests are signed with; for `pagerduty` the routing key, which it needs. At least 16 octets. Left
    /// out: requests are not signed. Read when the server starts.
    secret: Option<Setting<SecretSpec>>,
    /// The least severity that is sent; the end of a trouble is sent wherever its beginning would be. Left
    /// out: `warning`.
    min_severity: Option<Setting<Severity>>,
}

/// A receiver of events over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name, unique.
    pub name: String,
    /// An `http` or `https` URL. It may itself be a secret, as Slack's are.
    pub url: String,
    pub shape: WebhookShape,
    /// What requests are signed with, or the routing key of PagerDuty, which always has one.
    pub secret: Option<Secret>,
    /// The least severity that is sent.
    pub min_severity: Severity,
}

/// What is posted to a webhook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookShape {
    /// The event as it is in the event log.
    #[default]
    Json,
    /// A line of text, for an incoming webhook of Slack.
    Slack,
    /// An event of PagerDuty's Events API v2, which ends what it began.
    #[serde(rename = "pagerduty")]
    PagerDuty,
}

/// Lowers `webhooks`.
pub(super) fn lower(
    spec: &Option<Setting<Vec<Setting<WebhookSpec>>>>,
    directory: &Path,
    report: &mut Reporter,
) -> Vec<Webhook> {
    let mut webhooks: Vec<Webhook> = Vec::new();
    for (spec, span) in spec.at_most(MAX_WEBHOOKS, "webhooks", report) {
        let Some(webhook) = webhook(spec, span, directory, report) else {
            continue;
        };
        if webhooks.iter().any(|before| before.name == webhook.name) {
            let message = format!("there are two webhooks `{}`", webhook.name);
            let finding = report.error(spec.name.span().unwrap_or(span), message);
            finding.hint("each keeps under its name how far it has come");
        }
        webhooks.push(webhook);
    }
    webhooks
}

fn webhook(spec: &WebhookSpec, span: Span, directory: &Path, report: &mut Reporter) -> Option<Webhook> {
    let name = required_name(&spec.name, span, "write `name: oncall`", report);
    const URL: &str = "write `url: https://hooks.example.com/meridian`";
    let url = spec.url.required("url", span, URL, report);
    if let Some((_, span)) = url.filter(|(url, _)| has_user(url)) {
        report.error(span, "the URL has a user or a password").hint("leave them out: they are not sent");
    } else if let Some((url, span)) = url.filter(|(url, _)| !is_url(url)) {
        report.error(span, format!("`{url}` is not an `http` or `https` URL")).hint(URL);
    }
    let shape = spec.shape.get_or_default();
    if shape == WebhookShape::PagerDuty && spec.secret.is_none() {
        let finding = report.error(span, "`secret` is missing: PagerDuty needs a routing key");
        finding.hint("write `secret: { file: /run/secrets/pagerduty }`");
    }
    let secret = spec
        .secret
        .given()
        .and_then(|(secret, span)| secret::lower(secret.keys(), "secret", span, directory, report));
    Some(Webhook {
        secret: secret.map(|(secret, _)| secret),
        name: name?.0.clone(),
        url: url?.0.clone(),
        shape,
        min_severity: spec.min_severity.get_or(Severity::Warning),
    })
}
