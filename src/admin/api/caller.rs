//! The caller's identity, so that a user interface offers only what the caller may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::config::Role;

/// The header that names the author of a change, for tokens that several people share.
pub const AUTHOR: &str = "meridian-author";

/// The caller of this request, by the credential that came with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallerIdentity {
    /// The caller's name in the log.
    pub name: String,
    /// The caller's role.
    pub role: Role,
    /// The credential.
    pub via: Credential,
}

/// A way in which a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// None: the request comes from this machine.
    Loopback,
    /// A token.
    Token,
    /// A client certificate.
    Certificate,
}
