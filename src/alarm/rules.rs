//! Alarm rules: what is measured, held against its limit for a while.
//!
//! ```text
//!            beyond the limit            for as long as the rule says
//!    calm ─────────────────▶ rising ─────────────────────────────────▶ standing ◀─╮
//!     ▲ ◀───────────────────── │                                          │       │ not well any more
//!     │    within, or unknown                                  well again ▼       │
//!     ╰────────────────────────────────────────────────────────────── falling ────╯
//!          well for as long as the rule says, at most a minute
//! ```
//!
//! *Well* is a tenth better than the limit, so that a value around it does not flap. What is not known raises nothing
//! and clears nothing. What a reload takes away is never heard of again, as with other alarms. Nothing of this survives
//! the process: after a restart a rule counts from the beginning.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Alarm;
use crate::canary::Check;
use crate::config::{AlarmRule, AlarmRules, Config, Level, Measure};
use crate::event::{Seconds, What};
use crate::health::Vitals;
use crate::moment::Moment;

/// The shortest time between two looks at everything while probes come back. What regions report changes with
/// each probe, canaries are seconds apart, and rules last for minutes.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The longest time that something must be well again.
const CALM_AFTER: Duration = Duration::from_secs(60);

/// How much better than the limit is well: a tenth of it.
const MARGIN: f64 = 0.1;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Something that was measured beyond its limit for too long.
#[derive(Clone, Debug, PartialEq)]
pub struct Excess {
    /// The name of the region; `None`: it is about the server.
    pub region: Option<String>,
    /// The rule.
    pub rule: AlarmRule,
    /// What was measured last.
    pub value: f64,
}

/// The rules of a configuration, and where they stand.
#[derive(Debug)]
pub(crate) struct Rules {
    settings: AlarmRules,
    /// Whether any canary measures anything of a region.
    has_signals: bool,
    gauges: BTreeMap<Key, Gauge>,
    /// Why the configuration on disk is refused.
    refused: Option<String>,
    looked_at: Moment,
    /// Whether anything was observed since.
    is_behind: bool,
}

/// A rule and what it is about, whatever its limit.
type Key = (Measure, Level, Option<String>);

/// Where a rule stands with one region, or with the server.
#[derive(Clone, Debug, PartialEq)]
enum Gauge {
    /// Beyond the limit since then, not for long enough.
    Rising { since: Moment, lasts: Duration },
    /// An alarm, and since when it has been well again.
    Standing { excess: Excess, well_since: Option<Moment> },
}

impl Rules {
    /// Starts with everything calm.
    pub(crate) fn new(config: &Config, now: Moment) -> Self {
        Self {
            settings: config.alarms.clone(),
            has_signals: has_signals(config),
            gauges: BTreeMap::new(),
            refused: None,
            looked_at: now,
            is_behind: false,
        }
    }

    /// Takes over the rules of another configuration, which is a good one.
    pub(crate) fn reload(&mut self, config: &Config) -> Option<What> {
        self.settings = config.alarms.clone();
        self.has_signals = has_signals(config);
        self.is_behind = self.has_signals;
        self.gauges.retain(|(measure, level, region), _| {
            let has_rule =
                config.alarms.rules.iter().any(|rule| rule.measure == *measure && rule.level == *level);
            let is_there = region
                .as_ref()
                .is_none_or(|region| config.regions.find(region).is_some() && has_signals(config));
            has_rule && is_there
        });
        self.refused.take().map(|why| What::Cleared(Alarm::ReloadFailed { why }))
    }

    /// Takes that a configuration was refused; said once until a good one comes.
    pub(crate) fn refuse(&mut self, why: String) -> Option<What> {
        if !self.settings.reload_failed {
            return None;
        }
        let is_first = self.refused.replace(why.clone()).is_none();
        is_first.then_some(What::Raised(Alarm::ReloadFailed { why }))
    }

    /// Takes that something was observed.
    pub(crate) fn observed(&mut self) {
        self.is_behind |= self.has_signals;
    }

    /// Returns the alarms that stand.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Alarm> {
        let refused = self.refused.iter().map(|why| Alarm::ReloadFailed { why: why.clone() });
        let excesses = self.gauges.values().filter_map(|gauge| match gauge {
            Gauge::Standing { excess, .. } => Some(Alarm::Measured(excess.clone())),
            Gauge::Rising { .. } => None,
        });
        refused.chain(excesses)
    }

    /// Returns when to look although nothing happens; `None`: never.
    pub(crate) fn wake(&self, database_built_at: Option<Moment>) -> Option<Moment> {
        let look = self.is_behind.then(|| self.looked_at.plus(LOOK_EVERY));
        let gauges = self.gauges.values().filter_map(|gauge| match gauge {
            Gauge::Rising { since, lasts } => Some(since.plus(*lasts)),
            Gauge::Standing { excess, well_since } => {
                well_since.map(|since| since.plus(calm_after(&excess.rule)))
            }
        });
        let rules = self.settings.rules.iter().filter(|rule| rule.measure == Measure::DatabaseAge);
        let ages = rules.filter_map(|rule| {
            let key = (rule.measure, rule.level, None);
            // A database is too old a moment after the last day, and that moment comes once.
            let due = database_built_at?.plus(DAY.mul_f64(rule.limit)).plus(Duration::from_millis(1));
            (!self.gauges.contains_key(&key)).then_some(due)
        });
        look.into_iter().chain(gauges).chain(ages).min()
    }

    /// Looks at what is measured: what every region says, by name, and when the database was built.
    pub(crate) fn look<'n>(
        &mut self,
        regions: impl Iterator<Item = (&'n str, Vitals)>,
        database_built_at: Option<Moment>,
        now: Moment,
    ) -> Vec<What> {
        (self.looked_at, self.is_behind) = (now, false);
        let rules = self.settings.rules.clone();
        let mut whats = Vec::new();
        if self.has_signals {
            for (region, vitals) in regions {
                for rule in &rules {
                    if rule.measure != Measure::DatabaseAge {
                        whats.extend(self.judge(*rule, Some(region), measured(rule.measure, &vitals), now));
                    }
                }
            }
        }
        let age = database_built_at.map(|built_at| now.since(built_at).as_secs_f64() / DAY.as_secs_f64());
        for rule in rules.iter().filter(|rule| rule.measure == Measure::DatabaseAge) {
            whats.extend(self.judge(*rule, None, age, now));
        }
        whats
    }

    /// Holds one value against one rule.
    fn judge(
        &mut self,
        rule: AlarmRule,
        region: Option<&str>,
        value: Option<f64>,
        now: Moment,
    ) -> Option<What> {
        let key = (rule.measure, rule.level, region.map(str::to_owned));
        let excess = |value| Excess { region: region.map(str::to_owned), rule, value };
        let (next, what) = follow(self.gauges.remove(&key), rule, value, excess, now);
        if let Some(gauge) = next {
            self.gauges.insert(key, gauge);
        }
        what
    }
}

/// Returns where a rule goes from `gauge`, which is calm when there is none, and what is said of it.
fn follow(
    gauge: Option<Gauge>,
    rule: AlarmRule,
    value: Option<f64>,
    excess: impl Fn(f64) -> Excess,
    now: Moment,
) -> (Option<Gauge>, Option<What>) {
    let bad = value.filter(|value| is_beyond(rule, *value, 0.0));
    match (gauge, bad) {
        (Some(Gauge::Standing { excess: before, well_since }), _) => {
            let Some(value) = value else {
                return (Some(Gauge::Standing { excess: before, well_since: None }), None);
            };
            let excess = excess(value);
            let is_well = !is_beyond(rule, value, margin(rule.measure));
            let well_since = is_well.then(|| well_since.unwrap_or(now));
            if well_since.is_some_and(|since| now.since(since) >= calm_after(&rule)) {
                return (None, Some(What::Cleared(Alarm::Measured(excess))));
            }
            (Some(Gauge::Standing { excess, well_since }), None)
        }
        (_, None) => (None, None),
        (gauge, Some(value)) => {
            let since = match gauge {
                Some(Gauge::Rising { since, .. }) => since,
                Some(Gauge::Standing { .. }) | None => now,
            };
            if now.since(since) < rule.lasts {
                return (Some(Gauge::Rising { since, lasts: rule.lasts }), None);
            }
            let excess = excess(value);
            let alarm = Alarm::Measured(excess.clone());
            (Some(Gauge::Standing { excess, well_since: None }), Some(What::Raised(alarm)))
        }
    }
}

/// Returns whether a value is beyond the limit, or nearer to it than this part of the limit.
fn is_beyond(rule: AlarmRule, value: f64, margin: f64) -> bool {
    match rule.measure.is_bad_when_low() {
        true => value < rule.limit * (1.0 + margin),
        false => value > rule.limit * (1.0 - margin),
    }
}

/// Returns the part of the limit by which a value must be better to be well. What only grows old does not flap.
fn margin(measure: Measure) -> f64 {
    match measure {
        Measure::ErrorRate | Measure::P95Latency | Measure::ReplicationLag => MARGIN,
        Measure::Certificate | Measure::DatabaseAge => 0.0,
    }
}

fn calm_after(rule: &AlarmRule) -> Duration {
    rule.lasts.min(CALM_AFTER)
}

fn measured(measure: Measure, vitals: &Vitals) -> Option<f64> {
    match measure {
        Measure::ErrorRate => vitals.error_rate,
        Measure::P95Latency => vitals.p95_latency_seconds,
        Measure::ReplicationLag => vitals.replication_lag_seconds,
        Measure::Certificate => vitals.certificate_days,
        Measure::DatabaseAge => None,
    }
}

/// Returns whether any canary brings home what rules are about.
fn has_signals(config: &Config) -> bool {
    config.canaries.iter().any(|canary| {
        !canary.check.signals().is_empty()
            || match &canary.check {
                Check::Tls(_) => true,
                Check::Tcp { .. } | Check::Http(_) | Check::Json(_) | Check::Inference(_) => false,
            }
    })
}

impl Excess {
    /// Returns the word that logs and metrics use.
    pub(crate) fn kind(&self, is_over: bool) -> &'static str {
        match (self.rule.measure, is_over) {
            (Measure::ErrorRate, false) => "error_rate",
            (Measure::ErrorRate, true) => "error_rate_over",
            (Measure::P95Latency, false) => "p95_latency",
            (Measure::P95Latency, true) => "p95_latency_over",
            (Measure::ReplicationLag, false) => "replication_lag",
            (Measure::ReplicationLag, true) => "replication_lag_over",
            (Measure::Certificate, false) => "certificate",
            (Measure::Certificate, true) => "certificate_over",
            (Measure::DatabaseAge, false) => "database_age",
            (Measure::DatabaseAge, true) => "database_age_over",
        }
    }

    /// Returns the value and its limit: `0.023 > 0.01 for 5min`.
    pub(crate) fn evidence(&self) -> String {
        let Self { rule: AlarmRule { measure, limit, lasts, .. }, value, .. } = self;
        let limit = quantity(*measure, *limit);
        let limit =
            if measure.is_bad_when_low() { format!("at least {limit}") } else { format!("at most {limit}") };
        let lasts = if lasts.is_zero() { String::new() } else { format!(" for {}", Seconds(*lasts)) };
        format!("{}, {limit} wanted{lasts}", quantity(*measure, *value))
    }

    /// Writes that it is over.
    pub(crate) fn fmt_cleared(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_value(f)?;
        let limit = quantity(self.rule.measure, self.rule.limit);
        let side = if self.rule.measure.is_bad_when_low() { "fewer" } else { "more" };
        write!(f, ", no longer {side} than {limit}")
    }

    fn fmt_value(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.as_deref().unwrap_or("the server");
        let value = quantity(self.rule.measure, self.value);
        match self.rule.measure {
            Measure::ErrorRate => write!(f, "{region} fails {value} of its requests"),
            Measure::P95Latency => write!(f, "{region} takes {value} for 95 % of its requests"),
            Measure::ReplicationLag => write!(f, "the data of {region} is {value} behind"),
            Measure::Certificate => write!(f, "a certificate of {region} ends in {value}"),
            Measure::DatabaseAge => write!(f, "the geo database is {value} old"),
        }
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_value(f)?;
        let AlarmRule { measure, limit, lasts, .. } = self.rule;
        let side = if measure.is_bad_when_low() { "fewer" } else { "more" };
        write!(f, ", {side} than {}", quantity(measure, limit))?;
        if lasts.is_zero() { Ok(()) } else { write!(f, " for {}", Seconds(lasts)) }
    }
}

/// Writes a value in the unit that people use for it.
fn quantity(measure: Measure, value: f64) -> String {
    match measure {
        // Two digits tell 1.04 % from the limit of 1 %.
        Measure::ErrorRate => format!("{} %", (value * 10_000.0).round() / 100.0),
        Measure::P95Latency => format!("{:.0} ms", value * 1000.0),
        Measure::ReplicationLag => format!("{value:.0} s"),
        Measure::Certificate | Measure::DatabaseAge => format!("{value:.0} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets a region report these error rates in percent (`-`: unknown), one a minute, to the rule that 1 % for
    /// two minutes is an alarm, and writes what is said: `R` raised, `C` cleared, `.` nothing.
    fn check(values: &str, expected: &str) {
        let lasts = Duration::from_secs(120);
        let rule = AlarmRule { measure: Measure::ErrorRate, limit: 0.01, lasts, level: Level::Alarm };
        let excess = |value| Excess { region: Some("tokyo".to_owned()), rule, value };
        let mut gauge = None;
        let said = (0..).zip(values.split_whitespace()).map(|(minute, value)| {
            let value = value.parse::<f64>().ok().map(|percent| percent / 100.0);
            let (next, what) = follow(gauge.take(), rule, value, excess, Moment(minute * 60_000));
            gauge = next;
            match what {
                Some(What::Raised(_)) => 'R',
                Some(What::Cleared(_)) => 'C',
                _ => '.',
            }
        });
        assert_eq!(said.collect::<String>(), expected, "{values}");
    }

    fn sentence(measure: Measure, limit: f64, minutes: u64, value: f64) -> [String; 2] {
        let lasts = Duration::from_secs(minutes * 60);
        let rule = AlarmRule { measure, limit, lasts, level: Level::Warning };
        let excess = Excess { region: Some("tokyo".to_owned()), rule, value };
        let alarm = Alarm::Measured(excess.clone());
        [alarm.to_string(), excess.evidence()]
    }

    #[test]
    fn a_value_must_be_beyond_its_limit_without_a_break() {
        check("2 2 2 2", "..R.");
        check("2 2 1 2 2 2", ".....R");
        check("1 1 1 1", "....");
    }

    #[test]
    fn a_value_around_its_limit_does_not_flap_and_one_that_is_well_for_a_minute_clears() {
        check("2 2 2 0.95 1.05 0.95 0.95", "..R....");
        check("2 2 2 0.5 0.5 0.5", "..R.C.");
        check("2 2 2 0.5 0.95 0.5 0.5", "..R...C");
    }

    #[test]
    fn what_is_not_known_raises_nothing_and_clears_nothing() {
        check("2 2 - 2 2 2", ".....R");
        check("2 2 2 - - - - 0 0", "..R.....C");
    }

    #[test]
    fn a_database_is_too_old_in_time_and_a_younger_one_clears() {
        let base = crate::snapshot::fixture::base(
            "regions: {}\n",
            "zone: example.com\nnameservers: [ns1.example.net]\n",
        );
        let (built_at, boot) = (Moment(0), Moment(1));
        let mut rules = Rules::new(&base.config, boot);
        let due = rules.wake(Some(built_at)).expect("it grows old");
        assert_eq!(due, Moment(60 * 86_400_000 + 1));
        let nobody = || std::iter::empty::<(&str, Vitals)>();
        assert_eq!(rules.look(nobody(), Some(built_at), Moment(due.0 - 1)), []);
        assert!(matches!(rules.look(nobody(), Some(built_at), due)[..], [What::Raised(Alarm::Measured(_))]));
        assert_eq!((rules.wake(Some(built_at)), rules.standing().count()), (None, 1));
        assert!(matches!(rules.look(nobody(), Some(due), due)[..], [What::Cleared(Alarm::Measured(_))]));
        assert_eq!(rules.wake(None), None);
    }

    #[test]
    fn a_refused_configuration_is_said_once_and_stands_until_a_good_one() {
        let base = crate::snapshot::fixture::base(
            "regions: {}\n",
            "zone: example.com\nnameservers: [ns1.example.net]\n",
        );
        let mut rules = Rules::new(&base.config, Moment(0));
        assert!(matches!(rules.refuse("a.yaml:1: no".to_owned()), Some(What::Raised(_))));
        assert_eq!(rules.refuse("a.yaml:2: no".to_owned()), None);
        let standing: Vec<String> = rules.standing().map(|alarm| alarm.to_string()).collect();
        assert_eq!(
            standing,
            ["the configuration on disk is refused, and the one before stays in force: a.yaml:2: no"]
        );
        assert!(matches!(rules.reload(&base.config), Some(What::Cleared(_))));
        assert_eq!((rules.standing().count(), rules.reload(&base.config)), (0, None));
    }

    #[test]
    fn people_read_the_value_and_its_limit_in_their_units() {
        for (measure, limit, minutes, value, text, evidence) in [
            (
                Measure::ErrorRate,
                0.01,
                5,
                0.023,
                "tokyo fails 2.3 % of its requests, more than 1 % for 5min",
                "2.3 %, at most 1 % wanted for 5min",
            ),
            (
                Measure::Certificate,
                14.0,
                0,
                12.0,
                "a certificate of tokyo ends in 12 days, fewer than 14 days",
                "12 days, at least 14 days wanted",
            ),
        ] {
            assert_eq!(sentence(measure, limit, minutes, value), [text, evidence]);
        }
    }
}
