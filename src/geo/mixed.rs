//! Blocks of addresses whose clients are of several kinds: which kinds are in each, compiled ahead.
//!
//! A resolver may ask for a prefix that is shorter than the border needs; then it is not enough to know the part of
//! its first address. The blocks that are cut by a border between kinds are compiled to steps: for each border, how
//! long a block may be of which it is the first border, and what is in it then. Aligned blocks nest, so that there
//! are fewer than two steps a border; a lookup finds the run of the block's first address as any other lookup does,
//! and reads the few steps of the next border. A tree of intersections over all runs was the other way: it takes a
//! search for both ends and some twenty intersections a query.

use std::fmt;
use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt};

use super::embedded::{Inside, inside};
use super::intervals::Intervals;
use super::run_map::{Bucketed, RunMap};
use super::runs::{Run, Runs};
use super::table::{Table, mark};
use crate::client::Prefix;

/// The blocks that hold clients of several kinds.
pub struct MixedBlocks {
    v4: Steps<u32>,
    v6: Steps<u128>,
    mixes: Vec<Mix>,
}

/// What is in a block of several kinds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mix {
    /// The part of the clients right before the first border in the block: the one that stands for the block.
    pub part: u32,
    /// The kinds of its clients, growing.
    pub kinds: Vec<u32>,
}

impl MixedBlocks {
    /// Finds the mixed blocks of a table. `parts` gives the part of each class, `kinds` the kind of each part.
    pub fn new(table: &Table, parts: &[u32], kinds: &[u32]) -> Self {
        let mut sets = Sets::default();
        let mut mixes = Numbers::default();
        let set_of = |class: u32, sets: &mut Sets| {
            let part = parts[class as usize];
            (part, sets.single(kinds[part as usize]))
        };
        let stretches = stretches(&table.v4, |class| set_of(class, &mut sets));
        let whole_v4 = stretches.iter().map(|stretch| stretch.set).collect::<Vec<_>>();
        let whole_v4 = whole_v4.into_iter().reduce(|one, other| sets.union(one, other));
        let whole_v4 = (stretches[0].part, whole_v4.expect("there is one run at least"));
        let v4 = Steps::new(&stretches, &mut sets, &mut mixes);
        let stretches = self::stretches(&table.v6, |value| match mark(value) {
            Some(_) => whole_v4,
            None => set_of(value, &mut sets),
        });
        let v6 = Steps::new(&stretches, &mut sets, &mut mixes);
        let mixes = mixes.values.into_iter();
        let mixes = mixes.map(|(part, set)| Mix { part, kinds: sets.sets.values[set as usize].clone() });
        Self { v4, v6, mixes: mixes.collect() }
    }

    /// Returns what can be in a block, by the numbers that [`MixedBlocks::find`] gives.
    pub fn mixes(&self) -> &[Mix] {
        &self.mixes
    }

    /// Returns the number of what is in a block; `None`: clients of one kind.
    pub fn find(&self, block: Prefix) -> Option<u32> {
        match block.address() {
            IpAddr::V4(first) => self.v4.find(first.to_bits(), block.length()),
            IpAddr::V6(first) => match inside(first.to_bits(), block.length()) {
                Some(Inside { first, length, .. }) => self.v4.find(first, length),
                None => self.v6.find(first.to_bits(), block.length()),
            },
        }
    }
}

/// Neighbouring runs with the same set of kinds.
struct Stretch<A> {
    start: A,
    set: u32,
    /// The part of its last run.
    part: u32,
}

fn stretches<A: Bucketed>(map: &RunMap<A>, mut of: impl FnMut(u32) -> (u32, u32)) -> Vec<Stretch<A>> {
    let mut stretches: Vec<Stretch<A>> = Vec::new();
    for Run { start, value } in map.iter() {
        let (part, set) = of(value);
        match stretches.last_mut() {
            Some(last) if last.set == set => last.part = part,
            _ => stretches.push(Stretch { start, set, part }),
        }
    }
    stretches
}

/// The mixed blocks of one family.
struct Steps<A: Bucketed> {
    /// By stretch: its number.
    map: RunMap<A>,
    intervals: Intervals,
    /// By stretch: the place of the first step of the border at its end.
    first: Box<[u32]>,
    /// Of each border, the longest blocks first.
    steps: Box<[MixStep]>,
}

/// What is in the blocks of which a border is the first.
#[derive(Clone, Copy)]
struct MixStep {
    /// The length of the longest of them.
    length: u8,
    mix: u32,
}

impl<A: Bucketed> Steps<A> {
    fn new(stretches: &[Stretch<A>], sets: &mut Sets, mixes: &mut Numbers<(u32, u32)>) -> Self {
        let mut runs = Runs::all(0);
        let mut first = vec![0];
        let mut steps = Vec::new();
        for number in 1..stretches.len() {
            runs.set_from(stretches[number].start, count(number));
            border(stretches, number, sets, |length, set| {
                let mix = mixes.number((stretches[number - 1].part, set));
                steps.push(MixStep { length, mix });
            });
            first.push(count(steps.len()));
        }
        let map = RunMap::from(runs);
        let intervals = Intervals::new(&map, Some);
        Self { map, intervals, first: first.into(), steps: steps.into() }
    }

    #[inline]
    fn find(&self, address: A, length: u8) -> Option<u32> {
        let (stretch, widest) = self.intervals.find(&self.map, address);
        if widest <= length {
            return None;
        }
        // A block that leaves its first stretch has the border at the end of it.
        let steps = &self.steps[self.first[stretch] as usize..self.first[stretch + 1] as usize];
        steps.iter().rev().find(|step| step.length >= length).map(|step| step.mix)
    }
}

/// Calls `step` for each set of stretches that some block holds whose first border is the start of stretch `number`,
/// with the length of the longest such block.
fn border<A: Bucketed>(
    stretches: &[Stretch<A>],
    number: usize,
    sets: &mut Sets,
    mut step: impl FnMut(u8, u32),
) {
    let before =
        stretches[number].start.predecessor().expect("the first stretch starts at the lowest address");
    // A block that holds the address before the stretch before has an earlier border.
    let earlier = stretches[number - 1].start.predecessor();
    let shortest = earlier.map_or(0, |earlier| earlier.common(stretches[number].start) + 1);
    let mut set = stretches[number - 1].set;
    let mut next = number;
    while let Some(stretch) = stretches.get(next) {
        let length = before.common(stretch.start);
        if length < shortest {
            return;
        }
        while let Some(stretch) = stretches.get(next).filter(|next| before.common(next.start) == length) {
            set = sets.union(set, stretch.set);
            next += 1;
        }
        step(length, set);
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).expect("there are fewer borders than 2^32")
}

/// Distinct values, numbered in the order in which they are first seen.
struct Numbers<T> {
    numbers: HashMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Numbers<T> {
    fn number(&mut self, value: T) -> u32 {
        let values = &mut self.values;
        *self.numbers.entry(value).or_insert_with_key(|value| {
            values.push(value.clone());
            count(values.len() - 1)
        })
    }
}

/// Sets of kinds, and what was united before: there are far more borders than sets.
#[derive(Default)]
struct Sets {
    sets: Numbers<Vec<u32>>,
    unions: HashMap<(u32, u32), u32>,
}

impl Sets {
    fn single(&mut self, kind: u32) -> u32 {
        self.sets.number(vec![kind])
    }

    fn union(&mut self, one: u32, other: u32) -> u32 {
        if one == other {
            return one;
        }
        if let Some(known) = self.unions.get(&(one, other)) {
            return *known;
        }
        let both = [one, other].map(|set| self.sets.values[set as usize].as_slice());
        let mut kinds = both.concat();
        kinds.sort_unstable();
        kinds.dedup();
        let union = self.sets.number(kinds);
        self.unions.insert((one, other), union);
        union
    }
}

impl fmt::Debug for MixedBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.v4.steps.len() + self.v6.steps.len();
        f.debug_struct("MixedBlocks").field("steps", &steps).field("mixes", &self.mixes.len()).finish()
    }
}
