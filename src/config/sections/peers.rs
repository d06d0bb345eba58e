//! `peers` in `server.yaml`: the other instances that judge health together with this one.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

use super::secret::{self, Secret, SecretSpec};
use crate::config::problem::{Reporter, Span, ValueError};
use crate::config::values::url::{has_user, is_url};
use crate::config::values::{Checked, FromText, Value, parsed, required_name};
use crate::config::yaml::{Setting, Written};
use crate::health::{DownQuorum, ObserverRules};
use crate::region::Region;

/// The most peers: seven observers outvote the loss of any three, and each tells all others what it sees.
pub const MAX_PEERS: usize = 6;

/// The bounds of `alone_after`: a heartbeat comes every second, and clients wait for as long.
pub const ALONE_AFTER: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(600);

/// The bounds of `disagreement_after`.
pub const DISAGREEMENT_AFTER: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

/// How long a peer that is silent is waited for, unless the configuration says otherwise.
const USUAL_ALONE_AFTER: Duration = Duration::from_secs(60);

/// How long observers may disagree before operators are told, unless the configuration says otherwise.
const USUAL_DISAGREEMENT_AFTER: Duration = Duration::from_secs(120);

/// The other instances that judge health together with this one: each tells the others what its probes see, over the
/// admin address, and all judge by what all see. A change takes effect with a restart.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeersSpec {
    /// The others, 1 to 6.
    instances: Setting<Vec<Setting<PeerSpec>>>,
    /// What all instances prove themselves with to each other: at least 24 visible characters, the same everywhere.
    /// Read when the server starts. Over plain HTTP the network between instances can read it.
    secret: Setting<SecretSpec>,
    /// How many of the instances that can see a region must see it down before its clients leave: `all`, `majority`,
    /// or a number. Left out: `all` of two, and the `majority` of more.
    down_quorum: Option<Value<DownQuorum>>,
    /// How long an instance that is silent is waited for where it could decide; then the others judge without it: `2s`
    /// to `10m`. Left out: `60s`.
    alone_after: Option<Value<Duration>>,
    /// How long instances may disagree on a region before that is an alarm: `1s` to `1h`. Left out: `2m`.
    disagreement_after: Option<Value<Duration>>,
    /// The region in which this instance runs: it has no voice about that, which it sees also when clients do not.
    /// Left out: outside of all.
    region: Option<Value<String>>,
}

/// Another instance.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PeerSpec {
    /// Its `name`, as its own `server.yaml` says.
    name: Value<String>,
    /// Its admin address, for example `https://ns2.example.net:8053`. No proxy is used, and no redirect followed.
    url: Value<String>,
}

/// The other instances, and how all judge together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peers {
    /// The others, no two of one name.
    pub instances: Vec<PeerInstance>,
    /// What all prove themselves with.
    pub secret: Secret,
    pub rules: ObserverRules,
}

/// Another instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInstance {
    pub name: String,
    /// The `http` or `https` URL of its admin address, without a path.
    pub url: String,
}

impl FromText for DownQuorum {
    const NAME: &'static str = "a quorum";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let most = u8::try_from(MAX_PEERS + 1).expect("instances are few");
        let quorum = match text {
            "all" => Some(Self::All),
            "majority" => Some(Self::Majority),
            _ => text.parse().ok().filter(|count| (1..=most).contains(count)).map(Self::Count),
        };
        parsed(quorum, text, "a quorum", "write `all`, `majority`, or a number of instances such as `2`")
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [
            { "enum": ["all", "majority"] },
            { "type": "integer", "minimum": 1, "maximum": MAX_PEERS + 1 },
        ] })
    }
}

/// This instance, as far as peers concern it.
pub(super) struct Own<'a> {
    pub name: &'a str,
    pub admin: Option<SocketAddr>,
    pub directory: &'a Path,
}

/// Lowers `peers`.
pub(super) fn lower(
    spec: &Option<Setting<PeersSpec>>,
    own: &Own<'_>,
    report: &mut Reporter,
) -> Option<Peers> {
    let (spec, span) = spec.given()?;
    if own.admin.is_none() {
        let finding = report.error(span, "`peers` needs an `admin` address: peers ask for it there");
        finding.hint("add `admin: 192.0.2.53:8053`, where the other instances reach it");
    }
    let instances = instances(spec, span, own, report);
    let count = instances.len() + 1;
    if let Some((DownQuorum::Count(quorum), span)) = spec.down_quorum.given()
        && usize::from(*quorum) > count
    {
        let message = format!("`down_quorum` is {quorum}, but the instances are {count}");
        report.error(span, message).hint("`all` grows with their number");
    }
    let secret = spec.secret.required("secret", span, "write `secret: { file: peers.secret }`", report);
    let secret =
        secret.and_then(|(secret, span)| secret::lower(secret.keys(), "secret", span, own.directory, report));
    let mut within = |value: &Option<Value<Duration>>, key, bounds, usual| {
        value.within(key, bounds, report).unwrap_or(usual)
    };
    let rules = ObserverRules {
        name: own.name.to_owned(),
        region: spec.region.get().cloned(),
        peers: instances.iter().map(|peer| peer.name.clone()).collect(),
        down_quorum: spec.down_quorum.get_or(DownQuorum::usual(count)),
        alone_after: within(&spec.alone_after, "alone_after", &ALONE_AFTER, USUAL_ALONE_AFTER),
        disagreement_after: within(
            &spec.disagreement_after,
            "disagreement_after",
            &DISAGREEMENT_AFTER,
            USUAL_DISAGREEMENT_AFTER,
        ),
    };
    Some(Peers { instances, secret: secret?.0, rules })
}

fn instances(spec: &PeersSpec, span: Span, own: &Own<'_>, report: &mut Reporter) -> Vec<PeerInstance> {
    const HINT: &str = "write `instances: [{ name: ns2, url: \"http://192.0.2.54:8053\" }]`";
    spec.instances.required("instances", span, HINT, report);
    if let Some((list, span)) = spec.instances.given()
        && list.is_empty()
    {
        report.error(span, "`instances` names no other instance").hint("leave `peers` out");
    }
    let mut instances: Vec<PeerInstance> = Vec::new();
    for (peer, span) in spec.instances.at_most(MAX_PEERS, "peers", report) {
        let Some(instance) = instance(peer, span, own, report) else { continue };
        let name_span = peer.name.span().unwrap_or(span);
        if instances.iter().any(|before| before.name == instance.name) {
            report.error(name_span, format!("there are two peers `{}`", instance.name));
        } else if let Some(before) = instances.iter().find(|before| before.url == instance.url) {
            let message = format!("peer `{}` has the same `url` as `{}`", instance.name, before.name);
            report.error(peer.url.span().unwrap_or(span), message);
        }
        instances.push(instance);
    }
    instances
}

fn instance(spec: &PeerSpec, span: Span, own: &Own<'_>, report: &mut Reporter) -> Option<PeerInstance> {
    const URL: &str = "write `url: http://192.0.2.54:8053`, the `admin` address of that instance";
    const OTHERS: &str = "list only the others";
    let name = required_name(&spec.name, span, "write `name: ns2`", report);
    if let Some((name, span)) = name.filter(|(name, _)| *name == own.name) {
        report.error(span, format!("peer `{name}` is this instance")).hint(OTHERS);
    }
    let (url, url_span) = spec.url.required("url", span, URL, report)?;
    let plain = url.trim_end_matches('/');
    let authority = plain.split_once("://").map_or("", |(_, rest)| rest);
    if has_user(plain) {
        let finding = report.error(url_span, "the URL has a user or a password");
        finding.hint("leave them out: the instances know each other by `secret`");
    } else if !is_url(plain) || authority.contains(['/', '?', '#']) {
        report.error(url_span, format!("`{url}` is not the URL of an admin address")).hint(URL);
    }
    if authority.parse().is_ok_and(|address: SocketAddr| address.port() != 0 && Some(address) == own.admin) {
        report.error(url_span, format!("`{url}` is the `admin` address of this instance")).hint(OTHERS);
    }
    Some(PeerInstance { name: name?.0.clone(), url: plain.to_owned() })
}

/// Checks that the region exists in which this instance runs.
pub(super) fn check<'r>(
    spec: &Option<Setting<PeersSpec>>,
    mut regions: impl Iterator<Item = &'r Region>,
    report: &mut Reporter,
) {
    let Some((name, span)) = spec.get().and_then(|spec| spec.region.given()) else { return };
    if !regions.any(|region| region.name == *name) {
        let finding = report.error(span, format!("region `{name}` is not defined"));
        finding.hint("name the region in which this instance runs, or leave `region` out");
    }
}
