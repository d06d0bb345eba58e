//! `meridian status`: what the page shows, in a terminal.

mod page;
mod table;
mod writer;

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::comparison;
use super::exit::run_to_end;
use super::output;
use super::reading::PrintForm;
use super::server::{Instance, ServerArgs};
use crate::admin::api::{OverviewWithEvents, routes};
use crate::terminal::{self, TerminalSize};
use writer::PageWriter;

/// Show the regions, alarms, intents and last events of a running server
///
/// The same as on the page that the admin address serves: for each region, the worst first, its phase, the share of
/// its clients that it takes, load, latency, errors, the share that it sends elsewhere because it is full, and
/// how many of its addresses are up; a line for each family where they differ, and for each zone that takes fewer
/// clients than all. Where standard output is a terminal, in colours, and as short as 24 rows of 80 columns if need be.
///
/// Several instances are compared instead: names, versions, clocks, files of the configuration but for `server.yaml`,
/// databases, intents, and what every steered name answers. What differs comes first. A health change reaches instances
/// within seconds of each other: what differs then is alike when asked again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show it anew every second until Ctrl-C
    #[arg(long)]
    watch: bool,

    /// Show what instances have in common and what differs, also of one
    #[arg(long, conflicts_with = "watch")]
    all: bool,

    /// Exit with 1 when something differs between instances
    #[arg(long, conflicts_with = "watch")]
    check: bool,

    /// Show what the process has given up as well: its user, its capabilities, and what the kernel refuses it
    #[arg(long, conflicts_with_all = ["watch", "all", "check", "json"])]
    verbose: bool,

    /// Print JSON
    #[arg(long, conflicts_with = "watch")]
    json: bool,

    #[command(flatten)]
    server: ServerArgs,
}

/// How often it is shown anew: as often as the server tells browsers.
const EVERY: Duration = Duration::from_secs(1);

/// Clears the screen and begins at its top (ECMA-48: CUP, ED).
const CLEAR: &str = "\x1b[H\x1b[2J";

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    if arguments.watch {
        return run_to_end(watch(arguments.server.single("`--watch`")?))?;
    }
    let instances = arguments.server.instances()?;
    let instance = match &instances[..] {
        [instance] if !arguments.all && !arguments.check => instance,
        several => return Ok(comparison::run(several, PrintForm::of(arguments.json), arguments.check)),
    };
    let overview = instance.look(&routes::OVERVIEW)?;
    match arguments.json {
        true => output::json(&overview),
        false => output::text(page::page(&overview, &writer())),
    }
    if arguments.verbose {
        output::text(page::confinement(&instance.look(&routes::STATUS)?.confinement, &writer()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows it again and again. A server that is away for a while is waited for, one that never answered is
/// an error.
async fn watch(server: Instance) -> anyhow::Result<ExitCode> {
    let mut last: Option<OverviewWithEvents> = None;
    loop {
        let server = server.clone();
        let look = move || server.look(&routes::OVERVIEW);
        let looked = tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            looked = tokio::task::spawn_blocking(look) => looked.context("cannot look")?,
        };
        let page = match (looked, &last) {
            (Ok(overview), _) => page::page(last.insert(overview), &writer()),
            (Err(error), Some(last)) => {
                let mut old = writer();
                old.loud(&old.cut(&format!("OLD: {error:#}")));
                page::page(last, &old)
            }
            (Err(error), None) => return Err(error),
        };
        let clear = if io::stdout().is_terminal() { CLEAR } else { "" };
        output::text(format_args!("{clear}{page}"));
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Returns an empty page for standard output.
fn writer() -> PageWriter {
    PageWriter::new(terminal::has_colours(), TerminalSize::of_output())
}
