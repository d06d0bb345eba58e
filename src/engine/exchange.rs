//! A request and its reply as callers know them: how it came, what is to be sent, what is counted.

use std::net::IpAddr;

use crate::answer::NodeId;
use crate::moment::Moment;
use crate::region::RegionId;
use crate::wire::{COOKIE_OCTETS, CookieSecrets, CookieStatus, Edns, Rcode, UDP_PAYLOAD};

/// The largest UDP reply to a sender without EDNS (RFC 1035, section 4.2.1). Every buffer for replies has
/// room for this much.
pub const MIN_REPLY: usize = 512;

/// The largest reply there is: TCP's length field has 16 bits (RFC 1035, section 4.2.2).
pub const MAX_REPLY: usize = 65535;

/// The transport of a request, which bounds its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams: the sender's EDNS size counts, up to 1232 octets.
    Udp,
    /// Any stream: TCP, TLS, HTTPS, QUIC.
    Tcp,
}

/// Where a request came from, how and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The sender's address.
    pub client: IpAddr,
    pub transport: Transport,
    /// By the wall clock, to a second or so: cookies grow old.
    pub at: Moment,
}

impl Arrival {
    /// Returns what the cookie of the request says of its sender, and the cookie of the reply. `None`: it brought none, or there are
    /// no secrets to judge it by.
    pub(super) fn judge_cookie(
        self,
        edns: Option<&Edns>,
        secrets: Option<&CookieSecrets>,
    ) -> Option<(CookieStatus, [u8; COOKIE_OCTETS])> {
        let cookie = edns?.cookie?;
        // Modulo 2^32, as RFC 9018 wants.
        let seconds = (self.at.0 / 1000) as u32;
        Some(secrets?.judge(&cookie, self.client, seconds))
    }
}

/// What the caller is to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Send the first `length` octets of the buffer.
    Reply {
        /// In octets.
        length: usize,
        tally: ReplyTally,
    },
    /// Send nothing: the request has no header, or is a response.
    Silence,
    /// It is a zone transfer, or signed: `transfer` answers it. Only where the source leaves them to its caller.
    Transaction,
}

/// The properties of a reply that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyTally {
    /// The zone of the question, by its place in the configuration. `None` when it is in no zone here.
    pub zone: Option<usize>,
    /// `None` when there was no readable question.
    pub qtype: Option<u16>,
    /// With the bits that EDNS adds.
    pub rcode: Rcode,
    /// The region of a steered answer.
    pub region: Option<RegionId>,
    /// The part of the clients that a steered answer went to, by its place in `Base::demand`.
    pub part: Option<u16>,
    /// Whether a steered answer has an address that clients are being moved away from.
    pub is_leaving: bool,
    /// Whether the reply is cut (TC), so that the sender comes back over TCP.
    pub is_truncated: bool,
    /// Whether the request brought a client subnet.
    pub has_client_subnet: bool,
    /// What its cookie says of the sender; `None`: it brought none.
    pub cookie: Option<CookieStatus>,
    /// What it tells.
    pub subject: ReplySubject,
}

/// What a reply tells, as far as those who get many alike are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplySubject {
    /// Records that a name has, or a referral from there. `None`: what the server says of itself.
    Name(Option<NodeId>),
    /// That the zone at this place has no such name, or the name no such type.
    Absence(usize),
    /// An error.
    Error,
}

/// Returns the size of a buffer that holds every reply over a transport.
pub fn max_reply(transport: Transport) -> usize {
    match transport {
        Transport::Udp => UDP_PAYLOAD.into(),
        Transport::Tcp => MAX_REPLY,
    }
}

/// Returns the most octets that a reply may have.
pub fn limit(transport: Transport, edns: Option<&Edns>) -> usize {
    match (transport, edns) {
        (Transport::Tcp, _) => MAX_REPLY,
        (Transport::Udp, None) => MIN_REPLY,
        // Sizes below 512 count as 512 (RFC 6891, section 6.2.3).
        (Transport::Udp, Some(edns)) => usize::from(edns.payload.min(UDP_PAYLOAD)).max(MIN_REPLY),
    }
}
