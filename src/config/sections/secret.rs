//! Where a secret is: in a file or in the environment, never in the configuration.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::{Reporter, Span};
use crate::config::values::{Value, given};

/// Where a secret is: one of both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretSpec {
    /// A file that holds it and nothing else, relative to the configuration directory.
    pub file: Option<Value<PathBuf>>,
    /// An environment variable that holds it.
    pub environment: Option<Value<String>>,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In this file.
    File(PathBuf),
    /// In this variable of the environment.
    Environment(String),
}

pub(super) fn lower(
    spec: &SecretSpec,
    span: Span,
    directory: &Path,
    report: &mut Reporter,
) -> Option<Secret> {
    match (&spec.file, &spec.environment) {
        (Some(_), None) => given(&spec.file).map(|(path, _)| Secret::File(directory.join(path))),
        (None, Some(_)) => {
            let (name, span) = given(&spec.environment)?;
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            if name.is_empty() || !name.chars().all(is_part) {
                report.error(span, format!("`{name}` is not the name of an environment variable"));
            }
            Some(Secret::Environment(name.clone()))
        }
        (Some(_), Some(_)) | (None, None) => {
            let draft = report.error(span, "a secret is in a file or in the environment");
            draft.hint("write `secret: { file: /run/secrets/hook }` or `secret: { environment: HOOK }`");
            None
        }
    }
}
