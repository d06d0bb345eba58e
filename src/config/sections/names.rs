//! `names` of a zone: what each owner name holds, steered or static.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::draft::{RRsetDraft, ZoneLowering};
use super::references::References;
use super::steer::{self, SteerSpec};
use crate::config::problem::{Span, ValueError};
use crate::config::records::{self, Token};
use crate::config::values::{List, Value};
use crate::config::yaml::{Entries, Setting, Written};
use crate::steering::SteeringId;
use crate::suggest;
use crate::zone::{Name, RecordType, Ttl};

/// What one owner name holds.
#[derive(Clone, Debug)]
pub struct NameSpec {
    /// Makes A, AAAA and HTTPS a choice between regions.
    steer: Option<Setting<SteerSpec>>,
    /// The TTL of the static records here that have none of their own.
    ttl: Option<Value<Ttl>>,
    /// Static records by type.
    records: Vec<(Setting<String>, Setting<RecordSetSpec>)>,
}

/// All records of one type, in master-file form, for example `10 mail.example.com.`. Names in them
/// are relative to the zone unless they end with a dot. A TXT value that does not begin with a quote is
/// taken as it is, and cut into strings of 255 octets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
enum RecordSetSpec {
    /// One record.
    Scalar(String),
    /// Several records.
    Sequence(Vec<Setting<String>>),
    /// Records with a TTL of their own.
    Mapping(RecordsWithTtl),
}

/// Records with a TTL of their own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RecordsWithTtl {
    /// The TTL.
    ttl: Option<Value<Ttl>>,
    /// The records.
    values: List<String>,
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
        while let Some(key) = map.next_key::<Setting<String>>()? {
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
        let ttl = generator.subschema_for::<Value<Ttl>>();
        let records = generator.subschema_for::<RecordSetSpec>();
        let types: Vec<&str> = crate::config::records::type_names().collect();
        json_schema!({
            "description": "What one owner name holds: `steer`, or static records by type, or both \
                            where the types are not A, AAAA or CNAME, and not HTTPS if `steer` has `https`.",
            "type": "object",
            "properties": { "steer": steer, "ttl": ttl },
            "patternProperties": { format!("^({}|TYPE[0-9]+)$", types.join("|")): records },
            "additionalProperties": false
        })
    }
}

impl ZoneLowering<'_> {
    /// Adds what the names hold.
    pub fn names(&mut self, spec: &Option<Setting<Entries<NameSpec>>>) {
        for (text, span, name) in spec.entries() {
            let owner = self.report.ok(span, records::parse_name(text, &self.apex));
            let Some(owner) = owner.filter(|owner| self.admits(owner, span)) else {
                continue;
            };
            if !text.ends_with('.') {
                self.warn_of_repeated_zone(text, &owner, span);
            }
            if name.is_missing() {
                let finding = self.report.error(span, format!("name `{text}` holds nothing"));
                finding.hint("add `steer:`, or records by type as `A: 192.0.2.1`");
            }
            let Some(name) = name.get() else { continue };
            if !name.steer.is_missing() {
                self.steer(&owner, &name.steer, span);
            }
            let ttl = name.ttl.get_or(self.default_ttl);
            for (key, records) in &name.records {
                self.records(&owner, key, records, ttl);
            }
        }
    }

    /// Steers a name, also when its policy cannot be read: what is wrong with that has been reported.
    fn steer(&mut self, owner: &Name, spec: &Option<Setting<SteerSpec>>, name: Span) {
        let Self { definitions, own, report, .. } = self;
        let id = spec.given().map(|(spec, span)| {
            let service = spec.service.get().cloned();
            let mut references = References { definitions, own, service, report };
            let steering = steer::lower(spec, span, owner.clone(), &mut references);
            self.zones.steered.push(steering);
            SteeringId(u32::try_from(self.zones.steered.len() - 1).expect("files are bounded"))
        });
        let span = spec.given().map_or(name, |(_, span)| span);
        if let (Some(id), Some(pins)) = (id, spec.get().and_then(SteerSpec::pins)) {
            self.pinned.push((id, pins));
        }
        let steered = id.and_then(|_| self.zones.steered.last());
        let chooses_https = steered.is_none_or(|steering| steering.https.is_some());
        let node = self.nodes.entry(owner.clone()).or_default();
        node.chooses_https = chooses_https;
        if node.steering.replace((id, span)).is_some() && id.is_some() {
            self.report.error(span, format!("name `{owner}` is steered twice"));
        }
    }

    fn records(&mut self, owner: &Name, key: &Setting<String>, spec: &Setting<RecordSetSpec>, ttl: Ttl) {
        let Some((text, span)) = key.given() else { return };
        let Some(rtype) = self.record_type(text, span) else {
            return;
        };
        if rtype == RecordType::SOA {
            let finding = self.report.error(span, "the SOA record has its own setting");
            finding.hint("write `soa:` beside `zone:`, or leave it to its defaults");
            return;
        }
        let (values, own_ttl) = match spec.given() {
            None => (Vec::new(), None),
            Some((RecordSetSpec::Scalar(text), span)) => (vec![(text, span)], None),
            Some((RecordSetSpec::Sequence(values), _)) => {
                (values.iter().filter_map(Setting::given).collect(), None)
            }
            Some((RecordSetSpec::Mapping(records), _)) => {
                (records.values.items(), records.ttl.get().copied())
            }
        };
        if values.is_empty() && (spec.is_missing() || spec.get().is_some()) {
            let finding = self.report.error(span, format!("{text} has no records"));
            finding.hint("write a value, or leave the type out");
            return;
        }
        let mut set = RRsetDraft::new(rtype, own_ttl.unwrap_or(ttl), span);
        for (value, at) in values {
            self.value(&mut set, value, at);
        }
        self.insert(owner, set);
    }

    fn record_type(&mut self, text: &str, span: Span) -> Option<RecordType> {
        let parsed = records::parse_type(text).map_err(|wrong| {
            let hint = suggest::question(text, ["steer", "ttl"]).or(wrong.hint);
            ValueError { hint, ..wrong }
        });
        self.report.ok(span, parsed).filter(|rtype| self.admits_type(*rtype, span))
    }

    fn value(&mut self, set: &mut RRsetDraft, text: &str, span: Span) {
        let words = self.report.ok(span, words(set.rtype, text));
        let parsed = words.and_then(|words| {
            let place = |word: &Token| within(span, text, word);
            match records::parse(set.rtype, &words, &self.apex) {
                Ok(parsed) => {
                    let at =
                        parsed.target.as_ref().and_then(|target| words.get(target.word)).map_or(span, place);
                    Some((parsed.rdata, parsed.target.map(|target| (target, at))))
                }
                Err(fault) => {
                    let word = fault.word.and_then(|word| words.get(word));
                    self.report.mistake(word.map_or(span, place), fault.wrong);
                    None
                }
            }
        });
        match parsed {
            Some((rdata, target)) => set.add(rdata, target, span, self.report),
            None => self.has_unread_servers |= set.rtype == RecordType::NS,
        }
    }
}

/// Splits a value into words. A TXT value without quotes inside of YAML's is taken as it is, and cut where a
/// string ends (RFC 1035, section 3.3.14).
fn words(rtype: RecordType, text: &str) -> Result<Vec<Token>, ValueError> {
    let is_text = rtype == RecordType::TXT && !text.starts_with('"') && !text.starts_with("\\#");
    if !is_text {
        return records::words(text);
    }
    let mut words = Vec::new();
    let mut rest = text;
    while rest.len() > 255 {
        let mut ends = (252..=255).rev().filter(|end| rest.is_char_boundary(*end));
        let end = ends.next().expect("a character has at most 4 octets");
        words.push(records::quote(&rest[..end]));
        rest = &rest[end..];
    }
    words.push(records::quote(rest));
    Ok(words)
}

/// Returns the span of a word, if the value stands in its line as it is, with or without quotes.
fn within(span: Span, text: &str, word: &Token) -> Span {
    let quotes = (span.length as usize).checked_sub(text.chars().count());
    let offset = match quotes {
        Some(0) => 0,
        Some(2) => 1,
        _ => return span,
    };
    // Words that were made here have no span of their own.
    match word.column.checked_sub(1) {
        Some(column) => Span { column: span.column + offset + column, length: word.length, ..span },
        None => span,
    }
}
