//! What the records of a zone may not be together.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{NodeDraft, RRsetDraft};
use super::inner_zones::InnerZones;
use super::name_servers;
use crate::answer::{Packed, wire_name};
use crate::config::problem::{Reporter, Span};
use crate::config::records;
use crate::wire::{HEADER_OCTETS, ReplyWriter, Section};
use crate::zone::{Name, RecordType};

/// The most octets of a reply to a question for one RRset: those of a message (RFC 1035, section 4.2.2) without an
/// OPT record with a client subnet (RFC 7871, section 6).
pub const MAX_REPLY: usize = 65_535 - 11 - 24;

/// Checks a zone. `apexes` are those of all zones, with their places; `has_all_servers` says that no NS record of it
/// was left out because it could not be read.
pub(super) fn check(
    apex: &Name,
    nodes: &BTreeMap<Name, NodeDraft>,
    apexes: &BTreeMap<Name, String>,
    file: Span,
    has_all_servers: bool,
    report: &mut Reporter,
) {
    let servers = nodes.values().filter_map(|node| node.rrset(RecordType::NS)).flat_map(|set| &set.targets);
    let servers = servers.map(|(target, _)| &target.name).collect();
    let inner = InnerZones::of(apex, apexes);
    let mut checks = Checks { apex, nodes, servers, inner, report };
    if has_all_servers && nodes.get(apex).and_then(|node| node.rrset(RecordType::NS)).is_none() {
        let finding = checks.report.error(file, "the zone has no NS records");
        finding.hint("add `nameservers: [ns1.example.net, ns2.example.net]`");
    }
    for (name, node) in nodes {
        checks.node(name, node);
        if !checks.is_in_inner_zone(name, node) {
            checks.delegated(name, node);
            checks.ancestors(name, node);
        }
        for set in &node.rrsets {
            checks.rrset(name, set);
            checks.targets(set);
        }
    }
    name_servers::check(apex, nodes, inner, checks.report);
}

struct Checks<'c> {
    apex: &'c Name,
    nodes: &'c BTreeMap<Name, NodeDraft>,
    /// The name servers of the zone and of what it delegates: their addresses may be glue.
    servers: BTreeSet<&'c Name>,
    inner: InnerZones<'c>,
    report: &'c mut Reporter,
}

impl Checks<'_> {
    fn node(&mut self, name: &Name, node: &NodeDraft) {
        if let Some(cname) = node.rrset(RecordType::CNAME) {
            self.cname(name, node, cname);
        }
        if let Some((_, span)) = node.steering {
            self.steered(name, node, span);
        }
        let is_apex = name == self.apex;
        if let (true, Some(set)) = (is_apex, node.rrset(RecordType::DS)) {
            let finding = self.report.error(set.span, "DS records belong to the parent zone");
            finding.hint("give them to the operator of the parent");
        }
        if let (false, Some(set)) = (is_apex, node.rrset(RecordType::SOA)) {
            let finding =
                self.report.error(set.span, format!("a SOA record stands at the apex, not at `{name}`"));
            finding.hint("make it a zone of its own, or delegate it with NS records");
        }
        for set in [RecordType::CNAME, RecordType::DNAME, RecordType::SOA]
            .iter()
            .filter_map(|rtype| node.rrset(*rtype))
        {
            if set.rdata.len() > 1 {
                let message = format!("a name has at most one {} record", records::type_text(set.rtype));
                self.report.error(set.span, message);
            }
        }
    }

    fn cname(&mut self, name: &Name, node: &NodeDraft, cname: &RRsetDraft) {
        let Some(other) = node.rrsets.iter().find(|set| set.rtype != RecordType::CNAME) else {
            return;
        };
        let message = format!("`{name}` has a CNAME record beside other data");
        let finding = self.report.error(cname.span, message);
        let line = other.span.line;
        let rtype = records::type_text(other.rtype);
        match name == self.apex {
            true => finding.hint("the apex has SOA and NS records; steer it, or write A and AAAA records"),
            false => finding
                .hint(format!("a CNAME stands alone (RFC 1034, section 3.6.2); line {line} has {rtype}")),
        }
    }

    fn steered(&mut self, name: &Name, node: &NodeDraft, span: Span) {
        let chosen = [RecordType::A, RecordType::AAAA, RecordType::HTTPS, RecordType::CNAME];
        // Without `https:` there is nothing to choose, and an alias or a key of the operator's may stand there.
        let chosen = chosen.iter().filter(|rtype| **rtype != RecordType::HTTPS || node.chooses_https);
        for set in chosen.filter_map(|rtype| node.rrset(*rtype)) {
            let rtype = records::type_text(set.rtype);
            let finding =
                self.report.error(set.span, format!("`{name}` is steered and has a static {rtype} record"));
            finding.hint(format!("line {} steers it: its A, AAAA and HTTPS answers are chosen", span.line));
        }
        if name != self.apex && node.rrset(RecordType::NS).is_some() {
            self.report
                .error(span, format!("`{name}` is steered and delegated"))
                .hint("remove its NS records");
        }
    }

    /// Finds what hides a name: a DNAME or a delegation above it.
    fn ancestors(&mut self, name: &Name, node: &NodeDraft) {
        let mut above = name.clone();
        while above != *self.apex && !above.is_root() {
            above = above.base_name();
            let Some(other) = self.nodes.get(&above) else {
                continue;
            };
            let span = node.rrsets.first().map(|set| set.span).or(node.steering.map(|(_, span)| span));
            let span = span.unwrap_or_default();
            if let Some(dname) = other.rrset(RecordType::DNAME) {
                let finding = self.report.error(span, format!("`{name}` is below a DNAME"));
                finding.hint(format!(
                    "line {} redirects everything below `{above}` (RFC 6672)",
                    dname.span.line
                ));
            }
            if above == *self.apex {
                continue;
            }
            if let Some(cut) = other.rrset(RecordType::NS) {
                self.below_cut(name, node, &above, cut.span.line, span);
            }
        }
    }

    fn below_cut(&mut self, name: &Name, node: &NodeDraft, cut: &Name, line: u32, span: Span) {
        let hint = format!("line {line} delegates `{cut}` to other servers");
        if node.steering.is_some() {
            self.report.error(span, format!("`{name}` is steered, but delegated away")).hint(hint);
            return;
        }
        self.unseen(name, node, &[], &hint);
    }

    /// Finds what stands at a delegation, whose servers are asked for all but the DS records.
    fn delegated(&mut self, name: &Name, node: &NodeDraft) {
        if name == self.apex || name.is_wildcard() {
            return;
        }
        if let Some(cut) = node.rrset(RecordType::NS) {
            let hint = format!("line {} delegates `{name}` to other servers", cut.span.line);
            // A CNAME and a SOA are errors there already.
            let seen = [RecordType::NS, RecordType::DS, RecordType::CNAME, RecordType::SOA];
            self.unseen(name, node, &seen, &hint);
        }
    }

    /// Finds what a zone of its own hides, and returns whether the name is in one.
    fn is_in_inner_zone(&mut self, name: &Name, node: &NodeDraft) -> bool {
        let Some((zone, place)) = self.inner.find(name) else { return false };
        if let Some((_, span)) = node.steering {
            let message = format!("`{name}` is in the zone `{zone}`, and is answered from there");
            self.report.error(span, message).hint(format!("that zone is at {place}; steer the name there"));
        }
        // The zone above has the delegation, even if the same server answers both.
        let seen: &[_] = if name == zone { &[RecordType::NS, RecordType::DS] } else { &[] };
        self.unseen(name, node, seen, &format!("`{zone}` is a zone of its own, at {place}: write it there"));
        true
    }

    /// Warns of records at or below a zone cut that are neither of these types nor glue.
    fn unseen(&mut self, name: &Name, node: &NodeDraft, seen: &[RecordType], hint: &str) {
        let has_glue = self.servers.contains(name);
        let is_glue = |set: &RRsetDraft| has_glue && matches!(set.rtype, RecordType::A | RecordType::AAAA);
        for set in node.rrsets.iter().filter(|set| !is_glue(set) && !seen.contains(&set.rtype)) {
            let message = format!("the {} record of `{name}` is never seen", records::type_text(set.rtype));
            self.report.warning(set.span, message).hint(hint);
        }
    }

    fn rrset(&mut self, name: &Name, set: &RRsetDraft) {
        if !fits(name, set) {
            let message = format!(
                "the {} records of `{name}` do not fit into a message",
                records::type_text(set.rtype)
            );
            let hint =
                format!("no client could get them: a reply has at most {MAX_REPLY} octets, over TCP as well");
            self.report.error(set.span, message).hint(hint);
        }
        if name.is_wildcard() && set.rtype == RecordType::NS {
            let finding = self.report.error(set.span, "a wildcard cannot be delegated");
            finding.hint("RFC 4592, section 4.2, leaves its meaning open");
        }
    }

    fn targets(&mut self, set: &RRsetDraft) {
        for (target, span) in &set.targets {
            if let Some(address) = target.address() {
                let rtype = records::type_text(set.rtype);
                let message =
                    format!("the {rtype} record points at `{address}`: an address, where a name belongs");
                let hint = "write the name of a host, and give that host an A or AAAA record";
                self.report.warning(*span, message).hint(hint);
                continue;
            }
            let may_be_alias = !matches!(set.rtype, RecordType::MX | RecordType::NS | RecordType::SRV);
            let node = self.nodes.get(&target.name);
            if !may_be_alias && node.is_some_and(|node| node.rrset(RecordType::CNAME).is_some()) {
                let rtype = records::type_text(set.rtype);
                let message = format!("the {rtype} record points at `{}`, which is a CNAME", target.name);
                self.report
                    .warning(*span, message)
                    .hint("RFC 2181, section 10.3, asks for the name behind it");
            }
            if let Some(text) = target.relative.as_deref().filter(|text| text.contains('.'))
                && !self.exists(&target.name)
            {
                let message = format!("`{text}` means `{}`, which is not there", target.name);
                self.report
                    .warning(*span, message)
                    .hint(format!("write `{text}.` if it is meant as it stands"));
            }
        }
    }

    /// Returns whether a name is in the zone, by itself or by a wildcard, or may be below a cut or in a zone inside.
    fn exists(&self, name: &Name) -> bool {
        if self.apex.zone_of(name) && self.inner.find(name).is_some() {
            return true;
        }
        let mut above = name.clone();
        loop {
            if self.nodes.get(&above).is_some_and(|node| {
                *name == above || node.rrset(RecordType::NS).is_some() && above != *self.apex
            }) {
                return true;
            }
            if above == *self.apex || above.is_root() {
                return false;
            }
            above = above.base_name();
            let wildcard = above.prepend_label("*");
            if wildcard.is_ok_and(|wildcard| self.nodes.contains_key(&wildcard)) {
                return true;
            }
        }
    }
}

/// Returns whether an RRset can be answered over TCP, its names compressed as they are then.
fn fits(name: &Name, set: &RRsetDraft) -> bool {
    if set.is_cut {
        return false;
    }
    let owner = wire_name(name);
    // Names in the data only shrink.
    let records: usize = set.rdata.iter().map(|rdata| 12 + records::wire_length(rdata)).sum();
    if HEADER_OCTETS + owner.len() + 4 + records <= MAX_REPLY {
        return true;
    }
    let mut buffer = vec![0; MAX_REPLY];
    let question = [&owner[..], &[0; 4]].concat();
    let mut writer = ReplyWriter::new(&mut buffer, MAX_REPLY, Some(&question));
    let packed = Packed::encode(set.rtype, set.ttl, &set.rdata);
    packed.is_ok_and(|packed| packed.write(&mut writer, Section::Answer, &owner, 0).is_ok())
}
