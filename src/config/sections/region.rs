//! One region of `regions.yaml`: where it is, its availability zones, and what watches it.

use std::collections::HashMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::recovery::{self, RecoverySpec};
use crate::canary::CanaryId;
use crate::client::Country;
use crate::config::problem::{Reporter, Span};
use crate::config::values::{
    Defined, List, Value, check_name, given, items, point, required, says_nothing, word,
};
use crate::config::yaml::{Entries, Setting};
use crate::region::{AvailabilityZone, Failover, MAX_REGIONS, Minimum, Recovery, Region};

/// A place that serves the API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionSpec {
    /// Where it is, for the order by distance.
    pub location: Setting<LocationSpec>,
    /// The country whose law applies to what is processed here, by ISO 3166-1 code.
    pub jurisdiction: Value<Country>,
    /// Requests per second it can serve at peak. Left out: not known, and the region sheds nothing.
    pub capacity: Option<Value<u64>>,
    /// The region leaves the answers of a family (IPv4, IPv6) when fewer of its addresses of that
    /// family are up: a number, or a share as `50%` (rounded up). Left out: 1.
    pub min_healthy: Option<Value<Minimum>>,
    /// The availability zones by name: parts of the region that fail and are evacuated alone.
    pub zones: Setting<Entries<AvailabilityZoneSpec>>,
    /// What the machine may do when this region should leave the answers. Left out: as for all regions.
    pub failover: Option<Setting<Failover>>,
    /// How it, and each of its availability zones, comes back. What is left out is as for all regions.
    pub recovery: Option<Setting<RecoverySpec>>,
    /// The canaries that watch the region: every address of it, or the region as a whole. Left out: none, and
    /// its addresses count as up.
    pub canaries: Option<List<String>>,
}

/// A point on the globe.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationSpec {
    /// Degrees north of the equator, −90 to 90.
    pub latitude: Value<f64>,
    /// Degrees east of Greenwich, −180 to 180.
    pub longitude: Value<f64>,
}

/// A part of a region with its own addresses.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailabilityZoneSpec {
    /// Its IPv4 and IPv6 addresses: what answers contain and what canaries probe. Each may occur once
    /// in the whole configuration.
    pub addresses: List<IpAddr>,
}

/// The most addresses of all regions together: each is probed, and each flip compiles a snapshot.
const MAX_ADDRESSES: usize = 10_000;

/// Returns the jurisdiction of each region, if it can be read.
pub(super) fn jurisdictions(spec: &Option<Setting<Entries<RegionSpec>>>) -> Vec<Option<Country>> {
    let all = spec.iter().filter_map(|regions| regions.value.as_ref()).flat_map(|all| all.iter());
    all.map(|(_, _, region)| Some(region.value.as_ref()?.jurisdiction.value.as_ref()?.0)).collect()
}

/// Lowers the regions. What one of them leaves out is as for all of them: `failover` and `recovery`.
pub(super) fn lower(
    spec: &Option<Setting<Entries<RegionSpec>>>,
    failover: Failover,
    recovery: Recovery,
    canaries: &mut Defined,
    report: &mut Reporter,
) -> Vec<Option<Region>> {
    let Some(all) = spec.as_ref().and_then(|regions| regions.value.as_ref()) else {
        return Vec::new();
    };
    let mut lowering = RegionLowering { seen: HashMap::new(), recovery, failover, canaries, report };
    let regions: Vec<_> =
        all.iter().map(|(name, span, region)| lowering.region(name, region, span)).collect();
    if let Some((_, span, _)) = all.iter().nth(MAX_REGIONS) {
        report.error(span, format!("more than {MAX_REGIONS} regions"));
    }
    regions
}

struct RegionLowering<'l> {
    /// Every address so far, with its region and line.
    seen: HashMap<IpAddr, (String, u32)>,
    /// What is said for all regions.
    recovery: Recovery,
    failover: Failover,
    canaries: &'l mut Defined,
    report: &'l mut Reporter,
}

impl RegionLowering<'_> {
    fn region(&mut self, name: &str, spec: &Setting<RegionSpec>, span: Span) -> Option<Region> {
        check_name(name, span, self.report);
        if spec.is_missing() {
            let draft = self.report.error(span, format!("region `{name}` says nothing"));
            draft.hint("it needs `location`, `jurisdiction` and `zones`");
        }
        let (spec, _) = spec.given()?;
        if spec.location.is_missing() {
            let draft = self.report.error(span, format!("region `{name}` has no `location`"));
            draft.hint("write `location: { latitude: 35.68, longitude: 139.69 }`");
        }
        let location = spec.location.given();
        let location = location.and_then(|(at, span)| point(&at.latitude, &at.longitude, span, self.report));
        let hint = "write the country whose law applies there, for example `jurisdiction: JP`";
        let jurisdiction = required(&spec.jurisdiction, "jurisdiction", span, hint, self.report);
        let zones = self.zones(name, &spec.zones, span);
        let canaries = self.canaries(spec);
        self.check_min_healthy(spec, &zones);
        let recovery = recovery::lower(&spec.recovery, &self.recovery, self.report);
        Some(Region {
            name: name.to_owned(),
            location: location?,
            jurisdiction: *jurisdiction?.0,
            capacity: given(&spec.capacity).map(|(capacity, _)| *capacity),
            min_healthy: given(&spec.min_healthy).map_or(Minimum::Count(1), |(minimum, _)| *minimum),
            failover: word(&spec.failover).unwrap_or(self.failover),
            recovery,
            canaries,
            zones,
        })
    }

    fn zones(
        &mut self,
        region: &str,
        spec: &Setting<Entries<AvailabilityZoneSpec>>,
        span: Span,
    ) -> Vec<AvailabilityZone> {
        let entries = spec.value.as_ref().map_or(&[][..], |entries| &entries.list[..]);
        if entries.is_empty() && (spec.value.is_some() || spec.is_missing()) {
            let draft = self.report.error(span, format!("region `{region}` has no addresses"));
            draft.hint("write `zones: { a: { addresses: [192.0.2.1] } }`");
        }
        let mut zones = Vec::new();
        for (name, span, zone) in spec.value.iter().flat_map(|entries| entries.iter()) {
            check_name(name, span, self.report);
            let addresses = zone.value.as_ref().map(|zone| &zone.addresses);
            let lowered: Vec<IpAddr> = addresses.map(|list| self.addresses(region, list)).unwrap_or_default();
            let is_empty =
                addresses.map_or(zone.is_missing(), |list| list.is_missing() || says_nothing(list));
            if is_empty {
                let draft = self.report.error(span, format!("availability zone `{name}` has no addresses"));
                draft.hint("write `addresses: [192.0.2.1]`");
            }
            zones.push(AvailabilityZone { name: name.to_owned(), addresses: lowered });
        }
        zones
    }

    fn addresses(&mut self, region: &str, list: &List<IpAddr>) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for (address, span) in items(list) {
            self.check_address(*address, span);
            if let Some((other, line)) = self.seen.insert(*address, (region.to_owned(), span.line)) {
                let message = format!("address `{address}` occurs twice");
                self.report.error(span, message).hint(format!("region `{other}` has it in line {line}"));
            }
            if self.seen.len() == MAX_ADDRESSES + 1 {
                self.report.error(span, format!("more than {MAX_ADDRESSES} addresses"));
            }
            addresses.push(*address);
        }
        addresses
    }

    /// Refuses what no client could use, or what would be asked for as another family.
    fn check_address(&mut self, address: IpAddr, span: Span) {
        if address.is_unspecified() || address.is_multicast() || address == IpAddr::from([255; 4]) {
            self.report.error(span, format!("`{address}` is not the address of a machine"));
        }
        let IpAddr::V6(v6) = address else { return };
        // The demo tells its IPv6 services apart by mapped loopback addresses.
        if let Some(v4) = v6.to_ipv4_mapped()
            && !v4.is_loopback()
        {
            let message = format!("`{address}` is an IPv4 address inside of IPv6");
            self.report.error(span, message).hint(format!("write `{v4}`"));
        }
    }

    fn canaries(&mut self, spec: &RegionSpec) -> Vec<CanaryId> {
        let mut canaries = Vec::new();
        for (name, span) in spec.canaries.iter().flat_map(|list| items(list)) {
            let Some(index) = self.canaries.find(name, span, self.report) else {
                continue;
            };
            let id = CanaryId(u16::try_from(index).unwrap_or(u16::MAX));
            if canaries.contains(&id) {
                self.report.error(span, format!("canary `{name}` is listed twice"));
            }
            canaries.push(id);
        }
        canaries
    }

    fn check_min_healthy(&mut self, spec: &RegionSpec, zones: &[AvailabilityZone]) {
        let addresses = || zones.iter().flat_map(|zone| &zone.addresses);
        let largest = addresses().filter(|address| address.is_ipv4()).count();
        let largest = largest.max(addresses().filter(|address| address.is_ipv6()).count());
        if let Some((Minimum::Count(count), span)) = given(&spec.min_healthy)
            && *count as usize > largest
            && largest > 0
        {
            let message = format!("`min_healthy` is {count}, but no family has more than {largest}");
            self.report.error(span, message).hint("a share such as `50%` grows with the region");
        }
    }
}
