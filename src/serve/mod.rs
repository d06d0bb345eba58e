//! Carries bytes between sockets and the engine.
//!
//! ```text
//!   kernel      drops what is no query                     filter
//!     │
//!     ▼
//!   socket      one for each address and transport         bind, udp, tcp
//!     │
//!     ▼
//!   hickory     framing, timeouts, restarts, draining      hickory
//!     │ bytes of a request                 ▲ response
//!     ▼                                    │
//!   answer      loads the snapshot,      decode            reply
//!     │         counts the reply           ▲
//!     ▼                                    │ bytes of a reply
//!   engine      decides every answer ──────╯
//! ```
//!
//! Each layer adds one thing and knows only the next. What arrives on a socket reaches [`AnswerRequest`],
//! and its reply goes back unchanged in meaning. What is answered is decided by `engine` alone; which
//! snapshot it is answered from is the shell's business. hickory-server reads and writes all sockets, with
//! the limits that its module lists.

mod bind;
mod filter;
mod hickory;
mod reply;
mod socket;
pub(crate) mod tcp;
mod udp;

pub use bind::{ListenError, Sockets, bind};
pub use hickory::run;

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::engine;
use crate::engine::{Disposition, Transport};
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

/// Turns the bytes of a request into those of a reply; `None` is silence. It must not block.
pub type AnswerRequest = Arc<dyn Fn(&[u8], IpAddr, Transport) -> Option<Vec<u8>> + Send + Sync>;

/// Returns the function that asks the engine, and counts what it did.
pub fn answer_from(current: Arc<Current>) -> AnswerRequest {
    Arc::new(move |request, client, transport| {
        let serving = current.load();
        let mut reply = vec![0; engine::max_reply(transport)];
        match engine::answer(&serving.snapshot, request, client, transport, &mut reply) {
            Disposition::Reply { length, tally } => {
                serving.answers.count(&tally, transport);
                serving.watch.note(&tally, client);
                reply.truncate(length);
                Some(reply)
            }
            Disposition::Silence => {
                serving.answers.count_silence();
                None
            }
        }
    })
}
