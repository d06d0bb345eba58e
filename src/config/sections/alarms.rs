//! `alarms` in `regions.yaml`: when something that is measured is an alarm.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::{Reporter, Span};
use crate::config::values::{Number, Value, duration, given};
use crate::config::yaml::Setting;
use crate::severity::Severity;

/// When something that is measured is an alarm: each is said once when it is raised and once when it is over,
/// for a minute and by a tenth of the limit. What is not measured raises none.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmsSpec {
    /// A region's requests fail (the signal `error_rate`). Left out: `{ above: 0.01, for: 5m }`.
    pub error_rate: Option<Setting<RateSwitch>>,
    /// A region's requests are slow (the signal `p95_latency`). Left out: `{ above: 700ms, for: 5m }`, a warning.
    pub p95_latency: Option<Setting<LatencySwitch>>,
    /// A region's data is old (the signal `replication_lag`). Left out: `{ warning: 30s, alarm: 2m, for: 0s }`.
    pub replication_lag: Option<Setting<LagSwitch>>,
    /// A region's certificate ends soon (a `tls` canary). Left out: `{ warning_days: 14, critical_days: 3 }`.
    pub certificate: Option<Setting<CertificateSwitch>>,
    /// The geo database is old. Left out: `{ above_days: 60 }`, a warning.
    pub database_age: Option<Setting<AgeSwitch>>,
    /// A changed configuration is refused. Left out: `on`.
    pub reload_failed: Option<Setting<Switch>>,
}

/// Whether there is such an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// There is.
    On,
    /// There is none.
    Off,
}

/// No alarm.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Never {
    /// There is no such alarm.
    Off,
}

/// A share of requests that is too large, or `off`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub enum RateSwitch {
    /// `off`.
    Scalar(Never),
    /// When.
    Mapping(RateSpec),
}

/// A share of requests that is too large.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateSpec {
    /// The share that is not too large yet: above 0, up to 1. Left out: 0.01.
    pub above: Option<Value<Number>>,
    /// For how long it must be larger: `0s` to `1d`. Left out: `5m`.
    pub r#for: Option<Value<Duration>>,
}

/// A latency that is too long, or `off`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub enum LatencySwitch {
    /// `off`.
    Scalar(Never),
    /// When.
    Mapping(LatencySpec),
}

/// A latency that is too long.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencySpec {
    /// The latency that is not too long yet: `1ms` to `1h`. Left out: `700ms`.
    pub above: Option<Value<Duration>>,
    /// For how long it must be longer: `0s` to `1d`. Left out: `5m`.
    pub r#for: Option<Value<Duration>>,
}

/// A lag that is too long, or `off`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub enum LagSwitch {
    /// `off`.
    Scalar(Never),
    /// When.
    Mapping(LagSpec),
}

/// A lag that is too long: `warning` < `critical`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LagSpec {
    /// Beyond this it is a warning: `1s` to `365d`. Left out: `30s`.
    pub warning: Option<Value<Duration>>,
    /// Beyond this it is critical: `1s` to `365d`. Left out: `2m`.
    pub critical: Option<Value<Duration>>,
    /// For how long it must be longer: `0s` to `1d`. Left out: `0s`.
    pub r#for: Option<Value<Duration>>,
}

/// The days that are too few for a certificate, or `off`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub enum CertificateSwitch {
    /// `off`.
    Scalar(Never),
    /// When.
    Mapping(CertificateSpec),
}

/// The days that are too few for a certificate: `critical_days` < `warning_days`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateSpec {
    /// With fewer whole days left it is a warning: 1 to 3650. Left out: 14.
    pub warning_days: Option<Value<u32>>,
    /// With fewer whole days left it is critical: 1 to 3650. Left out: 3.
    pub critical_days: Option<Value<u32>>,
}

/// The age that is too old for a database, or `off`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub enum AgeSwitch {
    /// `off`.
    Scalar(Never),
    /// When.
    Mapping(AgeSpec),
}

/// The age that is too old for a database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgeSpec {
    /// The age in days that is not too old yet: 1 to 3650. Left out: 60.
    pub above_days: Option<Value<u32>>,
}

/// What raises an alarm besides the loss of something.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmRules {
    /// The rules, each for itself.
    pub rules: Vec<AlarmRule>,
    /// Whether a configuration that is refused is an alarm until a good one takes its place.
    pub reload_failed: bool,
}

/// A limit, and what is said when it is passed for too long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlarmRule {
    /// What is measured.
    pub measure: Measure,
    /// The limit, in the unit of the measure.
    pub limit: f64,
    /// How long the measure must be beyond it without a break.
    pub lasts: Duration,
    /// How loudly it is said.
    pub severity: Severity,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// The share of a region's requests that fail.
    ErrorRate,
    /// The latency that 95 % of a region's requests do not exceed, in seconds.
    P95Latency,
    /// How far the replica of a region is behind that is the furthest, in seconds.
    ReplicationLag,
    /// How many days the certificate of a region is still valid that ends first.
    Certificate,
    /// How old the geo database is, in days.
    DatabaseAge,
}

impl Measure {
    /// Returns whether a small value is the bad one.
    pub fn is_bad_when_low(self) -> bool {
        match self {
            Self::Certificate => true,
            Self::ErrorRate | Self::P95Latency | Self::ReplicationLag | Self::DatabaseAge => false,
        }
    }

    /// Returns the word that the configuration, logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::P95Latency => "p95_latency",
            Self::ReplicationLag => "replication_lag",
            Self::Certificate => "certificate",
            Self::DatabaseAge => "database_age",
        }
    }
}

impl Default for AlarmRules {
    /// Returns the usual ones: errors above 1 % or a p95 latency above 700 ms for 5 minutes, a replica more than
    /// 30 s and 120 s behind, fewer than 14 and 3 days left on a certificate, a geo database of more than 60 days.
    fn default() -> Self {
        let rule = |measure, limit, minutes: u64, severity| AlarmRule {
            measure,
            limit,
            lasts: Duration::from_secs(minutes * 60),
            severity,
        };
        Self {
            rules: vec![
                rule(Measure::ErrorRate, 0.01, 5, Severity::Critical),
                rule(Measure::P95Latency, 0.7, 5, Severity::Warning),
                rule(Measure::ReplicationLag, 30.0, 0, Severity::Warning),
                rule(Measure::ReplicationLag, 120.0, 0, Severity::Critical),
                rule(Measure::Certificate, 14.0, 0, Severity::Warning),
                rule(Measure::Certificate, 3.0, 0, Severity::Critical),
                rule(Measure::DatabaseAge, 60.0, 0, Severity::Warning),
            ],
            reload_failed: true,
        }
    }
}

/// The longest time that something must last to be an alarm: what takes longer is noticed otherwise.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The usual window of what is counted over requests.
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// The longest latency, and the longest lag, that is believed (`Signal::highest`).
const LATENCY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(3600));
const LAG: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(31_536_000));

/// The most days of a rule: ten years.
const MOST_DAYS: u32 = 3650;

/// Lowers `alarms`.
pub(super) fn lower(spec: &Option<Setting<AlarmsSpec>>, report: &mut Reporter) -> AlarmRules {
    let Some(spec) = spec.as_ref().and_then(|alarms| alarms.value.as_ref()) else {
        return AlarmRules::default();
    };
    let AlarmRules { rules: usual, reload_failed } = AlarmRules::default();
    let mut rules = Vec::new();
    let of = |measure| usual.iter().filter(move |rule| rule.measure == measure);
    match said(&spec.error_rate) {
        Some((RateSwitch::Scalar(Never::Off), _)) => {}
        Some((RateSwitch::Mapping(rate), _)) => rules.push(error_rate(rate, report)),
        None => rules.extend(of(Measure::ErrorRate)),
    }
    match said(&spec.p95_latency) {
        Some((LatencySwitch::Scalar(Never::Off), _)) => {}
        Some((LatencySwitch::Mapping(latency), _)) => rules.push(p95_latency(latency, report)),
        None => rules.extend(of(Measure::P95Latency)),
    }
    match said(&spec.replication_lag) {
        Some((LagSwitch::Scalar(Never::Off), _)) => {}
        Some((LagSwitch::Mapping(lag), span)) => rules.extend(replication_lag(lag, span, report)),
        None => rules.extend(of(Measure::ReplicationLag)),
    }
    match said(&spec.certificate) {
        Some((CertificateSwitch::Scalar(Never::Off), _)) => {}
        Some((CertificateSwitch::Mapping(days), span)) => {
            rules.extend(certificate(days, span, report));
        }
        None => rules.extend(of(Measure::Certificate)),
    }
    match said(&spec.database_age) {
        Some((AgeSwitch::Scalar(Never::Off), _)) => {}
        Some((AgeSwitch::Mapping(age), _)) => {
            let limit = days(&age.above_days, "above_days", 60, report);
            rules.push(at_once(Measure::DatabaseAge, limit, Severity::Warning));
        }
        None => rules.extend(of(Measure::DatabaseAge)),
    }
    let switch = said(&spec.reload_failed).map(|(switch, _)| *switch == Switch::On);
    AlarmRules { rules, reload_failed: switch.unwrap_or(reload_failed) }
}

fn said<T>(setting: &Option<Setting<T>>) -> Option<(&T, Span)> {
    setting.as_ref()?.given()
}

fn error_rate(spec: &RateSpec, report: &mut Reporter) -> AlarmRule {
    let limit = given(&spec.above).map_or(0.01, |(Number(limit), span)| {
        if *limit <= 0.0 || *limit > 1.0 {
            let draft = report.error(span, format!("`above` is more than 0 and at most 1, not {limit}"));
            draft.hint("1 % is written `0.01`");
        }
        *limit
    });
    AlarmRule {
        measure: Measure::ErrorRate,
        limit,
        lasts: duration(&spec.r#for, "for", WINDOW, (Duration::ZERO, LONGEST), report),
        severity: Severity::Critical,
    }
}

fn p95_latency(spec: &LatencySpec, report: &mut Reporter) -> AlarmRule {
    let above = duration(&spec.above, "above", Duration::from_millis(700), LATENCY, report);
    AlarmRule {
        measure: Measure::P95Latency,
        limit: above.as_secs_f64(),
        lasts: duration(&spec.r#for, "for", WINDOW, (Duration::ZERO, LONGEST), report),
        severity: Severity::Warning,
    }
}

fn replication_lag(spec: &LagSpec, span: Span, report: &mut Reporter) -> [AlarmRule; 2] {
    let warning = duration(&spec.warning, "warning", Duration::from_secs(30), LAG, report);
    let critical = duration(&spec.critical, "critical", Duration::from_secs(120), LAG, report);
    let lasts = duration(&spec.r#for, "for", Duration::ZERO, (Duration::ZERO, LONGEST), report);
    if critical <= warning {
        let span = given(&spec.critical).or(given(&spec.warning)).map_or(span, |(_, span)| span);
        let draft = report.error(span, "`critical` must be longer than `warning`");
        draft.hint("people are warned first: `{ warning: 30s, critical: 2m }`");
    }
    let rule = |limit: Duration, severity| AlarmRule {
        measure: Measure::ReplicationLag,
        limit: limit.as_secs_f64(),
        lasts,
        severity,
    };
    [rule(warning, Severity::Warning), rule(critical, Severity::Critical)]
}

fn certificate(spec: &CertificateSpec, span: Span, report: &mut Reporter) -> [AlarmRule; 2] {
    let warning = days(&spec.warning_days, "warning_days", 14, report);
    let critical = days(&spec.critical_days, "critical_days", 3, report);
    if critical >= warning {
        let span = given(&spec.critical_days).or(given(&spec.warning_days)).map_or(span, |(_, span)| span);
        let draft = report.error(span, "`critical_days` must be fewer than `warning_days`");
        draft.hint("people are warned first: `{ warning_days: 14, critical_days: 3 }`");
    }
    let measure = Measure::Certificate;
    [at_once(measure, warning, Severity::Warning), at_once(measure, critical, Severity::Critical)]
}

fn at_once(measure: Measure, days: u32, severity: Severity) -> AlarmRule {
    AlarmRule { measure, limit: f64::from(days), lasts: Duration::ZERO, severity }
}

fn days(setting: &Option<Value<u32>>, key: &str, default: u32, report: &mut Reporter) -> u32 {
    let Some((days, span)) = given(setting) else {
        return default;
    };
    if *days == 0 || *days > MOST_DAYS {
        report.error(span, format!("`{key}` goes from 1 to {MOST_DAYS}, not {days}"));
    }
    *days
}
