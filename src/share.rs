//! Who belongs to a share of the clients: a keyed hash of the client's prefix.
//!
//! Whether a client is in depends on its /24 (or /48) and on the name of the place whose share it
//! is, and on nothing else: not on the query, the time, or the instance that answers. So every
//! instance draws the same line, a share that grows only adds clients, and one that shrinks only
//! removes them: no client moves twice on one ramp.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::family::Family;
use crate::units::{Malformed, Percent};

/// A share of the clients in hundredths of a percent, 0 to 10 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Share(u16);

impl Share {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every second.
    pub const HALF: Self = Self(5_000);
    /// All.
    pub const ALL: Self = Self(10_000);

    /// Returns this many percent; more than 100 is all.
    pub fn percent(percent: u8) -> Self {
        Self((u16::from(percent) * 100).min(10_000))
    }

    /// Returns the share that is nearest to a fraction from 0 to 1; outside of that, the nearer end.
    pub fn of_fraction(fraction: f64) -> Self {
        // The cast saturates and takes NaN to zero.
        Self((fraction * 10_000.0).round().clamp(0.0, 10_000.0) as u16)
    }

    /// Returns the share as a fraction from 0 to 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// Returns the share that both leave: half of a half is a quarter.
    pub fn times(self, other: Self) -> Self {
        let product = u32::from(self.0) * u32::from(other.0);
        Self(u16::try_from(product / 10_000).expect("a product of fractions is a fraction"))
    }

    /// Returns the share of all others.
    pub fn rest(self) -> Self {
        Self(Self::ALL.0 - self.0)
    }

    /// Returns whether the client whose bucket this is belongs to the share.
    pub fn includes(self, bucket: Bucket) -> bool {
        bucket.0 < self.0
    }
}

impl FromStr for Share {
    type Err = Malformed;

    /// Reads a percentage above 0 and at most 100.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Percent::within(text, Percent::SMALLEST_SHARE..=Percent::WHOLE).map(Self::from)
    }
}

impl From<Percent> for Share {
    /// Returns the share that is nearest; of more than 100 percent, all.
    fn from(percent: Percent) -> Self {
        Self::of_fraction(percent.fraction())
    }
}

impl From<Share> for Percent {
    fn from(share: Share) -> Self {
        Self::of_fraction(share.fraction())
    }
}

impl From<f64> for Share {
    fn from(fraction: f64) -> Self {
        Self::of_fraction(fraction)
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.fraction()
    }
}

/// Where a client stands among all clients of a place: 0 to 9 999, all equally likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket(u16);

/// What sets the lots of one place apart from those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// Returns the key of the place with this name. Names, not numbers: two instances whose
    /// configurations list the regions in another order still agree.
    pub fn of(name: &str) -> Self {
        // FNV-1a with its published 64-bit basis and prime: stable across versions and machines.
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, step))
    }

    /// Returns the bucket of a client.
    pub fn bucket(self, client: IpAddr) -> Bucket {
        let prefix = match client {
            IpAddr::V4(v4) => u64::from(v4.to_bits() >> 8),
            // The family is part of the input, so that no IPv6 prefix shares the lot of an IPv4 one.
            IpAddr::V6(v6) => (v6.to_bits() >> 80) as u64 | 1 << 63,
        };
        let mixed = mix(prefix ^ self.0);
        Bucket(((u128::from(mixed) * 10_000) >> 64) as u16)
    }
}

/// The length of the prefix that belongs to a share as a whole.
pub fn prefix_length(family: Family) -> u8 {
    match family {
        Family::V4 => 24,
        Family::V6 => 48,
    }
}

/// Mixes every bit into every other: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// To a tenth of a percent, and often less: `10%`, `12.5%`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Percent::of_fraction((self.fraction() * 1000.0).round() / 1000.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> impl Iterator<Item = IpAddr> {
        (0..20_000u32).map(|n| IpAddr::from((n << 8 | 0x0a00_0007).to_be_bytes()))
    }

    fn members(name: &str, share: Share) -> Vec<bool> {
        let key = Key::of(name);
        clients().map(|client| share.includes(key.bucket(client))).collect()
    }

    #[test]
    fn a_share_holds_about_as_many_clients_as_it_says() {
        for percent in [1, 10, 50, 99] {
            let inside = members("tokyo", Share::percent(percent)).iter().filter(|inside| **inside).count();
            let expected = 200 * usize::from(percent);
            assert!(inside.abs_diff(expected) < 250, "{percent} %: {inside} of 20 000");
        }
    }

    #[test]
    fn a_client_at_ten_percent_stays_in_at_fifty() {
        let ten = members("tokyo", Share::percent(10));
        let fifty = members("tokyo", Share::percent(50));
        assert!(ten.iter().zip(&fifty).all(|(ten, fifty)| !ten || *fifty));
    }

    #[test]
    fn two_places_draw_their_lots_independently() {
        let both = members("tokyo", Share::percent(50));
        let other = members("osaka", Share::percent(50));
        let shared = both.iter().zip(&other).filter(|(one, other)| **one && **other).count();
        assert!(shared.abs_diff(5_000) < 300, "{shared} of 20 000 are in both halves");
    }

    #[test]
    fn all_addresses_of_a_24_and_of_a_48_are_together() {
        let key = Key::of("tokyo");
        let bucket = |text: &str| key.bucket(text.parse().expect("an address"));
        assert_eq!(bucket("192.0.2.0"), bucket("192.0.2.255"));
        assert_eq!(bucket("2001:db8:1::"), bucket("2001:db8:1:ffff::1"));
        assert_ne!(bucket("2001:db8:1::"), bucket("2001:db8:2::"));
    }

    #[test]
    fn nobody_is_in_none_and_everybody_in_all() {
        assert!(members("tokyo", Share::ALL).iter().all(|inside| *inside));
        assert!(!members("tokyo", Share::NONE).iter().any(|inside| *inside));
        assert_eq!(Share::percent(50).times(Share::percent(50)), Share::percent(25));
        assert_eq!(Share::of_fraction(f64::NAN), Share::NONE);
    }
}
