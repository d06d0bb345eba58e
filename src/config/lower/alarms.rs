//! `alarms` to the rules that the program works with.

use std::time::Duration;

use super::times::duration;
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, Number, Value, given};
use crate::config::yaml::Setting;
use crate::config::{AlarmRule, Alarms, Level, Measure};

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
pub(super) fn lower(spec: Option<&spec::RegionsSpec>, report: &mut Report) -> Alarms {
    let Some(spec) = spec.and_then(|spec| spec.alarms.as_ref()?.value.as_ref()) else {
        return Alarms::default();
    };
    let Alarms { rules: usual, reload_failed } = Alarms::default();
    let mut rules = Vec::new();
    let of = |measure| usual.iter().filter(move |rule| rule.measure == measure);
    match said(&spec.error_rate) {
        Some((spec::RateSwitch::Scalar(spec::Never::Off), _)) => {}
        Some((spec::RateSwitch::Mapping(rate), _)) => rules.push(error_rate(rate, report)),
        None => rules.extend(of(Measure::ErrorRate)),
    }
    match said(&spec.p95_latency) {
        Some((spec::LatencySwitch::Scalar(spec::Never::Off), _)) => {}
        Some((spec::LatencySwitch::Mapping(latency), _)) => rules.push(p95_latency(latency, report)),
        None => rules.extend(of(Measure::P95Latency)),
    }
    match said(&spec.replication_lag) {
        Some((spec::LagSwitch::Scalar(spec::Never::Off), _)) => {}
        Some((spec::LagSwitch::Mapping(lag), place)) => rules.extend(replication_lag(lag, place, report)),
        None => rules.extend(of(Measure::ReplicationLag)),
    }
    match said(&spec.certificate) {
        Some((spec::CertificateSwitch::Scalar(spec::Never::Off), _)) => {}
        Some((spec::CertificateSwitch::Mapping(days), place)) => {
            rules.extend(certificate(days, place, report));
        }
        None => rules.extend(of(Measure::Certificate)),
    }
    match said(&spec.database_age) {
        Some((spec::AgeSwitch::Scalar(spec::Never::Off), _)) => {}
        Some((spec::AgeSwitch::Mapping(age), _)) => {
            let limit = days(&age.above_days, "above_days", 60, report);
            rules.push(at_once(Measure::DatabaseAge, limit, Level::Warning));
        }
        None => rules.extend(of(Measure::DatabaseAge)),
    }
    let switch = said(&spec.reload_failed).map(|(switch, _)| *switch == spec::Switch::On);
    Alarms { rules, reload_failed: switch.unwrap_or(reload_failed) }
}

fn said<T>(setting: &Option<Setting<T>>) -> Option<(&T, Place)> {
    setting.as_ref()?.given()
}

fn error_rate(spec: &spec::RateSpec, report: &mut Report) -> AlarmRule {
    let limit = given(&spec.above).map_or(0.01, |(Number(limit), place)| {
        if *limit <= 0.0 || *limit > 1.0 {
            let draft = report.error(place, format!("`above` is more than 0 and at most 1, not {limit}"));
            draft.hint("1 % is written `0.01`");
        }
        *limit
    });
    AlarmRule {
        measure: Measure::ErrorRate,
        limit,
        lasts: duration(&spec.r#for, "for", WINDOW, (Duration::ZERO, LONGEST), report),
        level: Level::Alarm,
    }
}

fn p95_latency(spec: &spec::LatencySpec, report: &mut Report) -> AlarmRule {
    let above = duration(&spec.above, "above", Duration::from_millis(700), LATENCY, report);
    AlarmRule {
        measure: Measure::P95Latency,
        limit: above.as_secs_f64(),
        lasts: duration(&spec.r#for, "for", WINDOW, (Duration::ZERO, LONGEST), report),
        level: Level::Warning,
    }
}

fn replication_lag(spec: &spec::LagSpec, place: Place, report: &mut Report) -> [AlarmRule; 2] {
    let warning = duration(&spec.warning, "warning", Duration::from_secs(30), LAG, report);
    let alarm = duration(&spec.alarm, "alarm", Duration::from_secs(120), LAG, report);
    let lasts = duration(&spec.r#for, "for", Duration::ZERO, (Duration::ZERO, LONGEST), report);
    if alarm <= warning {
        let place = given(&spec.alarm).or(given(&spec.warning)).map_or(place, |(_, place)| place);
        let draft = report.error(place, "`alarm` must be longer than `warning`");
        draft.hint("people are warned first: `{ warning: 30s, alarm: 2m }`");
    }
    let rule = |limit: Duration, level| AlarmRule {
        measure: Measure::ReplicationLag,
        limit: limit.as_secs_f64(),
        lasts,
        level,
    };
    [rule(warning, Level::Warning), rule(alarm, Level::Alarm)]
}

fn certificate(spec: &spec::CertificateSpec, place: Place, report: &mut Report) -> [AlarmRule; 2] {
    let warning = days(&spec.warning_days, "warning_days", 14, report);
    let alarm = days(&spec.alarm_days, "alarm_days", 3, report);
    if alarm >= warning {
        let place = given(&spec.alarm_days).or(given(&spec.warning_days)).map_or(place, |(_, place)| place);
        let draft = report.error(place, "`alarm_days` must be fewer than `warning_days`");
        draft.hint("people are warned first: `{ warning_days: 14, alarm_days: 3 }`");
    }
    let measure = Measure::Certificate;
    [at_once(measure, warning, Level::Warning), at_once(measure, alarm, Level::Alarm)]
}

fn at_once(measure: Measure, days: u32, level: Level) -> AlarmRule {
    AlarmRule { measure, limit: f64::from(days), lasts: Duration::ZERO, level }
}

fn days(setting: &Option<Value<u32>>, key: &str, default: u32, report: &mut Report) -> u32 {
    let Some((days, place)) = given(setting) else {
        return default;
    };
    if *days == 0 || *days > MOST_DAYS {
        report.error(place, format!("`{key}` goes from 1 to {MOST_DAYS}, not {days}"));
    }
    *days
}
