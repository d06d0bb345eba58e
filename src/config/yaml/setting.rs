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

/// What was written of a setting, required or optional.
pub trait Written {
    /// What it holds.
    type Value;

    /// Returns the setting itself; `None`: an optional one that was left out.
    fn setting(&self) -> Option<&Setting<Self::Value>>;

    /// Returns the value, if it is there and right.
    fn get(&self) -> Option<&Self::Value> {
        self.setting()?.value.as_ref()
    }

    /// Returns the value with its span, if it is there and right.
    fn given(&self) -> Option<(&Self::Value, Span)> {
        Some((self.get()?, self.span()?))
    }

    /// Returns a copy of the value; `default` when it is not there or wrong.
    fn get_or(&self, default: Self::Value) -> Self::Value
    where
        Self::Value: Clone,
    {
        self.get().cloned().unwrap_or(default)
    }

    /// Returns a copy of the value; its type's default when it is not there or wrong.
    fn get_or_default(&self) -> Self::Value
    where
        Self::Value: Clone + Default,
    {
        self.get().cloned().unwrap_or_default()
    }

    /// Returns where something was written, right or wrong.
    fn span(&self) -> Option<Span> {
        self.setting()?.span
    }

    /// Returns whether nothing was written, right or wrong.
    fn is_missing(&self) -> bool {
        self.span().is_none()
    }

    /// Returns the items of a list that can be read.
    fn items<'s, T: 's>(&'s self) -> Vec<(&'s T, Span)>
    where
        Self: Written<Value = Vec<Setting<T>>>,
    {
        self.get().into_iter().flatten().filter_map(Setting::given).collect()
    }

    /// Returns the entries of a mapping whose key can be read, with the span of the key.
    fn entries<'s, T: 's>(&'s self) -> impl Iterator<Item = (&'s str, Span, &'s Setting<T>)>
    where
        Self: Written<Value = Entries<T>>,
    {
        self.get().into_iter().flat_map(Entries::iter)
    }
}

impl<T> Written for Setting<T> {
    type Value = T;

    fn setting(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<W: Written> Written for Option<W> {
    type Value = W::Value;

    fn setting(&self) -> Option<&Setting<Self::Value>> {
        self.as_ref()?.setting()
    }
}

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
    pub list: Vec<(Setting<String>, Setting<T>)>,
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
