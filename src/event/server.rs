//! Events about the server itself: its configuration, its saved state, its event log.

use super::{Condition, Event, EventKind};
use crate::health::FRESH_FOR;
use crate::moment::Moment;
use crate::severity::Severity;
use crate::units::{Count, TimeSpan};

impl Event {
    /// A configuration with so many zones and regions is in force from a snapshot on.
    pub fn reloaded(snapshot: u64, zones: usize, regions: usize, at: Moment) -> Self {
        let (zones, regions) = (Count(zones, "zone"), Count(regions, "region"));
        let evidence = format!("{zones}, {regions}, from snapshot {snapshot} on");
        let text = format!("configuration reloaded: {evidence}");
        Self::new(EventKind::RELOADED, Severity::Info, text, at).seen_by(evidence)
    }

    /// The configuration on disk is refused, for problems of which each has a line.
    pub fn reload_failed(problems: &str, at: Moment) -> Self {
        let first = problems.lines().next().unwrap_or_default();
        let text = format!("the configuration on disk is refused: {first}; the one before stays in force");
        Self::new(EventKind::RELOAD_FAILED, Severity::Warning, text, at)
            .turns("loaded", "refused")
            .because(first)
            .seen_by(format!("{} of text", Count(problems.lines().count(), "line")))
            .raises(&Condition::ReloadFailed)
    }

    /// A database of the configuration on disk is refused; everything else of it is in force.
    pub fn database_refused(why: &str, at: Moment) -> Self {
        let text =
            format!("a database is refused: {why}; the one before stays in use, and the rest is in force");
        Self::new(EventKind::RELOAD_FAILED, Severity::Warning, text, at)
            .turns("loaded", "refused")
            .because(why)
            .raises(&Condition::ReloadFailed)
    }

    /// The configuration on disk is in force again.
    pub fn reload_recovered(at: Moment) -> Self {
        let text = "the configuration on disk is in force again".to_owned();
        Self::new(EventKind::RELOAD_RECOVERED, Severity::Info, text, at)
            .turns("refused", "loaded")
            .clears(&Condition::ReloadFailed)
    }

    /// Health that was saved by the last run is in force: so many fallen addresses, and phases of regions and zones.
    pub fn health_restored(falls: usize, phases: usize, at: Moment) -> Self {
        let evidence = format!("{}, {}", Count(falls, "fall"), Count(phases, "phase"));
        let text = format!("saved health restored: {evidence} of regions and zones");
        Self::new(EventKind::HEALTH_RESTORED, Severity::Info, text, at).seen_by(evidence)
    }

    /// So many entries of the saved health are about addresses, canaries or sites that are not configured.
    pub fn health_mismatch(entries: usize, at: Moment) -> Self {
        let ignored = if entries == 1 { "1 entry" } else { &format!("{entries} entries") };
        let text = format!("saved health ignored in part: {ignored} not in this configuration");
        Self::new(EventKind::HEALTH_MISMATCH, Severity::Warning, text, at)
            .because("it is about another configuration")
            .seen_by(format!("{ignored} ignored"))
    }

    /// The saved health is too old to be used, or the clock is wrong.
    pub fn health_stale(written_at: Moment, at: Moment) -> Self {
        let age = TimeSpan::rounded(at.since(written_at).max(written_at.since(at)));
        let limit = TimeSpan(FRESH_FOR);
        let text = format!(
            "saved health ignored: {age} old, limit {limit}; every address counts as up until its canaries fail"
        );
        Self::new(EventKind::HEALTH_STALE, Severity::Warning, text, at)
            .because("it is too old")
            .seen_by(format!("{age} old, limit {limit}"))
    }

    /// An incident ended without an event that ends one of its conditions: in another incident, or by a reload.
    pub fn incident_closed(id: u64, what: &str, into: Option<u64>, at: Moment) -> Self {
        let reason = match into {
            Some(into) => format!("it has the cause of incident {into}"),
            None => "none of its conditions stands any more".to_owned(),
        };
        let text = format!("incident {id} is closed ({what}): {reason}");
        Self::new(EventKind::INCIDENT_CLOSED, Severity::Info, text, at).turns("open", "over").because(reason)
    }

    /// The event log could not take so many events before `next`. It stands there for the last of them.
    pub fn events_lost(lost: u64, why: &str, next: &Self) -> Self {
        let events = if lost == 1 { "1 event was" } else { &format!("{lost} events were") };
        let text = format!("{events} lost before this one: {why}");
        let event = Self::new(EventKind::EVENTS_LOST, Severity::Warning, text, next.time);
        let event = event.because(why).seen_by(format!("{lost} lost"));
        Self { number: next.number - 1, snapshot: next.snapshot, ..event }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn a_configuration_is_told_of_when_it_is_in_force_and_when_it_is_refused() {
        check(
            &Event::reloaded(7, 1, 2, Moment(0)),
            "reloaded Info -: - -> - | - | 1 zone, 2 regions, from snapshot 7 on | - | -",
            "configuration reloaded: 1 zone, 2 regions, from snapshot 7 on",
        );
        check(
            &Event::reload_failed("a.yaml:1: no\n  hint: yes", Moment(0)),
            "reload_failed Warning -: loaded -> refused | a.yaml:1: no | 2 lines of text | - | reload",
            "the configuration on disk is refused: a.yaml:1: no; the one before stays in force",
        );
        check(
            &Event::database_refused("a.mmdb: no", Moment(0)),
            "reload_failed Warning -: loaded -> refused | a.mmdb: no | - | - | reload",
            "a database is refused: a.mmdb: no; the one before stays in use, and the rest is in force",
        );
        check(
            &Event::reload_recovered(Moment(0)),
            "reload_recovered Info -: refused -> loaded | - | - | - | ends reload",
            "the configuration on disk is in force again",
        );
    }

    #[test]
    fn saved_health_is_told_of_with_what_became_of_it() {
        check(
            &Event::health_restored(3, 1, Moment(0)),
            "health_restored Info -: - -> - | - | 3 falls, 1 phase | - | -",
            "saved health restored: 3 falls, 1 phase of regions and zones",
        );
        check(
            &Event::health_mismatch(1, Moment(0)),
            "health_mismatch Warning -: - -> - | it is about another configuration | 1 entry ignored | - | -",
            "saved health ignored in part: 1 entry not in this configuration",
        );
        check(
            &Event::health_stale(Moment(0), Moment(1_200_000)),
            "health_stale Warning -: - -> - | it is too old | 20m old, limit 10m | - | -",
            "saved health ignored: 20m old, limit 10m; every address counts as up until its canaries fail",
        );
    }

    #[test]
    fn an_incident_that_ends_silently_is_told_of_with_the_reason() {
        check(
            &Event::incident_closed(4, "osaka is down", Some(3), Moment(0)),
            "incident_closed Info -: open -> over | it has the cause of incident 3 | - | - | -",
            "incident 4 is closed (osaka is down): it has the cause of incident 3",
        );
    }

    #[test]
    fn lost_events_are_told_of_in_the_place_of_the_last_of_them() {
        let next = Event { number: 9, snapshot: 4, ..Event::reload_recovered(Moment(0)) };
        let lost = Event::events_lost(3, "the disk is full", &next);
        check(
            &lost,
            "events_lost Warning -: - -> - | the disk is full | 3 lost | - | -",
            "3 events were lost before this one: the disk is full",
        );
        assert_eq!((lost.number, lost.snapshot), (8, 4));
    }
}
