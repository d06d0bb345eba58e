//! Who may ask the admin address for what, as configured: where the secrets are, not what they say.
//!
//! Compiling opens no file, so that a token here is the name of a file or of a variable. Whoever reads it
//! says what is wrong with it by [`Origin`], as if it had been seen here.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Origin;

/// Who may ask the admin address for what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    /// The tokens, no two of one name.
    pub tokens: Vec<Token>,
    /// How the admin address speaks TLS; `None`: it speaks plain HTTP.
    pub tls: Option<Tls>,
}

/// What the holder of a token may do; the later role includes the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything.
    Read,
    /// Look, and change what is served.
    Operate,
}

/// A token that lets its holder in.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Whose it is, for the log.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where the token is.
    pub secret: Secret,
    /// Where `server.yaml` says so.
    pub origin: Origin,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In this file.
    File(PathBuf),
    /// In this variable of the environment.
    Environment(String),
}

/// How the admin address speaks TLS.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    /// The certificate and those that lead from it to its authority.
    pub certificate: Named,
    /// Its private key.
    pub key: Named,
    /// The authorities of client certificates; `None`: clients need none, and none counts.
    pub clients: Option<Named>,
    /// The names in client certificates that may operate; the others may read. In lower case.
    pub operators: Vec<String>,
}

/// A file, and where `server.yaml` names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The file.
    pub path: PathBuf,
    /// Where it is named.
    pub origin: Origin,
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
