//! `residency` of a steered name: the border, and the contradictions that its rules can be in.

use schemars::JsonSchema;
use serde::Deserialize;

use super::references::References;
use super::regions::Definitions;
use crate::client::{GroupId, Jurisdiction};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Checked, List};
use crate::config::yaml::{Setting, Written};
use crate::region::{MAX_REGIONS, RegionId, RegionSet};
use crate::steering::{Refusal, ResidencyRule};

/// A residency rule: a group of clients and the only regions they may be sent to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// The groups that it binds. `unknown` is built in: the clients whose location is not known.
    clients: List<String>,
    /// Regions whose jurisdiction is one of these are permitted: countries by ISO 3166-1 code, `EU` or
    /// `EEA` for any member state.
    jurisdictions: Option<List<Jurisdiction>>,
    /// These regions are permitted, besides those that `jurisdictions` permits.
    regions: Option<List<String>>,
    /// What the clients are told when no region is left for them: `servfail`, with the extended error 18
    /// (Prohibited). `refuse` makes resolvers ask again without the client subnet, and give the client what they get
    /// for themselves; `nodata` may be kept for all clients of a resolver. Left out: `servfail`, and it is an error when
    /// the rule permits none of the name's regions.
    otherwise: Option<Setting<Refusal>>,
}

/// A rule with its span.
pub(super) struct PlacedRule {
    pub rule: ResidencyRule,
    pub span: Span,
}

/// Lowers the rules of one steered name.
pub(super) fn lower(
    spec: &Option<Setting<Vec<Setting<RuleSpec>>>>,
    references: &mut References<'_>,
) -> Vec<PlacedRule> {
    spec.items().into_iter().map(|(spec, span)| rule(spec, span, references)).collect()
}

fn rule(spec: &RuleSpec, span: Span, references: &mut References<'_>) -> PlacedRule {
    if spec.clients.says_nothing() {
        let finding = references.report.error(span, "the rule binds no clients");
        finding.hint("write `clients:` with a group, for example `clients: eu`");
    }
    let says_nothing = spec.jurisdictions.is_none() && spec.regions.is_none();
    if says_nothing {
        let finding = references.report.error(span, "the rule does not say what is permitted");
        finding.hint("add `jurisdictions: [EU]` or `regions: [frankfurt]`");
    }
    let (names, regions) = (spec.clients.items(), spec.regions.items());
    let jurisdictions: Vec<_> = spec.jurisdictions.items().into_iter().map(|(one, _)| *one).collect();
    let clients = names.iter().filter_map(|(name, span)| references.group(name, *span)).collect();
    let mut permitted = match says_nothing {
        // What is missing has been reported; it contradicts nothing.
        true => RegionSet::ALL,
        false => in_jurisdictions(&jurisdictions, references.definitions),
    };
    for (name, span) in &regions {
        if let Some(id) = references.region(name, *span) {
            permitted.insert(id);
        }
    }
    let names: Vec<_> = names.into_iter().map(|(name, _)| name.as_str()).collect();
    let places = jurisdictions.into_iter().map(text).chain(regions.into_iter().map(|(name, _)| name.clone()));
    let text = format!("{} only in {}", names.join(", "), places.collect::<Vec<_>>().join(", "));
    let otherwise = spec.otherwise.get().copied();
    if let Some((otherwise, span)) = spec.otherwise.given() {
        warn_of(*otherwise, span, references.report);
    }
    PlacedRule { rule: ResidencyRule { clients, permitted, otherwise, text }, span }
}

/// Warns of answers by which a border leaks, or cuts off clients whom it does not concern.
fn warn_of(otherwise: Refusal, span: Span, report: &mut Reporter) {
    let message = match otherwise {
        Refusal::Servfail => return,
        Refusal::Refuse => {
            "resolvers ask again without the client subnet when they are refused (RFC 7871, 7.3), and give the client \
             what is permitted to them; some stop asking this server for a while"
        }
        Refusal::Nodata => {
            "resolvers may keep NODATA for all of their clients, whatever their subnets (RFC 7871, 7.4)"
        }
    };
    report.warning(span, message).hint("`otherwise: servfail` has neither effect");
}

fn text(jurisdiction: Jurisdiction) -> String {
    match jurisdiction {
        Jurisdiction::Country(country) => country.to_string(),
        Jurisdiction::EuropeanUnion => "EU".to_owned(),
        Jurisdiction::EuropeanEconomicArea => "EEA".to_owned(),
    }
}

/// Returns the regions inside any of the jurisdictions. A region whose own jurisdiction could not be
/// read counts as inside, so that one mistake is not reported as two.
fn in_jurisdictions(jurisdictions: &[Jurisdiction], definitions: &Definitions) -> RegionSet {
    let ids = (0u8..).map(RegionId).zip(&definitions.jurisdictions).take(MAX_REGIONS);
    let is_inside = |country| jurisdictions.iter().any(|jurisdiction| jurisdiction.covers(country));
    ids.filter(|(_, country)| country.is_none_or(is_inside)).map(|(id, _)| id).collect()
}

/// The way out of a rule that permits nothing.
const OTHERWISE: &str = "add a region, or say that the clients get no answer: `otherwise: servfail`";

/// Reports rules that leave a group without any of the name's regions.
pub(super) fn check_not_empty(rules: &[PlacedRule], regions: &[RegionId], report: &mut Reporter) {
    let offered: RegionSet = regions.iter().copied().collect();
    for (index, PlacedRule { rule, span }) in rules.iter().enumerate() {
        if rule.otherwise.is_some() || rule.clients.is_empty() {
            continue;
        }
        if rule.permitted.intersection(offered).is_empty() {
            let message = format!("the rule `{}` permits none of the name's regions", rule.text);
            report.error(*span, message).hint(OTHERWISE);
            continue;
        }
        // Rules for one group apply together; each may permit something and both together nothing.
        let earlier = rules[..index].iter().filter(|other| other.rule.otherwise.is_none());
        let mut sharing =
            earlier.filter(|other| other.rule.clients.iter().any(|group| rule.clients.contains(group)));
        let left =
            |other: &PlacedRule| other.rule.permitted.intersection(rule.permitted).intersection(offered);
        if let Some(other) = sharing.find(|other| left(other).is_empty()) {
            let line = other.span.line;
            let message = format!("the rule `{}` leaves nothing of what line {line} permits", rule.text);
            report.error(*span, message).hint(OTHERWISE);
        }
    }
}

/// Reports a region that is listed for clients to whom a rule forbids it, or whom it is not for. `is_bound` tells
/// whether a group that a rule names holds all of those clients.
pub(super) fn check_permitted(
    (id, span): (RegionId, Span),
    clients: &str,
    rules: &[PlacedRule],
    is_bound: impl Fn(GroupId) -> bool,
    references: &mut References<'_>,
) {
    let binding = |placed: &&PlacedRule| placed.rule.clients.iter().any(|group| is_bound(*group));
    let mut forbidding = rules.iter().filter(binding).filter(|placed| !placed.rule.permitted.contains(id));
    if let Some(PlacedRule { rule, span: at }) = forbidding.next() {
        let name = references.definitions.region_names.name(usize::from(id.0));
        let message = format!("region `{name}` is listed for {clients}, to whom a rule forbids it");
        references.report.error(span, message).hint(format!("line {} says: {}", at.line, rule.text));
    }
    let mut admissions = references.definitions.admissions.iter().filter(|one| one.region == id);
    if let Some(admission) = admissions.find(|one| one.not_for.iter().any(|group| is_bound(*group))) {
        let name = references.definitions.region_names.name(usize::from(id.0));
        let message = format!("region `{name}` is listed for {clients}, whom it is not for");
        references.report.error(span, message).hint(format!("regions.yaml says: {}", admission.text));
    }
}
