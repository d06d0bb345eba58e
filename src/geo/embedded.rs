//! IPv4 addresses inside IPv6 addresses: the blocks that embed them, and the bits they are in.
//!
//! Inside these blocks the IPv4 address alone decides. An operator's IPv6 network reaches around them and
//! never into them: such clients are placed by their IPv4 network. That keeps one address from having two
//! locations, depending on how it travelled.
//!
//! `::/96`, the "IPv4-compatible" addresses, is not among them: RFC 4291 (2.5.5.1) retired it, and a
//! loopback of `::1` must not become 0.0.0.1.

use std::net::{IpAddr, Ipv4Addr};

use crate::client::Prefix;

/// A way to carry an IPv4 address in an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Embedding {
    /// `::ffff:0:0/96` (RFC 4291, 2.5.5.2).
    Mapped,
    /// `64:ff9b::/96` (RFC 6052).
    Nat64,
    /// `2001::/32` (RFC 4380): the client's address is in the last 32 bits, inverted.
    Teredo,
    /// `2002::/16` (RFC 3056): the address follows the first 16 bits.
    SixToFour,
}

impl Embedding {
    /// Every embedding, in the order of their blocks.
    pub(super) const ALL: [Self; 4] = [Self::Mapped, Self::Nat64, Self::Teredo, Self::SixToFour];

    /// Returns the first address of the block and the length of its prefix.
    pub(super) fn block(self) -> (u128, u8) {
        match self {
            Self::Nat64 => (0x0064_ff9b << 96, 96),
            Self::Mapped => (0xffff << 32, 96),
            Self::SixToFour => (0x2002 << 112, 16),
            Self::Teredo => (0x2001_0000 << 96, 32),
        }
    }

    /// Returns the number of bits before those of the IPv4 address.
    pub(super) fn offset(self) -> u8 {
        match self {
            Self::Nat64 | Self::Mapped | Self::Teredo => 96,
            Self::SixToFour => 16,
        }
    }

    /// Returns the IPv4 address inside an address of the block.
    #[expect(clippy::cast_possible_truncation, reason = "the lowest 32 bits are wanted")]
    pub(super) fn extract(self, address: u128) -> u32 {
        match self {
            Self::Nat64 | Self::Mapped => address as u32,
            Self::SixToFour => (address >> 80) as u32,
            Self::Teredo => !(address as u32),
        }
    }

    /// Returns the embedding whose block holds `address`.
    pub(super) fn of(address: u128) -> Option<Self> {
        Self::ALL.into_iter().find(|embedding| {
            let (first, length) = embedding.block();
            (address ^ first) >> (128 - length) == 0
        })
    }
}

/// Returns the IPv4 address that an IPv6 address carries and is located by: mapped, NAT64, 6to4 or
/// Teredo. `None` for every other address, IPv4 ones included.
pub fn ipv4_inside(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            Embedding::of(bits).map(|embedding| Ipv4Addr::from_bits(embedding.extract(bits)))
        }
    }
}

/// The IPv4 block by which an IPv6 block is located.
pub(super) struct Inside {
    pub first: u32,
    pub length: u8,
    /// The number of bits before those of the IPv4 address.
    pub offset: u8,
}

/// Returns the IPv4 block by which an IPv6 block is located; `None`: it does not lie where IPv4 addresses are embedded.
/// A block that ends before the IPv4 address begins holds all of them.
pub(super) fn inside(first: u128, length: u8) -> Option<Inside> {
    let embedding = Embedding::of(first).filter(|embedding| length >= embedding.block().1)?;
    let offset = embedding.offset();
    let length = length.saturating_sub(offset).min(32);
    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
    Some(Inside { first: embedding.extract(first) & mask, length, offset })
}

/// Returns whether a block lies wholly where IPv6 addresses are located by an IPv4 address inside
/// them, so that an operator's network there would have no effect.
pub fn is_embedded(prefix: Prefix) -> bool {
    match prefix.address() {
        IpAddr::V4(_) => false,
        IpAddr::V6(first) => {
            Embedding::of(first.to_bits()).is_some_and(|embedding| prefix.length() >= embedding.block().1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_embedding_gives_the_ipv4_address_that_its_rfc_puts_there() {
        let check = |address: &str, inside: Option<&str>| {
            let found = ipv4_inside(address.parse().expect("an address"));
            let inside = inside.map(|text| text.parse().expect("an IPv4 address"));
            assert_eq!(found, inside, "{address}");
        };
        check("::ffff:192.0.2.33", Some("192.0.2.33"));
        check("64:ff9b::192.0.2.33", Some("192.0.2.33"));
        check("2002:c000:221::1", Some("192.0.2.33"));
        // RFC 4380, section 4: server 65.54.227.120, client 192.0.2.45 behind port 40000.
        check("2001:0:4136:e378:8000:63bf:3fff:fdd2", Some("192.0.2.45"));
        check("64:ff9b:1::192.0.2.33", None);
        check("::192.0.2.33", None);
        check("2001:db8::1", None);
        check("192.0.2.33", None);
    }

    #[test]
    fn a_block_around_an_embedding_is_not_inside_it() {
        let check = |text: &str| is_embedded(text.parse().expect("a prefix"));
        assert!(check("2002::/16") && check("2002:a00::/24") && check("2001:0:ff00::/40"));
        assert!(!check("2001::/16") && !check("::/0") && !check("10.0.0.0/8"));
    }
}
