//! `api.example.com.yaml` and the like: one zone, with its master file.
//!
//! Everything becomes a draft by owner name first; what the records may not be together is checked in
//! `zone_checks`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::apex::SoaSpec;
use super::draft::{RRsetDraft, ZoneList, ZoneLowering};
use super::groups::{self, GroupSpec};
use super::hints;
use super::names::NameSpec;
use super::references::References;
use super::regions::Definitions;
use super::transfer::{self, TransferSpec, ZoneTransfers};
use super::zone_checks;
use crate::config::master_file::{MasterFileReader, MasterRecord};
use crate::config::problem::{Reporter, Span};
use crate::config::records;
use crate::config::sources::SourceFiles;
use crate::config::values::{Checked, List, Value};
use crate::config::yaml::{Entries, Setting, Written};
use crate::ids::GroupId;
use crate::suggest;
use crate::zone::{Name, Ttl, Zone};

/// One zone. Every YAML file but `server.yaml` and `regions.yaml` is one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Zone")]
pub struct ZoneSpec {
    /// The name of the zone, for example `api.example.com`.
    zone: Value<String>,
    /// The names of its authoritative servers, for the NS records at the apex. They are absolute, with
    /// or without a trailing dot. Needed unless `file` has NS records.
    nameservers: Option<List<String>>,
    /// What the SOA record says; every part has a default.
    soa: Option<Setting<SoaSpec>>,
    /// The TTL of static records that have none of their own. Left out: 1 hour.
    ttl: Option<Value<Ttl>>,
    /// A master file (RFC 1035) in the same directory, whose records the zone has too. It may include others,
    /// by their paths below the directory. Where it says no TTL, and `ttl` is left out, the last field of its SOA
    /// record is the TTL.
    file: Option<Value<String>>,
    /// Groups of clients that rules and orders of this zone refer to.
    groups: Option<Setting<Entries<GroupSpec>>>,
    /// The secondaries that take the zone by AXFR and IXFR. Left out: none. The serial number of the zone is then kept by the
    /// server (`state` in `server.yaml`): it is greater after every change of what the secondaries are given.
    transfer: Option<Setting<TransferSpec>>,
    /// The group whose answers secondaries are given for steered names, with their present times to live. Left out: `unknown`,
    /// the clients whose location is not known.
    transfer_as: Option<Value<String>>,
    /// Owner names, relative to the zone: `@` is the zone itself, `"*"` every name that is not there.
    names: Option<Setting<Entries<NameSpec>>>,
}

/// The TTL of static records, in seconds.
const USUAL_TTL: u32 = 3600;

/// Lowers one zone file, with its master file.
pub(super) fn lower(
    spec: &ZoneSpec,
    apex: Name,
    file: Span,
    sources: &SourceFiles,
    definitions: &mut Definitions,
    zones: &mut ZoneList,
    report: &mut Reporter,
) {
    let shared = definitions.shared_groups.clone();
    let own = groups::lower(&spec.groups, true, &mut definitions.groups, Some(&shared), report);
    let default_ttl = spec.ttl.get_or(Ttl::from_seconds(USUAL_TTL).expect("the default is a TTL"));
    let nodes = BTreeMap::new();
    let mut zone = ZoneLowering {
        default_ttl,
        nodes,
        pinned: Vec::new(),
        has_unread_servers: false,
        apex,
        own,
        sources,
        definitions,
        zones,
        report,
    };
    let errors = zone.report.error_count();
    let master_files = zone.master_file(&spec.file, spec.ttl.get().copied()).unwrap_or_default();
    zone.has_unread_servers = zone.report.error_count() > errors;
    zone.names(&spec.names);
    zone.nameservers(&spec.nameservers);
    let written_serial = zone.soa(&spec.soa, file, &master_files);
    let transfers = zone.transfer(&spec.transfer, &spec.transfer_as);
    zone.pins();
    zone_checks::check(
        &zone.apex,
        &zone.nodes,
        &zone.zones.apexes,
        file,
        !zone.has_unread_servers,
        zone.report,
    );
    zone.own.names.report_unused(zone.report);
    let ZoneLowering { nodes, apex, .. } = zone;
    zones.hinted.extend(nodes.iter().flat_map(|(name, node)| hints::hinted(name, node)));
    let nodes = nodes.into_iter().map(|(name, draft)| (name, draft.finish())).collect();
    let is_transferred = transfers.is_some();
    let place = zones.zones.len();
    zones.transfers.extend(transfers.map(|transfers| ZoneTransfers {
        zone: place,
        written_serial,
        ..transfers
    }));
    zones.zones.push(Zone { apex, nodes, is_transferred });
}

/// Returns the apex, and adds it to those of all zones. A zone without a right name gets one under `invalid.` (RFC 2606), so that the rest
/// of its file is still checked.
pub(super) fn apex(
    spec: &ZoneSpec,
    file: Span,
    sources: &SourceFiles,
    zones: &mut ZoneList,
    report: &mut Reporter,
) -> Name {
    let named = spec.zone.required("zone", file, "write `zone: api.example.com`", report);
    let parsed = named.and_then(|(text, span)| {
        report.ok(span, records::parse_name(text, &Name::root())).map(|name| (name, span))
    });
    let Some((apex, span)) = parsed else {
        return Name::from_ascii("zone.invalid.").expect("a valid name");
    };
    if apex.is_wildcard() {
        report.error(span, "a zone cannot be a wildcard");
    }
    if let Some(other) = zones.apexes.insert(apex.clone(), span.line_text(sources)) {
        let finding = report.error(span, format!("there are two zones `{apex}`"));
        finding.hint(format!("the other one is at {other}"));
    }
    apex
}

impl ZoneLowering<'_> {
    /// Lowers `transfer` with `transfer_as`.
    fn transfer(
        &mut self,
        spec: &Option<Setting<TransferSpec>>,
        group: &Option<Value<String>>,
    ) -> Option<ZoneTransfers> {
        let answers_for = group.given().and_then(|(name, span)| {
            if spec.is_missing() {
                let finding = self.report.error(span, "`transfer_as` needs `transfer`");
                finding.hint("write `transfer: { clients: [{ networks: 192.0.2.53 }] }`, or leave it out");
            }
            let Self { definitions, own, report, .. } = self;
            References { definitions, own, service: None, report }.group(name, span)
        });
        let transfers = transfer::lower(spec, &mut self.zones.transfer_keys, self.report)?;
        let mut steered = self.zones.steered.iter().filter(|steering| self.apex.zone_of(&steering.owner));
        let bound = steered.find(|steering| !steering.policy.residency.is_empty());
        if let (Some(steering), Some(span), true) = (bound, spec.span(), group.is_missing()) {
            let owner = &steering.owner;
            let message =
                format!("secondaries give all clients one answer, also those whom rules of `{owner}` bind");
            let finding = self.report.warning(span, message);
            finding.hint("name the clients whose answer that is: `transfer_as: unknown`, or a group that the rules bind");
        }
        Some(ZoneTransfers { answers_for: answers_for.unwrap_or(GroupId::UNKNOWN), ..transfers })
    }

    /// Adds the records of the master file, and returns the numbers of the files that were read; `None` when
    /// that could not be.
    fn master_file(&mut self, spec: &Option<Value<String>>, ttl: Option<Ttl>) -> Option<Vec<usize>> {
        if spec.is_missing() {
            return Some(Vec::new());
        }
        let (name, span) = spec.given()?;
        let Some(index) = self.sources.find(name) else {
            let names = self.sources.files.iter().map(|file| file.name.as_str());
            let message = format!("there is no file `{name}` in the configuration directory");
            self.report.error(span, message).maybe_hint(suggest::question(name, names));
            return None;
        };
        if let Some(why) = &self.sources.files[index].unreadable {
            self.report.error(span, format!("file `{name}` {why}"));
            return None;
        }
        let mut reader = MasterFileReader::new(self.sources, index, &self.apex, ttl);
        while let Some(record) = reader.next(self.report) {
            self.record(record);
        }
        reader.files().iter().for_each(|file| self.report.note_read(*file));
        Some(reader.files().to_vec())
    }

    fn record(&mut self, record: MasterRecord) {
        let MasterRecord { owner, rtype, ttl, rdata, target, span, relative_owner } = record;
        if !self.admits(&owner, span) {
            return;
        }
        if let Some(written) = relative_owner.filter(|_| !self.nodes.contains_key(&owner)) {
            self.warn_of_repeated_zone(&written, &owner, span);
        }
        let ttl = ttl.unwrap_or(self.default_ttl);
        let sets = &mut self.nodes.entry(owner).or_default().rrsets;
        let position = sets.iter().position(|set| set.rtype == rtype).unwrap_or_else(|| {
            sets.push(RRsetDraft::new(rtype, ttl, span));
            sets.len() - 1
        });
        let set = &mut sets[position];
        if set.ttl != ttl {
            let finding = self.report.warning(span, "the records of one name and type have different TTLs");
            let line = set.span.line;
            finding.hint(format!("all get the lowest (RFC 2181, section 5.2); line {line} says another"));
            set.ttl = set.ttl.min(ttl);
        }
        set.add(rdata, target, span, self.report);
    }
}
