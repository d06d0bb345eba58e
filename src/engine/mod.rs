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
mod exchange;
mod gate;
mod plain;
mod put_off;
#[cfg(test)]
mod tests;

pub use chase::AnswerSource;
pub use exchange::{
    Arrival, Disposition, MAX_REPLY, MIN_REPLY, ReplySubject, ReplyTally, Transport, limit, max_reply,
};
pub use put_off::{PutOff, put_off};

use self::chase::ReplyMeta;
use crate::answer::NameTree;
use crate::client::Requester;
use crate::snapshot::{Kind, Snapshot, Steered};
use crate::wire::{
    ClientSubnet, CookieSecrets, CookieStatus, Opt, Query, Rcode, ReplyHeader, ReplyWriter, class,
};
use crate::zone::Chooser;

/// Answers a request from a snapshot.
///
/// # Panics
///
/// When `reply` has fewer than [`MIN_REPLY`] octets.
pub fn answer(snapshot: &Snapshot, request: &[u8], arrival: Arrival, reply: &mut [u8]) -> Disposition {
    answer_under(
        snapshot,
        ServedNames { tree: &snapshot.base.tree, transactions: false },
        request,
        arrival,
        reply,
    )
}

/// Answers a request from a snapshot, under the serial numbers of zones that are transferred.
///
/// # Panics
///
/// When `reply` has fewer than [`MIN_REPLY`] octets.
pub fn answer_under(
    snapshot: &Snapshot,
    names: ServedNames<'_>,
    request: &[u8],
    arrival: Arrival,
    reply: &mut [u8],
) -> Disposition {
    let source = AnswerSource {
        tree: names.tree,
        transactions: names.transactions,
        identity: &snapshot.base.config.server.identity,
        idle: snapshot.base.config.server.listen.tcp.idle,
        cookies: snapshot.base.cookies.as_ref(),
        steer: |chooser, kind, requester: &Requester| snapshot.choose(chooser, kind, requester),
    };
    respond(&source, request, arrival, reply)
}

/// The names of a snapshot, and whether its caller answers transfers.
#[derive(Clone, Copy, Debug)]
pub struct ServedNames<'s> {
    pub tree: &'s NameTree,
    /// Whether zone transfers and signed requests are left to the caller ([`Disposition::Transaction`]).
    pub transactions: bool,
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
    if source.transactions && gate::is_transaction(&query) {
        return Disposition::Transaction;
    }
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
    let judged = arrival.judge_cookie(edns, secrets);
    if let (Some(opt), Some((_, cookie))) = (&mut opt, judged) {
        opt.set_cookie(cookie);
    }
    Some(Begun { opt, cookie: judged.map(|(status, _)| status), query })
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
