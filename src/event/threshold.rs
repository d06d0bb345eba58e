//! Events about measures that are beyond the limit of an alarm rule.

use super::{Condition, Event, EventKind};
use crate::config::{AlarmRule, Measure};
use crate::moment::Moment;
use crate::region::Target;
use crate::severity::Severity;
use crate::units::{Count, Percent, TimeSpan};

/// A measure beyond its limit, or within it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Excess {
    /// The region that it is measured of; `None`: the server.
    pub region: Option<Target>,
    pub rule: AlarmRule,
    /// What was measured last, in the unit of the measure.
    pub value: f64,
    /// Of a load: how many requests per second come of the clients who are at home in each region, the most first. Empty: it
    /// is no load, or that is not known.
    pub carried: Vec<(Target, f64)>,
}

/// The most regions that an alarm about a load names.
const MOST_NAMED: usize = 4;

impl Event {
    /// A measure has been beyond its limit for as long as the rule says.
    pub fn threshold_exceeded(excess: &Excess, at: Moment) -> Self {
        let Excess { rule, .. } = excess;
        let lasts = lasts(rule);
        let carried = excess.carried();
        let text =
            format!("{}, {} than {}{lasts}{carried}", excess.sentence(), excess.side(), excess.limit());
        let wanted = if rule.measure.is_bad_when_low() { "at least" } else { "at most" };
        Self::new(EventKind::THRESHOLD_EXCEEDED, rule.severity, text, at)
            .of_measure(excess)
            .turns("within", rule.severity.as_str())
            .because(format!("{} is beyond its limit", rule.measure.as_str()))
            .seen_by(format!("{}, {wanted} {} wanted{lasts}", excess.value(), excess.limit()))
            .raises(&excess.condition())
    }

    /// It is within its limit again.
    pub fn threshold_cleared(excess: &Excess, at: Moment) -> Self {
        let text = format!("{}, no longer {} than {}", excess.sentence(), excess.side(), excess.limit());
        Self::new(EventKind::THRESHOLD_CLEARED, Severity::Info, text, at)
            .of_measure(excess)
            .turns(excess.rule.severity.as_str(), "within")
            .seen_by(format!("{}, limit {}", excess.value(), excess.limit()))
            .clears(&excess.condition())
    }

    fn of_measure(self, excess: &Excess) -> Self {
        Self { target: excess.region.clone(), ..self }
    }
}

impl Excess {
    /// Returns the condition that the measure is beyond its limit.
    pub fn condition(&self) -> Condition {
        Condition::Threshold(self.rule.measure, self.rule.severity, self.region.clone())
    }

    /// Writes whose clients send what: `: 7500/s of its own clients, 3000/s of those of tokyo`.
    fn carried(&self) -> String {
        let (named, others) = self.carried.split_at(self.carried.len().min(MOST_NAMED));
        let of = |(home, rate): &(Target, f64)| match self.region.as_ref() == Some(home) {
            true => format!("{rate:.0}/s of its own clients"),
            false => format!("{rate:.0}/s of those of {home}"),
        };
        let rest: f64 = others.iter().map(|(_, rate)| rate).sum();
        let rest = (!others.is_empty())
            .then(|| format!("{rest:.0}/s of those of {}", Count(others.len(), "other region")));
        let parts: Vec<_> = named.iter().map(of).chain(rest).collect();
        if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
    }

    fn value(&self) -> String {
        quantity(self.rule.measure, self.value)
    }

    fn limit(&self) -> String {
        quantity(self.rule.measure, self.rule.limit)
    }

    fn side(&self) -> &'static str {
        if self.rule.measure.is_bad_when_low() { "fewer" } else { "more" }
    }

    fn sentence(&self) -> String {
        let region = self.region.as_ref().map_or_else(|| "the server".to_owned(), ToString::to_string);
        let value = self.value();
        match self.rule.measure {
            Measure::ErrorRate => format!("{region} fails {value} of its requests"),
            Measure::P95Latency => format!("{region} takes {value} for 95% of its requests"),
            Measure::Load => format!("{region} is at {value} of its capacity"),
            Measure::ReplicationLag => format!("the data of {region} is {value} behind"),
            Measure::Certificate => format!("a certificate of {region} ends in {value}"),
            Measure::DatabaseAge => format!("the geo database is {value} old"),
            Measure::ProbeLoss => format!("the path to {region} is lossy: {value} of the probes are lost"),
        }
    }
}

fn lasts(rule: &AlarmRule) -> String {
    if rule.lasts.is_zero() { String::new() } else { format!(" for {}", TimeSpan(rule.lasts)) }
}

/// Writes a value in the usual unit of its measure.
fn quantity(measure: Measure, value: f64) -> String {
    match measure {
        // Two digits tell 1.04 % from the limit of 1 %.
        Measure::ErrorRate | Measure::ProbeLoss => {
            Percent::of_fraction((value * 10_000.0).round() / 10_000.0).to_string()
        }
        Measure::Load => Percent::rounded(value).to_string(),
        Measure::P95Latency => format!("{:.0} ms", value * 1000.0),
        Measure::ReplicationLag => format!("{value:.0} s"),
        Measure::Certificate | Measure::DatabaseAge => format!("{value:.0} days"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::check;
    use super::*;

    fn excess(measure: Measure, limit: f64, minutes: u64, value: f64) -> Excess {
        let lasts = Duration::from_secs(minutes * 60);
        let rule = AlarmRule { measure, limit, lasts, severity: Severity::Warning };
        Excess { region: Some(Target::of_region("tokyo")), rule, value, carried: Vec::new() }
    }

    #[test]
    fn a_load_is_told_with_whose_clients_send_what() {
        let carried = ["tokyo", "osaka", "oregon", "virginia", "dublin", "paris"];
        let carried = carried.iter().zip([7500.4, 3000.0, 200.0, 100.0, 30.0, 20.0]);
        let carried = carried.map(|(home, rate)| (Target::of_region(*home), rate)).collect();
        let full = Excess { carried, ..excess(Measure::Load, 1.0, 0, 1.085) };
        assert_eq!(
            Event::threshold_exceeded(&full, Moment(0)).text,
            "tokyo is at 109% of its capacity, more than 100%: 7500/s of its own clients, 3000/s of those of osaka, 200/s \
             of those of oregon, 100/s of those of virginia, 50/s of those of 2 other regions"
        );
    }

    #[test]
    fn a_value_and_its_limit_are_told_in_their_units() {
        check(
            &Event::threshold_exceeded(&excess(Measure::ErrorRate, 0.01, 5, 0.023), Moment(0)),
            "threshold_exceeded Warning tokyo: within -> warning | error_rate is beyond its limit | \
             2.3%, at most 1% wanted for 5m | - | error_rate/warning/tokyo",
            "tokyo fails 2.3% of its requests, more than 1% for 5m",
        );
        check(
            &Event::threshold_exceeded(&excess(Measure::Certificate, 14.0, 0, 12.0), Moment(0)),
            "threshold_exceeded Warning tokyo: within -> warning | certificate is beyond its limit | \
             12 days, at least 14 days wanted | - | certificate/warning/tokyo",
            "a certificate of tokyo ends in 12 days, fewer than 14 days",
        );
        check(
            &Event::threshold_cleared(&excess(Measure::Certificate, 14.0, 0, 90.0), Moment(0)),
            "threshold_cleared Info tokyo: warning -> within | - | 90 days, limit 14 days | - | \
             ends certificate/warning/tokyo",
            "a certificate of tokyo ends in 90 days, no longer fewer than 14 days",
        );
    }
}
