//! Where log lines go and what they look like.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// What is logged unless `RUST_LOG` says otherwise. hickory-server logs a line a query, and what it
/// has to say of a packet is counted here, so it is silent. notify warns whenever a directory that it
/// watched is gone, as after each change of a ConfigMap.
const DEFAULT: &str = "info,hickory_server=off,hickory_proto=warn,hickory_net=off,notify=error";

/// Starts to log to standard error. `level` is what is logged at least, unless `RUST_LOG` is set.
pub fn start(format: LogFormat, filter: Option<&str>) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter.unwrap_or(DEFAULT)));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second start happens in tests only, and the first one stays in force.
    let _ = match format {
        LogFormat::Human => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
