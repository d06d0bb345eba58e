//! Which changes of health are told, and how.

use super::Monitor;
use crate::canary::Subject;
use crate::event::Event;
use crate::health::{AddressState, FALLS_TO_QUARANTINE, Phase, PhaseChange, StateChange};
use crate::region::{AddressId, Failover, RegionId, Resolved, Site};

impl Monitor {
    /// Returns the event of a change of one address or region as a whole. The first success and the ups and downs of
    /// a recovery are none.
    pub(super) fn event_of_change(&self, change: &StateChange) -> Option<Event> {
        if change.from == change.to {
            return None;
        }
        match change.subject {
            Subject::Address(address) => self.event_of_address(address, change),
            Subject::Region(region) => self.event_of_whole(region, change),
        }
    }

    fn event_of_address(&self, address: AddressId, change: &StateChange) -> Option<Event> {
        let target = || self.config.regions.target(Resolved::Address(address));
        let StateChange { from, from_since, at, .. } = *change;
        // Without a cause there is nothing to tell.
        let failed = || change.cause.as_ref().map(|cause| (cause, self.board.canary(cause.canary)));
        match (from, change.to) {
            (_, AddressState::Suspect) => failed().map(|(cause, canary)| {
                let fall = canary.thresholds.fall;
                Event::address_suspect(&target(), from, &canary.name, cause, fall, at)
            }),
            (AddressState::Unknown | AddressState::Up | AddressState::Suspect, AddressState::Down) => {
                failed().map(|(cause, canary)| Event::address_down(&target(), from, &canary.name, cause, at))
            }
            (AddressState::Suspect | AddressState::Rising | AddressState::Down, AddressState::Up) => {
                Some(Event::address_up(&target(), from.is_down(), at.since(from_since), at))
            }
            (_, AddressState::Unknown | AddressState::Up | AddressState::Rising | AddressState::Down) => None,
        }
    }

    fn event_of_whole(&self, region: RegionId, change: &StateChange) -> Option<Event> {
        let is_first = change.from == AddressState::Unknown && change.to == AddressState::Up;
        if change.to == AddressState::Rising || is_first {
            return None;
        }
        let target = self.config.regions.target(Resolved::Region(region));
        let failed = change.cause.as_ref();
        let failed = failed.map(|cause| (self.board.canary(cause.canary).name.as_str(), &cause.failure));
        Some(Event::region_canary(&target, [change.from, change.to], failed, change.at))
    }

    /// Returns the event of a turn. That a region has left is an alarm; and no client moves when one is suspect.
    pub(super) fn event_of_turn(&self, turn: &PhaseChange) -> Option<Event> {
        let region = turn.site.region(&self.config.regions);
        let of_region = self.sites.recovery(Site::Region(region), turn.family).phase();
        let recovery = self.sites.recovery(turn.site, turn.family);
        let is_advice = self.sites.failover(region) == Failover::Advise;
        let is_news = match (turn.to, turn.site) {
            // What a zone does while its region does something is no news of its own.
            (_, Site::Zone(_)) if !of_region.is_stable() || is_advice => false,
            (Phase::Down, Site::Region(_)) => is_advice,
            // One that serves no client falls unnoticed, and one that goes on falling is told of once.
            (Phase::Down, Site::Zone(_)) => turn.had_clients,
            (Phase::Quarantined, _) => recovery.falls().len() == FALLS_TO_QUARANTINE,
            (Phase::Unknown | Phase::Suspect, _) => false,
            // One that returns at once is no longer out, which is an alarm that ends.
            (Phase::Healthy, _) => turn.had_clients && !turn.from.is_stable(),
            _ => true,
        };
        let share = recovery.share(&self.config.regions.region(region).recovery);
        let target = || self.config.regions.target(turn.site);
        is_news.then(|| Event::phase_changed(&target(), turn, share, is_advice))
    }
}
