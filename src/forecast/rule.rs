//! The sentence for a rule that a change of the situation would break.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::intent::SafetyRule;

/// A rule that a change would break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// The rule.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    #[schemars(with = "String")]
    pub rule: SafetyRule,
    /// What would happen, with the numbers.
    pub sentence: String,
}

fn write<S: Serializer>(rule: &SafetyRule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rule.as_str())
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SafetyRule, D::Error> {
    let word = String::deserialize(deserializer)?;
    word.parse().map_err(|()| serde::de::Error::custom(format!("`{word}` is not a rule")))
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
