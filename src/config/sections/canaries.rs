//! `canaries` in `regions.yaml`: what is checked, how often, what makes a verdict, and what that does.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::{self, TcpSpec, TlsSpec};
use super::request::{self, HttpSpec, InferenceSpec, JsonSpec, RequestSpec};
use crate::canary::{Canary, Check, Effect, Reach, Thresholds};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Percent, Value, check_name, duration, given, word};
use crate::config::yaml::{Entries, Setting};
use crate::share::Share;
use crate::units::TimeSpan;

/// A check that is run against every address of the regions that name it, or once against each of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanarySpec {
    /// Opens a TCP connection and closes it. A canary has exactly one of `tcp`, `tls`, `http`,
    /// `json` and `inference`.
    pub tcp: Option<Setting<TcpSpec>>,
    /// Shakes hands over TLS and looks at the certificate.
    pub tls: Option<Setting<TlsSpec>>,
    /// Sends an HTTP request and looks at the response.
    pub http: Option<Setting<HttpSpec>>,
    /// Sends an HTTP request and reads the JSON of the response.
    pub json: Option<Setting<JsonSpec>>,
    /// Sends a tiny prompt to a model and looks at how soon and how well it is answered.
    pub inference: Option<Setting<InferenceSpec>>,
    /// What is probed. Left out: `address`.
    pub probe: Option<Setting<Reach>>,
    /// Makes the canary advisory: while it is down, what it watches keeps this share of its clients, `1%` to
    /// `99%`, and the others are sent elsewhere. Left out: it is critical, and takes the address or region
    /// out of the answers.
    pub advisory: Option<Value<Percent>>,
    /// The time between the starts of two probes of one address, jittered by ±10 %: `100ms` to `1h`.
    /// Left out: `10s`.
    pub interval: Option<Value<Duration>>,
    /// A probe that takes longer has failed: at least `10ms`, and less than `interval`. Left out:
    /// `2s`, or the `total` of an inference canary.
    pub timeout: Option<Value<Duration>>,
    /// A success that takes longer is shown as slow in `/status` and counted in `/metrics`, and is a
    /// success all the same: at least `1ms`, and less than `timeout`. Left out: none is slow.
    pub slow: Option<Value<Duration>>,
    /// The interval while an address is suspect: `50ms` up to `interval`. Left out: `2s`, or
    /// `interval` when that is shorter.
    pub recheck: Option<Value<Duration>>,
    /// This many consecutive failures take an address down: 1 to 100. Left out: 3.
    pub fall: Option<Value<u32>>,
    /// This many consecutive successes bring it back: 1 to 100. Left out: 3.
    pub rise: Option<Value<u32>>,
}

/// The most canaries: all of them may watch each address.
const MAX_CANARIES: usize = 256;

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);
/// Design, section 5: the worst case of 10 s, 2 s and 3 is then 20 s.
const RECHECK: Duration = Duration::from_secs(2);
const FALL: u32 = 3;
const RISE: u32 = 3;
const MAX_THRESHOLD: u32 = 100;

const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);
const SHORTEST_RECHECK: Duration = Duration::from_millis(50);
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(10);

/// Lowers the canaries.
pub(super) fn lower(
    spec: &Option<Setting<Entries<CanarySpec>>>,
    report: &mut Reporter,
) -> Vec<Option<Canary>> {
    let Some((entries, span)) = spec.as_ref().and_then(|canaries| canaries.given()) else {
        return Vec::new();
    };
    if entries.list.len() > MAX_CANARIES {
        report.error(span, format!("more than {MAX_CANARIES} canaries"));
    }
    let each = entries.iter().map(|(name, span, canary)| {
        check_name(name, span, report);
        if canary.is_missing() {
            none(name, span, report);
        }
        let (canary, _) = canary.given()?;
        self::canary(name, canary, span, report)
    });
    each.collect()
}

fn canary(name: &str, spec: &CanarySpec, span: Span, report: &mut Reporter) -> Option<Canary> {
    let reach = word(&spec.probe).unwrap_or_default();
    let check = check(name, spec, reach, span, report);
    if let (Reach::Region, Some(check)) = (reach, &check) {
        check_has_a_name(check, spec.probe.as_ref().and_then(|probe| probe.span).unwrap_or(span), report);
    }
    let interval =
        duration(&spec.interval, "interval", INTERVAL, (SHORTEST_INTERVAL, LONGEST_INTERVAL), report);
    let timeout = timeout(spec, interval, span, report);
    let slow = slow(spec, timeout, report);
    let canary = Canary {
        name: name.to_owned(),
        check: check?,
        interval,
        timeout,
        slow,
        recheck: duration(
            &spec.recheck,
            "recheck",
            RECHECK.min(interval),
            (SHORTEST_RECHECK, interval),
            report,
        ),
        thresholds: Thresholds {
            fall: threshold(&spec.fall, "fall", FALL, report),
            rise: threshold(&spec.rise, "rise", RISE, report),
        },
        effect: given(&spec.advisory)
            .map_or(Effect::Critical, |(Percent(share), _)| Effect::Advisory(Share::percent(*share))),
        reach,
    };
    Some(canary)
}

/// Lowers the one check of a canary.
fn check(name: &str, spec: &CanarySpec, reach: Reach, span: Span, report: &mut Reporter) -> Option<Check> {
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
        [] => none(name, span, report),
        [_] => {}
        several => {
            let message = format!("canary `{name}` has {}", several.join(" and "));
            report.error(span, message).hint("one canary checks one thing: make it several canaries");
            return None;
        }
    }
    let tcp = spec.tcp.as_ref().and_then(|tcp| tcp.given());
    let tls = spec.tls.as_ref().and_then(|tls| tls.given());
    let http = spec.http.as_ref().and_then(|http| http.given());
    let json = spec.json.as_ref().and_then(|json| json.given());
    let http = http.map(|(http, span)| (RequestSpec::from(http), span));
    let inference = spec.inference.as_ref().and_then(|inference| inference.given());
    tcp.and_then(|(tcp, span)| checks::tcp(tcp, span, report))
        .or_else(|| tls.and_then(|(tls, span)| checks::tls(tls, span, report)))
        .or_else(|| http.and_then(|(http, span)| request::lower(&http, reach, span, report)).map(Check::Http))
        .or_else(|| json.and_then(|(json, span)| checks::json(json, reach, span, report)))
        .or_else(|| inference.and_then(|(inference, span)| checks::inference(inference, reach, span, report)))
}

/// Reports a canary that checks nothing.
fn none(name: &str, span: Span, report: &mut Reporter) {
    let draft = report.error(span, format!("canary `{name}` checks nothing"));
    draft.hint("add `http: { url: \"http://{address}:8080/health\" }` or `tcp: { port: 443 }`");
}

/// Refuses what cannot be done to a region as a whole: it takes a name that leads there.
fn check_has_a_name(check: &Check, span: Span, report: &mut Reporter) {
    if check.request().is_none() {
        let kind = check.kind();
        let draft = report.error(span, format!("`{kind}` probes addresses, not a region as a whole"));
        draft.hint("use `http`, `json` or `inference`, whose URL names a host, or leave `probe` out");
    }
}

fn timeout(spec: &CanarySpec, interval: Duration, canary: Span, report: &mut Reporter) -> Duration {
    let inference = spec.inference.as_ref().and_then(|inference| inference.value.as_ref());
    let total = inference.and_then(|inference| given(&inference.total));
    let default = total.map_or(TIMEOUT, |(total, _)| *total);
    let timeout = duration(&spec.timeout, "timeout", default, (SHORTEST_TIMEOUT, LONGEST_INTERVAL), report);
    if let Some(inference) = inference {
        limits(inference, timeout, report);
    }
    if timeout >= interval {
        let span = given(&spec.timeout).or(total).or(given(&spec.interval)).map_or(canary, |(_, span)| span);
        let message = format!(
            "`timeout` ({}) must be shorter than `interval` ({})",
            TimeSpan(timeout),
            TimeSpan(interval)
        );
        report.error(span, message).hint("else probes of one address overlap");
    }
    timeout
}

/// Checks the limits of an inference: the first byte comes before the last, and both in time.
fn limits(spec: &InferenceSpec, timeout: Duration, report: &mut Reporter) {
    let longest = |report: &mut Reporter, setting, key, (longest_key, longest): (&str, Duration)| {
        let Some((limit, span)) = given(setting) else { return };
        if *limit < SHORTEST_TIMEOUT {
            report.error(span, format!("`{key}` is at least {}", TimeSpan(SHORTEST_TIMEOUT)));
        }
        if *limit > longest {
            let message = format!(
                "`{key}` ({}) is longer than `{longest_key}` ({})",
                TimeSpan(*limit),
                TimeSpan(longest)
            );
            report.error(span, message).hint(format!("it would never matter: raise `{longest_key}`"));
        }
    };
    longest(report, &spec.total, "total", ("timeout", timeout));
    let whole = given(&spec.total).map_or(("timeout", timeout), |(total, _)| ("total", *total));
    longest(report, &spec.first_byte, "first_byte", whole);
}

fn slow(spec: &CanarySpec, timeout: Duration, report: &mut Reporter) -> Option<Duration> {
    let (slow, span) = given(&spec.slow)?;
    if slow.is_zero() {
        report.error(span, "`slow` is at least 1ms");
    }
    if *slow >= timeout {
        let message =
            format!("`slow` ({}) must be shorter than `timeout` ({})", TimeSpan(*slow), TimeSpan(timeout));
        report.error(span, message).hint("what takes longer than the timeout is a failure, not slow");
    }
    Some(*slow)
}

fn threshold(setting: &Option<Value<u32>>, key: &str, default: u32, report: &mut Reporter) -> u32 {
    let Some((count, span)) = given(setting) else {
        return default;
    };
    if !(1..=MAX_THRESHOLD).contains(count) {
        report.error(span, format!("`{key}` goes from 1 to {MAX_THRESHOLD}, not {count}"));
    }
    *count
}
