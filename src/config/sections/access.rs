//! `access` in `server.yaml`: tokens and certificates for the admin address.
//!
//! Compiling opens no file, so that a token here is the name of a file or of a variable. What is wrong with its
//! contents is reported by its [`SourceLine`] when it is read.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::{self, Secret, SecretKeys};
use crate::config::problem::{Reporter, SourceLine, Span};
use crate::config::sources::SourceFiles;
use crate::config::values::{Checked, List, Value, required_name};
use crate::config::yaml::{Setting, Written};

/// The most tokens: one for each person and program, and every wrong one is compared with all of them.
pub const MAX_TOKENS: usize = 100;

/// The name of a caller without a token in the log, which no token may have.
const RESERVED: &str = "loopback";

/// Access to the admin address. This machine may always read; every other client needs a token or a certificate
/// to read, and every client needs one to change anything.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessSpec {
    /// The tokens, at most 100, which are sent as `Authorization: Bearer TOKEN`.
    tokens: Option<Setting<Vec<Setting<TokenSpec>>>>,
    /// TLS on the admin address, which then speaks HTTPS only. Left out: plain HTTP.
    tls: Option<Setting<AdminTlsSpec>>,
    /// What this machine may do without a credential: `open` lets it read (the default), `token` nothing. Behind a reverse
    /// proxy on this machine every client looks like this machine, so that it must be `token` there.
    loopback: Option<Setting<LoopbackAccess>>,
}

/// A token, which is in a file, in the environment or in a credential and never in the configuration: one line of 24 to 512
/// visible ASCII characters, for example from `openssl rand -hex 32`. A file is read again with every reload,
/// and when it changes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TokenSpec {
    /// The holder of the token: the author of changes in the log.
    name: Value<String>,
    /// What its holder may do.
    role: Setting<Role>,
    /// The file that holds it, relative to the configuration directory.
    file: Option<Value<PathBuf>>,
    /// The environment variable that holds it.
    environment: Option<Value<String>>,
    /// The name of a credential that systemd passes to the service (`LoadCredential=` in the unit).
    credential: Option<Value<String>>,
}

/// TLS on the admin address. The files hold PEM; they are read again with every reload, and when they change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AdminTlsSpec {
    /// The certificate of the admin address and those that lead from it to its authority, relative to the
    /// configuration directory.
    certificate: Value<PathBuf>,
    /// Its private key.
    key: Value<PathBuf>,
    /// The authorities of client certificates (mutual TLS): a certificate signed by one of them may read. Left
    /// out: client certificates are not asked for.
    clients: Option<Value<PathBuf>>,
    /// The revocation lists of those authorities (CRL, RFC 5280, section 5), of which none need be there: a certificate in
    /// one of them is refused. A list that has expired counts all the same.
    revoked: Option<Value<PathBuf>>,
    /// The subject names (dNSName, or the common name where there is none) of the client certificates that may
    /// operate, for example `[alice.example.com]`.
    operators: Option<List<String>>,
}

/// Access to the admin address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    /// The tokens, no two of one name.
    pub tokens: Vec<AccessToken>,
    /// TLS on the admin address; `None`: it speaks plain HTTP.
    pub tls: Option<AdminTls>,
    /// What this machine may do without a credential.
    pub loopback: LoopbackAccess,
}

/// What this machine may do without a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoopbackAccess {
    /// Read.
    #[default]
    Open,
    /// Nothing: every client needs a token or a certificate.
    Token,
}

/// What the holder of a token may do; the later role includes the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything.
    Read,
    /// Look, and change what is served.
    Operate,
}

/// A token that lets its holder in.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessToken {
    /// The holder, for the log.
    pub name: String,
    /// What they may do.
    pub role: Role,
    pub secret: Secret,
    /// The line of `server.yaml` that names it.
    pub origin: SourceLine,
}

/// TLS on the admin address.
#[derive(Clone, Debug, PartialEq)]
pub struct AdminTls {
    /// The certificate and those that lead from it to its authority.
    pub certificate: NamedFile,
    pub key: NamedFile,
    /// The authorities of client certificates; `None`: clients need none, and none counts.
    pub clients: Option<NamedFile>,
    /// The revocation lists of those authorities.
    pub revoked: Option<NamedFile>,
    /// The names in client certificates that may operate, in lower case; the others may read.
    pub operators: Vec<String>,
}

/// A file, and the line of `server.yaml` that names it.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedFile {
    pub path: PathBuf,
    pub origin: SourceLine,
}

impl NamedFile {
    /// Returns a file that is written at a span, relative to the configuration directory.
    pub(super) fn of((path, span): (&PathBuf, Span), sources: &SourceFiles) -> Self {
        Self { path: sources.directory.join(path), origin: SourceLine::of(span, sources) }
    }
}

#[cfg(test)]
impl Role {
    /// Returns how the operator writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
        }
    }
}

impl Access {
    /// Returns every file that is read for it.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let tokens = self.tokens.iter().filter_map(|token| token.secret.file());
        let tls = self
            .tls
            .iter()
            .flat_map(|tls| [&tls.certificate, &tls.key].into_iter().chain(&tls.clients).chain(&tls.revoked));
        tokens.chain(tls.map(|named| &named.path))
    }
}

/// Lowers `access`, and warns when no client could get in or every token could be overheard. Peers get in with a secret of
/// their own.
pub(super) fn lower(
    spec: &Option<Setting<AccessSpec>>,
    admin: &Option<Value<SocketAddr>>,
    has_peers: bool,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Access {
    let access = match spec.given() {
        None => Access::default(),
        Some((access, span)) => {
            if admin.is_missing() {
                let finding = report.warning(span, "`access` says nothing without `admin`");
                finding.hint("add `admin: \"127.0.0.1:8053\"`, or leave `access` out");
            }
            let loopback = access.loopback.given().map_or_else(LoopbackAccess::default, |(given, _)| *given);
            Access { tokens: tokens(access, sources, report), tls: tls(access, sources, report), loopback }
        }
    };
    if let Some((admin, span)) = admin.given() {
        warn_of_exposure(*admin, span, &access, has_peers, report);
    }
    access
}

/// Warns when an address that other machines reach lets none of them in, or takes tokens in the open.
fn warn_of_exposure(admin: SocketAddr, span: Span, access: &Access, has_peers: bool, report: &mut Reporter) {
    if admin.ip().to_canonical().is_loopback() {
        return;
    }
    let has_clients = access.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    if access.tokens.is_empty() && !has_clients && !has_peers {
        let message = format!("no other machine can read `{admin}`: there are no tokens");
        let hint = "add `access: { tokens: [{ name: grafana, role: read, file: /run/secrets/grafana }] }`";
        report.warning(span, message).hint(hint);
    } else if access.tls.is_none() {
        let secrets = if access.tokens.is_empty() { "the secret of `peers` is" } else { "tokens are" };
        let message = format!("`{admin}` is not loopback, and {secrets} sent to it in the open");
        report.warning(span, message).hint("add `tls: { certificate: …, key: … }` to `access`");
    }
}

fn tokens(spec: &AccessSpec, sources: &SourceFiles, report: &mut Reporter) -> Vec<AccessToken> {
    let mut seen = BTreeMap::new();
    let given = spec.tokens.at_most(MAX_TOKENS, "tokens", report).into_iter();
    given.filter_map(|(spec, span)| token(spec, span, &mut seen, sources, report)).collect()
}

fn token<'s>(
    spec: &'s TokenSpec,
    parent: Span,
    seen: &mut BTreeMap<&'s str, u32>,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Option<AccessToken> {
    let name = required_name(&spec.name, parent, "write `name: alice`", report);
    if let Some((name, span)) = name {
        if name == RESERVED {
            let finding = report.error(span, format!("a token cannot be called `{RESERVED}`"));
            finding.hint("it is what the log calls this machine itself");
        }
        if let Some(line) = seen.insert(name, span.line) {
            let finding = report.error(span, format!("there is another token called `{name}`"));
            finding.hint(format!("first in line {line}; the log could not tell them apart"));
        }
    }
    let role = spec.role.required("role", parent, "write `role: read` or `role: operate`", report);
    let keys = SecretKeys { file: &spec.file, environment: &spec.environment, credential: &spec.credential };
    let (secret, span) = secret::lower(keys, "token", parent, &sources.directory, report)?;
    Some(AccessToken { name: name?.0.clone(), role: *role?.0, secret, origin: SourceLine::of(span, sources) })
}

fn tls(spec: &AccessSpec, sources: &SourceFiles, report: &mut Reporter) -> Option<AdminTls> {
    let (spec, parent) = spec.tls.given()?;
    let hint = "write `certificate: admin.pem` and `key: admin.key`";
    let certificate = spec.certificate.required("certificate", parent, hint, report);
    let key = spec.key.required("key", parent, hint, report);
    let named = |named| NamedFile::of(named, sources);
    if let (Some(span), true) = (spec.revoked.span(), spec.clients.is_missing()) {
        let finding = report.error(span, "`revoked` is about client certificates, and none are asked for");
        finding.hint("add `clients: clients.pem`, the authorities of client certificates");
    }
    Some(AdminTls {
        operators: operators(spec, report),
        certificate: named(certificate?),
        key: named(key?),
        clients: spec.clients.given().map(named),
        revoked: spec.revoked.given().map(named),
    })
}

fn operators(spec: &AdminTlsSpec, report: &mut Reporter) -> Vec<String> {
    if let (Some(span), true) = (spec.operators.span(), spec.clients.is_missing()) {
        let finding =
            report.error(span, "`operators` are told by their certificates, and no authority signs those");
        finding.hint("add `clients: clients.pem`, the authorities of client certificates");
    }
    if let (Some(span), true) = (spec.operators.span(), spec.operators.says_nothing()) {
        report.error(span, "`operators` is empty").hint("leave it out: every certificate then reads");
    }
    let names = spec.operators.items().into_iter().map(|(name, span)| {
        if name.is_empty() || name.contains('*') {
            let finding = report.error(span, format!("`{name}` cannot be the name of an operator"));
            finding.hint("write the whole name in the certificate, for example alice.example.com");
        }
        name.to_lowercase()
    });
    names.collect()
}
