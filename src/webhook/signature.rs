//! Signs what is sent, so that the receiver knows from whom it is and when it was sent.

use data_encoding::HEXLOWER;
use ring::hmac;

/// Returns the value of `Meridian-Signature`: `t=` and the Unix time in seconds, `v1=` and the HMAC-SHA256 of
/// that number, a dot and the body, in hexadecimal. With the time in it, an old request cannot be sent again
/// by a third party without its age showing.
pub(super) fn sign(secret: &[u8], unix_seconds: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{unix_seconds}.").as_bytes());
    context.update(body);
    format!("t={unix_seconds},v1={}", HEXLOWER.encode(context.sign().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '1700000000.{"number":1}' | openssl dgst -sha256 -hmac 0123456789abcdef` gives the same.
    #[test]
    fn the_signature_is_what_openssl_makes_of_it() {
        let signature = sign(b"0123456789abcdef", 1_700_000_000, b"{\"number\":1}");
        assert_eq!(
            signature,
            "t=1700000000,v1=4cbd528eb39b333e52a330ec483dc830ab87a21c073183013552bc708aa058b2"
        );
    }
}
