//! The drills that are remembered, and those that the schedule starts.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::event::Event;
use crate::intent::{self, Drill, DrillOutcome, MAX_DRILLS, Request, Schedule, Transition, last_good};
use crate::moment::{ClockStep, FollowClock, Moment};

/// Who starts drills by the schedule, and why.
const AUTHOR: &str = "schedule";

const REASON: &str = "drill by schedule";

/// How late a drill may start by the schedule. One that is later was missed, and is not made up for: no operator expects
/// it then.
const LATEST: Duration = Duration::from_secs(60);

/// The drills that have been and are, and those to come.
#[derive(Debug, Default)]
pub(super) struct DrillLog {
    /// In the order of their numbers. Shared with reports.
    records: Arc<Vec<Drill>>,
    starts: Vec<Start>,
}

/// A drill of the schedule, and when it starts next.
#[derive(Debug)]
struct Start {
    schedule: Schedule,
    next: Option<Moment>,
}

impl DrillLog {
    /// Goes on with what an earlier life left, under the schedule of this configuration.
    pub(super) fn adopt(records: Vec<Drill>, config: &Config, now: Moment) -> Self {
        let mut drills = Self { records: Arc::new(records), starts: Vec::new() };
        drills.reload(config, now);
        drills
    }

    /// Follows the schedule of another configuration. What is as it was starts when it would have.
    pub(super) fn reload(&mut self, config: &Config, now: Moment) {
        let before = std::mem::take(&mut self.starts);
        let start = |schedule: &Schedule| {
            let same = before.iter().find(|start| start.schedule == *schedule);
            let next = same.map_or_else(|| schedule.next(now), |start| start.next);
            Start { schedule: schedule.clone(), next }
        };
        self.starts = config.drills.iter().map(start).collect();
    }

    /// Follows the clock, and looks for the next starts anew: they are times of the wall clock.
    pub(super) fn follow_clock(&mut self, step: ClockStep, now: Moment) {
        self.records.follow_clock(step);
        self.starts.iter_mut().for_each(|start| start.next = start.schedule.next(now));
    }

    /// Returns the drills that are remembered, the latest last.
    pub(super) fn records(&self) -> &Arc<Vec<Drill>> {
        &self.records
    }

    /// Returns when the schedule starts the next; `None`: it starts none.
    pub(super) fn wake(&self) -> Option<Moment> {
        self.starts.iter().filter_map(|start| start.next).min()
    }

    /// Returns the drills that are to start now, and looks for their next starts.
    pub(super) fn due(&mut self, now: Moment) -> Vec<Request> {
        let due = self.starts.iter_mut().filter(|start| start.next.is_some_and(|next| next <= now));
        let request = due.filter_map(|Start { schedule, next }| {
            let is_missed = next.is_some_and(|next| now.since(next) > LATEST);
            *next = schedule.next(now);
            (!is_missed).then(|| Request {
                action: schedule.action.clone(),
                author: AUTHOR.to_owned(),
                reason: REASON.to_owned(),
                lasts: Some(schedule.lasts),
                overrides: Vec::new(),
            })
        });
        request.collect()
    }

    /// Remembers a drill, and forgets one for it if need be: the oldest that is no region's last good one.
    pub(super) fn add(&mut self, drill: Drill) {
        let records = Arc::make_mut(&mut self.records);
        records.push(drill);
        if records.len() > MAX_DRILLS {
            let is_needed = |drill: &Drill| {
                drill.is_pending()
                    || last_good(records, &drill.place()).is_some_and(|last| last.number == drill.number)
            };
            let oldest = records.iter().position(|drill| !is_needed(drill)).unwrap_or(0);
            records.remove(oldest);
        }
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = &Drill> {
        self.records.iter().filter(|drill| drill.is_pending())
    }

    /// Says what came of a drill that is pending; `None`: there is none with this number.
    pub(super) fn settle(
        &mut self,
        number: u64,
        outcome: DrillOutcome,
        why: Option<String>,
        now: Moment,
    ) -> Option<Event> {
        let is_meant = |drill: &Drill| drill.is_pending() && drill.number == number;
        let index = self.records.iter().position(is_meant)?;
        let drill = &mut Arc::make_mut(&mut self.records)[index];
        *drill = drill.clone().over(outcome, why, now);
        Some(Event::drill_outcome(drill, now))
    }

    /// Says what came of drills by what became of their intents.
    pub(super) fn hear(&mut self, events: &[intent::IntentChange], now: Moment) -> Vec<Event> {
        let settled = events.iter().filter_map(|event| match event.turn {
            Transition::Gone => self.settle(event.intent.number, DrillOutcome::Succeeded, None, now),
            Transition::Stuck => {
                let why = "its clients cannot all come back: too many requests fail, or it is too full";
                self.settle(event.intent.number, DrillOutcome::Failed, Some(why.to_owned()), now)
            }
            Transition::Made | Transition::Begun | Transition::Overdue(_) | Transition::Step(_) => None,
        });
        settled.collect()
    }

    /// Says that an operator lifted an intent, if it is a drill.
    pub(super) fn lifted(&mut self, number: u64, author: &str, now: Moment) -> Option<Event> {
        self.settle(number, DrillOutcome::Interrupted, Some(format!("{author} lifted it")), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drills_are_forgotten_the_oldest_first_but_for_the_last_good_one_of_a_region() {
        let mut drills = DrillLog::default();
        let good = |number: u64| number == 3;
        for number in 1..=(MAX_DRILLS as u64 + 10) {
            let request = Request { action: "drill osaka".parse().expect("an action"), ..Request::default() };
            let outcome = if good(number) { DrillOutcome::Succeeded } else { DrillOutcome::Failed };
            drills.add(Drill::begin(number, request, Moment(0)).over(outcome, None, Moment(1)));
        }
        assert_eq!(drills.records.len(), MAX_DRILLS);
        let first: Vec<u64> = drills.records.iter().take(3).map(|drill| drill.number).collect();
        assert_eq!(first, [3, 12, 13]);
    }
}
