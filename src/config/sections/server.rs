//! `server.yaml`: this instance.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::access::{self, Access, AccessSpec};
use super::geo::{self, Geo, GeoSpec};
use super::webhooks::{self, Webhook, WebhookSpec};
use crate::config::problem::{Reporter, Span};
use crate::config::sources::SourceFiles;
use crate::config::values::{List, Value, check_name, given, items, path, required, says_nothing, word};
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

/// What concerns this instance alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its name: NSID, observer name, log field.
    pub name: String,
    /// Where it answers DNS over UDP and TCP; never empty.
    pub dns: Vec<SocketAddr>,
    /// Where it serves `/metrics`, `/status` and the admin API; `None`: nowhere.
    pub admin: Option<SocketAddr>,
    /// Who may ask there for what.
    pub access: Access,
    /// Where locations come from.
    pub geo: Geo,
    /// The directory for what must survive a restart; `None`: nothing survives.
    pub state: Option<PathBuf>,
    /// Who is told of events over HTTP.
    pub webhooks: Vec<Webhook>,
    /// How it logs.
    pub log: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

pub(super) fn lower(
    spec: &ServerSpec,
    file: Span,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Option<Server> {
    let directory = &sources.directory;
    let name = required(&spec.name, "name", file, "write `name: ns1`", report);
    if let Some((name, span)) = name {
        check_name(name, span, report);
    }
    let dns = listen(spec, file, report);
    check_admin(spec, &dns, report);
    let access = access::lower(&spec.access, &spec.admin, sources, report);
    let geo = spec.geo.as_ref().and_then(|geo| geo.given());
    let geo = geo.map_or_else(Geo::default, |(geo, span)| geo::lower(geo, span, directory, report));
    Some(Server {
        name: name?.0.clone(),
        dns,
        admin: given(&spec.admin).map(|(admin, _)| *admin),
        access,
        geo,
        state: path(&spec.state, directory),
        webhooks: webhooks::lower(&spec.webhooks, directory, report),
        log: word(&spec.log).unwrap_or_default(),
    })
}

fn listen(spec: &ServerSpec, file: Span, report: &mut Reporter) -> Vec<std::net::SocketAddr> {
    const HINT: &str = "write `listen: { dns: [\"192.0.2.53:53\"] }`";
    if spec.listen.is_missing() {
        report.error(file, "`listen` is missing").hint(HINT);
    }
    let Some((listen, span)) = spec.listen.given() else {
        return Vec::new();
    };
    if listen.dns.is_missing() {
        report.error(span, "`listen.dns` is missing").hint(HINT);
    }
    let mut addresses = Vec::new();
    for (address, span) in items(&listen.dns) {
        if addresses.contains(address) {
            report.error(span, format!("`{address}` is listed twice"));
        }
        addresses.push(*address);
    }
    if listen.dns.given().is_some() && says_nothing(&listen.dns) {
        report.error(span, "the server listens nowhere").hint(HINT);
    }
    addresses
}

/// Refuses an address for `admin` that DNS over TCP already has.
fn check_admin(spec: &ServerSpec, dns: &[std::net::SocketAddr], report: &mut Reporter) {
    let Some((admin, span)) = given(&spec.admin) else { return };
    // Port 0 is any free port, each time another one.
    if admin.port() != 0 && dns.contains(admin) {
        let draft = report.error(span, format!("`admin` is `{admin}`, where DNS is answered"));
        draft.hint("give it a port of its own, for example 8053");
    }
}
