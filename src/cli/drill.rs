//! `meridian drill`: a shift to learn from.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::bail;

use super::exit::FAILURE;
use super::operator::{NumberedIntent, TermsArgs};
use super::server::ask_all;
use super::{output, reading};
use crate::admin::api::{DrillRecord, HistoryQuery, routes};
use crate::intent::{AbortRule, Action, DrillOutcome};
use crate::region::Target;
use crate::share::Share;
use crate::units::TimeSpan;

/// The pause between two looks at a drill.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The failed looks in a row that end the wait: a minute, within which a server is restarted.
const PATIENCE: u32 = 60;

/// Send a share of a region's clients elsewhere for a while, to learn what happens then
///
/// What would happen is calculated first; a drill that ends badly is refused with the numbers. Any alarm that did not
/// stand when it began ends it at once, as do those who shift, drain or disable in earnest, or lift it. When its time
/// is over its clients come back step by step. What came of it is in `meridian history`.
///
/// Exits with 0 when it is under way, with --wait when it succeeded; else with 1. Several instances have a drill each: one
/// that ends does not end the others.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// REGION or REGION/AZ
    target: Target,

    /// Send this percentage of its clients elsewhere
    #[arg(long, value_name = "N", default_value = "10")]
    percent: Share,

    /// Bring them back after this time, 1m to 72h
    #[arg(long = "for", value_name = "TIME", default_value = "30m")]
    lasts: TimeSpan,

    /// End it also at load>90%, error_rate>2% or p95>900ms, in the region or in one that its clients go to
    #[arg(long, value_name = "RULE", default_value = "alarm")]
    abort_when: AbortRule,

    /// Wait for the outcome
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,

    #[command(flatten)]
    terms: TermsArgs,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let Args { target, percent, lasts, abort_when, wait: waits, terms } = arguments;
    let action = Action::Drill { target: target.clone(), away: *percent, abort: *abort_when };
    let outcomes = terms.ask(&action, Some(*lasts))?;
    let drills = outcomes.intents(&terms.care.operator.server.instances()?);
    let is_whole = outcomes.is_whole();
    let code = outcomes.report(terms.is_trial())?;
    if !*waits || !is_whole {
        return Ok(code);
    }
    wait_for_all(&drills)
}

/// Waits for the outcomes of all drills at the same time, and prints each when it comes. The failure of a single instance
/// is passed on; of several, each is told, and the others are waited for.
fn wait_for_all(drills: &[NumberedIntent]) -> anyhow::Result<ExitCode> {
    if let [drill] = drills {
        return Ok(code([wait(drill, "")?]));
    }
    let instances: Vec<_> = drills.iter().map(|drill| drill.instance.clone()).collect();
    let outcomes = ask_all(&instances, |instance| {
        let address = &instance.address;
        let drill = drills.iter().find(|drill| drill.instance.address == *address);
        wait(drill.expect("each instance is that of a drill"), &format!("{address}: "))
    });
    reading::judge(&outcomes);
    Ok(code(outcomes.iter().map(|reply| reply.answer.as_ref().is_ok_and(|is_good| *is_good))))
}

fn code(is_good: impl IntoIterator<Item = bool>) -> ExitCode {
    let is_all_good = is_good.into_iter().all(|is_good| is_good);
    if is_all_good { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) }
}

/// Waits for the outcome of a drill at its instance, prints it after a label, and returns whether it is good. The drill
/// goes on while the instance is restarted.
fn wait(drill: &NumberedIntent, label: &str) -> anyhow::Result<bool> {
    let mut failures = 0;
    loop {
        match look(drill) {
            Ok(Some(drill)) if drill.outcome != DrillOutcome::Pending => {
                output::progress(format_args!("{label}{}", drill.text));
                return Ok(drill.outcome == DrillOutcome::Succeeded);
            }
            Ok(Some(_)) => failures = 0,
            Ok(None) => bail!("the server does not remember drill {}", drill.number),
            Err(error) if failures == PATIENCE => return Err(error),
            Err(_) => failures += 1,
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Returns what is known of a drill; `None`: nothing.
fn look(NumberedIntent { instance, number }: &NumberedIntent) -> anyhow::Result<Option<DrillRecord>> {
    // Others may be begun and refused meanwhile.
    let history = instance.get(&routes::HISTORY, &HistoryQuery { limit: 50, kind: None, all: false })?;
    Ok(history.drills.into_iter().find(|drill| drill.number == *number))
}
