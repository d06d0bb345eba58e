//! `meridian simulate --lose` and `--each`: what would happen if regions were lost.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::exit::{BadInput, FAILURE};
use super::output;
use super::server::ServerArgs;
use crate::admin::api::{ApiError, LossSimulation, SimulateQuery, routes};
use crate::daemon;
use crate::health::View;
use crate::inspect::what_if::{Loss, MAX_LOAD, Present};
use crate::load::Outlook;
use crate::moment::Moment;
use crate::units::Percent;

/// What to simulate instead of playing a scenario.
#[derive(Debug, clap::Args)]
pub struct WhatIfArgs {
    /// Lose these regions, or availability zones as REGION/AZ, together
    #[arg(long, value_name = "REGION[,REGION…]", conflicts_with_all = ["file", "each"])]
    lose: Option<String>,

    /// Lose each region and each pair of regions in turn, for CI
    #[arg(long, conflicts_with = "file")]
    each: bool,

    /// Multiply the demand by this
    ///
    /// A running server knows the demand by what its regions report. Without one it is taken to be in proportion
    /// to the IPv4 addresses that clients have, and so much that the fullest region stands at `safety.load.back`
    /// (60 %) of its capacity when this is 1.
    #[arg(long, value_name = "FACTOR", default_value = "1.0", value_parser = load, conflicts_with = "file")]
    load: f64,

    /// Print JSON; of a scenario an object a line, with exact loads and shares
    #[arg(long, conflicts_with = "random")]
    pub json: bool,

    // With --admin it asks the running server, which knows the demand.
    #[command(flatten)]
    server: ServerArgs,
}

fn load(text: &str) -> Result<f64, String> {
    Percent::parse_fraction(text)
        .filter(|load| *load > 0.0 && *load <= MAX_LOAD)
        .ok_or_else(|| format!("write a factor above 0 and up to {MAX_LOAD}, such as 1.4"))
}

pub fn run(arguments: &WhatIfArgs, config: Option<&PathBuf>) -> anyhow::Result<ExitCode> {
    let simulation = match arguments.server.admin {
        Some(_) => of_server(arguments)?,
        None => of_directory(arguments, config)?,
    };
    match arguments.json {
        true => output::json(&simulation),
        false => output::line(simulation.to_string().trim_end()),
    }
    Ok(if simulation.is_good() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

fn of_server(arguments: &WhatIfArgs) -> anyhow::Result<LossSimulation> {
    let WhatIfArgs { lose, each, load, server, .. } = arguments;
    let query = SimulateQuery { lose: lose.clone(), each: *each, load: *load, format: None };
    server.get(&routes::SIMULATE, &query).map_err(|error| match error.downcast::<ApiError>() {
        Ok(refusal) if refusal.status < 500 => BadInput::new(refusal).into(),
        Ok(refusal) => refusal.into(),
        Err(error) => error,
    })
}

fn of_directory(arguments: &WhatIfArgs, config: Option<&PathBuf>) -> anyhow::Result<LossSimulation> {
    let base = daemon::load(config.map_or(Path::new("zones"), PathBuf::as_path))?.base;
    let (view, outlook) = (View::all_up(&base.config.regions), Outlook::assumed(&base));
    let present = Present { base: &base, view: &view, outlook: &outlook, at: Moment::default() };
    let Some(lost) = &arguments.lose else {
        return Ok(LossSimulation::Survey(present.survey(arguments.load)));
    };
    let loss = Loss::parse(lost, &base.config.regions).map_err(BadInput::new)?;
    Ok(LossSimulation::WhatIf(present.lose(&loss, arguments.load)))
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
