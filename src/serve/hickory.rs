//! Serves sockets with hickory-server: a server for each socket, started again when it ends, drained when
//! the process stops.
//!
//! A process that answers DNS must not lose a listener for the rest of its life to one error of the network,
//! and hickory's servers end on some of them. So a socket is opened once and outlives its servers, each of
//! which gets a duplicate: a restart frees no port and drops nothing that waits in the kernel.
//!
//! Known limits of hickory-server 0.26.3, and what is done about each:
//!
//! - What it cannot parse it answers itself, with FORMERR and without the question.
//! - An aborted `accept` ends its server; another is started on the same socket.
//! - It spins while the process has no file descriptors left and has no limit on TCP connections. There
//!   is no remedy here: bound the connections in front of the server, or raise the limit of open files.
//!   A connection without a request is closed after [`tcp::IDLE`].

use std::net::{IpAddr, SocketAddr, TcpListener};
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

use super::reply::DecodedReply;
use super::serving::Current;
use super::{filter, tcp};
use crate::engine::{self, Transport};

/// The pause before a server that ended is started again, so that a broken socket does not spin.
const RESTART_PAUSE: Duration = Duration::from_millis(100);

/// How long what has arrived is still answered after the process was told to stop. An answer takes
/// microseconds; this is for the queues before it.
const DRAIN: Duration = Duration::from_millis(250);

/// Turns the bytes of a request into those of a reply; `None` is silence. It must not block.
pub type AnswerRequest = Arc<dyn Fn(&[u8], IpAddr, Transport) -> Option<Vec<u8>> + Send + Sync>;

/// Returns the function that asks the engine, and counts what it did.
pub fn answer_from(current: Arc<Current>) -> AnswerRequest {
    Arc::new(move |request, client, transport| {
        let mut reply = vec![0; engine::max_reply(transport)];
        let length = current.load().answer(request, client, transport, &mut reply)?;
        reply.truncate(length);
        Some(reply)
    })
}

/// Answers on all listeners until `stop` turns true, then drains them.
pub async fn run(
    listeners: Vec<(SocketAddr, TcpListener)>,
    answer: AnswerRequest,
    stop: watch::Receiver<bool>,
) {
    let mut servers = JoinSet::new();
    for (address, listener) in listeners {
        servers.spawn(supervise(listener, address, answer.clone(), stop.clone()));
    }
    while let Some(ended) = servers.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a DNS listener has stopped for good");
        }
    }
}

/// Serves one socket, and starts another server whenever one ends before it should.
async fn supervise(
    listener: TcpListener,
    address: SocketAddr,
    answer: AnswerRequest,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let mut server = Server::new(Handler(answer.clone()));
        let ended = match tcp::register(&listener, &mut server) {
            Ok(()) => tokio::select! {
                ended = server.block_until_done() => ended.err().map(|error| error.to_string()),
                () = stopped(&mut stop) => return drain(&listener, server).await,
            },
            Err(error) => Some(error.to_string()),
        };
        let why = ended.unwrap_or_else(|| "no reason given".to_owned());
        tracing::warn!(%address, why, "a DNS listener ended and is started again");
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
/// not answered, so the socket is closed to what is new first.
async fn drain(listener: &TcpListener, mut server: Server<Handler>) {
    filter::nothing_more(&SockRef::from(listener));
    tokio::time::sleep(DRAIN).await;
    if let Err(error) = server.shutdown_gracefully().await {
        tracing::debug!(%error, "a DNS listener ended while it was drained");
    }
}

/// The adapter between hickory's requests and the engine's bytes.
pub(super) struct Handler(AnswerRequest);

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
        let bytes = (self.0)(request.as_slice(), request.src().ip(), Transport::Tcp)?;
        let mut reply = DecodedReply::parse(&bytes).expect("the engine writes DNS messages");
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::serve::bind;

    /// A query for `a.` A with recursion desired.
    const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";

    /// A server that sends the request back as a response.
    struct Running {
        address: SocketAddr,
        stop: watch::Sender<bool>,
        task: JoinHandle<()>,
    }

    impl Running {
        fn start() -> Self {
            let answer: AnswerRequest = Arc::new(|request, client, _| {
                assert!(client.is_loopback());
                let mut reply = request.to_vec();
                reply[2] |= 0x84;
                Some(reply)
            });
            let sockets = bind(&[(Ipv4Addr::LOCALHOST, 0).into()], 1).unwrap();
            let address = sockets[0].address;
            let sockets = sockets.into_iter().map(|sockets| (sockets.address, sockets.tcp)).collect();
            let (stop, stopped) = watch::channel(false);
            let task = tokio::spawn(run(sockets, answer, stopped));
            Self { address, stop, task }
        }

        async fn tcp(&self, request: &[u8]) -> Vec<u8> {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_u16(u16::try_from(request.len()).unwrap()).await.unwrap();
            stream.write_all(request).await.unwrap();
            let mut reply = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut reply).await.unwrap();
            reply
        }
    }

    fn answer_to_query() -> Vec<u8> {
        let mut reply = QUERY.to_vec();
        reply[2] |= 0x84;
        reply
    }

    #[tokio::test]
    async fn tcp_carries_the_bytes_of_the_answer() {
        let running = Running::start();
        assert_eq!(running.tcp(QUERY).await, answer_to_query());
    }

    #[tokio::test]
    async fn servers_end_when_told_to() {
        let running = Running::start();
        assert_eq!(running.tcp(QUERY).await, answer_to_query());
        running.stop.send(true).unwrap();
        running.task.await.unwrap();
        bind(&[running.address], 1).expect("the port is free again");
    }
}
