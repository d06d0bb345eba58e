//! `steer` of an owner name: how its regions are chosen.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::references::References;
use super::residency::{self, PlacedRule, RuleSpec};
use crate::client::GroupId;
use crate::config::problem::Span;
use crate::config::values::{Checked, Kilometres, Leaf, List, Value};
use crate::config::yaml::{Entries, Setting, Written};
use crate::health::HealthTerms;
use crate::intent::action::{MAX_MEMBERS, MAX_WEIGHT};
use crate::region::{Region, RegionId};
use crate::steering::{Admission, AllDown, Https, MAX_ANSWERED_REGIONS, Order, Policy, Spread, Steering};
use crate::zone::{Name, Ttl};

/// How the regions of a name are chosen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SteerSpec {
    /// The regions to choose from. Their order is the listed order, and breaks ties.
    regions: List<String>,
    /// The service of these regions whose addresses are answered: each region has it in its `services`. Left out: the
    /// addresses of the regions themselves.
    pub(super) service: Option<Value<String>>,
    /// The order of preference: `nearest`, `listed`, or lists of regions by group with a word for
    /// all other clients: `{ eu: [frankfurt, dublin], otherwise: nearest }`. Left out: `nearest`.
    order: Option<Setting<OrderSpec>>,
    /// The TTL of answers. Left out: 30 seconds. At most 1 day, for failover waits for it.
    ttl: Option<Value<Ttl>>,
    /// The TTL while an address in the answer is suspect or not probed yet, and of fail-open answers: at most `ttl`.
    /// Left out: 10 seconds, or `ttl` when that is shorter.
    short_ttl: Option<Value<Ttl>>,
    /// The most addresses in one answer: 1 to 32. Left out: 4.
    max_answers: Option<Value<u32>>,
    /// How many regions one answer holds addresses of: 1 to 4. The addresses of the next regions stand after those of the
    /// first, for clients that try several; only of regions that are permitted, take all clients and are not full, and as
    /// long as `max_answers` leaves room. Left out: 1.
    max_regions: Option<Value<u32>>,
    /// Answer with the addresses of one availability zone of the region only: each client has its own, by a hash of its
    /// prefix, and another one while that has no address up. Left out: the addresses of all zones, one after the other.
    one_zone: Option<Setting<bool>>,
    /// How much farther than the nearest region another one may be to count as near: `100 km`, 1 to 5000. Regions that
    /// are equally near share their clients by `capacity`, equally if one of them has none; each client has its own, by a hash
    /// of its prefix, and the clients of one that leaves are divided between the others. For `order: nearest`. Left out: the
    /// nearest region takes all.
    spread: Option<Value<Kilometres>>,
    /// Also answer names below this one with the addresses of one region or availability zone, whatever is known of its
    /// health and whatever operators want: `tokyo.NAME` and `tokyo-a.tokyo.NAME`. Residency and `only_for` hold for them, too;
    /// drains and loads do not count them. A wildcard has none. Left out: no such names.
    pins: Option<Setting<bool>>,
    /// Also answer HTTPS queries (RFC 9460), with the addresses of the chosen region as hints. Left
    /// out: they get NODATA.
    https: Option<Setting<HttpsSpec>>,
    /// The border: where the clients of a group may be sent. All rules that bind a client apply
    /// together, and nothing else ever overrides them.
    residency: Option<Setting<Vec<Setting<RuleSpec>>>>,
    /// The regions for clients whose location is not known, in order; with `order: nearest`, for those of whom no
    /// coordinates are known either. Left out: the listed order.
    unknown_location: Option<List<String>>,
    /// What is answered when every permitted region is down. Left out: `fail_open`.
    all_down: Option<Setting<AllDown>>,
    /// The largest replication lag, as a canary of the region reads it (`signals: { replication_lag: … }`): a region that
    /// lags more takes no clients of this name while another may, until it lags a tenth less. Left out: any.
    max_lag: Option<Value<Duration>>,
    /// Whether the clients of this name leave regions that are down, waiting or full: `auto`, or `off`: they stay, and
    /// operators alone move them, by `drain`, `shift`, `disable`, `force REGION down` or `weights`. Addresses are still judged
    /// one by one. `meridian failover auto` for all regions takes its place. Left out: `auto`, and each region's own
    /// `failover` counts.
    failover: Option<Setting<FailoverWord>>,
    /// How clients whose way leads to one of these regions are divided between those of them that are in service:
    /// `{ tokyo: 90, osaka: 10 }`, two to eight regions of the name, with weights from 0 to 10000. Weights that an operator
    /// sets take their place. Left out: each client goes to its own region.
    weights: Option<Setting<Entries<Leaf<u32>>>>,
}

/// Whether health moves the clients of a name.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FailoverWord {
    /// It does.
    Auto,
    /// Operators alone do.
    Off,
}

/// The order of preference among permitted regions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
enum OrderSpec {
    /// One order for all clients.
    Scalar(OrderWord),
    /// Lists of regions by group, tried in their order, and `otherwise: nearest` or `listed`.
    Mapping(Entries<GroupOrder>),
}

/// An order that needs no list.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OrderWord {
    /// By distance from the client.
    Nearest,
    /// As in `regions`.
    Listed,
}

/// The order for the clients of one group, or for all others.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
enum GroupOrder {
    /// For `otherwise` only.
    Scalar(OrderWord),
    /// Regions, the most preferred first.
    Sequence(Vec<Setting<String>>),
}

/// What HTTPS records say besides the addresses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HttpsSpec {
    /// The protocols that the service speaks, for example `[h3, h2]`. Left out: only HTTP/1.1.
    alpn: Option<List<String>>,
    /// The port, when it is not 443.
    port: Option<Value<u16>>,
    /// Also answer a record with priority 2 that leads to the pin of the next region that the client may be sent to, takes
    /// all of its clients and is not full: clients try it when the first region does not answer. It takes `pins: true`.
    /// Left out: one record.
    failover: Option<Setting<bool>>,
}

/// A client keeps its answer this long after its region died; more than a day is no failover.
pub const LONGEST_TTL: u32 = 86_400;

/// The bounds of `max_answers`: 32 AAAA records with the question and an OPT record still fit into 1232 octets.
pub const ANSWERS: RangeInclusive<u32> = 1..=32;

/// The bounds of `max_regions`.
pub const REGIONS: RangeInclusive<u32> = 1..=MAX_ANSWERED_REGIONS as u32;

/// The bounds of `max_lag`: signals are read with each probe, seconds apart, and a day is an outage of its own.
pub const LAGS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

/// What is left out of a steered name.
const USUAL_TTL: u32 = 30;
const USUAL_SHORT_TTL: u32 = 10;
const USUAL_ANSWERS: u32 = 4;

impl SteerSpec {
    /// Returns where the pins are asked for; `None`: there are none.
    pub(super) fn pins(&self) -> Option<Span> {
        self.pins.given().filter(|(asked, _)| **asked).map(|(_, span)| span)
    }
}

/// Lowers one `steer:`. The result is not whole when something was reported.
pub(super) fn lower(spec: &SteerSpec, span: Span, owner: Name, references: &mut References<'_>) -> Steering {
    if spec.regions.says_nothing() {
        let finding = references.report.error(span, "there are no regions to choose from");
        finding.hint("write `regions:` with names from regions.yaml");
    }
    let regions = references.regions(&spec.regions.items());
    let regions: Vec<RegionId> = regions.into_iter().map(|(id, _)| id).collect();
    let rules = residency::lower(&spec.residency, references);
    if !regions.is_empty() && references.definitions.region_names.is_complete() {
        residency::check_not_empty(&rules, &regions, references.report);
    }
    let (ttl, short_ttl) = ttls(spec, references);
    let weights = weights(&spec.weights, &regions, references);
    let max_answers = spec.max_answers.within("max_answers", &ANSWERS, references.report);
    let max_regions = max_regions(spec, max_answers.unwrap_or(USUAL_ANSWERS), &regions, references);
    let policy = Policy {
        max_regions,
        one_zone: spec.one_zone.get_or_default(),
        names_next: names_next(spec, references),
        spread: spread(spec, &regions, references),
        order: order(&spec.order, &regions, &rules, references),
        unknown_location: unknown_location(&spec.unknown_location, &regions, &rules, references),
        residency: rules.into_iter().map(|placed| placed.rule).collect(),
        admissions: admissions(&regions, references),
        all_down: spec.all_down.get_or_default(),
        terms: terms(spec, references),
        regions,
    };
    Steering {
        owner,
        policy,
        ttl,
        short_ttl,
        max_answers: u8::try_from(max_answers.unwrap_or(USUAL_ANSWERS)).unwrap_or(u8::MAX),
        https: spec.https.get().map(|spec| https(spec, references)),
        weights,
    }
}

/// Returns what the name makes of health, or reports what contradicts itself.
fn terms(spec: &SteerSpec, references: &mut References<'_>) -> HealthTerms {
    let max_lag = spec.max_lag.within("max_lag", &LAGS, references.report);
    if spec.failover.get() != Some(&FailoverWord::Off) {
        return max_lag.map_or(HealthTerms::Usual, HealthTerms::MaxLag);
    }
    if let Some((_, span)) = spec.max_lag.given() {
        let message = "`max_lag` moves clients, and `failover: off` lets nothing but operators move them";
        references.report.error(span, message).hint("leave one of `max_lag` and `failover` out");
    }
    HealthTerms::Steady
}

/// Returns which regions are equally near, or reports what else decides about their clients.
fn spread(spec: &SteerSpec, regions: &[RegionId], references: &mut References<'_>) -> Option<Spread> {
    let (Kilometres(km), span) = spec.spread.given()?;
    let is_by_distance = match spec.order.get() {
        None | Some(OrderSpec::Scalar(OrderWord::Nearest)) => true,
        Some(OrderSpec::Scalar(OrderWord::Listed)) => false,
        Some(OrderSpec::Mapping(entries)) => entries.iter().any(|(name, _, order)| {
            name == "otherwise" && matches!(order.get(), Some(GroupOrder::Scalar(OrderWord::Nearest)))
        }),
    };
    if !is_by_distance {
        let finding = references.report.error(span, "no client is sent to the nearest region");
        finding.hint("`spread` is for `order: nearest`; `weights` divide the clients of listed regions");
    }
    if spec.weights.get().is_some() {
        let finding = references.report.error(span, "`weights` divide the clients already");
        finding.hint("leave one of `spread` and `weights` out");
    }
    let known = &references.definitions.regions;
    let capacity = |id: &RegionId| Some((*id, known.get(usize::from(id.0))?.as_ref()?.capacity?));
    Some(Spread { km: *km, capacities: regions.iter().filter_map(capacity).collect() })
}

/// Returns whether HTTPS answers name the next region, or reports that its pin is missing.
fn names_next(spec: &SteerSpec, references: &mut References<'_>) -> bool {
    let asked = spec.https.get().and_then(|https| https.failover.given());
    let Some((_, span)) = asked.filter(|(asked, _)| **asked) else { return false };
    if spec.pins().is_none() {
        let message = "`failover` of HTTPS leads to pins, and the name has none";
        references.report.error(span, message).hint("add `pins: true` to `steer`");
    }
    true
}

/// Returns how many regions answers hold, and warns where the first leaves no room for another.
fn max_regions(
    spec: &SteerSpec,
    max_answers: u32,
    regions: &[RegionId],
    references: &mut References<'_>,
) -> u8 {
    let most = spec.max_regions.within("max_regions", &REGIONS, references.report).unwrap_or(1);
    let Some((_, span)) = spec.max_regions.given().filter(|_| most > 1) else { return 1 };
    let known = &references.definitions.regions;
    let fills = |region: &&Region| {
        let addresses = || region.zones.iter().flat_map(|zone| &zone.addresses);
        let counts = [true, false].map(|is_v4| addresses().filter(|ip| ip.is_ipv4() == is_v4).count());
        counts.into_iter().filter(|count| *count > 0).all(|count| count >= max_answers as usize)
    };
    let listed = regions.iter().filter_map(|id| known.get(usize::from(id.0))?.as_ref());
    let full: Vec<_> = listed.filter(fills).map(|region| region.name.as_str()).collect();
    if !full.is_empty() {
        let message = format!("no region follows {}, whose addresses fill the answer", full.join(", "));
        let finding = references.report.warning(span, message);
        finding.hint(format!("`max_answers` is {max_answers}"));
    }
    u8::try_from(most).unwrap_or(1)
}

/// Returns the clients that the name's regions are for, in their listed order.
fn admissions(regions: &[RegionId], references: &References<'_>) -> Vec<Admission> {
    let known = &references.definitions.admissions;
    regions.iter().filter_map(|region| known.iter().find(|one| one.region == *region).cloned()).collect()
}

/// Returns the weights of regions, the last listed first, as operators' weights have them: it is the one that grows.
fn weights(
    spec: &Option<Setting<Entries<Leaf<u32>>>>,
    regions: &[RegionId],
    references: &mut References<'_>,
) -> Vec<(RegionId, u32)> {
    let Some((entries, span)) = spec.given() else { return Vec::new() };
    let named: Vec<_> = entries.list.iter().filter_map(|(key, _)| key.given()).collect();
    let listed = subset(&named, regions, references);
    let weight_at = |at: Span| {
        let entry = entries.iter().find(|(_, span, _)| *span == at);
        entry.and_then(|(_, _, weight)| weight.get()).map(|Leaf(weight)| *weight)
    };
    for (name, _, weight) in entries.iter() {
        match weight.given() {
            Some((Leaf(weight), at)) if *weight > MAX_WEIGHT => {
                let message = format!("the weight {weight} of `{name}` is too large");
                references.report.error(at, message).hint(format!("weights go from 0 to {MAX_WEIGHT}"));
            }
            Some(_) | None => {}
        }
    }
    if !(2..=MAX_MEMBERS).contains(&entries.list.len()) {
        let finding = references.report.error(span, "`weights` divide clients between several regions");
        finding.hint(format!("name two to {MAX_MEMBERS} regions, or leave `weights` out"));
    }
    let members: Vec<_> =
        listed.iter().rev().filter_map(|(id, span)| Some((*id, weight_at(*span)?))).collect();
    if !members.is_empty() && members.iter().all(|(_, weight)| *weight == 0) {
        references.report.error(span, "all weights are 0").hint("some region must have a weight above 0");
    }
    members
}

/// Returns the regions of a list that narrows or sorts the name's regions, with their spans.
fn subset(
    named: &[(&String, Span)],
    regions: &[RegionId],
    references: &mut References<'_>,
) -> Vec<(RegionId, Span)> {
    let listed = references.regions(named);
    for (id, span) in listed.iter().filter(|(id, _)| !regions.contains(id)) {
        let name = references.definitions.region_names.name(usize::from(id.0));
        let finding =
            references.report.error(*span, format!("region `{name}` is not one of the name's regions"));
        finding.hint("add it to `regions:`");
    }
    listed
}

fn order(
    spec: &Option<Setting<OrderSpec>>,
    regions: &[RegionId],
    rules: &[PlacedRule],
    references: &mut References<'_>,
) -> Order {
    match spec.given() {
        None => Order::Nearest,
        Some((OrderSpec::Scalar(word), _)) => word_order(*word),
        Some((OrderSpec::Mapping(entries), span)) => group_order(entries, span, regions, rules, references),
    }
}

fn group_order(
    entries: &Entries<GroupOrder>,
    span: Span,
    regions: &[RegionId],
    rules: &[PlacedRule],
    references: &mut References<'_>,
) -> Order {
    let mut lists = Vec::new();
    let mut otherwise = None;
    for (name, at, order) in entries.iter() {
        match (name, order.given()) {
            ("otherwise", Some((GroupOrder::Scalar(word), _))) => otherwise = Some(word_order(*word)),
            ("otherwise", Some((GroupOrder::Sequence(_), at))) => {
                let finding = references.report.error(at, "`otherwise` is `nearest` or `listed`, not a list");
                finding.hint("the order of `regions:` is the list that `listed` means");
                otherwise = Some(Order::Listed);
            }
            (_, Some((GroupOrder::Scalar(_), at))) => {
                let message = format!("the order for group `{name}` is a list of regions");
                references.report.error(at, message).hint("write it in brackets: `[frankfurt, dublin]`");
            }
            (_, Some((GroupOrder::Sequence(list), _))) => {
                let named: Vec<_> = list.iter().filter_map(Setting::given).collect();
                lists.extend(group_list(name, at, &named, regions, rules, references));
            }
            (_, None) if order.is_missing() => {
                references.report.error(at, format!("the order for `{name}` is missing"));
            }
            (_, None) => otherwise = otherwise.or(Some(Order::Nearest)),
        }
    }
    if otherwise.is_none() {
        let message = "the order for the clients of no listed group is missing";
        let finding = references.report.error(span, message);
        finding.hint("add `otherwise: nearest` or `otherwise: listed`");
    }
    Order::Groups { lists, otherwise: Box::new(otherwise.unwrap_or(Order::Nearest)) }
}

fn group_list(
    name: &str,
    span: Span,
    named: &[(&String, Span)],
    regions: &[RegionId],
    rules: &[PlacedRule],
    references: &mut References<'_>,
) -> Option<(GroupId, Vec<RegionId>)> {
    if named.is_empty() {
        references.report.error(span, format!("the list for group `{name}` is empty"));
    }
    let group = references.group(name, span);
    let listed = subset(named, regions, references);
    let clients = format!("group `{name}`");
    for entry in group.iter().flat_map(|_| &listed) {
        let is_bound = |bound| Some(bound) == group;
        residency::check_permitted(*entry, &clients, rules, is_bound, references);
    }
    Some((group?, listed.into_iter().map(|(id, _)| id).collect()))
}

fn unknown_location(
    spec: &Option<List<String>>,
    regions: &[RegionId],
    rules: &[PlacedRule],
    references: &mut References<'_>,
) -> Vec<RegionId> {
    if spec.is_none() {
        return regions.to_vec();
    }
    let named = spec.items();
    if let (true, Some((_, span))) = (named.is_empty(), spec.given()) {
        let finding = references.report.error(span, "`unknown_location` is empty");
        finding.hint("leave it out for the listed order; a rule for `unknown` can refuse these clients");
    }
    let listed = subset(&named, regions, references);
    let holding = references.definitions.groups.holding_unknown();
    for entry in &listed {
        let is_bound = |bound| holding.contains(&bound);
        residency::check_permitted(*entry, "clients of unknown location", rules, is_bound, references);
    }
    listed.into_iter().map(|(id, _)| id).collect()
}

fn ttls(spec: &SteerSpec, references: &mut References<'_>) -> (Ttl, Ttl) {
    let ttl = ttl(&spec.ttl, USUAL_TTL, references);
    let short = self::ttl(&spec.short_ttl, USUAL_SHORT_TTL.min(ttl.seconds()), references);
    if let Some((_, span)) = spec.short_ttl.given()
        && short > ttl
    {
        let message = format!("`short_ttl` is longer than `ttl`, which is {} seconds", ttl.seconds());
        references.report.error(span, message);
    }
    (ttl, short)
}

fn ttl(spec: &Option<Value<Ttl>>, usual: u32, references: &mut References<'_>) -> Ttl {
    if let Some((ttl, span)) = spec.given()
        && ttl.seconds() > LONGEST_TTL
    {
        let message = format!("a TTL of {} seconds is too long for a steered name", ttl.seconds());
        references.report.error(span, message).hint("at most `1d`: failover waits for it");
    }
    spec.get_or(Ttl::from_seconds(usual).expect("the defaults are short"))
}

fn https(spec: &HttpsSpec, references: &mut References<'_>) -> Https {
    let mut alpn: Vec<String> = Vec::new();
    for (protocol, span) in spec.alpn.items() {
        let is_protocol =
            (1..=255).contains(&protocol.len()) && protocol.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_protocol || protocol.contains([',', '"', '\\']) {
            let finding = references.report.error(span, format!("`{protocol}` is not a protocol"));
            finding.hint("write its ALPN name, for example `h2` or `h3`");
        }
        if alpn.contains(protocol) {
            references.report.error(span, format!("protocol `{protocol}` is listed twice"));
            continue;
        }
        alpn.push(protocol.clone());
    }
    // 443 is what no port means (RFC 9460, section 9.1).
    let port = spec.port.get().copied().filter(|port| *port != 443);
    Https { alpn, port, pins: Vec::new() }
}

fn word_order(word: OrderWord) -> Order {
    match word {
        OrderWord::Nearest => Order::Nearest,
        OrderWord::Listed => Order::Listed,
    }
}
