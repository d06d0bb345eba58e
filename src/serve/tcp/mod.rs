//! TCP: connections on threads of their own, bounded in number, time and memory (RFC 7766).
//!
//! ```text
//!   accept ──▶ admitted? ──▶ turn: read, answer what is whole, write ──▶ wait for more ──▶ turn …
//!                 │                     ╰──▶ a client that does not read: write, no reading meanwhile
//!                 ╰──▶ the oldest idle connection makes room, or this one is closed
//! ```
//!
//! The threads are nicer than those of UDP, which most clients use: however many connections ask, a datagram that
//! arrives is answered before them. Probes and pages run elsewhere and wait for neither. DNS over TLS runs here, too:
//! a handshake costs far more than an answer, and however many begin, no probe times out behind them.
//!
//! No error of `accept` ends a listener. One of a connection (ECONNABORTED) is the client's; when the process has no
//! descriptors left (EMFILE), a pause keeps it from spinning. Both are counted.

mod admission;
mod connection;
mod turn;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Protocol, SockRef, Socket, Type};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use self::admission::{AdmissionLimits, ConnectionTable};
use self::connection::Connection;
use super::serving::Current;
use super::{filter, socket};
use crate::metrics::TcpMetrics;

pub use self::connection::{READ_WITHIN, WRITE_WITHIN};

/// How many connections the kernel completes ahead of `accept`; what larger servers use, too.
const BACKLOG: i32 = 1024;

/// The pause after an error of `accept` that the next call would only repeat.
const PAUSE: Duration = Duration::from_millis(100);

/// How long what has arrived is still answered after the process was told to stop. An answer takes
/// microseconds; this is for the queues before it.
const DRAIN: Duration = Duration::from_millis(250);

/// How much nicer the threads are than those of UDP: they get a tenth of a core that both want.
const NICE: i32 = 10;

/// Binds a listener.
pub(super) fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket::unbound(address, Type::STREAM, Protocol::TCP)?;
    // A restart must not wait for the connections of the last run to leave TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket::bind(&socket, address)?;
    socket.set_nonblocking(true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Takes a listener that the process was started with.
pub(super) fn adopt(listener: Socket) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    Ok(listener.into())
}

/// Everything that connections share.
struct TcpService {
    current: Arc<Current>,
    metrics: TcpMetrics,
    table: Arc<ConnectionTable>,
    /// The most connections for which the process has descriptors.
    most: usize,
}

/// Runs what answers connections on the threads of this module, until it ends. It blocks.
///
/// # Errors
///
/// When the system gives no threads.
pub(super) fn run_apart(answering: impl Future<Output = ()>) -> io::Result<()> {
    let runtime = runtime()?;
    runtime.block_on(answering);
    // Connections that are left are closed.
    runtime.shutdown_background();
    Ok(())
}

fn runtime() -> io::Result<Runtime> {
    let nicer = || {
        // Refused only by a sandbox, where the threads are as others are.
        let _ = rustix::process::nice(NICE);
    };
    Builder::new_multi_thread().thread_name("dns-tcp").on_thread_start(nicer).enable_all().build()
}

/// Answers on all listeners until `stop` turns true, then drains them.
pub(super) async fn run(
    listeners: Vec<TcpListener>,
    current: Arc<Current>,
    metrics: TcpMetrics,
    most: usize,
    mut stop: watch::Receiver<bool>,
) {
    let service = Arc::new(TcpService { current, metrics, table: Arc::default(), most });
    let mut loops = JoinSet::new();
    for listener in &listeners {
        match listener.try_clone().and_then(tokio::net::TcpListener::from_std) {
            Ok(listener) => _ = loops.spawn(accept_all(listener, Arc::clone(&service))),
            Err(error) => tracing::error!("cannot accept TCP connections: {error}"),
        }
    }
    let _ = stop.wait_for(|stop| *stop).await;
    listeners.iter().for_each(|listener| filter::nothing_more(&SockRef::from(listener)));
    time::sleep(DRAIN).await;
}

/// Accepts for ever.
async fn accept_all(listener: tokio::net::TcpListener, service: Arc<TcpService>) {
    let mut is_failing = false;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                is_failing = false;
                admit(stream, peer, &service);
            }
            Err(error) if is_of_one_connection(&error) => service.metrics.aborted(),
            Err(error) => {
                service.metrics.not_accepted();
                // Logged once for all that follow without a connection between them.
                if !is_failing {
                    tracing::warn!("cannot accept TCP connections, trying again: {error}");
                }
                is_failing = true;
                time::sleep(PAUSE).await;
            }
        }
    }
}

/// Serves a connection, if there is room for it, and closes it otherwise.
fn admit(stream: TcpStream, peer: SocketAddr, service: &Arc<TcpService>) {
    let settings = service.current.load().snapshot.base.config.server.listen.tcp;
    let limits = AdmissionLimits {
        connections: settings.connections.min(service.most),
        per_client: settings.per_client,
    };
    let Some(place) = service.table.admit(peer.ip(), limits) else {
        service.metrics.refused();
        return;
    };
    // A reply is written whole, and waits for nothing more.
    let _ = stream.set_nodelay(true);
    let (current, counted) = (Arc::clone(&service.current), service.metrics.opened());
    tokio::spawn(async move {
        let ending = Connection::new(stream, peer.ip(), current, place).run().await;
        counted.because(ending.as_str());
    });
}

/// Returns whether an error of `accept` is one of the connection that was about to be accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NetworkUnreachable};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NetworkUnreachable)
}
