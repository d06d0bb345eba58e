//! Groups of clients: those of `regions.yaml`, which every zone sees, and those of each zone.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::{Continent, Country, Group, GroupId, MAX_GROUPS, Member, Prefix, Subdivision};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Asn, Defined, List, check_name};
use crate::config::yaml::{Entries, Setting, Written};

/// A named set of clients: all who match at least one of the members.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// Clients on these continents: AF, AN, AS, EU, NA, OC, SA. `EU` is the continent here.
    continents: Option<List<Continent>>,
    /// Clients in these countries, by ISO 3166-1 code.
    countries: Option<List<Country>>,
    /// Clients in these states or provinces, by ISO 3166-2 code, for example `US-CA`.
    subdivisions: Option<List<Subdivision>>,
    /// `true`: clients where the law of the European Union holds: its member states, with Åland and the outermost
    /// regions (GF, GP, MF, MQ, RE, YT).
    european_union: Option<Setting<bool>>,
    /// `true`: clients in the European Economic Area: the Union with Iceland, Liechtenstein and Norway.
    european_economic_area: Option<Setting<bool>>,
    /// Clients of these autonomous systems; needs `geo.asn` in `server.yaml`.
    asns: Option<List<Asn>>,
    /// Clients in these networks, whatever a database says of them.
    networks: Option<List<Prefix>>,
    /// `true`: clients whose location is not known, as in the built-in group `unknown`.
    unknown: Option<Setting<bool>>,
}

/// Names that an operator's group cannot have, with what they mean instead.
const RESERVED: [(&str, &str); 2] = [
    ("unknown", "it is built in: the clients whose location is not known"),
    ("otherwise", "in `order` it means the clients of no listed group"),
];

/// All groups, numbered. Zones that define the same group under the same name share one.
#[derive(Debug, Default)]
pub(super) struct Registry {
    /// The groups; the one with `GroupId(n)` is at `n - 1`.
    pub list: Vec<Group>,
    /// Where a group by autonomous system is defined, if one is.
    pub by_asn: Option<Span>,
}

impl Registry {
    fn add(&mut self, group: Group, span: Span, report: &mut Reporter) -> Option<GroupId> {
        let known = self.list.iter().position(|known| *known == group);
        let index = known.unwrap_or(self.list.len());
        if index >= MAX_GROUPS {
            report.error(span, format!("more than {MAX_GROUPS} groups"));
            return None;
        }
        if known.is_none() {
            self.list.push(group);
        }
        Some(GroupId(u8::try_from(index + 1).expect("MAX_GROUPS fits")))
    }

    /// Returns the groups that the clients of unknown location belong to.
    pub fn holding_unknown(&self) -> Vec<GroupId> {
        let numbered = (1u8..).map(GroupId).zip(&self.list);
        let holding = numbered.filter(|(_, group)| group.members.contains(&Member::Unknown));
        std::iter::once(GroupId::UNKNOWN).chain(holding.map(|(id, _)| id)).collect()
    }
}

/// The groups that one file defines.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub names: Defined,
    /// Their numbers, in the same order; `None` for one that is wrong.
    pub ids: Vec<Option<GroupId>>,
}

impl Scope {
    /// Returns the number of the group that is meant by a name, and notes its use; `None`: the file defines none.
    pub fn find(&mut self, name: &str) -> Option<Option<GroupId>> {
        let index = self.names.position(name)?;
        self.names.note_use(index);
        Some(self.ids[index])
    }
}

/// Lowers the groups of one file. `is_complete`: the file could be read.
pub(super) fn lower(
    spec: &Option<Setting<Entries<GroupSpec>>>,
    is_complete: bool,
    registry: &mut Registry,
    shared: Option<&Scope>,
    report: &mut Reporter,
) -> Scope {
    let names = Defined::of("group", "this file", spec, is_complete);
    let ids = spec.entries().map(|(name, span, group)| {
        check_name(name, span, report);
        if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| *reserved == name) {
            report.error(span, format!("a group cannot be called `{name}`")).hint(*why);
        }
        if shared.is_some_and(|shared| shared.names.position(name).is_some()) {
            let finding = report.error(span, format!("regions.yaml already defines group `{name}`"));
            finding.hint("give it another name");
        }
        let members = group.get().map(members).unwrap_or_default();
        if members.is_empty() && (group.get().is_some() || group.is_missing()) {
            let finding = report.error(span, format!("group `{name}` has no members"));
            finding.hint("add for example `countries: [JP]` or `european_union: true`");
        }
        if members.iter().any(|member| matches!(member, Member::Asn(_))) {
            registry.by_asn.get_or_insert(span);
        }
        registry.add(Group { name: name.to_owned(), members }, span, report)
    });
    let ids = ids.collect();
    Scope { names, ids }
}

fn members(spec: &GroupSpec) -> Vec<Member> {
    fn each<T: Clone>(list: &Option<List<T>>, member: impl Fn(T) -> Member) -> Vec<Member> {
        list.items().into_iter().map(|(value, _)| member(value.clone())).collect()
    }
    let mut members = each(&spec.continents, Member::Continent);
    members.extend(each(&spec.countries, Member::Country));
    members.extend(each(&spec.subdivisions, Member::Subdivision));
    members.extend(spec.european_union.get_or(false).then_some(Member::EuropeanUnion));
    members.extend(spec.european_economic_area.get_or(false).then_some(Member::EuropeanEconomicArea));
    members.extend(each(&spec.asns, |asn| Member::Asn(asn.0)));
    members.extend(each(&spec.networks, Member::Network));
    members.extend(spec.unknown.get_or(false).then_some(Member::Unknown));
    members
}
