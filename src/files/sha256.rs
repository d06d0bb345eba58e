//! The SHA-256 of what was read, as people compare it.

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};

/// Returns the SHA-256 of some bytes in hexadecimal, in lower case.
pub fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest(&SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_fips_180() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), expected);
    }
}
