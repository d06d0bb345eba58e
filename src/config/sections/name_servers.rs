//! What makes a zone or a delegation lame: name servers that no resolver can find.

use std::collections::BTreeMap;

use super::draft::NodeDraft;
use super::inner_zones::InnerZones;
use crate::config::problem::Reporter;
use crate::zone::{Name, RecordType};

/// Finds name servers without addresses, without glue, and names that are hardly those of hosts.
pub(super) fn check(
    apex: &Name,
    nodes: &BTreeMap<Name, NodeDraft>,
    inner: InnerZones<'_>,
    report: &mut Reporter,
) {
    let zone = NameServers { apex, nodes, inner };
    for (owner, node) in nodes {
        for (target, span) in node.rrset(RecordType::NS).iter().flat_map(|set| &set.targets) {
            if let (None, Some((message, hint))) = (target.address(), zone.fault(owner, &target.name)) {
                report.warning(*span, message).hint(hint);
            }
        }
    }
}

struct NameServers<'z> {
    apex: &'z Name,
    nodes: &'z BTreeMap<Name, NodeDraft>,
    inner: InnerZones<'z>,
}

impl NameServers<'_> {
    /// Returns what is wrong with a server of `owner`, and what to do instead.
    fn fault(&self, owner: &Name, server: &Name) -> Option<(String, String)> {
        if server.is_wildcard() {
            let message = format!("name server `{server}` is a wildcard");
            return Some((message, "write the name of a host".to_owned()));
        }
        if server.num_labels() < 2 {
            let message = format!("name server `{server}` has a single label");
            let meant = server.clone().append_domain(self.apex).unwrap_or_else(|_| server.clone());
            return Some((message, format!("write `{meant}` if it is in the zone; a whole name if not")));
        }
        // A zone inside answers for its names itself.
        if !self.apex.zone_of(server) || self.inner.find(server).is_some() {
            return None;
        }
        match self.cut_above(server) {
            // A resolver asks below the cut for the address of a server there, if it is not told (RFC 9471).
            Some(cut) if cut == owner => {
                let hint = "add its A or AAAA records here: without them no resolver reaches it";
                (!self.is_glued(server))
                    .then(|| (format!("name server `{server}` has no glue"), hint.to_owned()))
            }
            Some(_) => None,
            None if self.node_for(server).is_some_and(|node| has_addresses(node) || is_alias(node)) => None,
            None => {
                let message = format!("name server `{server}` has no addresses in the zone");
                Some((
                    message,
                    "add its A or AAAA records: what asks this zone for them gets none".to_owned(),
                ))
            }
        }
    }

    /// Returns the delegation that a name is at or below.
    fn cut_above(&self, name: &Name) -> Option<&Name> {
        self.lineage(name).find_map(|above| {
            let (cut, node) = self.nodes.get_key_value(&above)?;
            (cut != self.apex && node.rrset(RecordType::NS).is_some()).then_some(cut)
        })
    }

    /// Returns the node that answers for a name: its own, or the wildcard that stands for it.
    fn node_for(&self, name: &Name) -> Option<&NodeDraft> {
        if let Some(node) = self.nodes.get(name) {
            return Some(node);
        }
        let mut above = self.lineage(name).skip(1);
        above.find_map(|above| self.nodes.get(&above.prepend_label("*").ok()?))
    }

    fn is_glued(&self, name: &Name) -> bool {
        self.nodes.get(name).is_some_and(has_addresses)
    }

    /// Returns a name in the zone and the names above it, up to the apex.
    fn lineage(&self, name: &Name) -> impl Iterator<Item = Name> {
        let all =
            std::iter::successors(Some(name.clone()), |name| (!name.is_root()).then(|| name.base_name()));
        all.take_while(|name| self.apex.zone_of(name))
    }
}

fn has_addresses(node: &NodeDraft) -> bool {
    let addresses = [RecordType::A, RecordType::AAAA];
    node.steering.is_some()
        || node.pin.is_some()
        || addresses.iter().any(|rtype| node.rrset(*rtype).is_some())
}

/// Returns whether a name is an alias, which is found elsewhere (RFC 2181, section 10.3).
fn is_alias(node: &NodeDraft) -> bool {
    node.rrset(RecordType::CNAME).is_some()
}
