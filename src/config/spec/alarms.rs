//! `alarms`: when something that is measured is an alarm.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json::Number;
use super::leaf::Value;
use crate::config::yaml::Setting;

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
    /// A region's certificate ends soon (a `tls` canary). Left out: `{ warning_days: 14, alarm_days: 3 }`.
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
    /// For how long it must be larger: `0s` to `24h`. Left out: `5m`.
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
    /// For how long it must be longer: `0s` to `24h`. Left out: `5m`.
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

/// A lag that is too long: `warning` < `alarm`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LagSpec {
    /// Beyond this it is a warning: `1s` to `8760h`. Left out: `30s`.
    pub warning: Option<Value<Duration>>,
    /// Beyond this it is an alarm: `1s` to `8760h`. Left out: `2m`.
    pub alarm: Option<Value<Duration>>,
    /// For how long it must be longer: `0s` to `24h`. Left out: `0s`.
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

/// The days that are too few for a certificate: `alarm_days` < `warning_days`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateSpec {
    /// With fewer whole days left it is a warning: 1 to 3650. Left out: 14.
    pub warning_days: Option<Value<u32>>,
    /// With fewer whole days left it is an alarm: 1 to 3650. Left out: 3.
    pub alarm_days: Option<Value<u32>>,
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
