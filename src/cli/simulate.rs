//! `meridian simulate`: plays a scenario of trouble to the code that serves, or simulates a loss.

use std::path::PathBuf;
use std::process::ExitCode;

use super::exit::{BAD_INPUT, BadInput, FAILURE};
use super::{output, random, whatif};
use crate::daemon;
use crate::simulate::{Error, Journal, LoadedScenario, Simulation, Timeline};

/// Play a scenario of trouble, or simulate a loss, and see where clients would go
///
/// With --lose or --each: where all clients would go if regions were lost, once everything has settled, by the
/// very code that serves; and whether clients would be left without a permitted region, or a region be
/// overloaded.
///
/// With a FILE: the scenario says what happens to addresses and when, and what is expected of the answers. It is played
/// to the very code that serves, with a written clock: an hour takes milliseconds, nothing is sent, and
/// the same scenario always tells the same story.
///
/// With --random: scenarios drawn from seeds, in worlds drawn from them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub struct Args {
    /// The scenario
    #[arg(value_name = "FILE", required_unless_present_any = ["lose", "each", "random"])]
    file: Option<PathBuf>,

    /// Read the configuration from this directory, instead of the one that the scenario names, or of zones
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,

    #[command(flatten)]
    whatif: whatif::WhatIfArgs,

    #[command(flatten)]
    random: random::RandomArgs,
}

const EXAMPLE: &str = "\
A scenario, say tokyo.scenario:
  config zones                       # the directory, as seen from the scenario; or --config
  seed 7                             # what the jitter of the probes is drawn from
  client JP 133.11.0.0/24            # clients, by names of your own
  client DE 141.20.0.0/16 rate 5000  # and their requests per second, which fill regions
  watch api.example.com              # what they ask for, A and AAAA
  check                              # what must always hold, whatever happens

  at 12s tokyo/tokyo-a refuse        # a region, REGION/AZ or REGION/AZ/ADDRESS, and one of
  at 60s tokyo timeout               # refuse, reset, timeout, tls, status 503, body, dns, gray, ok,
  at 5m tokyo loss 3%                # of the probes are lost, slow 3s, slow 1s whole 8s
  at 10m tokyo ok
  every 40s from 20m to 30m osaka refuse
  at 15m restart                     # its state file: keep, late, lose, stale, corrupt
  at 20m reload ../other
  at 25m tokyo load 95%              # a signal: load, errors, p95, requests
  at 26m demand 140%                 # every rate, times this
  at 28m clock +1h                   # the wall clock jumps
  at 29m failback tokyo              # an operator lets it back

  expect 40s tokyo/tokyo-a is down   # or unknown, up, suspect, rising
  expect 90s JP -> osaka             # or `osaka or oregon`, nodata, servfail, refused
  expect 90s JP AAAA -> osaka ttl 30
  expect 11m DE -> frankfurt > 90%   # this share of them
  expect 11m tokyo is ramp           # or healthy, recovering, held, quarantined
  expect 27m oregon load < 90%
  expect 30m DE stays                # was never sent elsewhere; `stays since 15m`: not since then
  until 1h

Then:
  meridian simulate tokyo.scenario
Or:
  meridian simulate --lose tokyo,osaka --load 1.4
  meridian simulate --each --config zones        # in CI; --allow FILE for known risks
  meridian simulate --lose oregon/oregon-a --admin 127.0.0.1:8053
  meridian simulate --random 1 --seeds 500       # a night of random trouble

Exit codes: 0 all expectations hold, or what is lost is borne; 1 some do not, or it ends badly; 2 bad scenario,
configuration or usage.";

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    if let Some(seed) = arguments.random.random {
        return random::run(&arguments.random, seed);
    }
    let Some(file) = &arguments.file else {
        return whatif::run(&arguments.whatif, arguments.config.as_ref());
    };
    let loaded = match LoadedScenario::load(file, arguments.config.as_deref()) {
        Ok(loaded) => loaded,
        Err(Error::Load(error)) => return Err(error.into()),
        Err(Error::Scenario(problems)) => {
            output::remark(problems.to_string().trim_end());
            return Ok(ExitCode::from(BAD_INPUT));
        }
        Err(error @ Error::Read { .. }) => return Err(BadInput::new(daemon::chain(&error)).into()),
    };
    let summary = match arguments.whatif.json {
        true => {
            let mut journal = Journal::default();
            Simulation::play(&loaded, &mut |at, happening| journal.take(at, happening));
            output::text(journal.text);
            journal.summary
        }
        false => {
            let mut timeline = Timeline::default();
            Simulation::play(&loaded, &mut |at, happening| timeline.take(at, happening));
            output::text(timeline.text);
            timeline.summary
        }
    };
    Ok(if summary.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}
