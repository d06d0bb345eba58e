//! A serde deserializer over [`YamlNode`]s that reports mistakes and goes on.
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
use super::tree::{YamlNode, YamlShape};
use crate::config::problem::{Reporter, Span, ValueError};
use crate::suggest;

/// Reads a tree into a typed value. Everything that is wrong is reported; `None` when the root
/// itself is of the wrong shape.
pub fn read<T: for<'de> Deserialize<'de>>(node: &YamlNode, report: &mut Reporter) -> Option<T> {
    let shared = RefCell::new(std::mem::take(report));
    let value = T::deserialize(NodeReader { node, report: &shared });
    *report = shared.into_inner();
    report.ok(node.span, value)
}

/// Returns a mistake as the one text that serde carries; see [`de::Error::custom`].
pub fn carried(mistake: &ValueError) -> String {
    match &mistake.hint {
        Some(hint) => format!("{}\n{hint}", mistake.message),
        None => mistake.message.clone(),
    }
}

fn expected(noun: &str, found: &YamlNode) -> ValueError {
    ValueError::new(format!("expected {noun}, found {}", found.shape.noun()))
}

impl de::Error for ValueError {
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
struct NodeReader<'a> {
    node: &'a YamlNode,
    report: &'a RefCell<Reporter>,
}

impl<'a> NodeReader<'a> {
    fn at(self, node: &'a YamlNode) -> Self {
        Self { node, ..self }
    }

    fn error(self, span: Span, wrong: ValueError) {
        self.report.borrow_mut().mistake(span, wrong);
    }

    fn text(self) -> Result<&'a str, ValueError> {
        match &self.node.shape {
            YamlShape::Scalar(text) => Ok(text),
            _ => Err(expected("a single value", self.node)),
        }
    }

    /// Returns the entries of a mapping; nothing at all is a mapping without entries.
    fn entries(self) -> Result<&'a [(YamlNode, YamlNode)], ValueError> {
        match &self.node.shape {
            YamlShape::Mapping(entries) => Ok(entries),
            YamlShape::Null => Ok(&[]),
            _ => Err(expected("keys with values", self.node)),
        }
    }

    /// Reports a key that the struct does not have, and returns whether it has it.
    fn knows(self, key: &YamlNode, fields: &[&'static str]) -> bool {
        let YamlShape::Scalar(text) = &key.shape else {
            return false;
        };
        if fields.contains(&text.as_str()) {
            return true;
        }
        let hint = suggest::hint(text, fields.iter().copied());
        self.error(key.span, ValueError::new(format!("unknown key `{text}`")).hint(hint));
        false
    }
}

impl<'de, 'a> de::Deserializer<'de> for NodeReader<'a> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.node.shape {
            YamlShape::Null => visitor.visit_unit(),
            YamlShape::Scalar(text) => visitor.visit_str(text),
            YamlShape::Sequence(_) => self.deserialize_seq(visitor),
            YamlShape::Mapping(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.node.shape {
            YamlShape::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.text()? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(ValueError::new(format!("`{other}` is neither `true` nor `false`"))),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match &self.node.shape {
            YamlShape::Sequence(items) => visitor.visit_seq(Items { reader: self, items: items.iter() }),
            _ => Err(expected("a list", self.node)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let entries = self.entries()?.iter().collect::<Vec<_>>().into_iter();
        visitor.visit_map(Pairs { reader: self, entries, value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let known = self.entries()?.iter().filter(|(key, _)| self.knows(key, fields));
        let entries = known.collect::<Vec<_>>().into_iter();
        visitor.visit_map(Pairs { reader: self, entries, value: None })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
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
    ) -> Result<V::Value, ValueError> {
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

impl NodeReader<'_> {
    fn shape_variant(self, variants: &'static [&'static str]) -> Result<&'static str, ValueError> {
        let wanted = match self.node.shape {
            YamlShape::Null => "",
            YamlShape::Scalar(_) => "Scalar",
            YamlShape::Sequence(_) => "Sequence",
            YamlShape::Mapping(_) => "Mapping",
        };
        let nouns = variants.iter().map(|variant| match *variant {
            "Scalar" => "a single value",
            "Sequence" => "a list",
            _ => "keys with values",
        });
        let found = variants.iter().find(|variant| **variant == wanted);
        found.copied().ok_or_else(|| expected(&nouns.collect::<Vec<_>>().join(" or "), self.node))
    }

    fn word_variant(self, variants: &'static [&'static str]) -> Result<&'static str, ValueError> {
        let text = self.text()?;
        if let Some(variant) = variants.iter().find(|variant| **variant == text) {
            return Ok(variant);
        }
        let hint = suggest::hint(text, variants.iter().copied());
        Err(ValueError::new(format!("`{text}` is not a choice here")).hint(hint))
    }
}

/// The entries of a mapping as serde wants them.
struct Pairs<'a> {
    reader: NodeReader<'a>,
    entries: std::vec::IntoIter<&'a (YamlNode, YamlNode)>,
    value: Option<&'a YamlNode>,
}

impl<'de> de::MapAccess<'de> for Pairs<'_> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ValueError> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(self.reader.at(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ValueError> {
        let value = self.value.take().expect("serde asks for a value after its key");
        seed.deserialize(self.reader.at(value))
    }
}

/// The items of a list as serde wants them.
struct Items<'a> {
    reader: NodeReader<'a>,
    items: std::slice::Iter<'a, YamlNode>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        for item in self.items.by_ref() {
            if item.shape != YamlShape::Null {
                return seed.deserialize(self.reader.at(item)).map(Some);
            }
            self.reader.error(item.span, ValueError::new("an empty entry in a list"));
        }
        Ok(None)
    }
}

/// The parts of a setting: the numbers of its place, and its value unless that is wrong.
struct SettingParts<'a> {
    reader: NodeReader<'a>,
    given: u8,
}

impl<'de> de::SeqAccess<'de> for SettingParts<'_> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let span = self.reader.node.span;
        let number = match self.given {
            0 => span.source,
            1 => span.line,
            2 => span.column,
            3 => span.length,
            _ => {
                // The one spot where a mistake stops spreading.
                return Ok(seed
                    .deserialize(self.reader)
                    .map_err(|wrong| self.reader.error(span, wrong))
                    .ok());
            }
        };
        self.given += 1;
        seed.deserialize(number.into_deserializer()).map(Some)
    }
}

/// A chosen variant: of a word, the word alone; of a shape, the value itself.
struct Variant<'a> {
    reader: NodeReader<'a>,
    variant: &'static str,
}

impl<'de> de::EnumAccess<'de> for Variant<'_> {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ValueError> {
        let name: StrDeserializer<'_, ValueError> = self.variant.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ValueError> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, ValueError> {
        de::Deserializer::deserialize_seq(self.reader, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        de::Deserializer::deserialize_struct(self.reader, "", fields, visitor)
    }
}
