//! The tree of names: from a question to the node that decides its answer.
//!
//! The tree is one hash map from lower-case wire names to nodes; a trie would compare label by label, where the
//! map finds most questions at the first look. Every existing name has a node, empty non-terminals included
//! (RFC 4592, section 2.2.2), so that the longest ancestor of a question that is in the map is its closest
//! encloser. Names that a zone cut or a DNAME hides are not in the map; their closest encloser is then the
//! node that hides them. Where two zones meet, the map holds the child's apex, and the apex knows the
//! parent's node of the same name.
//!
//! The serial number of a zone that is transferred changes while everything else stays: it is kept at the apex alone, and
//! a tree with other serial numbers shares the rest.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::packed::Packed;
use super::plain_negative::PlainNegative;
use crate::wire::LowerName;
use crate::zone::Chooser;

/// The number of a node: its place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// Returns the number.
    pub fn number(self) -> u32 {
        self.0
    }

    #[cfg(test)]
    pub(crate) fn of(number: u32) -> Self {
        Self(number)
    }
}

/// Names on the wire in lower case. Only configured ones are inserted, so that no client can flood the map with colliding
/// ones, and a hash without a secret is enough.
pub(super) type NameMap = HashMap<Box<[u8]>, NodeId, FixedState>;

/// All names of all zones, ready to be found by the bytes of a question. A clone shares them.
#[derive(Clone, Debug)]
pub struct NameTree {
    pub(super) names: Arc<NameMap>,
    pub(super) nodes: Arc<[NameNode]>,
    /// By the place of the zone among those the tree was compiled from.
    pub(super) apexes: Arc<[Apex]>,
    /// The most labels that a name in the map has; longer ancestors of a question need not be tried.
    pub(super) deepest: u8,
}

/// The apex of a zone.
#[derive(Clone, Debug)]
pub struct Apex {
    /// The length of its name.
    pub octets: usize,
    /// The SOA record of negative answers: its TTL is the smaller one of the record's own and of its minimum
    /// field (RFC 2308, section 3).
    pub negative: Packed,
    /// The same as it stands behind nearly every question of the zone.
    pub plain_negative: Option<PlainNegative>,
    /// The SOA record of a zone that is transferred; the node of its apex has none. `None`: that has it.
    pub soa: Option<Packed>,
}

/// One name.
#[derive(Debug)]
pub struct NameNode {
    pub id: NodeId,
    /// The length of the name. A question that found the node ends with these octets.
    pub octets: usize,
    /// The place of its zone among those the tree was compiled from.
    pub zone: usize,
    /// Its static RRsets, ordered by type.
    pub rrsets: Vec<Packed>,
    /// Set when its A, AAAA and HTTPS answers are chosen.
    pub chooser: Option<Chooser>,
    /// Set when it is a zone cut.
    pub delegation: Option<Delegation>,
    /// The node `*` right below, from which names that do not exist are synthesised.
    pub wildcard: Option<NodeId>,
    /// At the apex of a zone whose parent zone is here too: the node of the parent that decides about this
    /// name, either of the same name or a cut further up.
    pub above: Option<NodeId>,
}

/// The records of a referral.
#[derive(Debug)]
pub struct Delegation {
    pub servers: Packed,
    /// The addresses of servers that this zone has, the required ones first.
    pub glue: Vec<Glue>,
}

/// An address RRset in a referral.
#[derive(Debug)]
pub struct Glue {
    /// The server's name, lower case, on the wire.
    pub owner: Box<[u8]>,
    /// Its addresses of one family.
    pub addresses: Packed,
    /// Whether the server's name is below the cut, so that it cannot be found without this (in-domain glue,
    /// RFC 9471, section 2.1).
    pub is_required: bool,
}

/// The node that decides about a name.
#[derive(Clone, Copy, Debug)]
pub struct NameMatch<'a> {
    /// The node: of the name itself, or its closest encloser.
    pub node: &'a NameNode,
    /// Whether it is of the name itself.
    pub is_exact: bool,
}

impl NameTree {
    /// Finds the node that decides about `name`. `None` when it is in no zone.
    pub fn find(&self, name: &LowerName) -> Option<NameMatch<'_>> {
        let whole = name.as_bytes().len();
        let beyond = usize::from(name.labels().saturating_sub(self.deepest));
        let id = name.ancestors().skip(beyond).find_map(|ancestor| self.names.get(ancestor))?;
        let node = self.node(*id);
        Some(NameMatch { node, is_exact: node.octets == whole })
    }

    /// Returns the node of `name`, lower case and on the wire, if it exists and nothing above it decides.
    pub fn find_exact(&self, name: &[u8]) -> Option<&NameNode> {
        self.names.get(name).map(|id| self.node(*id)).filter(|node| node.octets == name.len())
    }

    /// Finds the node that decides about a type that lives on the parent's side of a zone cut. For all names but
    /// the apex of a zone whose parent is here too, that is [`NameTree::find`].
    pub fn find_above(&self, name: &LowerName) -> Option<NameMatch<'_>> {
        let found = self.find(name)?;
        let above = found.node.above.filter(|_| found.is_exact);
        Some(above.map_or(found, |id| {
            let node = self.node(id);
            NameMatch { node, is_exact: node.octets == found.node.octets }
        }))
    }

    /// Returns a node.
    pub fn node(&self, id: NodeId) -> &NameNode {
        &self.nodes[id.0 as usize]
    }

    /// Returns the tree with other serial numbers of zones that are transferred, by their places; it shares everything else.
    pub fn with_serials(&self, serials: &[(usize, u32)]) -> Self {
        let mut apexes = self.apexes.to_vec();
        for (zone, serial) in serials {
            apexes[*zone] = apexes[*zone].with_serial(*serial);
        }
        Self { apexes: apexes.into(), ..self.clone() }
    }

    /// Returns whether both have the same names, be it with other serial numbers.
    pub fn is_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.names, &other.names)
    }

    /// Returns the SOA record of a zone that is transferred, by its place; `None`: it is not.
    pub fn soa_of(&self, zone: usize) -> Option<&Packed> {
        self.apexes[zone].soa.as_ref()
    }

    /// Returns the apex of the zone that a node belongs to.
    pub fn apex(&self, node: &NameNode) -> &Apex {
        &self.apexes[node.zone]
    }
}

impl NameNode {
    /// Returns the static RRset of a type.
    pub fn rrset(&self, rtype: u16) -> Option<&Packed> {
        self.rrsets.iter().find(|rrset| rrset.rtype() == rtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::tests::{name, zone};

    /// Zones as texts: apex and records.
    type Zones<'a> = &'a [(&'a str, &'a [&'a str])];

    fn compile(zones: Zones<'_>) -> NameTree {
        let zones: Vec<_> = zones.iter().map(|(apex, records)| zone(apex, records)).collect();
        NameTree::compile(&zones)
    }

    /// Finds a name, and compares the name and the zone's place of the node that decides.
    fn check(zones: Zones<'_>, question: &str, expected: Option<(&str, usize)>) {
        check_by(NameTree::find, zones, question, expected);
    }

    /// As `check`, for the parent's side of a cut.
    fn check_above(zones: Zones<'_>, question: &str, expected: (&str, usize)) {
        check_by(NameTree::find_above, zones, question, Some(expected));
    }

    fn check_by(
        find: for<'t> fn(&'t NameTree, &LowerName) -> Option<NameMatch<'t>>,
        zones: Zones<'_>,
        question: &str,
        expected: Option<(&str, usize)>,
    ) {
        let tree = compile(zones);
        let (lower, _) = LowerName::read(&name(question), 0).expect("a name");
        let found = find(&tree, &lower);
        if let Some(found) = found {
            assert_eq!(found.is_exact, found.node.octets == lower.as_bytes().len());
        }
        let found = found.map(|found| (lower.ancestor(found.node.octets).to_vec(), found.node.zone));
        assert_eq!(found, expected.map(|(text, zone)| (name(text), zone)), "{question}");
    }

    #[test]
    fn the_closest_encloser_is_the_longest_name_that_exists_empty_ones_included() {
        let zones: Zones<'_> = &[("example.", &["a.b.c A 192.0.2.1"])];
        check(zones, "a.b.c.example.", Some(("a.b.c.example.", 0)));
        check(zones, "x.a.b.c.example.", Some(("a.b.c.example.", 0)));
        check(zones, "b.c.example.", Some(("b.c.example.", 0)));
        check(zones, "x.c.example.", Some(("c.example.", 0)));
        check(zones, "x.example.", Some(("example.", 0)));
        check(zones, "test.", None);
        check(zones, ".", None);
    }

    #[test]
    fn names_behind_a_cut_or_a_dname_are_hidden() {
        let zones: Zones<'_> = &[(
            "example.",
            &[
                "cut NS ns.cut.example.",
                "ns.cut A 192.0.2.1",
                "deeper.cut NS x.",
                "moved DNAME x.",
                "below.moved A 192.0.2.2",
            ],
        )];
        check(zones, "ns.cut.example.", Some(("cut.example.", 0)));
        check(zones, "x.deeper.cut.example.", Some(("cut.example.", 0)));
        check(zones, "below.moved.example.", Some(("moved.example.", 0)));
    }

    #[test]
    fn the_child_wins_where_parent_and_child_are_both_here() {
        for parent in [&["sub NS ns.sub.example.", "ns.sub A 192.0.2.1"][..], &["ns.sub A 192.0.2.1"]] {
            let zones: Zones<'_> = &[("example.", parent), ("sub.example.", &["www A 192.0.2.2"])];
            check(zones, "sub.example.", Some(("sub.example.", 1)));
            check(zones, "ns.sub.example.", Some(("sub.example.", 1)));
            check(zones, "www.sub.example.", Some(("www.sub.example.", 1)));
            check(zones, "other.example.", Some(("example.", 0)));
        }
    }

    #[test]
    fn the_root_can_be_a_zone() {
        check(&[(".", &["a A 192.0.2.1"])], "b.", Some((".", 0)));
        check(&[(".", &["a A 192.0.2.1"])], "a.", Some(("a.", 0)));
    }

    #[test]
    fn the_parents_side_of_a_cut_is_in_the_parent_even_without_a_delegation() {
        let child: &[&str] = &["www A 192.0.2.2"];
        let zones: Zones<'_> = &[("example.", &[]), ("a.sub.example.", child)];
        check_above(zones, "a.sub.example.", ("a.sub.example.", 0));
        check_above(zones, "www.a.sub.example.", ("www.a.sub.example.", 1));
        check_above(zones, "sub.example.", ("sub.example.", 0));
        let zones: Zones<'_> = &[("example.", &["sub NS ns."]), ("a.sub.example.", child)];
        check_above(zones, "a.sub.example.", ("sub.example.", 0));
        let zones: Zones<'_> = &[("a.sub.example.", child)];
        check_above(zones, "a.sub.example.", ("a.sub.example.", 0));
    }

    #[test]
    fn a_wildcard_that_is_a_cut_synthesises_nothing() {
        for (records, expected) in
            [(&["*.x A 192.0.2.1"][..], true), (&["*.x NS ns."], false), (&["x A 192.0.2.1"], false)]
        {
            let tree = compile(&[("example.", records)]);
            let (lower, _) = LowerName::read(&name("a.x.example."), 0).expect("a name");
            let found = tree.find(&lower).expect("it is in the zone");
            assert_eq!(found.node.wildcard.is_some(), expected, "{records:?}");
        }
    }
}
