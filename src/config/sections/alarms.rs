//! `alarms` in `regions.yaml`: limits of measured values beyond which an alarm is raised.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::or_off::{Never, OrOff};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Checked, Value};
use crate::config::yaml::{Setting, Written};
use crate::region::Limits;
use crate::severity::Severity;

/// How long something must last to be an alarm: what takes longer than a day is noticed otherwise.
pub const LASTING: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(24 * 3600);

/// The bounds of a limit of latency, and of lag: the most that is believed of each (`Signal::highest`).
pub const LATENCY: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);
pub const LAG: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(31_536_000);

/// The bounds of a limit in days: up to ten years.
pub const DAYS: RangeInclusive<u32> = 1..=3650;

/// The usual window of what is counted over requests.
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// Limits of measured values. An alarm is raised when a value has been beyond its limit for the stated time, and
/// cleared when it has been back within it, by a tenth of the limit, for a minute. A value that is not measured
/// raises none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmsSpec {
    /// A region's requests fail (the signal `error_rate`). Left out: `{ above: 0.01, for: 5m }`.
    error_rate: Option<Setting<OrOff<RateSpec>>>,
    /// A region's requests are slow (the signal `p95_latency`). Left out: `{ above: 700ms, for: 5m }`, a warning.
    p95_latency: Option<Setting<OrOff<LatencySpec>>>,
    /// A region is full (the signal `load`): more than `safety.load.soft`, a warning, or than `hard`, critical and at
    /// once. Left out: `{ for: 5m }`.
    load: Option<Setting<OrOff<LoadSpec>>>,
    /// A region's data is old (the signal `replication_lag`). Left out: `{ warning: 30s, critical: 2m, for: 0s }`.
    replication_lag: Option<Setting<OrOff<LagSpec>>>,
    /// A region's certificate ends soon (a `tls` canary). Left out: `{ warning_days: 14, critical_days: 3 }`.
    certificate: Option<Setting<OrOff<CertificateSpec>>>,
    /// The path to a region is lossy: its probes time out, and nothing falls. Of the last ten minutes, with 60 probes or
    /// more of its critical canaries. Left out: `{ above: 0.05, for: 1m }`, a warning.
    probe_loss: Option<Setting<OrOff<LossSpec>>>,
    /// The geo database is old. Left out: `{ above_days: 60 }`, a warning.
    database_age: Option<Setting<OrOff<AgeSpec>>>,
    /// A changed configuration is refused. Left out: `on`.
    reload_failed: Option<Setting<Switch>>,
}

/// Whether there is such an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Switch {
    /// There is.
    On,
    /// There is none.
    Off,
}

/// A share of requests that is too large.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RateSpec {
    /// The share that is not too large yet: above 0, up to 1. Left out: 0.01.
    above: Option<Value<f64>>,
    /// For how long it must be larger: `0s` to `1d`. Left out: `5m`.
    r#for: Option<Value<Duration>>,
}

/// A latency that is too long.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LatencySpec {
    /// The latency that is not too long yet: `1ms` to `1h`. Left out: `700ms`.
    above: Option<Value<Duration>>,
    /// For how long it must be longer: `0s` to `1d`. Left out: `5m`.
    r#for: Option<Value<Duration>>,
}

/// A load that is too high.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LoadSpec {
    /// For how long it must be above `soft`: `0s` to `1d`. Left out: `5m`.
    r#for: Option<Value<Duration>>,
}

/// A lag that is too long: `warning` < `critical`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LagSpec {
    /// Beyond this it is a warning: `1s` to `365d`. Left out: `30s`.
    warning: Option<Value<Duration>>,
    /// Beyond this it is critical: `1s` to `365d`. Left out: `2m`.
    critical: Option<Value<Duration>>,
    /// For how long it must be longer: `0s` to `1d`. Left out: `0s`.
    r#for: Option<Value<Duration>>,
}

/// The days that are too few for a certificate: `critical_days` < `warning_days`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CertificateSpec {
    /// With fewer whole days left it is a warning: 1 to 3650. Left out: 14.
    warning_days: Option<Value<u32>>,
    /// With fewer whole days left it is critical: 1 to 3650. Left out: 3.
    critical_days: Option<Value<u32>>,
}

/// A share of probes that is too large.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LossSpec {
    /// The share that is not too large yet: above 0, up to 1. Left out: 0.05.
    above: Option<Value<f64>>,
    /// For how long it must be larger: `0s` to `1d`. Left out: `1m`, in which what is dead has fallen.
    r#for: Option<Value<Duration>>,
}

/// The age that is too old for a database.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AgeSpec {
    /// The age in days that is not too old yet: 1 to 3650. Left out: 60.
    above_days: Option<Value<u32>>,
}

/// What raises an alarm besides the loss of something.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmRules {
    pub rules: Vec<AlarmRule>,
    /// Whether a configuration that is refused is an alarm until a good one takes its place.
    pub reload_failed: bool,
}

/// A limit, and the alarm that is raised when it is passed for too long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlarmRule {
    pub measure: Measure,
    /// The limit, in the unit of the measure.
    pub limit: f64,
    /// How long the measure must be beyond it without a break.
    pub lasts: Duration,
    pub severity: Severity,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// The share of a region's requests that fail.
    ErrorRate,
    /// The latency that 95 % of a region's requests do not exceed, in seconds.
    P95Latency,
    /// The load of a region, as a fraction of its capacity.
    Load,
    /// The lag of the replica of a region that is the furthest behind, in seconds.
    ReplicationLag,
    /// The days for which the certificate of a region that ends first is still valid.
    Certificate,
    /// The age of the geo database in days.
    DatabaseAge,
    /// The share of a region's probes that are lost on the way.
    ProbeLoss,
}

impl Measure {
    /// Returns whether a small value is the bad one.
    pub fn is_bad_when_low(self) -> bool {
        match self {
            Self::Certificate => true,
            Self::ErrorRate
            | Self::P95Latency
            | Self::Load
            | Self::ReplicationLag
            | Self::DatabaseAge
            | Self::ProbeLoss => false,
        }
    }

    /// Returns the word that the configuration, logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::P95Latency => "p95_latency",
            Self::Load => "load",
            Self::ReplicationLag => "replication_lag",
            Self::Certificate => "certificate",
            Self::DatabaseAge => "database_age",
            Self::ProbeLoss => "probe_loss",
        }
    }
}

impl Default for AlarmRules {
    /// Returns the rules of a configuration that says nothing of alarms.
    fn default() -> Self {
        lower(&None, Limits::default(), &mut Reporter::default())
    }
}

/// Lowers `alarms`; `limits` say which load is too high.
pub(super) fn lower(spec: &Option<Setting<AlarmsSpec>>, limits: Limits, report: &mut Reporter) -> AlarmRules {
    let nothing = AlarmsSpec::default();
    let spec = spec.get().unwrap_or(&nothing);
    let mut rules = rules_of(&spec.error_rate, error_rate, report);
    rules.extend(rules_of(&spec.p95_latency, p95_latency, report));
    rules.extend(rules_of(&spec.load, |spec, _, report| load(spec, limits, report), report));
    rules.extend(rules_of(&spec.replication_lag, replication_lag, report));
    rules.extend(rules_of(&spec.certificate, certificate, report));
    rules.extend(rules_of(&spec.probe_loss, probe_loss, report));
    rules.extend(rules_of(&spec.database_age, database_age, report));
    AlarmRules { rules, reload_failed: spec.reload_failed.get_or(Switch::On) == Switch::On }
}

/// Lowers one alarm: no rules when it is `off`, and its defaults when it is left out.
fn rules_of<T: Default>(
    spec: &Option<Setting<OrOff<T>>>,
    lower: impl FnOnce(&T, Span, &mut Reporter) -> Vec<AlarmRule>,
    report: &mut Reporter,
) -> Vec<AlarmRule> {
    match spec.given() {
        None => lower(&T::default(), Span::default(), report),
        Some((OrOff::Scalar(Never::Off), _)) => Vec::new(),
        Some((OrOff::Mapping(limits), span)) => lower(limits, span, report),
    }
}

fn error_rate(spec: &RateSpec, _: Span, report: &mut Reporter) -> Vec<AlarmRule> {
    let limit = share(&spec.above, 0.01, report);
    let lasts = spec.r#for.within("for", &LASTING, report).unwrap_or(WINDOW);
    vec![AlarmRule { measure: Measure::ErrorRate, limit, lasts, severity: Severity::Critical }]
}

fn probe_loss(spec: &LossSpec, _: Span, report: &mut Reporter) -> Vec<AlarmRule> {
    let limit = share(&spec.above, 0.05, report);
    let lasts = spec.r#for.within("for", &LASTING, report).unwrap_or(Duration::from_secs(60));
    vec![AlarmRule { measure: Measure::ProbeLoss, limit, lasts, severity: Severity::Warning }]
}

/// Returns a share that must not be exceeded, or the usual one.
fn share(spec: &Option<Value<f64>>, usual: f64, report: &mut Reporter) -> f64 {
    if let Some((limit, span)) = spec.given()
        && (*limit <= 0.0 || *limit > 1.0)
    {
        let finding = report.error(span, format!("`above` is more than 0 and at most 1, not {limit}"));
        finding.hint("1 % is written `0.01`");
    }
    spec.get_or(usual)
}

fn p95_latency(spec: &LatencySpec, _: Span, report: &mut Reporter) -> Vec<AlarmRule> {
    let above = spec.above.within("above", &LATENCY, report).unwrap_or(Duration::from_millis(700));
    let lasts = spec.r#for.within("for", &LASTING, report).unwrap_or(WINDOW);
    let limit = above.as_secs_f64();
    vec![AlarmRule { measure: Measure::P95Latency, limit, lasts, severity: Severity::Warning }]
}

fn load(spec: &LoadSpec, limits: Limits, report: &mut Reporter) -> Vec<AlarmRule> {
    let lasts = spec.r#for.within("for", &LASTING, report).unwrap_or(WINDOW);
    let measure = Measure::Load;
    vec![
        AlarmRule { measure, limit: limits.soft, lasts, severity: Severity::Warning },
        AlarmRule { measure, limit: limits.hard, lasts: Duration::ZERO, severity: Severity::Critical },
    ]
}

fn replication_lag(spec: &LagSpec, span: Span, report: &mut Reporter) -> Vec<AlarmRule> {
    let warning = spec.warning.within("warning", &LAG, report).unwrap_or(Duration::from_secs(30));
    let critical = spec.critical.within("critical", &LAG, report).unwrap_or(Duration::from_secs(120));
    let lasts = spec.r#for.within("for", &LASTING, report).unwrap_or_default();
    if critical <= warning {
        let span = spec.critical.span().or(spec.warning.span()).unwrap_or(span);
        let finding = report.error(span, "`critical` must be longer than `warning`");
        finding.hint("a warning comes first: `{ warning: 30s, critical: 2m }`");
    }
    let measure = Measure::ReplicationLag;
    let rule =
        |(limit, severity): (Duration, _)| AlarmRule { measure, limit: limit.as_secs_f64(), lasts, severity };
    [(warning, Severity::Warning), (critical, Severity::Critical)].map(rule).to_vec()
}

fn certificate(spec: &CertificateSpec, span: Span, report: &mut Reporter) -> Vec<AlarmRule> {
    let warning = spec.warning_days.within("warning_days", &DAYS, report).unwrap_or(14);
    let critical = spec.critical_days.within("critical_days", &DAYS, report).unwrap_or(3);
    if critical >= warning {
        let span = spec.critical_days.span().or(spec.warning_days.span()).unwrap_or(span);
        let finding = report.error(span, "`critical_days` must be fewer than `warning_days`");
        finding.hint("a warning comes first: `{ warning_days: 14, critical_days: 3 }`");
    }
    [(warning, Severity::Warning), (critical, Severity::Critical)]
        .map(|(days, severity)| at_once(Measure::Certificate, days, severity))
        .to_vec()
}

fn database_age(spec: &AgeSpec, _: Span, report: &mut Reporter) -> Vec<AlarmRule> {
    let days = spec.above_days.within("above_days", &DAYS, report).unwrap_or(60);
    vec![at_once(Measure::DatabaseAge, days, Severity::Warning)]
}

fn at_once(measure: Measure, days: u32, severity: Severity) -> AlarmRule {
    AlarmRule { measure, limit: f64::from(days), lasts: Duration::ZERO, severity }
}
