//! `regions.yaml`: where the API is served from, what watches it, and groups for all zones.

use std::net::IpAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::kinds::{Asn, Statuses};
use super::leaf::{List, Value};
use crate::client::{Continent, Country, Prefix, Subdivision};
use crate::config::yaml::{Entries, Setting};
use crate::region::MinHealthy;

/// `regions.yaml`: where the API is served from, what watches it, and groups for all zones.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Regions")]
pub struct Regions {
    /// The regions by name; at most 128.
    pub regions: Option<Setting<Entries<Region>>>,
    /// The canaries by name; at most 256.
    pub canaries: Option<Setting<Entries<Canary>>>,
    /// Groups of clients that every zone may refer to.
    pub groups: Option<Setting<Entries<Group>>>,
}

/// A place that serves the API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Where it is, for the order by distance.
    pub location: Setting<Location>,
    /// The country whose law applies to what is processed here, by ISO 3166-1 code.
    pub jurisdiction: Value<Country>,
    /// Requests per second it can serve at peak.
    pub capacity: Option<Value<u64>>,
    /// The region leaves the answers of a family (IPv4, IPv6) when fewer of its addresses of that
    /// family are up: a number, or a share as `50%` (rounded up). Left out: 1.
    pub min_healthy: Option<Value<MinHealthy>>,
    /// The availability zones by name: parts of the region that fail and are evacuated alone.
    pub zones: Setting<Entries<AvailabilityZone>>,
    /// The canaries that watch every address of the region. Left out: none, and its addresses
    /// count as up.
    pub canaries: Option<List<String>>,
}

/// A point on the globe.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees north of the equator, −90 to 90.
    pub latitude: Value<f64>,
    /// Degrees east of Greenwich, −180 to 180.
    pub longitude: Value<f64>,
}

/// A part of a region with its own addresses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailabilityZone {
    /// Its IPv4 and IPv6 addresses: what answers contain and what canaries probe. Each may occur once
    /// in the whole configuration.
    pub addresses: List<IpAddr>,
}

/// A check that is run against every address of the regions that name it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Sends an HTTP request. Either this or `tcp`.
    pub http: Option<Setting<Http>>,
    /// Opens a TCP connection and closes it. Either this or `http`.
    pub tcp: Option<Setting<Tcp>>,
    /// The time between the starts of two probes of one address, jittered by ±10 %: `100ms` to `1h`.
    /// Left out: `10s`.
    pub interval: Option<Value<Duration>>,
    /// A probe that takes longer has failed: at least `10ms`, and less than `interval`. Left out:
    /// `2s`.
    pub timeout: Option<Value<Duration>>,
    /// The interval while an address is suspect: `50ms` up to `interval`. Left out: `2s`, or
    /// `interval` when that is shorter.
    pub recheck: Option<Value<Duration>>,
    /// This many consecutive failures take an address down: 1 to 100. Left out: 3.
    pub fall: Option<Value<u32>>,
    /// This many consecutive successes bring it back: 1 to 100. Left out: 3.
    pub rise: Option<Value<u32>>,
}

/// An HTTP request and what its response must look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// An `http` or `https` URL. `{address}` in it stands for the probed address, for example
    /// `http://{address}:8080/health`. A URL with a host name is sent to the probed address too.
    pub url: Value<String>,
    /// The `Host` header and, with `https`, the name that the certificate must carry. Left out: the
    /// host of the URL.
    pub host: Option<Value<String>>,
    /// The request method. Left out: `GET`.
    pub method: Option<Value<String>>,
    /// Further request headers by name.
    pub headers: Option<Setting<Entries<super::leaf::Leaf<String>>>>,
    /// What the response must look like. Left out: any status from 200 to 299.
    pub expect: Option<Setting<Expect>>,
}

/// What an HTTP response must look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The statuses that are a success: `200`, or `200-299` for a range. Left out: `200-299`.
    pub status: Option<List<Statuses>>,
    /// A text that must occur in the first 64 KiB of the body.
    pub body: Option<Value<String>>,
}

/// A TCP connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    /// The port, 1 to 65535.
    pub port: Value<u16>,
}

/// A named set of clients: all who match at least one of the members.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
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
