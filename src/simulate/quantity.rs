//! Numbers as scenarios write them: fractions, ranges, times and jumps; and as timelines print them.

use std::fmt;
use std::time::Duration;

use crate::units::TimeSpan;

/// A fraction as people read it: `80 %`, and `0.4 %` near the ends, where rounding would say nobody or all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        let is_near_an_end = (percent > 0.0 && percent < 1.0) || (percent > 99.0 && percent < 100.0);
        write!(f, "{percent:.*} %", usize::from(is_near_an_end))
    }
}

/// What a number is expected to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// From one to the other, both included.
    Within(f64, f64),
    Below(f64),
    Above(f64),
}

impl Range {
    /// The whole.
    pub const ALL: Self = Self::Within(1.0, 1.0);

    /// Returns whether a number is as expected.
    pub fn contains(self, number: f64) -> bool {
        match self {
            Self::Within(lowest, highest) => (lowest..=highest).contains(&number),
            Self::Below(limit) => number < limit,
            Self::Above(limit) => number > limit,
        }
    }
}

/// A jump of the wall clock: `+1h`, `-30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// It goes on later than it was.
    Forward(Duration),
    /// It goes on earlier than it was.
    Back(Duration),
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(by) => write!(f, "+{}", TimeSpan(*by)),
            Self::Back(by) => write!(f, "-{}", TimeSpan(*by)),
        }
    }
}

/// Parses a fraction, as `85%` or `0.85`.
pub fn fraction(text: &str) -> Option<f64> {
    let (digits, scale) = text.strip_suffix('%').map_or((text, 1.0), |digits| (digits, 100.0));
    number(digits).map(|number| number / scale)
}

/// Parses a number that is not negative. `inf` and `NaN` are none.
pub fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_a_number_or_a_percentage() {
        assert_eq!(fraction("85%"), Some(0.85));
        assert_eq!(fraction("0.85"), Some(0.85));
        assert_eq!(fraction("140%"), Some(1.4));
        for wrong in ["", "%", "-1", "NaN", "inf", "1e3", "85 %", "a%"] {
            assert_eq!(fraction(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rounding_makes_nobody_of_a_few_and_all_of_nearly_all_never() {
        for (fraction, text) in [
            (0.0, "0 %"),
            (0.004, "0.4 %"),
            (0.804, "80 %"),
            (0.996, "99.6 %"),
            (1.0, "100 %"),
            (1.4, "140 %"),
        ] {
            assert_eq!(Percent(fraction).to_string(), text);
        }
    }
}
