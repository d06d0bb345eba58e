//! Calculated availability: what regions and names should reach, given how reliable an availability zone is.
//!
//! The unit that fails is the zone, with all of its addresses at once; let `q = 1 − A` be its unavailability. A
//! region is up while at least `min_healthy` of its addresses are, which with zones of one size is the binomial
//! "n of m". Zones do not fail independently: by the β-factor model, a part `β` of the failures of each hits all of
//! them at once (`λ_common = β·λ`), so that with the same repair times
//!
//! ```text
//!   U_region = 1 − (1 − β·q) · (1 − P[too few of m zones are up, each down with (1 − β)·q])
//!   U_name   = 1 − (1 − β·min Uᵢ) · (1 − Π (1 − β)·Uᵢ)       over the permitted regions i
//! ```
//!
//! The same factor is taken between regions, of which the best is the measure: what takes down all of them
//! cannot be more frequent than the outages of that one. A zone that is alone has no failures in common with others.
//!
//! Source of the model: K. N. Fleming, *A reliability model for common mode failure in redundant safety systems*, General
//! Atomic GA-A13284, 1974; how large β is in practice: IEC 61508-6, annex D (1 % to 10 %). What this leaves out: the time
//! that detection and failover take, capacity, and DNS itself.

use super::measured::MAX_NAMES;
use crate::config::Config;
use crate::region::{Family, RegionId, Regions, Site};

/// What is taken for granted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assumptions {
    /// The share of the time in which a zone is up, 0 to 1.
    pub zone_availability: f64,
    /// The share of failures that zones, or regions, have in common: β, 0 to 1.
    pub common_cause: f64,
}

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Calculation {
    /// The regions, by family.
    pub regions: Vec<OfRegion>,
    /// The names, by class of clients and family.
    pub names: Vec<OfName>,
}

/// The availability of a region in one family.
#[derive(Clone, Debug, PartialEq)]
pub struct OfRegion {
    /// The name of the region.
    pub region: String,
    pub family: Family,
    /// How many of its addresses must be up.
    pub needed: usize,
    pub addresses: usize,
    pub zones: usize,
    /// The share of the time in which it is down, 0 to 1.
    pub unavailability: f64,
}

/// The availability of a name for a class of its clients in one family.
#[derive(Clone, Debug, PartialEq)]
pub struct OfName {
    pub name: String,
    /// The residency rule that binds the clients; `None`: all clients.
    pub rule: Option<String>,
    pub family: Family,
    /// The regions that they may be sent to.
    pub regions: Vec<String>,
    /// The share of the time in which none of those is up, 0 to 1.
    pub unavailability: f64,
}

/// Works out what a configuration should reach.
pub fn calculate(config: &Config, assumptions: Assumptions) -> Calculation {
    let regions = &config.regions;
    let both = || regions.iter().flat_map(|(id, _)| Family::BOTH.map(|family| (id, family)));
    let of_regions = both().filter_map(|(id, family)| of_region(regions, id, family, assumptions));
    let of_regions: Vec<OfRegion> = of_regions.collect();
    let mut names = Vec::new();
    for steering in config.steered.iter().take(MAX_NAMES) {
        for part in steering.policy.audiences() {
            for family in Family::BOTH {
                let known = part.regions.iter().filter_map(|id| {
                    let name = &regions.region(*id).name;
                    of_regions.iter().find(|of| of.region == *name && of.family == family)
                });
                let known: Vec<&OfRegion> = known.collect();
                if !known.is_empty() {
                    let each: Vec<f64> = known.iter().map(|of| of.unavailability).collect();
                    names.push(OfName {
                        name: steering.name(),
                        rule: part.rule.clone(),
                        family,
                        regions: known.iter().map(|of| of.region.clone()).collect(),
                        unavailability: of_any(&each, assumptions.common_cause),
                    });
                }
            }
        }
    }
    Calculation { regions: of_regions, names }
}

/// Returns `None` when the region has no address of the family.
fn of_region(regions: &Regions, id: RegionId, family: Family, assumptions: Assumptions) -> Option<OfRegion> {
    let zones = regions.zones().filter(|(_, region, _)| *region == id);
    let sizes = zones.map(|(zone, _, _)| {
        let addresses =
            regions.addresses_of(id).filter(|(_, at)| at.zone == zone && Family::of(at.ip) == family);
        addresses.count()
    });
    let sizes: Vec<usize> = sizes.filter(|size| *size > 0).collect();
    let addresses: usize = sizes.iter().sum();
    let region = regions.region(id);
    let needed = regions.needed(Site::Region(id), addresses);
    (addresses > 0).then(|| OfRegion {
        region: region.name.clone(),
        family,
        needed,
        addresses,
        zones: sizes.len(),
        unavailability: of_zones(&sizes, needed, assumptions),
    })
}

/// Returns how often fewer than `needed` addresses are up in zones of these sizes.
fn of_zones(sizes: &[usize], needed: usize, assumptions: Assumptions) -> f64 {
    let unavailability = 1.0 - assumptions.zone_availability;
    let common = if sizes.len() > 1 { assumptions.common_cause } else { 0.0 };
    let own = (1.0 - common) * unavailability;
    // How likely it is that so many addresses are up, zone by zone.
    let mut up = vec![1.0];
    for size in sizes {
        let mut next = vec![0.0; up.len() + size];
        for (count, chance) in up.iter().enumerate() {
            next[count] += chance * own;
            next[count + size] += chance * (1.0 - own);
        }
        up = next;
    }
    let too_few: f64 = up.iter().take(needed).sum();
    either(common * unavailability, too_few)
}

/// Returns how often none of several is up, which are down so often each.
fn of_any(each: &[f64], common_cause: f64) -> f64 {
    let common = if each.len() > 1 { common_cause } else { 0.0 };
    let best = each.iter().copied().fold(1.0, f64::min);
    let own = each.iter().map(|unavailability| (1.0 - common) * unavailability).product();
    either(common * best, own)
}

/// Returns how likely at least one of two independent events is: `1 − (1 − a)(1 − b)`, without losing the digits of
/// small numbers.
fn either(one: f64, other: f64) -> f64 {
    one + other - one * other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::fixture;

    /// Zones that are up 99.9 % of the time, and a tenth of failures in common.
    const USUAL: Assumptions = Assumptions { zone_availability: 0.999, common_cause: 0.1 };

    #[track_caller]
    fn is_near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-6, "{found:e} is not {expected:e}");
    }

    #[test]
    fn n_of_m_zones_are_as_calculated_by_hand() {
        // q = 0.001; a zone alone.
        is_near(of_zones(&[1], 1, USUAL), 1.0e-3);
        // 1 of 2: (0.9 q)² = 8.1e-7, and β q = 1e-4 in common.
        is_near(of_zones(&[1, 1], 1, USUAL), 1.008_099_19e-4);
        // 2 of 3: 3 (0.9 q)² (1 − 0.9 q) + (0.9 q)³ = 2.428542e-6.
        is_near(of_zones(&[1, 1, 1], 2, USUAL), 1.024_282_99e-4);
        // Without a common cause: 1e-6.
        is_near(of_zones(&[1, 1], 1, Assumptions { common_cause: 0.0, ..USUAL }), 1.0e-6);
        // Where everything is common, two are as good as one.
        is_near(of_zones(&[1, 1], 1, Assumptions { common_cause: 1.0, ..USUAL }), 1.0e-3);
    }

    #[test]
    fn a_zone_falls_with_all_of_its_addresses() {
        // 2 of 3 addresses, two of them in one zone: down with that zone, whatever the other does.
        let independent = Assumptions { common_cause: 0.0, ..USUAL };
        is_near(of_zones(&[2, 1], 2, independent), 1.0e-3);
        is_near(of_zones(&[2, 1], 1, independent), 1.0e-6);
    }

    #[test]
    fn a_name_is_up_with_any_of_its_regions_and_the_common_cause_limits_it() {
        let region = 1.008_099_19e-4;
        // (0.9 U)² = 8.231738e-9, and β U = 1.00809919e-5 in common.
        is_near(of_any(&[region, region], 0.1), 1.008_922_3e-5);
        is_near(of_any(&[region], 0.1), region);
        // The better of the two limits what they have in common.
        is_near(of_any(&[1e-2, 1e-4], 0.1), 1e-5 + 0.81e-6);
    }

    #[test]
    fn each_class_of_clients_has_the_regions_that_it_is_permitted() {
        let region = |name: &str, country: &str, zones: &str| {
            format!(
                "  {name}:\n    location: {{ latitude: 35, longitude: 139 }}\n    jurisdiction: {country}\n    \
                 zones: {{ {zones} }}\n"
            )
        };
        let tokyo = region("tokyo", "JP", "a: { addresses: [192.0.2.1] }, b: { addresses: [192.0.2.2] }");
        let dublin = region("dublin", "IE", "c: { addresses: [192.0.2.3, '2001:db8::3'] }");
        let zone = "zone: example.com\nnameservers: [ns1.example.net]\ngroups: { eu: { european_union: true } }\n\
                    names: { '@': { steer: { regions: [tokyo, dublin], order: listed, \
                    residency: [{ clients: eu, jurisdictions: [EU] }] } } }\n";
        let base = fixture::base(&format!("regions:\n{tokyo}{dublin}"), zone);
        let Calculation { regions, names } = calculate(&base.config, USUAL);
        let told =
            regions.iter().map(|of| (of.region.as_str(), of.family, of.needed, of.addresses, of.zones));
        let (v4, v6) = (Family::V4, Family::V6);
        assert_eq!(
            told.collect::<Vec<_>>(),
            [("tokyo", v4, 1, 2, 2), ("dublin", v4, 1, 1, 1), ("dublin", v6, 1, 1, 1)]
        );
        let told = names.iter().map(|of| (of.rule.is_some(), of.family, of.regions.join(" ")));
        let expected =
            [(false, v4, "tokyo dublin"), (false, v6, "dublin"), (true, v4, "dublin"), (true, v6, "dublin")];
        assert_eq!(
            told.collect::<Vec<_>>(),
            expected.map(|(rule, family, names)| (rule, family, names.to_owned()))
        );
        is_near(names[0].unavailability, 1.008_099_19e-5 + 0.81 * 1.008_099_19e-7);
        is_near(names[2].unavailability, 1.0e-3);
    }
}
