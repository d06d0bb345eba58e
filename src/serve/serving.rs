//! What answers are made from: a snapshot, and the counters that go with it.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;

use super::limit::{LimitJudgement, LimitVerdict, Limiter, ReplyCost};
use crate::engine::{self, Arrival, Disposition, ReplyTally, ServedNames, Transport};
use crate::metrics::{AnswerCounters, AnswerTimes, ReplyLimit, ResolverWatch, TransferMetrics};
use crate::moment::Moment;
use crate::snapshot::Snapshot;
use crate::transfer::{self, Transaction, TransactionReply, TransferSource, TransferStream, Transfers};
use crate::wire::CookieStatus;

/// A snapshot together with the counters of its zones and regions, so that a tally always meets the table
/// that its numbers index.
#[derive(Debug)]
pub struct Serving {
    /// The source of answers.
    pub snapshot: Arc<Snapshot>,
    pub answers: Arc<AnswerCounters>,
    /// How long answers take.
    pub times: AnswerTimes,
    /// Counts the resolvers that get addresses which clients are being moved away from.
    pub watch: ResolverWatch,
    /// Limits what is sent over UDP.
    pub limiter: Limiter,
    /// What secondaries are given, and all names under the serial numbers of their zones.
    pub transfers: Arc<Transfers>,
    pub transfer_metrics: TransferMetrics,
}

/// What becomes of a request over a stream.
pub(super) enum StreamReply {
    Message(usize),
    /// Messages until there are no more.
    Transfer(Box<TransferStream>),
    Silence,
}

/// Published by the writer, and read for every answer.
pub type Current = ArcSwap<Serving>;

/// When the requests that are answered together came.
#[derive(Clone, Copy, Debug)]
pub(super) struct ArrivalTime {
    /// By the wall clock: cookies are shared with other instances.
    pub wall: Moment,
    /// Since the process started, by a clock that is never set: rates are of this process alone, and a step of the wall clock
    /// must neither empty their accounts nor fill them.
    steady: Moment,
}

/// Reads both clocks.
pub(super) fn now() -> ArrivalTime {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let origin = Moment::default();
    ArrivalTime { wall: origin.plus(since), steady: origin.plus(START.elapsed()) }
}

impl Serving {
    /// Answers a request into `reply`, which has room for every reply over its transport, counts what was done, and
    /// returns the octets of the reply; `None` is silence.
    pub(super) fn answer(
        &self,
        request: &[u8],
        (client, transport): (IpAddr, Transport),
        time: ArrivalTime,
        reply: &mut [u8],
    ) -> Option<usize> {
        match self.answer_stream(request, (client, transport), time, reply) {
            StreamReply::Message(length) => Some(length),
            StreamReply::Silence | StreamReply::Transfer(_) => None,
        }
    }

    /// Answers a request over DNS over TLS, where replies are encoded once more, which no signature survives: no zone is
    /// transferred there.
    pub(super) fn answer_encrypted(
        &self,
        request: &[u8],
        client: IpAddr,
        time: ArrivalTime,
        reply: &mut [u8],
    ) -> Option<usize> {
        let from = (client, Transport::Tcp);
        match self.answer_as(request, from, time, reply, false) {
            StreamReply::Message(length) => Some(length),
            StreamReply::Silence | StreamReply::Transfer(_) => None,
        }
    }

    /// As [`Self::answer`], over a transport that carries several messages.
    pub(super) fn answer_stream(
        &self,
        request: &[u8],
        from: (IpAddr, Transport),
        time: ArrivalTime,
        reply: &mut [u8],
    ) -> StreamReply {
        self.answer_as(request, from, time, reply, self.transfers.is_active)
    }

    fn answer_as(
        &self,
        request: &[u8],
        (client, transport): (IpAddr, Transport),
        time: ArrivalTime,
        reply: &mut [u8],
        transactions: bool,
    ) -> StreamReply {
        let arrival = Arrival { client, transport, at: time.wall };
        let begun = AnswerTimes::begin();
        let names = ServedNames { tree: &self.transfers.tree, transactions };
        let disposition = engine::answer_under(&self.snapshot, names, request, arrival, reply);
        if let Some(begun) = begun {
            self.times.end(begun, transport);
        }
        match disposition {
            Disposition::Reply { length, tally } => {
                self.send(request, arrival, time, (length, &tally), reply)
            }
            Disposition::Silence => {
                self.answers.count_silence();
                StreamReply::Silence
            }
            Disposition::Transaction => self.transact(request, arrival, time, reply),
        }
    }

    /// Counts a reply, unless it is over a limit.
    #[inline]
    fn send(
        &self,
        request: &[u8],
        arrival: Arrival,
        time: ArrivalTime,
        (length, tally): (usize, &ReplyTally),
        reply: &mut [u8],
    ) -> StreamReply {
        let octets = [request.len(), length];
        if let Some(limited) = self.limit(tally, octets, arrival, time.steady) {
            let told = self.put_off(request, arrival, (limited, time.steady), reply);
            return told.map_or(StreamReply::Silence, StreamReply::Message);
        }
        self.answers.count(tally, arrival.transport);
        self.watch.note(tally, arrival.client);
        StreamReply::Message(length)
    }

    /// Answers a zone transfer or a signed request, and tells of one that is refused.
    fn transact(&self, request: &[u8], arrival: Arrival, time: ArrivalTime, reply: &mut [u8]) -> StreamReply {
        let source = TransferSource { snapshot: &self.snapshot, transfers: &self.transfers };
        let Transaction { reply: answered, refusal, zone, given } =
            transfer::respond(source, request, arrival, reply);
        let metrics = &self.transfer_metrics;
        if let Some(reason) = refusal
            && let Some(count) = metrics.refused(arrival.client, reason, time.wall)
        {
            let zones = &self.snapshot.base.config.zones;
            let zone = zone.map(|zone| zones[zone].apex.to_string());
            let client = arrival.client;
            tracing::warn!(%client, zone, count, "a zone transfer or a signed request is refused: {}", reason.text());
        }
        if let (Some(kind), Some(zone)) = (given, zone.and_then(|zone| self.transfers.zone(zone))) {
            metrics.given(&zone.name.to_string(), kind, zone.serial.0, arrival.client, time.wall);
        }
        match answered {
            TransactionReply::Message { length, tally } => {
                self.send(request, arrival, time, (length, &tally), reply)
            }
            TransactionReply::Stream(stream, tally) => {
                self.answers.count(&tally, arrival.transport);
                StreamReply::Transfer(stream)
            }
            TransactionReply::Silence => {
                self.answers.count_silence();
                StreamReply::Silence
            }
        }
    }

    /// Counts a transfer that has ended, and logs it.
    pub(super) fn transferred(&self, stream: &TransferStream, client: IpAddr, time: ArrivalTime) {
        let (zone, kind, serial) = (stream.zone().name.to_string(), stream.kind(), stream.serial());
        if stream.has_failed {
            tracing::error!(%client, zone, "a record is too large for a message with a signature, and the transfer ends");
            return;
        }
        self.transfer_metrics.given(&zone, kind, serial.0, client, time.wall);
        let (kind, records) = (kind.as_str(), stream.records);
        tracing::info!(%client, zone, kind, %serial, records, "a secondary has taken a zone");
    }

    /// Returns whether a reply is over a limit, and if it is, whether its sender is to be told. Only a datagram may have a
    /// forged sender, and a valid cookie shows that it has not.
    fn limit(
        &self,
        tally: &ReplyTally,
        octets: [usize; 2],
        arrival: Arrival,
        steady: Moment,
    ) -> Option<(ReplyLimit, bool)> {
        if arrival.transport != Transport::Udp || tally.cookie == Some(CookieStatus::Valid) {
            return None;
        }
        let cost = ReplyCost { client: arrival.client, subject: tally.subject, octets };
        let LimitJudgement { verdict, evicted } = self.limiter.judge(&cost, steady);
        if evicted > 0 {
            self.answers.count_evicted(evicted);
        }
        match verdict {
            LimitVerdict::Send => None,
            LimitVerdict::Limit { limit, is_told } => Some((limit, is_told)),
        }
    }

    /// Replies to a query whose answer is over a limit, and counts that instead of the answer: what is not sent is no
    /// demand, and moves no client. What the reply is longer than its query is charged as in an answer: a client with a
    /// cookie whose network has nothing left is asked to come back over TCP, in no more octets than it has sent.
    fn put_off(
        &self,
        request: &[u8],
        arrival: Arrival,
        ((limit, is_told), steady): ((ReplyLimit, bool), Moment),
        reply: &mut [u8],
    ) -> Option<usize> {
        let cookies = self.snapshot.base.cookies.as_ref();
        let mut told = is_told.then(|| engine::put_off(cookies, request, arrival, reply)).flatten();
        let excess = told.map_or(0, |(length, _)| length.saturating_sub(request.len()));
        if !self.limiter.pays(arrival.client, excess, steady) {
            told = engine::put_off(None, request, arrival, reply);
        }
        self.answers.count_limited(limit, told.map(|(_, how)| how));
        told.map(|(length, _)| length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RateLimit;
    use crate::serve::fixture::{self, QUERY};

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    /// Asks so many times within ten seconds, with a cookie that nothing proves, and returns the octets of what came and of
    /// what left. The wall clock shows a time that `wall` makes of the true one.
    fn flood(query: &[u8], count: u64, limits: &RateLimit, wall: impl Fn(u64) -> u64) -> [usize; 2] {
        let serving = fixture::serving(Some(limits));
        let mut buffer = [0; 1232];
        let mut octets = [0, 0];
        for number in 0..count {
            let steady = 5000 + number * 10_000 / count;
            let time = ArrivalTime { wall: Moment(wall(steady)), steady: Moment(steady) };
            let reply = serving.answer(query, (CLIENT, Transport::Udp), time, &mut buffer);
            octets = [octets[0] + query.len(), octets[1] + reply.unwrap_or(0)];
        }
        octets
    }

    fn with_cookie(query: &[u8]) -> Vec<u8> {
        let mut query = query.to_vec();
        query[11] = 1;
        query.extend(b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08cookie12");
        query
    }

    #[test]
    fn a_flood_with_unproved_cookies_is_amplified_by_half_at_most_though_each_reply_is_told_so() {
        // `x.` is in no zone here, and its query one of the shortest.
        let short = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x01x\0\0\x01\0\x01";
        let told = RateLimit { slip: 1, ..RateLimit::default() };
        for (query, limits) in [(QUERY, &RateLimit::default()), (QUERY, &told), (short, &told)] {
            for count in [10_000, 40_000, 200_000] {
                let [came, left] = flood(&with_cookie(query), count, limits, |steady| steady);
                assert!(left * 2 <= came * 3, "{left} of {came}, {count} queries, slip {}", limits.slip);
            }
        }
    }

    #[test]
    fn a_wall_clock_that_is_set_again_and_again_empties_no_account() {
        let limits = RateLimit { slip: 0, ..RateLimit::default() };
        let steady = flood(QUERY, 10_000, &limits, |steady| steady);
        assert_eq!(flood(QUERY, 10_000, &limits, |steady| steady * 97 % 86_400_000), steady);
        assert!(steady[1] < steady[0]);
    }
}
