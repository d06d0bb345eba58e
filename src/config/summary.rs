//! What a configuration would serve, in words: the text that `meridian check` prints.

use std::fmt;
use std::time::Duration;

use super::Config;
use super::sections::capacity_events::CapacityEvent;
use crate::canary::{Canary, Check, Criticality, Reach, Signal, TlsCheck};
use crate::client::{GroupId, Member};
use crate::health::{HealthTerms, pace};
use crate::region::{Failback, Failover, Family, Limits, Recovery, Region, RegionId, Safety};
use crate::steering::{AllDown, Order, Policy, Steering};
use crate::units::TimeSpan;
use crate::zone::{Chooser, Node, SteeringId, Zone};

/// The most static names of a zone that are listed one by one.
const MAX_LISTED: usize = 20;

/// Writes a configuration for people.
#[derive(Clone, Copy, Debug)]
pub struct ConfigSummary<'c>(pub &'c Config);

impl fmt::Display for ConfigSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server(f)?;
        for zone in &self.0.zones {
            self.zone(zone, f)?;
        }
        for (_, region) in self.0.regions.iter() {
            self.region(region, f)?;
        }
        self.together(f)?;
        for canary in &self.0.canaries {
            write_canary(canary, f)?;
        }
        Ok(())
    }
}

impl ConfigSummary<'_> {
    fn server(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = &self.0.server;
        let listed = |addresses: &[std::net::SocketAddr]| {
            addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        writeln!(f, "server {}", server.name)?;
        writeln!(f, "  dns: {}", listed(&server.listen.dns))?;
        writeln!(f, "  admin: {}", server.admin.map_or("nowhere".to_owned(), |admin| admin.to_string()))?;
        let database = server.geo.database.as_ref().map_or("no database".to_owned(), ToString::to_string);
        write!(f, "  locations: {database}")?;
        if let Some(asn) = &server.geo.asn {
            write!(f, ", {}", asn.display())?;
        }
        match server.geo.networks.len() {
            0 => writeln!(f),
            count => writeln!(f, ", networks of the operator: {count}"),
        }
    }

    fn zone(&self, zone: &Zone, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steered = || {
            zone.nodes.values().filter_map(|node| match node.chooser {
                Some(Chooser::Steering(id)) => Some(id),
                Some(Chooser::Pin(_)) | None => None,
            })
        };
        writeln!(f, "\nzone {} ({} names, {} steered)", zone.apex, zone.nodes.len(), steered().count())?;
        for id in steered() {
            self.steered(&self.0.steered[id.0 as usize], f)?;
            self.pins(id, f)?;
        }
        let fixed = || zone.nodes.iter().filter(|(_, node)| !node.rrsets.is_empty());
        for (name, node) in fixed().take(MAX_LISTED) {
            writeln!(f, "  {name}: {}", types(node))?;
        }
        match fixed().count().saturating_sub(MAX_LISTED) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more static names"),
        }
    }

    fn steered(&self, steering: &Steering, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = &steering.policy;
        let types = if steering.https.is_some() { "A, AAAA and HTTPS" } else { "A and AAAA" };
        writeln!(f, "  {}: {types} from {}", steering.owner, self.names(&policy.regions))?;
        let shared = policy.spread.as_ref().map_or_else(String::new, |spread| {
            format!(", clients shared by regions that are at most {} km farther", spread.km)
        });
        writeln!(f, "    order: {}{shared}", self.order(&policy.order))?;
        for rule in &policy.residency {
            writeln!(f, "    residency: {}", rule.text)?;
        }
        for admission in &policy.admissions {
            writeln!(f, "    region: {}", admission.text)?;
        }
        if !policy.residency.is_empty() {
            let unbound = if self.binds_unknown(policy) { "" } else { "; no rule binds unknown locations" };
            writeln!(f, "    border: by client subnet, and without one by the resolver's address{unbound}")?;
        }
        writeln!(f, "    unknown location: {}", self.names(&policy.unknown_location))?;
        let all_down = match policy.all_down {
            AllDown::FailOpen => "fail open, within residency",
            AllDown::Servfail => "SERVFAIL",
            AllDown::Nodata => "NODATA",
        };
        writeln!(f, "    all down: {all_down}")?;
        if policy.terms == HealthTerms::Steady {
            writeln!(f, "    failover: off, so that operators alone move its clients")?;
        }
        let [ttl, short] = [steering.ttl, steering.short_ttl].map(|ttl| u64::from(ttl.seconds()));
        let of_regions = match policy.max_regions {
            ..=1 => String::new(),
            several => format!(" of {several} regions"),
        };
        let of_zone = if policy.one_zone { ", each client's of one zone" } else { "" };
        writeln!(
            f,
            "    ttl: {ttl}s, {short}s while an address is suspect; at most {} addresses{of_regions}{of_zone}",
            steering.max_answers
        )?;
        match policy.regions.iter().filter_map(|id| self.slowest(*id, ttl, short)).max() {
            Some(longest) if policy.terms != HealthTerms::Steady => {
                writeln!(f, "    a dead region loses its last clients within {}", TimeSpan(longest))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn pins(&self, of: SteeringId, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pins = self.0.pins.iter().filter(|pin| pin.of == of).map(|pin| &pin.owner);
        match (pins.next(), pins.count()) {
            (None, _) => Ok(()),
            (Some(first), 0) => writeln!(f, "    pins: {first}, whatever its health"),
            (Some(first), more) => writeln!(f, "    pins: {first} and {more} more, whatever their health"),
        }
    }

    /// Returns whether a residency rule binds the clients whose location is not known.
    fn binds_unknown(&self, policy: &Policy) -> bool {
        let holds_unknown = |group: &GroupId| match usize::from(group.0).checked_sub(1) {
            None => true,
            Some(index) => self.0.groups[index].members.contains(&Member::Unknown),
        };
        policy.residency.iter().any(|rule| rule.clients.iter().any(holds_unknown))
    }

    /// Returns when the last cached answer with a dead region's addresses has expired: one given just
    /// before the first failure lives for the whole TTL, one given just before the fall for the short.
    /// `None`: nothing is promised.
    fn slowest(&self, region: RegionId, ttl: u64, short: u64) -> Option<Duration> {
        let region = self.0.regions.region(region);
        if region.failover != Failover::Auto {
            return None;
        }
        let each =
            [Reach::Address, Reach::Region].into_iter().filter_map(|reach| self.fastest(region, reach));
        let canary = each.min_by_key(|canary| pace::worst_case(canary))?;
        let before_suspect = canary.interval + canary.timeout + Duration::from_secs(ttl);
        Some(before_suspect.max(pace::worst_case(canary) + Duration::from_secs(short)))
    }

    /// Returns the critical canary of this reach that sees a death first.
    fn fastest(&self, region: &Region, reach: Reach) -> Option<&Canary> {
        let canaries = region.canaries.iter().map(|id| &self.0.canaries[usize::from(id.0)]);
        let critical =
            canaries.filter(|canary| canary.effect == Criticality::Critical && canary.reach == reach);
        critical.min_by_key(|canary| pace::worst_case(canary))
    }

    fn names(&self, regions: &[RegionId]) -> String {
        let names: Vec<_> = regions.iter().map(|id| self.0.regions.region(*id).name.as_str()).collect();
        names.join(", ")
    }

    pub(super) fn order(&self, order: &Order) -> String {
        match order {
            Order::Nearest => "nearest".to_owned(),
            Order::Listed => "listed".to_owned(),
            Order::Groups { lists, otherwise } => {
                let lists = lists.iter().map(|(group, regions)| {
                    let index = usize::from(group.0).checked_sub(1);
                    let name = index.map_or("unknown", |index| self.0.groups[index].name.as_str());
                    format!("{name}: {}; ", self.names(regions))
                });
                format!("{}otherwise {}", lists.collect::<String>(), self.order(otherwise))
            }
        }
    }

    fn region(&self, region: &Region, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = || region.zones.iter().flat_map(|zone| &zone.addresses);
        let v4 = addresses().filter(|address| Family::of(**address) == Family::V4).count();
        let v6 = addresses().count() - v4;
        writeln!(f, "\nregion {} ({}, {v4} IPv4 and {v6} IPv6 addresses)", region.name, region.jurisdiction)?;
        for zone in &region.zones {
            let mut addresses: Vec<_> = zone.addresses.iter().map(ToString::to_string).collect();
            addresses.extend(zone.host.iter().map(|host| format!("what {} leads to", host.name)));
            writeln!(f, "  {}: {}", zone.name, addresses.join(", "))?;
        }
        match region.failover {
            Failover::Auto => {}
            Failover::Advise => writeln!(f, "  failover: advise, so that no client is moved")?,
            Failover::Off => writeln!(f, "  failover: off")?,
        }
        if region.canaries.is_empty() {
            return writeln!(f, "  no canaries: its addresses count as up");
        }
        let canaries = region.canaries.iter().map(|id| self.0.canaries[usize::from(id.0)].name.as_str());
        writeln!(f, "  canaries: {}", canaries.collect::<Vec<_>>().join(", "))?;
        match self.fastest(region, Reach::Address) {
            Some(fastest) => {
                writeln!(f, "  a dead address is down within {}", TimeSpan(pace::worst_case(fastest)))?;
            }
            None => writeln!(f, "  no critical canary of addresses: they count as up")?,
        }
        if let Some(fastest) = self.fastest(region, Reach::Region) {
            writeln!(f, "  a dead region is down within {}", TimeSpan(pace::worst_case(fastest)))?;
        }
        Ok(())
    }

    /// Writes what holds for several regions: how they come back, what of `safety` is not default, and drills.
    fn together(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut recoveries: Vec<(&Recovery, Vec<RegionId>)> = Vec::new();
        for (id, region) in self.0.regions.iter() {
            match recoveries.iter_mut().find(|(recovery, _)| **recovery == region.recovery) {
                Some((_, regions)) => regions.push(id),
                None => recoveries.push((&region.recovery, vec![id])),
            }
        }
        if !recoveries.is_empty() {
            writeln!(f)?;
        }
        for (recovery, regions) in &recoveries {
            write!(f, "recovery")?;
            if recoveries.len() > 1 {
                write!(f, " of {}", self.names(regions))?;
            }
            writeln!(f, ": {}", recovery_text(recovery))?;
        }
        let Safety { min_in_service, keep, shared_hold, velocity, limits } = &self.0.safety;
        if let Some(least) = min_in_service {
            writeln!(f, "safety: regions that stay in service: {least}")?;
        }
        let default = Safety::default();
        if (*keep, *shared_hold, *velocity) != (default.keep, default.shared_hold, default.velocity) {
            let hold = TimeSpan(*shared_hold);
            writeln!(
                f,
                "safety: keeps {keep} of a name's regions, holds for {hold}, moves {velocity} in 10 min"
            )?;
        }
        if *limits != Limits::default() {
            let Limits { soft, hard, back, step } = limits;
            writeln!(f, "load: sheds above {soft} by {step}, takes back below {back}, full at {hard}")?;
        }
        for CapacityEvent { region, at, until, percent } in &self.0.capacity_events {
            let region = &self.0.regions.region(*region).name;
            writeln!(f, "known event: {region} has {percent} of its capacity from {at} until {until}")?;
        }
        for drill in &self.0.drills {
            writeln!(f, "by schedule: {drill}")?;
        }
        Ok(())
    }
}

/// Returns when a region has all its clients again at the earliest, and how that comes about.
fn recovery_text(recovery: &Recovery) -> String {
    let Recovery { min_down, ramp, hold, gates: _, failback } = recovery;
    let steps = u32::try_from(ramp.len()).expect("the configuration bounds the steps");
    let climb = *hold * steps;
    let [wait, held, climbed] = [*min_down, *hold, climb].map(TimeSpan);
    match (failback, climb.is_zero()) {
        (Failback::Auto, true) => format!("all clients are back {wait} after a fall at the earliest"),
        (Failback::Auto, false) => {
            let all = TimeSpan(*min_down + climb);
            format!(
                "all clients are back {all} after a fall at the earliest = min_down {wait} + {steps} x hold {held}"
            )
        }
        (Failback::Manual, true) => "held until an operator lets all clients back".to_owned(),
        (Failback::Manual, false) => {
            format!("held until an operator lets clients back, and all of them {climbed} later")
        }
    }
}

fn types(node: &Node) -> String {
    let types: Vec<_> = node.rrsets.iter().map(|set| super::records::type_text(set.rtype)).collect();
    types.join(", ")
}

fn write_canary(canary: &Canary, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let check = match &canary.check {
        Check::Tcp { port } => format!("connects to TCP port {port}"),
        Check::Tls(tls) => tls_text(tls),
        Check::Http(http) => format!("{} {}", http.method, http.url),
        Check::Inference(inference) => format!("a prompt to {}", inference.http.url),
        Check::Json(json) => format!("JSON of {} {}", json.http.method, json.http.url),
    };
    writeln!(f, "\ncanary {}: {check}", canary.name)?;
    if canary.reach == Reach::Region {
        writeln!(f, "  once for each region, where the name leads")?;
    }
    if let Criticality::Advisory(share) = canary.effect {
        writeln!(f, "  advisory: what it finds down keeps {share} of its clients")?;
    }
    if let Some(authorities) = canary.check.authorities() {
        writeln!(f, "  trusts the authorities in {} only", authorities.file)?;
    }
    write_expected(&canary.check, f)?;
    if let Some(slow) = canary.slow {
        writeln!(f, "  slow above {}", TimeSpan(slow))?;
    }
    let fall = canary.thresholds.fall;
    writeln!(
        f,
        "  every {}, timeout {}, recheck {}; down after {fall} failures, up after {} successes",
        TimeSpan(canary.interval),
        TimeSpan(canary.timeout),
        TimeSpan(canary.recheck),
        canary.thresholds.rise,
    )?;
    writeln!(
        f,
        "  worst case {} = interval {} + timeout {} + {} x (recheck {} + timeout {})",
        TimeSpan(pace::worst_case(canary)),
        TimeSpan(canary.interval),
        TimeSpan(canary.timeout),
        fall.saturating_sub(1),
        TimeSpan(canary.recheck),
        TimeSpan(canary.timeout),
    )
}

/// Writes what is expected of an answer besides its status.
fn write_expected(check: &Check, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let assertions = match check {
        Check::Json(json) => json.assertions.as_slice(),
        Check::Inference(inference) => inference.assertions.as_slice(),
        Check::Tcp { .. } | Check::Tls(_) | Check::Http(_) => return Ok(()),
    };
    for assertion in assertions {
        writeln!(f, "  asserts that {assertion}")?;
    }
    for (signal, pointer) in check.signals() {
        let remark = match signal {
            Signal::Load | Signal::ErrorRate | Signal::P95Latency | Signal::Requests => "",
            Signal::ReplicationLag | Signal::QueueDepth => ", and only shows it",
        };
        writeln!(f, "  hears {} from {pointer}{remark}", signal.as_str())?;
    }
    let Check::Inference(inference) = check else { return Ok(()) };
    for (what, limit) in [("first byte", inference.first_byte), ("whole answer", inference.total)] {
        if let Some(limit) = limit {
            writeln!(f, "  {what} within {}", TimeSpan(limit))?;
        }
    }
    Ok(())
}

fn tls_text(tls: &TlsCheck) -> String {
    let days = match tls.min_days_left {
        0 => String::new(),
        days => format!(", at least {days} days before it expires"),
    };
    format!("shakes hands on TCP port {} with a certificate for {}{days}", tls.port, tls.name)
}
