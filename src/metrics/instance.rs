//! Series of the instance as a whole: what it runs, what it serves from, what lasts.

use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Tallies, Unlabelled};
use crate::alarm::Alarm;
use crate::config::Config;
use crate::event::Condition;
use crate::moment::Moment;
use crate::region;
use crate::steering::AllDown;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConfigurationLabels {
    name: String,
    digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DatabaseLabels {
    kind: String,
    sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct AlarmLabels {
    kind: String,
    severity: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClientsOfName {
    name: String,
    clients: String,
    family: &'static str,
}

/// What all clients of a name are called, beside those of its rules.
const ALL: &str = "all";

/// What is measured of the instance as a whole.
#[derive(Debug)]
pub(super) struct InstanceMetrics {
    build: Family<BuildLabels, Gauge>,
    configuration: Family<ConfigurationLabels, Gauge>,
    database: Family<DatabaseLabels, Gauge>,
    database_built: Family<Unlabelled, Gauge>,
    last_reload: Gauge,
    last_reload_good: Gauge,
    alarms: Tallies<AlarmLabels>,
    failing_open: Family<ClientsOfName, Gauge>,
    /// Each series of `failing_open` with the condition under which it is 1.
    may_fail_open: Mutex<Vec<(ClientsOfName, Condition)>>,
}

impl Default for InstanceMetrics {
    fn default() -> Self {
        let build = Family::<BuildLabels, Gauge>::default();
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        Self {
            build,
            configuration: Family::default(),
            database: Family::default(),
            database_built: Family::default(),
            last_reload: Gauge::default(),
            last_reload_good: Gauge::default(),
            alarms: Tallies::default(),
            failing_open: Family::default(),
            may_fail_open: Mutex::default(),
        }
    }
}

impl InstanceMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("build_info", "The program: always 1", self.build.clone());
        let help = "The configuration in force, by the SHA-256 of its files without server.yaml: always 1";
        registry.register("configuration_info", help, self.configuration.clone());
        let help = "The location database in force: always 1; no series without one";
        registry.register("geo_database_info", help, self.database.clone());
        let help = "When the geo database was built, in seconds since the epoch: its age is time() less this";
        registry.register("geo_database_build_timestamp_seconds", help, self.database_built.clone());
        let help =
            "When the configuration was last read, in seconds since the epoch, at the start or by a reload";
        registry.register("last_reload_timestamp_seconds", help, self.last_reload.clone());
        let help = "Whether the configuration and databases that were last read are in force: 1 or 0";
        registry.register("last_reload_successful", help, self.last_reload_good.clone());
        registry.register("alarms", "Alarms that last, by kind and severity", self.alarms.gauges());
        let help = "Whether clients of a name fail open, for want of a region that is well: 1 or 0";
        registry.register("failing_open", help, self.failing_open.clone());
    }

    /// Starts with the names of another configuration.
    pub(super) fn begin(&self, config: &Config) {
        self.failing_open.clear();
        let mut may_fail_open = self.may_fail_open.lock().unwrap_or_else(PoisonError::into_inner);
        *may_fail_open = fail_open_conditions(config);
        may_fail_open.iter().for_each(|(of, _)| _ = self.failing_open.get_or_create(of).set(0));
    }

    /// Notes the configuration in force, by the name of the instance and the digest of its files.
    pub(super) fn configured(&self, name: &str, digest: &str) {
        self.configuration.clear();
        let of = ConfigurationLabels { name: name.to_owned(), digest: digest.to_owned() };
        self.configuration.get_or_create(&of).set(1);
    }

    /// Notes the location database in force; `None`: there is none, and no series, for else its age would be that of
    /// the epoch.
    pub(super) fn located_by(&self, database: Option<(&str, &str, Moment)>) {
        self.database.clear();
        self.database_built.clear();
        let Some((kind, sha256, built_at)) = database else { return };
        let of = DatabaseLabels { kind: kind.to_owned(), sha256: sha256.to_owned() };
        self.database.get_or_create(&of).set(1);
        self.database_built.get_or_create(&[]).set(seconds(built_at));
    }

    /// Notes how reading the configuration ended.
    pub(super) fn reloaded(&self, succeeded: bool, at: Moment) {
        self.last_reload.set(seconds(at));
        self.last_reload_good.set(succeeded.into());
    }

    /// Notes the alarms that last.
    pub(super) fn alarmed(&self, alarms: &[Alarm]) {
        self.alarms.count(alarms.iter().map(|Alarm { event, .. }| AlarmLabels {
            kind: event.kind.to_string(),
            severity: event.severity.as_str(),
        }));
        let may_fail_open = self.may_fail_open.lock().unwrap_or_else(PoisonError::into_inner);
        for (of, condition) in may_fail_open.iter() {
            let mut standing = alarms.iter().filter(|alarm| alarm.condition == *condition);
            // Clients of regions that an operator has disabled do not fail open to them.
            let is_open = standing.any(|alarm| alarm.event.to.as_deref() == Some("fail_open"));
            self.failing_open.get_or_create(of).set(is_open.into());
        }
    }
}

/// Returns the clients of every name that may fail open, with the condition under which they do: names of one policy
/// have the condition of the first of them.
fn fail_open_conditions(config: &Config) -> Vec<(ClientsOfName, Condition)> {
    let mut conditions = Vec::new();
    for steering in config.steered.iter().filter(|steering| steering.policy.all_down == AllDown::FailOpen) {
        let first = config.steered.iter().find(|one| one.policy == steering.policy).unwrap_or(steering);
        for audience in steering.policy.audiences() {
            for family in region::Family::BOTH {
                let clients = audience.rule.as_deref().unwrap_or(ALL).to_owned();
                let of = ClientsOfName { name: steering.name(), clients, family: family.as_str() };
                let rule = audience.rule.clone();
                conditions.push((of, Condition::NoRegion { owner: first.name(), rule, family }));
            }
        }
    }
    conditions
}

/// Returns a moment in seconds since the epoch.
fn seconds(at: Moment) -> i64 {
    i64::try_from(at.0 / 1000).unwrap_or(i64::MAX)
}
