//! Octets in groups of hexadecimal digits: EUI48, EUI64 (RFC 7043), the locators of NID and L64 (RFC 6742),
//! NSAP (RFC 1706) and ATM addresses.

use super::writer::{RdataWriter, hex};
use crate::config::problem::ValueError;

/// Writes so many octets that are written as `00-00-5e-00-53-2a`.
pub(super) fn hyphened(writer: &mut RdataWriter<'_>, octets: usize) -> Result<(), ValueError> {
    let address = writer.one("an address", |text| {
        let groups = text.split('-').map(|group| hex(group).filter(|octets| octets.len() == 1));
        let address = groups.collect::<Option<Vec<_>>>().map(|groups| groups.concat());
        address.filter(|address| address.len() == octets).ok_or_else(|| {
            ValueError::not(text, &format!("an address of {octets} octets"))
                .hint(format!("write `00-00-5e-{}`", vec!["00"; octets - 3].join("-")))
        })
    })?;
    writer.put(&address);
    Ok(())
}

/// Writes 64 bits that are written as `2001:db8:1140:1000`.
pub(super) fn locator(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let locator = writer.one("a locator", |text| {
        let is_group = |group: &str| {
            (1..=4).contains(&group.len()) && group.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        let groups = text.split(':').map(|group| {
            u16::from_str_radix(group, 16).ok().filter(|_| is_group(group)).map(u16::to_be_bytes)
        });
        let locator = groups.collect::<Option<Vec<_>>>().filter(|groups| groups.len() == 4);
        locator
            .map(|groups| groups.concat())
            .ok_or_else(|| ValueError::not(text, "64 bits in four groups").hint("write `2001:db8:1140:1000`"))
    })?;
    writer.put(&locator);
    Ok(())
}

/// Writes the octets of `0x47.0005.80…`.
pub(super) fn nsap(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let address = writer.one("an NSAP address", |text| {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let address = digits.and_then(|digits| hex(&digits.replace('.', "")));
        address
            .filter(|address| !address.is_empty())
            .ok_or_else(|| ValueError::not(text, "an NSAP address").hint("write `0x` and hexadecimal digits"))
    })?;
    writer.put(&address);
    Ok(())
}

/// Writes an ATM address: `+` and the digits of E.164, or hexadecimal digits (af-dans-0152, section 5.2).
pub(super) fn atm(writer: &mut RdataWriter<'_>) -> Result<(), ValueError> {
    let (format, address) = writer.one("an ATM address", |text| {
        let address = match text.strip_prefix('+') {
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                Some((1, digits.as_bytes().to_vec()))
            }
            Some(_) => None,
            None => hex(&text.replace('.', "")).map(|address| (0, address)),
        };
        address.filter(|(_, address)| !address.is_empty()).ok_or_else(|| {
            ValueError::not(text, "an ATM address").hint("write `+` and digits, or hexadecimal digits")
        })
    })?;
    writer.put(&[format]);
    writer.put(&address);
    Ok(())
}
