//! Drops in the kernel what must never reach a server, with classic BPF programs on the sockets.
//!
//! The engine is silent to them as well. Here they wake no thread and take no room from queries, at no cost that could
//! be measured.

use socket2::{SockFilter, Socket};

/// Drops datagrams that are no queries: those too short for a header and those with QR set.
///
/// A failure (a sandbox without `SO_ATTACH_FILTER`) costs protection, not answers, so it is no error.
pub fn only_queries(socket: &Socket) {
    if let Err(error) = socket.attach_filter(&ONLY_QUERIES) {
        tracing::warn!(%error, "cannot filter responses out of the UDP socket");
    }
}

/// Drops everything that arrives from now on; queued datagrams stay to be read. On a listening socket
/// this refuses new connections and leaves the accepted ones alone.
pub fn nothing_more(socket: &Socket) {
    if let Err(error) = socket.attach_filter(&NOTHING) {
        tracing::debug!(%error, "cannot close a socket to what is new");
    }
}

// The instruction codes of classic BPF: linux/bpf_common.h and linux/filter.h.
const LOAD_LENGTH: u16 = 0x80; // BPF_LD | BPF_W | BPF_LEN
const LOAD_BYTE: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
const JUMP_IF_AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const JUMP_IF_ANY_BIT: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// A filter on a UDP socket sees the datagram from its UDP header on, which has 8 octets.
const UDP_HEADER: u32 = 8;
/// The length of a DNS header (RFC 1035, section 4.1.1).
const DNS_HEADER: u32 = 12;
/// QR is the highest bit of the third octet of a DNS header.
const QR: u32 = 0x80;
/// More than any datagram is long: keep all of it.
const ALL: u32 = 0xffff;

const ONLY_QUERIES: [SockFilter; 6] = [
    SockFilter::new(LOAD_LENGTH, 0, 0, 0),
    SockFilter::new(JUMP_IF_AT_LEAST, 0, 3, UDP_HEADER + DNS_HEADER),
    SockFilter::new(LOAD_BYTE, 0, 0, UDP_HEADER + 2),
    SockFilter::new(JUMP_IF_ANY_BIT, 1, 0, QR),
    SockFilter::new(RETURN, 0, 0, ALL),
    SockFilter::new(RETURN, 0, 0, 0),
];

const NOTHING: [SockFilter; 1] = [SockFilter::new(RETURN, 0, 0, 0)];

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    /// Sends the datagrams and then a query with the id `end`; returns the ids that came through before it.
    fn check(datagrams: &[&[u8]]) -> Vec<u8> {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let receiver = Socket::from(receiver);
        only_queries(&receiver);
        let receiver = UdpSocket::from(receiver);
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        for datagram in datagrams {
            sender.send_to(datagram, receiver.local_addr().unwrap()).unwrap();
        }
        sender.send_to(&[b'.', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], receiver.local_addr().unwrap()).unwrap();
        let mut buffer = [0; 64];
        std::iter::from_fn(|| {
            receiver.recv(&mut buffer).unwrap();
            (buffer[0] != b'.').then_some(buffer[0])
        })
        .collect()
    }

    #[test]
    fn queries_pass_and_responses_and_fragments_of_headers_are_dropped() {
        let query = [b'q', 0, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let response = [b'r', 0, 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(check(&[&query, &response, &query[..11], b"", &query]), b"qq");
    }
}
