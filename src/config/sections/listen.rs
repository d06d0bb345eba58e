//! `listen`: where DNS is answered, and with how much of the machine.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::access::{AdminTls, NamedFile};
use crate::config::problem::{Reporter, Span};
use crate::config::sources::SourceFiles;
use crate::config::values::{Checked, List, Value};
use crate::config::yaml::{Setting, Written};

/// The bounds of `threads`: more than one for each core only take turns, and few machines have more cores.
pub const THREADS: RangeInclusive<u32> = 1..=256;

/// The bounds of `tcp.connections` and `tcp.per_client`: with the most, connections that are busy may hold 20 GB.
pub const CONNECTIONS: RangeInclusive<u32> = 1..=100_000;

/// The bounds of `tcp.idle`: RFC 7766, section 6.2.3, asks for seconds, and what resolvers may be told of with
/// RFC 7828 is less than two hours.
pub const IDLE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);

/// The way out when no address is given.
const HINT: &str = "write `listen: { dns: [\"192.0.2.53:53\"] }`";

/// Where the server listens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenSpec {
    /// Addresses with ports for DNS over UDP and TCP, for example `["192.0.2.53:53", "[::1]:53"]`. A reply leaves
    /// from the address that was asked, also when this is `0.0.0.0` or `[::]`. An address that no interface has
    /// yet is a warning, and is answered on as soon as one has it.
    dns: List<SocketAddr>,
    /// The threads for UDP of each address: 1 to 256. Left out: one for each core.
    threads: Option<Value<u32>>,
    /// Limits of DNS over TCP.
    tcp: Option<Setting<TcpLimitsSpec>>,
    /// DNS over TLS (RFC 7858). Left out: none.
    tls: Option<Setting<ListenTlsSpec>>,
}

/// Limits of DNS over TCP. They hold for each connection as soon as they are in force.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TcpLimitsSpec {
    /// The most connections: 1 to 100000, and not more than a third of the files that the process may open. Beyond
    /// it, the one that is idle for the longest time makes room for a new one. Left out: 1000.
    connections: Option<Value<u32>>,
    /// The most connections of the clients of one /24 or /56: 1 to 100000. Left out: 100.
    per_client: Option<Value<u32>>,
    /// How long a connection may be without a request: `1s` to `10m`. Clients that ask are told of it (RFC 7828).
    /// Left out: `10s`.
    idle: Option<Value<Duration>>,
}

/// DNS over TLS. The files hold PEM; they are read again with every reload, and when they change. A connection may be
/// without a request for `tcp.idle`, as it was at the start; how many there are has no limit here, so limit them in
/// front of the server: they take files of the process, which probes need as well.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListenTlsSpec {
    /// Addresses with ports, for example `["192.0.2.53:853"]`.
    addresses: List<SocketAddr>,
    /// The certificate and those that lead from it to its authority, relative to the configuration directory.
    certificate: Value<PathBuf>,
    /// Its private key.
    key: Value<PathBuf>,
}

/// Where DNS is answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listen {
    /// For UDP and TCP; never empty in a configuration that was accepted.
    pub dns: Vec<SocketAddr>,
    /// For UDP, of each address; `None`: one for each core.
    pub threads: Option<usize>,
    pub tcp: TcpLimits,
    /// DNS over TLS; `None`: there is none.
    pub tls: Option<ListenTls>,
}

impl Listen {
    /// Returns whether DNS is answered at an address, over any transport.
    pub fn includes(&self, address: SocketAddr) -> bool {
        self.dns.contains(&address) || self.tls.iter().any(|tls| tls.addresses.contains(&address))
    }

    /// Returns every file that is read for it.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let files = self.tls.iter().flat_map(|tls| [&tls.files.certificate, &tls.files.key]);
        files.map(|named| &named.path)
    }
}

/// Limits of DNS over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpLimits {
    /// The most connections, if there are descriptors for them.
    pub connections: usize,
    /// The most of the clients of one /24 or /56.
    pub per_client: usize,
    /// How long a connection may be without a request.
    pub idle: Duration,
}

impl Default for TcpLimits {
    fn default() -> Self {
        // Resolvers keep a handful of connections to a server, and come back to TCP for large answers only.
        Self { connections: 1000, per_client: 100, idle: Duration::from_secs(10) }
    }
}

/// Where DNS over TLS is answered, and what clients are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenTls {
    /// Never empty in a configuration that was accepted.
    pub addresses: Vec<SocketAddr>,
    pub files: AdminTls,
}

/// Lowers `listen`, which must be in the file at `file`.
pub(super) fn lower(
    spec: &Setting<ListenSpec>,
    file: Span,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Listen {
    let Some((spec, span)) = spec.required("listen", file, HINT, report) else { return Listen::default() };
    let threads = spec.threads.within("threads", &THREADS, report);
    Listen {
        dns: addresses(&spec.dns, span, report),
        threads: threads.and_then(|count| count.try_into().ok()),
        tcp: tcp(&spec.tcp, report),
        tls: tls(spec, sources, report),
    }
}

fn addresses(list: &List<SocketAddr>, parent: Span, report: &mut Reporter) -> Vec<SocketAddr> {
    list.required("listen.dns", parent, HINT, report);
    if list.get().is_some_and(Vec::is_empty) {
        report.error(parent, "the server listens nowhere").hint(HINT);
    }
    distinct(list, &[], report)
}

/// Returns the addresses of a list, each of which is listed once, and not among `others`.
fn distinct(list: &List<SocketAddr>, others: &[SocketAddr], report: &mut Reporter) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for (address, span) in list.items() {
        // Port 0 is any free port, each time another one.
        if addresses.contains(address) || (address.port() != 0 && others.contains(address)) {
            report.error(span, format!("`{address}` is listed twice"));
        }
        addresses.push(*address);
    }
    addresses
}

fn tcp(spec: &Option<Setting<TcpLimitsSpec>>, report: &mut Reporter) -> TcpLimits {
    let usual = TcpLimits::default();
    let Some(spec) = spec.get() else { return usual };
    let connections = spec.connections.within("connections", &CONNECTIONS, report);
    let per_client = spec.per_client.within("per_client", &CONNECTIONS, report);
    let count = |count: Option<u32>| count.and_then(|count| usize::try_from(count).ok());
    TcpLimits {
        connections: count(connections).unwrap_or(usual.connections),
        per_client: count(per_client).unwrap_or(usual.per_client),
        idle: spec.idle.within("idle", &IDLE, report).unwrap_or(usual.idle),
    }
}

fn tls(listen: &ListenSpec, sources: &SourceFiles, report: &mut Reporter) -> Option<ListenTls> {
    const HINT: &str = "write `tls: { addresses: [\"192.0.2.53:853\"], certificate: dot.pem, key: dot.key }`";
    let (spec, parent) = listen.tls.given()?;
    spec.addresses.required("addresses", parent, HINT, report);
    if spec.addresses.get().is_some_and(Vec::is_empty) {
        report.error(parent, "DNS over TLS is answered nowhere").hint(HINT);
    }
    let dns: Vec<SocketAddr> = listen.dns.items().into_iter().map(|(address, _)| *address).collect();
    let addresses = distinct(&spec.addresses, &dns, report);
    let certificate = spec.certificate.required("certificate", parent, HINT, report);
    let key = spec.key.required("key", parent, HINT, report);
    let named = |named| NamedFile::of(named, sources);
    let files = AdminTls {
        certificate: named(certificate?),
        key: named(key?),
        clients: None,
        revoked: None,
        operators: Vec::new(),
    };
    Some(ListenTls { addresses, files })
}
