//! Answers: from the bytes of a request and a snapshot to the bytes of a reply.
//!
//! Every transport calls this and only this, so that one piece of code decides every answer. It allocates
//! nothing, takes no lock, reads no clock and logs nothing: each would make the latency of one query depend
//! on the others. What it did is returned as a [`ReplyTally`] for the caller to count. Replies are minimal:
//! the additional section holds glue and OPT only.
//!
//! 1. `plain` answers what nearly every query asks, and leaves the others to what follows.
//! 2. `wire` reads the request; what cannot be replied to is met with silence.
//! 3. `gate` turns away queries that ask no ordinary question.
//! 4. `chase` follows the question through the tree of names, and the snapshot chooses for steered ones; `chaos`
//!    answers what the server says of itself.
//! 5. The OPT record and the header close the reply.

mod chaos;
pub(crate) mod chase;
mod gate;
mod plain;
mod put_off;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub use chase::AnswerSource;
pub use put_off::{PutOff, put_off};

use self::chase::ReplyMeta;
use crate::answer::NodeId;
use crate::client::Requester;
use crate::moment::Moment;
use crate::region::RegionId;
use crate::snapshot::{Kind, Snapshot, Steered};
use crate::wire::{
    COOKIE_OCTETS, ClientSubnet, CookieSecrets, CookieStatus, Edns, Opt, Query, Rcode, ReplyHeader,
    ReplyWriter, UDP_PAYLOAD, class,
};
use crate::zone::Chooser;

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

/// Answers a request from a snapshot.
///
/// # Panics
///
/// When `reply` has fewer than [`MIN_REPLY`] octets.
pub fn answer(snapshot: &Snapshot, request: &[u8], arrival: Arrival, reply: &mut [u8]) -> Disposition {
    let source = AnswerSource {
        tree: &snapshot.base.tree,
        identity: &snapshot.base.config.server.identity,
        idle: snapshot.base.config.server.listen.tcp.idle,
        cookies: snapshot.base.cookies.as_ref(),
        steer: |chooser, kind, requester: &Requester| snapshot.choose(chooser, kind, requester),
    };
    respond(&source, request, arrival, reply)
}

/// Answers a request from anything that can steer: [`answer`] without a snapshot, for tests and benches.
///
/// # Panics
///
/// When `reply` has fewer than [`MIN_REPLY`] octets.
pub fn respond<'s, S>(
    source: &AnswerSource<'s, S>,
    request: &[u8],
    arrival: Arrival,
    reply: &mut [u8],
) -> Disposition
where
    S: Fn(Chooser, Kind, &Requester) -> Steered<'s>,
{
    assert!(reply.len() >= MIN_REPLY, "every transport has room for the smallest limit");
    match plain::respond(source, request, arrival, reply) {
        Some(disposition) => disposition,
        None => respond_in_full(source, request, arrival, reply),
    }
}

/// Answers every request there is.
fn respond_in_full<'s, S>(
    source: &AnswerSource<'s, S>,
    request: &[u8],
    arrival: Arrival,
    reply: &mut [u8],
) -> Disposition
where
    S: Fn(Chooser, Kind, &Requester) -> Steered<'s>,
{
    let Arrival { client, transport, .. } = arrival;
    let nsid = source.identity.nsid.as_deref().map(str::as_bytes);
    let Some(Begun { query, mut opt, cookie }) = begin(request, arrival, source.cookies, nsid) else {
        return Disposition::Silence;
    };
    let edns = query.edns.as_ref();
    if let Some(opt) = &mut opt
        && transport == Transport::Tcp
        && edns.is_some_and(|edns| edns.wants_keepalive)
    {
        opt.keep_alive(source.idle);
    }
    let mut writer = writer(&query, opt.as_ref(), limit(transport, edns), reply);
    let subnet = edns.and_then(|edns| edns.client_subnet);
    let meta = match gate::admit(&query) {
        Err(_) if cookie.is_some() && query.asks_for_cookie => ReplyMeta::of(Rcode::NoError),
        Err(rcode) => ReplyMeta::of(rcode),
        Ok(question) if question.class == class::CH => {
            chaos::describe(source.identity, question, &mut writer)
        }
        Ok(question) => {
            let requester = Requester { sender: client, subnet: subnet.and_then(ClientSubnet::network) };
            chase::chase(source, &query, question, requester, &mut writer)
        }
    };
    if let Some(opt) = &mut opt {
        opt.explain(meta.extended_error, writer.room());
        writer.opt(opt, meta.rcode, meta.scope);
    }
    let length = writer.finish(ReplyHeader {
        request: query.header,
        rcode: meta.rcode,
        is_authoritative: meta.is_authoritative,
        is_truncated: meta.is_truncated,
    });
    let tally = tally(&query, &meta, cookie);
    Disposition::Reply { length, tally }
}

/// A request that was read, and the OPT record of its reply.
struct Begun<'r, 's> {
    query: Query<'r>,
    /// With a cookie, where the request brought one; `None`: the request has no OPT record.
    opt: Option<Opt<'s>>,
    /// What its cookie says of the sender; `None`: it brought none, or there are no secrets to judge it by.
    cookie: Option<CookieStatus>,
}

/// Begins every reply, whatever becomes of it. `None`: the request is met with silence.
fn begin<'r, 's>(
    request: &'r [u8],
    arrival: Arrival,
    secrets: Option<&CookieSecrets>,
    nsid: Option<&'s [u8]>,
) -> Option<Begun<'r, 's>> {
    let query = Query::parse(request)?;
    let edns = query.edns.as_ref();
    let mut opt = edns.map(|edns| Opt::replying_to(edns, nsid));
    let judged = judge_cookie(edns, arrival, secrets);
    if let (Some(opt), Some((_, cookie))) = (&mut opt, judged) {
        opt.set_cookie(cookie);
    }
    Some(Begun { opt, cookie: judged.map(|(status, _)| status), query })
}

/// Returns what a request's cookie says of its sender, and the cookie of the reply. `None`: the request brought none, or there are
/// no secrets to judge it by.
fn judge_cookie(
    edns: Option<&Edns>,
    arrival: Arrival,
    secrets: Option<&CookieSecrets>,
) -> Option<(CookieStatus, [u8; COOKIE_OCTETS])> {
    let cookie = edns?.cookie?;
    // Modulo 2^32, as RFC 9018 wants.
    let seconds = (arrival.at.0 / 1000) as u32;
    Some(secrets?.judge(&cookie, arrival.client, seconds))
}

/// Returns what writes a reply of at most so many octets, with its question, and room for its OPT record.
fn writer<'b>(
    query: &Query<'_>,
    opt: Option<&Opt<'_>>,
    limit: usize,
    reply: &'b mut [u8],
) -> ReplyWriter<'b> {
    let mut writer = ReplyWriter::new(reply, limit, query.question.as_ref().map(|question| question.bytes));
    writer.reserve(opt.map_or(0, Opt::octets));
    writer
}

/// Returns what is counted of a reply.
fn tally(query: &Query<'_>, meta: &ReplyMeta, cookie: Option<CookieStatus>) -> ReplyTally {
    ReplyTally {
        zone: meta.zone,
        qtype: query.question.as_ref().map(|question| question.qtype),
        rcode: meta.rcode,
        region: meta.region,
        part: meta.part,
        is_leaving: meta.is_leaving,
        is_truncated: meta.is_truncated,
        has_client_subnet: query.edns.is_some_and(|edns| edns.client_subnet.is_some()),
        cookie,
        subject: subject(meta),
    }
}

fn subject(meta: &ReplyMeta) -> ReplySubject {
    match (meta.rcode, meta.zone) {
        (Rcode::NoError | Rcode::NxDomain, Some(zone)) if meta.is_negative => ReplySubject::Absence(zone),
        (Rcode::NoError, _) => ReplySubject::Name(meta.node),
        _ => ReplySubject::Error,
    }
}

/// Returns the size of a buffer that holds every reply over a transport.
pub fn max_reply(transport: Transport) -> usize {
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
