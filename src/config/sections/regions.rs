//! `regions.yaml`: where the API is served from, what watches it, and groups for all zones.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::admission;
use super::alarms::{self, AlarmRules, AlarmsSpec};
use super::canaries::{self, CanarySpec};
use super::capacity_events::{self, CapacityEvent, CapacityEventSpec};
use super::drills::{self, DrillSpec};
use super::groups::{self, GroupSpec};
use super::recovery::{self, RecoverySpec};
use super::region::{self, RegionSpec};
use super::safety::{self, SafetySpec};
use super::service_regions;
use super::watching;
use crate::canary::Canary;
use crate::client::Country;
use crate::config::SourceFiles;
use crate::config::problem::Reporter;
use crate::config::values::Defined;
use crate::config::yaml::{Entries, Setting, Written};
use crate::intent::Schedule;
use crate::region::{Failover, Recovery, Region, Safety};
use crate::steering::Admission;
use crate::zone::Name;

/// `regions.yaml`: where the API is served from, what watches it, and groups for all zones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Regions")]
pub struct RegionsSpec {
    /// The regions by name; at most 128.
    regions: Option<Setting<Entries<RegionSpec>>>,
    /// The canaries by name; at most 256.
    canaries: Option<Setting<Entries<CanarySpec>>>,
    /// Groups of clients that every zone may refer to.
    groups: Option<Setting<Entries<GroupSpec>>>,
    /// What the machine may do about any region that should leave the answers, unless the region says
    /// otherwise. Left out: `auto`.
    failover: Option<Setting<Failover>>,
    /// How every region comes back; a region's own `recovery` overrides it key by key.
    recovery: Option<Setting<RecoverySpec>>,
    /// What holds for all regions together.
    safety: Option<Setting<SafetySpec>>,
    /// Drills that start by themselves; at most 256.
    drills: Option<Setting<Vec<Setting<DrillSpec>>>>,
    /// Known events in which a region has more or less capacity than usual; at most 1024.
    capacity_events: Option<Setting<Vec<Setting<CapacityEventSpec>>>>,
    /// When something that is measured is an alarm; each is `off` or says when.
    alarms: Option<Setting<AlarmsSpec>>,
}

impl RegionsSpec {
    /// Reports hosts that are names of these zones.
    pub(super) fn check_hosts(&self, apexes: &BTreeMap<Name, String>, report: &mut Reporter) {
        region::check_hosts(&self.regions, apexes, report);
    }
}

/// What zones refer to.
pub(super) struct Definitions {
    /// The regions by number; `None` for one that is wrong.
    pub regions: Vec<Option<Region>>,
    /// The jurisdiction of each region, which is known even when something else is wrong with it.
    pub jurisdictions: Vec<Option<Country>>,
    pub region_names: Defined,
    pub canaries: Vec<Option<Canary>>,
    pub canary_names: Defined,
    pub groups: groups::Registry,
    /// The groups of `regions.yaml`.
    pub shared_groups: groups::Scope,
    /// The clients that some regions are for.
    pub admissions: Vec<Admission>,
    pub safety: Safety,
    pub drills: Vec<Schedule>,
    pub capacity_events: Vec<CapacityEvent>,
    pub alarms: AlarmRules,
}

impl Definitions {
    /// Lowers what stands in `regions.yaml`; `None`: it could not be read.
    pub fn of(spec: Option<&RegionsSpec>, sources: &SourceFiles, report: &mut Reporter) -> Self {
        let is_read = spec.is_some();
        let nothing = RegionsSpec::default();
        let spec = spec.unwrap_or(&nothing);
        let canaries = canaries::lower(&spec.canaries, sources, report);
        let mut canary_names = Defined::of("canary", "regions.yaml", &spec.canaries, is_read);
        let recovery = recovery::lower(&spec.recovery, &Recovery::default(), report);
        let everywhere = (spec.failover.get_or_default(), recovery);
        let with_services = service_regions::expand(&spec.regions, report);
        let regions = region::lower(&with_services, everywhere, &mut canary_names, report);
        watching::check(&with_services, &regions, &canaries, report);
        let mut groups = groups::Registry::default();
        let region_names = Defined::of("region", "regions.yaml", &with_services, is_read);
        let drills = drills::lower(&spec.drills, &region_names, &regions, report);
        let capacity_events = capacity_events::lower(&spec.capacity_events, &region_names, report);
        let mut shared_groups = groups::lower(&spec.groups, is_read, &mut groups, None, report);
        let admissions = admission::lower(&with_services, &mut shared_groups, report);
        let is_unread = spec.regions.get().is_none() && !spec.regions.is_missing();
        let safety = safety::lower(&spec.safety, (!is_unread).then_some(region_names.len()), report);
        Self {
            jurisdictions: region::jurisdictions(&with_services),
            drills,
            capacity_events,
            safety,
            alarms: alarms::lower(&spec.alarms, safety.limits, report),
            region_names,
            regions,
            canaries,
            canary_names,
            groups,
            shared_groups,
            admissions,
        }
    }

    pub fn report_unused(&self, report: &mut Reporter) {
        self.region_names.report_unused(report);
        self.canary_names.report_unused(report);
        self.shared_groups.names.report_unused(report);
    }
}
