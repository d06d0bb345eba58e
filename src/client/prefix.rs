//! A block of addresses: a network address and how many of its leading bits are fixed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::family::Family;

/// A CIDR block. Invariant: the bits beyond `length` are zero, `length` fits the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Prefix {
    /// Returns the block of `length` leading bits around `address`; a `length` beyond the family's
    /// width is cut to it.
    pub fn around(address: IpAddr, length: u8) -> Self {
        let length = length.min(width(Family::of(address)));
        let address = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
        };
        Self { address, length }
    }

    /// Returns the first address of the block.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// Returns how many leading bits are fixed.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Returns the family of the block.
    pub fn family(self) -> Family {
        Family::of(self.address)
    }

    /// Returns whether `address` lies in the block.
    pub fn contains(self, address: IpAddr) -> bool {
        Family::of(address) == self.family() && Self::around(address, self.length) == self
    }
}

/// Returns the number of bits in an address of the family.
fn width(family: Family) -> u8 {
    match family {
        Family::V4 => 32,
        Family::V6 => 128,
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// Why a text is not a [`Prefix`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("`{0}` is not an IP address")]
    Address(String),
    #[error("the prefix length must be a number from 0 to {0}")]
    Length(u8),
    #[error("bits beyond the prefix are set; write {0}")]
    HostBits(Prefix),
}

impl FromStr for Prefix {
    type Err = ParseError;

    /// Parses `10.0.0.0/8`, or a single address as the block that holds it alone.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ParseError::Address(address.to_owned()))?;
        let width = width(Family::of(address));
        let length = match length {
            None => width,
            Some(digits) => {
                digits.parse().ok().filter(|length| *length <= width).ok_or(ParseError::Length(width))?
            }
        };
        let prefix = Self::around(address, length);
        if prefix.address == address { Ok(prefix) } else { Err(ParseError::HostBits(prefix)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_parses_and_prints_as_the_same_text() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::/32", "192.0.2.1/32"] {
            assert_eq!(text.parse::<Prefix>().map(|prefix| prefix.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_prefix_with_host_bits_is_refused_and_the_right_one_named() {
        let error = "10.1.2.3/8".parse::<Prefix>().expect_err("host bits are set");
        assert_eq!(error.to_string(), "bits beyond the prefix are set; write 10.0.0.0/8");
    }

    #[test]
    fn a_length_beyond_the_family_is_refused() {
        assert_eq!("10.0.0.0/33".parse::<Prefix>(), Err(ParseError::Length(32)));
        assert_eq!("::/129".parse::<Prefix>(), Err(ParseError::Length(128)));
    }
}
