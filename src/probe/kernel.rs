//! What the kernel knows of the way to an address, over rtnetlink: its route, its link, its gateway.
//!
//! Only what ends on this machine or its own link is told: no route or one that forbids, a link that is down, a gateway
//! that does not answer. An address on the own link that is silent is not: that is what probes find out.

use std::fs;
use std::io;
use std::net::IpAddr;

use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::link::{LinkFlags, LinkMessage};
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{self, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::blindness::{NO_IPV6, blindness};
use crate::canary::{BlindCause, Blindness};

/// The largest reply: a description of an interface takes about 2 KiB, and less than a page of netlink
/// (NLMSG_GOODSIZE) unless it has a hundred virtual functions.
const MAX_REPLY: usize = 32 << 10;

/// `NETLINK_ROUTE` is the protocol zero, the default.
const NETLINK_ROUTE: Option<Protocol> = None;

/// The addresses of IPv6, with their scopes.
const IPV6_ADDRESSES: &str = "/proc/net/if_inet6";

/// Returns what keeps this machine from reaching an address; `None`: nothing that it knows of.
pub fn obstacle(to: IpAddr) -> Option<Blindness> {
    if to.is_ipv6() && !to.is_loopback() && !has_ipv6() {
        return Some(blindness(BlindCause::NoIpv6, NO_IPV6));
    }
    // A kernel that cannot be asked accuses nobody: what is seen counts.
    let kernel = RouteSocket::open().ok()?;
    let hop = match kernel.route(to) {
        Ok(hop) => hop,
        Err(RouteError::Forbidden) => {
            return Some(blindness(
                BlindCause::NoRoute,
                format!("the route to {to} is unreachable or prohibited"),
            ));
        }
        Err(RouteError::Missing) => {
            return Some(blindness(BlindCause::NoRoute, format!("no route to {to}")));
        }
        Err(RouteError::Unknown) => return None,
    };
    let link = hop.link?;
    if kernel.is_link_down(link) {
        let detail = format!("the interface that leads to {to} is down or has no carrier");
        return Some(blindness(BlindCause::LinkDown, detail));
    }
    let gateway = hop.gateway?;
    kernel
        .is_silent(gateway, link)
        .then(|| blindness(BlindCause::GatewaySilent, format!("the gateway {gateway} does not answer")))
}

/// Returns whether this machine has an IPv6 address that others than those on its links can answer to.
fn has_ipv6() -> bool {
    let addresses = fs::read_to_string(IPV6_ADDRESSES).unwrap_or_default();
    // Address, interface, prefix length, scope (00 is global), flags, name; ULA are of global scope, too.
    addresses.lines().any(|line| line.split_whitespace().nth(3) == Some("00"))
}

/// The next hop of a route.
#[derive(Debug)]
struct NextHop {
    /// The index of the interface.
    link: Option<u32>,
    /// `None`: the address is on the own link, or this machine's own.
    gateway: Option<IpAddr>,
}

/// Why there is no next hop.
#[derive(Debug)]
enum RouteError {
    /// No route.
    Missing,
    /// A route that says so.
    Forbidden,
    /// The kernel does not tell.
    Unknown,
}

/// A socket to the kernel's tables.
struct RouteSocket(OwnedFd);

impl RouteSocket {
    fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let family = net::AddressFamily::NETLINK;
        Ok(Self(net::socket_with(family, SocketType::RAW, flags, NETLINK_ROUTE)?))
    }

    /// Asks a question that has one answer. The kernel has it ready when sending returns.
    fn ask(&self, question: RouteNetlinkMessage) -> Result<RouteNetlinkMessage, Errno> {
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(question));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        net::send(&self.0, &bytes, SendFlags::empty())?;
        let mut reply = vec![0; MAX_REPLY];
        let (length, _) = net::recv(&self.0, &mut reply[..], RecvFlags::empty())?;
        let reply = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&reply[..length]);
        match reply.map_err(|_| Errno::BADMSG)?.payload {
            NetlinkPayload::InnerMessage(answer) => Ok(answer),
            NetlinkPayload::Error(error) => Err(Errno::from_raw_os_error(-error.raw_code())),
            _ => Err(Errno::BADMSG),
        }
    }

    /// Returns the next hop on the way to an address.
    fn route(&self, to: IpAddr) -> Result<NextHop, RouteError> {
        let mut question = RouteMessage::default();
        question.header.address_family = family(to);
        question.header.destination_prefix_length = if to.is_ipv4() { 32 } else { 128 };
        question.attributes.push(RouteAttribute::Destination(RouteAddress::from(to)));
        match self.ask(RouteNetlinkMessage::GetRoute(question)) {
            Ok(RouteNetlinkMessage::NewRoute(route)) => next_hop(&route),
            Err(Errno::NETUNREACH) => Err(RouteError::Missing),
            // Unreachable, prohibited, and a black hole.
            Err(Errno::HOSTUNREACH | Errno::ACCESS | Errno::INVAL) => Err(RouteError::Forbidden),
            Ok(_) | Err(_) => Err(RouteError::Unknown),
        }
    }

    fn is_link_down(&self, link: u32) -> bool {
        let mut question = LinkMessage::default();
        question.header.index = link;
        match self.ask(RouteNetlinkMessage::GetLink(question)) {
            Ok(RouteNetlinkMessage::NewLink(link)) => {
                !link.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp)
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Returns whether the kernel has asked for a gateway on its link, and waits for its answer or has given up. One
    /// that answers is in none of these states for longer than a round trip.
    fn is_silent(&self, gateway: IpAddr, link: u32) -> bool {
        let mut question = NeighbourMessage::default();
        question.header.family = family(gateway);
        question.header.ifindex = link;
        question.attributes.push(NeighbourAttribute::Destination(gateway.into()));
        match self.ask(RouteNetlinkMessage::GetNeighbour(question)) {
            Ok(RouteNetlinkMessage::NewNeighbour(neighbour)) => matches!(
                neighbour.header.state,
                NeighbourState::Incomplete | NeighbourState::Failed | NeighbourState::Probe
            ),
            Ok(_) | Err(_) => false,
        }
    }
}

/// Reads the next hop of a route.
fn next_hop(route: &RouteMessage) -> Result<NextHop, RouteError> {
    match route.header.kind {
        RouteType::Unreachable | RouteType::Prohibit | RouteType::BlackHole => {
            return Err(RouteError::Forbidden);
        }
        RouteType::Local => return Ok(NextHop { link: None, gateway: None }),
        _ => {}
    }
    let mut hop = NextHop { link: None, gateway: None };
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Oif(link) => hop.link = Some(*link),
            RouteAttribute::Gateway(RouteAddress::Inet(gateway)) => hop.gateway = Some((*gateway).into()),
            RouteAttribute::Gateway(RouteAddress::Inet6(gateway)) => hop.gateway = Some((*gateway).into()),
            // IPv4 by way of a gateway that is called by its IPv6 address (RFC 8950).
            RouteAttribute::Via(RouteVia::Inet(gateway)) => hop.gateway = Some((*gateway).into()),
            RouteAttribute::Via(RouteVia::Inet6(gateway)) => hop.gateway = Some((*gateway).into()),
            _ => {}
        }
    }
    Ok(hop)
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_asked_and_knows_the_way_to_itself() {
        let kernel = RouteSocket::open().expect("a socket");
        let hop = kernel.route("127.0.0.1".parse().expect("an IP")).expect("a route");
        assert_eq!(hop.gateway, None);
        assert!(!kernel.is_link_down(1), "the loopback interface");
        assert_eq!(obstacle("127.0.0.1".parse().expect("an IP")), None);
    }
}
