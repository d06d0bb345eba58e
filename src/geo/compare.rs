//! How far two databases agree: for how many clients another region is nearest, and how much farther it is.
//!
//! The first database counts as the truth. IPv4 clients are counted by subnets of 256 addresses. IPv6 clients are
//! counted by the networks of the first database, each as one: address space says nothing of clients where one
//! provider's /20 is larger than all that a country uses. A network that the second database splits is shared out by
//! its address space.

use std::collections::BTreeMap;

use super::Error;
use super::database::{self, Database};
use super::embedded::Embedding;
use super::layer::Layer;
use super::population::subnets;
use super::ranking::point;
use super::runs::join;
use crate::client::{Coordinates, Country, Location};
use crate::ids::RegionId;
use crate::region::Regions;

/// The comparison of two databases for one family.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Clients whose place both know.
    pub compared: f64,
    /// Of these, those whom the second sends to another region.
    pub elsewhere: f64,
    /// Of these, those whom the second puts into another country.
    pub abroad: f64,
    /// The kilometres that all of these are sent too far, together.
    pub added_km: f64,
    /// Clients whose place only the first knows, and only the second.
    pub only: [f64; 2],
    /// Clients by their nearest regions in both, where these differ.
    pub moves: BTreeMap<(RegionId, RegionId), f64>,
}

impl Agreement {
    /// Returns the share of the compared clients that are sent elsewhere.
    pub fn share_elsewhere(&self) -> f64 {
        self.elsewhere / self.compared.max(f64::MIN_POSITIVE)
    }

    /// Returns the mean of the kilometres that the compared clients are sent too far.
    pub fn mean_added_km(&self) -> f64 {
        self.added_km / self.compared.max(f64::MIN_POSITIVE)
    }

    fn count(&mut self, clients: f64, [truth, other]: [&ComparedPlace; 2]) {
        match (truth.nearest, other.nearest) {
            (None, None) => {}
            (Some(_), None) => self.only[0] += clients,
            (None, Some(_)) => self.only[1] += clients,
            (Some(right), Some(found)) => {
                self.compared += clients;
                self.abroad += if truth.country == other.country { 0.0 } else { clients };
                if right != found {
                    let distance = |region: RegionId| truth.distances[usize::from(region.0)];
                    self.elsewhere += clients;
                    self.added_km += clients * (distance(found) - distance(right));
                    *self.moves.entry((right, found)).or_default() += clients;
                }
            }
        }
    }
}

/// The comparison of two databases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    pub ipv4: Agreement,
    pub ipv6: Agreement,
}

impl Comparison {
    /// Compares `other` with `truth`, for clients that go to the nearest of `regions`.
    ///
    /// # Errors
    ///
    /// When a database turns out to be damaged.
    pub fn new(truth: &Database, other: &Database, regions: &Regions) -> Result<Self, Error> {
        let regions: Vec<Coordinates> = regions.iter().map(|(_, region)| region.location).collect();
        let [(left, truth), (right, other)] = [places(truth, &regions)?, places(other, &regions)?];
        let pair = |[a, b]: [u32; 2]| [&truth[a as usize], &other[b as usize]];
        let mut comparison = Self::default();
        join([&left.v4, &right.v4], |start, next, numbers| {
            comparison.ipv4.count(subnets(start, next), pair(numbers));
            0
        });
        let mut network = SplitNetwork::default();
        join([&left.v6, &right.v6], |start, next, numbers| {
            if network.number != numbers[0] {
                network.count_into(&mut comparison.ipv6, pair);
                network.number = numbers[0];
            }
            // Addresses that embed IPv4 ones are located by these.
            if Embedding::of(start).is_none() {
                network.parts.push((numbers[1], size(start, next)));
            }
            0
        });
        network.count_into(&mut comparison.ipv6, pair);
        Ok(comparison)
    }
}

/// A place with its distances to all regions.
#[derive(Clone, Debug, Default)]
struct ComparedPlace {
    country: Option<Country>,
    /// `None`: the place is not known.
    nearest: Option<RegionId>,
    distances: Box<[f64]>,
}

impl ComparedPlace {
    fn new(location: &Location, regions: &[Coordinates]) -> Self {
        let Some(point) = point(location) else { return Self::default() };
        let distances: Box<[f64]> = regions.iter().map(|region| point.distance_km(*region)).collect();
        let nearest = (0..).map(RegionId).zip(&distances).min_by(|a, b| a.1.total_cmp(b.1));
        Self { country: location.country, nearest: nearest.map(|(region, _)| region), distances }
    }
}

/// A network of the first database, as the second splits it.
#[derive(Default)]
struct SplitNetwork {
    number: u32,
    /// The places in the second database, and the address space of each.
    parts: Vec<(u32, f64)>,
}

impl SplitNetwork {
    /// Counts the network as one client, and empties it.
    fn count_into<'p>(
        &mut self,
        agreement: &mut Agreement,
        pair: impl Fn([u32; 2]) -> [&'p ComparedPlace; 2],
    ) {
        let whole: f64 = self.parts.iter().map(|(_, size)| size).sum();
        for (other, size) in self.parts.drain(..) {
            agreement.count(size / whole, pair([self.number, other]));
        }
    }
}

/// Returns the number of addresses from `start` up to `next`, or up to the last address.
fn size(start: u128, next: Option<u128>) -> f64 {
    match next {
        Some(next) => (next - start) as f64,
        None => (u128::MAX - start) as f64 + 1.0,
    }
}

/// Reads a database; number zero is nowhere.
fn places(database: &Database, regions: &[Coordinates]) -> Result<(Layer, Vec<ComparedPlace>), Error> {
    let mut places = vec![ComparedPlace::default()];
    let (layer, _) = Layer::of(database, |record| {
        places.push(ComparedPlace::new(&database::location(record)?, regions));
        Ok(u32::try_from(places.len() - 1).expect("a file has fewer records than bytes"))
    })?;
    Ok((layer, places))
}
