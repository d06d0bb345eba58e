//! How regions leave the answers and come back, and what holds for all of them together.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json::Number;
use super::kinds::Percent;
use super::leaf::{List, Value};
use crate::config::yaml::Setting;
use crate::region::{Failback, Minimum};

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
    /// How long each share of the ramp is held: `0s` (not at all) to `24h`. Left out: `60s`.
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
