//! JSON in a response: what it must say, and the signals in it.
//!
//! A document that says too little is a failure of the body. A signal that makes no sense is unknown and
//! remarked upon, but fails nothing: a service is not down because its statistics are.

use std::net::IpAddr;

use serde_json::Value;

use super::detail::bounded;
use super::failure::failure;
use super::http::{Error, HttpProbe};
use super::result::ProbeResult;
use super::schedule::Watched;
use super::trust::Trust;
use crate::canary::{
    Assertion, Expected, Failure, FailureClass, JsonCheck, Pointer, Scalar, Signal, Signals,
};

/// One JSON canary, prepared for what it watches.
#[derive(Debug)]
pub struct JsonProbe {
    http: HttpProbe,
    assertions: Vec<Assertion>,
    signals: Vec<(Signal, Pointer)>,
}

impl JsonProbe {
    /// Prepares `check` for what it watches.
    ///
    /// # Errors
    ///
    /// When the check says something that cannot be sent.
    pub fn new(check: &JsonCheck, watched: &Watched, trust: &Trust) -> Result<Self, Error> {
        Ok(Self {
            http: HttpProbe::new(&check.http, watched, trust)?,
            assertions: check.assertions.clone(),
            signals: check.signals.clone(),
        })
    }

    /// Returns where the last connection went.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.http.addresses()
    }

    /// Sends one request and reads the response. Sets no limit to the time that takes.
    pub async fn run(&self) -> ProbeResult {
        let document = match self.http.fetch().await.and_then(|body| Ok(parse(&body)?)) {
            Ok(document) => document,
            Err(error) => return ProbeResult::from(Err(error)),
        };
        let (signals, remark) = hear(&document, &self.signals);
        let signals = Some(signals).filter(|_| !self.signals.is_empty());
        ProbeResult { result: judge(&document, &self.assertions).map_err(Into::into), signals, remark }
    }
}

/// Reads a body as JSON. What nests deeper than 128 levels is none.
pub fn parse(body: &[u8]) -> Result<Value, Failure> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let detail = format!("the body is not UTF-8: byte {} is wrong", error.valid_up_to() + 1);
        failure(FailureClass::Body, detail)
    })?;
    let strict = serde_json::from_str(text);
    strict.or_else(|error| {
        let lenient = serde_json::from_str(&without_non_numbers(text));
        lenient.map_err(|_| failure(FailureClass::Body, format!("the body is not JSON: {error}")))
    })
}

/// Returns the text with `null` for what Python's `json` and others write when a statistic divides
/// nothing by nothing, though JSON has no such numbers.
fn without_non_numbers(text: &str) -> String {
    const NON_NUMBERS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];
    let mut plain = String::with_capacity(text.len());
    let (mut rest, mut is_in_text) = (text, false);
    while let Some(next) = rest.chars().next() {
        let token = NON_NUMBERS.iter().find(|token| !is_in_text && rest.starts_with(**token));
        let taken = match (next, token) {
            (_, Some(token)) => token.len(),
            // An escaped quotation mark does not end the text.
            ('\\', None) if is_in_text => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            (next, None) => next.len_utf8(),
        };
        is_in_text ^= next == '"';
        plain.push_str(if token.is_some() { "null" } else { &rest[..taken] });
        rest = &rest[taken..];
    }
    plain
}

/// Returns the failure of the first assertion that does not hold.
pub fn judge(document: &Value, assertions: &[Assertion]) -> Result<(), Failure> {
    let broken = assertions.iter().find_map(|assertion| broken(document, assertion));
    broken.map_or(Ok(()), |detail| Err(failure(FailureClass::Body, detail)))
}

/// Says how an assertion does not hold; `None` when it does.
fn broken(document: &Value, assertion: &Assertion) -> Option<String> {
    let pointer = &assertion.pointer;
    let found = document.pointer(pointer.as_str());
    let is_number = |limit: &f64, holds: fn(&f64, &f64) -> bool, beyond: &str| {
        let Some(found) = found else { return Some(format!("the body has no `{pointer}`")) };
        match found.as_f64() {
            None => Some(format!("`{pointer}` is {}, not a number", shown(found))),
            Some(number) if holds(&number, limit) => None,
            Some(number) => Some(format!("`{pointer}` is {number}, {beyond} {limit}")),
        }
    };
    match (&assertion.expected, found) {
        (Expected::Something, Some(_)) | (Expected::Nothing, None) => None,
        (Expected::Something | Expected::Equal(_), None) => Some(format!("the body has no `{pointer}`")),
        (Expected::Nothing, Some(found)) => Some(format!("`{pointer}` is {}, not absent", shown(found))),
        (Expected::Equal(scalar), Some(found)) => {
            (!is_equal(found, scalar)).then(|| format!("`{pointer}` is {}, not {scalar}", shown(found)))
        }
        (Expected::AtMost(limit), _) => is_number(limit, f64::le, "more than"),
        (Expected::AtLeast(limit), _) => is_number(limit, f64::ge, "less than"),
    }
}

fn is_equal(found: &Value, scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Null => found.is_null(),
        Scalar::Boolean(expected) => found.as_bool() == Some(*expected),
        Scalar::Number(expected) => found.as_f64() == Some(*expected),
        Scalar::Text(expected) => found.as_str() == Some(expected),
    }
}

/// Returns the signals of a document, and a remark on those that make no sense.
fn hear(document: &Value, pointers: &[(Signal, Pointer)]) -> (Signals, Option<String>) {
    let mut signals = Signals::default();
    let mut remarks = Vec::new();
    for (signal, pointer) in pointers {
        let found = document.pointer(pointer.as_str());
        match found.and_then(Value::as_f64) {
            Some(value) if signal.allows(value) => signals.set(*signal, value),
            Some(value) => {
                let highest = signal.highest();
                remarks.push(format!("{} is unknown: {value} is not from 0 to {highest}", signal.as_str()));
            }
            None => {
                let what = found.map_or_else(
                    || format!("there is no `{pointer}`"),
                    |found| format!("{} is not a number", shown(found)),
                );
                remarks.push(format!("{} is unknown: {what}", signal.as_str()));
            }
        }
    }
    (signals, (!remarks.is_empty()).then(|| bounded(remarks.join("; "))))
}

/// Writes a foreign value for operators: what has parts is not spread out.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::FailureClass::{Body, Reset, Status, Timeout};
    use crate::canary::{Check, HttpCheck};
    use crate::probe::check::tests::{self as probes, HASTY, PATIENT};
    use crate::probe::scripted::{self, Script};
    use std::net::SocketAddr;
    use std::time::Duration;

    const DEEP: &str = r#"{"status":"ok","checks":{"database":true,"gpu":false},"load":0.97,"a/b":[1,null]}"#;

    fn assertion(pointer: &str, expected: Expected) -> Assertion {
        Assertion { pointer: Pointer::parse(pointer).expect("a pointer"), expected }
    }

    fn text(text: &str) -> Expected {
        Expected::Equal(Scalar::Text(text.to_owned()))
    }

    /// Judges `DEEP`; `Err` is the whole detail.
    fn check(pointer: &str, expected: Expected, verdict: Result<(), &str>) {
        let document = parse(DEEP.as_bytes()).expect("JSON");
        let judged = judge(&document, &[assertion(pointer, expected)]).map_err(|failure| failure.detail);
        assert_eq!(judged, verdict.map_err(str::to_owned));
    }

    #[test]
    fn a_value_must_equal_what_is_expected_in_kind_and_content() {
        check("/status", text("ok"), Ok(()));
        check("/status", text("OK"), Err(r#"`/status` is "ok", not "OK""#));
        check("/checks/database", Expected::Equal(Scalar::Boolean(true)), Ok(()));
        check("/checks/gpu", Expected::Equal(Scalar::Boolean(true)), Err("`/checks/gpu` is false, not true"));
        check("/checks/gpu", text("false"), Err(r#"`/checks/gpu` is false, not "false""#));
        check("/checks", text("ok"), Err(r#"`/checks` is an object, not "ok""#));
        check("/a~1b/0", Expected::Equal(Scalar::Number(1.0)), Ok(()));
        check("/a~1b/1", Expected::Equal(Scalar::Null), Ok(()));
    }

    #[test]
    fn a_number_must_keep_its_limits() {
        check("/load", Expected::AtMost(0.97), Ok(()));
        check("/load", Expected::AtMost(0.95), Err("`/load` is 0.97, more than 0.95"));
        check("/load", Expected::AtLeast(0.97), Ok(()));
        check("/load", Expected::AtLeast(1.0), Err("`/load` is 0.97, less than 1"));
        check("/status", Expected::AtMost(1.0), Err(r#"`/status` is "ok", not a number"#));
    }

    #[test]
    fn a_pointer_to_nothing_fails_unless_nothing_is_expected() {
        check("/checks/disk", Expected::Equal(Scalar::Boolean(true)), Err("the body has no `/checks/disk`"));
        check("/lag", Expected::AtMost(1.0), Err("the body has no `/lag`"));
        check("/lag", Expected::Something, Err("the body has no `/lag`"));
        check("/lag", Expected::Nothing, Ok(()));
        check("/load", Expected::Something, Ok(()));
        check("/load", Expected::Nothing, Err("`/load` is 0.97, not absent"));
        check("/a~1b/01", Expected::Something, Err("the body has no `/a~1b/01`"));
    }

    /// Reads the load of a document; the remark is the whole one.
    fn check_load(document: &str, load: Option<f64>, remark: Option<&str>) {
        let document = parse(document.as_bytes()).expect("JSON");
        let pointer = Pointer::parse("/load").expect("a pointer");
        let (signals, said) = hear(&document, &[(Signal::Load, pointer)]);
        assert_eq!((signals, said.as_deref()), (Signals { load, ..Signals::default() }, remark));
    }

    #[test]
    fn a_signal_that_makes_no_sense_is_unknown_and_remarked_upon() {
        check_load(r#"{"load":0.4}"#, Some(0.4), None);
        check_load(r#"{"load":0}"#, Some(0.0), None);
        check_load(r#"{"load":-3}"#, None, Some("load is unknown: -3 is not from 0 to 10"));
        check_load(r#"{"load":85}"#, None, Some("load is unknown: 85 is not from 0 to 10"));
        check_load(r#"{"load":NaN}"#, None, Some("load is unknown: null is not a number"));
        check_load(r#"{"load":-Infinity}"#, None, Some("load is unknown: null is not a number"));
        check_load(r#"{"load":"high"}"#, None, Some(r#"load is unknown: "high" is not a number"#));
        check_load(r#"{"load":[0.4]}"#, None, Some("load is unknown: a list is not a number"));
        check_load("{}", None, Some("load is unknown: there is no `/load`"));
    }

    #[test]
    fn what_looks_like_no_number_inside_a_text_is_left_alone() {
        let document = parse(br#"{"a":"NaN \" NaN \\","load":NaN,"b":"-Infinity"}"#).expect("nearly JSON");
        assert_eq!(document, serde_json::json!({ "a": "NaN \" NaN \\", "load": null, "b": "-Infinity" }));
        assert!(parse(br#"{"load":NaNs}"#).is_err());
    }

    #[test]
    fn what_is_not_json_in_utf_8_is_a_failure_of_the_body() {
        let latin = [br#"{"status":""#.as_slice(), b"\xe4", br#""}"#].concat();
        let wide: Vec<u8> = DEEP.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let deep = "[".repeat(60_000);
        for (body, detail) in [
            (latin.as_slice(), "the body is not UTF-8: byte 12 is wrong"),
            (wide.as_slice(), "the body is not JSON: "),
            (b"", "the body is not JSON: EOF"),
            (b"ok", "the body is not JSON: expected value"),
            (br#"{"load":0.4"#, "the body is not JSON: EOF"),
            (br#"{"load":1e999}"#, "the body is not JSON: number out of range"),
            (deep.as_bytes(), "the body is not JSON: recursion limit exceeded"),
        ] {
            let failure = parse(body).expect_err(detail);
            assert_eq!(failure.class, Body);
            assert!(failure.detail.starts_with(detail), "{}", failure.detail);
        }
    }

    /// Probes a server for `/load` at most 0.9 and for its load.
    async fn probe(server: SocketAddr, timeout: Duration) -> ProbeResult {
        let http =
            HttpCheck { url: format!("http://{{address}}:{}/deep", server.port()), ..probes::request() };
        let pointer = Pointer::parse("/load").expect("a pointer");
        let assertions = vec![assertion("/load", Expected::AtMost(0.9))];
        let check = JsonCheck { http, assertions, signals: vec![(Signal::Load, pointer)] };
        probes::outcome(Check::Json(check), &Trust::default(), timeout).await
    }

    #[tokio::test]
    async fn a_response_brings_its_signals_even_when_an_assertion_fails() {
        let load = |outcome: &ProbeResult| outcome.signals.map(|signals| signals.load);
        let good = probe(scripted::serve(Script::Body(r#"{"load":0.4}"#)).await, PATIENT).await;
        assert_eq!((load(&good), good.result), (Some(Some(0.4)), Ok(())));
        let busy = probe(scripted::serve(Script::Body(DEEP)).await, PATIENT).await;
        assert_eq!(load(&busy), Some(Some(0.97)));
        probes::compare(busy.result, Err((Body, "`/load` is 0.97, more than 0.9")));
        let odd = probe(scripted::serve(Script::Body(r#"{"load":-3}"#)).await, PATIENT).await;
        assert_eq!((load(&odd), odd.result), (Some(None), Ok(())));
        assert_eq!(odd.remark.as_deref(), Some("load is unknown: -3 is not from 0 to 10"));
    }

    #[tokio::test]
    async fn bad_answers_are_failures_of_their_class_and_bring_no_signals() {
        let given_up = (Timeout, "no whole answer within 200ms");
        let endless = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n";
        let latin = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=iso-8859-1\r\n\r\n{\"load\":0.4,\"a\":\"\xe4\"}";
        for (script, timeout, expected) in [
            (Script::Body("all is well"), PATIENT, (Body, "the body is not JSON: expected value")),
            (Script::Body("{}"), PATIENT, (Body, "the body has no `/load`")),
            (Script::Say(latin), PATIENT, (Body, "the body is not UTF-8: byte 18 is wrong")),
            (Script::Endless(endless), PATIENT, (Body, "longer than 64 KiB")),
            (Script::Drip, HASTY, given_up),
            (Script::Hang, HASTY, given_up),
            (Script::Status("302 Found"), PATIENT, (Status, "status 302")),
            (Script::Status("503 Service Unavailable"), PATIENT, (Status, "status 503")),
            (Script::Close, PATIENT, (Reset, "connection")),
        ] {
            let outcome = probe(scripted::serve(script).await, timeout).await;
            assert_eq!(outcome.signals.and_then(|signals| signals.load), None);
            probes::compare(outcome.result, Err(expected));
        }
    }
}
