//! The watched clients: what each gets from a snapshot, and how that changed.
//!
//! They ask as resolvers do, with a client subnet, A and AAAA, and get the engine's bytes.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsOption};
use hickory_proto::serialize::binary::BinEncodable;

use crate::client::Prefix;
use crate::engine::{self, Outcome, Transport};
use crate::moment::Moment;
use crate::region::Family;
use crate::snapshot::{Snapshot, World};
use crate::zone::{Name, RData, RecordType};

/// What a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where it leads: the name of a region, or `nodata`, `servfail`, `refused`, or an address of no region.
    pub leads: String,
    /// The TTL in seconds; `None` without records.
    pub ttl: Option<u32>,
    /// The addresses, sorted.
    pub addresses: Vec<IpAddr>,
}

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
    address: IpAddr,
    asked: [Asked; 2],
}

/// One question of a client, and what came back.
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
    pub from: Option<Answer>,
    /// What it gets.
    pub to: Answer,
}

impl Audience {
    /// Seats every client before every name.
    pub fn new(clients: &[(String, Prefix)], names: &[Name]) -> Self {
        let seats = clients.iter().flat_map(|(client, prefix)| {
            names.iter().map(|name| Seat {
                client: client.clone(),
                name: name.clone(),
                address: prefix.address(),
                asked: [RecordType::A, RecordType::AAAA].map(|rtype| Asked {
                    query: query(name, rtype, *prefix),
                    reply: Vec::new(),
                    answer: None,
                    moved: None,
                }),
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
            let before = seat.asked.each_ref().map(|asked| asked.answer.clone());
            for asked in &mut seat.asked {
                let reply = ask(snapshot, &asked.query, seat.address, &mut self.reply);
                if !is_same_world || asked.reply != reply {
                    asked.take(reply, &self.regions, now);
                }
            }
            moves.extend(seat.moves(before));
        }
        moves
    }

    /// Returns the seats of a client, for one name or for all.
    pub fn seats_of<'a>(&'a self, client: &'a str, name: Option<&'a Name>) -> impl Iterator<Item = &'a Seat> {
        self.seats
            .iter()
            .filter(move |seat| seat.client == client && name.is_none_or(|name| *name == seat.name))
    }
}

impl Seat {
    /// Returns what the client gets now.
    ///
    /// # Panics
    ///
    /// When the audience was never asked.
    pub fn answer(&self, family: Family) -> &Answer {
        self.asked[family as usize].answer.as_ref().expect("everybody asks when the first snapshot is there")
    }

    /// Returns when the client was last sent elsewhere; `None`: never.
    pub fn moved(&self, family: Family) -> Option<Moment> {
        self.asked[family as usize].moved
    }

    fn moves(&self, before: [Option<Answer>; 2]) -> Vec<Move> {
        let [mut first, second] = Family::BOTH.map(|family| {
            let (from, to) = (before[family as usize].clone(), self.answer(family).clone());
            let is_change = from.as_ref() != Some(&to);
            is_change.then(|| Move {
                client: self.client.clone(),
                name: self.name.clone(),
                families: vec![family],
                from,
                to,
            })
        });
        if let (Some(one), Some(other)) = (&mut first, &second)
            && one.is_like(other)
        {
            one.families.push(Family::V6);
            one.to.addresses.extend(&other.to.addresses);
            if let (Some(from), Some(other)) = (&mut one.from, &other.from) {
                from.addresses.extend(&other.addresses);
            }
            return first.into_iter().collect();
        }
        first.into_iter().chain(second).collect()
    }
}

impl Asked {
    fn take(&mut self, reply: &[u8], regions: &HashMap<IpAddr, String>, now: Moment) {
        reply.clone_into(&mut self.reply);
        let answer = Answer::read(reply, regions);
        if self.answer.as_ref().is_some_and(|before| before.leads != answer.leads) {
            self.moved = Some(now);
        }
        self.answer = Some(answer);
    }
}

impl Move {
    /// Returns whether the client is sent elsewhere, and does not merely get another TTL or fewer addresses.
    pub fn is_elsewhere(&self) -> bool {
        self.from.as_ref().is_some_and(|from| from.leads != self.to.leads)
    }

    /// Returns whether another family of the same client moves from and to the same.
    fn is_like(&self, other: &Self) -> bool {
        let parts = |answer: &Answer| (answer.leads.clone(), answer.ttl);
        parts(&self.to) == parts(&other.to) && self.from.as_ref().map(parts) == other.from.as_ref().map(parts)
    }
}

impl Answer {
    fn read(reply: &[u8], regions: &HashMap<IpAddr, String>) -> Self {
        let message = Message::from_vec(reply).expect("the engine's replies decode");
        let records = message.answers.iter().filter_map(|record| match &record.data {
            RData::A(address) => Some((IpAddr::V4(address.0), record.ttl)),
            RData::AAAA(address) => Some((IpAddr::V6(address.0), record.ttl)),
            _ => None,
        });
        let records: Vec<(IpAddr, u32)> = records.collect();
        let mut addresses: Vec<IpAddr> = records.iter().map(|(address, _)| *address).collect();
        addresses.sort_unstable();
        let leads = match (message.metadata.response_code, addresses.first()) {
            (ResponseCode::NoError, None) => "nodata".to_owned(),
            (ResponseCode::NoError, Some(first)) => {
                regions.get(first).cloned().unwrap_or_else(|| first.to_string())
            }
            (ResponseCode::ServFail, _) => "servfail".to_owned(),
            (ResponseCode::Refused, _) => "refused".to_owned(),
            (other, _) => other.to_string(),
        };
        Self { leads, ttl: records.iter().map(|(_, ttl)| *ttl).min(), addresses }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.leads)?;
        self.ttl.map_or(Ok(()), |ttl| write!(f, " ttl {ttl}"))
    }
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
