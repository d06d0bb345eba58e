//! `/whoami`: who asks, by what they brought along, so that the page offers only what they may do.

use axum::Extension;
use schemars::JsonSchema;
use serde::Serialize;

use super::access::{Caller, Via};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhoAmI {
    /// The name that stands in the log.
    pub name: String,
    /// What they may do.
    #[schemars(extend("enum" = ["read", "operate"]))]
    pub role: &'static str,
    /// How they are known: only by asking from this machine, by a token, or by a certificate.
    #[schemars(extend("enum" = ["loopback", "token", "certificate"]))]
    pub via: &'static str,
}

impl WhoAmI {
    fn of(caller: &Caller) -> Self {
        let via = match caller.via {
            Via::Loopback => "loopback",
            Via::Token => "token",
            Via::Certificate => "certificate",
        };
        Self { name: caller.name.clone(), role: caller.role.as_str(), via }
    }
}

/// Returns who asks.
pub(super) fn of(Extension(caller): &Extension<Caller>) -> WhoAmI {
    WhoAmI::of(caller)
}
