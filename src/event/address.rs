//! Events about addresses, and about canaries that probe a region once.

use std::time::Duration;

use super::{Condition, Event, EventKind};
use crate::canary::Failure;
use crate::health::{AddressState, Cause};
use crate::moment::Moment;
use crate::region::Target;
use crate::severity::Severity;
use crate::units::{Count, TimeSpan};

impl Event {
    /// An address failed, fewer times than `fall`.
    ///
    /// No client moves for it, and the next probe may take it back: that is good to know, and no warning.
    pub fn address_suspect(
        target: &Target,
        from: AddressState,
        canary: &str,
        cause: &Cause,
        fall: u32,
        at: Moment,
    ) -> Self {
        let Cause { failures, failure, .. } = cause;
        let text =
            format!("{target} is suspect: {canary} failed {failures} of {fall} times ({})", failure.detail);
        Self::new(EventKind::ADDRESS_SUSPECT, Severity::Info, text, at)
            .about(target)
            .turns(from.as_str(), AddressState::Suspect.as_str())
            .because(&failure.detail)
            .seen_by(format!("{canary} failed {failures} of {fall} times"))
    }

    /// An address fell.
    pub fn address_down(
        target: &Target,
        from: AddressState,
        canary: &str,
        cause: &Cause,
        at: Moment,
    ) -> Self {
        let Cause { failures, failure, .. } = cause;
        let evidence = format!("{canary} failed {} in a row", Count(*failures as usize, "time"));
        let text = format!("{target} is down: {evidence} ({})", failure.detail);
        Self::new(EventKind::ADDRESS_DOWN, Severity::Warning, text, at)
            .about(target)
            .turns(from.as_str(), AddressState::Down.as_str())
            .because(&failure.detail)
            .seen_by(evidence)
            .raises(&Condition::Address(target.clone()))
    }

    /// An address is up again that was down, or only suspect, for a while.
    pub fn address_up(target: &Target, was_down: bool, after: Duration, at: Moment) -> Self {
        let from = if was_down { AddressState::Down } else { AddressState::Suspect }.as_str();
        let text = format!("{target} is up again after {} {from}", TimeSpan::rounded(after));
        Self::new(EventKind::ADDRESS_UP, Severity::Info, text, at)
            .about(target)
            .turns(from, AddressState::Up.as_str())
            .seen_by(format!("{from} for {}", TimeSpan::rounded(after)))
            .clears(&Condition::Address(target.clone()))
    }

    /// The canaries that probe a region once leave it in another state: this canary failed, or none does.
    pub fn region_canary(
        region: &Target,
        [from, to]: [AddressState; 2],
        failed: Option<(&str, &Failure)>,
        at: Moment,
    ) -> Self {
        let severity = if to.is_down() { Severity::Warning } else { Severity::Info };
        let why = failed.map_or_else(
            || "no region canary fails".to_owned(),
            |(canary, failure)| format!("the region canary {canary} failed ({})", failure.detail),
        );
        let text = format!("{region} as a whole is {}: {why}", to.as_str());
        let event = Self::new(EventKind::REGION_CANARY, severity, text, at);
        let event = Self {
            reason: failed.map(|(_, failure)| failure.detail.clone()),
            evidence: failed.map(|(canary, _)| format!("{canary} failed")),
            ..event.about(region).turns(from.as_str(), to.as_str())
        };
        match to {
            AddressState::Down | AddressState::Rising => {
                event.raises(&Condition::RegionCanary(region.clone()))
            }
            AddressState::Up | AddressState::Unknown => {
                event.clears(&Condition::RegionCanary(region.clone()))
            }
            // As of an address.
            AddressState::Suspect => event,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;
    use crate::canary::{CanaryId, FailureClass};

    fn failure() -> Failure {
        Failure { class: FailureClass::Status, detail: "status 503".to_owned() }
    }

    #[test]
    fn an_address_is_told_of_with_the_canary_and_its_failure() {
        let target = Target::of_address("tokyo", "tokyo-a", "192.0.2.1".parse().expect("an address"));
        let cause = |failures| Cause { canary: CanaryId(0), failures, failure: failure() };
        check(
            &Event::address_suspect(&target, AddressState::Up, "shallow", &cause(1), 3, Moment(0)),
            "address_suspect Info tokyo/tokyo-a/192.0.2.1: up -> suspect | status 503 | shallow failed 1 of 3 times | - | -",
            "tokyo/tokyo-a/192.0.2.1 is suspect: shallow failed 1 of 3 times (status 503)",
        );
        check(
            &Event::address_down(&target, AddressState::Suspect, "shallow", &cause(3), Moment(0)),
            "address_down Warning tokyo/tokyo-a/192.0.2.1: suspect -> down | status 503 | shallow failed 3 times in a row \
             | - | address/tokyo/tokyo-a/192.0.2.1",
            "tokyo/tokyo-a/192.0.2.1 is down: shallow failed 3 times in a row (status 503)",
        );
        check(
            &Event::address_up(&target, true, Duration::from_secs(35), Moment(0)),
            "address_up Info tokyo/tokyo-a/192.0.2.1: down -> up | - | down for 35s | - | \
             ends address/tokyo/tokyo-a/192.0.2.1",
            "tokyo/tokyo-a/192.0.2.1 is up again after 35s down",
        );
    }

    #[test]
    fn a_canary_of_a_whole_region_is_told_of_both_ways() {
        let region = Target::of_region("tokyo");
        check(
            &Event::region_canary(
                &region,
                [AddressState::Suspect, AddressState::Down],
                Some(("deep", &failure())),
                Moment(0),
            ),
            "region_canary Warning tokyo: suspect -> down | status 503 | deep failed | - | region_canary/tokyo",
            "tokyo as a whole is down: the region canary deep failed (status 503)",
        );
        check(
            &Event::region_canary(&region, [AddressState::Rising, AddressState::Up], None, Moment(0)),
            "region_canary Info tokyo: rising -> up | - | - | - | ends region_canary/tokyo",
            "tokyo as a whole is up: no region canary fails",
        );
    }
}
