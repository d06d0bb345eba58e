//! Where a secret is: in a file or in an environment variable, never in the configuration.
//!
//! Reading it is left to the shell: compiling opens no file.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::{Reporter, Span};
use crate::config::values::Value;
use crate::config::yaml::Written;

/// The mistake of a name that no variable has. It may be the secret itself, which no message shows.
pub(super) const NOT_A_VARIABLE: &str = "this cannot be the name of an environment variable";

/// Where a secret is: one of both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretSpec {
    /// A file that holds it and nothing else, relative to the configuration directory.
    pub file: Option<Value<PathBuf>>,
    /// An environment variable that holds it.
    pub environment: Option<Value<String>>,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    File(PathBuf),
    /// In this environment variable.
    Environment(String),
}

impl Secret {
    /// Returns the file that holds it; `None`: a variable does.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Environment(_) => None,
        }
    }
}

/// Lowers the keys `file` and `environment`, one of which is written; returns the span of that one too.
pub(super) fn lower(
    (file, environment): (&Option<Value<PathBuf>>, &Option<Value<String>>),
    noun: &str,
    parent: Span,
    directory: &Path,
    report: &mut Reporter,
) -> Option<(Secret, Span)> {
    match (file, environment) {
        (Some(file), None) => {
            let (path, span) = file.given()?;
            Some((Secret::File(directory.join(path)), span))
        }
        (None, Some(variable)) => {
            let (variable, span) = variable.given()?;
            if !is_variable(variable) {
                let finding = report.error(span, NOT_A_VARIABLE);
                finding.hint(format!("name the variable that holds the {noun}, for example MERIDIAN_ALICE"));
            }
            Some((Secret::Environment(variable.clone()), span))
        }
        (None, None) => {
            let finding = report.error(parent, format!("it is not said where the {noun} is"));
            finding.hint("add `file: /run/secrets/alice` or `environment: MERIDIAN_ALICE`");
            None
        }
        (Some(_), Some(_)) => {
            let message = format!("a {noun} is in a file or in the environment");
            report.error(parent, message).hint("leave one of them out");
            None
        }
    }
}

/// Returns whether a shell could set a variable of this name (POSIX, section 8.1).
pub(super) fn is_variable(name: &str) -> bool {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    !name.is_empty() && name.chars().all(is_word) && !name.starts_with(|first: char| first.is_ascii_digit())
}
