//! TSIG (RFC 8945): the signatures of messages between servers that share a key.
//!
//! A signature covers the message before it, its own fields, and in a reply the signature of the request; in a reply of
//! several messages each covers the one before. The key of a request, its signature and its time are judged in this
//! order, as section 5.2 asks. Signatures that are cut short are refused.

use std::fmt;
use std::str::FromStr;

use ring::hmac;

use super::name::{LowerName, MAX_NAME};
use super::query::{HEADER_OCTETS, Query, RawRecord};
use super::{FormatError, codes::rtype, read_u16};

/// The difference of clocks that is allowed, in seconds (RFC 8945, section 10).
pub const TSIG_FUDGE: u16 = 300;

/// The octets of a secret: at least half of the shortest signature (RFC 8945, section 8), and no more than a hash takes
/// in at once many times over.
pub const TSIG_SECRET: std::ops::RangeInclusive<usize> = 16..=512;

/// Class ANY, of TSIG records (RFC 8945, section 4.2).
const ANY: u16 = 255;

/// The octets of a TSIG record but for its two names, its signature and its other data: type, class, TTL and length,
/// then time, fudge, the length of the signature, original ID, error and the length of other data.
const FIXED_OCTETS: usize = 10 + 6 + 2 + 2 + 2 + 2 + 2;

/// The octets of the server's time in a reply with BADTIME.
const OTHER_OCTETS: usize = 6;

/// The longest signature: SHA-512.
const MAX_MAC: usize = 64;

/// How a signature is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TsigAlgorithm {
    #[default]
    HmacSha256,
    HmacSha512,
}

impl TsigAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 2] = [Self::HmacSha256, Self::HmacSha512];

    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha512 => "hmac-sha512",
        }
    }

    fn wire(self) -> &'static [u8] {
        match self {
            Self::HmacSha256 => b"\x0bhmac-sha256\0",
            Self::HmacSha512 => b"\x0bhmac-sha512\0",
        }
    }

    fn of_ring(self) -> hmac::Algorithm {
        match self {
            Self::HmacSha256 => hmac::HMAC_SHA256,
            Self::HmacSha512 => hmac::HMAC_SHA512,
        }
    }

    /// Returns the octets of a signature.
    fn octets(self) -> usize {
        match self {
            Self::HmacSha256 => 32,
            Self::HmacSha512 => 64,
        }
    }
}

impl fmt::Display for TsigAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that names no algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm;

impl FromStr for TsigAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(UnknownAlgorithm)
    }
}

/// A key that two servers share. It is never printed.
#[derive(Clone, Debug)]
pub struct TsigKey {
    /// Lower case, on the wire.
    name: Box<[u8]>,
    algorithm: TsigAlgorithm,
    key: hmac::Key,
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TsigError {
    /// The signature is not that of the message.
    BadSig,
    /// The key is not known here, or is of another algorithm.
    BadKey,
    /// The clocks differ by more than the sender allows.
    BadTime,
    /// The signature is cut short.
    BadTrunc,
}

impl TsigError {
    /// Returns the number.
    pub fn code(self) -> u16 {
        match self {
            Self::BadSig => 16,
            Self::BadKey => 17,
            Self::BadTime => 18,
            Self::BadTrunc => 22,
        }
    }
}

/// A TSIG record.
#[derive(Clone, Debug)]
pub struct TsigRecord<'a> {
    /// Where it begins in its message, of which it is the last record.
    at: usize,
    key: LowerName,
    algorithm: LowerName,
    /// Seconds since 1970, 48 bits.
    time: u64,
    fudge: u16,
    mac: &'a [u8],
    original_id: u16,
    error: u16,
    other: &'a [u8],
}

impl<'a> TsigRecord<'a> {
    /// Reads the record that begins at `at`, the last one of a message.
    ///
    /// # Errors
    ///
    /// When it is malformed.
    pub fn read(message: &'a [u8], at: usize) -> Result<Self, FormatError> {
        let mut end = at;
        let RawRecord { rtype: kind, class, ttl, rdata, .. } = RawRecord::read(message, &mut end)?;
        if kind != rtype::TSIG || class != ANY || ttl != [0; 4] || end != message.len() {
            return Err(FormatError);
        }
        // The owner may be compressed against the question, the algorithm may not (section 4.2).
        let (key, _) = LowerName::read_compressed(message, at)?;
        let (algorithm, behind) = LowerName::read(rdata, 0)?;
        let time = rdata.get(behind..behind + 6).ok_or(FormatError)?;
        let time = time.iter().fold(0, |time, octet| time << 8 | u64::from(*octet));
        let (fudge, octets) = (read_u16(rdata, behind + 6)?, usize::from(read_u16(rdata, behind + 8)?));
        let mac = rdata.get(behind + 10..behind + 10 + octets).ok_or(FormatError)?;
        let rest = rdata.get(behind + 10 + octets..).ok_or(FormatError)?;
        let other = rest.get(6..).ok_or(FormatError)?;
        if other.len() != usize::from(read_u16(rest, 4)?) {
            return Err(FormatError);
        }
        let (original_id, error) = (read_u16(rest, 0)?, read_u16(rest, 2)?);
        Ok(Self { at, key, algorithm, time, fudge, mac, original_id, error, other })
    }

    /// Returns what the sender says was wrong: zero is nothing.
    pub fn error(&self) -> u16 {
        self.error
    }

    /// Returns the key that made the signature, if it is the signature of this request and its time is near `now`, in
    /// seconds since 1970.
    ///
    /// # Errors
    ///
    /// With what is wrong, and the key, if its signature is right; `Err(None)`: the message is malformed.
    pub fn judge<'k>(
        &self,
        message: &[u8],
        keys: &'k [TsigKey],
        now: u64,
    ) -> Result<&'k TsigKey, Option<(TsigError, Option<&'k TsigKey>)>> {
        let names = |key: &&TsigKey| {
            *key.name == *self.key.as_bytes() && key.algorithm.wire() == self.algorithm.as_bytes()
        };
        let Some(key) = keys.iter().find(names) else { return Err(Some((TsigError::BadKey, None))) };
        let whole = key.algorithm.octets();
        // Section 5.2.2.1: neither longer than the hash, nor shorter than half of it.
        if self.mac.len() > whole || self.mac.len() < whole / 2 {
            return Err(None);
        }
        if self.mac.len() < whole {
            return Err(Some((TsigError::BadTrunc, Some(key))));
        }
        if !self.is_signed_by(key, message, &[]) {
            return Err(Some((TsigError::BadSig, None)));
        }
        match self.time.abs_diff(now) > u64::from(self.fudge) {
            true => Err(Some((TsigError::BadTime, Some(key)))),
            false => Ok(key),
        }
    }

    /// Returns whether a key has signed the message, as a reply to a request with the signature `before`, or as a request
    /// if that is empty.
    pub fn is_signed_by(&self, key: &TsigKey, message: &[u8], before: &[u8]) -> bool {
        if *key.name != *self.key.as_bytes() || key.algorithm.wire() != self.algorithm.as_bytes() {
            return false;
        }
        let mut covered = Vec::new();
        add_mac(&mut covered, before);
        let mut header: [u8; HEADER_OCTETS] =
            message[..HEADER_OCTETS].try_into().expect("what has a record has a header");
        header[..2].copy_from_slice(&self.original_id.to_be_bytes());
        let additionals = u16::from_be_bytes([header[10], header[11]]).saturating_sub(1);
        header[10..].copy_from_slice(&additionals.to_be_bytes());
        covered.extend(header);
        covered.extend(&message[HEADER_OCTETS..self.at]);
        add_variables(&mut covered, key, self.time, self.fudge, self.error, self.other);
        hmac::verify(&key.key, &covered, self.mac).is_ok()
    }

    /// Returns what a reply to a request that was refused for its key or signature ends with: the record without a
    /// signature (section 5.2).
    pub fn unsigned_refusal(&self, error: TsigError, id: u16) -> Vec<u8> {
        let fields = TsigFields { time: self.time, mac: &[], id, error: error.code(), other: &[] };
        fields.record(self.key.as_bytes(), self.algorithm.as_bytes())
    }

    /// Returns what signs the reply to this request.
    pub fn signer<'k>(&self, key: &'k TsigKey) -> TsigSigner<'k> {
        TsigSigner { key: std::borrow::Cow::Borrowed(key), before: self.mac.to_vec(), is_first: true }
    }

    /// Returns the time of the request, in seconds since 1970.
    pub fn time(&self) -> u64 {
        self.time
    }
}

impl TsigKey {
    /// Makes a key. `name` is on the wire.
    ///
    /// # Errors
    ///
    /// When the name is none.
    pub fn new(name: &[u8], algorithm: TsigAlgorithm, secret: &[u8]) -> Result<Self, FormatError> {
        let (name, _) = LowerName::read(name, 0)?;
        Ok(Self { name: name.as_bytes().into(), algorithm, key: hmac::Key::new(algorithm.of_ring(), secret) })
    }

    /// Returns its name, lower case and on the wire.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Returns the most octets that a signature adds to a message.
    pub fn octets(&self) -> usize {
        self.name.len() + self.algorithm.wire().len() + FIXED_OCTETS + MAX_MAC + OTHER_OCTETS
    }

    /// Signs a request whose message has these octets, and returns its signature.
    pub fn sign_request(&self, message: &mut Vec<u8>, time: u64) -> Vec<u8> {
        let mut signer =
            TsigSigner { key: std::borrow::Cow::Borrowed(self), before: Vec::new(), is_first: true };
        let record = signer.sign(message, time, None);
        message.extend(record);
        count_one_more(message);
        signer.before
    }
}

/// Signs the messages of one reply.
#[derive(Clone, Debug)]
pub struct TsigSigner<'k> {
    key: std::borrow::Cow<'k, TsigKey>,
    /// The signature before: of the request, then of each message. Empty: this is a request.
    before: Vec<u8>,
    is_first: bool,
}

impl TsigSigner<'_> {
    /// Returns the signer with a key of its own.
    pub fn into_owned(self) -> TsigSigner<'static> {
        TsigSigner { key: std::borrow::Cow::Owned(self.key.into_owned()), ..self }
    }

    /// Returns the most octets that it adds to a message.
    pub fn octets(&self) -> usize {
        self.key.octets()
    }

    /// Signs the message of so many octets in a buffer with room for [`Self::octets`] more, and returns how many it has
    /// then. `refusal` is BADTIME with the time of this server; `time` is then that of the request.
    pub fn finish(&mut self, buffer: &mut [u8], length: usize, time: u64, refusal: Option<u64>) -> usize {
        let record = self.sign(&buffer[..length], time, refusal);
        let end = length + record.len();
        buffer[length..end].copy_from_slice(&record);
        count_one_more(buffer);
        end
    }

    fn sign(&mut self, message: &[u8], time: u64, refusal: Option<u64>) -> Vec<u8> {
        let (error, own_time) = match refusal {
            Some(own) => (TsigError::BadTime.code(), own.to_be_bytes()),
            None => (0, [0; 8]),
        };
        let other = if refusal.is_some() { &own_time[2..] } else { &[] };
        let mut covered = Vec::new();
        add_mac(&mut covered, &self.before);
        covered.extend(message);
        if std::mem::take(&mut self.is_first) {
            add_variables(&mut covered, &self.key, time, TSIG_FUDGE, error, other);
        } else {
            // The messages that follow the first cover only the time (section 5.3.1).
            covered.extend(&time.to_be_bytes()[2..]);
            covered.extend(TSIG_FUDGE.to_be_bytes());
        }
        let mac = hmac::sign(&self.key.key, &covered);
        self.before = mac.as_ref().to_vec();
        let id = u16::from_be_bytes([message[0], message[1]]);
        let fields = TsigFields { time, mac: mac.as_ref(), id, error, other };
        fields.record(&self.key.name, self.key.algorithm.wire())
    }
}

/// What a TSIG record says.
struct TsigFields<'f> {
    time: u64,
    mac: &'f [u8],
    id: u16,
    error: u16,
    other: &'f [u8],
}

impl TsigFields<'_> {
    fn record(&self, key: &[u8], algorithm: &[u8]) -> Vec<u8> {
        let short = |octets: usize| u16::try_from(octets).expect("a signature is short").to_be_bytes();
        let rdata = algorithm.len() + 16 + self.mac.len() + self.other.len();
        let mut record = Vec::with_capacity(MAX_NAME + FIXED_OCTETS + rdata);
        record.extend(key);
        record.extend(rtype::TSIG.to_be_bytes());
        record.extend(ANY.to_be_bytes());
        record.extend([0; 4]);
        record.extend(short(rdata));
        record.extend(algorithm);
        record.extend(&self.time.to_be_bytes()[2..]);
        record.extend(TSIG_FUDGE.to_be_bytes());
        record.extend(short(self.mac.len()));
        record.extend(self.mac);
        record.extend(self.id.to_be_bytes());
        record.extend(self.error.to_be_bytes());
        record.extend(short(self.other.len()));
        record.extend(self.other);
        record
    }
}

/// Counts one additional record more in the header of a message.
pub fn count_one_more(message: &mut [u8]) {
    let additionals = u16::from_be_bytes([message[10], message[11]]).saturating_add(1);
    message[10..12].copy_from_slice(&additionals.to_be_bytes());
}

/// Returns the TSIG record of a message, if it has one.
///
/// # Errors
///
/// When it is malformed.
pub fn tsig_of<'a>(query: &Query<'_>, message: &'a [u8]) -> Result<Option<TsigRecord<'a>>, FormatError> {
    query.tsig_at.map(|at| TsigRecord::read(message, at)).transpose()
}

/// Adds a signature that came before.
fn add_mac(covered: &mut Vec<u8>, mac: &[u8]) {
    if !mac.is_empty() {
        covered.extend(u16::try_from(mac.len()).expect("a signature is short").to_be_bytes());
        covered.extend(mac);
    }
}

/// Adds the fields of a TSIG record that a signature covers (section 4.3.3).
fn add_variables(covered: &mut Vec<u8>, key: &TsigKey, time: u64, fudge: u16, error: u16, other: &[u8]) {
    covered.extend(&key.name);
    covered.extend(ANY.to_be_bytes());
    covered.extend([0; 4]);
    covered.extend(key.algorithm.wire());
    covered.extend(&time.to_be_bytes()[2..]);
    covered.extend(fudge.to_be_bytes());
    covered.extend(error.to_be_bytes());
    covered.extend(u16::try_from(other.len()).expect("it is read with 16 bits").to_be_bytes());
    covered.extend(other);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn key(secret: &[u8]) -> TsigKey {
        TsigKey::new(b"\x03Key\x07example\0", TsigAlgorithm::HmacSha256, secret).expect("a name")
    }

    fn request() -> Vec<u8> {
        let mut message = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x07example\0\0\xfc\0\x01".to_vec();
        key(&[7; 32]).sign_request(&mut message, NOW);
        message
    }

    /// Judges a request, and returns what is wrong with it.
    fn judge(message: &[u8], secret: &[u8], now: u64) -> Result<(), Option<TsigError>> {
        let query = Query::parse(message).expect("a header");
        let record = tsig_of(&query, message).expect("it is well formed").expect("it is signed");
        let keys = [key(secret)];
        record.judge(message, &keys, now).map(drop).map_err(|wrong| wrong.map(|(error, _)| error))
    }

    #[test]
    fn a_signature_holds_for_its_message_key_and_time_only() {
        assert_eq!(judge(&request(), &[7; 32], NOW + 300), Ok(()));
        assert_eq!(judge(&request(), &[7; 32], NOW - 300), Ok(()));
        assert_eq!(judge(&request(), &[7; 32], NOW + 301), Err(Some(TsigError::BadTime)));
        assert_eq!(judge(&request(), &[8; 32], NOW), Err(Some(TsigError::BadSig)));
        let mut other = request();
        other[14] ^= 1;
        assert_eq!(judge(&other, &[7; 32], NOW), Err(Some(TsigError::BadSig)));
        let mut forwarded = request();
        forwarded[0] ^= 1;
        assert_eq!(judge(&forwarded, &[7; 32], NOW), Ok(()), "the original ID counts");
    }

    #[test]
    fn a_signature_that_is_cut_is_refused_and_one_of_another_length_is_malformed() {
        let whole = request();
        let at = Query::parse(&whole).and_then(|query| query.tsig_at).expect("it is signed");
        let mac_length = at + 13 + 10 + 13 + 8;
        let cut = |kept: u8| {
            let mut cut = whole.clone();
            let gone = 32 - kept;
            cut.drain(mac_length + 2 + usize::from(kept)..mac_length + 34);
            cut[mac_length + 1] = kept;
            cut[at + 13 + 9] -= gone;
            cut
        };
        assert_eq!(judge(&cut(32), &[7; 32], NOW), Ok(()));
        assert_eq!(judge(&cut(16), &[7; 32], NOW), Err(Some(TsigError::BadTrunc)));
        assert_eq!(judge(&cut(15), &[7; 32], NOW), Err(None));
    }

    #[test]
    fn a_key_of_another_name_is_bad_and_the_refusal_names_it_without_a_signature() {
        let message = request();
        let query = Query::parse(&message).expect("a header");
        let record = tsig_of(&query, &message).expect("well formed").expect("signed");
        let other = TsigKey::new(b"\x05other\0", TsigAlgorithm::HmacSha256, &[7; 32]).expect("a name");
        let sha512 =
            TsigKey::new(b"\x03key\x07example\0", TsigAlgorithm::HmacSha512, &[7; 32]).expect("a name");
        for keys in [vec![], vec![other], vec![sha512]] {
            assert!(matches!(record.judge(&message, &keys, NOW), Err(Some((TsigError::BadKey, None)))));
        }
        let refusal = record.unsigned_refusal(TsigError::BadKey, 0x1234);
        let mut reply = b"\x12\x34\x80\x09\0\0\0\0\0\0\0\x01".to_vec();
        reply.extend(refusal);
        let read = TsigRecord::read(&reply, 12).expect("well formed");
        assert_eq!((read.error(), read.mac.len(), read.time()), (17, 0, NOW));
    }

    #[test]
    fn a_reply_covers_the_signature_of_its_request() {
        let message = request();
        let query = Query::parse(&message).expect("a header");
        let record = tsig_of(&query, &message).expect("well formed").expect("signed");
        let key = key(&[7; 32]);
        let mut reply = [0; 512];
        reply[..12].copy_from_slice(b"\x12\x34\x80\0\0\0\0\0\0\0\0\0");
        let mut signer = record.signer(&key);
        let length = signer.finish(&mut reply, 12, NOW, None);
        let signature = TsigRecord::read(&reply[..length], 12).expect("well formed");
        assert!(signature.is_signed_by(&key, &reply[..length], record.mac));
        assert!(!signature.is_signed_by(&key, &reply[..length], &[1; 32]));
        assert!(length - 12 <= key.octets());
    }

    #[test]
    fn an_owner_that_is_a_pointer_is_followed_backwards_only() {
        let fields = TsigFields { time: NOW, mac: &[0; 32], id: 1, error: 0, other: &[] };
        let record = fields.record(&[], b"\x0bhmac-sha256\0");
        let message = |owner: &[u8]| {
            let head = b"\0\x01\0\0\0\x01\0\0\0\0\0\x01\x03key\x07example\0\0\xfc\0\x01";
            [&head[..], owner, &record].concat()
        };
        let at = 12 + 13 + 4;
        let read = message(b"\xc0\x0c");
        assert_eq!(TsigRecord::read(&read, at).expect("well formed").key.as_bytes(), b"\x03key\x07example\0");
        let read = message(b"\x01a\xc0\x10");
        assert_eq!(TsigRecord::read(&read, at).expect("well formed").key.as_bytes(), b"\x01a\x07example\0");
        for owner in [&b"\xc0\x1d"[..], b"\xc0\xff", b"\xc1\x00"] {
            assert!(TsigRecord::read(&message(owner), at).is_err(), "{owner:?}");
        }
    }
}
