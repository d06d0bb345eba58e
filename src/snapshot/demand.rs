//! How much each part of the clients asks for, about: what load steering divides; and who is permitted what.

use foldhash::{HashMap, HashMapExt};

use super::partition::Partition;
use crate::geo::Table;
use crate::region::{RegionId, RegionSet, Regions};
use crate::steering::{PartSplits, Splits};

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
    /// Of clients who are drawn for one of several regions that are equally near: those of one of these, or those whom none
    /// of them takes; `None`: they are not drawn.
    pub drawn: Option<DrawnFor>,
}

/// Which of the clients of a part that are drawn for several regions. The entries of one part stand one after the other, the
/// last for those whom none of these regions takes: who that is depends on health, so it asks for nothing by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawnFor {
    /// `None`: those whom none of them takes.
    pub region: Option<RegionId>,
    /// The place of this entry among those of the part, from 0.
    pub position: usize,
    /// How many regions they are.
    pub of: usize,
}

/// Returns what the regions of a part shed, of whose clients one entry is this one of `parts`.
pub(crate) fn splits_of<'s>(parts: &[DemandPart], index: usize, splits: &'s Splits) -> PartSplits<'s> {
    let Some(drawn) = parts[index].drawn else { return PartSplits::whole(splits.of(index)) };
    let first = index - drawn.position;
    let near = (first..first + drawn.of).filter_map(|index| {
        let region = parts[index].drawn?.region?;
        Some((region, splits.of(index)?))
    });
    PartSplits { whole: splits.of(first + drawn.of), near: near.collect() }
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
        // The first entry of those whose clients are drawn stands for all of them.
        places[part.partition][part.part].get_or_insert(place);
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
    let mut entries: HashMap<(usize, usize), usize> = HashMap::new();
    for part in &parts {
        *entries.entry((part.partition, part.part)).or_default() += 1;
    }
    // Those of one part are there together or not at all.
    parts.retain(|part| part.drawn.is_none_or(|drawn| entries[&(part.partition, part.part)] == drawn.of));
    let others: Vec<_> = parts.iter().filter_map(others).collect();
    parts.extend(others);
    parts.sort_by_key(|part| (part.partition, part.part, part.drawn.map(|drawn| drawn.position)));
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
    let parts = parts.flat_map(|(((part, plan), weight), (known, sums))| {
        let distance = |region: RegionId| match known > 0.0 {
            true => sums[usize::from(region.0)] / known,
            false => 0.0,
        };
        let order = plan.order.iter().map(|region| (*region, distance(*region)));
        let whole = DemandPart { partition: number, part, weight, order: order.collect(), drawn: None };
        match plan.near.is_empty() {
            true => vec![whole],
            false => drawn(&whole, &plan.near),
        }
    });
    parts.collect()
}

/// Returns an entry for each of the regions that are equally near, of the clients who are drawn for it: it comes first, and
/// those that are as near are as far as it is.
fn drawn(whole: &DemandPart, near: &[(RegionId, u64)]) -> Vec<DemandPart> {
    let total = near.iter().map(|(_, weight)| weight).sum::<u64>().max(1) as f64;
    let entry = |(position, (region, weight)): (usize, &(RegionId, u64))| {
        let is_near = |one: RegionId| near.iter().any(|(other, _)| *other == one);
        let distance =
            |one: RegionId| whole.order.iter().find(|(other, _)| *other == one).map_or(0.0, |(_, km)| *km);
        let own = distance(*region);
        let others = whole.order.iter().filter(|(one, _)| one != region);
        let others = others.map(|(one, km)| (*one, if is_near(*one) { own } else { km.max(own) }));
        DemandPart {
            weight: whole.weight * *weight as f64 / total,
            order: std::iter::once((*region, own)).chain(others).collect(),
            drawn: Some(DrawnFor { region: Some(*region), position, of: near.len() }),
            ..whole.clone()
        }
    };
    near.iter().enumerate().map(entry).collect()
}

/// Returns the entry of those whom no region takes that they are drawn for, if this is the first of a part.
fn others(first: &DemandPart) -> Option<DemandPart> {
    let drawn = first.drawn.filter(|drawn| drawn.position == 0)?;
    let drawn = DrawnFor { region: None, position: drawn.of, ..drawn };
    Some(DemandPart { weight: 0.0, drawn: Some(drawn), ..first.clone() })
}
