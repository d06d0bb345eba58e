//! `meridian serve`: the server.

use std::path::PathBuf;
use std::process::ExitCode;

use super::exit::run_to_end;
use super::logging;
use crate::config::LogFormat;
use crate::daemon::{self, ServeOptions, ServeResources};

/// Serve a configuration directory until SIGTERM
///
/// The directory is validated as a whole before anything is bound. While running, it is watched: a
/// change that validates takes effect at once, one that does not is logged and changes nothing. SIGHUP
/// asks for the same. With RUST_LOG=debug more is logged.
///
/// With --replace the server takes over from the one that runs on the same state directory: its sockets, with all queries that
/// wait in them, its health and its intents. No query is lost; a server that cannot start leaves the other as it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read the configuration from this directory
    #[arg(long, value_name = "DIR", default_value = "zones")]
    config: PathBuf,

    /// Take over from the server that runs on the same state directory
    #[arg(long)]
    replace: bool,

    /// Serve the last good generation of this state directory when the configuration cannot be used
    ///
    /// As `start: last_good` in server.yaml, and also when server.yaml itself cannot be read.
    #[arg(long, value_name = "STATE")]
    last_good: Option<PathBuf>,

    /// Write log lines in this form, whatever `log:` in server.yaml says
    #[arg(long, value_name = "FORMAT")]
    log: Option<LogForm>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogForm {
    /// For people
    Human,
    /// One JSON object a line
    Json,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let loaded = daemon::load_to_serve(&arguments.config, arguments.last_good.as_deref())?;
    let format = match arguments.log {
        None => loaded.base.config.server.log,
        Some(LogForm::Human) => LogFormat::Human,
        Some(LogForm::Json) => LogFormat::Json,
    };
    logging::start(format, &loaded.base.config.server.name, None);
    let options = ServeOptions { directory: arguments.config.clone(), listener: Box::new(|_| ()) };
    // Before there are other threads.
    let resources = ServeResources::open_confined(&loaded.base.config.server, arguments.replace);
    let served = match resources {
        Ok(resources) => run_to_end(daemon::run(loaded, options, resources))?,
        Err(error) => Err(error),
    };
    match served {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // What only a server needs of its configuration, such as secrets.
        Err(daemon::Error::Load(error)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}
