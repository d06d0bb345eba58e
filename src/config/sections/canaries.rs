//! `canaries` in `regions.yaml`: what is checked, how often, what makes a verdict, and what that does.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::{self, HttpSpec, InferenceSpec, JsonSpec, TcpSpec, TlsSpec};
use super::request::CheckContext;
use crate::canary::{Canary, Check, Criticality, Reach, Thresholds};
use crate::config::SourceFiles;
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Checked, Quantity, Value, check_name};
use crate::config::yaml::{Entries, Setting, Written};
use crate::share::Share;

/// The most canaries: all of them may watch each address.
pub const MAX_CANARIES: usize = 256;

/// The bounds of `interval`, and the shortest times besides.
pub const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3600);
pub const SHORTEST_RECHECK: Duration = Duration::from_millis(50);
pub const SHORTEST_TIMEOUT: Duration = Duration::from_millis(10);
pub const SHORTEST_SLOW: Duration = Duration::from_millis(1);

/// The bounds of `fall` and `rise`.
pub const THRESHOLD: RangeInclusive<u32> = 1..=100;

/// Design, section 5: with these the worst case is 20 s.
const USUAL_INTERVAL: Duration = Duration::from_secs(10);
const USUAL_TIMEOUT: Duration = Duration::from_secs(2);
const USUAL_RECHECK: Duration = Duration::from_secs(2);
const USUAL_THRESHOLD: u32 = 3;

/// A check that is run against every address of the regions that name it, or once against each of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanarySpec {
    /// Opens a TCP connection and closes it. A canary has exactly one of `tcp`, `tls`, `http`,
    /// `json` and `inference`.
    tcp: Option<Setting<TcpSpec>>,
    /// Shakes hands over TLS and looks at the certificate.
    tls: Option<Setting<TlsSpec>>,
    /// Sends an HTTP request and looks at the response.
    http: Option<Setting<HttpSpec>>,
    /// Sends an HTTP request and reads the JSON of the response.
    json: Option<Setting<JsonSpec>>,
    /// Sends a tiny prompt to a model and looks at how soon and how well it is answered.
    inference: Option<Setting<InferenceSpec>>,
    /// What is probed. Left out: `address`.
    probe: Option<Setting<Reach>>,
    /// Makes the canary advisory: while it is down, what it watches keeps this share of its clients, `1%` to
    /// `99%`, and the others are sent elsewhere. Left out: it is critical, and takes the address or region
    /// out of the answers.
    advisory: Option<Value<Share>>,
    /// The time between the starts of two probes of one address at most: `100ms` to `1h`. The addresses of a region
    /// take turns in it, and the first probe of each comes at once. Left out: `10s`.
    interval: Option<Value<Duration>>,
    /// A probe that takes longer has failed: at least `10ms`, and less than `interval`. Left out:
    /// `2s`, or the `total` of an inference canary.
    timeout: Option<Value<Duration>>,
    /// A success that takes longer is shown as slow in `/status` and counted in `/metrics`, and is a
    /// success all the same: at least `1ms`, and less than `timeout`. Left out: none is slow.
    slow: Option<Value<Duration>>,
    /// The interval while an address is suspect: `50ms` up to `interval`. Left out: `2s`, or
    /// `interval` when that is shorter.
    recheck: Option<Value<Duration>>,
    /// This many consecutive failures take an address down: 1 to 100. Left out: 3.
    fall: Option<Value<u32>>,
    /// This many consecutive successes bring it back: 1 to 100. Left out: 3.
    rise: Option<Value<u32>>,
}

/// Lowers `canaries`; `None` stands for one that is wrong.
pub(super) fn lower(
    spec: &Option<Setting<Entries<CanarySpec>>>,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Vec<Option<Canary>> {
    if let Some((entries, span)) = spec.given()
        && entries.list.len() > MAX_CANARIES
    {
        report.error(span, format!("more than {MAX_CANARIES} canaries"));
    }
    let each = spec.entries().map(|(name, span, canary)| {
        check_name(name, span, report);
        if canary.is_missing() {
            report_no_check(name, span, report);
        }
        self::canary(name, canary.get()?, sources, span, report)
    });
    each.collect()
}

fn canary(
    name: &str,
    spec: &CanarySpec,
    sources: &SourceFiles,
    span: Span,
    report: &mut Reporter,
) -> Option<Canary> {
    let reach = spec.probe.get_or_default();
    let check = check(name, spec, &CheckContext { reach, sources }, span, report);
    if let (Reach::Region, Some(check)) = (reach, &check) {
        check_has_a_name(check, spec.probe.span().unwrap_or(span), report);
    }
    let interval = spec.interval.within("interval", &INTERVAL, report).unwrap_or(USUAL_INTERVAL);
    let timeout = timeout(spec, interval, span, report);
    let recheck = spec.recheck.within("recheck", &(SHORTEST_RECHECK..=interval), report);
    let slow = slow(spec, timeout, report);
    let thresholds = Thresholds {
        fall: spec.fall.within("fall", &THRESHOLD, report).unwrap_or(USUAL_THRESHOLD),
        rise: spec.rise.within("rise", &THRESHOLD, report).unwrap_or(USUAL_THRESHOLD),
    };
    Some(Canary {
        name: name.to_owned(),
        check: check?,
        interval,
        timeout,
        slow,
        recheck: recheck.unwrap_or(USUAL_RECHECK.min(interval)),
        thresholds,
        effect: spec.advisory.get().map_or(Criticality::Critical, |share| Criticality::Advisory(*share)),
        reach,
    })
}

/// Lowers the one check of a canary.
fn check(
    name: &str,
    spec: &CanarySpec,
    context: &CheckContext<'_>,
    span: Span,
    report: &mut Reporter,
) -> Option<Check> {
    let kinds = [
        ("`tcp`", spec.tcp.is_some()),
        ("`tls`", spec.tls.is_some()),
        ("`http`", spec.http.is_some()),
        ("`json`", spec.json.is_some()),
        ("`inference`", spec.inference.is_some()),
    ];
    let given: Vec<&str> =
        kinds.into_iter().filter(|(_, is_given)| *is_given).map(|(kind, _)| kind).collect();
    match given.as_slice() {
        [] => report_no_check(name, span, report),
        [_] => {}
        several => {
            let finding = report.error(span, format!("canary `{name}` has {}", several.join(" and ")));
            finding.hint("one canary checks one thing: make it several canaries");
            return None;
        }
    }
    if let Some((tcp, span)) = spec.tcp.given() {
        return checks::tcp(tcp, span, report);
    } else if let Some((tls, span)) = spec.tls.given() {
        return checks::tls(tls, context, span, report);
    } else if let Some((http, span)) = spec.http.given() {
        return checks::http(http, context, span, report);
    } else if let Some((json, span)) = spec.json.given() {
        return checks::json(json, context, span, report);
    }
    let (inference, span) = spec.inference.given()?;
    checks::inference(inference, context, span, report)
}

fn report_no_check(name: &str, span: Span, report: &mut Reporter) {
    let finding = report.error(span, format!("canary `{name}` checks nothing"));
    finding.hint("add `http: { url: \"http://{address}:8080/health\" }` or `tcp: { port: 443 }`");
}

/// Refuses what cannot be done to a region as a whole: it takes a name that leads there.
fn check_has_a_name(check: &Check, span: Span, report: &mut Reporter) {
    if check.request().is_none() {
        let kind = check.kind();
        let finding = report.error(span, format!("`{kind}` probes addresses, not a region as a whole"));
        finding.hint("use `http`, `json` or `inference`, whose URL names a host, or leave `probe` out");
    }
}

fn timeout(spec: &CanarySpec, interval: Duration, canary: Span, report: &mut Reporter) -> Duration {
    let total = spec.inference.get().and_then(|inference| inference.total.given());
    let usual = total.map_or(USUAL_TIMEOUT, |(total, _)| *total);
    let bounds = SHORTEST_TIMEOUT..=*INTERVAL.end();
    let timeout = spec.timeout.within("timeout", &bounds, report).unwrap_or(usual);
    if let Some(inference) = spec.inference.get() {
        check_limit(&inference.total, "total", ("timeout", timeout), report);
        let whole = total.map_or(("timeout", timeout), |(total, _)| ("total", *total));
        check_limit(&inference.first_byte, "first_byte", whole, report);
    }
    if timeout >= interval {
        let span = spec.timeout.span().or(total.map(|(_, span)| span)).or(spec.interval.span());
        let [timeout, interval] = [timeout, interval].map(|time| time.text());
        let message = format!("`timeout` ({timeout}) must be shorter than `interval` ({interval})");
        report.error(span.unwrap_or(canary), message).hint("else probes of one address overlap");
    }
    timeout
}

/// Checks a limit of an inference: the first byte comes before the last, and both in time.
fn check_limit(
    limit: &Option<Value<Duration>>,
    key: &str,
    (longest_key, longest): (&str, Duration),
    report: &mut Reporter,
) {
    let Some((limit, span)) = limit.given() else { return };
    if *limit < SHORTEST_TIMEOUT {
        report.error(span, format!("`{key}` is at least {}", SHORTEST_TIMEOUT.text()));
    }
    if *limit > longest {
        let [limit, longest] = [*limit, longest].map(|time| time.text());
        let finding =
            report.error(span, format!("`{key}` ({limit}) is longer than `{longest_key}` ({longest})"));
        finding.hint(format!("it would never matter: raise `{longest_key}`"));
    }
}

fn slow(spec: &CanarySpec, timeout: Duration, report: &mut Reporter) -> Option<Duration> {
    let (slow, span) = spec.slow.given()?;
    if *slow < SHORTEST_SLOW {
        report.error(span, format!("`slow` is at least {}", SHORTEST_SLOW.text()));
    }
    if *slow >= timeout {
        let [slow, timeout] = [*slow, timeout].map(|time| time.text());
        let finding =
            report.error(span, format!("`slow` ({slow}) must be shorter than `timeout` ({timeout})"));
        finding.hint("what takes longer than the timeout is a failure, not slow");
    }
    Some(*slow)
}
