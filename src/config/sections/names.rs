//! `names` of a zone: what each owner name holds, steered or static.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::draft::{RRsetDraft, ZoneLowering, add};
use super::steer::{self, SteerSpec};
use crate::config::problem::Span;
use crate::config::records::{self, Word};
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

impl ZoneLowering<'_> {
    pub fn names(&mut self, spec: &Option<Setting<Entries<NameSpec>>>) {
        let names = spec.as_ref().and_then(|names| names.value.as_ref());
        for (text, span, name) in names.into_iter().flat_map(|names| names.iter()) {
            let owner = match records::parse_name(text, &self.apex) {
                Ok(owner) => owner,
                Err(wrong) => {
                    self.report.error(span, wrong.message).maybe_hint(wrong.hint);
                    continue;
                }
            };
            if !self.admits(&owner, span) {
                continue;
            }
            if name.is_missing() {
                let draft = self.report.error(span, format!("name `{text}` holds nothing"));
                draft.hint("add `steer:`, or records by type as `A: 192.0.2.1`");
            }
            if let Some((name, _)) = name.given() {
                self.name(&owner, name, span);
            }
        }
    }

    fn name(&mut self, owner: &Name, spec: &NameSpec, span: Span) {
        if let Some((steer, at)) = spec.steer.as_ref().and_then(|steer| steer.given()) {
            self.steer(owner, steer, at);
        } else if spec.steer.as_ref().is_some_and(|steer| !steer.is_missing()) {
            // What is wrong with it has been said; the name is steered all the same.
            self.nodes.entry(owner.clone()).or_default().steering = Some((None, span));
        }
        let ttl = given(&spec.ttl).map_or(self.default_ttl, |(ttl, _)| *ttl);
        for (key, records) in &spec.records {
            self.records(owner, key, records, ttl);
        }
    }

    fn steer(&mut self, owner: &Name, steer: &SteerSpec, span: Span) {
        let lowered = steer::lower(steer, span, owner.clone(), self.definitions, &mut self.own, self.report);
        let id = lowered.map(|steering| {
            self.zones.steered.push(steering);
            SteeringId(u32::try_from(self.zones.steered.len() - 1).expect("files are bounded"))
        });
        let node = self.nodes.entry(owner.clone()).or_default();
        if node.steering.is_some() {
            self.report.error(span, format!("name `{owner}` is steered twice"));
        }
        node.steering = Some((id, span));
    }

    fn records(&mut self, owner: &Name, key: &Key, spec: &Setting<RecordSetSpec>, ttl: Ttl) {
        let Some((text, span)) = key.given() else { return };
        let Some(rtype) = self.record_type(text, span) else {
            return;
        };
        if rtype == RecordType::SOA {
            let draft = self.report.error(span, "the SOA record has its own setting");
            draft.hint("write `soa:` beside `zone:`, or leave it to its defaults");
            return;
        }
        let values = values(spec);
        if values.is_empty() && (spec.is_missing() || spec.value.is_some()) {
            self.report
                .error(span, format!("{text} has no records"))
                .hint("write a value, or leave the type out");
            return;
        }
        let ttl = match spec.given() {
            Some((RecordSetSpec::Mapping(records), _)) => given(&records.ttl).map_or(ttl, |(ttl, _)| *ttl),
            _ => ttl,
        };
        let mut set = RRsetDraft { rtype, ttl, rdata: Vec::new(), targets: Vec::new(), span };
        for (value, at) in values {
            self.value(&mut set, value, at);
        }
        let node = self.nodes.entry(owner.clone()).or_default();
        if let Some(other) = node.rrset(rtype) {
            let there = format!("{}:{}", self.sources.display(other.span.source as usize), other.span.line);
            let message = format!("`{owner}` already has {} records", records::type_text(rtype));
            self.report.error(span, message).hint(format!("they are at {there}; keep them in one place"));
            return;
        }
        if !set.rdata.is_empty() {
            node.rrsets.push(set);
        }
    }

    fn record_type(&mut self, text: &str, span: Span) -> Option<RecordType> {
        match records::parse_type(text) {
            Ok(rtype) => self.admits_type(rtype, span).then_some(rtype),
            Err(wrong) => {
                let hint = suggest::question(text, ["steer", "ttl"]).or(wrong.hint);
                self.report.error(span, wrong.message).maybe_hint(hint);
                None
            }
        }
    }

    fn value(&mut self, set: &mut RRsetDraft, text: &str, span: Span) {
        let words = match words(set.rtype, text) {
            Ok(words) => words,
            Err(wrong) => {
                self.report.error(span, wrong.message).maybe_hint(wrong.hint);
                return;
            }
        };
        match records::parse(set.rtype, &words, &self.apex) {
            Ok(parsed) => {
                let targets = parsed.target.into_iter().map(|target| (target, span)).collect();
                add(set, parsed.rdata, targets, span, self.report);
            }
            Err(fault) => {
                let word = fault.word.and_then(|word| words.get(word));
                let span = word.map_or(span, |word| within(span, text, word));
                self.report.error(span, fault.wrong.message).maybe_hint(fault.wrong.hint);
            }
        }
    }
}

/// Returns the texts of the records, with their places.
fn values(spec: &Setting<RecordSetSpec>) -> Vec<(&String, Span)> {
    match spec.given() {
        None => Vec::new(),
        Some((RecordSetSpec::Scalar(Leaf(text)), span)) => vec![(text, span)],
        Some((RecordSetSpec::Sequence(values), _)) => {
            values.iter().filter_map(|value| value.given().map(|(Leaf(text), span)| (text, span))).collect()
        }
        Some((RecordSetSpec::Mapping(records), _)) => items(&records.values),
    }
}

/// Splits a value into tokens. Nobody writes the quotes of a TXT record inside of YAML's quotes: without
/// them the text is taken as it is, cut where a string ends (RFC 1035, section 3.3.14).
fn words(rtype: RecordType, text: &str) -> Result<Vec<Word>, crate::config::yaml::Mistake> {
    let is_text = rtype == RecordType::TXT && !text.starts_with('"') && !text.starts_with("\\#");
    if !is_text {
        return records::words(text);
    }
    let mut words = Vec::new();
    let mut rest = text;
    while rest.len() > 255 {
        let end = (252..=255)
            .rev()
            .find(|end| rest.is_char_boundary(*end))
            .expect("a character has at most 4 octets");
        words.push(records::quote(&rest[..end]));
        rest = &rest[end..];
    }
    words.push(records::quote(rest));
    Ok(words)
}

/// Returns the place of a token, if the value stands in its line as it is, with or without quotes.
fn within(span: Span, text: &str, word: &Word) -> Span {
    let quotes = (span.length as usize).checked_sub(text.chars().count());
    let offset = match quotes {
        Some(0) => 0,
        Some(2) => 1,
        _ => return span,
    };
    // Tokens that were made here have no place of their own.
    match word.column.checked_sub(1) {
        Some(column) => Span { column: span.column + offset + column, length: word.length, ..span },
        None => span,
    }
}
