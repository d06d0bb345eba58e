//! The commands, one a file.

pub mod demo;
pub mod geoip;
