//! `$GENERATE`: records that differ in a number (BIND 9 Administrator Reference Manual, section 8.1.2.4).
//!
//! `$` stands for the number, `${offset,width,base}` for it in another form, and `$$` for a dollar sign.

use super::head::Head;
use crate::config::problem::{Span, ValueError};
use crate::config::records::{self, Token};

/// The most records that `$GENERATE` makes in one zone: those of a whole /12 of reverse names.
pub const MAX_RECORDS: u32 = 1 << 20;

/// The widest number.
const MAX_WIDTH: usize = 255;

/// A range of numbers, as `1-9` or `0-254/2`. Invariant: `first` is at most `last`, `step` is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberRange {
    first: u32,
    last: u32,
    step: u32,
}

impl NumberRange {
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let parsed = || {
            let (numbers, step) = text.split_once('/').unwrap_or((text, "1"));
            let (first, last) = numbers.split_once('-')?;
            let parse = |text: &str| records::number(text, i32::MAX.unsigned_abs()).ok();
            let range = Self { first: parse(first)?, last: parse(last)?, step: parse(step)? };
            (range.first <= range.last && range.step > 0).then_some(range)
        };
        parsed().ok_or_else(|| {
            ValueError::not(text, "a range").hint("write `1-9`, or `0-254/2` for every second")
        })
    }

    pub fn count(self) -> u32 {
        (self.last - self.first) / self.step + 1
    }
}

/// A record of which the number is not known yet, and the numbers.
pub(super) struct Generate {
    range: NumberRange,
    /// The number that comes next; more than the last of the range at the end.
    number: u64,
    owner: Token,
    pub head: Head,
    /// Where the type stands.
    pub named: Token,
    data: Vec<Token>,
    /// Where the directive stands.
    pub span: Span,
}

/// The words of one record.
pub(super) struct Made {
    pub owner: Token,
    pub data: Vec<Token>,
}

impl Generate {
    /// Makes one of the words after the owner, of which `head` has been read.
    pub fn new(range: NumberRange, owner: &Token, head: Head, words: &[Token], span: Span) -> Self {
        let (owner, named, data) = (owner.clone(), words[head.data - 1].clone(), words[head.data..].to_vec());
        Self { range, number: range.first.into(), owner, head, named, data, span }
    }

    /// Returns the words of the next record.
    pub fn next(&mut self) -> Option<Result<Made, ValueError>> {
        let number = u32::try_from(self.number).ok().filter(|number| *number <= self.range.last)?;
        self.number += u64::from(self.range.step);
        Some(self.make(number))
    }

    fn make(&self, number: u32) -> Result<Made, ValueError> {
        let owner = with_number(&self.owner, number)?;
        let data = self.data.iter().map(|word| with_number(word, number));
        let data = data.collect::<Result<Vec<Token>, _>>()?;
        // The data is one word to BIND, and quotes around it are not a part of it: `MX "10 mail$"`.
        let data = match &data[..] {
            [whole] if whole.is_quoted => {
                let mut words = records::words(&whole.text())?;
                for word in &mut words {
                    (word.line, word.column, word.length) = (whole.line, whole.column, whole.length);
                }
                words
            }
            _ => data,
        };
        Ok(Made { owner, data })
    }
}

/// Returns a word with the number in it.
fn with_number(word: &Token, number: u32) -> Result<Token, ValueError> {
    let mut raw = Vec::with_capacity(word.raw.len() + 8);
    let mut rest = &word.raw[..];
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        match (octet, after.first()) {
            (b'\\', Some(&escaped)) => {
                raw.extend([octet, escaped]);
                rest = &after[1..];
            }
            (b'$', Some(b'$')) => {
                raw.push(b'$');
                rest = &after[1..];
            }
            (b'$', Some(b'{')) => {
                let end = after.iter().position(|octet| *octet == b'}');
                let modifier = end.map(|end| String::from_utf8_lossy(&after[1..end]).into_owned());
                let text = modifier.as_deref().and_then(|modifier| modified(modifier, number));
                raw.extend(text.ok_or_else(wrong_modifier)?.as_bytes());
                rest = &after[end.map_or(0, |end| end + 1)..];
            }
            (b'$', _) => raw.extend(number.to_string().as_bytes()),
            _ => raw.push(octet),
        }
    }
    Ok(Token { raw, ..word.clone() })
}

fn wrong_modifier() -> ValueError {
    ValueError::new("not a form of the number, or a number below zero")
        .hint("write `${offset,width,base}`, with the base `d`, `o`, `x`, `X`, `n` or `N`, as in `${0,3,d}`")
}

/// Returns the number in the form `offset[,width[,base]]`.
fn modified(modifier: &str, number: u32) -> Option<String> {
    let mut parts = modifier.split(',');
    let offset: i64 = parts.next()?.parse().ok()?;
    let width: usize = parts.next().map_or(Some(0), |width| width.parse().ok())?;
    let base = parts.next().unwrap_or("d");
    let number = u32::try_from(i64::from(number).checked_add(offset)?).ok()?;
    match base {
        _ if width > MAX_WIDTH || parts.next().is_some() => None,
        "d" => Some(format!("{number:0width$}")),
        "o" => Some(format!("{number:0width$o}")),
        "x" => Some(format!("{number:0width$x}")),
        "X" => Some(format!("{number:0width$X}")),
        "n" => Some(nibbles(&format!("{number:x}"), width)),
        "N" => Some(nibbles(&format!("{number:X}"), width)),
        _ => None,
    }
}

/// Returns hexadecimal digits as labels of reverse names, the lowest first. The width counts the dots as well, so
/// that an even one ends with a dot (as in BIND).
fn nibbles(digits: &str, width: usize) -> String {
    let zeros = std::iter::repeat_n('0', width.div_ceil(2).saturating_sub(digits.len()));
    let labels: Vec<String> = digits.chars().rev().chain(zeros).map(String::from).collect();
    let text = labels.join(".");
    if text.len() < width { text + "." } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_forms_that_bind_gives_it() {
        let check = |text: &str, expected: Option<&str>| {
            let word = Token { raw: text.as_bytes().to_vec(), ..Token::default() };
            let made = with_number(&word, 10).ok().map(|word| word.text().into_owned());
            assert_eq!(made.as_deref(), expected, "{text}");
        };
        check("a$b$$", Some("a10b$"));
        check(r"\$x", Some(r"\$x"));
        check("${-3}.${5,4}.${0,3,o}.${0,2,x}.${0,0,X}", Some("7.0015.012.0a.A"));
        check("${240,3,n}", Some("a.f"));
        check("${240,4,n}${0,3,N}", Some("a.f.A.0"));
        for wrong in ["${-11}", "${0,256}", "${0,1,z}", "${0,1,d,x}", "${", "${}"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_range_goes_up_in_steps() {
        assert_eq!(NumberRange::parse("0-254/2").map(NumberRange::count), Ok(128));
        for wrong in ["2-1", "1", "1-2/0", "-1-2", "0-2147483648", "+1-2", "x-y"] {
            assert!(NumberRange::parse(wrong).is_err(), "{wrong}");
        }
    }
}
