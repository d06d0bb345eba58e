//! `access` in `server.yaml`: who may ask the admin address for what.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::leaf::{List, Value};
use crate::config::Role;
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
