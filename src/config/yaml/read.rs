//! A serde deserializer over [`Node`]s that reports mistakes and goes on.
//!
//! Three things differ from an ordinary deserializer. A [`Setting`](super::Setting) gets its place,
//! and catches what is wrong with its value. An unknown key is reported, with the key that was
//! probably meant, and left out. And an enum whose variants are called `Scalar`, `Sequence` and
//! `Mapping` is chosen by the shape of the value, for settings that may be written in several ways.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::setting::MARKER;
use super::tree::{Node, Shape};
use crate::config::problem::{Place, Report};
use crate::suggest;

/// Reads a tree into a typed value. Everything that is wrong is reported; `None` when the root
/// itself is of the wrong shape.
pub fn read<T: for<'de> Deserialize<'de>>(node: &Node, report: &mut Report) -> Option<T> {
    let shared = RefCell::new(std::mem::take(report));
    let value = T::deserialize(Reader { node, report: &shared });
    *report = shared.into_inner();
    match value {
        Ok(value) => Some(value),
        Err(wrong) => {
            report.error(node.place, wrong.message).maybe_hint(wrong.hint);
            None
        }
    }
}

/// What is wrong with a value; its place is known to whoever looked there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Wrong {
    /// What is wrong.
    pub message: String,
    /// What to do instead.
    pub hint: Option<String>,
}

impl Wrong {
    /// Makes one without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds a hint.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Returns both in the one text that serde carries; see [`de::Error::custom`].
    pub fn to_text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}\n{hint}", self.message),
            None => self.message.clone(),
        }
    }

    fn expected(noun: &str, found: &Node) -> Self {
        Self::new(format!("expected {noun}, found {}", found.shape.noun()))
    }
}

impl de::Error for Wrong {
    /// Takes the first line as what is wrong and the rest as the hint.
    fn custom<T: fmt::Display>(text: T) -> Self {
        let text = text.to_string();
        match text.split_once('\n') {
            Some((message, hint)) => Self::new(message).hint(hint),
            None => Self::new(text),
        }
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    node: &'a Node,
    report: &'a RefCell<Report>,
}

impl<'a> Reader<'a> {
    fn at(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    fn error(self, place: Place, wrong: Wrong) {
        self.report.borrow_mut().error(place, wrong.message).maybe_hint(wrong.hint);
    }

    fn text(self) -> Result<&'a str, Wrong> {
        match &self.node.shape {
            Shape::Scalar(text) => Ok(text),
            _ => Err(Wrong::expected("a single value", self.node)),
        }
    }

    /// Returns the entries of a mapping; nothing at all is a mapping without entries.
    fn entries(self) -> Result<&'a [(Node, Node)], Wrong> {
        match &self.node.shape {
            Shape::Mapping(entries) => Ok(entries),
            Shape::Null => Ok(&[]),
            _ => Err(Wrong::expected("keys with values", self.node)),
        }
    }

    /// Reports a key that the struct does not have, and returns whether it has it.
    fn knows(self, key: &Node, fields: &[&'static str]) -> bool {
        let Shape::Scalar(text) = &key.shape else {
            return false;
        };
        if fields.contains(&text.as_str()) {
            return true;
        }
        let hint = suggest::hint(text, fields.iter().copied());
        self.error(key.place, Wrong::new(format!("unknown key `{text}`")).hint(hint));
        false
    }
}

impl<'de, 'a> de::Deserializer<'de> for Reader<'a> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.shape {
            Shape::Null => visitor.visit_unit(),
            Shape::Scalar(text) => visitor.visit_str(text),
            Shape::Sequence(_) => self.deserialize_seq(visitor),
            Shape::Mapping(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.node.shape {
            Shape::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.text()? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(Wrong::new(format!("`{other}` is neither `true` nor `false`"))),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.shape {
            Shape::Sequence(items) => visitor.visit_seq(Items { reader: self, items: items.iter() }),
            _ => Err(Wrong::expected("a list", self.node)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let entries = self.entries()?.iter().collect::<Vec<_>>().into_iter();
        visitor.visit_map(Pairs { reader: self, entries, value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let known = self.entries()?.iter().filter(|(key, _)| self.knows(key, fields));
        let entries = known.collect::<Vec<_>>().into_iter();
        visitor.visit_map(Pairs { reader: self, entries, value: None })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match name {
            MARKER => visitor.visit_seq(SettingParts { reader: self, given: 0 }),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let variant = match variants.iter().any(|variant| SHAPES.contains(variant)) {
            true => self.shape_variant(variants)?,
            false => self.word_variant(variants)?,
        };
        visitor.visit_enum(Variant { reader: self, variant })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        newtype_struct tuple identifier ignored_any
    }
}

/// The variants of an enum that is chosen by shape.
const SHAPES: [&str; 3] = ["Scalar", "Sequence", "Mapping"];

impl Reader<'_> {
    fn shape_variant(self, variants: &'static [&'static str]) -> Result<&'static str, Wrong> {
        let wanted = match self.node.shape {
            Shape::Null => "",
            Shape::Scalar(_) => "Scalar",
            Shape::Sequence(_) => "Sequence",
            Shape::Mapping(_) => "Mapping",
        };
        let nouns = variants.iter().map(|variant| match *variant {
            "Scalar" => "a single value",
            "Sequence" => "a list",
            _ => "keys with values",
        });
        let found = variants.iter().find(|variant| **variant == wanted);
        found.copied().ok_or_else(|| Wrong::expected(&nouns.collect::<Vec<_>>().join(" or "), self.node))
    }

    fn word_variant(self, variants: &'static [&'static str]) -> Result<&'static str, Wrong> {
        let text = self.text()?;
        if let Some(variant) = variants.iter().find(|variant| **variant == text) {
            return Ok(variant);
        }
        let hint = suggest::hint(text, variants.iter().copied());
        Err(Wrong::new(format!("`{text}` is not a choice here")).hint(hint))
    }
}

/// The entries of a mapping as serde wants them.
struct Pairs<'a> {
    reader: Reader<'a>,
    entries: std::vec::IntoIter<&'a (Node, Node)>,
    value: Option<&'a Node>,
}

impl<'de> de::MapAccess<'de> for Pairs<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(self.reader.at(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let value = self.value.take().expect("serde asks for a value after its key");
        seed.deserialize(self.reader.at(value))
    }
}

/// The items of a list as serde wants them.
struct Items<'a> {
    reader: Reader<'a>,
    items: std::slice::Iter<'a, Node>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        for item in self.items.by_ref() {
            if item.shape != Shape::Null {
                return seed.deserialize(self.reader.at(item)).map(Some);
            }
            self.reader.error(item.place, Wrong::new("an empty entry in a list"));
        }
        Ok(None)
    }
}

/// The parts of a setting: the numbers of its place, and its value unless that is wrong.
struct SettingParts<'a> {
    reader: Reader<'a>,
    given: u8,
}

impl<'de> de::SeqAccess<'de> for SettingParts<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let place = self.reader.node.place;
        let number = match self.given {
            0 => place.source,
            1 => place.line,
            2 => place.column,
            3 => place.length,
            _ => {
                // The one spot where a mistake stops spreading.
                return Ok(seed
                    .deserialize(self.reader)
                    .map_err(|wrong| self.reader.error(place, wrong))
                    .ok());
            }
        };
        self.given += 1;
        seed.deserialize(number.into_deserializer()).map(Some)
    }
}

/// A chosen variant: of a word, the word alone; of a shape, the value itself.
struct Variant<'a> {
    reader: Reader<'a>,
    variant: &'static str,
}

impl<'de> de::EnumAccess<'de> for Variant<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let name: StrDeserializer<'_, Wrong> = self.variant.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Wrong> {
        de::Deserializer::deserialize_seq(self.reader, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        de::Deserializer::deserialize_struct(self.reader, "", fields, visitor)
    }
}
