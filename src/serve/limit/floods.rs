//! Which networks are limited now: what threads note, and the writer reads once a second.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::client::Prefix;
use crate::event::FloodSighting;

/// The most networks that are noted at a time: what an operator can look at. Forged senders of all networks are no news of
/// any one of them; the counters have them all.
pub const MOST_FLOODS: usize = 16;

/// How often nothing is found of a network before its place is free.
const QUIET_LOOKS: u32 = 60;

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
    /// How often the reader found nothing.
    quiet: AtomicU32,
}

/// The networks that are limited, each with how many of its queries were since the last look.
#[derive(Debug, Default)]
pub struct FloodBoard([FloodPlace; MOST_FLOODS]);

impl FloodBoard {
    /// Notes a query that is over a limit. Without a free place it is passed over.
    pub fn note(&self, network: NetworkCode) {
        let found = self.0.iter().find(|place| place.network.load(ORDER) == network.0);
        let place = found.or_else(|| {
            let free =
                |place: &&FloodPlace| place.network.compare_exchange(0, network.0, ORDER, ORDER).is_ok();
            self.0.iter().find(free)
        });
        if let Some(place) = place {
            place.limited.fetch_add(1, ORDER);
        }
    }

    /// Returns what was noted since the last look. One thread looks.
    pub fn take(&self) -> Vec<FloodSighting> {
        let taken = self.0.iter().filter_map(|place| {
            let network = NetworkCode(place.network.load(ORDER));
            let limited = place.limited.swap(0, ORDER);
            if limited > 0 {
                place.quiet.store(0, ORDER);
                return (network.0 != 0).then(|| FloodSighting { network: network.prefix(), limited });
            }
            if network.0 != 0 && place.quiet.fetch_add(1, ORDER) + 1 >= QUIET_LOOKS {
                place.quiet.store(0, ORDER);
                place.network.store(0, ORDER);
            }
            None
        });
        taken.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes queries from these addresses, and looks once.
    fn check(board: &FloodBoard, clients: &[&str], expected: &[(&str, u64)]) {
        let clients = clients.iter().map(|client| client.parse().expect("an address"));
        clients.for_each(|client| board.note(NetworkCode::of(client)));
        let taken = board.take().into_iter().map(|seen| (seen.network.to_string(), seen.limited));
        let expected = expected.iter().map(|(network, limited)| ((*network).to_owned(), *limited));
        assert!(taken.eq(expected));
    }

    #[test]
    fn clients_of_a_network_are_one_until_it_has_been_quiet_for_a_minute() {
        let board = FloodBoard::default();
        check(
            &board,
            &[
                "192.0.2.1",
                "192.0.2.255",
                "2001:db8:0:ff::1",
                "2001:db8::9",
                "2001:db8:0:100::",
                "::ffff:192.0.2.3",
            ],
            &[("192.0.2.0/24", 3), ("2001:db8::/56", 2), ("2001:db8:0:100::/56", 1)],
        );
        let others: Vec<String> = (0..MOST_FLOODS).map(|net| format!("10.0.{net}.1")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        others.iter().for_each(|client| board.note(NetworkCode::of(client.parse().expect("an address"))));
        assert_eq!(board.take().len(), MOST_FLOODS - 3);
        (0..QUIET_LOOKS).for_each(|_| check(&board, &["10.0.0.1"], &[("10.0.0.0/24", 1)]));
        check(&board, &["198.51.100.1"], &[("198.51.100.0/24", 1)]);
    }
}
