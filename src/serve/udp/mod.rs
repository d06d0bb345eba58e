//! UDP: for each address so many threads, each with a socket of its own.
//!
//! ```text
//!   wait ──▶ receive up to 64 ──▶ answer each from one snapshot ──▶ send all that have a reply ──▶ wait
//! ```
//!
//! The kernel deals the datagrams out to the sockets of an address (`SO_REUSEPORT`). A thread sleeps in the kernel
//! while nothing comes, and per query it allocates nothing, takes no lock and logs nothing; the clock is read once for a
//! batch. A full send buffer drops replies and counts them: waiting for one slow interface would keep all clients
//! waiting.
//!
//! An error of the network never ends a thread: it pauses, so that a broken socket does not spin, and goes on. A
//! panic, which is a fault of ours, costs the batch that it happened in.

mod batch;
mod echo;
mod peer;
mod system;

pub use echo::echo;

use std::collections::BTreeSet;
use std::io;
use std::net::{Shutdown, SocketAddr, UdpSocket};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Protocol, SockRef, Socket, Type};

use self::batch::Batch;
use super::serving::Current;
use super::{filter, serving, socket};
use crate::engine::Transport;
use crate::metrics::{UdpMetrics, UnreadDatagrams, UnreadSocket};

/// Room for a burst of queries while a thread is not scheduled, in bytes. The kernel caps it at
/// `net.core.rmem_max`, so that asking for more than is granted is no error.
const RECEIVE_BUFFER: usize = 4 << 20;

/// The pause after an error of a socket, so that a broken one does not spin.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest wait for the threads to leave their sockets.
const LEAVE_WITHIN: Duration = Duration::from_millis(500);

/// How often a thread looks whether it is to stop, when nothing can wake it: a part of the 2 s in which it must.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Binds the sockets of an address. The first is bound alone, so that a port that any other program has is refused,
/// and shared with the others only then.
pub(super) fn open(address: SocketAddr, threads: usize) -> io::Result<Vec<UdpSocket>> {
    let first = unbound(address)?;
    socket::bind(&first, address)?;
    let address = first.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let mut sockets = vec![first];
    if threads > 1 {
        sockets[0].set_reuse_port(true)?;
    }
    for _ in 1..threads {
        let next = unbound(address)?;
        next.set_reuse_port(true)?;
        socket::bind(&next, address)?;
        sockets.push(next);
    }
    Ok(sockets.into_iter().map(UdpSocket::from).collect())
}

/// Takes the sockets of an address that the process was started with, for so many threads, or more if there are more sockets.
/// Threads without a socket of their own share one.
///
/// Who passed them has them too, and passes them on to the next process: nothing that is done here may keep that from reading
/// them. So no one shuts them down to wake a thread, which looks by itself now and then whether it is to stop.
pub(super) fn adopt(passed: Vec<Socket>, threads: usize) -> io::Result<Vec<UdpSocket>> {
    let mut sockets = Vec::new();
    for socket in passed {
        let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        prepare(&socket, address)?;
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        sockets.push(UdpSocket::from(socket));
    }
    for index in 0..threads.saturating_sub(sockets.len()) {
        sockets.push(sockets[index].try_clone()?);
    }
    Ok(sockets)
}

/// Returns how many threads an address has when it is not said: one for each core.
pub fn usual_threads() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn unbound(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket::unbound(address, Type::DGRAM, Protocol::UDP)?;
    prepare(&socket, address)?;
    Ok(socket)
}

fn prepare(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    // Refused only where the sandbox forbids it; the default size works as well, with less slack.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    if address.ip().is_unspecified() {
        system::report_destinations(socket, address)?;
    }
    // Before the socket is bound, so that no response slips in ahead of the filter.
    filter::only_queries(socket);
    Ok(())
}

/// The threads of all addresses.
pub(super) struct UdpThreads {
    workers: Vec<(Arc<UdpWorker>, JoinHandle<()>)>,
    is_stopping: Arc<AtomicBool>,
    unread: UnreadDatagrams,
}

impl UdpThreads {
    /// Starts a thread for each socket. A socket that gets none is closed: the kernel would deal queries out to it.
    pub(super) fn start(sockets: Vec<UdpSocket>, current: &Arc<Current>, metrics: &UdpMetrics) -> Self {
        let is_stopping = Arc::<AtomicBool>::default();
        let mut workers = Vec::new();
        // Of those that threads share, each once.
        let mut watched = BTreeSet::new();
        for socket in sockets {
            let cookie = SockRef::from(&socket).cookie().ok();
            let worker = Arc::new(UdpWorker {
                is_wildcard: socket.local_addr().is_ok_and(|address| address.ip().is_unspecified()),
                // Only those have one.
                is_shared: socket.read_timeout().is_ok_and(|timeout| timeout.is_some()).into(),
                socket,
                current: Arc::clone(current),
                metrics: metrics.clone(),
                is_stopping: Arc::clone(&is_stopping),
            });
            if cookie.is_some_and(|cookie| watched.insert(cookie)) {
                let socket: Weak<UdpWorker> = Arc::downgrade(&worker);
                metrics.unread.watch(socket);
            }
            let runs = Arc::clone(&worker);
            match thread::Builder::new().name("dns-udp".to_owned()).spawn(move || runs.run()) {
                Ok(thread) => workers.push((worker, thread)),
                Err(error) => tracing::error!("cannot start a thread that answers UDP: {error}"),
            }
        }
        Self { workers, is_stopping, unread: metrics.unread.clone() }
    }

    /// Closes the sockets to what is new, has what waits in them answered, and waits for the threads. What waits in those that
    /// were passed is left to the next process.
    pub(super) fn stop(self) {
        // Their last drops, before they are closed.
        self.unread.total();
        self.is_stopping.store(true, Ordering::Release);
        for (worker, _) in self.workers.iter().filter(|(worker, _)| !worker.is_shared.load(Ordering::Acquire))
        {
            let socket = SockRef::from(&worker.socket);
            filter::nothing_more(&socket);
            // It wakes the thread. That the socket is not connected is an error that comes after that.
            let _ = socket.shutdown(Shutdown::Read);
        }
        for (_, thread) in self.workers {
            let _ = thread.join();
        }
    }

    /// Leaves the sockets to a process that answers on them by now. A thread that waits for a query ends with the next one, which it
    /// answers, or when the other process has the waiting end now and then ([`adopt`]); one that still waits after [`LEAVE_WITHIN`] has
    /// nothing to answer, and ends with this process.
    pub(super) fn leave(self) {
        // Their last drops, before they are closed.
        self.unread.total();
        self.workers.iter().for_each(|(worker, _)| worker.is_shared.store(true, Ordering::Release));
        self.is_stopping.store(true, Ordering::Release);
        let left_at = Instant::now();
        let is_waiting = || self.workers.iter().any(|(_, thread)| !thread.is_finished());
        while is_waiting() && left_at.elapsed() < LEAVE_WITHIN {
            thread::sleep(PAUSE / 10);
        }
    }
}

/// One socket and all that its thread needs.
struct UdpWorker {
    socket: UdpSocket,
    /// Whether each query may have been sent to another address of this machine.
    is_wildcard: bool,
    /// Whether another process has the socket as well, to which what waits in it is left: the one that started this process, or the
    /// one that replaces it.
    is_shared: AtomicBool,
    current: Arc<Current>,
    metrics: UdpMetrics,
    is_stopping: Arc<AtomicBool>,
}

impl UnreadSocket for UdpWorker {
    fn unread(&self) -> Option<u32> {
        system::unread(&self.socket).ok()
    }
}

impl UdpWorker {
    fn run(&self) {
        while catch_unwind(AssertUnwindSafe(|| self.answer_until_stopped())).is_err() {
            tracing::error!(
                "a thread that answers UDP has panicked, which is a fault of Meridian, and goes on"
            );
            thread::sleep(PAUSE);
        }
    }

    fn answer_until_stopped(&self) {
        let mut batch = Batch::new(self.is_wildcard);
        let mut is_failing = false;
        loop {
            let is_last = self.is_stopping.load(Ordering::Acquire);
            if is_last && self.is_shared.load(Ordering::Acquire) {
                return;
            }
            match batch.receive(&self.socket, !is_last) {
                Ok(()) => {
                    self.answer(&mut batch);
                    is_failing = false;
                }
                Err(_) if is_last => return,
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(error) => {
                    // Logged once for all that follow without a query between them.
                    if !is_failing {
                        tracing::warn!("cannot receive UDP queries, trying again: {error}");
                    }
                    is_failing = true;
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    /// Answers a batch. The snapshot is loaded once for it and let go after it: a cached one would stay in memory
    /// for as long as an idle thread sleeps.
    fn answer(&self, batch: &mut Batch) {
        let (serving, time) = (self.current.load(), serving::now());
        batch.answer(|request, client, reply| serving.answer(request, (client, Transport::Udp), time, reply));
        drop(serving);
        let dropped = batch.send(&self.socket);
        self.metrics.dropped(dropped.full, dropped.unsendable, dropped.small_port);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::serve::fixture::{self, QUERY, REPLY};

    fn ask(server: SocketAddr) -> Vec<u8> {
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        client.connect(server).expect("loopback");
        client.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
        client.send(QUERY).expect("loopback takes it");
        let mut reply = [0; 512];
        let length = client.recv(&mut reply).expect("a reply from the address that was asked");
        reply[..length].to_vec()
    }

    fn check(listen: Ipv4Addr, asked: Ipv4Addr, threads: usize) {
        let sockets = open((listen, 0).into(), threads).expect("loopback");
        assert_eq!(sockets.len(), threads);
        let server = SocketAddr::from((asked, sockets[0].local_addr().expect("bound").port()));
        let running = UdpThreads::start(sockets, &fixture::current(), &UdpMetrics::default());
        // Each time from another port, so that every socket gets some.
        (0..20).for_each(|_| assert_eq!(ask(server), REPLY));
        running.stop();
        open(server, 1).expect("the port is free again");
    }

    #[test]
    fn all_threads_of_an_address_answer_and_end_when_they_are_told_to() {
        check(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, 1);
        check(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, 4);
    }

    #[test]
    fn a_reply_from_a_wildcard_address_leaves_from_the_one_that_was_asked() {
        check(Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(127, 0, 0, 5), 2);
    }

    #[test]
    fn queries_that_wait_when_it_stops_are_still_answered() {
        let sockets = open((Ipv4Addr::LOCALHOST, 0).into(), 1).expect("loopback");
        let server = sockets[0].local_addr().expect("bound");
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        (0..200).for_each(|_| _ = client.send_to(QUERY, server).expect("loopback takes it"));
        UdpThreads::start(sockets, &fixture::current(), &UdpMetrics::default()).stop();
        client.set_nonblocking(true).expect("a socket");
        let mut reply = [0; 512];
        let count = std::iter::from_fn(|| client.recv(&mut reply).ok()).count();
        assert_eq!(count, 200);
    }

    #[test]
    fn queries_that_the_kernel_drops_for_want_of_room_are_counted() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        SockRef::from(&socket).set_recv_buffer_size(0).expect("the kernel has a least size");
        let server = socket.local_addr().expect("bound");
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        (0..500).for_each(|_| _ = client.send_to(QUERY, server).expect("loopback takes it"));
        let dropped = system::unread(&socket).expect("the kernel says");
        socket.set_nonblocking(true).expect("a socket");
        let read = std::iter::from_fn(|| socket.recv(&mut [0; 512]).ok()).count();
        assert_eq!((read + dropped as usize, dropped > 0), (500, true));
    }

    #[test]
    fn a_socket_that_was_passed_is_read_by_all_threads_and_by_the_next_process_too() {
        let held = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let server = held.local_addr().expect("bound");
        for _ in 0..2 {
            let given = held.try_clone().expect("a descriptor");
            let sockets = adopt(vec![Socket::from(given)], 3).expect("it is a socket");
            assert_eq!(sockets.len(), 3);
            let running = UdpThreads::start(sockets, &fixture::current(), &UdpMetrics::default());
            (0..20).for_each(|_| assert_eq!(ask(server), REPLY));
            running.stop();
        }
    }

    #[test]
    fn a_port_that_another_program_shares_is_not_joined() {
        let other =
            socket::unbound((Ipv4Addr::LOCALHOST, 0).into(), Type::DGRAM, Protocol::UDP).expect("a socket");
        other.set_reuse_port(true).expect("Linux has it");
        other.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("loopback");
        let taken = other.local_addr().expect("bound").as_socket().expect("an IP address");
        assert_eq!(open(taken, 4).expect_err("taken").kind(), io::ErrorKind::AddrInUse);
    }
}
