//! The estimated number of clients of a class, and their centroid.
//!
//! Centroids are averages of directions from the centre of the globe and not of coordinates, so that the date
//! line and the poles are places like any other. That is also why a centroid can stand for its class: on the
//! globe one region is nearer than another exactly on one side of a plane, so that an order of regions by
//! distance that holds at all the averaged points holds at their centroid.

use super::ClassId;
use crate::client::{Coordinates, Country};

/// The estimated clients of a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Population {
    /// The number of their IPv4 subnets of 256 unicast addresses.
    ///
    /// This stands for their demand, for want of a better measure: IPv4 addresses are scarce, so that networks
    /// which hold them tend to have users. It exaggerates universities and the countries that were early, and
    /// says nothing of who uses the service. IPv6 is not counted, because it is handed out by plan and not by
    /// need: one provider's /20 has more subnets of any fixed size than all of IPv4. So it is zero for clients
    /// who are reached over IPv6 alone.
    pub subnets: f64,
    /// Their centroid; `None` when their locations are unknown. From there the regions are in the order of
    /// the class's ranks. It is the centroid of whole localities, even where the operator's networks or
    /// autonomous systems take a part of one away.
    pub point: Option<Coordinates>,
}

/// The clients of one class in one country.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residents {
    /// `None`: unknown.
    pub country: Option<Country>,
    pub class: ClassId,
    /// Their number, as [`Population::subnets`] counts.
    pub subnets: f64,
}

/// The first address beyond unicast (RFC 5771: multicast; RFC 1112, 4: reserved, up to the last).
const FIRST_BEYOND_UNICAST: u32 = 0xe000_0000;

/// Returns the number of subnets of 256 unicast addresses from `start` up to `next`, or up to the last
/// address when that is `None`.
pub(super) fn subnets(start: u32, next: Option<u32>) -> f64 {
    let end = next.map_or(FIRST_BEYOND_UNICAST, |next| next.min(FIRST_BEYOND_UNICAST));
    f64::from(end.saturating_sub(start)) / 256.0
}

/// A direction from the centre of the globe, of length one; or none, which is all zeros.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Direction([f64; 3]);

impl Direction {
    /// Returns the direction of a point of the globe.
    pub(super) fn of(point: Option<Coordinates>) -> Self {
        let Some(Coordinates { latitude, longitude }) = point else {
            return Self::default();
        };
        let (north, level) = latitude.to_radians().sin_cos();
        let (east, ahead) = longitude.to_radians().sin_cos();
        Self([level * ahead, level * east, north])
    }

    /// Returns the point of the globe there.
    fn point(self) -> Option<Coordinates> {
        let [ahead, east, north] = self.0;
        (self.0 != [0.0; 3]).then(|| Coordinates {
            latitude: north.atan2(ahead.hypot(east)).to_degrees(),
            longitude: east.atan2(ahead).to_degrees(),
        })
    }
}

/// The sum of the clients of a locality or class, and of their directions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Centroid {
    subnets: f64,
    sum: [f64; 3],
}

/// The weight of clients without any IPv4 subnet in a centroid: lost in rounding beside the smallest part of
/// a subnet, 1/256, and all there is where they are alone.
const NEARLY_NOTHING: f64 = 1e-30;

impl Centroid {
    /// Adds clients in one direction.
    pub(super) fn add(&mut self, subnets: f64, towards: Direction) {
        self.subnets += subnets;
        let weight = subnets.max(NEARLY_NOTHING);
        for (sum, part) in self.sum.iter_mut().zip(towards.0) {
            *sum += weight * part;
        }
    }

    /// Returns the direction of the centroid.
    pub(super) fn middle(&self) -> Direction {
        let length = self.sum.iter().map(|part| part * part).sum::<f64>().sqrt();
        if length == 0.0 { Direction::default() } else { Direction(self.sum.map(|part| part / length)) }
    }

    /// Returns the sum as a population.
    pub(super) fn population(&self) -> Population {
        Population { subnets: self.subnets, point: self.middle().point() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(clients: &[(f64, f64, f64)], expected: Option<(f64, f64)>) {
        let mut centroid = Centroid::default();
        for (subnets, latitude, longitude) in clients {
            let point = Coordinates { latitude: *latitude, longitude: *longitude };
            centroid.add(*subnets, Direction::of(Some(point)));
        }
        let Population { subnets, point } = centroid.population();
        assert!((subnets - clients.iter().map(|client| client.0).sum::<f64>()).abs() < 1e-9);
        let close = |(latitude, longitude)| {
            point.is_some_and(|point| point.distance_km(Coordinates { latitude, longitude }) < 0.001)
        };
        assert!(expected.map_or(point.is_none(), close), "{point:?} instead of {expected:?}");
    }

    #[test]
    fn the_centroid_is_taken_on_the_globe_across_the_date_line_and_the_pole() {
        check(&[], None);
        check(&[(1.0, 35.68, 139.69)], Some((35.68, 139.69)));
        check(&[(2.0, 0.0, 179.0), (2.0, 0.0, -179.0)], Some((0.0, 180.0)));
        check(&[(1.0, 80.0, 0.0), (1.0, 80.0, 180.0)], Some((90.0, 0.0)));
    }

    #[test]
    fn clients_without_ipv4_count_only_where_they_are_alone() {
        check(&[(1.0 / 256.0, 10.0, 20.0), (0.0, -50.0, 100.0)], Some((10.0, 20.0)));
        check(&[(0.0, 10.0, 20.0), (0.0, 10.0, 20.0)], Some((10.0, 20.0)));
    }

    #[test]
    fn subnets_are_counted_up_to_the_first_multicast_address() {
        let check = |start, next, expected: f64| {
            assert!((subnets(start, next) - expected).abs() < 1e-9, "{start:x} {next:x?}");
        };
        check(0, None, f64::from(224 * 65_536));
        check(0x0a00_0000, Some(0x0a00_0001), 1.0 / 256.0);
        check(0xdfff_ff00, Some(u32::MAX), 1.0);
        check(0xf000_0000, None, 0.0);
    }
}
