//! `safety` in `regions.yaml`: what holds for all regions together, whatever happens to one of them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::{Reporter, Span};
use crate::config::values::{HIGHEST_LOAD, Number, Value, fraction, given};
use crate::config::yaml::Setting;
use crate::region::{Limits, Minimum, Safety};

/// What holds for all regions together, whatever happens to one of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SafetySpec {
    /// How many regions of a family (IPv4, IPv6) the machine leaves in service at least: a number, or a share
    /// as `50%` (rounded up). Left out: none, and each name's `all_down` decides when all are down.
    pub min_in_service: Option<Value<Minimum>>,
    /// Where load begins to matter.
    pub load: Option<Setting<LimitsSpec>>,
}

/// Where load begins to matter, as fractions of a region's `capacity`: `back` < `soft` ≤ `hard`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsSpec {
    /// Above this a region sheds clients to regions that have room below it: above 0, up to 10. Left out:
    /// 0.80.
    pub soft: Option<Value<Number>>,
    /// No fail-over loads a region above this while another permitted region has room: above 0, up to 10.
    /// Left out: 1.00.
    pub hard: Option<Value<Number>>,
    /// Below this a region takes back what it shed: above 0. Left out: 0.60.
    pub back: Option<Value<Number>>,
    /// The most that a region sheds or takes back in one step, as a share of its clients: above 0, up to 1.
    /// Left out: 0.10.
    pub step: Option<Value<Number>>,
}

/// Lowers `safety`.
/// `total`: how many regions there are; `None`: they cannot be read, and nothing is known of their number.
pub(super) fn lower(
    spec: &Option<Setting<SafetySpec>>,
    total: Option<usize>,
    report: &mut Reporter,
) -> Safety {
    let Some(safety) = spec.as_ref().and_then(|safety| safety.value.as_ref()) else {
        return Safety::default();
    };
    check_in_service(safety, total, report);
    let load = safety.load.as_ref().and_then(|load| load.given());
    Safety {
        min_in_service: given(&safety.min_in_service).map(|(minimum, _)| *minimum),
        limits: load.map_or_else(Limits::default, |(load, span)| limits(load, span, report)),
    }
}

fn check_in_service(safety: &SafetySpec, total: Option<usize>, report: &mut Reporter) {
    let (Some((minimum, span)), Some(total)) = (given(&safety.min_in_service), total) else { return };
    if let Minimum::Count(count) = minimum
        && *count as usize > total
    {
        let draft = report.error(span, format!("`min_in_service` is {count}, but the regions are {total}"));
        draft.hint("a share such as `50%` grows with their number");
    } else if minimum.of(total) == total {
        let draft = report.warning(span, "`min_in_service` is all regions: none could ever leave");
        draft.hint("if that is meant, `failover: off` says so");
    }
}

fn limits(spec: &LimitsSpec, span: Span, report: &mut Reporter) -> Limits {
    let default = Limits::default();
    let limits = Limits {
        soft: fraction(&spec.soft, "soft", default.soft, HIGHEST_LOAD, report),
        hard: fraction(&spec.hard, "hard", default.hard, HIGHEST_LOAD, report),
        back: fraction(&spec.back, "back", default.back, HIGHEST_LOAD, report),
        step: fraction(&spec.step, "step", default.step, 1.0, report),
    };
    if limits.back >= limits.soft {
        let span = span_of(&spec.back, &spec.soft, span);
        let message = format!("`back` ({}) must be less than `soft` ({})", limits.back, limits.soft);
        report.error(span, message).hint("else a region takes back what it sheds, and sheds it again");
    }
    if limits.soft > limits.hard {
        let span = span_of(&spec.hard, &spec.soft, span);
        let message = format!("`soft` ({}) must not be more than `hard` ({})", limits.soft, limits.hard);
        report.error(span, message).hint("a region sheds before it is full");
    }
    limits
}

/// Returns the place of the first of two settings that is given, or that of their parent.
fn span_of<T>(one: &Option<Value<T>>, other: &Option<Value<T>>, parent: Span) -> Span {
    given(one).or(given(other)).map_or(parent, |(_, span)| span)
}
