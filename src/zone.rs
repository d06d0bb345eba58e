//! What a zone holds: owner names, and for each the RRsets or the fact that it is steered or a pin.
//!
//! These are the plain, validated values that `config` makes. The form in which a query finds them
//! is `answer::NameTree`.

use std::collections::BTreeMap;

pub use hickory_proto::rr::{Name, RData, RecordType};

pub use crate::ids::{Chooser, PinId, SteeringId};

/// A time to live in whole seconds, 0 to 2^31 − 1 (RFC 2181, section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(u32);

impl Ttl {
    /// The longest time to live there is.
    pub const MAX: Self = Self(i32::MAX as u32);

    /// Returns the time to live of this many seconds, or `None` when it is more than [`Ttl::MAX`].
    pub fn from_seconds(seconds: u32) -> Option<Self> {
        (seconds <= Self::MAX.0).then_some(Self(seconds))
    }

    /// Returns this time and another one after it, at most [`Ttl::MAX`].
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).min(Self::MAX.0))
    }

    /// Returns the number of seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

/// All records of one owner name and type; they share one TTL (RFC 2181, section 5.2).
#[derive(Clone, Debug, PartialEq)]
pub struct RRset {
    /// The type of every record in it.
    pub rtype: RecordType,
    /// The time to live.
    pub ttl: Ttl,
    /// The data of each record, never empty, without duplicates.
    pub rdata: Vec<RData>,
}

/// What an owner name holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Its static RRsets, one for each type.
    pub rrsets: Vec<RRset>,
    /// Set when its A, AAAA and HTTPS answers are chosen; then no static RRset has the first two types, nor HTTPS
    /// if the policy makes HTTPS records.
    pub chooser: Option<Chooser>,
}

/// Returns a name as operators read and write it, without the final dot.
pub fn name_text(name: &Name) -> String {
    let mut text = name.to_string();
    if text.len() > 1 {
        text.truncate(text.strip_suffix('.').unwrap_or(&text).len());
    }
    text
}

/// A zone: everything below its apex down to the cuts.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// The owner name of its SOA record.
    pub apex: Name,
    /// Every owner name with data, absolute and inside the zone. The apex is among them and has one
    /// SOA record and at least one NS record. Glue below a cut is among them too.
    pub nodes: BTreeMap<Name, Node>,
    /// Whether secondaries are given the zone. Its serial number is then kept by the server, and changes with its answers.
    pub is_transferred: bool,
}
