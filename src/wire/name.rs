//! Names in wire form, lower case, on the stack: the keys by which questions and chains are looked up.

use std::fmt;

use super::FormatError;

/// The most octets of a name with its length octets and the root (RFC 1035, section 2.3.4).
pub const MAX_NAME: usize = 255;

/// The longest label (RFC 1035, section 2.3.4). The two bits above it mark a compression pointer.
pub const MAX_LABEL: u8 = 63;

/// An absolute, uncompressed name in lower case. Invariant: `bytes[..length]` is a sequence of `labels`
/// labels and the root.
#[derive(Clone)]
pub struct LowerName {
    bytes: [u8; MAX_NAME],
    length: u8,
    labels: u8,
}

impl LowerName {
    /// Reads the name that starts at `at`, and returns it with the offset behind it. A compression pointer
    /// is malformed: in the first question there is nothing before it to point to, and RDATA comes here
    /// uncompressed.
    ///
    /// # Errors
    ///
    /// When the bytes end early, hold a label type other than a plain label, or the name is too long.
    pub fn read(message: &[u8], at: usize) -> Result<(Self, usize), FormatError> {
        let mut labels = 0;
        let mut end = at;
        loop {
            let length = *message.get(end).ok_or(FormatError)?;
            end += 1;
            match length {
                0 => break,
                1..=MAX_LABEL => end += usize::from(length),
                _ => return Err(FormatError),
            }
            if end - at >= MAX_NAME {
                return Err(FormatError);
            }
            labels += 1;
        }
        let found = message.get(at..end).ok_or(FormatError)?;
        let mut bytes = [0; MAX_NAME];
        bytes[..found.len()].copy_from_slice(found);
        // Length octets are at most 63, below the capital letters, so that they stay as they are.
        bytes[..found.len()].make_ascii_lowercase();
        let length = u8::try_from(found.len()).expect("a name has at most 255 octets");
        Ok((Self { bytes, length, labels }, end))
    }

    /// Reads the name that starts at `at`, which may end with a compression pointer, and returns it with the offset behind
    /// it. Each pointer leads further back, so that there is an end.
    ///
    /// # Errors
    ///
    /// As [`LowerName::read`], and when a pointer leads anywhere else.
    pub fn read_compressed(message: &[u8], at: usize) -> Result<(Self, usize), FormatError> {
        let mut joined = Vec::new();
        let (mut from, mut end, mut earliest) = (at, None, at);
        loop {
            let length = *message.get(from).ok_or(FormatError)?;
            match length {
                0 => {
                    joined.push(0);
                    let (name, _) = Self::read(&joined, 0)?;
                    return Ok((name, end.unwrap_or(from + 1)));
                }
                1..=MAX_LABEL => {
                    let next = from + 1 + usize::from(length);
                    joined.extend(message.get(from..next).ok_or(FormatError)?);
                    from = next;
                }
                0xc0.. => {
                    let low = *message.get(from + 1).ok_or(FormatError)?;
                    end = end.or(Some(from + 2));
                    from = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    if from >= earliest {
                        return Err(FormatError);
                    }
                    earliest = from;
                }
                _ => return Err(FormatError),
            }
            if joined.len() >= MAX_NAME {
                return Err(FormatError);
            }
        }
    }

    /// Returns the octets, with the root's zero at the end.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Returns the number of labels without the root.
    pub fn labels(&self) -> u8 {
        self.labels
    }

    /// Returns this name and each of its ancestors up to the root, longest first.
    pub fn ancestors(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.as_bytes();
        std::iter::successors(Some(whole), |name| match name.first() {
            Some(&length) if length > 0 => name.get(usize::from(length) + 1..),
            _ => None,
        })
    }

    /// Returns the last `octets` of the name: an ancestor whose length is known.
    pub fn ancestor(&self, octets: usize) -> &[u8] {
        let whole = self.as_bytes();
        &whole[whole.len() - octets..]
    }

    /// Returns the name with its last `octets`, an ancestor, replaced by the name `target`. `None` when the
    /// result would be too long.
    pub fn redirected(&self, octets: usize, target: &[u8]) -> Option<Self> {
        let kept = self.as_bytes().len() - octets;
        if kept + target.len() > MAX_NAME {
            return None;
        }
        let mut joined = [0; MAX_NAME];
        joined[..kept].copy_from_slice(&self.as_bytes()[..kept]);
        joined[kept..kept + target.len()].copy_from_slice(target);
        Self::read(&joined, 0).ok().map(|(name, _)| name)
    }
}

impl fmt::Debug for LowerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<(&[u8], u8), FormatError>) {
        let read = LowerName::read(bytes, 0).map(|(name, _)| name);
        let read = read.as_ref().map(|name| (name.as_bytes(), name.labels()));
        assert_eq!(read, expected.as_ref().map(|&expected| expected));
    }

    #[test]
    fn a_name_is_read_in_lower_case_and_its_labels_are_counted() {
        check(b"\x03wWw\x02Ab\0rest", Ok((b"\x03www\x02ab\0", 2)));
        check(b"\0", Ok((b"\0", 0)));
    }

    #[test]
    fn a_name_that_ends_early_or_has_another_label_type_is_malformed() {
        check(b"", Err(FormatError));
        check(b"\x03ww", Err(FormatError));
        check(b"\x03www", Err(FormatError));
        check(b"\xc0\x0c", Err(FormatError));
        check(b"\x41a\0", Err(FormatError));
    }

    #[test]
    fn the_longest_name_has_255_octets_and_one_more_is_malformed() {
        let mut longest = b"\x01a".repeat(127);
        longest.push(0);
        check(&longest, Ok((&longest, 127)));
        let mut longer = b"\x01a".repeat(126);
        longer.extend(b"\x02aa\0");
        check(&longer, Err(FormatError));
    }

    #[test]
    fn the_ancestors_of_a_name_end_with_the_root() {
        let (name, _) = LowerName::read(b"\x01a\x01b\0", 0).expect("a name");
        let ancestors: Vec<&[u8]> = name.ancestors().collect();
        assert_eq!(ancestors, [&b"\x01a\x01b\0"[..], b"\x01b\0", b"\0"]);
    }

    #[test]
    fn a_redirection_replaces_the_ancestor_and_fails_when_it_grows_too_long() {
        let (name, _) = LowerName::read(b"\x01a\x01b\0", 0).expect("a name");
        let moved = name.redirected(3, b"\x02CC\0").expect("short enough");
        assert_eq!(moved.as_bytes(), b"\x01a\x02cc\0");
        let mut target = b"\x01a".repeat(127);
        target.push(0);
        assert!(name.redirected(3, &target).is_none());
    }
}
