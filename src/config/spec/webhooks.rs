//! `webhooks` in `server.yaml`: who is told of events over HTTP.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::leaf::Value;
use crate::config::yaml::Setting;
use crate::config::{Least, Shape};

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
    pub shape: Option<Setting<Shape>>,
    /// What requests are signed with; for `pagerduty` the routing key, which it needs. At least 16 octets. Left
    /// out: requests are not signed. Read when the server starts.
    pub secret: Option<Setting<SecretSpec>>,
    /// The least severity that is sent; what ends a trouble is sent wherever its beginning would be. Left
    /// out: `warning`.
    pub least: Option<Setting<Least>>,
}

/// Where a secret is: one of both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretSpec {
    /// A file that holds it and nothing else, relative to the configuration directory.
    pub file: Option<Value<PathBuf>>,
    /// An environment variable that holds it.
    pub environment: Option<Value<String>>,
}
