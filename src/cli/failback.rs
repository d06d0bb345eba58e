//! `meridian failback`: lets a region back that is held or quarantined.

use std::process::ExitCode;

use super::intent::{Who, told};

/// Let a region back that is held or quarantined
///
/// A region with `failback: manual`, one whose gates were closed twice while it came back, and one that fell
/// three times in an hour wait for this. It then takes its clients share by share, as `recovery` says. It
/// asks the server at 127.0.0.1:8053 unless --admin names another, with a token whose role is `operate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The region
    region: String,

    #[command(flatten)]
    who: Who,
}

/// Runs the command.
///
/// # Errors
///
/// When the server cannot be asked; what it refuses is the command's result.
pub fn run(Args { region, who }: &Args) -> anyhow::Result<ExitCode> {
    told(who.ask(&["failback", region], |client, url| client.post(url))?, false)
}
