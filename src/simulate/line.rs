//! The words of one line of a scenario, taken one after the other.

use std::time::Duration;

use super::quantity::{Jump, Range};
use super::scenario::{Mistake, Spot};
use crate::region::Target;
use crate::suggest;
use crate::units::{Malformed, Percent, TimeSpan};

/// The longest time that a scenario may name: a week. A longer timeline is not read.
pub const MAX_TIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// A word with its place.
#[derive(Clone, Copy, Debug)]
pub struct Word<'t> {
    pub text: &'t str,
    pub spot: Spot,
}

/// The words of a line that were not taken yet.
#[derive(Debug)]
pub struct Words<'t> {
    words: std::vec::IntoIter<Word<'t>>,
    /// The place after the last word, for what is missing.
    end: Spot,
}

impl<'t> Words<'t> {
    /// Divides a line into words. A word that begins with `#` begins a comment.
    pub fn new(number: u32, text: &'t str) -> Self {
        let mut words = Vec::new();
        let mut column = 1;
        let mut end = Spot { line: number, column: 1, length: 1 };
        for part in text.split_inclusive(char::is_whitespace) {
            let word = part.trim_end();
            let length = characters(word);
            if word.starts_with('#') {
                break;
            }
            if length > 0 {
                words.push(Word { text: word, spot: Spot { line: number, column, length } });
                end.column = column + length;
            }
            column += characters(part);
        }
        Self { words: words.into_iter(), end }
    }

    /// Takes the next word. `what` says what it should be: `a time such as 12s`.
    pub fn take(&mut self, what: &str) -> Result<Word<'t>, Mistake> {
        let missing = || Mistake { spot: self.end, message: format!("{what} is missing here"), hint: None };
        self.words.next().ok_or_else(missing)
    }

    /// Takes the next word if there is one.
    pub fn next(&mut self) -> Option<Word<'t>> {
        self.words.next()
    }

    /// Takes the next word if it is this one.
    pub fn next_if(&mut self, text: &str) -> Option<Word<'t>> {
        let word = self.peek().filter(|word| word.text == text);
        word.inspect(|_| _ = self.words.next())
    }

    /// Returns the next word, and leaves it there.
    pub fn peek(&self) -> Option<Word<'t>> {
        self.words.as_slice().first().copied()
    }

    /// Takes a word as whatever it can be parsed as. `what` says what it should be: `a number`.
    pub fn parse<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, Mistake> {
        let word = self.take(what)?;
        word.text.parse().map_err(|_| word.wrong(&format!("is not {what}"), None))
    }

    /// Returns the words that were not taken yet, with single spaces between them.
    pub fn rest(&self) -> String {
        let words = self.words.as_slice().iter().map(|word| word.text);
        words.collect::<Vec<_>>().join(" ")
    }

    /// Takes a time.
    pub fn time(&mut self) -> Result<Duration, Mistake> {
        let word = self.take("a time such as 12s")?;
        word.time(word.text)
    }

    /// Takes a jump of the clock.
    pub fn jump(&mut self) -> Result<Jump, Mistake> {
        let word = self.take("a jump such as +1h")?;
        let wrong = || word.wrong("is not a jump of the clock", Some("write +1h or -30m".to_owned()));
        let (sign, time) = word.text.split_at_checked(1).ok_or_else(wrong)?;
        match sign {
            "+" => word.time(time).map(Jump::Forward),
            "-" => word.time(time).map(Jump::Back),
            _ => Err(wrong()),
        }
    }

    /// Takes a fraction.
    pub fn fraction(&mut self) -> Result<f64, Mistake> {
        let word = self.take("a fraction such as 85% or 0.85")?;
        word.fraction(word.text)
    }

    /// Takes a number that is not negative. `what` says what it is: `a rate such as 5000`.
    pub fn quantity(&mut self, what: &str) -> Result<f64, Mistake> {
        let word = self.take(what)?;
        word.text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite() && *number >= 0.0)
            .ok_or_else(|| word.wrong(&format!("is not {what}"), None))
    }

    /// Takes a range of fractions if there is one: `75%..85%`, `< 0.9`, `> 10%`.
    pub fn next_range(&mut self) -> Result<Option<Range>, Mistake> {
        if self.next_if("<").is_some() {
            return self.fraction().map(|limit| Some(Range::Below(limit)));
        }
        if self.next_if(">").is_some() {
            return self.fraction().map(|limit| Some(Range::Above(limit)));
        }
        let Some(word) = self.peek() else { return Ok(None) };
        let Some((lowest, highest)) = word.text.split_once("..") else { return Ok(None) };
        self.words.next();
        let (lowest, highest) = (word.fraction(lowest)?, word.fraction(highest)?);
        let is_empty = || word.wrong("is an empty range", Some("the smaller number comes first".to_owned()));
        (lowest <= highest).then_some(Some(Range::Within(lowest, highest))).ok_or_else(is_empty)
    }

    /// Makes sure that nothing is left.
    pub fn finish(&mut self) -> Result<(), Mistake> {
        self.words.next().map_or(Ok(()), |word| Err(word.wrong("is too much here", None)))
    }
}

impl Word<'_> {
    /// Returns a mistake about this word.
    pub fn wrong(&self, message: &str, hint: Option<String>) -> Mistake {
        Mistake { spot: self.spot, message: format!("`{}` {message}", self.text), hint }
    }

    /// Returns the mistake that this word is none of those that may stand here.
    pub fn unknown(&self, what: &str, known: &[&str]) -> Mistake {
        self.wrong(&format!("is not {what}"), Some(suggest::hint(self.text, known.iter().copied())))
    }

    /// Returns the mistake that a part of this word is not of the form that it should have.
    fn malformed(&self, Malformed { message, hint }: Malformed) -> Mistake {
        Mistake { spot: self.spot, message, hint: Some(hint) }
    }

    /// Parses a part of the word as a time.
    fn time(&self, text: &str) -> Result<Duration, Mistake> {
        let TimeSpan(time) = text.parse().map_err(|malformed| self.malformed(malformed))?;
        let too_long = || self.wrong("is more than a week", None);
        (time <= MAX_TIME).then_some(time).ok_or_else(too_long)
    }

    /// Parses a part of the word as a fraction.
    fn fraction(&self, text: &str) -> Result<f64, Mistake> {
        let wrong = || self.wrong("is not a fraction", Some("write 85% or 0.85".to_owned()));
        Percent::parse_fraction(text).ok_or_else(wrong)
    }

    /// Parses the word as a target.
    pub fn target(&self) -> Result<Target, Mistake> {
        self.text.parse().map_err(|malformed| self.malformed(malformed))
    }
}

fn characters(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_their_columns_and_comments_are_passed_over() {
        let mut line = Words::new(7, "  at  12s tōkyō → # a → b");
        let columns: Vec<_> =
            std::iter::from_fn(|| line.next()).map(|word| (word.text, word.spot.column)).collect();
        assert_eq!(columns, [("at", 3), ("12s", 7), ("tōkyō", 11), ("→", 17)]);
        assert_eq!(line.take("it").expect_err("it is over").spot.column, 18);
    }
}
