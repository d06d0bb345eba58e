//! Whether what a scenario expects is so.

use super::clients::{Clients, Lookup};
use super::clocks::BOOT;
use super::scenario::{Aspect, Claim};
use crate::control::Report;
use crate::health::{AddressState, Phase};
use crate::region::{Family, Target};
use crate::units::Percent;

/// Returns what is so instead; `None`: it is as expected.
pub fn otherwise(
    subject: &Aspect,
    clients: &Clients,
    report: &Report,
    load: impl Fn(&str) -> Option<f64>,
) -> Option<String> {
    match subject {
        Aspect::Client { client, name, family, claim } => {
            let mut lookups = clients.lookups_of(client, name.as_ref());
            lookups.find_map(|lookup| contradiction(lookup, *family, claim))
        }
        Aspect::AddressState(target, state) => other_states(target, *state, report),
        Aspect::Phase(target, phase) => other_phases(target, *phase, report),
        Aspect::Load(region, range) => match load(region) {
            None => Some("no load is known".to_owned()),
            Some(load) => (!range.contains(load)).then(|| Percent::rounded(load).to_string()),
        },
    }
}

/// Returns how the answers of one client contradict a claim.
fn contradiction(lookup: &Lookup, family: Option<Family>, claim: &Claim) -> Option<String> {
    let is_meant = |one: &Family| match (family, claim) {
        (Some(family), _) => *one == family,
        (None, Claim::Stays { .. }) => true,
        // Without a type it is A, and AAAA where there is any: not every region has IPv6.
        (None, Claim::Leads { .. }) => *one == Family::V4 || lookup.split(*one).led() != "nodata",
    };
    let mut meant = Family::BOTH.into_iter().filter(is_meant);
    let wrong = meant.find(|family| !holds(lookup, *family, claim))?;
    let rtype = record_type(wrong);
    match claim {
        Claim::Leads { .. } => Some(format!("{rtype} {}", lookup.split(wrong))),
        Claim::Stays { .. } => {
            let moved = lookup.moved(wrong).map_or(0.0, |at| at.since(BOOT).as_secs_f64());
            Some(format!("{rtype} moved at {moved:.1}s, now {}", lookup.split(wrong)))
        }
    }
}

fn holds(lookup: &Lookup, family: Family, claim: &Claim) -> bool {
    match claim {
        Claim::Leads { to, share, ttl } => {
            share.contains(lookup.split(family).share(to))
                && ttl.is_none_or(|ttl| lookup.has_ttl(family, to, ttl))
        }
        Claim::Stays { since } => lookup.moved(family).is_none_or(|moved| moved <= BOOT.plus(*since)),
    }
}

/// Returns the addresses of a target that are in another state, or that there are none.
fn other_states(target: &Target, state: AddressState, report: &Report) -> Option<String> {
    let mut found = 0;
    let mut others = Vec::new();
    for region in &report.regions {
        for zone in &region.zones {
            for address in &zone.addresses {
                let here = Target::of_address(&region.name, &zone.name, address.ip);
                if target.contains(&here) {
                    found += 1;
                    let is_other = address.state != state;
                    others.extend(is_other.then(|| format!("{} is {}", address.ip, address.state)));
                }
            }
        }
    }
    match found {
        0 => Some("no such address is configured now".to_owned()),
        _ if others.is_empty() => None,
        _ => Some(others.join(", ")),
    }
}

/// Returns the phases that a region or zone is in instead, or that there is no such one.
fn other_phases(target: &Target, phase: Phase, report: &Report) -> Option<String> {
    let Some(region) = report.regions.iter().find(|region| region.name == target.region()) else {
        return Some("no such region is configured now".to_owned());
    };
    let zone = target.zone().map(|name| region.zones.iter().find(|zone| zone.name == name));
    let status = match zone {
        None => &region.status,
        Some(Some(zone)) => &zone.status,
        Some(None) => return Some("no such zone is configured now".to_owned()),
    };
    let of_family = Family::BOTH.into_iter().zip(status).filter(|(_, status)| status.exists());
    let others = of_family.filter(|(_, status)| status.phase != phase);
    let others: Vec<_> =
        others.map(|(family, status)| format!("{} is {}", record_type(family), status.phase)).collect();
    (!others.is_empty()).then(|| others.join(", "))
}

/// Returns the type of the records of a family.
pub fn record_type(family: Family) -> &'static str {
    match family {
        Family::V4 => "A",
        Family::V6 => "AAAA",
    }
}
