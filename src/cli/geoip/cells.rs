//! Merges the networks of a City database until each split that is left is worth its bytes.
//!
//! Countries are kept exactly, everywhere. Inside a country a block of addresses is one place, the centroid of its
//! clients, unless two halves apart are better by more than a node of the tree is worth: the error of a place is the
//! sum over its clients of the square of their distance from it. On the globe what a client loses by a wrong region
//! grows with that square, whatever the regions are; so the tree is fine where many clients live far apart, and coarse
//! elsewhere. Then places of a country in one cell of a grid of one degree become one.
//!
//! Directions are rounded as soon as they are known. All that follows is addition, multiplication and division in one
//! order, so that equal input gives equal output on every machine.

use std::collections::BTreeMap;

use crate::client::{Coordinates, Country};

/// What a node of the tree, which takes six bytes, must save, in square kilometres times subnets of 256 addresses: the
/// square of 45 km for the clients of a /14, or of 1400 km for those of one /24. Measured with DB-IP City Lite of June
/// 2026 and the demo's regions, clients in the wrong region and size of the tree: at 1 million 0.6 % and 12.0 MB, at 2
/// million 0.8 % and 10.4 MB, at 10 million 1.5 % and 8.1 MB; a tree of countries alone has 7.6 MB and 4.6 %.
const PRICE_OF_NODE: f64 = 2e6;

/// The width of a cell in degrees. Half of it changes the clients in the wrong region by 0.01 %, and doubles the
/// places.
const CELL_DEGREES: f64 = 1.0;

/// The mean radius of the Earth in kilometres (IUGG R1).
const EARTH_RADIUS_KM: f64 = 6371.0088;

/// A network of the source.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceNetwork {
    /// Its first address, as a number of as many bits as addresses have.
    pub(super) first: u128,
    pub(super) length: u8,
    /// The number of its place.
    pub(super) place: u32,
}

/// A place of the source; without a country there is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourcePlace {
    pub(super) country: Option<Country>,
    towards: Vector,
}

impl SourcePlace {
    pub(super) fn new(country: Option<Country>, point: Coordinates) -> Self {
        Self { country, towards: direction(point) }
    }
}

/// A direction from the centre of the globe; any length.
type Vector = [f64; 3];

/// Returns the direction of a point, rounded to half a metre: the last bits of a sine differ between machines.
fn direction(Coordinates { latitude, longitude }: Coordinates) -> Vector {
    let (north, level) = latitude.to_radians().sin_cos();
    let (east, ahead) = longitude.to_radians().sin_cos();
    let scale = f64::from(1u32 << 24);
    [level * ahead, level * east, north].map(|part| (part * scale).round() / scale)
}

fn point([ahead, east, north]: Vector) -> Coordinates {
    Coordinates {
        latitude: north.atan2(ahead.hypot(east)).to_degrees(),
        longitude: east.atan2(ahead).to_degrees(),
    }
}

/// A block of addresses of one country and one place, on its way into the database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PlacedBlock {
    pub(super) first: u128,
    pub(super) length: u8,
    pub(super) country: Option<Country>,
    /// To a hundredth of a degree.
    pub(super) point: Coordinates,
}

/// Merges the networks of one family, whose addresses have `width` bits. They ascend and do not overlap. `clients`
/// estimates the clients of a network by its length.
pub(super) fn merge(
    width: u8,
    networks: &[SourceNetwork],
    places: &[SourcePlace],
    clients: fn(u8) -> f64,
) -> Vec<PlacedBlock> {
    let mut merger = Merger { width, networks, places, clients, leaves: Vec::new() };
    merger.merge(0, networks.len(), 0, 0);
    in_cells(width, &merger.leaves)
}

/// A block and the clients in it.
#[derive(Clone, Copy)]
struct MergedBlock {
    first: u128,
    length: u8,
    residents: ResidentSum,
}

/// The clients of a block: their number and the sum of their directions.
#[derive(Clone, Copy)]
struct ResidentSum {
    country: Option<Country>,
    clients: f64,
    sum: Vector,
}

impl ResidentSum {
    const EMPTY: Self = Self { country: None, clients: 0.0, sum: [0.0; 3] };

    fn plus(self, other: Self) -> Self {
        let [a, b, c] = self.sum;
        let [d, e, f] = other.sum;
        Self { country: self.country, clients: self.clients + other.clients, sum: [a + d, b + e, c + f] }
    }

    /// Returns the sum of the squares of the distances from the centroid.
    fn error(self) -> f64 {
        if self.clients == 0.0 {
            return 0.0;
        }
        let square: f64 = self.sum.iter().map(|part| part * part).sum();
        (self.clients - square / self.clients).max(0.0) * EARTH_RADIUS_KM * EARTH_RADIUS_KM
    }
}

/// The best that can be made of a block.
#[derive(Clone, Copy)]
struct Best {
    /// Its error and the price of its nodes.
    cost: f64,
    /// `None`: there are several countries in it.
    residents: Option<ResidentSum>,
}

struct Merger<'s> {
    width: u8,
    networks: &'s [SourceNetwork],
    places: &'s [SourcePlace],
    clients: fn(u8) -> f64,
    /// The blocks so far, in ascending order.
    leaves: Vec<MergedBlock>,
}

impl Merger<'_> {
    /// Adds the leaves of the block that holds the networks from `from` up to `to`. It calls itself once a bit.
    fn merge(&mut self, from: usize, to: usize, first: u128, length: u8) -> Best {
        let inside = &self.networks[from..to];
        let whole = inside.first().filter(|network| network.length <= length);
        if inside.is_empty() || whole.is_some() {
            let residents = whole.map_or(ResidentSum::EMPTY, |network| self.residents(network));
            self.leaves.push(MergedBlock { first, length, residents });
            return Best { cost: 0.0, residents: Some(residents) };
        }
        let half = first | 1 << (self.width - 1 - length);
        let middle = from + inside.partition_point(|network| network.first < half);
        let before = self.leaves.len();
        let left = self.merge(from, middle, first, length + 1);
        let right = self.merge(middle, to, half, length + 1);
        let split = left.cost + right.cost + PRICE_OF_NODE;
        let both = left.residents.zip(right.residents).filter(|(left, right)| left.country == right.country);
        let residents = both.map(|(left, right)| left.plus(right));
        match residents {
            Some(residents) if residents.error() <= split => {
                self.leaves.truncate(before);
                self.leaves.push(MergedBlock { first, length, residents });
                Best { cost: residents.error(), residents: Some(residents) }
            }
            _ => Best { cost: split, residents },
        }
    }

    fn residents(&self, network: &SourceNetwork) -> ResidentSum {
        let SourcePlace { country, towards } = self.places[network.place as usize];
        let clients = if country.is_some() { (self.clients)(network.length) } else { 0.0 };
        ResidentSum { country, clients, sum: towards.map(|part| part * clients) }
    }
}

/// A cell of the grid in a country.
type Cell = (Option<Country>, i32, i32);

#[expect(clippy::cast_possible_truncation, reason = "degrees fit")]
fn cell(residents: &ResidentSum) -> Cell {
    let Coordinates { latitude, longitude } = point(residents.sum);
    let number = |degrees: f64| (degrees / CELL_DEGREES).round() as i32;
    (residents.country, number(latitude), number(longitude))
}

/// Gives all leaves of a cell the centroid of its clients, and joins halves that have become equal.
fn in_cells(width: u8, leaves: &[MergedBlock]) -> Vec<PlacedBlock> {
    let mut cells: BTreeMap<Cell, ResidentSum> = BTreeMap::new();
    for MergedBlock { residents, .. } in leaves {
        let sum = cells
            .entry(cell(residents))
            .or_insert(ResidentSum { country: residents.country, ..ResidentSum::EMPTY });
        *sum = sum.plus(*residents);
    }
    let hundredth = |degrees: f64| (degrees * 100.0).round() / 100.0;
    let mut blocks: Vec<PlacedBlock> = Vec::new();
    for leaf in leaves {
        let Coordinates { latitude, longitude } = point(cells[&cell(&leaf.residents)].sum);
        let point = Coordinates { latitude: hundredth(latitude), longitude: hundredth(longitude) };
        let mut block =
            PlacedBlock { first: leaf.first, length: leaf.length, country: leaf.residents.country, point };
        while let Some(left) = blocks.pop_if(|left| is_other_half(width, left, &block)) {
            block = PlacedBlock { length: left.length - 1, ..left };
        }
        blocks.push(block);
    }
    blocks
}

/// Returns whether two blocks are the halves of one and say the same.
fn is_other_half(width: u8, left: &PlacedBlock, right: &PlacedBlock) -> bool {
    let is_same = left.length == right.length && left.country == right.country && left.point == right.point;
    is_same && left.length > 0 && left.first ^ right.first == 1 << (width - left.length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(networks: &[(u128, u8, &str, f64, f64)]) -> Vec<String> {
        let places: Vec<SourcePlace> = networks
            .iter()
            .map(|(_, _, country, latitude, longitude)| {
                SourcePlace::new(
                    country.parse().ok(),
                    Coordinates { latitude: *latitude, longitude: *longitude },
                )
            })
            .collect();
        let networks: Vec<SourceNetwork> = (0..)
            .zip(networks)
            .map(|(place, (first, length, ..))| SourceNetwork { first: *first << 24, length: *length, place })
            .collect();
        let clients = |length: u8| f64::from(2u32.pow(u32::from(32 - length))) / 256.0;
        let merged = merge(32, &networks, &places, clients);
        let known = merged.iter().filter(|block| block.country.is_some());
        known
            .map(|PlacedBlock { first, length, country, point }| {
                let country = country.map_or_else(String::new, |country| country.to_string());
                format!("{}/{length} {country} {} {}", first >> 24, point.latitude, point.longitude)
            })
            .collect()
    }

    #[test]
    fn countries_stay_apart_however_few_clients_they_have() {
        let near = [(8, 32, "DE", 50.0, 8.0), (9, 32, "FR", 50.0, 8.1)];
        assert_eq!(blocks(&near), ["8/32 DE 50 8", "9/32 FR 50 8.1"]);
    }

    #[test]
    fn halves_that_are_near_become_one_and_those_far_apart_stay_two() {
        let near = [(8, 8, "US", 40.0, -75.0), (9, 8, "US", 40.02, -75.0)];
        assert_eq!(blocks(&near), ["8/7 US 40.01 -75"]);
        let far = [(8, 8, "US", 40.0, -75.0), (9, 8, "US", 45.0, -120.0)];
        assert_eq!(blocks(&far), ["8/8 US 40 -75", "9/8 US 45 -120"]);
        // So few clients are not worth a node.
        let few = [(8, 9, "US", 40.0, -75.0), (8, 8, "US", 40.0, -75.0)];
        assert_eq!(blocks(&few[..1]), ["8/9 US 40 -75"]);
    }

    #[test]
    fn addresses_of_no_country_are_no_part_of_a_neighbour() {
        let half = [(8, 8, "US", 40.0, -75.0), (9, 8, "", 0.0, 0.0)];
        assert_eq!(blocks(&half), ["8/8 US 40 -75"]);
    }

    #[test]
    fn places_of_a_country_in_one_cell_are_one_place() {
        let cells = [(8, 8, "US", 40.0, -75.0), (10, 8, "US", 40.2, -75.0), (12, 8, "US", 43.0, -75.0)];
        assert_eq!(blocks(&cells), ["8/8 US 40.1 -75", "10/8 US 40.1 -75", "12/8 US 43 -75"]);
    }
}
