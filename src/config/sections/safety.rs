//! `safety` in `regions.yaml`: bounds on failover that hold for all regions together.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::{Reporter, Span};
use crate::config::values::{Checked, HIGHEST_LOAD, Value, fraction};
use crate::config::yaml::{Setting, Written};
use crate::region::{Limits, Minimum, Safety};
use crate::share::Share;

/// The bounds of `shared_hold`: longer, and an outage that takes half of the regions lasts as long for their clients.
pub const SHARED_HOLD: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

/// What holds for all regions together, whatever happens to one of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SafetySpec {
    /// How many regions of a family (IPv4, IPv6) the machine leaves in service at least: a number, or a share
    /// as `50%` (rounded up). Left out: none, and each name's `all_down` decides when all are down.
    min_in_service: Option<Value<Minimum>>,
    /// How many of a name's permitted regions stay in its answers at least when regions fail otherwise than by refusing
    /// connections, and it is not known what the others can bear: a number, or a share (rounded up). Left out: `33%`.
    keep: Option<Value<Minimum>>,
    /// How long regions that begin to fail alike within a minute are waited for, if they are half of them or more, from
    /// the first failed probe: `0s` to `1h`. Left out: `2m`.
    shared_hold: Option<Value<Duration>>,
    /// The share of its clients that a region gives away in ten minutes when it is not known whether others can bear them:
    /// when it fails after it was given those of another one, and beyond what capacities let the others take at once.
    /// `1%` to `99%`. Left out: `20%`.
    velocity: Option<Value<Share>>,
    /// Where load begins to matter.
    load: Option<Setting<LimitsSpec>>,
}

/// Where load begins to matter, as fractions of a region's `capacity`: `back` < `soft` ≤ `hard`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LimitsSpec {
    /// Above this a region sheds clients to regions that have room below it: above 0, up to 10. Left out:
    /// 0.80.
    soft: Option<Value<f64>>,
    /// No fail-over loads a region above this while another permitted region has room: above 0, up to 10.
    /// Left out: 1.00.
    hard: Option<Value<f64>>,
    /// Below this a region takes back what it shed: above 0. Left out: 0.60.
    back: Option<Value<f64>>,
    /// The most that a region sheds or takes back in one step, as a share of its clients: above 0, up to 1.
    /// Left out: 0.10.
    step: Option<Value<f64>>,
}

/// Lowers `safety`. `total`: how many regions there are; `None`: they cannot be read.
pub(super) fn lower(
    spec: &Option<Setting<SafetySpec>>,
    total: Option<usize>,
    report: &mut Reporter,
) -> Safety {
    let Some(spec) = spec.get() else {
        return Safety::default();
    };
    if let (Some((minimum, span)), Some(total)) = (spec.min_in_service.given(), total) {
        check_in_service(*minimum, span, total, report);
    }
    let limits = spec.load.given().map(|(load, span)| limits(load, span, report));
    let default = Safety::default();
    Safety {
        min_in_service: spec.min_in_service.get().copied(),
        keep: spec.keep.get().copied().unwrap_or(default.keep),
        shared_hold: spec
            .shared_hold
            .within("shared_hold", &SHARED_HOLD, report)
            .unwrap_or(default.shared_hold),
        velocity: spec.velocity.get().copied().unwrap_or(default.velocity),
        limits: limits.unwrap_or_default(),
    }
}

fn check_in_service(minimum: Minimum, span: Span, total: usize, report: &mut Reporter) {
    if let Minimum::Count(count) = minimum
        && count as usize > total
    {
        let finding = report.error(span, format!("`min_in_service` is {count}, but the regions are {total}"));
        finding.hint("a share such as `50%` grows with their number");
    } else if minimum.of(total) == total {
        let finding = report.warning(span, "`min_in_service` is all regions: none could ever leave");
        finding.hint("if that is meant, `failover: off` says so");
    }
}

fn limits(spec: &LimitsSpec, span: Span, report: &mut Reporter) -> Limits {
    let default = Limits::default();
    let limits = Limits {
        soft: fraction(&spec.soft, "soft", HIGHEST_LOAD, report).unwrap_or(default.soft),
        hard: fraction(&spec.hard, "hard", HIGHEST_LOAD, report).unwrap_or(default.hard),
        back: fraction(&spec.back, "back", HIGHEST_LOAD, report).unwrap_or(default.back),
        step: fraction(&spec.step, "step", 1.0, report).unwrap_or(default.step),
    };
    if limits.back >= limits.soft {
        let span = spec.back.span().or(spec.soft.span()).unwrap_or(span);
        let message = format!("`back` ({}) must be less than `soft` ({})", limits.back, limits.soft);
        report.error(span, message).hint("else a region takes back what it sheds, and sheds it again");
    }
    if limits.soft > limits.hard {
        let span = spec.hard.span().or(spec.soft.span()).unwrap_or(span);
        let message = format!("`soft` ({}) must not be more than `hard` ({})", limits.soft, limits.hard);
        report.error(span, message).hint("a region sheds before it is full");
    }
    limits
}
