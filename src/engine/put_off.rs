//! Replies that are no answers: they ask a client to come back in a way that proves its address. Which clients get one is
//! decided where replies are limited (`serve::limit`).
//!
//! A datagram's sender may be forged, so that where limits are exceeded a reply must not be longer than its request. A
//! truncated reply with the question and the OPT record alone brings the client back over TCP (RFC 1035, section 4.2.1);
//! a client with a cookie is told BADCOOKIE and comes back with the server's (RFC 7873, section 5.2.3).

use super::{Arrival, Begun, MIN_REPLY, begin, writer};
use crate::wire::{CookieSecrets, Opcode, Rcode, ReplyHeader};

/// How a client is asked to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOff {
    /// Over TCP.
    Truncated,
    /// With the cookie of the reply.
    BadCookie,
}

/// Asks the sender of a query to come back, and returns the octets of the reply. It is at most 16 octets, those of the
/// server's cookie, longer than the request; without secrets of cookies it is no longer, and truncated whatever the request
/// brought. `None`: the request is nothing that could come back.
///
/// # Panics
///
/// When `reply` has fewer than [`MIN_REPLY`] octets.
pub fn put_off(
    cookies: Option<&CookieSecrets>,
    request: &[u8],
    arrival: Arrival,
    reply: &mut [u8],
) -> Option<(usize, PutOff)> {
    // NSID and extended errors would lengthen the reply.
    let Begun { query, opt, cookie } = begin(request, arrival, cookies, None)?;
    if query.header.opcode != Opcode::QUERY || query.question.is_none() {
        return None;
    }
    let mut writer = writer(&query, opt.as_ref(), MIN_REPLY, reply);
    let (how, rcode) = match cookie {
        Some(_) => (PutOff::BadCookie, Rcode::BadCookie),
        None => (PutOff::Truncated, Rcode::NoError),
    };
    if let Some(opt) = &opt {
        writer.opt(opt, rcode, 0);
    }
    let length = writer.finish(ReplyHeader {
        request: query.header,
        rcode,
        is_authoritative: false,
        is_truncated: how == PutOff::Truncated,
    });
    Some((length, how))
}
