//! `meridian rollback`: the way back to an earlier configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use super::operator::{ChangeOutcomes, OperatorArgs};
use super::output;
use super::server::InstanceReply;
use crate::admin::api::{GenerationNumber, routes};
use crate::daemon::{StoredGenerations, SystemClock};

/// Make a new generation out of an older one
///
/// The server serves the content of that generation at once, under a new number, and goes on doing so after a restart:
/// what the configuration directory holds now is not in force until it changes. `meridian history` shows the generations,
/// and `meridian status` an alarm for as long as the directory differs. It asks the server at 127.0.0.1:8053 unless
/// --admin names another; with DIR it changes the state directory of that configuration while no server runs, as the
/// user that the server runs as.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The number of the generation, as `meridian history` shows it
    #[arg(value_name = "N")]
    number: u64,

    /// Change the state directory of this configuration directory, while no server runs
    #[arg(value_name = "DIR", conflicts_with = "admin")]
    directory: Option<PathBuf>,

    #[command(flatten)]
    operator: OperatorArgs,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let Args { number, directory, operator } = arguments;
    if let Some(directory) = directory {
        let stored = StoredGenerations::read(directory)?;
        output::line(stored.roll_back(*number, &operator.name(), SystemClock::start().now())?);
        return Ok(ExitCode::SUCCESS);
    }
    let instance = operator.server.single("a rollback")?;
    let answer = operator.order(&instance, &routes::ROLL_BACK, &GenerationNumber { number: *number }, &());
    ChangeOutcomes(vec![InstanceReply { address: instance.address.clone(), answer }]).report(false)
}
