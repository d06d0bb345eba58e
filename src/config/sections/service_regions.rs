//! Makes regions of the services of regions: each takes over what it does not say
//! ([`service_name`]).

use super::region::RegionSpec;
use super::services::ServiceSpec;
use crate::config::problem::{Reporter, Span};
use crate::config::values::check_name;
use crate::config::yaml::{Entries, Setting, Written};
use crate::region::{MAX_SERVICES, service_name};

/// Returns the regions, each with its services after it.
pub(super) fn expand(
    spec: &Option<Setting<Entries<RegionSpec>>>,
    report: &mut Reporter,
) -> Option<Setting<Entries<RegionSpec>>> {
    let spec = spec.as_ref()?;
    let mut list = Vec::new();
    for (key, region) in spec.value.iter().flat_map(|entries| &entries.list) {
        list.push((key.clone(), region.clone()));
        if let (Some(name), Some(region)) = (key.get(), region.get()) {
            list.extend(services(name, region, report));
        }
    }
    let value = spec.value.is_some().then_some(Entries { list });
    Some(Setting { value, span: spec.span })
}

/// Returns the services of a region as regions.
fn services<'s>(
    region: &'s str,
    spec: &'s RegionSpec,
    report: &mut Reporter,
) -> Vec<(Setting<String>, Setting<RegionSpec>)> {
    let entries: Vec<_> = spec.services.entries().collect();
    if let Some((_, span, _)) = entries.get(MAX_SERVICES) {
        report.error(*span, format!("more than {MAX_SERVICES} services of one region"));
    }
    let mut services = Vec::new();
    for (name, span, service) in entries.into_iter().take(MAX_SERVICES) {
        check_name(name, span, report);
        let Some(service) = whole(name, span, service, report) else { continue };
        let own = RegionSpec {
            zones: service.zones.clone().unwrap_or_else(|| spec.zones.clone()),
            canaries: service.canaries.clone(),
            capacity: service.capacity.clone(),
            min_healthy: service.min_healthy.clone(),
            services: None,
            ..spec.clone()
        };
        let key = Setting { value: Some(service_name(region, name)), span: Some(span) };
        services.push((key, Setting { value: Some(own), span: Some(span) }));
    }
    services
}

/// Returns what a service says, or reports that it says nothing.
fn whole<'s>(
    name: &str,
    span: Span,
    service: &'s Setting<ServiceSpec>,
    report: &mut Reporter,
) -> Option<&'s ServiceSpec> {
    if service.is_missing() {
        let finding = report.error(span, format!("service `{name}` says nothing"));
        finding
            .hint(format!("write `{name}: {{ canaries: [{name}] }}`; the addresses are those of the region"));
    }
    service.get()
}
