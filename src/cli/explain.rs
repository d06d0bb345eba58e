//! `meridian explain`: why a client gets the answer it gets.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::exit::BadInput;
use super::output;
use super::reading::{self, PrintForm};
use super::server::{ServerArgs, ask_all};
use crate::admin::api::{ExplainQuery, routes};
use crate::daemon;
use crate::health::View;
use crate::inspect::{Explanation, Inquiry, explain};
use crate::moment::Moment;
use crate::snapshot::Snapshot;

/// Explain why a client gets its answer
///
/// Shows where the client is taken to be and which network says so, its groups, what became of every
/// region and why, and the answer with its TTL and client subnet scope. Without --admin and
/// $MERIDIAN_ADMIN it answers for a configuration directory with everything healthy; with them it asks running servers,
/// and says where several differ.
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

    /// Read the configuration from this directory; without it, and without servers, from zones
    #[arg(long, value_name = "DIR", conflicts_with = "admin")]
    config: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let Args { name, client, rtype, json, .. } = arguments;
    let inquiry = Inquiry::parse(name, client, rtype).map_err(BadInput::new)?;
    let explanation = match &arguments.config {
        None if arguments.server.is_named() => {
            let (name, client, rtype) = (name.clone(), client.clone(), rtype.clone());
            let query = ExplainQuery { name, client, rtype, format: None };
            let instances = arguments.server.instances()?;
            if let [instance] = &instances[..] {
                instance.get(&routes::EXPLAIN, &query)?
            } else {
                let replies = ask_all(&instances, |instance| instance.get(&routes::EXPLAIN, &query));
                return Ok(reading::show(&replies, PrintForm::of(*json), timeless));
            }
        }
        directory => of_directory(&inquiry, directory.as_deref().unwrap_or(Path::new("zones")))?,
    };
    match json {
        true => output::json(&explanation),
        false => output::text(explanation),
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes an explanation without what is each instance's own: the number of its snapshot, and the moment at which it
/// noticed what all do.
fn timeless(explanation: &Explanation) -> String {
    let mut explanation = explanation.clone();
    let regions = explanation.steering.iter_mut().flat_map(|reasons| &mut reasons.regions);
    for fate in regions.flat_map(|reason| &mut reason.fates) {
        *fate = without_moments(fate);
    }
    let number = format!(", snapshot {}\n", explanation.snapshot);
    explanation.to_string().replacen(&number, "\n", 1)
}

/// Takes `since` and the moment after it out of a sentence.
fn without_moments(sentence: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in sentence.split(' ') {
        let is_moment = word.trim_end_matches([',', ';', ':']).parse::<Moment>().is_ok();
        match words.last() {
            Some(&"since") if is_moment => words.truncate(words.len() - 1),
            Some(_) | None => words.push(word),
        }
    }
    words.join(" ").trim_end_matches(';').to_owned()
}

/// Explains for a directory, as a server that has just started would.
fn of_directory(inquiry: &Inquiry, directory: &Path) -> anyhow::Result<Explanation> {
    let base = daemon::load(directory)?.base;
    let located = daemon::locate(&base.config.server.geo, inquiry.client.address())?;
    let health = View::all_up(&base.config.regions);
    Ok(explain(&Snapshot::compile(base, health, 0), inquiry, Some(&located), &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_left_out_of_what_is_compared() {
        for (sentence, expected) in [
            ("down: 0 of 2 up, 1 needed; since 2026-03-01T00:00:00.000Z", "down: 0 of 2 up, 1 needed"),
            (
                "takes 10% of its clients since 2026-03-01T00:00:00.000Z; and more",
                "takes 10% of its clients and more",
            ),
            ("chosen, since nothing is nearer", "chosen, since nothing is nearer"),
        ] {
            assert_eq!(without_moments(sentence), expected);
        }
    }
}
