//! `meridian status`: what the page shows, in a terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::run_to_end;
use super::server::Server;

/// Show the regions, alarms, intents and last events of a running server
///
/// The same as on the page that the admin address serves: for each region its phase, the share of its
/// clients that it takes, load, latency, errors, the share that it sends elsewhere because it is full, and
/// how many of its addresses are up. Colours only where standard output is a terminal.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show it anew every second until Ctrl-C
    #[arg(long)]
    watch: bool,

    /// Print JSON
    #[arg(long, conflicts_with = "watch")]
    json: bool,

    #[command(flatten)]
    server: Server,
}

/// How often it is shown anew: as often as the server tells browsers.
const EVERY: Duration = Duration::from_secs(1);

/// How many of the last events are shown: with a dozen regions they fit on a screen.
const EVENTS: usize = 10;

/// Clears the screen and begins at its top (ECMA-48: CUP, ED).
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Runs the command.
///
/// # Errors
///
/// When the server cannot be asked, or refuses.
pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    let pen = Pen { has_colours: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() };
    if arguments.watch {
        return run_to_end(watch(arguments.server.clone(), pen))?;
    }
    let seen = look(&arguments.server)?;
    match arguments.json {
        true => println!("{}", serde_json::to_string_pretty(&seen)?),
        false => print!("{}", pen.page(&seen)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows it again and again. A server that is away for a while is waited for, one that never answered is
/// an error.
async fn watch(server: Server, pen: Pen) -> anyhow::Result<ExitCode> {
    let mut last = None;
    loop {
        let server = server.clone();
        let looked = tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            looked = tokio::task::spawn_blocking(move || look(&server)) => looked.context("cannot look")?,
        };
        let page = match (looked, &last) {
            (Ok(seen), _) => {
                let page = pen.page(&seen);
                last = Some(page.clone());
                page
            }
            (Err(error), Some(last)) => format!("{}\n\n{last}", pen.loud(&format!("OLD: {error:#}"))),
            (Err(error), None) => return Err(error),
        };
        let clear = if io::stdout().is_terminal() { CLEAR } else { "" };
        // Whoever reads this through a pipe may stop.
        if writeln!(io::stdout(), "{clear}{page}").and_then(|()| io::stdout().flush()).is_err() {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Asks the server for everything that is shown.
fn look(server: &Server) -> anyhow::Result<Value> {
    let text = server.ask(&["overview"], |client, url| client.get(url))?;
    serde_json::from_str(&text).context("the server's answer is not JSON")
}

/// Writes the page, with or without colours.
#[derive(Clone, Copy)]
struct Pen {
    has_colours: bool,
}

impl Pen {
    fn paint(self, code: &str, text: &str) -> String {
        if self.has_colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn loud(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn page(self, seen: &Value) -> String {
        let mut page = String::new();
        self.write(&mut page, seen).expect("a String takes everything");
        page
    }

    fn write(self, page: &mut String, seen: &Value) -> std::fmt::Result {
        let number = &seen["snapshot"]["number"];
        let title = format!("{} {}", word(&seen["server"]), word(&seen["version"]));
        writeln!(
            page,
            "{}, snapshot {number} of {}",
            self.bold(&title),
            word(&seen["snapshot"]["published_at"])
        )?;
        for alarm in list(&seen["alarms"]) {
            writeln!(page, "{}", self.loud(&format!("ALARM  {}", word(alarm))))?;
        }
        for problem in list(&seen["problems"]) {
            writeln!(page, "{}", self.loud(&format!("CONFIGURATION REFUSED  {}", word(problem))))?;
        }
        self.write_regions(page, list(&seen["regions"]))?;
        writeln!(page, "\n{}", self.bold("intents"))?;
        for intent in list(&seen["intents"]) {
            let (text, who, why) = (word(&intent["text"]), word(&intent["author"]), word(&intent["reason"]));
            writeln!(page, "  {} {text} ({who}: {why}), {}", intent["number"], word(&intent["state"]))?;
        }
        if list(&seen["intents"]).is_empty() {
            writeln!(page, "  none")?;
        }
        writeln!(page, "\n{}", self.bold("last events"))?;
        for event in list(&seen["events"]).iter().rev().take(EVENTS) {
            // The time of day, in UTC, as the log has it.
            let time = word(&event["time"]).get(11..19).unwrap_or_default();
            let (severity, text) = (word(&event["severity"]), word(&event["text"]));
            let line = format!("  {time}  {severity:<8} {text}");
            writeln!(page, "{}", if severity == "alarm" { self.loud(&line) } else { line })?;
        }
        Ok(())
    }

    fn write_regions(self, page: &mut String, regions: &[Value]) -> std::fmt::Result {
        let names = regions.iter().map(|region| word(&region["name"]).chars().count());
        let width = names.max().unwrap_or_default().max(6);
        let heading = format!(
            "{:<width$}  {:<24} {:>13} {:>6} {:>8} {:>7} {:>7} {:>9}",
            "region", "state", "share", "load", "p95", "errors", "away", "up"
        );
        writeln!(page, "\n{}", self.bold(&heading))?;
        for region in regions {
            let vitals = &region["vitals"];
            let line = format!(
                "{:<width$}  {:<24} {:>13} {:>6} {:>8} {:>7} {:>7} {:>9}",
                word(&region["name"]),
                both(region, |family| word(&family["phase"]).to_owned()) + withdrawn(region),
                both(region, |family| percent(&family["share"], 0)),
                percent(&vitals["load"], 0),
                milliseconds(&vitals["p95_latency_seconds"]),
                percent(&vitals["error_rate"], 1),
                percent(&region["shed"], 1),
                both(region, |family| format!("{}/{}", family["up"], family["total"])),
            );
            let is_well = region["phase"] == "healthy" || region["phase"] == "unknown";
            writeln!(page, "{}", if is_well { line } else { self.loud(&line) })?;
        }
        Ok(())
    }
}

/// Says that operators keep a region empty which is well.
fn withdrawn(region: &Value) -> &'static str {
    if region["look"] == "withdrawn" { ", withdrawn" } else { "" }
}

/// Says something of both families of a region, once when it is the same.
fn both(region: &Value, of: impl Fn(&Value) -> String) -> String {
    let families = [&region["ipv4"], &region["ipv6"]];
    let mut said: Vec<_> =
        families.into_iter().filter(|family| family["phase"].is_string()).map(of).collect();
    said.dedup();
    said.join(", ")
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn percent(fraction: &Value, digits: usize) -> String {
    fraction.as_f64().map_or_else(|| "-".to_owned(), |part| format!("{:.digits$} %", part * 100.0))
}

fn milliseconds(seconds: &Value) -> String {
    seconds.as_f64().map_or_else(|| "-".to_owned(), |seconds| format!("{:.0} ms", seconds * 1000.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen() -> Value {
        let family = json!({ "phase": "healthy", "share": 1.0, "up": 2, "total": 2 });
        let down = json!({ "phase": "down", "share": 0.0, "up": 0, "total": 2 });
        let vitals = json!({ "load": 0.62, "p95_latency_seconds": 0.12, "error_rate": null });
        json!({
            "server": "ns1", "version": "0.1.0", "alarms": ["tokyo leaves"], "problems": [],
            "snapshot": { "number": 9, "published_at": "2026-03-01T09:30:00Z" },
            "regions": [
                { "name": "tokyo", "phase": "down", "ipv4": down, "ipv6": family, "vitals": vitals, "shed": 0.0 },
                { "name": "osaka", "phase": "healthy", "look": "withdrawn", "ipv4": family, "ipv6": { "phase": null }, "vitals": {} },
            ],
            "intents": [{ "number": 7, "text": "shift: …", "author": "Jo", "reason": "a test", "state": "standing" }],
            "events": [{ "time": "2026-03-01T09:30:00.25Z", "severity": "warning", "text": "tokyo is down" }],
        })
    }

    #[test]
    fn a_page_without_colours_is_plain_text() {
        let expected = "\
ns1 0.1.0, snapshot 9 of 2026-03-01T09:30:00Z
ALARM  tokyo leaves

region  state                            share   load      p95  errors    away        up
tokyo   down, healthy               0 %, 100 %   62 %   120 ms       -   0.0 %  0/2, 2/2
osaka   healthy, withdrawn               100 %      -        -       -       -       2/2

intents
  7 shift: … (Jo: a test), standing

last events
  09:30:00  warning  tokyo is down
";
        assert_eq!(Pen { has_colours: false }.page(&seen()), expected);
    }

    #[test]
    fn on_a_terminal_what_is_bad_is_loud() {
        let page = Pen { has_colours: true }.page(&seen());
        assert!(page.contains("\x1b[1;31mALARM  tokyo leaves\x1b[0m"), "{page}");
        assert!(page.contains("\x1b[1;31mtokyo "), "{page}");
        assert!(!page.contains("\x1b[1;31mosaka "), "{page}");
    }
}
