//! What an operator asks for: an action with its author, reason and time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, SafetyRule};

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What.
    pub action: Action,
    /// Who.
    pub author: String,
    /// Why.
    pub reason: String,
    /// For how long; `None`: until it is lifted.
    pub lasts: Option<Duration>,
    /// The rules that are broken on purpose.
    pub overrides: Vec<SafetyRule>,
}

#[cfg(test)]
use crate::region::Target;

#[cfg(test)]
impl Default for Request {
    fn default() -> Self {
        Self {
            action: Action::Drain { target: Target::of_region("tokyo") },
            author: "alice".to_owned(),
            reason: "a test".to_owned(),
            lasts: None,
            overrides: Vec::new(),
        }
    }
}
