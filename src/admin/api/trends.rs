//! `/trends`: the last hour of every region, as the page draws it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The last hour of every region, in even steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendList {
    /// The moment of the last sample; `null` before the first.
    pub at: Option<Timestamp>,
    /// The time from one sample to the next.
    pub step_seconds: u64,
    /// The regions, in the order of the configuration.
    pub regions: Vec<RegionTrend>,
}

/// The last hour of a region: of each number as many samples, the oldest first; `null` where it was not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionTrend {
    /// Its name.
    pub region: String,
    /// The queries a second that this instance answered with its addresses.
    pub queries_per_second: Vec<Option<f32>>,
    /// The share of its clients that it took in the worse family, 0 to 1.
    pub share: Vec<Option<f32>>,
    /// The latency that 95 % of its requests did not exceed, in seconds.
    pub p95_latency_seconds: Vec<Option<f32>>,
    /// The share of its capacity that was in use: 1 is full.
    pub load: Vec<Option<f32>>,
}
