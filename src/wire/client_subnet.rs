//! The client subnet of a query (ECS, RFC 7871): the network for which the resolver asks.
//!
//! Strict on purpose: an option that is bent into shape would be echoed in another shape, and a resolver
//! would cache the answer for a network that did not ask (RFC 7871, section 11, cache pollution).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{FormatError, read_u16};
use crate::client::Prefix;

/// The option's code.
pub(super) const OPTION: u16 = 8;

/// The octets before the address: family, source prefix length, scope prefix length.
const FIXED_OCTETS: usize = 4;

/// A client subnet as a query brought it.
///
/// `None` inside stands for family 0 with prefix length 0. RFC 7871 does not define that family, but
/// `dig +subnet=0` sends it, and BIND takes it as "no address, do not guess one".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSubnet(Option<Prefix>);

impl ClientSubnet {
    /// Parses the data of the option (RFC 7871, section 6).
    ///
    /// # Errors
    ///
    /// When the family is unknown, the source prefix does not fit it, the scope of a query is not zero, or
    /// the address is shorter, longer or has more bits set than the source prefix says.
    pub fn parse(data: &[u8]) -> Result<Self, FormatError> {
        let family = read_u16(data, 0)?;
        let (&[source, scope], octets) = data[2..].split_first_chunk().ok_or(FormatError)?;
        if scope != 0 || octets.len() != usize::from(source).div_ceil(8) {
            return Err(FormatError);
        }
        let address = match (family, source) {
            (0, 0) => return Ok(Self(None)),
            (1, 0..=32) => IpAddr::V4(Ipv4Addr::from(padded(octets))),
            (2, 0..=128) => IpAddr::V6(Ipv6Addr::from(padded(octets))),
            _ => return Err(FormatError),
        };
        let prefix = Prefix::around(address, source);
        if prefix.address() == address { Ok(Self(Some(prefix))) } else { Err(FormatError) }
    }

    /// Returns the network to locate. `None` when the source prefix is zero: the resolver asks that its
    /// client's network is not used (RFC 7871, section 7.1.2).
    pub fn network(self) -> Option<Prefix> {
        self.0.filter(|prefix| prefix.length() > 0)
    }

    /// Returns the length of the option's data in a reply.
    pub fn octets(self) -> usize {
        FIXED_OCTETS + usize::from(self.0.map_or(0, Prefix::length)).div_ceil(8)
    }

    /// Writes the option's data for a reply: family, source and address as they came, and the scope, which
    /// is zero when the client's network was not used (RFC 7871, section 7.2.1).
    pub fn write(self, scope: u8, out: &mut [u8]) {
        let Some(prefix) = self.0 else {
            out[..FIXED_OCTETS].fill(0);
            return;
        };
        let octets = self.octets() - FIXED_OCTETS;
        let scope = if prefix.length() == 0 { 0 } else { scope };
        match prefix.address() {
            IpAddr::V4(v4) => {
                out[..FIXED_OCTETS].copy_from_slice(&[0, 1, prefix.length(), scope.min(32)]);
                out[FIXED_OCTETS..][..octets].copy_from_slice(&v4.octets()[..octets]);
            }
            IpAddr::V6(v6) => {
                out[..FIXED_OCTETS].copy_from_slice(&[0, 2, prefix.length(), scope.min(128)]);
                out[FIXED_OCTETS..][..octets].copy_from_slice(&v6.octets()[..octets]);
            }
        }
    }
}

/// Returns the octets of an address whose end was left off because it is zero.
fn padded<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut whole = [0; N];
    let kept = octets.len().min(N);
    whole[..kept].copy_from_slice(&octets[..kept]);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(data: &[u8], address: Result<Option<&str>, FormatError>) {
        let parsed = ClientSubnet::parse(data);
        let expected = address.map(|text| text.map(|text| text.parse::<IpAddr>().expect("an address")));
        let found = parsed.map(|subnet| subnet.network().map(Prefix::address));
        assert_eq!(found, expected, "{data:?}");
    }

    #[test]
    fn a_subnet_of_either_family_is_located_by_its_address() {
        check(&[0, 1, 24, 0, 192, 0, 2], Ok(Some("192.0.2.0")));
        check(&[0, 1, 32, 0, 192, 0, 2, 1], Ok(Some("192.0.2.1")));
        check(&[0, 1, 20, 0, 192, 0, 0x20], Ok(Some("192.0.32.0")));
        check(&[0, 2, 32, 0, 0x20, 1, 0x0d, 0xb8], Ok(Some("2001:db8::")));
    }

    #[test]
    fn a_source_prefix_of_zero_is_valid_and_locates_no_client() {
        check(&[0, 1, 0, 0], Ok(None));
        check(&[0, 2, 0, 0], Ok(None));
        check(&[0, 0, 0, 0], Ok(None));
    }

    #[test]
    fn everything_that_section_6_forbids_is_malformed() {
        check(&[], Err(FormatError));
        check(&[0, 1, 24], Err(FormatError));
        check(&[0, 3, 24, 0, 192, 0, 2], Err(FormatError)); // unknown family
        check(&[0, 0, 8, 0, 10], Err(FormatError)); // family 0 with an address
        check(&[0, 1, 33, 0, 192, 0, 2, 1, 0], Err(FormatError)); // longer than the family
        check(&[0, 2, 129, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0], Err(FormatError));
        check(&[0, 1, 24, 24, 192, 0, 2], Err(FormatError)); // a scope in a query
        check(&[0, 1, 24, 0, 192, 0], Err(FormatError)); // address too short
        check(&[0, 1, 24, 0, 192, 0, 2, 0], Err(FormatError)); // a trailing octet
        check(&[0, 1, 20, 0, 192, 0, 2], Err(FormatError)); // a bit beyond the prefix
        check(&[0, 1, 0, 0, 0], Err(FormatError)); // an octet for no bits
    }

    #[test]
    fn a_reply_echoes_what_came_and_adds_the_scope() {
        for (query, scope, reply) in [
            (&[0, 1, 20, 0, 192, 0, 0x20][..], 16, &[0, 1, 20, 16, 192, 0, 0x20][..]),
            (&[0, 2, 12, 0, 0x20, 0x10], 48, &[0, 2, 12, 48, 0x20, 0x10]),
            (&[0, 1, 0, 0], 24, &[0, 1, 0, 0]),
            (&[0, 0, 0, 0], 24, &[0, 0, 0, 0]),
        ] {
            let subnet = ClientSubnet::parse(query).expect("a valid option");
            let mut out = [0xff; 20];
            subnet.write(scope, &mut out);
            assert_eq!(&out[..subnet.octets()], reply);
        }
    }
}
