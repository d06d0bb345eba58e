//! `meridian simulate --lose` and `--each`: what would happen if regions were lost.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::allowed_losses::AllowedLosses;
use super::exit::{BadInput, FAILURE};
use super::output;
use super::reading::{self, PrintForm};
use super::server::{Instance, ServerArgs, ask_all};
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

    /// Leave pairs of regions out
    #[arg(long, requires = "each")]
    singles: bool,

    /// Let the losses in this file end badly: `tokyo`, or `frankfurt, paris`, one a line
    #[arg(long, value_name = "FILE", requires = "each")]
    allow: Option<PathBuf>,

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
    let (form, server) = (PrintForm::of(arguments.json), &arguments.server);
    let asks = server.is_given() || config.is_none() && server.is_named();
    let allowed = arguments.allow.as_deref().map(AllowedLosses::read).transpose()?;
    let tried = |simulation| narrow(simulation, arguments.singles, allowed.as_ref());
    let simulation = match asks {
        true => match &server.instances()?[..] {
            [instance] => tried(of_instance(arguments, instance)?)?,
            several => {
                let replies = ask_all(several, |instance| tried(of_instance(arguments, instance)?));
                let code = reading::show(&replies, form, written);
                let mut known = replies.iter().filter_map(|reply| reply.answer.as_ref().ok());
                return Ok(if known.all(LossSimulation::is_good) { code } else { ExitCode::from(FAILURE) });
            }
        },
        false => tried(of_directory(arguments, config)?)?,
    };
    match form {
        PrintForm::Json => output::json(&simulation),
        PrintForm::Text => output::text(written(&simulation)),
    }
    Ok(if simulation.is_good() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

/// Leaves the losses of a survey that are asked for, and lets those pass that are known.
fn narrow(
    mut simulation: LossSimulation,
    singles: bool,
    allowed: Option<&AllowedLosses>,
) -> anyhow::Result<LossSimulation> {
    if let LossSimulation::Survey(survey) = &mut simulation {
        if singles {
            survey.leave_singles();
        }
        let needless = allowed.map(|allowed| allowed.apply(survey)).transpose()?.unwrap_or_default();
        needless.iter().for_each(output::remark);
    }
    Ok(simulation)
}

fn written(simulation: &LossSimulation) -> String {
    format!("{}\n", simulation.to_string().trim_end())
}

fn of_instance(arguments: &WhatIfArgs, instance: &Instance) -> anyhow::Result<LossSimulation> {
    let WhatIfArgs { lose, each, load, .. } = arguments;
    let query = SimulateQuery { lose: lose.clone(), each: *each, load: *load, format: None };
    instance.get(&routes::SIMULATE, &query).map_err(|error| match error.downcast::<ApiError>() {
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
