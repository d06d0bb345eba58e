//! `meridian explain`: why a client gets the answer it gets.

use std::path::PathBuf;
use std::process::ExitCode;

use super::refuse;
use super::server::Server;
use crate::daemon;
use crate::health::View;
use crate::inspect::{Inquiry, NoInquiry, explain};
use crate::snapshot::Snapshot;
use crate::zone::RecordType;

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

    /// The record type, by name or by number as in TYPE65
    #[arg(long = "type", value_name = "TYPE", default_value = "A")]
    rtype: String,

    /// The configuration directory to answer for
    #[arg(long, value_name = "DIR", default_value = "zones", conflicts_with = "admin")]
    config: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: Server,
}

/// Runs the command.
///
/// # Errors
///
/// When the running server cannot be asked.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let inquiry = match inquiry(&arguments.name, &arguments.client, &arguments.rtype) {
        Ok(inquiry) => inquiry,
        Err(error) => {
            eprintln!("meridian: {error}");
            return Ok(ExitCode::from(super::BAD_INPUT));
        }
    };
    match arguments.server.admin {
        Some(_) => ask(arguments),
        None => answer(&inquiry, arguments),
    }
}

/// Reads what is asked. Types may be written by their number too (RFC 3597, section 5).
fn inquiry(name: &str, client: &str, rtype: &str) -> Result<Inquiry, NoInquiry> {
    let number =
        rtype.to_ascii_uppercase().strip_prefix("TYPE").and_then(|number| number.parse::<u16>().ok());
    match number {
        Some(number) => {
            let named = Inquiry::parse(name, client, "A")?;
            Ok(Inquiry { rtype: RecordType::from(number), ..named })
        }
        None => Inquiry::parse(name, client, rtype),
    }
}

/// Answers for a directory, as a server that has just started would.
fn answer(inquiry: &Inquiry, arguments: &Args) -> anyhow::Result<ExitCode> {
    let base = match daemon::load(&arguments.config) {
        Ok(loaded) => loaded.base,
        Err(error) => return Ok(refuse(&error)),
    };
    let located = match daemon::locate(&base.config.server.geo, inquiry.client.address()) {
        Ok(located) => located,
        Err(error) => return Ok(refuse(&error)),
    };
    let health = View::all_up(base.config.regions.addresses().count());
    let explanation = explain(&Snapshot::compile(base, health, 0), inquiry, Some(&located), &[]);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&explanation)?);
    } else {
        print!("{explanation}");
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(arguments: &Args) -> anyhow::Result<ExitCode> {
    let format = if arguments.json { "json" } else { "text" };
    let query = [
        ("name", arguments.name.as_str()),
        ("client", &arguments.client),
        ("type", &arguments.rtype),
        ("format", format),
    ];
    let text = arguments.server.ask(&["explain"], |client, url| client.get(url).query(&query))?;
    println!("{}", text.trim_end());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_by_its_name_and_by_its_number() {
        let check = |text: &str, expected: Option<RecordType>| {
            let found = inquiry("api.example.com", "192.0.2.1", text);
            assert_eq!(found.ok().map(|inquiry| inquiry.rtype), expected, "{text}");
        };
        check("aaaa", Some(RecordType::AAAA));
        check("TYPE65", Some(RecordType::HTTPS));
        check("type28", Some(RecordType::AAAA));
        check("TYPE65280", Some(RecordType::Unknown(65280)));
        check("TYPE65536", None);
        check("TYPE", None);
    }
}
