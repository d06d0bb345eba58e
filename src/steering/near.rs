//! Regions that are equally near (`spread`), and which of them each client has.
//!
//! A client's own region is drawn from all that are equally near and that it may be sent to, whatever their health: so
//! nobody moves when another region leaves. While its own does not take it, it is drawn for one of those that take all
//! clients, by hashes of their own: the clients of a region that leaves are divided as all clients are, and no others move.
//!
//! A region that is full sheds some of the clients whose own region it is, as the first region of a plan does: to where
//! its [`Split`](super::Split) says.

use super::bucketing::Bucketing;
use super::draw::draw;
use super::order;
use super::policy::Policy;
use super::share_test::ShareTest;
use crate::geo::Class;
use crate::region::RegionId;
use crate::share::Share;

/// The most regions that share clients as equally near: each doubles the groups of clients that answers are prepared for.
pub const MAX_NEAR: usize = 6;

/// The regions that are equally near for all clients of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NearDraw {
    members: Vec<NearRegion>,
    /// Whether they are down, and answered all the same.
    pub fails_open: bool,
    /// The region whose own clients are meant alone when fractions are told; `None`: all clients.
    only: Option<RegionId>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NearRegion {
    pub region: RegionId,
    pub weight: u64,
    /// The share of its clients that it takes.
    pub takes: Share,
    /// Whether it is down, and takes those of its own clients whom no other one can bear.
    pub yields: bool,
    /// The pieces of its clients, the last up to all of them, while it takes all and sheds some; else empty.
    pub pieces: Vec<(Share, RegionId)>,
}

impl NearDraw {
    /// Returns the draw of these regions. `None`: there is nothing to draw.
    pub(super) fn of(members: impl Iterator<Item = NearRegion>, fails_open: bool) -> Option<Self> {
        let members: Vec<_> = members.collect();
        let is_any_taking = members.iter().any(|member| member.takes > Share::NONE || member.yields);
        (members.len() > 1 && is_any_taking).then_some(Self { members, fails_open, only: None })
    }

    /// Tells fractions of the clients whose own region this is.
    pub(super) fn tell_only(&mut self, region: RegionId) {
        self.only = Some(region);
    }

    /// Returns whether a region sheds some of its own clients.
    pub(super) fn sheds(&self, region: RegionId) -> bool {
        self.members.iter().any(|member| member.region == region && !member.pieces.is_empty())
    }

    /// Returns the regions.
    pub fn regions(&self) -> impl Iterator<Item = RegionId> {
        self.members.iter().map(|member| member.region)
    }

    /// Returns the regions and those that they shed to.
    pub fn reached(&self) -> impl Iterator<Item = RegionId> {
        let shed = self.members.iter().flat_map(|member| &member.pieces).map(|(_, region)| *region);
        self.regions().chain(shed)
    }

    /// Returns the region that a client is drawn for, whatever is known of its health.
    ///
    /// # Errors
    ///
    /// The first test that `is_in_share` does not answer.
    pub(super) fn own(
        &self,
        bucketing: &Bucketing,
        is_in_share: &impl Fn(ShareTest) -> Option<bool>,
    ) -> Result<RegionId, ShareTest> {
        self.drawn(bucketing, is_in_share).map(|own| own.region)
    }

    fn drawn(
        &self,
        bucketing: &Bucketing,
        is_in_share: &impl Fn(ShareTest) -> Option<bool>,
    ) -> Result<&NearRegion, ShareTest> {
        let all: Vec<_> = self.members.iter().collect();
        draw(&all, |member| member.weight, |member| bucketing.keys(member.region).near, is_in_share)
    }

    /// Returns the region of a client; `None`: none of them takes it.
    ///
    /// # Errors
    ///
    /// The first test that `is_in_share` does not answer.
    pub(super) fn find(
        &self,
        bucketing: &Bucketing,
        is_in_share: &impl Fn(ShareTest) -> Option<bool>,
    ) -> Result<Option<RegionId>, ShareTest> {
        let own = self.drawn(bucketing, is_in_share)?;
        if own.takes == Share::ALL {
            return own.kept_or_shed(bucketing, is_in_share).map(Some);
        }
        let test = ShareTest { key: bucketing.keys(own.region).region, share: own.takes };
        if own.takes > Share::NONE && is_in_share(test).ok_or(test)? {
            return Ok(Some(own.region));
        }
        let others = self.instead_of(own);
        if others.is_empty() {
            return Ok(None);
        }
        let key = |member: &NearRegion| bucketing.keys(member.region).instead;
        Ok(Some(draw(&others, |member| member.weight, key, is_in_share)?.region))
    }

    /// Returns which fraction of the clients each region has, and which is left of those whose own region it is.
    pub(super) fn fractions(&self) -> [Vec<(RegionId, f64)>; 2] {
        let total =
            |members: &[&NearRegion]| members.iter().map(|member| member.weight).sum::<u64>().max(1) as f64;
        let all: Vec<_> = self.members.iter().collect();
        let mut fractions: Vec<_> = self.members.iter().map(|member| (member.region, 0.0)).collect();
        let mut add = |region: RegionId, fraction: f64| match fractions
            .iter_mut()
            .find(|(known, _)| *known == region)
        {
            Some((_, sum)) => *sum += fraction,
            None => fractions.push((region, fraction)),
        };
        let mut left = Vec::new();
        for own in self.members.iter().filter(|own| self.only.is_none_or(|only| only == own.region)) {
            let due = if self.only.is_some() { 1.0 } else { own.weight as f64 / total(&all) };
            let mut start = 0.0;
            for (until, region) in &own.pieces {
                add(*region, due * (until.fraction() - start));
                start = until.fraction();
            }
            if own.pieces.is_empty() {
                add(own.region, due * own.takes.fraction());
            }
            let rest = due * own.takes.rest().fraction();
            let others = self.instead_of(own);
            for other in &others {
                add(other.region, rest * other.weight as f64 / total(&others));
            }
            left.extend(others.is_empty().then_some((own.region, rest)));
        }
        [fractions, left]
    }

    /// Returns the regions that take the clients whom one does not.
    fn instead_of(&self, own: &NearRegion) -> Vec<&NearRegion> {
        let others = self.members.iter().filter(|other| other.region != own.region);
        others.filter(|other| other.takes == Share::ALL && !other.yields).collect()
    }
}

impl NearRegion {
    /// Returns where a client is sent whose own region this is, which takes all of them.
    fn kept_or_shed(
        &self,
        bucketing: &Bucketing,
        is_in_share: &impl Fn(ShareTest) -> Option<bool>,
    ) -> Result<RegionId, ShareTest> {
        let key = bucketing.keys(self.region).load;
        for (until, region) in &self.pieces {
            let test = ShareTest { key, share: *until };
            if *until == Share::ALL || is_in_share(test).ok_or(test)? {
                return Ok(*region);
            }
        }
        Ok(self.region)
    }
}

/// Returns an order in which the regions that are equally near come first, as they are listed, and which those are.
pub(super) fn group(
    policy: &Policy,
    class: &Class,
    order: Vec<RegionId>,
) -> (Vec<RegionId>, Vec<(RegionId, u64)>) {
    let is_by_distance = order::is_by_distance(&policy.order, class);
    let Some((spread, first)) = policy.spread.as_ref().filter(|_| is_by_distance).zip(order.first()) else {
        return (order, Vec::new());
    };
    let Some(farthest) = class.reach(spread.km, *first) else { return (order, Vec::new()) };
    let near =
        order.iter().take_while(|region| class.ranks[usize::from(region.0)] <= farthest).take(MAX_NEAR);
    let near: Vec<_> = near.copied().collect();
    if near.len() < 2 {
        return (order, Vec::new());
    }
    let listed = policy.regions.iter().copied().filter(|region| near.contains(region));
    let listed: Vec<_> = listed.collect();
    let weighed = spread.weighed(&listed);
    (listed.into_iter().chain(order.into_iter().skip(near.len())).collect(), weighed)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::super::{AllDown, Destination, PartSplits, Piece, Plan, Refusal, Route, Split};
    use super::*;
    use crate::health::{SiteShare, View};
    use crate::moment::Moment;
    use crate::region::tests::region;
    use crate::region::{Family, Regions};

    const CLIENTS: u32 = 20_000;
    const NAMES: [&str; 4] = ["tokyo", "osaka", "seoul", "oregon"];
    const OUT: SiteShare = SiteShare::Out { since: Moment(1) };

    /// Returns the region of each of many clients to whom the first regions, with these weights, are equally near.
    fn drawn(weights: &[u64], shares: [SiteShare; 4], shed: &[(RegionId, &Split)]) -> (Vec<u8>, Route) {
        let ips = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
        let regions = NAMES.iter().zip(ips).map(|(name, ip)| region(name, "JP", &[&[ip]]));
        let regions = Regions::new(regions.collect());
        let view = View::all_up(&regions).with(Vec::new(), &shares.map(|share| [share; 2]));
        let near = (0u8..).map(RegionId).zip(weights.iter().copied()).collect();
        let order = (0u8..4).map(RegionId).collect();
        let plan =
            Plan { order, near, removed: Vec::new(), withheld: [false; 2], refusal: Refusal::Servfail };
        let splits = PartSplits { near: shed.to_vec(), ..PartSplits::default() };
        let route = Route::find(&plan, AllDown::FailOpen, &view, &splits, Family::V4);
        let bucketing = Bucketing::of(&regions, &view);
        let region = |client: u32| {
            let client = IpAddr::from(Ipv4Addr::from(0x0a00_0000 | client << 8));
            let found = route.follow(&bucketing, Family::V4, &|test| Some(test.includes(client)));
            let found = found.expect("every test is answered").destination;
            let is_up = shares.iter().any(|share| *share != OUT);
            assert_eq!(matches!(found, Destination::Healthy(_)), is_up);
            found.region().expect("a region").0
        };
        ((0..CLIENTS).map(region).collect(), route)
    }

    /// Checks that the regions have these fractions of the clients, as the route says and but for a hundredth.
    fn check(weights: &[u64], shares: [SiteShare; 4], expected: [f64; 4]) -> Vec<u8> {
        check_shed(weights, shares, &[], expected)
    }

    /// Checks the same while regions shed some of their own clients.
    fn check_shed(
        weights: &[u64],
        shares: [SiteShare; 4],
        shed: &[(RegionId, &Split)],
        expected: [f64; 4],
    ) -> Vec<u8> {
        let (found, route) = drawn(weights, shares, shed);
        for (region, expected) in (0u8..).zip(expected) {
            let has = found.iter().filter(|one| **one == region).count() as f64 / found.len() as f64;
            assert!((has - expected).abs() < 0.01, "region {region} has {has}, not {expected}");
            let told = route.fractions().into_iter().filter(|(id, _)| id.0 == region);
            let told: f64 = told.map(|(_, fraction)| fraction).sum();
            assert!(
                (told - expected).abs() < 0.001,
                "region {region} is told to have {told}, not {expected}"
            );
        }
        found
    }

    const FULL: SiteShare = SiteShare::Full;

    #[test]
    fn equally_near_regions_have_clients_by_weight_and_others_none() {
        check(&[1, 1, 1], [FULL; 4], [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0]);
        check(&[600, 300, 100], [FULL; 4], [0.6, 0.3, 0.1, 0.0]);
    }

    #[test]
    fn the_clients_of_a_region_that_leaves_are_divided_by_weight_and_no_others_move() {
        let before = check(&[2, 1, 1], [FULL; 4], [0.5, 0.25, 0.25, 0.0]);
        let after = check(&[2, 1, 1], [OUT, FULL, FULL, FULL], [0.0, 0.5, 0.5, 0.0]);
        assert!(before.iter().zip(&after).all(|(before, after)| *before == 0 || before == after));
        let after = check(&[2, 1, 1], [FULL, FULL, OUT, FULL], [2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
        assert!(before.iter().zip(&after).all(|(before, after)| *before == 2 || before == after));
    }

    #[test]
    fn a_region_that_ramps_gets_its_own_clients_back_first_and_no_others() {
        let before = check(&[1, 1], [OUT, FULL, FULL, FULL], [0.0, 1.0, 0.0, 0.0]);
        let part = SiteShare::Part(Share::HALF);
        let ramp = check(&[1, 1], [part, FULL, FULL, FULL], [0.25, 0.75, 0.0, 0.0]);
        let after = check(&[1, 1], [FULL, FULL, FULL, FULL], [0.5, 0.5, 0.0, 0.0]);
        let moves = before.iter().zip(&ramp).zip(&after);
        assert!(moves.into_iter().all(|((before, ramp), after)| before == ramp || ramp == after));
    }

    #[test]
    fn a_full_region_sheds_its_own_clients_only_the_same_ones_first_and_never_across_the_border() {
        let shed = |until: f64, to: u8| {
            let pieces = [Piece { until, region: RegionId(0) }, Piece { until: 1.0, region: RegionId(to) }];
            Split::of(pieces.to_vec()).expect("a split")
        };
        let before = check(&[1, 1], [FULL; 4], [0.5, 0.5, 0.0, 0.0]);
        let (tenth, half) = (shed(0.9, 1), shed(0.5, 1));
        let less = check_shed(&[1, 1], [FULL; 4], &[(RegionId(0), &tenth)], [0.45, 0.55, 0.0, 0.0]);
        let more = check_shed(&[1, 1], [FULL; 4], &[(RegionId(0), &half)], [0.25, 0.75, 0.0, 0.0]);
        let moved = |after: &[u8], index: usize| before[index] != after[index];
        assert!((0..before.len()).all(|index| before[index] == 0 || !moved(&more, index)), "others moved");
        assert!((0..before.len()).all(|index| !moved(&less, index) || moved(&more, index)), "one came back");
        // Farther regions take some, too, and a region that is out none.
        check_shed(&[1, 1], [FULL; 4], &[(RegionId(0), &shed(0.5, 3))], [0.25, 0.5, 0.0, 0.25]);
        let out = [FULL, FULL, FULL, OUT];
        check_shed(&[1, 1], out, &[(RegionId(0), &shed(0.5, 3))], [0.5, 0.5, 0.0, 0.0]);
        // A region that is out sheds nothing: its clients are divided between those that take all.
        let lost = [OUT, FULL, FULL, FULL];
        check_shed(&[1, 1], lost, &[(RegionId(0), &shed(0.5, 3))], [0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn what_a_state_file_says_of_a_region_that_is_not_permitted_is_shed_nowhere() {
        let ips = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
        let regions = NAMES.iter().zip(ips).map(|(name, ip)| region(name, "JP", &[&[ip]]));
        let view = View::all_up(&Regions::new(regions.collect()));
        let permitted = vec![RegionId(0), RegionId(1)];
        let near = permitted.iter().map(|region| (*region, 1)).collect();
        let plan = Plan {
            order: permitted,
            near,
            removed: Vec::new(),
            withheld: [false; 2],
            refusal: Refusal::Servfail,
        };
        let pieces = [Piece { until: 0.5, region: RegionId(0) }, Piece { until: 1.0, region: RegionId(3) }];
        let split = Split::of(pieces.to_vec()).expect("a split");
        let splits = PartSplits { near: vec![(RegionId(0), &split)], ..PartSplits::default() };
        let route = Route::find(&plan, AllDown::FailOpen, &view, &splits, Family::V4);
        let near = route.near.as_ref().expect("both take clients");
        assert!(near.reached().all(|region| region.0 < 2));
        assert_eq!(route.fractions(), [(RegionId(0), 0.5), (RegionId(1), 0.5)]);
    }

    #[test]
    fn without_a_region_that_takes_all_the_next_one_in_order_does_and_open_ones_share_alike() {
        check(&[1, 1], [OUT, OUT, FULL, FULL], [0.0, 0.0, 1.0, 0.0]);
        check(&[1, 1], [OUT, SiteShare::Part(Share::HALF), FULL, FULL], [0.0, 0.5, 0.5, 0.0]);
        check(&[1, 1], [OUT; 4], [0.5, 0.5, 0.0, 0.0]);
    }
}
