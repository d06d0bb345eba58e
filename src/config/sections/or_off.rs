//! Sections that may be `off` as a whole.

use schemars::JsonSchema;
use serde::Deserialize;

/// A section, or `off`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged, inline)]
pub(super) enum OrOff<T> {
    /// `off`.
    Scalar(Never),
    /// What it says.
    Mapping(T),
}

/// Nothing of it.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Never {
    /// There is none.
    Off,
}
