//! The border: the regions that a client may be sent to at all.
//!
//! Every rule that binds the class applies; a region stays when all of them permit it. This is the first
//! step of a decision and the only one that knows the law: what it removes is in no list that a later step
//! sees, so that neither health nor load nor an operator can choose it.
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

/// A region that a rule removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Removed {
    pub region: RegionId,
    /// The first rule that forbids it: its place in `Policy::residency`. `None`: a rule for other clients of the
    /// prefix that was asked for.
    pub rule: Option<usize>,
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
        match binding().find(|(_, rule)| !rule.permitted.contains(region)) {
            Some((rule, _)) => removed.push(Removed { region, rule: Some(rule) }),
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
    use super::super::policy::ResidencyRule;
    use super::super::policy::tests::policy;
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
        let mut class = Class { groups: GroupSet::default(), ranks: Box::default() };
        groups.iter().for_each(|group| class.groups.insert(*group));
        let resident = filter(&policy, &class);
        assert_eq!(resident.kept, kept.iter().copied().map(RegionId).collect::<Vec<_>>());
        let expected =
            removed.iter().map(|(region, rule)| Removed { region: RegionId(*region), rule: Some(*rule) });
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
}
