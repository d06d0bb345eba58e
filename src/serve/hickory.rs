//! Serves sockets with hickory-server: a server for each socket, started again when it ends, drained when
//! the process stops.
//!
//! A process that answers DNS must not lose a listener for the rest of its life to one error of the network,
//! and hickory's servers end on some of them. So a socket is opened once and outlives its servers, each of
//! which gets a duplicate: a restart frees no port and drops nothing that waits in the kernel.
//!
//! Known limits of hickory-server 0.26.3, and what is done about each:
//!
//! - What it cannot parse it answers itself, with FORMERR and without the question; the kernel drops
//!   responses and short datagrams before ([`super::filter`]).
//! - It does not compress names against the question; [`DecodedReply::fit`] keeps what is longer for that
//!   from being cut in the wrong place, be it longer than the sender takes or than we announce, which is
//!   hickory's own measure.
//! - An aborted `accept` and a UDP "not connected" end its server; another is started on the same socket.
//! - It spins while the process has no file descriptors left and has no limit on TCP connections. There
//!   is no remedy here: bound the connections in front of the server, or raise the limit of open files.
//!   A connection without a request is closed after [`tcp::IDLE`].
//! - A wildcard address answers from whichever address the routing table picks: list addresses instead
//!   on machines that have several.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use async_trait::async_trait;
use hickory_proto::op::{Header, HeaderCounts};
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use socket2::SockRef;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::bind::Sockets;
use super::reply::DecodedReply;
use super::{AnswerRequest, filter, tcp, udp};
use crate::engine::Transport;
use crate::wire::UDP_PAYLOAD;

/// The pause before a server that ended is started again, so that a broken socket does not spin.
const RESTART_PAUSE: Duration = Duration::from_millis(100);

/// How long what has arrived is still answered after the process was told to stop. An answer takes
/// microseconds; this is for the queues before it.
const DRAIN: Duration = Duration::from_millis(250);

/// Answers on all sockets until `stop` turns true, then drains them.
pub async fn run(sockets: Vec<Sockets>, answer: AnswerRequest, stop: watch::Receiver<bool>) {
    let mut servers = JoinSet::new();
    for pair in sockets {
        for socket in [ServerSocket::Udp(pair.udp), ServerSocket::Tcp(pair.tcp)] {
            servers.spawn(supervise(socket, pair.address, answer.clone(), stop.clone()));
        }
    }
    while let Some(ended) = servers.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a DNS listener has stopped for good");
        }
    }
}

/// A socket that is kept until the process ends; hickory gets duplicates of it.
enum ServerSocket {
    Udp(UdpSocket),
    Tcp(TcpListener),
}

impl ServerSocket {
    fn register(&self, server: &mut Server<Handler>) -> io::Result<()> {
        match self {
            Self::Udp(socket) => udp::register(socket, server),
            Self::Tcp(listener) => tcp::register(listener, server),
        }
    }

    fn close_to_new(&self) {
        match self {
            Self::Udp(socket) => filter::nothing_more(SockRef::from(socket)),
            Self::Tcp(listener) => filter::nothing_more(SockRef::from(listener)),
        }
    }

    fn transport(&self) -> &'static str {
        match self {
            Self::Udp(_) => "udp",
            Self::Tcp(_) => "tcp",
        }
    }
}

/// Serves one socket, and starts another server whenever one ends before it should.
async fn supervise(
    socket: ServerSocket,
    address: SocketAddr,
    answer: AnswerRequest,
    mut stop: watch::Receiver<bool>,
) {
    let transport = socket.transport();
    loop {
        let mut server = Server::new(Handler(answer.clone()));
        let ended = match socket.register(&mut server) {
            Ok(()) => tokio::select! {
                ended = server.block_until_done() => ended.err().map(|error| error.to_string()),
                () = stopped(&mut stop) => return drain(&socket, server).await,
            },
            Err(error) => Some(error.to_string()),
        };
        let why = ended.unwrap_or_else(|| "no reason given".to_owned());
        tracing::warn!(%address, transport, why, "a DNS listener ended and is started again");
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
async fn drain(socket: &ServerSocket, mut server: Server<Handler>) {
    socket.close_to_new();
    tokio::time::sleep(DRAIN).await;
    if let Err(error) = server.shutdown_gracefully().await {
        tracing::debug!(%error, transport = socket.transport(), "a DNS listener ended while it was drained");
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
        let (transport, limit) = match request.protocol() {
            // RFC 6891, section 6.2.3: the size that the requestor states, 512 when it states none.
            Protocol::Udp => (Transport::Udp, request.max_payload().min(UDP_PAYLOAD)),
            _ => (Transport::Tcp, u16::MAX),
        };
        let bytes = (self.0)(request.as_slice(), request.src().ip(), transport)?;
        let mut reply = DecodedReply::parse(&bytes).expect("the engine writes DNS messages");
        if reply.fit(limit).is_err() {
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
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::serve::bind;

    /// A query for `a.` A with recursion desired.
    const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";

    /// A server that sends the request back as a response, or nothing when the name is `n`.
    struct Running {
        address: SocketAddr,
        stop: watch::Sender<bool>,
        task: JoinHandle<()>,
    }

    impl Running {
        fn start() -> Self {
            Self::with(Arc::new(|request, client, _| {
                assert!(client.is_loopback());
                let mut reply = request.to_vec();
                reply[2] |= 0x84;
                (request[13] != b'n').then_some(reply)
            }))
        }

        fn with(answer: AnswerRequest) -> Self {
            let sockets = bind(&[(Ipv4Addr::LOCALHOST, 0).into()]).unwrap();
            let address = sockets[0].address;
            let (stop, stopped) = watch::channel(false);
            let task = tokio::spawn(run(sockets, answer, stopped));
            Self { address, stop, task }
        }

        async fn udp(&self, datagrams: &[&[u8]]) -> Vec<u8> {
            let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
            for datagram in datagrams {
                socket.send_to(datagram, self.address).await.unwrap();
            }
            let mut reply = [0; 4096];
            let length = socket.recv(&mut reply).await.unwrap();
            reply[..length].to_vec()
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
    async fn udp_and_tcp_carry_the_bytes_of_the_answer() {
        let running = Running::start();
        assert_eq!(running.udp(&[QUERY]).await, answer_to_query());
        assert_eq!(running.tcp(QUERY).await, answer_to_query());
    }

    #[tokio::test]
    async fn silence_is_silence_and_does_not_hold_up_the_next_query() {
        let running = Running::start();
        let unanswered = [&QUERY[..13], b"n", &QUERY[14..]].concat();
        assert_eq!(running.udp(&[&unanswered, QUERY]).await, answer_to_query());
    }

    #[tokio::test]
    async fn a_reply_that_hickory_makes_longer_than_we_announce_is_cut_whole_whatever_the_sender_takes() {
        // The root's OPT record, of a sender that takes 4096 octets and of a server that announces 1232.
        let opt = |octets: u16| [&b"\0\0\x29"[..], &octets.to_be_bytes(), &[0; 6]].concat();
        let question = [&b"\x3f"[..], &[b'a'; 63], b"\x3f", &[b'b'; 63], b"\0\0\x01\0\x01"].concat();
        let header =
            |flags: &[u8], answers: u8| [b"\x12\x34", flags, b"\0\x01\0", &[answers], b"\0\0\0\x01"].concat();
        let request = [header(b"\0\0", 0), question.clone(), opt(4096)].concat();
        // 66 answers of 16 octets, their owner compressed against the question: 1212 octets.
        let answers = b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x7f\0\0\x01".repeat(66);
        let reply = [header(b"\x84\0", 66), question.clone(), answers, opt(1232)].concat();
        assert!(reply.len() <= usize::from(UDP_PAYLOAD));
        let running = Running::with(Arc::new(move |_, _, _| Some(reply.clone())));
        let cut = [header(b"\x86\0", 0), question, opt(1232)].concat();
        assert_eq!(running.udp(&[&request]).await, cut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_whose_socket_is_broken_is_started_again_until_told_to_stop() {
        // Reading from a stream that leads nowhere is the one error that ends hickory's UDP listener.
        let nowhere = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        nowhere.set_nonblocking(true).unwrap();
        let (stop, stopped) = watch::channel(false);
        let answer: AnswerRequest = Arc::new(|_, _, _| None);
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let server = tokio::spawn(supervise(ServerSocket::Udp(nowhere.into()), address, answer, stopped));
        tokio::time::sleep(10 * RESTART_PAUSE).await;
        assert!(!server.is_finished());
        stop.send(true).unwrap();
        server.await.unwrap();
    }

    #[tokio::test]
    async fn servers_end_when_told_to() {
        let running = Running::start();
        assert_eq!(running.udp(&[QUERY]).await, answer_to_query());
        running.stop.send(true).unwrap();
        running.task.await.unwrap();
        bind(&[running.address]).expect("the port is free again");
    }
}
