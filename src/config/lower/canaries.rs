//! The canaries of `regions.yaml` to [`Canary`].

use std::time::Duration;

use super::checks;
use super::defined::{Defined, check_name};
use super::times::{duration, text};
use crate::canary::{Canary, Check, Effect, Reach, Thresholds};
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, Percent, Value, given, word};
use crate::share::Share;

/// The most canaries: all of them may watch each address.
const MAX_CANARIES: usize = 256;

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);
/// Design, section 5: the worst case of 10 s, 2 s and 3 is then 20 s.
const RECHECK: Duration = Duration::from_secs(2);
const FALL: u32 = 3;
const RISE: u32 = 3;
const MAX_THRESHOLD: u32 = 100;

const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);
const SHORTEST_RECHECK: Duration = Duration::from_millis(50);
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(10);

pub(super) fn names(spec: Option<&spec::RegionsSpec>) -> Defined {
    let names = spec.map(|spec| {
        let entries = spec.canaries.iter().filter_map(|canaries| canaries.value.as_ref());
        entries.flat_map(|canaries| canaries.iter().map(|(name, place, _)| (name, place)))
    });
    Defined::new("canary", "regions.yaml", names)
}

pub(super) fn lower(spec: Option<&spec::RegionsSpec>, report: &mut Report) -> Vec<Option<Canary>> {
    let entries = spec.and_then(|spec| spec.canaries.as_ref()).and_then(|canaries| canaries.given());
    let Some((entries, place)) = entries else {
        return Vec::new();
    };
    if entries.list.len() > MAX_CANARIES {
        report.error(place, format!("more than {MAX_CANARIES} canaries"));
    }
    let each = entries.iter().map(|(name, place, canary)| {
        check_name(name, place, report);
        if canary.is_missing() {
            checks::none(name, place, report);
        }
        let (canary, _) = canary.given()?;
        self::canary(name, canary, place, report)
    });
    each.collect()
}

fn canary(name: &str, spec: &spec::CanarySpec, place: Place, report: &mut Report) -> Option<Canary> {
    let reach = word(&spec.probe).unwrap_or_default();
    let check = checks::check(name, spec, reach, place, report);
    if let (Reach::Region, Some(check)) = (reach, &check) {
        check_has_a_name(check, spec.probe.as_ref().and_then(|probe| probe.place).unwrap_or(place), report);
    }
    let interval =
        duration(&spec.interval, "interval", INTERVAL, (SHORTEST_INTERVAL, LONGEST_INTERVAL), report);
    let timeout = timeout(spec, interval, place, report);
    let slow = slow(spec, timeout, report);
    let canary = Canary {
        name: name.to_owned(),
        check: check?,
        interval,
        timeout,
        slow,
        recheck: duration(
            &spec.recheck,
            "recheck",
            RECHECK.min(interval),
            (SHORTEST_RECHECK, interval),
            report,
        ),
        thresholds: Thresholds {
            fall: threshold(&spec.fall, "fall", FALL, report),
            rise: threshold(&spec.rise, "rise", RISE, report),
        },
        effect: given(&spec.advisory)
            .map_or(Effect::Critical, |(Percent(share), _)| Effect::Advisory(Share::percent(*share))),
        reach,
    };
    Some(canary)
}

/// Refuses what cannot be done to a region as a whole: it takes a name that leads there.
fn check_has_a_name(check: &Check, place: Place, report: &mut Report) {
    if check.request().is_none() {
        let kind = check.kind();
        let draft = report.error(place, format!("`{kind}` probes addresses, not a region as a whole"));
        draft.hint("use `http`, `json` or `inference`, whose URL names a host, or leave `probe` out");
    }
}

fn timeout(spec: &spec::CanarySpec, interval: Duration, canary: Place, report: &mut Report) -> Duration {
    let inference = spec.inference.as_ref().and_then(|inference| inference.value.as_ref());
    let total = inference.and_then(|inference| given(&inference.total));
    let default = total.map_or(TIMEOUT, |(total, _)| *total);
    let timeout = duration(&spec.timeout, "timeout", default, (SHORTEST_TIMEOUT, LONGEST_INTERVAL), report);
    if let Some(inference) = inference {
        limits(inference, timeout, report);
    }
    if timeout >= interval {
        let place =
            given(&spec.timeout).or(total).or(given(&spec.interval)).map_or(canary, |(_, place)| place);
        let message =
            format!("`timeout` ({}) must be shorter than `interval` ({})", text(timeout), text(interval));
        report.error(place, message).hint("else probes of one address overlap");
    }
    timeout
}

/// Checks the limits of an inference: the first byte comes before the last, and both in time.
fn limits(spec: &spec::InferenceSpec, timeout: Duration, report: &mut Report) {
    let longest = |report: &mut Report, setting, key, (longest_key, longest): (&str, Duration)| {
        let Some((limit, place)) = given(setting) else { return };
        if *limit < SHORTEST_TIMEOUT {
            report.error(place, format!("`{key}` is at least {}", text(SHORTEST_TIMEOUT)));
        }
        if *limit > longest {
            let message =
                format!("`{key}` ({}) is longer than `{longest_key}` ({})", text(*limit), text(longest));
            report.error(place, message).hint(format!("it would never matter: raise `{longest_key}`"));
        }
    };
    longest(report, &spec.total, "total", ("timeout", timeout));
    let whole = given(&spec.total).map_or(("timeout", timeout), |(total, _)| ("total", *total));
    longest(report, &spec.first_byte, "first_byte", whole);
}

fn slow(spec: &spec::CanarySpec, timeout: Duration, report: &mut Report) -> Option<Duration> {
    let (slow, place) = given(&spec.slow)?;
    if slow.is_zero() {
        report.error(place, "`slow` is at least 1ms");
    }
    if *slow >= timeout {
        let message = format!("`slow` ({}) must be shorter than `timeout` ({})", text(*slow), text(timeout));
        report.error(place, message).hint("what takes longer than the timeout is a failure, not slow");
    }
    Some(*slow)
}

fn threshold(setting: &Option<Value<u32>>, key: &str, default: u32, report: &mut Report) -> u32 {
    let Some((count, place)) = given(setting) else {
        return default;
    };
    if !(1..=MAX_THRESHOLD).contains(count) {
        report.error(place, format!("`{key}` goes from 1 to {MAX_THRESHOLD}, not {count}"));
    }
    *count
}
