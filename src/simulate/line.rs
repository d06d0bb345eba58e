//! The words of one line of a script, taken one after the other.

use std::time::Duration;

use super::script::{Mistake, Place, Spot};
use crate::config::suggest;

/// The longest time that a script may name: a week. Nobody reads more of a timeline.
const MAX_TIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// A word with its place.
#[derive(Clone, Copy, Debug)]
pub struct Word<'t> {
    /// Its text.
    pub text: &'t str,
    /// Where it stands.
    pub spot: Spot,
}

/// The words of a line that were not taken yet.
#[derive(Debug)]
pub struct Line<'t> {
    words: std::vec::IntoIter<Word<'t>>,
    /// The place after the last word, for what is missing.
    end: Spot,
}

impl<'t> Line<'t> {
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
        let word = self.words.as_slice().first().filter(|word| word.text == text).copied();
        word.inspect(|_| _ = self.words.next())
    }

    /// Returns the words that were not taken yet, with single spaces between them.
    pub fn rest(&self) -> String {
        let words = self.words.as_slice().iter().map(|word| word.text);
        words.collect::<Vec<_>>().join(" ")
    }

    /// Takes a time.
    pub fn time(&mut self) -> Result<Duration, Mistake> {
        let word = self.take("a time such as 12s")?;
        let wrong = || {
            word.wrong("is not a time", Some("write 12s, 1m30s or 1h: hours, minutes, seconds, ms".into()))
        };
        let time = duration(word.text).ok_or_else(wrong)?;
        let too_long = || word.wrong("is more than a week", None);
        (time <= MAX_TIME).then_some(time).ok_or_else(too_long)
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
        let hint = match suggest::nearest(self.text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        self.wrong(&format!("is not {what}"), Some(hint))
    }

    /// Parses the word as a place.
    pub fn place(&self) -> Result<Place, Mistake> {
        let mut parts = self.text.splitn(3, '/');
        let region = parts.next().unwrap_or_default().to_owned();
        let zone = parts.next().map(str::to_owned);
        let wrong = |part: &str| {
            let hint = "write tokyo, tokyo/tokyo-a or tokyo/tokyo-a/192.0.2.1".to_owned();
            self.wrong(&format!("is not a place: `{part}` is not an address"), Some(hint))
        };
        let ip = parts.next().map(|part| part.parse().map_err(|_| wrong(part))).transpose()?;
        Ok(Place { region, zone, ip })
    }
}

fn characters(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// Parses `1m30s`: numbers with units, the larger units first.
fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = text;
    let mut total = 0u64;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, after) = after.split_at(letters);
        let (_, milliseconds) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*milliseconds)?)?;
        rest = after;
    }
    (!text.is_empty()).then(|| Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_with_units() {
        let seconds = |text| duration(text).map(|time| time.as_secs_f64());
        assert_eq!(seconds("12s"), Some(12.0));
        assert_eq!(seconds("1m30s"), Some(90.0));
        assert_eq!(seconds("1h"), Some(3600.0));
        assert_eq!(seconds("1h2m3s4ms"), Some(3723.004));
        for wrong in ["", "12", "s", "1s1m", "-1s", "1.5s", "12 s", "99999999999999999999s"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn words_know_their_columns_and_comments_are_passed_over() {
        let mut line = Line::new(7, "  at  12s tōkyō → # a → b");
        let columns: Vec<_> =
            std::iter::from_fn(|| line.next()).map(|word| (word.text, word.spot.column)).collect();
        assert_eq!(columns, [("at", 3), ("12s", 7), ("tōkyō", 11), ("→", 17)]);
        assert_eq!(line.take("it").expect_err("it is over").spot.column, 18);
    }
}
