//! What canaries say, as `/status` has it.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{State, Whom};
use super::rfc3339;
use crate::canary::{Canary as Settings, Effect, Heard, Sighting};
use crate::control::CanaryReport;
use crate::moment::Moment;

/// What keeps an address from being up.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Why {
    /// The canary that says so.
    pub canary: String,
    /// Its last failure.
    #[serde(flatten)]
    pub failure: Failure,
}

/// A failure of a canary.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Failure {
    /// `refused`, `timeout`, `tls`, `status`, `body` or `dns`.
    #[schemars(extend("enum" = ["refused", "timeout", "tls", "status", "body", "dns"]))]
    pub class: &'static str,
    /// What exactly happened.
    pub detail: String,
}

/// What a canary says of an address, or of a region as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Canary {
    /// Its name.
    pub name: String,
    /// What it does: `tcp`, `tls`, `http`, `json` or `inference`.
    #[schemars(extend("enum" = ["tcp", "tls", "http", "json", "inference"]))]
    pub kind: &'static str,
    /// `null`: it is critical, and takes what it watches down. Else it is advisory: down, it leaves what it
    /// watches this share of its clients, 0 to 1, and its state is not that of the address.
    pub advisory: Option<f64>,
    /// The state in which it leaves what it watches.
    #[schemars(extend("enum" = super::region::STATES))]
    pub state: &'static str,
    /// When that began.
    #[schemars(extend("format" = "date-time"))]
    pub since: String,
    /// Its last result; `null` before the first.
    pub last: Option<Last>,
    /// What the service last said of itself; `null` before the first time, and for canaries that do not ask.
    pub signals: Option<Signals>,
}

/// The last result of a canary.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Last {
    /// When it was known.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// Whether it was a success.
    pub ok: bool,
    /// How long the probe took, in milliseconds and their fractions.
    pub latency_ms: f64,
    /// Whether it was a success that took longer than the canary's `slow`.
    pub slow: bool,
    /// How it failed; `null` when it did not.
    pub failure: Option<Failure>,
    /// What made no sense in the response, but failed nothing.
    pub remark: Option<String>,
}

/// What a service said of itself; `null` is unknown.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Signals {
    /// When.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
    /// How long ago that was.
    pub age_seconds: u64,
    /// Whether that is more than three intervals ago; then all are unknown.
    pub stale: bool,
    /// The share of the capacity that is in use: 1 is full.
    pub load: Option<f64>,
    /// The share of requests that fail, 0 to 1.
    pub error_rate: Option<f64>,
    /// The latency that 95 % of requests do not exceed.
    pub p95_latency_seconds: Option<f64>,
    /// How far a replica is behind.
    pub replication_lag_seconds: Option<f64>,
    /// How many requests wait.
    pub queue_depth: Option<f64>,
    /// How many requests the error rate and the latency are about.
    pub requests: Option<f64>,
    /// How many whole days the certificate is still valid.
    pub certificate_days: Option<f64>,
}

/// What is needed to write down what canaries say.
pub(super) struct Watch<'p> {
    pub state: &'p State,
    /// The canaries of the configuration.
    pub canaries: &'p [crate::canary::Canary],
    pub now: Moment,
}

/// Writes down what each canary says of an address, or of a region as a whole.
pub(super) fn canaries(watch: &Watch<'_>, whom: Whom<'_>, reports: &[CanaryReport]) -> Vec<Canary> {
    let canaries = reports.iter().filter_map(|report| {
        // The report and the snapshot are of one configuration, so the canary is there.
        let settings = watch.canaries.iter().find(|settings| settings.name == report.name)?;
        let seen = (watch.state.sources.last)(whom, &report.name);
        let heard = seen.as_ref().and_then(|seen| seen.signals);
        Some(Canary {
            name: report.name.clone(),
            kind: settings.check.kind(),
            advisory: match settings.effect {
                Effect::Critical => None,
                Effect::Advisory(share) => Some(share.fraction()),
            },
            state: report.state.as_str(),
            since: rfc3339(report.since),
            signals: heard.map(|heard| signals(heard, settings, watch.now)),
            last: last(report, seen, settings),
        })
    });
    canaries.collect()
}

/// Returns the later one of what the report has and what was seen since.
fn last(report: &CanaryReport, seen: Option<Sighting>, settings: &Settings) -> Option<Last> {
    let judged = report.last.map(|last| Sighting {
        at: last.at,
        latency: last.latency,
        result: match &report.failure {
            // The last failure is that of the last result when it was one.
            Some(failure) if !last.is_success => Err(failure.clone()),
            _ => Ok(()),
        },
        remark: None,
        signals: None,
    });
    // Of two that are equally late the second wins, which has been seen just now.
    let latest = judged.into_iter().chain(seen).max_by_key(|sighting| sighting.at)?;
    Some(Last {
        at: rfc3339(latest.at),
        ok: latest.result.is_ok(),
        latency_ms: latest.latency.as_secs_f64() * 1000.0,
        slow: latest.result.is_ok() && settings.is_slow(latest.latency),
        failure: latest.result.err().map(|cause| failure(&cause)),
        remark: latest.remark,
    })
}

/// Writes down what a service said of itself, unless it is too old to be believed.
fn signals(heard: Heard, settings: &Settings, now: Moment) -> Signals {
    let stale = heard.is_stale(settings.interval, now);
    let known = if stale { crate::canary::Signals::default() } else { heard.signals };
    Signals {
        at: rfc3339(heard.at),
        age_seconds: now.since(heard.at).as_secs(),
        stale,
        load: known.load,
        error_rate: known.error_rate,
        p95_latency_seconds: known.p95_latency_seconds,
        replication_lag_seconds: known.replication_lag_seconds,
        queue_depth: known.queue_depth,
        requests: known.requests,
        certificate_days: known.certificate_days,
    }
}

pub(super) fn failure(failure: &crate::canary::Failure) -> Failure {
    Failure { class: failure.class.as_str(), detail: failure.detail.clone() }
}
