//! How long to wait before an attempt is repeated.

use std::time::Duration;

/// The first wait: a receiver that is being restarted is back within seconds.
const FIRST: Duration = Duration::from_secs(1);

/// The longest wait: a receiver that was down for an hour has everything a minute after.
pub const LONGEST: Duration = Duration::from_secs(60);

/// Returns how long to wait after this many failures in a row, one at least: twice as long each time, less up
/// to a half by chance (`luck`, 0 to 1), so that instances that failed together do not come back together.
pub(super) fn wait(failures: u32, luck: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let wait = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    wait.mul_f64(1.0 - luck.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_second_to_a_minute_and_chance_takes_at_most_half() {
        let longest: Vec<u64> = (1..=8).map(|failures| wait(failures, 0.0).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 32, 60, 60]);
        let shortest: Vec<u128> = (1..=3).map(|failures| wait(failures, 1.0).as_millis()).collect();
        assert_eq!(shortest, [500, 1000, 2000]);
        assert_eq!(wait(u32::MAX, 0.0), LONGEST);
    }
}
