//! Replies that are no answers: they ask a client to come back in a way that proves its address.
//!
//! A datagram's sender may be forged, so that where limits are exceeded a reply must not be longer than its request. A
//! truncated reply with the question and the OPT record alone brings the client back over TCP (RFC 1035, section 4.2.1);
//! a client with a cookie is told BADCOOKIE and comes back with the server's (RFC 7873, section 5.2.3).

use super::{Arrival, MIN_REPLY, judge};
use crate::wire::{CookieSecrets, Opcode, Opt, Query, Rcode, ReplyHeader, ReplyWriter};

/// How a client is asked to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOff {
    /// Over TCP.
    Truncated,
    /// With the cookie of the reply.
    BadCookie,
}

/// Asks the sender of a query to come back, and returns the octets of the reply. It is at most 16 octets, those of the
/// server's cookie, longer than the request. `None`: the request is nothing that could come back.
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
    let query = Query::parse(request).filter(|query| query.header.opcode == Opcode::QUERY)?;
    let edns = query.edns.as_ref();
    // NSID and extended errors would lengthen the reply.
    let mut opt = edns.map(|edns| Opt::replying_to(edns, None));
    let judged = edns.and_then(|edns| Some(judge(cookies?, edns.cookie?, arrival)));
    if let (Some(opt), Some((_, cookie))) = (&mut opt, judged) {
        opt.set_cookie(cookie);
    }
    let mut writer = ReplyWriter::new(reply, MIN_REPLY, Some(query.question.as_ref()?.bytes));
    writer.reserve(opt.as_ref().map_or(0, Opt::octets));
    let (how, rcode) = match judged {
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
