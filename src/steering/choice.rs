//! The step that health changes, for one client: its destination, and the fate of every other region.

use std::net::IpAddr;

use super::route::{Conditions, Division, Rest, Route, Selection, is_candidate, status};
use super::{Plan, Policy};
use crate::health::SiteShare;
use crate::region::{Family, RegionId};
use crate::share::Share;

/// What was chosen for one client and family, with the fate of every region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The selection that is answered.
    pub selection: Selection,
    /// The fate of each region of the plan, in its order.
    pub fates: Vec<(RegionId, Fate)>,
}

/// Why a region of the plan was chosen or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Chosen,
    /// Its addresses follow those of the chosen one.
    Following,
    /// HTTPS records name it as the next one.
    Next,
    /// It could have been chosen, but one before it was.
    Behind,
    /// It takes this share of its clients, and the client is not in it.
    OutsideShare(Share),
    /// It is full, and the client is one of those that it sheds.
    Shed,
    /// It is well, and takes no clients yet.
    Waiting,
    /// It is as near as the chosen one, and the client is drawn for that.
    AsNear,
    /// Its weight leaves the client to another region.
    Weighted,
    /// It has no address of the family, and other regions of the plan have.
    WithoutFamily,
    /// An operator has disabled it.
    Disabled,
    /// Too few of its addresses are up, or it was taken out for another reason.
    Unhealthy,
}

/// Chooses a region of `plan` for one client and family, with the fate of the others.
pub fn choose(
    plan: &Plan,
    policy: &Policy,
    conditions: &Conditions<'_>,
    family: Family,
    client: IpAddr,
) -> Choice {
    let view = conditions.view;
    let route = Route::of(plan, policy, conditions, family);
    let is_in_share = |test: super::ShareTest| Some(test.includes(client));
    let selection = route.follow(conditions.bucketing, family, &is_in_share).expect("every test is answered");
    let near = route.near.as_ref();
    let own = near.map(|near| near.own(conditions.bucketing, &is_in_share).expect("every test is answered"));
    let sheds_own = |region| own == Some(region) && near.is_some_and(|near| near.sheds(region));
    let mut is_behind = false;
    let fates = plan.order.iter().map(|region| {
        let fate = match status(view, *region, family).share {
            _ if selection.destination.region() == Some(*region) => Fate::Chosen,
            _ if selection.others().any(|other| other == *region) => Fate::Following,
            _ if selection.next == Some(*region) => Fate::Next,
            _ if !is_candidate(plan, view, *region, family) => Fate::WithoutFamily,
            SiteShare::Yielding { .. } if sheds(&route, *region) => Fate::Shed,
            SiteShare::Out { .. } | SiteShare::Yielding { .. } => Fate::Unhealthy,
            SiteShare::Waiting => Fate::Waiting,
            SiteShare::Disabled => Fate::Disabled,
            SiteShare::Part(share) | SiteShare::Kept(share) if !is_behind && share < Share::ALL => {
                Fate::OutsideShare(share)
            }
            SiteShare::Full | SiteShare::Kept(_) if sheds(&route, *region) && !is_behind => Fate::Shed,
            SiteShare::Full if sheds_own(*region) => Fate::Shed,
            SiteShare::Full if is_near(&route, *region) => Fate::AsNear,
            SiteShare::Full if is_weighted(&route, *region) => Fate::Weighted,
            SiteShare::Full | SiteShare::Part(_) | SiteShare::Kept(_) => Fate::Behind,
        };
        is_behind |= fate == Fate::Chosen;
        (*region, fate)
    });
    let fates = fates.collect();
    Choice { selection, fates }
}

/// Returns whether a region is too full for all clients of this route, which is theirs by distance.
fn sheds(route: &Route, region: RegionId) -> bool {
    match &route.rest {
        Rest::Divided { by: Division::Load, home, .. } => *home == region,
        Rest::Divided { by: Division::Weights, .. } | Rest::Whole(_) => false,
    }
}

/// Returns whether clients are drawn for a region or others that are as near.
fn is_near(route: &Route, region: RegionId) -> bool {
    route.near.as_ref().is_some_and(|near| near.regions().any(|member| member == region))
}

/// Returns whether the weights of a name decide how many clients of this route a region gets.
fn is_weighted(route: &Route, region: RegionId) -> bool {
    match &route.rest {
        Rest::Divided { by: Division::Weights, pieces, .. } => {
            pieces.iter().any(|(_, member)| *member == region)
        }
        Rest::Divided { by: Division::Load, .. } | Rest::Whole(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::policy;
    use super::super::{AllDown, Bucketing, Destination, PartSplits, Refusal};
    use super::*;
    use crate::health::{Standing, View};
    use crate::moment::Moment;
    use crate::region::tests::region;
    use crate::region::{RegionSet, Regions};

    /// Three regions in the order 0, 1, 2: the third has IPv4 only.
    fn regions() -> Regions {
        Regions::new(vec![
            region("a", "JP", &[&["192.0.2.1", "2001:db8::1"]]),
            region("b", "JP", &[&["192.0.2.2", "2001:db8::2"]]),
            region("c", "JP", &[&["192.0.2.3"]]),
        ])
    }

    /// Checks the choice for IPv4 and IPv6 when the addresses fell at the given seconds.
    fn check(order: &[u8], fell_at: [Option<u64>; 5], all_down: AllDown, expected: [Destination; 2]) {
        let regions = regions();
        let standing = |fell: Option<u64>| match fell {
            None => Standing::Up,
            Some(at) => Standing::Down { since: Moment(at * 1000) },
        };
        let view = View::counted(&regions, fell_at.into_iter().map(standing).collect());
        let order = order.iter().copied().map(RegionId).collect();
        let plan = Plan {
            order,
            near: Vec::new(),
            removed: Vec::new(),
            withheld: [false; 2],
            refusal: Refusal::Refuse,
        };
        let found = Family::BOTH.map(|family| found(&regions, &view, &plan, all_down, family));
        assert_eq!(found, expected);
    }

    fn found(regions: &Regions, view: &View, plan: &Plan, all_down: AllDown, family: Family) -> Destination {
        let bucketing = Bucketing::of(regions, view);
        let conditions = Conditions {
            view,
            bucketing: &bucketing,
            splits: &PartSplits::default(),
            weights: None,
            shedding: RegionSet::NONE,
        };
        let policy = Policy { all_down, ..policy(&[0, 1, 2]) };
        choose(plan, &policy, &conditions, family, IpAddr::from([198, 51, 100, 1])).selection.destination
    }

    const A: RegionId = RegionId(0);
    const B: RegionId = RegionId(1);
    const C: RegionId = RegionId(2);

    #[test]
    fn the_first_region_in_service_is_chosen() {
        check(&[0, 1, 2], [None; 5], AllDown::FailOpen, [Destination::Healthy(A); 2]);
        let a_lost = [Some(1), Some(1), None, None, None];
        check(&[0, 1, 2], a_lost, AllDown::FailOpen, [Destination::Healthy(B); 2]);
    }

    #[test]
    fn losing_one_family_moves_that_family_only() {
        let v6_lost = [None, Some(1), None, None, None];
        check(&[0, 1, 2], v6_lost, AllDown::FailOpen, [Destination::Healthy(A), Destination::Healthy(B)]);
    }

    #[test]
    fn a_region_without_a_family_is_passed_over_for_it() {
        check(&[2, 0], [None; 5], AllDown::FailOpen, [Destination::Healthy(C), Destination::Healthy(A)]);
        let a_lost = [Some(1), Some(1), None, None, None];
        let open = [Destination::Healthy(C), Destination::FailOpen(A)];
        check(&[2, 0], a_lost, AllDown::FailOpen, open);
        let c_lost = [None, None, None, None, Some(1)];
        check(&[2, 0], c_lost, AllDown::FailOpen, [Destination::Healthy(A); 2]);
    }

    #[test]
    fn without_any_address_of_a_family_the_nearest_region_is_chosen_by_the_family_it_has() {
        check(&[2], [None; 5], AllDown::FailOpen, [Destination::Healthy(C); 2]);
    }

    #[test]
    fn when_all_are_down_the_nearest_fails_open_whichever_fell_last() {
        let later = [Some(100), Some(100), Some(1000), Some(1000), Some(101)];
        check(&[0, 1, 2], later, AllDown::FailOpen, [Destination::FailOpen(A); 2]);
        check(&[1, 0, 2], later, AllDown::FailOpen, [Destination::FailOpen(B); 2]);
    }

    #[test]
    fn all_down_may_say_servfail_or_nodata_and_an_empty_plan_says_what_its_rule_says() {
        let all = [Some(1); 5];
        check(&[0], all, AllDown::Servfail, [Destination::Refused(Refusal::Servfail); 2]);
        check(&[0], all, AllDown::Nodata, [Destination::Refused(Refusal::Nodata); 2]);
        check(&[], all, AllDown::FailOpen, [Destination::Forbidden(Refusal::Refuse); 2]);
    }
}
