//! The immutable, numbered result of compiling everything: the only thing that a query touches.
//!
//! A [`World`] is compiled when the configuration or a database changes; a [`Snapshot`] when health
//! does. A snapshot shares its world with its neighbours and adds what health decides: for every
//! policy the choice of each part of the clients, and for every steered name the records of each
//! distinct choice, packed once.

mod explain;
mod records;
mod world;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

pub use explain::{Explanation, Inquiry, NoInquiry, explain};
pub use records::Kind;
pub use world::{Partition, World};

use crate::answer::Packed;
use crate::health::{Services, View};
use crate::region::{Family, RegionId};
use crate::steering::{self, Found, Refusal, Steering, SteeringId};
use crate::zone::Ttl;
use records::Pool;

/// What a query is answered from.
#[derive(Debug)]
pub struct Snapshot {
    /// Its number; each published snapshot has a higher one than the snapshot before.
    pub number: u64,
    /// What it has in common with its neighbours.
    pub world: Arc<World>,
    /// The health that it was decided for.
    pub health: View,
    /// How every region stands by that health.
    pub services: Services,
    /// By partition.
    choices: Vec<Choices>,
    /// By `SteeringId`, then by the number of the choice.
    answers: Vec<Vec<Answers>>,
}

/// The distinct choices of one partition, and which of them each part of its clients gets.
#[derive(Debug, PartialEq, Eq)]
struct Choices {
    by_part: Vec<u32>,
    /// What is found, by family.
    distinct: Vec<[Found; 2]>,
}

/// The answers of one steered name for one choice.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answers {
    /// By [`Kind`].
    by_kind: [Answer; 3],
    /// The region that IPv4 was sent to, or else IPv6.
    region: Option<RegionId>,
}

/// The answer of one steered name, kind and choice.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Records(Arc<Packed>),
    Nodata(Ttl),
    Refuse,
    Servfail,
}

/// What a steered name answers to one client.
#[derive(Clone, Copy, Debug)]
pub struct Steered<'a> {
    /// What is answered.
    pub choice: Choice<'a>,
    /// The length of the widest block around the client in which this is the same whatever happens
    /// to health: the scope prefix length of RFC 7871.
    pub scope: u8,
    /// The region that was chosen, for the counters.
    pub region: Option<RegionId>,
}

/// The answer of a steered name.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// This RRset.
    Records(&'a Packed),
    /// NOERROR without data, to be remembered for at most this long: what is chosen may change long
    /// before the zone's own negative TTL is over.
    Nodata(Ttl),
    /// RCODE REFUSED.
    Refuse,
    /// RCODE SERVFAIL.
    Servfail,
}

impl Snapshot {
    /// Decides everything for `health` and packs it.
    pub fn compile(world: Arc<World>, health: View, number: u64) -> Self {
        let services = Services::of(&world.config.regions, &health);
        let partitions = world.partitions.iter();
        let choices: Vec<_> = partitions.map(|partition| Choices::make(partition, &services)).collect();
        let mut pool = Pool::new(&world.config.regions, &health);
        let steered = world.config.steered.iter().zip(&world.partition_of);
        let answers = steered.map(|(steering, partition)| {
            let distinct = choices[*partition].distinct.iter();
            distinct.map(|found| Answers::make(steering, found, &mut pool)).collect()
        });
        let answers = answers.collect();
        Self { number, world, health, services, choices, answers }
    }

    /// Returns what the steered name `id` answers to `client`.
    pub fn steer(&self, id: SteeringId, kind: Kind, client: IpAddr) -> Steered<'_> {
        let index = id.0 as usize;
        let partition = self.world.partition_of[index];
        let place = self.world.partitions[partition].view.find(&self.world.table, client);
        let choice = self.choices[partition].by_part[place.part as usize];
        let answers = &self.answers[index][choice as usize];
        let choice = match &answers.by_kind[kind as usize] {
            Answer::Records(packed) => Choice::Records(packed),
            Answer::Nodata(ttl) => Choice::Nodata(*ttl),
            Answer::Refuse => Choice::Refuse,
            Answer::Servfail => Choice::Servfail,
        };
        Steered { choice, scope: place.scope, region: answers.region }
    }

    /// Returns whether both snapshots answer every query alike.
    pub fn answers_like(&self, other: &Self) -> bool {
        self.choices == other.choices && self.answers == other.answers
    }
}

impl Choices {
    fn make(partition: &Partition, services: &Services) -> Self {
        let mut numbers: HashMap<[Found; 2], u32> = HashMap::new();
        let mut distinct = Vec::new();
        let by_part = partition.plans.iter().map(|plan| {
            let found =
                Family::BOTH.map(|family| steering::find(plan, partition.policy.all_down, services, family));
            *numbers.entry(found).or_insert_with(|| {
                distinct.push(found);
                distinct.len() as u32 - 1
            })
        });
        let by_part = by_part.collect();
        Self { by_part, distinct }
    }
}

impl Answers {
    fn make(steering: &Steering, found: &[Found; 2], pool: &mut Pool<'_>) -> Self {
        let by_kind = Kind::ALL.map(|kind| match pool.records(steering, kind, found) {
            Ok(Some(packed)) => Answer::Records(packed),
            Ok(None) => Answer::Nodata(steering.ttl),
            Err(Refusal::Nodata) => Answer::Nodata(steering.short_ttl),
            Err(Refusal::Refuse) => Answer::Refuse,
            Err(Refusal::Servfail) => Answer::Servfail,
        });
        Self { by_kind, region: found[0].region().or(found[1].region()) }
    }
}
