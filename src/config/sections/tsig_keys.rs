//! `tsig_keys` in `server.yaml`: the keys that this instance shares with the secondaries of its zones.

use schemars::JsonSchema;
use serde::Deserialize;

use super::secret::{self, Secret, SecretSpec};
use crate::config::problem::{Reporter, SourceLine, Span, ValueError};
use crate::config::records;
use crate::config::sources::SourceFiles;
use crate::config::values::{Checked, FromText, Value, parsed};
use crate::config::yaml::{Setting, Written};
use crate::suggest;
use crate::wire::TsigAlgorithm;
use crate::zone::{Name, name_text};

/// The most keys: each request that is signed is held against their names.
pub const MAX_KEYS: usize = 64;

/// A key of TSIG (RFC 8945). A secondary has the same name, algorithm and secret.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TsigKeySpec {
    /// Its name, a domain name: `secondary.example.net`.
    name: Value<String>,
    /// `hmac-sha256` or `hmac-sha512`. Left out: `hmac-sha256`.
    algorithm: Option<Value<TsigAlgorithm>>,
    /// Where the secret is: base 64 of 16 to 512 octets, as `tsig-keygen` and `keymgr` print it and `dig -y` takes it.
    secret: Setting<SecretSpec>,
}

/// A key and where its secret is.
#[derive(Clone, Debug, PartialEq)]
pub struct TsigKeySource {
    pub name: Name,
    pub algorithm: TsigAlgorithm,
    pub secret: Secret,
    pub origin: SourceLine,
}

impl FromText for TsigAlgorithm {
    const NAME: &'static str = "an algorithm";

    fn from_text(text: &str) -> Result<Self, ValueError> {
        let known = Self::ALL.map(Self::as_str);
        let hint = format!("{}; MD5 and SHA-1 are not taken", suggest::hint(text, known));
        parsed(text.parse().ok(), text, "an algorithm of TSIG", &hint)
    }
}

/// Lowers `tsig_keys`.
pub(super) fn lower(
    spec: &Option<Setting<Vec<Setting<TsigKeySpec>>>>,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Vec<TsigKeySource> {
    let mut keys: Vec<TsigKeySource> = Vec::new();
    for (spec, span) in spec.at_most(MAX_KEYS, "keys", report) {
        let Some(key) = key(spec, span, sources, report) else { continue };
        if keys.iter().any(|before| before.name == key.name) {
            let message = format!("there are two keys `{}`", text(&key.name));
            report.error(spec.name.span().unwrap_or(span), message).hint("give each a name of its own");
        }
        keys.push(key);
    }
    keys
}

fn key(
    spec: &TsigKeySpec,
    parent: Span,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Option<TsigKeySource> {
    let named = spec.name.required("name", parent, "write `name: secondary.example.net`", report);
    let name = named.and_then(|(text, span)| report.ok(span, records::parse_name(text, &Name::root())));
    let (secret, span) =
        spec.secret.required("secret", parent, "write `secret: { file: /run/secrets/tsig }`", report)?;
    let (secret, span) = secret::lower(secret.keys(), "secret", span, &sources.directory, report)?;
    let origin = SourceLine::of(span, sources);
    Some(TsigKeySource { name: name?, algorithm: spec.algorithm.get_or_default(), secret, origin })
}

/// Returns the name of a key as operators write it.
pub fn text(name: &Name) -> String {
    name_text(&name.to_lowercase())
}
