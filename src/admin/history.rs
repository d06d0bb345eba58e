//! What people have done and what came of drills, as JSON: the last events that the log has in memory, the drills that
//! are remembered, and how old the last good drill of each region is.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::State;
use super::status::rfc3339;
use crate::event::{Event, EventKind};
use crate::intent::{self, last_good};
use crate::moment::{Moment, Time};

/// How many events and drills are told unless it is said, and at most: as many as are kept in memory.
const USUAL: usize = 100;
/// The most events that are told at once: all that are kept in memory.
pub const MOST: usize = 1000;

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// How many events, and how many drills, at most.
    limit: Option<usize>,
    /// Events of this kind only: `intent_lifted`; `drill` is also those whose kind begins with `drill_`.
    kind: Option<String>,
    /// Whether what nobody did is told as well.
    #[serde(default)]
    all: bool,
}

/// What has been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// The events, the latest last.
    pub events: Vec<Event>,
    /// The drills, the latest last.
    pub drills: Vec<Drill>,
    /// The last good drill of each region, in the order of the configuration, and of the zones that have had one.
    pub last_good_drills: Vec<LastGood>,
}

/// A drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drill {
    /// The number of its intent.
    pub number: u64,
    /// All of it, as the commands write it.
    pub intent: String,
    /// The region, or the zone as REGION/AZ.
    pub place: String,
    /// How many percent of the clients it kept away.
    pub percent: f64,
    /// For how long, as in `30m`.
    #[serde(rename = "for")]
    pub lasts: Option<String>,
    /// Who wanted it.
    pub author: String,
    /// What for.
    pub reason: String,
    /// When it began.
    pub began_at: String,
    /// When its outcome was known; `null`: it is pending.
    pub ended_at: Option<String>,
    /// `pending`, `succeeded`, `interrupted`, `failed` or `capacity_check_failed`.
    pub outcome: String,
    /// Why, where that is not the course of things.
    pub why: Option<String>,
    /// One line for people.
    pub text: String,
}

/// How old the last good drill of a region or zone is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastGood {
    /// The region, or the zone as REGION/AZ.
    pub place: String,
    /// When it ended; `null`: there was none.
    pub ended_at: Option<String>,
    /// How long ago that is.
    pub age_seconds: Option<u64>,
    /// One line for people: `12 days ago, 10 % for 30m, succeeded`.
    pub text: String,
}

impl Parameters {
    fn limit(&self) -> Result<usize, String> {
        match self.limit {
            None => Ok(USUAL),
            Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
            Some(limit) => Err(format!("`limit` goes from 1 to {MOST}, not {limit}")),
        }
    }

    fn wants(&self, event: &Event) -> bool {
        match &self.kind {
            Some(kind) => event.kind.is_of(kind),
            // The steps of what an operator did are no acts.
            None => self.all || event.author.is_some() && event.kind != EventKind::INTENT_STEP,
        }
    }
}

/// Writes down what has been.
///
/// # Errors
///
/// A sentence, when that many cannot be told.
pub(super) fn page(state: &State, parameters: &Parameters) -> Result<History, String> {
    let limit = parameters.limit()?;
    let events = (state.sources.history)(MOST);
    let wanted: Vec<_> = events.iter().filter(|event| parameters.wants(event)).collect();
    let (seen, now) = (state.seen.load(), (state.sources.now)());
    let drills = &seen.report.drills;
    let regions = seen.report.regions.iter().map(|region| region.name.as_str());
    Ok(History {
        events: last(&wanted, limit).iter().map(|event| Event::clone(event)).collect(),
        drills: last(drills, limit).iter().map(Drill::of).collect(),
        last_good_drills: last_good_drills(drills, regions, now),
    })
}

fn last<T>(list: &[T], at_most: usize) -> &[T] {
    &list[list.len().saturating_sub(at_most)..]
}

/// Returns the ages of the last good drills of all regions, and of the zones that have had a drill.
fn last_good_drills<'n>(
    drills: &[intent::Drill],
    regions: impl Iterator<Item = &'n str>,
    now: Moment,
) -> Vec<LastGood> {
    let mut zones: Vec<String> = drills.iter().map(intent::Drill::place).collect();
    zones.retain(|place| place.contains('/'));
    zones.sort_unstable();
    zones.dedup();
    let mut ages = Vec::new();
    for region in regions {
        ages.push(LastGood::of(drills, region, now));
        let own = zones.iter().filter(|zone| zone.split_once('/').is_some_and(|(of, _)| of == region));
        ages.extend(own.map(|zone| LastGood::of(drills, zone, now)));
    }
    ages
}

impl LastGood {
    fn of(drills: &[intent::Drill], place: &str, now: Moment) -> Self {
        let last = last_good(drills, place);
        let last = last.and_then(|drill| Some((drill, drill.ended_at?)));
        let place = place.to_owned();
        let Some((drill, at)) = last else {
            return Self { place, ended_at: None, age_seconds: None, text: "never".to_owned() };
        };
        let age = now.since(at);
        let text = format!("{}, {}, succeeded", ago(age), drill.extent());
        Self { place, ended_at: Some(rfc3339(at)), age_seconds: Some(age.as_secs()), text }
    }
}

/// Says how long ago something was, as exactly as anybody wants to know of a drill.
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

impl Drill {
    fn of(drill: &intent::Drill) -> Self {
        let intent::Drill { number, request, began_at, ended_at, outcome, why, .. } = drill;
        Self {
            number: *number,
            intent: request.action.to_string(),
            place: drill.place(),
            percent: drill.away().fraction() * 100.0,
            lasts: request.lasts.map(|lasts| Time(lasts).to_string()),
            author: request.author.clone(),
            reason: request.reason.clone(),
            began_at: rfc3339(*began_at),
            ended_at: ended_at.map(rfc3339),
            outcome: outcome.as_str().to_owned(),
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

    fn drill(action: &str, outcome: DrillOutcome, ended_at: u64) -> intent::Drill {
        let lasts = Some(Duration::from_secs(1800));
        let request = Request { action: action.parse().expect("an action"), lasts, ..Request::default() };
        intent::Drill::begin(1, request, Moment(0)).over(outcome, None, Moment(ended_at))
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
        let lines: Vec<_> = ages.iter().map(|age| format!("{}: {}", age.place, age.text)).collect();
        assert_eq!(
            lines,
            [
                "tokyo: 12 days ago, 10 % for 30m, succeeded",
                "tokyo/tokyo-a: 1 hour ago, 50 % for 30m, succeeded",
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
            let parameters = Parameters { limit: None, kind: kind.map(str::to_owned), all };
            let wanted = events.iter().filter(|event| parameters.wants(event));
            assert_eq!(wanted.map(|event| event.kind.as_str()).collect::<Vec<_>>(), expected);
        };
        check(None, false, &["intent_made", "drill_succeeded"]);
        check(None, true, &["intent_made", "intent_step", "drill_succeeded", "health_mismatch"]);
        check(Some("drill"), false, &["drill_succeeded"]);
        check(Some("intent"), false, &["intent_made", "intent_step"]);
        check(Some("int"), false, &[]);
    }

    #[test]
    fn a_limit_has_limits() {
        let limit = |limit| Parameters { limit, ..Parameters::default() }.limit();
        assert_eq!((limit(None), limit(Some(1000))), (Ok(100), Ok(1000)));
        assert_eq!(limit(Some(0)), Err("`limit` goes from 1 to 1000, not 0".to_owned()));
        assert_eq!(last(&[1, 2, 3], 2), [2, 3]);
    }
}
