//! The immutable, numbered result of compiling everything: the only thing that a query touches.
//!
//! A [`Base`] is compiled when the configuration or a database changes; a [`Snapshot`] when health
//! does. A snapshot shares its base with its neighbours and adds what health decides: for every
//! policy the choice of each part of the clients, and for every steered name the records of each
//! distinct choice, packed once.

mod base;
mod choices;
mod demand;
mod digest;
mod fixed;
#[cfg(test)]
pub(crate) mod fixture;
mod partition;
mod pins;
mod records;
mod steered;
mod transferred;
mod warnings;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

pub use base::Base;
pub(crate) use demand::splits_of;
pub use demand::{DemandPart, DrawnFor, Permit};
pub use digest::MAX_DIGESTS;
pub use fixed::{ZoneSet, sets_of};
pub use partition::{Partition, RequesterPlace};
pub use records::{AnsweredAddresses, Kind, ServedAddress, served};
pub use steered::{Steered, SteeredAnswer};
pub use transferred::{FixedSets, digest_of_content};

use crate::client::{GroupId, Requester};
use crate::health::View;
use crate::intent::Weights;
use crate::region::{AddressId, RegionId, RegionSet};
use crate::steering::{Bucketing, PartSplits, Splits, SteeringId};
use crate::zone::Chooser;
use choices::{Choices, Terms};
use records::{Answer, Answers, Pool};

/// What a query is answered from.
#[derive(Debug)]
pub struct Snapshot {
    /// Its number; each published snapshot has a higher one than the snapshot before.
    pub number: u64,
    /// What it has in common with its neighbours.
    pub base: Arc<Base>,
    /// The health that it was decided for.
    pub health: View,
    /// What regions that are too full shed.
    pub splits: Splits,
    /// How operators divide the clients of some names between regions.
    pub weights: Vec<Weights>,
    /// The addresses that clients are sent away from.
    pub leaving: Vec<AddressId>,
    /// The addresses that answers hold, each with the longest time for which a resolver may keep it.
    pub given: Arc<AnsweredAddresses>,
    /// By partition, and after those one for each name with weights.
    choices: Vec<Choices>,
    /// By `SteeringId`: the place in `choices`.
    choices_of: Vec<usize>,
    /// By `SteeringId`, then by the number of the choice.
    answers: Vec<Vec<Answers>>,
    /// By `SteeringId`, once they are asked for.
    digests: OnceLock<Vec<[u8; 32]>>,
}

/// What a snapshot is decided for, besides its base.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Health, as operators amend it.
    pub health: View,
    /// What regions that are too full shed.
    pub splits: Splits,
    /// How the clients of some names are divided between regions.
    pub weights: Vec<Weights>,
    /// The addresses that clients are sent away from: the resolvers that still get them are counted.
    pub leaving: Vec<AddressId>,
    /// By family: the regions that are down and still have clients since all were. What returns first answers with short
    /// TTLs until they are back, too.
    pub outage: [RegionSet; 2],
}

impl From<View> for Inputs {
    /// Returns inputs in which no region sheds, no name has weights, and no clients are sent away.
    fn from(health: View) -> Self {
        Self {
            health,
            splits: Splits::default(),
            weights: Vec::new(),
            leaving: Vec::new(),
            outage: [RegionSet::NONE; 2],
        }
    }
}

impl Snapshot {
    /// Decides everything for these inputs, and packs it.
    pub fn compile(base: Arc<Base>, inputs: impl Into<Inputs>, number: u64) -> Self {
        let Inputs { health, splits, weights, leaving, outage } = inputs.into();
        let weights = base.config.weights_over(weights);
        let bucketing = Bucketing::of(&base.config.regions, &health);
        let shedding = splits.shedding();
        // A region that yields keeps whom its split leaves it, and be that all of them.
        let is_shedding = !splits.is_whole() || health.has_yielding();
        // A name with terms of its own sees its own view of the regions.
        let terms_of = |partition: &Partition| {
            let policy = &partition.policy;
            let view = health.under(policy.terms);
            let is_whole = view.is_whole() && !is_shedding && !policy.one_zone && policy.spread.is_none();
            Terms { view, bucketing: &bucketing, shedding, is_whole }
        };
        let partitions = base.partitions.iter().enumerate();
        let choices = partitions.map(|(number, partition)| {
            let shed = |part| match is_shedding {
                true => base.splits_of(number, part, &splits),
                false => PartSplits::default(),
            };
            Choices::make(partition, &terms_of(partition), shed, None)
        });
        let mut choices: Vec<_> = choices.collect();
        let mut choices_of = base.partition_of.clone();
        for weights in &weights {
            let named = base.config.steered.iter().position(|steering| steering.owner == weights.owner);
            let Some(name) = named else { continue };
            let number = base.partition_of[name];
            choices_of[name] = choices.len();
            let terms = Terms { is_whole: false, ..terms_of(&base.partitions[number]) };
            choices.push(Choices::make(
                &base.partitions[number],
                &terms,
                |part| base.splits_of(number, part, &splits),
                Some(&weights.members),
            ));
        }
        let mut pool = Pool::new(&base.config.regions, &health, &leaving, outage);
        let steered = base.config.steered.iter().zip(&base.offered).zip(&choices_of);
        let answers = steered.map(|((steering, offered), number)| {
            let distinct = choices[*number].distinct.iter();
            distinct.map(|selections| pool.answers(steering, *offered, *selections)).collect()
        });
        let answers = answers.collect();
        let given = Arc::new(pool.given());
        Self {
            number,
            base,
            health,
            splits,
            weights,
            leaving,
            given,
            choices,
            choices_of,
            answers,
            digests: OnceLock::new(),
        }
    }

    /// Returns what a name answers to `requester`.
    pub fn choose(&self, chooser: Chooser, kind: Kind, requester: &Requester) -> Steered<'_> {
        match chooser {
            Chooser::Steering(id) => self.steer(id, kind, requester),
            Chooser::Pin(id) => self.base.pins.answer(id, kind, requester, &self.base.table),
        }
    }

    /// Returns what the steered name `id` answers to `requester`.
    pub fn steer(&self, id: SteeringId, kind: Kind, requester: &Requester) -> Steered<'_> {
        let index = id.0 as usize;
        let partition = self.base.partition_of[index];
        let choices = &self.choices[self.choices_of[index]];
        let place = self.place(kind, &self.base.partitions[partition], choices, requester);
        let (choice, drawn) = choices.find(place.part, place.client);
        let answers = &self.answers[index][choice as usize];
        let answer = &answers.by_kind[kind as usize];
        let (is_leaving, is_fail_open) = match answer {
            Answer::Records { is_leaving, is_fail_open, .. } => (*is_leaving, *is_fail_open),
            Answer::Nodata(_) | Answer::Refuse | Answer::Servfail | Answer::Prohibited => (false, false),
        };
        // What is drawn in one family only leaves the scopes of the other as they are.
        let is_drawn = kind.family().map_or(drawn != [false; 2], |family| drawn[family as usize]);
        let scope = self.scope(id, kind, &place, is_drawn);
        let part = self.base.demand_of(partition, place.part as usize);
        let part = part.map(|part| u16::try_from(part).expect("parts are bounded"));
        Steered { choice: answer.told(), scope, region: answers.region, part, is_leaving, is_fail_open }
    }

    /// Returns what a name answers to the clients of a group of which nothing else is known, by [`Kind`]. Where shares are
    /// drawn, it is the answer of one of them, and always the same one.
    pub fn given_to(&self, chooser: Chooser, group: GroupId) -> [SteeredAnswer<'_>; 3] {
        let id = match chooser {
            Chooser::Steering(id) => id,
            Chooser::Pin(id) => return self.base.pins.given_to(id, group),
        };
        let index = id.0 as usize;
        let part = self.base.partitions[self.base.partition_of[index]].part_of_group(group);
        let client = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let (choice, _) = self.choices[self.choices_of[index]].find(part, client);
        self.answers[index][choice as usize].by_kind.each_ref().map(Answer::told)
    }

    /// Returns where a requester is to a partition, with the scope that answers of this kind need.
    fn place(
        &self,
        kind: Kind,
        partition: &Partition,
        choices: &Choices,
        requester: &Requester,
    ) -> RequesterPlace {
        let table = &self.base.table;
        match kind.family() {
            Some(family) => {
                partition.find_in(family, |part| choices.is_alike(part, family), table, requester)
            }
            // Hints are of both families.
            None => partition.find(table, requester),
        }
    }

    /// Returns the scope prefix length of an answer, for which shares were drawn or not.
    fn scope(&self, id: SteeringId, kind: Kind, place: &RequesterPlace, is_drawn: bool) -> u8 {
        if !self.base.is_offered(id, kind) {
            return 0;
        }
        let scope = if self.base.is_shared(id, kind) { 0 } else { place.scope };
        // Who belongs to a share is decided for the whole of this block, and for no wider one.
        if is_drawn { scope.max(place.drawn_scope) } else { scope }
    }

    /// Returns the weights of a steered name, if it has any.
    pub fn weights_of(&self, id: SteeringId) -> Option<&[(RegionId, u32)]> {
        let owner = &self.base.config.steered[id.0 as usize].owner;
        self.weights.iter().find(|weights| weights.owner == *owner).map(|weights| &weights.members[..])
    }

    /// Returns whether this one says nothing that the one before did not.
    pub fn says_what(&self, before: &Self) -> bool {
        self.answers_like(before)
            && self.health.steers_like(&before.health)
            && self.weights == before.weights
            && self.leaving == before.leaving
    }

    /// Returns whether both snapshots answer every query alike.
    pub fn answers_like(&self, other: &Self) -> bool {
        self.choices == other.choices && self.choices_of == other.choices_of && self.answers == other.answers
    }
}
