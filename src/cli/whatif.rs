//! `meridian simulate --lose` and `--each`: what would happen if regions were lost.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use super::server::Server;
use super::{BAD_INPUT, FAILURE, refuse};
use crate::daemon;
use crate::health::{Services, View};
use crate::inspect::what_if::{Loss, MAX_LOAD, Present, Survey, WhatIf};
use crate::load::Outlook;
use crate::moment::Moment;

/// What is asked instead of playing a script.
#[derive(Debug, clap::Args)]
pub struct Question {
    /// What if these regions, or availability zones as REGION/AZ, were lost together?
    #[arg(long, value_name = "REGION[,REGION…]", conflicts_with_all = ["file", "each"])]
    lose: Option<String>,

    /// What if each region, and each pair of regions, were lost? For CI
    #[arg(long, conflicts_with = "file")]
    each: bool,

    /// Multiply the demand by this
    ///
    /// A running server knows the demand by what its regions report. Without one it is taken to be in proportion
    /// to the IPv4 addresses that clients have, and so much that the fullest region stands at `safety.load.back`
    /// (60 %) of its capacity when this is 1.
    #[arg(long, value_name = "FACTOR", default_value = "1.0", value_parser = load, conflicts_with = "file")]
    load: f64,

    /// Print JSON
    #[arg(long, conflicts_with = "file")]
    json: bool,

    // With --admin it asks the running server, which knows the demand.
    #[command(flatten)]
    server: Server,
}

fn load(text: &str) -> Result<f64, String> {
    let factor = match text.strip_suffix('%') {
        Some(percent) => percent.parse().map(|percent: f64| percent / 100.0),
        None => text.parse(),
    };
    let is_sensible = |load: &f64| *load > 0.0 && *load <= MAX_LOAD;
    factor
        .ok()
        .filter(is_sensible)
        .ok_or_else(|| format!("write a factor above 0 and up to {MAX_LOAD}, such as 1.4"))
}

/// What came of it.
enum Answer {
    WhatIf(WhatIf),
    Survey(Survey),
}

/// Runs the command.
///
/// # Errors
///
/// When the running server cannot be asked.
pub fn run(arguments: &Question, config: Option<&PathBuf>) -> anyhow::Result<ExitCode> {
    let answer = match &arguments.server.admin {
        Some(_) => match ask(arguments)? {
            Ok(answer) => answer,
            Err(sentence) => return Ok(usage(sentence.trim_end())),
        },
        None => {
            let directory = config.cloned().unwrap_or_else(|| PathBuf::from("zones"));
            let base = match daemon::load(&directory) {
                Ok(loaded) => loaded.base,
                Err(error) => return Ok(refuse(&error)),
            };
            let health = View::all_up(base.config.regions.addresses().count());
            let services = Services::of(&base.config.regions, &health);
            let outlook = Outlook::assumed(&base);
            let (health, services, outlook) = (&health, &services, &outlook);
            let present = Present { base: &base, health, services, outlook, at: Moment::default() };
            match arguments.lose.as_deref().map(|lost| Loss::parse(lost, &base.config.regions)) {
                Some(Ok(loss)) => Answer::WhatIf(present.lose(&loss, arguments.load)),
                Some(Err(error)) => return Ok(usage(&error.to_string())),
                None => Answer::Survey(present.survey(arguments.load)),
            }
        }
    };
    print(&answer, arguments.json)
}

fn usage(sentence: &str) -> ExitCode {
    eprintln!("meridian: {sentence}");
    ExitCode::from(BAD_INPUT)
}

/// Asks a running server; the error is its sentence for a request that makes no sense.
fn ask(arguments: &Question) -> anyhow::Result<Result<Answer, String>> {
    let what = match &arguments.lose {
        Some(lost) => ("lose", lost.clone()),
        None => ("each", "true".to_owned()),
    };
    let query = [what, ("load", arguments.load.to_string()), ("format", "json".to_owned())];
    let (status, text) =
        arguments.server.reply(&["simulate"], |client, url| client.get(url).query(&query))?;
    if status.is_client_error() {
        return Ok(Err(text));
    }
    if !status.is_success() {
        bail!("{}", text.trim_end());
    }
    Ok(Ok(match arguments.lose {
        Some(_) => Answer::WhatIf(serde_json::from_str(&text)?),
        None => Answer::Survey(serde_json::from_str(&text)?),
    }))
}

fn print(answer: &Answer, is_json: bool) -> anyhow::Result<ExitCode> {
    let (text, json, is_good) = match answer {
        Answer::WhatIf(whatif) => {
            (whatif.to_string(), serde_json::to_string_pretty(whatif)?, whatif.bad.is_empty())
        }
        Answer::Survey(survey) => {
            (survey.to_string(), serde_json::to_string_pretty(survey)?, survey.is_good())
        }
    };
    println!("{}", if is_json { json } else { text }.trim_end());
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_a_factor_or_a_percentage_above_nothing() {
        assert_eq!((load("1.4"), load("140%")), (Ok(1.4), Ok(1.4)));
        for text in ["0", "-1", "NaN", "inf", "1001", "much", ""] {
            assert!(load(text).is_err(), "{text}");
        }
    }
}
