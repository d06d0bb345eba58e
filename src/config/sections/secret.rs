//! Where a secret is: in a file, an environment variable or a credential of systemd, never in the configuration.
//!
//! Reading it is left to the shell: compiling opens no file.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::{Reporter, Span};
use crate::config::values::Value;
use crate::config::yaml::Written;

/// The longest name of a credential (systemd.exec(5)).
const MAX_CREDENTIAL: usize = 255;

/// The mistake of a name that no variable has. It may be the secret itself, which no message shows.
pub(super) const NOT_A_VARIABLE: &str = "this cannot be the name of an environment variable";

/// Where a secret is: one of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretSpec {
    /// A file that holds it and nothing else, relative to the configuration directory.
    pub file: Option<Value<PathBuf>>,
    /// An environment variable that holds it.
    pub environment: Option<Value<String>>,
    /// The name of a credential that systemd passes to the service (`LoadCredential=` in the unit): a file in
    /// `$CREDENTIALS_DIRECTORY`.
    pub credential: Option<Value<String>>,
}

impl SecretSpec {
    /// Returns its keys.
    pub fn keys(&self) -> SecretKeys<'_> {
        SecretKeys { file: &self.file, environment: &self.environment, credential: &self.credential }
    }
}

/// The keys that say where a secret is, one of which is written.
pub(super) struct SecretKeys<'s> {
    pub file: &'s Option<Value<PathBuf>>,
    pub environment: &'s Option<Value<String>>,
    pub credential: &'s Option<Value<String>>,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    File(PathBuf),
    /// In this environment variable.
    Environment(String),
    /// In the credential of this name.
    Credential(String),
}

impl Secret {
    /// Returns the file that holds it, if it is one whose changes are of interest: those of a credential come with a restart.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Environment(_) | Self::Credential(_) => None,
        }
    }
}

/// Lowers the keys of a secret; returns the span of the one that is written too.
pub(super) fn lower(
    keys: SecretKeys<'_>,
    noun: &str,
    parent: Span,
    directory: &Path,
    report: &mut Reporter,
) -> Option<(Secret, Span)> {
    match (keys.file, keys.environment, keys.credential) {
        (Some(file), None, None) => {
            let (path, span) = file.given()?;
            Some((Secret::File(directory.join(path)), span))
        }
        (None, Some(variable), None) => {
            let (variable, span) = variable.given()?;
            if !is_variable(variable) {
                let finding = report.error(span, NOT_A_VARIABLE);
                finding.hint(format!("name the variable that holds the {noun}, for example MERIDIAN_ALICE"));
            }
            Some((Secret::Environment(variable.clone()), span))
        }
        (None, None, Some(credential)) => {
            let (credential, span) = credential.given()?;
            if !is_credential(credential) {
                let finding = report.error(span, "this cannot be the name of a credential");
                finding.hint(format!(
                    "name the one that holds the {noun}, for example `alice` of `LoadCredential=alice:/…`"
                ));
            }
            Some((Secret::Credential(credential.clone()), span))
        }
        (None, None, None) => {
            let finding = report.error(parent, format!("it is not said where the {noun} is"));
            finding
                .hint("add `file: /run/secrets/alice`, `environment: MERIDIAN_ALICE` or `credential: alice`");
            None
        }
        _ => {
            let message = format!("a {noun} is in a file, in the environment or in a credential");
            report.error(parent, message).hint("leave all but one of them out");
            None
        }
    }
}

/// Returns whether systemd passes credentials of this name (systemd.exec(5)).
fn is_credential(name: &str) -> bool {
    let is_fit = |character: char| character.is_ascii_graphic() && !"/:".contains(character);
    (1..=MAX_CREDENTIAL).contains(&name.len()) && name.chars().all(is_fit) && ![".", ".."].contains(&name)
}

/// Returns whether a shell could set a variable of this name (POSIX, section 8.1).
pub(super) fn is_variable(name: &str) -> bool {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    !name.is_empty() && name.chars().all(is_word) && !name.starts_with(|first: char| first.is_ascii_digit())
}
