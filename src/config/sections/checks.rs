//! What a canary checks: `tcp`, `tls`, `http`, `json` or `inference`.

use std::ops::RangeInclusive;
use std::time::Duration;

use rustls::pki_types::ServerName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::authorities;
use super::json::{self, AssertSpec, SignalsSpec};
use super::request::{self, CheckContext, ExpectSpec, RequestSpec, request_spec};
use crate::canary::{Check, HttpCheck, InferenceCheck, JsonCheck, TlsCheck};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Checked, Value};
use crate::config::yaml::{Entries, Setting, Written};

/// The bounds of `min_days_left`: up to more than any authority grants.
pub const DAYS_LEFT: RangeInclusive<u32> = 0..=3650;

/// The largest prompt. Canaries are to cost next to nothing, and each address has a copy.
pub const MAX_PROMPT: usize = 16 * 1024;

/// The port of HTTPS.
const USUAL_PORT: u16 = 443;

/// A TCP connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpSpec {
    /// The port, 1 to 65535.
    port: Value<u16>,
}

/// A TLS handshake and what its certificate must look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSpec {
    /// The port, 1 to 65535. Left out: 443.
    port: Option<Value<u16>>,
    /// The name that is asked for (SNI) and that the certificate must carry; an IP address, if the
    /// certificate is for one.
    name: Value<String>,
    /// How many whole days the server's own certificate must still be valid: 0 to 3650. With fewer left the
    /// canary fails, and the address falls. Left out: 0, so that only an expired certificate fails.
    min_days_left: Option<Value<u32>>,
    /// A file in the configuration directory, in PEM, with the certificate authorities that the certificate must be
    /// from: `ca: internal.pem`. It is read again when it changes. Left out: those of the system.
    ca: Option<Value<String>>,
}

request_spec! {
    /// An HTTP request and what its response must look like.
    HttpSpec {
        /// The request method. Left out: `GET`.
        method: Option<Value<String>>,
    }
}

request_spec! {
    /// An HTTP request whose response is a JSON document: UTF-8, at most 64 KiB.
    JsonSpec {
        /// The request method. Left out: `GET`.
        method: Option<Value<String>>,
        /// What the document must say, all of it; at most 64 assertions. Left out: any JSON will do.
        assert: Option<Setting<Vec<Setting<AssertSpec>>>>,
        /// Where the document reports load and the like.
        signals: Option<Setting<SignalsSpec>>,
    }
}

request_spec! {
    /// A tiny prompt to a model and what its answer must be: whole, or as a stream (`text/event-stream`, or a
    /// body of unstated length), which is read to its end or to 64 KiB. The request is a POST, whose
    /// `Content-Type` is `application/json` unless it is among the headers.
    InferenceSpec {
        /// The body of the request, JSON of at most 16 KiB: the prompt. Every address answers it in every
        /// interval, so keep it cheap: one token will do.
        body: Value<String>,
        /// What the answer must say, all of it; at most 64 assertions. Of a stream of events, the data of one must
        /// say all of it. Left out: anything but nothing will do.
        assert: Option<Setting<Vec<Setting<AssertSpec>>>>,
        /// When the first byte of the answer's body must be there, counted from the start of the probe: at
        /// least `10ms`, and at most `total`. Left out: whenever.
        first_byte: Option<Value<Duration>>,
        /// When the whole answer must be there: at least `10ms`, and at most `timeout`. Left out: within
        /// `timeout`.
        total: Option<Value<Duration>>,
    }
}

pub(super) fn tcp(spec: &TcpSpec, span: Span, report: &mut Reporter) -> Option<Check> {
    let (port, _) = spec.port.required("port", span, "write `tcp: { port: 443 }`", report)?;
    Some(Check::Tcp { port: *port })
}

pub(super) fn tls(
    spec: &TlsSpec,
    context: &CheckContext<'_>,
    span: Span,
    report: &mut Reporter,
) -> Option<Check> {
    let name = spec.name.required("name", span, "write `tls: { name: api.example.com }`", report);
    if let Some((name, span)) = name.filter(|(name, _)| ServerName::try_from(name.as_str()).is_err()) {
        let finding = report.error(span, format!("no certificate is for `{name}`"));
        finding.hint("write a host name or an IP address, without a port");
    }
    let min_days_left = spec.min_days_left.within("min_days_left", &DAYS_LEFT, report).unwrap_or(0);
    let authorities = authorities::lower(&spec.ca, context.sources, report);
    let (port, name) = (spec.port.get_or(USUAL_PORT), name?.0.clone());
    Some(Check::Tls(TlsCheck { port, name, min_days_left, authorities }))
}

pub(super) fn http(
    spec: &HttpSpec,
    context: &CheckContext<'_>,
    span: Span,
    report: &mut Reporter,
) -> Option<Check> {
    let method = request::method(&spec.method, report);
    Some(Check::Http(HttpCheck { method, ..request::lower(spec.request(), context, span, report)? }))
}

pub(super) fn json(
    spec: &JsonSpec,
    context: &CheckContext<'_>,
    span: Span,
    report: &mut Reporter,
) -> Option<Check> {
    let method = request::method(&spec.method, report);
    let assertions = json::assertions(&spec.assert, report);
    let http = HttpCheck { method, ..request::lower(spec.request(), context, span, report)? };
    Some(Check::Json(JsonCheck { http, assertions, signals: json::signals(&spec.signals) }))
}

pub(super) fn inference(
    spec: &InferenceSpec,
    context: &CheckContext<'_>,
    span: Span,
    report: &mut Reporter,
) -> Option<Check> {
    let http = request::lower(spec.request(), context, span, report);
    let assertions = json::assertions(&spec.assert, report);
    let body = Some(prompt(spec, span, report)?);
    let http = HttpCheck { method: "POST".to_owned(), body, ..http? };
    let [first_byte, total] = [&spec.first_byte, &spec.total].map(|limit| limit.get().copied());
    Some(Check::Inference(InferenceCheck { http, assertions, first_byte, total }))
}

fn prompt(spec: &InferenceSpec, span: Span, report: &mut Reporter) -> Option<String> {
    const HINT: &str = "write `body: '{\"prompt\": \"1\", \"max_tokens\": 1}'`";
    let (body, span) = spec.body.required("body", span, HINT, report)?;
    if body.len() > MAX_PROMPT {
        report.error(span, format!("`body` has more than {} KiB", MAX_PROMPT / 1024));
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(body) {
        report.error(span, format!("`body` is not JSON: {error}")).hint(HINT);
    }
    Some(body.clone())
}
