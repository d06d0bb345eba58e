//! Ends an intent at every instance, whatever its number there.
//!
//! Each instance numbers its intents for itself. At several instances an intent is therefore known by its words; a number
//! that means one thing at one instance and another elsewhere is refused.

use std::process::ExitCode;

use anyhow::{Context, bail};

use super::operator::{ChangeOutcomes, OperatorArgs};
use super::output;
use super::server::{Instance, InstanceReply, ask_all};
use crate::admin::api::{ChangeReply, IntentList, IntentStatus, LiftQuery, routes};
use crate::region::Target;

impl OperatorArgs {
    /// Ends an intent by its number.
    pub fn lift(&self, number: u64, at_once: bool) -> anyhow::Result<ExitCode> {
        let instances = self.server.instances()?;
        if let [instance] = &instances[..] {
            let answer = self.order(instance, &routes::LIFT, &LiftQuery { number, at_once }, &());
            return ChangeOutcomes(vec![reply(instance, answer)]).report(false);
        }
        let lists = lists(&instances)?;
        let words = words(number, &lists)?;
        self.lift_those(&instances, &lists, &words, at_once, |intent| intent.intent == words)
    }

    /// Ends the intent of this kind about a target.
    pub fn undo(&self, kind: &str, target: &Target, at_once: bool) -> anyhow::Result<ExitCode> {
        let instances = self.server.instances()?;
        let lists = match &instances[..] {
            [instance] => vec![reply(instance, Ok(instance.look(&routes::INTENTS)?))],
            several => lists(several)?,
        };
        let words = format!("{kind} {target}");
        self.lift_those(&instances, &lists, &words, at_once, |intent| {
            intent.kind == kind && intent.target.as_ref() == Some(target)
        })
    }

    /// Ends an intent wherever it is in force.
    fn lift_those(
        &self,
        instances: &[Instance],
        lists: &[InstanceReply<IntentList>],
        words: &str,
        at_once: bool,
        is_meant: impl Fn(&IntentStatus) -> bool + Sync,
    ) -> anyhow::Result<ExitCode> {
        let number_at = |address: &str| {
            let list = lists.iter().find(|reply| reply.address == address)?.answer.as_ref().ok()?;
            list.intents.iter().find(|intent| is_meant(intent)).map(|intent| intent.number)
        };
        if instances.iter().all(|instance| number_at(&instance.address).is_none()) {
            bail!("no `{words}` is in force; `meridian intents` shows what is");
        }
        let outcomes = ask_all(instances, |instance| match number_at(&instance.address) {
            Some(number) => self.order(instance, &routes::LIFT, &LiftQuery { number, at_once }, &()),
            None => Ok(nothing(&format!("no `{words}` is in force here"))),
        });
        ChangeOutcomes(outcomes).report(false)
    }
}

/// Returns the intents of every instance.
///
/// # Errors
///
/// When one cannot be asked: what is ended at some only would make the instances differ.
fn lists(instances: &[Instance]) -> anyhow::Result<Vec<InstanceReply<IntentList>>> {
    let lists = ask_all(instances, |instance| instance.look(&routes::INTENTS));
    let silent = lists.iter().filter_map(|reply| Some((&reply.address, reply.answer.as_ref().err()?)));
    let silent: Vec<_> = silent.collect();
    for (address, error) in &silent {
        output::complain(format_args!("{address}: {error:#}"));
    }
    match silent.is_empty() {
        true => Ok(lists),
        false => bail!("nothing was done at any instance; to go on without an instance, leave it out"),
    }
}

/// Returns the words of the intent that has this number, wherever one has.
///
/// # Errors
///
/// When none has, or instances mean different intents by it.
pub fn words(number: u64, lists: &[InstanceReply<IntentList>]) -> anyhow::Result<String> {
    let at = |reply: &InstanceReply<IntentList>| {
        let intents = &reply.answer.as_ref().ok()?.intents;
        let intent = intents.iter().find(|intent| intent.number == number)?;
        Some((reply.address.clone(), intent.intent.clone()))
    };
    let meant: Vec<_> = lists.iter().filter_map(at).collect();
    let (_, first) = meant.first().with_context(|| {
        format!("no instance has an intent {number} in force; `meridian intents` shows what is")
    })?;
    if meant.iter().any(|(_, words)| words != first) {
        let all: Vec<_> = meant.iter().map(|(address, words)| format!("`{words}` at {address}")).collect();
        bail!(
            "intent {number} is {}: each instance has its own numbers; name one instance with --admin, or the place \
             instead of the number, as in `meridian undrain REGION`",
            all.join(" and ")
        );
    }
    Ok(first.clone())
}

/// Returns the answer of an instance at which there is nothing to do.
pub fn nothing(text: &str) -> ChangeReply {
    ChangeReply {
        intent: None,
        snapshot: None,
        forecast: None,
        violations: Vec::new(),
        text: text.to_owned(),
        unasked: Vec::new(),
    }
}

fn reply<A>(instance: &Instance, answer: anyhow::Result<A>) -> InstanceReply<A> {
    InstanceReply { address: instance.address.clone(), answer }
}
