//! Reads a query in the form that nearly all have, and no other.
//!
//! One question of class IN, no flag but RD, AD and CD, and at most an OPT record of version 0, in which there is at most a
//! client subnet and a cookie. What differs in anything is left to [`Query`](super::Query), which reads everything: whatever is
//! read here is read there alike.

use super::codes::{class, rtype};
use super::edns::Edns;
use super::name::MAX_LABEL;
use super::query::HEADER_OCTETS;
use super::read_u16;

/// The most octets of a name that is read here, its length octets and the root included.
const MAX_PLAIN_NAME: usize = 64;

/// The opcode, AA, TC, and Z: what is set in no usual query. QR is among them; RD, AD and CD are not (RFC 1035, section 4.1.1;
/// RFC 4035, section 3.2).
const UNUSUAL_FLAGS: [u8; 2] = [0xfe, 0xcf];

/// A query in the usual form.
#[derive(Clone, Debug)]
pub struct PlainQuery<'a> {
    /// Repeated in the reply.
    pub id: u16,
    /// Repeated in the reply.
    pub is_recursion_desired: bool,
    /// Name, type and class as they came.
    pub question: &'a [u8],
    /// A number of [`rtype`].
    pub qtype: u16,
    pub edns: Option<Edns>,
    /// In lower case, and zeros.
    name: [u8; MAX_PLAIN_NAME],
    name_octets: usize,
}

impl<'a> PlainQuery<'a> {
    /// Reads a query. `None`: it has another form.
    #[inline]
    pub fn read(message: &'a [u8]) -> Option<Self> {
        let header: &[u8; HEADER_OCTETS] = message.first_chunk()?;
        let is_unusual = header[2] & UNUSUAL_FLAGS[0] != 0 || header[3] & UNUSUAL_FLAGS[1] != 0;
        // One question, and nothing else but one additional record.
        if is_unusual || header[4..11] != [0, 1, 0, 0, 0, 0, 0] || header[11] > 1 {
            return None;
        }
        let end = name_end(message)?;
        let written = &message[HEADER_OCTETS..end];
        let mut name = [0; MAX_PLAIN_NAME];
        name[..written.len()].copy_from_slice(written);
        // Length octets are below the capital letters, and stay as they are.
        name.make_ascii_lowercase();
        let [qtype, qclass] = [read_u16(message, end).ok()?, read_u16(message, end + 2).ok()?];
        let behind = &message[end + 4..];
        let edns = match header[11] {
            0 if behind.is_empty() => None,
            0 => return None,
            _ => Some(opt(behind)?),
        };
        (qclass == class::IN).then_some(Self {
            id: u16::from_be_bytes([header[0], header[1]]),
            is_recursion_desired: header[2] & 1 != 0,
            question: &message[HEADER_OCTETS..end + 4],
            qtype,
            edns,
            name,
            name_octets: written.len(),
        })
    }

    /// Returns the octets of the name in lower case, with the root's zero at the end.
    pub fn name(&self) -> &[u8] {
        &self.name[..self.name_octets]
    }
}

/// Returns the offset behind the name of the question. `None`: it is none, the root, or too long.
#[inline]
fn name_end(message: &[u8]) -> Option<usize> {
    let mut at = HEADER_OCTETS;
    loop {
        let length = *message.get(at)?;
        match length {
            0 if at > HEADER_OCTETS => return Some(at + 1),
            1..=MAX_LABEL => at += 1 + usize::from(length),
            _ => return None,
        }
        if at - HEADER_OCTETS >= MAX_PLAIN_NAME {
            return None;
        }
    }
}

/// Reads the only record behind the question.
#[inline]
fn opt(record: &[u8]) -> Option<Edns> {
    let (fixed, rdata) = record.split_first_chunk::<11>()?;
    let [0, type_high, type_low, size_high, size_low, ttl @ .., length_high, length_low] = *fixed else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    if u16::from_be_bytes([type_high, type_low]) != rtype::OPT || length != rdata.len() {
        return None;
    }
    let (edns, read) = Edns::read(u16::from_be_bytes([size_high, size_low]), ttl, rdata);
    (read.is_ok() && edns.version == 0 && !edns.wants_nsid && !edns.wants_keepalive).then_some(edns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Query;

    const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\x80\0\0\x0b\0\x08\0\x07\0\x01\x18\0\xc0\0\x02";

    fn query(flags: [u8; 2], name: &[u8], records: &[&[u8]]) -> Vec<u8> {
        let count = u8::try_from(records.len()).expect("few records");
        let header = [&[7, 7][..], &flags, &[0, 1, 0, 0, 0, 0, 0, count]].concat();
        [&header[..], name, b"\0\x01\0\x01", &records.concat()].concat()
    }

    /// Holds what is read against what the reader of all queries reads, and returns whether it was read.
    fn check(message: &[u8], expected: bool) {
        let plain = PlainQuery::read(message);
        assert_eq!(plain.is_some(), expected, "{}", message.escape_ascii());
        let Some(plain) = plain else { return };
        let whole = Query::parse(message).expect("it is a query");
        let question = whole.question.expect("it has a question");
        assert!(whole.is_well_formed);
        assert_eq!((plain.question, plain.name()), (question.bytes, question.name.as_bytes()));
        assert_eq!((plain.qtype, plain.edns), (question.qtype, whole.edns));
        assert_eq!(plain.id, whole.header.id);
        assert_eq!(plain.is_recursion_desired, whole.header.is_recursion_desired);
    }

    #[test]
    fn usual_queries_are_read_as_the_reader_of_all_queries_reads_them() {
        for flags in [[0, 0], [1, 0], [1, 0x10], [0, 0x20]] {
            check(&query(flags, b"\x03wWw\x02AB\0", &[]), true);
            check(&query(flags, b"\x01a\0", &[OPT]), true);
        }
        check(&query([0, 0], &[&b"\x3e"[..], &[b'a'; 62], b"\0"].concat(), &[OPT]), true);
    }

    #[test]
    fn what_is_unusual_is_left_to_the_reader_of_all_queries() {
        for flags in [[0x80, 0], [0x08, 0], [4, 0], [2, 0], [0, 0x80], [0, 0x40], [0, 1]] {
            check(&query(flags, b"\x01a\0", &[]), false);
        }
        check(&query([0, 0], b"\0", &[]), false);
        check(&query([0, 0], b"\xc0\x0c", &[]), false);
        check(&query([0, 0], &[&b"\x3f"[..], &[b'a'; 63], b"\0"].concat(), &[]), false);
        check(&query([0, 0], b"\x01a\0", &[OPT, OPT]), false);
        check(&query([0, 0], b"\x01a\0", &[&OPT[..20]]), false);
        check(&query([0, 0], b"\x01a\0", &[OPT, b"x"]), false);
        check(&query([0, 0], b"\x01a\0", &[b"\0\0\x29\x04\xd0\0\x01\0\0\0\0"]), false);
        check(&query([0, 0], b"\x01a\0", &[b"\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x03\0\0"]), false);
        let chaos = [&query([0, 0], b"\x01a\0", &[])[..17], &[0, 3]].concat();
        check(&chaos, false);
    }
}
