//! `meridian drill`: a shift to learn from.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

use super::FAILURE;
use super::intent::{Terms, told};
use super::server::Server;
use crate::admin::history::{Drill, History};
use crate::intent::DrillOutcome;

/// How often it is looked what came of a drill.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often in a row the server may not be there while a drill is waited for: a minute, within which it is restarted.
const PATIENCE: u32 = 60;

/// Send a share of a region's clients elsewhere for a while, to learn what happens then
///
/// What would happen is calculated first; a drill that ends badly is refused with the numbers. Any alarm that did not
/// stand when it began ends it at once, as do those who shift, drain or disable in earnest, or lift it. When its time
/// is over its clients come back step by step. What came of it is in `meridian history`.
///
/// Exits with 0 when it is under way, with --wait when it succeeded; else with 1.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The region, or the availability zone as REGION/AZ
    #[arg(value_name = "REGION[/AZ]")]
    place: String,

    /// How many percent of its clients go elsewhere
    #[arg(long, value_name = "N", default_value = "10")]
    percent: String,

    /// For how long, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "30m")]
    lasts: String,

    /// What else ends it: load>90%, error_rate>2% or p95>900ms, in the region or in one that its clients go to
    #[arg(long, value_name = "RULE", default_value = "alarm")]
    abort_when: String,

    /// Wait until it is known what came of it
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,

    #[command(flatten)]
    terms: Terms,
}

/// Runs the command.
///
/// # Errors
///
/// When the server cannot be asked.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let Args { place, percent, lasts, abort_when, wait: waits, terms } = arguments;
    let wish = format!("drill {place} {percent} abort-when {abort_when}");
    let answer = terms.ask(wish, Some(lasts.clone()))?;
    let number = answer.as_ref().ok().and_then(|told| told.intent.as_ref()).map(|intent| intent.number);
    let code = told(answer, terms.is_trial())?;
    match number.filter(|_| *waits) {
        Some(number) => wait(&terms.who.server, number),
        None => Ok(code),
    }
}

/// Waits for the outcome of a drill. A server that is not there for a while does not end a drill.
fn wait(server: &Server, number: u64) -> anyhow::Result<ExitCode> {
    let mut failures = 0;
    loop {
        match look(server, number) {
            Ok(Some(drill)) if drill.outcome != DrillOutcome::Pending.as_str() => {
                println!("{}", drill.text);
                let is_good = drill.outcome == DrillOutcome::Succeeded.as_str();
                return Ok(ExitCode::from(if is_good { 0 } else { FAILURE }));
            }
            Ok(Some(_)) => failures = 0,
            Ok(None) => bail!("the server does not remember drill {number}"),
            Err(error) if failures == PATIENCE => return Err(error),
            Err(_) => failures += 1,
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Returns what is known of a drill; `None`: nothing.
fn look(server: &Server, number: u64) -> anyhow::Result<Option<Drill>> {
    // Others may be begun and refused meanwhile.
    let query = [("limit", "50")];
    let text = server.ask(&["history"], |client, url| client.get(url).query(&query))?;
    let history: History = serde_json::from_str(&text).context("the server is of another version")?;
    Ok(history.drills.into_iter().find(|drill| drill.number == number))
}
