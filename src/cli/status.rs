//! `meridian status`: what the page shows, in a terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::comparison;
use super::exit::run_to_end;
use super::output;
use super::reading::PrintForm;
use super::server::{Instance, ServerArgs};
use crate::admin::api::transfers::{
    NotifiedStatus, RefusedTransferStatus, TakenStatus, TransferredZoneStatus,
};
use crate::admin::api::{
    ConfinementStatus, Enforcement, FamilyStatus, OverviewWithEvents, PeerOverview, RegionOverview,
    RegionSummary, RestraintStatus, TransferStatus, routes,
};
use crate::alarm::Incident;
use crate::health::{LIMITED, WITHDRAWN};
use crate::severity::Severity;
use crate::units::Percent;

/// Show the regions, alarms, intents and last events of a running server
///
/// The same as on the page that the admin address serves: for each region its phase, the share of its
/// clients that it takes, load, latency, errors, the share that it sends elsewhere because it is full, and
/// how many of its addresses are up. Colours only where standard output is a terminal.
///
/// Several instances are compared instead: names, versions, clocks, files of the configuration but for `server.yaml`,
/// databases, intents, and what every steered name answers. What differs comes first. A health change reaches instances
/// within seconds of each other: what differs then is alike when asked again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show it anew every second until Ctrl-C
    #[arg(long)]
    watch: bool,

    /// Show what instances have in common and what differs, also of one
    #[arg(long, conflicts_with = "watch")]
    all: bool,

    /// Exit with 1 when something differs between instances
    #[arg(long, conflicts_with = "watch")]
    check: bool,

    /// Show what the process has given up as well: its user, its capabilities, and what the kernel refuses it
    #[arg(long, conflicts_with_all = ["watch", "all", "check", "json"])]
    verbose: bool,

    /// Print JSON
    #[arg(long, conflicts_with = "watch")]
    json: bool,

    #[command(flatten)]
    server: ServerArgs,
}

/// How often it is shown anew: as often as the server tells browsers.
const EVERY: Duration = Duration::from_secs(1);

/// How many of the last events are shown: with a dozen regions they fit on a screen.
const EVENTS: usize = 10;

/// Clears the screen and begins at its top (ECMA-48: CUP, ED).
const CLEAR: &str = "\x1b[H\x1b[2J";

pub fn run(arguments: &Args) -> anyhow::Result<ExitCode> {
    // As <https://no-color.org> has it.
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let pen = Pen { has_colours: io::stdout().is_terminal() && !is_unwanted };
    if arguments.watch {
        return run_to_end(watch(arguments.server.single("`--watch`")?, pen))?;
    }
    let instances = arguments.server.instances()?;
    let instance = match &instances[..] {
        [instance] if !arguments.all && !arguments.check => instance,
        several => return Ok(comparison::run(several, PrintForm::of(arguments.json), arguments.check)),
    };
    let overview = instance.look(&routes::OVERVIEW)?;
    match arguments.json {
        true => output::json(&overview),
        false => output::text(pen.page(&overview)),
    }
    if arguments.verbose {
        output::text(pen.confinement(&instance.look(&routes::STATUS)?.confinement));
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows it again and again. A server that is away for a while is waited for, one that never answered is
/// an error.
async fn watch(server: Instance, pen: Pen) -> anyhow::Result<ExitCode> {
    let mut last: Option<String> = None;
    loop {
        let server = server.clone();
        let look = move || server.look(&routes::OVERVIEW);
        let looked = tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            looked = tokio::task::spawn_blocking(look) => looked.context("cannot look")?,
        };
        let page = match (looked, &last) {
            (Ok(overview), _) => last.insert(pen.page(&overview)).clone(),
            (Err(error), Some(last)) => format!("{}\n\n{last}", pen.loud(&format!("OLD: {error:#}"))),
            (Err(error), None) => return Err(error),
        };
        let clear = if io::stdout().is_terminal() { CLEAR } else { "" };
        output::text(format_args!("{clear}{page}\n"));
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
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

    fn page(self, overview: &OverviewWithEvents) -> String {
        let mut page = String::new();
        self.write(&mut page, overview).expect("a String takes everything");
        page
    }

    fn confinement(self, status: &ConfinementStatus) -> String {
        let ConfinementStatus { user, capabilities, no_new_privs, landlock, seccomp } = status;
        let capabilities = match &capabilities[..] {
            [] => "without capabilities".to_owned(),
            names => format!("with {}", names.join(", ")),
        };
        let programs = if *no_new_privs { "gain no privileges" } else { "may gain privileges" };
        let restraint = |RestraintStatus { enforced, abi, why }: &RestraintStatus| {
            let version = abi.map_or_else(String::new, |abi| format!(", version {abi}"));
            let level = match enforced {
                Enforcement::Fully => "in force",
                Enforcement::Partly => "in force as far as the kernel goes",
                Enforcement::No => "not in force",
            };
            let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            format!("{level}{version}{why}")
        };
        format!(
            "\n{}\n  user      {user}, {capabilities}\n  programs  {programs}\n  Landlock  {}\n  seccomp   {}\n",
            self.bold("confinement"),
            restraint(landlock),
            restraint(seccomp)
        )
    }

    fn write(self, page: &mut String, seen: &OverviewWithEvents) -> std::fmt::Result {
        let OverviewWithEvents { overview, events } = seen;
        let title = self.bold(&format!("{} {}", overview.server, overview.version));
        let snapshot = &overview.snapshot;
        writeln!(page, "{title}, snapshot {} of {}", snapshot.number, snapshot.published_at)?;
        writeln!(page, "{}", overview.summary)?;
        // The alarms that stand belong to these.
        for Incident { id, text, since, count, .. } in &overview.incidents {
            let line = format!("INCIDENT {id}  {text}, since {} (conditions: {count})", since);
            writeln!(page, "{}", self.loud(&line))?;
        }
        for problem in &overview.problems {
            writeln!(page, "{}", self.loud(&format!("CONFIGURATION REFUSED  {problem}")))?;
        }
        self.write_regions(page, &overview.regions)?;
        self.write_peers(page, &overview.peers)?;
        self.write_transfers(page, &overview.transfers)?;
        writeln!(page, "\n{}", self.bold("intents"))?;
        for intent in &overview.intents.intents {
            writeln!(page, "  {} {}, {}", intent.number, intent.text, intent.state)?;
        }
        if overview.intents.intents.is_empty() {
            writeln!(page, "  none")?;
        }
        writeln!(page, "\n{}", self.bold("last events"))?;
        for event in events.iter().rev().take(EVENTS) {
            // The time of day, in UTC, as the log has it.
            let time = event.time_text();
            let time = time.get(11..19).unwrap_or_default();
            let severity = match event.severity {
                Severity::Info => "info",
                Severity::Warning => "warning",
                Severity::Critical => "critical",
            };
            let line = format!("  {time}  {severity:<8} {}", event.text);
            writeln!(page, "{}", if event.severity == Severity::Critical { self.loud(&line) } else { line })?;
        }
        Ok(())
    }

    /// Writes the other instances that judge with this one; without any, nothing.
    fn write_peers(self, page: &mut String, peers: &[PeerOverview]) -> std::fmt::Result {
        if !peers.is_empty() {
            writeln!(page, "\n{}", self.bold("peers"))?;
        }
        for PeerOverview { name, state, since, trouble, .. } in peers {
            match trouble {
                None => writeln!(page, "  {name}  {state} since {since}")?,
                Some(why) => {
                    writeln!(page, "{}", self.loud(&format!("  {name}  {state} since {since}: {why}")))?;
                }
            }
        }
        Ok(())
    }

    /// Writes which serial numbers secondaries have; where no zone is given to any, and none was asked for, nothing.
    fn write_transfers(self, page: &mut String, transfers: &TransferStatus) -> std::fmt::Result {
        if !transfers.is_empty() {
            writeln!(page, "\n{}", self.bold("secondaries"))?;
        }
        for TransferredZoneStatus { name, serial, notified, taken, .. } in &transfers.zones {
            writeln!(page, "  {name}  serial {serial}")?;
            for TakenStatus { client, serial, kind, at } in taken {
                writeln!(page, "    {client}  took {serial} ({kind}) at {at}")?;
            }
            for NotifiedStatus { address, unanswered, .. } in notified.iter().filter(|one| one.unanswered > 1)
            {
                let line = format!("    {address}  does not acknowledge NOTIFY (messages: {unanswered})");
                writeln!(page, "{}", self.loud(&line))?;
            }
        }
        if let Some(RefusedTransferStatus { client, text, at, .. }) = &transfers.last_refusal {
            let refused = transfers.refused;
            writeln!(page, "  refused: {refused}, the last one to {client} at {at}: {text}")?;
        }
        Ok(())
    }

    fn write_regions(self, page: &mut String, regions: &[RegionOverview]) -> std::fmt::Result {
        let names = regions.iter().map(|region| region.summary.name.chars().count());
        let width = names.max().unwrap_or_default().max(6);
        let heading = format!(
            "{:<width$}  {:<32} {:>13} {:>6} {:>8} {:>7} {:>7} {:>9}",
            "region", "state", "share", "load", "p95", "errors", "away", "up"
        );
        writeln!(page, "\n{}", self.bold(&heading))?;
        for RegionOverview { summary: region, phase, look, .. } in regions {
            let withdrawn = if look == WITHDRAWN { ", withdrawn" } else { "" };
            let blind = if region.blind.is_some() { ", blind" } else { "" };
            let line = format!(
                "{:<width$}  {:<32} {:>13} {:>6} {:>8} {:>7} {:>7} {:>9}",
                region.name,
                both(region, state) + withdrawn + blind,
                both(region, |family| percent(family.site.share)),
                percent(region.vitals.load),
                milliseconds(region.vitals.p95_latency_seconds),
                percent(region.vitals.error_rate),
                percent(Some(region.shed)),
                both(region, |family| format!("{}/{}", family.up, family.total)),
            );
            let is_calm = phase.is_well() && look != LIMITED && region.blind.is_none();
            writeln!(page, "{}", if is_calm { line } else { self.loud(&line) })?;
        }
        Ok(())
    }
}

/// Writes something of both families of a region, once when it is the same.
fn both(region: &RegionSummary, of: impl Fn(&FamilyStatus) -> String) -> String {
    let families = [&region.ipv4, &region.ipv6];
    let mut said: Vec<_> =
        families.into_iter().filter(|family| family.site.phase.is_some()).map(of).collect();
    said.dedup();
    said.join(", ")
}

/// Says how a region stands in a family: `healthy, 1 of 3 zones held`.
fn state(family: &FamilyStatus) -> String {
    let phase = family.site.phase.map_or_else(String::new, |phase| phase.to_string());
    family.limited_zones.iter().fold(phase, |phase, zones| format!("{phase}, {zones}"))
}

fn percent(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| "-".to_owned(), |part| Percent::rounded(part).to_string())
}

fn milliseconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{:.0} ms", seconds * 1000.0))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn seen() -> OverviewWithEvents {
        let family = |phase: Value, service: &str, share: f64, up: usize| {
            json!({
                "service": service, "phase": phase, "since": null, "until": null, "share": share,
                "up": up, "total": 2, "needed": 1, "falls": 0, "suppression": null,
                "limited_zones": null,
            })
        };
        let region = |name: &str, phase: &str, look: &str, ipv4: Value, ipv6: Value, load: Option<f64>| {
            json!({
                "name": name, "jurisdiction": "JP", "failover": "auto", "ipv4": ipv4, "ipv6": ipv6, "grade": "fine",
                "vitals": {
                    "load": load, "p95_latency_seconds": load.map(|_| 0.12), "error_rate": null, "requests": null,
                    "replication_lag_seconds": null, "certificate_days": null,
                },
                "shed": 0.0, "intent": null, "phase": phase, "look": look, "awaits_failback": false, "colour": "#77aadd",
            })
        };
        let (down, healthy) = (family("down".into(), "out", 0.0, 0), family("healthy".into(), "in", 1.0, 2));
        let mut limited = healthy.clone();
        limited["limited_zones"] = "1 of 3 zones held".into();
        let absent = family(Value::Null, "absent", 0.0, 0);
        let at = "2026-03-01T09:30:00Z";
        let overview = json!({
            "server": "ns1", "version": "0.1.0", "started_at": at, "summary": "tokyo is down (IPv4)", "names": [], "alarms": [],
            "incidents": [{
                "id": 3, "key": "region/tokyo", "since": at, "ended_at": null, "severity": "warning",
                "text": "tokyo is down (IPv4)", "count": 2, "members": [],
            }],
            "problems": [], "snapshot": { "number": 9, "published_at": at }, "proposals": [],
            "regions": [
                region("tokyo", "down", "down", down, healthy.clone(), Some(0.62)),
                region("osaka", "healthy", "withdrawn", healthy, absent.clone(), None),
                region("oregon", "healthy", "limited", limited, absent, None),
            ],
            "intents": [{
                "number": 7, "kind": "shift", "intent": "shift osaka 100%", "target": "osaka", "percent": 100.0,
                "author": "Jo", "reason": "a test", "override": [], "made_at": at, "until": null,
                "state": "standing", "why": null, "text": "shift osaka 100%, until it is lifted, by Jo: a test",
            }],
            "events": [{
                "time": "2026-03-01T09:30:00.25Z", "number": 1, "snapshot": 9, "kind": "region_out",
                "severity": "warning", "text": "tokyo is down",
            }],
        });
        serde_json::from_value(overview).expect("an overview")
    }

    #[test]
    fn a_page_without_colours_is_plain_text() {
        let expected = "\
ns1 0.1.0, snapshot 9 of 2026-03-01T09:30:00.000Z
tokyo is down (IPv4)
INCIDENT 3  tokyo is down (IPv4), since 2026-03-01T09:30:00.000Z (conditions: 2)

region  state                                    share   load      p95  errors    away        up
tokyo   down, healthy                         0%, 100%    62%   120 ms       -      0%  0/2, 2/2
osaka   healthy, withdrawn                        100%      -        -       -      0%       2/2
oregon  healthy, 1 of 3 zones held                100%      -        -       -      0%       2/2

intents
  7 shift osaka 100%, until it is lifted, by Jo: a test, standing

last events
  09:30:00  warning  tokyo is down
";
        assert_eq!(Pen { has_colours: false }.page(&seen()), expected);
    }

    #[test]
    fn what_the_process_has_given_up_is_told_with_why_not_more() {
        let none = RestraintStatus { why: Some("this kernel has none".to_owned()), ..Default::default() };
        let status = ConfinementStatus {
            user: 990,
            capabilities: Vec::new(),
            no_new_privs: true,
            landlock: none,
            seccomp: RestraintStatus { enforced: Enforcement::Fully, ..Default::default() },
        };
        let expected = "
confinement
  user      990, without capabilities
  programs  gain no privileges
  Landlock  not in force: this kernel has none
  seccomp   in force
";
        assert_eq!(Pen { has_colours: false }.confinement(&status), expected);
    }

    #[test]
    fn on_a_terminal_what_is_bad_is_loud() {
        let page = Pen { has_colours: true }.page(&seen());
        assert!(page.contains("\x1b[1;31mINCIDENT 3  tokyo is down (IPv4), since"), "{page}");
        assert!(page.contains("\x1b[1;31mtokyo "), "{page}");
        assert!(!page.contains("\x1b[1;31mosaka "), "{page}");
        assert!(page.contains("\x1b[1;31moregon "), "{page}");
    }
}
