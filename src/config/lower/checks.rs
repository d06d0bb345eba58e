//! What a canary checks, to [`Check`].

use std::time::Duration;

use super::json;
use super::request::{self, Request};
use super::server::required;
use crate::canary::{Check, HttpCheck, InferenceCheck, JsonCheck, Reach, TlsCheck};
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, given};

/// The most days that a certificate may be asked to last: more than any authority grants.
const MAX_DAYS: u32 = 3650;

/// The largest prompt. Canaries are to cost next to nothing, and each address has a copy.
const MAX_PROMPT: usize = 16 * 1024;

/// Lowers the one check of a canary.
pub(super) fn check(
    name: &str,
    spec: &spec::CanarySpec,
    reach: Reach,
    place: Place,
    report: &mut Report,
) -> Option<Check> {
    let kinds = [
        ("tcp", spec.tcp.is_some()),
        ("tls", spec.tls.is_some()),
        ("http", spec.http.is_some()),
        ("json", spec.json.is_some()),
        ("inference", spec.inference.is_some()),
    ];
    let given: Vec<String> =
        kinds.into_iter().filter(|(_, is_given)| *is_given).map(|(kind, _)| format!("`{kind}`")).collect();
    match given.as_slice() {
        [] => none(name, place, report),
        [_] => {}
        several => {
            let message = format!("canary `{name}` has {}", several.join(" and "));
            report.error(place, message).hint("one canary checks one thing: make it several canaries");
            return None;
        }
    }
    let tcp = spec.tcp.as_ref().and_then(|tcp| tcp.given());
    let tls = spec.tls.as_ref().and_then(|tls| tls.given());
    let http = spec.http.as_ref().and_then(|http| http.given());
    let json = spec.json.as_ref().and_then(|json| json.given());
    let http = http.map(|(http, place)| (Request::from(http), place));
    let inference = spec.inference.as_ref().and_then(|inference| inference.given());
    tcp.and_then(|(tcp, place)| self::tcp(tcp, place, report))
        .or_else(|| tls.and_then(|(tls, place)| self::tls(tls, place, report)))
        .or_else(|| {
            http.and_then(|(http, place)| request::lower(&http, reach, place, report)).map(Check::Http)
        })
        .or_else(|| json.and_then(|(json, place)| self::json(json, reach, place, report)))
        .or_else(|| inference.and_then(|(inference, place)| self::inference(inference, reach, place, report)))
}

/// Reports a canary that checks nothing.
pub(super) fn none(name: &str, place: Place, report: &mut Report) {
    let draft = report.error(place, format!("canary `{name}` checks nothing"));
    draft.hint("add `http: { url: \"http://{address}:8080/health\" }` or `tcp: { port: 443 }`");
}

fn tcp(spec: &spec::TcpSpec, place: Place, report: &mut Report) -> Option<Check> {
    let (port, _) = required(&spec.port, "port", place, "write `tcp: { port: 443 }`", report)?;
    Some(Check::Tcp { port: *port })
}

fn tls(spec: &spec::TlsSpec, place: Place, report: &mut Report) -> Option<Check> {
    let name = required(&spec.name, "name", place, "write `tls: { name: api.example.com }`", report);
    if let Some((name, place)) = name.filter(|(name, _)| !is_certified(name)) {
        let draft = report.error(place, format!("no certificate is for `{name}`"));
        draft.hint("write a host name or an IP address, without a port");
    }
    let days = given(&spec.min_days_left);
    if let Some((days, place)) = days.filter(|(days, _)| **days > MAX_DAYS) {
        report.error(place, format!("`min_days_left` goes from 0 to {MAX_DAYS}, not {days}"));
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

fn json(spec: &spec::JsonSpec, reach: Reach, place: Place, report: &mut Report) -> Option<Check> {
    let http = request::lower(&Request::from(spec), reach, place, report);
    let assertions = json::assertions(&spec.assert, report);
    Some(Check::Json(JsonCheck { http: http?, assertions, signals: json::signals(&spec.signals) }))
}

fn inference(spec: &spec::InferenceSpec, reach: Reach, place: Place, report: &mut Report) -> Option<Check> {
    let http = request::lower(&Request::from(spec), reach, place, report);
    let body = prompt(spec, place, report);
    let assertions = json::assertions(&spec.assert, report);
    let limit = |setting| given(setting).map(|(limit, _): (&Duration, _)| *limit);
    let (first_byte, total) = (limit(&spec.first_byte), limit(&spec.total));
    let http = HttpCheck { method: "POST".to_owned(), body: Some(body?), ..http? };
    Some(Check::Inference(InferenceCheck { http, assertions, first_byte, total }))
}

fn prompt(spec: &spec::InferenceSpec, place: Place, report: &mut Report) -> Option<String> {
    const HINT: &str = "write `body: '{\"prompt\": \"1\", \"max_tokens\": 1}'`";
    let (body, place) = required(&spec.body, "body", place, HINT, report)?;
    if body.len() > MAX_PROMPT {
        report.error(place, format!("`body` has more than {} KiB", MAX_PROMPT / 1024));
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(body) {
        report.error(place, format!("`body` is not JSON: {error}")).hint(HINT);
    }
    Some(body.clone())
}
