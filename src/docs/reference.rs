//! The configuration reference: a table for each section, made from the JSON Schema that the reader is made from.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::anchor::anchor;
use crate::config::schema::{self, FileKind};

/// The files, in the order of the reference.
const FILES: [(&str, FileKind); 3] =
    [("server.yaml", FileKind::Server), ("regions.yaml", FileKind::Regions), ("A zone", FileKind::Zone)];

/// Definitions with more keys than this are no section: the record types of an owner name.
const MAX_KEYS: usize = 60;

/// A file, and what its schema refers to.
struct FileReference<'a> {
    file: &'static str,
    definitions: &'a Map<String, Value>,
}

/// Returns the reference in Markdown.
pub fn markdown() -> String {
    let mut page = String::new();
    for (file, kind) in FILES {
        let schema = schema::of(kind).to_value();
        let empty = Map::new();
        let definitions = schema["$defs"].as_object().unwrap_or(&empty);
        let reference = FileReference { file, definitions };
        reference.section(&mut page, 2, file, &schema);
        for (name, definition) in
            in_order(&schema, definitions).into_iter().filter(|(_, one)| has_section(one))
        {
            reference.section(&mut page, 3, &heading(file, name), definition);
        }
    }
    page
}

/// Returns the definitions that a file refers to, each after the one that refers to it first.
fn in_order<'a>(schema: &'a Value, definitions: &'a Map<String, Value>) -> Vec<(&'a str, &'a Value)> {
    let mut found: Vec<(&str, &Value)> = Vec::new();
    let mut waiting = vec![&schema["properties"]];
    while let Some(value) = waiting.pop() {
        let mut below = Vec::new();
        for name in references(value) {
            let Some((name, definition)) = definitions.get_key_value(&name) else { continue };
            if found.iter().all(|(known, _)| known != name) {
                found.push((name, definition));
                below.push(definition);
            }
        }
        waiting.extend(below.into_iter().rev());
    }
    found
}

/// Returns the names of the definitions that a schema refers to, in order.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => {
            let own = map.get("$ref").and_then(Value::as_str).and_then(definition_of);
            let below =
                map.iter().filter(|(key, _)| *key != "$defs").flat_map(|(_, value)| references(value));
            own.map(str::to_owned).into_iter().chain(below).collect()
        }
        Value::Array(values) => values.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn definition_of(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/$defs/")
}

/// Returns the heading of a definition. It names its file, so that no two sections have one anchor.
fn heading(file: &str, name: &str) -> String {
    format!("{file}: {}", name.strip_suffix("Spec").unwrap_or(name))
}

/// Returns whether a definition has keys or words to list.
fn has_section(definition: &Value) -> bool {
    keys(definition).is_some() || !words(definition).is_empty()
}

fn keys(definition: &Value) -> Option<&Map<String, Value>> {
    definition["properties"].as_object().filter(|keys| keys.len() <= MAX_KEYS)
}

impl FileReference<'_> {
    /// Writes a section with its keys, or with its words.
    fn section(&self, page: &mut String, level: usize, title: &str, definition: &Value) {
        let _ = write!(page, "\n{} {title}\n\n", "#".repeat(level));
        if let Some(description) = definition["description"].as_str() {
            let _ = writeln!(page, "{}\n", one_line(description));
        }
        if let Some(keys) = keys(definition) {
            let _ = writeln!(page, "| key | value | meaning |\n|---|---|---|");
            let required = definition["required"].as_array();
            for (key, value) in keys {
                let is_required = required.is_some_and(|required| required.iter().any(|one| one == key));
                let needed = if is_required { "**Required.** " } else { "" };
                let meaning = cell(value["description"].as_str().unwrap_or_default());
                let _ = writeln!(page, "| `{key}` | {} | {needed}{meaning} |", self.form(value));
            }
        }
        let words = words(definition);
        if !words.is_empty() {
            let _ = writeln!(page, "| word | meaning |\n|---|---|");
            for (word, meaning) in words {
                let _ = writeln!(page, "| `{word}` | {} |", cell(meaning));
            }
        }
    }

    /// Returns the form of a value: a link to its section, a type, or an example.
    fn form(&self, value: &Value) -> String {
        if let Some(name) = value["$ref"].as_str().and_then(definition_of) {
            return match self.definitions.get(name) {
                Some(definition) if !has_section(definition) => self.form(definition),
                _ => link(self.file, name),
            };
        }
        if let Some(example) = value["examples"].as_array().and_then(|examples| examples.first()) {
            return format!("`{}`", plain(example));
        }
        if let Some(word) = value["const"].as_str() {
            return format!("`{word}`");
        }
        for alternatives in ["anyOf", "oneOf"] {
            if let Some(alternatives) = value[alternatives].as_array() {
                let alternatives = alternatives.iter().filter(|one| one["type"] != "null");
                return one_of(alternatives.map(|one| self.form(one)));
            }
        }
        if let Some(words) = value["enum"].as_array() {
            return one_of(
                words.iter().filter(|word| !word.is_null()).map(|word| format!("`{}`", plain(word))),
            );
        }
        let kind = match &value["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
            kind => kind.as_str(),
        };
        match kind {
            Some("array") => of("list", &self.form(&value["items"])),
            Some("object") => of("map", &self.form(&value["additionalProperties"])),
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("string") => "text".to_owned(),
            Some("integer") => "number".to_owned(),
            Some(other) => other.to_owned(),
            None => "as described".to_owned(),
        }
    }
}

/// Returns different forms as alternatives.
fn one_of(forms: impl Iterator<Item = String>) -> String {
    let mut different: Vec<String> = Vec::new();
    for form in forms {
        if !different.contains(&form) {
            different.push(form);
        }
    }
    different.join(" or ")
}

/// Returns the words of a definition that is one of several words, each with its meaning.
fn words(definition: &Value) -> Vec<(&str, &str)> {
    let alternatives = ["oneOf", "anyOf"].iter().filter_map(|key| definition[key].as_array()).flatten();
    let described = alternatives.filter_map(|alternative| {
        Some((alternative["const"].as_str()?, alternative["description"].as_str().unwrap_or_default()))
    });
    let plain = definition["enum"].as_array().into_iter().flatten();
    described.chain(plain.filter_map(|word| Some((word.as_str()?, "")))).collect()
}

fn of(kind: &str, element: &str) -> String {
    if element == "as described" { kind.to_owned() } else { format!("{kind} of {element}") }
}

fn link(file: &str, name: &str) -> String {
    let title = name.strip_suffix("Spec").unwrap_or(name);
    format!("[{title}](configuration.md#{})", anchor(&heading(file, name)))
}

fn plain(example: &Value) -> String {
    example.as_str().map_or_else(|| example.to_string(), str::to_owned)
}

/// Returns a description as a cell of a table.
fn cell(description: &str) -> String {
    one_line(description).replace('|', "\\|")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
