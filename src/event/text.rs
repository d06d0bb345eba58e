//! How texts of events write numbers, durations and moments.

use std::fmt;
use std::time::Duration;

/// A number of things: `1 name`, `2 names`.
pub(crate) struct Count(pub usize, pub &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, thing) = self;
        write!(f, "{number} {thing}{}", if *number == 1 { "" } else { "s" })
    }
}

/// A duration, rounded to what a reader needs: `0.8s`, `35s`, `12min`.
pub(crate) struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0..10 => write!(f, "{:.1}s", self.0.as_secs_f64()),
            seconds @ 10..120 => write!(f, "{seconds}s"),
            seconds @ 120..7200 => write!(f, "{}min", seconds / 60),
            seconds => write!(f, "{}h", seconds / 3600),
        }
    }
}

/// A moment as text in RFC 3339, in UTC, always with milliseconds: lines sort by it.
pub(super) mod rfc3339 {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::moment::Moment;

    pub fn text(at: Moment) -> String {
        let milliseconds = i64::try_from(at.0).unwrap_or(i64::MAX);
        // What lies beyond the year 9999 comes from a nonsensical clock.
        let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::MAX);
        format!("{time:.3}")
    }

    pub fn serialize<S: Serializer>(at: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(*at))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        u64::try_from(time.as_millisecond()).map(Moment).map_err(D::Error::custom)
    }
}
