//! Reads the configuration directory, databases, secrets and state; watches them for changes; keeps the event log.

pub mod configuration;
pub mod cursor;
pub mod database;
mod document;
pub mod events;
pub mod intents;
pub mod ledger;
pub mod secret;
pub mod stamp;
pub mod state;
pub mod watch;
