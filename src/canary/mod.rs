//! What a canary is: a check, and how often, how patiently and how decisively it runs.
//!
//! Running it is left to `probe`, judging its results to `health`.

mod authorities;
mod blindness;
mod json;
mod reference;
mod signals;

use std::net::IpAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use authorities::Authorities;
pub use blindness::{BlindCause, BlindProbe, Blindness, ProbeError, ProbeReport};
pub use json::{Assertion, Expected, Pointer, Scalar};
pub use reference::{InvalidReference, ReferenceSighting, ReferenceTarget};
pub use signals::{Heard, Signal, Signals};

pub use crate::ids::{CanaryId, Epoch};

use crate::ids::{AddressId, RegionId};
use crate::moment::Moment;
use crate::share::Share;

/// A check that is run against every address of the regions that name it, or once against each region.
#[derive(Clone, Debug, PartialEq)]
pub struct Canary {
    /// Its name in the configuration, for example `shallow`.
    pub name: String,
    pub check: Check,
    /// The longest time between the starts of two probes of one address; the addresses of a region take
    /// turns in it (`health::pace`).
    pub interval: Duration,
    /// A probe that takes longer has failed.
    pub timeout: Duration,
    /// The interval while an address is suspect.
    pub recheck: Duration,
    /// When results become a verdict.
    pub thresholds: Thresholds,
    /// What its verdict does.
    pub effect: Criticality,
    pub reach: Reach,
    /// A success that takes longer is *slow*, which is counted and shown, and is a success all the
    /// same. `None`: none is slow.
    pub slow: Option<Duration>,
}

impl Canary {
    /// Returns whether a success that took this long is slow.
    pub fn is_slow(&self, latency: Duration) -> bool {
        self.slow.is_some_and(|limit| latency > limit)
    }
}

/// How many consecutive results make a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// This many consecutive failures take an address down.
    pub fall: u32,
    /// This many consecutive successes bring it back.
    pub rise: u32,
}

/// What the fall of a canary does to what it watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Criticality {
    /// It takes the address, or the region, down.
    #[default]
    Critical,
    /// It leaves the address, or the region, this share of its clients.
    Advisory(Share),
}

impl Criticality {
    /// Returns the share that its fall leaves to what is not taken down by it.
    pub fn share(self) -> Share {
        match self {
            Self::Critical => Share::ALL,
            Self::Advisory(share) => share,
        }
    }
}

/// What a canary probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Every address of the regions that name it.
    #[default]
    Address,
    /// Each of these regions once: an `http`, `json` or `inference` whose URL names a host, which is looked
    /// up for every probe. A region is down, in both families, while a critical one is.
    Region,
}

/// What an observation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Address(AddressId),
    /// A region as a whole.
    Region(RegionId),
}

/// What a canary does to an address.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// Opens a TCP connection to this port and closes it.
    Tcp {
        /// The port, 1 to 65535.
        port: u16,
    },
    /// Shakes hands over TLS and looks at the certificate.
    Tls(TlsCheck),
    /// Sends one HTTP request and looks at the response.
    Http(HttpCheck),
    /// Sends one HTTP request and reads the JSON of the response.
    Json(JsonCheck),
    /// Sends a tiny prompt to a model and looks at how soon and how well it is answered.
    Inference(InferenceCheck),
}

impl Check {
    /// Returns the word for its kind: the key that it has in the configuration.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tcp { .. } => "tcp",
            Self::Tls(_) => "tls",
            Self::Http(_) => "http",
            Self::Json(_) => "json",
            Self::Inference(_) => "inference",
        }
    }

    /// Returns the HTTP request that it sends; `None` when it sends none.
    pub fn request(&self) -> Option<&HttpCheck> {
        match self {
            Self::Http(http)
            | Self::Json(JsonCheck { http, .. })
            | Self::Inference(InferenceCheck { http, .. }) => Some(http),
            Self::Tcp { .. } | Self::Tls(_) => None,
        }
    }

    /// Returns the authorities that it trusts in place of the system's.
    pub fn authorities(&self) -> Option<&Authorities> {
        match self {
            Self::Tcp { .. } => None,
            Self::Tls(tls) => tls.authorities.as_ref(),
            Self::Http(_) | Self::Json(_) | Self::Inference(_) => self.request()?.authorities.as_ref(),
        }
    }

    /// Returns the signals that its response may carry, and where.
    pub fn signals(&self) -> &[(Signal, Pointer)] {
        match self {
            Self::Json(json) => &json.signals,
            Self::Tcp { .. } | Self::Tls(_) | Self::Http(_) | Self::Inference(_) => &[],
        }
    }
}

/// A TLS handshake and what its certificate must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsCheck {
    /// The port, 1 to 65535.
    pub port: u16,
    /// The name (or IP address) that is asked for and that the certificate must carry.
    pub name: String,
    /// How many whole days the server's own certificate must still be valid; 0: as long as it is.
    pub min_days_left: u32,
    /// The authorities that the certificate must be from; `None`: those of the system.
    pub authorities: Option<Authorities>,
}

/// One HTTP request and what its response must look like.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpCheck {
    /// An `http` or `https` URL. `{address}` in it stands for the probed address (an IPv6 address
    /// in brackets); a URL with a host name is sent to the probed address all the same. When a region is
    /// probed, `{region}` stands for its name, and the request is sent to where the host name leads.
    pub url: String,
    /// The `Host` header and, with `https`, the name that the certificate must carry (SNI).
    /// `None`: the host of the URL.
    pub host: Option<String>,
    /// The authorities that the certificate must be from, with `https`; `None`: those of the system.
    pub authorities: Option<Authorities>,
    /// The request method, for example `GET`.
    pub method: String,
    pub headers: Vec<(String, String)>,
    /// Request headers whose values are secrets: the names of the environment variables that hold them.
    pub headers_from_env: Vec<(String, String)>,
    /// The body of the request, sent as `application/json` unless a header says otherwise.
    pub body: Option<String>,
    /// The statuses that are a success, as inclusive ranges.
    pub statuses: Vec<(u16, u16)>,
    /// A text that must occur in the first 64 KiB of the body; no more is read.
    pub body_contains: Option<String>,
}

/// One HTTP request, and what the JSON of its response must say.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonCheck {
    /// The request, and what else its response must look like.
    pub http: HttpCheck,
    /// What the document must say; all of it.
    pub assertions: Vec<Assertion>,
    /// Where the document has signals.
    pub signals: Vec<(Signal, Pointer)>,
}

/// One prompt to a model, and what the answer must be.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceCheck {
    /// The request, and what the response must look like.
    pub http: HttpCheck,
    /// What the answer must say, all of it; of a stream of events, one of them must.
    pub assertions: Vec<Assertion>,
    /// When the first byte of the answer must be there. `None`: whenever.
    pub first_byte: Option<Duration>,
    /// When the whole answer must be there. `None`: within the canary's timeout.
    pub total: Option<Duration>,
}

/// The result of one probe that this machine could make.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The numbering that `subject` and `canary` belong to.
    pub epoch: Epoch,
    pub subject: Subject,
    /// The canary that probed it.
    pub canary: CanaryId,
    /// When the result was known.
    pub at: Moment,
    /// How long the probe took.
    pub latency: Duration,
    /// What came of it.
    pub result: Result<(), Failure>,
    /// What the response said of the service. `None`: nothing, because there was no response or the
    /// canary has no signals.
    pub signals: Option<Signals>,
}

/// The last result of a probe: for people who watch, not for decisions.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// When it was known.
    pub at: Moment,
    /// How long the probe took.
    pub latency: Duration,
    /// What came of it.
    pub result: Result<(), Failure>,
    /// What makes no sense in the response, but fails nothing.
    pub remark: Option<String>,
    /// The last signals, which may be those of an earlier response; `None` before the first.
    pub signals: Option<Heard>,
}

/// Why a probe failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The class, which metrics and rules go by.
    pub class: FailureClass,
    /// What exactly happened, for people: `status 503`, `no answer within 2s`.
    pub detail: String,
}

/// The classes of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The far end refused the connection.
    Refused,
    /// The connection was reset or closed before a whole answer.
    Reset,
    /// There was no whole answer in time, or a router on the way reports that there is no way.
    Timeout,
    /// The TLS handshake failed, or the certificate is not for this name or expires too soon.
    Tls,
    /// The response had another status than expected.
    Status,
    /// The response had another body than expected, or was not HTTP.
    Body,
    /// A name in the URL could not be resolved.
    Dns,
}

impl FailureClass {
    /// Every class, in the order in which metrics list them.
    pub const ALL: [Self; 7] =
        [Self::Refused, Self::Reset, Self::Timeout, Self::Tls, Self::Status, Self::Body, Self::Dns];

    /// Returns the word that metrics, `/status` and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Status => "status",
            Self::Body => "body",
            Self::Dns => "dns",
        }
    }
}

/// Writes an address as it stands in a URL: IPv6 in brackets.
pub fn in_url(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}
