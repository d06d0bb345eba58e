//! An RRset in the bytes of the wire, ready to be copied.

use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use crate::wire::{Full, HEADER_OCTETS, ReplyWriter, SOA_NUMBERS, Section, class, compresses_names};
use crate::zone::{RData, RecordType, Ttl};

/// The octets of a record before its data where a pointer stands for its owner: pointer, type, class, time to live, length.
const PLAIN_HEAD: usize = 12;

/// The pointer to the name of the question (RFC 1035, section 4.1.4).
const POINTER_TO_QUESTION: [u8; 2] = [0xc0, HEADER_OCTETS as u8];

/// An RRset ready to be copied into a reply. Invariant: `rdata` is a sequence of `count` records, each as a
/// length of two octets and its uncompressed data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Packed {
    rtype: u16,
    ttl: u32,
    count: u16,
    /// How many records take turns at being the first; the others follow in their order. At most `count`.
    turning: u16,
    rdata: Box<[u8]>,
}

/// RDATA that has no form on the wire, such as a character string of more than 255 octets.
#[derive(Debug, thiserror::Error)]
#[error("the record data cannot be encoded")]
pub struct Unencodable(#[from] hickory_proto::ProtoError);

impl Packed {
    /// Packs records of one type.
    ///
    /// # Panics
    ///
    /// When one of them is [`Unencodable`]. The configuration is checked before, with [`Packed::encode`].
    pub fn new(rtype: RecordType, ttl: Ttl, rdata: &[RData]) -> Self {
        Self::encode(rtype, ttl, rdata).expect("the configuration holds records that can be encoded")
    }

    /// Packs records of one type.
    ///
    /// # Errors
    ///
    /// When one of them has no form on the wire, or there are more than a message can hold.
    pub fn encode(rtype: RecordType, ttl: Ttl, rdata: &[RData]) -> Result<Self, Unencodable> {
        let mut packed = Vec::new();
        for data in rdata {
            let octets = uncompressed(data)?;
            let length = u16::try_from(octets.len()).map_err(|_| too_long())?;
            packed.extend(length.to_be_bytes());
            packed.extend(octets);
        }
        let count = u16::try_from(rdata.len()).map_err(|_| too_long())?;
        Ok(Self { rtype: rtype.into(), ttl: ttl.seconds(), count, turning: count, rdata: packed.into() })
    }

    /// Returns the same records, only the first `turning` of which take turns at being the first.
    pub fn turning(self, turning: usize) -> Self {
        Self { turning: u16::try_from(turning).map_or(self.count, |turning| turning.min(self.count)), ..self }
    }

    /// Returns the type of the records.
    pub fn rtype(&self) -> u16 {
        self.rtype
    }

    /// Returns how many records there are.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Returns the time to live in seconds.
    pub fn ttl_seconds(&self) -> u32 {
        self.ttl
    }

    /// Returns the SOA record with another serial number.
    pub fn with_serial(mut self, serial: u32) -> Self {
        let at = self.rdata.len() - SOA_NUMBERS;
        self.rdata[at..at + 4].copy_from_slice(&serial.to_be_bytes());
        self
    }

    /// Returns those of the records that `keeps` wants, in the order of their octets; `None`: it wants none.
    pub fn sorted(&self, keeps: impl Fn(&[u8]) -> bool) -> Option<Self> {
        let mut kept: Vec<&[u8]> = self.records().filter(|data| keeps(data)).collect();
        kept.sort_unstable();
        let count = u16::try_from(kept.len()).expect("no more than there are");
        let mut rdata = Vec::new();
        for data in kept {
            rdata.extend(u16::try_from(data.len()).expect("it was packed with such a length").to_be_bytes());
            rdata.extend(data);
        }
        (count > 0).then(|| Self { count, turning: count, rdata: rdata.into(), ..*self })
    }

    /// Returns the same records with another time to live.
    pub fn with_ttl(self, ttl: Ttl) -> Self {
        Self { ttl: ttl.seconds(), ..self }
    }

    /// Returns the data of each record, in the order in which they were packed.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let mut rest = &self.rdata[..];
        std::iter::from_fn(move || {
            let (&length, behind) = rest.split_first_chunk()?;
            let data;
            (data, rest) = behind.split_at(usize::from(u16::from_be_bytes(length)));
            Some(data)
        })
    }

    /// Writes all records, beginning with number `turn` modulo the count of those that take turns: equal turns give equal
    /// replies, and turns that differ spread the clients who take the first record.
    ///
    /// # Errors
    ///
    /// When they do not all fit; then none has been written.
    pub fn write(
        &self,
        writer: &mut ReplyWriter<'_>,
        section: Section,
        owner: &[u8],
        turn: u16,
    ) -> Result<(), Full> {
        writer.rrset(section, owner, self.rtype, self.ttl, self.rotated(turn))
    }

    /// Returns how many octets the records take where a pointer stands for their owner. `None`: there are names in their data that
    /// are compressed, of which more must be known.
    #[inline]
    pub fn plain_octets(&self) -> Option<usize> {
        let between = PLAIN_HEAD - size_of::<u16>();
        let has_names = compresses_names(self.rtype);
        (!has_names).then(|| self.rdata.len() + usize::from(self.count) * between)
    }

    /// Writes all records into exactly [`Packed::plain_octets`] octets, as [`Packed::write`] does where their owner is the name of
    /// the question.
    #[inline]
    pub fn write_plain(&self, mut out: &mut [u8], turn: u16) {
        let mut head = [0; PLAIN_HEAD];
        head[..2].copy_from_slice(&POINTER_TO_QUESTION);
        head[2..4].copy_from_slice(&self.rtype.to_be_bytes());
        head[4..6].copy_from_slice(&class::IN.to_be_bytes());
        head[6..10].copy_from_slice(&self.ttl.to_be_bytes());
        for data in self.rotated(turn) {
            let (record, rest) = out.split_at_mut(PLAIN_HEAD + data.len());
            let length = u16::try_from(data.len()).expect("it was packed with such a length");
            head[10..].copy_from_slice(&length.to_be_bytes());
            record[..PLAIN_HEAD].copy_from_slice(&head);
            record[PLAIN_HEAD..].copy_from_slice(data);
            out = rest;
        }
    }

    /// Returns the data of each record, in turn.
    fn rotated(&self, turn: u16) -> impl Iterator<Item = &[u8]> {
        let first = usize::from(turn.checked_rem(self.turning).unwrap_or(0));
        let turning = usize::from(self.turning);
        let all = self.records();
        let rotated = all.clone().take(turning).skip(first).chain(all.clone().take(first));
        // Taking none asks for none: mostly all records take turns, and nothing is walked over again.
        let following = usize::from(self.count) - turning;
        rotated.chain(all.skip(turning).take(following))
    }

    /// Writes all records in their order, with no longer a time to live than `most`.
    ///
    /// # Errors
    ///
    /// When they do not all fit; then none has been written.
    pub fn write_for(
        &self,
        writer: &mut ReplyWriter<'_>,
        section: Section,
        owner: &[u8],
        most: Ttl,
    ) -> Result<(), Full> {
        let ttl = self.ttl.min(most.seconds());
        writer.rrset(section, owner, self.rtype, ttl, self.records())
    }
}

/// Returns the wire form of RDATA, its names uncompressed and in the case they were written in.
fn uncompressed(rdata: &RData) -> Result<Vec<u8>, Unencodable> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    rdata.emit(&mut encoder)?;
    Ok(octets)
}

/// Returns the error for more octets or records than 16 bits can count.
fn too_long() -> Unencodable {
    Unencodable(hickory_proto::ProtoError::MaxBufferSizeExceeded(usize::from(u16::MAX)))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn addresses(count: u8) -> Packed {
        let rdata: Vec<RData> =
            (0..count).map(|last| RData::A(Ipv4Addr::new(192, 0, 2, last).into())).collect();
        Packed::new(RecordType::A, Ttl::MAX, &rdata)
    }

    /// Writes the records and returns the last octet of each.
    fn check(packed: &Packed, turn: u16, expected: &[u8]) {
        let mut buffer = [0; 512];
        let mut writer = ReplyWriter::new(&mut buffer, 512, None);
        packed.write(&mut writer, Section::Answer, b"\0", turn).expect("they fit");
        let end = writer.position();
        let last: Vec<u8> = buffer[12..end].chunks(15).map(|record| record[14]).collect();
        assert_eq!(last, expected);
    }

    #[test]
    fn records_are_rotated_by_the_turn_and_none_is_lost() {
        check(&addresses(3), 0, &[0, 1, 2]);
        check(&addresses(3), 1, &[1, 2, 0]);
        check(&addresses(3), 65535, &[0, 1, 2]);
        check(&addresses(0), 5, &[]);
    }

    #[test]
    fn records_that_only_follow_stay_at_the_end_in_their_order() {
        let following = || addresses(4).turning(2);
        check(&following(), 0, &[0, 1, 2, 3]);
        check(&following(), 1, &[1, 0, 2, 3]);
        check(&following(), 2, &[0, 1, 2, 3]);
        check(&addresses(2).turning(0), 1, &[0, 1]);
        check(&addresses(2).turning(9), 1, &[1, 0]);
    }

    #[test]
    fn an_rrset_that_does_not_fit_leaves_nothing_behind() {
        let mut buffer = [0; 512];
        let mut writer = ReplyWriter::new(&mut buffer, 12 + 15 * 2, None);
        let written = addresses(3).write(&mut writer, Section::Answer, b"\0", 0);
        assert_eq!((written, writer.position()), (Err(Full), 12));
    }

    #[test]
    fn data_that_has_no_wire_form_is_an_error() {
        let long = RData::TXT(hickory_proto::rr::rdata::TXT::new(vec!["x".repeat(256)]));
        assert!(Packed::encode(RecordType::TXT, Ttl::MAX, &[long]).is_err());
    }
}
