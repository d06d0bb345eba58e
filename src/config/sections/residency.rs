//! `residency` of a steered name: the border, and the contradictions that its rules can be in.

use schemars::JsonSchema;
use serde::Deserialize;

use super::groups::{self, Scope};
use super::regions::Definitions;
use crate::client::{GroupId, Jurisdiction};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{List, items, word};
use crate::config::yaml::Setting;
use crate::region::{MAX_REGIONS, RegionId, RegionSet};
use crate::steering::{Refusal, ResidencyRule};

/// A residency rule: a group of clients and the only regions they may be sent to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// The groups that it binds. `unknown` is built in: the clients whose location is not known.
    pub clients: List<String>,
    /// Regions whose jurisdiction is one of these are permitted: countries by ISO 3166-1 code, `EU` or
    /// `EEA` for any member state.
    pub jurisdictions: Option<List<Jurisdiction>>,
    /// These regions are permitted, besides those that `jurisdictions` permits.
    pub regions: Option<List<String>>,
    /// What the clients are told when no region is left for them. Left out: REFUSED, and it is an error
    /// when the rule permits none of the name's regions.
    pub otherwise: Option<Setting<Refusal>>,
}

/// A rule with where it is said.
pub(super) struct Placed {
    /// The rule.
    pub rule: ResidencyRule,
    /// Where it begins.
    pub span: Span,
}

/// Returns the number of the region that a name refers to at `place`.
pub(super) fn region(
    name: &str,
    span: Span,
    definitions: &mut Definitions,
    report: &mut Reporter,
) -> Option<RegionId> {
    let index = definitions.region_names.find(name, span, report)?;
    // More regions than that have been reported where they are defined.
    (index < MAX_REGIONS).then(|| RegionId(u8::try_from(index).expect("MAX_REGIONS fits")))
}

/// Lowers the rules of one steered name.
pub(super) fn lower(
    spec: &Option<Setting<Vec<Setting<RuleSpec>>>>,
    definitions: &mut Definitions,
    own: &mut Scope,
    report: &mut Reporter,
) -> Vec<Placed> {
    let rules = spec.as_ref().and_then(|rules| rules.value.as_ref());
    let given = rules.into_iter().flatten().filter_map(|rule| rule.given());
    given.map(|(spec, span)| rule(spec, span, definitions, own, report)).collect()
}

fn rule(
    spec: &RuleSpec,
    span: Span,
    definitions: &mut Definitions,
    own: &mut Scope,
    report: &mut Reporter,
) -> Placed {
    let names = items(&spec.clients);
    if spec.clients.is_missing() || (names.is_empty() && spec.clients.value.is_some()) {
        let draft = report.error(span, "the rule binds nobody");
        draft.hint("write `clients:` with a group, for example `clients: eu`");
    }
    let mut clients = Vec::new();
    for (name, span) in &names {
        clients.extend(groups::find(name, *span, own, &mut definitions.shared_groups, report));
    }
    if spec.jurisdictions.is_none() && spec.regions.is_none() {
        let draft = report.error(span, "the rule does not say what is permitted");
        draft.hint("add `jurisdictions: [EU]` or `regions: [frankfurt]`");
    }
    let jurisdictions: Vec<_> = spec.jurisdictions.iter().flat_map(|list| items(list)).collect();
    let named: Vec<_> = spec.regions.iter().flat_map(|list| items(list)).collect();
    let mut permitted = match spec.jurisdictions.is_none() && spec.regions.is_none() {
        // What is missing has been reported; it contradicts nothing.
        true => RegionSet::ALL,
        false => in_jurisdictions(jurisdictions.iter().map(|(jurisdiction, _)| **jurisdiction), definitions),
    };
    for (name, span) in &named {
        if let Some(id) = region(name, *span, definitions, report) {
            permitted.insert(id);
        }
    }
    let words = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    let spans = jurisdictions.iter().map(|(jurisdiction, _)| text(**jurisdiction));
    let text = format!(
        "{} only in {}",
        words(&mut names.iter().map(|(name, _)| (*name).clone())),
        words(&mut spans.chain(named.iter().map(|(name, _)| (*name).clone()))),
    );
    Placed { rule: ResidencyRule { clients, permitted, otherwise: word(&spec.otherwise), text }, span }
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
fn in_jurisdictions(
    jurisdictions: impl Iterator<Item = Jurisdiction> + Clone,
    definitions: &Definitions,
) -> RegionSet {
    let ids = (0u8..).map(RegionId).zip(&definitions.jurisdictions).take(MAX_REGIONS);
    let inside = ids.filter(|(_, country)| {
        country.is_none_or(|country| jurisdictions.clone().any(|jurisdiction| jurisdiction.covers(country)))
    });
    inside.map(|(id, _)| id).collect()
}

/// Reports rules that leave a group without any of the name's regions.
pub(super) fn check_not_empty(rules: &[Placed], regions: &[RegionId], report: &mut Reporter) {
    let offered: RegionSet = regions.iter().copied().collect();
    for (index, Placed { rule, span }) in rules.iter().enumerate() {
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
        let left = |other: &Placed| other.rule.permitted.intersection(rule.permitted).intersection(offered);
        if let Some(other) = sharing.find(|other| left(other).is_empty()) {
            let message =
                format!("the rule `{}` leaves nothing of what line {} permits", rule.text, other.span.line);
            report.error(*span, message).hint(OTHERWISE);
        }
    }
}

const OTHERWISE: &str =
    "add a region, or say what the clients are told: `otherwise: refuse`, `nodata` or `servfail`";

/// Reports a region that is listed for clients to whom a rule forbids it. `is_bound` tells whether a
/// group that a rule names holds all of those clients.
pub(super) fn check_permitted(
    (id, span): (RegionId, Span),
    whom: &str,
    rules: &[Placed],
    is_bound: impl Fn(GroupId) -> bool,
    definitions: &Definitions,
    report: &mut Reporter,
) {
    let binding = |placed: &&Placed| placed.rule.clients.iter().any(|group| is_bound(*group));
    let mut forbidding = rules.iter().filter(binding).filter(|placed| !placed.rule.permitted.contains(id));
    if let Some(Placed { rule, span: at }) = forbidding.next() {
        let name = definitions.region_names.name(usize::from(id.0));
        let message = format!("region `{name}` is listed for {whom}, to whom a rule forbids it");
        report.error(span, message).hint(format!("line {} says: {}", at.line, rule.text));
    }
}
