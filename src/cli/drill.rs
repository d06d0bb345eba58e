//! `meridian drill`: a shift to learn from.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::StatusCode;

use super::server::{Server, author};
use super::{BAD_INPUT, FAILURE};
use crate::admin::access::AUTHOR;
use crate::admin::changes::{Refused, Told, Wanted};
use crate::admin::history::{Drill, History};
use crate::intent::Outcome;

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
/// Exit codes: 0 it is under way, or with --wait it succeeded; 1 it is refused, or with --wait it did not succeed.
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

    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Break this rule of safety on purpose: no_region, min_in_service, hard_limit or one_at_a_time
    #[arg(long = "override", value_name = "RULE")]
    overrides: Vec<String>,

    /// Only say what would happen
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,

    /// Wait until it is known what came of it
    #[arg(long)]
    wait: bool,

    /// Who says so, for the server's log, besides the name of the token; without it, $USER
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    #[command(flatten)]
    server: Server,
}

/// Runs the command.
///
/// # Errors
///
/// When the server cannot be asked.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let (status, text) = post(arguments)?;
    if !status.is_success() {
        let (error, prediction) = match serde_json::from_str::<Refused>(&text) {
            Ok(refused) => (refused.error, refused.prediction),
            Err(_) => (text, None),
        };
        prediction.iter().for_each(|prediction| println!("{}", prediction.trim_end()));
        eprintln!("meridian: {}", error.trim_end());
        let is_usage = [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND].contains(&status);
        return Ok(ExitCode::from(if is_usage { BAD_INPUT } else { FAILURE }));
    }
    let told: Told = serde_json::from_str(&text).context("the server is of another version")?;
    told.prediction.iter().for_each(|prediction| println!("{}", prediction.trim_end()));
    told.violations.iter().for_each(|one| println!("BREAKS {}: {}", one.rule, one.sentence));
    println!("{}", told.text);
    match told.intent.filter(|_| arguments.wait) {
        Some(intent) => wait(arguments, intent.number),
        None => Ok(ExitCode::from(if told.violations.is_empty() { 0 } else { FAILURE })),
    }
}

fn post(arguments: &Args) -> anyhow::Result<(StatusCode, String)> {
    let Args { place, percent, abort_when, .. } = arguments;
    let author = author(arguments.author.as_deref())?;
    let wanted = Wanted {
        intent: format!("drill {place} {percent} abort-when {abort_when}"),
        lasts: Some(arguments.lasts.clone()),
        reason: arguments.reason.clone(),
        overrides: arguments.overrides.clone(),
        dry_run: arguments.dry_run,
    };
    arguments.server.reply(&["intents"], |client, url| {
        let request = client.post(url).json(&wanted);
        match author {
            Some(author) => request.header(AUTHOR, author),
            None => request,
        }
    })
}

/// Waits for the outcome of a drill. A server that is not there for a while does not end a drill.
fn wait(arguments: &Args, number: u64) -> anyhow::Result<ExitCode> {
    let mut failures = 0;
    loop {
        match look(arguments, number) {
            Ok(Some(drill)) if drill.outcome != Outcome::Pending.as_str() => {
                println!("{}", drill.text);
                let is_good = drill.outcome == Outcome::Succeeded.as_str();
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
fn look(arguments: &Args, number: u64) -> anyhow::Result<Option<Drill>> {
    // Others may be begun and refused meanwhile.
    let query = [("limit", "50")];
    let text = arguments.server.ask(&["history"], |client, url| client.get(url).query(&query))?;
    let history: History = serde_json::from_str(&text).context("the server is of another version")?;
    Ok(history.drills.into_iter().find(|drill| drill.number == number))
}
