//! `meridian rollout`: the sequence of a rolling deployment, which stops at the first failure with the traffic away.
//!
//! ```text
//!  drain ──▶ wait for the last client ──▶ run ──▶ canaries ──▶ lift, by the ramp ──▶ soak ──▶ done
//!              │                           │         │                │               │
//!              ╰───── failure: the drain stays ──────╯                ╰─ failure: ────╯
//!                                                                      drained again
//! ```
//!
//! Every time is measured here, from when something was seen; the clocks of the server and of this machine need not
//! agree.

mod interrupt;
mod site;

use std::process::{Command, ExitCode, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};

use super::drain_status::{self, DrainHolder};
use super::exit::FAILURE;
use super::operator::{Absence, NumberedIntent, OperatorArgs, TermsArgs};
use super::output;
use super::server::{Instance, InstanceReply, ask_all};
use crate::admin::api::{LiftQuery, RegionName, routes};
use crate::intent::{Action, LONGEST_TIME, SafetyRule};
use crate::region::Target;
use crate::units::TimeSpan;
use interrupt::Interrupt;
use site::RolloutSite;

/// The pause between two looks at the server.
const PAUSE: Duration = Duration::from_secs(1);

/// The pause between two looks at the command.
const COMMAND_PAUSE: Duration = Duration::from_millis(50);

/// How long the command may take to end after an interruption, before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// The least that a drain is kept ahead of its end: to look, and to ask for more.
const LEAST_AHEAD: Duration = Duration::from_secs(60);

/// Drain a region or availability zone, run a command there, and bring its clients back
///
/// Drains it and waits until no resolver may hold its addresses; runs the command; waits until canaries that began
/// after the command find every address up; lifts the drain, so that its clients come back by the ramp of the region;
/// and watches for alarms until it has soaked. Stops at the first failure with the traffic kept away, says what state
/// it leaves behind, and exits with 1. A drain that would end meanwhile is asked for anew.
///
/// All instances that are named are drained and asked, and the last of them counts: for the last client, for canaries, for
/// the ramp. They speak for themselves: an instance that is not named needs a drain of its own.
///
/// The command finds MERIDIAN_REGION, MERIDIAN_ZONE (empty for a whole region) and MERIDIAN_ADDRESSES (separated
/// by spaces) in its environment.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// REGION or REGION/AZ
    target: Target,

    /// Run this command in a shell
    #[arg(long, value_name = "COMMAND")]
    exec: String,

    /// Drain for this time, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "2h")]
    lasts: TimeSpan,

    /// Watch for this time when all clients are back
    #[arg(long, value_name = "TIME", default_value = "10m")]
    soak: TimeSpan,

    /// Wait for at most this time for the last client, for canaries, and for the ramp, each
    #[arg(long, value_name = "TIME", default_value = "30m")]
    timeout: TimeSpan,

    #[command(flatten)]
    terms: TermsArgs,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let interrupt = Interrupt::listen()?;
    let instances = arguments.terms.care.operator.server.instances()?;
    let mut rollout = Rollout { arguments, instances, interrupt, drain: None };
    let action = Action::Drain { target: arguments.target.clone() };
    let outcomes = arguments.terms.ask(&action, Some(arguments.lasts))?;
    let drains = outcomes.intents(&rollout.instances);
    if drains.is_empty() || !outcomes.is_whole() {
        // It is refused, was only tried, or is not in force everywhere.
        return outcomes.report(arguments.terms.is_trial());
    }
    output::progress(rollout.scope());
    outcomes.texts().for_each(|text| output::progress(format_args!("1/6 drain: {text}")));
    rollout.drain = Some(HeldDrain::new(drains, Instant::now() + arguments.lasts.0));
    match rollout.go() {
        Ok(()) => {
            output::progress(format_args!(
                "done: {} is deployed, and its clients are back",
                arguments.target
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            output::complain(format_args!("{error:#}"));
            rollout.keep_away();
            Ok(ExitCode::from(FAILURE))
        }
    }
}

/// A rollout on its way.
struct Rollout<'a> {
    arguments: &'a Args,
    /// At least one.
    instances: Vec<Instance>,
    interrupt: Interrupt,
    /// The drain in force; `None`: it has been lifted.
    drain: Option<HeldDrain>,
}

/// The drain in force. Invariant: at least one, and at most one at each instance.
#[derive(Debug)]
struct HeldDrain(Vec<(NumberedIntent, Instant)>);

impl HeldDrain {
    /// Returns drains that have just been accepted, and end at the earliest then.
    fn new(drains: Vec<NumberedIntent>, ends: Instant) -> Self {
        Self(drains.into_iter().map(|drain| (drain, ends)).collect())
    }

    /// Puts new drains in the places of the older ones, where there are new ones: an instance that could not be asked has
    /// its older one still.
    fn renew(&mut self, new: Self) {
        for (drain, ends) in new.0 {
            let address = &drain.instance.address;
            match self.0.iter_mut().find(|(older, _)| older.instance.address == *address) {
                Some(older) => *older = (drain, ends),
                None => self.0.push((drain, ends)),
            }
        }
    }

    fn drains(&self) -> Vec<NumberedIntent> {
        self.0.iter().map(|(drain, _)| drain.clone()).collect()
    }

    /// Returns when the first of them ends at the earliest.
    fn ends(&self) -> Instant {
        self.0.iter().map(|(_, ends)| *ends).min().expect("there is a drain")
    }

    /// Returns the numbers: `intent 7`, or of several instances `intent 7 at ns1:8053, 9 at ns2:8053`.
    fn numbers(&self, is_single: bool) -> String {
        let number = |(drain, _): &(NumberedIntent, Instant)| match is_single {
            true => drain.number.to_string(),
            false => format!("{} at {}", drain.number, drain.instance.address),
        };
        format!("intent {}", self.0.iter().map(number).collect::<Vec<_>>().join(", "))
    }
}

impl<'a> Rollout<'a> {
    fn go(&mut self) -> anyhow::Result<()> {
        let mut sites = self.sites().context("cannot look at what is to be deployed")?;
        // What one configuration has is drained everywhere; what only another has is not.
        let is_same = sites.iter().all(|site| site.list() == sites[0].list());
        ensure!(is_same, "{} has other addresses at each instance: {}", self.target(), self.lists(&sites));
        let site = sites.swap_remove(0);
        ensure!(!site.addresses.is_empty(), "{} has no addresses", self.target());
        output::progress(format_args!("2/6 wait until no resolver may hold {}", site.list()));
        self.wait_for_last_client()?;
        output::progress(format_args!("3/6 run: {}", self.arguments.exec));
        self.execute(&site)?;
        output::progress(format_args!("4/6 wait for canaries of {}", site.list()));
        self.verify()?;
        let before: Vec<_> = self.sites()?.into_iter().map(|site| site.alarms).collect();
        output::progress("5/6 lift the drain: clients come back step by step");
        let drains = self.lift()?;
        self.wait_for_ramp(&drains, &before)?;
        output::progress(format_args!("6/6 soak for {}", self.arguments.soak));
        self.soak(&before)
    }

    /// Says for which instances this speaks.
    fn scope(&self) -> String {
        let names: Vec<_> = self.instances.iter().map(|instance| instance.address.as_str()).collect();
        match &names[..] {
            [_] => "one instance is asked and speaks for itself: others that answer for the zone need a drain too".to_owned(),
            several => format!(
                "{} instances are asked and speak for themselves: {}; others that answer for the zone need a drain too",
                several.len(),
                several.join(", ")
            ),
        }
    }

    /// Waits until no resolver of any instance may hold an address any more.
    fn wait_for_last_client(&mut self) -> anyhow::Result<()> {
        let timeout = self.arguments.timeout;
        let is_over =
            drain_status::wait(timeout.0, || Ok(self.hold()?.into_iter().map(DrainHolder::from).collect()))?;
        ensure!(is_over, "{} still has clients, and the command was not run", self.target());
        Ok(())
    }

    /// Runs the command, with its output where that of this process goes.
    fn execute(&mut self, site: &RolloutSite) -> anyhow::Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", &self.arguments.exec]);
        command.env("MERIDIAN_REGION", self.target().region());
        command.env("MERIDIAN_ZONE", self.target().zone().unwrap_or_default());
        command.env("MERIDIAN_ADDRESSES", site.list());
        let mut child = command.spawn().context("cannot run a shell")?;
        let status = loop {
            if let Some(status) = child.try_wait().context("cannot wait for the command")? {
                break status;
            }
            if let Err(error) = self.hold() {
                stop(&mut child);
                return Err(error.context("while the command ran"));
            }
            thread::sleep(COMMAND_PAUSE);
        };
        ensure!(status.success(), "the command failed: {}", ended(status));
        Ok(())
    }

    /// Waits until canaries that began after the command find everything up.
    fn verify(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut fresh = vec![site::FreshResults::default(); self.instances.len()];
        let mut missing = "the server does not answer".to_owned();
        while start.elapsed() < self.arguments.timeout.0 {
            self.hold()?;
            // A server that is started anew forgets no drain.
            if let Ok(sites) = self.sites() {
                let each = fresh.iter_mut().zip(&sites).map(|(fresh, site)| fresh.missing(site));
                let mut each = each.collect::<Vec<_>>().into_iter().enumerate();
                match each.find_map(|(place, what)| Some(self.label(place) + &what?)) {
                    None => return Ok(()),
                    Some(what) => missing = what,
                }
            }
            thread::sleep(PAUSE);
        }
        bail!("{missing}, {} after the command", self.arguments.timeout)
    }

    /// Lifts the drain everywhere, and returns what it was.
    fn lift(&mut self) -> anyhow::Result<Vec<NumberedIntent>> {
        let drains = self.hold()?;
        let answers = ask_all(&self.instances, |instance| {
            let number = number_at(&drains, instance).context("it has no drain")?;
            self.operator().order(instance, &routes::LIFT, &LiftQuery { number, at_once: false }, &())
        });
        // From now on clients come back somewhere, whatever becomes of the others.
        self.drain = None;
        for InstanceReply { address, answer } in answers {
            let reply = answer.with_context(|| format!("the drain cannot be lifted at {address}"))?;
            output::progress(format_args!("    {}", reply.text));
        }
        Ok(drains)
    }

    /// Waits until the clients are back at every instance.
    fn wait_for_ramp(&mut self, drains: &[NumberedIntent], before: &[Vec<String>]) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut said = String::new();
        while start.elapsed() < self.arguments.timeout.0 {
            self.interrupt.check()?;
            let lists = ask_all(&self.instances, |instance| {
                let number = number_at(drains, instance);
                let intents = instance.look(&routes::INTENTS)?.intents;
                Ok(intents.into_iter().find(|intent| Some(intent.number) == number))
            });
            let mut states = Vec::new();
            for list in lists {
                states.extend(list.answer?);
            }
            if states.is_empty() {
                return Ok(());
            }
            ensure!(
                states.iter().all(|intent| intent.state != "stuck"),
                "a gate of the ramp was closed twice"
            );
            let mut texts: Vec<_> = states
                .into_iter()
                .map(|intent| intent.why.map_or(intent.state, |why| format!("clients stay away: {why}")))
                .collect();
            texts.dedup();
            let state = texts.join("; ");
            if said != state {
                output::progress(format_args!("    {state}"));
                said = state;
            }
            self.fit(before)?;
            thread::sleep(PAUSE);
        }
        bail!("its clients are not back after {}: {said}", self.arguments.timeout)
    }

    /// Watches for what goes wrong, and looks whether all is well in the end.
    fn soak(&self, before: &[Vec<String>]) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            self.interrupt.check()?;
            let sites = self.fit(before)?;
            let left = self.arguments.soak.0.saturating_sub(start.elapsed());
            if left.is_zero() {
                return match sites.iter().flat_map(|site| &site.phases).find(|phase| !phase.is_well()) {
                    Some(phase) => bail!("{} is {phase} after {}", self.target(), self.arguments.soak),
                    None => Ok(()),
                };
            }
            thread::sleep(PAUSE.min(left));
        }
    }

    /// Sees to it that the drain lasts, and returns it as every instance has it; an interruption is the error.
    fn hold(&mut self) -> anyhow::Result<Vec<NumberedIntent>> {
        self.interrupt.check()?;
        let drain = self.drain.as_ref().context("the drain is lifted")?;
        let drains = drain.drains();
        let ahead = self.arguments.soak.0.max(LEAST_AHEAD).min(self.longest() / 2);
        if drain.ends().saturating_duration_since(Instant::now()) >= ahead {
            return Ok(drains);
        }
        // Longer than what was asked for before, so that it is not taken for the same again.
        let lasts = (self.arguments.lasts.0 + ahead + LEAST_AHEAD).min(self.longest());
        self.post(lasts)?;
        Ok(self.drain.as_ref().map_or(drains, HeldDrain::drains))
    }

    fn longest(&self) -> Duration {
        if self.arguments.terms.is_breaking() { SafetyRule::LONGEST_OVERRIDE } else { LONGEST_TIME }
    }

    /// Asks for the drain anew.
    fn post(&mut self, lasts: Duration) -> anyhow::Result<()> {
        // An instance that is away lets no clients of the others back.
        let action = Action::Drain { target: self.target().clone() };
        let outcomes = self.arguments.terms.ask_despite(Absence::Told, &action, Some(TimeSpan(lasts)));
        let outcomes = outcomes.context("the drain cannot be made")?;
        let drains = outcomes.intents(&self.instances);
        ensure!(
            outcomes.is_whole() || !drains.is_empty(),
            "the drain cannot be made: {}",
            outcomes.failures()
        );
        outcomes.texts().for_each(|text| output::progress(format_args!("    {text}")));
        let is_whole = outcomes.is_whole();
        let new = HeldDrain::new(drains, Instant::now() + lasts);
        match &mut self.drain {
            Some(drain) => drain.renew(new),
            None => self.drain = Some(new),
        }
        ensure!(is_whole, "the drain is not in force everywhere: {}", outcomes.failures());
        Ok(())
    }

    /// Keeps the traffic away after a failure, and says what is the case and how to go on.
    fn keep_away(&mut self) {
        let target = self.target();
        if self.drain.is_none()
            && let Err(error) = self.post(self.arguments.lasts.0.min(self.longest()))
        {
            output::complain(format_args!("{error:#}"));
            output::complain(format_args!(
                "CLIENTS OF {target} MAY BE ON THEIR WAY BACK; `meridian drain {target} --reason …` keeps them away"
            ));
            return;
        }
        let Some(drain) = &self.drain else { return };
        let left =
            TimeSpan(Duration::from_secs(drain.ends().saturating_duration_since(Instant::now()).as_secs()));
        output::complain(format_args!(
            "{target} stays drained for {left} ({}). When it is right, `meridian undrain {target}` brings its \
             clients back; run this again to deploy anew; `meridian drain {target} --for TIME --reason …` keeps them \
             away for longer",
            drain.numbers(self.instances.len() == 1)
        ));
    }

    /// Returns what every instance says of the region or zone.
    ///
    /// # Errors
    ///
    /// When one cannot be asked: it may be the one at which something is wrong.
    fn sites(&self) -> anyhow::Result<Vec<RolloutSite>> {
        let name = RegionName { region: self.target().region().to_owned() };
        let sites = ask_all(&self.instances, |instance| {
            let region = instance.get(&routes::REGION, &name)?;
            let overview = instance.look(&routes::OVERVIEW)?.overview;
            Ok(RolloutSite::read(region, overview.alarms, self.target()))
        });
        sites.into_iter().map(|reply| reply.answer).collect()
    }

    /// Holds that the region or zone serves, as every instance sees it.
    fn fit(&self, before: &[Vec<String>]) -> anyhow::Result<Vec<RolloutSite>> {
        let sites = self.sites()?;
        for (place, (site, before)) in sites.iter().zip(before).enumerate() {
            let label = self.label(place);
            site.fit(self.target(), before).map_err(|why| anyhow!("{label}{why}"))?;
        }
        Ok(sites)
    }

    /// Returns what is written before what the instance in this place says; of a single one, nothing.
    fn label(&self, place: usize) -> String {
        match &self.instances[..] {
            [_] => String::new(),
            several => format!("{}: ", several[place].address),
        }
    }

    fn lists(&self, sites: &[RolloutSite]) -> String {
        let list =
            |(instance, site): (&Instance, &RolloutSite)| format!("{}: {}", instance.address, site.list());
        self.instances.iter().zip(sites).map(list).collect::<Vec<_>>().join("; ")
    }

    fn target(&self) -> &'a Target {
        &self.arguments.target
    }

    fn operator(&self) -> &'a OperatorArgs {
        &self.arguments.terms.care.operator
    }
}

/// Returns the number of the drain at an instance.
fn number_at(drains: &[NumberedIntent], instance: &Instance) -> Option<u64> {
    let here = drains.iter().find(|drain| drain.instance.address == instance.address);
    here.map(|drain| drain.number)
}

/// Lets a command end that was interrupted, and kills it if it does not.
fn stop(child: &mut std::process::Child) {
    let start = Instant::now();
    while start.elapsed() < GRACE {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(COMMAND_PAUSE);
    }
    output::complain(format_args!("the command did not end within {} and is killed", TimeSpan(GRACE)));
    let _gone = child.kill().and_then(|()| child.wait());
}

fn ended(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("it exited with {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::server::instance;

    #[test]
    fn the_drain_of_an_instance_that_was_away_at_the_renewal_is_not_forgotten_and_ends_first() {
        let drain = |address: &str, number| NumberedIntent { instance: instance(address), number };
        let (soon, late) = (Instant::now(), Instant::now() + Duration::from_secs(600));
        let mut held = HeldDrain::new(vec![drain("ns1:1", 7), drain("ns2:1", 9)], soon);
        held.renew(HeldDrain::new(vec![drain("ns1:1", 8)], late));
        assert_eq!(held.numbers(false), "intent 8 at ns1:1, 9 at ns2:1");
        assert_eq!(held.ends(), soon);
        assert_eq!(number_at(&held.drains(), &instance("ns2:1")), Some(9));
        held.renew(HeldDrain::new(vec![drain("ns2:1", 10)], late));
        assert_eq!((held.numbers(false), held.ends()), ("intent 8 at ns1:1, 10 at ns2:1".to_owned(), late));
    }
}
