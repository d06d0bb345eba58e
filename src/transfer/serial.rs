//! Serial numbers, and what comes after what (RFC 1982).

use std::fmt;

/// A serial number of a zone. Numbers go round: one is after another when the way up to it is the shorter one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serial(pub u32);

impl Serial {
    /// Returns whether it is after another. Neither of two that are 2^31 apart is.
    pub fn is_after(self, other: Self) -> bool {
        (1..1 << 31).contains(&self.0.wrapping_sub(other.0))
    }

    /// Returns the one that comes so many after it.
    pub fn plus(self, steps: u32) -> Self {
        Self(self.0.wrapping_add(steps))
    }

    /// Returns the later one of both.
    pub fn or_later(self, other: Self) -> Self {
        if other.is_after(self) { other } else { self }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_after_another_up_to_half_of_the_way_round() {
        for (one, other, expected) in [
            (1, 0, true),
            (0, 0, false),
            (0, 1, false),
            (0, u32::MAX, true),
            (u32::MAX, 0, false),
            (0x7fff_ffff, 0, true),
            (0x8000_0000, 0, false),
            (0, 0x8000_0000, false),
        ] {
            assert_eq!(Serial(one).is_after(Serial(other)), expected, "{one} after {other}");
        }
        assert_eq!(Serial(u32::MAX).plus(1), Serial(0));
        assert_eq!(Serial(3).or_later(Serial(2)), Serial(3));
        assert_eq!(Serial(u32::MAX).or_later(Serial(2)), Serial(2));
    }
}
