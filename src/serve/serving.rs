//! What answers are made from: a snapshot, and the counters that go with it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;

use super::limit::{LimitJudgement, LimitVerdict, Limiter, ReplyCost};
use crate::engine::{self, Arrival, Disposition, ReplyTally, Transport};
use crate::metrics::{AnswerCounters, ReplyLimit, ResolverWatch};
use crate::moment::Moment;
use crate::snapshot::Snapshot;
use crate::wire::CookieStatus;

/// A snapshot together with the counters of its zones and regions, so that a tally always meets the table
/// that its numbers index.
#[derive(Debug)]
pub struct Serving {
    /// The source of answers.
    pub snapshot: Arc<Snapshot>,
    pub answers: Arc<AnswerCounters>,
    /// Counts the resolvers that get addresses which clients are being moved away from.
    pub watch: ResolverWatch,
    /// Limits what is sent over UDP.
    pub limiter: Limiter,
}

/// Published by the writer, and read for every answer.
pub type Current = ArcSwap<Serving>;

/// Returns what the wall clock shows, for the requests that are answered together. Cookies are shared with other
/// instances, so that it is the wall clock and not that of this process.
pub(super) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::default().plus(since)
}

impl Serving {
    /// Answers a request into `reply`, which has room for every reply over its transport, counts what was done, and
    /// returns the octets of the reply; `None` is silence.
    pub fn answer(&self, request: &[u8], arrival: Arrival, reply: &mut [u8]) -> Option<usize> {
        let Arrival { client, transport, .. } = arrival;
        match engine::answer(&self.snapshot, request, arrival, reply) {
            Disposition::Reply { length, tally } => {
                let octets = [request.len(), length];
                if let Some(is_told) = self.limit(&tally, octets, arrival) {
                    return self.put_off(request, arrival, is_told, reply);
                }
                self.answers.count(&tally, transport);
                self.watch.note(&tally, client);
                Some(length)
            }
            Disposition::Silence => {
                self.answers.count_silence();
                None
            }
        }
    }

    /// Returns whether a reply is over a limit, and if it is, whether its sender is to be told. Only a datagram may have a
    /// forged sender, and a valid cookie shows that it has not.
    fn limit(&self, tally: &ReplyTally, octets: [usize; 2], arrival: Arrival) -> Option<(ReplyLimit, bool)> {
        if arrival.transport != Transport::Udp || tally.cookie == Some(CookieStatus::Valid) {
            return None;
        }
        let cost = ReplyCost { client: arrival.client, subject: tally.subject, octets };
        let LimitJudgement { verdict, evicted } = self.limiter.judge(&cost, arrival.at);
        if evicted > 0 {
            self.answers.count_evicted(evicted);
        }
        match verdict {
            LimitVerdict::Send => None,
            LimitVerdict::Limit { limit, is_told } => Some((limit, is_told)),
        }
    }

    /// Replies to a query whose answer is over a limit, and counts that instead of the answer: what is not sent is no
    /// demand, and moves no client.
    fn put_off(
        &self,
        request: &[u8],
        arrival: Arrival,
        (limit, is_told): (ReplyLimit, bool),
        reply: &mut [u8],
    ) -> Option<usize> {
        let cookies = self.snapshot.base.cookies.as_ref();
        let told = is_told.then(|| engine::put_off(cookies, request, arrival, reply)).flatten();
        self.answers.count_limited(limit, told.map(|(_, how)| how));
        told.map(|(length, _)| length)
    }
}
