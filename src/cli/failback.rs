//! `meridian failback`: lets a region back that is held or quarantined.

use std::process::ExitCode;

use anyhow::{Context, bail};
use reqwest::Url;
use reqwest::header::HeaderValue;

use super::ask_server;
use crate::admin::access::AUTHOR;

/// Let a region back that is held or quarantined
///
/// A region with `failback: manual`, one whose gates were closed twice while it came back, and one that fell
/// three times in an hour wait for this. It then takes its clients share by share, as `recovery` says. Run
/// it on the machine of the server: it is accepted from nowhere else.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The region
    region: String,

    /// The admin address of the running server
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8053")]
    admin: String,

    /// Who says so, for the server's log; without it, $USER
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
}

/// Runs the command.
///
/// # Errors
///
/// When the server cannot be asked, or refuses.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let mut url = Url::parse(&format!("http://{}/failback", arguments.admin))
        .with_context(|| format!("`{}` is not an address such as 127.0.0.1:8053", arguments.admin))?;
    // Whatever is in a name stays in one segment of the path.
    if let Ok(mut path) = url.path_segments_mut() {
        path.push(&arguments.region);
    }
    let author = arguments.author.clone().or_else(|| std::env::var("USER").ok());
    let author = author.context("nobody says so: name somebody with --author")?;
    let author = HeaderValue::from_bytes(author.as_bytes())
        .with_context(|| format!("`{author}` cannot be the name of an author"))?;
    let (status, text) = ask_server(&arguments.admin, |client| client.post(url).header(AUTHOR, author))?;
    if !status.is_success() {
        bail!("{}", text.trim_end());
    }
    println!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}
