//! When something that is measured is an alarm.

use std::time::Duration;

/// What raises an alarm besides the loss of something.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarms {
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
    pub level: Level,
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

/// How loudly an alarm is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is wrong.
    Warning,
    /// Clients feel it, or soon will.
    Alarm,
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

impl Level {
    /// Returns the word that logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

impl Default for Alarms {
    /// Returns the usual ones: errors above 1 % or a p95 latency above 700 ms for 5 minutes, a replica more than
    /// 30 s and 120 s behind, fewer than 14 and 3 days left on a certificate, a geo database of more than 60 days.
    fn default() -> Self {
        let rule = |measure, limit, minutes: u64, level| AlarmRule {
            measure,
            limit,
            lasts: Duration::from_secs(minutes * 60),
            level,
        };
        Self {
            rules: vec![
                rule(Measure::ErrorRate, 0.01, 5, Level::Alarm),
                rule(Measure::P95Latency, 0.7, 5, Level::Warning),
                rule(Measure::ReplicationLag, 30.0, 0, Level::Warning),
                rule(Measure::ReplicationLag, 120.0, 0, Level::Alarm),
                rule(Measure::Certificate, 14.0, 0, Level::Warning),
                rule(Measure::Certificate, 3.0, 0, Level::Alarm),
                rule(Measure::DatabaseAge, 60.0, 0, Level::Warning),
            ],
            reload_failed: true,
        }
    }
}
