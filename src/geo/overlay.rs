//! The layer on top of the databases: the operator's networks, and groups that name networks.
//!
//! Of the operator's networks around an address the most specific one applies, alone; of equal ones
//! the later. Of the groups' networks all apply.

use std::net::IpAddr;

use super::countries;
use super::layer::Layer;
use super::runs::{Bits, Runs};
use crate::client::{Continent, Country, Group, GroupId, GroupSet, Location, Member, Prefix};

/// The statements about an interval of addresses that lie on top of the databases.
#[derive(Clone, Copy, Default)]
pub(super) struct OverlayData<'a> {
    pub(super) operator: Option<&'a Location>,
    /// The groups that name these addresses.
    pub(super) groups: GroupSet,
}

/// One network on its way into the overlay.
type Block<'a, A> = (A, u8, OverlayChange<'a>);

#[derive(Clone, Copy)]
enum OverlayChange<'a> {
    Locality(&'a Location),
    Join(GroupId),
}

/// Returns the overlays and where they lie. Number zero is the empty one.
pub(super) fn lay<'a>(
    networks: &'a [(Prefix, Location)],
    groups: &'a [Group],
) -> (Vec<OverlayData<'a>>, Layer) {
    let mut v4 = Vec::new();
    let mut v6 = Vec::new();
    let mut add = |prefix: Prefix, change| match prefix.address() {
        IpAddr::V4(first) => v4.push((first.to_bits(), prefix.length(), change)),
        IpAddr::V6(first) => v6.push((first.to_bits(), prefix.length(), change)),
    };
    for (prefix, location) in networks {
        add(*prefix, OverlayChange::Locality(location));
    }
    for (id, group) in (1u8..).map(GroupId).zip(groups) {
        for member in &group.members {
            if let Member::Network(prefix) = member {
                add(*prefix, OverlayChange::Join(id));
            }
        }
    }
    let mut overlays = vec![OverlayData::default()];
    let layer = Layer { v4: runs(v4, &mut overlays), v6: runs(v6, &mut overlays) };
    (overlays, layer)
}

/// Flattens nested blocks: each one is opened over those that are open already, and closed before
/// the first that starts beyond it.
fn runs<'a, A: Bits>(mut blocks: Vec<Block<'a, A>>, overlays: &mut Vec<OverlayData<'a>>) -> Runs<A> {
    // The sort is stable, so that of equal blocks the later one is opened on top.
    blocks.sort_by_key(|(first, length, _)| (*first, *length));
    let mut runs = Runs::all(0);
    let mut open: Vec<(A, u32)> = Vec::new();
    for (first, length, change) in blocks {
        close(&mut open, &mut runs, Some(first));
        let mut overlay = overlays[open.last().map_or(0, |(_, number)| *number as usize)];
        match change {
            OverlayChange::Locality(location) => overlay.operator = Some(location),
            OverlayChange::Join(group) => overlay.groups.insert(group),
        }
        let number = u32::try_from(overlays.len()).expect("networks are counted in 32 bits");
        overlays.push(overlay);
        runs.set_from(first, number);
        open.push((first.last_of_block(length), number));
    }
    close(&mut open, &mut runs, None);
    runs
}

/// Closes the open blocks that end before `next`, or all of them.
fn close<A: Bits>(open: &mut Vec<(A, u32)>, runs: &mut Runs<A>, next: Option<A>) {
    let ended = |(last, _): &mut (A, u32)| next.is_none_or(|next| *last < next);
    while let Some((last, _)) = open.pop_if(ended) {
        if let Some(after) = last.successor() {
            runs.set_from(after, open.last().map_or(0, |(_, number)| *number));
        }
    }
}

/// Returns the operator's network that applies to `address`.
pub(super) fn most_specific(networks: &[(Prefix, Location)], address: IpAddr) -> Option<&(Prefix, Location)> {
    let around = networks.iter().filter(|(prefix, _)| prefix.contains(address));
    around.max_by_key(|(prefix, _)| prefix.length())
}

/// Returns the location `below` with what `operator` states on top. A country moves the location and drops
/// what was below, but for the autonomous system, for nothing is known of the new place; anything less
/// changes only what it states.
pub(super) fn over(below: &Location, operator: &Location) -> Location {
    let asn = operator.asn.or(below.asn);
    match operator.country {
        Some(country) => Location {
            continent: operator.continent.or_else(|| continent_of(country)),
            asn,
            ..operator.clone()
        },
        None => Location {
            continent: operator.continent.or(below.continent),
            country: below.country,
            subdivision: operator.subdivision.or(below.subdivision),
            european_union: operator.european_union.or(below.european_union),
            coordinates: operator.coordinates.or(below.coordinates),
            asn,
        },
    }
}

fn continent_of(country: Country) -> Option<Continent> {
    countries::find(country).map(|entry| entry.continent)
}
