//! `cookies` in `server.yaml`: the secrets of DNS cookies, which instances share.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secret::{self, Secret, SecretSpec};
use crate::config::problem::{Reporter, SourceLine, Span};
use crate::config::sources::SourceFiles;
use crate::config::values::Checked;
use crate::config::yaml::{Setting, Written};

/// The secrets of DNS cookies (RFC 7873, RFC 9018): 32 hexadecimal digits each, as BIND, Knot and NSD have them. Instances
/// that answer at one address must have the same. To change it without a client that notices: add the next one as `staged`
/// to all instances; then make it `active` and the old one `retired`; after an hour, drop `retired`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CookiesSpec {
    /// What cookies are made with.
    active: Option<Setting<SecretSpec>>,
    /// What other instances may make cookies with already. Left out: none.
    staged: Option<Setting<SecretSpec>>,
    /// What cookies were made with before. Left out: none.
    retired: Option<Setting<SecretSpec>>,
}

/// Where the secrets of DNS cookies are.
#[derive(Clone, Debug, PartialEq)]
pub struct CookieSources {
    pub active: CookieSource,
    pub staged: Option<CookieSource>,
    pub retired: Option<CookieSource>,
}

/// Where one of them is, and where that is said.
#[derive(Clone, Debug, PartialEq)]
pub struct CookieSource {
    pub secret: Secret,
    pub origin: SourceLine,
}

impl CookieSources {
    /// Returns every file that holds one.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let all = std::iter::once(&self.active).chain(&self.staged).chain(&self.retired);
        all.filter_map(|source| source.secret.file())
    }
}

/// Lowers `cookies`; `None`: each process makes up a secret of its own.
pub(super) fn lower(
    spec: &Option<Setting<CookiesSpec>>,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Option<CookieSources> {
    let (spec, parent) = spec.given()?;
    spec.active.required("active", parent, "write `active: { file: /run/secrets/dns-cookies }`", report);
    let mut source = |spec: &Option<Setting<SecretSpec>>| {
        let (spec, span) = spec.given()?;
        source(spec, span, sources, report)
    };
    let [active, staged, retired] = [&spec.active, &spec.staged, &spec.retired].map(&mut source);
    Some(CookieSources { active: active?, staged, retired })
}

fn source(
    spec: &SecretSpec,
    parent: Span,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Option<CookieSource> {
    let (secret, span) = secret::lower(spec.keys(), "secret", parent, &sources.directory, report)?;
    Some(CookieSource { secret, origin: SourceLine::of(span, sources) })
}
