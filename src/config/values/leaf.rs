//! Single values and lists of them: the bridge from texts to serde and schemars. The kinds of values
//! are in `kinds`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::config::problem::{Reporter, Span};
use crate::config::yaml::{Mistake, Setting};

/// A setting that is one single value.
pub type Value<T> = Setting<Leaf<T>>;

/// A setting that is one value or a list of them.
pub type List<T> = Setting<Many<T>>;

/// A value that is written as one text.
pub trait FromText: Sized {
    /// What the value is called in the schema.
    const NAME: &'static str;

    /// Parses it, or says what is wrong.
    fn from_text(text: &str) -> Result<Self, Mistake>;

    /// Returns the JSON Schema of its text.
    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// The bridge from [`FromText`] to serde and schemars.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf<T>(pub T);

impl<'de, T: FromText> Deserialize<'de> for Leaf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(LeafVisitor(PhantomData))
    }
}

struct LeafVisitor<T>(PhantomData<T>);

impl<T: FromText> Visitor<'_> for LeafVisitor<T> {
    type Value = Leaf<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::NAME)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Leaf<T>, E> {
        T::from_text(text).map(Leaf).map_err(|wrong| E::custom(wrong.to_text()))
    }
}

impl<T: FromText> JsonSchema for Leaf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

/// One value, or a list of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(bound(deserialize = "T: FromText"))]
#[schemars(untagged, inline, bound = "T: FromText")]
pub enum Many<T> {
    /// One value.
    Scalar(Leaf<T>),
    /// Several.
    Sequence(Vec<Value<T>>),
}

/// Returns the values of a list that can be read, with their places.
pub fn items<T>(list: &List<T>) -> Vec<(&T, Span)> {
    match list.given() {
        None => Vec::new(),
        Some((Many::Scalar(Leaf(value)), span)) => vec![(value, span)],
        Some((Many::Sequence(values), _)) => {
            values.iter().filter_map(|value| value.given().map(|(Leaf(value), span)| (value, span))).collect()
        }
    }
}

/// Returns whether a list is there and right, and empty.
pub fn says_nothing<T>(list: &List<T>) -> bool {
    matches!(list.given(), Some((Many::Sequence(values), _)) if values.is_empty())
}

/// Returns the word that an optional setting is, if it is there and right.
pub fn word<T: Copy>(setting: &Option<Setting<T>>) -> Option<T> {
    setting.as_ref()?.value
}

/// Returns the value and place of an optional setting, if it is there and right.
pub fn given<T>(setting: &Option<Value<T>>) -> Option<(&T, Span)> {
    let (Leaf(value), span) = setting.as_ref()?.given()?;
    Some((value, span))
}

/// Returns a value that must be there, or reports that it is missing.
pub fn required<'s, T>(
    setting: &'s Value<T>,
    key: &str,
    parent: Span,
    hint: &str,
    report: &mut Reporter,
) -> Option<(&'s T, Span)> {
    if setting.is_missing() {
        report.error(parent, format!("`{key}` is missing")).hint(hint);
    }
    let (Leaf(value), span) = setting.given()?;
    Some((value, span))
}

/// Resolves a path that is relative to the configuration directory.
pub fn path(setting: &Option<Value<PathBuf>>, directory: &Path) -> Option<PathBuf> {
    given(setting).map(|(path, _)| directory.join(path))
}
