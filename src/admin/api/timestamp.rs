//! Moments as the API writes them.

use std::fmt;
use std::str::FromStr;

use schemars::json_schema;

use crate::moment::{MalformedMoment, Moment};
use crate::units::json_text;

/// A moment as text in RFC 3339, in UTC: `2026-03-01T09:30:00.250Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub Moment);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = MalformedMoment;

    fn from_str(text: &str) -> Result<Self, MalformedMoment> {
        text.parse().map(Self)
    }
}

json_text!(Timestamp, json_schema!({ "type": "string", "format": "date-time" }));
