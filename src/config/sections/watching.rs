//! What regions and their canaries say together.

use super::region::RegionSpec;
use crate::canary::{Canary, CanaryId, Reach, Signal};
use crate::config::problem::{Reporter, Span};
use crate::config::values::url;
use crate::config::yaml::{Entries, Setting, Written};
use crate::region::Region;

/// Reports what a region and its canaries, each right by itself, cannot be together.
pub(super) fn check(
    spec: &Option<Setting<Entries<RegionSpec>>>,
    regions: &[Option<Region>],
    canaries: &[Option<Canary>],
    report: &mut Reporter,
) {
    let mut shared = Vec::new();
    for ((name, span, setting), region) in spec.entries().zip(regions) {
        let (Some(spec), Some(region)) = (setting.get(), region) else { continue };
        let watching = || {
            region.canaries.iter().filter_map(|id| Some((*id, canaries.get(usize::from(id.0))?.as_ref()?)))
        };
        let reports_load = watching().any(|(_, canary)| reports_load(canary));
        if reports_load && region.capacity.is_none() {
            let message = format!("region `{name}` reports its load and has no `capacity`: it cannot shed");
            report.warning(span, message).hint("add its requests per second at peak: `capacity: 500000`");
        }
        for (id, canary) in watching().filter(|(_, canary)| canary.reach == Reach::Region) {
            check_lead(name, named_at(spec, &canary.name, span), (id, canary), &mut shared, report);
        }
    }
}

fn reports_load(canary: &Canary) -> bool {
    canary.check.signals().iter().any(|(signal, _)| *signal == Signal::Load)
}

fn named_at(spec: &RegionSpec, canary: &str, region: Span) -> Span {
    let named = spec.canaries.items();
    named.into_iter().find(|(name, _)| *name == canary).map_or(region, |(_, span)| span)
}

/// Checks that a canary of regions leads to this one, and to no other.
fn check_lead(
    region: &str,
    span: Span,
    (id, canary): (CanaryId, &Canary),
    shared: &mut Vec<CanaryId>,
    report: &mut Reporter,
) {
    let (Some(http), name) = (canary.check.request(), &canary.name) else { return };
    if !http.url.contains(url::REGION) {
        if shared.contains(&id) {
            let finding =
                report.warning(span, format!("canary `{name}` asks one place about several regions"));
            finding.hint("write `{region}` in its URL, or make one canary for each region");
        }
        shared.push(id);
    } else if !url::leads_to(region, &http.url) && url::leads_to("region", &http.url) {
        // With the other URLs the region has nothing to do.
        let url = http.url.replace(url::REGION, region);
        let finding = report.error(span, format!("canary `{name}` leads to `{url}`, which is not a URL"));
        finding.hint("give the region a name that can be a part of a host name");
    }
}
