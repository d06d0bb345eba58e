//! From locations to classes: clients who are the same to every decision get one number.
//!
//! A City database has millions of networks and some hundred thousand locations, of which a configuration tells
//! a few hundred apart. So everything is interned: a location is ranked once however many networks lie in it,
//! and two locations that no group and no distance tells apart end up in one class.

use std::collections::BTreeMap;
use std::hash::Hash;

use foldhash::{HashMap, HashMapExt};

use super::overlay::{self, OverlayData};
use super::population::{Centroid, Direction, Population, Residents};
use super::ranking::{point, ranks, reach};
use super::{Class, ClassId, Distinctions};
use crate::client::{
    Continent, Coordinates, Country, Group, GroupId, GroupSet, Location, Member, Subdivision,
};

/// Numbers distinct values in the order in which they are first seen.
struct Interner<T> {
    numbers: HashMap<T, u32>,
    values: Vec<T>,
}

impl<T: Clone + Eq + Hash> Interner<T> {
    fn new() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }

    /// Starts with one value, which gets number zero.
    fn starting_with(value: T) -> Self {
        let mut interner = Self::new();
        interner.number(value);
        interner
    }

    fn number(&mut self, value: T) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).expect("there are fewer values than addresses");
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }

    fn value(&self, number: u32) -> &T {
        &self.values[number as usize]
    }
}

/// A location as decisions see it: with ranks in place of coordinates.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Locality {
    continent: Option<Continent>,
    country: Option<Country>,
    subdivision: Option<Subdivision>,
    european_union: Option<bool>,
    ranks: u32,
}

impl Locality {
    /// Returns the location without coordinates.
    fn location(self) -> Location {
        Location {
            continent: self.continent,
            country: self.country,
            subdivision: self.subdivision,
            european_union: self.european_union,
            coordinates: None,
            asn: None,
        }
    }
}

/// The order of regions by distance, as far as decisions tell distances apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Ranking {
    ranks: Box<[u8]>,
    reach: Box<[(u32, Box<[u8]>)]>,
}

impl Ranking {
    fn at(point: Coordinates, regions: &[Coordinates], spreads: &[u32]) -> Self {
        let reach = spreads.iter().map(|km| (*km, reach(point, regions, *km)));
        Self { ranks: ranks(point, regions), reach: reach.collect() }
    }
}

/// The clients in one locality and one autonomous system, under one overlay.
#[derive(Clone, Copy)]
struct Combination {
    class: u32,
    country: Option<Country>,
    towards: Direction,
    /// Those counted so far.
    subnets: f64,
}

/// The classes of all clients.
pub(super) struct Classification {
    /// By `ClassId`.
    pub classes: Box<[Class]>,
    /// By `ClassId`.
    pub population: Box<[Population]>,
    /// Sorted by country and class.
    pub residents: Box<[Residents]>,
}

/// The localities and classes seen so far while a table is compiled.
pub(super) struct Classifier<'a> {
    groups: &'a [Group],
    regions: Vec<Coordinates>,
    spreads: &'a [u32],
    /// Number zero is the empty list.
    ranks: Interner<Ranking>,
    /// By the bits of the coordinates.
    ranks_at: HashMap<[u64; 2], u32>,
    /// Number zero is the unknown locality.
    localities: Interner<Locality>,
    /// By locality.
    residents: Vec<Centroid>,
    /// The groups of autonomous systems; number zero is none.
    systems: Interner<GroupSet>,
    classes: Interner<Class>,
    /// By the numbers of locality, system and overlay.
    combinations: HashMap<[u32; 3], Combination>,
    /// By class.
    centroids: Vec<Centroid>,
}

impl<'a> Classifier<'a> {
    /// Starts with the unknown locality and the autonomous systems of no group as number zero.
    pub(super) fn new(distinctions: &Distinctions<'a>) -> Self {
        let Distinctions { regions, groups, spreads } = *distinctions;
        Self {
            groups,
            spreads,
            regions: regions.iter().map(|(_, region)| region.location).collect(),
            ranks: Interner::starting_with(Ranking::default()),
            ranks_at: HashMap::new(),
            localities: Interner::starting_with(Locality::default()),
            residents: Vec::new(),
            systems: Interner::starting_with(GroupSet::default()),
            classes: Interner::new(),
            combinations: HashMap::new(),
            centroids: Vec::new(),
        }
    }

    /// Returns whether a group names a subdivision. If none does, those of a country are one locality.
    pub(super) fn tells_subdivisions_apart(&self) -> bool {
        let mut members = self.groups.iter().flat_map(|group| &group.members);
        members.any(|member| matches!(member, Member::Subdivision(_)))
    }

    /// Returns the number of a location's locality. The autonomous system is no part of it.
    pub(super) fn locality(&mut self, location: &Location) -> u32 {
        let locality = self.locality_of(location);
        self.localities.number(locality)
    }

    /// Counts clients at a point of a locality.
    pub(super) fn settle(&mut self, locality: u32, subnets: f64, point: Option<Coordinates>) {
        let locality = locality as usize;
        self.residents.resize(self.residents.len().max(locality + 1), Centroid::default());
        self.residents[locality].add(subnets, Direction::of(point));
    }

    /// Returns the number of an autonomous system.
    pub(super) fn system(&mut self, asn: u32) -> u32 {
        let groups = self.groups_of_system(asn);
        self.systems.number(groups)
    }

    /// Returns the class of the clients of a locality, a system and an overlay, and counts them.
    pub(super) fn class(&mut self, key: [u32; 3], overlays: &[OverlayData<'_>], subnets: f64) -> u32 {
        let combination = match self.combinations.get_mut(&key) {
            Some(combination) => combination,
            None => {
                let new = self.classify(key, overlays);
                self.combinations.entry(key).or_insert(new)
            }
        };
        combination.subnets += subnets;
        self.centroids[combination.class as usize].add(subnets, combination.towards);
        combination.class
    }

    /// Returns the classes, with what was counted of each.
    pub(super) fn finish(self) -> Classification {
        // Subnets come in 256ths, of which a sum is exact in whatever order the map has.
        let mut by_country = BTreeMap::new();
        for combination in self.combinations.values() {
            *by_country.entry((combination.country, combination.class)).or_insert(0.0) += combination.subnets;
        }
        let residents = by_country.into_iter();
        let residents = residents.map(|((country, class), subnets)| Residents {
            country,
            class: ClassId(class),
            subnets,
        });
        Classification {
            population: self.centroids.iter().map(Centroid::population).collect(),
            residents: residents.collect(),
            classes: self.classes.values.into_boxed_slice(),
        }
    }

    /// Classifies such clients; none of them is counted yet.
    fn classify(&mut self, key: [u32; 3], overlays: &[OverlayData<'_>]) -> Combination {
        let [locality, system, overlay] = key;
        let overlay = overlays[overlay as usize];
        let residents = self.residents.get(locality as usize);
        let mut towards = residents.map_or_else(Direction::default, Centroid::middle);
        let mut locality = *self.localities.value(locality);
        let mut groups = overlay.groups.union(*self.systems.value(system));
        if let Some(operator) = overlay.operator {
            (locality, towards) = self.moved(locality, towards, operator);
            if let Some(asn) = operator.asn {
                groups = overlay.groups.union(self.groups_of_system(asn));
            }
        }
        let Ranking { ranks, reach } = self.ranks.value(locality.ranks).clone();
        let class = Class { groups: groups.union(self.groups_of_locality(locality)), ranks, reach };
        let class = self.classes.number(class);
        self.centroids.resize(self.classes.values.len(), Centroid::default());
        Combination { class, country: locality.country, towards, subnets: 0.0 }
    }

    /// Returns locality and direction with the operator's statements applied. Ranks and direction stay what
    /// they were when the operator states neither country nor coordinates.
    fn moved(&mut self, below: Locality, towards: Direction, operator: &Location) -> (Locality, Direction) {
        let location = overlay::over(&below.location(), operator);
        let moved = self.locality_of(&location);
        if operator.country.is_none() && operator.coordinates.is_none() {
            return (Locality { ranks: below.ranks, ..moved }, towards);
        }
        (moved, Direction::of(point(&location)))
    }

    fn locality_of(&mut self, location: &Location) -> Locality {
        Locality {
            continent: location.continent,
            country: location.country,
            subdivision: location.subdivision,
            european_union: location.european_union,
            ranks: point(location).map_or(0, |point| self.ranks_at(point)),
        }
    }

    fn ranks_at(&mut self, point: Coordinates) -> u32 {
        let key = [point.latitude.to_bits(), point.longitude.to_bits()];
        if let Some(number) = self.ranks_at.get(&key) {
            return *number;
        }
        let number = self.ranks.number(Ranking::at(point, &self.regions, self.spreads));
        self.ranks_at.insert(key, number);
        number
    }

    fn groups_of_locality(&self, locality: Locality) -> GroupSet {
        let location = locality.location();
        let mut groups = self.groups_with(|member| member.holds(&location));
        if location.is_unknown() {
            groups.insert(GroupId::UNKNOWN);
        }
        groups
    }

    fn groups_of_system(&self, asn: u32) -> GroupSet {
        self.groups_with(|member| *member == Member::Asn(asn))
    }

    fn groups_with(&self, holds: impl Fn(&Member) -> bool) -> GroupSet {
        let mut set = GroupSet::default();
        let numbered = (1u8..).map(GroupId).zip(self.groups);
        numbered.filter(|(_, group)| group.members.iter().any(&holds)).for_each(|(id, _)| set.insert(id));
        set
    }
}
