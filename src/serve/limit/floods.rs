//! Which networks are limited now: what threads note, and the writer reads once a second.
//!
//! A place is chosen by the hash of the network, so that a thread touches one place whatever there is on the others. A
//! network whose place another one has is counted without its name, and finds it free after the next look.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::client::Prefix;
use crate::event::{FloodSighting, LimitedQueries};

/// The most networks that are noted from one look to the next: twice what an event names, and a kilobyte.
pub const MOST_FLOODS: usize = 32;

/// The networks whose clients count together (RFC 6177 gives a site up to a /48, and BIND's limiter takes a /56).
const LENGTHS: [u8; 2] = [24, 56];

/// Numbers for people: relaxed.
const ORDER: Ordering = Ordering::Relaxed;

/// A network as a number: never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkCode(pub u64);

impl NetworkCode {
    /// Returns that of a client: of its /24 or /56.
    pub fn of(client: IpAddr) -> Self {
        match client {
            IpAddr::V4(v4) => Self(1 << 56 | u64::from(v4.to_bits() >> 8)),
            // The first 56 of 128 bits.
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => Self::of(v4.into()),
                None => Self(2 << 56 | (v6.to_bits() >> 72) as u64),
            },
        }
    }

    fn prefix(self) -> Prefix {
        let [v4, v6] = LENGTHS;
        let bits = self.0 & ((1 << 56) - 1);
        match self.0 >> 56 {
            1 => Prefix::around(Ipv4Addr::from_bits((bits as u32) << 8).into(), v4),
            _ => Prefix::around(Ipv6Addr::from_bits(u128::from(bits) << 72).into(), v6),
        }
    }
}

#[derive(Debug, Default)]
struct FloodPlace {
    /// Zero: it is free.
    network: AtomicU64,
    limited: AtomicU64,
}

/// The networks that are limited, each with how many of its queries were since the last look.
#[derive(Debug, Default)]
pub struct FloodBoard {
    places: [FloodPlace; MOST_FLOODS],
    /// Queries of networks whose places others have.
    others: AtomicU64,
}

impl FloodBoard {
    /// Notes a query that is over a limit, of a network with this hash.
    pub fn note(&self, network: NetworkCode, hash: u64) {
        let place = &self.places[hash as usize % MOST_FLOODS];
        let held = place.network.load(ORDER);
        let is_own = held == network.0
            || held == 0 && place.network.compare_exchange(0, network.0, ORDER, ORDER).is_ok();
        let count = if is_own { &place.limited } else { &self.others };
        count.fetch_add(1, ORDER);
    }

    /// Returns what was noted since the last look, and frees all places. A query that is noted meanwhile may be counted for
    /// the network that has the place next.
    pub fn take(&self) -> LimitedQueries {
        let taken = self.places.iter().filter_map(|place| {
            let network = NetworkCode(place.network.swap(0, ORDER));
            let limited = place.limited.swap(0, ORDER);
            (network.0 != 0 && limited > 0).then(|| FloodSighting { network: network.prefix(), limited })
        });
        LimitedQueries { networks: taken.collect(), others: self.others.swap(0, ORDER) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes queries from these addresses, each with the hash of its place, and looks once.
    fn check(board: &FloodBoard, clients: &[(&str, u64)], expected: &[(&str, u64)], others: u64) {
        for (client, hash) in clients {
            board.note(NetworkCode::of(client.parse().expect("an address")), *hash);
        }
        let taken = board.take();
        let networks = taken.networks.iter().map(|seen| (seen.network.to_string(), seen.limited));
        let expected = expected.iter().map(|(network, limited)| ((*network).to_owned(), *limited));
        assert!(networks.eq(expected), "{taken:?}");
        assert_eq!(taken.others, others);
    }

    #[test]
    fn clients_of_a_network_are_noted_as_one() {
        check(
            &FloodBoard::default(),
            &[
                ("192.0.2.1", 0),
                ("192.0.2.255", 0),
                ("2001:db8:0:ff::1", 1),
                ("2001:db8::9", 1),
                ("2001:db8:0:100::", 2),
                ("::ffff:192.0.2.3", 0),
            ],
            &[("192.0.2.0/24", 3), ("2001:db8::/56", 2), ("2001:db8:0:100::/56", 1)],
            0,
        );
    }

    #[test]
    fn a_network_whose_place_another_has_is_counted_and_has_it_after_the_next_look() {
        let board = FloodBoard::default();
        let (first, second) = (("192.0.2.1", 5), ("198.51.100.1", 5 + MOST_FLOODS as u64));
        check(&board, &[first, second, second], &[("192.0.2.0/24", 1)], 2);
        check(&board, &[second, first], &[("198.51.100.0/24", 1)], 1);
        check(&board, &[], &[], 0);
    }
}
