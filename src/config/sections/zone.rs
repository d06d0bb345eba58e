//! `api.example.com.yaml` and the like: one zone, with its master file.
//!
//! Everything becomes a draft by owner name first; what the records may not be together is checked in
//! `zone_checks`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::apex::SoaSpec;
use super::draft::{NodeDraft, RRsetDraft, ZoneList, ZoneLowering, add};
use super::groups::{self, GroupSpec};
use super::names::NameSpec;
use super::regions::Definitions;
use super::zone_checks;
use crate::config::master_file;
use crate::config::problem::{Reporter, Span};
use crate::config::records;
use crate::config::sources::SourceFiles;
use crate::config::values::{List, Value, given, required};
use crate::config::yaml::{Entries, Setting};
use crate::suggest;
use crate::zone::{Name, Node, RRset, Ttl, Zone};

/// One zone. Every YAML file but `server.yaml` and `regions.yaml` is one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Zone")]
pub struct ZoneSpec {
    /// The name of the zone, for example `api.example.com`.
    pub zone: Value<String>,
    /// The names of its authoritative servers, for the NS records at the apex. They are absolute, with
    /// or without a trailing dot. Needed unless `file` has NS records.
    pub nameservers: Option<List<String>>,
    /// What the SOA record says; every part has a default.
    pub soa: Option<Setting<SoaSpec>>,
    /// The TTL of static records that have none of their own. Left out: 1 hour.
    pub ttl: Option<Value<Ttl>>,
    /// A master file (RFC 1035) in the same directory, whose records the zone has too.
    pub file: Option<Value<String>>,
    /// Groups of clients that rules and orders of this zone refer to.
    pub groups: Option<Setting<Entries<GroupSpec>>>,
    /// Owner names, relative to the zone: `@` is the zone itself, `"*"` every name that is not there.
    pub names: Option<Setting<Entries<NameSpec>>>,
}

/// The TTL of static records when nobody says one.
const TTL_SECONDS: u32 = 3600;

pub(super) fn lower(
    spec: &ZoneSpec,
    file: Span,
    sources: &SourceFiles,
    definitions: &mut Definitions,
    zones: &mut ZoneList,
    report: &mut Reporter,
) {
    let apex = apex(spec, file, sources, zones, report);
    let shared = definitions.shared_groups.clone();
    let own = groups::lower(&spec.groups, true, &mut definitions.groups, Some(&shared), report);
    let mut zone = ZoneLowering {
        default_ttl: given(&spec.ttl).map_or(seconds(TTL_SECONDS), |(ttl, _)| *ttl),
        nodes: BTreeMap::new(),
        apex,
        own,
        sources,
        definitions,
        zones,
        report,
    };
    let master_file = zone.master_file(spec);
    zone.names(&spec.names);
    zone.nameservers(&spec.nameservers);
    zone.soa(&spec.soa, file, master_file);
    zone_checks::check(&zone.apex, &zone.nodes, file, zone.report);
    zone.own.names.report_unused(zone.report);
    let ZoneLowering { nodes, apex, .. } = zone;
    let nodes = nodes.into_iter().map(|(name, draft)| (name, node(draft))).collect();
    zones.zones.push(Zone { apex, nodes });
}

fn node(draft: NodeDraft) -> Node {
    let rrset = |set: RRsetDraft| RRset { rtype: set.rtype, ttl: set.ttl, rdata: set.rdata };
    Node {
        rrsets: draft.rrsets.into_iter().map(rrset).collect(),
        steering: draft.steering.and_then(|(id, _)| id),
    }
}

fn seconds(seconds: u32) -> Ttl {
    Ttl::from_seconds(seconds).expect("the defaults are TTLs")
}

/// Returns the apex. A zone without a right name gets one under `invalid.` (RFC 2606), so that the rest
/// of its file is still checked.
fn apex(
    spec: &ZoneSpec,
    file: Span,
    sources: &SourceFiles,
    zones: &mut ZoneList,
    report: &mut Reporter,
) -> Name {
    let named = required(&spec.zone, "zone", file, "write `zone: api.example.com`", report);
    let parsed = named.and_then(|(text, span)| match records::parse_name(text, &Name::root()) {
        Ok(name) => Some((name, span)),
        Err(wrong) => {
            report.error(span, wrong.message).maybe_hint(wrong.hint);
            None
        }
    });
    let Some((apex, span)) = parsed else {
        return Name::from_ascii("zone.invalid.").expect("a valid name");
    };
    if apex.is_wildcard() {
        report.error(span, "a zone cannot be a wildcard");
    }
    let here = format!("{}:{}", sources.display(span.source as usize), span.line);
    if let Some(other) = zones.apexes.get(&apex) {
        report
            .error(span, format!("there are two zones `{apex}`"))
            .hint(format!("the other one is at {other}"));
    }
    zones.apexes.insert(apex.clone(), here);
    apex
}

impl ZoneLowering<'_> {
    /// Adds the records of the master file, and returns which file that is.
    fn master_file(&mut self, spec: &ZoneSpec) -> Option<usize> {
        let (name, span) = given(&spec.file)?;
        let Some(index) = self.sources.find(name) else {
            let names = self.sources.files.iter().map(|file| file.name.as_str());
            let message = format!("there is no file `{name}` in the configuration directory");
            self.report.error(span, message).maybe_hint(suggest::question(name, names));
            return None;
        };
        let source = &self.sources.files[index];
        if let Some(why) = &source.unreadable {
            self.report.error(span, format!("file `{name}` {why}"));
            return None;
        }
        for record in master_file::read(&source.text, index, &self.apex, self.report) {
            self.record(record);
        }
        Some(index)
    }

    fn record(&mut self, record: master_file::MasterRecord) {
        if !self.admits(&record.owner, record.span) || !self.admits_type(record.rtype, record.span) {
            return;
        }
        let ttl = record.ttl.unwrap_or(self.default_ttl);
        let targets = record.target.into_iter().map(|target| (target, record.span)).collect();
        let added = RRsetDraft {
            rtype: record.rtype,
            ttl,
            rdata: Vec::new(),
            targets: Vec::new(),
            span: record.span,
        };
        let sets = &mut self.nodes.entry(record.owner).or_default().rrsets;
        let position = sets.iter().position(|set| set.rtype == record.rtype).unwrap_or_else(|| {
            sets.push(added);
            sets.len() - 1
        });
        let set = &mut sets[position];
        if set.ttl != ttl {
            let draft =
                self.report.warning(record.span, "the records of one name and type have different TTLs");
            draft.hint(format!(
                "all get the lowest (RFC 2181, section 5.2); line {} says another",
                set.span.line
            ));
            set.ttl = set.ttl.min(ttl);
        }
        add(set, record.rdata, targets, record.span, self.report);
    }
}
