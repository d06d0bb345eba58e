//! Events about what this instance cannot see.

use super::{Condition, Event, EventKind};
use crate::canary::{BlindCause, Blindness};
use crate::health::COUNTS_FOR;
use crate::moment::Moment;
use crate::severity::Severity;
use crate::units::{Count, TimeSpan};

/// The most regions that are named in a text: what a person reads.
const MAX_NAMED: usize = 5;

impl Event {
    /// This instance cannot run so many canaries, each against one address or region, of these regions.
    pub fn probes_blind(blindness: &Blindness, canaries: usize, regions: &[&str], at: Moment) -> Self {
        let detail = &blindness.detail;
        let named = regions.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
        let others = regions.len().saturating_sub(MAX_NAMED);
        let others = if others > 0 { format!(" and {others} more") } else { String::new() };
        let evidence = format!("{} of {named}{others}", Count(canaries, "probe"));
        let text = format!("{detail}: {evidence} cannot be made; nothing is counted, and no client moves");
        let condition = Condition::Blind(blindness.cause);
        Self::new(EventKind::PROBES_BLIND, condition.severity(), text, at)
            .turns("sighted", "blind")
            .because(detail)
            .seen_by(evidence)
            .raises(&condition)
    }

    /// Nothing keeps this instance from probing any more for this cause.
    pub fn probes_sighted(cause: BlindCause, at: Moment) -> Self {
        let text = format!("probes can be made again: {} is over", cause.as_str());
        Self::new(EventKind::PROBES_SIGHTED, Severity::Info, text, at)
            .turns("blind", "sighted")
            .clears(&Condition::Blind(cause))
    }
}

impl Event {
    /// A reference has not answered for so long that it does not count.
    pub fn reference_lost(name: &str, trouble: &str, at: Moment) -> Self {
        let limit = TimeSpan(COUNTS_FOR);
        let text = format!("reference {name} has not answered for {limit} and does not count: {trouble}");
        Self::new(EventKind::REFERENCE_LOST, Severity::Warning, text, at)
            .turns("counts", "lost")
            .because(trouble)
            .seen_by(format!("no answer for {limit}"))
            .raises(&Condition::Reference(name.to_owned()))
    }

    /// A reference that was lost answers again.
    pub fn reference_found(name: &str, at: Moment) -> Self {
        let text = format!("reference {name} answers again and counts");
        Self::new(EventKind::REFERENCE_FOUND, Severity::Info, text, at)
            .turns("lost", "counts")
            .clears(&Condition::Reference(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn a_reference_that_is_lost_is_told_with_how_long_and_why() {
        check(
            &Event::reference_lost("192.0.2.1:443", "connection refused", Moment(0)),
            "reference_lost Warning -: counts -> lost | connection refused | no answer for 10m | - | \
             reference/192.0.2.1:443",
            "reference 192.0.2.1:443 has not answered for 10m and does not count: connection refused",
        );
        check(
            &Event::reference_found("192.0.2.1:443", Moment(0)),
            "reference_found Info -: lost -> counts | - | - | - | ends reference/192.0.2.1:443",
            "reference 192.0.2.1:443 answers again and counts",
        );
    }

    #[test]
    fn blindness_is_told_with_its_cause_and_what_it_keeps_from_being_seen() {
        let blindness = Blindness { cause: BlindCause::NoRoute, detail: "no route to 192.0.2.1".to_owned() };
        check(
            &Event::probes_blind(&blindness, 3, &["osaka", "tokyo"], Moment(0)),
            "probes_blind Critical -: sighted -> blind | no route to 192.0.2.1 | 3 probes of osaka, tokyo | - | \
             blind/no_route",
            "no route to 192.0.2.1: 3 probes of osaka, tokyo cannot be made; nothing is counted, and no client moves",
        );
        let regions = ["a", "b", "c", "d", "e", "f", "g"];
        let many = Event::probes_blind(&blindness, 9, &regions, Moment(0));
        assert_eq!(many.evidence.as_deref(), Some("9 probes of a, b, c, d, e and 2 more"));
        check(
            &Event::probes_sighted(BlindCause::NoRoute, Moment(0)),
            "probes_sighted Info -: blind -> sighted | - | - | - | ends blind/no_route",
            "probes can be made again: no_route is over",
        );
    }
}
