//! `meridian check`: validates a configuration and says what it would serve.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config::summary::Summary;
use crate::config::{self, Config};
use crate::files::configuration;
use crate::geo;

/// What a bad configuration exits with.
const BAD_CONFIGURATION: u8 = 2;

/// The largest database that is read: four times the largest that MaxMind sells.
const MAX_DATABASE: u64 = 1024 * 1024 * 1024;

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

/// Runs the command.
///
/// # Errors
///
/// When the directory cannot be read at all.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let sources = configuration::read(&args.directory)?;
    let compiled = match config::compile(&sources) {
        Ok(compiled) => compiled,
        Err(problems) => {
            eprint!("{problems}");
            eprintln!("{}", counted(problems.count()));
            return Ok(ExitCode::from(BAD_CONFIGURATION));
        }
    };
    eprint!("{}", compiled.warnings);
    let databases = database_problems(&compiled.config);
    databases.iter().for_each(|problem| eprintln!("{problem}"));
    let is_refused = !databases.is_empty() || (args.strict && !compiled.warnings.is_empty());
    if is_refused {
        return Ok(ExitCode::from(BAD_CONFIGURATION));
    }
    print!("{}", Summary(&compiled.config));
    Ok(ExitCode::SUCCESS)
}

fn counted(problems: usize) -> String {
    match problems {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    }
}

/// Returns what is wrong with the databases that a configuration names.
fn database_problems(config: &Config) -> Vec<String> {
    let named = [&config.server.geo.database, &config.server.geo.asn];
    named
        .into_iter()
        .flatten()
        .filter_map(|path| check_database(path).err())
        .collect()
}

fn check_database(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| format!("{shown}: cannot open the geo database: {error}"))?;
    let read = file.take(MAX_DATABASE + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("{shown}: cannot read the geo database: {error}"))?;
    if bytes.len() as u64 > MAX_DATABASE {
        return Err(format!("{shown}: larger than 1 GiB; this is not a geo database"));
    }
    let parsed = geo::Database::parse(bytes).map(drop);
    parsed.map_err(|error| format!("{shown}: not a database in MaxMind's format: {error}"))
}
