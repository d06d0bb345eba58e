//! Groups of clients: those of `regions.yaml`, which every zone sees, and those of each zone.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::{Continent, Country, Group, GroupId, MAX_GROUPS, Member, Prefix, Subdivision};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Asn, Defined, List, check_name, items};
use crate::config::yaml::{Entries, Setting};
use crate::suggest;

/// A named set of clients: all who match at least one of the members.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// Clients on these continents: AF, AN, AS, EU, NA, OC, SA. `EU` is the continent here.
    pub continents: Option<List<Continent>>,
    /// Clients in these countries, by ISO 3166-1 code.
    pub countries: Option<List<Country>>,
    /// Clients in these states or provinces, by ISO 3166-2 code, for example `US-CA`.
    pub subdivisions: Option<List<Subdivision>>,
    /// `true`: clients in a member state of the European Union.
    pub european_union: Option<Setting<bool>>,
    /// Clients of these autonomous systems; needs `geo.asn` in `server.yaml`.
    pub asns: Option<List<Asn>>,
    /// Clients in these networks, whatever a database says of them.
    pub networks: Option<List<Prefix>>,
    /// `true`: clients whose location is not known, as in the built-in group `unknown`.
    pub unknown: Option<Setting<bool>>,
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

    /// Returns whether the clients of unknown location belong to a group.
    pub fn holds_unknown(&self, id: GroupId) -> bool {
        let Some(index) = usize::from(id.0).checked_sub(1) else {
            return id == GroupId::UNKNOWN;
        };
        self.list[index].members.contains(&Member::Unknown)
    }
}

/// The groups that one file defines.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// Their names.
    pub names: Defined,
    /// Their numbers, in the same order; `None` for one that is wrong.
    pub ids: Vec<Option<GroupId>>,
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
    let entries = spec.iter().filter_map(|groups| groups.value.as_ref()).flat_map(|groups| groups.iter());
    let ids = entries.map(|(name, span, group)| {
        check_name(name, span, report);
        if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| *reserved == name) {
            report.error(span, format!("a group cannot be called `{name}`")).hint(*why);
        }
        if shared.is_some_and(|shared| shared.names.position(name).is_some()) {
            report
                .error(span, format!("regions.yaml already defines group `{name}`"))
                .hint("give it another name");
        }
        let members = group.value.as_ref().map(members).unwrap_or_default();
        let is_wrong = group.value.is_none() && !group.is_missing();
        if members.is_empty() && !is_wrong {
            let draft = report.error(span, format!("group `{name}` has no members"));
            draft.hint("add for example `countries: [JP]` or `european_union: true`");
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
        let all = list.iter().flat_map(|list| items(list));
        all.map(|(value, _)| member(value.clone())).collect()
    }
    let is_set = |flag: &Option<Setting<bool>>| flag.as_ref().and_then(|flag| flag.value) == Some(true);
    let mut members = each(&spec.continents, Member::Continent);
    members.extend(each(&spec.countries, Member::Country));
    members.extend(each(&spec.subdivisions, Member::Subdivision));
    members.extend(is_set(&spec.european_union).then_some(Member::EuropeanUnion));
    members.extend(each(&spec.asns, |asn| Member::Asn(asn.0)));
    members.extend(each(&spec.networks, Member::Network));
    members.extend(is_set(&spec.unknown).then_some(Member::Unknown));
    members
}

/// Returns the group that a zone means by a name, or reports that there is none.
pub(super) fn find(
    name: &str,
    span: Span,
    own: &mut Scope,
    shared: &mut Scope,
    report: &mut Reporter,
) -> Option<GroupId> {
    if name == "unknown" {
        return Some(GroupId::UNKNOWN);
    }
    for scope in [&mut *own, &mut *shared] {
        if let Some(index) = scope.names.position(name) {
            scope.names.note_use(index);
            return scope.ids[index];
        }
    }
    if own.names.is_complete() && shared.names.is_complete() {
        let known = own.names.names().chain(shared.names.names()).chain(["unknown"]);
        let define = || format!("define it under `groups:`, for example `{name}: {{ countries: [JP] }}`");
        let hint = suggest::question(name, known).unwrap_or_else(define);
        report.error(span, format!("group `{name}` is not defined")).hint(hint);
    }
    None
}
