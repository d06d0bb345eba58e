//! `meridian explain`: why a client gets the answer it gets.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use super::{ask_server, refuse};
use crate::daemon;
use crate::health::View;
use crate::snapshot::{Inquiry, Snapshot, explain};
use crate::steering::Splits;

/// Say why a client gets the answer it gets
///
/// Shows where the client is taken to be and which network says so, its groups, what became of every
/// region and why, and the answer with its TTL and client subnet scope. Without --admin it answers for
/// a configuration directory with everything healthy; with --admin it asks a running server.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The name that is asked for
    name: String,

    /// The client: an address, or a network as resolvers send it, such as 133.11.0.0/24
    #[arg(long, value_name = "IP[/LEN]")]
    client: String,

    /// The record type
    #[arg(long = "type", value_name = "TYPE", default_value = "A")]
    rtype: String,

    /// The configuration directory to answer for
    #[arg(long, value_name = "DIR", default_value = "zones", conflicts_with = "admin")]
    config: PathBuf,

    /// The admin address of a running server to ask instead, such as 127.0.0.1:8053
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
///
/// When the running server cannot be asked.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let inquiry = match Inquiry::parse(&arguments.name, &arguments.client, &arguments.rtype) {
        Ok(inquiry) => inquiry,
        Err(error) => {
            eprintln!("meridian: {error}");
            return Ok(ExitCode::from(super::BAD_INPUT));
        }
    };
    match &arguments.admin {
        Some(address) => ask(address, arguments),
        None => answer(&inquiry, arguments),
    }
}

/// Answers for a directory, as a server that has just started would.
fn answer(inquiry: &Inquiry, arguments: &Args) -> anyhow::Result<ExitCode> {
    let world = match daemon::load(&arguments.config) {
        Ok(loaded) => loaded.world,
        Err(error) => return Ok(refuse(&error)),
    };
    let located = match daemon::locate(&world.config.server.geo, inquiry.client.address()) {
        Ok(located) => located,
        Err(error) => return Ok(refuse(&error)),
    };
    let health = View::all_up(world.config.regions.addresses().count());
    let explanation =
        explain(&Snapshot::compile(world, health, Splits::default(), 0), inquiry, Some(&located), &[]);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&explanation)?);
    } else {
        print!("{explanation}");
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(address: &str, arguments: &Args) -> anyhow::Result<ExitCode> {
    let url = format!("http://{address}/explain");
    let format = if arguments.json { "json" } else { "text" };
    let query = [
        ("name", arguments.name.as_str()),
        ("client", &arguments.client),
        ("type", &arguments.rtype),
        ("format", format),
    ];
    let (status, text) = ask_server(address, |client| client.get(&url).query(&query))?;
    if !status.is_success() {
        bail!("{}", text.trim_end());
    }
    println!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}
