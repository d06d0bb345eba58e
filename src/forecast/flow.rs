//! Where the clients of one part are, and who of them moves.

use crate::region::RegionId;
use crate::snapshot::{Base, DemandPart};
use crate::steering::{Destination, Rest, Route};
use crate::zone::Ttl;

/// What of the demand is less than this is rounding.
pub(crate) const NEGLIGIBLE: f64 = 1e-6;

/// Where the clients of one part are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flow {
    /// The fraction that each region gets; empty when no region in service serves them.
    pub fractions: Vec<(RegionId, f64)>,
}

/// From where and to where clients move; `None`: no region in service.
pub(crate) type RegionPair = [Option<RegionId>; 2];

impl Flow {
    /// Reads a route. One that ends at a region that waits, since there is no other, leads there.
    pub fn of(route: &Route) -> Self {
        let is_lost = match route.rest {
            Rest::Whole(Destination::FailOpen(_) | Destination::Refused(_) | Destination::Forbidden(_)) => {
                true
            }
            Rest::Whole(Destination::Healthy(_)) | Rest::Divided { .. } => false,
        };
        let mut fractions: Vec<(RegionId, f64)> = Vec::new();
        for (region, fraction) in if is_lost { Vec::new() } else { route.fractions() } {
            match fractions.iter_mut().find(|(known, _)| *known == region) {
                Some((_, sum)) => *sum += fraction,
                None => fractions.push((region, fraction)),
            }
        }
        Self { fractions }
    }
}

/// Returns who of a part moves where: as few as can be, and from each region in the proportion in which others
/// gain.
pub(crate) fn ways(before: &Flow, after: &Flow) -> Vec<(RegionPair, f64)> {
    if before == after {
        return Vec::new();
    }
    let lost = gains(after, before);
    let gained = gains(before, after);
    let all: f64 = gained.iter().map(|(_, fraction)| fraction).sum();
    let ways = lost
        .iter()
        .flat_map(|(from, loss)| gained.iter().map(move |(to, gain)| ([*from, *to], loss * gain / all)));
    ways.filter(|(_, fraction)| *fraction > NEGLIGIBLE).collect()
}

/// Returns which regions have more in `after` than in `before`, and by how much; `None`: none.
fn gains(before: &Flow, after: &Flow) -> Vec<(Option<RegionId>, f64)> {
    let of = |flow: &Flow, region: RegionId| {
        flow.fractions.iter().find(|(known, _)| *known == region).map_or(0.0, |(_, fraction)| *fraction)
    };
    let regions = after.fractions.iter();
    let gains = regions.map(|(region, fraction)| (Some(*region), fraction - of(before, *region)));
    let lost = (after.fractions.is_empty() && !before.fractions.is_empty()).then_some((None, 1.0));
    gains.chain(lost).filter(|(_, gain)| *gain > NEGLIGIBLE).collect()
}

/// Returns by how much farther the clients of a part are from one region than from the other.
pub(crate) fn added_km(part: &DemandPart, [from, to]: RegionPair) -> Option<f64> {
    let km = |region: Option<RegionId>| {
        part.order.iter().find(|(known, _)| Some(*known) == region).map(|(_, km)| *km)
    };
    Some(km(to)? - km(from)?)
}

/// Returns how often a resolver asks for a name of a partition while a region serves it, and while none does:
/// the mean over the names, per second.
pub(crate) fn paces(base: &Base, partition: usize) -> [f64; 2] {
    let pace = |ttl: Ttl| 1.0 / f64::from(ttl.seconds().max(1));
    let names = base.names_of(partition).fold((0.0, [0.0; 2]), |(count, [usual, short]), name| {
        (count + 1.0, [usual + pace(name.ttl), short + pace(name.short_ttl)])
    });
    let (count, sums) = names;
    sums.map(|sum| sum / f64::max(count, 1.0))
}
