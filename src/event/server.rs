//! Events about the server itself: its configuration, its saved state, its event log.

use std::time::Duration;

use super::{Condition, Event, EventKind};
use crate::config::sections::capacity_events::CapacityEvent;
use crate::generation::PassedOver;
use crate::health::FRESH_FOR;
use crate::moment::{ClockStep, FollowClock, Moment};
use crate::region::Target;
use crate::severity::Severity;
use crate::units::{Count, TimeSpan};

/// The most intents that are told of one by one when their file is lost: what a line of the log may hold.
const MAX_LISTED: usize = 10;

/// A file of the state directory that this life could not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateLoss {
    /// Its name.
    pub file: &'static str,
    /// What was wrong with it, what became of it, and what follows.
    pub why: String,
    /// The intents that may be lost with it, by the event log, each in a line.
    pub intents: Vec<String>,
}

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

    /// A known event begins, in which a region has another capacity; `None`: it is over.
    pub fn capacity_event(target: &Target, event: Option<&CapacityEvent>, at: Moment) -> Self {
        let text = match event {
            Some(CapacityEvent { percent, until, .. }) => {
                format!("{target} has {percent} of its capacity until {until}: a known event")
            }
            None => format!("{target} has its usual capacity again: a known event is over"),
        };
        Self::new(EventKind::CAPACITY_EVENT, Severity::Info, text, at).about(target)
    }

    /// A file of the state directory could not be used by this life.
    pub fn state_lost(loss: &StateLoss, at: Moment) -> Self {
        let StateLoss { file, why, intents } = loss;
        let listed = intents.iter().take(MAX_LISTED).map(String::as_str).collect::<Vec<_>>().join("; ");
        let text = match intents.len() {
            0 => why.clone(),
            all @ ..=MAX_LISTED => {
                format!("{why}; the event log knows of {}: {listed}", Count(all, "intent"))
            }
            all => format!("{why}; the event log knows of {}, among them: {listed}", Count(all, "intent")),
        };
        let severity = if intents.is_empty() { Severity::Warning } else { Severity::Critical };
        let event = Self::new(EventKind::STATE_LOST, severity, text, at).because(why);
        let event = if intents.is_empty() { event } else { event.seen_by(listed) };
        event.raises(&Condition::StateFile((*file).to_owned()))
    }

    /// A file of the state directory cannot be written, for this reason, which says what follows.
    pub fn state_unwritten(file: &str, why: &str, at: Moment) -> Self {
        let text = format!("{why}; it is tried again until it succeeds");
        Self::new(EventKind::STATE_UNWRITTEN, Severity::Warning, text, at)
            .turns("written", "unwritten")
            .because(why)
            .raises(&Condition::StateFile(file.to_owned()))
    }

    /// A file of the state directory is written again, with what could not be written meanwhile.
    pub fn state_written(file: &str, at: Moment) -> Self {
        let text = format!("{file} is written again");
        Self::new(EventKind::STATE_WRITTEN, Severity::Info, text, at)
            .turns("unwritten", "written")
            .clears(&Condition::StateFile(file.to_owned()))
    }

    /// An operator made generation `to` of generation `of`.
    pub fn rolled_back(to: u64, of: u64, author: &str, at: Moment) -> Self {
        let text = format!("{author} rolled the configuration back: generation {to} has the content of {of}");
        Self::new(EventKind::ROLLED_BACK, Severity::Warning, text, at)
            .turns(&(to - 1).to_string(), &to.to_string())
            .by(author)
    }

    /// Something else is served than the configuration directory holds.
    pub fn directory_passed_over(why: &PassedOver, at: Moment) -> Self {
        Self::new(EventKind::DIRECTORY_PASSED_OVER, why.severity(), why.to_string(), at)
            .turns("served", "passed over")
            .because(why.to_string())
            .raises(&Condition::PassedOver)
    }

    /// What the configuration directory holds is served again.
    pub fn directory_served(at: Moment) -> Self {
        let text = "what the configuration directory holds is served again".to_owned();
        Self::new(EventKind::DIRECTORY_SERVED, Severity::Info, text, at)
            .turns("passed over", "served")
            .clears(&Condition::PassedOver)
    }

    /// The wall clock was set, and shows `at` now.
    pub fn clock_set(step: ClockStep, at: Moment) -> Self {
        let direction = if step.0 < 0 { "back" } else { "forward" };
        // A step of three hours is measured a millisecond short of it.
        let size = TimeSpan::rounded(step.size() + Duration::from_millis(50));
        let mut before = at;
        before.follow_clock(ClockStep(step.0.saturating_neg()));
        let text = format!(
            "the wall clock was set {direction} by {size}, from {before} to {at}: what lasts goes on as long as it would \
             have, and events before this one have the times of the clock before"
        );
        Self::new(EventKind::CLOCK_SET, Severity::Warning, text, at)
            .turns(&before.to_string(), &at.to_string())
            .seen_by(format!("{direction} by {size}"))
            .raises(&Condition::ClockSet)
    }

    /// The wall clock has not been set again for a while.
    pub fn clock_steady(lasts: Duration, at: Moment) -> Self {
        let text = format!("the wall clock has not been set for {}", TimeSpan(lasts));
        Self::new(EventKind::CLOCK_STEADY, Severity::Info, text, at).clears(&Condition::ClockSet)
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

    #[test]
    fn a_lost_file_is_told_of_with_the_intents_that_may_be_lost() {
        let loss = |intents: &[&str]| StateLoss {
            file: "intents.json",
            why: "intents.json is damaged".to_owned(),
            intents: intents.iter().map(|intent| (*intent).to_owned()).collect(),
        };
        check(
            &Event::state_lost(&loss(&["Jo: drain tokyo (intent 7)"]), Moment(0)),
            "state_lost Critical -: - -> - | intents.json is damaged | Jo: drain tokyo (intent 7) | - | \
             state/intents.json",
            "intents.json is damaged; the event log knows of 1 intent: Jo: drain tokyo (intent 7)",
        );
        let many = Event::state_lost(&loss(&["x"; 11]), Moment(0));
        assert!(many.text.ends_with("11 intents, among them: x; x; x; x; x; x; x; x; x; x"), "{}", many.text);
        assert_eq!(Event::state_lost(&loss(&[]), Moment(0)).severity, Severity::Warning);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_of_until_it_is() {
        check(
            &Event::state_unwritten("health.json", "cannot write it", Moment(0)),
            "state_unwritten Warning -: written -> unwritten | cannot write it | - | - | state/health.json",
            "cannot write it; it is tried again until it succeeds",
        );
        check(
            &Event::state_written("health.json", Moment(0)),
            "state_written Info -: unwritten -> written | - | - | - | ends state/health.json",
            "health.json is written again",
        );
    }

    #[test]
    fn a_directory_that_is_passed_over_is_told_of_until_it_is_served() {
        let why = PassedOver::Late { served: 7, found: 5 };
        let text = why.to_string();
        check(
            &Event::directory_passed_over(&why, Moment(0)),
            &format!("directory_passed_over Warning -: served -> passed over | {text} | - | - | passed_over"),
            "the configuration directory holds the commit of generation 5, which is older than generation 7, and is not \
             in force; `meridian rollback 5` serves it on purpose",
        );
        let broken = PassedOver::Broken { served: 7, why: "no `name`".to_owned() };
        assert_eq!(Event::directory_passed_over(&broken, Moment(0)).severity, Severity::Critical);
        assert!(Event::directory_served(Moment(0)).is_end());
        check(
            &Event::rolled_back(8, 5, "jo", Moment(0)),
            "rolled_back Warning -: 7 -> 8 | - | - | jo | -",
            "jo rolled the configuration back: generation 8 has the content of 5",
        );
    }

    #[test]
    fn a_clock_that_is_set_is_told_of_with_the_step() {
        let three_hours = 3 * 3_600_000;
        check(
            &Event::clock_set(ClockStep(three_hours), Moment(three_hours.unsigned_abs() + 1000)),
            "clock_set Warning -: 1970-01-01T00:00:01.000Z -> 1970-01-01T03:00:01.000Z | - | forward by 3h | - | clock",
            "the wall clock was set forward by 3h, from 1970-01-01T00:00:01.000Z to 1970-01-01T03:00:01.000Z: what \
             lasts goes on as long as it would have, and events before this one have the times of the clock before",
        );
        let short = Event::clock_set(ClockStep(three_hours - 1), Moment(0));
        assert!(short.text.starts_with("the wall clock was set forward by 3h, "), "{}", short.text);
        let steady = Event::clock_steady(Duration::from_secs(3600), Moment(0));
        assert_eq!(steady.text, "the wall clock has not been set for 1h");
    }
}
