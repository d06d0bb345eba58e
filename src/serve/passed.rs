//! Sockets that the process was started with: systemd binds them and passes them on (sd_listen_fds(3)), so that the server
//! needs neither root nor a capability for port 53, and queries wait in them while it restarts.
//!
//! Each is taken by its address; their names are of no matter. One that the configuration asks for and that was not passed is
//! bound as usual. Whoever passed a socket keeps it, so that it is never shut down here.

use std::io;
use std::net::SocketAddr;

use listenfd::ListenFd;
use socket2::{Socket, Type};

/// Sockets that nothing has taken yet.
#[derive(Debug, Default)]
pub struct PassedSockets {
    udp: Vec<(SocketAddr, Socket)>,
    tcp: Vec<(SocketAddr, Socket)>,
}

/// Why the sockets cannot be used. Its message is the sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum PassedSocketError {
    #[error(
        "socket {number} of those that the process was started with is no UDP socket, and no TCP listener"
    )]
    Unusable {
        /// From one, in the order of the socket unit.
        number: usize,
        #[source]
        reason: io::Error,
    },
    #[error(
        "the process was started with a socket for {0} that takes IPv4 as well: write `BindIPv6Only=ipv6-only` in the \
         socket unit"
    )]
    BothFamilies(SocketAddr),
    #[error(
        "the process was started with a {transport} socket for {address}, which server.yaml does not listen on: add the \
         address there, or take it out of the socket unit"
    )]
    Unasked {
        /// `UDP` or `TCP`.
        transport: &'static str,
        address: SocketAddr,
    },
}

impl PassedSockets {
    /// Takes all sockets that were passed, by `$LISTEN_FDS` and `$LISTEN_PID`, which are removed. It must be called before there
    /// are other threads.
    ///
    /// # Errors
    ///
    /// When one of them is of no use.
    pub fn take() -> Result<Self, PassedSocketError> {
        let mut passed = ListenFd::from_env();
        let mut sockets = Self::default();
        for index in 0..passed.len() {
            let unusable = |reason| PassedSocketError::Unusable { number: index + 1, reason };
            let socket = match passed.take_udp_socket(index) {
                Ok(socket) => socket.map(Socket::from),
                Err(_) => passed.take_tcp_listener(index).map_err(unusable)?.map(Socket::from),
            };
            socket.map_or(Ok(()), |socket| sockets.add(socket))?;
        }
        let all = sockets.udp.iter().chain(&sockets.tcp);
        match all
            .filter(|(address, _)| address.is_ipv6())
            .find(|(_, socket)| !socket.only_v6().unwrap_or(true))
        {
            Some((address, _)) => Err(PassedSocketError::BothFamilies(*address)),
            None => Ok(sockets),
        }
    }

    /// Adds a socket that was passed or handed over.
    ///
    /// # Errors
    ///
    /// When it is of no use.
    pub fn add(&mut self, socket: Socket) -> Result<(), PassedSocketError> {
        let number = self.udp.len() + self.tcp.len() + 1;
        let unusable = |reason| PassedSocketError::Unusable { number, reason };
        let address = address_of(&socket).map_err(unusable)?;
        match socket.r#type().map_err(unusable)? {
            Type::DGRAM => self.udp.push((address, socket)),
            _ if socket.is_listener().map_err(unusable)? => self.tcp.push((address, socket)),
            _ => return Err(unusable(io::ErrorKind::InvalidInput.into())),
        }
        Ok(())
    }

    /// Takes those for UDP at an address: one, or several that share it.
    pub fn udp(&mut self, address: SocketAddr) -> Vec<Socket> {
        self.udp.extract_if(.., |(at, _)| *at == address).map(|(_, socket)| socket).collect()
    }

    /// Takes the one for TCP at an address; `None`: there is none.
    pub fn tcp(&mut self, address: SocketAddr) -> Option<Socket> {
        let place = self.tcp.iter().position(|(at, _)| *at == address)?;
        Some(self.tcp.swap_remove(place).1)
    }

    /// Ends taking.
    ///
    /// # Errors
    ///
    /// When one is left: queries would wait in it, and nothing would read them.
    pub fn finish(self) -> Result<(), PassedSocketError> {
        let udp = self.udp.first().map(|(address, _)| ("UDP", *address));
        match udp.or(self.tcp.first().map(|(address, _)| ("TCP", *address))) {
            Some((transport, address)) => Err(PassedSocketError::Unasked { transport, address }),
            None => Ok(()),
        }
    }
}

fn address_of(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
