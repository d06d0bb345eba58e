//! The SOA record of negative answers as it stands behind any question of its zone.
//!
//! Names are compressed against the question. Behind a longer question everything stands further on by as many octets, what the
//! pointers lead to as well: so one form serves all names of a zone, but those that have more labels in common with the names in
//! the record than the apex has.

use super::packed::Packed;
use crate::wire::{ReplyWriter, Section};
use crate::zone::Ttl;

/// The octets of a record before its data, behind the owner name: type, class, time to live, length.
const FIXED_OCTETS: usize = 10;

/// The octets of a pointer (RFC 1035, section 4.1.4).
const POINTER_OCTETS: usize = 2;

/// The most labels of both names in the record together. The writer of replies knows so many names beside those of the longest
/// question that is read as plain.
const MAX_LABELS: usize = 32;

/// The record, in the form that stands behind a question for the apex.
#[derive(Debug)]
pub struct PlainNegative {
    octets: Box<[u8]>,
    /// The offsets of its pointers.
    pointers: Vec<u16>,
    /// The octets of the apex.
    apex: usize,
    ttl: u32,
    /// The labels right below the apex in the names of the record. Names that end with one of them are compressed otherwise.
    taken: Vec<Box<[u8]>>,
}

impl PlainNegative {
    /// Returns the form of a record; `None`: its zone is the root, or it has unusually long names.
    pub(super) fn of(apex: &[u8], soa: &Packed) -> Option<Self> {
        let rdata = soa.records().next()?;
        let (names, labels) = names(rdata)?;
        if apex.len() < POINTER_OCTETS || labels > MAX_LABELS {
            return None;
        }
        let mut buffer = [0; 1024];
        let mut writer = ReplyWriter::new(&mut buffer, 1024, Some(&[apex, &[0; 4]].concat()));
        let start = writer.position();
        soa.write_for(&mut writer, Section::Authority, apex, Ttl::MAX).ok()?;
        let octets: Box<[u8]> = writer.written()[start..].into();
        let mut pointers = vec![0];
        let mut at = POINTER_OCTETS + FIXED_OCTETS;
        for _ in 0..names.len() {
            at = written_name(&octets, at, &mut pointers)?;
        }
        let taken = names.iter().filter_map(|name| label_above(name, apex)).map(Into::into).collect();
        Some(Self { octets, pointers, apex: apex.len(), ttl: soa.ttl_seconds(), taken })
    }

    /// Returns the octets of the record.
    pub fn octets(&self) -> usize {
        self.octets.len()
    }

    /// Returns whether the record has this form behind a question for `name`, which is of the zone.
    pub fn suits(&self, name: &[u8]) -> bool {
        let above = &name[..name.len() - self.apex];
        // A label that merely ends so is met with the same caution.
        !self.taken.iter().any(|label| above.ends_with(label))
    }

    /// Writes the record into exactly [`PlainNegative::octets`] octets, behind a question for a name of so many octets, with no
    /// longer a time to live than `most`.
    pub fn write(&self, out: &mut [u8], name_octets: usize, most: Ttl) {
        out.copy_from_slice(&self.octets);
        let further = u16::try_from(name_octets - self.apex).expect("a name has at most 255 octets");
        for at in &self.pointers {
            let at = usize::from(*at);
            let pointer = u16::from_be_bytes([out[at], out[at + 1]]) + further;
            out[at..at + 2].copy_from_slice(&pointer.to_be_bytes());
        }
        out[6..10].copy_from_slice(&self.ttl.min(most.seconds()).to_be_bytes());
    }
}

/// Returns the two names that the data of a SOA record begins with, and how many labels they have together.
fn names(rdata: &[u8]) -> Option<([&[u8]; 2], usize)> {
    let (server, first) = split_name(rdata)?;
    let (mailbox, second) = split_name(&rdata[server.len()..])?;
    Some(([server, mailbox], first + second))
}

/// Returns the uncompressed name at the beginning of some octets, and how many labels it has.
fn split_name(octets: &[u8]) -> Option<(&[u8], usize)> {
    let (mut at, mut labels) = (0, 0);
    loop {
        match *octets.get(at)? {
            0 => return Some((&octets[..=at], labels)),
            length @ 1..=63 => (at, labels) = (at + 1 + usize::from(length), labels + 1),
            _ => return None,
        }
    }
}

/// Returns the offset behind the written name at `at`, and adds that of the pointer that it may end with.
fn written_name(octets: &[u8], mut at: usize, pointers: &mut Vec<u16>) -> Option<usize> {
    loop {
        match *octets.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            _ => {
                pointers.push(u16::try_from(at).ok()?);
                return Some(at + POINTER_OCTETS);
            }
        }
    }
}

/// Returns the label right before an apex, with its length octet, of a name below it, in lower case.
fn label_above(name: &[u8], apex: &[u8]) -> Option<Vec<u8>> {
    let name = name.to_ascii_lowercase();
    let mut rest = &name[..];
    while let Some(&length) = rest.first().filter(|length| **length > 0) {
        let (label, behind) = rest.split_at(1 + usize::from(length));
        if behind == apex {
            return Some(label.to_vec());
        }
        rest = behind;
    }
    None
}
