//! `names` of a zone: what each owner name holds, steered or static.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::draft::{DraftSet, Lowering, add};
use super::steer::{self, SteerSpec};
use crate::config::problem::Place;
use crate::config::records::{self, Token};
use crate::config::values::{Leaf, List, Value, given, items};
use crate::config::yaml::{Entries, Key, Setting};
use crate::steering::SteeringId;
use crate::suggest;
use crate::zone::{Name, RecordType, Ttl};

/// What one owner name holds.
#[derive(Clone, Debug)]
pub struct NameSpec {
    /// Makes A, AAAA and HTTPS a choice between regions.
    pub steer: Option<Setting<SteerSpec>>,
    /// The TTL of the static records here that have none of their own.
    pub ttl: Option<Value<Ttl>>,
    /// Static records by type.
    pub records: Vec<(Key, Setting<RecordSetSpec>)>,
}

/// All records of one type, in master-file form, for example `10 mail.example.com.`. Names in them
/// are relative to the zone unless they end with a dot. A TXT value that does not begin with a quote is
/// taken as it is, and cut into strings of 255 octets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub enum RecordSetSpec {
    /// One record.
    Scalar(Leaf<String>),
    /// Several records.
    Sequence(Vec<Value<String>>),
    /// Records with a TTL of their own.
    Mapping(RecordsWithTtl),
}

/// Records with a TTL of their own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordsWithTtl {
    /// The TTL.
    pub ttl: Option<Value<Ttl>>,
    /// The records.
    pub values: List<String>,
}

impl<'de> Deserialize<'de> for NameSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NameVisitor)
    }
}

/// By hand, for record types are keys beside `steer` and `ttl`, and there are 65 536 of them.
struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = NameSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`steer`, or records by type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NameSpec, A::Error> {
        let mut name = NameSpec { steer: None, ttl: None, records: Vec::new() };
        while let Some(key) = map.next_key::<Key>()? {
            match key.value.as_deref() {
                Some("steer") => name.steer = map.next_value()?,
                Some("ttl") => name.ttl = map.next_value()?,
                Some(_) => name.records.push((key, map.next_value()?)),
                None => {
                    map.next_value::<de::IgnoredAny>()?;
                }
            }
        }
        Ok(name)
    }
}

impl JsonSchema for NameSpec {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let steer = generator.subschema_for::<SteerSpec>();
        let ttl = generator.subschema_for::<Leaf<Ttl>>();
        let records = generator.subschema_for::<RecordSetSpec>();
        let types: Vec<&str> = crate::config::records::type_names().collect();
        json_schema!({
            "description": "What one owner name holds: `steer`, or static records by type, or both \
                            where the types are not A, AAAA, HTTPS or CNAME.",
            "type": "object",
            "properties": { "steer": steer, "ttl": ttl },
            "patternProperties": { format!("^({}|TYPE[0-9]+)$", types.join("|")): records },
            "additionalProperties": false
        })
    }
}

impl Lowering<'_> {
    pub fn names(&mut self, spec: &Option<Setting<Entries<NameSpec>>>) {
        let names = spec.as_ref().and_then(|names| names.value.as_ref());
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

    fn name(&mut self, owner: &Name, spec: &NameSpec, place: Place) {
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

    fn steer(&mut self, owner: &Name, steer: &SteerSpec, place: Place) {
        let lowered = steer::lower(steer, place, owner.clone(), self.world, &mut self.own, self.report);
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
                let hint = suggest::question(text, ["steer", "ttl"]).or(wrong.hint);
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
