//! Gateways of IPSECKEY (RFC 4025, section 3.1) and relays of AMTRELAY (RFC 8777, section 4.3): nothing, an
//! address or a name, as a number before them says.

use super::mnemonics::number;
use super::writer::{RdataWriter, ipv4, ipv6};
use crate::config::problem::ValueError;

/// Writes a gateway; the octet before the last says what it is, for the algorithm is in between.
pub(super) fn gateway(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let kind = writer.wire.iter().rev().nth(1).copied().unwrap_or_default();
    place(writer, kind, "a gateway")
}

/// Writes the bit that says whether discovery is optional, what the relay is, and the relay.
pub(super) fn relay(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let is_optional = writer.one("the discovery bit", |text| number(text, 1_u8))?;
    let kind = writer.one("a kind of relay", |text| number(text, 127_u8))?;
    writer.put(&[is_optional << 7 | kind]);
    place(writer, kind, "a relay")
}

fn place(writer: &mut RdataWriter<'_>, kind: u8, what: &str) -> Result<(), ValueError> {
    match kind {
        0 => writer.one(what, |text| match text {
            "." => Ok(()),
            other => Err(ValueError::new(format!("kind 0 means that there is none, but `{other}` is there"))
                .hint("write `.`")),
        }),
        1 => {
            let address = writer.one(what, ipv4)?;
            writer.put(&address.octets());
            Ok(())
        }
        2 => {
            let address = writer.one(what, ipv6)?;
            writer.put(&address.octets());
            Ok(())
        }
        3 => writer.domain(),
        other => Err(ValueError::new(format!("{other} is not a kind of gateway or relay"))
            .hint("0 is none, 1 an IPv4 address, 2 an IPv6 address, 3 a name")),
    }
}
