//! What other instances need for a stream, and what they get.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::admin::access::HashedToken;
use crate::moment::Moment;
use crate::peers::PeerHub;

/// How often a refusal of one kind is logged: its peer tries again every few seconds.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// What other instances need for a stream, and what they get.
#[derive(Debug)]
pub struct PeerGate {
    pub hub: Arc<PeerHub>,
    /// What they prove themselves with.
    pub(super) secret: HashedToken,
    /// When a refusal was last logged, by its word.
    logged: Mutex<BTreeMap<&'static str, Moment>>,
}

impl PeerGate {
    /// Lets in those who have the secret.
    pub fn new(hub: Arc<PeerHub>, secret: HashedToken) -> Self {
        Self { hub, secret, logged: Mutex::default() }
    }

    /// Returns whether a refusal of this kind is to be logged now.
    pub(super) fn is_news(&self, word: &'static str, now: Moment) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = logged.get(word).is_none_or(|at| now.since(*at) >= LOG_EVERY);
        if is_news {
            logged.insert(word, now);
        }
        is_news
    }
}
