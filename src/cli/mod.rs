//! The commands, one a file, and what the process exits with.

mod availability;
mod check;
mod demo;
mod drain_status;
mod drill;
mod explain;
mod failback;
pub(crate) mod geoip;
mod history;
mod intent;
mod logging;
mod map;
mod output;
mod prove;
mod rollout;
mod schema;
mod serve;
mod server;
mod simulate;
mod status;
mod whatif;

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use crate::daemon::LoadError;

/// The exit code of a failure.
const FAILURE: u8 = 1;

/// The exit code of a bad configuration, and of bad usage.
const BAD_INPUT: u8 = 2;

/// An authoritative GeoDNS server with health-driven answers
///
/// Answers A, AAAA and HTTPS queries with the nearest region that is healthy and that the law allows.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: MeridianCommand,
}

const EXAMPLES: &str = "\
Start here:
  meridian demo                                  run a whole world on loopback, to break and to heal
  meridian check zones                           validate a configuration, and see what it would serve
  meridian serve --config zones                  serve it
  meridian explain api.example.com --client 133.11.0.0/24
                                                 see why a client gets its answer
  meridian status --watch                        watch the regions; the page at the admin address has a map
  meridian failback tokyo                        let a region back that is held
  meridian drain tokyo --reason 'new kernel' --dry-run
                                                 forecast where its clients would go
  meridian drill tokyo --reason monthly          test whether the others bear it; see meridian history
  meridian simulate tokyo.scenario               play an outage from a scenario
  meridian simulate --lose tokyo --load 1.4      forecast the loss of a region
  meridian availability --target 99.95           compare measured uptime with a target
  meridian prove zones                           prove that no client is ever sent across a border

Exit codes: 0 ok, 1 failure, 2 bad configuration or usage.";

#[derive(Debug, Subcommand)]
enum MeridianCommand {
    Serve(serve::Args),
    Demo(demo::DemoArgs),
    Check(check::Args),
    Drill(drill::Args),
    Explain(explain::Args),
    Failback(failback::Args),
    Intents(intent::IntentsArgs),
    Shift(intent::ShiftArgs),
    /// End a shift: clients of a region or availability zone come back by its ramp
    Unshift(intent::UndoArgs),
    Drain(intent::DrainArgs),
    /// End a drain: clients of a region or availability zone come back by its ramp
    Undrain(intent::UndoArgs),
    Disable(intent::DisableArgs),
    /// End a disable: clients of a region or availability zone come back by its ramp
    Enable(intent::UndoArgs),
    Force(intent::ForceArgs),
    Failover(intent::FailoverArgs),
    Approve(intent::ApproveArgs),
    Capacity(intent::CapacityArgs),
    Weights(intent::WeightsArgs),
    Lift(intent::LiftArgs),
    History(history::Args),
    Availability(availability::Args),
    Status(status::Args),
    Map(map::Args),
    Prove(prove::Args),
    DrainStatus(drain_status::Args),
    Rollout(rollout::Args),
    Simulate(simulate::Args),
    Schema(schema::Args),
    Geoip(geoip::Args),
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    // The build has one TLS provider, and no HTTP client is made without; a second call would be the
    // only way to fail.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Arguments::parse().command.run().unwrap_or_else(|error| fail(&error))
}

impl MeridianCommand {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(arguments) => serve::run(&arguments),
            Self::Demo(arguments) => demo::run(arguments),
            Self::Check(arguments) => check::run(&arguments),
            Self::Drill(arguments) => drill::run(&arguments),
            Self::Explain(arguments) => explain::run(&arguments),
            Self::Availability(arguments) => availability::run(&arguments),
            Self::Failback(arguments) => failback::run(&arguments),
            Self::Intents(arguments) => intent::list(&arguments),
            Self::Shift(arguments) => intent::shift(&arguments),
            Self::Unshift(arguments) => intent::undo("shift", &arguments),
            Self::Drain(arguments) => intent::drain(&arguments),
            Self::Undrain(arguments) => intent::undo("drain", &arguments),
            Self::Disable(arguments) => intent::disable(&arguments),
            Self::Enable(arguments) => intent::undo("disable", &arguments),
            Self::Force(arguments) => intent::force(&arguments),
            Self::Failover(arguments) => intent::failover(&arguments),
            Self::Approve(arguments) => intent::approve(&arguments),
            Self::Capacity(arguments) => intent::capacity(&arguments),
            Self::Weights(arguments) => intent::weights(&arguments),
            Self::Lift(arguments) => intent::lift(&arguments),
            Self::History(arguments) => history::run(&arguments),
            Self::Status(arguments) => status::run(&arguments),
            Self::Map(arguments) => map::run(&arguments),
            Self::Prove(arguments) => prove::run(&arguments),
            Self::DrainStatus(arguments) => drain_status::run(&arguments),
            Self::Rollout(arguments) => rollout::run(&arguments),
            Self::Simulate(arguments) => simulate::run(&arguments),
            Self::Schema(arguments) => schema::run(&arguments),
            Self::Geoip(arguments) => geoip::run(&arguments),
        }
    }
}

/// An argument or an input that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BadInput(String);

impl BadInput {
    fn new(error: impl Display) -> Self {
        Self(error.to_string())
    }
}

/// Prints why a command failed, and returns its exit code.
fn fail(error: &anyhow::Error) -> ExitCode {
    let unloaded = error.downcast_ref::<LoadError>();
    match unloaded {
        Some(LoadError::Problems(problems)) => {
            let count = problems.count();
            output::remark(format_args!("{problems}{count} problem{}", if count == 1 { "" } else { "s" }));
        }
        Some(_) | None => output::complain(format_args!("{error:#}")),
    }
    ExitCode::from(if unloaded.is_some() || error.is::<BadInput>() { BAD_INPUT } else { FAILURE })
}

/// How long the end of the process waits for work on other threads, such as a large database that is
/// being read for a reload.
const LINGER: Duration = Duration::from_secs(1);

/// Runs a future on a thread for each processor, and leaves behind what does not end with it.
fn run_to_end<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let result = runtime.block_on(future);
    runtime.shutdown_timeout(LINGER);
    Ok(result)
}
