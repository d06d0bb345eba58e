//! `meridian check`: validates a configuration and says what it would serve.

use std::path::PathBuf;
use std::process::ExitCode;

use super::exit::BAD_INPUT;
use super::output;
use crate::config::summary::ConfigSummary;
use crate::daemon;

/// Validate a configuration directory and print what it would serve
///
/// Every problem is printed with its file, line and column, the line itself, and a hint. Nothing is
/// bound or probed. Exits with 0 when the configuration can be used and with 2 when it cannot.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration directory
    #[arg(value_name = "DIR", default_value = "zones")]
    pub directory: PathBuf,
    /// Treat warnings as errors
    #[arg(long)]
    pub strict: bool,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let loaded = daemon::load(&args.directory)?;
    loaded.warnings.iter().for_each(output::remark);
    // Where a configuration is checked, its secrets need not be.
    let warnings = match daemon::webhook_secrets(&loaded.base.config.server) {
        Ok(secrets) => secrets.warnings,
        Err(error) => vec![daemon::chain(&error)],
    };
    warnings.iter().for_each(|warning| output::remark(format_args!("warning: {warning}")));
    if args.strict && !(loaded.warnings.is_empty() && warnings.is_empty()) {
        return Ok(ExitCode::from(BAD_INPUT));
    }
    output::text(ConfigSummary(&loaded.base.config));
    Ok(ExitCode::SUCCESS)
}
