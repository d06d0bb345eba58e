//! Why something else is served than the configuration directory holds.

use std::fmt;

use crate::severity::Severity;

/// Why the content of the directory is not in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassedOver {
    /// An operator went back, and the directory is as it was then.
    RolledBack {
        /// The counter of the generation in force.
        served: u64,
    },
    /// The directory holds a commit that was in force before the present one.
    Late {
        /// The counter of the generation in force.
        served: u64,
        /// The counter of the generation with that commit.
        found: u64,
    },
    /// The directory could not be used when the server started.
    Broken {
        /// The counter of the generation in force.
        served: u64,
        /// What is wrong with it, in a line.
        why: String,
    },
}

impl PassedOver {
    /// Returns how severe it is. After a restart with a broken directory nothing is served that an operator chose.
    pub fn severity(&self) -> Severity {
        match self {
            Self::RolledBack { .. } | Self::Late { .. } => Severity::Warning,
            Self::Broken { .. } => Severity::Critical,
        }
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RolledBack { served } => write!(
                f,
                "generation {served} is served after a rollback; what the configuration directory holds is not in force \
                 until it changes"
            ),
            Self::Late { served, found } => write!(
                f,
                "the configuration directory holds the commit of generation {found}, which is older than generation \
                 {served}, and is not in force; `meridian rollback {found}` serves it on purpose"
            ),
            Self::Broken { served, why } => write!(
                f,
                "generation {served}, the last good one, is served: the configuration directory could not be used at the \
                 start: {why}"
            ),
        }
    }
}
