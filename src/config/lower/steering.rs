//! What `steer:` says to [`Steering`].

use super::World;
use super::groups::{self, Scope};
use super::residency::{self, Placed};
use crate::client::GroupId;
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, OrderWord, Value, given, items, word};
use crate::config::yaml::Entries;
use crate::region::RegionId;
use crate::steering::{Https, Order, Policy, Steering};
use crate::zone::{Name, Ttl};

const TTL_SECONDS: u32 = 30;
const SHORT_TTL_SECONDS: u32 = 10;
/// A client keeps its answer this long after its region died; more than a day is no failover.
const LONGEST_TTL_SECONDS: u32 = 86_400;
const MAX_ANSWERS: u32 = 4;
/// 32 AAAA records with the question and an OPT record still fit into 1232 octets.
const MOST_ANSWERS: u32 = 32;

/// Lowers one `steer:`; `None` when too little of it is right to be checked further.
pub(super) fn lower(
    steer: &spec::SteerSpec,
    place: Place,
    owner: Name,
    world: &mut World,
    own: &mut Scope,
    report: &mut Report,
) -> Option<Steering> {
    let mut lowering = Lowering { world, own, report };
    let regions = lowering.regions(steer, place);
    let rules = residency::lower(steer, lowering.world, lowering.own, lowering.report);
    if !regions.is_empty() && lowering.world.region_names.is_complete() {
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

struct Lowering<'l> {
    world: &'l mut World,
    own: &'l mut Scope,
    report: &'l mut Report,
}

impl Lowering<'_> {
    fn regions(&mut self, steer: &spec::SteerSpec, place: Place) -> Vec<RegionId> {
        let named = items(&steer.regions);
        if steer.regions.is_missing() || (named.is_empty() && steer.regions.value.is_some()) {
            let draft = self.report.error(place, "there are no regions to choose from");
            draft.hint("write `regions:` with names from regions.yaml");
        }
        self.distinct(named)
    }

    /// Returns the regions of a list in which each may occur once.
    fn distinct(&mut self, named: Vec<(&String, Place)>) -> Vec<RegionId> {
        let mut regions: Vec<RegionId> = Vec::new();
        for (name, place) in named {
            let Some(id) = residency::region(name, place, self.world, self.report) else {
                continue;
            };
            match regions.contains(&id) {
                true => drop(self.report.error(place, format!("region `{name}` is listed twice"))),
                false => regions.push(id),
            }
        }
        regions
    }

    /// Returns the regions of a list that narrows or sorts the name's regions, with their places.
    fn subset(&mut self, named: &[(&String, Place)], regions: &[RegionId]) -> Vec<(RegionId, Place)> {
        let mut listed: Vec<(RegionId, Place)> = Vec::new();
        for (name, place) in named {
            let Some(id) = residency::region(name, *place, self.world, self.report) else {
                continue;
            };
            if !regions.contains(&id) {
                let message = format!("region `{name}` is not one of the name's regions");
                self.report.error(*place, message).hint("add it to `regions:`");
            }
            if listed.iter().any(|(other, _)| *other == id) {
                self.report.error(*place, format!("region `{name}` is listed twice"));
                continue;
            }
            listed.push((id, *place));
        }
        listed
    }

    fn order(&mut self, steer: &spec::SteerSpec, regions: &[RegionId], rules: &[Placed]) -> Order {
        match steer.order.as_ref().and_then(|order| order.given()) {
            None => Order::Nearest,
            Some((spec::OrderSpec::Scalar(word), _)) => word_order(*word),
            Some((spec::OrderSpec::Mapping(entries), place)) => {
                self.group_order(entries, place, regions, rules)
            }
        }
    }

    fn group_order(
        &mut self,
        entries: &Entries<spec::GroupOrder>,
        place: Place,
        regions: &[RegionId],
        rules: &[Placed],
    ) -> Order {
        let mut lists = Vec::new();
        let mut otherwise = None;
        for (name, at, order) in entries.iter() {
            match (name, order.given()) {
                ("otherwise", Some((spec::GroupOrder::Scalar(word), _))) => {
                    otherwise = Some(word_order(*word))
                }
                ("otherwise", Some((spec::GroupOrder::Sequence(_), at))) => {
                    let draft = self.report.error(at, "`otherwise` is `nearest` or `listed`, not a list");
                    draft.hint("the order of `regions:` is the list that `listed` means");
                    otherwise = Some(Order::Listed);
                }
                (_, Some((spec::GroupOrder::Scalar(_), at))) => {
                    let message = format!("the order for group `{name}` is a list of regions");
                    self.report.error(at, message).hint("write it in brackets: `[frankfurt, dublin]`");
                }
                (_, Some((spec::GroupOrder::Sequence(list), _))) => {
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
            let draft = self.report.error(place, "the order for the clients of no listed group is missing");
            draft.hint("add `otherwise: nearest` or `otherwise: listed`");
            Order::Nearest
        });
        Order::Groups { lists, otherwise: Box::new(otherwise) }
    }

    fn group_list(
        &mut self,
        name: &str,
        place: Place,
        named: Vec<(&String, Place)>,
        regions: &[RegionId],
        rules: &[Placed],
    ) -> Option<(GroupId, Vec<RegionId>)> {
        if named.is_empty() {
            self.report.error(place, format!("the list for group `{name}` is empty"));
        }
        let group = groups::find(name, place, self.own, &mut self.world.shared_groups, self.report);
        let listed = self.subset(&named, regions);
        let whom = format!("group `{name}`");
        for entry in group.iter().flat_map(|_| &listed) {
            let is_bound = |bound| Some(bound) == group;
            residency::check_permitted(*entry, &whom, rules, is_bound, self.world, self.report);
        }
        Some((group?, listed.into_iter().map(|(id, _)| id).collect()))
    }

    fn unknown_location(
        &mut self,
        steer: &spec::SteerSpec,
        regions: &[RegionId],
        rules: &[Placed],
    ) -> Vec<RegionId> {
        let Some(list) = &steer.unknown_location else {
            return regions.to_vec();
        };
        let named = items(list);
        if let (true, Some((_, place))) = (named.is_empty(), list.given()) {
            let draft = self.report.error(place, "`unknown_location` is empty");
            draft.hint("leave it out for the listed order; a rule for `unknown` can refuse these clients");
        }
        let listed = self.subset(&named, regions);
        for entry in &listed {
            let is_bound = |bound| self.world.groups.holds_unknown(bound);
            residency::check_permitted(
                *entry,
                "clients of unknown location",
                rules,
                is_bound,
                self.world,
                self.report,
            );
        }
        listed.into_iter().map(|(id, _)| id).collect()
    }

    fn ttls(&mut self, steer: &spec::SteerSpec) -> (Ttl, Ttl) {
        let ttl = self.ttl(&steer.ttl, TTL_SECONDS);
        let short = self.ttl(&steer.short_ttl, SHORT_TTL_SECONDS.min(ttl.seconds()));
        if let Some((_, place)) = given(&steer.short_ttl)
            && short > ttl
        {
            let message = format!("`short_ttl` is longer than `ttl`, which is {} seconds", ttl.seconds());
            self.report.error(place, message);
        }
        (ttl, short)
    }

    fn ttl(&mut self, setting: &Option<Value<Ttl>>, default: u32) -> Ttl {
        let Some((ttl, place)) = given(setting) else {
            return Ttl::from_seconds(default).expect("the defaults are short");
        };
        if ttl.seconds() > LONGEST_TTL_SECONDS {
            let message = format!("a TTL of {} seconds is too long for a steered name", ttl.seconds());
            self.report.error(place, message).hint("at most `1d`: failover waits for it");
        }
        *ttl
    }

    fn max_answers(&mut self, steer: &spec::SteerSpec) -> u8 {
        let (count, place) = given(&steer.max_answers).unwrap_or((&MAX_ANSWERS, Place::default()));
        if !(1..=MOST_ANSWERS).contains(count) {
            self.report.error(place, format!("`max_answers` goes from 1 to {MOST_ANSWERS}, not {count}"));
        }
        u8::try_from(*count).unwrap_or(u8::MAX)
    }

    fn https(&mut self, spec: &spec::HttpsSpec) -> Https {
        let mut alpn: Vec<String> = Vec::new();
        for (protocol, place) in spec.alpn.iter().flat_map(|list| items(list)) {
            let is_protocol =
                (1..=255).contains(&protocol.len()) && protocol.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_protocol || protocol.contains([',', '"', '\\']) {
                let draft = self.report.error(place, format!("`{protocol}` is not a protocol"));
                draft.hint("write its ALPN name, for example `h2` or `h3`");
            }
            if alpn.contains(protocol) {
                self.report.error(place, format!("protocol `{protocol}` is listed twice"));
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
