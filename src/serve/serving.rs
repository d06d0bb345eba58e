//! What answers are made from: a snapshot, and the counters that go with it.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::engine::{self, Disposition, Transport};
use crate::metrics::{AnswerCounters, ResolverWatch};
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

impl Serving {
    /// Answers a request into `reply`, which has room for every reply over `transport`, counts what was done, and
    /// returns the octets of the reply; `None` is silence.
    pub fn answer(
        &self,
        request: &[u8],
        client: IpAddr,
        transport: Transport,
        reply: &mut [u8],
    ) -> Option<usize> {
        match engine::answer(&self.snapshot, request, client, transport, reply) {
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
