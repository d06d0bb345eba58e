//! `api.example.com.yaml` and the like: one zone.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::leaf::{Leaf, List, Value};
use super::regions::GroupSpec;
use crate::client::Jurisdiction;
use crate::config::yaml::{Entries, Key, Setting};
use crate::steering::{AllDown, Refusal};
use crate::zone::Ttl;

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

/// What the SOA record says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoaSpec {
    /// The primary server. Left out: the first of `nameservers`.
    pub mname: Option<Value<String>>,
    /// The mailbox of who is responsible, as `hostmaster@example.com`. Left out: `hostmaster` at the
    /// zone.
    pub rname: Option<Value<String>>,
    /// The serial number. Left out: a number that is computed from the zone's files and changes with
    /// them, but does not always grow.
    pub serial: Option<Value<u32>>,
    /// Left out: 2 hours.
    pub refresh: Option<Value<Ttl>>,
    /// Left out: 15 minutes.
    pub retry: Option<Value<Ttl>>,
    /// Left out: 14 days.
    pub expire: Option<Value<Ttl>>,
    /// How long resolvers remember that a name does not exist (RFC 2308). Left out: 1 minute.
    pub minimum: Option<Value<Ttl>>,
    /// The TTL of the SOA record itself. Left out: that of the zone.
    pub ttl: Option<Value<Ttl>>,
}

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

/// How the regions of a name are chosen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SteerSpec {
    /// The regions to choose from. Their order is the listed order, and breaks ties.
    pub regions: List<String>,
    /// The order of preference: `nearest`, `listed`, or lists of regions by group with a word for
    /// everybody else: `{ eu: [frankfurt, dublin], otherwise: nearest }`. Left out: `nearest`.
    pub order: Option<Setting<OrderSpec>>,
    /// The TTL of answers. Left out: 30 seconds. At most 1 day, for failover waits for it.
    pub ttl: Option<Value<Ttl>>,
    /// The TTL while an address in the answer is suspect, and of fail-open answers: at most `ttl`.
    /// Left out: 10 seconds, or `ttl` when that is shorter.
    pub short_ttl: Option<Value<Ttl>>,
    /// The most addresses in one answer: 1 to 32. Left out: 4.
    pub max_answers: Option<Value<u32>>,
    /// Also answer HTTPS queries (RFC 9460), with the addresses of the chosen region as hints. Left
    /// out: they get NODATA.
    pub https: Option<Setting<HttpsSpec>>,
    /// The border: where the clients of a group may be sent. All rules that bind a client apply
    /// together, and nothing else ever overrides them.
    pub residency: Option<Setting<Vec<Setting<RuleSpec>>>>,
    /// The regions for clients whose location is not known, in order. Left out: the listed order.
    pub unknown_location: Option<List<String>>,
    /// What is answered when every permitted region is down. Left out: `fail_open`.
    pub all_down: Option<Setting<AllDown>>,
}

/// The order of preference among permitted regions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub enum OrderSpec {
    /// One order for all clients.
    Scalar(OrderWord),
    /// Lists of regions by group, tried in their order, and `otherwise: nearest` or `listed`.
    Mapping(Entries<GroupOrder>),
}

/// An order that needs no list.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderWord {
    /// By distance from the client.
    Nearest,
    /// As in `regions`.
    Listed,
}

/// The order for the clients of one group, or for everybody else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub enum GroupOrder {
    /// For `otherwise` only.
    Scalar(OrderWord),
    /// Regions, the most preferred first.
    Sequence(Vec<Value<String>>),
}

/// What HTTPS records say besides the addresses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpsSpec {
    /// The protocols that the service speaks, for example `[h3, h2]`. Left out: only HTTP/1.1.
    pub alpn: Option<List<String>>,
    /// The port, when it is not 443.
    pub port: Option<Value<u16>>,
}

/// A residency rule: a group of clients and the only regions they may be sent to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// The groups that it binds. `unknown` is built in: the clients whose location is not known.
    pub clients: List<String>,
    /// Regions whose jurisdiction is one of these are permitted: countries by ISO 3166-1 code, `EU` or
    /// `EEA` for any member state.
    pub jurisdictions: Option<List<Jurisdiction>>,
    /// These regions are permitted, besides those that `jurisdictions` permits.
    pub regions: Option<List<String>>,
    /// What the clients are told when no region is left for them. Left out: REFUSED, and it is an error
    /// when the rule permits none of the name's regions.
    pub otherwise: Option<Setting<Refusal>>,
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
