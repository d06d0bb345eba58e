//! Ranks of regions by great-circle distance.

use super::countries;
use crate::client::{Coordinates, Location};

/// Returns the point from which a client's distances are measured: its own coordinates, or the centre of its
/// country's population. `None` when neither is known: then no region is nearest. Coordinates count without a
/// country too: GeoLite2-City has five million IPv4 addresses of which it knows no more.
pub(super) fn point(location: &Location) -> Option<Coordinates> {
    let middle = || countries::find(location.country?).map(|entry| entry.point);
    location.coordinates.or_else(middle)
}

/// Returns for each region the number of different distances from `from` that are shorter than its own.
/// Regions that are equally far have equal ranks, and ranks have no gaps: classes with the same order
/// of regions must be equal, or the table would hold a class for each city.
pub(super) fn ranks(from: Coordinates, regions: &[Coordinates]) -> Box<[u8]> {
    let distances: Vec<f64> = regions.iter().map(|region| from.distance_km(*region)).collect();
    let mut ladder = distances.clone();
    ladder.sort_by(f64::total_cmp);
    ladder.dedup();
    let rank = |distance: &f64| ladder.partition_point(|shorter| shorter < distance);
    distances
        .iter()
        .map(|distance| u8::try_from(rank(distance)).expect("there are at most MAX_REGIONS regions"))
        .collect()
}

/// Returns for each region the highest rank of one that is at most `km` kilometres farther from `from`.
pub(super) fn reach(from: Coordinates, regions: &[Coordinates], km: u32) -> Box<[u8]> {
    let ranks = ranks(from, regions);
    let distances: Vec<f64> = regions.iter().map(|region| from.distance_km(*region)).collect();
    let farthest = |distance: &f64| {
        let near = distances.iter().zip(&ranks).filter(|(other, _)| **other <= distance + f64::from(km));
        near.map(|(_, rank)| *rank).max().expect("a region is as near as itself")
    };
    distances.iter().map(farthest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equally_far_regions_share_a_rank_and_the_next_one_follows_without_a_gap() {
        let at = |latitude, longitude| Coordinates { latitude, longitude };
        let regions = [at(50.0, 8.0), at(35.0, 139.0), at(50.0, 8.0), at(40.0, -80.0)];
        assert_eq!(*ranks(at(52.0, 13.0), &regions), [0, 2, 0, 1]);
        assert!(ranks(at(52.0, 13.0), &[]).is_empty());
    }

    #[test]
    fn a_region_reaches_those_that_are_hardly_farther_and_all_that_are_nearer() {
        let at = |longitude| Coordinates { latitude: 0.0, longitude };
        // A degree of longitude at the equator is 111 km.
        let regions = [at(3.0), at(1.0), at(2.0), at(9.0)];
        assert_eq!(*ranks(at(0.0), &regions), [2, 0, 1, 3]);
        assert_eq!(*reach(at(0.0), &regions, 0), [2, 0, 1, 3]);
        assert_eq!(*reach(at(0.0), &regions, 120), [2, 1, 2, 3]);
        assert_eq!(*reach(at(0.0), &regions, 1000), [3, 3, 3, 3]);
    }
}
