//! The serial numbers as they are saved: what a start begins after.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// By apex: the highest serial number that may have been told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SavedSerials(pub BTreeMap<String, SavedSerial>);

/// The highest serial number of a zone that may have been told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedSerial {
    pub serial: u32,
    /// The digest of the data that has just this number, in hexadecimal digits. `None`: the server was running, and may have
    /// gone on to this number, which then stands for nothing.
    pub digest: Option<String>,
}
