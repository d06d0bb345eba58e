//! What operators want, as JSON: the intents in force, taking and lifting one, approving what the machine advises, and
//! letting a region back.
//!
//! | request | answer |
//! |---|---|
//! | `GET /intents` | 200: [`Intents`] |
//! | `POST /intents` with [`Wanted`] | 201: [`Told`]; 200 when it was asked for a moment ago, or is only tried |
//! | `DELETE /intents/NUMBER[?at_once=true]` | 200 |
//! | `POST /proposals/NUMBER/approve` with [`Because`] | 201 |
//! | `POST /failback/REGION` | 200 |
//!
//! What is refused is answered with [`Refused`]: 400 makes no sense, 403 may not, 404 is not there, 409 does not fit
//! what is the case or breaks a rule of safety, 413 is too large, 503 try again. Whatever is accepted is in
//! the answers to queries, and on disk, before it is told.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{self, rejection::QueryRejection};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::State;
use super::access::{self, Caller};
use super::status::rfc3339;
use crate::control::{Command, Done, MAX_REASON, Proposal, Refusal, Report};
use crate::intent::{self, Action, Request, SafetyRule};
use crate::moment::Time;
use crate::region::Target;

/// The largest body: the longest wish and reason, with room for what JSON escapes.
pub const MAX_BODY: usize = 16 << 10;

/// The words for what can be asked for.
const WORDS: [&str; 9] =
    ["shift", "drain", "disable", "force", "failover", "approve", "capacity", "weights", "drill"];

/// A reason: one line, in which something stands.
const REASON: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";

/// What every wish begins with.
fn asked_pattern() -> String {
    format!(r"^\s*({})\s", WORDS.join("|"))
}

/// Any rule of safety.
fn rule() -> serde_json::Value {
    super::openapi::word(&SafetyRule::ALL.map(SafetyRule::as_str))
}

/// What somebody wants.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// What, as the commands write it: `shift tokyo/tokyo-a 50%`.
    #[schemars(length(max = MAX_BODY), extend("pattern" = asked_pattern()), example = "shift tokyo 40%")]
    pub intent: String,
    /// For how long, as in `2h`; left out: the usual time, or until it is lifted.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), regex(pattern = r"^([0-9]{1,9}(h|m|s|ms))+$"), example = "2h")]
    pub lasts: Option<String>,
    /// Why.
    #[schemars(length(max = MAX_REASON), regex(pattern = REASON), example = "a new kernel")]
    pub reason: String,
    /// The rules that are broken on purpose.
    #[serde(rename = "override", default)]
    #[schemars(extend("items" = rule()), example = ["one_at_a_time"])]
    pub overrides: Vec<String>,
    /// Whether only to say what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// Why somebody approves.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    /// Why.
    #[schemars(length(max = MAX_REASON), regex(pattern = REASON), example = "a new kernel")]
    pub reason: String,
}

/// How an intent is lifted.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct How {
    /// Whether its clients come back at once, and not step by step.
    #[serde(default)]
    at_once: bool,
}

/// The intents in force, and what the machine advises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Intents {
    /// The intents, in the order of their numbers.
    pub intents: Vec<Intent>,
    /// The proposals that wait for somebody to approve them.
    pub proposals: Vec<Advice>,
}

/// An intent in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Intent {
    /// Its number.
    pub number: u64,
    /// The word for what it is: `shift`.
    #[schemars(extend("enum" = WORDS))]
    pub kind: String,
    /// All of it, as the commands write it.
    pub intent: String,
    /// The region that it is about.
    pub region: Option<String>,
    /// The availability zone.
    pub zone: Option<String>,
    /// The address.
    pub address: Option<String>,
    /// How many percent of the clients it keeps away.
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<f64>,
    /// Who wants it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// The rules that it breaks on purpose.
    #[serde(rename = "override")]
    pub overrides: Vec<String>,
    /// Since when.
    #[schemars(extend("format" = "date-time"))]
    pub made_at: String,
    /// Until when; `null`: until it is lifted.
    #[schemars(extend("format" = "date-time"))]
    pub until: Option<String>,
    /// Where it stands: `standing`, `stepping`, `overdue`, `returning`, `stuck`.
    #[schemars(extend("enum" = ["standing", "stepping", "overdue", "returning", "stuck"]))]
    pub state: String,
    /// Why its clients stay away although it is over.
    pub why: Option<String>,
    /// One line for people.
    pub text: String,
}

/// Something that the machine would do if it were allowed to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Advice {
    /// Its number.
    pub number: u64,
    /// The region that would leave.
    pub region: String,
    /// Since when.
    #[schemars(extend("format" = "date-time"))]
    pub at: String,
}

/// What was done, or would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// The intent that it is about.
    pub intent: Option<Intent>,
    /// The snapshot that it is in the answers from.
    pub snapshot: Option<u64>,
    /// What is expected to come of it.
    pub prediction: Option<String>,
    /// The rules that it would break; only when it is tried.
    pub violations: Vec<Violation>,
    /// One line for people.
    pub text: String,
}

/// A rule of safety that would be broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// The rule.
    #[schemars(extend("enum" = SafetyRule::ALL.map(SafetyRule::as_str)))]
    pub rule: String,
    /// What would happen, with the numbers.
    pub sentence: String,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// What is wrong, and what to do.
    pub error: String,
    /// The rules that would be broken, if that is why.
    pub violations: Vec<Violation>,
    /// What would have happened.
    pub prediction: Option<String>,
}

type Read = extract::State<Arc<State>>;

/// Answers `GET /intents`.
pub(super) async fn list(extract::State(state): Read) -> Response {
    answer(StatusCode::OK, &Intents::of(&state.seen.load().report))
}

/// Answers `POST /intents`.
pub(super) async fn intend(
    extract::State(state): Read,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, extract::rejection::BytesRejection>,
) -> Response {
    let author = match access::operator(&caller, &headers) {
        Ok(author) => author,
        Err(refusal) => return refusal.into_response(),
    };
    match body_of(body).and_then(|body| wanted(&body).map_err(Wrong::request)) {
        Ok((request, is_dry_run)) => {
            ask(&state, Command::Intend { request: Request { author, ..request }, is_dry_run }).await
        }
        Err(wrong) => wrong.into_response(),
    }
}

/// Answers `DELETE /intents/NUMBER`.
pub(super) async fn lift(
    extract::State(state): Read,
    Extension(caller): Extension<Caller>,
    extract::Path(number): extract::Path<String>,
    how: Result<extract::Query<How>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let author = match access::operator(&caller, &headers) {
        Ok(author) => author,
        Err(refusal) => return refusal.into_response(),
    };
    let how =
        how.map_err(|rejection| Wrong::request(format!("{}; write ?at_once=true", rejection.body_text())));
    match (number_of(&number, "an intent"), how) {
        (Ok(number), Ok(extract::Query(How { at_once }))) => {
            ask(&state, Command::Lift { number, author, is_at_once: at_once }).await
        }
        (Err(wrong), _) | (_, Err(wrong)) => wrong.into_response(),
    }
}

/// Answers `POST /proposals/NUMBER/approve`.
pub(super) async fn approve(
    extract::State(state): Read,
    Extension(caller): Extension<Caller>,
    extract::Path(number): extract::Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, extract::rejection::BytesRejection>,
) -> Response {
    let author = match access::operator(&caller, &headers) {
        Ok(author) => author,
        Err(refusal) => return refusal.into_response(),
    };
    let asked = number_of(&number, "a proposal")
        .and_then(|number| Ok((number, parse::<Because>(&body_of(body)?).map_err(Wrong::request)?)));
    match asked {
        Ok((number, Because { reason })) => ask(&state, Command::Approve { number, author, reason }).await,
        Err(wrong) => wrong.into_response(),
    }
}

/// Answers `POST /failback/REGION`.
pub(super) async fn fail_back(
    extract::State(state): Read,
    Extension(caller): Extension<Caller>,
    extract::Path(region): extract::Path<String>,
    headers: HeaderMap,
) -> Response {
    match access::operator(&caller, &headers) {
        Ok(author) => ask(&state, Command::FailBack { region, author }).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Asks the writer, and answers with what it says.
async fn ask(state: &State, request: Command) -> Response {
    match state.ask(request).await {
        Some(Ok(done)) => {
            let status = if let Done::Made { .. } = done { StatusCode::CREATED } else { StatusCode::OK };
            answer(status, &Told::of(&done))
        }
        Some(Err(refusal)) => refuse(&refusal),
        None => {
            let error = "too much waits, or the server is stopping, so try again".to_owned();
            let refused = Refused { error, violations: Vec::new(), prediction: None };
            answer(StatusCode::SERVICE_UNAVAILABLE, &refused)
        }
    }
}

fn refuse(refusal: &Refusal) -> Response {
    let error = refusal.to_string();
    let (status, violations, prediction) = match refusal {
        Refusal::Wrong(_) => (StatusCode::BAD_REQUEST, Vec::new(), None),
        Refusal::Unknown(_) => (StatusCode::NOT_FOUND, Vec::new(), None),
        Refusal::Conflict(_) => (StatusCode::CONFLICT, Vec::new(), None),
        Refusal::Unsafe { violations, prediction } => {
            (StatusCode::CONFLICT, violations.iter().map(Violation::of).collect(), Some(prediction.clone()))
        }
    };
    answer(status, &Refused { error, violations, prediction })
}

/// A request that is not understood, with the status that says so.
struct Wrong {
    status: StatusCode,
    sentence: String,
}

impl Wrong {
    fn request(sentence: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, sentence }
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        let refused = Refused { error: self.sentence, violations: Vec::new(), prediction: None };
        answer(self.status, &refused)
    }
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Returns the body of a request, unless it is too large or broke off.
fn body_of(body: Result<Bytes, extract::rejection::BytesRejection>) -> Result<Bytes, Wrong> {
    body.map_err(|rejection| {
        let error = format!("{}; a request has at most {MAX_BODY} octets", rejection.body_text());
        Wrong { status: rejection.status(), sentence: error }
    })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| format!("the body is not as /openapi.json says: {error}"))
}

fn number_of(text: &str, what: &str) -> Result<u64, Wrong> {
    text.parse().map_err(|_| Wrong::request(format!("`{text}` is not the number of {what}")))
}

/// Reads what somebody wants, whoever that is.
fn wanted(body: &[u8]) -> Result<(Request, bool), String> {
    let Wanted { intent, lasts, reason, overrides, dry_run } = parse(body)?;
    let action: Action = intent.parse().map_err(|wrong: intent::InvalidAction| wrong.to_string())?;
    let lasts = lasts.map(|text| Time::parse(&text).ok_or(text)).transpose();
    let lasts = lasts.map_err(|text| format!("`{text}` is not a time such as 2h or 90m"))?;
    let rule = |word: &String| {
        let rules = SafetyRule::ALL.map(SafetyRule::as_str).join(", ");
        word.parse().map_err(|()| format!("`{word}` is not a rule; there are {rules}"))
    };
    let overrides = overrides.iter().map(rule).collect::<Result<_, _>>()?;
    let lasts = lasts.map(|lasts| lasts.0);
    Ok((Request { action, author: String::new(), reason, lasts, overrides }, dry_run))
}

impl Intents {
    /// Returns the intents in force, and what the machine advises.
    pub(super) fn of(report: &Report) -> Self {
        let advice = |Proposal { number, region, at }: &Proposal| Advice {
            number: *number,
            region: region.clone(),
            at: rfc3339(*at),
        };
        let is_open = |proposal: &&Proposal| {
            let approved = Action::Approve { region: proposal.region.clone() };
            report.intents.iter().all(|intent| intent.request.action != approved)
        };
        Self {
            intents: report.intents.iter().map(Intent::of).collect(),
            proposals: report.proposals.iter().filter(is_open).map(advice).collect(),
        }
    }
}

impl Intent {
    /// Returns what is told of an intent.
    pub fn of(intent: &intent::Intent) -> Self {
        let intent::Intent { number, request, made_at, phase } = intent;
        let Request { action, author, reason, overrides, .. } = request;
        let target = action.target();
        let until = intent.until().map(rfc3339);
        let why = match phase {
            intent::IntentPhase::Overdue { why, .. } => Some(why.clone()),
            intent::IntentPhase::Standing
            | intent::IntentPhase::Stepping(_)
            | intent::IntentPhase::Returning(_) => None,
        };
        let end =
            until.as_ref().map_or_else(|| "until it is lifted".to_owned(), |until| format!("until {until}"));
        Self {
            number: *number,
            kind: action.word().to_owned(),
            intent: action.to_string(),
            region: target.as_ref().map(|target| target.region().to_owned()),
            zone: target.as_ref().and_then(|target| target.zone().map(str::to_owned)),
            address: target.as_ref().and_then(Target::address).map(|address| address.to_string()),
            percent: action.away().map(|share| share.fraction() * 100.0),
            author: author.clone(),
            reason: reason.clone(),
            overrides: overrides.iter().map(ToString::to_string).collect(),
            made_at: rfc3339(*made_at),
            until,
            state: phase.as_str().to_owned(),
            why,
            text: format!("{action}, {end}, by {author}: {reason}"),
        }
    }
}

impl Violation {
    fn of((rule, sentence): &(SafetyRule, String)) -> Self {
        Self { rule: rule.to_string(), sentence: sentence.clone() }
    }
}

impl Told {
    fn of(done: &Done) -> Self {
        let told = |intent: Option<&intent::Intent>, text: String| Self {
            intent: intent.map(Intent::of),
            snapshot: None,
            prediction: None,
            violations: Vec::new(),
            text,
        };
        match done {
            Done::Made { intent, snapshot, prediction, is_kept } => {
                let end =
                    intent.until().map_or_else(String::new, |until| format!(", until {}", rfc3339(until)));
                let forgotten = match is_kept {
                    true => "",
                    false => "; it is not written down, so that a restart forgets it",
                };
                let text = format!(
                    "intent {} is in force: {}{end}{forgotten}",
                    intent.number, intent.request.action
                );
                Self { snapshot: Some(*snapshot), prediction: prediction.clone(), ..told(Some(intent), text) }
            }
            Done::Same(intent) => told(
                Some(intent),
                format!("intent {} is in force already: {}", intent.number, intent.request.action),
            ),
            Done::Tried { prediction, violations } => {
                let text = match violations.len() {
                    0 => "nothing was done; it would be accepted".to_owned(),
                    _ => "nothing was done; it would be refused".to_owned(),
                };
                Self {
                    prediction: Some(prediction.clone()),
                    violations: violations.iter().map(Violation::of).collect(),
                    ..told(None, text)
                }
            }
            Done::Lifted { intent, text } => told(Some(intent), text.clone()),
            Done::LetBack { region } => {
                told(None, format!("{region} is let back: it takes its clients share by share"))
            }
        }
    }
}
