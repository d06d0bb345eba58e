//! The SOA record of negative answers as it stands behind any question of its zone.
//!
//! Names are compressed against the question. Behind a longer question everything stands further on by as many octets, what the
//! pointers lead to as well: so one form serves all names of a zone, but those that have more labels in common with the names in
//! the record than the apex has.

use super::packed::Packed;
use crate::wire::{LowerName, MAX_LABEL, ReplyWriter, SOA_NUMBERS, Section};
use crate::zone::Ttl;

/// The octets of a record before its data, behind the owner name: type, class, time to live, length.
const FIXED_OCTETS: usize = 10;

/// The octets of a pointer (RFC 1035, section 4.1.4).
const POINTER_OCTETS: usize = 2;

/// The most labels of both names in the record together. The writer of replies knows so many names beside those of the longest
/// question that is read as plain.
const MAX_LABELS: u8 = 32;

/// The record, in the form that stands behind a question for the apex.
#[derive(Clone, Debug)]
pub struct PlainNegative {
    octets: Box<[u8]>,
    /// The offsets of its pointers.
    pointers: Vec<usize>,
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
        let (server, behind) = LowerName::read(rdata, 0).ok()?;
        let (mailbox, _) = LowerName::read(rdata, behind).ok()?;
        if apex.len() < POINTER_OCTETS || server.labels() + mailbox.labels() > MAX_LABELS {
            return None;
        }
        let mut buffer = [0; 1024];
        let mut writer = ReplyWriter::new(&mut buffer, 1024, Some(&[apex, &[0; 4]].concat()));
        let start = writer.position();
        soa.write_for(&mut writer, Section::Authority, apex, Ttl::MAX).ok()?;
        let octets: Box<[u8]> = writer.written()[start..].into();
        let mut pointers = vec![0];
        let mut at = POINTER_OCTETS + FIXED_OCTETS;
        for name in [&server, &mailbox] {
            let pointer = pointer_in(&octets[at..], name);
            pointers.extend(pointer.map(|pointer| at + pointer));
            at += pointer.map_or(name.as_bytes().len(), |pointer| pointer + POINTER_OCTETS);
        }
        let taken = [server, mailbox].iter().filter_map(|name| label_above(name, apex)).collect();
        Some(Self { octets, pointers, apex: apex.len(), ttl: soa.ttl_seconds(), taken })
    }

    /// Returns the same record with another serial number.
    pub(super) fn with_serial(&self, serial: u32) -> Self {
        let mut other = self.clone();
        let at = other.octets.len() - SOA_NUMBERS;
        other.octets[at..at + 4].copy_from_slice(&serial.to_be_bytes());
        other
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
        for &at in &self.pointers {
            let pointer = u16::from_be_bytes([out[at], out[at + 1]]) + further;
            out[at..at + 2].copy_from_slice(&pointer.to_be_bytes());
        }
        out[6..10].copy_from_slice(&self.ttl.min(most.seconds()).to_be_bytes());
    }
}

/// Returns the offset of the pointer that a written name ends with. `None`: it is written to its end.
fn pointer_in(written: &[u8], name: &LowerName) -> Option<usize> {
    let mut labels = name.ancestors().map(|ancestor| name.as_bytes().len() - ancestor.len());
    labels.find(|label| written[*label] > MAX_LABEL)
}

/// Returns the label right before an apex, with its length octet, of a name below it.
fn label_above(name: &LowerName, apex: &[u8]) -> Option<Box<[u8]>> {
    let mut pairs = name.ancestors().zip(name.ancestors().skip(1));
    let (below, _) = pairs.find(|(_, parent)| *parent == apex)?;
    Some(below[..below.len() - apex.len()].into())
}
