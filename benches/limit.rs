//! What a rate limit costs a reply. Prints; judges nothing.

#[path = "support/figures.rs"]
mod figures;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use figures::{Random, print_each};
use meridian::config::RateLimit;
use meridian::engine::ReplySubject;
use meridian::moment::Moment;
use meridian::serve::Limiter;
use meridian::serve::limit::ReplyCost;

const REPLIES: usize = 2_000_000;

fn main() {
    let limits = RateLimit::default();
    let mut random = Random::new();
    let clients: Vec<IpAddr> = (0..REPLIES).map(|_| random.v4()).collect();
    measure("random networks", &limits, &clients);
    measure("64 networks", &limits, &clients.iter().map(|client| few(*client)).collect::<Vec<_>>());
    measure("one network, a flood", &limits, &vec![Ipv4Addr::new(192, 0, 2, 1).into(); REPLIES]);
    let none = RateLimit { exempt: Vec::new(), ..limits };
    measure("random networks, none exempt", &none, &clients);
}

fn few(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & 0x3f00).into(),
        IpAddr::V6(_) => client,
    }
}

/// Judges a reply to each client, 300 000 of them a second.
fn measure(what: &str, limits: &RateLimit, clients: &[IpAddr]) {
    let limiter = Limiter::new(Some(limits), [7; 16]);
    let subject = ReplySubject::Name(None);
    let replies: Vec<(ReplyCost, Moment)> = clients
        .iter()
        .zip(0..)
        .map(|(client, number)| {
            (ReplyCost { client: *client, subject, octets: [44, 76] }, Moment(1_000_000 + number / 300))
        })
        .collect();
    let run = |(reply, now): &(ReplyCost, Moment)| _ = black_box(limiter.judge(black_box(reply), *now));
    print_each(&format!("limit: {what}"), &replies, run, "at most 40 ns");
}
