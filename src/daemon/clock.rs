//! The real clock: the wall clock read once, at boot, and the monotonic one from then on.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::moment::Moment;

/// Makes moments.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    boot: Moment,
    started: Instant,
}

impl SystemClock {
    /// Reads the wall clock. A clock before 1970 counts as 1970: only differences matter.
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { boot: Moment::default().plus(since_epoch), started: Instant::now() }
    }

    /// Returns when the clock was started.
    pub fn boot(&self) -> Moment {
        self.boot
    }

    /// Returns the present moment.
    pub fn now(&self) -> Moment {
        self.boot.plus(self.started.elapsed())
    }
}
