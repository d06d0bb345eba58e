//! From YAML text to a tree of nodes, each with its place.
//!
//! Duplicate keys are reported and the first one kept. Aliases and merge keys (`<<`) are expanded
//! within the same bound as everything else, so that a document cannot grow beyond it.

use std::collections::HashMap;

use serde_yaml::granit_parser::{
    self as parser, Event, Marker, Parser, ScalarStyle, StrInput, StructureStyle,
};

use crate::config::problem::{Reporter, Span};

/// The most nodes in one document, aliases expanded. A zone of 100 000 names needs some 400 000.
pub const MAX_NODES: usize = 1_000_000;

/// The deepest nesting. The configuration itself needs eight levels.
pub const MAX_DEPTH: usize = 32;

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct YamlNode {
    /// Where it is; for a block collection, where its key is.
    pub span: Span,
    pub shape: YamlShape,
}

/// The shape of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum YamlShape {
    /// Nothing at all, `~` or `null`.
    Null,
    /// A text; numbers and booleans are texts until a number is expected.
    Scalar(String),
    Sequence(Vec<YamlNode>),
    /// Keys with values, in the order of the document, without duplicates.
    Mapping(Vec<(YamlNode, YamlNode)>),
}

impl YamlShape {
    /// Returns what people call it.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "keys with values",
        }
    }
}

/// Parses the one document of a file. `None`: there is no telling what the document says, and why has
/// been reported. An empty file is an empty mapping.
pub fn parse(text: &str, source: usize, report: &mut Reporter) -> Option<YamlNode> {
    // Comments are parsed and dropped; everything else about the limits is the parser's default,
    // which nests no deeper than 255.
    let options = parser::options! { emit_comments: false };
    let mut builder = Builder {
        parser: Parser::with_options(StrInput::new(text), options),
        source: Span::file(source).source,
        report,
        anchors: HashMap::new(),
        nodes: 0,
    };
    match builder.document() {
        Ok(root) => Some(root),
        Err(Stop { span, message }) => {
            report.error(span, message);
            None
        }
    }
}

/// Why building ends before the document does.
struct Stop {
    span: Span,
    message: String,
}

struct Builder<'t, 'r> {
    parser: Parser<'t, StrInput<'t>>,
    source: u32,
    report: &'r mut Reporter,
    /// Anchored nodes, with their number of nodes.
    anchors: HashMap<usize, (YamlNode, usize)>,
    nodes: usize,
}

impl<'t> Builder<'t, '_> {
    fn document(&mut self) -> Result<YamlNode, Stop> {
        let mut root = None;
        loop {
            let (event, at) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(self.stop(&at, "a file holds one YAML document; this is a second one"));
                }
                Event::DocumentStart(..) => {}
                event => root = Some(self.node(event, at, 0)?),
            }
        }
        let empty =
            YamlNode { span: Span { source: self.source, ..Span::default() }, shape: YamlShape::Null };
        Ok(root.unwrap_or(empty))
    }

    fn node(&mut self, event: Event<'t>, at: parser::Span, depth: usize) -> Result<YamlNode, Stop> {
        self.count(1, &at)?;
        if depth > MAX_DEPTH {
            return Err(self.stop(&at, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let before = self.nodes;
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let shape = scalar(&text, style, tag.is_some());
                (anchor, YamlNode { span: self.span(&at), shape })
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence(&at, depth)?),
            Event::MappingStart(style, anchor, _) => (anchor, self.mapping(&at, style, depth)?),
            Event::Alias(anchor) => (0, self.alias(anchor, &at)?),
            other => return Err(self.stop(&at, format!("unexpected YAML: {other:?}"))),
        };
        if anchor > 0 {
            let size = self.nodes - before + 1;
            // The anchor keeps a copy, which counts: anchors nest.
            self.count(size, &at)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn sequence(&mut self, at: &parser::Span, depth: usize) -> Result<YamlNode, Stop> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => break,
                (event, at) => items.push(self.node(event, at, depth + 1)?),
            }
        }
        Ok(YamlNode { span: self.span(at), shape: YamlShape::Sequence(items) })
    }

    fn mapping(&mut self, at: &parser::Span, style: StructureStyle, depth: usize) -> Result<YamlNode, Stop> {
        let mut entries = MappingBuilder::default();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => break,
                (event, at) => self.node(event, at, depth + 1)?,
            };
            let (event, at) = self.next()?;
            let is_block = matches!(
                event,
                Event::MappingStart(StructureStyle::Block, ..)
                    | Event::SequenceStart(StructureStyle::Block, ..)
            );
            let mut value = self.node(event, at, depth + 1)?;
            // What a block collection or a missing value lacks is best said where its key is.
            if is_block || value.shape == YamlShape::Null {
                value.span = key.span;
            }
            entries.add(key, value, self.report);
        }
        let mut span = self.span(at);
        if let (StructureStyle::Block, Some((key, _))) = (style, entries.list.first()) {
            span = key.span;
        }
        Ok(YamlNode { span, shape: YamlShape::Mapping(entries.finish()) })
    }

    fn alias(&mut self, anchor: usize, at: &parser::Span) -> Result<YamlNode, Stop> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(self.stop(at, "an alias inside of what it stands for"));
        };
        let (node, size) = (node.clone(), *size);
        self.count(size, at)?;
        Ok(node)
    }

    fn count(&mut self, more: usize, at: &parser::Span) -> Result<(), Stop> {
        self.nodes += more;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        Err(self.stop(at, format!("more than {MAX_NODES} values in one file, aliases included")))
    }

    fn next(&mut self) -> Result<(Event<'t>, parser::Span), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, at))) => Ok((event, at)),
            Some(Err(error)) => {
                let span = self.at(error.marker(), 1);
                Err(Stop { span, message: format!("not valid YAML: {}", error.info()) })
            }
            None => Ok((Event::StreamEnd, parser::Span::default())),
        }
    }

    fn stop(&self, at: &parser::Span, message: impl Into<String>) -> Stop {
        Stop { span: self.span(at), message: message.into() }
    }

    fn span(&self, at: &parser::Span) -> Span {
        let on_one_line = at.start.line() == at.end.line();
        let length = if on_one_line { at.end.col().saturating_sub(at.start.col()) } else { 1 };
        self.at(&at.start, length)
    }

    fn at(&self, marker: &Marker, length: usize) -> Span {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Span {
            source: self.source,
            line: number(marker.line()),
            column: number(marker.col() + 1),
            length: number(length),
        }
    }
}

/// Returns the shape of a scalar: plain `~`, `null` and nothing are nothing.
fn scalar(text: &str, style: ScalarStyle, has_tag: bool) -> YamlShape {
    match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") if !has_tag => YamlShape::Null,
        (_, text) => YamlShape::Scalar(text.to_owned()),
    }
}

/// The entries of one mapping while it is read.
#[derive(Default)]
struct MappingBuilder {
    list: Vec<(YamlNode, YamlNode)>,
    /// Keys with their lines.
    seen: HashMap<String, u32>,
    merged: Vec<(YamlNode, YamlNode)>,
}

impl MappingBuilder {
    fn add(&mut self, key: YamlNode, value: YamlNode, report: &mut Reporter) {
        let YamlShape::Scalar(text) = &key.shape else {
            report.error(key.span, format!("a key must be a single value, not {}", key.shape.noun()));
            return;
        };
        if text == "<<" {
            return self.merge(value, report);
        }
        if let Some(line) = self.seen.get(text) {
            let message = format!("duplicate key `{text}`");
            report.error(key.span, message).hint(format!("it is already set in line {line}"));
            return;
        }
        self.seen.insert(text.clone(), key.span.line);
        self.list.push((key, value));
    }

    /// Takes over the entries of another mapping, or of several; keys of this mapping win.
    fn merge(&mut self, value: YamlNode, report: &mut Reporter) {
        match value.shape {
            YamlShape::Mapping(entries) => self.merged.extend(entries),
            YamlShape::Sequence(items) => items.into_iter().for_each(|item| self.merge(item, report)),
            YamlShape::Null | YamlShape::Scalar(_) => {
                report.error(value.span, "`<<` merges another mapping: write `<<: *anchor`");
            }
        }
    }

    fn finish(mut self) -> Vec<(YamlNode, YamlNode)> {
        for (key, value) in self.merged {
            if let YamlShape::Scalar(text) = &key.shape
                && self.seen.insert(text.clone(), key.span.line).is_none()
            {
                self.list.push((key, value));
            }
        }
        self.list
    }
}
