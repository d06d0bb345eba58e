//! The one notion of time that rules use.
//!
//! A [`Moment`] says what the wall clock says, and advances with the monotonic clock, so that no duration changes when
//! the wall clock is set. Moments follow it all the same: the shell notices that it was set ([`ClockStep`]), and all
//! moments that are kept move by that much at once ([`FollowClock`]). Only the shell makes moments; everything inside
//! takes them as arguments.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since the Unix epoch, advancing monotonically.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(pub u64);

impl Moment {
    /// Returns the moment that lies `duration` after this one, saturating at the end of time.
    pub fn plus(self, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }

    /// Returns the moment that lies `duration` before this one, saturating at the epoch.
    pub fn minus(self, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(milliseconds))
    }

    /// Returns how long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// By how many milliseconds the wall clock was set forward; negative: back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockStep(pub i64);

impl ClockStep {
    /// Returns by how much it was set, whatever the direction.
    pub fn size(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }
}

/// What keeps moments, and moves them when the wall clock is set: what was a minute ago still was.
pub trait FollowClock {
    /// Moves every moment that is kept by this step.
    fn follow_clock(&mut self, step: ClockStep);
}

impl FollowClock for Moment {
    fn follow_clock(&mut self, step: ClockStep) {
        // The epoch was never read from a clock: it stands for what was always so.
        if *self > Self::default() {
            self.0 = self.0.saturating_add_signed(step.0);
        }
    }
}

impl<T: FollowClock + ?Sized> FollowClock for Box<T> {
    fn follow_clock(&mut self, step: ClockStep) {
        (**self).follow_clock(step);
    }
}

impl<T: FollowClock + Clone> FollowClock for Arc<T> {
    fn follow_clock(&mut self, step: ClockStep) {
        Self::make_mut(self).follow_clock(step);
    }
}

impl<T: FollowClock> FollowClock for Option<T> {
    fn follow_clock(&mut self, step: ClockStep) {
        self.iter_mut().for_each(|kept| kept.follow_clock(step));
    }
}

impl<T: FollowClock> FollowClock for [T] {
    fn follow_clock(&mut self, step: ClockStep) {
        self.iter_mut().for_each(|kept| kept.follow_clock(step));
    }
}

impl<T: FollowClock, const N: usize> FollowClock for [T; N] {
    fn follow_clock(&mut self, step: ClockStep) {
        self.as_mut_slice().follow_clock(step);
    }
}

impl<T: FollowClock> FollowClock for Vec<T> {
    fn follow_clock(&mut self, step: ClockStep) {
        self.as_mut_slice().follow_clock(step);
    }
}

impl<T: FollowClock> FollowClock for VecDeque<T> {
    fn follow_clock(&mut self, step: ClockStep) {
        self.iter_mut().for_each(|kept| kept.follow_clock(step));
    }
}

impl<K, T: FollowClock> FollowClock for BTreeMap<K, T> {
    fn follow_clock(&mut self, step: ClockStep) {
        self.values_mut().for_each(|kept| kept.follow_clock(step));
    }
}

impl<K, T: FollowClock, S> FollowClock for HashMap<K, T, S> {
    fn follow_clock(&mut self, step: ClockStep) {
        self.values_mut().for_each(|kept| kept.follow_clock(step));
    }
}

/// Makes a struct follow the clock by these fields: those that are moments or keep some.
macro_rules! follows_clock {
    ($kept:ty: $($field:ident),+) => {
        impl crate::moment::FollowClock for $kept {
            fn follow_clock(&mut self, step: crate::moment::ClockStep) {
                $(crate::moment::FollowClock::follow_clock(&mut self.$field, step);)+
            }
        }
    };
}
pub(crate) use follows_clock;

/// As RFC 3339 in UTC, always with milliseconds, so that lines sort by it: `2026-03-01T09:30:00.250Z`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = i64::try_from(self.0).unwrap_or(i64::MAX);
        // What lies beyond the year 9999 comes from nonsense, such as a database's damaged build time.
        let time = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{time:.3}")
    }
}

/// A text that is not a time by RFC 3339 since 1970.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time such as 2026-03-01T09:30:00Z")]
pub struct MalformedMoment(String);

impl FromStr for Moment {
    type Err = MalformedMoment;

    /// Reads RFC 3339 with any offset, to the millisecond.
    fn from_str(text: &str) -> Result<Self, MalformedMoment> {
        let time = text.parse::<jiff::Timestamp>().ok();
        let milliseconds = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
        milliseconds.map(Self).ok_or_else(|| MalformedMoment(text.to_owned()))
    }
}

/// Moments as RFC 3339 in JSON, with `#[serde(with = "rfc3339")]`; state files keep them as numbers.
pub mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Moment;

    /// Writes a moment.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(at: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    /// Reads a moment.
    ///
    /// # Errors
    ///
    /// A text that is no time.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }

    /// The same where there may be none.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use crate::moment::Moment;

        #[derive(Serialize, Deserialize)]
        struct Text(#[serde(with = "super")] Moment);

        /// Writes a moment, or `null`.
        ///
        /// # Errors
        ///
        /// Those of the serializer.
        pub fn serialize<S: Serializer>(at: &Option<Moment>, serializer: S) -> Result<S::Ok, S::Error> {
            at.map(Text).serialize(serializer)
        }

        /// Reads a moment, or `null`.
        ///
        /// # Errors
        ///
        /// A text that is no time.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Moment>, D::Error> {
            Ok(Option::<Text>::deserialize(deserializer)?.map(|text| text.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_moment_is_read_with_any_offset_and_nonsense_is_refused() {
        for text in ["1970-01-01T00:00:01.5Z", "1970-01-01T01:00:01.500+01:00"] {
            assert_eq!(text.parse(), Ok(Moment(1500)), "{text}");
        }
        for wrong in ["", "now", "1969-12-31T23:59:59Z", "2026-03-01", "1500"] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
        assert!(Moment(u64::MAX).to_string().starts_with("9999-12-30T"));
    }

    proptest! {
        // Up to the year 9999, where the calendar of the parser ends.
        #[test]
        fn a_moment_prints_as_it_is_read(milliseconds in 0..253_370_764_800_000u64) {
            prop_assert_eq!(Moment(milliseconds).to_string().parse(), Ok(Moment(milliseconds)));
        }

        #[test]
        fn any_text_is_refused_or_read(text in ".{0,30}") {
            if let Ok(moment) = text.parse::<Moment>() {
                prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            }
        }
    }
}
