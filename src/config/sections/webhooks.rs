//! `webhooks` in `server.yaml`: who is told of events over HTTP.
//!
//! What a secret says is left to the shell: nothing here opens a file.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secret::{self, Secret, SecretSpec};
use crate::config::problem::{Reporter, Span};
use crate::config::values::url::is_url;
use crate::config::values::{Value, check_name, required, word};
use crate::config::yaml::Setting;
use crate::severity::Severity;

/// A receiver of events over HTTP.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSpec {
    /// What it is called in logs, metrics and `/status`, and in the name of the file that holds how far it has
    /// come. 1 to 63 letters, digits, hyphens, underscores and dots.
    pub name: Value<String>,
    /// Where events are posted to, for example `https://hooks.example.com/meridian`, or
    /// `https://events.pagerduty.com/v2/enqueue`. Redirects are not followed, and no proxy is used.
    pub url: Value<String>,
    /// What is posted. Left out: `json`.
    pub shape: Option<Setting<WebhookShape>>,
    /// What requests are signed with; for `pagerduty` the routing key, which it needs. At least 16 octets. Left
    /// out: requests are not signed. Read when the server starts.
    pub secret: Option<Setting<SecretSpec>>,
    /// The least severity that is sent; what ends a trouble is sent wherever its beginning would be. Left
    /// out: `warning`.
    pub min_severity: Option<Setting<Severity>>,
}

/// A receiver of events over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name, which no other has.
    pub name: String,
    /// Where events are posted to: an `http` or `https` URL. It may itself be a secret, as Slack's are.
    pub url: String,
    /// What is posted.
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

/// The most webhooks: each is a task of its own, with a connection now and then.
const MAX_WEBHOOKS: usize = 32;

pub(super) fn lower(
    spec: &Option<Setting<Vec<Setting<WebhookSpec>>>>,
    directory: &Path,
    report: &mut Reporter,
) -> Vec<Webhook> {
    let Some((list, span)) = spec.as_ref().and_then(|list| list.given()) else {
        return Vec::new();
    };
    if list.len() > MAX_WEBHOOKS {
        report.error(span, format!("more than {MAX_WEBHOOKS} webhooks"));
    }
    let mut webhooks: Vec<Webhook> = Vec::new();
    for (spec, span) in list.iter().filter_map(|webhook| webhook.given()) {
        let Some(webhook) = webhook(spec, span, directory, report) else {
            continue;
        };
        if webhooks.iter().any(|before| before.name == webhook.name) {
            let span = spec.name.span.unwrap_or(span);
            let draft = report.error(span, format!("there are two webhooks `{}`", webhook.name));
            draft.hint("each keeps under its name how far it has come");
        }
        webhooks.push(webhook);
    }
    webhooks
}

fn webhook(spec: &WebhookSpec, span: Span, directory: &Path, report: &mut Reporter) -> Option<Webhook> {
    let name = required(&spec.name, "name", span, "write `name: oncall`", report);
    if let Some((name, span)) = name {
        check_name(name, span, report);
    }
    let url = required(&spec.url, "url", span, "write `url: https://hooks.example.com/meridian`", report);
    if let Some((url, span)) = url.filter(|(url, _)| !is_url(url)) {
        let draft = report.error(span, format!("`{url}` is not an `http` or `https` URL"));
        draft.hint("write `https://hooks.example.com/meridian`");
    }
    let shape = word(&spec.shape).unwrap_or_default();
    if shape == WebhookShape::PagerDuty && spec.secret.is_none() {
        let draft = report.error(span, "`secret` is missing: PagerDuty needs a routing key");
        draft.hint("write `secret: { file: /run/secrets/pagerduty }`");
    }
    let secret = spec.secret.as_ref().and_then(|secret| secret.given());
    Some(Webhook {
        secret: secret.and_then(|(secret, span)| secret::lower(secret, span, directory, report)),
        name: name?.0.clone(),
        url: url?.0.clone(),
        shape,
        min_severity: word(&spec.min_severity).unwrap_or(Severity::Warning),
    })
}
