//! From YAML text to one validated [`Config`], or to every [`Problem`] there is.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::canary::Canary;
use crate::client::{Group, Location, Prefix};
use crate::region::Regions;
use crate::steering::Steering;
use crate::zone::Zone;

/// A whole configuration that has been validated: every reference in it leads somewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// This instance.
    pub server: Server,
    /// Where the API is served from.
    pub regions: Regions,
    /// The canaries, by `CanaryId`.
    pub canaries: Vec<Canary>,
    /// The groups of all zones; the group with `GroupId(n)` is at `n - 1`, for zero is `unknown`.
    pub groups: Vec<Group>,
    /// The steered names of all zones, by `SteeringId`.
    pub steered: Vec<Steering>,
    /// The zones, no two with one apex.
    pub zones: Vec<Zone>,
}

/// What concerns this instance alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its name: NSID, observer name, log field.
    pub name: String,
    /// Where it answers DNS over UDP and TCP; never empty.
    pub dns: Vec<SocketAddr>,
    /// Where it serves `/metrics`, `/status` and the admin API; `None`: nowhere.
    pub admin: Option<SocketAddr>,
    /// Where locations come from.
    pub geo: Geo,
    /// The directory for what must survive a restart; `None`: nothing survives.
    pub state: Option<PathBuf>,
    /// How it logs.
    pub log: LogFormat,
}

/// Where locations come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Geo {
    /// A Country or City database in MaxMind's format.
    pub database: Option<PathBuf>,
    /// An ASN database in MaxMind's format.
    pub asn: Option<PathBuf>,
    /// What the operator knows better: later entries lie on top of earlier ones only where they are
    /// more specific.
    pub networks: Vec<(Prefix, Location)>,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}
