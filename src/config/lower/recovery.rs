//! `failover`, `recovery` and `safety` to what the program works with.

use std::time::Duration;

use super::regions;
use super::times::duration;
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, Number, Percent, Value, given, items, word};
use crate::config::yaml::Setting;
use crate::region::{Gates, LONGEST_WAIT, Limits, Minimum, Recovery, Safety};
use crate::share::Share;

/// The most steps of a ramp: one an hour for a working day.
const MAX_STEPS: usize = 8;

/// The longest hold: with it a ramp of the most steps takes more than a week.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// The highest load that is believed (`Signal::Load`).
const HIGHEST_LOAD: f64 = 10.0;

/// Returns what is said of the recovery of all regions.
pub(super) fn of_all(spec: Option<&spec::RegionsSpec>, report: &mut Report) -> Recovery {
    lower(spec.and_then(|spec| spec.recovery.as_ref()), &Recovery::default(), report)
}

/// Lowers a `recovery`; `otherwise` says what it leaves out.
pub(super) fn lower(
    setting: Option<&Setting<spec::RecoverySpec>>,
    otherwise: &Recovery,
    report: &mut Report,
) -> Recovery {
    let Some(spec) = setting.and_then(|recovery| recovery.value.as_ref()) else {
        return otherwise.clone();
    };
    let bounds = |longest| (Duration::ZERO, longest);
    Recovery {
        min_down: duration(&spec.min_down, "min_down", otherwise.min_down, bounds(LONGEST_WAIT), report),
        ramp: ramp(spec, report).unwrap_or_else(|| otherwise.ramp.clone()),
        hold: duration(&spec.hold, "hold", otherwise.hold, bounds(LONGEST_HOLD), report),
        gates: gates(spec, otherwise.gates, report),
        failback: word(&spec.failback).unwrap_or(otherwise.failback),
    }
}

fn ramp(spec: &spec::RecoverySpec, report: &mut Report) -> Option<Vec<Share>> {
    let list = spec.ramp.as_ref().filter(|ramp| ramp.value.is_some())?;
    let steps = items(list);
    for pair in steps.windows(2) {
        let [(Percent(before), _), (Percent(after), place)] = pair else { continue };
        if after <= before {
            let draft = report.error(*place, format!("`ramp` does not grow from {before}% to {after}%"));
            draft.hint("write each share larger than the one before: `[10%, 50%]`");
        }
    }
    if let Some((_, place)) = steps.get(MAX_STEPS) {
        report.error(*place, format!("`ramp` has more than {MAX_STEPS} steps"));
    }
    Some(steps.into_iter().map(|(Percent(share), _)| Share::percent(*share)).collect())
}

fn gates(spec: &spec::RecoverySpec, otherwise: Gates, report: &mut Report) -> Gates {
    let Some(spec) = spec.gates.as_ref().and_then(|gates| gates.value.as_ref()) else {
        return otherwise;
    };
    if let Some((Number(rate), place)) = given(&spec.error_rate)
        && !(0.0..=1.0).contains(rate)
    {
        let draft = report.error(place, format!("`error_rate` goes from 0 to 1, not {rate}"));
        draft.hint("5 % is written `0.05`");
    }
    Gates {
        error_rate: given(&spec.error_rate).map_or(otherwise.error_rate, |(Number(rate), _)| *rate),
        load: fraction(&spec.load, "load", otherwise.load, HIGHEST_LOAD, report),
    }
}

/// Lowers `safety`.
pub(super) fn safety(spec: Option<&spec::RegionsSpec>, report: &mut Report) -> Safety {
    let Some(safety) = spec.and_then(|spec| spec.safety.as_ref()?.value.as_ref()) else {
        return Safety::default();
    };
    check_in_service(safety, spec, report);
    let load = safety.load.as_ref().and_then(|load| load.given());
    Safety {
        min_in_service: given(&safety.min_in_service).map(|(minimum, _)| *minimum),
        limits: load.map_or_else(Limits::default, |(load, place)| limits(load, place, report)),
    }
}

fn check_in_service(safety: &spec::SafetySpec, spec: Option<&spec::RegionsSpec>, report: &mut Report) {
    let Some((minimum, place)) = given(&safety.min_in_service) else { return };
    // When the regions cannot be read, nothing is known of their number.
    if spec.and_then(|spec| spec.regions.as_ref()).is_some_and(|regions| regions.value.is_none()) {
        return;
    }
    let total = regions::entries(spec).map_or(0, |regions| regions.list.len());
    if let Minimum::Count(count) = minimum
        && *count as usize > total
    {
        let draft = report.error(place, format!("`min_in_service` is {count}, but the regions are {total}"));
        draft.hint("a share such as `50%` grows with their number");
    } else if minimum.of(total) == total {
        let draft = report.warning(place, "`min_in_service` is all regions: none could ever leave");
        draft.hint("if that is meant, `failover: off` says so");
    }
}

fn limits(spec: &spec::LimitsSpec, place: Place, report: &mut Report) -> Limits {
    let default = Limits::default();
    let limits = Limits {
        soft: fraction(&spec.soft, "soft", default.soft, HIGHEST_LOAD, report),
        hard: fraction(&spec.hard, "hard", default.hard, HIGHEST_LOAD, report),
        back: fraction(&spec.back, "back", default.back, HIGHEST_LOAD, report),
        step: fraction(&spec.step, "step", default.step, 1.0, report),
    };
    if limits.back >= limits.soft {
        let place = place_of(&spec.back, &spec.soft, place);
        let message = format!("`back` ({}) must be less than `soft` ({})", limits.back, limits.soft);
        report.error(place, message).hint("else a region takes back what it sheds, and sheds it again");
    }
    if limits.soft > limits.hard {
        let place = place_of(&spec.hard, &spec.soft, place);
        let message = format!("`soft` ({}) must not be more than `hard` ({})", limits.soft, limits.hard);
        report.error(place, message).hint("a region sheds before it is full");
    }
    limits
}

/// Returns the place of the first of two settings that is given, or that of their parent.
fn place_of<T>(one: &Option<Value<T>>, other: &Option<Value<T>>, parent: Place) -> Place {
    given(one).or(given(other)).map_or(parent, |(_, place)| place)
}

/// Returns a fraction or its default, and reports one that is not above 0 or is above `highest`.
fn fraction(
    setting: &Option<Value<Number>>,
    key: &str,
    default: f64,
    highest: f64,
    report: &mut Report,
) -> f64 {
    let Some((Number(fraction), place)) = given(setting) else {
        return default;
    };
    if *fraction <= 0.0 || *fraction > highest {
        let message = format!("`{key}` is above 0 and at most {highest}, not {fraction}");
        report.error(place, message).hint("80 % is written `0.80`");
    }
    *fraction
}
