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
//! *Well* is a tenth better than the limit (half of it for lost probes), so that a value around it does not flap. What is not known raises nothing
//! and clears nothing. What a reload takes away is never heard of again, as with other alarms. Nothing of this survives
//! the process: after a restart a rule counts from the beginning.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Alarm;
use crate::config::{AlarmRule, AlarmRules, Config, Measure};
use crate::event::{Condition, Event, Excess};
use crate::health::Vitals;
use crate::moment::{ClockStep, FollowClock, Moment, follows_clock};
use crate::region::Target;
use crate::severity::Severity;

/// The shortest time between two looks at everything while probes come back. What regions report changes with
/// each probe, canaries are seconds apart, and rules last for minutes.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The longest time that something must be well again.
const CALM_AFTER: Duration = Duration::from_secs(60);

/// How much better than the limit is well: a tenth of it.
const MARGIN: f64 = 0.1;

/// How much better than the limit a loss is well: half of it, for chance makes it go up and down.
const LOSS_MARGIN: f64 = 0.5;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The rules of a configuration, and where they stand.
#[derive(Debug)]
pub(crate) struct Rules {
    settings: AlarmRules,
    /// Whether any canary measures anything of a region.
    has_canaries: bool,
    gauges: BTreeMap<RuleKey, Gauge>,
    /// What was told of the configuration on disk being refused; `None`: it is in force.
    refused: Option<Event>,
    looked_at: Moment,
    /// Whether anything was observed since.
    is_behind: bool,
}

/// A rule and what it is about, whatever its limit.
type RuleKey = (Measure, Severity, Option<Target>);

/// Where a rule stands with one region, or with the server.
#[derive(Clone, Debug, PartialEq)]
enum Gauge {
    /// Beyond the limit since then, not for long enough.
    Rising { since: Moment, lasts: Duration },
    /// An alarm, and since when it has been well again.
    Standing { event: Box<Event>, well_since: Option<Moment>, rule: AlarmRule },
}

impl Rules {
    /// Starts with everything calm.
    pub(crate) fn new(config: &Config, now: Moment) -> Self {
        Self {
            settings: config.alarms.clone(),
            has_canaries: !config.canaries.is_empty(),
            gauges: BTreeMap::new(),
            refused: None,
            looked_at: now,
            is_behind: false,
        }
    }

    /// Takes over the rules of another configuration, which is a good one but for a database that may be refused.
    pub(crate) fn reload(&mut self, config: &Config, refused: Option<&str>, now: Moment) -> Option<Event> {
        self.follow(config);
        match refused {
            Some(why) => self.refuse_with(Event::database_refused(why, now), now),
            None => self.refused.take().map(|_| Event::reload_recovered(now)),
        }
    }

    /// Goes on with the rules of a configuration, whatever became of the one on disk.
    pub(crate) fn follow(&mut self, config: &Config) {
        self.settings = config.alarms.clone();
        self.has_canaries = !config.canaries.is_empty();
        self.is_behind = self.has_canaries;
        self.gauges.retain(|(measure, level, region), _| {
            let has_rule =
                config.alarms.rules.iter().any(|rule| rule.measure == *measure && rule.severity == *level);
            let is_there = region.as_ref().is_none_or(|region| {
                config.regions.find(region.region()).is_some() && !config.canaries.is_empty()
            });
            has_rule && is_there
        });
    }

    /// Takes that a configuration was refused: told once until a good one comes.
    pub(crate) fn refuse(&mut self, problems: &str, now: Moment) -> Option<Event> {
        self.refuse_with(Event::reload_failed(problems, now), now)
    }

    fn refuse_with(&mut self, event: Event, now: Moment) -> Option<Event> {
        if !self.settings.reload_failed {
            return None;
        }
        let since = self.refused.as_ref().map(|event| event.time);
        self.refused = Some(Event { time: since.unwrap_or(now), ..event.clone() });
        since.is_none().then_some(event)
    }

    /// Takes that something was observed.
    pub(crate) fn observed(&mut self) {
        self.is_behind |= self.has_canaries;
    }

    /// Returns the alarms that stand.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Alarm> {
        let refused = self
            .refused
            .iter()
            .map(|event| Alarm { condition: Condition::ReloadFailed, event: event.clone() });
        let excesses = self.gauges.iter().filter_map(|((measure, level, region), gauge)| match gauge {
            Gauge::Standing { event, .. } => Some(Alarm {
                condition: Condition::Threshold(*measure, *level, region.clone()),
                event: (**event).clone(),
            }),
            Gauge::Rising { .. } => None,
        });
        refused.chain(excesses)
    }

    /// Returns when to look although nothing happens; `None`: never.
    pub(crate) fn wake(&self, database_built_at: Option<Moment>) -> Option<Moment> {
        let look = self.is_behind.then(|| self.looked_at.plus(LOOK_EVERY));
        let gauges = self.gauges.values().filter_map(|gauge| match gauge {
            Gauge::Rising { since, lasts } => Some(since.plus(*lasts)),
            Gauge::Standing { well_since, rule, .. } => well_since.map(|since| since.plus(calm_after(rule))),
        });
        let rules = self.settings.rules.iter().filter(|rule| rule.measure == Measure::DatabaseAge);
        let ages = rules.filter_map(|rule| {
            let key = (rule.measure, rule.severity, None);
            // A database is too old a moment after the last day, and that moment comes once.
            let due = database_built_at?.plus(DAY.mul_f64(rule.limit)).plus(Duration::from_millis(1));
            (!self.gauges.contains_key(&key)).then_some(due)
        });
        look.into_iter().chain(gauges).chain(ages).min()
    }

    /// Looks at what is measured: what every region says, by name, and when the database was built. `carried` returns whose
    /// clients the region with a name carries.
    pub(crate) fn look<'n>(
        &mut self,
        regions: impl Iterator<Item = (&'n str, Vitals)>,
        carried: &dyn Fn(&str) -> Vec<(Target, f64)>,
        database_built_at: Option<Moment>,
        now: Moment,
    ) -> Vec<Event> {
        (self.looked_at, self.is_behind) = (now, false);
        let rules = self.settings.rules.clone();
        let mut events = Vec::new();
        if self.has_canaries {
            for (region, vitals) in regions {
                for rule in &rules {
                    if rule.measure != Measure::DatabaseAge {
                        let value = measured(rule.measure, &vitals);
                        events.extend(self.judge(*rule, Some(region), value, carried, now));
                    }
                }
            }
        }
        let age = database_built_at.map(|built_at| now.since(built_at).as_secs_f64() / DAY.as_secs_f64());
        for rule in rules.iter().filter(|rule| rule.measure == Measure::DatabaseAge) {
            events.extend(self.judge(*rule, None, age, carried, now));
        }
        events
    }

    /// Holds one value against one rule.
    fn judge(
        &mut self,
        rule: AlarmRule,
        region: Option<&str>,
        value: Option<f64>,
        carried: &dyn Fn(&str) -> Vec<(Target, f64)>,
        now: Moment,
    ) -> Option<Event> {
        let name = region.filter(|_| rule.measure == Measure::Load);
        let region = region.map(Target::of_region);
        let key = (rule.measure, rule.severity, region.clone());
        let carried = || name.map_or_else(Vec::new, carried);
        let excess = |value| Excess { region: region.clone(), rule, value, carried: carried() };
        let (next, event) = follow(self.gauges.remove(&key), rule, value, excess, now);
        if let Some(gauge) = next {
            self.gauges.insert(key, gauge);
        }
        event
    }
}

/// Returns where a rule goes from `gauge`, which is calm when there is none, and what is told of it.
fn follow(
    gauge: Option<Gauge>,
    rule: AlarmRule,
    value: Option<f64>,
    excess: impl Fn(f64) -> Excess,
    now: Moment,
) -> (Option<Gauge>, Option<Event>) {
    let bad = value.filter(|value| is_beyond(rule, *value, 0.0));
    match (gauge, bad) {
        (Some(Gauge::Standing { event, well_since, .. }), _) => {
            let Some(value) = value else {
                return (Some(Gauge::Standing { event, well_since: None, rule }), None);
            };
            let is_well = !is_beyond(rule, value, margin(rule.measure));
            let well_since = is_well.then(|| well_since.unwrap_or(now));
            if well_since.is_some_and(|since| now.since(since) >= calm_after(&rule)) {
                return (None, Some(Event::threshold_cleared(&excess(value), now)));
            }
            let event =
                Box::new(Event { time: event.time, ..Event::threshold_exceeded(&excess(value), now) });
            (Some(Gauge::Standing { event, well_since, rule }), None)
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
            let event = Event::threshold_exceeded(&excess(value), now);
            (Some(Gauge::Standing { event: Box::new(event.clone()), well_since: None, rule }), Some(event))
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
        Measure::ErrorRate | Measure::P95Latency | Measure::Load | Measure::ReplicationLag => MARGIN,
        Measure::ProbeLoss => LOSS_MARGIN,
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
        Measure::Load => vitals.load,
        Measure::ReplicationLag => vitals.replication_lag_seconds,
        Measure::Certificate => vitals.certificate_days,
        Measure::ProbeLoss => vitals.probe_loss,
        Measure::DatabaseAge => None,
    }
}

follows_clock!(Rules: gauges, refused, looked_at);

impl FollowClock for Gauge {
    fn follow_clock(&mut self, step: ClockStep) {
        match self {
            Self::Rising { since, .. } => since.follow_clock(step),
            Self::Standing { event, well_since, .. } => {
                event.follow_clock(step);
                well_since.follow_clock(step);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets a region report these error rates in percent (`-`: unknown), one a minute, to the rule that 1 % for
    /// two minutes is an alarm, and writes what is said: `R` raised, `C` cleared, `.` nothing.
    fn check(values: &str, expected: &str) {
        let lasts = Duration::from_secs(120);
        let rule =
            AlarmRule { measure: Measure::ErrorRate, limit: 0.01, lasts, severity: Severity::Critical };
        let excess =
            |value| Excess { region: Some(Target::of_region("tokyo")), rule, value, carried: Vec::new() };
        let mut gauge = None;
        let said = (0..).zip(values.split_whitespace()).map(|(minute, value)| {
            let value = value.parse::<f64>().ok().map(|percent| percent / 100.0);
            let (next, event) = follow(gauge.take(), rule, value, excess, Moment(minute * 60_000));
            gauge = next;
            match event {
                Some(event) if event.is_end() => 'C',
                Some(_) => 'R',
                None => '.',
            }
        });
        assert_eq!(said.collect::<String>(), expected, "{values}");
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
        assert_eq!(rules.look(nobody(), &|_| Vec::new(), Some(built_at), Moment(due.0 - 1)), []);
        let raised = rules.look(nobody(), &|_| Vec::new(), Some(built_at), due);
        assert_eq!(raised[0].text, "the geo database is 60 days old, more than 60 days");
        assert_eq!((rules.wake(Some(built_at)), rules.standing().count()), (None, 1));
        assert!(rules.look(nobody(), &|_| Vec::new(), Some(due), due)[0].is_end());
        assert_eq!(rules.wake(None), None);
    }

    #[test]
    fn a_refused_configuration_is_said_once_and_stands_until_a_good_one() {
        let base = crate::snapshot::fixture::base(
            "regions: {}\n",
            "zone: example.com\nnameservers: [ns1.example.net]\n",
        );
        let mut rules = Rules::new(&base.config, Moment(0));
        assert!(rules.refuse("a.yaml:1: no", Moment(1)).is_some());
        assert_eq!(rules.refuse("a.yaml:2: no", Moment(2)), None);
        let standing: Vec<_> = rules.standing().map(|alarm| (alarm.event.time, alarm.event.reason)).collect();
        assert_eq!(standing, [(Moment(1), Some("a.yaml:2: no".to_owned()))]);
        assert_eq!(rules.reload(&base.config, Some("a.mmdb"), Moment(2)), None);
        assert!(rules.reload(&base.config, None, Moment(3)).is_some_and(|event| event.is_end()));
        assert_eq!((rules.standing().count(), rules.reload(&base.config, None, Moment(4))), (0, None));
        let refused = rules.reload(&base.config, Some("a.mmdb"), Moment(5));
        assert!(refused.is_some_and(|event| event.text.contains("the one before stays in use")));
        assert_eq!(rules.standing().count(), 1);
    }
}
