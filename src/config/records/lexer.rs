//! From text to tokens: blanks, quotes, parentheses, comments and escapes of RFC 1035, section 5.1.
//!
//! Escapes stay in the tokens, for in a name `\.` is not `.`; the user of a token resolves them.

use std::iter::Peekable;
use std::str::Chars;

use crate::config::problem::ValueError;

/// A word of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// The text without its quotes, with its escapes.
    pub text: String,
    /// Whether it began with a quote.
    pub is_quoted: bool,
    /// The line, from 1.
    pub line: u32,
    /// The first character in the line, from 1.
    pub column: u32,
    /// How many characters it takes in the line.
    pub length: u32,
}

impl Token {
    /// Returns the octets that the token stands for.
    pub fn octets(&self) -> Result<Vec<u8>, ValueError> {
        octets(&self.text)
    }
}

/// Resolves the escapes in a text.
pub(super) fn octets(text: &str) -> Result<Vec<u8>, ValueError> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(position) = rest.find('\\') {
        octets.extend_from_slice(&rest.as_bytes()[..position]);
        let (escaped, after) = escape(&rest[position + 1..])?;
        octets.extend(escaped);
        rest = after;
    }
    octets.extend_from_slice(rest.as_bytes());
    Ok(octets)
}

/// Resolves the escape whose backslash was just passed: the octets it stands for and what follows it.
pub(super) fn escape(text: &str) -> Result<(Vec<u8>, &str), ValueError> {
    let mut characters = text.chars();
    let first = characters.next().ok_or_else(|| ValueError::new("a backslash at the end escapes nothing"))?;
    if !first.is_ascii_digit() {
        return Ok((text.as_bytes()[..first.len_utf8()].to_vec(), characters.as_str()));
    }
    let octet = text.get(..3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    match octet.and_then(|digits| digits.parse::<u8>().ok()) {
        Some(octet) => Ok((vec![octet], &text[3..])),
        None => Err(ValueError::new("`\\` before a digit needs three of them, from `\\000` to `\\255`")
            .hint("write `\\\\` for a backslash")),
    }
}

/// Quotes a text so that it is one token that stands for exactly this text.
pub fn quote(text: &str) -> Token {
    let text = text.replace('\\', "\\\\");
    Token { text, is_quoted: true, ..Token::default() }
}

/// Splits one value into its words. There are no comments or parentheses in it.
pub fn words(text: &str) -> Result<Vec<Token>, ValueError> {
    let mut cursor = Cursor::new(text);
    let mut words = Vec::new();
    loop {
        match cursor.characters.peek() {
            None => return Ok(words),
            Some(blank) if blank.is_whitespace() => drop(cursor.advance()),
            Some(_) => words.push(cursor.word(|character| character.is_whitespace())?),
        }
    }
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
pub struct MasterLines<'t> {
    cursor: Cursor<'t>,
}

impl<'t> MasterLines<'t> {
    /// Starts at the beginning of a file.
    pub fn new(text: &'t str) -> Self {
        Self { cursor: Cursor::new(text.strip_prefix('\u{feff}').unwrap_or(text)) }
    }

    fn line(&mut self) -> Result<MasterLine, LexError> {
        let cursor = &mut self.cursor;
        let starts_blank = cursor.characters.peek().is_some_and(|first| *first == ' ' || *first == '\t');
        let mut line = MasterLine { words: Vec::new(), starts_blank };
        let mut open: Vec<(u32, u32)> = Vec::new();
        while let Some(&next) = cursor.characters.peek() {
            let (at_line, at_column) = (cursor.line, cursor.column);
            match next {
                '\n' if open.is_empty() => break,
                ';' => cursor.skip_comment(),
                '(' => {
                    open.push((at_line, at_column));
                    cursor.advance();
                }
                ')' if open.pop().is_some() => drop(cursor.advance()),
                ')' => return Err(cursor.error(at_line, at_column, "`)` without `(` before it")),
                blank if blank.is_whitespace() => drop(cursor.advance()),
                _ => {
                    let word = cursor.word(ends_word);
                    line.words.push(word.map_err(|wrong| LexError {
                        line: at_line,
                        column: at_column,
                        wrong,
                    })?);
                }
            }
        }
        match open.first() {
            Some(&(line, column)) => Err(cursor.error(line, column, "`(` is never closed")),
            None => Ok(line),
        }
    }
}

fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, ';' | '(' | ')')
}

impl Iterator for MasterLines<'_> {
    type Item = Result<MasterLine, LexError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.cursor.characters.peek().is_some() {
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

struct Cursor<'t> {
    characters: Peekable<Chars<'t>>,
    line: u32,
    column: u32,
}

impl<'t> Cursor<'t> {
    fn new(text: &'t str) -> Self {
        Self { characters: text.chars().peekable(), line: 1, column: 1 }
    }

    fn advance(&mut self) -> Option<char> {
        let character = self.characters.next()?;
        if character == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(character)
    }

    /// Goes to the end of the line.
    fn skip_comment(&mut self) {
        while self.characters.peek().is_some_and(|character| *character != '\n') {
            self.advance();
        }
    }

    fn error(&self, line: u32, column: u32, message: &str) -> LexError {
        LexError { line, column, wrong: ValueError::new(message) }
    }

    /// Reads a word. Quotes may begin it or stand within it, as in `alpn="h2,h3"`.
    fn word(&mut self, ends: impl Fn(char) -> bool) -> Result<Token, ValueError> {
        let mut word = Token { line: self.line, column: self.column, ..Token::default() };
        word.is_quoted = self.characters.peek() == Some(&'"');
        let mut in_quotes = false;
        while let Some(&next) = self.characters.peek() {
            match next {
                '\n' if in_quotes => break,
                '"' => {
                    in_quotes = !in_quotes;
                    self.advance();
                    // What follows a closing quote is the next word: `"a""b"` are two.
                    if !in_quotes && word.is_quoted {
                        break;
                    }
                }
                '\\' => {
                    word.text.extend(self.advance());
                    if self.characters.peek().is_some_and(|escaped| *escaped != '\n') {
                        word.text.extend(self.advance());
                    }
                }
                other if !in_quotes && ends(other) => break,
                _ => word.text.extend(self.advance()),
            }
        }
        if in_quotes && self.characters.peek().is_none_or(|next| *next == '\n') {
            return Err(
                ValueError::new("a quoted text that does not end in its line").hint("close it with `\"`")
            );
        }
        word.length = self.column.saturating_sub(word.column).max(1);
        Ok(word)
    }
}
