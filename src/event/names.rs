//! Events about names that no region is left for.

use std::fmt;

use super::{Condition, Event, EventKind};
use crate::moment::Moment;
use crate::region::Family;
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
}
