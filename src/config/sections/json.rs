//! What the JSON of a response must say, and where its signals are.

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use crate::canary::{Assertion, Expected, Pointer, Scalar, Signal};
use crate::config::problem::{Reporter, Span, ValueError};
use crate::config::values::{Checked, FromText, Value, parsed};
use crate::config::yaml::{Setting, Written};

/// Something that a JSON document must say.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssertSpec {
    /// The place in the document, as a JSON Pointer (RFC 6901): `/checks/gpu`. A pointer to nothing is a
    /// failure, unless `exists: false` is said of it.
    pointer: Value<Pointer>,
    /// The value there must be this boolean, number or text. What reads as JSON is meant as JSON: write
    /// `'"1"'` for the text `1`, and `'null'` for null.
    equals: Option<Value<Scalar>>,
    /// The value there must be a number that is not larger.
    at_most: Option<Value<f64>>,
    /// The value there must be a number that is not smaller.
    at_least: Option<Value<f64>>,
    /// `true`: there must be a value, whatever it is. `false`: there must be none.
    exists: Option<Setting<bool>>,
}

/// Where a JSON document reports how its sender is, each as a JSON Pointer to a number. A value that makes
/// no sense (negative, too large, no number) is unknown, and so is one older than three intervals; neither
/// fails the canary. All are shown in `/status`; those that say so also steer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalsSpec {
    /// The share of the capacity that is in use: 1 is full, and more than 10 is not believed. It decides what
    /// a region sheds (`safety.load`), and when a ramp goes on. Needs the region's `capacity`.
    load: Option<Value<Pointer>>,
    /// The share of requests that fail, 0 to 1. It decides when a ramp goes on, and whether a region stands
    /// out against the others.
    error_rate: Option<Value<Pointer>>,
    /// The latency that 95 % of requests do not exceed, in seconds, up to an hour. It decides whether a
    /// region stands out against the others.
    p95_latency: Option<Value<Pointer>>,
    /// How far a replica is behind, in seconds, up to a year.
    replication_lag: Option<Value<Pointer>>,
    /// How many requests wait.
    queue_depth: Option<Value<Pointer>>,
    /// How many requests the error rate and the latency are about: with too few of them neither is judged.
    requests: Option<Value<Pointer>>,
}

impl FromText for Pointer {
    const NAME: &'static str = "a JSON pointer";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let hint = match text.contains('~') {
            true => "write `~0` for `~` and `~1` for `/` (RFC 6901)",
            false => "write `/checks/gpu`, with a slash before every step (RFC 6901)",
        };
        parsed(Self::parse(text), text, "a JSON pointer", hint)
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

    fn from_text(text: &str) -> Result<Self, ValueError> {
        use serde_json::Value as Json;
        Ok(match serde_json::from_str(text) {
            Ok(Json::Null) => Self::Null,
            Ok(Json::Bool(value)) => Self::Boolean(value),
            Ok(Json::Number(value)) => {
                Self::Number(value.as_f64().expect("numbers of JSON are read as such"))
            }
            Ok(Json::String(value)) => Self::Text(value),
            Ok(Json::Array(_) | Json::Object(_)) | Err(_) => Self::Text(text.to_owned()),
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["boolean", "number", "string"] })
    }
}

/// The most assertions of a canary: more than any health page has lines.
pub const MAX_ASSERTIONS: usize = 64;

/// Lowers the assertions of a canary.
pub(super) fn assertions(
    spec: &Option<Setting<Vec<Setting<AssertSpec>>>>,
    report: &mut Reporter,
) -> Vec<Assertion> {
    let given = spec.at_most(MAX_ASSERTIONS, "assertions", report).into_iter();
    given.flat_map(|(entry, span)| assertion(entry, span, report)).collect()
}

/// Lowers one entry; two limits are two assertions.
fn assertion(spec: &AssertSpec, span: Span, report: &mut Reporter) -> Vec<Assertion> {
    let AssertSpec { pointer, equals, at_most, at_least, exists } = spec;
    let pointer = pointer.required("pointer", span, "write `pointer: /checks/gpu`", report);
    if equals.is_none() && exists.is_none() && at_most.is_none() && at_least.is_none() {
        let finding = report.error(span, "this assertion expects nothing");
        finding.hint("add `equals`, `at_most`, `at_least` or `exists`; null is written `equals: 'null'`");
    }
    let (at_most, at_least) = (at_most.get().copied(), at_least.get().copied());
    if let (Some(at_least), Some(at_most)) = (at_least, at_most)
        && at_least > at_most
    {
        report.error(span, format!("no number is at least {at_least} and at most {at_most}"));
    }
    let existence = |exists: &bool| if *exists { Expected::Something } else { Expected::Nothing };
    let equals = equals.get().map(|scalar| Expected::Equal(scalar.clone()));
    let alone: Vec<Expected> = equals.into_iter().chain(exists.get().map(existence)).collect();
    let limits = at_least.map(Expected::AtLeast).into_iter().chain(at_most.map(Expected::AtMost));
    let expected: Vec<Expected> = alone.iter().cloned().chain(limits).collect();
    if !alone.is_empty() && expected.len() > 1 {
        let finding = report.error(span, "`equals` and `exists` stand alone in an assertion");
        finding.hint("make it two assertions, or leave one out");
    }
    let Some((pointer, _)) = pointer else { return Vec::new() };
    expected.into_iter().map(|expected| Assertion { pointer: pointer.clone(), expected }).collect()
}

/// Lowers the places of signals.
pub(super) fn signals(spec: &Option<Setting<SignalsSpec>>) -> Vec<(Signal, Pointer)> {
    let Some(spec) = spec.get() else {
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
    let place = |signal| Some((signal, pointer(signal).get()?.clone()));
    Signal::ALL.into_iter().filter_map(place).collect()
}
