//! Address hints of HTTPS and SVCB records beside names that are steered.
//!
//! A client may connect to a hint without asking for the addresses of the target (RFC 9460, section 7.3). Where these are
//! chosen for each client, hints for all would lead some of them where their residency rules do not permit.

use hickory_proto::rr::rdata::svcb::{SVCB, SvcParamKey};

use super::draft::{HintedRecord, NodeDraft, ZoneList};
use crate::config::problem::Reporter;
use crate::config::records;
use crate::zone::{Name, RData};

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
    let steered = || zones.steered.iter().map(|steering| &steering.owner);
    let pins = || zones.pins.iter().map(|(pin, _)| &pin.owner);
    for HintedRecord { owner, target, rtype, span } in &zones.hinted {
        let is_wildcard_for = |name: &Name| {
            name.is_wildcard() && name.base_name().zone_of(target) && name.base_name() != *target
        };
        if !steered().any(|name| name == target || is_wildcard_for(name))
            && !pins().any(|name| name == target)
        {
            continue;
        }
        let rtype = records::type_text(*rtype);
        let message = match owner == target {
            true => format!("`{owner}` is steered, and its {rtype} record has addresses for all clients"),
            false => format!(
                "`{target}` is steered, and the {rtype} record of `{owner}` has addresses of it for all clients"
            ),
        };
        let finding = report.error(*span, message);
        finding.hint("leave out `ipv4hint` and `ipv6hint`, or write `https:` in its `steer`");
    }
}
