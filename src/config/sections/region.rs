//! One region of `regions.yaml`: where it is, its availability zones, and what watches it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::availability_zone::AvailabilityZoneSpec;
use super::far;
use super::recovery::{self, RecoverySpec};
use super::services::ServiceSpec;
use crate::canary::CanaryId;
use crate::client::Country;
use crate::config::problem::{Reporter, Span};
use crate::config::records;
use crate::config::values::{Checked, Defined, Degrees, List, Value, check_name, point};
use crate::config::yaml::{Entries, Setting, Written};
use crate::region::{
    AvailabilityZone, Failover, Host, MAX_HOSTS, MAX_REGIONS, Minimum, Recovery, Region, split_service,
};
use crate::zone::{Name, name_text};

/// A place that serves the API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionSpec {
    /// Where it is, for the order by distance.
    pub(super) location: Setting<LocationSpec>,
    /// The country whose law applies to what is processed here, by ISO 3166-1 code.
    pub(super) jurisdiction: Value<Country>,
    /// Requests per second it can serve at peak. Left out: not known, and the region sheds nothing.
    pub(super) capacity: Option<Value<u64>>,
    /// The region leaves the answers of a family (IPv4, IPv6) when fewer of its addresses of that
    /// family are up: a number, or a share as `50%` (rounded up). Left out: 1.
    pub(super) min_healthy: Option<Value<Minimum>>,
    /// The availability zones by name: parts of the region that fail and are evacuated alone.
    pub(super) zones: Setting<Entries<AvailabilityZoneSpec>>,
    /// What the machine may do when this region should leave the answers. Left out: as for all regions.
    pub(super) failover: Option<Setting<Failover>>,
    /// How it, and each of its availability zones, comes back. What is left out is as for all regions.
    pub(super) recovery: Option<Setting<RecoverySpec>>,
    /// The canaries that watch the region: every address of it, or the region as a whole. Left out: none, and
    /// its addresses count as up.
    pub(super) canaries: Option<List<String>>,
    /// What else stands behind its addresses, by name: each has canaries and a health of its own, and names choose it by
    /// `service`. At most 8. Left out: none.
    pub(super) services: Option<Setting<Entries<ServiceSpec>>>,
    /// Only clients of these groups (of this file, or `unknown`) are sent to the region, by any name. It removes as
    /// residency does: nothing brings the region back for others, neither failing open nor an operator. Left out: all
    /// clients.
    pub(super) only_for: Option<List<String>>,
    /// Clients of these groups are never sent to the region. Left out: none.
    pub(super) not_for: Option<List<String>>,
}

/// A point on the globe.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LocationSpec {
    /// Degrees north of the equator, −90 to 90.
    latitude: Value<Degrees>,
    /// Degrees east of Greenwich, −180 to 180.
    longitude: Value<Degrees>,
}

/// The most addresses of all regions together: each is probed, and each flip compiles a snapshot.
pub const MAX_ADDRESSES: usize = 10_000;

/// Returns the jurisdiction of each region, if it can be read.
pub(super) fn jurisdictions(spec: &Option<Setting<Entries<RegionSpec>>>) -> Vec<Option<Country>> {
    spec.entries().map(|(_, _, region)| region.get()?.jurisdiction.get().copied()).collect()
}

/// Lowers the regions. What one of them leaves out is as for all of them: `failover` and `recovery`.
pub(super) fn lower(
    spec: &Option<Setting<Entries<RegionSpec>>>,
    (failover, recovery): (Failover, Recovery),
    canaries: &mut Defined,
    report: &mut Reporter,
) -> Vec<Option<Region>> {
    let mut lowering =
        RegionLowering { seen: HashMap::new(), hosts: HashMap::new(), recovery, failover, canaries, report };
    let regions = spec.entries().map(|(name, span, region)| lowering.region(name, region, span)).collect();
    if let Some((_, span, _)) = spec.entries().nth(MAX_REGIONS) {
        report.error(span, format!("more than {MAX_REGIONS} regions"));
    }
    regions
}

/// Reports hosts whose addresses this server itself would be asked for.
pub(super) fn check_hosts(
    spec: &Option<Setting<Entries<RegionSpec>>>,
    apexes: &BTreeMap<Name, String>,
    report: &mut Reporter,
) {
    let zones = spec.entries().filter_map(|(_, _, region)| Some(region.get()?.zones.entries()));
    let hosts = zones.flatten().filter_map(|(_, _, zone)| zone.get()?.host.given());
    for (text, span) in hosts {
        let Ok(name) = records::parse_name(text, &Name::root()) else { continue };
        if let Some(apex) = apexes.keys().find(|apex| apex.zone_of(&name)) {
            let finding =
                report.error(span, format!("`{text}` is in the zone `{apex}`, which this server answers"));
            finding.hint("write the name that the load balancer has elsewhere");
        }
    }
}

struct RegionLowering<'l> {
    /// Every address of each service so far, with its region and line.
    seen: HashMap<(IpAddr, Option<String>), (String, u32)>,
    /// Every host of each service so far, with its line.
    hosts: HashMap<(String, Option<String>), u32>,
    /// What is said for all regions.
    recovery: Recovery,
    failover: Failover,
    canaries: &'l mut Defined,
    report: &'l mut Reporter,
}

impl RegionLowering<'_> {
    fn region(&mut self, name: &str, spec: &Setting<RegionSpec>, span: Span) -> Option<Region> {
        let (place, service) = split_service(name);
        // The name of a service has been checked where it stands.
        if service.is_none() {
            check_name(place, span, self.report);
        }
        if spec.is_missing() {
            let finding = self.report.error(span, format!("region `{name}` says nothing"));
            finding.hint("it needs `location`, `jurisdiction` and `zones`");
        }
        let spec = spec.get()?;
        let hint = "write `location: { latitude: 35.68, longitude: 139.69 }`";
        let location = spec.location.required("location", span, hint, self.report);
        let whereabouts = location.map_or(span, |(_, span)| span);
        let location = location.and_then(|(at, span)| point(&at.latitude, &at.longitude, span, self.report));
        let hint = "write the country whose law applies there, for example `jurisdiction: JP`";
        let jurisdiction = spec.jurisdiction.required("jurisdiction", span, hint, self.report);
        if let (Some(location), Some((jurisdiction, _))) = (location, jurisdiction) {
            far::check(place, location, *jurisdiction, whereabouts, self.report);
        }
        let zones = self.zones(name, &spec.zones, span);
        let canaries = self.canaries(spec);
        self.check_min_healthy(spec, &zones);
        let recovery = recovery::lower(&spec.recovery, &self.recovery, self.report);
        Some(Region {
            name: name.to_owned(),
            location: location?,
            jurisdiction: *jurisdiction?.0,
            capacity: spec.capacity.get().copied(),
            min_healthy: spec.min_healthy.get_or(Minimum::Count(1)),
            failover: spec.failover.get_or(self.failover),
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
        if spec.is_missing() || spec.get().is_some_and(|entries| entries.list.is_empty()) {
            let finding = self.report.error(span, format!("region `{region}` has no addresses"));
            finding.hint("write `zones: { a: { addresses: [192.0.2.1] } }`");
        }
        let mut zones = Vec::new();
        for (name, span, zone) in spec.entries() {
            check_name(name, span, self.report);
            let list = zone.get().and_then(|zone| zone.addresses.as_ref());
            let named = zone.get().is_some_and(|zone| zone.host.is_some());
            let is_empty = zone.is_missing() || zone.get().is_some_and(|zone| zone.addresses.says_nothing());
            if is_empty && !named {
                let finding = self.report.error(span, format!("availability zone `{name}` has no addresses"));
                finding.hint("write `addresses: [192.0.2.1]`");
            }
            let addresses = list.map(|list| self.addresses(region, list)).unwrap_or_default();
            let host = zone.get().and_then(|zone| self.host(region, zone));
            zones.push(AvailabilityZone { name: name.to_owned(), addresses, host });
        }
        zones
    }

    fn host(&mut self, region: &str, spec: &AvailabilityZoneSpec) -> Option<Host> {
        if let (Some((true, span)), None) = (spec.private.given().map(|(is, span)| (*is, span)), &spec.host) {
            self.report
                .error(span, "`private` is about `host`, which is missing")
                .hint("listed addresses may be private");
        }
        let (text, span) = spec.host.given()?;
        if !spec.addresses.says_nothing() {
            let finding = self.report.error(span, "the zone has `addresses` and `host`");
            finding.hint("leave one of them out: the addresses are listed, or looked up");
        }
        let name = self.report.ok(span, records::parse_name(text, &Name::root()))?;
        if text.parse::<IpAddr>().is_ok() || name.num_labels() < 2 || name.is_wildcard() {
            let finding = self.report.error(span, format!("`{text}` is not the name of a host"));
            finding.hint("write a whole name as `lb.example.net`; an address stands in `addresses`");
        }
        let name = name_text(&name.to_lowercase());
        let service = split_service(region).1.map(str::to_owned);
        if let Some(line) = self.hosts.insert((name.clone(), service), span.line) {
            let finding = self.report.error(span, format!("host `{name}` occurs twice"));
            finding.hint(format!("line {line} has it: an address is of one zone only"));
        }
        if self.hosts.len() == MAX_HOSTS + 1 {
            self.report.error(span, format!("more than {MAX_HOSTS} hosts"));
        }
        Some(Host { name, takes_private: spec.private.get_or_default() })
    }

    fn addresses(&mut self, region: &str, list: &List<IpAddr>) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for (address, span) in list.items() {
            self.check_address(*address, span);
            let service = split_service(region).1.map(str::to_owned);
            let here = (region.to_owned(), span.line);
            if let Some((other, line)) = self.seen.insert((*address, service), here) {
                let message = format!("address `{address}` occurs twice");
                let hint = match other == region {
                    true => format!("region `{other}` has it in line {line}"),
                    false => format!(
                        "region `{other}` has it in line {line}; what else stands behind it is one of its `services`, \
                         with canaries of its own"
                    ),
                };
                self.report.error(span, message).hint(hint);
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
        for (name, span) in spec.canaries.items() {
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
        if let Some((Minimum::Count(count), span)) = spec.min_healthy.given()
            && *count as usize > largest
            && largest > 0
        {
            let message = format!("`min_healthy` is {count}, but no family has more than {largest}");
            self.report.error(span, message).hint("a share such as `50%` grows with the region");
        }
    }
}
