//! Reads the requests of operators, and tells what became of them.
//!
//! A change that is accepted is in the answers to queries, and on disk, before it is answered.

use super::api::route::NoParameters;
use super::api::{
    ApiError, Approval, ChangeReply, IntentList, IntentRequest, IntentStatus, LiftQuery, ProposalNumber,
    ProposalStatus, RegionName, RuleViolation, Timestamp,
};
use super::state::AdminState;
use crate::control::{Command, Done, Proposal, Rejection, Report, approval};
use crate::intent::{Intent, IntentPhase, Request, SafetyRule};
use crate::units::TimeSpan;

/// Returns the intents in force and the open proposals.
pub(super) fn list(state: &AdminState, _: NoParameters) -> Result<IntentList, ApiError> {
    Ok(IntentList::from(&state.published.load().report))
}

/// Reads the request for an intent.
pub(super) fn intend(_: NoParameters, body: IntentRequest, author: String) -> Result<Command, ApiError> {
    let IntentRequest { intent: action, lasts, reason, overrides, dry_run: is_dry_run } = body;
    action.check().map_err(|wrong| ApiError::bad_request(wrong.to_string()))?;
    let lasts = lasts.map(|TimeSpan(lasts)| lasts);
    Ok(Command::Intend { request: Request { action, author, reason, lasts, overrides }, is_dry_run })
}

/// Reads the request to lift an intent.
pub(super) fn lift(query: LiftQuery, (): (), author: String) -> Result<Command, ApiError> {
    Ok(Command::Lift { number: query.number, author, is_at_once: query.at_once })
}

/// Reads the approval of a proposal.
pub(super) fn approve(
    ProposalNumber { number }: ProposalNumber,
    Approval { reason, overrides, dry_run: is_dry_run }: Approval,
    author: String,
) -> Result<Command, ApiError> {
    Ok(Command::Approve { number, author, reason, overrides, is_dry_run })
}

/// Reads the request to let a region back.
pub(super) fn fail_back(
    RegionName { region }: RegionName,
    (): (),
    author: String,
) -> Result<Command, ApiError> {
    Ok(Command::FailBack { region, author })
}

impl From<Rejection> for ApiError {
    fn from(refusal: Rejection) -> Self {
        let error = refusal.to_string();
        match refusal {
            Rejection::Wrong(_) => Self::bad_request(error),
            Rejection::Unknown(_) => Self::not_found(error),
            Rejection::Conflict(_) => Self::new(409, error),
            Rejection::Unsafe { violations, forecast } => Self {
                violations: violations.into_iter().map(RuleViolation::from).collect(),
                forecast: Some(forecast),
                ..Self::new(409, error)
            },
        }
    }
}

impl From<(SafetyRule, String)> for RuleViolation {
    fn from((rule, sentence): (SafetyRule, String)) -> Self {
        Self { rule, sentence }
    }
}

impl From<&Report> for IntentList {
    fn from(report: &Report) -> Self {
        let is_open = |proposal: &&Proposal| !approval::is_approved(&proposal.region, &report.intents);
        let extent = |region: &str| {
            let regions = report.regions.iter().map(|region| region.name.as_str());
            approval::extent(region, regions, &report.proposals, &report.intents)
        };
        let status = |Proposal { number, region, at }: &Proposal| ProposalStatus {
            number: *number,
            region: region.clone(),
            text: extent(region),
            at: Timestamp(*at),
        };
        Self {
            intents: report.intents.iter().map(IntentStatus::from).collect(),
            proposals: report.proposals.iter().filter(is_open).map(status).collect(),
        }
    }
}

impl From<&Intent> for IntentStatus {
    fn from(intent: &Intent) -> Self {
        let Intent { number, request, made_at, phase } = intent;
        let Request { action, author, reason, overrides, .. } = request;
        let until = intent.until().map(Timestamp);
        let why = match phase {
            IntentPhase::Overdue { why, .. } => Some(why.clone()),
            IntentPhase::Scheduled
            | IntentPhase::Standing
            | IntentPhase::Stepping(_)
            | IntentPhase::Returning(_) => None,
        };
        let end = until.map_or_else(|| "until it is lifted".to_owned(), |until| format!("until {until}"));
        Self {
            number: *number,
            kind: action.word().to_owned(),
            intent: action.to_string(),
            target: action.target(),
            percent: action.away().map(|share| share.fraction() * 100.0),
            author: author.clone(),
            reason: reason.clone(),
            overrides: overrides.clone(),
            made_at: Timestamp(*made_at),
            until,
            state: phase.as_str().to_owned(),
            why,
            text: format!("{action}, {end}, by {author}: {reason}"),
        }
    }
}

impl ChangeReply {
    /// Says what was done without an effect on intents, or with one.
    pub(super) fn new(intent: Option<&Intent>, text: String) -> Self {
        let intent = intent.map(IntentStatus::from);
        Self { intent, snapshot: None, forecast: None, violations: vec![], text, unasked: vec![] }
    }
}

impl From<Done> for ChangeReply {
    fn from(done: Done) -> Self {
        match done {
            Done::Made { intent, snapshot, forecast, replaces, is_kept } => {
                let end =
                    intent.until().map_or_else(String::new, |until| format!(", until {}", Timestamp(until)));
                let forgotten =
                    if is_kept { "" } else { "; it is not written down, so that a restart forgets it" };
                let replaced = replaces.iter().map(|what| format!("; it takes the place of {what}"));
                let replaced = replaced.collect::<String>();
                let is = if intent.phase == IntentPhase::Scheduled { "is scheduled" } else { "is in force" };
                let text = format!(
                    "intent {} {is}: {}{end}{replaced}{forgotten}",
                    intent.number, intent.request.action
                );
                Self { snapshot: Some(snapshot), forecast, ..Self::new(Some(&intent), text) }
            }
            Done::Same(intent) => {
                let text = format!("intent {} is in force already: {}", intent.number, intent.request.action);
                Self::new(Some(&intent), text)
            }
            Done::Tried { forecast, violations } => {
                let verdict = if violations.is_empty() { "accepted" } else { "refused" };
                Self {
                    forecast: Some(forecast),
                    violations: violations.into_iter().map(RuleViolation::from).collect(),
                    ..Self::new(None, format!("nothing was done; it would be {verdict}"))
                }
            }
            Done::Lifted { intent, text } => Self::new(Some(&intent), text),
            Done::LetBack { region } => {
                Self::new(None, format!("{region} is let back: it takes its clients share by share"))
            }
        }
    }
}
