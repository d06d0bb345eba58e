//! Requests of operators, and the numbers of their bounds, to which `control::request` holds them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, SafetyRule};

/// The shortest time that an intent stands: shorter, and resolvers hardly notice.
pub const SHORTEST_TIME: Duration = Duration::from_secs(60);

/// The longest time that an intent stands that ends by itself: over a weekend. What is meant to last belongs in
/// the configuration.
pub const LONGEST_TIME: Duration = Duration::from_secs(72 * 3600);

/// The longest that an intent may be asked for ahead: what is known earlier belongs in the configuration.
pub const LONGEST_AHEAD: Duration = Duration::from_secs(30 * 24 * 3600);

/// The longest reason, in octets: it goes into every line of the log about the intent.
pub const MAX_REASON: usize = 500;

/// The longest name of an author, in octets: it goes into a line of the log.
pub const MAX_AUTHOR: usize = 100;

/// An action with its author, reason and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub action: Action,
    pub author: String,
    pub reason: String,
    /// How long the intent stands; `None`: until it is lifted.
    pub lasts: Option<Duration>,
    /// The safety rules that are broken on purpose.
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
