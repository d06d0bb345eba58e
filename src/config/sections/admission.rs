//! `only_for` and `not_for` of a region: a site for some clients only.

use super::groups::Scope;
use super::region::RegionSpec;
use crate::client::GroupId;
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Checked, List};
use crate::config::yaml::{Entries, Setting, Written};
use crate::region::RegionId;
use crate::steering::Admission;
use crate::suggest;

/// Lowers what regions say of their clients; those that are for all of them say nothing.
pub(super) fn lower(
    spec: &Option<Setting<Entries<RegionSpec>>>,
    groups: &mut Scope,
    report: &mut Reporter,
) -> Vec<Admission> {
    let mut admissions = Vec::new();
    for (index, (name, _, region)) in spec.entries().enumerate() {
        let (Some(region), Ok(number)) = (region.get(), u8::try_from(index)) else { continue };
        let [only_for, not_for] = [("only_for", &region.only_for), ("not_for", &region.not_for)]
            .map(|(key, list)| members(key, list, groups, report));
        for group in not_for.iter().filter(|group| only_for.iter().any(|one| one.id == group.id)) {
            let message = format!("group `{}` is in `only_for` and `not_for`", group.name);
            let finding = report.error(group.span, message);
            finding.hint("a client of both is not sent there; keep the group in one of them");
        }
        if !only_for.is_empty() || !not_for.is_empty() {
            let text = text(name, &only_for, &not_for);
            let [only_for, not_for] =
                [only_for, not_for].map(|list| list.into_iter().map(|group| group.id).collect());
            admissions.push(Admission { region: RegionId(number), only_for, not_for, text });
        }
    }
    admissions
}

/// A group that a region names.
struct NamedGroup<'s> {
    id: GroupId,
    name: &'s str,
    span: Span,
}

fn members<'s>(
    key: &str,
    list: &'s Option<List<String>>,
    groups: &mut Scope,
    report: &mut Reporter,
) -> Vec<NamedGroup<'s>> {
    let mut members: Vec<NamedGroup<'s>> = Vec::new();
    if let (true, Some((_, span))) = (list.says_nothing() && list.is_some(), list.given()) {
        report.error(span, format!("`{key}` is empty")).hint("name groups of regions.yaml, or leave it out");
    }
    for (name, span) in list.items() {
        let Some(id) = group(name, span, groups, report) else { continue };
        match members.iter().any(|member| member.id == id) {
            true => drop(report.error(span, format!("group `{name}` is listed twice"))),
            false => members.push(NamedGroup { id, name, span }),
        }
    }
    members
}

/// Returns the group that is meant by a name, or reports that regions.yaml has none.
fn group(name: &str, span: Span, groups: &mut Scope, report: &mut Reporter) -> Option<GroupId> {
    if name == "unknown" {
        return Some(GroupId::UNKNOWN);
    }
    if let Some(id) = groups.find(name) {
        return id;
    }
    let known = groups.names.names().chain(["unknown"]);
    let define = || {
        "a region is for groups of regions.yaml, for all zones: define it under `groups:` there".to_owned()
    };
    let hint = suggest::question(name, known).unwrap_or_else(define);
    report.error(span, format!("group `{name}` is not defined")).hint(hint);
    None
}

fn text(region: &str, only_for: &[NamedGroup<'_>], not_for: &[NamedGroup<'_>]) -> String {
    let named = |list: &[NamedGroup<'_>]| list.iter().map(|group| group.name).collect::<Vec<_>>().join(", ");
    let only = (!only_for.is_empty()).then(|| format!("only for {}", named(only_for)));
    let not = (!not_for.is_empty()).then(|| format!("not for {}", named(not_for)));
    let said: Vec<_> = only.into_iter().chain(not).collect();
    format!("{region} {}", said.join(" and "))
}
