//! Values that know their place and may be wrong without taking their neighbours down.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::config::problem::Span;

/// The name by which [`Setting`] asks the deserializer of `read` for a place and a value.
pub(super) const MARKER: &str = "meridian::Setting";

/// A value with its place. It may be missing, or have been wrong; what was wrong has been reported.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting<T> {
    /// The value, if it is there and right.
    pub value: Option<T>,
    /// Where it is; `None` when it is missing.
    pub span: Option<Span>,
}

impl<T> Setting<T> {
    /// Returns the value with its place, if it is there and right.
    pub fn given(&self) -> Option<(&T, Span)> {
        Some((self.value.as_ref()?, self.span?))
    }

    /// Returns whether nothing was written, right or wrong.
    pub fn is_missing(&self) -> bool {
        self.span.is_none()
    }
}

/// A key of a mapping whose keys are names that the operator makes up.
pub type Key = Setting<String>;

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(SettingVisitor(PhantomData))
    }
}

/// Serde calls `visit_none` for a field that is not there, and `visit_some` for one that is; there the
/// marker fetches the four numbers of the place, and the value unless it was wrong.
struct SettingVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SettingVisitor<T> {
    type Value = Setting<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_none<E>(self) -> Result<Setting<T>, E> {
        Ok(Setting { value: None, span: None })
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Setting<T>, D::Error> {
        deserializer.deserialize_tuple_struct(MARKER, 5, self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Setting<T>, A::Error> {
        let mut number = || parts.next_element::<u32>().map(Option::unwrap_or_default);
        let span = Span { source: number()?, line: number()?, column: number()?, length: number()? };
        Ok(Setting { value: parts.next_element()?, span: Some(span) })
    }
}

impl<T: JsonSchema> JsonSchema for Setting<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// Keys that the operator makes up, with their values, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Entries<T> {
    /// Keys and values.
    pub list: Vec<(Key, Setting<T>)>,
}

impl<T> Entries<T> {
    /// Returns the entries whose key can be read, with the place of the key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Span, &Setting<T>)> {
        self.list.iter().filter_map(|(key, value)| {
            let (name, span) = key.given()?;
            Some((name.as_str(), span, value))
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names with values")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Entries<T>, E> {
        Ok(Entries { list: Vec::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = map.next_entry()? {
            list.push(entry);
        }
        Ok(Entries { list })
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Map_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": value })
    }
}
