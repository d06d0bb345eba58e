//! Datagrams that the kernel dropped before they were read: as many as the sockets say whenever metrics are read.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A socket that knows how many datagrams the kernel dropped instead of giving them to it.
pub trait UnreadSocket: Send + Sync {
    /// Returns how many they are since the socket was made, modulo 2^32; `None`: that is not known.
    fn unread(&self) -> Option<u32>;
}

/// What the kernel drops of all sockets. A copy counts with the original.
#[derive(Clone, Default)]
pub struct UnreadDatagrams(Arc<Mutex<WatchedSockets>>);

#[derive(Default)]
struct WatchedSockets {
    /// Each with what it said last.
    sockets: Vec<(Weak<dyn UnreadSocket>, u32)>,
    total: u64,
}

impl UnreadDatagrams {
    /// Counts what the kernel drops of a socket from now on, as long as it is there.
    pub fn watch(&self, socket: Weak<dyn UnreadSocket>) {
        let now = socket.upgrade().and_then(|socket| socket.unread()).unwrap_or_default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sockets.push((socket, now));
    }

    /// Returns how many were dropped since each socket is watched. Right before a socket is closed this counts its last.
    pub fn total(&self) -> u64 {
        let WatchedSockets { sockets, total } = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.retain_mut(|(socket, last)| {
            let Some(socket) = socket.upgrade() else { return false };
            if let Some(now) = socket.unread() {
                *total += u64::from(now.wrapping_sub(*last));
                *last = now;
            }
            true
        });
        *total
    }
}

impl fmt::Debug for UnreadDatagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnreadDatagrams").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Counted(AtomicU32);

    impl UnreadSocket for Counted {
        fn unread(&self) -> Option<u32> {
            Some(self.0.load(Ordering::Relaxed))
        }
    }

    #[test]
    fn what_sockets_dropped_while_they_were_watched_stays_counted_when_they_are_gone() {
        let all = UnreadDatagrams::default();
        let [one, other] = [u32::MAX, 7].map(|count| Arc::new(Counted(count.into())));
        let watch = |socket: &Arc<Counted>| {
            let socket: Weak<Counted> = Arc::downgrade(socket);
            all.watch(socket);
        };
        watch(&one);
        watch(&other);
        assert_eq!(all.total(), 0, "those from before are no news");
        one.0.store(2, Ordering::Relaxed);
        other.0.store(8, Ordering::Relaxed);
        assert_eq!(all.total(), 4, "the count of the kernel begins anew after 2^32");
        drop(one);
        assert_eq!(all.total(), 4);
    }
}
