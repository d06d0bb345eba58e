//! Peers: the streams over which instances tell each other what they see.
//!
//! ```text
//!   the writer ──▶ hub ──▶ one feed a peer ──▶ GET /peers/stream ──▶ subscription at the peer ──▶ its writer
//! ```
//!
//! Each instance asks every other one for a stream ([`subscription`]) over its admin address, and so has its own end of two
//! connections with each. A stream is lines of JSON ([`protocol`]) in one response without an end (HTTP/1.1, chunked): a
//! greeting, all facts, and then what changes, with a heartbeat each second ([`hub`]). A line that is missing, late, too
//! long or senseless ends the stream, and the next one begins with all facts again.
//!
//! What is told is judged in [`health`](crate::health); nothing here decides anything.

pub(crate) mod hub;
pub(crate) mod protocol;
pub(crate) mod subscription;

pub use hub::{PeerFeed, PeerHub, PeerLimit};
pub use protocol::{PROTOCOL, is_understood};
pub use subscription::{PeerIdentity, Subscription, client, subscribe};
