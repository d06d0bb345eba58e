//! The rules that a change of the situation must not break, and the sentence for one that does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::config::suggest;

/// A rule about what a change may lead to. Its word is what `--override` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Nobody is left without a permitted region who had one.
    NoRegion,
    /// No fewer regions stay in service than the operator laid down.
    MinInService,
    /// No region that keeps its clients passes its hard limit.
    HardLimit,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::NoRegion, Self::MinInService, Self::HardLimit];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRegion => "no_region",
            Self::MinInService => "min_in_service",
            Self::HardLimit => "hard_limit",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a rule that can be overridden: {hint}")]
pub struct UnknownRule {
    word: String,
    hint: String,
}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(word: &str) -> Result<Self, UnknownRule> {
        let known = Self::ALL.into_iter().find(|rule| rule.as_str() == word);
        known.ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str);
            let hint = match suggest::nearest(word, words) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are {}", words.join(", ")),
            };
            UnknownRule { word: word.to_owned(), hint }
        })
    }
}

/// A rule that a change would break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// What would happen, with the numbers.
    pub sentence: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_by_its_word_and_a_slip_of_the_finger_is_recognised() {
        for rule in Rule::ALL {
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        let told = |word: &str| word.parse::<Rule>().expect_err("no rule").to_string();
        assert_eq!(
            told("hard-limit"),
            "`hard-limit` is not a rule that can be overridden: did you mean `hard_limit`?"
        );
        assert!(told("all").ends_with("there are no_region, min_in_service, hard_limit"));
    }
}
