//! Tokens, of which only the hash is kept.

use std::collections::BTreeSet;
use std::fmt;

use ring::digest;

use crate::admin::api::Role;

/// The shortest token, in octets: 24 hexadecimal digits are 96 bits, too many to guess over a network.
pub const MIN_TOKEN: usize = 24;

/// The longest token, in octets: far below the largest head of a request.
pub const MAX_TOKEN: usize = 512;

/// The fewest different characters of a token: 24 random hexadecimal digits have so many but for one in a
/// million, and `aaaaaaaaaaaaaaaaaaaaaaaa` has not.
const MIN_DIFFERENT: usize = 6;

/// The SHA-256 of a token.
pub(super) type TokenHash = [u8; digest::SHA256_OUTPUT_LEN];

/// A token, of which only the hash is kept.
pub struct HashedToken {
    pub(super) name: String,
    pub(super) role: Role,
    hash: TokenHash,
}

/// Why a text cannot be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitToken {
    #[error("is empty")]
    Empty,
    #[error("has {0} octets, and a token has at least {MIN_TOKEN}")]
    Short(usize),
    #[error("has {0} octets, and a token has at most {MAX_TOKEN}")]
    Long(usize),
    #[error("is not one line of visible ASCII characters")]
    NotVisible,
    #[error("has only {0} different characters, easy to guess")]
    Dull(usize),
}

impl HashedToken {
    /// Makes a token of its text.
    ///
    /// # Errors
    ///
    /// When the text cannot be one, or is easy to guess.
    pub fn new(name: &str, role: Role, text: &str) -> Result<Self, UnfitToken> {
        match text.len() {
            0 => return Err(UnfitToken::Empty),
            length @ 1..MIN_TOKEN => return Err(UnfitToken::Short(length)),
            MIN_TOKEN..=MAX_TOKEN => {}
            length => return Err(UnfitToken::Long(length)),
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UnfitToken::NotVisible);
        }
        let different = text.bytes().collect::<BTreeSet<_>>().len();
        if different < MIN_DIFFERENT {
            return Err(UnfitToken::Dull(different));
        }
        Ok(Self { name: name.to_owned(), role, hash: hash(text.as_bytes()) })
    }

    /// Returns the name of its holder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether its text has this hash. The time that comparing takes says nothing about a wrong guess.
    pub(super) fn has(&self, hash: &TokenHash) -> bool {
        self.hash == *hash
    }

    /// Returns whether this is its text. The time that it takes says nothing about a wrong guess.
    pub fn is(&self, text: &[u8]) -> bool {
        self.has(&hash(text))
    }

    /// Returns whether another token has the same text.
    pub fn is_same(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl fmt::Debug for HashedToken {
    // A hash can be guessed at without asking the server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashedToken")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Hashes the text of a token.
pub(super) fn hash(text: &[u8]) -> TokenHash {
    let hash = digest::digest(&digest::SHA256, text);
    hash.as_ref().try_into().expect("SHA-256 has 32 octets")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "0123456789abcdef01234567";

    #[test]
    fn a_token_is_long_visible_varied_and_never_printed() {
        let check = |text: &str, expected: Option<UnfitToken>| {
            assert_eq!(HashedToken::new("alice", Role::Read, text).err(), expected, "{text}");
        };
        check(ALICE, None);
        check("", Some(UnfitToken::Empty));
        check(&ALICE[..23], Some(UnfitToken::Short(23)));
        check(&ALICE.repeat(22)[..513], Some(UnfitToken::Long(513)));
        check(&ALICE.repeat(22)[..512], None);
        check("0123456789abcdef 1234567", Some(UnfitToken::NotVisible));
        check("0123456789abcdef\n1234567", Some(UnfitToken::NotVisible));
        check("0123456789abcdefghijklmnopqö", Some(UnfitToken::NotVisible));
        check(&"ab".repeat(12), Some(UnfitToken::Dull(2)));
        let token = HashedToken::new("alice", Role::Operate, ALICE).expect("a token");
        assert_eq!(format!("{token:?}"), "HashedToken { name: \"alice\", role: Operate, .. }");
    }
}
