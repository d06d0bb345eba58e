//! From places to classes: what clients have in common as far as any decision can see.
//!
//! Everything is interned: a place is read and ranked once however many networks lie in it, and two
//! places that no group and no distance tells apart end up in one class.

use std::collections::BTreeMap;
use std::hash::Hash;

use foldhash::{HashMap, HashMapExt};

use super::overlay::{self, Overlay};
use super::population::{Crowd, Direction, Population, Residents};
use super::ranking::{point, ranks};
use super::{Class, ClassId};
use crate::client::{
    Continent, Coordinates, Country, Group, GroupId, GroupSet, Location, Member, Subdivision,
};
use crate::region::Regions;

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

/// A location as far as decisions can see: the coordinates are only as good as the ranks they give.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Place {
    continent: Option<Continent>,
    country: Option<Country>,
    subdivision: Option<Subdivision>,
    european_union: Option<bool>,
    ranks: u32,
}

impl Place {
    /// Returns the place as a location without coordinates.
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

/// Clients in one place and one system, under one overlay.
#[derive(Clone, Copy)]
struct Known {
    class: u32,
    country: Option<Country>,
    towards: Direction,
    /// How many of them were counted.
    subnets: f64,
}

/// What is counted of all clients, when every address was seen.
pub(super) struct Census {
    /// By number.
    pub classes: Box<[Class]>,
    /// Of each class.
    pub population: Box<[Population]>,
    /// Sorted by country and class.
    pub residents: Box<[Residents]>,
}

/// All the places and classes seen while one table is compiled.
pub(super) struct Catalog<'a> {
    groups: &'a [Group],
    regions: Vec<Coordinates>,
    /// Lists of ranks; number zero is the empty one.
    ranks: Interner<Box<[u8]>>,
    /// The number of the ranks at a point, by the bits of its coordinates.
    ranks_at: HashMap<[u64; 2], u32>,
    /// Number zero is the unknown place.
    places: Interner<Place>,
    /// Those who live in each place.
    settled: Vec<Crowd>,
    /// Autonomous systems as far as groups tell them apart; number zero is in no group.
    systems: Interner<GroupSet>,
    classes: Interner<Class>,
    known: HashMap<[u32; 3], Known>,
    /// Those who are in each class.
    crowds: Vec<Crowd>,
}

impl<'a> Catalog<'a> {
    /// Starts with the unknown place and the autonomous systems of no group as number zero.
    pub(super) fn new(regions: &Regions, groups: &'a [Group]) -> Self {
        Self {
            groups,
            regions: regions.iter().map(|(_, region)| region.location).collect(),
            ranks: Interner::starting_with(Box::default()),
            ranks_at: HashMap::new(),
            places: Interner::starting_with(Place::default()),
            settled: Vec::new(),
            systems: Interner::starting_with(GroupSet::default()),
            classes: Interner::new(),
            known: HashMap::new(),
            crowds: Vec::new(),
        }
    }

    /// Returns whether a group names a subdivision. If none does they need not be read, which saves a
    /// tenth of the time that a City database takes.
    pub(super) fn tells_subdivisions_apart(&self) -> bool {
        let mut members = self.groups.iter().flat_map(|group| &group.members);
        members.any(|member| matches!(member, Member::Subdivision(_)))
    }

    /// Returns the number of a location's place. The autonomous system is no part of it.
    pub(super) fn place(&mut self, location: &Location) -> u32 {
        let place = self.place_of(location);
        self.places.number(place)
    }

    /// Counts clients who live at a point of a place.
    pub(super) fn settle(&mut self, place: u32, subnets: f64, point: Option<Coordinates>) {
        let place = place as usize;
        self.settled.resize(self.settled.len().max(place + 1), Crowd::default());
        self.settled[place].add(subnets, Direction::of(point));
    }

    /// Returns the number of an autonomous system.
    pub(super) fn system(&mut self, asn: u32) -> u32 {
        let groups = self.groups_of_system(asn);
        self.systems.number(groups)
    }

    /// Returns the number of the class of clients in a place and a system, under the overlay of this
    /// number, and counts them.
    pub(super) fn class(&mut self, key: [u32; 3], overlays: &[Overlay<'_>], subnets: f64) -> u32 {
        let known = match self.known.get_mut(&key) {
            Some(known) => known,
            None => {
                let new = self.classify(key, overlays);
                self.known.entry(key).or_insert(new)
            }
        };
        known.subnets += subnets;
        self.crowds[known.class as usize].add(subnets, known.towards);
        known.class
    }

    /// Returns everything that was counted.
    pub(super) fn finish(self) -> Census {
        // Subnets come in 256ths, of which a sum is exact whatever its order.
        let mut by_country = BTreeMap::new();
        for known in self.known.values() {
            *by_country.entry((known.country, known.class)).or_insert(0.0) += known.subnets;
        }
        let residents = by_country.into_iter();
        let residents = residents.map(|((country, class), subnets)| Residents {
            country,
            class: ClassId(class),
            subnets,
        });
        Census {
            population: self.crowds.iter().map(Crowd::population).collect(),
            residents: residents.collect(),
            classes: self.classes.values.into_boxed_slice(),
        }
    }

    /// Says what there is to know of such clients; none of them is counted yet.
    fn classify(&mut self, key: [u32; 3], overlays: &[Overlay<'_>]) -> Known {
        let [place, system, overlay] = key;
        let overlay = overlays[overlay as usize];
        let mut towards = self.settled.get(place as usize).map_or_else(Direction::default, Crowd::middle);
        let mut place = *self.places.value(place);
        let mut groups = overlay.groups.union(*self.systems.value(system));
        if let Some(operator) = overlay.operator {
            (place, towards) = self.moved(place, towards, operator);
            if let Some(asn) = operator.asn {
                groups = overlay.groups.union(self.groups_of_system(asn));
            }
        }
        let class = Class {
            groups: groups.union(self.groups_of_place(place)),
            ranks: self.ranks.value(place.ranks).clone(),
        };
        let class = self.classes.number(class);
        self.crowds.resize(self.classes.values.len(), Crowd::default());
        Known { class, country: place.country, towards, subnets: 0.0 }
    }

    /// Returns the place and the direction of which the operator knows better. Ranks and direction stay
    /// what they were when neither the country nor the coordinates are said anew.
    fn moved(&mut self, below: Place, towards: Direction, operator: &Location) -> (Place, Direction) {
        let location = overlay::over(&below.location(), operator);
        let moved = self.place_of(&location);
        if operator.country.is_none() && operator.coordinates.is_none() {
            return (Place { ranks: below.ranks, ..moved }, towards);
        }
        (moved, Direction::of(point(&location)))
    }

    fn place_of(&mut self, location: &Location) -> Place {
        Place {
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
        let number = self.ranks.number(ranks(point, &self.regions));
        self.ranks_at.insert(key, number);
        number
    }

    fn groups_of_place(&self, place: Place) -> GroupSet {
        let location = place.location();
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
