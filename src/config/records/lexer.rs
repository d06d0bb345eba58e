//! From octets to tokens: blanks, quotes, parentheses, comments and escapes of RFC 1035, section 5.1.
//!
//! A master file has no stated encoding: its comments may be in Latin-1, and an octet above 127 in a text
//! stands for itself, as BIND reads it. Escapes stay in the tokens, for in a name `\.` is not `.`; the user of
//! a token resolves them.

use std::borrow::Cow;

use crate::config::problem::ValueError;

/// The most words of an entry: data of 65535 octets with each hexadecimal digit on its own, and what stands
/// before it.
const MAX_WORDS: usize = 131_200;

/// A word of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// The octets without its quotes, with its escapes.
    pub raw: Vec<u8>,
    /// Whether it stands in quotes.
    pub is_quoted: bool,
    /// Whether nothing separates it from the word before, as the value in `alpn="h2"`.
    pub is_joined: bool,
    /// The line, from 1.
    pub line: u32,
    /// The first character in the line, from 1.
    pub column: u32,
    /// How many characters it takes in the line.
    pub length: u32,
}

impl Token {
    /// Returns the text, with its escapes. What is not UTF-8 is replaced: no word that is read as a text may
    /// hold it.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.raw)
    }

    /// Returns the octets that the token stands for.
    pub fn octets(&self) -> Result<Vec<u8>, ValueError> {
        octets(&self.raw)
    }

    /// Returns whether it is this word, without quotes.
    pub fn is(&self, word: &str) -> bool {
        !self.is_quoted && self.raw == word.as_bytes()
    }
}

/// Resolves the escapes in a text.
pub(super) fn octets(text: &[u8]) -> Result<Vec<u8>, ValueError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(position) = rest.iter().position(|octet| *octet == b'\\') {
        octets.extend_from_slice(&rest[..position]);
        let (escaped, after) = escape(&rest[position + 1..])?;
        octets.push(escaped);
        rest = after;
    }
    octets.extend_from_slice(rest);
    Ok(octets)
}

/// Resolves the escape whose backslash was just passed: the octet it stands for and what follows it.
pub(super) fn escape(text: &[u8]) -> Result<(u8, &[u8]), ValueError> {
    let (&first, after) =
        text.split_first().ok_or_else(|| ValueError::new("a backslash at the end escapes nothing"))?;
    if !first.is_ascii_digit() {
        return Ok((first, after));
    }
    let digits = text.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let octet = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u8>().ok());
    octet.map(|octet| (octet, &text[3..])).ok_or_else(|| {
        ValueError::new("`\\` before a digit needs three of them, from `\\000` to `\\255`")
            .hint("write `\\\\` for a backslash")
    })
}

/// Quotes a text so that it is one token that stands for exactly this text.
pub fn quote(text: &str) -> Token {
    Token { raw: text.replace('\\', "\\\\").into_bytes(), is_quoted: true, ..Token::default() }
}

/// Splits one value into its words. There are no comments or parentheses in it.
pub fn words(text: &str) -> Result<Vec<Token>, ValueError> {
    let mut cursor = Cursor::new(text.as_bytes());
    let mut words = Vec::new();
    while let Some(next) = cursor.peek() {
        if is_blank(next) || next == b'\n' {
            cursor.advance();
        } else {
            words.push(cursor.word(|octet| is_blank(octet) || octet == b'\n')?);
        }
    }
    Ok(words)
}

/// One entry of a master file: a line, or several lines held together by parentheses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MasterLine {
    /// Its words; never empty.
    pub words: Vec<Token>,
    /// Whether it began with a blank: the owner is that of the entry before.
    pub starts_blank: bool,
}

/// A mistake in a master file's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LexError {
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    pub wrong: ValueError,
}

/// The entries of a master file. After a mistake the next line is tried.
#[derive(Debug)]
pub struct MasterLines<'t> {
    cursor: Cursor<'t>,
}

impl<'t> MasterLines<'t> {
    /// Starts at the beginning of a file.
    pub fn new(text: &'t [u8]) -> Self {
        Self { cursor: Cursor::new(after_mark(text)) }
    }

    fn line(&mut self) -> Result<MasterLine, LexError> {
        let cursor = &mut self.cursor;
        let mut line =
            MasterLine { words: Vec::new(), starts_blank: matches!(cursor.peek(), Some(b' ' | b'\t')) };
        let mut open: Vec<(u32, u32)> = Vec::new();
        while let Some(next) = cursor.peek() {
            let place = (cursor.line, cursor.column);
            match next {
                b'\n' if open.is_empty() => break,
                b';' => cursor.skip_comment(),
                b'(' => {
                    open.push(place);
                    cursor.advance();
                }
                b')' if open.pop().is_some() => cursor.advance(),
                b')' => return Err(error(place, "`)` without `(` before it")),
                blank if is_blank(blank) || blank == b'\n' => cursor.advance(),
                _ if line.words.len() == MAX_WORDS => {
                    return Err(error(place, "more words than the data of a record can have"));
                }
                _ => {
                    let word = cursor.word(ends_word);
                    let (line_number, column) = place;
                    line.words.push(word.map_err(|wrong| LexError { line: line_number, column, wrong })?);
                }
            }
            if open.len() == MAX_WORDS {
                return Err(error(place, "too many `(`"));
            }
        }
        match open.first() {
            Some(place) => Err(error(*place, "`(` is never closed")),
            None => Ok(line),
        }
    }
}

impl Iterator for MasterLines<'_> {
    type Item = Result<MasterLine, LexError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.cursor.peek().is_some() {
            let line = self.line();
            self.cursor.skip_comment();
            self.cursor.advance();
            match line {
                Ok(line) if line.words.is_empty() => {}
                other => return Some(other),
            }
        }
        None
    }
}

/// Returns a text without the byte order mark that some editors put before it.
pub fn after_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

fn error((line, column): (u32, u32), message: &str) -> LexError {
    LexError { line, column, wrong: ValueError::new(message) }
}

/// Returns whether an octet separates words within a line. Form feeds and the blanks of Unicode do not
/// (RFC 1035, section 5.1).
fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r')
}

fn ends_word(octet: u8) -> bool {
    is_blank(octet) || matches!(octet, b'\n' | b';' | b'(' | b')')
}

#[derive(Debug)]
struct Cursor<'t> {
    text: &'t [u8],
    position: usize,
    /// Where the word before ended.
    word_end: usize,
    line: u32,
    column: u32,
}

impl<'t> Cursor<'t> {
    fn new(text: &'t [u8]) -> Self {
        // A word at the very beginning joins nothing.
        Self { text, position: 0, word_end: usize::MAX, line: 1, column: 1 }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    /// Passes one octet. The octets of UTF-8 after a character's first take no column.
    fn advance(&mut self) {
        match self.peek() {
            Some(b'\n') => (self.line, self.column) = (self.line + 1, 1),
            Some(octet) if octet & 0xc0 != 0x80 => self.column += 1,
            _ => {}
        }
        self.position += 1;
    }

    /// Goes to the end of the line.
    fn skip_comment(&mut self) {
        while self.peek().is_some_and(|octet| octet != b'\n') {
            self.advance();
        }
    }

    /// Reads a word: up to a blank or a quote, or in quotes. `a"b"c` are three (as BIND reads it).
    fn word(&mut self, ends: impl Fn(u8) -> bool) -> Result<Token, ValueError> {
        let mut word = Token {
            is_quoted: self.peek() == Some(b'"'),
            is_joined: self.position == self.word_end,
            line: self.line,
            column: self.column,
            ..Token::default()
        };
        if word.is_quoted {
            self.advance();
        }
        let start = self.position;
        let mut end = start;
        while let Some(next) = self.peek() {
            match next {
                b'"' | b'\n' if word.is_quoted => break,
                b'"' => break,
                b'\\' => {
                    self.advance();
                    if self.peek().is_some_and(|escaped| escaped != b'\n') {
                        self.advance();
                    }
                }
                other if !word.is_quoted && ends(other) => break,
                _ => self.advance(),
            }
            end = self.position;
        }
        word.raw = self.text[start..end].to_vec();
        if word.is_quoted {
            if self.peek() != Some(b'"') {
                return Err(
                    ValueError::new("a quoted text that does not end in its line").hint("close it with `\"`")
                );
            }
            self.advance();
        }
        self.word_end = self.position;
        word.length = self.column.saturating_sub(word.column).max(1);
        Ok(word)
    }
}
