//! `transfer` and `transfer_as` of a zone: which secondaries get it, and what they are given for its steered names.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::Deserialize;

use super::server::Server;
use super::tsig_keys;
use crate::client::Prefix;
use crate::config::problem::{Reporter, Span, ValueError};
use crate::config::values::{Checked, FromText, List, Value, parsed};
use crate::config::yaml::{Setting, Written};
use crate::ids::GroupId;
use crate::suggest;
use crate::zone::Name;

/// The most entries of `clients` of a zone, and of its `notify`.
pub const MAX_SECONDARIES: usize = 64;

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// The secondaries of a zone: name servers that take it by AXFR and IXFR.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Transfer")]
pub struct TransferSpec {
    /// The name servers that may take the zone; at most 64 entries, one of which must fit.
    clients: Setting<Vec<Setting<TransferClientSpec>>>,
    /// The name servers that are told when the zone has changed (RFC 1996), at most 64. Left out: none; secondaries then find out
    /// by `soa: { refresh }`.
    notify: Option<Setting<Vec<Setting<NotifySpec>>>>,
}

/// Name servers that may take a zone: those that fit all that is written here.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferClientSpec {
    /// Their addresses or networks. Left out: any, which needs `key`.
    networks: Option<List<Prefix>>,
    /// The name of the key of `tsig_keys` in `server.yaml` that signs their requests, and the replies. Left out: requests need
    /// no signature, which anything can forge that can take over an address.
    key: Option<Value<String>>,
}

/// A name server that is told when a zone has changed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifySpec {
    /// Its address, with a port unless that is 53: `192.0.2.53`, `"[2001:db8::53]:5353"`.
    address: Value<NotifyAddress>,
    /// The name of the key that signs what it is told. Left out: it is not signed.
    key: Option<Value<String>>,
}

/// An address with a port, which is 53 unless it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyAddress(pub SocketAddr);

impl FromText for NotifyAddress {
    const NAME: &'static str = "an address";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let bare = || text.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, DNS_PORT));
        let address: Option<SocketAddr> = text.parse().ok().or_else(bare);
        let hint = "write `192.0.2.53`, `192.0.2.53:5353` or `\"[2001:db8::53]:5353\"`";
        parsed(address.filter(|address| address.port() != 0), text, "an address of a name server", hint)
            .map(Self)
    }
}

/// How a zone is given to secondaries.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneTransfers {
    /// The place of the zone in `Config::zones`.
    pub zone: usize,
    pub clients: Vec<TransferClient>,
    pub notify: Vec<NotifyTarget>,
    /// The clients whose answers are given for steered names.
    pub answers_for: GroupId,
    /// The serial number that the operator has written, in `soa` or in a master file.
    pub written_serial: Option<u32>,
}

/// Name servers that may take a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferClient {
    /// Empty: any address.
    pub networks: Vec<Prefix>,
    /// `None`: no signature is needed.
    pub key: Option<Name>,
}

/// A name server that is told of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyTarget {
    pub address: SocketAddr,
    pub key: Option<Name>,
}

/// The key that a zone file refers to, and where.
pub(super) type KeyReference = (Name, Span);

/// Lowers `transfer`; the place of the zone, and what else is known of it, are filled in by its caller.
pub(super) fn lower(
    spec: &Option<Setting<TransferSpec>>,
    keys: &mut Vec<KeyReference>,
    report: &mut Reporter,
) -> Option<ZoneTransfers> {
    let (spec, span) = spec.given()?;
    const CLIENTS: &str = "write `clients: [{ networks: 192.0.2.53, key: secondary.example.net }]`";
    spec.clients.required("clients", span, CLIENTS, report);
    if spec.clients.get().is_some_and(Vec::is_empty) {
        report.error(span, "no name server may take the zone").hint(CLIENTS);
    }
    let mut clients = Vec::new();
    for (client, span) in spec.clients.at_most(MAX_SECONDARIES, "entries of `clients`", report) {
        let networks: Vec<Prefix> =
            client.networks.items().into_iter().map(|(network, _)| *network).collect();
        if client.networks.is_missing() && client.key.is_none() {
            report
                .error(span, "the entry lets every name server take the zone")
                .hint("add `networks` or `key`");
        } else if client.networks.get().is_some_and(Vec::is_empty) {
            report.error(span, "`networks` is empty").hint("name an address or a network, or leave it out");
        }
        clients.push(TransferClient { networks, key: key(&client.key, keys, report) });
    }
    let mut notify: Vec<NotifyTarget> = Vec::new();
    for (target, span) in spec.notify.at_most(MAX_SECONDARIES, "entries of `notify`", report) {
        let address = target.address.required("address", span, "write `address: 192.0.2.53`", report);
        let key = key(&target.key, keys, report);
        let Some((NotifyAddress(address), span)) = address else { continue };
        if notify.iter().any(|before| before.address == *address) {
            report.error(span, format!("`{address}` is told twice")).hint("one entry is enough");
        }
        notify.push(NotifyTarget { address: *address, key });
    }
    Some(ZoneTransfers { zone: 0, clients, notify, answers_for: GroupId::UNKNOWN, written_serial: None })
}

fn key(spec: &Option<Value<String>>, keys: &mut Vec<KeyReference>, report: &mut Reporter) -> Option<Name> {
    let (text, span) = spec.given()?;
    let name = report.ok(span, crate::config::records::parse_name(text, &Name::root()))?;
    keys.push((name.clone(), span));
    Some(name)
}

/// Reports keys that `server.yaml` does not have.
pub(super) fn check(references: &[KeyReference], server: &Server, report: &mut Reporter) {
    for (name, span) in references {
        if !server.tsig_keys.iter().any(|key| key.name == *name) {
            let known: Vec<String> = server.tsig_keys.iter().map(|key| tsig_keys::text(&key.name)).collect();
            let name = tsig_keys::text(name);
            let finding = report.error(*span, format!("key `{name}` is not in `tsig_keys` of server.yaml"));
            finding.hint(suggest::hint(&name, known.iter().map(String::as_str)));
        }
    }
}
