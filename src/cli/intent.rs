//! The commands for intents: each writes one intent and asks the running server for it.
//!
//! What is right or wrong with an intent is known to the server alone; here it is only put into words.

use std::process::ExitCode;

use anyhow::bail;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::server::ServerArgs;
use super::{FAILURE, drain_status, output};
use crate::admin::api::route::NoParameters;
use crate::admin::api::{
    ApiError, Approval, ChangeReply, IntentList, IntentRequest, LiftQuery, ProposalNumber, Route, routes,
};
use crate::intent::SafetyRule;
use crate::region::Target;
use crate::units::TimeSpan;

/// An operator and a server.
#[derive(Clone, Debug, Args)]
pub struct OperatorArgs {
    /// Name this author in the server's log, besides the name of the token; without it, $USER
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    #[command(flatten)]
    pub server: ServerArgs,
}

/// How carefully an intent is made, and by which operator.
#[derive(Clone, Debug, Args)]
pub struct CareArgs {
    /// Forecast the effect and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Break this safety rule on purpose, for at most 4h
    #[arg(long = "override", value_name = "RULE", value_parser = rules())]
    overrides: Vec<SafetyRule>,

    #[command(flatten)]
    pub operator: OperatorArgs,
}

/// Why an intent is made, and how carefully.
#[derive(Clone, Debug, Args)]
pub struct TermsArgs {
    /// Record this reason in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    pub care: CareArgs,
}

fn rules() -> impl TypedValueParser<Value = SafetyRule> {
    let words = PossibleValuesParser::new(SafetyRule::ALL.map(SafetyRule::as_str));
    words.map(|word| word.parse().expect("it is one of the words"))
}

/// Send clients of a region or availability zone elsewhere
///
/// The share is a set of /24s (IPv6: /48s) that is the same on every instance. When the time is over, or with
/// `unshift`, they come back by the ramp of the region, if it is well and has room; else they stay away, and the
/// server says so.
#[derive(Debug, Args)]
pub struct ShiftArgs {
    /// REGION or REGION/AZ
    target: Target,

    /// Send this percentage of its clients elsewhere
    #[arg(long, default_value = "100", value_name = "N")]
    percent: String,

    /// Bring them back after this time, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "2h")]
    lasts: TimeSpan,

    #[command(flatten)]
    terms: TermsArgs,
}

/// Send all clients of a region or availability zone elsewhere, and know when the last one is gone
#[derive(Debug, Args)]
pub struct DrainArgs {
    /// REGION or REGION/AZ
    target: Target,

    /// Bring them back after this time, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "2h")]
    lasts: TimeSpan,

    /// Wait until no resolver may lawfully hold its addresses; exit with 1 when that is not reached in time
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,

    /// Wait for at most this time
    #[arg(long, value_name = "TIME", default_value = "30m", requires = "wait")]
    timeout: TimeSpan,

    #[command(flatten)]
    terms: TermsArgs,
}

/// Take a region or availability zone out of every answer, even of those that fail open
#[derive(Debug, Args)]
pub struct DisableArgs {
    /// REGION or REGION/AZ
    target: Target,

    /// Enable it after this time, 1m to 72h; without it, only by `enable`
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<TimeSpan>,

    #[command(flatten)]
    terms: TermsArgs,
}

/// Override the health state of a region, zone or address
///
/// The verdict of the canaries is kept: `auto` returns to it.
#[derive(Debug, Args)]
pub struct ForceArgs {
    /// REGION, REGION/AZ or REGION/AZ/ADDRESS
    target: Target,

    /// The state; `auto` ends the override
    state: ForcedState,

    /// End it after this time, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "6h")]
    lasts: TimeSpan,

    /// Record this reason in the audit log; `auto` needs none
    #[arg(long, value_name = "TEXT", required_if_eq_any([("state", "up"), ("state", "down")]))]
    reason: Option<String>,

    #[command(flatten)]
    care: CareArgs,
}

/// A forced health state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ForcedState {
    Up,
    Down,
    Auto,
}

/// Set what the server may do about regions that should leave
///
/// `auto`: it acts. `advise`: it proposes a failover that an operator may `approve`. `off`: not even that.
#[derive(Debug, Args)]
pub struct FailoverArgs {
    /// The mode
    #[arg(value_parser = ["auto", "advise", "off"])]
    mode: String,

    /// Set it for this region only
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    /// Return to the configured mode after this time, 1m to 72h; without it, only by `lift`
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<TimeSpan>,

    #[command(flatten)]
    terms: TermsArgs,
}

/// Set how much of its configured capacity a region has
#[derive(Debug, Args)]
pub struct CapacityArgs {
    /// The region
    region: String,

    /// The percentage of the configured capacity, 1% to 1000%
    percent: String,

    /// Return to the configured capacity after this time, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "6h")]
    lasts: TimeSpan,

    #[command(flatten)]
    terms: TermsArgs,
}

/// Divide the clients of a name between regions: blue and green
///
/// Clients whose way leads to one of the regions are divided between those of them that are in service and
/// permitted, by sets of /24s. With --steps the last region named goes up step by step, while the gates of its
/// ramp are open; a step back at the first closed gate, and no further after the second.
#[derive(Debug, Args)]
pub struct WeightsArgs {
    /// The steered name
    name: String,

    /// REGION=N, two to eight of them
    #[arg(value_name = "REGION=N", num_args = 2.., required = true)]
    members: Vec<String>,

    /// Raise the share of the last region by these steps, such as 10,50,100
    #[arg(long, value_name = "P,P,…")]
    steps: Option<String>,

    /// Hold each step for this time
    #[arg(long, value_name = "TIME", requires = "steps", default_value = "10m")]
    hold: String,

    #[command(flatten)]
    terms: TermsArgs,
}

/// End an intent about a region or availability zone
///
/// Its clients come back by the ramp of the region, if it is well and has room.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// REGION or REGION/AZ
    target: Target,

    /// Bring its clients back at once
    #[arg(long)]
    at_once: bool,

    #[command(flatten)]
    operator: OperatorArgs,
}

/// End an intent by its number
#[derive(Debug, Args)]
pub struct LiftArgs {
    /// Its number, as `intents` shows it
    number: u64,

    /// Bring its clients back at once
    #[arg(long)]
    at_once: bool,

    #[command(flatten)]
    operator: OperatorArgs,
}

/// Carry out a failover that the server proposes
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The number of the proposal, as `intents` shows it
    number: u64,

    /// Record this reason in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    operator: OperatorArgs,
}

/// Show the intents in force and the open proposals
#[derive(Debug, Args)]
pub struct IntentsArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerArgs,
}

/// Runs `shift`.
///
/// # Errors
///
/// When the server cannot be asked, or refuses. So with all of them.
pub fn shift(ShiftArgs { target, percent, lasts, terms }: &ShiftArgs) -> anyhow::Result<ExitCode> {
    terms.intend(format!("shift {target} {percent}"), Some(*lasts))
}

/// Runs `drain`.
///
/// # Errors
///
/// As [`shift`].
pub fn drain(DrainArgs { target, lasts, wait, timeout, terms }: &DrainArgs) -> anyhow::Result<ExitCode> {
    let answer = terms.ask(format!("drain {target}"), Some(*lasts));
    let number = answer.as_ref().ok().and_then(|reply| reply.intent.as_ref()).map(|intent| intent.number);
    let done = report(answer, terms.is_trial())?;
    match number.filter(|_| *wait) {
        Some(number) if !drain_status::wait(&terms.care.operator.server, timeout.0, || Ok(number))? => {
            Ok(ExitCode::from(FAILURE))
        }
        Some(_) | None => Ok(done),
    }
}

/// Runs `disable`.
///
/// # Errors
///
/// As [`shift`].
pub fn disable(DisableArgs { target, lasts, terms }: &DisableArgs) -> anyhow::Result<ExitCode> {
    terms.intend(format!("disable {target}"), *lasts)
}

/// Runs `force`.
///
/// # Errors
///
/// As [`shift`].
pub fn force(arguments: &ForceArgs) -> anyhow::Result<ExitCode> {
    let ForceArgs { target, state, lasts, reason, care } = arguments;
    let word = match state {
        ForcedState::Auto => return care.operator.undo("force", target, false),
        ForcedState::Up => "up",
        ForcedState::Down => "down",
    };
    let terms = TermsArgs { reason: reason.clone().unwrap_or_default(), care: care.clone() };
    terms.intend(format!("force {target} {word}"), Some(*lasts))
}

/// Runs `failover`.
///
/// # Errors
///
/// As [`shift`].
pub fn failover(FailoverArgs { mode, region, lasts, terms }: &FailoverArgs) -> anyhow::Result<ExitCode> {
    let region = region.as_ref().map_or_else(String::new, |region| format!(" {region}"));
    terms.intend(format!("failover {mode}{region}"), *lasts)
}

/// Runs `capacity`.
///
/// # Errors
///
/// As [`shift`].
pub fn capacity(CapacityArgs { region, percent, lasts, terms }: &CapacityArgs) -> anyhow::Result<ExitCode> {
    terms.intend(format!("capacity {region} {percent}"), Some(*lasts))
}

/// Runs `weights`.
///
/// # Errors
///
/// As [`shift`].
pub fn weights(WeightsArgs { name, members, steps, hold, terms }: &WeightsArgs) -> anyhow::Result<ExitCode> {
    let steps = steps.as_ref().map_or_else(String::new, |steps| format!(" steps {steps} hold {hold}"));
    terms.intend(format!("weights {name} {}{steps}", members.join(" ")), None)
}

/// Runs `unshift`, `undrain` and `enable`, which end an intent of this kind.
///
/// # Errors
///
/// As [`shift`], and when there is nothing to end.
pub fn undo(kind: &str, UndoArgs { target, at_once, operator }: &UndoArgs) -> anyhow::Result<ExitCode> {
    operator.undo(kind, target, *at_once)
}

/// Runs `lift`.
///
/// # Errors
///
/// As [`shift`].
pub fn lift(LiftArgs { number, at_once, operator }: &LiftArgs) -> anyhow::Result<ExitCode> {
    operator.lift(*number, *at_once)
}

/// Runs `approve`.
///
/// # Errors
///
/// As [`shift`].
pub fn approve(ApproveArgs { number, reason, operator }: &ApproveArgs) -> anyhow::Result<ExitCode> {
    let approval = Approval { reason: reason.clone() };
    report(operator.order(&routes::APPROVE, &ProposalNumber { number: *number }, &approval), false)
}

/// Runs `intents`.
///
/// # Errors
///
/// When the server cannot be asked.
pub fn list(IntentsArgs { json, server }: &IntentsArgs) -> anyhow::Result<ExitCode> {
    let list = server.look(&routes::INTENTS)?;
    if *json {
        output::json(&list);
        return Ok(ExitCode::SUCCESS);
    }
    let IntentList { intents, proposals } = list;
    if intents.is_empty() && proposals.is_empty() {
        output::line("no intents in force, no open proposals");
    }
    for intent in intents {
        output::line(format_args!("{:>5}  {:9}  {}", intent.number, intent.state, intent.text));
        intent.why.iter().for_each(|why| {
            output::line(format_args!("                  clients stay away: {why}"));
        });
    }
    for proposal in proposals {
        let (number, region, at) = (proposal.number, &proposal.region, proposal.at);
        output::line(format_args!(
            "{number:>5}  proposed   {region} leaves after `meridian approve {number}`, since {at}"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

impl TermsArgs {
    /// Asks for an intent.
    ///
    /// # Errors
    ///
    /// When the server cannot be asked, or refuses.
    pub fn ask(&self, intent: String, lasts: Option<TimeSpan>) -> anyhow::Result<ChangeReply> {
        let Self { reason, care: CareArgs { dry_run, overrides, operator } } = self;
        let (reason, overrides) = (reason.clone(), overrides.clone());
        let request = IntentRequest { intent, lasts, reason, overrides, dry_run: *dry_run };
        operator.order(&routes::INTEND, &NoParameters {}, &request)
    }

    /// Returns whether the effect is only forecast.
    pub fn is_trial(&self) -> bool {
        self.care.dry_run
    }

    /// Returns whether a safety rule is broken on purpose.
    pub fn is_breaking(&self) -> bool {
        !self.care.overrides.is_empty()
    }

    /// Asks for an intent, and prints what becomes of it.
    fn intend(&self, intent: String, lasts: Option<TimeSpan>) -> anyhow::Result<ExitCode> {
        report(self.ask(intent, lasts), self.is_trial())
    }
}

impl OperatorArgs {
    /// Asks for a change.
    ///
    /// # Errors
    ///
    /// When the server cannot be asked, or refuses.
    pub fn order<P: Serialize, B: Serialize>(
        &self,
        route: &Route<P, B, ChangeReply>,
        parameters: &P,
        body: &B,
    ) -> anyhow::Result<ChangeReply> {
        self.server.order(route, parameters, body, self.author.as_deref())
    }

    fn lift(&self, number: u64, at_once: bool) -> anyhow::Result<ExitCode> {
        report(self.order(&routes::LIFT, &LiftQuery { number, at_once }, &()), false)
    }

    /// Ends the intent of this kind about a target.
    fn undo(&self, kind: &str, target: &Target, at_once: bool) -> anyhow::Result<ExitCode> {
        let IntentList { intents, .. } = self.server.look(&routes::INTENTS)?;
        match intents.iter().find(|intent| intent.kind == kind && intent.target.as_ref() == Some(target)) {
            Some(intent) => self.lift(intent.number, at_once),
            None => bail!("no `{kind} {target}` is in force; `meridian intents` shows what is"),
        }
    }
}

/// Prints what became of a change; a refusal is passed on.
///
/// # Errors
///
/// That of the answer.
pub fn report(answer: anyhow::Result<ChangeReply>, is_trial: bool) -> anyhow::Result<ExitCode> {
    let refused = |error: &anyhow::Error| {
        let prediction = error.downcast_ref().and_then(|ApiError { prediction, .. }| prediction.clone());
        prediction.iter().for_each(|prediction| output::remark(format_args!("{}\n", prediction.trim_end())));
    };
    let ChangeReply { text, prediction, violations, .. } = answer.inspect_err(refused)?;
    if is_trial {
        prediction
            .iter()
            .for_each(|prediction| output::progress(format_args!("{}\n", prediction.trim_end())));
    }
    for violation in &violations {
        output::progress(format_args!("it breaks {}: {}", violation.rule, violation.sentence));
    }
    output::progress(text);
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}
