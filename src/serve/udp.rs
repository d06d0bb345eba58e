//! Datagrams: one socket for each address, read and written by hickory-server.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use hickory_server::Server;
use hickory_server::server::RequestHandler;
use socket2::{Protocol, Type};

use super::{filter, socket};

/// Room for a burst of queries while the process is not scheduled, in bytes. The kernel caps it at
/// `net.core.rmem_max`, so that asking for more than is granted is no error.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Binds a socket that receives nothing but queries.
pub(super) fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket::unbound(address, Type::DGRAM, Protocol::UDP)?;
    // Refused only where the sandbox forbids it; the default size works as well, with less slack.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    // Before the socket is bound, so that no response slips in ahead of the filter.
    filter::only_queries(&socket);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Lets a server read from a duplicate of the socket.
pub(super) fn register<H: RequestHandler>(socket: &UdpSocket, server: &mut Server<H>) -> io::Result<()> {
    server.register_socket(tokio::net::UdpSocket::from_std(socket.try_clone()?)?);
    Ok(())
}
