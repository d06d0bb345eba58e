//! `meridian history`: what operators did, what came of drills, and the generations of the configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output;
use super::reading::{self, PrintForm};
use super::server::{ServerArgs, ask_all};
use crate::admin::api::{EventsAndDrills, GenerationEntry, HistoryQuery, routes};
use crate::daemon::StoredGenerations;

/// Show what operators did, what came of drills, and the generations of the configuration
///
/// The last events of which the server has a memory, the latest last, then for every region how old its last good drill
/// is, and the last ten configurations that were in force; `meridian rollback` goes back to one. More events are in the
/// event log, `events.jsonl` in the state directory. It asks the server at 127.0.0.1:8053 unless --admin names another;
/// with DIR it reads the generations from the state directory of that configuration, whether a server runs or not.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show the generations of this configuration directory, without a server
    #[arg(value_name = "DIR", conflicts_with_all = ["limit", "kind", "all", "admin"])]
    directory: Option<PathBuf>,

    /// Show at most this many events, up to 1000
    #[arg(long, value_name = "N", default_value = "100")]
    limit: usize,

    /// Show only events of this kind, such as `drill` or `intent_lifted`
    #[arg(long)]
    kind: Option<String>,

    /// Show also events without an author: falls, returns, alarms
    #[arg(long)]
    all: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let Args { directory, limit, kind, all, json, server } = arguments;
    if let Some(directory) = directory {
        let generations = StoredGenerations::read(directory)?.entries();
        match json {
            true => output::json(&generations),
            false => output::text(listed(&generations)),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let query = HistoryQuery { limit: *limit, kind: kind.clone(), all: *all };
    let instances = server.instances()?;
    let [instance] = &instances[..] else {
        let replies = ask_all(&instances, |instance| instance.get(&routes::HISTORY, &query));
        return Ok(reading::show(&replies, PrintForm::of(*json), table));
    };
    let history = instance.get(&routes::HISTORY, &query)?;
    match json {
        true => output::json(&history),
        false => output::text(table(&history)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes generations as lines, the one in force last.
fn listed(generations: &[GenerationEntry]) -> String {
    let author = |entry: &GenerationEntry| entry.author.clone().unwrap_or_else(|| "-".to_owned());
    let width = generations.iter().map(|entry| author(entry).chars().count()).max().unwrap_or(0);
    let causes = generations.iter().map(|entry| entry.cause.len()).max().unwrap_or(0);
    let line = |entry: &GenerationEntry| {
        let time = entry.made_at.to_string();
        let time = time.split('.').next().unwrap_or(&time);
        let commit = entry.commit.as_ref().map_or_else(String::new, |commit| format!(" ({commit:.10})"));
        let lost = if entry.is_kept { "" } else { "; its content is not kept" };
        format!(
            "{:>5}  {time}Z  {:width$}  {:causes$}  {}{commit}{lost}\n",
            entry.number,
            author(entry),
            entry.cause,
            entry.changes
        )
    };
    let lines: String = generations.iter().map(line).collect();
    if lines.is_empty() { "no generations\n".to_owned() } else { lines }
}

fn table(history: &EventsAndDrills) -> String {
    let author = |author: &Option<String>| author.clone().unwrap_or_else(|| "-".to_owned());
    let width = history.events.iter().map(|event| author(&event.author).chars().count()).max().unwrap_or(0);
    let lines = history.events.iter().map(|event| {
        // To the second: 2026-03-01T09:30:00Z.
        let time = event.time_text();
        let time = time.split('.').next().unwrap_or(&time);
        format!("{time}Z  {:width$}  {}\n", author(&event.author), event.text)
    });
    let mut text = lines.collect::<String>();
    if text.is_empty() {
        text.push_str("no events\n");
    }
    text.push_str("\nlast good drills:\n");
    let names = history.last_good_drills.iter().map(|age| format!("{}:", age.target));
    let width = names.clone().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, age) in names.zip(&history.last_good_drills) {
        text.push_str(&format!("  {name:width$} {}\n", age.text));
    }
    text + "\ngenerations:\n" + &listed(&history.generations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::api::{LastGoodDrill, Timestamp};
    use crate::event::Event;
    use crate::moment::Moment;
    use crate::region::Target;

    #[test]
    fn what_has_been_is_a_line_each_and_the_ages_of_drills_come_last() {
        let event = |author: Option<&str>, text: &str| Event {
            author: author.map(str::to_owned),
            text: text.to_owned(),
            ..Event::reload_recovered(Moment(1_772_357_400_250))
        };
        let age = |target: &str, text: &str| LastGoodDrill {
            target: Target::of_region(target),
            ended_at: None,
            age_seconds: None,
            text: text.to_owned(),
        };
        let history = EventsAndDrills {
            events: vec![event(Some("alice"), "alice: drain tokyo"), event(None, "tokyo is down")],
            drills: Vec::new(),
            last_good_drills: vec![age("tokyo", "1 hour ago"), age("frankfurt", "never")],
            generations: vec![
                generation(11, Some("jo"), "directory", true),
                generation(12, None, "rollback to 9", false),
            ],
        };
        assert_eq!(
            table(&history),
            "2026-03-01T09:30:00Z  alice  alice: drain tokyo\n2026-03-01T09:30:00Z  -      tokyo is down\n\n\
             last good drills:\n  tokyo:     1 hour ago\n  frankfurt: never\n\ngenerations:\n\
             \x20  11  2026-03-01T09:30:00Z  jo  directory      a.yaml +1 -0 (0123456789)\n\
             \x20  12  2026-03-01T09:30:00Z  -   rollback to 9  a.yaml +1 -0 (0123456789); its content is not kept\n"
        );
    }

    fn generation(number: u64, author: Option<&str>, cause: &str, is_kept: bool) -> GenerationEntry {
        let at = Timestamp(Moment(1_772_357_400_250));
        GenerationEntry {
            number,
            epoch: at,
            origin: "ns1".to_owned(),
            made_at: at,
            cause: cause.to_owned(),
            author: author.map(str::to_owned),
            commit: Some("0123456789abcdef".to_owned()),
            sha256: "ab".repeat(32),
            changes: "a.yaml +1 -0".to_owned(),
            is_kept,
        }
    }
}
