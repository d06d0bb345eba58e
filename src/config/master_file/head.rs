//! What stands between the owner and the data of a record: `[TTL] [class] type`, the first two in either order
//! (RFC 1035, section 5.1).

use hickory_proto::rr::RecordType;

use crate::config::problem::ValueError;
use crate::config::records::{self, Token};
use crate::zone::Ttl;

/// The TTL and the type of a record, as they are written.
pub(super) struct Head {
    pub ttl: Option<Ttl>,
    pub rtype: RecordType,
    /// Where the data begins in the words.
    pub data: usize,
}

impl Head {
    /// Reads the words after the owner. A mistake comes with the index of its word.
    pub fn read(words: &[Token]) -> Result<Self, (usize, ValueError)> {
        let mut ttl = None;
        for (position, word) in words.iter().enumerate() {
            let at_word = |wrong| (position, wrong);
            let text = word.text();
            match text.to_ascii_uppercase().as_str() {
                "IN" | "CLASS1" => {}
                class if is_class(class) => {
                    let wrong = ValueError::new(format!("class `{class}` is not served"));
                    return Err(at_word(wrong.hint("only class `IN` is")));
                }
                // No type begins with a digit, so that this is meant as a TTL.
                time if ttl.is_none() && time.starts_with(|first: char| first.is_ascii_digit()) => {
                    ttl = Some(time_to_live(&text).map_err(at_word)?);
                }
                _ => {
                    let rtype = records::parse_type(&text).map_err(at_word)?;
                    return Ok(Self { ttl, rtype, data: position + 1 });
                }
            }
        }
        let wrong = ValueError::new("the record has no type");
        Err((
            words.len().saturating_sub(1),
            wrong.hint("write owner, type and data, as in `www A 192.0.2.1`"),
        ))
    }
}

/// Returns whether a word names a class that is not served (RFC 1035, section 3.2.4; RFC 3597, section 5).
fn is_class(upper: &str) -> bool {
    let numbered =
        upper.strip_prefix("CLASS").is_some_and(|number| records::number(number, u16::MAX).is_ok());
    numbered || matches!(upper, "CH" | "HS" | "CS" | "CHAOS" | "HESIOD")
}

/// Reads a TTL (RFC 2181, section 8).
pub(super) fn time_to_live(text: &str) -> Result<Ttl, ValueError> {
    let too_long = || {
        ValueError::new(format!("`{text}` is longer than a TTL can be"))
            .hint(format!("the longest is {} seconds", Ttl::MAX.seconds()))
    };
    match records::seconds(text) {
        Ok(seconds) => Ttl::from_seconds(seconds).ok_or_else(too_long),
        Err(_) if text.bytes().all(|digit| digit.is_ascii_digit()) => Err(too_long()),
        Err(wrong) => Err(ValueError { message: format!("`{text}` is not a TTL"), ..wrong }),
    }
}
