//! `recovery`: how regions come back into the answers after a fall.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::Reporter;
use crate::config::values::{Checked, HIGHEST_LOAD, List, Value, fraction};
use crate::config::yaml::{Setting, Written};
use crate::region::{Failback, Gates, LONGEST_WAIT, Recovery};
use crate::share::Share;

/// The bounds of `min_down`, which doubles with each fall up to the same longest wait.
pub const MIN_DOWN: RangeInclusive<Duration> = Duration::ZERO..=LONGEST_WAIT;

/// The bounds of `hold`: with the longest, a ramp of the most steps takes more than a week.
pub const HOLD: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(24 * 3600);

/// The most steps of a ramp: one an hour for a working day.
pub const MAX_RAMP: usize = 8;

/// How a region, and each of its availability zones, comes back after a fall.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoverySpec {
    /// The shortest time between a fall and the return of traffic: `0s` to `30m`. It doubles with each fall
    /// in the hour, up to 30 minutes. Left out: `60s`.
    min_down: Option<Value<Duration>>,
    /// The shares of its clients that it gets on the way back to all of them: growing, from `1%` to `99%`,
    /// at most 8. `[]`: all of them at once. Left out: `[10%, 50%]`.
    ramp: Option<List<Share>>,
    /// How long each share of the ramp is held: `0s` (not at all) to `1d`. Left out: `60s`.
    hold: Option<Value<Duration>>,
    /// What must be so for the next share.
    gates: Option<Setting<GatesSpec>>,
    /// Who lets it back. Left out: `auto`.
    failback: Option<Setting<Failback>>,
}

/// What must be so at the end of each step of a ramp. With a gate closed the ramp goes a step back; the
/// second time it stays there. A signal that is not known closes no gate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GatesSpec {
    /// The highest share of requests that may fail (the signal `error_rate`): 0 to 1. Left out: 0.05.
    error_rate: Option<Value<f64>>,
    /// The highest share of the capacity that may be in use (the signal `load`): above 0, up to 10. Left out:
    /// 0.80.
    load: Option<Value<f64>>,
}

/// Lowers a `recovery`; `otherwise` says what it leaves out.
pub(super) fn lower(
    spec: &Option<Setting<RecoverySpec>>,
    otherwise: &Recovery,
    report: &mut Reporter,
) -> Recovery {
    let Some(spec) = spec.get() else {
        return otherwise.clone();
    };
    Recovery {
        min_down: spec.min_down.within("min_down", &MIN_DOWN, report).unwrap_or(otherwise.min_down),
        ramp: ramp(&spec.ramp, report).unwrap_or_else(|| otherwise.ramp.clone()),
        hold: spec.hold.within("hold", &HOLD, report).unwrap_or(otherwise.hold),
        gates: gates(&spec.gates, otherwise.gates, report),
        failback: spec.failback.get_or(otherwise.failback),
    }
}

fn ramp(spec: &Option<List<Share>>, report: &mut Reporter) -> Option<Vec<Share>> {
    spec.get()?;
    let steps = spec.items();
    for pair in steps.windows(2) {
        let [(before, _), (after, span)] = pair else { continue };
        if after <= before {
            let [before, after] = [before, after].map(|share| share.fraction() * 100.0);
            let message = format!("`ramp` does not grow from {before:.0}% to {after:.0}%");
            let finding = report.error(*span, message);
            finding.hint("write each share larger than the one before: `[10%, 50%]`");
        }
    }
    if let Some((_, span)) = steps.get(MAX_RAMP) {
        report.error(*span, format!("`ramp` has more than {MAX_RAMP} steps"));
    }
    Some(steps.into_iter().map(|(share, _)| *share).collect())
}

fn gates(spec: &Option<Setting<GatesSpec>>, otherwise: Gates, report: &mut Reporter) -> Gates {
    let Some(spec) = spec.get() else {
        return otherwise;
    };
    if let Some((rate, span)) = spec.error_rate.given()
        && !(0.0..=1.0).contains(rate)
    {
        let finding = report.error(span, format!("`error_rate` goes from 0 to 1, not {rate}"));
        finding.hint("5 % is written `0.05`");
    }
    Gates {
        error_rate: spec.error_rate.get_or(otherwise.error_rate),
        load: fraction(&spec.load, "load", HIGHEST_LOAD, report).unwrap_or(otherwise.load),
    }
}
