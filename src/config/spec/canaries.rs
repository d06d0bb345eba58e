//! `canaries` in `regions.yaml`: what is checked, how often, what makes a verdict, and what that does.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::json::{AssertSpec, SignalsSpec};
use super::kinds::{Percent, Statuses};
use super::leaf::{Leaf, List, Value};
use crate::canary::Reach;
use crate::config::yaml::{Entries, Setting};

/// A check that is run against every address of the regions that name it, or once against each of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanarySpec {
    /// Opens a TCP connection and closes it. A canary has exactly one of `tcp`, `tls`, `http`,
    /// `json` and `inference`.
    pub tcp: Option<Setting<TcpSpec>>,
    /// Shakes hands over TLS and looks at the certificate.
    pub tls: Option<Setting<TlsSpec>>,
    /// Sends an HTTP request and looks at the response.
    pub http: Option<Setting<HttpSpec>>,
    /// Sends an HTTP request and reads the JSON of the response.
    pub json: Option<Setting<JsonSpec>>,
    /// Sends a tiny prompt to a model and looks at how soon and how well it is answered.
    pub inference: Option<Setting<InferenceSpec>>,
    /// What is probed. Left out: `address`.
    pub probe: Option<Setting<Reach>>,
    /// Makes the canary advisory: while it is down, what it watches keeps this share of its clients, `1%` to
    /// `99%`, and the others are sent elsewhere. Left out: it is critical, and takes the address or region
    /// out of the answers.
    pub advisory: Option<Value<Percent>>,
    /// The time between the starts of two probes of one address, jittered by ±10 %: `100ms` to `1h`.
    /// Left out: `10s`.
    pub interval: Option<Value<Duration>>,
    /// A probe that takes longer has failed: at least `10ms`, and less than `interval`. Left out:
    /// `2s`, or the `total` of an inference canary.
    pub timeout: Option<Value<Duration>>,
    /// A success that takes longer is shown as slow in `/status` and counted in `/metrics`, and is a
    /// success all the same: at least `1ms`, and less than `timeout`. Left out: none is slow.
    pub slow: Option<Value<Duration>>,
    /// The interval while an address is suspect: `50ms` up to `interval`. Left out: `2s`, or
    /// `interval` when that is shorter.
    pub recheck: Option<Value<Duration>>,
    /// This many consecutive failures take an address down: 1 to 100. Left out: 3.
    pub fall: Option<Value<u32>>,
    /// This many consecutive successes bring it back: 1 to 100. Left out: 3.
    pub rise: Option<Value<u32>>,
}

/// A TCP connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpSpec {
    /// The port, 1 to 65535.
    pub port: Value<u16>,
}

/// A TLS handshake and what its certificate must look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSpec {
    /// The port, 1 to 65535. Left out: 443.
    pub port: Option<Value<u16>>,
    /// The name that is asked for (SNI) and that the certificate must carry; an IP address, if the
    /// certificate is for one.
    pub name: Value<String>,
    /// How many whole days the server's own certificate must still be valid: 0 to 3650. With fewer left the
    /// canary fails, and the address falls. Left out: 0, so that only an expired certificate fails.
    pub min_days_left: Option<Value<u32>>,
}

/// An HTTP request and what its response must look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpSpec {
    /// An `http` or `https` URL. `{address}` in it stands for the probed address, for example
    /// `http://{address}:8080/health`. A URL with a host name is sent to the probed address too. With
    /// `probe: region` it is sent to where the name leads, and `{region}` in it stands for the name of the
    /// region: `https://{region}.example.com/health`.
    pub url: Value<String>,
    /// The `Host` header, with a port if need be, and with `https` the name that the certificate must
    /// carry. Left out: the host of the URL.
    pub host: Option<Value<String>>,
    /// The request method. Left out: `GET`.
    pub method: Option<Value<String>>,
    /// Further request headers by name.
    pub headers: Option<Setting<Entries<Leaf<String>>>>,
    /// Further request headers whose values are secrets, each with the name of the environment variable
    /// that holds its value: `{ Authorization: API_TOKEN }`. One that is not set when the server starts
    /// is logged, and the canary does not run.
    pub headers_from_env: Option<Setting<Entries<Leaf<String>>>>,
    /// What the response must look like. Left out: any status from 200 to 299.
    pub expect: Option<Setting<ExpectSpec>>,
}

/// An HTTP request whose response is a JSON document: UTF-8, at most 64 KiB.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonSpec {
    /// An `http` or `https` URL, as in `http`.
    pub url: Value<String>,
    /// The `Host` header, with a port if need be, and with `https` the name that the certificate must
    /// carry. Left out: the host of the URL.
    pub host: Option<Value<String>>,
    /// The request method. Left out: `GET`.
    pub method: Option<Value<String>>,
    /// Further request headers by name.
    pub headers: Option<Setting<Entries<Leaf<String>>>>,
    /// Further request headers whose values are secrets, each with the name of the environment variable
    /// that holds its value: `{ Authorization: API_TOKEN }`. One that is not set when the server starts
    /// is logged, and the canary does not run.
    pub headers_from_env: Option<Setting<Entries<Leaf<String>>>>,
    /// What the response must look like apart from its JSON. Left out: any status from 200 to 299.
    pub expect: Option<Setting<ExpectSpec>>,
    /// What the document must say, all of it; at most 64 assertions. Left out: any JSON will do.
    pub assert: Option<Setting<Vec<Setting<AssertSpec>>>>,
    /// Where the document reports load and the like.
    pub signals: Option<Setting<SignalsSpec>>,
}

/// A tiny prompt to a model and what its answer must be: whole, or as a stream (`text/event-stream`, or a
/// body of unstated length), which is read to its end or to 64 KiB.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InferenceSpec {
    /// An `http` or `https` URL, as in `http`. The request is a POST.
    pub url: Value<String>,
    /// The `Host` header, with a port if need be, and with `https` the name that the certificate must
    /// carry. Left out: the host of the URL.
    pub host: Option<Value<String>>,
    /// Further request headers by name. `Content-Type` is `application/json` unless it is among them.
    pub headers: Option<Setting<Entries<Leaf<String>>>>,
    /// Further request headers whose values are secrets, each with the name of the environment variable
    /// that holds its value: `{ Authorization: API_TOKEN }`. One that is not set when the server starts
    /// is logged, and the canary does not run.
    pub headers_from_env: Option<Setting<Entries<Leaf<String>>>>,
    /// The body of the request, JSON of at most 16 KiB: the prompt. Every address answers it in every
    /// interval, so keep it cheap: one token will do.
    pub body: Value<String>,
    /// What the response must look like apart from its JSON. Left out: any status from 200 to 299.
    pub expect: Option<Setting<ExpectSpec>>,
    /// What the answer must say, all of it; at most 64 assertions. Of a stream of events, the data of one must
    /// say all of it. Left out: anything but nothing will do.
    pub assert: Option<Setting<Vec<Setting<AssertSpec>>>>,
    /// When the first byte of the answer's body must be there, counted from the start of the probe: at
    /// least `10ms`, and at most `total`. Left out: whenever.
    pub first_byte: Option<Value<Duration>>,
    /// When the whole answer must be there: at least `10ms`, and at most `timeout`. Left out: within
    /// `timeout`.
    pub total: Option<Value<Duration>>,
}

/// What an HTTP response must look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectSpec {
    /// The statuses that are a success: `200`, or `200-299` for a range. Left out: `200-299`.
    pub status: Option<List<Statuses>>,
    /// A text that must occur in the first 64 KiB of the body.
    pub body: Option<Value<String>>,
}
