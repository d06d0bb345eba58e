//! What a zone may refer to by name: regions, and groups of its own file and of `regions.yaml`.

use super::groups::Scope;
use super::regions::Definitions;
use crate::client::GroupId;
use crate::config::problem::{Reporter, Span};
use crate::region::{MAX_REGIONS, RegionId, service_name, split_service};
use crate::suggest;

/// The names that a zone may refer to, and the mistakes in doing so.
pub(super) struct References<'l> {
    /// Those of `regions.yaml`.
    pub definitions: &'l mut Definitions,
    /// The groups of the zone itself.
    pub own: &'l mut Scope,
    /// The service of their regions that the name at hand is for.
    pub service: Option<String>,
    pub report: &'l mut Reporter,
}

impl References<'_> {
    /// Returns the region that is meant by a name, or reports that there is none.
    pub fn region(&mut self, name: &str, span: Span) -> Option<RegionId> {
        if let Some(service) = split_service(name).1 {
            let finding = self.report.error(span, format!("`{name}` names a service"));
            finding.hint(format!("write the region here, and `service: {service}` beside `regions`"));
            return None;
        }
        let index = self.definitions.region_names.find(name, span, self.report)?;
        let index = match self.service.clone() {
            Some(service) => self.service(name, &service, span)?,
            None => index,
        };
        // More regions than that have been reported where they are defined.
        (index < MAX_REGIONS).then(|| RegionId(u8::try_from(index).expect("MAX_REGIONS fits")))
    }

    /// Returns the number of the service of a region, or reports that the region has none of the name.
    fn service(&mut self, region: &str, service: &str, span: Span) -> Option<usize> {
        let wanted = service_name(region, service);
        let names = &mut self.definitions.region_names;
        if let Some(index) = names.position(&wanted) {
            names.note_use(index);
            return Some(index);
        }
        let known = names.names().map(split_service).filter(|(place, _)| *place == region);
        let known: Vec<_> = known.filter_map(|(_, service)| service).collect();
        let hint = match known.is_empty() {
            true => {
                format!("add it in regions.yaml: `services: {{ {service}: {{ canaries: [{service}] }} }}`")
            }
            false => suggest::hint(service, known),
        };
        self.report.error(span, format!("region `{region}` has no service `{service}`")).hint(hint);
        None
    }

    /// Returns the regions of a list in which each may occur once, with their spans.
    pub fn regions(&mut self, named: &[(&String, Span)]) -> Vec<(RegionId, Span)> {
        let mut regions: Vec<(RegionId, Span)> = Vec::new();
        for (name, span) in named {
            let Some(id) = self.region(name, *span) else {
                continue;
            };
            match regions.iter().any(|(other, _)| *other == id) {
                true => drop(self.report.error(*span, format!("region `{name}` is listed twice"))),
                false => regions.push((id, *span)),
            }
        }
        regions
    }

    /// Returns the group that is meant by a name, or reports that there is none.
    pub fn group(&mut self, name: &str, span: Span) -> Option<GroupId> {
        if name == "unknown" {
            return Some(GroupId::UNKNOWN);
        }
        let shared = &mut self.definitions.shared_groups;
        for scope in [&mut *self.own, &mut *shared] {
            if let Some(id) = scope.find(name) {
                return id;
            }
        }
        if self.own.names.is_complete() && shared.names.is_complete() {
            let known = self.own.names.names().chain(shared.names.names()).chain(["unknown"]);
            let define = || format!("define it under `groups:`, for example `{name}: {{ countries: [JP] }}`");
            let hint = suggest::question(name, known).unwrap_or_else(define);
            self.report.error(span, format!("group `{name}` is not defined")).hint(hint);
        }
        None
    }
}
