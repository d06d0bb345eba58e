//! `services` of a region: what stands behind its addresses besides, with canaries of its own.

use schemars::JsonSchema;
use serde::Deserialize;

use super::availability_zone::AvailabilityZoneSpec;
use crate::config::values::{List, Value};
use crate::config::yaml::{Entries, Setting};
use crate::region::Minimum;

/// A service of a region: its own addresses, which may be those of the region, and canaries of its own. Names choose it
/// by `service`. Where it is, its jurisdiction, clients, failover and recovery are those of the region.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceSpec {
    /// The availability zones by name, with the addresses of the service. An address may occur once among those of each
    /// service. Left out: those of the region.
    pub zones: Option<Setting<Entries<AvailabilityZoneSpec>>>,
    /// The canaries that watch the service. Left out: none, and its addresses count as up.
    pub canaries: Option<List<String>>,
    /// Requests per second that the service can serve at peak. Left out: not known, and it sheds nothing.
    pub capacity: Option<Value<u64>>,
    /// The service leaves the answers of a family when fewer of its addresses are up. Left out: 1.
    pub min_healthy: Option<Value<Minimum>>,
}
