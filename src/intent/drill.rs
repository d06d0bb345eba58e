//! A drill as it is remembered: what was asked for, and what came of it.
//!
//! ```text
//!  asked for ──▶ pending ──── its time is over, and its clients are back ────▶ succeeded
//!      │            ├──────── an operator lifts it, or shifts, drains, disables ▶ interrupted
//!      │            ╰──────── an alarm, or the rule that was given ────────────▶ failed
//!      ╰── refused for what it would lead to ──────────────────────────────────▶ capacity check failed
//! ```
//!
//! While it is pending, its clients are kept away by the intent of the same number. What watches it is in `control`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Request;
use crate::moment::{ClockStep, FollowClock, Moment};
use crate::share::Share;
use crate::units::TimeSpan;

/// The most drills that are remembered: two a week of each of two regions for a year.
pub const MAX_DRILLS: usize = 200;

/// The longest sentence that says why, in octets: it stands on disk as often as there are drills.
const MAX_WHY: usize = 500;

/// A drill, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    /// The number of its intent, or one that no intent has if it was never in force.
    pub number: u64,
    /// What was asked for; the wish is a drill.
    pub request: Request,
    pub began_at: Moment,
    /// When its outcome was known; `None`: it is pending.
    pub ended_at: Option<Moment>,
    /// What came of it.
    pub outcome: DrillOutcome,
    /// Why, where that is not the course of things.
    pub why: Option<String>,
    /// The regions that its clients were expected to go to.
    pub given: Vec<String>,
    /// The keys of the alarms that stood when it began; empty when it is over.
    pub standing: Vec<String>,
}

/// What came of a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DrillOutcome {
    /// It is under way, or its clients are on their way back.
    Pending,
    /// It lasted as long as it was to, and its clients are back.
    Succeeded,
    /// An operator ended it, or something kept it from running.
    Interrupted,
    /// There was an alarm, or the rule that it was given was broken.
    Failed,
    /// It would have led to no good, and was not begun.
    CapacityCheckFailed,
}

impl DrillOutcome {
    /// Returns the word that `/history`, logs and the file of intents use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::CapacityCheckFailed => "capacity_check_failed",
        }
    }
}

impl Drill {
    /// Returns a drill that begins now.
    pub fn begin(number: u64, request: Request, now: Moment) -> Self {
        let (outcome, ended_at, why) = (DrillOutcome::Pending, None, None);
        Self {
            number,
            request,
            began_at: now,
            ended_at,
            outcome,
            why,
            given: Vec::new(),
            standing: Vec::new(),
        }
    }

    /// Returns the same drill, over.
    pub fn over(self, outcome: DrillOutcome, why: Option<String>, now: Moment) -> Self {
        let why = why.map(|mut why| {
            why.truncate(why.floor_char_boundary(MAX_WHY));
            why
        });
        Self { ended_at: Some(now), outcome, why, standing: Vec::new(), ..self }
    }

    /// Returns whether its outcome is not known yet.
    pub fn is_pending(&self) -> bool {
        self.outcome == DrillOutcome::Pending
    }

    /// Returns the region or zone that it is about, as it is written: `tokyo/tokyo-a`.
    pub fn place(&self) -> String {
        self.request.action.target().map_or_else(String::new, |target| target.to_string())
    }

    /// Returns how many of the clients it keeps away.
    pub fn away(&self) -> Share {
        self.request.action.away().unwrap_or(Share::NONE)
    }

    /// Says how much for how long: `10 % for 30m`.
    pub fn extent(&self) -> String {
        let lasts = self.request.lasts.map_or_else(String::new, |lasts| format!(" for {}", TimeSpan(lasts)));
        format!("{}{lasts}", self.away())
    }
}

/// Returns the last drill of a region or zone that succeeded; `None`: none has, or it is forgotten.
pub fn last_good<'d>(drills: &'d [Drill], place: &str) -> Option<&'d Drill> {
    drills.iter().rev().find(|drill| drill.outcome == DrillOutcome::Succeeded && drill.place() == place)
}

impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, request, outcome, why, .. } = self;
        write!(f, "`{}` ({number}) ", request.action)?;
        f.write_str(match outcome {
            DrillOutcome::Pending => "is under way",
            DrillOutcome::Succeeded => "succeeded",
            DrillOutcome::Interrupted => "was interrupted",
            DrillOutcome::Failed => "failed",
            DrillOutcome::CapacityCheckFailed => "was not begun, for the capacity check failed",
        })?;
        why.iter().try_for_each(|why| write!(f, ": {why}"))
    }
}

impl FollowClock for Drill {
    fn follow_clock(&mut self, step: ClockStep) {
        // What is over was told with its times, and may be another life's.
        if self.is_pending() {
            self.began_at.follow_clock(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drill(action: &str) -> Drill {
        let request = Request { action: action.parse().expect("an action"), ..Request::default() };
        Drill::begin(3, request, Moment(1000))
    }

    #[test]
    fn the_last_good_drill_of_a_region_is_not_that_of_one_of_its_zones() {
        let over = |action, outcome, at| drill(action).over(outcome, None, Moment(at));
        let drills = [
            over("drill tokyo", DrillOutcome::Succeeded, 1),
            over("drill tokyo", DrillOutcome::Succeeded, 2),
            over("drill tokyo/tokyo-a", DrillOutcome::Succeeded, 3),
            over("drill tokyo", DrillOutcome::Failed, 4),
        ];
        let at = |place| last_good(&drills, place).and_then(|drill| drill.ended_at);
        assert_eq!(at("tokyo"), Some(Moment(2)));
        assert_eq!(at("tokyo/tokyo-a"), Some(Moment(3)));
        assert_eq!(at("osaka"), None);
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let failed = drill("drill tokyo").over(DrillOutcome::Failed, Some("ä".repeat(MAX_WHY)), Moment(2000));
        assert_eq!(failed.why.as_deref(), Some("ä".repeat(MAX_WHY / 2).as_str()));
        assert!(failed.to_string().starts_with("`drill tokyo 10% abort-when alarm` (3) failed: ä"));
    }
}
