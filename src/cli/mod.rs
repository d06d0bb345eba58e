//! The commands, one a file.

pub mod check;
pub mod demo;
pub mod geoip;
pub mod schema;
