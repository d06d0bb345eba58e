//! Durations as text.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{Schema, json_schema};

use super::Malformed;

/// A duration as it is written and printed: `1h30m`, `90s`, `1.5s`, `500ms`, `1d`.
///
/// It is read in whole milliseconds; spaces may stand between its parts. It is printed in the largest units that
/// are exact, up to days, and below a minute with at most three decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan(pub Duration);

/// The units in milliseconds, the larger first.
const UNITS: [(&str, u64); 6] =
    [("w", 7 * DAY), ("d", DAY), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

const DAY: u64 = 24 * 3_600_000;

impl TimeSpan {
    /// Returns a measured duration as exactly as an operator needs it: tenths of a second below ten seconds,
    /// then whole seconds, minutes and hours, so that two or three digits are left.
    pub fn rounded(duration: Duration) -> Self {
        let step = match duration.as_secs() {
            0..10 => 100,
            10..600 => 1000,
            600..36_000 => 60_000,
            _ => 3_600_000,
        };
        let milliseconds = milliseconds(duration);
        Self(Duration::from_millis(milliseconds - milliseconds % step))
    }

    /// Returns what every text of a duration looks like, as JSON Schema.
    pub fn schema() -> Schema {
        let pattern = "^([0-9]+(\\.[0-9]+)? *(w|d|h|m|s|ms) *)+$";
        json_schema!({ "type": "string", "pattern": pattern, "examples": ["10s", "500ms", "1h30m"] })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut total = 0u64;
        let mut units = UNITS.iter();
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
            let (number, after) = rest.split_at(digits);
            let after = after.trim_start();
            let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            // The iterator goes on after the unit that is found, so that each occurs once and the larger first.
            let (_, scale) = units.find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
            total = total.checked_add(scaled(number, *scale)?)?;
            rest = after.trim_start();
        }
        (!text.is_empty()).then(|| Self(Duration::from_millis(total)))
    }
}

/// Returns a decimal number of units in milliseconds; `None` when that is no whole number of them.
fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, decimals) =
        number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
    let whole = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let Some(decimals) = decimals else { return Some(whole) };
    let divisor = 10u64.checked_pow(u32::try_from(decimals.len()).ok()?)?;
    let part = decimals.parse::<u64>().ok()?.checked_mul(scale)?;
    (part % divisor == 0).then(|| whole.checked_add(part / divisor))?
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<Duration> for TimeSpan {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for TimeSpan {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text).ok_or_else(|| Malformed {
            message: format!("`{text}` is not a duration"),
            hint: "write `30s`, `500ms`, `1h30m` or `1d`".to_owned(),
        })
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = milliseconds(self.0);
        match rest {
            0 => return f.write_str("0s"),
            1..1000 => return write!(f, "{rest}ms"),
            _ => {}
        }
        for (unit, scale) in &UNITS[1..4] {
            if rest >= *scale {
                write!(f, "{}{unit}", rest / scale)?;
                rest %= scale;
            }
        }
        match (rest / 1000, rest % 1000) {
            (0, 0) => Ok(()),
            (seconds, 0) => write!(f, "{seconds}s"),
            (seconds, part) => {
                let decimals = format!("{part:03}");
                write!(f, "{seconds}.{}s", decimals.trim_end_matches('0'))
            }
        }
    }
}

json_text!(TimeSpan, Self::schema());

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duration_is_numbers_with_units() {
        let read = |text: &str| text.parse::<TimeSpan>().ok().map(|span| span.0.as_secs_f64());
        for (text, seconds) in [
            ("12s", 12.0),
            ("90 s", 90.0),
            ("1m30s", 90.0),
            ("1m 30s", 90.0),
            ("1H", 3600.0),
            ("1.5h", 5400.0),
            ("1d", 86_400.0),
            ("1w", 604_800.0),
            ("1h2m3s4ms", 3723.004),
            ("3.004s", 3.004),
            ("0s", 0.0),
        ] {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
        for wrong in [
            "",
            " ",
            "12",
            "s",
            "1s1m",
            "1s1s",
            "-1s",
            "1.s",
            ".5s",
            "1..5s",
            "1.5ms",
            "99999999999999999999s",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_measured_is_rounded_to_two_or_three_digits() {
        let rounded = |seconds| TimeSpan::rounded(Duration::from_secs_f64(seconds)).to_string();
        for (seconds, text) in [
            (0.849, "800ms"),
            (2.317, "2.3s"),
            (35.9, "35s"),
            (185.0, "3m5s"),
            (1234.0, "20m"),
            (7_500.0, "2h5m"),
            (90_000.0, "1d1h"),
        ] {
            assert_eq!(rounded(seconds), text);
        }
    }

    #[test]
    fn an_error_says_what_to_write() {
        let error = "12".parse::<TimeSpan>().expect_err("it has no unit").to_string();
        assert_eq!(error, "`12` is not a duration; write `30s`, `500ms`, `1h30m` or `1d`");
    }

    proptest! {
        #[test]
        fn a_duration_prints_as_it_is_read(milliseconds in prop_oneof![any::<u64>(), 0..200_000_000u64]) {
            let span = TimeSpan(Duration::from_millis(milliseconds));
            prop_assert_eq!(span.to_string().parse(), Ok(span), "{}", span);
        }

        #[test]
        fn any_text_is_refused_or_read(text in "[0-9.dhms ]{0,12}|.{0,20}") {
            if let Ok(span) = text.parse::<TimeSpan>() {
                prop_assert_eq!(span.to_string().parse(), Ok(span));
            }
        }
    }
}
