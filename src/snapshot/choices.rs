//! Which of the distinct choices of one policy each client gets.
//!
//! Mostly the part of the clients says so alone. Where regions take shares of their clients, tests of a client
//! decide within a part: a small tree for each distinct pair of routes, walked at each query.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt};

use super::partition::Partition;
use crate::health::View;
use crate::region::{Family, RegionId, RegionSet};
use crate::steering::{Bucketing, Conditions, PartSplits, Route, Selection, ShareTest};

/// The distinct choices of one partition, and how to tell which of them a client gets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Choices {
    by_part: Vec<Branch>,
    /// By part and family: whether clients are tested for a share.
    drawn: Vec<[bool; 2]>,
    nodes: Vec<SplitNode>,
    /// By family, then by part that classes are in: whether all parts of its group take one route. Empty where no parts are
    /// led alike.
    alike: [Vec<bool>; 2],
    /// What is answered, by family.
    pub distinct: Vec<[Selection; 2]>,
}

/// Leads to a choice or to a node: the number of one, with the highest bit set for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Branch(u32);

/// A test of a client, and where each result leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SplitNode {
    test: ShareTest,
    inside: Branch,
    outside: Branch,
}

/// What choices depend on besides the partition.
pub(super) struct Terms<'a> {
    pub view: &'a View,
    pub bucketing: &'a Bucketing,
    /// The regions that shed some of their clients.
    pub shedding: RegionSet,
    /// Whether no client has to be tested for a share.
    pub is_whole: bool,
}

impl Branch {
    const NODE: u32 = 1 << 31;

    fn is_node(self) -> bool {
        self.0 & Self::NODE != 0
    }
}

impl Choices {
    /// Decides for every part of a partition. `splits` returns what the regions of a part shed; `weights` divide
    /// the clients of the names that these choices are for.
    pub fn make<'s>(
        partition: &Partition,
        terms: &Terms<'_>,
        splits: impl Fn(usize) -> PartSplits<'s>,
        weights: Option<&[(RegionId, u32)]>,
    ) -> Self {
        let mut growth = Growth { choices: Self::default(), numbers: HashMap::new(), terms };
        let mut known: HashMap<[Route; 2], Branch> = HashMap::new();
        let has_groups = Family::BOTH.into_iter().any(|family| partition.groups(family).is_some());
        let mut of_parts = Vec::new();
        for (part, plan) in partition.plans.iter().enumerate() {
            let Terms { view, bucketing, shedding, is_whole: _ } = *terms;
            let splits = splits(part);
            let conditions = Conditions { view, bucketing, shedding, splits: &splits, weights };
            let routes = Family::BOTH.map(|family| Route::of(plan, &partition.policy, &conditions, family));
            let branch = if terms.is_whole {
                growth.grow(&routes, &mut Vec::new())
            } else {
                match known.get(&routes) {
                    Some(branch) => *branch,
                    None => {
                        let branch = growth.grow(&routes, &mut Vec::new());
                        known.insert(routes.clone(), branch);
                        branch
                    }
                }
            };
            let is_drawn = |family: Family| tests_clients(&routes[family as usize], terms.bucketing, family);
            growth.choices.drawn.push(if branch.is_node() { Family::BOTH.map(is_drawn) } else { [false; 2] });
            growth.choices.by_part.push(branch);
            if has_groups {
                of_parts.push(routes);
            }
        }
        let alike = Family::BOTH.map(|family| match partition.groups(family) {
            Some(groups) => alike(groups, &of_parts, family),
            None => Vec::new(),
        });
        Self { alike, ..growth.choices }
    }

    /// Returns whether the clients of a part, and of all that are led alike with it in a family, take one route in it.
    pub fn is_alike(&self, part: u32, family: Family) -> bool {
        self.alike[family as usize].get(part as usize).is_some_and(|is_alike| *is_alike)
    }

    /// Hashes which clients get which choice, but not what the choices are.
    pub fn hash_clients(&self, hasher: &mut impl Hasher) {
        self.by_part.hash(hasher);
        self.nodes.hash(hasher);
    }

    /// Returns the number of the choice that a client of a part gets, and by family whether it was tested for a share:
    /// then the choice holds for the client's prefix only.
    pub fn find(&self, part: u32, client: IpAddr) -> (u32, [bool; 2]) {
        let mut branch = self.by_part[part as usize];
        while branch.is_node() {
            let node = &self.nodes[(branch.0 & !Branch::NODE) as usize];
            branch = if node.test.includes(client) { node.inside } else { node.outside };
        }
        (branch.0, self.drawn[part as usize])
    }
}

/// Returns whether what clients of a route get in a family depends on their share.
fn tests_clients(route: &Route, bucketing: &Bucketing, family: Family) -> bool {
    route.follow(bucketing, family, &|_| None).is_err()
}

/// Returns for each part, whose group that is led alike in a family is this one of `groups`, whether its whole group takes one
/// route: a region sheds clients by their plans.
fn alike(groups: &[u32], routes: &[[Route; 2]], family: Family) -> Vec<bool> {
    let mut firsts: HashMap<u32, &Route> = HashMap::new();
    let mut is_one: Vec<bool> = vec![true; groups.len()];
    for (group, routes) in groups.iter().zip(routes) {
        let route = &routes[family as usize];
        is_one[*group as usize] &= **firsts.entry(*group).or_insert(route) == *route;
    }
    groups.iter().map(|group| is_one[*group as usize]).collect()
}

/// Choices in the making.
struct Growth<'a> {
    choices: Choices,
    numbers: HashMap<[Selection; 2], u32>,
    terms: &'a Terms<'a>,
}

impl Growth<'_> {
    /// Follows both routes for the clients of whom these results are known, and branches where they part.
    fn grow(&mut self, routes: &[Route; 2], known: &mut Vec<(ShareTest, bool)>) -> Branch {
        let answer = |test: ShareTest| answer(known, test);
        let [v4, v6] =
            Family::BOTH.map(|family| routes[family as usize].follow(self.terms.bucketing, family, &answer));
        match (v4, v6) {
            (Ok(v4), Ok(v6)) => Branch(self.number([v4, v6])),
            (Err(test), _) | (_, Err(test)) => {
                known.push((test, true));
                let inside = self.grow(routes, known);
                known.pop();
                known.push((test, false));
                let outside = self.grow(routes, known);
                known.pop();
                let number =
                    u32::try_from(self.choices.nodes.len()).expect("there are few groups of clients");
                self.choices.nodes.push(SplitNode { test, inside, outside });
                Branch(number | Branch::NODE)
            }
        }
    }

    fn number(&mut self, selections: [Selection; 2]) -> u32 {
        let distinct = &mut self.choices.distinct;
        *self.numbers.entry(selections).or_insert_with(|| {
            distinct.push(selections);
            distinct.len() as u32 - 1
        })
    }
}

/// Returns the result of a test that follows from known ones; `None`: it is open.
fn answer(known: &[(ShareTest, bool)], asked: ShareTest) -> Option<bool> {
    known.iter().filter(|(test, _)| test.key == asked.key).find_map(|(test, is_inside)| match is_inside {
        true if test.share <= asked.share => Some(true),
        false if test.share >= asked.share => Some(false),
        true | false => None,
    })
}
