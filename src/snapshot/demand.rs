//! How much each part of the clients asks for, about: what load steering divides; and who is permitted what.

use foldhash::{HashMap, HashMapExt};

use super::partition::Partition;
use crate::geo::Table;
use crate::region::{RegionId, RegionSet, Regions};

/// The most parts that are told apart when load is divided. Beyond, they are too small to matter: the
/// largest 4 096 parts of any real configuration hold nearly all clients.
const MAX_PARTS: usize = 4096;

/// The clients of one part of one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct DemandPart {
    /// The number of the partition.
    pub partition: usize,
    /// The number of the part in it.
    pub part: usize,
    /// How many clients there are, on a scale that is the same for all parts.
    pub weight: f64,
    /// The regions of the plan, the best first, with the distance to each in kilometres.
    pub order: Vec<(RegionId, f64)>,
}

/// All clients of one policy who are permitted the same regions, however they prefer them.
#[derive(Clone, Debug, PartialEq)]
pub struct Permit {
    /// The number of the partition.
    pub partition: usize,
    /// The number of one of the parts in it.
    pub part: usize,
    /// What they are permitted.
    pub regions: RegionSet,
    pub parts: usize,
    /// How many IPv4 subnets of 256 addresses they have; none of those who are reached over IPv6 alone.
    pub subnets: f64,
}

/// Returns the place in `demand` of each part, by partition; `None`: it is too small to matter.
pub(super) fn places(partitions: &[Partition], demand: &[DemandPart]) -> Vec<Box<[Option<u16>]>> {
    let none = |partition: &Partition| vec![None; partition.plans.len()].into_boxed_slice();
    let mut places: Vec<_> = partitions.iter().map(none).collect();
    for (place, part) in (0..).zip(demand) {
        places[part.partition][part.part] = Some(place);
    }
    places
}

/// Takes together who is permitted the same regions, in the order of partitions and parts.
pub(super) fn permits(partitions: &[Partition], table: &Table) -> Vec<Permit> {
    let mut permits: Vec<Permit> = Vec::new();
    for (partition, of) in partitions.iter().enumerate() {
        let mut weights = vec![0.0; of.plans.len()];
        for (population, part) in table.population().iter().zip(of.view.parts()) {
            weights[*part as usize] += population.subnets;
        }
        let mut numbers: HashMap<RegionSet, usize> = HashMap::new();
        for (part, (plan, subnets)) in of.plans_of_classes().iter().zip(weights).enumerate() {
            let regions = plan.permitted();
            let number = *numbers.entry(regions).or_insert_with(|| {
                permits.push(Permit { partition, part, regions, parts: 0, subnets: 0.0 });
                permits.len() - 1
            });
            permits[number].parts += 1;
            permits[number].subnets += subnets;
        }
    }
    permits
}

/// Weighs the parts of all partitions: the heaviest of them, sorted by partition and part.
pub(super) fn weigh(partitions: &[Partition], table: &Table, regions: &Regions) -> Vec<DemandPart> {
    let mut parts = Vec::new();
    for (number, partition) in partitions.iter().enumerate() {
        parts.extend(parts_of(number, partition, table, regions));
    }
    parts.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    parts.truncate(MAX_PARTS);
    parts.sort_by_key(|part| (part.partition, part.part));
    parts
}

/// Weighs the parts of one partition that have any clients and more than one region.
fn parts_of(number: usize, partition: &Partition, table: &Table, regions: &Regions) -> Vec<DemandPart> {
    // By part: the weight, and by region the distance times the weight it is known for.
    let mut weights = vec![0.0; partition.plans.len()];
    let mut distances = vec![(0.0, vec![0.0; regions.len()]); partition.plans.len()];
    for (population, part) in table.population().iter().zip(partition.view.parts()) {
        let part = *part as usize;
        weights[part] += population.subnets;
        if let Some(point) = population.point {
            let (known, sums) = &mut distances[part];
            *known += population.subnets;
            for ((_, region), sum) in regions.iter().zip(sums) {
                *sum += population.subnets * point.distance_km(region.location);
            }
        }
    }
    let parts = partition.plans.iter().enumerate().zip(weights).zip(distances);
    let parts = parts.filter(|((_, weight), _)| *weight > 0.0);
    let parts = parts.map(|(((part, plan), weight), (known, sums))| {
        let distance = |region: RegionId| match known > 0.0 {
            true => sums[usize::from(region.0)] / known,
            false => 0.0,
        };
        let order = plan.order.iter().map(|region| (*region, distance(*region)));
        DemandPart { partition: number, part, weight, order: order.collect() }
    });
    parts.collect()
}
