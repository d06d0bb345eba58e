//! A zone while it is put together: RRsets by owner name, each with the place where it is said.

use std::collections::BTreeMap;

use super::groups::Scope;
use super::regions::Definitions;
use crate::config::problem::{Reporter, Span};
use crate::config::records::{self, RecordTarget};
use crate::config::sources::SourceFiles;
use crate::steering::{Steering, SteeringId};
use crate::zone::{Name, RData, RecordType, Ttl, Zone};

/// What one owner name holds, while the zone is put together.
#[derive(Debug, Default)]
pub(super) struct NodeDraft {
    pub rrsets: Vec<RRsetDraft>,
    /// Set when it is steered, with the place; the number is missing when the policy is wrong.
    pub steering: Option<(Option<SteeringId>, Span)>,
}

impl NodeDraft {
    /// Returns the RRset of a type.
    pub fn rrset(&self, rtype: RecordType) -> Option<&RRsetDraft> {
        self.rrsets.iter().find(|set| set.rtype == rtype)
    }
}

/// An RRset with its places.
#[derive(Debug)]
pub(super) struct RRsetDraft {
    pub rtype: RecordType,
    pub ttl: Ttl,
    pub rdata: Vec<RData>,
    pub targets: Vec<(RecordTarget, Span)>,
    pub span: Span,
}

/// A zone while it is put together.
pub(super) struct ZoneLowering<'l> {
    pub apex: Name,
    pub default_ttl: Ttl,
    pub nodes: BTreeMap<Name, NodeDraft>,
    pub own: Scope,
    pub sources: &'l SourceFiles,
    pub definitions: &'l mut Definitions,
    pub zones: &'l mut ZoneList,
    pub report: &'l mut Reporter,
}

impl ZoneLowering<'_> {
    /// Returns whether a name is inside the zone, or reports that it is not.
    pub(super) fn admits(&mut self, owner: &Name, span: Span) -> bool {
        let is_inside = self.apex.zone_of(owner);
        if !is_inside {
            let draft =
                self.report.error(span, format!("name `{owner}` is outside of the zone `{}`", self.apex));
            draft.hint("names are relative to the zone unless they end with a dot");
        }
        is_inside
    }

    pub(super) fn admits_type(&mut self, rtype: RecordType, span: Span) -> bool {
        let is_ours = records::is_made_by_server(rtype);
        if is_ours {
            let message = format!("{rtype} records are made by the server that signs the zone");
            self.report.error(span, message).hint("leave them out");
        }
        !is_ours
    }
}

/// Adds a record to its RRset, unless it is there already.
pub(super) fn add(
    set: &mut RRsetDraft,
    rdata: RData,
    targets: Vec<(RecordTarget, Span)>,
    span: Span,
    report: &mut Reporter,
) {
    if set.rdata.contains(&rdata) {
        report.warning(span, "this record occurs twice").hint("one is enough");
        return;
    }
    set.rdata.push(rdata);
    set.targets.extend(targets);
}

/// The zones so far, and the steered names in them.
#[derive(Default)]
pub(super) struct ZoneList {
    pub zones: Vec<Zone>,
    pub steered: Vec<Steering>,
    /// The apex of every zone, with where it was said.
    pub apexes: BTreeMap<Name, String>,
}
