//! Takes the words of a record's data, and makes wire format of numbers, names, strings and addresses.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use data_encoding::{BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use hickory_proto::rr::Name;

use super::lexer::Token;
use super::mnemonics::{Mnemonics, number};
use super::name;
use crate::config::problem::ValueError;

/// A name that a record points to.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordTarget {
    /// The name, absolute.
    pub name: Name,
    /// How it was written, when that was relative to the origin.
    pub relative: Option<String>,
    /// Which word of the record's data it is.
    pub word: usize,
}

impl RecordTarget {
    /// Returns the IP address that stands where a name belongs, if one does.
    pub fn address(&self) -> Option<IpAddr> {
        let absolute = || {
            let labels: Vec<_> = self.name.iter().map(String::from_utf8_lossy).collect();
            labels.join(".")
        };
        self.relative.clone().unwrap_or_else(absolute).parse().ok()
    }
}

/// The words of a record's data, and its wire format so far.
pub(super) struct RdataWriter<'t> {
    pub words: &'t [Token],
    /// The word that comes next, or that is wrong.
    pub position: usize,
    pub wire: Vec<u8>,
    /// The last host that was written.
    pub target: Option<RecordTarget>,
    pub origin: &'t Name,
}

impl<'t> RdataWriter<'t> {
    pub fn is_at_end(&self) -> bool {
        self.position == self.words.len()
    }

    /// Returns the text of the next word, if there is one.
    pub fn peek(&self) -> Option<Cow<'t, str>> {
        self.words.get(self.position).map(Token::text)
    }

    pub fn put(&mut self, octets: &[u8]) {
        self.wire.extend_from_slice(octets);
    }

    /// Appends a string with its length. The caller has seen to it that it has at most 255 octets.
    pub fn put_string(&mut self, octets: &[u8]) {
        self.wire.push(u8::try_from(octets.len()).expect("strings and labels are bounded"));
        self.put(octets);
    }

    /// Takes one token; the position stays at it when it is wrong.
    pub fn one_token<T>(
        &mut self,
        what: &str,
        parse: impl Fn(&'t Token) -> Result<T, ValueError>,
    ) -> Result<T, ValueError> {
        let word = self.words.get(self.position);
        let word = word.ok_or_else(|| ValueError::new(format!("{what} is missing at the end")))?;
        let value = parse(word)?;
        self.position += 1;
        Ok(value)
    }

    /// Takes the text of one token.
    pub fn one<T>(
        &mut self,
        what: &str,
        parse: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Result<T, ValueError> {
        self.one_token(what, |word| parse(&word.text()))
    }

    pub fn put_one<const N: usize>(
        &mut self,
        what: &str,
        parse: impl Fn(&str) -> Result<[u8; N], ValueError>,
    ) -> Result<(), ValueError> {
        let octets = self.one(what, parse)?;
        self.put(&octets);
        Ok(())
    }

    pub fn each_to_the_end(
        &mut self,
        item: impl Fn(&mut Self) -> Result<(), ValueError>,
    ) -> Result<(), ValueError> {
        while !self.is_at_end() {
            item(self)?;
        }
        Ok(())
    }

    /// Writes a number of so many octets.
    pub fn number(&mut self, octets: usize) -> Result<(), ValueError> {
        let largest = u64::MAX >> (64 - 8 * octets);
        let number = self.one("a number", |text| number(text, largest))?;
        self.put(&number.to_be_bytes()[8 - octets..]);
        Ok(())
    }

    pub fn named(&mut self, names: &Mnemonics) -> Result<(), ValueError> {
        let number = self.one(names.what, |text| names.parse(text))?;
        self.put(&number.to_be_bytes()[2 - names.octets..]);
        Ok(())
    }

    /// Writes the name of a host, uncompressed, which the record then points to.
    pub fn domain(&mut self) -> Result<(), ValueError> {
        let word = self.position;
        let (name, relative) = self.name()?;
        self.target = Some(RecordTarget { name, relative, word });
        Ok(())
    }

    /// Writes the name of a mailbox, uncompressed.
    pub fn mailbox(&mut self) -> Result<(), ValueError> {
        self.name().map(|_| ())
    }

    /// Writes a name, and returns it with how it was written when that was relative to the origin.
    fn name(&mut self) -> Result<(Name, Option<String>), ValueError> {
        let origin = self.origin;
        let (name, relative) = self.one("a name", |text| name::parse_relative(text, origin))?;
        for label in name.iter() {
            self.put_string(label);
        }
        self.wire.push(0);
        Ok((name, relative))
    }

    pub fn string(&mut self) -> Result<(), ValueError> {
        let octets = self.one_token("a text", string)?;
        self.put_string(&octets);
        Ok(())
    }

    pub fn rest(
        &mut self,
        what: &str,
        verb: &str,
        decode: impl Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<(), ValueError> {
        let rest = self.rest_text();
        if rest.is_empty() {
            return Err(ValueError::new(format!("{what} {verb} missing at the end")));
        }
        let octets = decode(&rest).ok_or_else(|| ValueError::not(&shortened(&rest), what))?;
        self.position = self.words.len();
        self.put(&octets);
        Ok(())
    }

    fn rest_text(&self) -> String {
        self.words[self.position..].iter().map(Token::text).collect()
    }

    /// `\# length digits` (RFC 3597, section 5).
    pub fn generic(&mut self) -> Result<(), ValueError> {
        self.position = 1;
        let length = self.one("a length", |text| number(text, u16::MAX))?;
        let digits = self.rest_text();
        let octets =
            hex(&digits).ok_or_else(|| ValueError::not(&shortened(&digits), "hexadecimal digits"))?;
        if octets.len() != usize::from(length) {
            let message = format!("the length says {length}, but there are {} octets", octets.len());
            return Err(ValueError::new(message));
        }
        self.position = self.words.len();
        self.put(&octets);
        Ok(())
    }
}

/// Returns what a message may hold of a text that can be as long as a file.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
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

pub(super) fn ipv4(text: &str) -> Result<Ipv4Addr, ValueError> {
    text.parse().map_err(|_| ValueError::not(text, "an IPv4 address").hint("write `192.0.2.1`"))
}

pub(super) fn ipv6(text: &str) -> Result<Ipv6Addr, ValueError> {
    text.parse().map_err(|_| ValueError::not(text, "an IPv6 address").hint("write `2001:db8::a`"))
}

pub(super) fn tag(text: &str) -> Result<String, ValueError> {
    let is_tag = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let wrong = || ValueError::not(text, "a tag").hint("tags are `issue`, `issuewild`, `iodef` and the like");
    if is_tag { Ok(text.to_owned()) } else { Err(wrong()) }
}

pub(super) fn hex(digits: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()
}

/// Decodes RFC 4648's base 64, whose padding may be left out.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64_NOPAD.decode(text.trim_end_matches('=').as_bytes()).ok()
}
