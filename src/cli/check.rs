//! `meridian check`: validates a configuration and says what it would serve.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{BAD_INPUT, refuse};
use crate::config::summary::Summary;
use crate::daemon::{self, LoadError};

/// Validates a configuration directory and prints what it would serve.
///
/// Every problem is printed with its file, line and column, the line itself, and a hint. Nothing is
/// bound or probed. Exits with 0 when the configuration can be used and with 2 when it cannot.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration directory.
    #[arg(value_name = "DIR", default_value = "zones")]
    pub directory: PathBuf,
    /// Treat warnings as errors.
    #[arg(long)]
    pub strict: bool,
}

/// Runs the command. The configuration is loaded as the server does it, databases included, so that
/// the two never disagree.
///
/// # Errors
///
/// Never; the signature is that of all commands.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let loaded = match daemon::load(&args.directory) {
        Ok(loaded) => loaded,
        Err(error) => {
            let code = refuse(&error);
            if let LoadError::Problems(problems) = &error {
                eprintln!("{}", counted(problems.count()));
            }
            return Ok(code);
        }
    };
    loaded.warnings.iter().for_each(|warning| eprintln!("{warning}"));
    if args.strict && !loaded.warnings.is_empty() {
        return Ok(ExitCode::from(BAD_INPUT));
    }
    print!("{}", Summary(&loaded.world.config));
    Ok(ExitCode::SUCCESS)
}

fn counted(problems: usize) -> String {
    match problems {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    }
}
