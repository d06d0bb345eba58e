//! Durations: their bounds, and how they are written.

use std::time::Duration;

use super::kinds::Number;
use super::leaf::{Value, given, required};
use crate::client::Coordinates;
use crate::config::problem::{Reporter, Span};
use crate::units::TimeSpan;

/// Returns a duration or its default, and reports one that is out of bounds.
pub fn duration(
    setting: &Option<Value<Duration>>,
    key: &str,
    default: Duration,
    (shortest, longest): (Duration, Duration),
    report: &mut Reporter,
) -> Duration {
    let Some((duration, span)) = given(setting) else {
        return default;
    };
    if *duration < shortest || *duration > longest {
        let message = format!(
            "`{key}` goes from {} to {}, not {}",
            TimeSpan(shortest),
            TimeSpan(longest),
            TimeSpan(*duration)
        );
        report.error(span, message);
    }
    *duration
}

/// Returns a point on the globe, whose bounds it checks.
pub fn point(
    latitude: &Value<f64>,
    longitude: &Value<f64>,
    parent: Span,
    report: &mut Reporter,
) -> Option<Coordinates> {
    let mut degrees = |value: &Value<f64>, key: &str, bound: f64| {
        let hint = "write `location: { latitude: 35.68, longitude: 139.69 }`";
        let (degrees, span) = required(value, key, parent, hint, report)?;
        if degrees.abs() > bound {
            report.error(span, format!("`{key}` goes from -{bound} to {bound}, not {degrees}"));
        }
        Some(*degrees)
    };
    let latitude = degrees(latitude, "latitude", 90.0);
    let longitude = degrees(longitude, "longitude", 180.0);
    Some(Coordinates { latitude: latitude?, longitude: longitude? })
}

/// The highest load that is believed (`Signal::Load`).
pub const HIGHEST_LOAD: f64 = 10.0;

/// Returns a fraction or its default, and reports one that is not above 0 or is above `highest`.
pub fn fraction(
    setting: &Option<Value<Number>>,
    key: &str,
    default: f64,
    highest: f64,
    report: &mut Reporter,
) -> f64 {
    let Some((Number(fraction), span)) = given(setting) else {
        return default;
    };
    if *fraction <= 0.0 || *fraction > highest {
        let message = format!("`{key}` is above 0 and at most {highest}, not {fraction}");
        report.error(span, message).hint("80 % is written `0.80`");
    }
    *fraction
}
