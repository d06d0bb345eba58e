//! What JSON must say, to [`Assertion`]s, and where its signals are.

use super::server::required;
use crate::canary::{Assertion, Expected, Pointer, Signal};
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, Number, Value, given};
use crate::config::yaml::Setting;

/// The most assertions of a canary: more than any health page has lines.
const MAX_ASSERTIONS: usize = 64;

/// Lowers the assertions of a canary.
pub(super) fn assertions(
    setting: &Option<Setting<Vec<Setting<spec::AssertSpec>>>>,
    report: &mut Report,
) -> Vec<Assertion> {
    let Some((list, place)) = setting.as_ref().and_then(|list| list.given()) else {
        return Vec::new();
    };
    if list.len() > MAX_ASSERTIONS {
        report.error(place, format!("more than {MAX_ASSERTIONS} assertions"));
    }
    let given = list.iter().filter_map(|entry| entry.given());
    given.flat_map(|(entry, place)| assertion(entry, place, report)).collect()
}

/// Lowers one entry; two limits are two assertions.
fn assertion(spec: &spec::AssertSpec, place: Place, report: &mut Report) -> Vec<Assertion> {
    let pointer = required(&spec.pointer, "pointer", place, "write `pointer: /checks/gpu`", report);
    let limit = |setting: &Option<Value<Number>>| given(setting).map(|(Number(limit), _)| *limit);
    let (at_least, at_most) = (limit(&spec.at_least), limit(&spec.at_most));
    let exists = spec.exists.as_ref().and_then(|exists| exists.value);
    let equals = given(&spec.equals).map(|(scalar, _)| Expected::Equal(scalar.clone()));
    let existence = exists.map(|exists| if exists { Expected::Something } else { Expected::Nothing });
    let limits = at_least.map(Expected::AtLeast).into_iter().chain(at_most.map(Expected::AtMost));
    let alone: Vec<Expected> = equals.into_iter().chain(existence).collect();
    let expected: Vec<Expected> = alone.iter().cloned().chain(limits).collect();
    let are_missing = is_missing(&spec.equals) && is_missing(&spec.exists);
    if are_missing && is_missing(&spec.at_most) && is_missing(&spec.at_least) {
        let draft = report.error(place, "this assertion expects nothing");
        draft.hint("add `equals`, `at_most`, `at_least` or `exists`; null is written `equals: 'null'`");
    }
    if !alone.is_empty() && expected.len() > 1 {
        let draft = report.error(place, "`equals` and `exists` stand alone in an assertion");
        draft.hint("make it two assertions, or leave one out");
    }
    if let (Some(at_least), Some(at_most)) = (at_least, at_most)
        && at_least > at_most
    {
        report.error(place, format!("no number is at least {at_least} and at most {at_most}"));
    }
    let pointer = pointer.map(|(pointer, _)| pointer.clone());
    let assertion = |expected| Some(Assertion { pointer: pointer.clone()?, expected });
    expected.into_iter().filter_map(assertion).collect()
}

fn is_missing<T>(setting: &Option<Setting<T>>) -> bool {
    setting.as_ref().is_none_or(Setting::is_missing)
}

/// Lowers the places of signals.
pub(super) fn signals(setting: &Option<Setting<spec::SignalsSpec>>) -> Vec<(Signal, Pointer)> {
    let Some(spec) = setting.as_ref().and_then(|signals| signals.value.as_ref()) else {
        return Vec::new();
    };
    let pointer = |signal: Signal| match signal {
        Signal::Load => &spec.load,
        Signal::ErrorRate => &spec.error_rate,
        Signal::P95Latency => &spec.p95_latency,
        Signal::ReplicationLag => &spec.replication_lag,
        Signal::QueueDepth => &spec.queue_depth,
        Signal::Requests => &spec.requests,
    };
    let place = |signal| Some((signal, given(pointer(signal))?.0.clone()));
    Signal::ALL.into_iter().filter_map(place).collect()
}
