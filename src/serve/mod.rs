//! Carries bytes between sockets and the engine.
//!
//! A lane owns one socket and promises that what arrives on it reaches the [`Responder`] and that the
//! reply goes back unchanged in meaning. What is answered is decided by `engine` alone; which snapshot
//! it is answered from is the shell's business. Today every lane runs on hickory-server ([`lane`]),
//! whose limits are written down there.

mod bind;
mod filter;
mod lane;
mod reply;

pub use bind::{BindError, Sockets, bind};
pub use lane::run;

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::engine;
use crate::engine::{Outcome, Transport};
use crate::metrics::{Answers, Watch};
use crate::snapshot::Snapshot;

/// What queries are answered from, together with the counters of its zones and regions, so that a
/// tally always meets the table that its numbers index.
#[derive(Debug)]
pub struct Serving {
    /// What queries are answered from.
    pub snapshot: Arc<Snapshot>,
    /// Where its answers are counted.
    pub answers: Arc<Answers>,
    /// Where it is noted who gets addresses that clients are sent away from.
    pub watch: Watch,
}

/// The place that the writer publishes to and every lane reads from.
pub type Current = ArcSwap<Serving>;

/// Turns the bytes of a request into those of a reply; `None` is silence. It must not block.
pub type Responder = Arc<dyn Fn(&[u8], IpAddr, Transport) -> Option<Vec<u8>> + Send + Sync>;

/// Returns the responder that asks the engine and counts what it did.
pub fn responder(current: Arc<Current>) -> Responder {
    Arc::new(move |request, client, transport| {
        let serving = current.load();
        let mut reply = vec![0; engine::most(transport)];
        match engine::answer(&serving.snapshot, request, client, transport, &mut reply) {
            Outcome::Reply { length, tally } => {
                serving.answers.count(&tally, transport);
                serving.watch.note(&tally, client);
                reply.truncate(length);
                Some(reply)
            }
            Outcome::Silence => {
                serving.answers.count_silence();
                None
            }
        }
    })
}
