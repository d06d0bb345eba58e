//! The operator's mistakes: where they are, what is wrong, and what to do instead.
//!
//! A [`Reporter`] collects [`Problem`]s while a configuration is read, all of them, in bounded memory.
//! [`Problems`] is what comes out: sorted, without duplicates, each with the line it is about.

use std::collections::BTreeSet;
use std::fmt;

use super::sources::SourceFiles;
use crate::units::Malformed;

/// The most problems that are kept. More are counted only: a thousand are not read, and a generated
/// file may be wrong in every line.
const MAX_KEPT: usize = 1000;

/// The most problems that are printed at once.
pub const MAX_PRINTED: usize = 100;

/// The widest excerpt of a line that is printed, in characters.
const EXCERPT_WIDTH: usize = 100;

/// A stretch of one line of one source file. Line 0 is the file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The index of the file in [`SourceFiles::files`].
    pub source: u32,
    /// The line, from 1.
    pub line: u32,
    /// The first character in the line, from 1.
    pub column: u32,
    pub length: u32,
}

impl Span {
    /// Returns the place that is the whole of a file.
    pub fn file(source: usize) -> Self {
        let source = u32::try_from(source).expect("the number of files is bounded");
        Self { source, ..Self::default() }
    }

    /// Returns the file and line as hints print them.
    pub fn line_text(self, sources: &SourceFiles) -> String {
        format!("{}:{}", sources.display(self.source as usize), self.line)
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemLevel {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but is hardly what the operator meant.
    Warning,
}

/// One mistake of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub level: ProblemLevel,
    /// The file, as it can be opened from where the program runs.
    pub file: String,
    /// The line, from 1; 0 when the problem concerns the file as a whole.
    pub line: u32,
    /// The first character in the line, from 1.
    pub column: u32,
    /// How many characters of the line are meant.
    pub length: u32,
    pub message: String,
    /// What to do instead.
    pub hint: Option<String>,
    pub excerpt: String,
}

impl fmt::Display for Problem {
    /// Writes `file:line:column: message`, the line with a caret under it, and the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        let level = match self.level {
            ProblemLevel::Error => "",
            ProblemLevel::Warning => "warning: ",
        };
        write!(f, " {level}{}", self.message)?;
        if self.line > 0 {
            self.fmt_excerpt(f)?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl Problem {
    fn fmt_excerpt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.column.saturating_sub(1) as usize;
        // A long line is shown from a little before the place.
        let start = if column + 20 < EXCERPT_WIDTH { 0 } else { column - 20 };
        let shown: String = self.excerpt.chars().skip(start).take(EXCERPT_WIDTH).map(printable).collect();
        let length =
            (self.length.max(1) as usize).min(shown.chars().count().saturating_sub(column - start).max(1));
        let gutter = self.line.to_string();
        let blank = " ".repeat(gutter.len());
        write!(f, "\n {gutter} | {}", shown.trim_end())?;
        write!(f, "\n {blank} | {}{}", " ".repeat(column - start), "^".repeat(length))
    }
}

/// Returns what a terminal may be given for a character of a file from any source.
pub(super) fn printable(character: char) -> char {
    match character {
        '\t' => ' ',
        control if control.is_control() => '·',
        other => other,
    }
}

/// A place, kept for problems that show only when what is named there is read.
///
/// All places are equal: a configuration that says the same some lines further down is the same.
#[derive(Clone, Debug)]
pub struct SourceLine {
    span: Span,
    file: String,
    excerpt: String,
}

impl PartialEq for SourceLine {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SourceLine {}

impl SourceLine {
    /// Returns the line of what is written at a span.
    pub(super) fn of(span: Span, sources: &SourceFiles) -> Self {
        let mut lines = lines(sources, span.source);
        let line = (span.line as usize).checked_sub(1).and_then(|above| lines.nth(above));
        Self::new(span, line.unwrap_or_default(), sources)
    }

    fn new(span: Span, line: &[u8], sources: &SourceFiles) -> Self {
        // Only the part that can be shown is kept: a line may be as long as its file.
        let kept = (span.column as usize).saturating_add(EXCERPT_WIDTH);
        let file = sources.display(span.source as usize);
        let octets = &line[..line.len().min(kept.saturating_mul(4))];
        Self { span, file, excerpt: String::from_utf8_lossy(octets).chars().take(kept).collect() }
    }

    /// Returns the problem that what is named there has.
    pub fn problem(&self, level: ProblemLevel, message: String, hint: Option<String>) -> Problem {
        Problem {
            level,
            file: self.file.clone(),
            line: self.span.line,
            column: self.span.column,
            length: self.span.length,
            message,
            hint,
            excerpt: self.excerpt.clone(),
        }
    }
}

/// Every problem of a configuration, as far as they are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The problems by file, line and column.
    pub list: Vec<Problem>,
    /// How many there are beyond the list.
    pub omitted: usize,
}

impl Problems {
    /// Returns how many problems there are.
    pub fn count(&self) -> usize {
        self.list.len() + self.omitted
    }

    /// Returns whether there is no problem.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

impl fmt::Display for Problems {
    /// Writes the first hundred problems, and how many there are besides.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.list.iter().take(MAX_PRINTED) {
            writeln!(f, "{problem}")?;
        }
        match self.count().saturating_sub(MAX_PRINTED) {
            0 => Ok(()),
            more => writeln!(f, "and {more} more problems"),
        }
    }
}

impl std::error::Error for Problems {}

/// What is wrong with a value, without its span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ValueError {
    pub message: String,
    /// What to do instead.
    pub hint: Option<String>,
}

impl ValueError {
    /// Makes one without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Makes one of a text that is not of its kind: `` `x` is not a port ``.
    pub fn not(text: &str, noun: &str) -> Self {
        Self::new(format!("`{text}` is not {noun}"))
    }

    /// Adds a hint.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<Malformed> for ValueError {
    fn from(Malformed { message, hint }: Malformed) -> Self {
        Self { message, hint: Some(hint) }
    }
}

/// A problem while its excerpt is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    span: Span,
    message: String,
    level: ProblemLevel,
    hint: Option<String>,
}

impl Finding {
    /// Adds what to do instead.
    pub fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }

    /// Adds what to do instead, if anything is known.
    pub fn maybe_hint(&mut self, hint: Option<String>) {
        self.hint = hint;
    }
}

/// Collects problems, in bounded memory.
#[derive(Debug, Default)]
pub struct Reporter {
    errors: FindingList,
    warnings: FindingList,
    /// The files that were read, by their numbers.
    read: BTreeSet<usize>,
}

impl Reporter {
    /// Adds a mistake that makes the configuration unusable.
    pub fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        self.errors.add(Finding { span, message: message.into(), level: ProblemLevel::Error, hint: None })
    }

    /// Adds something that works but is hardly meant.
    pub fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        self.warnings.add(Finding { span, message: message.into(), level: ProblemLevel::Warning, hint: None })
    }

    /// Adds the mistake of a value.
    pub fn mistake(&mut self, span: Span, mistake: ValueError) {
        self.error(span, mistake.message).maybe_hint(mistake.hint);
    }

    /// Returns the value, or adds its mistake.
    pub fn ok<T>(&mut self, span: Span, value: Result<T, ValueError>) -> Option<T> {
        value.map_err(|mistake| self.mistake(span, mistake)).ok()
    }

    /// Takes note that a file was read.
    pub fn note_read(&mut self, file: usize) {
        self.read.insert(file);
    }

    /// Returns the files that were read.
    pub fn read(&self) -> &BTreeSet<usize> {
        &self.read
    }

    /// Returns how many errors were added.
    pub fn error_count(&self) -> usize {
        self.errors.list.len() + self.errors.omitted
    }

    /// Returns whether an error was added.
    pub fn has_errors(&self) -> bool {
        !self.errors.list.is_empty()
    }

    /// Returns the errors, and the warnings, with the lines that they are about.
    pub fn finish(self, sources: &SourceFiles) -> (Problems, Problems) {
        (self.errors.resolve(sources), self.warnings.resolve(sources))
    }
}

/// Findings of one level.
#[derive(Debug, Default)]
struct FindingList {
    list: Vec<Finding>,
    omitted: usize,
    /// The last one that was omitted, which may still be given a hint.
    scratch: Option<Finding>,
}

impl FindingList {
    /// Keeps a finding while there is room, and returns it for the hint that follows.
    fn add(&mut self, finding: Finding) -> &mut Finding {
        if self.list.len() < MAX_KEPT {
            self.list.push(finding);
            return self.list.last_mut().expect("a finding was just pushed");
        }
        self.omitted += 1;
        self.scratch.insert(finding)
    }

    fn resolve(self, sources: &SourceFiles) -> Problems {
        // An alias makes one mistake appear wherever it is used; once is enough.
        let unique: BTreeSet<Finding> = self.list.into_iter().collect();
        let mut excerpts = Excerpts { sources, source: 0, rest: lines(sources, 0), passed: 0, line: b"" };
        let problem = |Finding { span, message, level, hint }| {
            let line = SourceLine::new(span, excerpts.at(span), sources);
            line.problem(level, message, hint)
        };
        Problems { list: unique.into_iter().map(problem).collect(), omitted: self.omitted }
    }
}

/// The lines of a file.
type Lines<'s> = std::slice::Split<'s, u8, fn(&u8) -> bool>;

fn lines(sources: &SourceFiles, source: u32) -> Lines<'_> {
    let octets = sources.files.get(source as usize).map_or(&b""[..], |file| &file.octets);
    octets.split(|octet| *octet == b'\n')
}

/// Finds the lines of places that come in order, in one pass over each file.
struct Excerpts<'s> {
    sources: &'s SourceFiles,
    source: u32,
    rest: Lines<'s>,
    passed: u32,
    line: &'s [u8],
}

impl<'s> Excerpts<'s> {
    fn at(&mut self, span: Span) -> &'s [u8] {
        if span.line == 0 {
            return b"";
        }
        if self.passed == 0 || self.source != span.source {
            self.source = span.source;
            self.rest = lines(self.sources, span.source);
            self.passed = 0;
        }
        while self.passed < span.line {
            self.line = self.rest.next().unwrap_or_default();
            self.passed += 1;
        }
        self.line
    }
}
