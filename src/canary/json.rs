//! What the JSON of a response must say, and where.

use std::fmt;

/// A JSON Pointer (RFC 6901): the place of a value in a document. `/checks/gpu` is the member `gpu` of
/// the member `checks`; the empty pointer is the whole document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// Reads a pointer; `None` when the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let is_rooted = text.is_empty() || text.starts_with('/');
        // `~0` stands for `~` and `~1` for `/`, and nothing else may follow a tilde (section 3).
        let is_escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        (is_rooted && is_escaped).then(|| Self(text.to_owned()))
    }

    /// Returns its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something that a document must say at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    pub pointer: Pointer,
    /// What must be there.
    pub expected: Expected,
}

/// What must be at a place of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// Anything, `null` included.
    Something,
    /// Nothing: the place does not exist.
    Nothing,
    Equal(Scalar),
    /// A number that is not larger.
    AtMost(f64),
    /// A number that is not smaller.
    AtLeast(f64),
}

/// A JSON value without parts.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number; `1` and `1.0` are the same one.
    Number(f64),
    Text(String),
}

impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = &self.pointer;
        match &self.expected {
            Expected::Something => write!(f, "{pointer} exists"),
            Expected::Nothing => write!(f, "{pointer} does not exist"),
            Expected::Equal(scalar) => write!(f, "{pointer} is {scalar}"),
            Expected::AtMost(limit) => write!(f, "{pointer} is at most {limit}"),
            Expected::AtLeast(limit) => write!(f, "{pointer} is at least {limit}"),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_empty_or_begins_with_a_slash_and_escapes_two_characters() {
        for text in ["", "/", "/checks/gpu", "/0", "/a~1b/~0c", "/ä"] {
            assert_eq!(Pointer::parse(text).as_ref().map(Pointer::as_str), Some(text));
        }
        for text in ["checks", "checks/gpu", "$.load", "/a~", "/a~2b", "~0"] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
    }
}
