//! `meridian failback`: lets a region back that is held or quarantined.

use std::process::ExitCode;

use super::server::{Server, author};
use crate::admin::access::AUTHOR;

/// Let a region back that is held or quarantined
///
/// A region with `failback: manual`, one whose gates were closed twice while it came back, and one that fell
/// three times in an hour wait for this. It then takes its clients share by share, as `recovery` says. It
/// asks the server at 127.0.0.1:8053 unless --admin names another, with a token whose role is `operate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The region
    region: String,

    /// Who says so, for the server's log, besides the name of the token; without it, $USER
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    #[command(flatten)]
    server: Server,
}

/// Runs the command.
///
/// # Errors
///
/// When the server cannot be asked, or refuses.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let author = author(arguments.author.as_deref())?;
    let text = arguments.server.ask(&["failback", &arguments.region], |client, url| {
        let request = client.post(url);
        match author {
            Some(author) => request.header(AUTHOR, author),
            None => request,
        }
    })?;
    println!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}
