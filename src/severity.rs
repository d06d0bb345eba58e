//! How much an event, an alarm or a rule matters.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much something matters, from the least to the most. It is the same word in the configuration, in events
/// and in alarms.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Severity {
    /// Nothing is wrong.
    #[default]
    Info,
    /// Something is wrong, and was dealt with.
    Warning,
    /// Clients feel it, or soon will.
    Critical,
}

impl Severity {
    /// Every severity, from the least to the most.
    #[cfg(test)]
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_is_one_word_and_they_have_an_order() {
        assert!(Severity::ALL.is_sorted());
        for severity in Severity::ALL {
            let json = format!("\"{severity}\"");
            assert_eq!(serde_json::from_str::<Severity>(&json).expect("a severity"), severity);
            assert_eq!(serde_json::to_string(&severity).expect("a word"), json);
        }
    }
}
