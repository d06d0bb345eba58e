//! Connections: one listener for each address, accepted from and read by hickory-server.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::server::RequestHandler;
use socket2::{Protocol, Type};

use super::socket;

/// How many connections the kernel completes ahead of `accept`; what larger servers use, too.
const BACKLOG: i32 = 1024;

/// How long a connection may stay without a request (RFC 7766, section 6.2.3, asks for seconds).
pub const IDLE: Duration = Duration::from_secs(10);

/// How many replies may wait for a slow client before its connection stops being read.
pub const WAITING_REPLIES: usize = 32;

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

/// Lets a server accept from a duplicate of the listener.
pub(super) fn register<H: RequestHandler>(listener: &TcpListener, server: &mut Server<H>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
    server.register_listener(listener, IDLE, WAITING_REPLIES);
    Ok(())
}
