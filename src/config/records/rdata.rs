//! The data of one record: tokens to wire format to typed RDATA.

use std::net::{Ipv4Addr, Ipv6Addr};

use data_encoding::HEXLOWER_PERMISSIVE;
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinDecoder, Restrict};

use super::lexer::Token;
use super::svcb::base64;
use super::types::Field;
use super::{name, svcb, types};
use crate::config::problem::ValueError;
use crate::config::values::FromText;
use crate::zone::Ttl;

/// The data of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub rdata: RData,
    /// The name that it points to, if it does: the last one in it.
    pub target: Option<RecordTarget>,
}

/// A name that a record points to.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordTarget {
    /// The name, absolute.
    pub name: Name,
    /// How it was written, when that was relative to the origin.
    pub relative: Option<String>,
}

/// What is wrong with a record's data, and at which token, if at one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFault {
    /// The index of the token.
    pub word: Option<usize>,
    pub wrong: ValueError,
}

/// Parses the data of a record of `rtype`; names in it are relative to `origin`.
pub fn parse(rtype: RecordType, words: &[Token], origin: &Name) -> Result<Parsed, RecordFault> {
    let mut writer = RdataWriter { words, position: 0, wire: Vec::new(), target: None, origin };
    let fields = types::fields(rtype);
    let is_generic = words.first().is_some_and(|word| !word.is_quoted && word.text == "\\#");
    let written = match fields {
        _ if is_generic => writer.generic(),
        Some(fields) => writer.fields(fields),
        None => {
            let message = format!("{} has no presentation format here", types::to_text(rtype));
            Err(ValueError::new(message)
                .hint("write `\\#`, the length and hexadecimal digits, as in `\\# 4 0A000001`"))
        }
    };
    let word = (writer.position < words.len()).then_some(writer.position);
    written.map_err(|wrong| RecordFault { word, wrong })?;
    let rdata = read_wire(rtype, &writer.wire).map_err(|wrong| RecordFault { word: None, wrong })?;
    Ok(Parsed { rdata, target: writer.target })
}

/// Reads wire format into typed RDATA.
pub fn read_wire(rtype: RecordType, wire: &[u8]) -> Result<RData, ValueError> {
    let length = u16::try_from(wire.len())
        .map_err(|_| ValueError::new("the data of a record has at most 65535 octets"))?;
    RData::read(&mut BinDecoder::new(wire), rtype, Restrict::new(length)).map_err(|error| {
        ValueError::new(format!("not valid data of type {}: {error}", types::to_text(rtype)))
    })
}

/// Appends a name in wire format, uncompressed.
fn put_name(wire: &mut Vec<u8>, name: &Name) {
    for label in name.iter() {
        put_string(wire, label);
    }
    wire.push(0);
}

/// Appends a string with its length. The caller has seen to it that it has at most 255 octets.
fn put_string(wire: &mut Vec<u8>, octets: &[u8]) {
    wire.push(u8::try_from(octets.len()).expect("strings and labels are bounded"));
    wire.extend_from_slice(octets);
}

struct RdataWriter<'t> {
    words: &'t [Token],
    position: usize,
    wire: Vec<u8>,
    target: Option<RecordTarget>,
    origin: &'t Name,
}

impl<'t> RdataWriter<'t> {
    fn fields(&mut self, fields: &[Field]) -> Result<(), ValueError> {
        for field in fields {
            self.field(*field)?;
        }
        match self.words.get(self.position) {
            Some(word) => Err(ValueError::new(format!("`{}` is more than this type takes", word.text))),
            None => Ok(()),
        }
    }

    fn field(&mut self, field: Field) -> Result<(), ValueError> {
        match field {
            Field::U8 => self.number(u8::MAX.into(), 1),
            Field::U16 => self.number(u16::MAX.into(), 2),
            Field::U32 => self.number(u32::MAX, 4),
            Field::Time => {
                let time = self.one("a time", Ttl::from_text)?;
                self.append(&time.seconds().to_be_bytes())
            }
            Field::Ipv4 => {
                let address = self.one("an IPv4 address", ipv4)?;
                self.append(&address.octets())
            }
            Field::Ipv6 => {
                let address = self.one("an IPv6 address", ipv6)?;
                self.append(&address.octets())
            }
            Field::Domain => self.domain(),
            Field::Text => {
                let octets = self.one_token("a text", string)?;
                put_string(&mut self.wire, &octets);
                Ok(())
            }
            Field::Texts => self.texts(),
            Field::Tag => {
                let tag = self.one("a tag", tag)?;
                put_string(&mut self.wire, tag.as_bytes());
                Ok(())
            }
            Field::Octets => {
                let octets = self.one_token("a value", Token::octets)?;
                self.append(&octets)
            }
            Field::Hex => self.rest("hexadecimal digits", hex),
            Field::Base64 => self.rest("base 64", base64),
            Field::Algorithm => {
                let number = self.one("an algorithm", |text| mnemonic(text, &ALGORITHMS, u8::MAX.into()))?;
                self.append(&number.to_be_bytes()[3..])
            }
            Field::CertificateType => {
                let number =
                    self.one("a certificate type", |text| mnemonic(text, &CERTIFICATES, u16::MAX.into()))?;
                self.append(&number.to_be_bytes()[2..])
            }
            Field::ServiceParameters => {
                let parameters = svcb::parameters(&self.words[self.position..]);
                let octets = parameters.map_err(|(offset, wrong)| {
                    self.position += offset;
                    wrong
                })?;
                self.position = self.words.len();
                self.append(&octets)
            }
        }
    }

    fn append(&mut self, octets: &[u8]) -> Result<(), ValueError> {
        self.wire.extend_from_slice(octets);
        Ok(())
    }

    /// Takes one token; the position stays at it when it is wrong.
    fn one_token<T>(
        &mut self,
        what: &str,
        parse: impl Fn(&'t Token) -> Result<T, ValueError>,
    ) -> Result<T, ValueError> {
        let word = self
            .words
            .get(self.position)
            .ok_or_else(|| ValueError::new(format!("{what} is missing at the end")))?;
        let value = parse(word)?;
        self.position += 1;
        Ok(value)
    }

    fn one<T>(
        &mut self,
        what: &str,
        parse: impl Fn(&'t str) -> Result<T, ValueError>,
    ) -> Result<T, ValueError> {
        self.one_token(what, |word| parse(&word.text))
    }

    fn number(&mut self, largest: u32, octets: usize) -> Result<(), ValueError> {
        let number = self.one("a number", |text| mnemonic(text, &[], largest))?;
        self.append(&number.to_be_bytes()[4 - octets..])
    }

    fn domain(&mut self) -> Result<(), ValueError> {
        let origin = self.origin;
        let (parsed, text) = self.one("a name", |text| Ok((name::parse(text, origin)?, text)))?;
        put_name(&mut self.wire, &parsed);
        let is_absolute = text == "@" || (text.ends_with('.') && !text.ends_with("\\."));
        let relative = (!is_absolute).then(|| text.to_owned());
        self.target = Some(RecordTarget { name: parsed, relative });
        Ok(())
    }

    fn texts(&mut self) -> Result<(), ValueError> {
        if self.words.is_empty() {
            return Err(ValueError::new("a text is missing").hint("write `\"\"` for an empty one"));
        }
        while self.position < self.words.len() {
            let octets = self.one_token("a text", string)?;
            put_string(&mut self.wire, &octets);
        }
        Ok(())
    }

    fn rest(&mut self, what: &str, decode: impl Fn(&str) -> Option<Vec<u8>>) -> Result<(), ValueError> {
        let rest: String = self.words[self.position..].iter().map(|word| word.text.as_str()).collect();
        let octets = decode(&rest).filter(|octets| !octets.is_empty());
        let octets = octets.ok_or_else(|| ValueError::new(format!("`{rest}` is not {what}")))?;
        self.position = self.words.len();
        self.append(&octets)
    }

    /// `\# length digits` (RFC 3597, section 5).
    fn generic(&mut self) -> Result<(), ValueError> {
        self.position = 1;
        let length = self.one("a length", |text| mnemonic(text, &[], u16::MAX.into()))? as usize;
        let digits: String = self.words[self.position..].iter().map(|word| word.text.as_str()).collect();
        let octets =
            hex(&digits).ok_or_else(|| ValueError::new(format!("`{digits}` is not hexadecimal digits")))?;
        if octets.len() != length {
            let message = format!("the length says {length}, but there are {} octets", octets.len());
            return Err(ValueError::new(message));
        }
        self.position = self.words.len();
        self.append(&octets)
    }
}

fn string(word: &Token) -> Result<Vec<u8>, ValueError> {
    let octets = word.octets()?;
    if octets.len() > 255 {
        let message = format!("a string of {} octets", octets.len());
        return Err(
            ValueError::new(message).hint("a string has at most 255; split it into several: `\"…\" \"…\"`")
        );
    }
    Ok(octets)
}

fn ipv4(text: &str) -> Result<Ipv4Addr, ValueError> {
    let wrong = || ValueError::new(format!("`{text}` is not an IPv4 address")).hint("write `192.0.2.1`");
    text.parse().map_err(|_| wrong())
}

fn ipv6(text: &str) -> Result<Ipv6Addr, ValueError> {
    let wrong = || ValueError::new(format!("`{text}` is not an IPv6 address")).hint("write `2001:db8::a`");
    text.parse().map_err(|_| wrong())
}

fn tag(text: &str) -> Result<&str, ValueError> {
    let is_tag = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let wrong = || {
        ValueError::new(format!("`{text}` is not a tag"))
            .hint("tags are `issue`, `issuewild`, `iodef` and the like")
    };
    if is_tag { Ok(text) } else { Err(wrong()) }
}

/// The mnemonics of DNSSEC algorithms (IANA, DNS Security Algorithm Numbers) that are still seen.
const ALGORITHMS: [(&str, u32); 8] = [
    ("RSASHA1", 5),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
];

/// The mnemonics of certificate types (RFC 4398, section 2.1).
const CERTIFICATES: [(&str, u32); 5] = [("PKIX", 1), ("SPKI", 2), ("PGP", 3), ("URI", 253), ("OID", 254)];

fn mnemonic(text: &str, known: &[(&str, u32)], largest: u32) -> Result<u32, ValueError> {
    if let Some((_, number)) = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Ok(*number);
    }
    let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let number = if is_number { text.parse().ok().filter(|number| *number <= largest) } else { None };
    number.ok_or_else(|| ValueError::new(format!("`{text}` is not a number from 0 to {largest}")))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::records::words;

    /// Parses data of a type in the zone `example.org` and compares it with wire format in hexadecimal.
    fn check(rtype: &str, text: &str, expected: &str) {
        let rtype = types::parse(rtype).expect("a known type");
        let origin = Name::from_ascii("example.org.").expect("a valid name");
        let words = words(text).expect("complete quotes");
        let got = match parse(rtype, &words, &origin) {
            Ok(parsed) => wire_of(&parsed.rdata),
            Err(fault) => fault.wrong.message,
        };
        let is_hex = expected.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b' ');
        let expected = if is_hex { expected.replace(' ', "") } else { expected.to_owned() };
        assert_eq!(got, expected, "{text}");
    }

    fn wire_of(rdata: &RData) -> String {
        use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};
        let mut wire = Vec::new();
        rdata.emit(&mut BinEncoder::new(&mut wire)).expect("data that was read can be written");
        HEXLOWER_PERMISSIVE.encode(&wire)
    }

    #[test]
    fn every_common_type_is_read_as_it_is_usually_written() {
        check("A", "192.0.2.1", "c0000201");
        check("AAAA", "2001:db8::a", "20010db800000000000000000000000a");
        check("MX", "10 mail.example.net.", "000a046d61696c076578616d706c65036e657400");
        check("CAA", "0 issue \"le.org; x=1\"", "000569737375656c652e6f72673b20783d31");
        check("SRV", "1 2 443 a.", "0001000201bb016100");
        check("TLSA", "3 1 1 0a0b 0C", "0301010a0b0c");
        check("SSHFP", "4 2 00ff", "040200ff");
        check("DS", "1 ECDSAP256SHA256 2 00ff", "00010d0200ff");
        check("DNAME", "a.", "016100");
        check(
            "NAPTR",
            "1 2 u E2U+sip !^.*$!sip:x! .",
            "000100020175074532552b7369700c215e2e2a24217369703a782100",
        );
        check("SOA", "a. b. 7 2h 15m 2w 60", "01610001620000000007 00001c20 00000384 00127500 0000003c");
    }

    #[test]
    fn strings_keep_their_blanks_and_escapes_are_decimal() {
        check("TXT", r#""a b" c\000\"d"#, "03612062 0463002264");
        check("TXT", "", "a text is missing");
    }

    #[test]
    fn any_type_can_be_written_as_rfc_3597_says() {
        check("TYPE65280", r"\# 4 0A00 0001", "0a000001");
        check("A", r"\# 4 0A000001", "0a000001");
        check("TYPE65280", r"\# 3 0A000001", "the length says 3, but there are 4 octets");
        check("TYPE65280", "10.0.0.1", "TYPE65280 has no presentation format here");
    }

    #[test]
    fn what_is_too_much_too_little_or_out_of_range_is_refused() {
        check("A", "192.0.2.1 192.0.2.2", "`192.0.2.2` is more than this type takes");
        check("MX", "10", "a name is missing at the end");
        check("MX", "70000 a.", "`70000` is not a number from 0 to 65535");
        check("A", "192.0.2", "`192.0.2` is not an IPv4 address");
    }
}
