//! Writes a reply into a buffer, within a limit, with its names compressed.
//!
//! The offsets of names that were written are kept in a small table on the stack; the names themselves are
//! read back from the message. A map of names would have to allocate them. The unit is the RRset: one that
//! does not fit leaves nothing behind, so that a resolver never caches a part of one.

use super::codes::{Rcode, class, rtype};
use super::edns::Opt;
use super::name::MAX_LABEL;
use super::query::{HEADER_OCTETS, Header};

/// The names whose offsets are kept. A usual reply has fewer than twenty; when the table is full, names are
/// still written, only longer.
const KNOWN_NAMES: usize = 64;

/// The offsets that a pointer's 14 bits can name (RFC 1035, section 4.1.4).
const POINTER_REACH: usize = 0x4000;

/// The reply has no room for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The sections of a reply behind the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The RRsets of the question's name and of its aliases.
    Answer,
    /// The SOA of a negative answer, the NS of a referral.
    Authority,
    /// Glue and OPT.
    Additional,
}

/// A state of the writer, to return to.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    length: usize,
    known: usize,
    counts: [u16; 4],
}

/// The header of a reply.
#[derive(Clone, Copy, Debug)]
pub struct ReplyHeader {
    pub request: Header,
    /// Its low four bits stand in the header, the others in the OPT record.
    pub rcode: Rcode,
    /// Whether the first owner name of the answer is in a zone of this server (AA).
    pub is_authoritative: bool,
    /// Whether a required record was left out (TC).
    pub is_truncated: bool,
}

/// A reply under construction.
#[derive(Debug)]
pub struct ReplyWriter<'a> {
    buffer: &'a mut [u8],
    reserved: usize,
    at: Checkpoint,
    known: [WrittenName; KNOWN_NAMES],
}

/// A name in the message. Its length spares most comparisons with the message.
#[derive(Clone, Copy, Debug, Default)]
struct WrittenName {
    offset: u16,
    octets: u8,
}

impl<'a> ReplyWriter<'a> {
    /// Starts a reply of at most `limit` octets in `buffer`, and repeats the question bit by bit.
    ///
    /// # Panics
    ///
    /// When the limit or the buffer is too small for the header and the question.
    pub fn new(buffer: &'a mut [u8], limit: usize, question: Option<&[u8]>) -> Self {
        let limit = limit.min(buffer.len());
        let mut writer = Self {
            buffer: &mut buffer[..limit],
            reserved: 0,
            at: Checkpoint { length: HEADER_OCTETS, known: 0, counts: [0; 4] },
            known: [WrittenName::default(); KNOWN_NAMES],
        };
        if let Some(question) = question {
            let name = question.len() - 4;
            writer.buffer[HEADER_OCTETS..][..question.len()].copy_from_slice(question);
            writer.learn(HEADER_OCTETS, &question[..name], name - 1);
            writer.at.length += question.len();
            writer.at.counts[0] = 1;
        }
        writer
    }

    /// Keeps room for the OPT record, which is written last: a truncated reply has one, too.
    pub fn reserve(&mut self, octets: usize) {
        self.reserved = octets;
    }

    /// Returns the present state.
    pub fn mark(&self) -> Checkpoint {
        self.at
    }

    /// Returns to an earlier state.
    pub fn rewind(&mut self, mark: Checkpoint) {
        self.at = mark;
    }

    /// Returns the offset of the next record, and so of its owner name.
    pub fn position(&self) -> usize {
        self.at.length
    }

    /// Returns what has been written, but for the header.
    pub fn written(&self) -> &[u8] {
        &self.buffer[..self.at.length]
    }

    /// Adds an RRset of class IN, whole or not at all. The data of its `records` is uncompressed.
    ///
    /// # Errors
    ///
    /// When it does not fit.
    pub fn rrset<'r>(
        &mut self,
        section: Section,
        owner: &[u8],
        rtype: u16,
        ttl: u32,
        records: impl IntoIterator<Item = &'r [u8]>,
    ) -> Result<(), Full> {
        self.rrset_of(class::IN, section, owner, rtype, ttl, records)
    }

    /// Adds a TXT record of class CHAOS to the answer, for this moment only.
    ///
    /// # Errors
    ///
    /// When it does not fit, or the text is longer than the 255 octets of a string.
    pub fn chaos(&mut self, owner: &[u8], text: &str) -> Result<(), Full> {
        let mut rdata = [0; 256];
        let end = 1 + text.len();
        rdata.get_mut(1..end).ok_or(Full)?.copy_from_slice(text.as_bytes());
        rdata[0] = u8::try_from(text.len()).map_err(|_| Full)?;
        self.rrset_of(class::CH, Section::Answer, owner, rtype::TXT, 0, [&rdata[..end]])
    }

    /// Returns how many octets are left, for the OPT record among others.
    pub fn room(&self) -> usize {
        self.buffer.len() - self.at.length
    }

    fn rrset_of<'r>(
        &mut self,
        class: u16,
        section: Section,
        owner: &[u8],
        rtype: u16,
        ttl: u32,
        records: impl IntoIterator<Item = &'r [u8]>,
    ) -> Result<(), Full> {
        let mark = self.at;
        let mut fixed = [0; 10];
        fixed[..2].copy_from_slice(&rtype.to_be_bytes());
        fixed[2..4].copy_from_slice(&class.to_be_bytes());
        fixed[4..8].copy_from_slice(&ttl.to_be_bytes());
        let mut pointer = None;
        for rdata in records {
            let written = self.record(owner, pointer, &fixed, rtype, rdata);
            if written.is_err() {
                self.at = mark;
                return written;
            }
            pointer = pointer.or_else(|| self.pointer_to(mark.length));
            self.at.counts[1 + section as usize] += 1;
        }
        Ok(())
    }

    /// Adds the OPT record, for which room was reserved.
    pub fn opt(&mut self, opt: &Opt<'_>, rcode: Rcode, scope: u8) {
        let octets = opt.octets();
        opt.write(rcode, scope, &mut self.buffer[self.at.length..][..octets]);
        self.at.length += octets;
        self.at.counts[3] += 1;
    }

    /// Writes the header, and returns the length of the whole reply.
    pub fn finish(self, header: ReplyHeader) -> usize {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let request = header.request;
        let out = &mut self.buffer[..HEADER_OCTETS];
        out[..2].copy_from_slice(&request.id.to_be_bytes());
        // RA, Z, AD and CD stay clear: there is no recursion here, Z must be zero, nothing is validated,
        // and an authoritative reply clears CD (RFC 4035, section 3.1.6; NSD does, BIND copies it).
        out[2] = 0x80
            | request.opcode.0 << 3
            | bit(header.is_authoritative, 4)
            | bit(header.is_truncated, 2)
            | bit(request.is_recursion_desired, 1);
        out[3] = header.rcode.code().to_be_bytes()[1] & 0xf;
        for (field, count) in out[4..].chunks_exact_mut(2).zip(self.at.counts) {
            field.copy_from_slice(&count.to_be_bytes());
        }
        self.at.length
    }

    /// Returns whether the name that was written at `position` is `name`, letters of either case alike.
    pub fn has_name_at(&self, position: usize, name: &[u8]) -> bool {
        let (mut at, mut name) = (position, name);
        loop {
            let length = self.buffer[at];
            if length >= 0xc0 {
                // Pointers are written by this writer only, and lead backwards.
                at = usize::from(u16::from_be_bytes([length & 0x3f, self.buffer[at + 1]]));
                continue;
            }
            let label = usize::from(length) + 1;
            let is_same = name.get(..label).is_some_and(|label_of_name| {
                // A length octet is below 64, where no letters are.
                label_of_name.eq_ignore_ascii_case(&self.buffer[at..at + label])
            });
            if !is_same || length == 0 {
                return is_same;
            }
            at += label;
            name = &name[label..];
        }
    }

    /// Writes one record; its owner as a pointer, if one is known.
    fn record(
        &mut self,
        owner: &[u8],
        pointer: Option<[u8; 2]>,
        fixed: &[u8; 10],
        rtype: u16,
        rdata: &[u8],
    ) -> Result<(), Full> {
        match pointer {
            Some(pointer) => self.octets(&pointer)?,
            None => self.name(owner)?,
        }
        self.octets(fixed)?;
        let start = self.at.length;
        self.rdata(rtype, rdata)?;
        let length = u16::try_from(self.at.length - start).map_err(|_| Full)?;
        self.buffer[start - 2..start].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// Returns a pointer to the name at `offset`, unless that is out of reach or the root, which is shorter
    /// than a pointer.
    fn pointer_to(&self, offset: usize) -> Option<[u8; 2]> {
        match self.buffer[offset] {
            0 => None,
            high @ 0xc0.. => Some([high, self.buffer[offset + 1]]),
            _ if offset >= POINTER_REACH => None,
            _ => u16::try_from(0xc000 | offset).ok().map(u16::to_be_bytes),
        }
    }

    /// Writes RDATA. The names of [`compressed_names`] are compressed; all others stay as they are.
    fn rdata(&mut self, rtype: u16, rdata: &[u8]) -> Result<(), Full> {
        let (mut at, names) = compressed_names(rtype).unwrap_or((rdata.len(), 0));
        self.octets(&rdata[..at.min(rdata.len())])?;
        for _ in 0..names {
            // RDATA in the form of RFC 3597 may hold anything: what is no name is copied.
            let Some(end) = name_end(rdata, at) else { break };
            self.name(&rdata[at..end])?;
            at = end;
        }
        self.octets(rdata.get(at..).unwrap_or_default())
    }

    /// Writes a name: the labels that are new, then a pointer to the rest of it if that was written before.
    fn name(&mut self, name: &[u8]) -> Result<(), Full> {
        let start = self.at.length;
        let mut new = 0;
        while name[new] != 0 {
            if let Some(offset) = self.find(&name[new..]) {
                self.octets(&name[..new])?;
                self.octets(&(0xc000 | offset).to_be_bytes())?;
                self.learn(start, name, new);
                return Ok(());
            }
            new += usize::from(name[new]) + 1;
        }
        self.octets(&name[..=new])?;
        self.learn(start, name, new);
        Ok(())
    }

    /// Returns the offset of `name`, if it was written before.
    fn find(&self, name: &[u8]) -> Option<u16> {
        let known = self.known[..self.at.known].iter();
        let mut alike = known.filter(|known| usize::from(known.octets) == name.len());
        alike.find(|known| self.has_name_at(usize::from(known.offset), name)).map(|known| known.offset)
    }

    /// Keeps the offsets of `name`, which was written at `start`, and of its ancestors: those that begin in
    /// its first `new` octets, which are labels and no pointer.
    fn learn(&mut self, start: usize, name: &[u8], new: usize) {
        let mut at = 0;
        while at < new && start + at < POINTER_REACH && self.at.known < KNOWN_NAMES {
            self.known[self.at.known] = WrittenName {
                offset: u16::try_from(start + at).expect("within the reach of a pointer"),
                octets: u8::try_from(name.len() - at).unwrap_or(u8::MAX),
            };
            self.at.known += 1;
            at += usize::from(name[at]) + 1;
        }
    }

    /// Copies octets.
    fn octets(&mut self, octets: &[u8]) -> Result<(), Full> {
        let end = self.at.length + octets.len();
        if end + self.reserved > self.buffer.len() {
            return Err(Full);
        }
        self.buffer[self.at.length..end].copy_from_slice(octets);
        self.at.length = end;
        Ok(())
    }
}

/// Returns whether there are names in the data of a type that are compressed.
pub fn compresses_names(rtype: u16) -> bool {
    compressed_names(rtype).is_some()
}

/// Returns how many octets stand before the names in the data of a type, and how many names are compressed there. `None`: none
/// is. They are compressed in those types of RFC 1035 that every reader knows (RFC 3597, section 4).
fn compressed_names(rtype: u16) -> Option<(usize, usize)> {
    match rtype {
        rtype::NS | rtype::CNAME | rtype::PTR => Some((0, 1)),
        rtype::SOA => Some((0, 2)),
        rtype::MX => Some((2, 1)),
        _ => None,
    }
}

/// Returns where the uncompressed name at `at` ends, if there is one.
fn name_end(rdata: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *rdata.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=MAX_LABEL => at += 1 + usize::from(length),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Opcode;

    const QUESTION: &[u8] = b"\x03www\x07example\x03org\0\0\x01\0\x01";

    /// Writes one record behind the question, and returns what stands behind the question.
    fn check(owner: &[u8], rtype: u16, rdata: &[u8], expected: &[u8]) {
        let mut buffer = [0; 512];
        let mut writer = ReplyWriter::new(&mut buffer, 512, Some(QUESTION));
        let start = writer.position();
        writer.rrset(Section::Answer, owner, rtype, 1, [rdata]).expect("it fits");
        let end = writer.position();
        assert_eq!(buffer[start..end].escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    #[test]
    fn names_are_compressed_against_the_question_in_any_case() {
        check(
            b"\x03WWW\x07example\x03org\0",
            rtype::A,
            &[192, 0, 2, 1],
            b"\xc0\x0c\0\x01\0\x01\0\0\0\x01\0\x04\xc0\0\x02\x01",
        );
        check(
            b"\x07example\x03org\0",
            rtype::NS,
            b"\x02ns\x07example\x03org\0",
            b"\xc0\x10\0\x02\0\x01\0\0\0\x01\0\x05\x02ns\xc0\x10",
        );
        check(b"\0", rtype::MX, b"\0\x05\x03org\0", b"\0\0\x0f\0\x01\0\0\0\x01\0\x04\0\x05\xc0\x18");
    }

    #[test]
    fn the_owner_of_an_rrset_is_written_once() {
        for (owner, octets) in [(&QUESTION[..17], 2 + 2), (b"\x03new\0", 5 + 2), (b"\0", 1 + 1)] {
            let mut buffer = [0; 512];
            let mut writer = ReplyWriter::new(&mut buffer, 512, Some(QUESTION));
            let start = writer.position();
            let records = [&[1; 4][..], &[2; 4]];
            writer.rrset(Section::Answer, owner, rtype::A, 1, records).expect("they fit");
            assert_eq!(writer.position() - start, octets + 2 * 14);
        }
    }

    #[test]
    fn names_in_newer_types_are_never_compressed() {
        for newer in [33, rtype::DNAME, rtype::HTTPS] {
            let mut expected = b"\xc0\x0c\0".to_vec();
            expected.push(u8::try_from(newer).expect("a small number"));
            expected.extend(b"\0\x01\0\0\0\x01\0\x0d\x07example\x03org\0");
            check(&QUESTION[..17], newer, b"\x07example\x03org\0", &expected);
        }
    }

    #[test]
    fn rdata_that_is_no_name_is_copied() {
        check(b"\0", rtype::SOA, b"\x05a", b"\0\0\x06\0\x01\0\0\0\x01\0\x02\x05a");
        check(b"\0", rtype::MX, b"\x05", b"\0\0\x0f\0\x01\0\0\0\x01\0\x01\x05");
    }

    #[test]
    fn an_rrset_that_does_not_fit_leaves_nothing_behind() {
        let mut buffer = [0; 100];
        let mut writer = ReplyWriter::new(&mut buffer, 60, Some(QUESTION));
        let owner = b"\x03new\0";
        let records = writer.rrset(Section::Answer, owner, rtype::A, 1, [&[1; 4][..], &[2; 4]]);
        assert_eq!(records, Err(Full));
        let fits = writer.rrset(Section::Answer, owner, rtype::A, 1, [&[9; 4][..]]);
        assert_eq!(fits, Ok(()));
        let length = writer.finish(ReplyHeader {
            request: Header { id: 7, opcode: Opcode::QUERY, is_recursion_desired: true },
            rcode: Rcode::NoError,
            is_authoritative: true,
            is_truncated: false,
        });
        assert_eq!(&buffer[..12], &[0, 7, 0x85, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(&buffer[33..length], b"\x03new\0\0\x01\0\x01\0\0\0\x01\0\x04\x09\x09\x09\x09");
    }
}
