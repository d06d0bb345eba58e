//! Files: the configuration directory, databases and secrets, which are read; what changes there; and the state
//! directory, which is written: one [`Store`] for each value that outlives the process, and the event log.

mod availability;
pub mod backup;
pub mod configuration;
mod cursors;
pub mod database;
pub mod events;
mod generations;
pub mod git;
mod health;
mod hosts;
mod intents;
pub(crate) mod regular;
pub mod secret;
mod serials;
mod sha256;
pub mod stamp;
pub mod state_directory;
pub mod store;
pub mod watch;

pub use cursors::Cursors;
pub use sha256::sha256;
pub use state_directory::StateDirectory;
pub use store::{PeekError, SHARED, Saved, Store, write_whole};
