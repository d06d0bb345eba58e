//! `meridian history`: what people have done, and what came of drills.

use std::process::ExitCode;

use anyhow::Context;

use super::server::Server;
use crate::admin::history::History;

/// Show what people have done, and what came of drills
///
/// The last events of which the server has a memory, the latest last, and for every region how old its last good drill
/// is. More is in the event log, `events.jsonl` in the state directory. It asks the server at 127.0.0.1:8053 unless
/// --admin names another.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many events at most, up to 1000
    #[arg(long, value_name = "N", default_value = "100")]
    limit: u16,

    /// Only events of this kind, such as `drill` or `intent_lifted`
    #[arg(long)]
    kind: Option<String>,

    /// Also what nobody did: falls, returns, alarms
    #[arg(long)]
    all: bool,

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
/// When the server cannot be asked, or refuses.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let mut query = vec![("limit", arguments.limit.to_string()), ("all", arguments.all.to_string())];
    query.extend(arguments.kind.clone().map(|kind| ("kind", kind)));
    let text = arguments.server.ask(&["history"], |client, url| client.get(url).query(&query))?;
    if arguments.json {
        println!("{}", text.trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let history = serde_json::from_str(&text).context("the server is of another version")?;
    print!("{}", table(&history));
    Ok(ExitCode::SUCCESS)
}

fn table(history: &History) -> String {
    let author = |author: &Option<String>| author.clone().unwrap_or_else(|| "-".to_owned());
    let width = history.events.iter().map(|event| author(&event.author).chars().count()).max().unwrap_or(0);
    let lines = history.events.iter().map(|event| {
        let time = event.time_text();
        // To the second: 2026-03-01T09:30:00Z.
        let time = time.split('.').next().unwrap_or(&time);
        format!("{time}Z  {:width$}  {}\n", author(&event.author), event.text)
    });
    let mut text = lines.collect::<String>();
    if text.is_empty() {
        text.push_str("nothing is remembered\n");
    }
    text.push_str("\nlast good drills:\n");
    let width = history.last_good_drills.iter().map(|age| age.place.chars().count()).max().unwrap_or(0) + 1;
    for age in &history.last_good_drills {
        text.push_str(&format!("  {:width$} {}\n", format!("{}:", age.place), age.text));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::history::LastGood;
    use crate::event::Event;
    use crate::moment::Moment;

    #[test]
    fn what_has_been_is_a_line_each_and_the_ages_of_drills_come_last() {
        let event = |author: Option<&str>, text: &str| Event {
            author: author.map(str::to_owned),
            text: text.to_owned(),
            ..Event::reload_recovered(Moment(1_772_357_400_250))
        };
        let age = |place: &str, text: &str| LastGood {
            place: place.to_owned(),
            ended_at: None,
            age_seconds: None,
            text: text.to_owned(),
        };
        let history = History {
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
