//! The watched clients: what each gets from a snapshot, and how that changed.
//!
//! They ask as resolvers do, with a client subnet, A and AAAA, and get the engine's bytes. A client that is
//! larger than what belongs to a share as a whole (/24, /48) is many subnets, which may be led to different
//! regions: a sample of them, spread evenly, asks for all.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsOption};
use hickory_proto::serialize::binary::BinEncodable;

use super::answer::{Answer, Split};
use super::script::Client;
use crate::client::Prefix;
use crate::engine::{self, Outcome, Transport};
use crate::moment::Moment;
use crate::region::Family;
use crate::share;
use crate::snapshot::{Snapshot, World};
use crate::zone::{Name, RecordType};

/// The most subnets that ask for a client: every /24 of a /16. A share of one half is seen to three points
/// (one standard deviation), and the clients of a simulated hour ask within its second.
const SAMPLE: u32 = 256;

/// Everybody who is watched.
#[derive(Debug)]
pub struct Audience {
    seats: Vec<Seat>,
    /// The world whose regions `regions` knows.
    world: Option<Arc<World>>,
    regions: HashMap<IpAddr, String>,
    reply: Vec<u8>,
}

/// A client, and one name that it asks for.
#[derive(Debug)]
pub struct Seat {
    /// The name of the client.
    pub client: String,
    /// The name that it asks for.
    pub name: Name,
    subnets: Vec<Subnet>,
    /// What all subnets get, by family; `None`: they never asked.
    splits: [Option<Split>; 2],
}

/// One subnet of a client.
#[derive(Debug)]
struct Subnet {
    prefix: Prefix,
    asked: [Asked; 2],
}

/// One question of a subnet, and what came back.
#[derive(Debug)]
struct Asked {
    query: Vec<u8>,
    reply: Vec<u8>,
    answer: Option<Answer>,
    moved: Option<Moment>,
}

/// What changed for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The name of the client.
    pub client: String,
    /// The name that it asks for.
    pub name: Name,
    /// Which answers: A, AAAA, or both alike.
    pub families: Vec<Family>,
    /// What it got; `None`: it asks for the first time.
    pub from: Option<Split>,
    /// What it gets.
    pub to: Split,
    /// The subnets that are led elsewhere, and do not merely get another TTL or fewer addresses.
    pub elsewhere: Vec<(Prefix, Family)>,
}

impl Audience {
    /// Seats every client before every name.
    pub fn new(clients: &[Client], names: &[Name]) -> Self {
        let seats = clients.iter().flat_map(|client| {
            names.iter().map(|name| Seat {
                client: client.name.clone(),
                name: name.clone(),
                subnets: sample(client.prefix).map(|prefix| Subnet::new(prefix, name)).collect(),
                splits: [None, None],
            })
        });
        Self {
            seats: seats.collect(),
            world: None,
            regions: HashMap::new(),
            reply: vec![0; engine::most(Transport::Tcp)],
        }
    }

    /// Lets everybody ask, and returns for whom something changed.
    pub fn ask(&mut self, snapshot: &Snapshot, now: Moment) -> Vec<Move> {
        let is_same_world = self.world.as_ref().is_some_and(|world| Arc::ptr_eq(world, &snapshot.world));
        if !is_same_world {
            self.world = Some(Arc::clone(&snapshot.world));
            self.regions = regions(&snapshot.world);
        }
        let mut moves = Vec::new();
        for seat in &mut self.seats {
            let changes = Family::BOTH.map(|family| {
                let (mut is_change, mut elsewhere) = (false, Vec::new());
                for subnet in &mut seat.subnets {
                    let asked = &mut subnet.asked[family as usize];
                    let reply = ask(snapshot, &asked.query, subnet.prefix.address(), &mut self.reply);
                    if !is_same_world || asked.reply != reply {
                        is_change = true;
                        let is_elsewhere = asked.take(reply, &self.regions, now);
                        elsewhere.extend(is_elsewhere.then_some((subnet.prefix, family)));
                    }
                }
                is_change.then_some(elsewhere)
            });
            moves.extend(seat.moves(changes));
        }
        moves
    }

    /// Returns the seats of a client, for one name or for all.
    pub fn seats_of<'a>(&'a self, client: &'a str, name: Option<&'a Name>) -> impl Iterator<Item = &'a Seat> {
        self.seats
            .iter()
            .filter(move |seat| seat.client == client && name.is_none_or(|name| *name == seat.name))
    }

    /// Returns where the A answers of a client lead and the share of its subnets that is led there, all names
    /// counting alike; and the longest of their TTLs.
    pub fn shares_of(&self, client: &str) -> (BTreeMap<String, f64>, Duration) {
        let splits = || self.seats_of(client, None).map(|seat| seat.split(Family::V4));
        let subnets: usize = splits().map(|split| split.subnets).sum();
        let mut shares = BTreeMap::new();
        for (to, count) in splits().flat_map(|split| &split.leads) {
            *shares.entry(to.clone()).or_insert(0.0) += *count as f64 / subnets as f64;
        }
        let longest = splits().filter_map(|split| split.ttls.last()).max();
        (shares, Duration::from_secs(longest.copied().unwrap_or_default().into()))
    }
}

impl Seat {
    /// Returns what the client gets now.
    ///
    /// # Panics
    ///
    /// When the audience was never asked.
    pub fn split(&self, family: Family) -> &Split {
        self.splits[family as usize].as_ref().expect("everybody asks when the first snapshot is there")
    }

    /// Returns when one of the client's subnets was last sent elsewhere; `None`: never.
    pub fn moved(&self, family: Family) -> Option<Moment> {
        self.subnets.iter().filter_map(|subnet| subnet.asked[family as usize].moved).max()
    }

    /// Returns whether those subnets that are led to one of these regions all get this TTL.
    pub fn has_ttl(&self, family: Family, to: &[String], ttl: u32) -> bool {
        let answers = self.subnets.iter().filter_map(|subnet| subnet.asked[family as usize].answer.as_ref());
        let mut meant = answers.filter(|answer| to.contains(&answer.leads));
        meant.all(|answer| answer.ttl == Some(ttl))
    }

    /// Takes what changed, by family: the subnets that are led elsewhere, or `None` if nothing did.
    fn moves(&mut self, changes: [Option<Vec<(Prefix, Family)>>; 2]) -> Vec<Move> {
        let moves = Family::BOTH.into_iter().zip(changes).filter_map(|(family, elsewhere)| {
            let elsewhere = elsewhere?;
            let answers =
                self.subnets.iter().filter_map(|subnet| subnet.asked[family as usize].answer.as_ref());
            let to = Split::of(answers);
            let from = self.splits[family as usize].replace(to.clone());
            let is_news = from.as_ref() != Some(&to) || !elsewhere.is_empty();
            let (client, name) = (self.client.clone(), self.name.clone());
            is_news.then(|| Move { client, name, families: vec![family], from, to, elsewhere })
        });
        match <[Move; 2]>::try_from(moves.collect::<Vec<_>>()) {
            Ok([one, other]) if one.is_like(&other) => vec![one.with(other)],
            Ok(both) => both.into(),
            Err(fewer) => fewer,
        }
    }
}

impl Subnet {
    fn new(prefix: Prefix, name: &Name) -> Self {
        let asked = [RecordType::A, RecordType::AAAA].map(|rtype| Asked {
            query: query(name, rtype, prefix),
            reply: Vec::new(),
            answer: None,
            moved: None,
        });
        Self { prefix, asked }
    }
}

impl Asked {
    /// Takes a reply, and returns whether it leads elsewhere than the one before.
    fn take(&mut self, reply: &[u8], regions: &HashMap<IpAddr, String>, now: Moment) -> bool {
        reply.clone_into(&mut self.reply);
        let answer = Answer::read(reply, regions);
        let is_elsewhere = self.answer.as_ref().is_some_and(|before| before.leads != answer.leads);
        if is_elsewhere {
            self.moved = Some(now);
        }
        self.answer = Some(answer);
        is_elsewhere
    }
}

impl Move {
    /// Returns whether another family of the same client moves from and to the same.
    fn is_like(&self, other: &Self) -> bool {
        let parts = |split: &Split| (split.leads.clone(), split.ttls.clone());
        parts(&self.to) == parts(&other.to) && self.from.as_ref().map(parts) == other.from.as_ref().map(parts)
    }

    /// Returns the move together with one of another family that is like it.
    fn with(mut self, other: Self) -> Self {
        self.families.extend(other.families);
        self.elsewhere.extend(other.elsewhere);
        self.to.addresses.extend(other.to.addresses);
        if let (Some(from), Some(other)) = (&mut self.from, other.from) {
            from.addresses.extend(other.addresses);
        }
        self
    }
}

/// Returns the subnets that ask for a client: itself, or an even sample of what it is made of.
fn sample(client: Prefix) -> impl Iterator<Item = Prefix> {
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

fn query(name: &Name, rtype: RecordType, client: Prefix) -> Vec<u8> {
    let mut query = Message::new(0, MessageType::Query, OpCode::Query);
    query.add_query(Query::query(name.clone(), rtype));
    let mut edns = Edns::new();
    let subnet = ClientSubnet::new(client.address(), client.length(), 0);
    edns.options_mut().insert(EdnsOption::Subnet(subnet));
    query.set_edns(edns);
    query.to_bytes().expect("a query of one question encodes")
}

/// Asks over a transport that never truncates.
fn ask<'r>(snapshot: &Snapshot, query: &[u8], client: IpAddr, reply: &'r mut [u8]) -> &'r [u8] {
    match engine::answer(snapshot, query, client, Transport::Tcp, reply) {
        Outcome::Reply { length, .. } => &reply[..length],
        Outcome::Silence => unreachable!("a well-formed query is answered"),
    }
}

/// Returns the region of every address.
fn regions(world: &World) -> HashMap<IpAddr, String> {
    let regions = &world.config.regions;
    let named = regions.addresses().map(|(_, address)| {
        let name = regions.region(address.region).name.clone();
        (address.ip, name)
    });
    named.collect()
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
