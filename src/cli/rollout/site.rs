//! What `/status/REGION` and `/overview` say of the place of a rollout.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};
use serde_json::Value;

use crate::region::Target;

/// How many newer results of a canary there must be: the first may be of a probe that began before.
const NEWER: usize = 2;

/// What is known of a place at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// Its addresses, and where each stands.
    pub addresses: Vec<Address>,
    /// Its phases, by family, if it has addresses of that.
    pub phases: Vec<String>,
    /// The alarms about its region.
    pub alarms: Vec<String>,
}

/// What is known of an address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Address {
    /// The address.
    pub address: String,
    /// Where it stands: `up`, `suspect`, `down`, …
    pub state: String,
    /// When each of its critical canaries had its last result, and whether that was a success.
    pub canaries: Vec<(String, String, bool)>,
}

impl Site {
    /// Reads what a server says.
    pub fn read(region: &Value, overview: &Value, target: &Target) -> Self {
        let is_meant = |zone: &&Value| target.zone().is_none_or(|name| zone["name"] == name);
        let zones: Vec<&Value> = list(&region["zones"]).iter().filter(is_meant).collect();
        let addresses = zones.iter().flat_map(|zone| list(&zone["addresses"]));
        let courses = match target.zone() {
            Some(_) => zones.first().copied().unwrap_or(&Value::Null),
            None => region,
        };
        let phases = ["ipv4", "ipv6"].iter().filter_map(|family| courses[family]["phase"].as_str());
        let alarms = list(&overview["alarms"]).iter().filter_map(Value::as_str);
        Self {
            addresses: addresses.map(Address::read).collect(),
            phases: phases.map(str::to_owned).collect(),
            alarms: alarms.filter(|alarm| is_about(alarm, target.region())).map(str::to_owned).collect(),
        }
    }

    /// Returns the addresses, separated by spaces.
    pub fn list(&self) -> String {
        self.addresses.iter().map(|one| one.address.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Holds that the place serves: that no address is down, and no alarm is about its region that was not before.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn fit(&self, target: &Target, before: &[String]) -> anyhow::Result<()> {
        if let Some(alarm) = self.alarms.iter().find(|alarm| !before.contains(alarm)) {
            bail!("an alarm: {alarm}");
        }
        ensure!(!self.addresses.is_empty(), "{target} is not configured any more");
        match self.addresses.iter().find(|one| !one.serves()) {
            Some(one) => bail!("{} is {}", one.address, one.state),
            None => Ok(()),
        }
    }
}

impl Address {
    fn read(value: &Value) -> Self {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let canaries = list(&value["canaries"]).iter().filter(|canary| canary["advisory"].is_null());
        let last = |canary: &Value| {
            let last = &canary["last"];
            (word(&canary["name"]), word(&last["at"]), last["ok"].as_bool().unwrap_or(false))
        };
        Self {
            address: word(&value["address"]),
            state: word(&value["state"]),
            canaries: canaries.map(last).collect(),
        }
    }

    fn serves(&self) -> bool {
        ["up", "suspect", "unknown"].contains(&self.state.as_str())
    }
}

/// What canaries have found since the first look.
#[derive(Debug, Default)]
pub struct Fresh {
    /// By address and canary: when its last result was, and how many there were since the first look.
    seen: BTreeMap<(String, String), (String, usize)>,
}

impl Fresh {
    /// Looks, and returns what is missing; `None`: every address is up, and every canary found so that began after
    /// the first look.
    pub fn missing(&mut self, site: &Site) -> Option<String> {
        let mut missing = None;
        for one in &site.addresses {
            for (canary, at, is_success) in &one.canaries {
                let key = (one.address.clone(), canary.clone());
                let (last, count) = self.seen.entry(key).or_insert_with(|| (at.clone(), 0));
                if last != at {
                    (*last, *count) = (at.clone(), *count + 1);
                }
                if *count < NEWER || !is_success {
                    missing.get_or_insert_with(|| format!("`{canary}` has not succeeded at {}", one.address));
                }
            }
            // Who has no canaries stays unknown.
            if one.state != "up" && !(one.canaries.is_empty() && one.serves()) {
                missing = Some(format!("{} is {}", one.address, one.state));
            }
        }
        missing
    }
}

/// Returns whether a phase is one of a place that takes all of its clients.
pub fn is_well(phase: &str) -> bool {
    ["healthy", "unknown"].contains(&phase)
}

/// Returns whether a sentence has a name as a word of its own.
fn is_about(sentence: &str, name: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    sentence.split(|c| !is_of_name(c)).any(|word| word == name)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn site(state: &str, at: &str, is_success: bool, alarm: &str) -> Site {
        let shallow = json!({ "name": "shallow", "advisory": null, "last": { "at": at, "ok": is_success } });
        let deep = json!({ "name": "deep", "advisory": 0.5, "last": { "at": "never", "ok": false } });
        let zone = json!({
            "name": "tokyo-b", "ipv4": { "phase": "healthy" }, "ipv6": { "phase": null },
            "addresses": [{ "address": "192.0.2.2", "state": state, "canaries": [shallow, deep] }],
        });
        let other = json!({ "name": "tokyo-a", "addresses": [{ "address": "192.0.2.1", "state": "down" }] });
        let region = json!({ "zones": [other, zone], "ipv4": { "phase": "down" } });
        let overview = json!({ "alarms": [alarm, "tokyo-2 leaves"] });
        Site::read(&region, &overview, &"tokyo/tokyo-b".parse().expect("a target"))
    }

    #[test]
    fn a_zone_is_judged_by_its_own_addresses_and_by_the_alarms_about_its_region() {
        let target = "tokyo/tokyo-b".parse().expect("a target");
        let good = site("up", "1", true, "osaka leaves");
        assert_eq!((good.list(), &good.phases[..]), ("192.0.2.2".to_owned(), &["healthy".to_owned()][..]));
        assert!(good.fit(&target, &[]).is_ok());
        let alarmed = site("up", "1", true, "tokyo leaves");
        assert_eq!(
            alarmed.fit(&target, &[]).map_err(|error| error.to_string()),
            Err("an alarm: tokyo leaves".to_owned())
        );
        assert!(alarmed.fit(&target, &alarmed.alarms).is_ok(), "it was so before");
        let down = site("rising", "1", true, "");
        assert_eq!(
            down.fit(&target, &[]).map_err(|error| error.to_string()),
            Err("192.0.2.2 is rising".to_owned())
        );
    }

    #[test]
    fn only_the_second_result_is_surely_of_a_probe_that_began_later() {
        let mut fresh = Fresh::default();
        let waits = Some("`shallow` has not succeeded at 192.0.2.2".to_owned());
        for at in ["1", "1", "2", "2"] {
            assert_eq!(fresh.missing(&site("up", at, true, "")), waits, "{at}");
        }
        assert_eq!(fresh.missing(&site("down", "3", true, "")), Some("192.0.2.2 is down".to_owned()));
        assert_eq!(fresh.missing(&site("up", "4", false, "")), waits);
        assert_eq!(fresh.missing(&site("up", "5", true, "")), None);
    }
}
