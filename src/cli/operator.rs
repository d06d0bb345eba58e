//! How operators ask for changes: with an author, a reason and a trial, at one instance or at several.
//!
//! At several instances a change is tried at all before it is asked of any, so that what one of them would refuse is done
//! at none. What then fails at some is told, with an exit code of its own; the same command again completes it: an
//! instance that has what is asked for says so within a minute, and takes it anew later.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::exit::{FAILURE, PARTIAL};
use super::output;
use super::server::{Instance, InstanceReply, ServerArgs, ask_all};
use crate::admin::api::route::NoParameters;
use crate::admin::api::{ApiError, ApiRoute, ChangeReply, IntentRequest, routes};
use crate::intent::{Action, SafetyRule};
use crate::units::TimeSpan;

/// An operator and the servers.
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
    pub dry_run: bool,

    /// Break this safety rule on purpose, for at most 4h
    #[arg(long = "override", value_name = "RULE", value_parser = rules())]
    pub overrides: Vec<SafetyRule>,

    #[command(flatten)]
    pub operator: OperatorArgs,
}

/// Why an intent is made, and how carefully.
#[derive(Clone, Debug, Args)]
pub struct TermsArgs {
    /// Record this reason in the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    #[command(flatten)]
    pub care: CareArgs,
}

fn rules() -> impl TypedValueParser<Value = SafetyRule> {
    let words = PossibleValuesParser::new(SafetyRule::ALL.map(SafetyRule::as_str));
    words.map(|word| word.parse().expect("it is one of the words"))
}

/// What became of a change at each instance. Invariant: at least one.
#[derive(Debug)]
pub struct ChangeOutcomes(pub Vec<InstanceReply<ChangeReply>>);

impl TermsArgs {
    /// Asks every instance for an intent, or for its forecast.
    pub fn ask(&self, intent: &Action, lasts: Option<TimeSpan>) -> anyhow::Result<ChangeOutcomes> {
        // What a disabled place answers is worse than instances that differ.
        let absence = match intent {
            Action::Disable { .. } => Absence::Told,
            Action::Shift { .. }
            | Action::Drain { .. }
            | Action::Force { .. }
            | Action::Failover { .. }
            | Action::Approve { .. }
            | Action::Capacity { .. }
            | Action::Weights { .. }
            | Action::Drill { .. } => Absence::Stops,
        };
        self.ask_despite(absence, intent, lasts)
    }

    /// Asks every instance for an intent, or for its forecast.
    pub fn ask_despite(
        &self,
        absence: Absence,
        intent: &Action,
        lasts: Option<TimeSpan>,
    ) -> anyhow::Result<ChangeOutcomes> {
        // A slip is told before the network is asked.
        intent.check()?;
        let operator = &self.care.operator;
        let request = |dry_run| IntentRequest {
            intent: intent.clone(),
            lasts,
            reason: self.reason.clone(),
            overrides: self.care.overrides.clone(),
            dry_run,
        };
        let ask = |instance: &Instance, dry_run| {
            operator.order(instance, &routes::INTEND, &NoParameters {}, &request(dry_run))
        };
        let instances = operator.server.instances()?;
        if self.is_trial() {
            return Ok(ChangeOutcomes(ask_all(&instances, |instance| ask(instance, true))));
        }
        change(&instances, absence, |instance| ask(instance, true), |instance| ask(instance, false))
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
    pub fn intend(&self, intent: &Action, lasts: Option<TimeSpan>) -> anyhow::Result<ExitCode> {
        self.ask(intent, lasts)?.report(self.is_trial())
    }
}

impl OperatorArgs {
    /// Returns the author's name, for what is done without a server.
    pub fn name(&self) -> String {
        Self::named(self.author.as_deref())
    }

    /// Returns the name of an author who may have said it.
    pub fn named(author: Option<&str>) -> String {
        let named = author.map(str::to_owned).or_else(|| std::env::var("USER").ok());
        named.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "unknown".to_owned())
    }

    /// Asks an instance for a change.
    pub fn order<P: Serialize, B: Serialize>(
        &self,
        instance: &Instance,
        route: &ApiRoute<P, B, ChangeReply>,
        parameters: &P,
        body: &B,
    ) -> anyhow::Result<ChangeReply> {
        instance.order(route, parameters, body, self.author.as_deref())
    }
}

/// What an instance that cannot be asked does to a change at the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// It is made nowhere.
    Stops,
    /// It is made where it can be.
    Told,
}

/// Makes a change at every instance, of several not before each would accept it.
///
/// # Errors
///
/// When one of several would refuse it, or cannot be asked: then nothing was done anywhere.
pub fn change(
    instances: &[Instance],
    absence: Absence,
    check: impl Fn(&Instance) -> anyhow::Result<ChangeReply> + Sync,
    act: impl Fn(&Instance) -> anyhow::Result<ChangeReply> + Sync,
) -> anyhow::Result<ChangeOutcomes> {
    if instances.len() > 1 {
        agree(&ask_all(instances, check), absence)?;
    }
    Ok(ChangeOutcomes(ask_all(instances, act)))
}

/// Holds that all instances would accept a change, and says of which that is not so.
pub fn agree(checks: &[InstanceReply<ChangeReply>], absence: Absence) -> anyhow::Result<()> {
    let mut against = 0;
    for InstanceReply { address, answer } in checks {
        let why = match answer {
            Ok(reply) if reply.violations.is_empty() => continue,
            Ok(reply) => {
                let forecast = reply.forecast.iter();
                forecast.for_each(|text| output::remark(format_args!("{address}: {}\n", text.trim_end())));
                let broken = reply.violations.iter();
                let broken = broken.map(|violation| format!("{} ({})", violation.sentence, violation.rule));
                format!("it would refuse: {}", broken.collect::<Vec<_>>().join("; "))
            }
            Err(error) if absence == Absence::Told && !error.is::<ApiError>() => continue,
            Err(error) => format!("{error:#}"),
        };
        output::complain(format_args!("{address}: {why}"));
        against += 1;
    }
    if against > 0 {
        bail!(
            "nothing was done at any of {} instances: {against} of them did not accept it; to go on without an \
             instance, leave it out",
            checks.len()
        );
    }
    Ok(())
}

/// An intent by the number that an instance gave it.
#[derive(Clone, Debug)]
pub struct NumberedIntent {
    pub instance: Instance,
    pub number: u64,
}

impl ChangeOutcomes {
    /// Returns the intents that were made, each with its instance.
    pub fn intents(&self, instances: &[Instance]) -> Vec<NumberedIntent> {
        let made = |reply: &InstanceReply<ChangeReply>| {
            let number = reply.answer.as_ref().ok()?.intent.as_ref()?.number;
            let instance = instances.iter().find(|instance| instance.address == reply.address)?.clone();
            Some(NumberedIntent { instance, number })
        };
        self.0.iter().filter_map(made).collect()
    }

    /// Returns the intents that were made as lines, of several instances with their addresses.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        let made = |reply: &InstanceReply<ChangeReply>| {
            let text = reply.answer.as_ref().ok()?.intent.as_ref()?.text.clone();
            Some(if self.0.len() == 1 { text } else { format!("{}: {text}", reply.address) })
        };
        self.0.iter().filter_map(made)
    }

    /// Returns why it was not done where it was not.
    pub fn failures(&self) -> String {
        let failed = self.0.iter().filter_map(|reply| Some((&reply.address, reply.answer.as_ref().err()?)));
        let failed = failed.map(|(address, error)| format!("{address}: {error:#}"));
        failed.collect::<Vec<_>>().join("; ")
    }

    /// Returns whether the change was made, or forecast, everywhere.
    pub fn is_whole(&self) -> bool {
        self.0.iter().all(|reply| reply.answer.is_ok())
    }

    /// Prints what became of a change. The refusal of a single instance is passed on; of several, 1 says that all
    /// refused, and 3 that some did.
    pub fn report(self, is_trial: bool) -> anyhow::Result<ExitCode> {
        let Self(replies) = self;
        let count = replies.len();
        let (mut made, mut broken) = (0, false);
        for InstanceReply { address, answer } in replies {
            let label = if count == 1 { String::new() } else { format!("{address}: ") };
            match answer {
                Ok(reply) => {
                    broken |= !reply.violations.is_empty();
                    made += 1;
                    tell(&label, &reply, is_trial);
                    if count == 1 && !reply.unasked.is_empty() {
                        output::remark(alone(&reply.unasked));
                    }
                }
                Err(error) => {
                    show_forecast(&label, &error);
                    match count {
                        1 => return Err(error),
                        _ => output::complain(format_args!("{label}{error:#}")),
                    }
                }
            }
        }
        if made > 0 && made < count {
            output::complain(part(made, count, is_trial));
        }
        Ok(match (made, broken) {
            (made, false) if made == count => ExitCode::SUCCESS,
            (0, _) => ExitCode::from(FAILURE),
            (made, _) if made < count && !is_trial => ExitCode::from(PARTIAL),
            _ => ExitCode::from(FAILURE),
        })
    }
}

/// Says that the other instances have to be asked, too.
fn alone(unasked: &[String]) -> String {
    let names = unasked.join(", ");
    format!("that instance alone has it: ask {names}, too, with --admin for each, or MERIDIAN_ADMIN")
}

/// Says that only some instances have a change, or were tried. The same request is known for the same for a minute only.
fn part(made: usize, count: usize, is_trial: bool) -> String {
    match is_trial {
        true => format!("{made} of {count} instances were tried; nothing was done"),
        false => format!(
            "{made} of {count} instances have it; the same command again completes it, and later than a minute from \
             now begins it anew where it is in force"
        ),
    }
}

/// Prints what an instance did, or would do.
fn tell(label: &str, reply: &ChangeReply, is_trial: bool) {
    let ChangeReply { text, forecast, violations, .. } = reply;
    if is_trial {
        forecast.iter().for_each(|text| output::progress(format_args!("{label}{}\n", text.trim_end())));
    }
    for violation in violations {
        output::progress(format_args!("{label}it breaks {}: {}", violation.rule, violation.sentence));
    }
    output::progress(format_args!("{label}{text}"));
}

/// Prints the forecast of a change that breaks a rule.
fn show_forecast(label: &str, error: &anyhow::Error) {
    let forecast = error.downcast_ref().and_then(|ApiError { forecast, .. }| forecast.clone());
    forecast.iter().for_each(|forecast| output::remark(format_args!("{label}{}\n", forecast.trim_end())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_that_some_instances_did_not_answer_promises_no_completion() {
        assert_eq!(part(1, 2, true), "1 of 2 instances were tried; nothing was done");
        assert!(
            part(1, 2, false).starts_with("1 of 2 instances have it; the same command again completes it")
        );
    }
}
