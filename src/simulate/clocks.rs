//! The clocks of the machine: the wall clock, which may jump, and the moments of a process, which may not.
//!
//! A process reads the wall clock once, when it starts (`daemon::clock`), and a jump is nothing to it. The next
//! one starts from what the wall says then.

use super::quantity::Jump;
use crate::moment::Moment;

/// How far two clocks are from the time of the scenario, in milliseconds.
#[derive(Debug, Default)]
pub struct Clocks {
    wall_milliseconds: i64,
    process_milliseconds: i64,
}

impl Clocks {
    /// Lets the wall clock jump.
    pub fn jump(&mut self, jump: Jump) {
        let milliseconds = match jump {
            Jump::Forward(by) => i64::try_from(by.as_millis()),
            Jump::Back(by) => i64::try_from(by.as_millis()).map(|milliseconds| -milliseconds),
        };
        self.wall_milliseconds += milliseconds.expect("a scenario's times are at most a week");
    }

    /// Lets a process start, and read the wall clock.
    pub fn read_anew(&mut self) {
        self.process_milliseconds = self.wall_milliseconds;
    }

    /// Returns the moment that the process takes this time for. Before 1970 there is none.
    pub fn moment(&self, now: Moment) -> Moment {
        Moment(now.0.saturating_add_signed(self.process_milliseconds))
    }

    /// Returns the time that the process takes this moment for.
    pub fn time_of(&self, moment: Moment) -> Moment {
        Moment(moment.0.saturating_add_signed(-self.process_milliseconds))
    }
}

/// When every simulation begins: 2026-01-01 00:00:00 UTC, so that a state file can be older than it.
pub const BOOT: Moment = Moment(1_767_225_600_000);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_jump_is_seen_by_the_next_process_only() {
        let mut clock = Clocks::default();
        clock.jump(Jump::Back(Duration::from_secs(5)));
        clock.jump(Jump::Forward(Duration::from_secs(2)));
        assert_eq!(clock.moment(Moment(10_000)), Moment(10_000));
        clock.read_anew();
        assert_eq!(clock.moment(Moment(10_000)), Moment(7_000));
        assert_eq!(clock.time_of(Moment(7_000)), Moment(10_000));
    }
}
