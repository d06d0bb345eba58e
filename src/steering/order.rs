//! The order of preference among the regions that the border leaves.

use super::policy::{Order, Policy};
use crate::client::GroupId;
use crate::geo::Class;
use crate::region::RegionId;

/// Sorts `kept`, which is in the listed order, for clients of `class`. `order` is the policy's, or the one
/// inside it for clients of no listed group.
pub(super) fn sort(order: &Order, policy: &Policy, class: &Class, kept: Vec<RegionId>) -> Vec<RegionId> {
    match order {
        Order::Groups { lists, otherwise } => {
            let rest = sort(otherwise, policy, class, kept);
            match lists.iter().find(|(group, _)| class.groups.contains(*group)) {
                Some((_, list)) => put_first(list, rest),
                None => rest,
            }
        }
        Order::Listed if class.groups.contains(GroupId::UNKNOWN) => put_first(&policy.unknown_location, kept),
        Order::Listed => kept,
        // Neither coordinates nor a country that the table has: nearest means nothing for such clients.
        Order::Nearest if class.ranks.is_empty() => put_first(&policy.unknown_location, kept),
        Order::Nearest => {
            let mut sorted = kept;
            // Stable: regions equally far stay in the listed order.
            sorted.sort_by_key(|region| class.ranks[usize::from(region.0)]);
            sorted
        }
    }
}

/// Returns whether clients of `class` are sent to the nearest region.
pub(super) fn is_by_distance(order: &Order, class: &Class) -> bool {
    match order {
        Order::Groups { lists, otherwise } => {
            let is_listed = lists.iter().any(|(group, _)| class.groups.contains(*group));
            !is_listed && is_by_distance(otherwise, class)
        }
        Order::Listed => false,
        Order::Nearest => !class.ranks.is_empty(),
    }
}

/// Moves the regions that `list` names to the front, in the order of `list`.
fn put_first(list: &[RegionId], regions: Vec<RegionId>) -> Vec<RegionId> {
    let named = list.iter().filter(|region| regions.contains(region));
    let others = regions.iter().filter(|region| !list.contains(region));
    named.chain(others).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::policy;
    use super::*;
    use crate::client::GroupSet;

    const EU: GroupId = GroupId(1);

    fn check(order: Order, groups: &[GroupId], ranks: &[u8], expected: &[u8]) {
        let unknown_location = vec![RegionId(2), RegionId(0)];
        let policy = Policy { order, unknown_location, ..policy(&[3, 1, 0, 2]) };
        let mut class = Class { groups: GroupSet::default(), ranks: ranks.into(), reach: Box::default() };
        groups.iter().for_each(|group| class.groups.insert(*group));
        let sorted = sort(&policy.order, &policy, &class, policy.regions.clone());
        assert_eq!(sorted, expected.iter().copied().map(RegionId).collect::<Vec<_>>());
    }

    #[test]
    fn nearest_sorts_by_rank_and_ties_by_the_listed_order() {
        check(Order::Nearest, &[], &[0, 1, 2, 3], &[0, 1, 2, 3]);
        check(Order::Nearest, &[], &[1, 0, 0, 0], &[3, 1, 2, 0]);
    }

    #[test]
    fn listed_keeps_the_listed_order() {
        check(Order::Listed, &[], &[0, 1, 2, 3], &[3, 1, 0, 2]);
    }

    #[test]
    fn clients_of_unknown_location_have_their_own_list_and_the_rest_stands_behind_it() {
        check(Order::Nearest, &[GroupId::UNKNOWN], &[], &[2, 0, 3, 1]);
        check(Order::Nearest, &[GroupId::UNKNOWN], &[0, 1, 2, 3], &[0, 1, 2, 3]);
        check(Order::Listed, &[GroupId::UNKNOWN], &[], &[2, 0, 3, 1]);
        check(Order::Nearest, &[], &[], &[2, 0, 3, 1]);
    }

    #[test]
    fn a_list_of_a_group_comes_first_and_the_order_of_other_clients_stays() {
        let order =
            || Order::Groups { lists: vec![(EU, vec![RegionId(1)])], otherwise: Box::new(Order::Nearest) };
        check(order(), &[EU], &[0, 3, 2, 1], &[1, 0, 3, 2]);
        check(order(), &[], &[0, 3, 2, 1], &[0, 3, 2, 1]);
    }
}
