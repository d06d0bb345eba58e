//! Writes the data of a record, field by field as `types` lists them.

use super::lexer::Token;
use super::mnemonics::{KEY_FLAGS, seconds};
use super::types::{self, Field};
use super::writer::{RdataWriter, base64, hex, ipv4, ipv6, tag};
use super::{bitmap, gateway, host_identity, location, octet_groups, prefixes, svcb};
use crate::config::problem::ValueError;

pub(super) fn write(writer: &mut RdataWriter<'_>, fields: &[Field]) -> Result<(), ValueError> {
    for field in fields {
        write_field(writer, *field)?;
    }
    match writer.words.get(writer.position) {
        Some(word) => Err(ValueError::new(format!("`{}` is more than this type takes", word.text()))),
        None => Ok(()),
    }
}

fn write_field(writer: &mut RdataWriter<'_>, field: Field) -> Result<(), ValueError> {
    match field {
        Field::U8 => writer.number(1),
        Field::U16 => writer.number(2),
        Field::U32 => writer.number(4),
        Field::U64 => writer.number(8),
        Field::Time => writer.put_one("a time", |text| Ok(seconds(text)?.to_be_bytes())),
        Field::Ipv4 => writer.put_one("an IPv4 address", |text| Ok(ipv4(text)?.octets())),
        Field::Ipv6 => writer.put_one("an IPv6 address", |text| Ok(ipv6(text)?.octets())),
        Field::Domain => writer.domain(),
        Field::Mailbox => writer.mailbox(),
        Field::Domains => writer.each_to_the_end(RdataWriter::domain),
        Field::Text => writer.string(),
        Field::OptionalText if writer.is_at_end() => Ok(()),
        Field::OptionalText => writer.string(),
        Field::Texts if writer.is_at_end() => {
            Err(ValueError::new("a text is missing").hint("write `\"\"` for an empty one"))
        }
        Field::Texts => writer.each_to_the_end(RdataWriter::string),
        Field::Tag => {
            let tag = writer.one("a tag", tag)?;
            writer.put_string(tag.as_bytes());
            Ok(())
        }
        Field::Octets => {
            let octets = writer.one_token("a value", Token::octets)?;
            writer.put(&octets);
            Ok(())
        }
        Field::Hex => writer.rest("hexadecimal digits", "are", hex),
        Field::OptionalBase64 if writer.is_at_end() => Ok(()),
        Field::Base64 | Field::OptionalBase64 => writer.rest("base 64", "is", base64),
        Field::Base64OrDash => {
            writer.rest("base 64", "is", |text| if text == "-" { Some(Vec::new()) } else { base64(text) })
        }
        Field::Named(names) => writer.named(names),
        Field::KeyFlags => {
            writer.put_one(KEY_FLAGS.what, |text| Ok(KEY_FLAGS.parse_flags(text)?.to_be_bytes()))
        }
        Field::Type => {
            writer.put_one("a record type", |text| Ok(u16::from(types::parse(text)?).to_be_bytes()))
        }
        Field::Types => bitmap::types(writer),
        Field::Ports => bitmap::ports(writer),
        Field::Hyphened(octets) => octet_groups::hyphened(writer, octets),
        Field::Locator => octet_groups::locator(writer),
        Field::Nsap => octet_groups::nsap(writer),
        Field::Atm => octet_groups::atm(writer),
        Field::Location => location::write(writer),
        Field::Prefixes => writer.each_to_the_end(prefixes::item),
        Field::Ipv6Suffix => prefixes::ipv6_suffix(writer),
        Field::Gateway => gateway::gateway(writer),
        Field::Relay => gateway::relay(writer),
        Field::HostIdentity => host_identity::write(writer),
        Field::ServiceParameters => {
            let parameters = svcb::parameters(&writer.words[writer.position..]);
            let octets = parameters.map_err(|(offset, wrong)| {
                writer.position += offset;
                wrong
            })?;
            writer.position = writer.words.len();
            writer.put(&octets);
            Ok(())
        }
    }
}
