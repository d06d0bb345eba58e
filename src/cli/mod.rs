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
mod prove;
mod rollout;
mod schema;
mod serve;
mod server;
mod simulate;
mod status;
mod whatif;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use crate::daemon::{self, LoadError};

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
    command: Command,
}

const EXAMPLES: &str = "\
Start here:
  meridian demo                                  a whole base on loopback, to break and to heal
  meridian check zones                           is this configuration right, and what would it serve?
  meridian serve --config zones                  serve it
  meridian explain api.example.com --client 133.11.0.0/24
                                                 why would this client get what it gets?
  meridian status --watch                        how do the regions stand? the page at the admin address has a map
  meridian failback tokyo                        let a region back that is held
  meridian drain tokyo --reason 'new kernel' --dry-run
                                                 what would happen if its clients went elsewhere?
  meridian drill tokyo --reason monthly          do the others bear it? what came of it: meridian history
  meridian simulate tokyo.scenario               what would happen if Tokyo died at 12 s?
  meridian simulate --lose tokyo --load 1.4      where would everybody go if Tokyo were lost?
  meridian availability --target 99.95           was everything up for long enough, and what may still happen?
  meridian prove zones                           can any client ever be sent across a border?

Exit codes: 0 ok, 1 failure, 2 bad configuration or usage.";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Demo(demo::Command),
    Check(check::Args),
    Drill(drill::Args),
    Explain(explain::Args),
    Failback(failback::Args),
    Intents(intent::List),
    Shift(intent::Shift),
    /// End a shift: clients of a region or availability zone come back by its ramp
    Unshift(intent::Undo),
    Drain(intent::Drain),
    /// End a drain: clients of a region or availability zone come back by its ramp
    Undrain(intent::Undo),
    Disable(intent::Disable),
    /// End a disable: clients of a region or availability zone come back by its ramp
    Enable(intent::Undo),
    Force(intent::Force),
    Failover(intent::Failover),
    Approve(intent::Approve),
    Capacity(intent::Capacity),
    Weights(intent::Weights),
    Lift(intent::Lift),
    History(history::Args),
    Availability(availability::Args),
    Status(status::Args),
    Map(map::Args),
    Prove(prove::Args),
    Receipt(drain_status::Args),
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
    let result = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Demo(command) => demo::run(command),
        Command::Check(arguments) => check::run(&arguments),
        Command::Drill(arguments) => drill::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Availability(arguments) => availability::run(&arguments),
        Command::Failback(arguments) => failback::run(&arguments),
        Command::Intents(arguments) => intent::list(&arguments),
        Command::Shift(arguments) => intent::shift(&arguments),
        Command::Unshift(arguments) => intent::undo("shift", &arguments),
        Command::Drain(arguments) => intent::drain(&arguments),
        Command::Undrain(arguments) => intent::undo("drain", &arguments),
        Command::Disable(arguments) => intent::disable(&arguments),
        Command::Enable(arguments) => intent::undo("disable", &arguments),
        Command::Force(arguments) => intent::force(&arguments),
        Command::Failover(arguments) => intent::failover(&arguments),
        Command::Approve(arguments) => intent::approve(&arguments),
        Command::Capacity(arguments) => intent::capacity(&arguments),
        Command::Weights(arguments) => intent::weights(&arguments),
        Command::Lift(arguments) => intent::lift(&arguments),
        Command::History(arguments) => history::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Map(arguments) => map::run(&arguments),
        Command::Prove(arguments) => prove::run(&arguments),
        Command::Receipt(arguments) => drain_status::run(&arguments),
        Command::Rollout(arguments) => rollout::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Geoip(arguments) => geoip::run(arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("meridian: {error:#}");
        ExitCode::from(FAILURE)
    })
}

/// Prints why a configuration cannot be loaded, and returns the exit code for that.
fn refuse(error: &LoadError) -> ExitCode {
    match error {
        LoadError::Problems(problems) => match problems.count() {
            1 => eprintln!("{problems}1 problem"),
            count => eprintln!("{problems}{count} problems"),
        },
        LoadError::Directory(_) | LoadError::Read(_) | LoadError::Secret(_) | LoadError::Database { .. } => {
            eprintln!("meridian: {}", daemon::chain(error));
        }
    }
    ExitCode::from(BAD_INPUT)
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
