//! What snapshots share: everything that health does not change.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::demand::{self, DemandPart, Permit};
use super::fixed;
use super::partition::{Partition, Views};
use super::pins::Pins;
use super::records::{self, Kind, Offered};
use crate::answer::NameTree;
use crate::config::Config;
use crate::family::Family;
use crate::geo::Table;
use crate::intent::Weights;
use crate::moment::Moment;
use crate::region::{HostAddresses, RegionId, Regions};
use crate::steering::{PartSplits, Plan, Policy, Splits, Steering, SteeringId};
use crate::wire::{CookieSecrets, TsigKey};
use crate::zone::{Chooser, Name};

/// Everything that a snapshot needs and that health does not change: one base serves many snapshots.
#[derive(Debug)]
pub struct Base {
    /// The configuration it was built from.
    pub config: Arc<Config>,
    /// The static names, and where the steered ones are.
    pub tree: NameTree,
    pub table: Table,
    /// One for each distinct policy.
    pub(crate) partitions: Vec<Partition>,
    /// The partition of each steered name, by `SteeringId`.
    pub(crate) partition_of: Vec<usize>,
    /// By `SteeringId`: the kinds of records that answers of the name may hold.
    pub(super) offered: Vec<Offered>,
    /// By `SteeringId` and kind: whether no client can change the answer.
    shared: Vec<[bool; 3]>,
    pub(crate) pins: Pins,
    /// What the parts of the clients ask for, sorted by partition and part; empty when no region has a
    /// capacity.
    pub demand: Vec<DemandPart>,
    /// The place in `demand` of each part, by partition.
    demand_of: Vec<Box<[Option<u16>]>>,
    /// When the geo database was built; `None`: there is none, or that is not known.
    pub database_built_at: Option<Moment>,
    /// Why a database that the configuration names is not the one in use; `None`: it is.
    pub refused_database: Option<String>,
    /// What secondaries are given of the zones that are transferred, as far as health does not change it.
    transferred: Vec<TransferredPart>,
    /// The keys that are shared with secondaries.
    pub tsig_keys: Arc<[TsigKey]>,
    /// The secrets of DNS cookies; `None`: there are no cookies, as in simulations.
    pub cookies: Option<CookieSecrets>,
}

/// What health does not change of a zone that is transferred.
#[derive(Debug)]
struct TransferredPart {
    zone: usize,
    /// Of its static RRsets.
    digest: [u8; 32],
    /// Its steered names and pins.
    choosing: Vec<(Name, Chooser)>,
}

impl TransferredPart {
    fn of(config: &Config, place: usize) -> Self {
        let zone = &config.zones[place];
        let choosing = zone.nodes.iter().filter_map(|(name, node)| Some((name.clone(), node.chooser?)));
        Self { zone: place, digest: fixed::digest_of_fixed(zone), choosing: choosing.collect() }
    }
}

impl Base {
    /// Compiles what health does not change.
    pub fn build(config: Arc<Config>, table: Table) -> Self {
        let mut partitions: Vec<Partition> = Vec::new();
        let mut known: HashMap<&Policy, usize> = HashMap::new();
        let mut views = Views::new(&table, &config);
        let partition_of = config.steered.iter().map(|steering| {
            *known.entry(&steering.policy).or_insert_with(|| {
                partitions.push(Partition::new(&steering.policy, &config.regions, &mut views));
                partitions.len() - 1
            })
        });
        let partition_of: Vec<usize> = partition_of.collect();
        let pins = Pins::build(&config, &mut views);
        drop((known, views));
        let offered: Vec<_> =
            config.steered.iter().map(|steering| records::offered(steering, &config.regions)).collect();
        let shared = shared(&partitions, &partition_of, &offered, &config.regions);
        let tree = NameTree::compile(&config.zones);
        // Without the capacity of any region nothing is ever divided.
        let demand = match config.regions.iter().any(|(_, region)| region.capacity.is_some()) {
            true => demand::weigh(&partitions, &table, &config.regions),
            false => Vec::new(),
        };
        let demand_of = demand::places(&partitions, &demand);
        let transferred =
            config.transfers.iter().map(|zone| TransferredPart::of(&config, zone.zone)).collect();
        Self {
            transferred,
            tsig_keys: Arc::default(),
            config,
            tree,
            table,
            partitions,
            partition_of,
            offered,
            shared,
            pins,
            demand,
            demand_of,
            database_built_at: None,
            refused_database: None,
            cookies: None,
        }
    }

    /// Returns the base with the addresses that names lead to.
    pub fn led_by(&self, known: &HostAddresses) -> Self {
        Self {
            database_built_at: self.database_built_at,
            refused_database: self.refused_database.clone(),
            cookies: self.cookies,
            tsig_keys: Arc::clone(&self.tsig_keys),
            ..Self::build(Arc::new(self.config.led_by(known)), self.table.clone())
        }
    }

    /// Returns whether all clients get the same answer of a kind, but for the shares of addresses.
    pub(super) fn is_shared(&self, id: SteeringId, kind: Kind) -> bool {
        self.shared[id.0 as usize][kind as usize]
    }

    /// Returns whether answers of a kind may hold records.
    pub(crate) fn is_offered(&self, id: SteeringId, kind: Kind) -> bool {
        self.offered[id.0 as usize][kind as usize]
    }

    /// Notes when the geo database was built, and why it is not the one that is configured.
    pub fn of_database(self, built_at: Option<Moment>, refused: Option<String>) -> Self {
        Self { database_built_at: built_at, refused_database: refused, ..self }
    }

    /// Shares these keys with secondaries.
    pub fn with_tsig_keys(self, keys: Vec<TsigKey>) -> Self {
        Self { tsig_keys: keys.into(), ..self }
    }

    /// Returns the digest of the static part of a zone that is transferred.
    pub fn digest_of_fixed(&self, zone: usize) -> [u8; 32] {
        self.part_of(zone).digest
    }

    /// Returns the steered names and pins of a zone that is transferred.
    pub(super) fn choosing_in(&self, zone: usize) -> &[(Name, Chooser)] {
        &self.part_of(zone).choosing
    }

    fn part_of(&self, zone: usize) -> &TransferredPart {
        self.transferred.iter().find(|part| part.zone == zone).expect("it is transferred")
    }

    /// Gives clients cookies of these secrets.
    pub fn with_cookies(self, cookies: CookieSecrets) -> Self {
        Self { cookies: Some(cookies), ..self }
    }

    /// Returns the place in `demand` of a part; `None`: it is too small to matter.
    pub(crate) fn demand_of(&self, partition: usize, part: usize) -> Option<usize> {
        self.demand_of[partition][part].map(usize::from)
    }

    /// Returns what the regions of a part shed.
    pub(crate) fn splits_of<'s>(&self, partition: usize, part: usize, splits: &'s Splits) -> PartSplits<'s> {
        match self.demand_of(partition, part) {
            Some(index) => demand::splits_of(&self.demand, index, splits),
            None => PartSplits::default(),
        }
    }

    /// Weighs the parts of the clients, as `demand` has them, whether or not any region has a capacity.
    pub fn weigh(&self) -> Vec<DemandPart> {
        match self.demand.is_empty() {
            true => demand::weigh(&self.partitions, &self.table, &self.config.regions),
            false => self.demand.clone(),
        }
    }

    /// Returns how many partitions of the clients there are.
    pub(crate) fn partitions(&self) -> usize {
        self.partitions.len()
    }

    /// Returns the part of each class in a partition.
    pub(crate) fn parts_of_classes(&self, partition: usize) -> &[u32] {
        self.partitions[partition].view.parts()
    }

    /// Returns the partition of each steered name, in their order.
    pub(crate) fn partition_of_names(&self) -> &[usize] {
        &self.partition_of
    }

    /// Returns who is permitted which regions: every client of every policy, those of no weight too.
    pub fn permits(&self) -> Vec<Permit> {
        demand::permits(&self.partitions, &self.table)
    }

    /// Returns the steered names with one policy, by its partition.
    pub fn names_of(&self, partition: usize) -> impl Iterator<Item = &Steering> {
        let named = self.partition_of.iter().zip(&self.config.steered);
        named.filter(move |(of, _)| **of == partition).map(|(_, steering)| steering)
    }

    /// Returns the first of the steered names that a part's clients ask for.
    pub fn owner_of(&self, part: &DemandPart) -> String {
        self.names_of(part.partition).take(1).map(|steering| steering.owner.to_string()).collect()
    }

    /// Returns, by partition, the weights that all of its names have.
    pub fn common_weights(&self, weights: &[Weights]) -> Vec<Option<Vec<(RegionId, u32)>>> {
        let of_partition = |partition: usize| {
            let named = self.partition_of.iter().zip(&self.config.steered);
            let mut owners = named.filter(|(of, _)| **of == partition).map(|(_, steering)| &steering.owner);
            let of_name = |owner: &Name| weights.iter().find(|weights| weights.owner == *owner);
            let first = of_name(owners.next()?)?;
            owners
                .all(|owner| of_name(owner).is_some_and(|other| other.members == first.members))
                .then(|| first.members.clone())
        };
        if weights.is_empty() { Vec::new() } else { (0..self.partitions.len()).map(of_partition).collect() }
    }

    /// Returns the plan and the policy of a part.
    pub fn plan_of(&self, part: &DemandPart) -> (&Plan, &Policy) {
        self.plan(part.partition, part.part)
    }

    /// Returns a plan and its policy, by the numbers of the partition and of the part.
    pub fn plan(&self, partition: usize, part: usize) -> (&Plan, &Policy) {
        let partition = &self.partitions[partition];
        (&partition.plans[part], &partition.policy)
    }
}

/// Returns, by name and kind, whether no client can change the answer: there are no such records, or one region has all
/// of them.
fn shared(
    partitions: &[Partition],
    partition_of: &[usize],
    offered: &[Offered],
    regions: &Regions,
) -> Vec<[bool; 3]> {
    let uniform =
        partitions.iter().map(|partition| Family::BOTH.map(|family| partition.is_uniform(regions, family)));
    let uniform: Vec<[bool; 2]> = uniform.collect();
    let of_name = |(partition, [a, aaaa, https]): (&usize, &Offered)| {
        let [v4, v6] = uniform[*partition];
        let [v4, v6] = [!a || v4, !aaaa || v6];
        [v4, v6, !https || (v4 && v6)]
    };
    partition_of.iter().zip(offered).map(of_name).collect()
}
