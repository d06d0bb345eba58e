//! From YAML text to a tree of nodes, each with its place.
//!
//! Duplicate keys are reported and the first one kept. Aliases and merge keys (`<<`) are expanded
//! within the same bound as everything else, so that a document cannot grow beyond it.

use std::collections::HashMap;

use serde_yaml::granit_parser::{self, Event, Marker, Parser, ScalarStyle, Span, StrInput, StructureStyle};

use crate::config::problem::{Place, Report};

/// The most nodes in one document, aliases expanded. A zone of 100 000 names needs some 400 000.
const MAX_NODES: usize = 1_000_000;

/// The deepest nesting. The configuration itself needs eight levels.
const MAX_DEPTH: usize = 32;

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it is; for a block collection, where its key is.
    pub place: Place,
    /// What it is.
    pub shape: Shape,
}

/// The shape of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Nothing at all, `~` or `null`.
    Null,
    /// A text; numbers and booleans are texts until somebody wants a number.
    Scalar(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys with values, in the order of the document, without duplicates.
    Mapping(Vec<(Node, Node)>),
}

impl Shape {
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
pub fn parse(text: &str, source: usize, report: &mut Report) -> Option<Node> {
    // Comments are parsed and dropped; everything else about the limits is the parser's default,
    // which nests no deeper than 255.
    let options = granit_parser::options! { emit_comments: false };
    let mut builder = Builder {
        parser: Parser::with_options(StrInput::new(text), options),
        source: Place::file(source).source,
        report,
        anchors: HashMap::new(),
        nodes: 0,
    };
    match builder.document() {
        Ok(root) => Some(root),
        Err(Stop { place, message }) => {
            report.error(place, message);
            None
        }
    }
}

/// Why building ends before the document does.
struct Stop {
    place: Place,
    message: String,
}

struct Builder<'t, 'r> {
    parser: Parser<'t, StrInput<'t>>,
    source: u32,
    report: &'r mut Report,
    /// Anchored nodes, with their number of nodes.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'t> Builder<'t, '_> {
    fn document(&mut self) -> Result<Node, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(self.stop(&span, "a file holds one YAML document; this is a second one"));
                }
                Event::DocumentStart(..) => {}
                event => root = Some(self.node(event, span, 0)?),
            }
        }
        let empty = Node { place: Place { source: self.source, ..Place::default() }, shape: Shape::Null };
        Ok(root.unwrap_or(empty))
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Stop> {
        self.count(1, &span)?;
        if depth > MAX_DEPTH {
            return Err(self.stop(&span, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let before = self.nodes;
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let shape = scalar(&text, style, tag.is_some());
                (anchor, Node { place: self.place(&span), shape })
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence(&span, depth)?),
            Event::MappingStart(style, anchor, _) => (anchor, self.mapping(&span, style, depth)?),
            Event::Alias(anchor) => (0, self.alias(anchor, &span)?),
            other => return Err(self.stop(&span, format!("unexpected YAML: {other:?}"))),
        };
        if anchor > 0 {
            let size = self.nodes - before + 1;
            // The anchor keeps a copy, which counts: anchors nest.
            self.count(size, &span)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn sequence(&mut self, span: &Span, depth: usize) -> Result<Node, Stop> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => break,
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
        Ok(Node { place: self.place(span), shape: Shape::Sequence(items) })
    }

    fn mapping(&mut self, span: &Span, style: StructureStyle, depth: usize) -> Result<Node, Stop> {
        let mut entries = Entries::default();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => break,
                (event, span) => self.node(event, span, depth + 1)?,
            };
            let (event, span) = self.next()?;
            let is_block = matches!(
                event,
                Event::MappingStart(StructureStyle::Block, ..)
                    | Event::SequenceStart(StructureStyle::Block, ..)
            );
            let mut value = self.node(event, span, depth + 1)?;
            // What a block collection or a missing value lacks is best said where its key is.
            if is_block || value.shape == Shape::Null {
                value.place = key.place;
            }
            entries.add(key, value, self.report);
        }
        let mut place = self.place(span);
        if let (StructureStyle::Block, Some((key, _))) = (style, entries.list.first()) {
            place = key.place;
        }
        Ok(Node { place, shape: Shape::Mapping(entries.finish()) })
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<Node, Stop> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(self.stop(span, "an alias inside of what it stands for"));
        };
        let (node, size) = (node.clone(), *size);
        self.count(size, span)?;
        Ok(node)
    }

    fn count(&mut self, more: usize, span: &Span) -> Result<(), Stop> {
        self.nodes += more;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        Err(self.stop(span, format!("more than {MAX_NODES} values in one file, aliases included")))
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span)),
            Some(Err(error)) => {
                let place = self.at(error.marker(), 1);
                Err(Stop { place, message: format!("not valid YAML: {}", error.info()) })
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn stop(&self, span: &Span, message: impl Into<String>) -> Stop {
        Stop { place: self.place(span), message: message.into() }
    }

    fn place(&self, span: &Span) -> Place {
        let on_one_line = span.start.line() == span.end.line();
        let length = if on_one_line { span.end.col().saturating_sub(span.start.col()) } else { 1 };
        self.at(&span.start, length)
    }

    fn at(&self, marker: &Marker, length: usize) -> Place {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Place {
            source: self.source,
            line: number(marker.line()),
            column: number(marker.col() + 1),
            length: number(length),
        }
    }
}

/// Returns the shape of a scalar: plain `~`, `null` and nothing are nothing.
fn scalar(text: &str, style: ScalarStyle, has_tag: bool) -> Shape {
    match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") if !has_tag => Shape::Null,
        (_, text) => Shape::Scalar(text.to_owned()),
    }
}

/// The entries of one mapping while it is read.
#[derive(Default)]
struct Entries {
    list: Vec<(Node, Node)>,
    /// Keys with their lines.
    seen: HashMap<String, u32>,
    merged: Vec<(Node, Node)>,
}

impl Entries {
    fn add(&mut self, key: Node, value: Node, report: &mut Report) {
        let Shape::Scalar(text) = &key.shape else {
            report.error(key.place, format!("a key must be a single value, not {}", key.shape.noun()));
            return;
        };
        if text == "<<" {
            return self.merge(value, report);
        }
        if let Some(line) = self.seen.get(text) {
            let message = format!("duplicate key `{text}`");
            report.error(key.place, message).hint(format!("it is already set in line {line}"));
            return;
        }
        self.seen.insert(text.clone(), key.place.line);
        self.list.push((key, value));
    }

    /// Takes over the entries of another mapping, or of several; keys of this mapping win.
    fn merge(&mut self, value: Node, report: &mut Report) {
        match value.shape {
            Shape::Mapping(entries) => self.merged.extend(entries),
            Shape::Sequence(items) => items.into_iter().for_each(|item| self.merge(item, report)),
            Shape::Null | Shape::Scalar(_) => {
                report.error(value.place, "`<<` merges another mapping: write `<<: *anchor`");
            }
        }
    }

    fn finish(mut self) -> Vec<(Node, Node)> {
        for (key, value) in self.merged {
            if let Shape::Scalar(text) = &key.shape
                && self.seen.insert(text.clone(), key.place.line).is_none()
            {
                self.list.push((key, value));
            }
        }
        self.list
    }
}
