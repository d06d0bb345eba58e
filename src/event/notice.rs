//! What people want to know, one readable line each.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alarm::{Alarm, word};
use crate::canary::Failure;
use crate::config::Level;
use crate::health::{AddressState, FRESH_FOR, Phase, Suppression};
use crate::intent::{self, Action, Drill, DrillOutcome, Intent, Request, Transition};
use crate::moment::{Moment, Time};
use crate::region::{Family, Target};
use crate::share::Share;

/// Something that people want to know. It displays as one line; the parts are there for logs.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// An address failed, too seldom to act: its traffic stays, its TTLs shrink.
    Suspect {
        /// The address.
        target: Target,
        /// What it was before.
        from: AddressState,
        /// The canary that failed.
        canary: String,
        /// How often it has failed in a row.
        failures: u32,
        /// How often it must fail in a row for the address to fall.
        fall: u32,
        /// How it failed.
        failure: Failure,
    },
    /// An address fell, and leaves the answers.
    Down {
        /// The address.
        target: Target,
        /// What it was before.
        from: AddressState,
        /// The canary that took it down.
        canary: String,
        /// How often it has failed in a row.
        failures: u32,
        /// How it failed last.
        failure: Failure,
    },
    /// An address is up again.
    Up {
        /// The address.
        target: Target,
        /// Whether it was down, and not merely suspect.
        was_down: bool,
        /// For how long.
        after: Duration,
    },
    /// A canary that probes a region once has another opinion of it.
    Whole {
        /// The name of the region.
        region: String,
        /// What the region was in the eyes of these canaries.
        from: AddressState,
        /// What it is now.
        state: AddressState,
        /// The canary and how it failed last; `None`: it is up.
        why: Option<(String, Failure)>,
    },
    /// A region or availability zone goes on along its course.
    Turned {
        /// The name of the region.
        region: String,
        /// The name of the zone, if it is one.
        zone: Option<String>,
        /// The family.
        family: Family,
        /// Where it stood before.
        from: Phase,
        /// Where it stands now.
        to: Phase,
        /// The share of its clients that it has there.
        share: Share,
        /// Whether a gate was closed on its ramp, so that this is a step back.
        is_back: bool,
        /// Whether it only would, because the operator wants advice.
        is_advice: bool,
    },
    /// An operator lets a region back that was held or quarantined.
    LetBack {
        /// The name of the region.
        region: String,
        /// Who says so.
        author: String,
    },
    /// Something became of an intent.
    Intent(intent::IntentChange),
    /// Something came of a drill.
    Drill(Box<Drill>),
    /// Somebody lifted an intent.
    Lifted {
        /// The intent.
        intent: Intent,
        /// Who.
        author: String,
    },
    /// A region that is too full sends clients elsewhere, or takes them back.
    Shed {
        /// The name of the region.
        region: String,
        /// The load that it reports.
        load: Option<f64>,
        /// How many of its clients go elsewhere now.
        away: Share,
        /// Whether they are more than before.
        is_more: bool,
    },
    /// Something larger than an address was lost.
    Raised(Alarm),
    /// It is back.
    Cleared(Alarm),
    /// Another configuration or database is in force.
    Reloaded {
        /// The number of the first snapshot that was compiled from it.
        snapshot: u64,
        /// How many zones it has.
        zones: usize,
        /// How many regions it has.
        regions: usize,
    },
    /// Falls that the last run knew of are in force again.
    Remembered {
        /// How many courses of regions and zones, and grades.
        courses: usize,
        /// How many.
        falls: usize,
    },
    /// Falls that the last run knew of are about addresses or canaries that are not in this configuration.
    Foreign {
        /// How many falls, courses and grades.
        entries: usize,
    },
    /// What the last run knew is too old to be worth anything.
    Stale {
        /// When it was written.
        written_at: Moment,
    },
}

/// How loudly something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something is wrong, and was dealt with.
    Warning,
    /// Clients feel it, or soon will.
    Alarm,
}

impl Severity {
    /// Returns how loudly a rule wants its alarm to be said.
    pub(crate) fn of(level: Level) -> Self {
        match level {
            Level::Warning => Self::Warning,
            Level::Alarm => Self::Alarm,
        }
    }
}

impl Notice {
    /// Returns the word that logs and metrics use for this kind of notice.
    pub fn kind(&self) -> &'static str {
        match &self.what {
            What::Suspect { .. } => "address_suspect",
            What::Down { .. } => "address_down",
            What::Up { .. } => "address_up",
            What::Whole { .. } => "region_canary",
            What::Raised(Alarm::Advised { .. }) => "advised",
            What::Cleared(Alarm::Advised { .. }) => "advised_over",
            What::Turned { .. } => "turned",
            What::LetBack { .. } => "let_back",
            What::Intent(event) => match event.turn {
                Transition::Made => "intent",
                Transition::Overdue(_) => "intent_overdue",
                Transition::Step(_) => "intent_step",
                Transition::Stuck => "intent_stuck",
                Transition::Gone => "intent_over",
            },
            What::Drill(drill) => match drill.outcome {
                DrillOutcome::Pending => "drill",
                DrillOutcome::Succeeded => "drill_succeeded",
                DrillOutcome::Interrupted => "drill_interrupted",
                DrillOutcome::Failed => "drill_failed",
                DrillOutcome::CapacityCheckFailed => "drill_capacity_check_failed",
            },
            What::Lifted { .. } => "intent_lifted",
            What::Shed { .. } => "load_shed",
            What::Raised(Alarm::Restrained { .. }) => "region_restrained",
            What::Cleared(Alarm::Restrained { .. }) => "region_restrained_over",
            What::Raised(Alarm::Gray { .. }) => "gray",
            What::Cleared(Alarm::Gray { .. }) => "gray_over",
            What::Raised(Alarm::RegionOut { .. }) => "region_out",
            What::Cleared(Alarm::RegionOut { .. }) => "region_back",
            What::Raised(Alarm::Exhausted { .. }) => "all_down",
            What::Cleared(Alarm::Exhausted { .. }) => "all_down_over",
            What::Raised(Alarm::Measured(excess)) => excess.kind(false),
            What::Cleared(Alarm::Measured(excess)) => excess.kind(true),
            What::Raised(Alarm::ReloadFailed { .. }) => "reload_failed",
            What::Cleared(Alarm::ReloadFailed { .. }) => "reload_failed_over",
            What::Reloaded { .. } => "reloaded",
            What::Remembered { .. } => "health_remembered",
            What::Foreign { .. } => "health_foreign",
            What::Stale { .. } => "health_stale",
        }
    }

    /// Returns how loudly to say it.
    pub fn severity(&self) -> Severity {
        match &self.what {
            What::Raised(
                Alarm::Exhausted { .. } | Alarm::Restrained { restraint: Suppression::Correlated(_), .. },
            ) => Severity::Alarm,
            What::Raised(Alarm::Measured(excess)) => Severity::of(excess.rule.level),
            What::Turned { to: Phase::Down | Phase::Held(_) | Phase::Quarantined { .. }, .. }
            | What::Whole { why: Some(_), .. }
            | What::Shed { .. }
            | What::Raised(
                Alarm::RegionOut { .. }
                | Alarm::Restrained { .. }
                | Alarm::Gray { .. }
                | Alarm::Advised { .. }
                | Alarm::ReloadFailed { .. },
            )
            | What::Suspect { .. }
            | What::Down { .. }
            | What::Foreign { .. }
            | What::Intent(intent::IntentChange {
                turn: Transition::Overdue(_) | Transition::Stuck, ..
            })
            | What::Stale { .. } => Severity::Warning,
            What::Drill(drill) => match drill.outcome {
                DrillOutcome::Failed | DrillOutcome::CapacityCheckFailed => Severity::Warning,
                DrillOutcome::Pending | DrillOutcome::Succeeded | DrillOutcome::Interrupted => Severity::Info,
            },
            What::Turned { .. }
            | What::LetBack { .. }
            | What::Intent(_)
            | What::Lifted { .. }
            | What::Whole { why: None, .. }
            | What::Up { .. }
            | What::Cleared(_)
            | What::Reloaded { .. }
            | What::Remembered { .. } => Severity::Info,
        }
    }

    /// Returns the address that it is about, if it is about one.
    pub fn target(&self) -> Option<&Target> {
        match &self.what {
            What::Suspect { target, .. } | What::Down { target, .. } | What::Up { target, .. } => {
                Some(target)
            }
            What::Raised(_)
            | What::Cleared(_)
            | What::Whole { .. }
            | What::Turned { .. }
            | What::LetBack { .. }
            | What::Intent(_)
            | What::Drill(_)
            | What::Lifted { .. }
            | What::Shed { .. }
            | What::Reloaded { .. }
            | What::Remembered { .. }
            | What::Foreign { .. }
            | What::Stale { .. } => None,
        }
    }

    /// Returns the name of the region that it is about, if it is about one.
    pub fn region(&self) -> Option<&str> {
        match &self.what {
            What::Raised(
                Alarm::RegionOut { region, .. }
                | Alarm::Restrained { region, .. }
                | Alarm::Gray { region, .. }
                | Alarm::Advised { region, .. },
            )
            | What::Cleared(
                Alarm::RegionOut { region, .. }
                | Alarm::Restrained { region, .. }
                | Alarm::Gray { region, .. }
                | Alarm::Advised { region, .. },
            )
            | What::Whole { region, .. }
            | What::Turned { region, .. }
            | What::LetBack { region, .. }
            | What::Shed { region, .. } => Some(region),
            What::Raised(Alarm::Measured(excess)) | What::Cleared(Alarm::Measured(excess)) => {
                excess.region.as_deref()
            }
            What::Intent(intent::IntentChange { intent, .. }) | What::Lifted { intent, .. } => {
                intent.request.action.region()
            }
            What::Drill(drill) => drill.request.action.region(),
            _ => self.target().map(Target::region),
        }
    }

    /// Returns how a canary failed, if that is what it is about.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.what {
            What::Suspect { failure, .. } | What::Down { failure, .. } => Some(failure),
            What::Whole { why, .. } => why.as_ref().map(|(_, failure)| failure),
            _ => None,
        }
    }

    /// Writes what became of a region, a zone, or a share; of anything else, nothing.
    fn fmt_site(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Whole { region, state, why: Some((canary, failure)), .. } => {
                write!(f, "{region} as a whole is {}: {canary} failed, {}", state.as_str(), failure.detail)
            }
            What::Whole { region, state, why: None, .. } => {
                write!(f, "{region} as a whole is {}", state.as_str())
            }
            What::Turned { region, zone, family, to, share, is_back, is_advice, .. } => {
                f.write_str(region)?;
                zone.iter().try_for_each(|zone| write!(f, "/{zone}"))?;
                write!(f, " ({}) ", word(*family))?;
                if *is_advice {
                    f.write_str("would, but for `failover: advise`: it ")?;
                }
                if *is_back {
                    f.write_str("fails too many requests or is too full for more clients: it ")?;
                }
                self.fmt_phase(*to, *share, region, f)
            }
            What::Shed { region, load, away, is_more } => {
                f.write_str(region)?;
                if let Some(load) = load {
                    write!(f, ", at {:.0} % of its capacity,", load * 100.0)?;
                }
                match (*away, is_more) {
                    (Share::NONE, _) => f.write_str(" has all of its clients again"),
                    (away, true) => write!(f, " sends {away} of those who would come to it elsewhere"),
                    (away, false) => write!(
                        f,
                        " takes clients back, and sends {away} of those who would come to it elsewhere yet"
                    ),
                }
            }
            _ => Ok(()),
        }
    }

    fn fmt_phase(&self, phase: Phase, share: Share, region: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match phase {
            Phase::Unknown | Phase::Healthy | Phase::Suspect => f.write_str("takes all of its clients again"),
            Phase::Down => f.write_str("is down"),
            Phase::Recovering { until } => {
                write!(
                    f,
                    "is well again, and waits {} before it takes clients",
                    Seconds(until.since(self.at))
                )
            }
            Phase::Ramp { .. } => write!(f, "takes {share} of its clients"),
            Phase::Held(_) => {
                write!(f, "is held at {share} of its clients: `meridian failback {region}` lets it back")
            }
            Phase::Quarantined { until } => {
                let (left, kept) =
                    (Seconds(until.since(self.at)), "is quarantined after three falls in an hour");
                write!(f, "{kept}, for {left} or until `meridian failback {region}`")
            }
        }
    }

    /// Writes what became of the memory of the last run; of anything else, nothing.
    fn fmt_memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Remembered { falls, courses } => {
                let (falls, courses) = (Count(*falls, "fall"), Count(*courses, "course"));
                write!(
                    f,
                    "remembered from the last run: {falls} in the eyes of canaries, and {courses} of regions "
                )?;
                f.write_str("and zones; they go on from there")
            }
            What::Foreign { entries } => {
                f.write_str("the state of the last run is partly about another configuration: ")?;
                let entries = *entries;
                write!(f, "{entries} of its entries {} ignored", if entries == 1 { "is" } else { "are" })
            }
            What::Stale { written_at } => {
                let age = Seconds(self.at.since(*written_at).max(written_at.since(self.at)));
                let limit = Seconds(FRESH_FOR);
                write!(f, "the state of the last run is ignored: it is {age} away from now, ")?;
                write!(f, "more than {limit}; every address counts as up until its canaries say otherwise")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Suspect { target, canary, failures, fall, failure, .. } => {
                let detail = &failure.detail;
                write!(f, "{target} is suspect: {canary} failed {failures} of {fall} times, {detail}")
            }
            What::Down { target, canary, failures, failure, .. } => {
                let (times, detail) = (Count(*failures as usize, "time"), &failure.detail);
                write!(f, "{target} is down: {canary} failed {times} in a row, {detail}")
            }
            What::Up { target, was_down, after } => {
                let state = if *was_down { "down" } else { "suspect" };
                write!(f, "{target} is up again, was {state} for {}", Seconds(*after))
            }
            What::Whole { .. } | What::Turned { .. } | What::Shed { .. } => self.fmt_site(f),
            What::LetBack { region, author } => write!(f, "{author} lets {region} back"),
            What::Intent(event) => fmt_intent(event, f),
            What::Drill(drill) => drill.fmt(f),
            What::Lifted { intent, author } => {
                write!(f, "{author} lifts intent {} ({})", intent.number, intent.request.action)
            }
            What::Raised(alarm) => alarm.fmt(f),
            What::Cleared(alarm) => alarm.fmt_cleared(f),
            What::Reloaded { snapshot, zones, regions } => {
                let (zones, regions) = (Count(*zones, "zone"), Count(*regions, "region"));
                write!(f, "reloaded: {zones}, {regions}, from snapshot {snapshot} on")
            }
            What::Remembered { .. } | What::Foreign { .. } | What::Stale { .. } => self.fmt_memory(f),
        }
    }
}

/// Writes what became of an intent.
fn fmt_intent(event: &intent::IntentChange, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Intent { number, request, .. } = &event.intent;
    let Request { action, author, reason, lasts, overrides } = request;
    match &event.turn {
        Transition::Made => {
            write!(f, "{author}: {action}")?;
            lasts.iter().try_for_each(|lasts| write!(f, " for {}", Time(*lasts)))?;
            overrides.iter().try_for_each(|rule| write!(f, ", breaking {rule} on purpose"))?;
            write!(f, ": {reason} (intent {number})")
        }
        Transition::Overdue(why) => {
            write!(f, "intent {number} ({action}) is over, and its clients stay away: {why}")
        }
        Transition::Step(share) => match action {
            Action::Weights { members, .. } => {
                let last = members.last().map_or("", |(region, _)| region);
                write!(f, "intent {number} ({action}): {last} has a weight of {share}")
            }
            _ => write!(
                f,
                "intent {number} ({action}) ends step by step: {share} of the clients are where they belong"
            ),
        },
        Transition::Stuck => write!(
            f,
            "intent {number} ({action}) goes no further: too many requests fail, or it is too full; `meridian lift {number} \
             --at-once` ends it all the same"
        ),
        Transition::Gone => write!(f, "intent {number} ({action}) is over"),
    }
}

/// A number of things: `1 name`, `2 names`.
pub(crate) struct Count(pub usize, pub &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, thing) = self;
        write!(f, "{number} {thing}{}", if *number == 1 { "" } else { "s" })
    }
}

/// A duration as people say it: `0.8s`, `35s`, `12min`.
pub(crate) struct Seconds(pub Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0..10 => write!(f, "{:.1}s", self.0.as_secs_f64()),
            seconds @ 10..120 => write!(f, "{seconds}s"),
            seconds @ 120..7200 => write!(f, "{}min", seconds / 60),
            seconds => write!(f, "{}h", seconds / 3600),
        }
    }
}
