//! The least that a server can cost, for benches to compare with.

use std::io;
use std::net::UdpSocket;

use super::batch::Batch;

/// Sends every datagram back, in the same batches in which queries are answered, until the socket fails.
///
/// # Errors
///
/// What the kernel says.
pub fn echo(socket: &UdpSocket) -> io::Result<()> {
    let mut batch = Batch::new(false);
    loop {
        batch.receive(socket, true)?;
        batch.answer(|request, _, reply| {
            let length = request.len().min(reply.len());
            reply[..length].copy_from_slice(&request[..length]);
            Some(length)
        });
        batch.send(socket);
    }
}
