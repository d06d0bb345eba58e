//! Compiles zones into the tree of names.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::name_tree::{Apex, Delegation, Glue, NameMap, NameNode, NameTree, NodeId};
use super::packed::Packed;
use super::plain_negative::PlainNegative;
use crate::wire::{LowerName, rtype};
use crate::zone::{self, Name, RData, RRset, RecordType, Ttl, Zone};

/// A lower-case wire name.
type Wire = Box<[u8]>;

impl NameTree {
    /// Compiles the zones. Of zones that contain each other, each owns the names that are in no zone below.
    ///
    /// # Panics
    ///
    /// When a zone has no SOA record, or RDATA that cannot be encoded; the configuration is checked before.
    pub fn compile(zones: &[Zone]) -> Self {
        let apexes = Apexes::new(zones);
        let mut tree = GrowingTree { names: NameMap::default(), nodes: Vec::new(), deepest: 0 };
        let plots: Vec<Plot> = (0..)
            .zip(zones)
            .map(|(index, zone)| Plot::lay_out(zone, index, &apexes.children[index], &mut tree.nodes))
            .collect();
        for (index, plot) in plots.iter().enumerate() {
            tree.publish(index, plot, &apexes);
            for child in &apexes.children[index] {
                tree.join(plot, child, &plots);
            }
        }
        let GrowingTree { names, nodes, deepest } = tree;
        let apexes = zones.iter().map(apex).collect();
        Self { names: Arc::new(names), nodes: nodes.into(), apexes, deepest }
    }
}

/// The tree while it is compiled.
struct GrowingTree {
    names: NameMap,
    nodes: Vec<NameNode>,
    deepest: u8,
}

impl GrowingTree {
    /// Enters those names of a zone that are in no zone below it.
    fn publish(&mut self, index: usize, plot: &Plot, apexes: &Apexes) {
        for (name, id) in &plot.names {
            if apexes.zone_of(name) == Some(index) {
                self.deepest = self.deepest.max(labels(name));
                self.names.insert(name.clone(), *id);
            }
        }
    }

    /// Links the apex of a zone to the node of its parent zone that decides about its DS records.
    fn join(&mut self, parent: &Plot, (apex, child): &(Wire, usize), plots: &[Plot]) {
        let below = plots[*child].names[apex];
        self.nodes[below.0 as usize].above = parent.closest(apex);
    }
}

/// The apexes of all zones, and which zones contain others.
struct Apexes {
    zones: BTreeMap<Wire, usize>,
    /// By zone: the apexes and places of the zones right below it.
    children: Vec<Vec<(Wire, usize)>>,
}

impl Apexes {
    fn new(zones: &[Zone]) -> Self {
        let mut apexes = Self {
            zones: zones.iter().map(|zone| wire(&zone.apex)).zip(0..).collect(),
            children: vec![Vec::new(); zones.len()],
        };
        for (apex, child) in &apexes.zones {
            let parent = parent_of(apex).and_then(|parent| apexes.zone_of(parent));
            if let Some(parent) = parent {
                apexes.children[parent].push((apex.clone(), *child));
            }
        }
        apexes
    }

    /// Returns the zone that owns a name: the one with the longest apex.
    fn zone_of(&self, name: &[u8]) -> Option<usize> {
        let mut ancestors = std::iter::successors(Some(name), |name| parent_of(name));
        ancestors.find_map(|ancestor| self.zones.get(ancestor).copied())
    }
}

/// The names of one zone on their own, as if no other zone were there.
struct Plot {
    names: HashMap<Wire, NodeId>,
}

impl Plot {
    fn lay_out(zone: &Zone, index: usize, children: &[(Wire, usize)], nodes: &mut Vec<NameNode>) -> Self {
        let wire_zone = WireZone::new(zone);
        let mut plot = Self { names: HashMap::new() };
        // The apex of a zone below exists here as well, even if it is not delegated.
        let children = children.iter().map(|(apex, _)| apex);
        for name in wire_zone.nodes.keys().chain(children) {
            if !wire_zone.hides(name) {
                plot.add(name, index, &wire_zone, nodes);
            }
        }
        plot.link_wildcards(nodes);
        plot
    }

    fn add(&mut self, name: &[u8], index: usize, wire_zone: &WireZone<'_>, nodes: &mut Vec<NameNode>) {
        for ancestor in lineage(name, &wire_zone.apex) {
            if self.names.contains_key(ancestor) {
                break;
            }
            let id = NodeId(u32::try_from(nodes.len()).expect("fewer than 2^32 names fit into memory"));
            self.names.insert(ancestor.into(), id);
            nodes.push(wire_zone.node(id, ancestor, index));
        }
    }

    /// Links each name to the wildcard below it. A wildcard that is a zone cut synthesises nothing: its meaning
    /// is undefined (RFC 4592, section 4.2).
    fn link_wildcards(&self, nodes: &mut [NameNode]) {
        for (name, id) in &self.names {
            let encloser = name.strip_prefix(b"\x01*").and_then(|rest| self.names.get(rest));
            let is_cut = nodes[id.0 as usize].delegation.is_some();
            if let (Some(encloser), false) = (encloser, is_cut) {
                nodes[encloser.0 as usize].wildcard = Some(*id);
            }
        }
    }

    /// Returns the node of the longest ancestor of `name` in the zone.
    fn closest(&self, name: &[u8]) -> Option<NodeId> {
        let mut ancestors = std::iter::successors(Some(name), |name| parent_of(name));
        ancestors.find_map(|ancestor| self.names.get(ancestor).copied())
    }
}

/// A zone with its names on the wire.
struct WireZone<'a> {
    apex: Wire,
    is_transferred: bool,
    nodes: BTreeMap<Wire, &'a zone::Node>,
}

impl<'a> WireZone<'a> {
    fn new(zone: &'a Zone) -> Self {
        Self {
            apex: wire(&zone.apex),
            is_transferred: zone.is_transferred,
            nodes: zone.nodes.iter().map(|(name, node)| (wire(name), node)).collect(),
        }
    }

    /// Returns whether a zone cut or a DNAME above the name takes it out of the zone.
    fn hides(&self, name: &[u8]) -> bool {
        lineage(name, &self.apex)
            .skip(1)
            .any(|ancestor| self.rrset(ancestor, rtype::DNAME).is_some() || self.servers(ancestor).is_some())
    }

    /// Returns the NS RRset that makes the name a zone cut.
    fn servers(&self, name: &[u8]) -> Option<&'a RRset> {
        self.rrset(name, rtype::NS).filter(|_| *name != *self.apex)
    }

    fn rrset(&self, name: &[u8], rtype: u16) -> Option<&'a RRset> {
        let node = self.nodes.get(name)?;
        node.rrsets.iter().find(|rrset| u16::from(rrset.rtype) == rtype)
    }

    /// Makes the node of a name; an empty non-terminal has nothing in it.
    fn node(&self, id: NodeId, name: &[u8], zone: usize) -> NameNode {
        let configured = self.nodes.get(name);
        // The SOA record of a zone that is transferred is in its `Apex`.
        let is_kept = |rrset: &&RRset| !self.is_transferred || rrset.rtype != RecordType::SOA;
        let mut rrsets: Vec<Packed> =
            configured.iter().flat_map(|node| node.rrsets.iter().filter(is_kept).map(pack)).collect();
        rrsets.sort_by_key(Packed::rtype);
        NameNode {
            id,
            octets: name.len(),
            zone,
            rrsets,
            chooser: configured.and_then(|node| node.chooser),
            delegation: self.servers(name).map(|servers| self.delegation(name, servers)),
            wildcard: None,
            above: None,
        }
    }

    /// Makes the referral at a zone cut.
    fn delegation(&self, cut: &[u8], servers: &RRset) -> Delegation {
        let hosts = servers.rdata.iter().filter_map(|rdata| match rdata {
            RData::NS(ns) => Some(wire(&ns.0)),
            _ => None,
        });
        let mut glue: Vec<Glue> = hosts.flat_map(|host| self.glue(cut, &host)).collect();
        glue.sort_by_key(|glue| !glue.is_required);
        Delegation { servers: pack(servers), glue }
    }

    /// Returns the addresses that the zone has of a server, be they glue below a cut or its own data.
    fn glue(&self, cut: &[u8], host: &[u8]) -> Vec<Glue> {
        let known = [rtype::A, rtype::AAAA];
        let known = known.into_iter().filter_map(|rtype| self.rrset(host, rtype));
        known
            .map(|rrset| Glue {
                owner: host.into(),
                addresses: pack(rrset),
                is_required: is_within(host, cut),
            })
            .collect()
    }
}

fn apex(zone: &Zone) -> Apex {
    let node = zone.nodes.get(&zone.apex);
    let mut rrsets = node.iter().flat_map(|node| &node.rrsets);
    let soa = rrsets
        .find(|rrset| u16::from(rrset.rtype) == rtype::SOA)
        .expect("the configuration gives each zone a SOA record");
    let Some(RData::SOA(data)) = soa.rdata.first() else {
        panic!("the configuration gives each SOA RRset one SOA record");
    };
    // A minimum beyond the longest TTL cannot be the smaller one.
    let ttl = Ttl::from_seconds(data.minimum).map_or(soa.ttl, |minimum| minimum.min(soa.ttl));
    let (name, negative) = (wire(&zone.apex), pack(soa).with_ttl(ttl));
    let plain_negative = PlainNegative::of(&name, &negative);
    Apex { octets: name.len(), plain_negative, negative, soa: zone.is_transferred.then(|| pack(soa)) }
}

impl Apex {
    /// Returns the apex with another serial number of its zone.
    pub(super) fn with_serial(&self, serial: u32) -> Self {
        Self {
            octets: self.octets,
            negative: self.negative.clone().with_serial(serial),
            plain_negative: self.plain_negative.as_ref().map(|negative| negative.with_serial(serial)),
            soa: self.soa.clone().map(|soa| soa.with_serial(serial)),
        }
    }
}

/// Packs a configured RRset.
fn pack(rrset: &RRset) -> Packed {
    Packed::new(rrset.rtype, rrset.ttl, &rrset.rdata)
}

/// Returns a name as a lower-case wire name.
pub fn wire(name: &Name) -> Wire {
    encoded(name, NameEncoding::UncompressedLowercase)
}

/// Returns a name as a wire name, in the case in which it was written.
pub fn written(name: &Name) -> Wire {
    encoded(name, NameEncoding::Uncompressed)
}

fn encoded(name: &Name, encoding: NameEncoding) -> Wire {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(encoding);
    name.emit(&mut encoder).expect("a name has a wire form");
    octets.into()
}

/// Returns the name without its first label. `None` for the root.
fn parent_of(name: &[u8]) -> Option<&[u8]> {
    match name.first() {
        Some(&length) if length > 0 => name.get(usize::from(length) + 1..),
        _ => None,
    }
}

/// Returns the name and its ancestors up to and including the apex, longest first.
fn lineage<'n>(name: &'n [u8], apex: &[u8]) -> impl Iterator<Item = &'n [u8]> {
    let shortest = apex.len();
    let ancestors = std::iter::successors(Some(name), |name| parent_of(name));
    ancestors.take_while(move |name| name.len() >= shortest)
}

/// Returns whether `name` is `apex` or below it.
fn is_within(name: &[u8], apex: &[u8]) -> bool {
    lineage(name, apex).last() == Some(apex)
}

/// Returns the number of labels of a name without the root.
fn labels(name: &[u8]) -> u8 {
    LowerName::read(name, 0).map_or(0, |(name, _)| name.labels())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::tests::{name, zone};

    /// Compiles one zone `example.` and returns the glue of `cut.example.` as `host required`.
    fn check(records: &[&str], expected: &[(&str, bool)]) {
        let tree = NameTree::compile(&[zone("example.", records)]);
        let (cut, _) = LowerName::read(&name("cut.example."), 0).expect("a name");
        let found = tree.find(&cut).expect("it is in the zone");
        let delegation = found.node.delegation.as_ref().expect("it is a cut");
        let glue: Vec<_> =
            delegation.glue.iter().map(|glue| (glue.owner.to_vec(), glue.is_required)).collect();
        let expected: Vec<_> = expected.iter().map(|(host, required)| (name(host), *required)).collect();
        assert_eq!(glue, expected);
    }

    #[test]
    fn glue_below_the_cut_is_required_and_comes_first_and_what_the_zone_knows_of_others_follows() {
        check(
            &[
                "cut NS ns.example.",
                "cut NS ns.other.example.",
                "cut NS ns.cut.example.",
                "cut NS ns.elsewhere.",
                "other NS ns.other.example.",
                "ns A 192.0.2.1",
                "ns.other AAAA 2001:db8::2",
                "ns.cut A 192.0.2.3",
                "ns.cut AAAA 2001:db8::3",
            ],
            &[
                ("ns.cut.example.", true),
                ("ns.cut.example.", true),
                ("ns.example.", false),
                ("ns.other.example.", false),
            ],
        );
    }

    #[test]
    fn a_negative_answer_lives_as_long_as_the_smaller_of_the_soas_two_times() {
        let mut short = zone("example.", &[]);
        let tree = NameTree::compile(std::slice::from_ref(&short));
        assert_eq!(tree.apexes[0].negative.ttl_seconds(), 300);
        for node in short.nodes.values_mut() {
            for rrset in &mut node.rrsets {
                rrset.ttl = Ttl::from_seconds(60).expect("a TTL");
            }
        }
        let tree = NameTree::compile(&[short]);
        assert_eq!(tree.apexes[0].negative.ttl_seconds(), 60);
    }
}
