//! What answers are made from: a snapshot, and the counters that go with it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;

use crate::engine::{self, Arrival, Disposition};
use crate::metrics::{AnswerCounters, ResolverWatch};
use crate::moment::Moment;
use crate::snapshot::Snapshot;

/// A snapshot together with the counters of its zones and regions, so that a tally always meets the table
/// that its numbers index.
#[derive(Debug)]
pub struct Serving {
    /// The source of answers.
    pub snapshot: Arc<Snapshot>,
    pub answers: Arc<AnswerCounters>,
    /// Counts the resolvers that get addresses which clients are being moved away from.
    pub watch: ResolverWatch,
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
}
