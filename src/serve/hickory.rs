//! DNS over TLS with hickory-server: a server for each listener, started again when it ends, drained when the process
//! stops.
//!
//! A process that answers DNS must not lose a listener for the rest of its life to one error of the network, and
//! hickory's servers end on some of them. So a listener is opened once and outlives its servers, each of which gets a
//! duplicate: a restart frees no port and drops nothing that waits in the kernel.
//!
//! Known limits of hickory-server 0.26.3:
//!
//! - What it cannot parse it answers itself, with FORMERR and without the question.
//! - An aborted `accept` ends its server; another is started on the same listener.
//! - It has no limit on connections, and spins while the process has no file descriptors left. There is no remedy
//!   here: bound the connections in front of the server, or raise the limit of open files. A connection without a
//!   request is closed after `listen.tcp.idle`, as it was at the start, which is also the time of a handshake.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hickory_proto::op::{Header, HeaderCounts};
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use socket2::SockRef;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::bind::TlsSocket;
use super::dot::DotPolicy;
use super::filter;
use super::reply::DecodedReply;
use super::serving::{self, Current};
use crate::engine::MAX_REPLY;

/// The pause before a server that ended is started again, so that a broken socket does not spin.
const RESTART_PAUSE: Duration = Duration::from_millis(100);

/// How long what has arrived is still answered after the process was told to stop. An answer takes
/// microseconds; this is for the queues before it.
const DRAIN: Duration = Duration::from_millis(250);

/// Answers on all listeners until `stop` turns true, then drains them.
pub async fn run(
    listeners: Vec<TlsSocket>,
    policy: Arc<DotPolicy>,
    current: Arc<Current>,
    stop: watch::Receiver<bool>,
) {
    let mut servers = JoinSet::new();
    for socket in listeners {
        servers.spawn(supervise(socket, Arc::clone(&policy), Arc::clone(&current), stop.clone()));
    }
    while let Some(ended) = servers.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a listener for DNS over TLS has stopped for good");
        }
    }
}

/// Serves one listener, and starts another server whenever one ends before it should.
async fn supervise(
    socket: TlsSocket,
    policy: Arc<DotPolicy>,
    current: Arc<Current>,
    mut stop: watch::Receiver<bool>,
) {
    let address = socket.address;
    loop {
        let mut server = Server::new(Handler(Arc::clone(&current)));
        let idle = current.load().snapshot.base.config.server.listen.tcp.idle;
        let listener = socket.listener.try_clone().and_then(tokio::net::TcpListener::from_std);
        let registered = listener.and_then(|listener| {
            server.register_tls_listener_with_tls_config(listener, idle, policy.config())
        });
        let ended = match registered {
            Ok(()) => tokio::select! {
                ended = server.block_until_done() => ended.err().map(|error| error.to_string()),
                () = stopped(&mut stop) => return drain(&socket.listener, server).await,
            },
            Err(error) => Some(error.to_string()),
        };
        let why = ended.unwrap_or_else(|| "no reason given".to_owned());
        tracing::warn!(%address, why, "a listener for DNS over TLS ended and is started again");
        tokio::select! {
            () = tokio::time::sleep(RESTART_PAUSE) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Completes when `stop` turns true, or its sender is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Answers what has arrived and takes nothing more. hickory's own shutdown drops what it has read and
/// not answered, so the listener is closed to what is new first.
async fn drain(listener: &TcpListener, mut server: Server<Handler>) {
    filter::nothing_more(&SockRef::from(listener));
    tokio::time::sleep(DRAIN).await;
    if let Err(error) = server.shutdown_gracefully().await {
        tracing::debug!(%error, "a listener for DNS over TLS ended while it was drained");
    }
}

/// The adapter between hickory's requests and the engine's bytes.
struct Handler(Arc<Current>);

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut handle: R,
    ) -> ResponseInfo {
        let Some(reply) = self.reply(request) else {
            return nothing_sent(request);
        };
        // The client is gone or does not read; the network's mistakes are not logged.
        handle.send_response(reply.response()).await.unwrap_or_else(|_| nothing_sent(request))
    }
}

impl Handler {
    fn reply(&self, request: &Request) -> Option<DecodedReply> {
        let mut bytes = vec![0; MAX_REPLY];
        let (client, now) = (request.src().ip(), serving::now());
        let length = self.0.load().answer_encrypted(request.as_slice(), client, now, &mut bytes)?;
        let mut reply = DecodedReply::parse(&bytes[..length]).expect("the engine writes DNS messages");
        if reply.fit(u16::MAX).is_err() {
            reply.fail();
        }
        Some(reply)
    }
}

/// Returns what hickory wants to know of a request that got no reply; it makes nothing of it.
fn nothing_sent(request: &Request) -> ResponseInfo {
    ResponseInfo::from(Header { metadata: request.metadata, counts: HeaderCounts::default() })
}
