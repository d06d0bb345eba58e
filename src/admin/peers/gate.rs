//! What other instances need for a stream, and what they get.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::admin::access::HashedToken;
use crate::peers::PeerHub;

/// How often refusals of one kind and address are logged: a peer tries again every few seconds.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The most kinds and addresses whose refusals are logged within that time; peers are six, and the others strangers.
const MAX_LOGGED: usize = 64;

/// What other instances need for a stream, and what they get.
#[derive(Debug)]
pub struct PeerGate {
    pub hub: Arc<PeerHub>,
    /// What they prove themselves with.
    pub(super) secret: HashedToken,
    refusals: Refusals,
}

/// The refusals that were logged, by address and kind.
#[derive(Debug, Default)]
struct Refusals(Mutex<BTreeMap<(IpAddr, &'static str), Logged>>);

#[derive(Debug)]
struct Logged {
    at: Instant,
    /// The refusals since.
    count: u32,
}

impl PeerGate {
    /// Lets in those who have the secret.
    pub fn new(hub: Arc<PeerHub>, secret: HashedToken) -> Self {
        Self { hub, secret, refusals: Refusals::default() }
    }

    /// Logs that an instance is refused, and how often since the last line, if it is time to.
    pub(super) fn refused(&self, address: IpAddr, word: &'static str, why: &str) {
        match self.refusals.count(address, word, Instant::now()) {
            None => {}
            Some(1) => tracing::warn!("a peer at {address} is refused: {why}"),
            Some(count) => tracing::warn!("a peer at {address} is refused {count} times: {why}"),
        }
    }
}

impl Refusals {
    /// Counts one, and returns how many there were since the last line if there is to be another now.
    fn count(&self, address: IpAddr, word: &'static str, now: Instant) -> Option<u32> {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |logged: &Logged| now.duration_since(logged.at) >= LOG_EVERY;
        if let Some(known) = logged.get_mut(&(address, word)) {
            known.count = known.count.saturating_add(1);
            let count = known.count;
            return is_old(known).then(|| {
                *known = Logged { at: now, count: 0 };
                count
            });
        }
        if logged.len() >= MAX_LOGGED {
            logged.retain(|_, logged| !is_old(logged));
        }
        (logged.len() < MAX_LOGGED).then(|| {
            logged.insert((address, word), Logged { at: now, count: 0 });
            1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_refused_again_and_again_is_one_line_a_minute_with_how_often() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let [one, other] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let count =
            |address, word, second| refusals.count(address, word, start + Duration::from_secs(second));
        assert_eq!(count(one, "wrong_token", 0), Some(1));
        assert_eq!([5, 10, 59].map(|second| count(one, "wrong_token", second)), [None; 3]);
        assert_eq!(count(one, "peer_unknown", 59), Some(1), "another reason is another line");
        assert_eq!(count(other, "wrong_token", 59), Some(1), "and so is another address");
        assert_eq!([60, 61, 120].map(|second| count(one, "wrong_token", second)), [Some(4), None, Some(2)]);
    }

    #[test]
    fn a_flood_of_strangers_fills_neither_the_log_nor_memory() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let stranger = |number: u32| IpAddr::from(number.to_be_bytes());
        let lines = |second| {
            let now = start + Duration::from_secs(second);
            (0..1000).filter(|number| refusals.count(stranger(*number), "wrong_token", now).is_some()).count()
        };
        assert_eq!([lines(0), lines(1)], [MAX_LOGGED, 0]);
        assert!(refusals.0.lock().expect("no panic").len() <= MAX_LOGGED);
    }
}
