//! A zone while it is put together: RRsets by owner name, each with its span.

use std::collections::BTreeMap;

use super::groups::Scope;
use super::regions::Definitions;
use super::transfer::{KeyReference, ZoneTransfers};
use crate::config::problem::{Reporter, Span};
use crate::config::records::{self, RecordTarget};
use crate::config::sources::SourceFiles;
use crate::steering::{Pin, Steering, SteeringId};
use crate::zone::{Chooser, Name, Node, PinId, RData, RRset, RecordType, Ttl, Zone};

/// What one owner name holds, while the zone is put together.
#[derive(Debug, Default)]
pub(super) struct NodeDraft {
    pub rrsets: Vec<RRsetDraft>,
    /// Set when it is steered, with the span; the number is missing when the policy cannot be read.
    pub steering: Option<(Option<SteeringId>, Span)>,
    /// Set when it is a pin, which has nothing else.
    pub pin: Option<PinId>,
    /// Whether the answers to HTTPS are chosen, too; so they are while the policy cannot be read.
    pub chooses_https: bool,
}

impl NodeDraft {
    /// Returns the RRset of a type.
    pub fn rrset(&self, rtype: RecordType) -> Option<&RRsetDraft> {
        self.rrsets.iter().find(|set| set.rtype == rtype)
    }

    /// Returns the finished node.
    pub fn finish(self) -> Node {
        let rrset = |set: RRsetDraft| RRset { rtype: set.rtype, ttl: set.ttl, rdata: set.rdata };
        Node {
            rrsets: self.rrsets.into_iter().map(rrset).collect(),
            chooser: self
                .steering
                .and_then(|(id, _)| id)
                .map(Chooser::Steering)
                .or(self.pin.map(Chooser::Pin)),
        }
    }
}

/// An RRset with its span, and those of the names that it points to.
#[derive(Debug)]
pub(super) struct RRsetDraft {
    pub rtype: RecordType,
    pub ttl: Ttl,
    pub rdata: Vec<RData>,
    pub targets: Vec<(RecordTarget, Span)>,
    pub span: Span,
    /// Whether records were left out because no reply could hold them.
    pub is_cut: bool,
}

/// The most records of a set that a message can hold: each takes a pointer to its owner and ten octets before its
/// data. More are not kept, for each is compared with those before it.
const MAX_RECORDS: usize = 65_535 / 12;

impl RRsetDraft {
    /// Returns an RRset without records.
    pub fn new(rtype: RecordType, ttl: Ttl, span: Span) -> Self {
        Self { rtype, ttl, rdata: Vec::new(), targets: Vec::new(), span, is_cut: false }
    }

    /// Adds a record, unless it is there already.
    pub fn add(
        &mut self,
        rdata: RData,
        target: Option<(RecordTarget, Span)>,
        span: Span,
        report: &mut Reporter,
    ) {
        if self.rdata.len() == MAX_RECORDS {
            self.is_cut = true;
            return;
        }
        if self.rdata.contains(&rdata) {
            report.warning(span, "this record occurs twice").hint("one is enough");
            return;
        }
        self.rdata.push(rdata);
        self.targets.extend(target);
    }
}

/// A zone while it is put together.
pub(super) struct ZoneLowering<'l> {
    pub apex: Name,
    pub default_ttl: Ttl,
    pub nodes: BTreeMap<Name, NodeDraft>,
    /// The steered names that have pins, and where those are asked for.
    pub pinned: Vec<(SteeringId, Span)>,
    /// Whether NS records may be among those that could not be read.
    pub has_unread_servers: bool,
    pub own: Scope,
    pub sources: &'l SourceFiles,
    pub definitions: &'l mut Definitions,
    pub zones: &'l mut ZoneList,
    pub report: &'l mut Reporter,
}

impl ZoneLowering<'_> {
    /// Returns whether a name is inside the zone, or reports that it is not.
    pub fn admits(&mut self, owner: &Name, span: Span) -> bool {
        let is_inside = self.apex.zone_of(owner);
        if !is_inside {
            let message = format!("name `{owner}` is outside of the zone `{}`", self.apex);
            let finding = self.report.error(span, message);
            finding.hint("names are relative to the zone unless they end with a dot");
        }
        is_inside
    }

    /// Warns when a name has the name of the zone twice, as `www.example.org` does in `example.org`.
    pub fn warn_of_repeated_zone(&mut self, written: &str, owner: &Name, span: Span) {
        let zone = self.apex.to_lowercase().to_string();
        let (zone, written_lower) = (zone.trim_end_matches('.'), written.to_ascii_lowercase());
        let before = written_lower.strip_suffix(zone);
        // A label may well be called like a zone of one label.
        let is_repeated = before.is_some_and(|before| before.is_empty() || before.ends_with('.'));
        if is_repeated && zone.contains('.') {
            let finding =
                self.report.warning(span, format!("`{written}` means `{owner}`, which repeats the zone"));
            finding.hint(format!("write `{written}.` if it is meant as it stands"));
        }
    }

    /// Returns whether an operator may write records of a type, or reports that the server makes them.
    pub fn admits_type(&mut self, rtype: RecordType, span: Span) -> bool {
        let wrong = records::made_by_server(rtype);
        let is_admitted = wrong.is_none();
        if let Some(wrong) = wrong {
            self.report.mistake(span, wrong);
        }
        is_admitted
    }

    /// Adds an RRset, unless the name has one of its type or it is empty.
    pub fn insert(&mut self, owner: &Name, set: RRsetDraft) {
        let node = self.nodes.entry(owner.clone()).or_default();
        if let Some(other) = node.rrset(set.rtype) {
            let there = other.span.line_text(self.sources);
            let message = format!("`{owner}` already has {} records", records::type_text(set.rtype));
            let finding = self.report.error(set.span, message);
            finding.hint(format!("they are at {there}; keep them in one place"));
        } else if !set.rdata.is_empty() {
            node.rrsets.push(set);
        }
    }
}

/// A static record that has address hints.
pub(super) struct HintedRecord {
    pub owner: Name,
    /// Whose addresses they are.
    pub target: Name,
    pub rtype: RecordType,
    pub span: Span,
}

/// The zones so far, and the steered names and pins in them.
#[derive(Default)]
pub(super) struct ZoneList {
    pub zones: Vec<Zone>,
    pub steered: Vec<Steering>,
    /// By `PinId`, with the places where they are asked for.
    pub pins: Vec<(Pin, Span)>,
    /// The static records that have address hints.
    pub hinted: Vec<HintedRecord>,
    /// How zones are given to secondaries.
    pub transfers: Vec<ZoneTransfers>,
    /// The keys that they refer to.
    pub transfer_keys: Vec<KeyReference>,
    /// The apex of every zone, with its file and line; known before the first zone is lowered.
    pub apexes: BTreeMap<Name, String>,
}
