//! `meridian history`: what operators did, and what came of drills.

use std::process::ExitCode;

use super::output;
use super::reading::{self, PrintForm};
use super::server::{ServerArgs, ask_all};
use crate::admin::api::{EventsAndDrills, HistoryQuery, routes};

/// Show what operators did, and what came of drills
///
/// The last events of which the server has a memory, the latest last, and for every region how old its last good drill
/// is. More is in the event log, `events.jsonl` in the state directory. It asks the server at 127.0.0.1:8053 unless
/// --admin names another.
#[derive(Debug, clap::Args)]
pub struct Args {
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
    let Args { limit, kind, all, json, server } = arguments;
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
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::api::LastGoodDrill;
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
        };
        assert_eq!(
            table(&history),
            "2026-03-01T09:30:00Z  alice  alice: drain tokyo\n2026-03-01T09:30:00Z  -      tokyo is down\n\n\
             last good drills:\n  tokyo:     1 hour ago\n  frankfurt: never\n"
        );
    }
}
