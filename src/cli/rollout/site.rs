//! What a server says of the region or zone of a rollout.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::{bail, ensure};

use crate::admin::api::{AddressStatus, RegionStatus, Timestamp};
use crate::health::{AddressState, Phase};
use crate::region::Target;

/// How many newer results of a canary there must be: the first may be of a probe that began before.
const NEWER: usize = 2;

/// What is known of a region or zone at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RolloutSite {
    pub addresses: Vec<AddressStatus>,
    /// Its phases, by family, if it has addresses of that.
    pub phases: Vec<Phase>,
    /// The alarms about its region.
    pub alarms: Vec<String>,
}

impl RolloutSite {
    /// Takes the parts that are about a target.
    pub fn read(region: RegionStatus, mut alarms: Vec<String>, target: &Target) -> Self {
        let RegionStatus { summary, mut zones, .. } = region;
        zones.retain(|zone| target.zone().is_none_or(|name| zone.name == name));
        let sites = match (target.zone(), zones.first()) {
            (None, _) => [summary.ipv4.site.phase, summary.ipv6.site.phase],
            (Some(_), Some(zone)) => [zone.ipv4.phase, zone.ipv6.phase],
            (Some(_), None) => [None, None],
        };
        alarms.retain(|alarm| is_about(alarm, target.region()));
        let addresses = zones.into_iter().flat_map(|zone| zone.addresses).collect();
        Self { addresses, phases: sites.into_iter().flatten().collect(), alarms }
    }

    /// Returns the addresses, separated by spaces.
    pub fn list(&self) -> String {
        self.addresses.iter().map(|one| one.address.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// Holds that the site serves: that no address is down, and no alarm is about its region that was not before.
    pub fn fit(&self, target: &Target, before: &[String]) -> anyhow::Result<()> {
        if let Some(alarm) = self.alarms.iter().find(|alarm| !before.contains(alarm)) {
            bail!("an alarm: {alarm}");
        }
        ensure!(!self.addresses.is_empty(), "{target} is not configured any more");
        match self.addresses.iter().find(|one| one.state.is_down()) {
            Some(one) => bail!("{} is {}", one.address, one.state),
            None => Ok(()),
        }
    }
}

/// What canaries have found since the first look.
#[derive(Clone, Debug, Default)]
pub struct FreshResults {
    /// By address and canary: when its last result was, and how many there were since the first look.
    seen: BTreeMap<(IpAddr, String), (Option<Timestamp>, usize)>,
}

impl FreshResults {
    /// Looks, and returns what is missing; `None`: every address is up, and every critical canary found so that began
    /// after the first look.
    pub fn missing(&mut self, site: &RolloutSite) -> Option<String> {
        let mut missing = None;
        for one in &site.addresses {
            let mut critical = one.canaries.iter().filter(|canary| canary.advisory.is_none()).peekable();
            // An address without canaries stays unknown.
            let is_unwatched = critical.peek().is_none() && !one.state.is_down();
            for canary in critical {
                let at = canary.last.as_ref().map(|last| last.at);
                let key = (one.address, canary.name.clone());
                let (last, count) = self.seen.entry(key).or_insert((at, 0));
                if *last != at {
                    (*last, *count) = (at, *count + 1);
                }
                if *count < NEWER || !canary.last.as_ref().is_some_and(|last| last.ok) {
                    missing.get_or_insert_with(|| {
                        format!("`{}` has not succeeded at {}", canary.name, one.address)
                    });
                }
            }
            if one.state != AddressState::Up && !is_unwatched {
                missing = Some(format!("{} is {}", one.address, one.state));
            }
        }
        missing
    }
}

fn is_about(sentence: &str, name: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    sentence.split(|c| !is_of_name(c)).any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn site(state: &str, second: u8, is_success: bool, alarm: &str) -> RolloutSite {
        let since = "2026-03-01T09:30:00Z";
        let canary = |name: &str, advisory: Option<f64>, ok: bool| {
            let last = json!({
                "at": format!("2026-03-01T09:30:0{second}Z"), "ok": ok, "latency_ms": 1.0, "slow": false,
                "failure": null, "remark": null,
            });
            json!({
                "name": name, "kind": "tcp", "advisory": advisory, "state": "up", "since": since, "last": last,
                "signals": null,
            })
        };
        let family = |phase: Value| json!({ "phase": phase, "since": null, "until": null, "share": null });
        let zone = |name: &str, address: &str, state: &str| {
            let canaries = [canary("shallow", None, is_success), canary("deep", Some(0.5), false)];
            json!({
                "name": name, "ipv4": family("healthy".into()), "ipv6": family(Value::Null), "grade": "fine",
                "intent": null,
                "addresses": [
                    { "address": address, "state": state, "since": since, "why": null, "canaries": canaries },
                ],
            })
        };
        let mut whole = family("down".into());
        let more = json!({ "service": "out", "up": 0, "total": 2, "needed": 1, "falls": 0, "suppression": null, "limited_zones": null });
        whole.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let vitals = json!({
            "load": null, "error_rate": null, "p95_latency_seconds": null, "requests": null,
            "replication_lag_seconds": null, "certificate_days": null,
        });
        let region = json!({
            "name": "tokyo", "jurisdiction": "JP", "failover": "auto", "ipv4": whole, "ipv6": whole,
            "vitals": vitals, "grade": "fine", "shed": 0.0, "intent": null, "canaries": [],
            "zones": [zone("tokyo-a", "192.0.2.1", "down"), zone("tokyo-b", "192.0.2.2", state)],
        });
        let region = serde_json::from_value(region).expect("a region");
        RolloutSite::read(region, vec![alarm.to_owned(), "tokyo-2 leaves".to_owned()], &target())
    }

    fn target() -> Target {
        Target::of_zone("tokyo", "tokyo-b")
    }

    #[test]
    fn a_zone_is_judged_by_its_own_addresses_and_by_the_alarms_about_its_region() {
        let wrong = |site: &RolloutSite, before: &[String]| {
            site.fit(&target(), before).map_err(|error| error.to_string()).err()
        };
        let good = site("up", 1, true, "osaka leaves");
        assert_eq!((good.list(), &good.phases[..]), ("192.0.2.2".to_owned(), &[Phase::Healthy][..]));
        assert_eq!(wrong(&good, &[]), None);
        let alarmed = site("up", 1, true, "tokyo leaves");
        assert_eq!(wrong(&alarmed, &[]), Some("an alarm: tokyo leaves".to_owned()));
        assert_eq!(wrong(&alarmed, &alarmed.alarms), None, "it was so before");
        assert_eq!(wrong(&site("rising", 1, true, ""), &[]), Some("192.0.2.2 is rising".to_owned()));
    }

    #[test]
    fn only_the_second_result_is_surely_of_a_probe_that_began_later() {
        let mut fresh = FreshResults::default();
        let waits = Some("`shallow` has not succeeded at 192.0.2.2".to_owned());
        for second in [1, 1, 2, 2] {
            assert_eq!(fresh.missing(&site("up", second, true, "")), waits, "{second}");
        }
        assert_eq!(fresh.missing(&site("down", 3, true, "")), Some("192.0.2.2 is down".to_owned()));
        assert_eq!(fresh.missing(&site("up", 4, false, "")), waits);
        assert_eq!(fresh.missing(&site("up", 5, true, "")), None);
    }
}
