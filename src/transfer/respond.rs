//! Answers zone transfers and signed requests.
//!
//! The order: the signature (RFC 8945, section 5.2), the form, the zone, and whether the name server may take it. A signed
//! request of another type is answered by the engine, and the reply signed. What is refused is refused with the response
//! code of its RFC, and returned, to be counted and told.

use std::net::IpAddr;
use std::sync::Arc;

use super::book::{TransferredZone, Transfers};
use super::kind::{TransferKind, TransferRefusal};
use super::serial::Serial;
use super::stream::{StreamRequest, TransferStream};
use crate::engine::{
    self, Arrival, Disposition, MIN_REPLY, ReplySubject, ReplyTally, ServedNames, Transport,
};
use crate::snapshot::Snapshot;
use crate::wire::{
    Opt, Query, Rcode, ReplyHeader, ReplyWriter, Section, TsigError, TsigKey, TsigRecord, TsigSigner, class,
    count_one_more, rtype, tsig_of,
};

/// What transfers are answered from.
#[derive(Clone, Copy, Debug)]
pub struct TransferSource<'s> {
    pub snapshot: &'s Snapshot,
    pub transfers: &'s Transfers,
}

/// What becomes of a transfer or a signed request.
#[derive(Debug)]
pub enum TransactionReply {
    /// Send the first `length` octets of the buffer.
    Message { length: usize, tally: ReplyTally },
    /// Send messages until there are no more.
    Stream(Box<TransferStream>, ReplyTally),
    /// Send nothing.
    Silence,
}

/// A transfer or a signed request, answered.
#[derive(Debug)]
pub struct Transaction {
    pub reply: TransactionReply,
    /// Why it was refused; `None`: it was not.
    pub refusal: Option<TransferRefusal>,
    /// The place of the zone that was asked for, if it is transferred.
    pub zone: Option<usize>,
    /// What was given in one message.
    pub given: Option<TransferKind>,
}

/// The end of a reply.
enum Signature<'k> {
    None,
    By(TsigSigner<'k>),
    /// Signed, with the time of the request and of this server.
    Late(TsigSigner<'k>, u64),
    /// A record without a signature.
    Record(Vec<u8>),
}

impl Signature<'_> {
    fn octets(&self) -> usize {
        match self {
            Self::None => 0,
            Self::By(signer) | Self::Late(signer, _) => signer.octets(),
            Self::Record(record) => record.len(),
        }
    }

    /// Ends a message of so many octets, and returns how many it has then.
    fn end(&mut self, reply: &mut [u8], length: usize, now: u64) -> usize {
        match self {
            Self::None => length,
            Self::By(signer) => signer.finish(reply, length, now, None),
            Self::Late(signer, asked_at) => signer.finish(reply, length, *asked_at, Some(now)),
            Self::Record(record) => {
                let end = length + record.len();
                reply[length..end].copy_from_slice(record);
                count_one_more(reply);
                end
            }
        }
    }
}

/// A request and the place for its reply.
struct Asked<'a, 'k> {
    query: Query<'a>,
    request: &'a [u8],
    arrival: Arrival,
    /// In seconds since 1970.
    now: u64,
    signature: Signature<'k>,
    key: Option<&'k TsigKey>,
}

/// Answers a zone transfer or a signed request: what the engine calls a transaction.
pub fn respond(
    source: TransferSource<'_>,
    request: &[u8],
    arrival: Arrival,
    reply: &mut [u8],
) -> Transaction {
    let Some(query) = Query::parse(request) else {
        return Transaction { reply: TransactionReply::Silence, refusal: None, zone: None, given: None };
    };
    let now = arrival.at.0 / 1000;
    let mut asked = Asked { query, request, arrival, now, signature: Signature::None, key: None };
    if let Err(refusal) = asked.judge_signature(&source.snapshot.base.tsig_keys) {
        let rcode = if refusal == TransferRefusal::Malformed { Rcode::FormErr } else { Rcode::NotAuth };
        return asked.refuse(refusal, rcode, None, reply);
    }
    let is_usual = asked.query.is_well_formed && asked.query.edns.is_none_or(|edns| edns.version == 0);
    match asked.query.question.as_ref().map(|question| (question.qtype, question.class)) {
        Some((rtype::AXFR | rtype::IXFR, class::IN)) if is_usual => asked.transfer(source, reply),
        _ => asked.pass_on(source, reply),
    }
}

impl<'k> Asked<'_, 'k> {
    /// Judges the signature, and keeps how the reply ends.
    fn judge_signature(&mut self, keys: &'k [TsigKey]) -> Result<(), TransferRefusal> {
        let Ok(record) = tsig_of(&self.query, self.request) else { return Err(TransferRefusal::Malformed) };
        let Some(record) = record else { return Ok(()) };
        match record.judge(self.request, keys, self.now) {
            Ok(key) => {
                self.signature = Signature::By(record.signer(key));
                self.key = Some(key);
                Ok(())
            }
            Err(None) => Err(TransferRefusal::Malformed),
            Err(Some((error, key))) => {
                self.signature = self.refused_signature(&record, error, key);
                Err(match error {
                    TsigError::BadKey => TransferRefusal::BadKey,
                    TsigError::BadSig | TsigError::BadTrunc => TransferRefusal::BadSignature,
                    TsigError::BadTime => TransferRefusal::BadTime,
                })
            }
        }
    }

    fn refused_signature(
        &self,
        record: &TsigRecord<'_>,
        error: TsigError,
        key: Option<&'k TsigKey>,
    ) -> Signature<'k> {
        match (error, key) {
            (TsigError::BadTime, Some(key)) => Signature::Late(record.signer(key), record.time()),
            _ => Signature::Record(record.unsigned_refusal(error, self.query.header.id)),
        }
    }

    /// Returns the most octets that the reply may have.
    fn limit(&self, reply: &[u8]) -> usize {
        engine::limit(self.arrival.transport, self.query.edns.as_ref()).min(reply.len())
    }

    /// Has the engine answer, and signs what it says.
    fn pass_on(mut self, source: TransferSource<'_>, reply: &mut [u8]) -> Transaction {
        let limit = self.limit(reply);
        let room = limit.saturating_sub(self.signature.octets()).max(MIN_REPLY);
        let names = ServedNames { tree: &source.transfers.tree, transactions: false };
        let (snapshot, arrival) = (source.snapshot, self.arrival);
        let answered = engine::answer_under(snapshot, names, self.request, arrival, &mut reply[..room]);
        let Disposition::Reply { length, tally } = answered else {
            return Transaction { reply: TransactionReply::Silence, refusal: None, zone: None, given: None };
        };
        if length + self.signature.octets() > limit {
            let (length, tally) = self.short(Short { is_truncated: true, ..Short::of(tally.rcode) }, reply);
            return message(length, tally);
        }
        message(self.signature.end(reply, length, self.now), tally)
    }

    /// Answers a zone transfer.
    fn transfer(self, source: TransferSource<'_>, reply: &mut [u8]) -> Transaction {
        let question = self.query.question.as_ref().expect("its type is known");
        let tree = &source.transfers.tree;
        let node = tree.find_exact(question.name.as_bytes());
        let is_apex = |node: &&crate::answer::NameNode| tree.apex(node).octets == node.octets;
        let Some(node) = node.filter(is_apex) else {
            return self.refuse(TransferRefusal::NoZone, Rcode::NotAuth, None, reply);
        };
        let place = node.zone;
        let key = self.key.map(TsigKey::name);
        let zone = source.transfers.zone(place).filter(|zone| permits(zone, self.arrival.client, key));
        let Some(zone) = zone else {
            return self.refuse(TransferRefusal::NotPermitted, Rcode::Refused, Some(place), reply);
        };
        let is_datagram = self.arrival.transport == Transport::Udp;
        if question.qtype == rtype::AXFR {
            return match is_datagram {
                true => self.refuse(TransferRefusal::OverUdp, Rcode::Refused, Some(place), reply),
                false => self.stream(zone, TransferKind::Whole),
            };
        }
        let Some(held) = self.query.held_serial(self.request).map(Serial) else {
            return self.refuse(TransferRefusal::Malformed, Rcode::FormErr, Some(place), reply);
        };
        // What is newer there than here is left as it is (RFC 1995, section 2).
        let is_current = held == zone.serial || held.is_after(zone.serial);
        if is_current || is_datagram {
            return self.serial(zone, reply);
        }
        match zone.since(held).is_some() {
            true => self.stream(zone, TransferKind::Differences),
            false => self.stream(zone, TransferKind::WholeInstead),
        }
    }

    fn stream(self, zone: &Arc<TransferredZone>, kind: TransferKind) -> Transaction {
        let question = self.query.question.as_ref().expect("its type is known");
        let request =
            StreamRequest { header: self.query.header, question: question.bytes, edns: self.query.edns };
        let tally = self.tally(Rcode::NoError, Some(zone.transfers.zone), false);
        let held = self.query.held_serial(self.request).map(Serial);
        let signer = match self.signature {
            Signature::By(signer) => Some(signer.into_owned()),
            Signature::None | Signature::Late(..) | Signature::Record(_) => None,
        };
        let stream = match (kind, held.and_then(|held| zone.since(held))) {
            (TransferKind::Differences, Some(differences)) => {
                TransferStream::differences(zone, differences, request, signer)
            }
            _ => TransferStream::whole(zone, kind, request, signer),
        };
        let reply = TransactionReply::Stream(Box::new(stream), tally);
        Transaction { reply, refusal: None, zone: Some(zone.transfers.zone), given: None }
    }

    /// Answers with the SOA record alone.
    fn serial(mut self, zone: &TransferredZone, reply: &mut [u8]) -> Transaction {
        let place = Some(zone.transfers.zone);
        let short = Short { soa: Some(zone), zone: place, ..Short::of(Rcode::NoError) };
        let (length, tally) = self.short(short, reply);
        let given = Some(TransferKind::Serial);
        Transaction { zone: place, given, ..message(length, tally) }
    }

    fn refuse(
        mut self,
        refusal: TransferRefusal,
        rcode: Rcode,
        zone: Option<usize>,
        reply: &mut [u8],
    ) -> Transaction {
        let (length, tally) = self.short(Short { zone, ..Short::of(rcode) }, reply);
        Transaction { refusal: Some(refusal), zone, ..message(length, tally) }
    }

    /// Writes a reply without records but for a SOA record, and ends it.
    fn short(&mut self, short: Short<'_>, reply: &mut [u8]) -> (usize, ReplyTally) {
        let limit = self.limit(reply);
        let opt = self.query.edns.as_ref().map(|edns| Opt::replying_to(edns, None));
        let question = self.query.question.as_ref().map(|question| question.bytes);
        let mut writer = ReplyWriter::new(reply, limit, question);
        let opt_octets = opt.as_ref().map_or(0, Opt::octets);
        writer.reserve(opt_octets + self.signature.octets());
        let put = short.soa.map_or(Ok(()), |zone| {
            let (ttl, records) = (zone.soa.ttl_seconds(), zone.soa.records());
            writer.rrset(Section::Answer, &zone.apex, rtype::SOA, ttl, records)
        });
        let is_truncated = short.is_truncated || put.is_err();
        if let Some(opt) = &opt {
            writer.opt(opt, short.rcode, 0);
        }
        let length = writer.finish(ReplyHeader {
            request: self.query.header,
            rcode: short.rcode,
            is_authoritative: short.soa.is_some(),
            is_truncated,
        });
        let tally = self.tally(short.rcode, short.zone, is_truncated);
        (self.signature.end(reply, length, self.now), tally)
    }

    fn tally(&self, rcode: Rcode, zone: Option<usize>, is_truncated: bool) -> ReplyTally {
        ReplyTally {
            zone,
            qtype: self.query.question.as_ref().map(|question| question.qtype),
            rcode,
            region: None,
            part: None,
            is_leaving: false,
            is_truncated,
            has_client_subnet: self.query.edns.is_some_and(|edns| edns.client_subnet.is_some()),
            cookie: None,
            subject: match rcode {
                Rcode::NoError => ReplySubject::Name(None),
                _ => ReplySubject::Error,
            },
        }
    }
}

/// A reply of a few octets.
struct Short<'z> {
    rcode: Rcode,
    soa: Option<&'z TransferredZone>,
    zone: Option<usize>,
    is_truncated: bool,
}

impl Short<'_> {
    fn of(rcode: Rcode) -> Self {
        Self { rcode, soa: None, zone: None, is_truncated: false }
    }
}

fn message(length: usize, tally: ReplyTally) -> Transaction {
    let reply = TransactionReply::Message { length, tally };
    Transaction { reply, refusal: None, zone: None, given: None }
}

fn permits(zone: &TransferredZone, client: IpAddr, key: Option<&[u8]>) -> bool {
    zone.transfers.clients.iter().any(|permitted| {
        let networks = &permitted.networks;
        let is_there = networks.is_empty() || networks.iter().any(|network| network.contains(client));
        let is_signed = |needed| Some(&*crate::answer::wire_name(needed)) == key;
        is_there && permitted.key.as_ref().is_none_or(is_signed)
    })
}
