//! Targets: what operators, scripts and files name, a region or a part of one.
//!
//! Names outlive the numbering of a configuration: what is kept, sent or printed holds a [`Target`],
//! and [`Regions::resolve`] finds what it means now.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::json_schema;

use super::{AddressId, RegionId, Regions, Site, ZoneId, split_service};
use crate::suggest;
use crate::units::{Malformed, json_text};

/// A region, one of its availability zones, or one address: `tokyo`, `tokyo/tokyo-a`, `tokyo/tokyo-a/192.0.2.1`.
///
/// It need not exist. An address always stands in a zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    region: String,
    zone: Option<String>,
    address: Option<IpAddr>,
}

/// What a target names in one configuration, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolved {
    /// A region as a whole.
    Region(RegionId),
    Zone(ZoneId),
    Address(AddressId),
}

/// A target that a configuration does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownTarget {
    #[error("no region is called `{name}`; {hint}")]
    Region {
        name: String,
        /// The nearest name, or all of them.
        hint: String,
    },
    #[error("{region} has no availability zone `{name}`; {hint}")]
    Zone {
        region: String,
        name: String,
        /// The nearest name, or all of them.
        hint: String,
    },
    #[error("{region}/{zone} has no address {address}")]
    Address { region: String, zone: String, address: IpAddr },
}

impl Target {
    /// Returns the target that is a whole region.
    pub fn of_region(region: impl Into<String>) -> Self {
        Self { region: region.into(), zone: None, address: None }
    }

    /// Returns the target that is an availability zone.
    pub fn of_zone(region: impl Into<String>, zone: impl Into<String>) -> Self {
        Self { region: region.into(), zone: Some(zone.into()), address: None }
    }

    /// Returns the target that is one address.
    pub fn of_address(region: impl Into<String>, zone: impl Into<String>, address: IpAddr) -> Self {
        Self { region: region.into(), zone: Some(zone.into()), address: Some(address) }
    }

    /// Returns the name of the region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the name of the availability zone; `None`: the region is meant.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Returns the address; `None`: the zone or the region is meant.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Returns the region or availability zone that is meant, or that the address is in.
    pub fn without_address(&self) -> Self {
        Self { address: None, ..self.clone() }
    }

    /// Returns the same part of another region.
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// Returns whether another target is this one or a part of it. A service is a part of its region.
    pub fn contains(&self, other: &Self) -> bool {
        (self.region == other.region || self.region == split_service(&other.region).0)
            && (self.zone.is_none() || self.zone == other.zone)
            && (self.address.is_none() || self.address == other.address)
    }
}

impl Resolved {
    /// Returns the region that it is or is in.
    pub fn region(self, regions: &Regions) -> RegionId {
        match self {
            Self::Region(region) => region,
            Self::Zone(zone) => regions.region_of(zone),
            Self::Address(address) => regions.address(address).region,
        }
    }

    /// Returns the region or availability zone that it is or is in.
    pub fn site(self, regions: &Regions) -> Site {
        match self {
            Self::Region(region) => Site::Region(region),
            Self::Zone(zone) => Site::Zone(zone),
            Self::Address(address) => Site::Zone(regions.address(address).zone),
        }
    }

    /// Returns every address that it is or holds, in the order of the configuration.
    pub fn addresses(self, regions: &Regions) -> impl Iterator<Item = AddressId> {
        let of_region = regions.addresses_of(self.region(regions));
        let is_meant = move |(id, address): &(AddressId, &super::Address)| match self {
            Self::Region(_) => true,
            Self::Zone(zone) => address.zone == zone,
            Self::Address(wanted) => *id == wanted,
        };
        of_region.filter(is_meant).map(|(id, _)| id)
    }
}

impl From<Site> for Resolved {
    fn from(site: Site) -> Self {
        match site {
            Site::Region(region) => Self::Region(region),
            Site::Zone(zone) => Self::Zone(zone),
        }
    }
}

impl UnknownTarget {
    /// Says that no region has the name, of those that there are.
    pub fn region<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Self {
        Self::Region { name: name.to_owned(), hint: suggest::hint(name, known) }
    }

    /// Says that a region has no availability zone of the name, of those that it has.
    pub fn zone<'n>(region: &str, name: &str, known: impl IntoIterator<Item = &'n str>) -> Self {
        Self::Zone { region: region.to_owned(), name: name.to_owned(), hint: suggest::hint(name, known) }
    }
}

impl Regions {
    /// Returns what a target names.
    ///
    /// # Errors
    ///
    /// The part that names nothing, with the nearest name that there is.
    pub fn resolve(&self, target: &Target) -> Result<Resolved, UnknownTarget> {
        let region = self.named(&target.region)?;
        let Some(name) = &target.zone else {
            return Ok(Resolved::Region(region));
        };
        let zone = self.zones().find(|(_, of, zone)| *of == region && zone.name == *name);
        let Some((id, _, zone)) = zone else {
            let known = self.region(region).zones.iter().map(|zone| zone.name.as_str());
            return Err(UnknownTarget::zone(&target.region, name, known));
        };
        let Some(address) = target.address else {
            return Ok(Resolved::Zone(id));
        };
        let mut of_region = self.addresses_of(region);
        let found = of_region.find(|(_, known)| known.zone == id && known.ip == address);
        found.map(|(id, _)| Resolved::Address(id)).ok_or_else(|| UnknownTarget::Address {
            region: target.region.clone(),
            zone: zone.name.clone(),
            address,
        })
    }

    /// Returns the region or availability zone that a target names or is in; `None`: it names nothing.
    pub fn site(&self, target: &Target) -> Option<Site> {
        self.resolve(target).ok().map(|resolved| resolved.site(self))
    }

    /// Returns the region with this name.
    ///
    /// # Errors
    ///
    /// There is none; the nearest name that there is.
    pub fn named(&self, name: &str) -> Result<RegionId, UnknownTarget> {
        let known = || self.iter().map(|(_, region)| region.name.as_str());
        self.find(name).ok_or_else(|| UnknownTarget::region(name, known()))
    }

    /// Returns the target that names a region, availability zone or address.
    pub fn target(&self, resolved: impl Into<Resolved>) -> Target {
        let resolved = resolved.into();
        let region = &self.region(resolved.region(self)).name;
        match resolved {
            Resolved::Region(_) => Target::of_region(region),
            Resolved::Zone(zone) => Target::of_zone(region, &self.zone(zone).name),
            Resolved::Address(address) => {
                let address = self.address(address);
                Target::of_address(region, &self.zone(address.zone).name, address.ip)
            }
        }
    }
}

impl FromStr for Target {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed =
            |message| Malformed { message, hint: "write REGION, REGION/AZ or REGION/AZ/ADDRESS".to_owned() };
        let mut parts = text.splitn(3, '/').map(str::to_owned);
        let (region, zone, address) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
        if !is_name(&region) || !zone.as_deref().is_none_or(is_name) {
            return Err(malformed(format!("`{text}` does not name a region or a part of one")));
        }
        let wrong = |address: String| malformed(format!("`{address}` in `{text}` is not an IP address"));
        let address = address.map(|part| part.parse().map_err(|_| wrong(part))).transpose()?;
        Ok(Self { region, zone, address })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.region)?;
        self.zone.iter().try_for_each(|zone| write!(f, "/{zone}"))?;
        self.address.iter().try_for_each(|address| write!(f, "/{address}"))
    }
}

json_text!(Target, json_schema!({ "type": "string" }));

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::region;
    use super::*;

    fn regions() -> Regions {
        let tokyo = region("tokyo", "JP", &[&["192.0.2.1", "2001:db8::1"], &["192.0.2.2"]]);
        Regions::new(vec![tokyo, region("osaka", "JP", &[&["192.0.2.9"]])])
    }

    fn resolve(text: &str) -> Result<Resolved, String> {
        let target: Target = text.parse().expect(text);
        regions().resolve(&target).map_err(|error| error.to_string())
    }

    #[test]
    fn a_target_resolves_to_a_region_a_zone_or_an_address() {
        for (text, resolved, addresses) in [
            ("tokyo", Resolved::Region(RegionId(0)), &[0, 1, 2][..]),
            ("tokyo/tokyo-b", Resolved::Zone(ZoneId(1)), &[2]),
            ("tokyo/tokyo-a/2001:db8::1", Resolved::Address(AddressId(1)), &[1]),
            ("osaka/osaka-a", Resolved::Zone(ZoneId(2)), &[3]),
        ] {
            assert_eq!(resolve(text), Ok(resolved));
            assert!(resolved.addresses(&regions()).map(|id| id.0).eq(addresses.iter().copied()), "{text}");
            assert_eq!(regions().target(resolved).to_string(), text);
        }
    }

    #[test]
    fn what_there_is_not_is_refused_with_the_nearest_name() {
        for (text, sentence) in [
            ("tokio", "no region is called `tokio`; did you mean `tokyo`?"),
            ("frankfurt", "no region is called `frankfurt`; there are `tokyo` and `osaka`"),
            ("tokyo/tokyo-c", "tokyo has no availability zone `tokyo-c`; did you mean `tokyo-a`?"),
            ("osaka/x", "osaka has no availability zone `x`; there is `osaka-a`"),
            ("tokyo/tokyo-b/192.0.2.1", "tokyo/tokyo-b has no address 192.0.2.1"),
        ] {
            assert_eq!(resolve(text), Err(sentence.to_owned()));
        }
    }

    #[test]
    fn a_text_of_another_form_is_refused() {
        let form = "does not name a region or a part of one; write REGION, REGION/AZ or REGION/AZ/ADDRESS";
        let address = "is not an IP address";
        for (text, sentence) in [
            ("", form),
            ("tokyo/", form),
            ("/a", form),
            ("to kyo", form),
            ("tokyo/a/b", address),
            ("tokyo/a/192.0.2.1/24", address),
        ] {
            let error = text.parse::<Target>().expect_err(text).to_string();
            assert!(error.contains(sentence), "{text}: {error}");
        }
    }

    #[test]
    fn a_target_contains_itself_and_its_parts() {
        let target = |text: &str| text.parse::<Target>().expect(text);
        let (region, zone, address) = (target("tokyo"), target("tokyo/a"), target("tokyo/a/192.0.2.1"));
        assert!(region.contains(&address) && zone.contains(&address) && address.contains(&address));
        assert!(!address.contains(&zone) && !zone.contains(&region) && !target("osaka").contains(&zone));
        assert_eq!(address.without_address(), zone);
    }

    proptest! {
        #[test]
        fn a_target_prints_as_it_is_read(
            region in "[a-z0-9._-]{1,9}", zone in "[a-z0-9._-]{1,9}", address in any::<IpAddr>(), parts in 1..=3,
        ) {
            let target = match parts {
                1 => Target::of_region(region),
                2 => Target::of_zone(region, zone),
                _ => Target::of_address(region, zone, address),
            };
            prop_assert_eq!(target.to_string().parse(), Ok(target));
        }

        #[test]
        fn any_text_is_refused_or_prints_as_itself(text in ".{0,40}") {
            if let Ok(target) = text.parse::<Target>() {
                prop_assert!(target.to_string().parse() == Ok(target));
            }
        }
    }
}
