//! Tells the faults of this machine from those of what it probes.
//!
//! Most are told by the error alone ([`blindness`](super::blindness)): an address family that is not there, descriptors that have run out, a
//! firewall of this machine. Whether "unreachable" was said here or by a router on the way, and whether silence is that
//! of the far end or of the own gateway, only the kernel knows, and it is asked at that moment ([`judge`]). What
//! it knows goes before what the error says.

use std::net::IpAddr;

use super::failure::failure;
use super::kernel;
use crate::canary::{BlindCause, Blindness, FailureClass, ProbeError};

/// Judges an error of a probe that went to one of these addresses, none if it got as far as no address.
pub fn judge(error: ProbeError, addresses: &[IpAddr]) -> ProbeError {
    match error {
        // A name that is still looked up: name servers are silent for longer than the canary waits.
        ProbeError::Failed(failure) if failure.class == FailureClass::Timeout && addresses.is_empty() => {
            let detail = "the name servers of this system did not answer within the timeout".to_owned();
            ProbeError::Blind(Blindness { cause: BlindCause::ResolverSilent, detail })
        }
        ProbeError::Failed(failure) if failure.class == FailureClass::Timeout => {
            obstacle(addresses).map_or(ProbeError::Failed(failure), ProbeError::Blind)
        }
        ProbeError::Failed(failure) => ProbeError::Failed(failure),
        ProbeError::Blind(blindness) => match (obstacle(addresses), blindness.cause) {
            (Some(obstacle), _) => ProbeError::Blind(obstacle),
            // ICMPv6 lets a router say what looks like our own refusal (RFC 4443, section 3.1, codes 1 and 5).
            (None, BlindCause::Prohibited) if addresses.iter().any(IpAddr::is_ipv6) => {
                failure(FailureClass::Timeout, "prohibited on the way").into()
            }
            (None, _) => ProbeError::Blind(blindness),
        },
    }
}

/// Returns what keeps this machine from all of these addresses; `None`: it reaches one of them, or there is none.
fn obstacle(addresses: &[IpAddr]) -> Option<Blindness> {
    let obstacles: Option<Vec<_>> = addresses.iter().map(|address| kernel::obstacle(*address)).collect();
    obstacles?.into_iter().next()
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustix::io::Errno;

    use super::super::failure;
    use super::*;

    #[test]
    fn errors_of_this_machine_are_found_however_deep_they_are_wrapped_and_those_of_others_are_none() {
        for (errno, expected) in [
            (Errno::MFILE, Some(BlindCause::OutOfDescriptors)),
            (Errno::NFILE, Some(BlindCause::OutOfDescriptors)),
            (Errno::AFNOSUPPORT, Some(BlindCause::NoIpv6)),
            (Errno::PERM, Some(BlindCause::NotPermitted)),
            (Errno::ADDRNOTAVAIL, Some(BlindCause::NoSourceAddress)),
            (Errno::NOBUFS, Some(BlindCause::OutOfMemory)),
            (Errno::CONNREFUSED, None),
            (Errno::TIMEDOUT, None),
            (Errno::HOSTUNREACH, None),
        ] {
            let inner = io::Error::from_raw_os_error(errno.raw_os_error());
            let outer = io::Error::other(io::Error::other(inner));
            let cause = match failure::of(&outer) {
                ProbeError::Blind(blindness) => Some(blindness.cause),
                ProbeError::Failed(_) => None,
            };
            assert_eq!(cause, expected, "{errno:?}");
        }
    }

    #[test]
    fn unreachable_through_a_way_that_is_open_was_said_by_a_router_and_counts_like_a_timeout() {
        let unreachable = failure::of(&io::Error::from_raw_os_error(Errno::HOSTUNREACH.raw_os_error()));
        // The way to oneself is always open.
        let judged = judge(unreachable, &["127.0.0.1".parse().expect("an IP")]);
        let expected = failure(FailureClass::Timeout, "host unreachable");
        assert_eq!(judged, ProbeError::Failed(expected));
    }

    #[test]
    fn a_prohibition_on_the_way_is_possible_in_ipv6_only() {
        let prohibited = || failure::of(&io::Error::from_raw_os_error(Errno::ACCESS.raw_os_error()));
        let judged = |address: &str| judge(prohibited(), &[address.parse().expect("an IP")]);
        assert!(matches!(judged("127.0.0.1"), ProbeError::Blind(_)));
        if std::path::Path::new("/proc/net/if_inet6").exists() {
            assert!(matches!(judged("::1"), ProbeError::Failed(_)));
        }
    }
}
