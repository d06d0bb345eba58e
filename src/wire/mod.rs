//! The bytes of DNS messages: questions, EDNS, client subnets, cookies and which of them are accepted, TSIG, and the writer
//! of replies.
//!
//! Everything here works on borrowed bytes and on the stack: nothing allocates, and nothing knows
//! zones. The answer to a malformed query is left to the engine. hickory-proto would allocate every name and
//! every record, so it is used when zones are compiled, and not per query.

mod client_subnet;
mod codes;
mod cookie;
mod edns;
mod name;
mod plain_query;
mod query;
mod reply_writer;
mod tsig;

pub use client_subnet::ClientSubnet;
pub use codes::{Opcode, Rcode, class, rtype};
pub use cookie::{Cookie, CookieSecret, CookieSecrets, CookieStatus, OCTETS as COOKIE_OCTETS};
pub use edns::{Edns, ExtendedError, Opt, UDP_PAYLOAD};
pub use name::{LowerName, MAX_LABEL, MAX_NAME};
pub use plain_query::PlainQuery;
pub use query::{HEADER_OCTETS, Header, Query, Question, SOA_NUMBERS};
pub use reply_writer::{Checkpoint, Full, ReplyHeader, ReplyWriter, Section, compresses_names};
pub use tsig::{
    TSIG_FUDGE, TSIG_SECRET, TsigAlgorithm, TsigError, TsigKey, TsigRecord, TsigSigner, UnknownAlgorithm,
    count_one_more, tsig_of,
};

/// Bytes that do not follow the format; the reply to them is FORMERR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatError;

/// Reads a 16-bit number in network order.
fn read_u16(bytes: &[u8], at: usize) -> Result<u16, FormatError> {
    match bytes.get(at..at + 2) {
        Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
        _ => Err(FormatError),
    }
}
