//! Every limit that an operator may meet, printed from the constants that hold it.
//!
//! The printed copy is `src/docs/limits.md`. A constant's comment says why the limit is what it is.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::admin::access::{MAX_TOKEN, MAX_WRONG, MIN_TOKEN};
use crate::admin::api::history::MAX_EVENTS;
use crate::admin::api::intents::MAX_BODY;
use crate::admin::stream::hub;
use crate::admin::trends::samples;
use crate::admin::{listen, places};
use crate::alarm::incident;
use crate::availability::{log, measured};
use crate::cli::server;
use crate::client::MAX_GROUPS;
use crate::config::sections::backup;
use crate::config::sections::capacity_events;
use crate::config::sections::{
    access, alarms, authorities, canaries, checks, drills, geo, json, listen as listening, outside, peers,
    rate_limit, recovery, region, steer, transfer, tsig_keys, webhooks, zone_checks,
};
use crate::config::values::bounds::MAX_NAME;
use crate::config::{master_file, problem, yaml};
use crate::daemon;
use crate::engine::{self, chase};
use crate::event::MAX_FLOOD_MEMBERS;
use crate::family::Family;
use crate::files::backup::Backup;
use crate::files::{configuration, database, events, secret, store};
use crate::generation::{Lineage, SavedLineage};
use crate::health::{self, Memory};
use crate::inspect::{prove, what_if};
use crate::intent::{self, SafetyRule, SavedIntents, action};
use crate::metrics::answers;
use crate::peers::{hub as peer_hub, protocol, subscription};
use crate::probe;
use crate::region::{LONGEST_WAIT, MAX_REGIONS};
use crate::serve::{limit, tcp};
use crate::share;
use crate::simulate::{line, loaded, parse};
use crate::snapshot;
use crate::transfer::{
    MAX_DIFFERENCE_OCTETS, MAX_DIFFERENCES, MESSAGE_OCTETS, RETRY_AFTER, RETRY_AT_MOST, SavedSerials,
};
use crate::units::{Percent, TimeSpan};
use crate::webhook;
use crate::wire::{self, UDP_PAYLOAD};

/// What is limited, and the limit.
type Row = (&'static str, String);

/// Returns the page in Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# Limits\n\nPrinted by `meridian docs limits` from the constants of the program. Sizes are in bytes \
         (KiB, MiB and GiB are powers of two); a range includes both ends.\n",
    );
    for (title, rows) in [
        ("Configuration", configuration()),
        ("Canaries and recovery", health()),
        ("Steering and answers", answers()),
        ("Intents and drills", intents()),
        ("Alarms, events and webhooks", events()),
        ("Admin address", admin()),
        ("State directory and zone transfers", state()),
        ("Simulation and proof", simulation()),
    ] {
        let _ = write!(page, "\n## {title}\n\n| what | limit |\n|---|---|\n");
        for (what, limit) in rows {
            let _ = writeln!(page, "| {what} | {limit} |");
        }
    }
    page
}

fn configuration() -> Vec<Row> {
    vec![
        ("files in the directory", most(configuration::MAX_FILES)),
        ("size of one file", bytes(configuration::MAX_FILE)),
        ("size of all files", bytes(configuration::MAX_TOTAL as u64)),
        ("master files that include each other", most(master_file::MAX_DEPTH)),
        ("records that `$GENERATE` makes in a zone", most(master_file::MAX_GENERATED)),
        ("YAML nodes in a file, aliases expanded", most(yaml::tree::MAX_NODES)),
        ("nesting of YAML", most(yaml::tree::MAX_DEPTH)),
        ("problems that are printed at once", most(problem::MAX_PRINTED)),
        ("characters of a name that an operator makes up", most(MAX_NAME)),
        ("regions", most(MAX_REGIONS)),
        ("addresses of all regions", most(region::MAX_ADDRESSES)),
        ("canaries", most(canaries::MAX_CANARIES)),
        ("groups of clients in all zones", most(MAX_GROUPS)),
        ("`geo.networks`", most(geo::MAX_NETWORKS)),
        ("size of a geo database", bytes(database::MAX_SIZE)),
        ("octets of a reply with one static RRset", most(zone_checks::MAX_REPLY)),
        ("`references`", most(outside::MAX_REFERENCES)),
        ("`tsig_keys`", most(tsig_keys::MAX_KEYS)),
        ("octets of a TSIG secret", within(&wire::TSIG_SECRET)),
        ("entries of `transfer.clients`, and of `transfer.notify`", most(transfer::MAX_SECONDARIES)),
        ("webhooks", most(webhooks::MAX_WEBHOOKS)),
        ("`peers.instances`", most(peers::MAX_PEERS)),
        ("`peers.alone_after`", times(&peers::ALONE_AFTER)),
        ("`peers.disagreement_after`", times(&peers::DISAGREEMENT_AFTER)),
        ("`access.tokens`", most(access::MAX_TOKENS)),
        ("characters of a token", range(&MIN_TOKEN, &MAX_TOKEN)),
        ("bytes of a webhook's secret", within(&webhook::SECRET_BYTES)),
        ("size of a file with a secret, key or certificate", bytes(secret::MAX_BYTES)),
    ]
}

fn health() -> Vec<Row> {
    vec![
        ("`interval` of a canary", times(&canaries::INTERVAL)),
        ("`recheck`", at_least(canaries::SHORTEST_RECHECK)),
        ("`timeout`", at_least(canaries::SHORTEST_TIMEOUT)),
        ("`slow`", at_least(canaries::SHORTEST_SLOW)),
        ("`fall`, `rise`", within(&canaries::THRESHOLD)),
        ("days left of a certificate", within(&checks::DAYS_LEFT)),
        ("certificates in the file of a canary's `ca`", most(authorities::MAX_AUTHORITIES)),
        ("assertions of a `json` canary", most(json::MAX_ASSERTIONS)),
        ("size of a prompt", bytes(checks::MAX_PROMPT as u64)),
        ("size of a response that a canary reads", bytes(probe::http::MAX_BODY as u64)),
        ("probes at once", most(probe::MAX_AT_ONCE)),
        ("`recovery.min_down`", times(&recovery::MIN_DOWN)),
        ("the wait after a fall, doubled with each one", at_most(LONGEST_WAIT)),
        ("falls within an hour that quarantine a region", health::FALLS_TO_QUARANTINE.to_string()),
        ("steps of `recovery.ramp`", most(recovery::MAX_RAMP)),
        ("`recovery.hold`", times(&recovery::HOLD)),
        ("age of saved health that a restart adopts", at_most(health::FRESH_FOR)),
    ]
}

fn answers() -> Vec<Row> {
    vec![
        ("`ttl`, `short_ttl` of a steered name", at_most(Duration::from_secs(u64::from(steer::LONGEST_TTL)))),
        ("`max_answers`", within(&steer::ANSWERS)),
        ("`max_regions`", within(&steer::REGIONS)),
        ("`threads` for UDP of an address", within(&listening::THREADS)),
        ("`max_lag`", times(&steer::LAGS)),
        ("octets of a UDP reply without EDNS", most(engine::MIN_REPLY)),
        ("octets of a UDP reply with EDNS", most(usize::from(UDP_PAYLOAD))),
        ("octets of a TCP reply", most(engine::MAX_REPLY)),
        ("names of a chain of aliases in one reply", most(chase::MAX_HOPS)),
        ("`tcp.connections`, `tcp.per_client`", within(&listening::CONNECTIONS)),
        ("`tcp.idle`", times(&listening::IDLE)),
        ("time of a request over TCP, from its first octet to its last", at_most(tcp::READ_WITHIN)),
        ("time that a TCP client may take to read its replies", at_most(tcp::WRITE_WITHIN)),
        ("`rate_limit`: `answers`, `negative`, `errors`", within(&rate_limit::PER_SECOND)),
        ("`rate_limit.excess`", within(&rate_limit::EXCESS)),
        ("`rate_limit.slip`", within(&rate_limit::SLIP)),
        ("networks in `rate_limit.exempt`", most(rate_limit::MAX_EXEMPT)),
        ("accounts of the rate limits at a time", most(limit::ACCOUNTS)),
        ("networks that are noted as limited within a second", most(limit::MOST_FLOODS)),
        ("networks that are told apart in a flood", most(MAX_FLOOD_MEMBERS)),
        ("prefix of clients that are in a share together", share_prefixes()),
        ("zones with metrics of their own", most(answers::MAX_ZONES)),
    ]
}

fn intents() -> Vec<Row> {
    vec![
        ("intents in force", most(intent::MAX_INTENTS)),
        (
            "time of an intent that ends by itself",
            range(&TimeSpan(intent::SHORTEST_TIME), &TimeSpan(intent::LONGEST_TIME)),
        ),
        ("time of an intent that overrides a safety rule", at_most(SafetyRule::LONGEST_OVERRIDE)),
        ("octets of a reason", most(intent::MAX_REASON)),
        ("octets of an author's name", most(intent::MAX_AUTHOR)),
        ("share of a shift or drill", range(&Percent::SMALLEST_SHARE, &Percent::WHOLE)),
        ("`capacity`, relative to the configured one", within(&action::CAPACITY)),
        ("regions of `weights`", range(&2, &action::MAX_MEMBERS)),
        ("weight of a region", range(&0, &action::MAX_WEIGHT)),
        ("steps of `weights`", most(action::MAX_STEPS)),
        ("how far ahead an intent is asked for", at_most(intent::LONGEST_AHEAD)),
        ("`capacity_events`", most(capacity_events::MAX_EVENTS)),
        ("time of a known event", times(&capacity_events::LASTS)),
        ("scheduled drills", most(drills::MAX_SCHEDULES)),
        ("windows, and blocked days, of a scheduled drill", most(drills::MAX_ENTRIES)),
        ("time of a scheduled drill", times(&drills::LASTS)),
        ("drills that are remembered", most(intent::MAX_DRILLS)),
    ]
}

fn events() -> Vec<Row> {
    vec![
        ("time for which an alarm rule must be broken", times(&alarms::LASTING)),
        ("limit of `p95_latency`", times(&alarms::LATENCY)),
        ("limit of `replication_lag`", times(&alarms::LAG)),
        ("limits in days (certificates, database)", within(&alarms::DAYS)),
        ("closed incidents that are shown", most(incident::MAX_OVER)),
        ("members of an incident that are listed", most(incident::MAX_TOLD)),
        ("size of one file of the event log", bytes(events::MAX_BYTES)),
        ("older files of the event log", most(events::OLD_FILES)),
        ("events in memory, and pending for webhooks without `state`", most(daemon::events::MAX_RECENT)),
        ("time that a webhook's receiver may take", at_most(webhook::request::PATIENCE)),
        ("wait between two attempts of a webhook", at_most(webhook::BACKOFF.longest)),
    ]
}

fn admin() -> Vec<Row> {
    vec![
        ("connections that have not said yet what they want", most(places::MAX_ARRIVALS)),
        ("requests that are served at once", most(places::MAX_REQUESTS)),
        ("requests for `/healthz` that are served at once, besides", most(places::MAX_HEALTH_CHECKS)),
        ("streams of `/events`", most(places::MAX_STREAMS)),
        ("time of a request's head", at_most(listen::HEAD_TIMEOUT)),
        ("time of a connection, streams excepted", at_most(listen::LIFETIME)),
        ("size of a request's head", bytes(listen::MAX_HEAD as u64)),
        ("headers of a request", most(listen::MAX_HEADERS)),
        ("size of a request's body", bytes(MAX_BODY as u64)),
        ("wrong tokens in a second that are answered one by one", most(MAX_WRONG)),
        ("events of one page of `/history`", most(MAX_EVENTS)),
        ("events that a stream begins with", most(hub::FIRST_EVENTS)),
        ("samples of each region that `/trends` has", most(samples::KEPT)),
        ("instances that one command asks", most(server::MAX_INSTANCES)),
        ("time between two lines of a peer before it counts as silent", at_most(health::FRESH_WITHIN)),
        ("size of a line of a peer", bytes(protocol::MAX_LINE as u64)),
        ("lines of a peer in a second", most(subscription::MAX_LINES)),
        ("facts of a peer", most(subscription::MAX_STATE)),
        ("lines that wait for a peer that reads slowly", most(peer_hub::MAX_WAITING)),
        ("wait between two attempts to hear a peer", at_most(subscription::BACKOFF.longest)),
        ("steered names with a digest of their answers in `/status`", most(snapshot::MAX_DIGESTS)),
    ]
}

fn state() -> Vec<Row> {
    vec![
        ("size of `health.json`", bytes(<Memory as store::Saved>::MAX_BYTES)),
        ("size of `intents.json`", bytes(<SavedIntents as store::Saved>::MAX_BYTES)),
        ("size of `generations.json`", bytes(<SavedLineage as store::Saved>::MAX_BYTES)),
        ("generations of the configuration", most(Lineage::MAX_RECORDS)),
        ("content of generations that is kept", bytes(Lineage::MAX_CONTENT as u64)),
        ("size of a backup", bytes(<Backup as store::Saved>::MAX_BYTES)),
        ("`backup.every`", range(&TimeSpan(*backup::EVERY.start()), &TimeSpan(*backup::EVERY.end()))),
        ("`backup.keep`", range(&TimeSpan(*backup::KEEP.start()), &TimeSpan(*backup::KEEP.end()))),
        ("size of `availability.json`", bytes(<log::AvailabilityLog as store::Saved>::MAX_BYTES)),
        ("size of `serials.json`", bytes(<SavedSerials as store::Saved>::MAX_BYTES)),
        ("differences of a zone that IXFR gives", most(MAX_DIFFERENCES)),
        ("size of these differences", bytes(MAX_DIFFERENCE_OCTETS as u64)),
        ("size of a message of a transfer with several records", bytes(MESSAGE_OCTETS as u64)),
        (
            "time before a NOTIFY that is not acknowledged is sent again",
            range(&TimeSpan(RETRY_AFTER), &TimeSpan(RETRY_AT_MOST)),
        ),
        ("damaged files of one kind that are set aside", most(store::MAX_SET_ASIDE)),
        ("days of measured availability", most(log::DAYS)),
        ("names with measured availability", most(measured::MAX_NAMES)),
    ]
}

fn simulation() -> Vec<Row> {
    vec![
        ("size of a scenario", bytes(loaded::MAX_BYTES)),
        ("time that a scenario plays", at_most(line::MAX_TIME)),
        ("events of a scenario, repetitions counted", most(parse::MAX_ACTS)),
        ("`--load` of a what-if", format!("at most {}", what_if::MAX_LOAD)),
        ("regions of which `--each` tries pairs", most(what_if::MAX_PAIRED)),
        ("regions of a policy that `prove` enumerates", most(prove::MAX_REGIONS)),
    ]
}

fn share_prefixes() -> String {
    let [v4, v6] = Family::BOTH.map(share::prefix_length);
    format!("/{v4} of IPv4, /{v6} of IPv6")
}

fn most(number: impl ToString) -> String {
    format!("at most {}", number.to_string())
}

fn range(first: &impl ToString, last: &impl ToString) -> String {
    format!("{} to {}", first.to_string(), last.to_string())
}

fn within<N: ToString>(bounds: &RangeInclusive<N>) -> String {
    range(bounds.start(), bounds.end())
}

fn times(bounds: &RangeInclusive<Duration>) -> String {
    range(&TimeSpan(*bounds.start()), &TimeSpan(*bounds.end()))
}

fn at_least(time: Duration) -> String {
    format!("at least {}", TimeSpan(time))
}

fn at_most(time: Duration) -> String {
    format!("at most {}", TimeSpan(time))
}

/// Writes a size in the largest unit in which it is a whole number.
fn bytes(size: u64) -> String {
    let (power, unit) = match size.trailing_zeros() {
        30.. => (30, "GiB"),
        20.. => (20, "MiB"),
        10.. => (10, "KiB"),
        _ => (0, "bytes"),
    };
    format!("at most {} {unit}", size >> power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_page_is_the_printed_one() {
        let checked_in = include_str!("../../docs/limits.md");
        assert!(page() == checked_in, "run `meridian docs limits > src/docs/limits.md`");
    }

    #[test]
    fn sizes_are_written_in_the_largest_whole_unit() {
        assert_eq!(
            [1000, 1536, 64 << 20].map(bytes),
            ["at most 1000 bytes", "at most 1536 bytes", "at most 64 MiB"]
        );
    }
}
