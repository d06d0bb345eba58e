//! `access` of `server.yaml` to [`Access`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::defined::check_name;
use super::server::required;
use crate::config::problem::{Origin, Place, Report};
use crate::config::sources::Sources;
use crate::config::spec::{self, Value, given, items, says_nothing};
use crate::config::{Access, Named, Secret, Tls, Token};

/// The most tokens: one for each person and program, and every wrong one is compared with all of them.
const MAX_TOKENS: usize = 100;

/// What the log calls a caller who needs no token, so that no token may be called so.
const RESERVED: &str = "loopback";

/// Lowers who may ask, and says when nobody or everybody could.
pub(super) fn lower(spec: &spec::ServerSpec, sources: &Sources, report: &mut Report) -> Access {
    let access = match spec.access.as_ref().and_then(|access| access.given()) {
        None => Access::default(),
        Some((access, place)) => {
            if spec.admin.as_ref().is_none_or(|admin| admin.is_missing()) {
                let draft = report.warning(place, "`access` says nothing without `admin`");
                draft.hint("add `admin: \"127.0.0.1:8053\"`, or leave `access` out");
            }
            Access { tokens: tokens(access, sources, report), tls: tls(access, sources, report) }
        }
    };
    if let Some((admin, place)) = given(&spec.admin) {
        warn_of_exposure(*admin, place, &access, report);
    }
    access
}

/// Warns when an address that others can reach lets none of them in, or lets them send tokens in the open.
fn warn_of_exposure(admin: SocketAddr, place: Place, access: &Access, report: &mut Report) {
    if admin.ip().to_canonical().is_loopback() {
        return;
    }
    let has_clients = access.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    if access.tokens.is_empty() && !has_clients {
        let message = format!("nobody can read `{admin}` from another machine: there are no tokens");
        let hint = "add `access: { tokens: [{ name: grafana, role: read, file: /run/secrets/grafana }] }`";
        report.warning(place, message).hint(hint);
    } else if access.tls.is_none() {
        let message = format!("`{admin}` is not loopback, and tokens are sent to it in the open");
        report.warning(place, message).hint("add `tls: { certificate: …, key: … }` to `access`");
    }
}

fn tokens(spec: &spec::AccessSpec, sources: &Sources, report: &mut Report) -> Vec<Token> {
    let Some((list, place)) = spec.tokens.as_ref().and_then(|tokens| tokens.given()) else {
        return Vec::new();
    };
    if list.len() > MAX_TOKENS {
        report.error(place, format!("more than {MAX_TOKENS} tokens"));
    }
    let mut seen = BTreeMap::new();
    let given = list.iter().filter_map(|token| token.given());
    given.filter_map(|(spec, place)| token(spec, place, &mut seen, sources, report)).collect()
}

fn token<'s>(
    spec: &'s spec::TokenSpec,
    parent: Place,
    seen: &mut BTreeMap<&'s str, u32>,
    sources: &Sources,
    report: &mut Report,
) -> Option<Token> {
    let name = required(&spec.name, "name", parent, "write `name: alice`", report);
    if let Some((name, place)) = name {
        check_name(name, place, report);
        if name == RESERVED {
            let draft = report.error(place, format!("a token cannot be called `{RESERVED}`"));
            draft.hint("it is what the log calls this machine itself");
        }
        if let Some(line) = seen.insert(name, place.line) {
            let draft = report.error(place, format!("there is another token called `{name}`"));
            draft.hint(format!("first in line {line}; the log could not tell them apart"));
        }
    }
    if spec.role.is_missing() {
        report.error(parent, "`role` is missing").hint("write `role: read` or `role: operate`");
    }
    let secret = secret(spec, parent, report);
    let role = spec.role.value?;
    let (secret, place) = secret?;
    let secret = match secret {
        Secret::File(path) => Secret::File(sources.directory.join(path)),
        Secret::Environment(variable) => Secret::Environment(variable),
    };
    Some(Token { name: name?.0.clone(), role, secret, origin: Origin::of(place, sources) })
}

/// Returns where a token is, and where that is said.
fn secret(spec: &spec::TokenSpec, parent: Place, report: &mut Report) -> Option<(Secret, Place)> {
    if !is_written(&spec.file) && !is_written(&spec.environment) {
        let draft = report.error(parent, "it is not said where the token is");
        draft.hint("add `file: /run/secrets/alice` or `environment: MERIDIAN_ALICE`");
    }
    if is_written(&spec.file) && is_written(&spec.environment) {
        report.error(parent, "a token is in a file or in the environment").hint("leave one of them out");
        return None;
    }
    if let Some((variable, place)) = given(&spec.environment) {
        if !is_variable(variable) {
            let draft = report.error(place, "this cannot be the name of a variable of the environment");
            draft.hint("name the variable that holds the token, for example MERIDIAN_ALICE");
        }
        return Some((Secret::Environment(variable.clone()), place));
    }
    given(&spec.file).map(|(path, place)| (Secret::File(path.clone()), place))
}

/// Returns whether a shell could set a variable of this name (POSIX, section 8.1).
fn is_variable(name: &str) -> bool {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    !name.is_empty() && name.chars().all(is_word) && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn tls(spec: &spec::AccessSpec, sources: &Sources, report: &mut Report) -> Option<Tls> {
    let (spec, parent) = spec.tls.as_ref()?.given()?;
    let hint = "write `certificate: admin.pem` and `key: admin.key`";
    let certificate = required(&spec.certificate, "certificate", parent, hint, report);
    let key = required(&spec.key, "key", parent, hint, report);
    let named = |(path, place): (&PathBuf, Place)| Named {
        path: sources.directory.join(path),
        origin: Origin::of(place, sources),
    };
    let clients = given(&spec.clients).map(named);
    Some(Tls {
        operators: operators(spec, is_written(&spec.clients), report),
        certificate: named(certificate?),
        key: named(key?),
        clients,
    })
}

fn operators(spec: &spec::AdminTlsSpec, has_clients: bool, report: &mut Report) -> Vec<String> {
    let Some(list) = &spec.operators else { return Vec::new() };
    if let (Some(place), false) = (list.place, has_clients) {
        let draft = report.error(place, "`operators` are told by their certificates, and nobody signs those");
        draft.hint("add `clients: clients.pem`, the authorities of client certificates");
    }
    if let (Some(place), true) = (list.place, says_nothing(list)) {
        report.error(place, "`operators` names nobody").hint("leave it out: every certificate then reads");
    }
    let names = items(list).into_iter().map(|(name, place)| {
        if name.is_empty() || name.contains('*') {
            let draft = report.error(place, format!("`{name}` cannot be the name of an operator"));
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
