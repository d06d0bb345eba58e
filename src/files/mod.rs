//! Reads the configuration directory, databases and state; watches them for changes.

pub mod configuration;
pub mod database;
mod document;
pub mod intents;
pub mod secret;
pub mod stamp;
pub mod state;
pub mod watch;
