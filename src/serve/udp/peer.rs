//! What the kernel says of a datagram besides its octets: the sender's address, and the address that it was sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The octets of the longest address of a socket: that of IPv6.
pub const NAME: usize = size_of::<libc::sockaddr_in6>();

/// The octets of a control message's head.
const HEAD: usize = size_of::<libc::cmsghdr>();

/// The octets of a control message with the destination of a datagram: that of IPv6 is the longer one, and all are
/// padded to the alignment of their head.
pub const CONTROL: usize =
    HEAD + size_of::<libc::in6_pktinfo>().next_multiple_of(align_of::<libc::cmsghdr>());

/// The far end of a datagram, in the form in which the kernel gives and takes it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct UdpPeer {
    /// A control message: which address of this machine a query was sent to, and its reply leaves from.
    pub control: [u8; CONTROL],
    /// A `sockaddr_in` or `sockaddr_in6`.
    pub name: [u8; NAME],
    /// Of `control`; zero: there is none.
    pub control_length: usize,
    /// Of `name`; zero: there is none.
    pub name_length: usize,
}

impl UdpPeer {
    /// Returns one that is not known yet.
    pub fn unknown() -> Self {
        Self { control: [0; CONTROL], name: [0; NAME], control_length: 0, name_length: 0 }
    }

    /// Returns the sender's address and port. `None`: no datagram was received, as when the socket is shut down.
    pub fn sender(&self) -> Option<(IpAddr, u16)> {
        let port = u16::from_be_bytes([self.name[2], self.name[3]]);
        match (self.name_length, i32::from(u16::from_ne_bytes([self.name[0], self.name[1]]))) {
            (8.., libc::AF_INET) => {
                let octets: [u8; 4] = self.name[4..8].try_into().expect("four octets");
                Some((Ipv4Addr::from(octets).into(), port))
            }
            (24.., libc::AF_INET6) => {
                let octets: [u8; 16] = self.name[8..24].try_into().expect("sixteen octets");
                Some((Ipv6Addr::from(octets).into(), port))
            }
            _ => None,
        }
    }

    /// Turns the control message that came with a query into the one for its reply: the same address, through the
    /// interface that the routes say. Only an address that is valid on one link keeps its interface.
    pub fn turn_round(&mut self) {
        let control = &mut self.control;
        let interface = match self.control_length {
            0 => return,
            // in6_pktinfo: the address (16), the interface (4).
            CONTROL if control[HEAD] == 0xfe && control[HEAD + 1] & 0xc0 == 0x80 => return,
            CONTROL => HEAD + 16,
            // in_pktinfo: the interface (4), the address that was asked (4), that of the header (4).
            _ => HEAD,
        };
        control[interface..interface + 4].fill(0);
    }
}
