//! Accepts connections, and lets none of them stay but streams.
//!
//! Each connection carries one request and ends within [`LIFETIME`], whatever the client does, so that
//! one bound covers a slow request, a slow reader and an idle connection. How many there are at once is [`Places`].
//! A connection that turns into a stream ([`Stay`]) gives its place to others, and has one among the streams instead
//! (`stream`). `axum::serve` bounds nothing of this, so hyper is driven directly.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::access::Peer;
use super::places::{Places, Seat};
use super::routes;
use super::state::AdminState;
use super::stream::feed::{Feeding, Stay};
use super::stream::keep_telling;
use super::tls::{CertificateNames, TlsPolicy};
use super::trends::keep_sampling;

/// The longest a connection lives: what Prometheus grants a scrape by default (`scrape_timeout`).
pub const LIFETIME: Duration = Duration::from_secs(10);

/// The longest a handshake may take: three round trips around the globe, and the work of a busy machine.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest the head of a request may take: one packet from a client that is not in trouble.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(2);

/// The largest head of a request: the longest owner name, every octet of it escaped twice, takes 3 KiB
/// of the URL, and scrapers send some hundred octets of headers.
pub const MAX_HEAD: usize = 8 << 10;

/// The most headers; a browser sends about fifteen.
pub const MAX_HEADERS: usize = 64;

/// How long what is in flight may take when the server stops: a part of the 5 s that it has in all.
const DRAIN: Duration = Duration::from_secs(1);

/// The pause after a failed `accept`: when file descriptors run out, trying again at once would only
/// take the processor from those who could free one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A bound socket.
#[derive(Debug)]
pub struct AdminListener {
    /// Its address, with the port that was chosen when port 0 was asked for.
    pub address: SocketAddr,
    socket: TcpListener,
}

impl AdminListener {
    /// Returns its socket.
    pub fn socket(&self) -> &TcpListener {
        &self.socket
    }
}

/// An address that cannot be listened on. Its message is the sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for the admin pages: {}", advice(.reason, *.address))]
pub struct AdminBindError {
    pub address: SocketAddr,
    // Not named `source`: the sentence says it already.
    reason: io::Error,
}

/// Binds `address`, unless a listener for it was passed.
///
/// # Errors
///
/// When the system refuses.
pub fn bind(address: SocketAddr, passed: Option<TcpListener>) -> Result<AdminListener, AdminBindError> {
    let listen = || {
        // The standard library sets SO_REUSEADDR, so that a restart need not wait for TIME_WAIT.
        let socket = passed.map_or_else(|| TcpListener::bind(address), Ok)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        Ok(AdminListener { address, socket })
    };
    listen().map_err(|reason| AdminBindError { address, reason })
}

/// Says what is wrong and what to do about it.
fn advice(error: &io::Error, address: SocketAddr) -> String {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "the port is in use, so stop the program that has it (`ss -ltnp 'sport = :{port}'` names it) or \
             change `admin` in server.yaml"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "permission denied, so allow TCP port {port} with CAP_NET_BIND_SERVICE or choose a port above 1023 \
             in `admin` in server.yaml"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "no interface has the address {}, so add it or change `admin` in server.yaml",
            address.ip()
        ),
        _ => format!("{error}; change `admin` in server.yaml or what forbids it"),
    }
}

/// Serves the pages until `stop` is there, and then for at most a second what is in flight.
///
/// # Errors
///
/// When the runtime cannot take the socket.
pub async fn serve(
    listener: AdminListener,
    state: Arc<AdminState>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener.socket)?;
    let router = routes::router(Arc::clone(&state));
    let mut connections = JoinSet::new();
    tokio::select! {
        () = accept(&listener, &state, &router, &mut connections) => {}
        () = keep_telling(Arc::clone(&state)) => {}
        () = keep_sampling(Arc::clone(&state)) => {}
        () = stop => {}
    }
    drop(listener);
    state.streams.end();
    state.peers.iter().for_each(|peers| peers.hub.end());
    // Those that are left are aborted when the set is dropped.
    let _ = tokio::time::timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
    Ok(())
}

/// Accepts connections, for ever.
async fn accept(
    listener: &tokio::net::TcpListener,
    state: &AdminState,
    router: &Router,
    connections: &mut JoinSet<()>,
) {
    let places = Places::new(state.connections);
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (seat, leaving) = Seat::new(&places, peer.ip());
                let (stay, feed) = Stay::new();
                let tls = state.access.load().tls.as_ref().map(TlsPolicy::config);
                let router = router.clone().layer(Extension(stay)).layer(Extension(seat.clone()));
                connections.spawn(attend(connect(stream, peer, tls, router), leaving, feed, seat));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection for the admin pages");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection, after its handshake if it has one.
async fn connect(stream: TcpStream, address: SocketAddr, tls: Option<Arc<ServerConfig>>, router: Router) {
    let Some(config) = tls else {
        return carry(stream, Peer { address, names: None }, router).await;
    };
    let handshake = TlsAcceptor::from(config).accept(stream);
    // A client that is too slow, or whose certificate is another's, has harmed only itself.
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await else { return };
    let shown = stream.get_ref().1.peer_certificates();
    let names = shown.and_then(|certificates| certificates.first()).map(CertificateNames::of);
    carry(stream, Peer { address, names }, router).await;
}

/// Lets a connection live for as long as it may: a client that is too slow, or that breaks off, has harmed
/// only itself.
async fn attend(
    connection: impl Future<Output = ()>,
    leaving: oneshot::Receiver<()>,
    feed: oneshot::Receiver<Feeding>,
    seat: Seat,
) {
    let mut connection = std::pin::pin!(connection);
    let feed = tokio::select! {
        () = &mut connection => return,
        () = tokio::time::sleep(LIFETIME) => return,
        Ok(()) = leaving => return,
        Ok(feed) = feed => feed,
    };
    seat.leave();
    tokio::select! {
        () = connection => {}
        () = feed => {}
    }
}

/// Serves the one request of a connection.
async fn carry(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer, router: Router) {
    let service = TowerToHyperService::new(router.layer(Extension(peer)));
    // A client that breaks off has harmed only itself.
    let _ended = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: SocketAddr, expected: &str) {
        let sentence = bind(address, None).expect_err("not to be bound").to_string();
        assert!(sentence.starts_with(&format!("cannot listen on {address} ")), "{sentence}");
        assert!(sentence.contains(expected), "{sentence}");
    }

    #[test]
    fn a_port_in_use_is_named_with_what_to_do() {
        let held = bind(([127, 0, 0, 1], 0).into(), None).expect("loopback is free");
        check(held.address, "the port is in use, so stop the program that has it");
    }

    #[test]
    fn an_address_that_no_interface_has_is_named() {
        // TEST-NET-3 (RFC 5737) is on no machine.
        check(([203, 0, 113, 1], 0).into(), "no interface has the address 203.0.113.1");
    }
}
