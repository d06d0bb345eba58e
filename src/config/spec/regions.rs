//! `regions.yaml`: where the API is served from, what watches it, and groups for all zones.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::alarms::AlarmsSpec;
use super::canaries::CanarySpec;
use super::drills::DrillSpec;
use super::kinds::Asn;
use super::leaf::{List, Value};
use super::recovery::{RecoverySpec, SafetySpec};
use crate::client::{Continent, Country, Prefix, Subdivision};
use crate::config::yaml::{Entries, Setting};
use crate::region::{Failover, Minimum};

/// `regions.yaml`: where the API is served from, what watches it, and groups for all zones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Regions")]
pub struct RegionsSpec {
    /// The regions by name; at most 128.
    pub regions: Option<Setting<Entries<RegionSpec>>>,
    /// The canaries by name; at most 256.
    pub canaries: Option<Setting<Entries<CanarySpec>>>,
    /// Groups of clients that every zone may refer to.
    pub groups: Option<Setting<Entries<GroupSpec>>>,
    /// What the machine may do about any region that should leave the answers, unless the region says
    /// otherwise. Left out: `auto`.
    pub failover: Option<Setting<Failover>>,
    /// How every region comes back; a region's own `recovery` overrides it key by key.
    pub recovery: Option<Setting<RecoverySpec>>,
    /// What holds for all regions together.
    pub safety: Option<Setting<SafetySpec>>,
    /// Drills that start by themselves; at most 256.
    pub drills: Option<Setting<Vec<Setting<DrillSpec>>>>,
    /// When something that is measured is an alarm; each is `off` or says when.
    pub alarms: Option<Setting<AlarmsSpec>>,
}

/// A place that serves the API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionSpec {
    /// Where it is, for the order by distance.
    pub location: Setting<LocationSpec>,
    /// The country whose law applies to what is processed here, by ISO 3166-1 code.
    pub jurisdiction: Value<Country>,
    /// Requests per second it can serve at peak. Left out: not known, and the region sheds nothing.
    pub capacity: Option<Value<u64>>,
    /// The region leaves the answers of a family (IPv4, IPv6) when fewer of its addresses of that
    /// family are up: a number, or a share as `50%` (rounded up). Left out: 1.
    pub min_healthy: Option<Value<Minimum>>,
    /// The availability zones by name: parts of the region that fail and are evacuated alone.
    pub zones: Setting<Entries<AvailabilityZoneSpec>>,
    /// What the machine may do when this region should leave the answers. Left out: as for all regions.
    pub failover: Option<Setting<Failover>>,
    /// How it, and each of its availability zones, comes back. What is left out is as for all regions.
    pub recovery: Option<Setting<RecoverySpec>>,
    /// The canaries that watch the region: every address of it, or the region as a whole. Left out: none, and
    /// its addresses count as up.
    pub canaries: Option<List<String>>,
}

/// A point on the globe.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationSpec {
    /// Degrees north of the equator, −90 to 90.
    pub latitude: Value<f64>,
    /// Degrees east of Greenwich, −180 to 180.
    pub longitude: Value<f64>,
}

/// A part of a region with its own addresses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailabilityZoneSpec {
    /// Its IPv4 and IPv6 addresses: what answers contain and what canaries probe. Each may occur once
    /// in the whole configuration.
    pub addresses: List<IpAddr>,
}

/// A named set of clients: all who match at least one of the members.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// Clients on these continents: AF, AN, AS, EU, NA, OC, SA. `EU` is the continent here.
    pub continents: Option<List<Continent>>,
    /// Clients in these countries, by ISO 3166-1 code.
    pub countries: Option<List<Country>>,
    /// Clients in these states or provinces, by ISO 3166-2 code, for example `US-CA`.
    pub subdivisions: Option<List<Subdivision>>,
    /// `true`: clients in a member state of the European Union.
    pub european_union: Option<Setting<bool>>,
    /// Clients of these autonomous systems; needs `geo.asn` in `server.yaml`.
    pub asns: Option<List<Asn>>,
    /// Clients in these networks, whatever a database says of them.
    pub networks: Option<List<Prefix>>,
    /// `true`: clients whose location is not known, as in the built-in group `unknown`.
    pub unknown: Option<Setting<bool>>,
}
