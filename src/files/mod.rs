//! Reads the configuration directory, databases and state; watches them for changes.

pub mod configuration;
pub mod state;
