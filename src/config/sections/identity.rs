//! `identity` in `server.yaml`: what clients are told of this instance and its program.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::Reporter;
use crate::config::values::Value;
use crate::config::values::bounds::MAX_NAME;
use crate::config::yaml::{Setting, Written};

/// The word for no answer.
const NONE: &str = "none";

/// What clients that ask are told of this instance. Each is 1 to 63 printable ASCII characters, or `none` for no
/// answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentitySpec {
    /// The answer to NSID (RFC 5001, `dig +nsid`). Left out: the `name` of the instance.
    nsid: Option<Value<String>>,
    /// The answer to `id.server` and `hostname.bind`, TXT of class CHAOS (RFC 4892). Left out: the `name` of the
    /// instance. `none`: REFUSED.
    server_id: Option<Value<String>>,
    /// The answer to `version.server` and `version.bind`, TXT of class CHAOS. Left out: `none`, which is REFUSED.
    version: Option<Value<String>>,
}

/// What clients that ask are told of this instance; `None`: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// For NSID.
    pub nsid: Option<String>,
    /// For `id.server` and `hostname.bind`.
    pub server_id: Option<String>,
    /// For `version.server` and `version.bind`.
    pub version: Option<String>,
}

impl Identity {
    /// Returns what an instance of this name says when nothing is configured.
    pub fn of(name: &str) -> Self {
        Self { nsid: Some(name.to_owned()), server_id: Some(name.to_owned()), version: None }
    }
}

/// Lowers `identity` of the instance `name`.
pub(super) fn lower(spec: &Option<Setting<IdentitySpec>>, name: &str, report: &mut Reporter) -> Identity {
    let usual = Identity::of(name);
    let Some(spec) = spec.get() else { return usual };
    Identity {
        nsid: text(&spec.nsid, usual.nsid, report),
        server_id: text(&spec.server_id, usual.server_id, report),
        version: text(&spec.version, usual.version, report),
    }
}

fn text(value: &Option<Value<String>>, usual: Option<String>, report: &mut Reporter) -> Option<String> {
    let Some((text, span)) = value.given() else { return usual };
    let is_printable = |octet: u8| octet == b' ' || octet.is_ascii_graphic();
    if !(1..=MAX_NAME).contains(&text.len()) || !text.bytes().all(is_printable) {
        let message = format!("what clients are told has 1 to {MAX_NAME} printable ASCII characters");
        report.error(span, message).hint("write `none` to tell nothing");
    }
    (text != NONE).then(|| text.clone())
}
