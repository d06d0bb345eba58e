//! `server.yaml`: this instance.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::access::AccessSpec;
use super::kinds::Asn;
use super::leaf::{List, Value};
use super::webhooks::WebhookSpec;
use crate::client::{Continent, Country, Prefix, Subdivision};
use crate::config::LogFormat;
use crate::config::yaml::Setting;

/// `server.yaml`: this instance.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Server")]
pub struct ServerSpec {
    /// The name of this instance: what NSID queries are answered with, and a field of every log
    /// line. 1 to 63 letters, digits, hyphens, underscores and dots.
    pub name: Value<String>,
    /// Where the server listens.
    pub listen: Setting<ListenSpec>,
    /// Where `/metrics`, `/status`, `/healthz` and the API of the commands are served, for example
    /// `127.0.0.1:8053`. Left out: nowhere.
    pub admin: Option<Value<SocketAddr>>,
    /// Who may ask the admin address for what. Left out: this machine may read, and nobody may change anything.
    pub access: Option<Setting<AccessSpec>>,
    /// How clients are located. Left out: all clients are of unknown location.
    pub geo: Option<Setting<GeoSpec>>,
    /// The directory for what must survive a restart, relative to the configuration directory. Left
    /// out: health starts anew with every start.
    pub state: Option<Value<PathBuf>>,
    /// The form of log lines. Left out: `human`.
    pub log: Option<Setting<LogFormat>>,
    /// Who is told of events over HTTP. Every event is in the log of events too: `events.jsonl` in the state
    /// directory, from which what could not be delivered is delivered later, also after a restart. Without
    /// `state`, the last 1000 events wait in memory. A change takes effect with a restart.
    pub webhooks: Option<Setting<Vec<Setting<WebhookSpec>>>>,
}

/// Where the server listens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenSpec {
    /// Addresses with ports for DNS over UDP and TCP, for example `["192.0.2.53:53", "[::1]:53"]`.
    pub dns: List<SocketAddr>,
}

/// How clients are located.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeoSpec {
    /// A Country or City database in MaxMind's format, relative to the configuration directory.
    pub database: Option<Value<PathBuf>>,
    /// An ASN database in MaxMind's format, relative to the configuration directory; needed for
    /// groups by `asns`.
    pub asn: Option<Value<PathBuf>>,
    /// What the databases do not know or get wrong. The most specific network counts.
    pub networks: Option<Setting<Vec<Setting<NetworkSpec>>>>,
}

/// A network whose location the operator knows better.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// The network, for example `10.0.0.0/8` or `2001:db8::/32`.
    pub network: Value<Prefix>,
    /// Its country, by ISO 3166-1 code.
    pub country: Option<Value<Country>>,
    /// Its state or province, by ISO 3166-2 code, for example `US-CA`.
    pub subdivision: Option<Value<Subdivision>>,
    /// Its continent: AF, AN, AS, EU, NA, OC or SA. Needed only where the country is not enough.
    pub continent: Option<Value<Continent>>,
    /// Degrees north of the equator, −90 to 90; together with `longitude`.
    pub latitude: Option<Value<f64>>,
    /// Degrees east of Greenwich, −180 to 180; together with `latitude`.
    pub longitude: Option<Value<f64>>,
    /// The autonomous system that it belongs to.
    pub asn: Option<Value<Asn>>,
}
