//! Counts answers without a lock: tables of atomic counters, one for each few threads, summed when read.
//!
//! A table belongs to one configuration, since its rows are numbered as the zones and regions are. When
//! another configuration is served, [`AllAnswers`] keeps what the old tables counted.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Config;
use crate::engine::{PutOff, ReplyTally, Transport};
use crate::wire::{CookieStatus, Rcode};

/// Tables that threads share out among themselves. More only cost memory once every worker has its own.
const SHARDS: usize = 8;

/// The zones with a label of their own; those after them share [`OTHER`], so that a server with ten
/// thousand zones does not give its monitoring millions of series.
pub const MAX_ZONES: usize = 256;

/// The label of what has no label of its own.
const OTHER: &str = "other";

/// The label of answers from no zone.
const NO_ZONE: &str = "none";

/// The types with a label of their own: those that resolvers ask for in any number.
const TYPES: [(u16, &str); 20] = [
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (12, "PTR"),
    (15, "MX"),
    (16, "TXT"),
    (28, "AAAA"),
    (33, "SRV"),
    (35, "NAPTR"),
    (39, "DNAME"),
    (43, "DS"),
    (44, "SSHFP"),
    (46, "RRSIG"),
    (48, "DNSKEY"),
    (52, "TLSA"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (255, "ANY"),
    (257, "CAA"),
];

/// The labels of transports, by [`Transport`].
pub(super) const TRANSPORTS: [&str; 2] = ["udp", "tcp"];

/// What is sent instead of a reply over a limit.
const TOLD: [&str; 3] = ["nothing", "truncated", "bad_cookie"];

/// Which limit a reply is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyLimit {
    Answers,
    Negative,
    Errors,
    Excess,
}

impl ReplyLimit {
    /// Every limit, in the order in which metrics list them.
    pub const ALL: [Self; 4] = [Self::Answers, Self::Negative, Self::Errors, Self::Excess];

    /// Returns the key of its setting, which is its label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Negative => "negative",
            Self::Errors => "errors",
            Self::Excess => "excess",
        }
    }
}

/// The counters of the answers from one configuration.
#[derive(Debug)]
pub struct AnswerCounters {
    /// The labels of the zones: those of the configuration, then `other`, then `none`.
    zones: Vec<String>,
    regions: Vec<String>,
    shards: Box<[Shard]>,
}

/// Aligned so that no two shards share a cache line (128 octets: CPUs fetch lines in pairs).
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    queries: Box<[AtomicU64]>,
    regions: Box<[AtomicU64]>,
    /// By the place in `Base::demand`, since they were last taken.
    parts: Box<[AtomicU64]>,
    truncated: [AtomicU64; 2],
    with_client_subnet: AtomicU64,
    /// By the status of the cookie.
    cookies: [AtomicU64; 3],
    silent: AtomicU64,
    /// By the limit, then by what the client was told.
    limited: [[AtomicU64; 3]; 4],
    evicted: AtomicU64,
}

impl AnswerCounters {
    /// Returns counters at zero for the zones and regions of `config`, and for so many parts of the clients.
    pub fn new(config: &Config, parts: usize) -> Self {
        let named = config.zones.iter().take(MAX_ZONES);
        let mut zones: Vec<String> = named.map(|zone| zone.apex.to_string()).collect();
        zones.extend([OTHER.to_owned(), NO_ZONE.to_owned()]);
        let regions: Vec<String> = config.regions.iter().map(|(_, region)| region.name.clone()).collect();
        let rows = zones.len() * (TYPES.len() + 1) * Rcode::ALL.len() * TRANSPORTS.len();
        let shards = (0..SHARDS).map(|_| Shard::new(rows, regions.len(), parts)).collect();
        Self { zones, regions, shards }
    }

    /// Counts one answer.
    pub fn count(&self, tally: &ReplyTally, transport: Transport) {
        let shard = self.shard();
        bump(&shard.queries[self.row(tally, transport)]);
        if let Some(region) = tally.region {
            bump(&shard.regions[usize::from(region.0)]);
        }
        if let Some(part) = tally.part {
            bump(&shard.parts[usize::from(part)]);
        }
        if tally.is_truncated {
            bump(&shard.truncated[transport as usize]);
        }
        if tally.has_client_subnet {
            bump(&shard.with_client_subnet);
        }
        if let Some(status) = tally.cookie {
            bump(&shard.cookies[status as usize]);
        }
    }

    /// Counts one request that got no answer.
    pub fn count_silence(&self) {
        bump(&self.shard().silent);
    }

    /// Counts one reply over a limit, and how its client was asked to come back; `None`: it hears nothing.
    pub fn count_limited(&self, limit: ReplyLimit, told: Option<PutOff>) {
        let told = match told {
            None => 0,
            Some(PutOff::Truncated) => 1,
            Some(PutOff::BadCookie) => 2,
        };
        bump(&self.shard().limited[limit as usize][told]);
    }

    /// Counts accounts of the limits that lost their place while they were not empty.
    pub fn count_evicted(&self, accounts: u64) {
        self.shard().evicted.fetch_add(accounts, Ordering::Relaxed);
    }

    /// Returns how many queries of each part of the clients were answered since the last call.
    pub fn take_parts(&self) -> Vec<u64> {
        let taken = |part: usize| {
            self.shards.iter().map(move |shard| shard.parts[part].swap(0, Ordering::Relaxed)).sum()
        };
        let parts = self.shards.first().map_or(0, |shard| shard.parts.len());
        (0..parts).map(taken).collect()
    }

    fn shard(&self) -> &Shard {
        &self.shards[shard_of_thread()]
    }

    fn row(&self, tally: &ReplyTally, transport: Transport) -> usize {
        let [other, none] = [self.zones.len() - 2, self.zones.len() - 1];
        let zone = tally.zone.map_or(none, |zone| zone.min(other));
        let rtype = TYPES.iter().position(|(number, _)| Some(*number) == tally.qtype).unwrap_or(TYPES.len());
        let row = (zone * (TYPES.len() + 1) + rtype) * Rcode::ALL.len() + tally.rcode as usize;
        row * TRANSPORTS.len() + transport as usize
    }

    /// Adds everything counted to `totals`.
    fn sum_into(&self, totals: &mut Totals) {
        for (row, (zone, rtype, rcode, transport)) in rows(&self.zones).enumerate() {
            let count = self.sum(|shard| &shard.queries[row]);
            if count > 0 {
                let labels = (zone.clone(), rtype, rcode.as_str(), transport);
                *totals.queries.entry(labels).or_default() += count;
            }
        }
        for (index, region) in self.regions.iter().enumerate() {
            *totals.regions.entry(region.clone()).or_default() += self.sum(|shard| &shard.regions[index]);
        }
        for (index, transport) in TRANSPORTS.into_iter().enumerate() {
            *totals.truncated.entry(transport).or_default() += self.sum(|shard| &shard.truncated[index]);
        }
        totals.with_client_subnet += self.sum(|shard| &shard.with_client_subnet);
        for (index, status) in CookieStatus::ALL.into_iter().enumerate() {
            *totals.cookies.entry(status.as_str()).or_default() += self.sum(|shard| &shard.cookies[index]);
        }
        totals.silent += self.sum(|shard| &shard.silent);
        for (limit, told) in
            ReplyLimit::ALL.iter().flat_map(|limit| (0..TOLD.len()).map(move |told| (*limit, told)))
        {
            let count = self.sum(|shard| &shard.limited[limit as usize][told]);
            *totals.limited.entry((limit.as_str(), TOLD[told])).or_default() += count;
        }
        totals.evicted += self.sum(|shard| &shard.evicted);
    }

    fn sum(&self, counter: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards.iter().map(|shard| counter(shard).load(Ordering::Relaxed)).sum()
    }
}

impl Shard {
    fn new(rows: usize, regions: usize, parts: usize) -> Self {
        let zeros = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        Self {
            queries: zeros(rows),
            regions: zeros(regions),
            parts: zeros(parts),
            truncated: Default::default(),
            with_client_subnet: AtomicU64::new(0),
            cookies: Default::default(),
            silent: AtomicU64::new(0),
            limited: Default::default(),
            evicted: AtomicU64::new(0),
        }
    }
}

/// Counters are read for people, who see no difference between orders of increments: relaxed.
fn bump(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Returns the labels of all rows, in the order of [`AnswerCounters::row`].
fn rows(zones: &[String]) -> impl Iterator<Item = (&String, &'static str, Rcode, &'static str)> {
    let codes = || Rcode::ALL.into_iter().flat_map(|rcode| TRANSPORTS.map(|transport| (rcode, transport)));
    let types =
        move || type_labels().flat_map(move |rtype| codes().map(move |(rcode, by)| (rtype, rcode, by)));
    let zones = zones.iter();
    zones.flat_map(move |zone| types().map(move |(rtype, rcode, by)| (zone, rtype, rcode, by)))
}

fn type_labels() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(_, label)| *label).chain([OTHER])
}

/// Returns the shard of this thread; threads are dealt out in turn.
fn shard_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    }
    SHARD.get()
}

/// Sums over all tables there have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// By zone, type, response code and transport; without what is zero.
    pub queries: BTreeMap<(String, &'static str, &'static str, &'static str), u64>,
    /// Answers by the region whose addresses were in them.
    pub regions: BTreeMap<String, u64>,
    /// Truncated answers by transport.
    pub truncated: BTreeMap<&'static str, u64>,
    /// Answers to requests that brought a client subnet.
    pub with_client_subnet: u64,
    /// Answers to requests that brought a cookie, by its status.
    pub cookies: BTreeMap<&'static str, u64>,
    /// Requests without an answer.
    pub silent: u64,
    /// Replies over a limit, by the limit and by what was sent instead.
    pub limited: BTreeMap<(&'static str, &'static str), u64>,
    /// Accounts of the limits that lost their place while they were not empty.
    pub evicted: u64,
}

/// Every table since the start.
#[derive(Debug, Default)]
pub struct AllAnswers(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    /// What the tables that are out of use have counted.
    retired: Totals,
    /// Older tables while a query still holds them, and last the current one.
    live: Vec<Arc<AnswerCounters>>,
}

impl AllAnswers {
    /// Starts a table for another configuration, and lets go of those that are over: a server that nothing scrapes
    /// must not keep one for each reload.
    pub fn begin(&self, config: &Config, parts: usize) -> Arc<AnswerCounters> {
        let answers = Arc::new(AnswerCounters::new(config, parts));
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.retire();
        tables.live.push(answers.clone());
        answers
    }

    /// Returns the sums.
    pub fn totals(&self) -> Totals {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.retire();
        let mut totals = tables.retired.clone();
        tables.live.iter().for_each(|answers| answers.sum_into(&mut totals));
        totals
    }
}

impl Tables {
    /// Lets go of tables that only this list holds: what they counted for zones and regions that no table has any
    /// more is forgotten, so that reloads do not add labels for ever.
    fn retire(&mut self) {
        let Self { retired, live } = self;
        let newest = live.last().map(Arc::as_ptr);
        live.retain(|answers| {
            let is_live = Arc::strong_count(answers) > 1 || newest == Some(Arc::as_ptr(answers));
            if !is_live {
                answers.sum_into(retired);
            }
            is_live
        });
        retired.queries.retain(|(zone, ..), _| live.iter().any(|answers| answers.zones.contains(zone)));
        retired.regions.retain(|region, _| live.iter().any(|answers| answers.regions.contains(region)));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::config::{AlarmRules, Server};
    use crate::engine::ReplySubject;
    use crate::region::{RegionId, Regions, Safety};
    use crate::zone::{Name, Zone};

    pub fn config(zones: &[&str]) -> Config {
        let zone = |apex: &&str| Zone {
            apex: Name::from_ascii(apex).expect("a name"),
            nodes: BTreeMap::new(),
            is_transferred: false,
        };
        Config {
            server: Server {
                name: "ns1".to_owned(),
                listen: crate::config::Listen::default(),
                identity: crate::config::Identity::default(),
                cookies: None,
                rate_limit: None,
                user: None,
                admin: None,
                access: crate::config::Access::default(),
                geo: crate::config::Geo::default(),
                state: None,
                start: crate::config::StartMode::Refuse,
                backup: None,
                references: Vec::new(),
                resolvers: Vec::new(),
                peers: None,
                tsig_keys: Vec::new(),
                webhooks: Vec::new(),
                log: crate::config::LogFormat::default(),
            },
            regions: Regions::default(),
            canaries: vec![],
            groups: vec![],
            steered: vec![],
            safety: Safety::default(),
            drills: Vec::new(),
            capacity_events: Vec::new(),
            spreads: Vec::new(),
            pins: Vec::new(),
            alarms: AlarmRules::default(),
            zones: zones.iter().map(zone).collect(),
            transfers: Vec::new(),
        }
    }

    fn tally(zone: Option<usize>, qtype: u16, rcode: Rcode) -> ReplyTally {
        ReplyTally {
            zone,
            qtype: Some(qtype),
            rcode,
            region: None::<RegionId>,
            part: None,
            is_leaving: false,
            is_truncated: false,
            has_client_subnet: false,
            cookie: None,
            subject: ReplySubject::Name(None),
        }
    }

    /// Counts the tallies, and compares the sums: `zone type rcode transport count`.
    fn check(zones: &[&str], tallies: &[(ReplyTally, Transport)], lines: &[&str]) {
        let all = AllAnswers::default();
        let answers = all.begin(&config(zones), 2);
        tallies.iter().for_each(|(tally, transport)| answers.count(tally, *transport));
        let counted = all.totals().queries.into_iter();
        let counted =
            counted.map(|((zone, rtype, rcode, by), count)| format!("{zone} {rtype} {rcode} {by} {count}"));
        assert_eq!(counted.collect::<Vec<_>>(), lines);
    }

    #[test]
    fn queries_are_counted_by_part_until_they_are_taken() {
        let answers = AllAnswers::default().begin(&config(&["a.test."]), 2);
        for part in [Some(1), None, Some(1)] {
            answers.count(&ReplyTally { part, ..tally(Some(0), 1, Rcode::NoError) }, Transport::Udp);
        }
        assert_eq!([answers.take_parts(), answers.take_parts()], [[0, 2], [0, 0]]);
    }

    #[test]
    fn answers_are_counted_by_zone_type_code_and_transport() {
        let (udp, tcp) = (Transport::Udp, Transport::Tcp);
        check(
            &["a.test.", "b.test."],
            &[
                (tally(Some(0), 1, Rcode::NoError), udp),
                (tally(Some(0), 1, Rcode::NoError), udp),
                (tally(Some(1), 257, Rcode::NxDomain), tcp),
                (tally(None, 28, Rcode::Refused), udp),
            ],
            &["a.test. A NOERROR udp 2", "b.test. CAA NXDOMAIN tcp 1", "none AAAA REFUSED udp 1"],
        );
    }

    #[test]
    fn a_type_or_zone_without_a_label_of_its_own_is_other() {
        let many: Vec<String> = (0..MAX_ZONES + 9).map(|number| format!("z{number}.test.")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(
            &many,
            &[
                (tally(Some(MAX_ZONES + 3), 1, Rcode::NoError), Transport::Udp),
                (tally(Some(3), 65_280, Rcode::BadVers), Transport::Udp),
            ],
            &["other A NOERROR udp 1", "z3.test. other BADVERS udp 1"],
        );
    }

    #[test]
    fn another_configuration_loses_no_count_even_of_queries_that_still_run() {
        let all = AllAnswers::default();
        let counted = tally(Some(0), 1, Rcode::NoError);
        let before = all.begin(&config(&["old.test."]), 2);
        before.count(&counted, Transport::Udp);
        all.begin(&config(&["new.test.", "old.test."]), 2).count(&counted, Transport::Udp);
        assert_eq!(all.totals().queries.values().sum::<u64>(), 2);
        before.count(&counted, Transport::Udp);
        drop(before);
        let totals = all.totals();
        assert_eq!(totals.queries[&("old.test.".to_owned(), "A", "NOERROR", "udp")], 2);
        assert_eq!(totals, all.totals(), "what is retired is counted once");
    }

    #[test]
    fn reloads_without_a_scrape_keep_no_table_for_each_of_them() {
        let all = AllAnswers::default();
        for _ in 0..20 {
            all.begin(&config(&["a.test."]), 2).count(&tally(Some(0), 1, Rcode::NoError), Transport::Udp);
        }
        let kept = all.0.lock().expect("the lock is sound").live.len();
        assert!(kept <= 2, "{kept} tables");
        assert_eq!(all.totals().queries.values().sum::<u64>(), 20);
    }

    #[test]
    fn a_zone_that_is_gone_takes_its_counts_along_once_no_query_counts_in_it() {
        let all = AllAnswers::default();
        let before = all.begin(&config(&["gone.test.", "kept.test."]), 2);
        for zone in 0..2 {
            before.count(&tally(Some(zone), 1, Rcode::NoError), Transport::Udp);
        }
        all.begin(&config(&["kept.test."]), 2);
        assert_eq!(all.totals().queries.len(), 2);
        drop(before);
        let queries = all.totals().queries;
        let zones: Vec<_> = queries.keys().map(|(zone, ..)| zone.as_str()).collect();
        assert_eq!(zones, ["kept.test."]);
    }
}
