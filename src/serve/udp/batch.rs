//! Datagrams that are received, answered and sent together.

use std::io;
use std::net::{IpAddr, UdpSocket};

use super::peer::UdpPeer;
use super::system::{self, BATCH, REPLY, REQUEST};

/// Ports from which no query comes: zero, to which nothing can be sent, and services that answer whatever they get, so
/// that a forged query would begin an endless exchange: echo, daytime, quote of the day, chargen, time.
const ANSWERS_ANYTHING: [u16; 6] = [0, 7, 13, 17, 19, 37];

/// Buffers, allocated once. Pages that no batch was large enough for are never touched.
pub struct Batch {
    pub(super) peers: Box<[UdpPeer]>,
    requests: Box<[[u8; REQUEST]]>,
    replies: Box<[[u8; REPLY]]>,
    /// The octets of each request and each reply; a reply of none is silence.
    request_lengths: [usize; BATCH],
    reply_lengths: [usize; BATCH],
    /// How many were received.
    received: usize,
    /// How many of them came from a port that answers anything.
    from_small_port: u64,
    /// Whether the kernel says which address a datagram was sent to.
    has_destinations: bool,
}

/// How many replies of a batch were not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Because the send buffer was full.
    pub full: u64,
    /// Because the kernel cannot send there: no route, port 0, a firewall.
    pub unsendable: u64,
    /// Because the request came from a port that answers anything, and was not answered.
    pub small_port: u64,
}

impl Batch {
    /// Returns an empty batch.
    pub fn new(has_destinations: bool) -> Self {
        Self {
            peers: vec![UdpPeer::unknown(); BATCH].into(),
            requests: vec![[0; REQUEST]; BATCH].into(),
            replies: vec![[0; REPLY]; BATCH].into(),
            request_lengths: [0; BATCH],
            reply_lengths: [0; BATCH],
            received: 0,
            from_small_port: 0,
            has_destinations,
        }
    }

    /// Fills the batch: waits for the first datagram if it `waits`, and takes what else is there.
    ///
    /// # Errors
    ///
    /// What the kernel says; the batch is empty then.
    pub fn receive(&mut self, socket: &UdpSocket, waits: bool) -> io::Result<()> {
        self.received = 0;
        let flags = if waits { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
        let into = system::Incoming {
            peers: &mut self.peers,
            requests: &mut self.requests,
            lengths: &mut self.request_lengths,
            has_destinations: self.has_destinations,
        };
        self.received = system::receive(socket, into, flags)?;
        Ok(())
    }

    /// Has every request answered: `answer` writes the reply, and returns its octets, or `None` for silence.
    pub fn answer(&mut self, mut answer: impl FnMut(&[u8], IpAddr, &mut [u8]) -> Option<usize>) {
        self.from_small_port = 0;
        for index in 0..self.received {
            let request = &self.requests[index][..self.request_lengths[index]];
            let reply = match self.peers[index].sender() {
                Some((_, port)) if ANSWERS_ANYTHING.contains(&port) => {
                    self.from_small_port += 1;
                    None
                }
                Some((client, _)) => answer(request, client, &mut self.replies[index]),
                None => None,
            };
            self.reply_lengths[index] = reply.unwrap_or(0);
        }
    }

    /// Sends the replies, without ever waiting. What cannot be sent is dropped; the sender asks again.
    pub fn send(&mut self, socket: &UdpSocket) -> Dropped {
        let mut dropped = Dropped { small_port: self.from_small_port, ..Dropped::default() };
        let mut order = [0; BATCH];
        let mut count = 0;
        for index in (0..self.received).filter(|&index| self.reply_lengths[index] > 0) {
            self.peers[index].turn_round();
            order[count] = index;
            count += 1;
        }
        let mut rest = &order[..count];
        while !rest.is_empty() {
            let out = system::Outgoing {
                peers: &self.peers,
                replies: &self.replies,
                lengths: &self.reply_lengths,
                order: rest,
            };
            match system::send(socket, out) {
                Ok(sent) => rest = &rest[sent..],
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => {
                        dropped.full += rest.len() as u64;
                        break;
                    }
                    // It concerns the first of them alone.
                    _ => {
                        dropped.unsendable += 1;
                        rest = &rest[1..];
                    }
                },
            }
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::engine::Transport;
    use crate::serve::{fixture, serving};

    /// Sends the datagrams to a batch, whose replies are the requests, or silence for `-`; returns what comes back.
    fn check(address: &str, datagrams: &[&str], expected: &[&str]) {
        let socket = UdpSocket::bind((address, 0)).expect("loopback");
        let client = UdpSocket::bind((address, 0)).expect("loopback");
        datagrams.iter().for_each(|datagram| send(&client, &socket, datagram));
        let mut batch = Batch::new(false);
        batch.receive(&socket, true).expect("datagrams");
        batch.answer(echo);
        assert_eq!(batch.send(&socket), Dropped::default());
        assert_eq!(received(&client), expected);
    }

    fn send(client: &UdpSocket, server: &UdpSocket, datagram: &str) {
        client.send_to(datagram.as_bytes(), server.local_addr().expect("bound")).expect("loopback takes it");
    }

    fn echo(request: &[u8], client: IpAddr, reply: &mut [u8]) -> Option<usize> {
        assert!(client.is_loopback());
        reply[..request.len()].copy_from_slice(request);
        (request != b"-").then_some(request.len())
    }

    fn received(client: &UdpSocket) -> Vec<String> {
        client.set_nonblocking(true).expect("a socket");
        let mut buffer = [0; 64];
        let next =
            || client.recv(&mut buffer).ok().map(|length| String::from_utf8_lossy(&buffer[..length]).into());
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn every_request_of_a_batch_gets_its_own_reply_and_silence_is_silence() {
        for address in ["127.0.0.1", "::1"] {
            check(address, &["one"], &["one"]);
            check(address, &["one", "-", "three", "", "four"], &["one", "three", "four"]);
        }
    }

    #[test]
    fn what_is_more_than_a_batch_waits_for_the_next() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let client = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        (0..BATCH + 2).for_each(|number| send(&client, &socket, &number.to_string()));
        let mut batch = Batch::new(false);
        for last in ["63", "65"] {
            batch.receive(&socket, true).expect("datagrams");
            batch.answer(echo);
            batch.send(&socket);
            assert_eq!(received(&client).last().map(String::as_str), Some(last));
        }
        let empty = batch.receive(&socket, false).expect_err("nothing is left");
        assert_eq!(empty.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn a_reply_that_cannot_be_sent_is_counted_and_keeps_none_of_the_others() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let client = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        ["one", "two", "three"].iter().for_each(|datagram| send(&client, &socket, datagram));
        let mut batch = Batch::new(false);
        batch.receive(&socket, true).expect("datagrams");
        batch.answer(echo);
        // A broadcast address, to which this socket may not send.
        batch.peers[1].name[4..8].fill(0xff);
        assert_eq!(batch.send(&socket), Dropped { unsendable: 1, ..Dropped::default() });
        assert_eq!(received(&client), ["one", "three"]);
    }

    #[test]
    fn what_comes_from_a_port_that_answers_anything_is_met_with_silence() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let client = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        ["echo", "one", "nowhere", "two"].iter().for_each(|datagram| send(&client, &socket, datagram));
        let mut batch = Batch::new(false);
        batch.receive(&socket, true).expect("datagrams");
        for (index, port) in [(0, 7_u16), (2, 0)] {
            batch.peers[index].name[2..4].copy_from_slice(&port.to_be_bytes());
        }
        batch.answer(echo);
        assert_eq!(batch.send(&socket), Dropped { small_port: 2, ..Dropped::default() });
        assert_eq!(received(&client), ["one", "two"]);
    }

    #[test]
    fn a_batch_allocates_nothing_from_socket_to_socket() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let client = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let current = fixture::current();
        let mut batch = Batch::new(false);
        for is_first in [true, false] {
            for _ in 0..BATCH {
                client.send_to(fixture::QUERY, socket.local_addr().expect("bound")).expect("sent");
            }
            let allocations = allocation_counter::measure(|| {
                batch.receive(&socket, true).expect("datagrams");
                let serving = current.load();
                batch.answer(|request, client, reply| {
                    serving.answer(request, (client, Transport::Udp), serving::now(), reply)
                });
                assert_eq!(batch.send(&socket), Dropped::default());
            });
            assert_eq!((batch.received, batch.reply_lengths[0]), (BATCH, fixture::REPLY.len()));
            // The first time, arc-swap makes what it keeps of each thread.
            assert!(is_first || allocations.count_total == 0, "{allocations:?}");
        }
    }
}
