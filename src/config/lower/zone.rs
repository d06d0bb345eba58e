//! One zone file, with its master file, to [`Zone`].
//!
//! Everything becomes [`Draft`]s by owner name first, each RRset with the place where it is said;
//! what they may not be together is checked in `zone_checks`.

use std::collections::BTreeMap;

use super::groups::{self, Scope};
use super::server::required;
use super::{World, Zones, steering, zone_checks};
use crate::config::master_file;
use crate::config::problem::{Place, Report};
use crate::config::records::{self, Target, Token};
use crate::config::sources::Sources;
use crate::config::spec::{self, Leaf, RecordSetSpec, given, items};
use crate::config::yaml::{Key, Setting};
use crate::steering::SteeringId;
use crate::zone::{Name, Node, RData, RRset, RecordType, Ttl, Zone};

/// The TTL of static records when nobody says one.
const TTL_SECONDS: u32 = 3600;

/// What one owner name holds, while the zone is put together.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub rrsets: Vec<DraftSet>,
    /// Set when it is steered, with the place; the number is missing when the policy is wrong.
    pub steering: Option<(Option<SteeringId>, Place)>,
}

impl Draft {
    /// Returns the RRset of a type.
    pub fn rrset(&self, rtype: RecordType) -> Option<&DraftSet> {
        self.rrsets.iter().find(|set| set.rtype == rtype)
    }
}

/// An RRset with its places.
#[derive(Debug)]
pub(super) struct DraftSet {
    pub rtype: RecordType,
    pub ttl: Ttl,
    pub rdata: Vec<RData>,
    pub targets: Vec<(Target, Place)>,
    pub place: Place,
}

pub(super) fn lower(
    spec: &spec::ZoneSpec,
    file: Place,
    sources: &Sources,
    world: &mut World,
    zones: &mut Zones,
    report: &mut Report,
) {
    let apex = apex(spec, file, sources, zones, report);
    let shared = world.shared_groups.clone();
    let own = groups::lower(spec.groups.as_ref(), true, &mut world.groups, Some(&shared), report);
    let mut zone = Lowering {
        default_ttl: given(&spec.ttl).map_or(seconds(TTL_SECONDS), |(ttl, _)| *ttl),
        nodes: BTreeMap::new(),
        apex,
        own,
        sources,
        world,
        zones,
        report,
    };
    let master_file = zone.master_file(spec);
    zone.names(spec);
    zone.nameservers(spec);
    zone.soa(spec, file, master_file);
    zone_checks::check(&zone.apex, &zone.nodes, file, zone.report);
    zone.own.names.report_unused(zone.report);
    let Lowering { nodes, apex, .. } = zone;
    let nodes = nodes.into_iter().map(|(name, draft)| (name, node(draft))).collect();
    zones.zones.push(Zone { apex, nodes });
}

fn node(draft: Draft) -> Node {
    let rrset = |set: DraftSet| RRset { rtype: set.rtype, ttl: set.ttl, rdata: set.rdata };
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
    spec: &spec::ZoneSpec,
    file: Place,
    sources: &Sources,
    zones: &mut Zones,
    report: &mut Report,
) -> Name {
    let named = required(&spec.zone, "zone", file, "write `zone: api.example.com`", report);
    let parsed = named.and_then(|(text, place)| match records::parse_name(text, &Name::root()) {
        Ok(name) => Some((name, place)),
        Err(wrong) => {
            report.error(place, wrong.message).maybe_hint(wrong.hint);
            None
        }
    });
    let Some((apex, place)) = parsed else {
        return Name::from_ascii("zone.invalid.").expect("a valid name");
    };
    if apex.is_wildcard() {
        report.error(place, "a zone cannot be a wildcard");
    }
    let here = format!("{}:{}", sources.display(place.source as usize), place.line);
    if let Some(other) = zones.apexes.get(&apex) {
        report
            .error(place, format!("there are two zones `{apex}`"))
            .hint(format!("the other one is at {other}"));
    }
    zones.apexes.insert(apex.clone(), here);
    apex
}

/// A zone while it is put together.
pub(super) struct Lowering<'l> {
    pub apex: Name,
    pub default_ttl: Ttl,
    pub nodes: BTreeMap<Name, Draft>,
    pub own: Scope,
    pub sources: &'l Sources,
    pub world: &'l mut World,
    pub zones: &'l mut Zones,
    pub report: &'l mut Report,
}

impl Lowering<'_> {
    /// Adds the records of the master file, and returns which file that is.
    fn master_file(&mut self, spec: &spec::ZoneSpec) -> Option<usize> {
        let (name, place) = given(&spec.file)?;
        let Some(index) = self.sources.find(name) else {
            let names = self.sources.files.iter().map(|file| file.name.as_str());
            let message = format!("there is no file `{name}` in the configuration directory");
            let hint = crate::suggest::nearest(name, names).map(|meant| format!("did you mean `{meant}`?"));
            self.report.error(place, message).maybe_hint(hint);
            return None;
        };
        let source = &self.sources.files[index];
        if let Some(why) = &source.unreadable {
            self.report.error(place, format!("file `{name}` {why}"));
            return None;
        }
        for record in master_file::read(&source.text, index, &self.apex, self.report) {
            self.record(record);
        }
        Some(index)
    }

    fn record(&mut self, record: master_file::Record) {
        if !self.admits(&record.owner, record.place) || !self.admits_type(record.rtype, record.place) {
            return;
        }
        let ttl = record.ttl.unwrap_or(self.default_ttl);
        let targets = record.target.into_iter().map(|target| (target, record.place)).collect();
        let added = DraftSet {
            rtype: record.rtype,
            ttl,
            rdata: Vec::new(),
            targets: Vec::new(),
            place: record.place,
        };
        let sets = &mut self.nodes.entry(record.owner).or_default().rrsets;
        let position = sets.iter().position(|set| set.rtype == record.rtype).unwrap_or_else(|| {
            sets.push(added);
            sets.len() - 1
        });
        let set = &mut sets[position];
        if set.ttl != ttl {
            let draft =
                self.report.warning(record.place, "the records of one name and type have different TTLs");
            draft.hint(format!(
                "all get the lowest (RFC 2181, section 5.2); line {} says another",
                set.place.line
            ));
            set.ttl = set.ttl.min(ttl);
        }
        add(set, record.rdata, targets, record.place, self.report);
    }

    /// Returns whether a name is inside the zone, or reports that it is not.
    fn admits(&mut self, owner: &Name, place: Place) -> bool {
        let is_inside = self.apex.zone_of(owner);
        if !is_inside {
            let draft =
                self.report.error(place, format!("name `{owner}` is outside of the zone `{}`", self.apex));
            draft.hint("names are relative to the zone unless they end with a dot");
        }
        is_inside
    }

    fn admits_type(&mut self, rtype: RecordType, place: Place) -> bool {
        let is_ours = records::is_made_by_server(rtype);
        if is_ours {
            let message = format!("{rtype} records are made by the server that signs the zone");
            self.report.error(place, message).hint("leave them out");
        }
        !is_ours
    }

    fn names(&mut self, spec: &spec::ZoneSpec) {
        let names = spec.names.as_ref().and_then(|names| names.value.as_ref());
        for (text, place, name) in names.into_iter().flat_map(|names| names.iter()) {
            let owner = match records::parse_name(text, &self.apex) {
                Ok(owner) => owner,
                Err(wrong) => {
                    self.report.error(place, wrong.message).maybe_hint(wrong.hint);
                    continue;
                }
            };
            if !self.admits(&owner, place) {
                continue;
            }
            if name.is_missing() {
                let draft = self.report.error(place, format!("name `{text}` holds nothing"));
                draft.hint("add `steer:`, or records by type as `A: 192.0.2.1`");
            }
            if let Some((name, _)) = name.given() {
                self.name(&owner, name, place);
            }
        }
    }

    fn name(&mut self, owner: &Name, spec: &spec::NameSpec, place: Place) {
        if let Some((steer, at)) = spec.steer.as_ref().and_then(|steer| steer.given()) {
            self.steer(owner, steer, at);
        } else if spec.steer.as_ref().is_some_and(|steer| !steer.is_missing()) {
            // What is wrong with it has been said; the name is steered all the same.
            self.nodes.entry(owner.clone()).or_default().steering = Some((None, place));
        }
        let ttl = given(&spec.ttl).map_or(self.default_ttl, |(ttl, _)| *ttl);
        for (key, records) in &spec.records {
            self.records(owner, key, records, ttl);
        }
    }

    fn steer(&mut self, owner: &Name, steer: &spec::SteerSpec, place: Place) {
        let lowered = steering::lower(steer, place, owner.clone(), self.world, &mut self.own, self.report);
        let id = lowered.map(|steering| {
            self.zones.steered.push(steering);
            SteeringId(u32::try_from(self.zones.steered.len() - 1).expect("files are bounded"))
        });
        let node = self.nodes.entry(owner.clone()).or_default();
        if node.steering.is_some() {
            self.report.error(place, format!("name `{owner}` is steered twice"));
        }
        node.steering = Some((id, place));
    }

    fn records(&mut self, owner: &Name, key: &Key, spec: &Setting<RecordSetSpec>, ttl: Ttl) {
        let Some((text, place)) = key.given() else { return };
        let Some(rtype) = self.record_type(text, place) else {
            return;
        };
        if rtype == RecordType::SOA {
            let draft = self.report.error(place, "the SOA record has its own setting");
            draft.hint("write `soa:` beside `zone:`, or leave it to its defaults");
            return;
        }
        let values = values(spec);
        if values.is_empty() && (spec.is_missing() || spec.value.is_some()) {
            self.report
                .error(place, format!("{text} has no records"))
                .hint("write a value, or leave the type out");
            return;
        }
        let ttl = match spec.given() {
            Some((RecordSetSpec::Mapping(records), _)) => given(&records.ttl).map_or(ttl, |(ttl, _)| *ttl),
            _ => ttl,
        };
        let mut set = DraftSet { rtype, ttl, rdata: Vec::new(), targets: Vec::new(), place };
        for (value, at) in values {
            self.value(&mut set, value, at);
        }
        let node = self.nodes.entry(owner.clone()).or_default();
        if let Some(other) = node.rrset(rtype) {
            let there = format!("{}:{}", self.sources.display(other.place.source as usize), other.place.line);
            let message = format!("`{owner}` already has {} records", records::type_text(rtype));
            self.report.error(place, message).hint(format!("they are at {there}; keep them in one place"));
            return;
        }
        if !set.rdata.is_empty() {
            node.rrsets.push(set);
        }
    }

    fn record_type(&mut self, text: &str, place: Place) -> Option<RecordType> {
        match records::parse_type(text) {
            Ok(rtype) => self.admits_type(rtype, place).then_some(rtype),
            Err(wrong) => {
                let keys = crate::suggest::nearest(text, ["steer", "ttl"]);
                let hint = keys.map(|meant| format!("did you mean `{meant}`?")).or(wrong.hint);
                self.report.error(place, wrong.message).maybe_hint(hint);
                None
            }
        }
    }

    fn value(&mut self, set: &mut DraftSet, text: &str, place: Place) {
        let tokens = match tokens(set.rtype, text) {
            Ok(tokens) => tokens,
            Err(wrong) => {
                self.report.error(place, wrong.message).maybe_hint(wrong.hint);
                return;
            }
        };
        match records::parse(set.rtype, &tokens, &self.apex) {
            Ok(parsed) => {
                let targets = parsed.target.into_iter().map(|target| (target, place)).collect();
                add(set, parsed.rdata, targets, place, self.report);
            }
            Err(fault) => {
                let token = fault.token.and_then(|token| tokens.get(token));
                let place = token.map_or(place, |token| within(place, text, token));
                self.report.error(place, fault.wrong.message).maybe_hint(fault.wrong.hint);
            }
        }
    }
}

/// Adds a record to its RRset, unless it is there already.
pub(super) fn add(
    set: &mut DraftSet,
    rdata: RData,
    targets: Vec<(Target, Place)>,
    place: Place,
    report: &mut Report,
) {
    if set.rdata.contains(&rdata) {
        report.warning(place, "this record occurs twice").hint("one is enough");
        return;
    }
    set.rdata.push(rdata);
    set.targets.extend(targets);
}

/// Returns the texts of the records, with their places.
fn values(spec: &Setting<RecordSetSpec>) -> Vec<(&String, Place)> {
    match spec.given() {
        None => Vec::new(),
        Some((RecordSetSpec::Scalar(Leaf(text)), place)) => vec![(text, place)],
        Some((RecordSetSpec::Sequence(values), _)) => {
            values.iter().filter_map(|value| value.given().map(|(Leaf(text), place)| (text, place))).collect()
        }
        Some((RecordSetSpec::Mapping(records), _)) => items(&records.values),
    }
}

/// Splits a value into tokens. Nobody writes the quotes of a TXT record inside of YAML's quotes: without
/// them the text is taken as it is, cut where a string ends (RFC 1035, section 3.3.14).
fn tokens(rtype: RecordType, text: &str) -> Result<Vec<Token>, crate::config::yaml::Wrong> {
    let is_text = rtype == RecordType::TXT && !text.starts_with('"') && !text.starts_with("\\#");
    if !is_text {
        return records::words(text);
    }
    let mut tokens = Vec::new();
    let mut rest = text;
    while rest.len() > 255 {
        let end = (252..=255)
            .rev()
            .find(|end| rest.is_char_boundary(*end))
            .expect("a character has at most 4 octets");
        tokens.push(records::quote(&rest[..end]));
        rest = &rest[end..];
    }
    tokens.push(records::quote(rest));
    Ok(tokens)
}

/// Returns the place of a token, if the value stands in its line as it is, with or without quotes.
fn within(place: Place, text: &str, token: &Token) -> Place {
    let quotes = (place.length as usize).checked_sub(text.chars().count());
    let offset = match quotes {
        Some(0) => 0,
        Some(2) => 1,
        _ => return place,
    };
    // Tokens that were made here have no place of their own.
    match token.column.checked_sub(1) {
        Some(column) => Place { column: place.column + offset + column, length: token.length, ..place },
        None => place,
    }
}
