//! What answers are made from: a snapshot, and the counters that go with it.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

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

/// When the requests that are answered together came.
#[derive(Clone, Copy, Debug)]
pub(super) struct ArrivalTime {
    /// By the wall clock: cookies are shared with other instances.
    wall: Moment,
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
        let arrival = Arrival { client, transport, at: time.wall };
        match engine::answer(&self.snapshot, request, arrival, reply) {
            Disposition::Reply { length, tally } => {
                let octets = [request.len(), length];
                if let Some(limited) = self.limit(&tally, octets, arrival, time.steady) {
                    return self.put_off(request, arrival, limited, reply);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RateLimit;
    use crate::serve::fixture::{self, QUERY};

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    /// Asks so many times within ten seconds, and returns the octets of what came and of
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

    #[test]
    fn a_wall_clock_that_is_set_again_and_again_empties_no_account() {
        let limits = RateLimit { slip: 0, ..RateLimit::default() };
        let steady = flood(QUERY, 10_000, &limits, |steady| steady);
        assert_eq!(flood(QUERY, 10_000, &limits, |steady| steady * 97 % 86_400_000), steady);
        assert!(steady[1] < steady[0]);
    }
}
