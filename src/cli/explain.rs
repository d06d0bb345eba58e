//! `meridian explain`: why a client gets the answer it gets.

use std::path::PathBuf;
use std::process::ExitCode;

use super::exit::BadInput;
use super::output;
use super::server::ServerArgs;
use crate::admin::api::{ExplainQuery, routes};
use crate::daemon;
use crate::health::View;
use crate::inspect::{Explanation, Inquiry, explain};
use crate::snapshot::Snapshot;

/// Explain why a client gets its answer
///
/// Shows where the client is taken to be and which network says so, its groups, what became of every
/// region and why, and the answer with its TTL and client subnet scope. Without --admin it answers for
/// a configuration directory with everything healthy; with --admin it asks a running server.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name that the client asks for
    name: String,

    /// Explain for this client: an address, or a network as resolvers send it, such as 133.11.0.0/24
    #[arg(long, value_name = "IP[/LEN]")]
    client: String,

    /// Ask for this record type, by name or by number as in TYPE65
    #[arg(long = "type", value_name = "TYPE", default_value = "A")]
    rtype: String,

    /// Read the configuration from this directory
    #[arg(long, value_name = "DIR", default_value = "zones", conflicts_with = "admin")]
    config: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let Args { name, client, rtype, json, .. } = arguments;
    let inquiry = Inquiry::parse(name, client, rtype).map_err(BadInput::new)?;
    let explanation = match arguments.server.admin {
        Some(_) => {
            let (name, client, rtype) = (name.clone(), client.clone(), rtype.clone());
            arguments.server.get(&routes::EXPLAIN, &ExplainQuery { name, client, rtype, format: None })?
        }
        None => of_directory(&inquiry, arguments)?,
    };
    match json {
        true => output::json(&explanation),
        false => output::text(explanation),
    }
    Ok(ExitCode::SUCCESS)
}

/// Explains for a directory, as a server that has just started would.
fn of_directory(inquiry: &Inquiry, arguments: &Args) -> anyhow::Result<Explanation> {
    let base = daemon::load(&arguments.config)?.base;
    let located = daemon::locate(&base.config.server.geo, inquiry.client.address())?;
    let health = View::all_up(&base.config.regions);
    Ok(explain(&Snapshot::compile(base, health, 0), inquiry, Some(&located), &[]))
}
