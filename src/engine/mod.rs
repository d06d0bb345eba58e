//! Answers: from the bytes of a request and a snapshot to the bytes of a reply.
//!
//! Every transport calls this and only this, so that one piece of code decides every answer. It allocates
//! nothing, takes no lock, reads no clock and logs nothing; what it did is returned as a [`Tally`], which
//! the lane counts. Replies are minimal: the additional section holds glue and OPT only.
//!
//! 1. `wire` reads the request; what cannot be replied to is met with silence.
//! 2. `gate` turns away what is no ordinary question of class IN.
//! 3. `chase` follows the question through the tree of names, and a snapshot chooses for steered ones.
//! 4. The OPT record and the header close the reply.

mod chase;
mod gate;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use self::chase::Verdict;
use crate::answer::Tree;
use crate::region::RegionId;
use crate::snapshot::{Kind, Snapshot, Steered};
use crate::steering::SteeringId;
use crate::wire::{Edns, Opt, Rcode, ReplyHeader, Request, UDP_PAYLOAD, Writer};

/// The largest UDP reply to a sender without EDNS (RFC 1035, section 4.2.1). Every buffer for replies has
/// room for this much.
pub const MIN_REPLY: usize = 512;

/// The largest reply there is: TCP's length field has 16 bits (RFC 1035, section 4.2.2).
pub const MAX_REPLY: usize = 65535;

/// How a request came, which bounds its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams: the sender's EDNS size counts, up to 1232 octets.
    Udp,
    /// Any stream: TCP, TLS, HTTPS, QUIC.
    Tcp,
}

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Send the first `length` octets of the buffer.
    Reply {
        /// The length of the reply.
        length: usize,
        /// What to count.
        tally: Tally,
    },
    /// Send nothing: the request has no header, or is a response.
    Silence,
}

/// What is counted of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The zone of the question: its place in the configuration. `None` when it is in no zone here.
    pub zone: Option<usize>,
    /// The type that was asked for. `None` when there was no readable question.
    pub qtype: Option<u16>,
    /// The response code.
    pub rcode: Rcode,
    /// The region that a steered answer leads to.
    pub region: Option<RegionId>,
    /// Whether an address is in a steered answer that somebody is sent away from.
    pub is_leaving: bool,
    /// Whether the reply is cut (TC), so that the sender comes back over TCP.
    pub is_truncated: bool,
    /// Whether the request brought a client subnet.
    pub has_client_subnet: bool,
}

/// Where answers come from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a, S> {
    /// The static names, and where the steered ones are.
    pub tree: &'a Tree,
    /// The name of the server, for NSID (RFC 5001).
    pub server: &'a str,
    /// Chooses the answer of a steered name for a client.
    pub steer: S,
}

/// Answers a request from a snapshot.
///
/// # Panics
///
/// When `reply` has fewer than [`MIN_REPLY`] octets.
pub fn answer(
    snapshot: &Snapshot,
    request: &[u8],
    client: IpAddr,
    transport: Transport,
    reply: &mut [u8],
) -> Outcome {
    let source = Source {
        tree: &snapshot.base.tree,
        server: &snapshot.base.config.server.name,
        steer: |id, kind, client| snapshot.steer(id, kind, client),
    };
    respond(&source, request, client, transport, reply)
}

/// Answers a request from anything that can steer: [`answer`] without a snapshot, for tests and benches.
///
/// # Panics
///
/// When `reply` has fewer than [`MIN_REPLY`] octets.
pub fn respond<'s, S>(
    source: &Source<'s, S>,
    request: &[u8],
    client: IpAddr,
    transport: Transport,
    reply: &mut [u8],
) -> Outcome
where
    S: Fn(SteeringId, Kind, IpAddr) -> Steered<'s>,
{
    assert!(reply.len() >= MIN_REPLY, "every lane has room for the smallest limit");
    let Some(request) = Request::parse(request) else {
        return Outcome::Silence;
    };
    let edns = request.edns.as_ref();
    let opt = edns.map(|edns| Opt::replying_to(edns, source.server.as_bytes()));
    let question = request.question.as_ref();
    let mut writer = Writer::new(reply, limit(transport, edns), question.map(|question| question.bytes));
    writer.reserve(opt.as_ref().map_or(0, Opt::octets));
    let subnet = edns.and_then(|edns| edns.client_subnet);
    let verdict = match gate::admit(&request) {
        Err(rcode) => Verdict::of(rcode),
        Ok(question) => {
            let located = subnet.and_then(|subnet| subnet.address()).unwrap_or(client);
            chase::chase(source, &request, question, located, &mut writer)
        }
    };
    if let Some(opt) = &opt {
        writer.opt(opt, verdict.rcode, verdict.scope);
    }
    let length = writer.finish(ReplyHeader {
        request: request.header,
        rcode: verdict.rcode,
        is_authoritative: verdict.is_authoritative,
        is_truncated: verdict.is_truncated,
    });
    let tally = tally(&request, &verdict);
    Outcome::Reply { length, tally }
}

/// Returns what to count.
fn tally(request: &Request<'_>, verdict: &Verdict) -> Tally {
    Tally {
        zone: verdict.zone,
        qtype: request.question.as_ref().map(|question| question.qtype),
        rcode: verdict.rcode,
        region: verdict.region,
        is_leaving: verdict.is_leaving,
        is_truncated: verdict.is_truncated,
        has_client_subnet: request.edns.is_some_and(|edns| edns.client_subnet.is_some()),
    }
}

/// Returns the most octets that a reply over this transport ever has: the size of buffer to bring.
pub fn most(transport: Transport) -> usize {
    match transport {
        Transport::Udp => UDP_PAYLOAD.into(),
        Transport::Tcp => MAX_REPLY,
    }
}

/// Returns the most octets that a reply may have.
fn limit(transport: Transport, edns: Option<&Edns>) -> usize {
    match (transport, edns) {
        (Transport::Tcp, _) => MAX_REPLY,
        (Transport::Udp, None) => MIN_REPLY,
        // Sizes below 512 count as 512 (RFC 6891, section 6.2.3).
        (Transport::Udp, Some(edns)) => usize::from(edns.payload.min(UDP_PAYLOAD)).max(MIN_REPLY),
    }
}
