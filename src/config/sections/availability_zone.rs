//! One availability zone of `regions.yaml`: its addresses, or the name that leads to them.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::values::{List, Value};
use crate::config::yaml::Setting;

/// A part of a region with its own addresses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AvailabilityZoneSpec {
    /// Its IPv4 and IPv6 addresses: what answers contain and what canaries probe. Each may occur once
    /// in the whole configuration, and once more for each service. Left out: those that `host` leads to.
    pub addresses: Option<List<IpAddr>>,
    /// A name that is looked up instead, as load balancers of clouds have it: `lb.example.net`. It is looked up again when
    /// the time to live of its records is over, at least every hour and at most every 5 s; each of its addresses, at most
    /// 64, has its own canaries. What a lookup that fails or finds nothing would take away stays, with an alarm. At most 128
    /// in all. Left out: the addresses are listed.
    pub host: Option<Value<String>>,
    /// Whether `host` may lead to private addresses. Left out: an answer with one is not taken.
    pub private: Option<Setting<bool>>,
}
