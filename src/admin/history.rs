//! Answers `/history`: events, drills, the age of the last good drill of each region, and generations; and reads the request
//! to go back to one.

use std::time::Duration;

use super::api::history::MAX_EVENTS;
use super::api::{
    ApiError, DrillRecord, EventsAndDrills, GenerationEntry, GenerationNumber, HistoryQuery, LastGoodDrill,
    Timestamp,
};
use super::bind::OrderedChange;
use super::state::AdminState;
use crate::event::{Event, EventKind};
use crate::generation::{Generation, GenerationRecord};
use crate::intent::{Drill, last_good};
use crate::moment::Moment;
use crate::region::Target;
use crate::units::TimeSpan;

/// Reads the request to go back to a generation.
pub(super) fn roll_back(
    GenerationNumber { number }: GenerationNumber,
    (): (),
    author: String,
) -> Result<OrderedChange, ApiError> {
    Ok(OrderedChange::Rollback { number, author })
}

/// Returns events and drills.
pub(super) fn history(state: &AdminState, query: HistoryQuery) -> Result<EventsAndDrills, ApiError> {
    let limit = query.limit;
    if !(1..=MAX_EVENTS).contains(&limit) {
        return Err(ApiError::bad_request(format!("`limit` goes from 1 to {MAX_EVENTS}, not {limit}")));
    }
    let events = (state.sources.history)(MAX_EVENTS);
    let wanted: Vec<_> = events.iter().filter(|event| is_wanted(&query, event)).collect();
    let (published, now) = (state.published.load(), (state.sources.now)());
    let drills = &published.report.drills;
    let regions = published.report.regions.iter().map(|region| region.name.as_str());
    Ok(EventsAndDrills {
        events: last(&wanted, limit).iter().map(|event| Event::clone(event)).collect(),
        drills: last(drills, limit).iter().map(DrillRecord::from).collect(),
        last_good_drills: last_good_drills(drills, regions, now),
        generations: state.origin.load().generations.to_vec(),
    })
}

fn is_wanted(query: &HistoryQuery, event: &Event) -> bool {
    match &query.kind {
        Some(kind) => event.kind.is_of(kind),
        // The steps of what an operator did are no acts.
        None => query.all || event.author.is_some() && event.kind != EventKind::INTENT_STEP,
    }
}

fn last<T>(list: &[T], at_most: usize) -> &[T] {
    &list[list.len().saturating_sub(at_most)..]
}

/// Returns the ages of the last good drills of all regions, and of the zones that have had a drill.
fn last_good_drills<'n>(
    drills: &[Drill],
    regions: impl Iterator<Item = &'n str>,
    now: Moment,
) -> Vec<LastGoodDrill> {
    let mut targets: Vec<_> = drills.iter().map(target).filter(|target| target.zone().is_some()).collect();
    targets.sort_unstable();
    targets.dedup();
    let of_region = |region: &str| {
        let zones = targets.iter().filter(|target| target.region() == region).cloned();
        std::iter::once(Target::of_region(region)).chain(zones).collect::<Vec<_>>()
    };
    regions.flat_map(of_region).map(|target| last_good_drill(drills, target, now)).collect()
}

fn last_good_drill(drills: &[Drill], target: Target, now: Moment) -> LastGoodDrill {
    let last = last_good(drills, &target.to_string());
    let Some((drill, at)) = last.and_then(|drill| Some((drill, drill.ended_at?))) else {
        return LastGoodDrill { target, ended_at: None, age_seconds: None, text: "never".to_owned() };
    };
    let age = now.since(at);
    let text = format!("{}, {}, succeeded", ago(age), drill.extent());
    LastGoodDrill { target, ended_at: Some(Timestamp(at)), age_seconds: Some(age.as_secs()), text }
}

fn target(drill: &Drill) -> Target {
    drill.request.action.target().expect("a drill is of a region or zone")
}

/// Writes how long ago something was, to the unit that matters for a drill.
fn ago(age: Duration) -> String {
    let units = [("day", 24 * 3600), ("hour", 3600), ("minute", 60)];
    let unit = units.iter().find(|(_, seconds)| age.as_secs() >= *seconds);
    unit.map_or_else(
        || "just now".to_owned(),
        |(name, seconds)| match age.as_secs() / seconds {
            1 => format!("1 {name} ago"),
            count => format!("{count} {name}s ago"),
        },
    )
}

impl From<&GenerationRecord> for GenerationEntry {
    fn from(record: &GenerationRecord) -> Self {
        let Generation { epoch, counter, origin } = &record.generation;
        Self {
            number: *counter,
            epoch: Timestamp(Moment(*epoch)),
            origin: origin.clone(),
            made_at: Timestamp(record.at),
            cause: record.cause.to_string(),
            author: record.author.clone(),
            commit: record.commit.clone(),
            sha256: record.digest.clone(),
            changes: record.changes.clone(),
            is_kept: record.content.is_some(),
        }
    }
}

impl From<&Drill> for DrillRecord {
    fn from(drill: &Drill) -> Self {
        let Drill { number, request, began_at, ended_at, outcome, why, .. } = drill;
        Self {
            number: *number,
            intent: request.action.to_string(),
            target: target(drill),
            percent: drill.away().fraction() * 100.0,
            lasts: request.lasts.map(|lasts| TimeSpan(lasts).to_string()),
            author: request.author.clone(),
            reason: request.reason.clone(),
            began_at: Timestamp(*began_at),
            ended_at: ended_at.map(Timestamp),
            outcome: *outcome,
            why: why.clone(),
            text: drill.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::{DrillOutcome, Intent, IntentPhase, Request};
    use crate::share::Share;

    const DAY: u64 = 24 * 3600 * 1000;

    fn drill(action: &str, outcome: DrillOutcome, ended_at: u64) -> Drill {
        let lasts = Some(Duration::from_secs(1800));
        let request = Request { action: action.parse().expect("an action"), lasts, ..Request::default() };
        Drill::begin(1, request, Moment(0)).over(outcome, None, Moment(ended_at))
    }

    #[test]
    fn every_region_says_when_it_was_drilled_last_and_well() {
        let drills = [
            drill("drill tokyo", DrillOutcome::Succeeded, DAY),
            drill("drill tokyo", DrillOutcome::Failed, 2 * DAY),
            drill("drill tokyo/tokyo-a 50", DrillOutcome::Succeeded, 13 * DAY - 3600 * 1000),
            drill("drill gone", DrillOutcome::Succeeded, DAY),
        ];
        let ages = last_good_drills(&drills, ["tokyo", "osaka"].into_iter(), Moment(13 * DAY));
        let lines: Vec<_> = ages.iter().map(|age| format!("{}: {}", age.target, age.text)).collect();
        assert_eq!(
            lines,
            [
                "tokyo: 12 days ago, 10% for 30m, succeeded",
                "tokyo/tokyo-a: 1 hour ago, 50% for 30m, succeeded",
                "osaka: never"
            ]
        );
        assert_eq!(ages[0].age_seconds, Some(12 * DAY / 1000));
    }

    #[test]
    fn people_and_drills_are_told_and_all_else_only_when_it_is_asked_for() {
        let intent = Intent {
            number: 1,
            request: Request::default(),
            made_at: Moment(0),
            phase: IntentPhase::Standing,
        };
        let events = [
            Event::intent_made(&intent, Moment(0)),
            Event::intent_step(&intent, Share::HALF, Moment(0)),
            Event::drill_outcome(&drill("drill tokyo", DrillOutcome::Succeeded, DAY), Moment(0)),
            Event::health_mismatch(1, Moment(0)),
        ];
        let check = |kind: Option<&str>, all, expected: &[&str]| {
            let query = HistoryQuery { limit: 100, kind: kind.map(str::to_owned), all };
            let wanted = events.iter().filter(|event| is_wanted(&query, event));
            assert_eq!(wanted.map(|event| event.kind.as_str()).collect::<Vec<_>>(), expected);
        };
        check(None, false, &["intent_made", "drill_succeeded"]);
        check(None, true, &["intent_made", "intent_step", "drill_succeeded", "health_mismatch"]);
        check(Some("drill"), false, &["drill_succeeded"]);
        check(Some("intent"), false, &["intent_made", "intent_step"]);
        check(Some("int"), false, &[]);
    }
}
