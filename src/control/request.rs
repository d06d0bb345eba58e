//! What operators ask of the writer, what is wrong with its form or its time, and what the writer answers.

use std::time::Duration;

use crate::intent::{Intent, LONGEST_AHEAD, LONGEST_TIME, MAX_REASON, Request, SHORTEST_TIME, SafetyRule};
use crate::moment::Moment;
use crate::region::UnknownTarget;
use crate::units::{TimeSpan, is_readable};

/// A command of an operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Intend {
        /// What, why, and for how long.
        request: Request,
        /// Whether only to say what would happen.
        is_dry_run: bool,
    },
    /// The end of an intent.
    Lift {
        number: u64,
        author: String,
        /// Whether its clients come back at once, and not step by step.
        is_at_once: bool,
    },
    /// That what the machine advised is done.
    Approve {
        /// The number of the proposal.
        number: u64,
        author: String,
        reason: String,
        /// The safety rules that are broken on purpose.
        overrides: Vec<SafetyRule>,
        /// Whether only to say what would happen.
        is_dry_run: bool,
    },
    /// That a region is let back which is held or quarantined.
    FailBack {
        /// The name of the region.
        region: String,
        author: String,
    },
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// An intent is in force from the snapshot with this number on.
    Made {
        intent: Intent,
        snapshot: u64,
        /// What is expected to come of it.
        forecast: Option<String>,
        /// What it takes the place of that the configuration says.
        replaces: Option<String>,
        /// Whether it survives a restart. The shell knows.
        is_kept: bool,
    },
    /// It was asked for a moment ago, and is in force.
    Same(Intent),
    /// Nothing: this would happen.
    Tried {
        /// What is expected to come of it.
        forecast: String,
        /// The rules that it would break, each with a sentence.
        violations: Vec<(SafetyRule, String)>,
    },
    /// An intent was lifted; its clients come back step by step unless it says otherwise.
    Lifted {
        /// The intent as it is now, or was at last.
        intent: Intent,
        /// What becomes of its clients.
        text: String,
    },
    LetBack {
        region: String,
    },
}

/// Why it was not done. Each says what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// It makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// It is about something that is not there.
    #[error("{0}")]
    Unknown(String),
    /// It does not fit what is the case.
    #[error("{0}")]
    Conflict(String),
    /// It would break rules of safety.
    #[error("{}", unsafe_text(violations))]
    Unsafe {
        /// The rules, each with a sentence that has the numbers.
        violations: Vec<(SafetyRule, String)>,
        forecast: String,
    },
}

impl From<UnknownTarget> for Rejection {
    fn from(unknown: UnknownTarget) -> Self {
        Self::Unknown(unknown.to_string())
    }
}

fn unsafe_text(violations: &[(SafetyRule, String)]) -> String {
    let sentences: Vec<_> = violations.iter().map(|(rule, text)| format!("{text} ({rule})")).collect();
    let mut rules: Vec<_> = violations.iter().map(|(rule, _)| rule.as_str()).collect();
    rules.dedup();
    format!(
        "refused: {}; to break this on purpose, for at most {}, add --override {}",
        sentences.join("; "),
        TimeSpan(SafetyRule::LONGEST_OVERRIDE),
        rules.join(" --override ")
    )
}

/// Returns how long a request stands that does not say so; `None`: until it is lifted. What breaks a rule always ends.
pub(super) fn usual_time(request: &Request) -> Option<Duration> {
    let usual = request.action.usual_time();
    match request.overrides.is_empty() {
        true => usual,
        false => Some(usual.unwrap_or(SafetyRule::LONGEST_OVERRIDE).min(SafetyRule::LONGEST_OVERRIDE)),
    }
}

/// Returns what is wrong with the form of a command, whatever the state.
pub(super) fn wrong_form(request: &Request, now: Moment) -> Option<String> {
    let Request { action, reason, lasts, overrides, .. } = request;
    let rules = action.rules();
    if let Some(foreign) = overrides.iter().find(|rule| !rules.contains(rule)) {
        let word = action.word();
        let rules: Vec<_> = rules.iter().map(|rule| rule.as_str()).collect();
        return Some(match rules.is_empty() {
            true => format!("`{word}` breaks no safety rule, so there is nothing to override"),
            false => format!("`{word}` cannot break {foreign}; it can break {}", rules.join(", ")),
        });
    }
    if let Some(at) = action.begins_at()
        && (at < now || at > now.plus(LONGEST_AHEAD))
    {
        return Some(format!(
            "what is asked for ahead begins within {} from now, not at {at}",
            TimeSpan(LONGEST_AHEAD)
        ));
    }
    match lasts {
        _ if reason.trim().is_empty() => Some("say why: a reason of at least one word".to_owned()),
        _ if reason.len() > MAX_REASON || !is_readable(reason) => Some(format!(
            "the reason must be one line of at most {MAX_REASON} octets, without characters that are not seen"
        )),
        Some(lasts) if *lasts < SHORTEST_TIME || *lasts > LONGEST_TIME => Some(format!(
            "an intent stands for {} to {}, not for {}",
            TimeSpan(SHORTEST_TIME),
            TimeSpan(LONGEST_TIME),
            TimeSpan(*lasts)
        )),
        Some(lasts) if !overrides.is_empty() && *lasts > SafetyRule::LONGEST_OVERRIDE => Some(format!(
            "what breaks a rule stands for at most {}, not for {}",
            TimeSpan(SafetyRule::LONGEST_OVERRIDE),
            TimeSpan(*lasts)
        )),
        None if request.action.usual_time().is_some() => Some(format!(
            "`{}` needs an end: say for how long, {} to {}",
            request.action.word(),
            TimeSpan(SHORTEST_TIME),
            TimeSpan(LONGEST_TIME)
        )),
        Some(_) | None => None,
    }
}
