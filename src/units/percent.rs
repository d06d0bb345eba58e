//! Percentages as text.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use schemars::{Schema, json_schema};
use serde::{Deserialize, Serialize, Serializer};

use super::Malformed;

/// A percentage as it is written and printed: `10%`, `12.5%`, `140%`. It has at most four decimals.
///
/// Where only a percentage can stand, `10`, `10 %` and `10%` are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "f64")]
pub struct Percent(u32);

/// How many parts one percent has: uptime is told as finely as 99.9999 %.
const PARTS: u32 = 10_000;

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The smallest share of the clients that can be told apart.
    pub const SMALLEST_SHARE: Self = Self(PARTS / 100);
    /// The whole.
    pub const WHOLE: Self = Self::of(100);

    /// Returns this many percent, at most 429 496.
    pub const fn of(percent: u32) -> Self {
        Self(percent.saturating_mul(PARTS))
    }

    /// Returns the percentage that is nearest to a fraction, of which 1 is the whole; what is below 0 is 0.
    pub fn of_fraction(fraction: f64) -> Self {
        // The cast saturates and takes NaN to zero.
        Self((fraction * 100.0 * f64::from(PARTS)).round() as u32)
    }

    /// Returns it as a fraction, of which 1 is the whole.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(PARTS) / 100.0
    }

    /// Returns the percentage of a whole number of things, rounded up.
    pub fn of_total(self, total: usize) -> usize {
        let parts = total as u128 * u128::from(self.0);
        usize::try_from(parts.div_ceil(u128::from(Self::WHOLE.0))).unwrap_or(usize::MAX)
    }

    /// Returns a measured fraction as exactly as an operator needs it: whole percent, but tenths below 10 % and
    /// near the whole, where rounding would make nothing of a little and all of nearly all.
    pub fn rounded(fraction: f64) -> Self {
        let is_near_an_end = fraction < 0.0995 || (fraction > 0.99 && fraction < 1.0);
        let steps = if is_near_an_end { 1000.0 } else { 100.0 };
        Self::of_fraction((fraction * steps).round() / steps)
    }

    /// Reads a percentage within bounds.
    ///
    /// # Errors
    ///
    /// A text that is none, or one that is out of bounds; the error names them.
    pub fn within(text: &str, bounds: RangeInclusive<Self>) -> Result<Self, Malformed> {
        let outside = || Malformed {
            message: format!("`{text}` is not a percentage from {} to {}", bounds.start(), bounds.end()),
            hint: "write `10%` or `10`".to_owned(),
        };
        Self::parse(text).filter(|percent| bounds.contains(percent)).ok_or_else(outside)
    }

    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_suffix('%').map_or(text, str::trim_end);
        let (whole, decimals) = number.split_once('.').map_or((number, "0"), |(whole, part)| (whole, part));
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || decimals.len() > 4 {
            return None;
        }
        let parts: u32 = format!("{decimals:0<4}").parse().ok()?;
        whole.parse::<u32>().ok()?.checked_mul(PARTS)?.checked_add(parts).map(Self)
    }

    /// Reads a fraction that is written as one or as a percentage: `0.85`, `85%`. `inf` and `NaN` are none.
    pub fn parse_fraction(text: &str) -> Option<f64> {
        if text.ends_with('%') {
            return Self::parse(text).map(Self::fraction);
        }
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        text.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
    }

    /// Returns what every text of a percentage looks like, for JSON schemas.
    pub fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "number", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,4})? *%?$" }
            ],
            "examples": ["10%", 12.5]
        })
    }
}

impl FromStr for Percent {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text).ok_or_else(|| Malformed {
            message: format!("`{text}` is not a percentage"),
            hint: "write `10%` or `12.5%`".to_owned(),
        })
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, parts) = (self.0 / PARTS, self.0 % PARTS);
        match parts {
            0 => write!(f, "{whole}%"),
            _ => write!(f, "{whole}.{}%", format!("{parts:04}").trim_end_matches('0')),
        }
    }
}

/// A number in JSON: `50`, `12.5`.
impl TryFrom<f64> for Percent {
    type Error = Malformed;

    fn try_from(number: f64) -> Result<Self, Malformed> {
        number.to_string().parse()
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % PARTS {
            0 => serializer.serialize_u32(self.0 / PARTS),
            _ => serializer.serialize_f64(f64::from(self.0) / f64::from(PARTS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_percentage_is_a_number_with_or_without_its_sign() {
        for (text, fraction) in [
            ("10%", 0.1),
            ("10 %", 0.1),
            ("10", 0.1),
            ("12.5%", 0.125),
            ("99.9999", 0.999_999),
            ("140%", 1.4),
        ] {
            assert_eq!(text.parse::<Percent>().map(Percent::fraction), Ok(fraction), "{text}");
        }
        for wrong in ["", "%", "-1", "+1", "NaN", "inf", "1e3", "1.%", ".5", "0.00001", "5000000%", "ten"] {
            assert!(wrong.parse::<Percent>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_percentage_out_of_bounds_is_refused_with_them() {
        let read = |text| Percent::within(text, Percent::of(1)..=Percent::of(99));
        assert_eq!(read("50%"), Ok(Percent::of(50)));
        let error = read("100").expect_err("it is too much").to_string();
        assert_eq!(error, "`100` is not a percentage from 1% to 99%; write `10%` or `10`");
    }

    #[test]
    fn rounding_makes_nothing_of_a_little_and_all_of_nearly_all_never() {
        for (fraction, text) in [
            (0.0, "0%"),
            (0.004, "0.4%"),
            (0.034, "3.4%"),
            (0.804, "80%"),
            (0.996, "99.6%"),
            (1.0, "100%"),
            (1.4, "140%"),
            (f64::NAN, "0%"),
        ] {
            assert_eq!(Percent::rounded(fraction).to_string(), text);
        }
    }

    #[test]
    fn a_fraction_is_a_number_or_a_percentage() {
        for (text, fraction) in [("85%", 0.85), ("0.85", 0.85), ("140%", 1.4), ("85 %", 0.85)] {
            assert_eq!(Percent::parse_fraction(text), Some(fraction));
        }
        for wrong in ["", "%", "-1", "NaN", "inf", "1e3", "a%"] {
            assert_eq!(Percent::parse_fraction(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_percentage_of_things_is_rounded_up() {
        let half = Percent::of(50);
        assert_eq!([half.of_total(3), half.of_total(4), Percent::of(1).of_total(3)], [2, 2, 1]);
    }

    proptest! {
        #[test]
        fn a_percentage_prints_as_it_is_read(parts in any::<u32>()) {
            let percent = Percent(parts);
            prop_assert_eq!(percent.to_string().parse(), Ok(percent));
            let json = serde_json::to_string(&percent).expect("a number");
            prop_assert_eq!(serde_json::from_str::<Percent>(&json).expect("the same"), percent);
        }

        #[test]
        fn any_text_is_refused_or_read(text in "[0-9.% ]{0,12}|.{0,20}") {
            if let Ok(percent) = text.parse::<Percent>() {
                prop_assert_eq!(percent.to_string().parse(), Ok(percent));
            }
        }
    }
}
