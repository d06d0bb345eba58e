//! Which connections there may be: so many in all, and so many for the clients of one prefix.
//!
//! Beyond either limit the oldest idle connection makes room, of all or of that prefix (RFC 7766, section 6.2.3, lets a
//! server close idle connections at any time). When none is idle, the new one is turned away: those that are being
//! answered have bounds of their own in time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::client::Prefix;

/// The networks whose clients are one for the limit: what one household or office has.
const PREFIXES: [u8; 2] = [24, 56];

/// The `idle_since` of a connection that is not idle.
const BUSY: u64 = u64::MAX;

/// The `idle_since` of a connection whose place another one has.
const DISPLACED: u64 = u64::MAX - 1;

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionLimits {
    pub connections: usize,
    /// For the clients of one prefix.
    pub per_client: usize,
}

/// All connections.
#[derive(Debug, Default)]
pub struct ConnectionTable {
    open: Mutex<OpenConnections>,
    /// Numbers the moments at which connections become idle: their order is all that matters.
    moments: AtomicU64,
}

#[derive(Debug, Default)]
struct OpenConnections {
    by_number: HashMap<u64, Arc<OpenConnection>>,
    per_client: HashMap<Prefix, usize>,
    next: u64,
}

#[derive(Debug)]
struct OpenConnection {
    client: Prefix,
    /// A moment, [`BUSY`] or [`DISPLACED`], which is the last: a connection is displaced while it is idle, or not at all.
    idle_since: AtomicU64,
    /// Told when it is to make room.
    leave: Notify,
}

/// A connection's place, which is free again when this is dropped.
#[derive(Debug)]
pub struct ConnectionPlace {
    table: Arc<ConnectionTable>,
    number: u64,
    connection: Arc<OpenConnection>,
}

impl ConnectionTable {
    /// Gives a place to a connection, which counts as busy. `None`: there is no room for it.
    pub fn admit(self: &Arc<Self>, client: IpAddr, limits: AdmissionLimits) -> Option<ConnectionPlace> {
        let client = client.to_canonical();
        let [v4, v6] = PREFIXES;
        let client = Prefix::around(client, if client.is_ipv4() { v4 } else { v6 });
        let mut open = self.open();
        if open.per_client.get(&client).is_some_and(|count| *count >= limits.per_client) {
            open.make_room(|connection| connection.client == client)?;
        }
        if open.by_number.len() >= limits.connections {
            open.make_room(|_| true)?;
        }
        let number = open.next;
        open.next += 1;
        let connection =
            Arc::new(OpenConnection { client, idle_since: AtomicU64::new(BUSY), leave: Notify::new() });
        open.by_number.insert(number, Arc::clone(&connection));
        *open.per_client.entry(client).or_default() += 1;
        drop(open);
        Some(ConnectionPlace { table: Arc::clone(self), number, connection })
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnections {
    /// Tells the oldest idle connection of these to leave, and takes its place from it. `None`: none is idle.
    ///
    /// It looks at all of them, which takes a microsecond for each few hundred: less than the kernel takes to set up
    /// the connection that asks for it.
    fn make_room(&mut self, of: impl Fn(&OpenConnection) -> bool) -> Option<()> {
        loop {
            let of_these = self.by_number.iter().filter(|(_, each)| of(each));
            let since = of_these.map(|(number, each)| (each.idle_since.load(Ordering::Relaxed), *number));
            let (since, oldest) = since.filter(|(since, _)| *since != BUSY).min()?;
            // One that a request has come for meanwhile keeps its place.
            if self.by_number[&oldest].displace(since) {
                self.remove(oldest);
                return Some(());
            }
        }
    }

    fn remove(&mut self, number: u64) -> Option<Arc<OpenConnection>> {
        let connection = self.by_number.remove(&number)?;
        if let Some(count) = self.per_client.get_mut(&connection.client) {
            *count -= 1;
            if *count == 0 {
                self.per_client.remove(&connection.client);
            }
        }
        Some(connection)
    }
}

impl OpenConnection {
    /// Tells a connection to leave if it is idle since that moment still, and returns whether it is.
    fn displace(&self, since: u64) -> bool {
        let displaced =
            self.idle_since.compare_exchange(since, DISPLACED, Ordering::Relaxed, Ordering::Relaxed);
        if displaced.is_ok() {
            self.leave.notify_one();
        }
        displaced.is_ok()
    }
}

impl ConnectionPlace {
    /// Notes that the connection has nothing to do, since now.
    pub fn idle(&self) {
        let moment = self.table.moments.fetch_add(1, Ordering::Relaxed);
        self.connection.idle_since.store(moment, Ordering::Relaxed);
    }

    /// Notes that the connection is at work, and returns whether it may be: not when it is to make room for another.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.connection.idle_since.swap(BUSY, Ordering::Relaxed) != DISPLACED
    }

    /// Completes when the connection is to make room for another.
    pub async fn must_leave(&self) {
        self.connection.leave.notified().await;
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        self.table.open().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const LIMITS: AdmissionLimits = AdmissionLimits { connections: 3, per_client: 2 };

    /// Plays `CLIENT`, a connection that becomes idle at once, and `CLIENT busy`, one that does not; returns for each
    /// whether it is in the table at the end, or was turned away.
    fn check(arrivals: &[&str], expected: &[&str]) {
        let table = Arc::new(ConnectionTable::default());
        let places: Vec<_> = arrivals
            .iter()
            .map(|arrival| {
                let (client, is_busy) =
                    arrival.split_once(' ').map_or((*arrival, false), |(ip, _)| (ip, true));
                let place = table.admit(client.parse().expect("an IP"), LIMITS)?;
                if !is_busy {
                    place.idle();
                }
                Some(place)
            })
            .collect();
        let fate = |place: &Option<ConnectionPlace>| match place {
            None => "turned away",
            Some(place) if leaves(place) => "leaves",
            Some(_) => "stays",
        };
        assert_eq!(places.iter().map(fate).collect::<Vec<_>>(), expected, "{arrivals:?}");
        drop(places);
        let open = table.open();
        assert!(open.by_number.is_empty() && open.per_client.is_empty(), "no trace of what is over");
    }

    fn leaves(place: &ConnectionPlace) -> bool {
        let mut leaving = pin!(place.must_leave());
        leaving.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn beyond_the_limit_the_oldest_idle_connection_makes_room() {
        check(&["192.0.2.1", "198.51.100.1", "2001:db8::1"], &["stays", "stays", "stays"]);
        check(
            &["192.0.2.1", "198.51.100.1", "2001:db8::1", "203.0.113.1", "10.0.0.1"],
            &["leaves", "leaves", "stays", "stays", "stays"],
        );
        check(
            &["192.0.2.1 busy", "198.51.100.1", "2001:db8::1", "203.0.113.1"],
            &["stays", "leaves", "stays", "stays"],
        );
    }

    #[test]
    fn connections_at_work_are_never_closed_for_a_new_one() {
        check(
            &["192.0.2.1 busy", "198.51.100.1 busy", "2001:db8::1 busy", "203.0.113.1"],
            &["stays", "stays", "stays", "turned away"],
        );
    }

    #[test]
    fn a_request_that_comes_after_a_connection_was_displaced_does_not_keep_it() {
        let table = Arc::new(ConnectionTable::default());
        let admit = || table.admit("192.0.2.1".parse().expect("an IP"), LIMITS).expect("there is room");
        let (first, second) = (admit(), admit());
        first.idle();
        second.idle();
        assert!(first.busy() && second.busy());
        second.idle();
        let _third = admit();
        assert!(first.busy() && !second.busy());
    }

    #[test]
    fn clients_of_one_prefix_make_room_among_themselves() {
        check(
            &["198.51.100.1", "192.0.2.1", "::ffff:192.0.2.2", "192.0.2.3"],
            &["stays", "leaves", "stays", "stays"],
        );
        check(
            &["198.51.100.1", "2001:db8::1 busy", "2001:db8:0:ff::1 busy", "2001:db8::3"],
            &["stays", "stays", "stays", "turned away"],
        );
    }
}
