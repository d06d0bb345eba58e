//! When a drain is over: no cache may hold an answer that leads where an intent sends clients away.
//!
//! ```text
//!  given out ── a snapshot without the address ──▶ held ── the longest TTL has passed ──▶ free of caches
//!      ▲                                            │
//!      ╰──────── a snapshot that answers it ────────╯
//! ```
//!
//! The [`CachedAnswers`] counts from the moment at which a snapshot is superseded, with the time to live that its own
//! records had: a short one while an address was suspect, the long one of a configuration that is gone. What was given
//! out before a restart is not known; every address is then taken to have been given out at the last moment, for
//! as long as any steered name allows. A resolver that keeps records for longer than it may is not reckoned with.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use foldhash::{HashMap, HashSet};
use hickory_proto::rr::rdata::svcb::{SVCB, SvcParamValue};

use crate::config::Config;
use crate::intent::{Intent, IntentPhase};
use crate::moment::{Moment, follows_clock};
use crate::region::{AddressId, Regions, Target};
use crate::share::Share;
use crate::snapshot::{AnsweredAddresses, ServedAddress, served};
use crate::units::{Percent, TimeSpan};
use crate::zone::{RData, Ttl, Zone};

/// A region that reports less than this has no clients left that count: canaries and metrics are load, too.
const IDLE: f64 = 0.01;

/// What an earlier life gave out is held for no longer than this: two of the longest TTLs of a steered name.
const LONGEST_HOLD: Duration = Duration::from_secs(48 * 60 * 60);

/// The most static names with a region's address that are told.
const MAX_NAMES: usize = 10;

/// How far an intent is that sends clients away.
#[derive(Clone, Debug, PartialEq)]
pub struct DrainProgress {
    /// The number of the intent.
    pub intent: u64,
    /// The region that clients are sent away from.
    pub region: String,
    /// The availability zone; `None`: all of the region.
    pub zone: Option<String>,
    /// The share of its clients that the intent leaves it.
    pub kept: Share,
    /// Whether the configuration has the place: else nothing is known of who goes there.
    pub is_configured: bool,
    /// Whether its clients are on their way back.
    pub is_returning: bool,
    /// Its addresses that steered names still answer with.
    pub given_out: Vec<IpAddr>,
    /// Static names that hold one of its addresses, and are given out whatever intents say.
    pub static_names: Vec<String>,
    /// The last moment at which a resolver may hold one of its addresses; `None`: they are still given out.
    pub last_lawful: Option<Moment>,
    /// The load that it reports; `None`: none.
    pub load: Option<f64>,
    /// The load that it reported when the intent was made; `None`: none, or the server was started since.
    pub load_at_first: Option<f64>,
}

impl DrainProgress {
    /// Returns whether all clients are gone.
    pub fn is_over(&self, now: Moment) -> bool {
        let is_gone = self.last_lawful.is_some_and(|last| last <= now);
        is_gone && self.is_configured && !self.is_returning && !self.is_loaded()
    }

    /// Returns how much of the load that it had has gone, 0 to 1; `None`: it did not say how much there was.
    pub fn moved(&self) -> Option<f64> {
        let before = self.load_at_first.filter(|load| *load > 0.0)?;
        Some((1.0 - self.load? / before).clamp(0.0, 1.0))
    }

    /// Says why it is over, or is not.
    pub fn why(&self, now: Moment) -> String {
        let place =
            self.zone.as_ref().map_or_else(|| self.region.clone(), |zone| format!("{}/{zone}", self.region));
        if !self.is_configured {
            return format!(
                "{place} is not configured any more: its addresses may be another's, and get clients"
            );
        }
        let Some(last) = self.last_lawful else {
            return self.why_given_out(&place);
        };
        if self.is_returning {
            return format!("the clients of {place} are coming back");
        }
        if last > now {
            let left = TimeSpan(Duration::from_secs(last.since(now).as_secs_f64().ceil() as u64));
            return format!(
                "no answer holds an address of {place}, but resolvers may keep those they have for {left}"
            );
        }
        match self.load {
            Some(load) if self.is_loaded() => format!(
                "no resolver may hold an address of {place}, which still reports a load of {}: long \
                 streams end later, and some clients keep addresses for longer than they may",
                Percent::rounded(load)
            ),
            Some(_) => format!("no resolver may hold an address of {place}, and it reports no load any more"),
            None => format!(
                "no resolver may hold an address of {place}; it reports no load, so that long streams may still run"
            ),
        }
    }

    fn why_given_out(&self, place: &str) -> String {
        let list = |ips: &[IpAddr]| ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if self.given_out.is_empty() {
            return format!(
                "static records answer with addresses of {place} at all times: {}; take them out of the zone files",
                self.static_names.join(", ")
            );
        }
        let because = match () {
            () if self.is_returning => "its clients are coming back".to_owned(),
            () if self.kept > Share::NONE => format!("it keeps {} of its clients", self.kept),
            () => "some clients are permitted no other region that takes them".to_owned(),
        };
        format!("addresses of {place} are still given out ({}): {because}", list(&self.given_out))
    }

    fn is_loaded(&self) -> bool {
        self.load.is_some_and(|load| load >= IDLE)
    }
}

/// Which addresses are given out, and until when those may be held that are not any more.
#[derive(Clone, Debug)]
pub struct CachedAnswers {
    /// What the snapshot answers that was published last.
    given: Arc<AnsweredAddresses>,
    /// Whose clients it sends away.
    pub leaving: Vec<AddressId>,
    /// What those before it answered of which it is not yet known when they went out of service.
    superseded: AnsweredAddresses,
    /// Until when an address may be held by a resolver that got it from a snapshot that is out of service. Invariant: of every
    /// address of the configuration, and of others until then.
    held_until: HashMap<ServedAddress, Moment>,
    /// The addresses of regions that are in static records, and in which.
    static_names: BTreeMap<IpAddr, Vec<String>>,
    /// What a place reported when clients were first sent away from it, by its name.
    pub loads: BTreeMap<String, f64>,
}

impl CachedAnswers {
    /// Starts: whatever an earlier life of the server gave out may be held from now on for as long as any steered
    /// name allows.
    pub fn new(config: &Config, now: Moment) -> Self {
        let until = now.plus(longest_hold(config));
        Self {
            given: Arc::default(),
            leaving: Vec::new(),
            superseded: AnsweredAddresses::default(),
            held_until: all(&config.regions).into_iter().map(|one| (one, until)).collect(),
            static_names: static_names(config),
            loads: BTreeMap::new(),
        }
    }

    /// Adds what an earlier life knew: until when what it gave out may be held, also by an earlier configuration.
    pub fn adopt(&mut self, until: Moment, now: Moment) {
        // The wall clock may have been set back between two lives.
        let until = until.min(now.plus(LONGEST_HOLD));
        self.held_until.values_mut().for_each(|held| *held = until.max(*held));
    }

    /// Returns until when what is given out now, or was, may be held.
    pub fn held_until(&self, config: &Config, now: Moment) -> Moment {
        let given = now.plus(longest_hold(config));
        self.held_until.values().copied().max().map_or(given, |held| held.max(given))
    }

    /// Goes on with another configuration. What it does not know is forgotten when no resolver may hold it any more.
    pub fn reload(&mut self, config: &Config, now: Moment) {
        let known = all(&config.regions);
        self.held_until.retain(|one, until| known.contains(one) || *until > now);
        for one in known {
            self.held_until.entry(one).or_insert(now);
        }
        self.static_names = static_names(config);
    }

    /// Takes note of a snapshot that takes the place of the one before.
    pub fn publish(&mut self, given: &Arc<AnsweredAddresses>, leaving: &[AddressId], now: Moment) {
        let before = std::mem::replace(&mut self.given, Arc::clone(given));
        for (one, ttl) in before.iter() {
            let longest = self.superseded.entry(one.clone()).or_insert(*ttl);
            *longest = (*longest).max(*ttl);
        }
        self.leaving = leaving.to_vec();
        self.hold(now);
    }

    /// Takes note that the last snapshot is served, and none before it: compiling takes a while, in which the
    /// earlier ones were still answered from.
    pub fn served(&mut self, now: Moment) {
        self.hold(now);
        self.superseded.clear();
    }

    fn hold(&mut self, now: Moment) {
        for (one, ttl) in &self.superseded {
            let until = self.held_until.entry(one.clone()).or_default();
            *until = (*until).max(now.plus(lifetime(*ttl)));
        }
    }

    /// Returns until when a resolver may hold one of these addresses; `None`: they are given out.
    fn last_lawful(&self, emptied: &[ServedAddress], made_at: Moment) -> Option<Moment> {
        let is_given =
            |one: &ServedAddress| self.given.contains_key(one) || self.static_names.contains_key(&one.1);
        let until = emptied.iter().filter_map(|one| self.held_until.get(one).copied()).max();
        (!emptied.iter().any(is_given)).then(|| until.unwrap_or(made_at))
    }

    /// Returns the addresses that an intent is about; of a place that the configuration does not know any more all
    /// that it does not know.
    fn addresses(&self, target: &Target, regions: &Regions) -> Vec<ServedAddress> {
        let covered = regions.covered(target);
        if !covered.is_empty() {
            let ids = covered.into_iter().flat_map(|part| part.addresses(regions));
            return ids.map(|id| served(regions, id)).collect();
        }
        let known = all(regions);
        self.held_until.keys().filter(|one| !known.contains(*one)).cloned().collect()
    }

    /// Returns how far an intent is; `None`: it sends no clients away.
    pub fn progress(&self, intent: &Intent, regions: &Regions, load: Option<f64>) -> Option<DrainProgress> {
        let (target, kept) = (intent.request.action.target()?, intent.kept(regions)?);
        let name = target.to_string();
        let emptied = self.addresses(&target, regions);
        let given_out = emptied.iter().filter(|one| self.given.contains_key(*one));
        let mut given_out: Vec<IpAddr> = given_out.map(|(_, ip)| *ip).collect();
        given_out.sort_by_key(|ip| emptied.iter().position(|(_, one)| one == ip));
        given_out.dedup();
        let mut static_names: Vec<String> =
            emptied.iter().filter_map(|(_, ip)| self.static_names.get(ip)).flatten().cloned().collect();
        static_names.sort_unstable();
        static_names.dedup();
        static_names.truncate(MAX_NAMES);
        Some(DrainProgress {
            intent: intent.number,
            region: target.region().to_owned(),
            zone: target.zone().map(str::to_owned),
            kept,
            is_configured: regions.resolve(&target).is_ok(),
            is_returning: matches!(intent.phase, IntentPhase::Returning(_)),
            given_out,
            static_names,
            last_lawful: self.last_lawful(&emptied, intent.made_at),
            load,
            load_at_first: self.loads.get(&name).copied(),
        })
    }
}

/// Returns the name of the place that an intent sends clients away from; `None`: it sends no clients away.
pub(super) fn place(intent: &Intent) -> Option<String> {
    let Intent { request, .. } = intent;
    request.action.away().and_then(|_| Some(request.action.target()?.to_string()))
}

/// Returns the addresses that clients are sent away from.
pub(super) fn leaving(intents: &[Intent], regions: &Regions) -> Vec<AddressId> {
    let sends_away = |intent: &&Intent| {
        intent.request.action.away().is_some() && !matches!(intent.phase, IntentPhase::Returning(_))
    };
    let targets = intents.iter().filter(sends_away).filter_map(|intent| intent.request.action.target());
    let mut leaving: Vec<_> = targets
        .flat_map(|target| regions.covered(&target))
        .flat_map(|resolved| resolved.addresses(regions))
        .collect();
    leaving.sort_unstable();
    leaving.dedup();
    leaving
}

/// Returns every address of a configuration with its service.
fn all(regions: &Regions) -> HashSet<ServedAddress> {
    regions.addresses().map(|(id, _)| served(regions, id)).collect()
}

/// Returns the addresses of regions that are in static records, with the owner names of those.
fn static_names(config: &Config) -> BTreeMap<IpAddr, Vec<String>> {
    let known: HashSet<IpAddr> = config.regions.addresses().map(|(_, address)| address.ip).collect();
    let mut names: BTreeMap<IpAddr, Vec<String>> = BTreeMap::new();
    for (owner, rdata) in config.zones.iter().flat_map(records) {
        for ip in addresses_in(rdata).into_iter().filter(|ip| known.contains(ip)) {
            let owners = names.entry(ip).or_default();
            if owners.len() < MAX_NAMES {
                owners.push(owner.to_string());
            }
        }
    }
    names
}

fn records(zone: &Zone) -> impl Iterator<Item = (&crate::zone::Name, &RData)> {
    let nodes = zone.nodes.iter();
    nodes.flat_map(|(owner, node)| {
        node.rrsets.iter().flat_map(|rrset| &rrset.rdata).map(move |rdata| (owner, rdata))
    })
}

/// Returns the addresses that a record tells.
fn addresses_in(rdata: &RData) -> Vec<IpAddr> {
    let hints = |service: &SVCB| {
        let hints = service.svc_params.iter().flat_map(|(_, value)| match value {
            SvcParamValue::Ipv4Hint(hint) => hint.0.iter().map(|ip| IpAddr::V4(ip.0)).collect(),
            SvcParamValue::Ipv6Hint(hint) => hint.0.iter().map(|ip| IpAddr::V6(ip.0)).collect(),
            _ => Vec::new(),
        });
        hints.collect()
    };
    match rdata {
        RData::A(ip) => vec![IpAddr::V4(ip.0)],
        RData::AAAA(ip) => vec![IpAddr::V6(ip.0)],
        RData::HTTPS(service) => hints(&service.0),
        RData::SVCB(service) => hints(service),
        _ => Vec::new(),
    }
}

/// Returns the longest time for which a resolver may keep what a steered name of this configuration answers; zero
/// without such a name.
pub fn longest_hold(config: &Config) -> Duration {
    let longest = config.steered.iter().map(|steering| {
        let own = steering.ttl.max(steering.short_ttl);
        // Clients of an HTTPS record look up the pin that it names.
        if steering.policy.names_next { own.plus(steering.ttl) } else { own }
    });
    longest.max().map_or(Duration::ZERO, lifetime)
}

fn lifetime(ttl: Ttl) -> Duration {
    Duration::from_secs(ttl.seconds().into())
}

follows_clock!(CachedAnswers: held_until);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::{IntentStore, Request};
    use crate::region::RegionId;
    use crate::snapshot::{Base, fixture};

    const ZONE: &str = "zone: example.com\nnameservers: [ns1.example.net]\n\
                        names: { '@': { steer: { regions: [tokyo, osaka], order: listed, ttl: 60s } } }\n";

    /// Two regions: tokyo with a zone of two addresses and one of one, osaka with one address.
    fn base(zone: &str) -> Base {
        let region = |name: &str, zones: &str| {
            format!(
                "  {name}:\n    location: {{ latitude: 35, longitude: 139 }}\n    jurisdiction: JP\n    \
                 zones: {{ {zones} }}\n"
            )
        };
        let zones = "a: { addresses: [192.0.2.1, 192.0.2.2] }, b: { addresses: ['2001:db8::3'] }";
        let regions = format!(
            "regions:\n{}{}",
            region("tokyo", zones),
            region("osaka", "c: { addresses: [192.0.2.9] }")
        );
        fixture::base(&regions, zone)
    }

    /// Returns what a snapshot gives out, written `192.0.2.1=30 192.0.2.2=60`.
    fn given(text: &str) -> Arc<AnsweredAddresses> {
        let each = text.split_whitespace().map(|word| {
            let (ip, ttl) = word.split_once('=').expect("ADDRESS=TTL");
            let ttl = Ttl::from_seconds(ttl.parse().expect("a number")).expect("a TTL");
            ((String::new(), ip.parse().expect("an address")), ttl)
        });
        Arc::new(each.collect())
    }

    fn drain(target: &str, made_at: Moment) -> Intent {
        let mut intents = IntentStore::default();
        let action = format!("drain {target}").parse().expect("an action");
        intents.make(Request { action, ..Request::default() }, made_at).intent
    }

    #[test]
    fn a_drain_waits_for_answers_of_an_earlier_configuration_although_the_process_has_died_since() {
        let long = base(&ZONE.replace("60s", "300s"));
        let (short, tokyo) = (base(ZONE), drain("tokyo", Moment(1_050_000)));
        let mut before = CachedAnswers::new(&long.config, Moment(0));
        before.publish(&given("192.0.2.1=300"), &[], Moment(1_000_000));
        before.served(Moment(1_000_000));
        before.publish(&given("192.0.2.1=60"), &[], Moment(1_040_000));
        before.served(Moment(1_040_000));
        before.reload(&short.config, Moment(1_040_000));
        let held_until = before.held_until(&short.config, Moment(1_040_000));
        assert_eq!(held_until, Moment(1_340_000));
        let mut after = CachedAnswers::new(&short.config, Moment(1_060_000));
        after.adopt(held_until, Moment(1_060_000));
        let progress = after.progress(&tokyo, &short.config.regions, None).expect("it sends clients away");
        assert_eq!(progress.last_lawful, Some(Moment(1_340_000)));
        after.adopt(Moment(u64::MAX), Moment(0));
        let far =
            after.progress(&tokyo, &short.config.regions, None).expect("it sends clients away").last_lawful;
        assert_eq!(far, Some(Moment(0).plus(LONGEST_HOLD)), "the clock was set back");
    }

    /// A server that was started at 1000 s, and publishes at these seconds.
    fn cached_answers(published: &[(u64, &str)]) -> (Base, CachedAnswers) {
        let base = base(ZONE);
        let mut cached_answers = CachedAnswers::new(&base.config, Moment(1_000_000));
        for (at, text) in published {
            let at = Moment(at * 1000);
            cached_answers.publish(&given(text), &[], at);
            cached_answers.served(at);
        }
        (base, cached_answers)
    }

    /// Compares the second until which an address of a place may be held after these were published.
    fn check(published: &[(u64, &str)], place: &str, last_lawful: Option<u64>) {
        let (base, cached_answers) = cached_answers(published);
        let progress = cached_answers.progress(&drain(place, Moment(1_000_000)), &base.config.regions, None);
        let progress = progress.expect("a drain sends clients away");
        assert_eq!(
            progress.last_lawful.map(|at| at.0),
            last_lawful.map(|at| at * 1000),
            "{place}: {published:?}"
        );
        assert_eq!(progress.given_out.is_empty(), last_lawful.is_some());
    }

    #[test]
    fn an_address_may_be_held_for_the_ttl_that_it_had_in_the_last_snapshot_that_answered_it() {
        let both = "192.0.2.1=30 192.0.2.9=30";
        check(&[(1000, both)], "tokyo", None);
        check(&[(1000, both), (2000, "192.0.2.9=30")], "tokyo", Some(2030));
        check(&[(1000, both), (2000, "192.0.2.9=30")], "osaka", None);
        check(&[(1000, both), (2000, "192.0.2.9=30"), (2010, "")], "tokyo", Some(2030));
    }

    #[test]
    fn the_longest_of_all_that_is_held_counts() {
        let (long, short) = ("192.0.2.1=60", "192.0.2.1=5");
        check(&[(1000, long), (2000, short), (2010, "")], "tokyo", Some(2060));
        check(&[(1000, long), (2000, short), (2100, "")], "tokyo", Some(2105));
        check(&[(1000, "192.0.2.1=5 192.0.2.2=50"), (2000, "")], "tokyo/a", Some(2050));
    }

    #[test]
    fn an_address_that_comes_back_is_given_out_and_a_zone_has_its_own_moment() {
        check(&[(1000, "192.0.2.1=30"), (2000, ""), (2010, "192.0.2.1=30")], "tokyo", None);
        check(&[(1000, "192.0.2.1=30 2001:db8::3=20"), (2000, "2001:db8::3=20")], "tokyo/a", Some(2030));
        check(&[(1000, "192.0.2.1=30 2001:db8::3=20"), (2000, "2001:db8::3=20")], "tokyo/b", None);
    }

    #[test]
    fn what_was_given_out_before_a_restart_may_be_held_for_the_longest_ttl_of_the_configuration() {
        check(&[(1000, "192.0.2.9=60")], "tokyo", Some(1060));
    }

    #[test]
    fn a_snapshot_counts_until_the_next_one_is_served_and_not_only_compiled() {
        let (base, mut cached_answers) = cached_answers(&[(1000, "192.0.2.1=30")]);
        cached_answers.publish(&given(""), &[], Moment(2_000_000));
        cached_answers.publish(&given("192.0.2.9=30"), &[], Moment(2_000_000));
        cached_answers.served(Moment(2_000_700));
        cached_answers.served(Moment(2_000_900));
        let last = |cached_answers: &CachedAnswers| {
            let progress = cached_answers.progress(&drain("tokyo", Moment(0)), &base.config.regions, None);
            progress.expect("a drain").last_lawful
        };
        assert_eq!(last(&cached_answers), Some(Moment(2_030_700)));
        cached_answers.reload(&base.config, Moment(2_001_000));
        assert_eq!(last(&cached_answers), Some(Moment(2_030_700)), "a reload forgets nothing");
    }

    #[test]
    fn static_records_with_an_address_give_it_out_at_all_times() {
        let zone =
            format!("{ZONE}  www: {{ A: [192.0.2.1, 192.0.2.77], HTTPS: ['1 . ipv6hint=2001:db8::3'] }}\n");
        let zone = zone
            .replace("names: { '@': { steer:", "names:\n  '@': { steer:")
            .replace("60s } } }\n", "60s } }\n");
        let base = base(&zone);
        let cached_answers = CachedAnswers::new(&base.config, Moment(0));
        for (place, names) in
            [("tokyo/a", &["www.example.com."][..]), ("tokyo/b", &["www.example.com."]), ("osaka", &[])]
        {
            let progress = cached_answers
                .progress(&drain(place, Moment(0)), &base.config.regions, None)
                .expect("a drain");
            assert_eq!(progress.static_names, names, "{place}");
            assert_eq!(progress.last_lawful.is_none(), !names.is_empty(), "{place}");
            assert_eq!(
                progress.why(Moment(9)).contains("take them out of the zone files"),
                !names.is_empty()
            );
        }
    }

    #[test]
    fn it_is_over_when_the_last_moment_has_passed_and_hardly_any_load_is_left() {
        let (base, mut cached_answers) = cached_answers(&[(1000, "192.0.2.1=30"), (2000, "192.0.2.9=30")]);
        cached_answers.loads.insert("tokyo".to_owned(), 0.8);
        let progress = |load, at: u64| {
            let progress = cached_answers
                .progress(&drain("tokyo", Moment(0)), &base.config.regions, load)
                .expect("a drain");
            let moved = progress.moved().map(|share| (share * 100.0).round());
            (progress.is_over(Moment(at)), moved, progress.why(Moment(at)))
        };
        let held = "no answer holds an address of tokyo, but resolvers may keep those they have for 1s";
        assert_eq!(progress(None, 2_029_999), (false, None, held.to_owned()));
        assert!(progress(None, 2_030_000).0, "who reports no load is over with the last moment");
        let (is_over, moved, why) = progress(Some(0.2), 2_030_000);
        assert_eq!((is_over, moved), (false, Some(75.0)));
        assert!(why.contains("still reports a load of 20%: long streams end later"), "{why}");
        assert!(progress(Some(0.004), 2_030_000).0, "canaries are load, too");
    }

    #[test]
    fn a_place_that_is_not_configured_any_more_is_never_over() {
        let (base, mut cached_answers) =
            cached_answers(&[(1000, "192.0.2.1=30 198.51.100.1=40"), (2000, "192.0.2.1=30")]);
        cached_answers.reload(&base.config, Moment(2_001_000));
        let progress =
            cached_answers.progress(&drain("kyoto", Moment(0)), &base.config.regions, None).expect("a drain");
        assert_eq!(progress.last_lawful, Some(Moment(2_040_000)));
        assert!(!progress.is_over(Moment(9_000_000)), "who has its addresses now is not known");
    }

    #[test]
    fn those_are_left_whose_clients_are_sent_away_and_not_those_who_come_back() {
        let base = base(ZONE);
        let mut intents = IntentStore::default();
        for action in ["shift tokyo/a 50%", "capacity osaka 50%", "force osaka down"] {
            intents.make(
                Request { action: action.parse().expect("an action"), ..Request::default() },
                Moment(0),
            );
        }
        assert_eq!(leaving(intents.intents(), &base.config.regions), [AddressId(0), AddressId(1)]);
        assert_eq!(base.config.regions.address(AddressId(1)).region, RegionId(0));
        assert!(leaving(&[], &base.config.regions).is_empty());
    }
}
