//! The commands for intents: each writes one intent and asks the running server for it.
//!
//! What is right or wrong with an intent is known to the server alone; here it is only put into words.

use std::process::ExitCode;

use anyhow::bail;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::exit::FAILURE;
use super::server::ServerArgs;
use super::{drain_status, output};
use crate::admin::api::route::NoParameters;
use crate::admin::api::{
    ApiError, ApiRoute, Approval, ChangeReply, IntentList, IntentRequest, LiftQuery, ProposalNumber, routes,
};
use crate::intent::{Action, ForcedState, SafetyRule, owner, sentence};
use crate::moment::Moment;
use crate::region::{Failover, Target};
use crate::share::Share;
use crate::units::{Percent, TimeSpan};
use crate::zone::Name;

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

fn modes() -> impl TypedValueParser<Value = Failover> {
    let words = PossibleValuesParser::new(Failover::ALL.map(Failover::as_str));
    words.map(|word| Failover::find(&word).expect("the parser takes these words only"))
}

fn rules() -> impl TypedValueParser<Value = SafetyRule> {
    let words = PossibleValuesParser::new(SafetyRule::ALL.map(SafetyRule::as_str));
    words.map(|word| word.parse().expect("it is one of the words"))
}

/// The commands for intents.
#[derive(Debug, Subcommand)]
pub enum IntentCommand {
    /// Send clients of a region or availability zone elsewhere
    ///
    /// The share is a set of /24s (IPv6: /48s) that is the same on every instance. When the time is over, or with
    /// `unshift`, they come back by the ramp of the region, if it is well and has room; else they stay away, and the
    /// server says so.
    Shift {
        /// REGION or REGION/AZ
        target: Target,

        /// Send this percentage of its clients elsewhere
        #[arg(long, default_value = "100", value_name = "N")]
        percent: Share,

        /// Bring them back after this time, 1m to 72h
        #[arg(long = "for", value_name = "TIME", default_value = "2h")]
        lasts: TimeSpan,

        #[command(flatten)]
        terms: TermsArgs,
    },
    /// End a shift: clients of a region or availability zone come back by its ramp
    Unshift(UndoArgs),
    /// Send all clients of a region or availability zone elsewhere, and know when the last one is gone
    Drain {
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
    },
    /// End a drain: clients of a region or availability zone come back by its ramp
    Undrain(UndoArgs),
    /// Take a region or availability zone out of every answer, even of those that fail open
    Disable {
        /// REGION or REGION/AZ
        target: Target,

        /// Enable it after this time, 1m to 72h; without it, only by `enable`
        #[arg(long = "for", value_name = "TIME")]
        lasts: Option<TimeSpan>,

        #[command(flatten)]
        terms: TermsArgs,
    },
    /// End a disable: clients of a region or availability zone come back by its ramp
    Enable(UndoArgs),
    /// Override the health state of a region, zone or address
    ///
    /// The verdict of the canaries is kept: `auto` returns to it, and clients that were kept away come back by the ramp of
    /// the region.
    Force {
        /// REGION, REGION/AZ or REGION/AZ/ADDRESS
        target: Target,

        /// The state; `auto` ends the override
        state: ForceArg,

        /// End it after this time, 1m to 72h; without it, after 6h, or 4h where a rule is broken
        #[arg(long = "for", value_name = "TIME")]
        lasts: Option<TimeSpan>,

        /// Record this reason in the audit log; `auto` needs none
        #[arg(long, value_name = "TEXT", required_if_eq_any([("state", "up"), ("state", "down")]))]
        reason: Option<String>,

        #[command(flatten)]
        care: CareArgs,
    },
    /// Set what the server may do about regions that should leave
    ///
    /// `auto`: it acts. `advise`: it proposes a failover that an operator may `approve`. `off`: not even that.
    Failover {
        /// The mode
        #[arg(value_parser = modes())]
        mode: Failover,

        /// Set it for this region only
        #[arg(long, value_name = "REGION")]
        region: Option<String>,

        /// Return to the configured mode after this time, 1m to 72h; without it, only by `lift`
        #[arg(long = "for", value_name = "TIME")]
        lasts: Option<TimeSpan>,

        #[command(flatten)]
        terms: TermsArgs,
    },
    /// Set how much of its configured capacity a region has
    Capacity {
        /// The region
        region: String,

        /// The percentage of the configured capacity, 1% to 1000%
        #[arg(value_parser = sentence::capacity)]
        percent: Percent,

        /// Take effect at this time, at most 30 days ahead, such as 2026-12-24T18:00:00Z
        #[arg(long, value_name = "TIME")]
        at: Option<Moment>,

        /// Return to the configured one after this time, 1m to 72h; without it, after 6h, or 4h where a rule is broken
        #[arg(long = "for", value_name = "TIME")]
        lasts: Option<TimeSpan>,

        #[command(flatten)]
        terms: TermsArgs,
    },
    /// Divide the clients of a name between regions: blue and green
    ///
    /// Clients whose way leads to one of the regions are divided between those of them that are in service and
    /// permitted, by sets of /24s. With --steps the last region named goes up step by step, while the gates of its
    /// ramp are open; a step back at the first closed gate, and no further after the second.
    Weights {
        /// The steered name
        #[arg(value_parser = owner)]
        name: Name,

        /// REGION=N, two to eight of them
        #[arg(value_name = "REGION=N", num_args = 2.., required = true, value_parser = sentence::weight)]
        members: Vec<(String, u32)>,

        /// Raise the share of the last region by these steps, such as 10,50,100
        #[arg(long, value_name = "P,P,…")]
        steps: Option<String>,

        /// Hold each step for this time
        #[arg(long, value_name = "TIME", requires = "steps", default_value = "10m")]
        hold: TimeSpan,

        #[command(flatten)]
        terms: TermsArgs,
    },
    /// End an intent by its number
    Lift {
        /// Its number, as `intents` shows it
        number: u64,

        /// Bring its clients back at once
        #[arg(long)]
        at_once: bool,

        #[command(flatten)]
        operator: OperatorArgs,
    },
    /// Carry out a failover that the server proposes
    Approve {
        /// The number of the proposal, as `intents` shows it
        number: u64,

        #[command(flatten)]
        terms: TermsArgs,
    },
    /// Show the intents in force and the open proposals
    Intents {
        /// Print JSON
        #[arg(long)]
        json: bool,

        #[command(flatten)]
        server: ServerArgs,
    },
}

/// The end of an intent about a region or availability zone.
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

/// A forced health state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ForceArg {
    Up,
    Down,
    Auto,
}

impl IntentCommand {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Shift { target, percent, lasts, terms } => {
                terms.intend(Action::Shift { target: target.clone(), away: *percent }, Some(*lasts))
            }
            Self::Drain { target, lasts, wait, timeout, terms } => {
                drain(target, *lasts, wait.then_some(*timeout), terms)
            }
            Self::Disable { target, lasts, terms } => {
                terms.intend(Action::Disable { target: target.clone() }, *lasts)
            }
            Self::Force { target, state, lasts, reason, care } => {
                let forced = match state {
                    ForceArg::Auto => return care.operator.undo("force", target, false),
                    ForceArg::Up => ForcedState::Up,
                    ForceArg::Down => ForcedState::Down,
                };
                let terms = TermsArgs { reason: reason.clone().unwrap_or_default(), care: care.clone() };
                terms.intend(Action::Force { target: target.clone(), forced }, *lasts)
            }
            Self::Failover { mode, region, lasts, terms } => {
                terms.intend(Action::Failover { region: region.clone(), failover: *mode }, *lasts)
            }
            Self::Capacity { region, percent, at, lasts, terms } => {
                let action = Action::Capacity { region: region.clone(), percent: *percent, at: *at };
                terms.intend(action, *lasts)
            }
            Self::Weights { name, members, steps, hold, terms } => {
                let steps = steps.as_deref().map_or_else(|| Ok(Vec::new()), sentence::shares)?;
                let (owner, members) = (name.clone(), members.clone());
                terms.intend(Action::Weights { owner, members, steps, hold: hold.0 }, None)
            }
            Self::Unshift(UndoArgs { target, at_once, operator }) => operator.undo("shift", target, *at_once),
            Self::Undrain(UndoArgs { target, at_once, operator }) => operator.undo("drain", target, *at_once),
            Self::Enable(UndoArgs { target, at_once, operator }) => {
                operator.undo("disable", target, *at_once)
            }
            Self::Lift { number, at_once, operator } => operator.lift(*number, *at_once),
            Self::Approve { number, terms: TermsArgs { reason, care } } => {
                let CareArgs { dry_run, overrides, operator } = care.clone();
                let approval = Approval { reason: reason.clone(), overrides, dry_run };
                let number = ProposalNumber { number: *number };
                report(operator.order(&routes::APPROVE, &number, &approval), dry_run)
            }
            Self::Intents { json, server } => list(*json, server),
        }
    }
}

/// Drains, and waits for at most this time for the last client.
fn drain(
    target: &Target,
    lasts: TimeSpan,
    timeout: Option<TimeSpan>,
    terms: &TermsArgs,
) -> anyhow::Result<ExitCode> {
    let answer = terms.ask(Action::Drain { target: target.clone() }, Some(lasts));
    let number = answer.as_ref().ok().and_then(|reply| reply.intent.as_ref()).map(|intent| intent.number);
    let done = report(answer, terms.is_trial())?;
    match number.zip(timeout) {
        Some((number, timeout))
            if !drain_status::wait(&terms.care.operator.server, timeout.0, || Ok(number))? =>
        {
            Ok(ExitCode::from(FAILURE))
        }
        Some(_) | None => Ok(done),
    }
}

/// Prints the intents in force and the open proposals.
fn list(json: bool, server: &ServerArgs) -> anyhow::Result<ExitCode> {
    let list = server.look(&routes::INTENTS)?;
    if json {
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
    pub fn ask(&self, intent: Action, lasts: Option<TimeSpan>) -> anyhow::Result<ChangeReply> {
        let Self { reason, care: CareArgs { dry_run, overrides, operator } } = self;
        let (reason, overrides) = (reason.clone(), overrides.clone());
        // A slip is told before the network is asked.
        intent.check()?;
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
    fn intend(&self, intent: Action, lasts: Option<TimeSpan>) -> anyhow::Result<ExitCode> {
        report(self.ask(intent, lasts), self.is_trial())
    }
}

impl OperatorArgs {
    /// Asks for a change.
    pub fn order<P: Serialize, B: Serialize>(
        &self,
        route: &ApiRoute<P, B, ChangeReply>,
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
pub fn report(answer: anyhow::Result<ChangeReply>, is_trial: bool) -> anyhow::Result<ExitCode> {
    let refused = |error: &anyhow::Error| {
        let forecast = error.downcast_ref().and_then(|ApiError { forecast, .. }| forecast.clone());
        forecast.iter().for_each(|forecast| output::remark(format_args!("{}\n", forecast.trim_end())));
    };
    let ChangeReply { text, forecast, violations, .. } = answer.inspect_err(refused)?;
    if is_trial {
        forecast.iter().for_each(|forecast| output::progress(format_args!("{}\n", forecast.trim_end())));
    }
    for violation in &violations {
        output::progress(format_args!("it breaks {}: {}", violation.rule, violation.sentence));
    }
    output::progress(text);
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}
