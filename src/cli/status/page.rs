//! What `meridian status` prints.

use super::table;
use super::writer::{Brevity, PageWriter};
use crate::admin::api::transfers::{
    NotifiedStatus, RefusedTransferStatus, TakenStatus, TransferredZoneStatus,
};
use crate::admin::api::{
    ConfinementStatus, Enforcement, IntentList, OverviewWithEvents, PeerOverview, RestraintStatus,
    TransferStatus,
};
use crate::alarm::Incident;
use crate::event::Event;
use crate::severity::Severity;

/// How many of the last events are shown at most: with a dozen regions they fit on a screen.
const EVENTS: usize = 10;

/// How many are shown on the smallest one.
const LEAST_EVENTS: usize = 1;

/// How many incidents are shown on a terminal, the worst first: the others are in the history.
const INCIDENTS: usize = 3;

/// Returns the page: as much of it as fits, but never less than the incidents and what is not well.
pub(super) fn page(seen: &OverviewWithEvents, empty: &PageWriter) -> String {
    let pages = [Brevity::Whole, Brevity::WithoutCalm, Brevity::Short].map(|brevity| {
        let mut page = empty.clone();
        write(&mut page, seen, brevity);
        page
    });
    let [.., shortest] = &pages;
    pages.iter().find(|page| page.fits()).unwrap_or(shortest).text().to_owned()
}

fn write(page: &mut PageWriter, seen: &OverviewWithEvents, brevity: Brevity) {
    let OverviewWithEvents { overview, events } = seen;
    let snapshot = &overview.snapshot;
    let (number, published_at) = (snapshot.number, &snapshot.published_at);
    page.bold(&format!("{} {}, snapshot {number} of {published_at}", overview.server, overview.version));
    page.line(&overview.summary);
    write_incidents(page, &overview.incidents, brevity);
    for problem in &overview.problems {
        page.loud(&format!("CONFIGURATION REFUSED  {problem}"));
    }
    table::write(page, &overview.regions, brevity);
    write_peers(page, &overview.peers);
    write_transfers(page, &overview.transfers);
    write_intents(page, &overview.intents);
    write_events(page, events);
}

/// Writes the incidents that are open. The alarms that stand belong to these.
fn write_incidents(page: &mut PageWriter, incidents: &[Incident], brevity: Brevity) {
    let shown = if page.columns().is_some() { INCIDENTS } else { usize::MAX };
    for Incident { id, text, since, count, .. } in incidents.iter().take(shown) {
        let line = format!("INCIDENT {id}  {text}, since {since} (conditions: {count})");
        match brevity {
            Brevity::Whole | Brevity::WithoutCalm => page.loud(&line),
            Brevity::Short => page.loud(&page.cut(&line)),
        }
    }
    if incidents.len() > shown {
        let more = incidents.len() - shown;
        page.loud(&format!("more incidents: {more}; `meridian status | cat` shows all"));
    }
}

/// Writes the other instances that judge with this one; without any, nothing.
fn write_peers(page: &mut PageWriter, peers: &[PeerOverview]) {
    if !peers.is_empty() {
        page.heading("peers");
    }
    for PeerOverview { name, state, since, trouble, .. } in peers {
        match trouble {
            None => page.line(&format!("  {name}  {state} since {since}")),
            Some(why) => page.loud(&format!("  {name}  {state} since {since}: {why}")),
        }
    }
}

/// Writes which serial numbers secondaries have; where no zone is given to any, and none was asked for, nothing.
fn write_transfers(page: &mut PageWriter, transfers: &TransferStatus) {
    if !transfers.is_empty() {
        page.heading("secondaries");
    }
    for TransferredZoneStatus { name, serial, notified, taken, .. } in &transfers.zones {
        page.line(&format!("  {name}  serial {serial}"));
        for TakenStatus { client, serial, kind, at } in taken {
            page.line(&format!("    {client}  took {serial} ({kind}) at {at}"));
        }
        for NotifiedStatus { address, unanswered, .. } in notified.iter().filter(|one| one.unanswered > 1) {
            page.loud(&format!("    {address}  does not acknowledge NOTIFY (messages: {unanswered})"));
        }
    }
    if let Some(RefusedTransferStatus { client, text, at, .. }) = &transfers.last_refusal {
        let refused = transfers.refused;
        page.line(&format!("  refused: {refused}, the last one to {client} at {at}: {text}"));
    }
}

fn write_intents(page: &mut PageWriter, IntentList { intents, .. }: &IntentList) {
    if intents.is_empty() {
        page.line("");
        page.line("intents: none");
        return;
    }
    page.heading("intents");
    for intent in intents {
        page.line(&format!("  {} {}, {}", intent.number, intent.text, intent.state));
    }
}

/// Writes the last events, the newest first, as many as there is room for.
fn write_events(page: &mut PageWriter, events: &[Event]) {
    page.heading("last events");
    for (shown, event) in events.iter().rev().take(EVENTS).enumerate() {
        // The time of day, in UTC, as the log has it.
        let time = event.time_text();
        let time = time.get(11..19).unwrap_or_default();
        let severity = match event.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        };
        let line = format!("  {time}  {severity:<8} {}", event.text);
        if shown >= LEAST_EVENTS && page.rows_left().is_some_and(|rows| rows < page.rows_of(&line)) {
            return;
        }
        if event.severity == Severity::Critical { page.loud(&line) } else { page.line(&line) }
    }
}

/// Returns what the process has given up.
pub(super) fn confinement(status: &ConfinementStatus, empty: &PageWriter) -> String {
    let mut page = empty.clone();
    let ConfinementStatus { user, capabilities, no_new_privs, landlock, seccomp } = status;
    let capabilities = match &capabilities[..] {
        [] => "without capabilities".to_owned(),
        names => format!("with {}", names.join(", ")),
    };
    let programs = if *no_new_privs { "gain no privileges" } else { "may gain privileges" };
    page.heading("confinement");
    page.line(&format!("  user      {user}, {capabilities}"));
    page.line(&format!("  programs  {programs}"));
    page.line(&format!("  Landlock  {}", restraint(landlock)));
    page.line(&format!("  seccomp   {}", restraint(seccomp)));
    page.text().to_owned()
}

fn restraint(RestraintStatus { enforced, abi, why }: &RestraintStatus) -> String {
    let version = abi.map_or_else(String::new, |abi| format!(", version {abi}"));
    let level = match enforced {
        Enforcement::Fully => "in force",
        Enforcement::Partly => "in force as far as the kernel goes",
        Enforcement::No => "not in force",
    };
    let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    format!("{level}{version}{why}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::terminal::TerminalSize;

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
        let absent = family(Value::Null, "absent", 0.0, 0);
        let mut oregon = region("oregon", "healthy", "limited", healthy.clone(), absent.clone(), None);
        oregon["notable_zones"] = json!(["oregon-b held at 0%"]);
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
                region("osaka", "healthy", "withdrawn", healthy, absent, None),
                oregon,
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

region  state                   share  load      p95 errors  away      up
tokyo   IPv4 down                  0%   62%   120 ms      -    0%     0/2
        IPv6 healthy             100%                                 2/2
oregon  healthy, limited         100%     -        -      -    0%     2/2
        oregon-b held at 0%
osaka   healthy, withdrawn       100%     -        -      -    0%     2/2

intents
  7 shift osaka 100%, until it is lifted, by Jo: a test, standing

last events
  09:30:00  warning  tokyo is down
";
        assert_eq!(page(&seen(), &PageWriter::new(false, None)), expected);
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
        assert_eq!(confinement(&status, &PageWriter::new(false, None)), expected);
    }

    #[test]
    fn on_a_terminal_what_is_bad_is_loud() {
        let page = page(&seen(), &PageWriter::new(true, None));
        assert!(page.contains("\x1b[1;31mINCIDENT 3  tokyo is down (IPv4), since"), "{page}");
        assert!(page.contains("\x1b[1;31mtokyo "), "{page}");
        assert!(!page.contains("\x1b[1;31mosaka "), "{page}");
        assert!(page.contains("\x1b[1;31moregon "), "{page}");
    }

    #[test]
    fn an_outage_of_eleven_regions_fits_into_24_rows_of_80_columns() {
        let mut seen = serde_json::to_value(seen()).expect("JSON");
        let (down, healthy) = (seen["regions"][0].clone(), seen["regions"][1].clone());
        let named = |region: &Value, name: String| {
            let mut region = region.clone();
            region["name"] = name.into();
            region
        };
        let region = |number: usize| named(&down, format!("ap-northeast-{number}"));
        let calm = |number: usize| {
            let mut region = named(&healthy, format!("calm-{number}"));
            region["look"] = "healthy".into();
            region
        };
        seen["regions"] = (0..2).map(region).chain((0..9).map(calm)).collect();
        let long = "clients of api.example.com in the EU stay with frankfurt, which is down, because no other region may have them";
        for list in ["incidents", "events"] {
            let mut one = seen[list][0].clone();
            one["text"] = long.into();
            seen[list] = Value::Array(vec![one; 12]);
        }
        let seen = serde_json::from_value(seen).expect("an overview");
        let size = TerminalSize { columns: 80, rows: 24 };
        let page = page(&seen, &PageWriter::new(false, Some(size)));
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
        assert!(page.contains("more incidents: 9"), "{page}");
        assert!(page.contains("\nap-northeast…  IPv4 down "), "{page}");
        assert!(page.contains("calm-0, calm-1, calm-2, calm-3, calm-4, calm-5"), "{page}");
        assert!(page.lines().count() < 24, "{page}");
    }
}
