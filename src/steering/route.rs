//! The route of all clients of one plan in one family: which of them go where.
//!
//! A region that takes all clients ends the route; one that takes a share is a stop on it, where the clients
//! of that share get off; one that waits or is out is passed. Shares and waits only narrow a region in favour of a better
//! one: when none takes all, the first that takes a share or waits has all clients. A region that stays in service only
//! by a rule takes its clients as long as any region is well; and when none is, `all_down` decides. Failing open
//! leads each client to the nearest region, stays inside the plan, and so inside the border.
//!
//! A region without addresses of a family is passed over for that family, as long as another one of the plan has some:
//! NODATA for some clients may become NODATA for all clients of their resolver (RFC 7871, section 7.4).
//!
//! A route is found once for all clients of a plan, and not client by client, because compiling a snapshot
//! asks for the groups of clients that differ, and proofs and forecasts for the fractions.

use super::addresses::AddressFilter;
use super::bucketing::Bucketing;
use super::near::{NearDraw, NearRegion};
use super::policy::{AllDown, MAX_ANSWERED_REGIONS, Policy, Refusal};
use super::share_test::ShareTest;
use super::{PartSplits, Plan, Split};
use crate::health::{SiteShare, Status, View};
use crate::region::{Family, RegionId, RegionSet, ZoneId};
use crate::share::Share;

/// The most stops of one route: each doubles the groups of clients that answers are prepared for. Regions
/// beyond it wait until those before them have all their clients back.
const MAX_STOPS: usize = 6;

/// The route of all clients of one plan in one family.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The regions that are equally near. Clients whom none of them takes go on to the stops; `None`: all clients do.
    pub near: Option<NearDraw>,
    /// The regions that take a share of the clients who reach them, in the order of the plan.
    pub stops: Vec<(RegionId, Share)>,
    /// The destination of the clients in none of these shares.
    pub rest: Rest,
    /// The regions whose addresses may follow those of the destination in an answer, in order ([`Route::followed`]).
    pub others: Vec<RegionId>,
    /// How many regions an answer holds addresses of.
    pub max_regions: u8,
    /// Whether HTTPS answers name the region that comes next.
    pub names_next: bool,
    /// Whether a client gets the addresses of one availability zone of its region only.
    pub one_zone: bool,
}

/// The destination of clients who are in the share of no stop.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rest {
    /// The same for all.
    Whole(Destination),
    /// Divided by the key of a region: consecutive pieces, the last up to all clients.
    Divided {
        by: Division,
        /// The region whose key it is; when load divides them, the one whose clients they are.
        home: RegionId,
        /// The end of each piece, and where its clients go.
        pieces: Vec<(Share, RegionId)>,
    },
}

/// The cause for which clients of one plan go to several regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Division {
    /// Their region is full, and sheds some of them.
    Load,
    /// Weights that an operator set.
    Weights,
}

/// Where clients of a family are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// The healthy addresses of this region; NODATA when it, and with it every region of the plan, has none of the
    /// family.
    Healthy(RegionId),
    /// The addresses of this region although it is down.
    FailOpen(RegionId),
    /// None: all regions are down.
    Refused(Refusal),
    /// None: the residency rules permit no region, or none to all clients of the prefix in this family.
    Forbidden(Refusal),
}

impl Destination {
    /// Returns the region whose addresses are answered.
    pub fn region(self) -> Option<RegionId> {
        match self {
            Self::Healthy(region) | Self::FailOpen(region) => Some(region),
            Self::Refused(_) | Self::Forbidden(_) => None,
        }
    }
}

/// What is answered to some of the clients of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Where they are sent.
    pub destination: Destination,
    /// The addresses of its region that they get.
    pub filter: AddressFilter,
    /// The regions whose addresses follow, in order.
    pub others: [Option<RegionId>; MAX_ANSWERED_REGIONS - 1],
    /// The region that HTTPS answers name as the next one; `None`: they name none.
    pub next: Option<RegionId>,
}

impl Selection {
    /// Returns the selection of all addresses of one site, or of none.
    pub fn only(destination: Destination, zone: Option<ZoneId>) -> Self {
        let filter = AddressFilter { floor: Share::NONE, zone };
        Self { destination, filter, others: [None; MAX_ANSWERED_REGIONS - 1], next: None }
    }

    /// Returns the regions whose addresses follow those of the destination, in order.
    pub fn others(&self) -> impl Iterator<Item = RegionId> {
        self.others.iter().copied().flatten()
    }
}

/// What a choice depends on besides the plan and the client.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    /// The status of every region.
    pub view: &'a View,
    /// Which clients belong to a share.
    pub bucketing: &'a Bucketing,
    /// What the regions of these clients shed.
    pub splits: &'a PartSplits<'a>,
    /// The regions that shed some of their clients.
    pub shedding: RegionSet,
    /// The weights of the name, if it has any.
    pub weights: Option<&'a [(RegionId, u32)]>,
}

impl Route {
    /// Returns the way of clients in a family under these conditions: what [`find`](Self::find) finds, divided by
    /// weights, and followed by the regions that the policy lets into one answer.
    pub fn of(plan: &Plan, policy: &Policy, conditions: &Conditions<'_>, family: Family) -> Self {
        let Conditions { view, splits, weights, shedding, .. } = *conditions;
        let route = Self::find(plan, policy.all_down, view, splits, family);
        let route = match weights {
            Some(weights) => route.weighted(plan, weights, view, family),
            None => route,
        };
        let route = route.followed(plan, policy, view, shedding, family);
        Self { one_zone: policy.one_zone, ..route }
    }

    /// A way whose answers hold one region.
    fn new(stops: Vec<(RegionId, Share)>, rest: Rest) -> Self {
        Self {
            near: None,
            stops,
            rest,
            others: Vec::new(),
            max_regions: 1,
            names_next: false,
            one_zone: false,
        }
    }

    /// Finds the route of the clients of `plan`; `splits` are what their regions shed.
    pub fn find(
        plan: &Plan,
        all_down: AllDown,
        view: &View,
        splits: &PartSplits<'_>,
        family: Family,
    ) -> Self {
        if plan.withheld[family as usize] {
            return Self::new(Vec::new(), Rest::Whole(Destination::Forbidden(plan.refusal)));
        }
        let drawn = near(plan, view, splits, family, false);
        let route = Self::past_near(plan, all_down, view, splits.whole, family);
        let near = match route.rest {
            Rest::Whole(Destination::FailOpen(_)) => near(plan, view, splits, family, true),
            Rest::Whole(Destination::Refused(_) | Destination::Forbidden(_)) => None,
            Rest::Whole(Destination::Healthy(_)) | Rest::Divided { .. } => drawn,
        };
        Self { near, ..route }
    }

    /// Finds the route of clients for whom no region is drawn.
    fn past_near(plan: &Plan, all_down: AllDown, view: &View, split: Option<&Split>, family: Family) -> Self {
        let share = |region: RegionId| status(view, region, family).share;
        let candidates = || candidates(plan, view, family);
        if !candidates().any(|region| share(region).is_well()) {
            let found = without_health(plan, all_down, view, family);
            return Self::new(Vec::new(), Rest::Whole(found));
        }
        let mut stops = Vec::new();
        for region in candidates() {
            let is_split = split.is_some_and(|split| split.home() == region);
            match share(region) {
                SiteShare::Full | SiteShare::Kept(Share::ALL) => {
                    return Self::new(stops, rest(region, plan, split, view, family));
                }
                SiteShare::Yielding { .. } if is_split => {
                    return Self::new(stops, rest(region, plan, split, view, family));
                }
                SiteShare::Part(share) | SiteShare::Kept(share) if stops.len() < MAX_STOPS => {
                    stops.push((region, share));
                }
                SiteShare::Part(_)
                | SiteShare::Kept(_)
                | SiteShare::Yielding { .. }
                | SiteShare::Waiting
                | SiteShare::Out { .. }
                | SiteShare::Disabled => {}
            }
        }
        let first =
            candidates().find(|region| share(*region).is_well()).expect("a region of the plan is well");
        Self::new(Vec::new(), Rest::Whole(Destination::Healthy(first)))
    }

    /// Divides the clients who go to one of these regions between all of them that take all clients and are
    /// in the plan.
    pub fn weighted(self, plan: &Plan, weights: &[(RegionId, u32)], view: &View, family: Family) -> Self {
        let Some(found) = self.rest_region().filter(|region| weights.iter().any(|(one, _)| one == region))
        else {
            return self;
        };
        let takes_all = |region: RegionId| {
            is_candidate(plan, view, region, family) && status(view, region, family).share == SiteShare::Full
        };
        let members: Vec<_> = weights.iter().filter(|(region, _)| takes_all(*region)).collect();
        let total: u32 = members.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            return Self { near: None, rest: Rest::Whole(Destination::Healthy(found)), ..self };
        }
        let mut until = 0;
        let pieces = members.iter().filter(|(_, weight)| *weight > 0).map(|(region, weight)| {
            until += weight;
            (Share::of_fraction(f64::from(until) / f64::from(total)), *region)
        });
        let pieces: Vec<_> = pieces.collect();
        let rest = match pieces[..] {
            [(_, only)] => Rest::Whole(Destination::Healthy(only)),
            _ => {
                // One key whatever the weights are: a client that a growing weight has moved stays moved.
                let (home, _) = weights.last().expect("there is one at least");
                Rest::Divided { by: Division::Weights, home: *home, pieces }
            }
        };
        Self { near: None, rest, ..self }
    }

    /// Lets the addresses of the next regions follow in the answers, so that they hold those of `max_regions`: only of
    /// regions that the plan permits, that take all clients, and that do not shed some of theirs. Clients without a well
    /// region get none of others. HTTPS answers name the first of these regions, if the policy says so.
    pub fn followed(
        self,
        plan: &Plan,
        policy: &Policy,
        view: &View,
        shedding: RegionSet,
        family: Family,
    ) -> Self {
        let Policy { max_regions, names_next, .. } = *policy;
        let most = if names_next { max_regions.max(2) } else { max_regions };
        if most < 2 {
            return self;
        }
        let has_room = |region: &RegionId| {
            view.status(*region, family).exists()
                && status(view, *region, family).share == SiteShare::Full
                && !shedding.contains(*region)
        };
        // One of them may be the destination.
        let others = plan.order.iter().copied().filter(has_room).take(most.into());
        Self { others: others.collect(), max_regions, names_next, ..self }
    }

    /// Returns the regions that follow a destination in its answers.
    fn others(&self, destination: Destination) -> [Option<RegionId>; MAX_ANSWERED_REGIONS - 1] {
        let mut others = [None; MAX_ANSWERED_REGIONS - 1];
        if let Destination::Healthy(first) = destination {
            let following = self.others.iter().filter(|region| **region != first);
            let most = usize::from(self.max_regions).saturating_sub(1);
            others.iter_mut().zip(following.take(most)).for_each(|(place, region)| *place = Some(*region));
        }
        others
    }

    /// Returns the region that HTTPS answers name after a destination.
    fn next(&self, destination: Destination) -> Option<RegionId> {
        match destination {
            Destination::Healthy(first) if self.names_next => {
                self.others.iter().copied().find(|region| *region != first)
            }
            Destination::Healthy(_)
            | Destination::FailOpen(_)
            | Destination::Refused(_)
            | Destination::Forbidden(_) => None,
        }
    }

    /// Returns the healthy region of the clients in no share, if load divides them or nothing does.
    fn rest_region(&self) -> Option<RegionId> {
        match &self.rest {
            Rest::Whole(Destination::Healthy(region))
            | Rest::Divided { by: Division::Load, home: region, .. } => Some(*region),
            Rest::Whole(Destination::FailOpen(_) | Destination::Refused(_) | Destination::Forbidden(_))
            | Rest::Divided { by: Division::Weights, .. } => None,
        }
    }

    /// Follows the route for one client, or for all for whom `is_in_share` answers alike.
    ///
    /// # Errors
    ///
    /// The first test that `is_in_share` does not answer and on which the selection depends.
    pub fn follow(
        &self,
        bucketing: &Bucketing,
        family: Family,
        is_in_share: &impl Fn(ShareTest) -> Option<bool>,
    ) -> Result<Selection, ShareTest> {
        let destination = self.destination(bucketing, is_in_share)?;
        let floor = match destination {
            Destination::Healthy(region) => bucketing.floor(region, family, is_in_share)?,
            Destination::FailOpen(_) | Destination::Refused(_) | Destination::Forbidden(_) => Share::NONE,
        };
        let zone = match destination.region().filter(|_| self.one_zone) {
            Some(region) => bucketing.zone(region, family, floor, is_in_share)?,
            None => None,
        };
        let filter = AddressFilter { floor, zone };
        Ok(Selection { destination, filter, others: self.others(destination), next: self.next(destination) })
    }

    fn destination(
        &self,
        bucketing: &Bucketing,
        is_in_share: &impl Fn(ShareTest) -> Option<bool>,
    ) -> Result<Destination, ShareTest> {
        let takes = |test: ShareTest| is_in_share(test).ok_or(test);
        if let Some(near) = &self.near
            && let Some(region) = near.find(bucketing, is_in_share)?
        {
            return Ok(match near.fails_open {
                true => Destination::FailOpen(region),
                false => Destination::Healthy(region),
            });
        }
        for (region, share) in &self.stops {
            if takes(ShareTest { key: bucketing.keys(*region).region, share: *share })? {
                return Ok(Destination::Healthy(*region));
            }
        }
        let (home, pieces) = match &self.rest {
            Rest::Whole(found) => return Ok(*found),
            Rest::Divided { home, pieces, .. } => (home, pieces),
        };
        for (until, region) in pieces {
            if *until == Share::ALL || takes(ShareTest { key: bucketing.keys(*home).load, share: *until })? {
                return Ok(Destination::Healthy(*region));
            }
        }
        Ok(Destination::Healthy(*home))
    }

    /// The route of no clients at all.
    pub fn of_nobody() -> Self {
        Self::new(Vec::new(), Rest::Whole(Destination::Refused(Refusal::Servfail)))
    }

    /// Tells fractions of the clients alone for whom one region is drawn, if any is.
    pub fn of_own(mut self, own: Option<RegionId>) -> Self {
        if let (Some(near), Some(own)) = (&mut self.near, own) {
            near.tell_only(own);
        }
        self
    }

    /// Returns which fraction of the clients each region gets.
    pub fn fractions(&self) -> Vec<(RegionId, f64)> {
        let (mut fractions, left) = self.parted();
        match &self.rest {
            _ if left == 0.0 => {}
            Rest::Whole(found) => fractions.extend(found.region().map(|region| (region, left))),
            Rest::Divided { pieces, .. } => {
                let mut start = 0.0;
                for (until, region) in pieces {
                    fractions.push((*region, left * (until.fraction() - start)));
                    start = until.fraction();
                }
            }
        }
        fractions
    }

    /// Returns which fraction of the clients each region gets by draws and shares, and which fraction the others are.
    pub fn parted(&self) -> (Vec<(RegionId, f64)>, f64) {
        let Some(near) = &self.near else { return self.past_stops(1.0, None) };
        let [mut fractions, left] = near.fractions();
        let mut rest = 0.0;
        for (own, left) in left.into_iter().filter(|(_, left)| *left > 0.0) {
            let (stops, left) = self.past_stops(left, Some(own));
            fractions.extend(stops);
            rest += left;
        }
        (fractions, rest)
    }

    /// Returns where clients get off who are so many, and outside the share of one region, and how many are left.
    fn past_stops(&self, mut left: f64, outside: Option<RegionId>) -> (Vec<(RegionId, f64)>, f64) {
        let mut fractions = Vec::new();
        for (region, share) in self.stops.iter().filter(|(region, _)| Some(*region) != outside) {
            fractions.push((*region, left * share.fraction()));
            left *= 1.0 - share.fraction();
        }
        (fractions, left)
    }
}

/// Returns the draw of the regions of a plan that are equally near and have the family; `None`: there is none, or none of
/// them takes clients.
fn near(
    plan: &Plan,
    view: &View,
    splits: &PartSplits<'_>,
    family: Family,
    fails_open: bool,
) -> Option<NearDraw> {
    let members = plan.near.iter().filter(|(region, _)| is_candidate(plan, view, *region, family));
    let members = members.map(|(region, weight)| {
        let share = status(view, *region, family).share;
        let own = splits.of_own(*region).filter(|split| split.home() == *region && !fails_open);
        let takes = match share {
            SiteShare::Disabled => Share::NONE,
            _ if fails_open => Share::ALL,
            SiteShare::Full => Share::ALL,
            SiteShare::Part(share) | SiteShare::Kept(share) => share,
            SiteShare::Yielding { .. } if own.is_some() => Share::ALL,
            SiteShare::Yielding { .. } | SiteShare::Waiting | SiteShare::Out { .. } => Share::NONE,
        };
        let yields = !fails_open && matches!(share, SiteShare::Yielding { .. });
        let pieces = pieces(*region, plan, own.filter(|_| takes == Share::ALL), view, family);
        NearRegion { region: *region, weight: *weight, takes, yields, pieces: pieces.unwrap_or_default() }
    });
    NearDraw::of(members, fails_open)
}

/// Returns the destination of clients whose region takes all of them, and sheds what `split` says.
fn rest(home: RegionId, plan: &Plan, split: Option<&Split>, view: &View, family: Family) -> Rest {
    match pieces(home, plan, split, view, family) {
        Some(pieces) => Rest::Divided { by: Division::Load, home, pieces },
        None => Rest::Whole(Destination::Healthy(home)),
    }
}

/// Returns where the clients of a region go that takes all of them; `None`: they all stay. No client is tested for a
/// share in a family in which all stay: it would only narrow the scopes of its answers.
fn pieces(
    home: RegionId,
    plan: &Plan,
    split: Option<&Split>,
    view: &View,
    family: Family,
) -> Option<Vec<(Share, RegionId)>> {
    let split = split.filter(|split| split.home() == home && split.pieces().len() > 1)?;
    // Splits are made without this family: clients stay at home whom one would send to a region that is not well in
    // the family. And wherever a split comes from, it stays inside the border.
    let receiver = |region: RegionId| match status(view, region, family).share.is_well() {
        true if is_candidate(plan, view, region, family) => region,
        true | false => home,
    };
    let mut pieces: Vec<(Share, RegionId)> = Vec::with_capacity(split.pieces().len());
    for piece in split.pieces() {
        let (until, region) = (Share::of_fraction(piece.until), receiver(piece.region));
        match pieces.last_mut() {
            Some((end, last)) if *last == region => *end = until,
            Some(_) | None => pieces.push((until, region)),
        }
    }
    (pieces.len() > 1).then_some(pieces)
}

/// Returns the regions of a plan that can answer a family: those with addresses of it, or all when none has any.
fn candidates(plan: &Plan, view: &View, family: Family) -> impl Iterator<Item = RegionId> {
    let any = plan.order.iter().any(|region| view.status(*region, family).exists());
    plan.order.iter().copied().filter(move |region| !any || view.status(*region, family).exists())
}

/// Returns whether a region of a plan can answer a family.
pub(super) fn is_candidate(plan: &Plan, view: &View, region: RegionId, family: Family) -> bool {
    candidates(plan, view, family).any(|candidate| candidate == region)
}

/// Returns the status of a region for clients of a family. Where a plan has no addresses of the family at all,
/// its regions are judged by the other one: their clients reach them through that family.
pub fn status(view: &View, region: RegionId, family: Family) -> &Status {
    view.status(region, family_of(view, region, family))
}

/// Returns the family in which a region is judged for clients of `family`.
pub fn family_of(view: &View, region: RegionId, family: Family) -> Family {
    match (view.status(region, family).exists(), family) {
        (true, _) => family,
        (false, Family::V4) => Family::V6,
        (false, Family::V6) => Family::V4,
    }
}

/// Decides what is answered when no region of the plan is in service.
fn without_health(plan: &Plan, all_down: AllDown, view: &View, family: Family) -> Destination {
    if plan.order.is_empty() {
        return Destination::Forbidden(plan.refusal);
    }
    match all_down {
        AllDown::Servfail => Destination::Refused(Refusal::Servfail),
        AllDown::Nodata => Destination::Refused(Refusal::Nodata),
        AllDown::FailOpen => match nearest_enabled(plan, view, family) {
            Some(region) => Destination::FailOpen(region),
            // No region is brought back that an operator has disabled; another server may know better.
            None => Destination::Refused(Refusal::Servfail),
        },
    }
}

/// Returns the region to fail open with: the nearest one that no operator has disabled. `None`: all of them are.
///
/// Not the one that fell last: when all are bad nobody knows better, and everybody's nearest region shares the load that
/// the last one would have alone.
fn nearest_enabled(plan: &Plan, view: &View, family: Family) -> Option<RegionId> {
    let is_enabled = |region: &RegionId| status(view, *region, family).share != SiteShare::Disabled;
    candidates(plan, view, family).find(is_enabled)
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::policy;
    use super::super::{Piece, Plan};
    use super::*;
    use crate::moment::Moment;
    use crate::region::Regions;
    use crate::region::tests::region;

    const A: RegionId = RegionId(0);
    const B: RegionId = RegionId(1);
    const C: RegionId = RegionId(2);

    /// Finds the route past three regions in this order, at these stages.
    fn find(order: &[RegionId], stages: [SiteShare; 3], split: Option<&Split>) -> Route {
        let names = ["a", "b", "c"].iter().zip(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
        let regions = Regions::new(names.map(|(name, ip)| region(name, "JP", &[&[ip]])).collect());
        let view = View::all_up(&regions).with(Vec::new(), &stages.map(|share| [share; 2]));
        let plan = Plan {
            order: order.to_vec(),
            near: Vec::new(),
            removed: Vec::new(),
            withheld: [false; 2],
            refusal: Refusal::Refuse,
        };
        Route::find(&plan, AllDown::FailOpen, &view, &PartSplits::whole(split), Family::V4)
    }

    fn split(until: f64, to: RegionId) -> Split {
        let pieces = vec![Piece { until, region: A }, Piece { until: 1.0, region: to }];
        Split::of(pieces).expect("it is one")
    }

    #[test]
    fn clients_outside_the_share_of_a_stop_go_on() {
        let route =
            find(&[A, B, C], [SiteShare::Part(Share::HALF), SiteShare::Waiting, SiteShare::Full], None);
        assert_eq!(route.stops, [(A, Share::HALF)]);
        assert_eq!(route.rest, Rest::Whole(Destination::Healthy(C)));
        assert_eq!(route.fractions(), [(A, 0.5), (C, 0.5)]);
    }

    const OUT: SiteShare = SiteShare::Out { since: Moment(1) };

    #[test]
    fn without_a_region_for_all_clients_nobody_is_scattered_and_the_first_that_is_well_has_them() {
        let ramping = find(&[A, B, C], [OUT, SiteShare::Part(Share::HALF), SiteShare::Waiting], None);
        assert_eq!(ramping.fractions(), [(B, 1.0)]);
        let waiting = find(&[A, B, C], [SiteShare::Waiting, SiteShare::Part(Share::HALF), OUT], None);
        assert_eq!(waiting.fractions(), [(A, 1.0)], "the nearest, not the one that is ahead by a second");
        assert_eq!(find(&[A, B, C], [OUT, SiteShare::Waiting, OUT], None).fractions(), [(B, 1.0)]);
    }

    #[test]
    fn when_all_are_out_or_kept_by_a_rule_everybody_fails_open_to_the_nearest() {
        let kept = SiteShare::Kept(Share::ALL);
        for stages in [[OUT; 3], [kept; 3], [OUT, kept, OUT]] {
            let open = Rest::Whole(Destination::FailOpen(A));
            assert_eq!(find(&[A, B, C], stages, None).rest, open, "{stages:?}");
        }
        let disabled = [SiteShare::Disabled, OUT, OUT];
        assert_eq!(find(&[A, B, C], disabled, None).rest, Rest::Whole(Destination::FailOpen(B)));
    }

    #[test]
    fn a_region_kept_by_a_rule_has_its_clients_while_another_one_is_well() {
        let kept = find(&[A, B, C], [SiteShare::Kept(Share::ALL), SiteShare::Full, OUT], None);
        assert_eq!(kept.fractions(), [(A, 1.0)]);
        let leaving = find(&[A, B, C], [SiteShare::Kept(Share::HALF), SiteShare::Full, OUT], None);
        assert_eq!(leaving.fractions(), [(A, 0.5), (B, 0.5)]);
    }

    #[test]
    fn a_region_that_yields_keeps_whom_its_split_leaves_it_and_is_out_without_one() {
        let stages = [SiteShare::Yielding { since: Moment(1) }, SiteShare::Full, OUT];
        let yielding = find(&[A, B, C], stages, Some(&split(0.3, B)));
        assert_eq!(yielding.fractions().iter().map(|(region, _)| *region).collect::<Vec<_>>(), [A, B]);
        assert_eq!(find(&[A, B, C], stages, None).fractions(), [(B, 1.0)]);
    }

    #[test]
    fn weights_divide_the_clients_of_their_regions_between_those_in_service_and_permitted() {
        let weighted = |order: &[RegionId], stages: [SiteShare; 3]| {
            let names = ["a", "b", "c"].iter().zip(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
            let regions = Regions::new(names.map(|(name, ip)| region(name, "JP", &[&[ip]])).collect());
            let view = View::all_up(&regions).with(Vec::new(), &stages.map(|share| [share; 2]));
            let plan = Plan {
                order: order.to_vec(),
                near: Vec::new(),
                removed: Vec::new(),
                withheld: [false; 2],
                refusal: Refusal::Refuse,
            };
            let route = Route::find(&plan, AllDown::FailOpen, &view, &PartSplits::default(), Family::V4);
            route.weighted(&plan, &[(B, 10), (A, 90)], &view, Family::V4).fractions()
        };
        let (all, out) = ([SiteShare::Full; 3], SiteShare::Out { since: Moment(1) });
        assert_eq!(weighted(&[A, B, C], all), [(B, 0.1), (A, 0.9)]);
        assert_eq!(weighted(&[B, A, C], all), [(B, 0.1), (A, 0.9)], "wherever they come from");
        assert_eq!(weighted(&[C, A, B], all), [(C, 1.0)], "clients of other regions are not divided");
        assert_eq!(weighted(&[A, C], all), [(A, 1.0)], "never across the border");
        assert_eq!(weighted(&[A, B, C], [SiteShare::Full, out, SiteShare::Full]), [(A, 1.0)]);
        assert_eq!(weighted(&[A, B, C], [out, SiteShare::Full, SiteShare::Full]), [(B, 1.0)]);
    }

    #[test]
    fn a_split_sheds_to_regions_that_take_all_clients_and_never_across_the_border() {
        let all = [SiteShare::Full; 3];
        let pieces = |route: Route| match route.rest {
            Rest::Divided { pieces, .. } => pieces.into_iter().map(|(_, region)| region).collect(),
            Rest::Whole(found) => vec![found.region().expect("a region")],
        };
        assert_eq!(pieces(find(&[A, B], all, Some(&split(0.7, B)))), [A, B]);
        assert_eq!(pieces(find(&[A, B], all, Some(&split(0.7, C)))), [A], "C is not permitted");
        let waiting = [SiteShare::Full, SiteShare::Waiting, SiteShare::Full];
        assert_eq!(pieces(find(&[A, B], waiting, Some(&split(0.7, B)))), [A, B], "it is the reserve");
        let out = [SiteShare::Full, OUT, SiteShare::Full];
        assert_eq!(pieces(find(&[A, B], out, Some(&split(0.7, B)))), [A]);
        assert_eq!(pieces(find(&[B, A], all, Some(&split(0.7, B)))), [B], "it is not about B's clients");
    }

    #[test]
    fn clients_who_cannot_be_shed_are_not_tested_for_it_for_that_would_narrow_their_scope() {
        let home = Rest::Whole(Destination::Healthy(A));
        let out = [SiteShare::Full, OUT, SiteShare::Full];
        assert_eq!(find(&[A, B], out, Some(&split(0.7, B))).rest, home);
        assert_eq!(find(&[A, B], [SiteShare::Full; 3], Some(&split(0.7, C))).rest, home);
        // Of two receivers one is left: its clients are one piece, and those of the other are at home.
        let [third, two_thirds] = [1.0 / 3.0, 2.0 / 3.0];
        let pieces = [(third, A), (two_thirds, B), (1.0, C)];
        let pieces = pieces.map(|(until, region)| Piece { until, region }).to_vec();
        let both = Split::of(pieces).expect("it is one");
        let by = Division::Load;
        let ends = vec![(Share::of_fraction(two_thirds), A), (Share::ALL, C)];
        let expected = Rest::Divided { by, home: A, pieces: ends };
        assert_eq!(find(&[A, B, C], out, Some(&both)).rest, expected);
    }

    #[test]
    fn the_addresses_of_permitted_regions_that_are_well_and_have_room_follow_those_of_the_first() {
        let names = ["a", "b", "c"].iter().zip(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
        let regions = Regions::new(names.map(|(name, ip)| region(name, "JP", &[&[ip]])).collect());
        let check = |order: &[RegionId],
                     stages: [SiteShare; 3],
                     shedding: &[RegionId],
                     most,
                     expected: &[RegionId]| {
            let view = View::all_up(&regions).with(Vec::new(), &stages.map(|share| [share; 2]));
            let plan = Plan {
                order: order.to_vec(),
                near: Vec::new(),
                removed: Vec::new(),
                withheld: [false; 2],
                refusal: Refusal::Refuse,
            };
            let shedding = shedding.iter().copied().collect();
            let route = Route::find(&plan, AllDown::FailOpen, &view, &PartSplits::default(), Family::V4);
            let policy = Policy { max_regions: most, ..policy(&[0, 1, 2]) };
            let route = route.followed(&plan, &policy, &view, shedding, Family::V4);
            let selection = route.follow(&Bucketing::of(&regions, &view), Family::V4, &|_| Some(false));
            let selection = selection.expect("every test is answered");
            assert_eq!(selection.others().collect::<Vec<_>>(), expected, "{order:?} {stages:?}");
        };
        let all = [SiteShare::Full; 3];
        check(&[A, B, C], all, &[], 1, &[]);
        check(&[A, B, C], all, &[], 2, &[B]);
        check(&[A, B, C], all, &[], 3, &[B, C]);
        check(&[A, C], all, &[], 4, &[C]);
        check(&[A, B, C], all, &[B], 2, &[C]);
        check(&[A, B, C], all, &[A], 2, &[B]);
        check(&[A, B, C], [SiteShare::Full, OUT, SiteShare::Full], &[], 2, &[C]);
        check(&[A, B, C], [SiteShare::Full, SiteShare::Part(Share::HALF), SiteShare::Waiting], &[], 3, &[]);
        check(&[A, B, C], [OUT, SiteShare::Full, SiteShare::Full], &[], 2, &[C]);
        check(&[A, B, C], [SiteShare::Part(Share::HALF), SiteShare::Full, SiteShare::Full], &[], 2, &[C]);
        check(&[A, B, C], [OUT; 3], &[], 3, &[]);
    }
}
