//! Opens the sockets: UDP and TCP on every address, or one sentence that says why not.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use super::passed::PassedSockets;
use super::{tcp, udp};

/// The ports that are tried when port 0 was asked for and TCP has the chosen one in use.
const PORT_ATTEMPTS: u32 = 32;

/// The sockets of one address, bound to the same port.
#[derive(Debug)]
pub struct Sockets {
    /// The address, with the port that was chosen when port 0 was asked for.
    pub address: SocketAddr,
    /// One for each thread; they receive queries only.
    pub udp: Vec<UdpSocket>,
    pub tcp: TcpListener,
}

impl Sockets {
    /// Returns whether an interface has the address now. The sockets are bound all the same.
    pub fn is_there(&self) -> bool {
        let any_port = SocketAddr::new(self.address.ip(), 0);
        UdpSocket::bind(any_port).is_ok()
    }
}

/// The listener of one address for DNS over TLS.
#[derive(Debug)]
pub struct TlsSocket {
    /// The address, with the port that was chosen when port 0 was asked for.
    pub address: SocketAddr,
    pub listener: TcpListener,
}

/// An address that cannot be listened on. Its message is the sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} over {transport}: {}", advice(.reason, *.address, .transport))]
pub struct ListenError {
    pub address: SocketAddr,
    /// `UDP`, `TCP` or `TLS`.
    pub transport: &'static str,
    // Not named `source`: the sentence says it already.
    reason: io::Error,
}

/// Binds every address for UDP, by so many threads, and TCP, where no socket was passed for it. IPv6 sockets take IPv6 only, so that `0.0.0.0` and `[::]` can
/// stand side by side and a client's address is never an IPv4-mapped one.
///
/// # Errors
///
/// The first address that cannot be bound; all others are released then.
pub fn bind(
    addresses: &[SocketAddr],
    threads: usize,
    passed: &mut PassedSockets,
) -> Result<Vec<Sockets>, ListenError> {
    addresses.iter().map(|address| bind_both(*address, threads, passed)).collect()
}

/// Binds every address for DNS over TLS, where no socket was passed for it.
///
/// # Errors
///
/// The first address that cannot be bound; all others are released then.
pub fn bind_tls(addresses: &[SocketAddr], passed: &mut PassedSockets) -> Result<Vec<TlsSocket>, ListenError> {
    let open = |address: &SocketAddr| {
        let listener = passed.tcp(*address).map_or_else(|| tcp::open(*address), tcp::adopt);
        let listener = listener.map_err(failed(*address, "TLS"))?;
        let address = listener.local_addr().map_err(failed(*address, "TLS"))?;
        Ok(TlsSocket { address, listener })
    };
    addresses.iter().map(open).collect()
}

fn bind_both(
    address: SocketAddr,
    threads: usize,
    passed: &mut PassedSockets,
) -> Result<Sockets, ListenError> {
    let (mut datagrams, mut listener) = (passed.udp(address), passed.tcp(address));
    let mut attempt = 1;
    loop {
        let udp = match std::mem::take(&mut datagrams) {
            none if none.is_empty() => udp::open(address, threads),
            given => udp::adopt(given, threads),
        };
        let udp = udp.map_err(failed(address, "UDP"))?;
        let chosen = udp[0].local_addr().map_err(failed(address, "UDP"))?;
        match listener.take().map_or_else(|| tcp::open(chosen), tcp::adopt) {
            Ok(tcp) => {
                return Ok(Sockets { address: chosen, udp, tcp });
            }
            Err(error) if is_chance(address, &error) && attempt < PORT_ATTEMPTS => attempt += 1,
            Err(error) => return Err(failed(chosen, "TCP")(error)),
        }
    }
}

/// Returns whether another attempt may find a port that is free for both.
fn is_chance(asked: SocketAddr, error: &io::Error) -> bool {
    asked.port() == 0 && error.kind() == io::ErrorKind::AddrInUse
}

fn failed(address: SocketAddr, transport: &'static str) -> impl Fn(io::Error) -> ListenError {
    move |reason| ListenError { address, transport, reason }
}

/// Returns what is wrong and what to do about it.
fn advice(error: &io::Error, address: SocketAddr, transport: &str) -> String {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "the port is in use, so stop the program that has it (`ss -lnp 'sport = :{port}'` names it) or change \
             `listen` in server.yaml"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "permission denied, so allow {transport} port {port} with CAP_NET_BIND_SERVICE or choose a port above \
             1023 in `listen` in server.yaml"
        ),
        _ => format!("{error}; change `listen` in server.yaml or what forbids it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_port() -> SocketAddr {
        "127.0.0.1:0".parse().expect("an address")
    }

    #[test]
    fn port_zero_gives_udp_and_tcp_the_same_port() {
        let sockets =
            bind(&[any_port(), any_port()], 3, &mut PassedSockets::default()).expect("loopback is free");
        for pair in &sockets {
            assert!(pair.udp.iter().all(|socket| socket.local_addr().unwrap() == pair.address));
            assert_eq!(pair.udp.len(), 3);
            assert_eq!(pair.tcp.local_addr().unwrap(), pair.address);
        }
        assert_ne!(sockets[0].address, sockets[1].address);
    }

    #[test]
    fn a_port_in_use_is_named_with_what_to_do() {
        let held = bind(&[any_port()], 2, &mut PassedSockets::default()).expect("loopback is free");
        let error = bind(&[held[0].address], 2, &mut PassedSockets::default()).expect_err("the port is held");
        let sentence = error.to_string();
        assert!(sentence.contains(&held[0].address.to_string()), "{sentence}");
        assert!(sentence.contains("the port is in use"), "{sentence}");
    }

    #[test]
    fn an_address_that_no_interface_has_yet_is_bound_and_told() {
        // TEST-NET-3 (RFC 5737) is on no machine.
        let sockets = bind(&["203.0.113.1:0".parse().unwrap(), any_port()], 1, &mut PassedSockets::default())
            .expect("it may come later");
        assert!(sockets.iter().map(Sockets::is_there).eq([false, true]));
    }
}
