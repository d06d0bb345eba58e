//! The step that health changes: the first region of the plan that is in service.
//!
//! When none is, `all_down` decides. Failing open stays inside the plan, and so inside the border.

use std::time::Duration;

use super::Plan;
use super::policy::{AllDown, Refusal};
use crate::health::{Count, Service, Services};
use crate::moment::Moment;
use crate::region::{Family, RegionId};

/// What was chosen for one family, and what became of every region on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is answered.
    pub found: Found,
    /// What became of each region of the plan, in its order.
    pub fates: Vec<(RegionId, Fate)>,
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

/// What became of a region of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was chosen.
    Chosen,
    /// It could have been chosen, but one before it was.
    Behind,
    /// Too few of its addresses are up.
    Unhealthy(Count),
}

/// Regions that fell within this time of the last one to fall count as fallen together: the time in
/// which the canaries of one outage reach their verdicts. Without it, an outage of everything would
/// send all clients to the one region whose canary happened to be the slowest.
const TOGETHER: Duration = Duration::from_secs(60);

/// Chooses a region of `plan` for one family, and says what became of the others.
pub fn choose(plan: &Plan, all_down: AllDown, services: &Services, family: Family) -> Choice {
    let found = find(plan, all_down, services, family);
    let fates = plan.order.iter().map(|region| {
        let fate = match standing(services, *region, family) {
            _ if found.region() == Some(*region) => Fate::Chosen,
            Service::Out { count, .. } => Fate::Unhealthy(count),
            Service::In(_) | Service::Absent => Fate::Behind,
        };
        (*region, fate)
    });
    Choice { found, fates: fates.collect() }
}

/// Finds what [`choose`] chooses, without the reasons.
pub fn find(plan: &Plan, all_down: AllDown, services: &Services, family: Family) -> Found {
    let is_in = |region: &&RegionId| matches!(standing(services, **region, family), Service::In(_));
    match plan.order.iter().find(is_in) {
        Some(region) => Found::Healthy(*region),
        None => without_health(plan, all_down, services, family),
    }
}

/// Returns how a region stands for clients of a family. A region without addresses of the family
/// stands there as it does in the other one: its clients reach it through that family, and sending
/// them further away for the sake of an AAAA record would move those whom nothing happened to.
fn standing(services: &Services, region: RegionId, family: Family) -> Service {
    let other = match family {
        Family::V4 => Family::V6,
        Family::V6 => Family::V4,
    };
    match services.get(region, family) {
        Service::Absent => services.get(region, other),
        known @ (Service::In(_) | Service::Out { .. }) => known,
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
    let stands = |region: &RegionId| match standing(services, *region, family) {
        Service::Out { count, since } => (count.up > 0, since),
        Service::In(_) | Service::Absent => (false, Moment::default()),
    };
    let last = plan.order.iter().map(|region| stands(region).1).max().unwrap_or_default();
    let mut order = plan.order.iter();
    let has_some_up = order.clone().find(|region| stands(region).0);
    let best = has_some_up.or_else(|| order.find(|region| last.since(stands(region).1) <= TOGETHER));
    *best.expect("the plan is not empty, and the last to fall is within any time of itself")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Standing, View};
    use crate::region::tests::region;
    use crate::region::{Minimum, Region, Regions};

    /// Three regions in the order 0, 1, 2: the third has IPv4 only.
    fn regions() -> Regions {
        Regions::new(vec![
            region("a", "JP", &[&["192.0.2.1", "2001:db8::1"]]),
            region("b", "JP", &[&["192.0.2.2", "2001:db8::2"]]),
            region("c", "JP", &[&["192.0.2.3"]]),
        ])
    }

    /// Checks the choice for IPv4 and IPv6 when the addresses fell at the given seconds.
    fn check(order: &[u8], fell_at: [Option<u64>; 5], all_down: AllDown, expected: [Found; 2]) {
        let regions = regions();
        let standing = |fell: Option<u64>| match fell {
            None => Standing::Up,
            Some(at) => Standing::Down { since: Moment(at * 1000) },
        };
        let view = View::new(fell_at.into_iter().map(standing).collect());
        let services = Services::of(&regions, &view);
        let order = order.iter().copied().map(RegionId).collect();
        let plan = Plan { order, removed: Vec::new(), refusal: Refusal::Refuse };
        let found = Family::BOTH.map(|family| choose(&plan, all_down, &services, family).found);
        assert_eq!(found, expected);
    }

    const A: RegionId = RegionId(0);
    const B: RegionId = RegionId(1);
    const C: RegionId = RegionId(2);

    #[test]
    fn the_first_region_in_service_is_chosen() {
        check(&[0, 1, 2], [None; 5], AllDown::FailOpen, [Found::Healthy(A); 2]);
        let a_lost = [Some(1), Some(1), None, None, None];
        check(&[0, 1, 2], a_lost, AllDown::FailOpen, [Found::Healthy(B); 2]);
    }

    #[test]
    fn losing_one_family_moves_that_family_only() {
        let v6_lost = [None, Some(1), None, None, None];
        check(&[0, 1, 2], v6_lost, AllDown::FailOpen, [Found::Healthy(A), Found::Healthy(B)]);
    }

    #[test]
    fn a_region_without_a_family_stands_and_falls_with_the_family_it_has() {
        check(&[2, 0], [None; 5], AllDown::FailOpen, [Found::Healthy(C); 2]);
        let c_lost = [None, None, None, None, Some(1)];
        check(&[2, 0], c_lost, AllDown::FailOpen, [Found::Healthy(A); 2]);
    }

    #[test]
    fn regions_that_fell_together_fail_open_in_their_order() {
        let together = [Some(100), Some(100), Some(130), Some(130), Some(101)];
        check(&[1, 0, 2], together, AllDown::FailOpen, [Found::FailOpen(B); 2]);
        check(&[0, 1, 2], together, AllDown::FailOpen, [Found::FailOpen(A); 2]);
    }

    #[test]
    fn the_region_that_was_healthy_much_longer_than_the_others_fails_open_first() {
        let later = [Some(100), Some(100), Some(1000), Some(1000), Some(101)];
        check(&[0, 1, 2], later, AllDown::FailOpen, [Found::FailOpen(B); 2]);
        check(&[0, 2], later, AllDown::FailOpen, [Found::FailOpen(A); 2]);
    }

    #[test]
    fn a_region_with_an_address_left_fails_open_before_those_without() {
        let short =
            Region { min_healthy: Minimum::Count(2), ..region("b", "JP", &[&["192.0.2.2", "192.0.2.3"]]) };
        let regions = Regions::new(vec![region("a", "JP", &[&["192.0.2.1"]]), short]);
        let down = Standing::Down { since: Moment(9) };
        let services = Services::of(&regions, &View::new(vec![down, down, Standing::Up]));
        let plan = Plan { order: vec![A, B], removed: Vec::new(), refusal: Refusal::Refuse };
        assert_eq!(find(&plan, AllDown::FailOpen, &services, Family::V4), Found::FailOpen(B));
    }

    #[test]
    fn all_down_may_say_servfail_or_nodata_and_an_empty_plan_says_what_its_rule_says() {
        let all = [Some(1); 5];
        check(&[0], all, AllDown::Servfail, [Found::Refused(Refusal::Servfail); 2]);
        check(&[0], all, AllDown::Nodata, [Found::Refused(Refusal::Nodata); 2]);
        check(&[], all, AllDown::FailOpen, [Found::Refused(Refusal::Refuse); 2]);
    }
}
