//! Places for connections of the admin address: so many in all, and so many for the clients of one prefix.
//!
//! Those beyond the first limit wait in the kernel's queue; those beyond the second are closed, so that one client
//! that opens many keeps no other waiting. Clients on this machine wait in all cases: an operator who looks at it from
//! within must not be closed out by a program that hangs there.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::Prefix;

/// The most connections that are served at once: a few people, a few scrapers and a load balancer's checks, not the
/// public.
pub const MAX_REQUESTS: usize = 64;

/// The most streams that are open at once: a team's browsers.
pub const MAX_STREAMS: usize = 128;

/// How many connections the admin address may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// The most that are served at once, streams aside.
    pub requests: usize,
    /// The most streams at once.
    pub streams: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { requests: MAX_REQUESTS, streams: MAX_STREAMS }
    }
}

impl ConnectionLimits {
    /// Returns the usual limits, or lower ones that take no more than so many descriptors, but eight of each.
    pub fn within(descriptors: usize) -> Self {
        let half = (descriptors / 2).max(8);
        Self { requests: half.min(MAX_REQUESTS), streams: half.min(MAX_STREAMS) }
    }
}

/// The places, of which some are taken.
#[derive(Debug)]
pub struct Places {
    free: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<Prefix, usize>>>,
    /// The most for one prefix: half of them, so that there is always room for another client.
    per_prefix: usize,
}

/// A place that a connection has until this is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    taken: Arc<Mutex<HashMap<Prefix, usize>>>,
    prefix: Prefix,
}

impl Places {
    /// Returns places of which all are free.
    pub fn new(limit: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(limit)), taken: Arc::default(), per_prefix: limit.div_ceil(2) }
    }

    /// Waits for a free place.
    pub async fn free(&self) -> OwnedSemaphorePermit {
        let free = Arc::clone(&self.free).acquire_owned().await;
        free.expect("the semaphore is never closed")
    }

    /// Gives a free place to a client. `None`: those of its prefix have all that they may have.
    pub fn take(&self, permit: OwnedSemaphorePermit, client: IpAddr) -> Option<Place> {
        // The networks in which one household or office is (RFC 7871, section 11.1).
        let client = client.to_canonical();
        let prefix = Prefix::around(client, if client.is_ipv4() { 24 } else { 48 });
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(prefix).or_default();
        if *count >= self.per_prefix && !client.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Place { _permit: permit, taken: Arc::clone(&self.taken), prefix })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.prefix) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.prefix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn clients_on_this_machine_may_have_all_places() {
        let places = Places::new(2);
        let client: IpAddr = "127.0.0.1".parse().expect("an IP");
        let _first = places.take(places.free().await, client).expect("a place");
        assert!(places.take(places.free().await, client).is_some());
    }

    #[tokio::test]
    async fn clients_of_one_prefix_have_half_of_the_places_and_leave_the_rest_to_others() {
        let places = Places::new(4);
        let take = async |client: &str| places.take(places.free().await, client.parse().expect("an IP"));
        let first = take("192.0.2.1").await.expect("a place");
        let _second = take("::ffff:192.0.2.2").await.expect("a place");
        assert!(take("192.0.2.3").await.is_none(), "of one /24");
        let _third = take("2001:db8:1::1").await.expect("a place");
        let _fourth = take("198.51.100.1").await.expect("a place");
        drop(first);
        assert!(take("192.0.2.3").await.is_some());
        assert_eq!(places.taken.lock().expect("nobody panics with it").len(), 3, "no trace of what is over");
    }
}
