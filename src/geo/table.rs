//! The flat table: from every address to the class of its client.
//!
//! IPv6 addresses that embed an IPv4 address are not copied into it 2^64 times: their blocks hold a
//! mark instead of a class, and the IPv4 half of the table answers for them.

use std::fmt;
use std::net::IpAddr;

use super::classifier::{Classification, Classifier};
use super::database::{self, Database};
use super::embedded::Embedding;
use super::layer::Layer;
use super::local::{LocalBlocks, SubnetPlace};
use super::overlay;
use super::population::{Population, Residents, subnets};
use super::ranking::point;
use super::run_map::RunMap;
use super::runs::{Bits, Runs, join};
use super::{Class, ClassId, Distinctions, Error, TableSources};
use crate::client::{Location, Prefix};

/// The class of every address.
#[derive(Clone, PartialEq)]
pub struct Table {
    pub(super) classes: Box<[Class]>,
    /// By class.
    population: Box<[Population]>,
    /// Sorted by country and class.
    residents: Box<[Residents]>,
    /// Runs of class numbers.
    pub(super) v4: RunMap<u32>,
    /// Runs of class numbers and, from [`FIRST_MARK`] on, marks of embeddings.
    pub(super) v6: RunMap<u128>,
    local: LocalBlocks,
}

/// The mark of the first of [`Embedding::ALL`]; the others follow. Class numbers stay below.
const FIRST_MARK: u32 = u32::MAX - Embedding::ALL.len() as u32 + 1;

/// Returns the embedding that a value in the IPv6 half of a table marks, or `None` when the value
/// is the number of a class.
#[inline]
pub(super) fn mark(value: u32) -> Option<Embedding> {
    let ordinal = value.checked_sub(FIRST_MARK)?;
    Some(Embedding::ALL[ordinal as usize])
}

impl Table {
    /// Walks the sources once. Equal sources give equal tables.
    ///
    /// # Errors
    ///
    /// When a database turns out to be damaged on the way, or to hold nothing of what it is for.
    pub fn compile(sources: TableSources<'_>, distinctions: &Distinctions<'_>) -> Result<Self, Error> {
        let mut classifier = Classifier::new(distinctions);
        let localities = match sources.database {
            Some(database) => localities(database, &mut classifier)?,
            None => Layer::all(0),
        };
        let systems = match sources.asn {
            Some(database) => systems(database, &mut classifier)?,
            None => Layer::all(0),
        };
        let (overlays, overlay) = overlay::lay(sources.networks, distinctions.groups);
        let v4 = join([&localities.v4, &systems.v4, &overlay.v4], |start, next, key| {
            classifier.class(key, &overlays, subnets(start, next))
        });
        let v6 = join([&localities.v6, &systems.v6, &overlay.v6, &marks()], |_, _, key| match key {
            [locality, system, overlay, 0] => classifier.class([locality, system, overlay], &overlays, 0.0),
            [_, _, _, mark] => mark,
        });
        let Classification { classes, population, residents } = classifier.finish();
        let local = LocalBlocks::new(&overlay);
        Ok(Self { classes, population, residents, v4: v4.into(), v6: v6.into(), local })
    }

    /// Returns the classes, by `ClassId`.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Returns the estimated population of each class, by `ClassId`.
    pub fn population(&self) -> &[Population] {
        &self.population
    }

    /// Returns the clients by country and class, in that order; those of an unknown country come first.
    pub fn residents(&self) -> &[Residents] {
        &self.residents
    }

    /// Returns the class of an address.
    pub fn class_of(&self, address: IpAddr) -> ClassId {
        let v4 = |bits| ClassId(self.v4.value(self.v4.position(bits)));
        match address {
            IpAddr::V4(address) => v4(address.to_bits()),
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                let value = self.v6.value(self.v6.position(bits));
                mark(value).map_or(ClassId(value), |embedding| v4(embedding.extract(bits)))
            }
        }
    }

    /// Returns the first address of each run of IPv4 addresses of one class, in order.
    pub fn runs_v4(&self) -> impl Iterator<Item = (u32, ClassId)> {
        self.v4.iter().map(|run| (run.start, ClassId(run.value)))
    }

    /// Returns the first address of each run of IPv6 addresses of one class, in order; `None` stands for addresses
    /// that embed any IPv4 address.
    pub fn runs_v6(&self) -> impl Iterator<Item = (u128, Option<ClassId>)> {
        self.v6.iter().map(|run| (run.start, mark(run.value).is_none().then_some(ClassId(run.value))))
    }

    /// Returns whose location counts for a client subnet.
    pub fn subnet_place(&self, block: Prefix) -> SubnetPlace {
        self.local.find(block)
    }

    /// Returns the approximate memory of the table in bytes.
    pub fn memory_bytes(&self) -> usize {
        let ranks = |class: &Class| class.ranks.len() * (1 + class.reach.len());
        let ranks: usize = self.classes.iter().map(ranks).sum();
        let classes = size_of_val(&*self.classes) + ranks + size_of_val(&*self.population);
        let runs = self.v4.memory_bytes() + self.v6.memory_bytes();
        classes + size_of_val(&*self.residents) + runs + self.local.memory_bytes()
    }
}

/// Walks a Country or City database.
fn localities(database: &Database, classifier: &mut Classifier<'_>) -> Result<Layer, Error> {
    let mut places = 0u32;
    let mut points = vec![None];
    let (layer, records) = Layer::of(database, |record| {
        let mut location = database::location(record)?;
        if !classifier.tells_subdivisions_apart() {
            location.subdivision = None;
        }
        places += u32::from(location != Location::default());
        points.push(point(&location));
        Ok(classifier.locality(&location))
    })?;
    for (record, point) in records.iter().zip(points) {
        classifier.settle(record.value, record.subnets, point);
    }
    match places {
        0 => Err(Error::NoCountries { kind: database.kind().to_owned() }),
        _ => Ok(layer),
    }
}

/// Walks an ASN database.
fn systems(database: &Database, classifier: &mut Classifier<'_>) -> Result<Layer, Error> {
    let mut systems = 0u32;
    let (layer, _) = Layer::of(database, |record| {
        let asn = database::asn(record)?;
        systems += u32::from(asn.is_some());
        Ok(asn.map_or(0, |asn| classifier.system(asn)))
    })?;
    match systems {
        0 => Err(Error::NoAsns { kind: database.kind().to_owned() }),
        _ => Ok(layer),
    }
}

/// Returns the layer of the marks; zero where no IPv4 address is embedded.
fn marks() -> Runs<u128> {
    let mut runs = Runs::all(0);
    for (ordinal, embedding) in (0..).zip(Embedding::ALL) {
        let (first, length) = embedding.block();
        runs.set_from(first, FIRST_MARK + ordinal);
        let after = first.last_of_block(length).successor();
        runs.set_from(after.expect("no embedding reaches the last address"), 0);
    }
    runs
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("classes", &self.classes.len())
            .field("v4_runs", &self.v4.len())
            .field("v6_runs", &self.v6.len())
            .finish()
    }
}
