//! Answers what nearly every query asks, in a third of the time: a name as it stands in a zone, and records that are copied.
//!
//! It is a shorter way to the same reply, and a law holds that: `None`, or every octet and the tally as the rest of the engine
//! makes them. What it leaves to the rest: aliases, referrals, wildcards, names that do not exist, errors, truncation,
//! and whatever is unusual in a query.
//!
//! The gain is in what is not done: no name of 255 octets is cleared and moved, no table of names is kept for compression, and
//! no record is checked for room one by one.

use super::chase::{AnswerSource, kind};
use super::exchange::{Arrival, Disposition, ReplySubject, ReplyTally, limit};
use crate::answer::{NameNode, Packed, PlainNegative};
use crate::client::Requester;
use crate::region::RegionId;
use crate::snapshot::{Kind, Steered, SteeredAnswer};
use crate::wire::{ClientSubnet, ExtendedError, HEADER_OCTETS, Opt, PlainQuery, Rcode, rtype};
use crate::zone::{Chooser, Ttl};

/// QR and AA in the third octet of a header; RD is the lowest bit (RFC 1035, section 4.1.1).
const AUTHORITATIVE_RESPONSE: u8 = 0x84;

/// What stands between the question and the OPT record.
enum PlainBody<'s> {
    Records(&'s Packed),
    Negative(&'s PlainNegative, Ttl),
}

/// A body, and what is counted of it.
struct PlainAnswer<'s> {
    body: PlainBody<'s>,
    scope: u8,
    region: Option<RegionId>,
    part: Option<u16>,
    is_leaving: bool,
    is_fail_open: bool,
}

impl<'s> PlainAnswer<'s> {
    /// Returns the same answer to all clients.
    fn of(body: PlainBody<'s>) -> Self {
        Self { body, scope: 0, region: None, part: None, is_leaving: false, is_fail_open: false }
    }
}

/// Answers a request. `None`: it takes the rest of the engine; nothing was written that it does not write over.
pub(super) fn respond<'s, S>(
    source: &AnswerSource<'s, S>,
    request: &[u8],
    arrival: Arrival,
    reply: &mut [u8],
) -> Option<Disposition>
where
    S: Fn(Chooser, Kind, &Requester) -> Steered<'s>,
{
    let query = PlainQuery::read(request)?;
    let node = source.tree.find_exact(query.name()).filter(|node| node.delegation.is_none())?;
    let edns = query.edns.as_ref();
    let subnet = edns.and_then(|edns| edns.client_subnet);
    let requester = Requester { sender: arrival.client, subnet: subnet.and_then(ClientSubnet::network) };
    let found = find(source, &query, node, &requester)?;
    let mut opt = edns.map(|edns| Opt::replying_to(edns, None));
    let cookie = arrival.judge_cookie(edns, source.cookies);
    if let (Some(opt), Some((_, cookie))) = (&mut opt, cookie) {
        opt.set_cookie(cookie);
    }
    let room = limit(arrival.transport, edns).min(reply.len());
    let length = write(&query, &found, opt, reply.get_mut(..room)?)?;
    let subject = match found.body {
        PlainBody::Records(_) => ReplySubject::Name(Some(node.id)),
        PlainBody::Negative(..) => ReplySubject::Absence(node.zone),
    };
    let tally = ReplyTally {
        zone: Some(node.zone),
        qtype: Some(query.qtype),
        rcode: Rcode::NoError,
        region: found.region,
        part: found.part,
        is_leaving: found.is_leaving,
        is_truncated: false,
        has_client_subnet: subnet.is_some(),
        cookie: cookie.map(|(status, _)| status),
        subject,
    };
    Some(Disposition::Reply { length, tally })
}

/// Finds what a name answers.
#[inline]
fn find<'s, S>(
    source: &AnswerSource<'s, S>,
    query: &PlainQuery<'_>,
    node: &'s NameNode,
    requester: &Requester,
) -> Option<PlainAnswer<'s>>
where
    S: Fn(Chooser, Kind, &Requester) -> Steered<'s>,
{
    // Records of this type may be on the parent's side of a zone cut.
    if query.qtype == rtype::DS {
        return None;
    }
    if let Some(records) = node.rrset(query.qtype) {
        return Some(PlainAnswer::of(PlainBody::Records(records)));
    }
    let kind = kind(query.qtype)?;
    let negative = || {
        let negative = source.tree.apex(node).plain_negative.as_ref();
        negative.filter(|negative| negative.suits(query.name()))
    };
    let Some(chooser) = node.chooser else {
        let has_alias = node.rrset(rtype::CNAME).is_some();
        return negative()
            .filter(|_| !has_alias)
            .map(|negative| PlainAnswer::of(PlainBody::Negative(negative, Ttl::MAX)));
    };
    let Steered { choice, scope, region, part, is_leaving, is_fail_open } =
        (source.steer)(chooser, kind, requester);
    let body = match choice {
        SteeredAnswer::Records(records) => PlainBody::Records(records),
        SteeredAnswer::Nodata(most) => PlainBody::Negative(negative()?, most),
        SteeredAnswer::Refuse | SteeredAnswer::Servfail | SteeredAnswer::Prohibited => return None,
    };
    Some(PlainAnswer { body, scope, region, part, is_leaving, is_fail_open })
}

/// Writes the reply, and returns its length. `None`: it does not fit, or cannot be copied.
#[inline]
fn write(
    query: &PlainQuery<'_>,
    found: &PlainAnswer<'_>,
    mut opt: Option<Opt<'_>>,
    reply: &mut [u8],
) -> Option<usize> {
    let (octets, answers, authorities) = match found.body {
        PlainBody::Records(records) => (records.plain_octets()?, records.count(), 0),
        PlainBody::Negative(negative, _) => (negative.octets(), 0, 1),
    };
    let body = HEADER_OCTETS + query.question.len();
    let end = body + octets;
    let room = reply.len().checked_sub(end)?;
    if let Some(opt) = &mut opt {
        // An explanation without room is left out; a record without room is left to the rest of the engine, below.
        opt.explain(found.is_fail_open.then_some(ExtendedError::FAIL_OPEN), room);
    }
    let length = end + opt.as_ref().map_or(0, Opt::octets);
    let reply = reply.get_mut(..length)?;
    let flags = AUTHORITATIVE_RESPONSE | u8::from(query.is_recursion_desired);
    reply[..2].copy_from_slice(&query.id.to_be_bytes());
    reply[2..6].copy_from_slice(&[flags, 0, 0, 1]);
    reply[6..8].copy_from_slice(&answers.to_be_bytes());
    reply[8..12].copy_from_slice(&[0, authorities, 0, opt.is_some().into()]);
    reply[HEADER_OCTETS..body].copy_from_slice(query.question);
    match found.body {
        PlainBody::Records(records) => records.write_plain(&mut reply[body..end], query.id),
        PlainBody::Negative(negative, most) => {
            negative.write(&mut reply[body..end], query.name().len(), most);
        }
    }
    if let Some(opt) = opt {
        opt.write(Rcode::NoError, found.scope, &mut reply[end..]);
    }
    Some(length)
}
