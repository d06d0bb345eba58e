//! Reads a query: header, question, and the OPT record among the additional ones.
//!
//! A message gets no reply at all when it has no whole header or is itself a response: a reply to a response
//! could be answered in turn, for ever. All else can be replied to, so that a fault is recorded beside what
//! could be read before it. The rules:
//!
//! - Exactly one question (RFC 9619), its name without compression pointers.
//! - No records in the answer and authority sections of a QUERY, except the SOA in the authority of an
//!   IXFR query (RFC 1995). NSD does the same; BIND and Knot pass over them. A QUERY has no use for them.
//! - One OPT record at most, owned by the root, in the additional section (RFC 6891, section 6.1.1).
//! - A TSIG record only as the last one of the additional section (RFC 8945, section 5.1).
//! - Nothing behind the last record.
//!
//! A TSIG record is found here and judged by its caller (`wire::tsig`). Other additional records are passed over, SIG(0)
//! included: a sender that needs a signed reply rejects the unsigned one.

use super::codes::{Opcode, rtype};
use super::edns::Edns;
use super::name::{LowerName, MAX_LABEL};
use super::{FormatError, read_u16};

/// The octets of a message header.
pub const HEADER_OCTETS: usize = 12;

/// The octets of a SOA record's data behind its names: a serial number and four times.
pub const SOA_NUMBERS: usize = 20;

/// The header of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Repeated in the reply.
    pub id: u16,
    /// Repeated in the reply.
    pub opcode: Opcode,
    /// Repeated in the reply; there is no recursion.
    pub is_recursion_desired: bool,
}

/// The question of a query.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Name, type and class as they came, to be repeated bit by bit: resolvers use the case of letters as
    /// entropy.
    pub bytes: &'a [u8],
    /// In lower case.
    pub name: LowerName,
    /// A number of [`rtype`].
    pub qtype: u16,
    /// A number of [`super::class`].
    pub class: u16,
}

/// A message that gets a reply. Its opcode may be another than QUERY.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// Read in any case.
    pub header: Header,
    /// The question, if there is exactly one and it can be read.
    pub question: Option<Question<'a>>,
    /// The OPT record, if one was reached before a fault.
    pub edns: Option<Edns>,
    /// Where the TSIG record begins, if one is the last record.
    pub tsig_at: Option<usize>,
    /// Where the record of the authority section begins, if there is one.
    pub authority_at: Option<usize>,
    /// Whether the whole message follows the format of a QUERY.
    pub is_well_formed: bool,
    /// Whether it has no question because it only asks for a cookie (RFC 7873, section 5.4). It is not well-formed.
    pub asks_for_cookie: bool,
}

impl<'a> Query<'a> {
    /// Reads a query. `None`: it gets no reply.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let header = Header::parse(message)?;
        let mut query = Self {
            header,
            question: None,
            edns: None,
            tsig_at: None,
            authority_at: None,
            is_well_formed: false,
            asks_for_cookie: false,
        };
        query.is_well_formed = query.body(message).is_ok();
        Some(query)
    }

    /// Reads everything behind the header.
    fn body(&mut self, message: &'a [u8]) -> Result<(), FormatError> {
        let [questions, answers, authorities, additionals] = counts(message)?;
        let mut at = HEADER_OCTETS;
        match questions {
            // Read on: a FORMERR reply to a query without question has an OPT record, too.
            0 => {}
            1 => {
                let question = self.question.insert(Question::read(message)?);
                at += question.bytes.len();
            }
            _ => return Err(FormatError),
        }
        self.authority_at = (answers == 0 && authorities == 1).then_some(at);
        for _ in 0..u32::from(answers) + u32::from(authorities) {
            let record = RawRecord::read(message, &mut at)?;
            if [rtype::OPT, rtype::TSIG].contains(&record.rtype) {
                return Err(FormatError);
            }
        }
        let mut fault = Ok(());
        for number in 1..=additionals {
            let begin = at;
            let record = RawRecord::read(message, &mut at)?;
            match record.rtype {
                rtype::OPT => fault = fault.and(self.opt(&record)),
                rtype::TSIG if number == additionals => self.tsig_at = Some(begin),
                rtype::TSIG => fault = Err(FormatError),
                _ => {}
            }
        }
        let has_cookie = self.edns.is_some_and(|edns| edns.cookie.is_some());
        let is_bare = questions == 0 && answers == 0 && authorities == 0 && at == message.len();
        self.asks_for_cookie = is_bare && has_cookie && fault.is_ok();
        let question = self.question.as_ref().ok_or(FormatError)?;
        let most_authorities = if question.qtype == rtype::IXFR { 1 } else { 0 };
        if answers > 0 || authorities > most_authorities || at != message.len() {
            return Err(FormatError);
        }
        fault
    }

    /// Returns the serial number that an IXFR query says its sender has (RFC 1995, section 3).
    pub fn held_serial(&self, message: &[u8]) -> Option<u32> {
        let mut at = self.authority_at?;
        let record = RawRecord::read(message, &mut at).ok().filter(|record| record.rtype == rtype::SOA)?;
        // Two names, which may be compressed, then the serial number and four times.
        let numbers = record.rdata.len().checked_sub(SOA_NUMBERS)?;
        let serial = record.rdata.get(numbers..numbers + 4)?;
        Some(u32::from_be_bytes(serial.try_into().expect("four octets were taken")))
    }

    /// Takes an OPT record.
    fn opt(&mut self, record: &RawRecord<'_>) -> Result<(), FormatError> {
        if self.edns.is_some() || !record.is_at_root {
            return Err(FormatError);
        }
        let (edns, read) = Edns::read(record.class, record.ttl, record.rdata);
        self.edns = Some(edns);
        read
    }
}

impl Header {
    /// Reads a header. `None` when it is cut short or is that of a response.
    fn parse(message: &[u8]) -> Option<Self> {
        let header = message.get(..HEADER_OCTETS)?;
        let flags = header[2];
        let is_response = flags & 0x80 != 0;
        let opcode = Opcode(flags >> 3 & 0xf);
        (!is_response).then_some(Self {
            id: u16::from_be_bytes([header[0], header[1]]),
            opcode,
            // The bit has no known meaning in an opcode that is not implemented (RFC 8906, section 3.1.4).
            is_recursion_desired: opcode == Opcode::QUERY && flags & 1 != 0,
        })
    }
}

/// Returns the numbers of records in the four sections.
fn counts(message: &[u8]) -> Result<[u16; 4], FormatError> {
    Ok([read_u16(message, 4)?, read_u16(message, 6)?, read_u16(message, 8)?, read_u16(message, 10)?])
}

impl<'a> Question<'a> {
    /// Reads the question behind the header.
    fn read(message: &'a [u8]) -> Result<Self, FormatError> {
        let (name, end) = LowerName::read(message, HEADER_OCTETS)?;
        Ok(Self {
            qtype: read_u16(message, end)?,
            class: read_u16(message, end + 2)?,
            bytes: &message[HEADER_OCTETS..end + 4],
            name,
        })
    }
}

/// The parts of a record that are read.
pub(super) struct RawRecord<'a> {
    is_at_root: bool,
    pub rtype: u16,
    pub class: u16,
    pub ttl: [u8; 4],
    pub rdata: &'a [u8],
}

impl<'a> RawRecord<'a> {
    /// Reads the record at `at` and moves behind it.
    pub fn read(message: &'a [u8], at: &mut usize) -> Result<Self, FormatError> {
        let owner = *at;
        let fixed = skip_name(message, owner)?;
        let ttl = message.get(fixed + 4..fixed + 8).ok_or(FormatError)?;
        let rdata = fixed + 10;
        let end = rdata + usize::from(read_u16(message, fixed + 8)?);
        *at = end;
        Ok(Self {
            is_at_root: fixed == owner + 1,
            rtype: read_u16(message, fixed)?,
            class: read_u16(message, fixed + 2)?,
            ttl: ttl.try_into().expect("four octets were taken"),
            rdata: message.get(rdata..end).ok_or(FormatError)?,
        })
    }
}

/// Returns the offset behind the owner name at `at`. A pointer ends it and is not followed.
fn skip_name(message: &[u8], mut at: usize) -> Result<usize, FormatError> {
    let start = at;
    while at - start < super::MAX_NAME {
        let length = *message.get(at).ok_or(FormatError)?;
        match length {
            0 => return Ok(at + 1),
            1..=MAX_LABEL => at += 1 + usize::from(length),
            0xc0.. if at + 1 < message.len() => return Ok(at + 2),
            _ => return Err(FormatError),
        }
    }
    Err(FormatError)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";

    /// Parses `www. A` with `additionals` records, and says whether it is well formed and has an OPT.
    fn check(additionals: u8, records: &[&[u8]], expected: (bool, bool)) {
        let mut message = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, additionals];
        message.extend(b"\x03www\0\0\x01\0\x01");
        message.extend(records.concat());
        let query = Query::parse(&message).expect("a whole header");
        let seen = (query.is_well_formed, query.edns.is_some());
        assert_eq!(seen, expected, "{records:?}");
    }

    #[test]
    fn an_opt_is_found_and_a_tsig_record_is_the_last_one() {
        let tsig = b"\x03key\0\0\xfa\0\xff\0\0\0\0\0\x02xx";
        check(0, &[], (true, false));
        check(1, &[OPT], (true, true));
        check(2, &[OPT, tsig], (true, true));
        check(2, &[tsig, OPT], (false, true));
        check(1, &[tsig], (true, false));
    }

    #[test]
    fn records_that_are_missing_cut_short_or_too_many_are_malformed() {
        check(1, &[], (false, false));
        check(2, &[OPT], (false, true));
        check(2, &[OPT, OPT], (false, true));
        check(1, &[OPT, OPT], (false, true));
        check(1, &[&OPT[..10]], (false, false));
        check(1, &[&OPT[..10], b"\x01"], (false, false));
    }

    #[test]
    fn an_owner_name_ends_with_a_root_or_a_pointer_within_255_octets() {
        let record = |owner: &[u8]| [owner, b"\0\x01\0\x01\0\0\0\0\0\0"].concat();
        check(1, &[&record(b"\x01a\xc0\x0c")], (true, false));
        check(1, &[&record(b"\x80a")], (false, false));
        check(1, &[b"\xc0"], (false, false));
        let endless = b"\x3fa".repeat(200);
        check(1, &[&record(&endless)], (false, false));
    }
}
