//! `server.yaml`: this instance.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::access::{self, Access, AccessSpec};
use super::backup::{self, BackupSpec, Backups};
use super::cookies::{self, CookieSources, CookiesSpec};
use super::geo::{self, Geo, GeoSpec};
use super::identity::{self, Identity, IdentitySpec};
use super::listen::{self, Listen, ListenSpec};
use super::or_off::OrOff;
use super::outside;
use super::peers::{self, Peers, PeersSpec};
use super::rate_limit::{self, RateLimit, RateLimitSpec};
use super::tsig_keys::{self, TsigKeySource, TsigKeySpec};
use super::user::{self, SystemUser};
use super::webhooks::{self, Webhook, WebhookSpec};
use crate::canary::ReferenceTarget;
use crate::config::problem::{Reporter, Span};
use crate::config::sources::{SERVER_FILES, SourceFiles};
use crate::config::values::{List, Value, path, required_name};
use crate::config::yaml::{self, Setting, Written};

/// `server.yaml`: this instance.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Server")]
pub struct ServerSpec {
    /// The name of this instance: what NSID queries are answered with, unless `identity` says otherwise, and a field
    /// of every log line in JSON. 1 to 63 letters, digits, hyphens, underscores and dots.
    name: Value<String>,
    /// Where the server listens.
    listen: Setting<ListenSpec>,
    /// What clients that ask are told of this instance. Left out: its name, and no version.
    identity: Option<Setting<IdentitySpec>>,
    /// The secrets of DNS cookies. Left out: a secret that each process makes up when it starts.
    cookies: Option<Setting<CookiesSpec>>,
    /// Limits of UDP replies to the clients of one network, or `off`. Left out: its defaults.
    rate_limit: Option<Setting<OrOff<RateLimitSpec>>>,
    /// Where `/metrics`, `/status`, `/healthz` and the API of the commands are served, for example
    /// `127.0.0.1:8053`. Left out: nowhere.
    admin: Option<Value<SocketAddr>>,
    /// Access to the admin address. Left out: this machine may read, and no client may change anything.
    access: Option<Setting<AccessSpec>>,
    /// How clients are located. Left out: all clients are of unknown location.
    geo: Option<Setting<GeoSpec>>,
    /// The directory for what must survive a restart, relative to the configuration directory. Left
    /// out: health starts anew with every start.
    state: Option<Value<PathBuf>>,
    /// What a start does when the configuration cannot be used: `refuse` ends with every problem; `last_good` serves the
    /// last generation that was in force, with a critical alarm, until the configuration is put right. It needs `state`,
    /// and is found as long as `server.yaml` itself is YAML; `serve --last-good` works without. Left out: `refuse`.
    start: Option<Setting<StartMode>>,
    /// Copies of the configuration and the state that the server makes by itself. Left out: none.
    backup: Option<Setting<BackupSpec>>,
    /// Targets outside the regions that tell an outage of this instance's own network: `host:port` for a TCP
    /// connection, or an `http` or `https` URL, where any response is an answer; at most 16. While half of the regions
    /// fail and none of these has answered since, no region leaves. One that has not answered for 10 minutes is an
    /// alarm, and does not count. Left out: none.
    pub(super) references: Option<List<String>>,
    /// The name servers that are asked for every `host` of `regions.yaml`, for example `10.0.0.2:53`. Left out: those of
    /// the system. A change takes effect with a restart.
    resolvers: Option<List<SocketAddr>>,
    /// The other instances that judge health together with this one. Left out: none, and this one judges alone.
    pub(super) peers: Option<Setting<PeersSpec>>,
    /// The keys that signed zone transfers, and what secondaries are told, need (RFC 8945); at most 64. `transfer` of a zone
    /// refers to them. Left out: none.
    tsig_keys: Option<Setting<Vec<Setting<TsigKeySpec>>>>,
    /// The user that a process of root becomes: a name of `/etc/passwd`, or a number from 1 to 4294967294. It has no
    /// capabilities when its sockets are bound. It must be able to read the configuration and its secrets, for reloads, and
    /// to write to `state`. Left out: the user that started it. A change takes effect with a restart.
    user: Option<Value<String>>,
    /// The form of log lines. Left out: `human`.
    log: Option<Setting<LogFormat>>,
    /// Receivers of events over HTTP; at most 32. Every event is in the log of events too: `events.jsonl` in the
    /// state directory, from which what could not be delivered is delivered later, also after a restart. Without
    /// `state`, the last 1000 events wait in memory. A change takes effect with a restart.
    webhooks: Option<Setting<Vec<Setting<WebhookSpec>>>>,
}

/// What concerns this instance alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Its name: observer name, log field.
    pub name: String,
    pub listen: Listen,
    /// What clients are told of it.
    pub identity: Identity,
    /// The secrets of DNS cookies; `None`: one of this process.
    pub cookies: Option<CookieSources>,
    /// Limits of UDP replies; `None`: there are none.
    pub rate_limit: Option<RateLimit>,
    /// Where it serves `/metrics`, `/status` and the admin API; `None`: nowhere.
    pub admin: Option<SocketAddr>,
    pub access: Access,
    /// Where locations come from.
    pub geo: Geo,
    /// The directory for what must survive a restart; `None`: nothing survives.
    pub state: Option<PathBuf>,
    /// What a start does when the configuration cannot be used.
    pub start: StartMode,
    /// Copies of the configuration and the state; `None`: none are made.
    pub backup: Option<Backups>,
    /// The user that a process of root becomes; `None`: the one that started it.
    pub user: Option<SystemUser>,
    /// Targets outside the regions.
    pub references: Vec<ReferenceTarget>,
    /// The name servers that are asked where regions are; empty: those of the system.
    pub resolvers: Vec<SocketAddr>,
    /// The instances that judge health together with this one; `None`: none do.
    pub peers: Option<Peers>,
    /// The keys that are shared with secondaries.
    pub tsig_keys: Vec<TsigKeySource>,
    /// Receivers of events over HTTP.
    pub webhooks: Vec<Webhook>,
    pub log: LogFormat,
}

impl Server {
    /// Returns the references as they are called everywhere.
    pub fn reference_names(&self) -> Vec<String> {
        self.references.iter().map(ToString::to_string).collect()
    }
}

/// What a start does when the configuration cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartMode {
    /// It ends, and says why.
    #[default]
    Refuse,
    /// It serves the last generation that was in force.
    LastGood,
}

/// What a configuration says of the start, as far as it can be read at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartTerms {
    /// The state directory.
    pub state: Option<PathBuf>,
    pub start: StartMode,
}

/// The keys of `server.yaml` that count when nothing else can be used.
#[derive(Debug, Deserialize)]
struct StartSpec {
    state: Option<Value<PathBuf>>,
    start: Option<Setting<StartMode>>,
}

/// Reads what a configuration says of the start, whatever else is wrong with it.
pub fn start_terms(sources: &SourceFiles) -> StartTerms {
    let mut report = Reporter::default();
    let index = SERVER_FILES.iter().find_map(|name| sources.find(name));
    let node = index.and_then(|index| {
        let text = sources.files[index].text().ok()?;
        yaml::parse(text, index, &mut report)
    });
    let spec = node.and_then(|node| yaml::read::<StartSpec>(&node, &mut report));
    spec.map_or_else(StartTerms::default, |spec| StartTerms {
        state: path(&spec.state, &sources.directory),
        start: spec.start.get_or_default(),
    })
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

/// Lowers `server.yaml`.
pub(super) fn lower(
    spec: &ServerSpec,
    file: Span,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Option<Server> {
    let directory = &sources.directory;
    let name = required_name(&spec.name, file, "write `name: ns1`", report);
    let listen = listen::lower(&spec.listen, file, sources, report);
    // Port 0 is any free port, each time another one.
    if let Some((admin, span)) =
        spec.admin.given().filter(|(admin, _)| admin.port() != 0 && listen.includes(**admin))
    {
        let finding = report.error(span, format!("`admin` is `{admin}`, where DNS is answered"));
        finding.hint("give it a port of its own, for example 8053");
    }
    let known_as = name.map_or_else(String::new, |(name, _)| name.clone());
    let own = peers::Own { name: &known_as, admin: spec.admin.get().copied(), directory };
    let server = Server {
        peers: peers::lower(&spec.peers, &own, report),
        identity: identity::lower(&spec.identity, &known_as, report),
        name: known_as,
        cookies: cookies::lower(&spec.cookies, sources, report),
        rate_limit: rate_limit::lower(&spec.rate_limit, report),
        listen,
        admin: spec.admin.get().copied(),
        access: access::lower(&spec.access, &spec.admin, spec.peers.is_some(), sources, report),
        geo: geo::lower(&spec.geo, directory, report),
        state: path(&spec.state, directory),
        start: spec.start.get_or_default(),
        backup: backup::lower(&spec.backup, spec.state.is_some(), directory, report),
        user: user::lower(&spec.user, report),
        references: outside::lower(&spec.references, report),
        resolvers: spec.resolvers.items().into_iter().map(|(place, _)| *place).collect(),
        tsig_keys: tsig_keys::lower(&spec.tsig_keys, sources, report),
        webhooks: webhooks::lower(&spec.webhooks, directory, report),
        log: spec.log.get_or_default(),
    };
    name.map(|_| server)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SourceFile;

    #[test]
    fn what_a_start_does_is_read_whatever_else_is_wrong() {
        let check = |text: &str, state: Option<&str>, start| {
            let sources = SourceFiles::new("zones", vec![SourceFile::new("server.yaml", text)]);
            let state = state.map(PathBuf::from);
            assert_eq!(start_terms(&sources), StartTerms { state, start }, "{text}");
        };
        let good = "state: ../state\nstart: last_good\n";
        check(good, Some("zones/../state"), StartMode::LastGood);
        check(&format!("{good}lisen: {{}}\nadmin: nowhere\n"), Some("zones/../state"), StartMode::LastGood);
        check("state: ../state\nstart: last_god\n", Some("zones/../state"), StartMode::Refuse);
        check("name: ns1\n", None, StartMode::Refuse);
        check("state: [\nstart: last_good\n", None, StartMode::Refuse);
    }
}
