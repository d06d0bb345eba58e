//! How a region or availability zone may leave the answers, and how it comes back into them.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::share::Share;

/// The longest that a place waits after a fall, however often it has fallen (design, section 5).
pub const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// What the machine may do about a region whose health says that it should leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failover {
    /// It acts.
    #[default]
    Auto,
    /// It says what it would do, and moves no clients.
    Advise,
    /// It neither acts nor says so. Addresses are still judged one by one.
    Off,
}

impl Failover {
    pub const ALL: [Self; 3] = [Self::Auto, Self::Advise, Self::Off];

    /// Finds the mode of a word that the configuration uses.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }

    /// Returns the word that the configuration uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Advise => "advise",
            Self::Off => "off",
        }
    }
}

/// Who lets a region back into the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failback {
    /// The machine, as soon as `min_down` is over.
    #[default]
    Auto,
    /// An operator: until then it is held.
    Manual,
}

/// How a region, and each of its availability zones, comes back after a fall.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// The shortest time between a fall and the return of traffic. It doubles with each fall in the hour,
    /// up to [`LONGEST_WAIT`].
    pub min_down: Duration,
    /// The shares on the way back to all clients, growing; empty: all at once.
    pub ramp: Vec<Share>,
    /// How long each share of the ramp is held.
    pub hold: Duration,
    /// What must be so for the next share.
    pub gates: Gates,
    /// Who lets it back.
    pub failback: Failback,
}

/// What must be so at the end of each step of a ramp. A signal that is not known closes no gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gates {
    /// The highest share of requests that may fail, 0 to 1.
    pub error_rate: f64,
    /// The highest share of the capacity that may be in use, above 0.
    pub load: f64,
}

impl Default for Recovery {
    /// Returns a wait of 60 s, steps of 10 and 50 % for a minute each, and an automatic return.
    fn default() -> Self {
        Self {
            min_down: Duration::from_secs(60),
            ramp: vec![Share::percent(10), Share::percent(50)],
            hold: Duration::from_secs(60),
            gates: Gates::default(),
            failback: Failback::Auto,
        }
    }
}

impl Default for Gates {
    /// Returns 5 % of errors, and the load at which regions begin to shed.
    fn default() -> Self {
        Self { error_rate: 0.05, load: 0.80 }
    }
}
