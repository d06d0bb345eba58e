//! What the JSON of a response must say, as the operator writes it, and where its signals are.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::leaf::{FromText, Value};
use crate::canary::{Pointer, Scalar};
use crate::config::yaml::{Setting, Wrong};

/// Something that a JSON document must say.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssertSpec {
    /// The place in the document, as a JSON Pointer (RFC 6901): `/checks/gpu`. A pointer to nothing is a
    /// failure, unless `exists: false` is said of it.
    pub pointer: Value<Pointer>,
    /// The value there must be this boolean, number or text. What reads as JSON is meant as JSON: write
    /// `'"1"'` for the text `1`, and `'null'` for null.
    pub equals: Option<Value<Scalar>>,
    /// The value there must be a number that is not larger.
    pub at_most: Option<Value<Number>>,
    /// The value there must be a number that is not smaller.
    pub at_least: Option<Value<Number>>,
    /// `true`: there must be a value, whatever it is. `false`: there must be none.
    pub exists: Option<Setting<bool>>,
}

/// Where a JSON document reports how its sender is, each as a JSON Pointer to a number. A value that makes
/// no sense (negative, too large, no number) is unknown, and so is one older than three intervals; neither
/// fails the canary. All are shown in `/status`; those that say so also steer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalsSpec {
    /// The share of the capacity that is in use: 1 is full, and more than 10 is not believed. It decides what
    /// a region sheds (`safety.load`), and when a ramp goes on. Needs the region's `capacity`.
    pub load: Option<Value<Pointer>>,
    /// The share of requests that fail, 0 to 1. It decides when a ramp goes on, and whether a region stands
    /// out against the others.
    pub error_rate: Option<Value<Pointer>>,
    /// The latency that 95 % of requests do not exceed, in seconds, up to an hour. It decides whether a
    /// region stands out against the others.
    pub p95_latency: Option<Value<Pointer>>,
    /// How far a replica is behind, in seconds, up to a year.
    pub replication_lag: Option<Value<Pointer>>,
    /// How many requests wait.
    pub queue_depth: Option<Value<Pointer>>,
    /// How many requests the error rate and the latency are about: with too few of them neither is judged.
    pub requests: Option<Value<Pointer>>,
}

impl FromText for Pointer {
    const NAME: &'static str = "a JSON pointer";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            let message = format!("`{text}` is not a JSON pointer");
            let hint = match text.contains('~') {
                true => "write `~0` for `~` and `~1` for `/` (RFC 6901)",
                false => "write `/checks/gpu`, with a slash before every step (RFC 6901)",
            };
            Wrong::new(message).hint(hint)
        };
        Self::parse(text).ok_or_else(wrong)
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(/([^~]|~[01])*)?$",
            "examples": ["/load", "/checks/gpu"]
        })
    }
}

impl FromText for Scalar {
    const NAME: &'static str = "a boolean, number or text";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        Ok(match serde_json::from_str(text) {
            Ok(serde_json::Value::Null) => Self::Null,
            Ok(serde_json::Value::Bool(value)) => Self::Boolean(value),
            Ok(serde_json::Value::Number(value)) => {
                Self::Number(value.as_f64().expect("numbers of JSON are read as such"))
            }
            Ok(serde_json::Value::String(value)) => Self::Text(value),
            Ok(serde_json::Value::Array(_) | serde_json::Value::Object(_)) | Err(_) => {
                Self::Text(text.to_owned())
            }
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["boolean", "number", "string"] })
    }
}

/// A number, with or without a fraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

impl FromText for Number {
    const NAME: &'static str = "a number with or without a fraction";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        let wrong = || Wrong::new(format!("`{text}` is not a number")).hint("write `0.95` or `3`");
        number.map(Self).ok_or_else(wrong)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "number" })
    }
}
