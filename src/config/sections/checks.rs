//! What a canary checks: `tcp`, `tls`, `http`, `json` or `inference`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json;
use super::request::{self, InferenceSpec, JsonSpec, RequestSpec};
use crate::canary::{Check, HttpCheck, InferenceCheck, JsonCheck, Reach, TlsCheck};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Value, given, required};

/// A TCP connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpSpec {
    /// The port, 1 to 65535.
    pub port: Value<u16>,
}

/// A TLS handshake and what its certificate must look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSpec {
    /// The port, 1 to 65535. Left out: 443.
    pub port: Option<Value<u16>>,
    /// The name that is asked for (SNI) and that the certificate must carry; an IP address, if the
    /// certificate is for one.
    pub name: Value<String>,
    /// How many whole days the server's own certificate must still be valid: 0 to 3650. With fewer left the
    /// canary fails, and the address falls. Left out: 0, so that only an expired certificate fails.
    pub min_days_left: Option<Value<u32>>,
}

/// The most days that a certificate may be asked to last: more than any authority grants.
const MAX_DAYS: u32 = 3650;

/// The largest prompt. Canaries are to cost next to nothing, and each address has a copy.
const MAX_PROMPT: usize = 16 * 1024;

pub(super) fn tcp(spec: &TcpSpec, span: Span, report: &mut Reporter) -> Option<Check> {
    let (port, _) = required(&spec.port, "port", span, "write `tcp: { port: 443 }`", report)?;
    Some(Check::Tcp { port: *port })
}

pub(super) fn tls(spec: &TlsSpec, span: Span, report: &mut Reporter) -> Option<Check> {
    let name = required(&spec.name, "name", span, "write `tls: { name: api.example.com }`", report);
    if let Some((name, span)) = name.filter(|(name, _)| !is_certified(name)) {
        let draft = report.error(span, format!("no certificate is for `{name}`"));
        draft.hint("write a host name or an IP address, without a port");
    }
    let days = given(&spec.min_days_left);
    if let Some((days, span)) = days.filter(|(days, _)| **days > MAX_DAYS) {
        report.error(span, format!("`min_days_left` goes from 0 to {MAX_DAYS}, not {days}"));
    }
    Some(Check::Tls(TlsCheck {
        port: given(&spec.port).map_or(443, |(port, _)| *port),
        name: name?.0.clone(),
        min_days_left: days.map_or(0, |(days, _)| *days),
    }))
}

/// Returns whether a certificate can be for this.
fn is_certified(name: &str) -> bool {
    rustls::pki_types::ServerName::try_from(name).is_ok()
}

pub(super) fn json(spec: &JsonSpec, reach: Reach, span: Span, report: &mut Reporter) -> Option<Check> {
    let http = request::lower(&RequestSpec::from(spec), reach, span, report);
    let assertions = json::assertions(&spec.assert, report);
    Some(Check::Json(JsonCheck { http: http?, assertions, signals: json::signals(&spec.signals) }))
}

pub(super) fn inference(
    spec: &InferenceSpec,
    reach: Reach,
    span: Span,
    report: &mut Reporter,
) -> Option<Check> {
    let http = request::lower(&RequestSpec::from(spec), reach, span, report);
    let body = prompt(spec, span, report);
    let assertions = json::assertions(&spec.assert, report);
    let limit = |setting| given(setting).map(|(limit, _): (&Duration, _)| *limit);
    let (first_byte, total) = (limit(&spec.first_byte), limit(&spec.total));
    let http = HttpCheck { method: "POST".to_owned(), body: Some(body?), ..http? };
    Some(Check::Inference(InferenceCheck { http, assertions, first_byte, total }))
}

fn prompt(spec: &InferenceSpec, span: Span, report: &mut Reporter) -> Option<String> {
    const HINT: &str = "write `body: '{\"prompt\": \"1\", \"max_tokens\": 1}'`";
    let (body, span) = required(&spec.body, "body", span, HINT, report)?;
    if body.len() > MAX_PROMPT {
        report.error(span, format!("`body` has more than {} KiB", MAX_PROMPT / 1024));
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(body) {
        report.error(span, format!("`body` is not JSON: {error}")).hint(HINT);
    }
    Some(body.clone())
}
