//! The rules of safety that an intent may break only when it says so.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule of safety.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SafetyRule {
    /// All clients that have a permitted region in service keep one.
    NoRegion,
    /// `safety.min_in_service` holds.
    MinInService,
    /// No survivor passes its hard limit.
    HardLimit,
    /// At most one shift, drain or drill at a time.
    OneAtATime,
}

impl SafetyRule {
    /// Every rule.
    pub const ALL: [Self; 4] = [Self::NoRegion, Self::MinInService, Self::HardLimit, Self::OneAtATime];

    /// The longest that an intent may stand which breaks one: an emergency does not last.
    pub const LONGEST_OVERRIDE: Duration = Duration::from_secs(4 * 3600);

    /// Returns the word that `--override` takes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRegion => "no_region",
            Self::MinInService => "min_in_service",
            Self::HardLimit => "hard_limit",
            Self::OneAtATime => "one_at_a_time",
        }
    }
}

impl FromStr for SafetyRule {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text).ok_or(())
    }
}

impl fmt::Display for SafetyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
