//! `recovery`: how regions come back into the answers after a fall.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::Reporter;
use crate::config::values::{
    HIGHEST_LOAD, List, Number, Percent, Value, duration, fraction, given, items, word,
};
use crate::config::yaml::Setting;
use crate::region::{Failback, Gates, LONGEST_WAIT, Recovery};
use crate::share::Share;

/// How a region, and each of its availability zones, comes back after a fall.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoverySpec {
    /// The shortest time between a fall and the return of traffic: `0s` to `30m`. It doubles with each fall
    /// in the hour, up to 30 minutes. Left out: `60s`.
    pub min_down: Option<Value<Duration>>,
    /// The shares of its clients that it gets on the way back to all of them: growing, from `1%` to `99%`,
    /// at most 8. `[]`: all of them at once. Left out: `[10%, 50%]`.
    pub ramp: Option<List<Percent>>,
    /// How long each share of the ramp is held: `0s` (not at all) to `1d`. Left out: `60s`.
    pub hold: Option<Value<Duration>>,
    /// What must be so for the next share.
    pub gates: Option<Setting<GatesSpec>>,
    /// Who lets it back. Left out: `auto`.
    pub failback: Option<Setting<Failback>>,
}

/// What must be so at the end of each step of a ramp. With a gate closed the ramp goes a step back; the
/// second time it stays there. A signal that is not known closes no gate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatesSpec {
    /// The highest share of requests that may fail (the signal `error_rate`): 0 to 1. Left out: 0.05.
    pub error_rate: Option<Value<Number>>,
    /// The highest share of the capacity that may be in use (the signal `load`): above 0, up to 10. Left out:
    /// 0.80.
    pub load: Option<Value<Number>>,
}

/// The most steps of a ramp: one an hour for a working day.
const MAX_STEPS: usize = 8;

/// The longest hold: with it a ramp of the most steps takes more than a week.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Lowers a `recovery`; `otherwise` says what it leaves out.
pub(super) fn lower(
    setting: &Option<Setting<RecoverySpec>>,
    otherwise: &Recovery,
    report: &mut Reporter,
) -> Recovery {
    let Some(spec) = setting.as_ref().and_then(|recovery| recovery.value.as_ref()) else {
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

fn ramp(spec: &RecoverySpec, report: &mut Reporter) -> Option<Vec<Share>> {
    let list = spec.ramp.as_ref().filter(|ramp| ramp.value.is_some())?;
    let steps = items(list);
    for pair in steps.windows(2) {
        let [(Percent(before), _), (Percent(after), span)] = pair else { continue };
        if after <= before {
            let draft = report.error(*span, format!("`ramp` does not grow from {before}% to {after}%"));
            draft.hint("write each share larger than the one before: `[10%, 50%]`");
        }
    }
    if let Some((_, span)) = steps.get(MAX_STEPS) {
        report.error(*span, format!("`ramp` has more than {MAX_STEPS} steps"));
    }
    Some(steps.into_iter().map(|(Percent(share), _)| Share::percent(*share)).collect())
}

fn gates(spec: &RecoverySpec, otherwise: Gates, report: &mut Reporter) -> Gates {
    let Some(spec) = spec.gates.as_ref().and_then(|gates| gates.value.as_ref()) else {
        return otherwise;
    };
    if let Some((Number(rate), span)) = given(&spec.error_rate)
        && !(0.0..=1.0).contains(rate)
    {
        let draft = report.error(span, format!("`error_rate` goes from 0 to 1, not {rate}"));
        draft.hint("5 % is written `0.05`");
    }
    Gates {
        error_rate: given(&spec.error_rate).map_or(otherwise.error_rate, |(Number(rate), _)| *rate),
        load: fraction(&spec.load, "load", otherwise.load, HIGHEST_LOAD, report),
    }
}
