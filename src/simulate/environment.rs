//! The environment of the server: what every target does and says of itself, and how much of it is in use.
//!
//! **Load.** A region's load is the requests that arrive there ([`Traffic`]) over what the addresses that
//! still take requests can serve: its `capacity` belongs to its IPv4 addresses in equal parts (to the others
//! where it has none), and those that refuse or time out have lost theirs. So half a region under the
//! same traffic is twice as loaded, before any canary has noticed. What arrives at the dead half is
//! tried again at the living one. A region of which nothing is left has no load, and neither has one without
//! a capacity. Load does nothing by itself: an address over 100 % answers until the scenario says otherwise.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::traffic::Traffic;
use super::vitals::{Vital, VitalInputs};
use crate::canary::{BlindCause, Blindness, Signal, Signals};
use crate::config::Config;
use crate::moment::Moment;
use crate::region::{Region, Target};

/// Everything that is not the server.
#[derive(Debug)]
pub struct Environment {
    pub demand: Traffic,
    faults: Layers<Fault>,
    /// Whether the references outside the regions answer.
    pub references_answer: bool,
    /// What keeps the instance itself from probing.
    own_fault: Option<BlindCause>,
    vitals: BTreeMap<Signal, Layers<Vital>>,
    /// The regions, in the order of the configuration.
    sites: Vec<RegionCapacity>,
}

/// What load is made of.
#[derive(Debug)]
struct RegionCapacity {
    region: String,
    capacity: Option<f64>,
    /// The addresses that serve.
    serving: Vec<Target>,
    /// How many of them take requests.
    reachable: usize,
}

/// What the scenario said of targets, the latest last; what a later one covers is dropped.
#[derive(Debug)]
struct Layers<T> {
    said: Vec<(Target, T)>,
}

impl Environment {
    /// Returns a world in which nothing is wrong.
    pub fn new(demand: Traffic) -> Self {
        Self {
            demand,
            faults: Layers::default(),
            references_answer: true,
            own_fault: None,
            vitals: BTreeMap::new(),
            sites: Vec::new(),
        }
    }

    /// Takes the regions from a configuration. What was said of targets stays.
    pub fn furnish(&mut self, config: &Config) {
        self.sites = config.regions.iter().map(|(_, region)| RegionCapacity::of(region)).collect();
        self.sites.iter_mut().for_each(|site| site.count(&self.faults));
    }

    /// Makes every address in a target do this from now on.
    pub fn impose(&mut self, target: &Target, fault: Fault) {
        self.faults.add(target, fault);
        let sites = self.sites.iter_mut().filter(|site| site.region == target.region());
        sites.for_each(|site| site.count(&self.faults));
    }

    /// Makes every address in a target say this of itself from now on.
    pub fn tell(&mut self, target: &Target, signal: Signal, vital: Vital) {
        self.vitals.entry(signal).or_default().add(target, vital);
    }

    /// Keeps the instance itself from probing from now on; `None`: lets it probe again.
    pub fn strike(&mut self, cause: Option<BlindCause>) {
        self.own_fault = cause;
    }

    /// Returns whether probes of references are answered: they answer, and nothing keeps the instance from probing.
    pub fn sees_references(&self) -> bool {
        let is_elsewhere =
            |cause: &BlindCause| matches!(cause, BlindCause::NoIpv6 | BlindCause::ResolverSilent);
        self.references_answer && self.own_fault.as_ref().is_none_or(is_elsewhere)
    }

    /// Returns what keeps the instance from probing a target; `None`: nothing.
    pub fn blindness(&self, target: &Target) -> Option<Blindness> {
        let of_target = |cause: &BlindCause| match cause {
            BlindCause::NoIpv6 => target.address().is_some_and(|ip| ip.is_ipv6()),
            BlindCause::ResolverSilent => target.address().is_none(),
            BlindCause::NoRoute
            | BlindCause::LinkDown
            | BlindCause::GatewaySilent
            | BlindCause::OutOfDescriptors
            | BlindCause::NotPermitted
            | BlindCause::Prohibited
            | BlindCause::NoSourceAddress
            | BlindCause::OutOfMemory => true,
        };
        let cause = self.own_fault.filter(of_target)?;
        Some(Blindness { cause, detail: format!("fault of this instance: {}", cause.as_str()) })
    }

    /// Returns what a target does.
    pub fn fault(&self, target: &Target) -> Fault {
        self.faults.of(target)
    }

    /// Returns what an address says when it is asked for these signals.
    pub fn signals(&self, target: &Target, asked: impl Iterator<Item = Signal>, now: Moment) -> Signals {
        let inputs = VitalInputs {
            fault: self.fault(target),
            load: self.carried(target.region(), now),
            requests: self.requests(target.region(), now),
        };
        let mut signals = Signals::default();
        for signal in asked {
            if let Some(value) = self.vital(target, signal).value(signal, &inputs) {
                signals.set(signal, value);
            }
        }
        signals
    }

    /// Returns the load of a region: what the scenario says of the region as a whole, or else what arrives
    /// there. `None`: it is not known.
    pub fn load(&self, region: &str, now: Moment) -> Option<f64> {
        match self.vital(&Target::of_region(region), Signal::Load) {
            Vital::Set(load) => Some(load),
            Vital::Auto | Vital::Silent => self.carried(region, now),
        }
    }

    /// Returns the load of every region, in the order of the configuration.
    pub fn loads(&self, now: Moment) -> Vec<(&str, Option<f64>)> {
        let names = self.sites.iter().map(|site| site.region.as_str());
        names.map(|region| (region, self.load(region, now))).collect()
    }

    fn vital(&self, target: &Target, signal: Signal) -> Vital {
        self.vitals.get(&signal).map_or(Vital::Auto, |vitals| vitals.of(target))
    }

    fn site(&self, region: &str) -> Option<&RegionCapacity> {
        self.sites.iter().find(|site| site.region == region)
    }

    fn carried(&self, region: &str, now: Moment) -> Option<f64> {
        let site = self.site(region)?;
        let capacity = site.capacity.filter(|_| site.reachable > 0)?;
        let left = site.reachable as f64 / site.serving.len() as f64;
        Some(self.demand.arriving(region, now)? / (capacity * left))
    }

    /// Returns how many requests each address of a region had in the last minute, at the present rate.
    fn requests(&self, region: &str, now: Moment) -> Option<f64> {
        let site = self.site(region).filter(|site| site.reachable > 0)?;
        Some(self.demand.arriving(region, now)? * 60.0 / site.reachable as f64)
    }
}

impl RegionCapacity {
    fn of(region: &Region) -> Self {
        let addresses = || {
            region.zones.iter().flat_map(|zone| {
                zone.addresses.iter().map(|ip| Target::of_address(&region.name, &zone.name, *ip))
            })
        };
        let mut serving: Vec<_> =
            addresses().filter(|target| target.address().is_some_and(|ip| ip.is_ipv4())).collect();
        if serving.is_empty() {
            serving = addresses().collect();
        }
        Self {
            region: region.name.clone(),
            capacity: region.capacity.map(|capacity| capacity as f64),
            serving,
            reachable: 0,
        }
    }

    fn count(&mut self, faults: &Layers<Fault>) {
        self.reachable = self.serving.iter().filter(|target| faults.of(target).takes_requests()).count();
    }
}

impl<T: Copy + Default> Layers<T> {
    fn add(&mut self, target: &Target, value: T) {
        self.said.retain(|(earlier, _)| !target.contains(earlier));
        self.said.push((target.clone(), value));
    }

    /// Returns the latest that was said of the whole of a target.
    fn of(&self, target: &Target) -> T {
        let latest = self.said.iter().rev().find(|(said, _)| said.contains(target));
        latest.map_or_else(T::default, |(_, value)| *value)
    }
}

impl<T> Default for Layers<T> {
    fn default() -> Self {
        Self { said: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse().expect("a target")
    }

    /// Imposes faults on targets in their order, and compares what happens to one of them.
    fn check(faults: &[(&str, Fault)], at: &str, expected: Fault) {
        let mut environment = Environment::new(Traffic::new(&[]));
        faults.iter().for_each(|(at, fault)| environment.impose(&target(at), *fault));
        assert_eq!(environment.fault(&target(at)), expected, "{at} after {faults:?}");
    }

    #[test]
    fn the_latest_word_about_a_place_counts_and_that_about_a_part_leaves_the_rest() {
        let all = ("tokyo", Fault::Refuse);
        let part = ("tokyo/a", Fault::Timeout);
        check(&[all, part], "tokyo/a", Fault::Timeout);
        check(&[all, part], "tokyo/b", Fault::Refuse);
        check(&[part, all], "tokyo/a", Fault::Refuse);
        check(&[part], "tokyo", Fault::Ok);
        check(&[part], "osaka", Fault::Ok);
    }

    #[test]
    fn a_signal_that_is_set_leaves_the_others_and_what_the_place_does() {
        let mut environment = Environment::new(Traffic::new(&[]));
        let tokyo = target("tokyo");
        environment.impose(&tokyo, Fault::Gray);
        environment.tell(&tokyo, Signal::Load, Vital::Set(0.9));
        environment.tell(&tokyo, Signal::Requests, Vital::Silent);
        let asked = [Signal::Load, Signal::ErrorRate, Signal::Requests].into_iter();
        let said = environment.signals(&tokyo, asked, Moment(0));
        let expected = Signals { load: Some(0.9), error_rate: Some(0.2), ..Signals::default() };
        assert_eq!(said, expected);
    }
}
