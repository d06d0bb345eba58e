//! Errors that are this machine's own, whatever was probed.

use std::error::Error;
use std::io;

use rustix::io::Errno;

use super::detail::bounded;
use super::names::ResolverSilent;
use crate::canary::{BlindCause, Blindness};

/// Returns what a single error says of this machine; `None`: nothing.
pub fn known(error: &(dyn Error + 'static)) -> Option<Blindness> {
    if let Some(silent) = error.downcast_ref::<ResolverSilent>() {
        return Some(blindness(BlindCause::ResolverSilent, silent.to_string()));
    }
    of_errno(Errno::from_io_error(error.downcast_ref::<io::Error>()?)?)
}

fn of_errno(error: Errno) -> Option<Blindness> {
    let (cause, detail) = match error {
        Errno::AFNOSUPPORT => (BlindCause::NoIpv6, NO_IPV6),
        Errno::MFILE => (BlindCause::OutOfDescriptors, "this process is out of file descriptors"),
        Errno::NFILE => (BlindCause::OutOfDescriptors, "this system is out of file descriptors"),
        Errno::PERM => (BlindCause::NotPermitted, "a firewall of this machine forbids the connection"),
        Errno::ACCESS => (BlindCause::Prohibited, "this machine forbids the connection"),
        Errno::ADDRNOTAVAIL => {
            (BlindCause::NoSourceAddress, "this machine has no address or port left to connect from")
        }
        Errno::NOBUFS | Errno::NOMEM => {
            (BlindCause::OutOfMemory, "this machine has no memory left for the connection")
        }
        Errno::NETDOWN => (BlindCause::LinkDown, "the network of this machine is down"),
        _ => return None,
    };
    Some(blindness(cause, detail))
}

/// Every kernel has IPv4, so that the family that is missing is the other one.
pub const NO_IPV6: &str = "this instance has no IPv6";

/// Returns blindness with a detail of bounded length.
pub fn blindness(cause: BlindCause, detail: impl Into<String>) -> Blindness {
    Blindness { cause, detail: bounded(detail) }
}
