//! What a service says of itself in passing: signals for steering, not verdicts.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::moment::{Moment, follows_clock};

/// How many intervals of its canary a signal is believed for: two responses in a row may get lost.
const FRESH_INTERVALS: u32 = 3;

/// A quantity that a response may report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// The share of the capacity that is in use: 1 is full.
    Load,
    /// The share of requests that fail: 1 is all of them.
    ErrorRate,
    /// The latency that 95 % of requests do not exceed, in seconds.
    P95Latency,
    /// How far a replica is behind, in seconds.
    ReplicationLag,
    /// How many requests wait.
    QueueDepth,
    /// How many requests the error rate and the latency are about.
    Requests,
}

impl Signal {
    /// Every signal, in the order in which `/status` lists them.
    pub const ALL: [Self; 6] = [
        Self::Load,
        Self::ErrorRate,
        Self::P95Latency,
        Self::ReplicationLag,
        Self::QueueDepth,
        Self::Requests,
    ];

    /// Returns the word that the configuration uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::ErrorRate => "error_rate",
            Self::P95Latency => "p95_latency",
            Self::ReplicationLag => "replication_lag",
            Self::QueueDepth => "queue_depth",
            Self::Requests => "requests",
        }
    }

    /// Returns the largest value that is believed. Beyond it the unit is wrong, a percentage for a share or
    /// milliseconds for seconds, and acting on that would be worse than not knowing.
    pub fn highest(self) -> f64 {
        match self {
            // Ten times what a region can serve; 1.4 is a bad day.
            Self::Load => 10.0,
            Self::ErrorRate => 1.0,
            // An hour: no client waits longer.
            Self::P95Latency => 3600.0,
            // A year.
            Self::ReplicationLag => 31_536_000.0,
            // As many as there are people, about.
            Self::QueueDepth => 1e10,
            // A day of the largest services there are.
            Self::Requests => 1e13,
        }
    }

    /// Returns whether a value can be one of this signal.
    pub fn allows(self, value: f64) -> bool {
        // NaN is in no range.
        (0.0..=self.highest()).contains(&value)
    }
}

/// The signals of one response. `None` is unknown, which is never taken for zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Signals {
    /// The share of the capacity that is in use, 0 to 10.
    pub load: Option<f64>,
    /// The share of requests that fail, 0 to 1.
    pub error_rate: Option<f64>,
    /// The latency that 95 % of requests do not exceed, in seconds.
    pub p95_latency_seconds: Option<f64>,
    /// How far a replica is behind, in seconds.
    pub replication_lag_seconds: Option<f64>,
    /// How many requests wait.
    pub queue_depth: Option<f64>,
    /// How many requests the error rate and the latency are about.
    pub requests: Option<f64>,
    /// How many whole days the certificate is still valid; only a handshake knows, no response says so.
    pub certificate_days: Option<f64>,
}

impl Signals {
    /// Notes a value; one that the signal does not allow is not noted.
    pub fn set(&mut self, signal: Signal, value: f64) {
        let value = Some(value).filter(|value| signal.allows(*value));
        match signal {
            Signal::Load => self.load = value,
            Signal::ErrorRate => self.error_rate = value,
            Signal::P95Latency => self.p95_latency_seconds = value,
            Signal::ReplicationLag => self.replication_lag_seconds = value,
            Signal::QueueDepth => self.queue_depth = value,
            Signal::Requests => self.requests = value,
        }
    }
}

/// Signals, and when they were heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// When the response was known.
    pub at: Moment,
    pub signals: Signals,
}

impl Heard {
    /// Returns whether the signals are too old to be believed, at the interval of their canary.
    pub fn is_stale(&self, interval: Duration, now: Moment) -> bool {
        now.since(self.at) > interval * FRESH_INTERVALS
    }
}

follows_clock!(Heard: at);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_stale_after_three_intervals() {
        let heard = Heard { at: Moment(1_000), signals: Signals::default() };
        let interval = Duration::from_secs(10);
        assert!(!heard.is_stale(interval, Moment(31_000)));
        assert!(heard.is_stale(interval, Moment(31_001)));
    }

    #[test]
    fn what_cannot_be_is_unknown_and_never_zero() {
        for (value, load) in [
            (0.0, Some(0.0)),
            (1.4, Some(1.4)),
            (85.0, None),
            (-3.0, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            let mut signals = Signals { load: Some(0.5), ..Signals::default() };
            signals.set(Signal::Load, value);
            assert_eq!(signals.load, load, "{value}");
        }
    }
}
