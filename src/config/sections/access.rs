//! `access` in `server.yaml`: who may ask the admin address for what.
//!
//! Compiling opens no file, so that a token here is the name of a file or of a variable. Whoever reads it
//! says what is wrong with it by [`SourceLine`], as if it had been seen here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::Secret;
use crate::config::problem::{Reporter, SourceLine, Span};
use crate::config::sources::SourceFiles;
use crate::config::values::{List, Value, check_name, given, items, required, says_nothing};
use crate::config::yaml::Setting;

/// Who may ask the admin address for what. This machine may always read; everybody else needs a token, or a
/// certificate, and so does whoever wants to change anything.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessSpec {
    /// The tokens, at most 100, which are sent as `Authorization: Bearer TOKEN`.
    pub tokens: Option<Setting<Vec<Setting<TokenSpec>>>>,
    /// TLS on the admin address, which then speaks HTTPS only. Left out: plain HTTP.
    pub tls: Option<Setting<AdminTlsSpec>>,
}

/// A token, which is in a file or in the environment and never in the configuration: one line of 24 to 512
/// visible ASCII characters, for example from `openssl rand -hex 32`. A file is read anew with every reload,
/// and when it changes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// Whose token it is: what the log says of who changed something.
    pub name: Value<String>,
    /// What its holder may do.
    pub role: Setting<Role>,
    /// The file that holds it, relative to the configuration directory.
    pub file: Option<Value<PathBuf>>,
    /// The variable of the environment that holds it.
    pub environment: Option<Value<String>>,
}

/// TLS on the admin address. The files hold PEM; they are read anew with every reload, and when they change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminTlsSpec {
    /// The certificate of the admin address and those that lead from it to its authority, relative to the
    /// configuration directory.
    pub certificate: Value<PathBuf>,
    /// Its private key.
    pub key: Value<PathBuf>,
    /// The authorities of client certificates (mutual TLS): a certificate signed by one of them may read. Left
    /// out: client certificates are not asked for.
    pub clients: Option<Value<PathBuf>>,
    /// The subject names (dNSName, or the common name where there is none) of the client certificates that may
    /// operate, for example `[alice.example.com]`.
    pub operators: Option<List<String>>,
}

/// Who may ask the admin address for what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    /// The tokens, no two of one name.
    pub tokens: Vec<AccessToken>,
    /// How the admin address speaks TLS; `None`: it speaks plain HTTP.
    pub tls: Option<AdminTls>,
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
    /// Whose it is, for the log.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where the token is.
    pub secret: Secret,
    /// Where `server.yaml` says so.
    pub origin: SourceLine,
}

/// How the admin address speaks TLS.
#[derive(Clone, Debug, PartialEq)]
pub struct AdminTls {
    /// The certificate and those that lead from it to its authority.
    pub certificate: NamedFile,
    /// Its private key.
    pub key: NamedFile,
    /// The authorities of client certificates; `None`: clients need none, and none counts.
    pub clients: Option<NamedFile>,
    /// The names in client certificates that may operate; the others may read. In lower case.
    pub operators: Vec<String>,
}

/// A file, and where `server.yaml` names it.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedFile {
    /// The file.
    pub path: PathBuf,
    /// Where it is named.
    pub origin: SourceLine,
}

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
        let tokens = self.tokens.iter().filter_map(|token| match &token.secret {
            Secret::File(path) => Some(path),
            Secret::Environment(_) => None,
        });
        let tls =
            self.tls.iter().flat_map(|tls| [&tls.certificate, &tls.key].into_iter().chain(&tls.clients));
        tokens.chain(tls.map(|named| &named.path))
    }
}

/// The most tokens: one for each person and program, and every wrong one is compared with all of them.
const MAX_TOKENS: usize = 100;

/// What the log calls a caller who needs no token, so that no token may be called so.
const RESERVED: &str = "loopback";

/// Lowers who may ask, and says when nobody or everybody could.
pub(super) fn lower(
    spec: &Option<Setting<AccessSpec>>,
    admin: &Option<Value<SocketAddr>>,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Access {
    let access = match spec.as_ref().and_then(|access| access.given()) {
        None => Access::default(),
        Some((access, span)) => {
            if admin.as_ref().is_none_or(|admin| admin.is_missing()) {
                let draft = report.warning(span, "`access` says nothing without `admin`");
                draft.hint("add `admin: \"127.0.0.1:8053\"`, or leave `access` out");
            }
            Access { tokens: tokens(access, sources, report), tls: tls(access, sources, report) }
        }
    };
    if let Some((admin, span)) = given(admin) {
        warn_of_exposure(*admin, span, &access, report);
    }
    access
}

/// Warns when an address that others can reach lets none of them in, or lets them send tokens in the open.
fn warn_of_exposure(admin: SocketAddr, span: Span, access: &Access, report: &mut Reporter) {
    if admin.ip().to_canonical().is_loopback() {
        return;
    }
    let has_clients = access.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    if access.tokens.is_empty() && !has_clients {
        let message = format!("nobody can read `{admin}` from another machine: there are no tokens");
        let hint = "add `access: { tokens: [{ name: grafana, role: read, file: /run/secrets/grafana }] }`";
        report.warning(span, message).hint(hint);
    } else if access.tls.is_none() {
        let message = format!("`{admin}` is not loopback, and tokens are sent to it in the open");
        report.warning(span, message).hint("add `tls: { certificate: …, key: … }` to `access`");
    }
}

fn tokens(spec: &AccessSpec, sources: &SourceFiles, report: &mut Reporter) -> Vec<AccessToken> {
    let Some((list, span)) = spec.tokens.as_ref().and_then(|tokens| tokens.given()) else {
        return Vec::new();
    };
    if list.len() > MAX_TOKENS {
        report.error(span, format!("more than {MAX_TOKENS} tokens"));
    }
    let mut seen = BTreeMap::new();
    let given = list.iter().filter_map(|token| token.given());
    given.filter_map(|(spec, span)| token(spec, span, &mut seen, sources, report)).collect()
}

fn token<'s>(
    spec: &'s TokenSpec,
    parent: Span,
    seen: &mut BTreeMap<&'s str, u32>,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Option<AccessToken> {
    let name = required(&spec.name, "name", parent, "write `name: alice`", report);
    if let Some((name, span)) = name {
        check_name(name, span, report);
        if name == RESERVED {
            let draft = report.error(span, format!("a token cannot be called `{RESERVED}`"));
            draft.hint("it is what the log calls this machine itself");
        }
        if let Some(line) = seen.insert(name, span.line) {
            let draft = report.error(span, format!("there is another token called `{name}`"));
            draft.hint(format!("first in line {line}; the log could not tell them apart"));
        }
    }
    if spec.role.is_missing() {
        report.error(parent, "`role` is missing").hint("write `role: read` or `role: operate`");
    }
    let secret = secret(spec, parent, report);
    let role = spec.role.value?;
    let (secret, span) = secret?;
    let secret = match secret {
        Secret::File(path) => Secret::File(sources.directory.join(path)),
        Secret::Environment(variable) => Secret::Environment(variable),
    };
    Some(AccessToken { name: name?.0.clone(), role, secret, origin: SourceLine::of(span, sources) })
}

/// Returns where a token is, and where that is said.
fn secret(spec: &TokenSpec, parent: Span, report: &mut Reporter) -> Option<(Secret, Span)> {
    if !is_written(&spec.file) && !is_written(&spec.environment) {
        let draft = report.error(parent, "it is not said where the token is");
        draft.hint("add `file: /run/secrets/alice` or `environment: MERIDIAN_ALICE`");
    }
    if is_written(&spec.file) && is_written(&spec.environment) {
        report.error(parent, "a token is in a file or in the environment").hint("leave one of them out");
        return None;
    }
    if let Some((variable, span)) = given(&spec.environment) {
        if !is_variable(variable) {
            let draft = report.error(span, "this cannot be the name of a variable of the environment");
            draft.hint("name the variable that holds the token, for example MERIDIAN_ALICE");
        }
        return Some((Secret::Environment(variable.clone()), span));
    }
    given(&spec.file).map(|(path, span)| (Secret::File(path.clone()), span))
}

/// Returns whether a shell could set a variable of this name (POSIX, section 8.1).
fn is_variable(name: &str) -> bool {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    !name.is_empty() && name.chars().all(is_word) && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn tls(spec: &AccessSpec, sources: &SourceFiles, report: &mut Reporter) -> Option<AdminTls> {
    let (spec, parent) = spec.tls.as_ref()?.given()?;
    let hint = "write `certificate: admin.pem` and `key: admin.key`";
    let certificate = required(&spec.certificate, "certificate", parent, hint, report);
    let key = required(&spec.key, "key", parent, hint, report);
    let named = |(path, span): (&PathBuf, Span)| NamedFile {
        path: sources.directory.join(path),
        origin: SourceLine::of(span, sources),
    };
    let clients = given(&spec.clients).map(named);
    Some(AdminTls {
        operators: operators(spec, is_written(&spec.clients), report),
        certificate: named(certificate?),
        key: named(key?),
        clients,
    })
}

fn operators(spec: &AdminTlsSpec, has_clients: bool, report: &mut Reporter) -> Vec<String> {
    let Some(list) = &spec.operators else { return Vec::new() };
    if let (Some(span), false) = (list.span, has_clients) {
        let draft = report.error(span, "`operators` are told by their certificates, and nobody signs those");
        draft.hint("add `clients: clients.pem`, the authorities of client certificates");
    }
    if let (Some(span), true) = (list.span, says_nothing(list)) {
        report.error(span, "`operators` names nobody").hint("leave it out: every certificate then reads");
    }
    let names = items(list).into_iter().map(|(name, span)| {
        if name.is_empty() || name.contains('*') {
            let draft = report.error(span, format!("`{name}` cannot be the name of an operator"));
            draft.hint("write the whole name in the certificate, for example alice.example.com");
        }
        name.to_lowercase()
    });
    names.collect()
}

/// Returns whether something is there, right or wrong.
fn is_written<T>(setting: &Option<Value<T>>) -> bool {
    setting.as_ref().is_some_and(|setting| !setting.is_missing())
}
