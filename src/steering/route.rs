//! The way of all clients of one plan in one family: who of them goes where.
//!
//! A region that takes everybody ends the way; one that takes a share is a stop on it, where those who
//! are drawn get off; one that waits or is out is passed. When none takes everybody, the first stop takes
//! those whom nobody took; when there is no stop either, the first that waits; and when every region is
//! out, `all_down` decides. Failing open stays inside the plan, and so inside the border.

use std::time::Duration;

use super::lottery::{Draw, Lottery};
use super::policy::{AllDown, Refusal};
use super::{Plan, Split};
use crate::health::{Service, Services, Stage};
use crate::moment::Moment;
use crate::region::{Family, RegionId};
use crate::share::Share;

/// The most stops of one way: every stop more makes more groups of clients to prepare answers for. Regions
/// beyond it wait until those before them have all their clients back.
const MAX_STOPS: usize = 6;

/// Regions that fell within this time of the last one to fall count as fallen together: the time in
/// which the canaries of one outage reach their verdicts. Without it, an outage of everything would
/// send all clients to the one region whose canary happened to be the slowest.
const TOGETHER: Duration = Duration::from_secs(60);

/// The way of all clients of one plan in one family.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The regions that take a share of those who come by, in their order.
    pub stops: Vec<(RegionId, Share)>,
    /// What becomes of the others.
    pub rest: Rest,
}

/// What becomes of those who are drawn at no stop.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rest {
    /// The same for all.
    Whole(Found),
    /// Their region sheds some of them: pieces of its line up to a place each, the last up to its end.
    Shed {
        /// The region whose clients they are.
        home: RegionId,
        /// Where the pieces end, and where their clients go.
        pieces: Vec<(Share, RegionId)>,
    },
}

/// What is answered to a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// The healthy addresses of this region; NODATA when it has none of the family.
    Healthy(RegionId),
    /// The addresses of this region although it is down.
    FailOpen(RegionId),
    /// No addresses.
    Refused(Refusal),
}

impl Found {
    /// Returns the region that was found.
    pub fn region(self) -> Option<RegionId> {
        match self {
            Self::Healthy(region) | Self::FailOpen(region) => Some(region),
            Self::Refused(_) => None,
        }
    }
}

/// What is answered to some of the clients of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lot {
    /// Where they go.
    pub found: Found,
    /// They get the addresses whose share reaches further than this.
    pub rung: Share,
}

impl Route {
    /// Finds the way of the clients of `plan`; `split` is what their region sheds, if it does.
    pub fn find(
        plan: &Plan,
        all_down: AllDown,
        services: &Services,
        split: Option<&Split>,
        family: Family,
    ) -> Self {
        let mut stops = Vec::new();
        for region in &plan.order {
            match stage(services, *region, family) {
                Stage::Full => return Self { stops, rest: rest(*region, split, services, family) },
                Stage::Part(share) if stops.len() < MAX_STOPS => stops.push((*region, share)),
                Stage::Part(_) | Stage::Waiting | Stage::Out { .. } => {}
            }
        }
        let waits = |region: &&RegionId| matches!(stage(services, **region, family), Stage::Waiting);
        let waiting = || plan.order.iter().find(waits);
        let found = match stops.first().map(|(region, _)| region).or_else(waiting) {
            Some(region) => Found::Healthy(*region),
            None => without_health(plan, all_down, services, family),
        };
        Self { stops, rest: Rest::Whole(found) }
    }

    /// Follows one client, or as many as `drawn` answers for alike. A draw that it does not answer is the
    /// error.
    ///
    /// # Errors
    ///
    /// The draw on which it depends how to go on.
    pub fn follow(
        &self,
        lottery: &Lottery,
        family: Family,
        drawn: &impl Fn(Draw) -> Option<bool>,
    ) -> Result<Lot, Draw> {
        let found = self.found(lottery, drawn)?;
        let rung = match found {
            Found::Healthy(region) => lottery.rung(region, family, drawn)?,
            Found::FailOpen(_) | Found::Refused(_) => Share::NONE,
        };
        Ok(Lot { found, rung })
    }

    fn found(&self, lottery: &Lottery, drawn: &impl Fn(Draw) -> Option<bool>) -> Result<Found, Draw> {
        let takes = |draw: Draw| drawn(draw).ok_or(draw);
        for (region, share) in &self.stops {
            if takes(Draw { key: lottery.lines(*region).region, share: *share })? {
                return Ok(Found::Healthy(*region));
            }
        }
        let (home, pieces) = match &self.rest {
            Rest::Whole(found) => return Ok(*found),
            Rest::Shed { home, pieces } => (home, pieces),
        };
        for (until, region) in pieces {
            if *until == Share::ALL || takes(Draw { key: lottery.lines(*home).load, share: *until })? {
                return Ok(Found::Healthy(*region));
            }
        }
        Ok(Found::Healthy(*home))
    }

    /// Returns which fraction of the clients each region gets.
    pub fn fractions(&self) -> Vec<(RegionId, f64)> {
        let mut fractions = Vec::new();
        let mut left = 1.0;
        for (region, share) in &self.stops {
            fractions.push((*region, left * share.fraction()));
            left *= 1.0 - share.fraction();
        }
        match &self.rest {
            Rest::Whole(found) => fractions.extend(found.region().map(|region| (region, left))),
            Rest::Shed { pieces, .. } => {
                let mut start = 0.0;
                for (until, region) in pieces {
                    fractions.push((*region, left * (until.fraction() - start)));
                    start = until.fraction();
                }
            }
        }
        fractions
    }
}

/// Returns what becomes of clients whose region takes everybody, and sheds what `split` says.
fn rest(home: RegionId, split: Option<&Split>, services: &Services, family: Family) -> Rest {
    let Some(split) = split.filter(|split| split.home() == home && split.pieces().len() > 1) else {
        return Rest::Whole(Found::Healthy(home));
    };
    // Splits are made before this family is looked at: who would be sent to a region that does not take
    // everybody stays at home.
    let receiver = |region: RegionId| match stage(services, region, family) {
        Stage::Full => region,
        Stage::Part(_) | Stage::Waiting | Stage::Out { .. } => home,
    };
    let pieces = split.pieces().iter();
    let pieces = pieces.map(|piece| (Share::of_fraction(piece.until), receiver(piece.region)));
    Rest::Shed { home, pieces: pieces.collect() }
}

/// Returns how a region stands for clients of a family. A region without addresses of the family
/// stands there as it does in the other one: its clients reach it through that family, and sending
/// them further away for the sake of an AAAA record would move those whom nothing happened to.
pub(super) fn standing(services: &Services, region: RegionId, family: Family) -> Service {
    services.get(region, family_of(services, region, family))
}

/// Returns what a region takes of the clients of a family.
pub(super) fn stage(services: &Services, region: RegionId, family: Family) -> Stage {
    services.stage(region, family_of(services, region, family))
}

/// Returns the family in which a region is judged for clients of `family`.
pub fn family_of(services: &Services, region: RegionId, family: Family) -> Family {
    match (services.get(region, family), family) {
        (Service::Absent, Family::V4) => Family::V6,
        (Service::Absent, Family::V6) => Family::V4,
        (Service::In(_) | Service::Out { .. }, _) => family,
    }
}

/// Decides what is answered when no region of the plan is in service.
fn without_health(plan: &Plan, all_down: AllDown, services: &Services, family: Family) -> Found {
    if plan.order.is_empty() {
        return Found::Refused(plan.refusal);
    }
    match all_down {
        AllDown::Servfail => Found::Refused(Refusal::Servfail),
        AllDown::Nodata => Found::Refused(Refusal::Nodata),
        AllDown::FailOpen => Found::FailOpen(last_known_best(plan, services, family)),
    }
}

/// Returns the region to fail open with: the first that still has an address up, or else the first
/// of those that fell last.
fn last_known_best(plan: &Plan, services: &Services, family: Family) -> RegionId {
    let fell = |region: RegionId| match stage(services, region, family) {
        Stage::Out { since } => since,
        Stage::Full | Stage::Part(_) | Stage::Waiting => Moment::default(),
    };
    let has_some_up =
        |region: &&RegionId| standing(services, **region, family).count().is_some_and(|count| count.up > 0);
    let last = plan.order.iter().map(|region| fell(*region)).max().unwrap_or_default();
    let mut order = plan.order.iter();
    let best = order.clone().find(has_some_up);
    let best = best.or_else(|| order.find(|region| last.since(fell(**region)) <= TOGETHER));
    *best.expect("the plan is not empty, and the last to fall is within any time of itself")
}
