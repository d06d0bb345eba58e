//! Address hints of HTTPS and SVCB records beside names that are steered.
//!
//! A client may connect to a hint without asking for the addresses of the target (RFC 9460, section 7.3). Where these are
//! chosen for each client, hints for all would lead some of them where their residency rules do not permit.

use std::collections::BTreeMap;

use hickory_proto::rr::rdata::svcb::{SVCB, SvcParamKey};
use hickory_proto::serialize::binary::BinDecodable;

use super::draft::{HintedRecord, NodeDraft, ZoneList};
use crate::config::problem::Reporter;
use crate::config::records;
use crate::zone::{Name, Node, RData, RecordType, Zone};

/// Returns the records of a name that have hints.
pub(super) fn hinted(owner: &Name, node: &NodeDraft) -> Vec<HintedRecord> {
    let records = node.rrsets.iter().flat_map(|set| set.rdata.iter().map(move |data| (set, data)));
    let hinted = records.filter_map(|(set, data)| {
        let service = match data {
            RData::HTTPS(https) => &https.0,
            RData::SVCB(service) => service,
            _ => return None,
        };
        let target = target(owner, service);
        has_hints(service).then(|| HintedRecord {
            owner: owner.clone(),
            target,
            rtype: set.rtype,
            span: set.span,
        })
    });
    hinted.collect()
}

/// Returns whose addresses the hints are: a dot is the owner itself (RFC 9460, section 2.5.2).
fn target(owner: &Name, service: &SVCB) -> Name {
    if service.target_name.is_root() { owner.clone() } else { service.target_name.clone() }
}

fn has_hints(service: &SVCB) -> bool {
    let is_hint = |key: &SvcParamKey| matches!(key, SvcParamKey::Ipv4Hint | SvcParamKey::Ipv6Hint);
    service.svc_params.iter().any(|(key, _)| is_hint(key))
}

/// Refuses hints for names whose addresses are chosen, in whichever zone these are.
pub(super) fn check(zones: &ZoneList, report: &mut Reporter) {
    let by_apex: ZonesByApex<'_> = zones.zones.iter().map(|zone| (&zone.apex, zone)).collect();
    for HintedRecord { owner, target, rtype, span } in &zones.hinted {
        let served = if owner == target { without_prefix(owner) } else { target.clone() };
        let Some(chosen) = chosen(&by_apex, served) else { continue };
        let rtype = records::type_text(*rtype);
        let message = match *owner == chosen {
            true => format!("`{owner}` is steered, and its {rtype} record has addresses for all clients"),
            false => format!(
                "the addresses of `{chosen}` are chosen for each client, and the {rtype} record of `{owner}` has some for all"
            ),
        };
        report.error(*span, message).hint("leave out `ipv4hint` and `ipv6hint`");
    }
}

type ZonesByApex<'z> = BTreeMap<&'z Name, &'z Zone>;

/// The longest chain of aliases that is followed: resolvers give up after about as many.
const MAX_ALIASES: usize = 16;

/// Returns the name whose service a record describes: that of a port or a scheme stands below it (RFC 9460, section 2.3).
fn without_prefix(owner: &Name) -> Name {
    let mut name = owner.clone();
    while !name.is_root() && name.iter().next().is_some_and(|label| label.first() == Some(&b'_')) {
        name = name.base_name();
    }
    name
}

/// Returns the name at which the addresses of a name are chosen, at the end of its aliases; `None`: they are not chosen, or
/// not in these zones.
fn chosen(zones: &ZonesByApex<'_>, mut name: Name) -> Option<Name> {
    for _ in 0..MAX_ALIASES {
        let apex = lineage(&name).find(|above| zones.contains_key(above))?;
        let zone = zones[&apex];
        let (node, encloser) = find(zone, &name)?;
        if node.chooser.is_some() {
            return Some(name);
        }
        name = alias(node, &name, &encloser)?;
    }
    None
}

/// Returns a name and all above it.
fn lineage(name: &Name) -> impl Iterator<Item = Name> {
    std::iter::successors(Some(name.clone()), |name| (!name.is_root()).then(|| name.base_name()))
}

/// Returns what answers for a name in its zone, with the name at which that stands: itself, a DNAME above it (RFC 6672),
/// or the wildcard of its closest encloser (RFC 4592, section 3.3.1). `None`: nothing, or it is delegated.
fn find<'z>(zone: &'z Zone, name: &Name) -> Option<(&'z Node, Name)> {
    let has = |node: &Node, rtype| node.rrsets.iter().any(|set| set.rtype == rtype);
    let above: Vec<Name> = lineage(name).take_while(|above| *above != zone.apex).skip(1).collect();
    // From the apex down: a cut hides what is below it.
    for ancestor in above.iter().rev() {
        match zone.nodes.get(ancestor) {
            Some(node) if has(node, RecordType::NS) => return None,
            Some(node) if has(node, RecordType::DNAME) => return Some((node, ancestor.clone())),
            Some(_) | None => {}
        }
    }
    if let Some(node) = zone.nodes.get(name) {
        let is_cut = *name != zone.apex && has(node, RecordType::NS);
        return (!is_cut).then(|| (node, name.clone()));
    }
    let exists = |name: &Name| {
        let mut from = zone.nodes.range(name.clone()..);
        from.next().is_some_and(|(next, _)| name.zone_of(next))
    };
    if exists(name) {
        return None;
    }
    let encloser = lineage(name).skip(1).find(exists)?;
    let wildcard = encloser.prepend_label("*").ok()?;
    zone.nodes.get(&wildcard).map(|node| (node, wildcard))
}

/// Returns where a name leads that is an alias, by what stands at itself, at a wildcard, or at a DNAME above it.
fn alias(node: &Node, name: &Name, at: &Name) -> Option<Name> {
    let data = |rtype| {
        let set = node.rrsets.iter().find(|set| set.rtype == rtype);
        set.and_then(|set| set.rdata.first())
    };
    match (data(RecordType::CNAME), data(RecordType::DNAME)) {
        (Some(RData::CNAME(target)), _) => Some(target.0.clone()),
        // hickory-proto has no type for it.
        (None, Some(RData::Unknown { rdata, .. })) if name != at => {
            let below = usize::from(name.num_labels() - at.num_labels());
            let prefix = Name::from_labels(name.iter().take(below)).ok()?;
            prefix.append_name(&Name::from_bytes(&rdata.anything).ok()?).ok()
        }
        _ => None,
    }
}
