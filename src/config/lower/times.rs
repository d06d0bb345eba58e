//! Durations: their bounds, and how they are written.

use std::time::Duration;

use crate::config::problem::Report;
use crate::config::spec::{Value, given};

/// Returns a duration or its default, and reports one that is out of bounds.
pub(super) fn duration(
    setting: &Option<Value<Duration>>,
    key: &str,
    default: Duration,
    (shortest, longest): (Duration, Duration),
    report: &mut Report,
) -> Duration {
    let Some((duration, place)) = given(setting) else {
        return default;
    };
    if *duration < shortest || *duration > longest {
        let message =
            format!("`{key}` goes from {} to {}, not {}", text(shortest), text(longest), text(*duration));
        report.error(place, message);
    }
    *duration
}

/// Writes a duration as the operator would.
pub(super) fn text(duration: Duration) -> String {
    match duration.as_millis() {
        milliseconds if milliseconds % 1000 != 0 => format!("{milliseconds}ms"),
        milliseconds if milliseconds % 3_600_000 == 0 && milliseconds > 0 => {
            format!("{}h", milliseconds / 3_600_000)
        }
        milliseconds if milliseconds % 60_000 == 0 && milliseconds > 60_000 => {
            format!("{}m", milliseconds / 60_000)
        }
        milliseconds => format!("{}s", milliseconds / 1000),
    }
}
