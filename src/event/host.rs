//! Events about the names that lead to the addresses of availability zones.

use std::net::IpAddr;

use super::{Condition, Event, EventKind};
use crate::moment::Moment;
use crate::region::Target;
use crate::severity::Severity;

impl Event {
    /// The name of an availability zone leads elsewhere than before.
    pub fn host_moved(zone: &Target, host: &str, [before, after]: [&[IpAddr]; 2], at: Moment) -> Self {
        let [before, after] = [before, after].map(listed);
        let not = match before.is_empty() {
            true => format!("{zone} had no address before"),
            false => format!("{zone} had {before} before"),
        };
        let text = format!(
            "{host} leads to {}: {not}",
            if after.is_empty() { "no address of its own" } else { &after }
        );
        Self::new(EventKind::HOST_MOVED, Severity::Info, text, at).about(zone).turns(&before, &after)
    }

    /// The name of an availability zone, which has so many addresses by it, cannot be looked up, or leads nowhere.
    pub fn host_unresolved(zone: &Target, host: &str, why: &str, kept: usize, at: Moment) -> Self {
        let text = format!("{host} {why}; {zone} keeps its {kept} addresses");
        Self::new(EventKind::HOST_UNRESOLVED, Severity::Warning, text, at)
            .about(zone)
            .turns("resolved", "unresolved")
            .because(why)
            .raises(&Condition::Host(host.to_owned()))
    }

    /// It leads somewhere again; `None`: it is not configured any more.
    pub fn host_resolved(zone: Option<(&Target, usize)>, host: &str, at: Moment) -> Self {
        let text = match zone {
            Some((zone, count)) => format!("{host} is looked up again: {zone} has {count} addresses"),
            None => format!("{host} is not configured any more"),
        };
        let event = Self::new(EventKind::HOST_RESOLVED, Severity::Info, text, at);
        let event = match zone {
            Some((zone, _)) => event.about(zone),
            None => event,
        };
        event.turns("unresolved", "resolved").clears(&Condition::Host(host.to_owned()))
    }
}

fn listed(ips: &[IpAddr]) -> String {
    ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
