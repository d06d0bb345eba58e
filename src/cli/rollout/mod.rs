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

use anyhow::{Context, bail, ensure};

use super::drain_status;
use super::exit::FAILURE;
use super::intent::{OperatorArgs, TermsArgs, report};
use super::output;
use crate::admin::api::{ChangeReply, LiftQuery, RegionName, routes};
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
/// One instance is drained and asked; it speaks for itself, and others need a drain of their own.
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
    let mut rollout = Rollout { arguments, interrupt, drain: None };
    let intent = match rollout.ask(arguments.lasts.0) {
        Ok(ChangeReply { intent: Some(intent), .. }) => intent,
        // It is refused, or was only tried.
        other => return report(other, arguments.terms.is_trial()),
    };
    output::progress(
        "one instance is asked and speaks for itself: others that answer for the zone need a drain too",
    );
    output::progress(format_args!("1/6 drain: {}", intent.text));
    rollout.drain = Some(HeldDrain { number: intent.number, ends: Instant::now() + arguments.lasts.0 });
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
    interrupt: Interrupt,
    /// The drain in force; `None`: it has been lifted.
    drain: Option<HeldDrain>,
}

/// The drain in force.
struct HeldDrain {
    number: u64,
    /// When it ends at the earliest.
    ends: Instant,
}

impl<'a> Rollout<'a> {
    fn go(&mut self) -> anyhow::Result<()> {
        let site = self.site().context("cannot look at what is to be deployed")?;
        ensure!(!site.addresses.is_empty(), "{} has no addresses", self.target());
        output::progress(format_args!("2/6 wait until no resolver may hold {}", site.list()));
        self.wait_for_last_client()?;
        output::progress(format_args!("3/6 run: {}", self.arguments.exec));
        self.execute(&site)?;
        output::progress(format_args!("4/6 wait for canaries of {}", site.list()));
        self.verify()?;
        let before = self.site()?.alarms;
        output::progress("5/6 lift the drain: clients come back step by step");
        let number = self.lift()?;
        self.wait_for_ramp(number, &before)?;
        output::progress(format_args!("6/6 soak for {}", self.arguments.soak));
        self.soak(&before)
    }

    /// Waits until no resolver may hold an address any more.
    fn wait_for_last_client(&mut self) -> anyhow::Result<()> {
        let timeout = self.arguments.timeout;
        let is_over = drain_status::wait(&self.operator().server, timeout.0, || self.hold())?;
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
        let mut fresh = site::FreshResults::default();
        let mut missing = "the server does not answer".to_owned();
        while start.elapsed() < self.arguments.timeout.0 {
            self.hold()?;
            // A server that is started anew forgets no drain.
            if let Ok(site) = self.site() {
                match fresh.missing(&site) {
                    None => return Ok(()),
                    Some(what) => missing = what,
                }
            }
            thread::sleep(PAUSE);
        }
        bail!("{missing}, {} after the command", self.arguments.timeout)
    }

    /// Lifts the drain, and returns its number.
    fn lift(&mut self) -> anyhow::Result<u64> {
        let number = self.hold()?;
        let answer = self.operator().order(&routes::LIFT, &LiftQuery { number, at_once: false }, &());
        output::progress(format_args!("    {}", answer.context("the drain cannot be lifted")?.text));
        self.drain = None;
        Ok(number)
    }

    /// Waits until the clients are back.
    fn wait_for_ramp(&mut self, number: u64, before: &[String]) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut said = String::new();
        while start.elapsed() < self.arguments.timeout.0 {
            self.interrupt.check()?;
            let list = self.operator().server.look(&routes::INTENTS)?;
            let Some(intent) = list.intents.into_iter().find(|intent| intent.number == number) else {
                return Ok(());
            };
            ensure!(intent.state != "stuck", "a gate of the ramp was closed twice");
            let state = intent.why.map_or(intent.state, |why| format!("clients stay away: {why}"));
            if said != state {
                output::progress(format_args!("    {state}"));
                said = state;
            }
            self.site()?.fit(self.target(), before)?;
            thread::sleep(PAUSE);
        }
        bail!("its clients are not back after {}: {said}", self.arguments.timeout)
    }

    /// Watches for what goes wrong, and looks whether all is well in the end.
    fn soak(&self, before: &[String]) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            self.interrupt.check()?;
            let site = self.site()?;
            site.fit(self.target(), before)?;
            let left = self.arguments.soak.0.saturating_sub(start.elapsed());
            if left.is_zero() {
                return match site.phases.iter().find(|phase| !phase.is_well()) {
                    Some(phase) => bail!("{} is {phase} after {}", self.target(), self.arguments.soak),
                    None => Ok(()),
                };
            }
            thread::sleep(PAUSE.min(left));
        }
    }

    /// Sees to it that the drain lasts, and returns its number; an interruption is the error.
    fn hold(&mut self) -> anyhow::Result<u64> {
        self.interrupt.check()?;
        let drain = self.drain.as_ref().context("the drain is lifted")?;
        let number = drain.number;
        let ahead = self.arguments.soak.0.max(LEAST_AHEAD).min(self.longest() / 2);
        if drain.ends.saturating_duration_since(Instant::now()) >= ahead {
            return Ok(number);
        }
        // Longer than what was asked for before, so that it is not taken for the same again.
        let lasts = (self.arguments.lasts.0 + ahead + LEAST_AHEAD).min(self.longest());
        self.post(lasts)?;
        Ok(self.drain.as_ref().map_or(number, |drain| drain.number))
    }

    fn longest(&self) -> Duration {
        if self.arguments.terms.is_breaking() { SafetyRule::LONGEST_OVERRIDE } else { LONGEST_TIME }
    }

    /// Asks for the drain anew.
    fn post(&mut self, lasts: Duration) -> anyhow::Result<()> {
        let reply = self.ask(lasts).context("the drain cannot be made")?;
        let intent = reply.intent.context("the server made no intent")?;
        output::progress(format_args!("    {}", intent.text));
        self.drain = Some(HeldDrain { number: intent.number, ends: Instant::now() + lasts });
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
            TimeSpan(Duration::from_secs(drain.ends.saturating_duration_since(Instant::now()).as_secs()));
        output::complain(format_args!(
            "{target} stays drained for {left} (intent {}). When it is right, `meridian undrain {target}` brings its \
             clients back; run this again to deploy anew; `meridian drain {target} --for TIME --reason …` keeps them \
             away for longer",
            drain.number
        ));
    }

    fn site(&self) -> anyhow::Result<RolloutSite> {
        let server = &self.operator().server;
        let region =
            server.get(&routes::REGION, &RegionName { region: self.target().region().to_owned() })?;
        let overview = server.look(&routes::OVERVIEW)?.overview;
        Ok(RolloutSite::read(region, overview.alarms, self.target()))
    }

    fn ask(&self, lasts: Duration) -> anyhow::Result<ChangeReply> {
        self.arguments.terms.ask(Action::Drain { target: self.target().clone() }, Some(TimeSpan(lasts)))
    }

    fn target(&self) -> &'a Target {
        &self.arguments.target
    }

    fn operator(&self) -> &'a OperatorArgs {
        &self.arguments.terms.care.operator
    }
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
