//! The commands for intents: each writes one intent and asks the running server for it.
//!
//! What is right or wrong with an intent is known to the server alone; here it is only put into words.

use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};

use super::drain_status::{self, DrainHolder};
use super::exit::FAILURE;
use super::operator::{CareArgs, OperatorArgs, TermsArgs};
use super::reading::{self, PrintForm};
use super::server::{ServerArgs, ask_all};
use super::{approve, output};
use crate::admin::api::{IntentList, ProposalStatus, routes};
use crate::intent::{Action, ForcedState, owner, sentence};
use crate::moment::Moment;
use crate::region::{Failover, Target};
use crate::share::Share;
use crate::units::{Percent, TimeSpan};
use crate::zone::Name;

fn modes() -> impl TypedValueParser<Value = Failover> {
    let words = PossibleValuesParser::new(Failover::ALL.map(Failover::as_str));
    words.map(|word| Failover::find(&word).expect("the parser takes these words only"))
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
                terms.intend(&Action::Shift { target: target.clone(), away: *percent }, Some(*lasts))
            }
            Self::Drain { target, lasts, wait, timeout, terms } => {
                drain(target, *lasts, wait.then_some(*timeout), terms)
            }
            Self::Disable { target, lasts, terms } => {
                terms.intend(&Action::Disable { target: target.clone() }, *lasts)
            }
            Self::Force { target, state, lasts, reason, care } => {
                let forced = match state {
                    ForceArg::Auto => return care.operator.undo("force", target, false),
                    ForceArg::Up => ForcedState::Up,
                    ForceArg::Down => ForcedState::Down,
                };
                let terms = TermsArgs { reason: reason.clone().unwrap_or_default(), care: care.clone() };
                terms.intend(&Action::Force { target: target.clone(), forced }, *lasts)
            }
            Self::Failover { mode, region, lasts, terms } => {
                terms.intend(&Action::Failover { region: region.clone(), failover: *mode }, *lasts)
            }
            Self::Capacity { region, percent, at, lasts, terms } => {
                let action = Action::Capacity { region: region.clone(), percent: *percent, at: *at };
                terms.intend(&action, *lasts)
            }
            Self::Weights { name, members, steps, hold, terms } => {
                let steps = steps.as_deref().map_or_else(|| Ok(Vec::new()), sentence::shares)?;
                let (owner, members) = (name.clone(), members.clone());
                terms.intend(&Action::Weights { owner, members, steps, hold: hold.0 }, None)
            }
            Self::Unshift(UndoArgs { target, at_once, operator }) => operator.undo("shift", target, *at_once),
            Self::Undrain(UndoArgs { target, at_once, operator }) => operator.undo("drain", target, *at_once),
            Self::Enable(UndoArgs { target, at_once, operator }) => {
                operator.undo("disable", target, *at_once)
            }
            Self::Lift { number, at_once, operator } => operator.lift(*number, *at_once),
            Self::Approve { number, terms: TermsArgs { reason, care } } => {
                approve::run(*number, reason, care)
            }
            Self::Intents { json, server } => list(*json, server),
        }
    }
}

/// Drains, and waits for at most this time for the last client of the last instance.
fn drain(
    target: &Target,
    lasts: TimeSpan,
    timeout: Option<TimeSpan>,
    terms: &TermsArgs,
) -> anyhow::Result<ExitCode> {
    let outcomes = terms.ask(&Action::Drain { target: target.clone() }, Some(lasts))?;
    let drains = outcomes.intents(&terms.care.operator.server.instances()?);
    let drains: Vec<_> = drains.into_iter().map(DrainHolder::from).collect();
    let is_whole = outcomes.is_whole();
    let done = outcomes.report(terms.is_trial())?;
    match timeout {
        // What some instances only do has no end to wait for.
        Some(timeout) if is_whole && !drain_status::wait(timeout.0, || Ok(drains.clone()))? => {
            Ok(ExitCode::from(FAILURE))
        }
        Some(_) | None => Ok(done),
    }
}

/// Prints the intents in force and the open proposals.
fn list(json: bool, server: &ServerArgs) -> anyhow::Result<ExitCode> {
    let instances = server.instances()?;
    if let [instance] = &instances[..] {
        let list = instance.look(&routes::INTENTS)?;
        match json {
            true => output::json(&list),
            false => output::text(written(&list)),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let replies = ask_all(&instances, |instance| instance.look(&routes::INTENTS));
    Ok(reading::show(&replies, PrintForm::of(json), written))
}

fn written(list: &IntentList) -> String {
    let IntentList { intents, proposals } = list;
    if intents.is_empty() && proposals.is_empty() {
        return "no intents in force, no open proposals\n".to_owned();
    }
    let mut text = String::new();
    for intent in intents {
        text.push_str(&format!("{:>5}  {:9}  {}\n", intent.number, intent.state, intent.text));
        text.extend(intent.why.iter().map(|why| format!("                  clients stay away: {why}\n")));
    }
    for proposal in proposals {
        let ProposalStatus { number, region: _, text: extent, at } = proposal;
        text.push_str(&format!(
            "{number:>5}  proposed   {extent}; carried out by `meridian approve {number}`, since {at}\n"
        ));
    }
    text
}
