//! Events about names: no region is left for them, or their clients stay with one that is down.

use std::fmt;

use super::{Condition, Event, EventKind};
use crate::moment::Moment;
use crate::region::{Family, Target};
use crate::severity::Severity;
use crate::steering::AllDown;
use crate::units::Count;

/// The names of one policy, and the clients that one of its rules binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffectedNames {
    /// The first of the names.
    pub owner: String,
    /// How many more have the same policy: one event is told for all of them.
    pub others: usize,
    /// The residency rule; `None`: all clients.
    pub rule: Option<String>,
}

impl AffectedNames {
    /// Returns the condition that no region is left for them in a family.
    pub fn condition(&self, family: Family) -> Condition {
        Condition::NoRegion { owner: self.owner.clone(), rule: self.rule.clone(), family }
    }

    /// Returns the condition that their clients stay with a region that is down.
    pub fn stay_condition(&self, region: &Target, family: Family) -> Condition {
        Condition::ClientsStay { region: region.clone(), owner: self.owner.clone(), family }
    }

    /// Writes them with the family and the rule: `api.example.com and 1 more name (IPv4, eu only in EU)`.
    fn in_family(&self, family: Family) -> String {
        let rule = self.rule.iter().map(|rule| format!(", {rule}")).collect::<String>();
        format!("{self} ({family}{rule})")
    }
}

impl fmt::Display for AffectedNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.owner)?;
        if self.others > 0 { write!(f, " and {}", Count(self.others, "more name")) } else { Ok(()) }
    }
}

impl Event {
    /// Every region that the clients may be sent to is out, and this is what they are answered.
    pub fn no_region_available(names: &AffectedNames, family: Family, all_down: AllDown, at: Moment) -> Self {
        let follows = match all_down {
            AllDown::FailOpen => "answers hold them all the same (fail-open)",
            AllDown::Servfail => "answers are SERVFAIL",
            AllDown::Nodata => "answers hold no data",
        };
        let whom = names.in_family(family);
        let text = format!("no region is left for {whom}: every permitted region is down; {follows}");
        Self::new(EventKind::NO_REGION_AVAILABLE, Severity::Critical, text, at)
            .turns("served", word(all_down))
            .because("every permitted region is down")
            .seen_by(whom)
            .raises(&names.condition(family))
    }

    /// A region is back that the clients may be sent to.
    pub fn region_available(names: &AffectedNames, family: Family, all_down: AllDown, at: Moment) -> Self {
        let whom = names.in_family(family);
        let text = format!("a region is left again for {whom}");
        Self::new(EventKind::REGION_AVAILABLE, Severity::Info, text, at)
            .turns(word(all_down), "served")
            .seen_by(whom)
            .clears(&names.condition(family))
    }

    /// A region is down, and the clients of these names stay with it.
    pub fn clients_stay(names: &AffectedNames, region: &Target, family: Family, at: Moment) -> Self {
        let text = format!(
            "clients of {names} stay with {region} ({family}), which is down: `failover` of the name is `off`"
        );
        Self::new(EventKind::CLIENTS_STAY, Severity::Warning, text, at)
            .about(region)
            .turns("free", "stay")
            .because("`failover` of the name is `off`")
            .seen_by(names.to_string())
            .raises(&names.stay_condition(region, family))
    }

    /// The region is back, or the clients may leave it.
    pub fn clients_free(names: &AffectedNames, region: &Target, family: Family, at: Moment) -> Self {
        let text = format!("clients of {names} no longer stay with {region} ({family}) although it is down");
        Self::new(EventKind::CLIENTS_FREE, Severity::Info, text, at)
            .about(region)
            .turns("stay", "free")
            .seen_by(names.to_string())
            .clears(&names.stay_condition(region, family))
    }
}

fn word(all_down: AllDown) -> &'static str {
    match all_down {
        AllDown::FailOpen => "fail_open",
        AllDown::Servfail => "servfail",
        AllDown::Nodata => "nodata",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn names_without_a_region_are_told_of_with_their_rule_and_what_follows() {
        let (owner, rule) = ("api.example.com".to_owned(), Some("eu only in EU".to_owned()));
        let names = AffectedNames { owner, others: 1, rule };
        let whom = "api.example.com and 1 more name (IPv4, eu only in EU)";
        let key = "no_region/api.example.com/IPv4/eu only in EU";
        check(
            &Event::no_region_available(&names, Family::V4, AllDown::FailOpen, Moment(0)),
            &format!(
                "no_region_available Critical - IPv4: served -> fail_open | every permitted region is down | {whom} | - | {key}"
            ),
            &format!(
                "no region is left for {whom}: every permitted region is down; answers hold them all the same (fail-open)"
            ),
        );
        check(
            &Event::region_available(&names, Family::V4, AllDown::FailOpen, Moment(0)),
            &format!("region_available Info - IPv4: fail_open -> served | - | {whom} | - | ends {key}"),
            &format!("a region is left again for {whom}"),
        );
    }

    #[test]
    fn that_clients_stay_with_a_region_that_is_down_is_told_with_the_setting_that_wants_it() {
        let names = AffectedNames { owner: "bank.example.com".to_owned(), others: 1, rule: None };
        let (whom, tokyo) = ("bank.example.com and 1 more name", Target::of_region("tokyo"));
        let key = "clients_stay/tokyo/bank.example.com/IPv4";
        check(
            &Event::clients_stay(&names, &tokyo, Family::V4, Moment(0)),
            &format!(
                "clients_stay Warning tokyo IPv4: free -> stay | `failover` of the name is `off` | {whom} | - | {key}"
            ),
            &format!(
                "clients of {whom} stay with tokyo (IPv4), which is down: `failover` of the name is `off`"
            ),
        );
        check(
            &Event::clients_free(&names, &tokyo, Family::V4, Moment(0)),
            &format!("clients_free Info tokyo IPv4: stay -> free | - | {whom} | - | ends {key}"),
            &format!("clients of {whom} no longer stay with tokyo (IPv4) although it is down"),
        );
    }
}
