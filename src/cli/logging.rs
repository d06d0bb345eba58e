//! Where log lines go and what they look like.

use std::fmt;
use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// What is logged, besides what `RUST_LOG` says. notify warns whenever a directory that it watched is gone, as
/// after each change of a ConfigMap.
const DEFAULT: &str = "info,notify=error";

/// What is never logged, whatever `RUST_LOG` says: these write lines about queries with the addresses of clients,
/// and about malformed packets as fast as those come. What is to be known of packets is counted.
const NEVER: [&str; 3] = ["hickory_server", "hickory_net", "hickory_proto"];

/// Starts to log to standard error; lines in JSON carry the name of the instance. `filter` is what is logged; `RUST_LOG`
/// adds to it, and takes its place where both name a module.
pub fn start(format: LogFormat, name: &str, filter: Option<&str>) {
    let usual = filter.unwrap_or(DEFAULT);
    let more = std::env::var("RUST_LOG").unwrap_or_default();
    let asked = EnvFilter::try_new(format!("{usual},{more}"));
    let unusable = asked.as_ref().err().map(ToString::to_string);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(asked.unwrap_or_else(|_| EnvFilter::new(usual)))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let is_wanted = filter_fn(|of| !NEVER.iter().any(|module| of.target().starts_with(module)));
    let name = name.to_owned();
    // A second start happens in tests only, and the first one stays in force.
    let _ = match format {
        LogFormat::Human => lines.finish().with(is_wanted).try_init(),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).map_event_format(|form| Named { form, name });
            lines.finish().with(is_wanted).try_init()
        }
    };
    if let Some(why) = unusable {
        tracing::warn!("RUST_LOG={more} is passed over: {why}");
    }
}

/// JSON objects whose first field is the name of the instance.
struct Named<F> {
    form: F,
    name: String,
}

impl<S, N, F> FormatEvent<S, N> for Named<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.form.format_event(context, Writer::new(&mut line), event)?;
        // The configuration bounds a name to characters that need no escapes.
        write!(writer, "{{\"name\":\"{}\",{}", self.name, line.trim_start_matches('{'))
    }
}
