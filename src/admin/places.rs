//! Places for connections of the admin address.
//!
//! A connection arrives, and takes a place when it has said what it wants. How many there are of each is bounded:
//!
//! - Of those that have said nothing yet, one that arrives at a full house takes the place of the one that has been there
//!   longest, of the prefix that has most of them: a program that opens many and stays silent harms itself.
//! - Of requests, so many in all, and half of them for the clients of one prefix, so that there is always room for another
//!   client. Those on this machine may have all: an operator who looks at it from within must not be closed out by a
//!   program that hangs there.
//! - `/healthz` has places of its own: a load balancer that gets no answer takes the name server for dead.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::client::Prefix;

/// The most connections that have not said yet what they want: they cost a descriptor and a few kilobytes each.
pub const MAX_ARRIVALS: usize = 256;

/// The most requests that are served at once: a few people, a few scrapers and a load balancer's checks, not the
/// public.
pub const MAX_REQUESTS: usize = 64;

/// The most requests for `/healthz` that are served at once, which takes no time: those whose clients do not read.
pub const MAX_HEALTH_CHECKS: usize = 16;

/// The most streams that are open at once: a team's browsers.
pub const MAX_STREAMS: usize = 128;

/// How many connections the admin address may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// The most that have not said yet what they want.
    pub arrivals: usize,
    /// The most that are served at once, streams and `/healthz` aside.
    pub requests: usize,
    /// The most streams at once.
    pub streams: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { arrivals: MAX_ARRIVALS, requests: MAX_REQUESTS, streams: MAX_STREAMS }
    }
}

impl ConnectionLimits {
    /// Returns the usual limits, or lower ones that take no more than so many descriptors, but eight of each and what
    /// `/healthz` has.
    pub fn within(descriptors: usize) -> Self {
        let third = (descriptors.saturating_sub(MAX_HEALTH_CHECKS) / 3).max(8);
        Self {
            arrivals: third.min(MAX_ARRIVALS),
            requests: third.min(MAX_REQUESTS),
            streams: third.min(MAX_STREAMS),
        }
    }
}

/// What a request is for, as far as its place is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Whether the server runs.
    Health,
    Other,
}

/// The places, of which some are taken.
#[derive(Clone, Debug)]
pub struct Places {
    arrivals: Arc<Mutex<NewConnections>>,
    requests: Arc<Semaphore>,
    health: Arc<Semaphore>,
    taken: RequestCounts,
    /// The most requests for one prefix.
    per_prefix: usize,
}

/// The connections that have said nothing yet, in the order in which they came.
#[derive(Debug)]
struct NewConnections {
    limit: usize,
    next: u64,
    silent: BTreeMap<u64, (Prefix, oneshot::Sender<()>)>,
}

impl NewConnections {
    /// Sends the one away that has been there longest, of the prefix that has most.
    fn make_room(&mut self) {
        let mut counts: HashMap<Prefix, usize> = HashMap::new();
        self.silent.values().for_each(|(prefix, _)| *counts.entry(*prefix).or_default() += 1);
        let most = counts.values().copied().max().unwrap_or_default();
        let oldest = self.silent.iter().find(|(_, (prefix, _))| counts[prefix] == most);
        let Some(number) = oldest.map(|(number, _)| *number) else { return };
        if let Some((_, leave)) = self.silent.remove(&number) {
            // A connection that has just ended needs no word.
            let _ = leave.send(());
        }
    }
}

/// A connection that has not said yet what it wants, until this is dropped.
#[derive(Debug)]
pub struct NewConnection {
    number: u64,
    arrivals: Arc<Mutex<NewConnections>>,
}

impl NewConnection {
    /// Takes note that it has said what it wants, and returns whether it may stay: it may have had to make room.
    fn has_spoken(&self) -> bool {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).silent.remove(&self.number).is_some()
    }
}

impl Drop for NewConnection {
    fn drop(&mut self) {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).silent.remove(&self.number);
    }
}

/// How many requests are under way for each prefix.
type RequestCounts = Arc<Mutex<HashMap<Prefix, usize>>>;

/// A place that a request has until this is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    counted: Option<(Prefix, RequestCounts)>,
}

impl Places {
    /// Returns places of which all are free.
    pub fn new(limits: ConnectionLimits) -> Self {
        let arrivals = NewConnections { limit: limits.arrivals, next: 0, silent: BTreeMap::new() };
        Self {
            arrivals: Arc::new(Mutex::new(arrivals)),
            requests: Arc::new(Semaphore::new(limits.requests)),
            health: Arc::new(Semaphore::new(MAX_HEALTH_CHECKS)),
            taken: Arc::default(),
            per_prefix: limits.requests.div_ceil(2),
        }
    }

    /// Takes a connection in, and returns what says when it has to make room for another one.
    pub fn arrive(&self, client: IpAddr) -> (NewConnection, oneshot::Receiver<()>) {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if arrivals.silent.len() >= arrivals.limit {
            arrivals.make_room();
        }
        let (leave, leaving) = oneshot::channel();
        let number = arrivals.next;
        arrivals.next += 1;
        arrivals.silent.insert(number, (network(client), leave));
        (NewConnection { number, arrivals: Arc::clone(&self.arrivals) }, leaving)
    }

    /// Waits for a place for a request. `None`: the clients of this prefix have all that they may have.
    pub async fn take(&self, client: IpAddr, purpose: Purpose) -> Option<Place> {
        let places = match purpose {
            Purpose::Health => &self.health,
            Purpose::Other => &self.requests,
        };
        let permit = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
        if purpose == Purpose::Health {
            return Some(Place { _permit: permit, counted: None });
        }
        let prefix = network(client);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(prefix).or_default();
        if *count >= self.per_prefix && !client.to_canonical().is_loopback() {
            return None;
        }
        *count += 1;
        Some(Place { _permit: permit, counted: Some((prefix, Arc::clone(&self.taken))) })
    }
}

/// What a connection has: it arrives, and then has the place of its request.
#[derive(Clone, Debug)]
pub struct Seat {
    places: Places,
    held: Arc<Mutex<Option<SeatHolding>>>,
}

#[derive(Debug)]
enum SeatHolding {
    Arrival(NewConnection),
    Place { _until_dropped: Place },
}

impl Seat {
    /// Takes a connection in, and returns what says when it has to make room for another one.
    pub fn new(places: &Places, client: IpAddr) -> (Self, oneshot::Receiver<()>) {
        let (arrival, leaving) = places.arrive(client);
        let held = Arc::new(Mutex::new(Some(SeatHolding::Arrival(arrival))));
        (Self { places: places.clone(), held }, leaving)
    }

    /// Waits for a place for the request of the connection, and returns whether it may have one.
    pub async fn settle(&self, client: IpAddr, purpose: Purpose) -> bool {
        // From here on it is not silent, and makes room for no other one.
        let before = self.hold(None);
        if let Some(SeatHolding::Arrival(connection)) = &before
            && !connection.has_spoken()
        {
            return false;
        }
        let place = self.places.take(client, purpose).await;
        let may_stay = place.is_some();
        if let Some(place) = place {
            self.hold(Some(SeatHolding::Place { _until_dropped: place }));
        }
        may_stay
    }

    /// Gives the place to another one.
    pub fn leave(&self) {
        self.hold(None);
    }

    /// Holds something else, and returns what was held.
    fn hold(&self, held: Option<SeatHolding>) -> Option<SeatHolding> {
        std::mem::replace(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner), held)
    }
}

/// Returns the network in which one household or office is (RFC 7871, section 11.1).
fn network(client: IpAddr) -> Prefix {
    let client = client.to_canonical();
    Prefix::around(client, if client.is_ipv4() { 24 } else { 48 })
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((prefix, taken)) = &self.counted else { return };
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(prefix) {
            *count -= 1;
            if *count == 0 {
                taken.remove(prefix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(arrivals: usize, requests: usize) -> Places {
        Places::new(ConnectionLimits { arrivals, requests, streams: 1 })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an IP")
    }

    #[tokio::test]
    async fn clients_on_this_machine_may_have_all_places() {
        let places = places(1, 2);
        let _first = places.take(ip("127.0.0.1"), Purpose::Other).await.expect("a place");
        assert!(places.take(ip("127.0.0.1"), Purpose::Other).await.is_some());
    }

    #[tokio::test]
    async fn clients_of_one_prefix_have_half_of_the_places_and_leave_the_rest_to_others() {
        let places = places(1, 4);
        let take = async |client: &str| places.take(ip(client), Purpose::Other).await;
        let first = take("192.0.2.1").await.expect("a place");
        let _second = take("::ffff:192.0.2.2").await.expect("a place");
        assert!(take("192.0.2.3").await.is_none(), "of one /24");
        let _third = take("2001:db8:1::1").await.expect("a place");
        let _fourth = take("198.51.100.1").await.expect("a place");
        drop(first);
        assert!(take("192.0.2.3").await.is_some());
        assert_eq!(places.taken.lock().expect("no test panics with it").len(), 3, "no trace of what is over");
    }

    #[tokio::test]
    async fn health_checks_have_places_while_all_others_are_taken() {
        let places = places(1, 1);
        let _only = places.take(ip("127.0.0.1"), Purpose::Other).await.expect("a place");
        assert!(places.take(ip("192.0.2.1"), Purpose::Health).await.is_some());
    }

    #[tokio::test]
    async fn at_a_full_house_the_oldest_of_the_prefix_with_most_silent_connections_leaves() {
        let places = places(3, 1);
        let (_other, mut other) = places.arrive(ip("198.51.100.1"));
        let (_first, mut first) = places.arrive(ip("192.0.2.1"));
        let (second, mut second_leaves) = places.arrive(ip("192.0.2.2"));
        let (_third, mut third) = places.arrive(ip("192.0.2.3"));
        assert_eq!(first.try_recv(), Ok(()));
        drop(second);
        let (_fourth, _) = places.arrive(ip("192.0.2.4"));
        for stays in [&mut other, &mut third] {
            assert_eq!(stays.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        }
        assert_eq!(
            second_leaves.try_recv(),
            Err(oneshot::error::TryRecvError::Closed),
            "it has left by itself"
        );
    }
}
