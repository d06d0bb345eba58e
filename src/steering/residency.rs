//! The border: the regions that a client may be sent to at all.
//!
//! Every rule that binds the class applies; a region stays when all of them permit it, and it is for the class if it is
//! for some clients only ([`Admission`](super::Admission)). This is the first step of a decision and the only one that
//! knows the law: what it removes is in no list that a later step sees, so that neither health nor load nor an operator
//! can choose it.
//!
//! What it leaves nothing for is answered SERVFAIL and not REFUSED: a resolver asks a server that refuses a client
//! subnet again without it (RFC 7871, section 7.3), is then located as another client, and hands over an address that
//! its client must not get. NODATA would be kept for all clients of the resolver (section 7.4).

use super::policy::{Policy, Refusal};
use crate::geo::Class;
use crate::region::RegionId;

/// A policy's regions after the rules.
pub(super) struct Resident {
    /// The permitted regions, in the listed order.
    pub kept: Vec<RegionId>,
    pub removed: Vec<Removed>,
    /// The answer when nothing is kept.
    pub refusal: Refusal,
}

/// A region that clients may not be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Removed {
    pub region: RegionId,
    pub by: Remover,
}

/// What removed a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remover {
    /// The first residency rule that forbids it, by its place in `Policy::residency`.
    Rule(usize),
    /// The region is for other clients: the place in `Policy::admissions`.
    Admission(usize),
    /// Other clients of the prefix that was asked for may not be sent there.
    Neighbours,
}

/// Applies the rules that bind clients of `class`.
pub(super) fn filter(policy: &Policy, class: &Class) -> Resident {
    let binding = || {
        let rules = policy.residency.iter().enumerate();
        rules.filter(|(_, rule)| rule.clients.iter().any(|group| class.groups.contains(*group)))
    };
    let mut kept = Vec::with_capacity(policy.regions.len());
    let mut removed = Vec::new();
    for &region in &policy.regions {
        let forbidding = binding().find(|(_, rule)| !rule.permitted.contains(region));
        let refusing = || {
            let mut admissions = policy.admissions.iter();
            admissions
                .position(|admission| admission.region == region && !admission.admits(class.groups))
                .map(Remover::Admission)
        };
        match forbidding.map(|(rule, _)| Remover::Rule(rule)).or_else(refusing) {
            Some(by) => removed.push(Removed { region, by }),
            None => kept.push(region),
        }
    }
    // Several rules may leave nothing together although each permits something: the first that has an
    // `otherwise` is followed.
    let refusal = binding().find_map(|(_, rule)| rule.otherwise).unwrap_or_default();
    Resident { kept, removed, refusal }
}

#[cfg(test)]
mod tests {
    use super::super::policy::tests::policy;
    use super::super::policy::{Admission, ResidencyRule};
    use super::*;
    use crate::client::{GroupId, GroupSet};
    use crate::region::RegionSet;

    const EU: GroupId = GroupId(1);
    const BANKS: GroupId = GroupId(2);

    fn rule(group: GroupId, permitted: &[u8], otherwise: Option<Refusal>) -> ResidencyRule {
        let permitted: RegionSet = permitted.iter().copied().map(RegionId).collect();
        ResidencyRule { clients: vec![group], permitted, otherwise, text: String::new() }
    }

    fn check(
        rules: &[ResidencyRule],
        groups: &[GroupId],
        kept: &[u8],
        removed: &[(u8, usize)],
        refusal: Refusal,
    ) {
        let policy = Policy { residency: rules.to_vec(), ..policy(&[0, 1, 2]) };
        let mut class = Class { groups: GroupSet::default(), ranks: Box::default(), reach: Box::default() };
        groups.iter().for_each(|group| class.groups.insert(*group));
        let resident = filter(&policy, &class);
        assert_eq!(resident.kept, kept.iter().copied().map(RegionId).collect::<Vec<_>>());
        let expected = removed
            .iter()
            .map(|(region, rule)| Removed { region: RegionId(*region), by: Remover::Rule(*rule) });
        assert_eq!(resident.removed, expected.collect::<Vec<_>>());
        assert_eq!(resident.refusal, refusal);
    }

    #[test]
    fn a_rule_binds_its_own_group_and_no_other() {
        let rules = [rule(EU, &[1], None)];
        check(&rules, &[EU], &[1], &[(0, 0), (2, 0)], Refusal::Servfail);
        check(&rules, &[BANKS], &[0, 1, 2], &[], Refusal::Servfail);
    }

    #[test]
    fn rules_of_several_groups_apply_together() {
        let rules = [rule(EU, &[0, 1], None), rule(BANKS, &[1, 2], None)];
        check(&rules, &[EU, BANKS], &[1], &[(0, 1), (2, 0)], Refusal::Servfail);
    }

    #[test]
    fn rules_that_leave_nothing_together_answer_servfail_or_what_one_of_them_says_otherwise() {
        let silent = [rule(EU, &[0], None), rule(BANKS, &[1], None)];
        check(&silent, &[EU, BANKS], &[], &[(0, 1), (1, 0), (2, 0)], Refusal::Servfail);
        let spoken = [rule(EU, &[0], None), rule(BANKS, &[1], Some(Refusal::Nodata))];
        check(&spoken, &[EU, BANKS], &[], &[(0, 1), (1, 0), (2, 0)], Refusal::Nodata);
    }

    #[test]
    fn a_region_for_some_clients_only_is_removed_for_all_others_whatever_the_rules_permit() {
        let admission = |region, only_for: &[GroupId], not_for: &[GroupId]| Admission {
            region: RegionId(region),
            only_for: only_for.to_vec(),
            not_for: not_for.to_vec(),
            text: String::new(),
        };
        let admissions = vec![admission(0, &[BANKS], &[]), admission(1, &[], &[EU])];
        let policy = Policy { residency: vec![rule(EU, &[0, 1], None)], admissions, ..policy(&[0, 1, 2]) };
        let filter = |groups: &[GroupId]| {
            let mut class =
                Class { groups: GroupSet::default(), ranks: Box::default(), reach: Box::default() };
            groups.iter().for_each(|group| class.groups.insert(*group));
            let resident = filter(&policy, &class);
            let kept: Vec<_> = resident.kept.iter().map(|region| region.0).collect();
            (kept, resident.removed.iter().map(|removed| removed.by).collect::<Vec<_>>())
        };
        assert_eq!(filter(&[]), (vec![1, 2], vec![Remover::Admission(0)]));
        assert_eq!(filter(&[BANKS]), (vec![0, 1, 2], vec![]));
        assert_eq!(filter(&[EU, BANKS]), (vec![0], vec![Remover::Admission(1), Remover::Rule(0)]));
        let none = [Remover::Admission(0), Remover::Admission(1), Remover::Rule(0)];
        assert_eq!(filter(&[EU]), (vec![], none.to_vec()));
    }
}
