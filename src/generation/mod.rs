//! Generations: the number of every configuration that was in force, which never goes back.
//!
//! A [`Lineage`] has the last of them with their content. It judges what the configuration directory holds, and is the
//! one place where a new generation is made: by a change of the directory, by a rollback, by a restore.
//!
//! ```text
//!  the directory holds                                      becomes
//!  ──────────────────────────────────────────────────────────────────────────────────
//!  what is in force                                         nothing new
//!  what a rollback passed over, as it was                   nothing: the rollback holds
//!  the commit of an older generation, as it was             nothing: it is late
//!  anything else                                            the next generation
//! ```

mod changes;
mod content;
mod lineage;
mod passed_over;
mod saved;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

pub use changes::changes;
pub use content::{ConfigContent, ContentFile};
pub use lineage::{DirectoryContent, Lineage, RollbackRefusal};
pub use passed_over::PassedOver;
pub use saved::SavedLineage;

/// The number of a configuration. A later one is greater, also across instances that were set up anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generation {
    /// When the state directory was begun or restored, in milliseconds since the Unix epoch: what a lost machine counted is
    /// lower than what its successor counts.
    pub epoch: u64,
    /// One more than that of the generation before, and unique in a state directory.
    pub counter: u64,
    /// The name of the instance that made it.
    pub origin: String,
}

/// What made a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GenerationCause {
    /// The configuration directory was read, and held something new.
    Directory,
    /// An operator went back to the content of this generation.
    Rollback(u64),
    /// A backup was restored that had this generation in force.
    Restore(u64),
}

impl fmt::Display for GenerationCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => f.write_str("directory"),
            Self::Rollback(of) => write!(f, "rollback to {of}"),
            Self::Restore(of) => write!(f, "restore of {of}"),
        }
    }
}

/// The commit that is checked out in a work tree of git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// Its object name, in hexadecimal digits.
    pub commit: String,
    /// The name of the user who brought it here: committed, merged, pulled; `None`: git has no record of it.
    pub author: Option<String>,
}

/// A generation, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationRecord {
    pub generation: Generation,
    /// The SHA-256 of its content.
    pub digest: String,
    pub at: Moment,
    pub cause: GenerationCause,
    /// The operator of a rollback, or the one who brought the commit.
    pub author: Option<String>,
    /// The commit that was checked out last while it was in force.
    pub commit: Option<String>,
    /// Commits with the same content that were checked out before that one, the latest last.
    pub earlier_commits: Vec<String>,
    /// How it differs from the generation before, in a line.
    pub changes: String,
    /// `None`: it is too large to be kept.
    pub content: Option<ConfigContent>,
}
