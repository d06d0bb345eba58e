//! Address prefixes: the items of APL (RFC 3123, sections 4 and 5) and the suffix of A6 (RFC 2874, section 3.1).

use std::net::IpAddr;

use super::mnemonics::number;
use super::writer::{RdataWriter, ipv6};
use crate::config::problem::ValueError;

/// Writes one item, as `!1:192.0.2.0/28`.
pub(super) fn item(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let (family, length, is_not, octets) = writer.one("a prefix", |text| {
        let (is_not, item) = text.strip_prefix('!').map_or((0, text), |item| (0x80, item));
        let parsed = parse_item(item).ok_or_else(|| {
            ValueError::not(text, "a prefix of a family").hint("write `1:192.0.2.0/24` or `2:2001:db8::/32`")
        });
        parsed.map(|(family, length, octets)| (family, length, is_not, octets))
    })?;
    // Octets of zero at the end are left out (RFC 3123, section 4).
    let end = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    let present = u8::try_from(end).expect("an address has at most 16 octets");
    writer.put(&[0, family, length, is_not | present]);
    writer.put(&octets[..end]);
    Ok(())
}

fn parse_item(item: &str) -> Option<(u8, u8, Vec<u8>)> {
    let (family, rest) = item.split_once(':')?;
    let (address, length) = rest.split_once('/')?;
    let (octets, longest) = match (family, address.parse().ok()?) {
        ("1", IpAddr::V4(address)) => (address.octets().to_vec(), 32_u8),
        ("2", IpAddr::V6(address)) => (address.octets().to_vec(), 128),
        _ => return None,
    };
    let length = number(length, longest).ok()?;
    Some((if longest == 32 { 1 } else { 2 }, length, octets))
}

/// Writes the length of the prefix, the bits after it, and the name where the prefix is, if it has bits.
pub(super) fn ipv6_suffix(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let length = writer.one("the length of a prefix", |text| number(text, 128_u8))?;
    writer.put(&[length]);
    if length < 128 {
        let address = writer.one("an IPv6 address", ipv6)?;
        let suffix = u128::from(address) & (u128::MAX >> length);
        writer.put(&suffix.to_be_bytes()[usize::from(length / 8)..]);
    }
    if length > 0 { writer.domain() } else { Ok(()) }
}
