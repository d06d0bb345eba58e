//! The one notion of time that rules use.
//!
//! A [`Moment`] is read from the wall clock once, at boot, and from then on advances with the
//! monotonic clock, so that a jump of the wall clock moves nothing. Only the shell makes moments;
//! everything inside takes them as arguments.

use std::time::Duration;

/// A point in time: milliseconds since the Unix epoch, advancing monotonically.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// Returns the moment that lies `duration` after this one, saturating at the end of time.
    pub fn plus(self, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }

    /// Returns how long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}
