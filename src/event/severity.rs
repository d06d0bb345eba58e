//! How severe an event is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Level;

/// How severe an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something is wrong, and was dealt with.
    Warning,
    /// Clients feel it, or soon will.
    Alarm,
}

impl Severity {
    /// Returns how severe a rule wants its alarm to be.
    pub(crate) fn of(level: Level) -> Self {
        match level {
            Level::Warning => Self::Warning,
            Level::Alarm => Self::Alarm,
        }
    }
}
