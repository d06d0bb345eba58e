//! Single values and lists of them: the bridge from texts to serde and schemars. The kinds of values
//! are in `kinds`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::config::problem::ValueError;
use crate::config::yaml::{Setting, Written, carried};

/// A value that is written as one text.
pub trait FromText: Sized {
    /// The name of the kind in the schema.
    const NAME: &'static str;

    /// Parses it, or says what is wrong.
    fn from_text(text: &str) -> Result<Self, ValueError>;

    /// Returns the JSON Schema of its text.
    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A setting that is one single value.
#[derive(Clone, Debug, PartialEq)]
pub struct Value<T>(Setting<T>);

/// A setting that is one value or a list of them.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T>(Setting<Vec<Setting<T>>>);

impl<T> Written for Value<T> {
    type Value = T;

    fn setting(&self) -> Option<&Setting<T>> {
        Some(&self.0)
    }
}

impl<T> Written for List<T> {
    type Value = Vec<Setting<T>>;

    fn setting(&self) -> Option<&Setting<Vec<Setting<T>>>> {
        Some(&self.0)
    }
}

impl<'de, T: FromText> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Setting { value, span } = Setting::<Leaf<T>>::deserialize(deserializer)?;
        Ok(Self(Setting { value: value.map(|Leaf(value)| value), span }))
    }
}

impl<'de, T: FromText> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Setting { value, span } = Setting::<Many<T>>::deserialize(deserializer)?;
        let value = value.map(|many| match many {
            Many::Scalar(Leaf(value)) => vec![Setting { value: Some(value), span }],
            Many::Sequence(values) => values.into_iter().map(|Value(setting)| setting).collect(),
        });
        Ok(Self(Setting { value, span }))
    }
}

/// The text of a single value, where the setting around it is another's: an entry's.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf<T>(pub T);

/// One value, or a list of them.
#[derive(Deserialize, JsonSchema)]
#[serde(bound(deserialize = "T: FromText"))]
#[schemars(untagged, inline, bound = "T: FromText")]
enum Many<T> {
    /// One value.
    Scalar(Leaf<T>),
    /// Several.
    Sequence(Vec<Value<T>>),
}

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
        T::from_text(text).map(Leaf).map_err(|wrong| E::custom(carried(&wrong)))
    }
}

/// Inlines the schema of another type, whose place in the configuration says what is meant.
macro_rules! inline_schema {
    ($type:ident, $name:expr, $generator:ident => $schema:expr) => {
        impl<T: FromText> JsonSchema for $type<T> {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

inline_schema!(Leaf, T::NAME.into(), _generator => T::schema());
inline_schema!(Value, T::NAME.into(), _generator => T::schema());
inline_schema!(List, Many::<T>::schema_name(), generator => generator.subschema_for::<Many<T>>());
