//! Names that the addresses of availability zones are looked up by: what the load balancers of clouds have.
//!
//! What a name leads to changes while the configuration does not. So a configuration without lookups has no addresses
//! there, and [`Regions::led_by`] makes of it what is in force.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use foldhash::{HashSet, HashSetExt};
use serde::{Deserialize, Serialize};

use super::Regions;

/// The most addresses that a name may lead to: load balancers have a handful, and each is probed.
pub const MAX_HOST_ADDRESSES: usize = 64;

/// The most names of one configuration, each with so many addresses as half of those that there may be.
pub const MAX_HOSTS: usize = 128;

/// How often a name is looked up: after the time to live of its records, within these bounds.
pub const LOOKUP_PAUSES: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(3600);

/// A name that leads to the addresses of an availability zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// In lower case, without the final dot.
    pub name: String,
    /// Whether it may lead to private addresses.
    pub takes_private: bool,
}

/// The addresses that each name leads to, in ascending order; a name that never led anywhere is not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostAddresses(pub BTreeMap<String, Vec<IpAddr>>);

/// What a lookup led to: the addresses that are in force from now on, or why those of the lookup before stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLookup {
    pub host: String,
    pub found: Result<Vec<IpAddr>, String>,
}

impl Host {
    /// Returns the addresses of an answer in ascending order, or why none of them is taken. `owner` says whose an address is
    /// that this zone cannot have.
    ///
    /// # Errors
    ///
    /// A sentence without its subject, which is the name.
    pub fn judge(
        &self,
        found: Vec<IpAddr>,
        owner: impl Fn(IpAddr) -> Option<&'static str>,
    ) -> Result<Vec<IpAddr>, String> {
        let mut found: Vec<IpAddr> = found.into_iter().map(|ip| ip.to_canonical()).collect();
        found.sort_unstable();
        found.dedup();
        let first = |is_wrong: &dyn Fn(IpAddr) -> bool| found.iter().copied().find(|ip| is_wrong(*ip));
        match found.len() {
            0 => return Err("has no address".to_owned()),
            1..=MAX_HOST_ADDRESSES => {}
            many => {
                return Err(format!("has {many} addresses, of which at most {MAX_HOST_ADDRESSES} are taken"));
            }
        }
        if let Some(ip) =
            first(&|ip| ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::from([255; 4]))
        {
            return Err(format!("leads to {ip}, which is not the address of a machine"));
        }
        if let Some((ip, owner)) = found.iter().find_map(|ip| Some((ip, owner(*ip)?))) {
            return Err(format!("leads to {ip}, which is {owner}"));
        }
        match first(&is_private).filter(|_| !self.takes_private) {
            Some(ip) => {
                Err(format!("leads to the private address {ip}, and the zone has no `private: true`"))
            }
            None => Ok(found),
        }
    }
}

/// Returns whether an address means something in some network only.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let is_shared = v4.octets()[0] == 100 && v4.octets()[1] >> 6 == 1;
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_shared || v4.octets()[0] == 0
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

impl Regions {
    /// Returns the names that lead to addresses, each once: a service may have the name of another one.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        let mut seen = HashSet::new();
        let hosts = self.zones().filter_map(|(_, _, zone)| zone.host.as_ref());
        hosts.filter(move |host| seen.insert(host.name.as_str()))
    }

    /// Returns the regions with the addresses that their names lead to. One that is listed, or that a name before leads to, is
    /// not taken twice.
    pub fn led_by(&self, known: &HostAddresses) -> Self {
        let mut regions: Vec<_> = self.iter().map(|(_, region)| region.clone()).collect();
        let mut taken = HashSet::new();
        for (_, region) in self.iter() {
            let listed = region.zones.iter().filter(|zone| zone.host.is_none());
            taken.extend(listed.flat_map(|zone| &zone.addresses).map(|ip| (region.service(), *ip)));
        }
        for (region, (_, before)) in regions.iter_mut().zip(self.iter()) {
            for zone in &mut region.zones {
                let Some(host) = &zone.host else { continue };
                let found = known.0.get(&host.name).into_iter().flatten();
                zone.addresses = found.copied().filter(|ip| taken.insert((before.service(), *ip))).collect();
            }
        }
        Self::new(regions)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::region;
    use super::*;

    fn judge(found: &[&str], takes_private: bool) -> Result<Vec<String>, String> {
        let host = Host { name: "lb.example.net".to_owned(), takes_private };
        let found = found.iter().map(|ip| ip.parse().expect("an address")).collect();
        let own: IpAddr = "192.0.2.53".parse().expect("an address");
        let taken = host.judge(found, |ip| (ip == own).then_some("this server"))?;
        Ok(taken.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_answer_is_taken_as_a_whole_or_not_at_all() {
        let taken = judge(&["192.0.2.9", "2001:db8::9", "192.0.2.1", "192.0.2.9"], false);
        assert_eq!(taken, Ok(["192.0.2.1", "192.0.2.9", "2001:db8::9"].map(str::to_owned).to_vec()));
        for (found, why) in [
            (&[][..], "has no address"),
            (&["192.0.2.1", "192.0.2.53"], "leads to 192.0.2.53, which is this server"),
            (&["192.0.2.1", "0.0.0.0"], "leads to 0.0.0.0, which is not the address of a machine"),
            (
                &["192.0.2.1", "10.0.0.1"],
                "leads to the private address 10.0.0.1, and the zone has no `private: true`",
            ),
            (
                &["::ffff:127.0.0.1"],
                "leads to the private address 127.0.0.1, and the zone has no `private: true`",
            ),
        ] {
            assert_eq!(judge(found, false), Err(why.to_owned()));
        }
        assert_eq!(judge(&["fd00::1", "10.0.0.1"], true).map(|taken| taken.len()), Ok(2));
        let many: Vec<_> = (0..1000).map(|n| format!("198.51.{}.{}", n / 256, n % 256)).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let why = "has 1000 addresses, of which at most 64 are taken".to_owned();
        assert_eq!(judge(&many, false), Err(why));
        assert_eq!(judge(&many[..64], false).map(|taken| taken.len()), Ok(64));
    }

    #[test]
    fn each_address_is_of_one_zone_whatever_names_lead_to() {
        let mut tokyo = region("tokyo", "JP", &[&[], &["192.0.2.1"], &[]]);
        for (zone, name) in [(0, "a.example.net"), (2, "b.example.net")] {
            tokyo.zones[zone].host = Some(Host { name: name.to_owned(), takes_private: false });
        }
        let regions = Regions::new(vec![tokyo]);
        let led = |known: &[(&str, &[&str])]| {
            let list = |ips: &[&str]| ips.iter().map(|ip| ip.parse().expect("an address")).collect();
            let known = known.iter().map(|(name, ips)| ((*name).to_owned(), list(ips)));
            let led = regions.led_by(&HostAddresses(known.collect()));
            let zones =
                led.zones().map(|(_, _, zone)| zone.addresses.iter().map(ToString::to_string).collect());
            zones.map(|ips: Vec<String>| ips.join(" ")).collect::<Vec<_>>()
        };
        assert_eq!(led(&[]), ["", "192.0.2.1", ""]);
        let both: &[&str] = &["192.0.2.1", "192.0.2.2"];
        assert_eq!(led(&[("a.example.net", both)]), ["192.0.2.2", "192.0.2.1", ""]);
        let third: &[&str] = &["192.0.2.2", "192.0.2.3"];
        assert_eq!(
            led(&[("a.example.net", both), ("b.example.net", third)]),
            ["192.0.2.2", "192.0.2.1", "192.0.2.3"]
        );
    }
}
