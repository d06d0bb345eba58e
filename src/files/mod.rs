//! Reads the configuration directory, databases and state; watches them for changes.

pub mod configuration;
pub mod database;
pub mod secret;
pub mod stamp;
pub mod state;
pub mod watch;
