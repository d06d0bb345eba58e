//! How a region, an availability zone or an address stands in one family, for measured availability.

use super::log::Fall;

/// How a place stands in one family.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Side {
    /// It has no address of the family.
    Absent,
    /// No canary has looked yet, or none does.
    Unknown,
    Up,
    Down(Fall),
}

impl Side {
    /// Returns how it fell that is down.
    pub(super) fn fall(self) -> Option<Fall> {
        match self {
            Self::Down(fall) => Some(fall),
            Self::Absent | Self::Unknown | Self::Up => None,
        }
    }
}
