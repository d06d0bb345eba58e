//! What the JSON of a response must say, and where its signals are.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use crate::canary::{Assertion, Expected, Pointer, Scalar, Signal};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{FromText, Number, Value, given, required};
use crate::config::yaml::{Mistake, Setting};

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

    fn from_text(text: &str) -> Result<Self, Mistake> {
        let wrong = || {
            let message = format!("`{text}` is not a JSON pointer");
            let hint = match text.contains('~') {
                true => "write `~0` for `~` and `~1` for `/` (RFC 6901)",
                false => "write `/checks/gpu`, with a slash before every step (RFC 6901)",
            };
            Mistake::new(message).hint(hint)
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

    fn from_text(text: &str) -> Result<Self, Mistake> {
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

/// The most assertions of a canary: more than any health page has lines.
const MAX_ASSERTIONS: usize = 64;

/// Lowers the assertions of a canary.
pub(super) fn assertions(
    setting: &Option<Setting<Vec<Setting<AssertSpec>>>>,
    report: &mut Reporter,
) -> Vec<Assertion> {
    let Some((list, span)) = setting.as_ref().and_then(|list| list.given()) else {
        return Vec::new();
    };
    if list.len() > MAX_ASSERTIONS {
        report.error(span, format!("more than {MAX_ASSERTIONS} assertions"));
    }
    let given = list.iter().filter_map(|entry| entry.given());
    given.flat_map(|(entry, span)| assertion(entry, span, report)).collect()
}

/// Lowers one entry; two limits are two assertions.
fn assertion(spec: &AssertSpec, span: Span, report: &mut Reporter) -> Vec<Assertion> {
    let pointer = required(&spec.pointer, "pointer", span, "write `pointer: /checks/gpu`", report);
    let limit = |setting: &Option<Value<Number>>| given(setting).map(|(Number(limit), _)| *limit);
    let (at_least, at_most) = (limit(&spec.at_least), limit(&spec.at_most));
    let exists = spec.exists.as_ref().and_then(|exists| exists.value);
    let equals = given(&spec.equals).map(|(scalar, _)| Expected::Equal(scalar.clone()));
    let existence = exists.map(|exists| if exists { Expected::Something } else { Expected::Nothing });
    let limits = at_least.map(Expected::AtLeast).into_iter().chain(at_most.map(Expected::AtMost));
    let alone: Vec<Expected> = equals.into_iter().chain(existence).collect();
    let expected: Vec<Expected> = alone.iter().cloned().chain(limits).collect();
    let are_missing = is_missing(&spec.equals) && is_missing(&spec.exists);
    if are_missing && is_missing(&spec.at_most) && is_missing(&spec.at_least) {
        let draft = report.error(span, "this assertion expects nothing");
        draft.hint("add `equals`, `at_most`, `at_least` or `exists`; null is written `equals: 'null'`");
    }
    if !alone.is_empty() && expected.len() > 1 {
        let draft = report.error(span, "`equals` and `exists` stand alone in an assertion");
        draft.hint("make it two assertions, or leave one out");
    }
    if let (Some(at_least), Some(at_most)) = (at_least, at_most)
        && at_least > at_most
    {
        report.error(span, format!("no number is at least {at_least} and at most {at_most}"));
    }
    let pointer = pointer.map(|(pointer, _)| pointer.clone());
    let assertion = |expected| Some(Assertion { pointer: pointer.clone()?, expected });
    expected.into_iter().filter_map(assertion).collect()
}

fn is_missing<T>(setting: &Option<Setting<T>>) -> bool {
    setting.as_ref().is_none_or(Setting::is_missing)
}

/// Lowers the places of signals.
pub(super) fn signals(setting: &Option<Setting<SignalsSpec>>) -> Vec<(Signal, Pointer)> {
    let Some(spec) = setting.as_ref().and_then(|signals| signals.value.as_ref()) else {
        return Vec::new();
    };
    let pointer = |signal: Signal| match signal {
        Signal::Load => &spec.load,
        Signal::ErrorRate => &spec.error_rate,
        Signal::P95Latency => &spec.p95_latency,
        Signal::ReplicationLag => &spec.replication_lag,
        Signal::QueueDepth => &spec.queue_depth,
        Signal::Requests => &spec.requests,
    };
    let span = |signal| Some((signal, given(pointer(signal))?.0.clone()));
    Signal::ALL.into_iter().filter_map(span).collect()
}
