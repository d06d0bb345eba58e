//! One subnet of a client: what it asks, and what came back last.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::answer::ClientAnswer;
use crate::client::Prefix;
use crate::engine::{self, Arrival, Disposition, Transport};
use crate::inspect::query;
use crate::moment::Moment;
use crate::region::Family;
use crate::share;
use crate::snapshot::Snapshot;
use crate::zone::{Name, RecordType};

/// The most subnets that ask for a client: every /24 of a /16. A share of one half is seen to three points
/// (one standard deviation), and the clients of a simulated hour ask within its second.
const SAMPLE: u32 = 256;

/// One subnet of a client.
#[derive(Debug)]
pub struct Subnet {
    pub prefix: Prefix,
    /// Its part of the clients, by the place in `Base::demand`; `None`: it never asked, or is too small to matter.
    pub part: Option<u16>,
    asked: [SubnetQuestion; 2],
}

/// Whose the addresses in answers are.
#[derive(Clone, Copy, Debug)]
pub struct AddressOwners<'a> {
    /// The name of the region of each address.
    pub by_address: &'a HashMap<IpAddr, String>,
    /// Whether they are others than when the subnet last asked.
    pub are_others: bool,
}

/// What is new about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Elsewhere,
    /// It leads where it led, or it is the first.
    Details,
}

/// One question of a subnet, and what came back.
#[derive(Debug)]
struct SubnetQuestion {
    query: Vec<u8>,
    reply: Vec<u8>,
    answer: Option<ClientAnswer>,
    moved: Option<Moment>,
}

impl Subnet {
    /// Returns a subnet that asks for a name, A and AAAA.
    pub fn new(prefix: Prefix, name: &Name) -> Self {
        let asked = [RecordType::A, RecordType::AAAA].map(|rtype| SubnetQuestion {
            query: query::on_behalf_of(prefix, 0, name, rtype),
            reply: Vec::new(),
            answer: None,
            moved: None,
        });
        Self { prefix, part: None, asked }
    }

    /// Asks once more, and returns what changed; `None`: not one octet, unless the regions are others.
    pub fn ask(
        &mut self,
        family: Family,
        snapshot: &Snapshot,
        regions: &AddressOwners<'_>,
        now: Moment,
        buffer: &mut [u8],
    ) -> Option<News> {
        let asked = &mut self.asked[family as usize];
        let (reply, part) = ask(snapshot, &asked.query, self.prefix.address(), buffer);
        self.part = part;
        let is_news = regions.are_others || asked.reply != reply;
        is_news.then(|| asked.take(reply, regions.by_address, now))
    }

    /// Returns what the subnet gets; `None`: it never asked.
    pub fn answer(&self, family: Family) -> Option<&ClientAnswer> {
        self.asked[family as usize].answer.as_ref()
    }

    /// Returns when it was last sent elsewhere; `None`: never.
    pub fn moved(&self, family: Family) -> Option<Moment> {
        self.asked[family as usize].moved
    }
}

impl SubnetQuestion {
    /// Takes a reply, and returns what is new about it.
    fn take(&mut self, reply: &[u8], regions: &HashMap<IpAddr, String>, now: Moment) -> News {
        reply.clone_into(&mut self.reply);
        let answer = ClientAnswer::read(reply, regions);
        let is_elsewhere = self.answer.as_ref().is_some_and(|before| before.leads != answer.leads);
        if is_elsewhere {
            self.moved = Some(now);
        }
        self.answer = Some(answer);
        if is_elsewhere { News::Elsewhere } else { News::Details }
    }
}

/// Returns the subnets that ask for a client: itself, or an even sample of what it is made of.
pub fn sample(client: Prefix) -> impl Iterator<Item = Prefix> {
    let length = share::prefix_length(client.family());
    let depth = length.saturating_sub(client.length());
    // How many bits of the number of a subnet are the same for all of the sample.
    let passed_over = depth.saturating_sub(SAMPLE.ilog2() as u8);
    let count = 1u32 << (depth - passed_over);
    (0..count).map(move |index| {
        if depth == 0 {
            return client;
        }
        let address = match client.address() {
            IpAddr::V4(v4) => {
                let offset = index << (passed_over + 32 - length);
                Ipv4Addr::from_bits(v4.to_bits() | offset).into()
            }
            IpAddr::V6(v6) => {
                let offset = u128::from(index) << (passed_over + 128 - length);
                Ipv6Addr::from_bits(v6.to_bits() | offset).into()
            }
        };
        Prefix::around(address, length)
    })
}

/// Asks over a transport that never truncates, and returns the reply and the part of the clients that it was for.
fn ask<'r>(
    snapshot: &Snapshot,
    query: &[u8],
    client: IpAddr,
    reply: &'r mut [u8],
) -> (&'r [u8], Option<u16>) {
    match engine::answer(snapshot, query, Arrival { client, transport: Transport::Tcp, at: Moment(0) }, reply)
    {
        Disposition::Reply { length, tally } => (&reply[..length], tally.part),
        Disposition::Silence | Disposition::Transaction => unreachable!("a well-formed query is answered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(client: &str, count: usize, first: &str, last: &str) {
        let subnets: Vec<_> = sample(client.parse().expect("a prefix")).collect();
        assert_eq!(subnets.len(), count, "{client}");
        let ends = [subnets[0], subnets[count - 1]].map(|prefix| prefix.to_string());
        assert_eq!(ends, [first, last], "{client}");
    }

    #[test]
    fn a_client_is_an_even_sample_of_the_subnets_that_shares_go_by() {
        check("133.11.5.0/24", 1, "133.11.5.0/24", "133.11.5.0/24");
        check("133.11.5.7/32", 1, "133.11.5.7/32", "133.11.5.7/32");
        check("133.11.4.0/22", 4, "133.11.4.0/24", "133.11.7.0/24");
        check("133.11.0.0/16", 256, "133.11.0.0/24", "133.11.255.0/24");
        check("12.0.0.0/8", 256, "12.0.0.0/24", "12.255.0.0/24");
        check("0.0.0.0/0", 256, "0.0.0.0/24", "255.0.0.0/24");
        check("2001:db8:5::/48", 1, "2001:db8:5::/48", "2001:db8:5::/48");
        check("2001:db8::/32", 256, "2001:db8::/48", "2001:db8:ff00::/48");
        check("::/0", 256, "::/48", "ff00::/48");
    }
}
