//! Where log lines go and what they look like.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// What is logged unless `RUST_LOG` says otherwise. notify warns whenever a directory that it watched is gone, as
/// after each change of a ConfigMap.
const DEFAULT: &str = "info,notify=error";

/// What is never logged, whatever `RUST_LOG` says: these write lines about queries with the addresses of clients,
/// and about malformed packets as fast as those come. What is to be known of packets is counted.
const NEVER: [&str; 3] = ["hickory_server", "hickory_net", "hickory_proto"];

/// Starts to log to standard error. `level` is what is logged at least, unless `RUST_LOG` is set.
pub fn start(format: LogFormat, filter: Option<&str>) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter.unwrap_or(DEFAULT)));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let is_wanted = filter_fn(|of| !NEVER.iter().any(|module| of.target().starts_with(module)));
    // A second start happens in tests only, and the first one stays in force.
    let _ = match format {
        LogFormat::Human => lines.finish().with(is_wanted).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().with(is_wanted).try_init(),
    };
}
