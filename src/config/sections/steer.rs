//! `steer` of an owner name: how its regions are chosen.

use schemars::JsonSchema;
use serde::Deserialize;

use super::groups::{self, Scope};
use super::regions::Definitions;
use super::residency::{self, Placed, RuleSpec};
use crate::client::GroupId;
use crate::config::problem::{Reporter, Span};
use crate::config::values::{List, Value, given, items, word};
use crate::config::yaml::{Entries, Setting};
use crate::region::RegionId;
use crate::steering::{AllDown, Https, Order, Policy, Steering};
use crate::zone::{Name, Ttl};

/// How the regions of a name are chosen.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SteerSpec {
    /// The regions to choose from. Their order is the listed order, and breaks ties.
    pub regions: List<String>,
    /// The order of preference: `nearest`, `listed`, or lists of regions by group with a word for
    /// everybody else: `{ eu: [frankfurt, dublin], otherwise: nearest }`. Left out: `nearest`.
    pub order: Option<Setting<OrderSpec>>,
    /// The TTL of answers. Left out: 30 seconds. At most 1 day, for failover waits for it.
    pub ttl: Option<Value<Ttl>>,
    /// The TTL while an address in the answer is suspect, and of fail-open answers: at most `ttl`.
    /// Left out: 10 seconds, or `ttl` when that is shorter.
    pub short_ttl: Option<Value<Ttl>>,
    /// The most addresses in one answer: 1 to 32. Left out: 4.
    pub max_answers: Option<Value<u32>>,
    /// Also answer HTTPS queries (RFC 9460), with the addresses of the chosen region as hints. Left
    /// out: they get NODATA.
    pub https: Option<Setting<HttpsSpec>>,
    /// The border: where the clients of a group may be sent. All rules that bind a client apply
    /// together, and nothing else ever overrides them.
    pub residency: Option<Setting<Vec<Setting<RuleSpec>>>>,
    /// The regions for clients whose location is not known, in order. Left out: the listed order.
    pub unknown_location: Option<List<String>>,
    /// What is answered when every permitted region is down. Left out: `fail_open`.
    pub all_down: Option<Setting<AllDown>>,
}

/// The order of preference among permitted regions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub enum OrderSpec {
    /// One order for all clients.
    Scalar(OrderWord),
    /// Lists of regions by group, tried in their order, and `otherwise: nearest` or `listed`.
    Mapping(Entries<GroupOrder>),
}

/// An order that needs no list.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderWord {
    /// By distance from the client.
    Nearest,
    /// As in `regions`.
    Listed,
}

/// The order for the clients of one group, or for everybody else.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(untagged)]
pub enum GroupOrder {
    /// For `otherwise` only.
    Scalar(OrderWord),
    /// Regions, the most preferred first.
    Sequence(Vec<Value<String>>),
}

/// What HTTPS records say besides the addresses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpsSpec {
    /// The protocols that the service speaks, for example `[h3, h2]`. Left out: only HTTP/1.1.
    pub alpn: Option<List<String>>,
    /// The port, when it is not 443.
    pub port: Option<Value<u16>>,
}

const TTL_SECONDS: u32 = 30;
const SHORT_TTL_SECONDS: u32 = 10;
/// A client keeps its answer this long after its region died; more than a day is no failover.
const LONGEST_TTL_SECONDS: u32 = 86_400;
const MAX_ANSWERS: u32 = 4;
/// 32 AAAA records with the question and an OPT record still fit into 1232 octets.
const MOST_ANSWERS: u32 = 32;

/// Lowers one `steer:`; `None` when too little of it is right to be checked further.
pub(super) fn lower(
    steer: &SteerSpec,
    span: Span,
    owner: Name,
    definitions: &mut Definitions,
    own: &mut Scope,
    report: &mut Reporter,
) -> Option<Steering> {
    let mut lowering = SteerLowering { definitions, own, report };
    let regions = lowering.regions(steer, span);
    let rules = residency::lower(&steer.residency, lowering.definitions, lowering.own, lowering.report);
    if !regions.is_empty() && lowering.definitions.region_names.is_complete() {
        residency::check_not_empty(&rules, &regions, lowering.report);
    }
    let order = lowering.order(steer, &regions, &rules);
    let unknown_location = lowering.unknown_location(steer, &regions, &rules);
    let (ttl, short_ttl) = lowering.ttls(steer);
    let policy = Policy {
        order,
        residency: rules.into_iter().map(|placed| placed.rule).collect(),
        unknown_location,
        all_down: word(&steer.all_down).unwrap_or_default(),
        regions,
    };
    let https = steer.https.as_ref().and_then(|https| https.given());
    let https = https.map(|(https, _)| lowering.https(https));
    Some(Steering { owner, policy, ttl, short_ttl, max_answers: lowering.max_answers(steer), https })
}

struct SteerLowering<'l> {
    definitions: &'l mut Definitions,
    own: &'l mut Scope,
    report: &'l mut Reporter,
}

impl SteerLowering<'_> {
    fn regions(&mut self, steer: &SteerSpec, span: Span) -> Vec<RegionId> {
        let named = items(&steer.regions);
        if steer.regions.is_missing() || (named.is_empty() && steer.regions.value.is_some()) {
            let draft = self.report.error(span, "there are no regions to choose from");
            draft.hint("write `regions:` with names from regions.yaml");
        }
        self.distinct(named)
    }

    /// Returns the regions of a list in which each may occur once.
    fn distinct(&mut self, named: Vec<(&String, Span)>) -> Vec<RegionId> {
        let mut regions: Vec<RegionId> = Vec::new();
        for (name, span) in named {
            let Some(id) = residency::region(name, span, self.definitions, self.report) else {
                continue;
            };
            match regions.contains(&id) {
                true => drop(self.report.error(span, format!("region `{name}` is listed twice"))),
                false => regions.push(id),
            }
        }
        regions
    }

    /// Returns the regions of a list that narrows or sorts the name's regions, with their places.
    fn subset(&mut self, named: &[(&String, Span)], regions: &[RegionId]) -> Vec<(RegionId, Span)> {
        let mut listed: Vec<(RegionId, Span)> = Vec::new();
        for (name, span) in named {
            let Some(id) = residency::region(name, *span, self.definitions, self.report) else {
                continue;
            };
            if !regions.contains(&id) {
                let message = format!("region `{name}` is not one of the name's regions");
                self.report.error(*span, message).hint("add it to `regions:`");
            }
            if listed.iter().any(|(other, _)| *other == id) {
                self.report.error(*span, format!("region `{name}` is listed twice"));
                continue;
            }
            listed.push((id, *span));
        }
        listed
    }

    fn order(&mut self, steer: &SteerSpec, regions: &[RegionId], rules: &[Placed]) -> Order {
        match steer.order.as_ref().and_then(|order| order.given()) {
            None => Order::Nearest,
            Some((OrderSpec::Scalar(word), _)) => word_order(*word),
            Some((OrderSpec::Mapping(entries), span)) => self.group_order(entries, span, regions, rules),
        }
    }

    fn group_order(
        &mut self,
        entries: &Entries<GroupOrder>,
        span: Span,
        regions: &[RegionId],
        rules: &[Placed],
    ) -> Order {
        let mut lists = Vec::new();
        let mut otherwise = None;
        for (name, at, order) in entries.iter() {
            match (name, order.given()) {
                ("otherwise", Some((GroupOrder::Scalar(word), _))) => otherwise = Some(word_order(*word)),
                ("otherwise", Some((GroupOrder::Sequence(_), at))) => {
                    let draft = self.report.error(at, "`otherwise` is `nearest` or `listed`, not a list");
                    draft.hint("the order of `regions:` is the list that `listed` means");
                    otherwise = Some(Order::Listed);
                }
                (_, Some((GroupOrder::Scalar(_), at))) => {
                    let message = format!("the order for group `{name}` is a list of regions");
                    self.report.error(at, message).hint("write it in brackets: `[frankfurt, dublin]`");
                }
                (_, Some((GroupOrder::Sequence(list), _))) => {
                    let named = list.iter().filter_map(|value| value.given().map(|(text, at)| (&text.0, at)));
                    lists.extend(self.group_list(name, at, named.collect(), regions, rules));
                }
                (_, None) if order.is_missing() => {
                    self.report.error(at, format!("the order for `{name}` is missing"));
                }
                (_, None) => otherwise = otherwise.or(Some(Order::Nearest)),
            }
        }
        let otherwise = otherwise.unwrap_or_else(|| {
            let draft = self.report.error(span, "the order for the clients of no listed group is missing");
            draft.hint("add `otherwise: nearest` or `otherwise: listed`");
            Order::Nearest
        });
        Order::Groups { lists, otherwise: Box::new(otherwise) }
    }

    fn group_list(
        &mut self,
        name: &str,
        span: Span,
        named: Vec<(&String, Span)>,
        regions: &[RegionId],
        rules: &[Placed],
    ) -> Option<(GroupId, Vec<RegionId>)> {
        if named.is_empty() {
            self.report.error(span, format!("the list for group `{name}` is empty"));
        }
        let group = groups::find(name, span, self.own, &mut self.definitions.shared_groups, self.report);
        let listed = self.subset(&named, regions);
        let whom = format!("group `{name}`");
        for entry in group.iter().flat_map(|_| &listed) {
            let is_bound = |bound| Some(bound) == group;
            residency::check_permitted(*entry, &whom, rules, is_bound, self.definitions, self.report);
        }
        Some((group?, listed.into_iter().map(|(id, _)| id).collect()))
    }

    fn unknown_location(
        &mut self,
        steer: &SteerSpec,
        regions: &[RegionId],
        rules: &[Placed],
    ) -> Vec<RegionId> {
        let Some(list) = &steer.unknown_location else {
            return regions.to_vec();
        };
        let named = items(list);
        if let (true, Some((_, span))) = (named.is_empty(), list.given()) {
            let draft = self.report.error(span, "`unknown_location` is empty");
            draft.hint("leave it out for the listed order; a rule for `unknown` can refuse these clients");
        }
        let listed = self.subset(&named, regions);
        for entry in &listed {
            let is_bound = |bound| self.definitions.groups.holds_unknown(bound);
            residency::check_permitted(
                *entry,
                "clients of unknown location",
                rules,
                is_bound,
                self.definitions,
                self.report,
            );
        }
        listed.into_iter().map(|(id, _)| id).collect()
    }

    fn ttls(&mut self, steer: &SteerSpec) -> (Ttl, Ttl) {
        let ttl = self.ttl(&steer.ttl, TTL_SECONDS);
        let short = self.ttl(&steer.short_ttl, SHORT_TTL_SECONDS.min(ttl.seconds()));
        if let Some((_, span)) = given(&steer.short_ttl)
            && short > ttl
        {
            let message = format!("`short_ttl` is longer than `ttl`, which is {} seconds", ttl.seconds());
            self.report.error(span, message);
        }
        (ttl, short)
    }

    fn ttl(&mut self, setting: &Option<Value<Ttl>>, default: u32) -> Ttl {
        let Some((ttl, span)) = given(setting) else {
            return Ttl::from_seconds(default).expect("the defaults are short");
        };
        if ttl.seconds() > LONGEST_TTL_SECONDS {
            let message = format!("a TTL of {} seconds is too long for a steered name", ttl.seconds());
            self.report.error(span, message).hint("at most `1d`: failover waits for it");
        }
        *ttl
    }

    fn max_answers(&mut self, steer: &SteerSpec) -> u8 {
        let (count, span) = given(&steer.max_answers).unwrap_or((&MAX_ANSWERS, Span::default()));
        if !(1..=MOST_ANSWERS).contains(count) {
            self.report.error(span, format!("`max_answers` goes from 1 to {MOST_ANSWERS}, not {count}"));
        }
        u8::try_from(*count).unwrap_or(u8::MAX)
    }

    fn https(&mut self, spec: &HttpsSpec) -> Https {
        let mut alpn: Vec<String> = Vec::new();
        for (protocol, span) in spec.alpn.iter().flat_map(|list| items(list)) {
            let is_protocol =
                (1..=255).contains(&protocol.len()) && protocol.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_protocol || protocol.contains([',', '"', '\\']) {
                let draft = self.report.error(span, format!("`{protocol}` is not a protocol"));
                draft.hint("write its ALPN name, for example `h2` or `h3`");
            }
            if alpn.contains(protocol) {
                self.report.error(span, format!("protocol `{protocol}` is listed twice"));
                continue;
            }
            alpn.push(protocol.clone());
        }
        // 443 is what no port means (RFC 9460, section 9.1).
        let port = given(&spec.port).map(|(port, _)| *port).filter(|port| *port != 443);
        Https { alpn, port }
    }
}

fn word_order(word: OrderWord) -> Order {
    match word {
        OrderWord::Nearest => Order::Nearest,
        OrderWord::Listed => Order::Listed,
    }
}
