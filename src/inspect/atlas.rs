//! Where the clients of each country go now, by one steered name: what a map of the world shows.
//!
//! It reads the same routes as the answers, and tracks no client: what it says of a country are fractions
//! of the clients there. It is made when it is read, never when a snapshot is compiled.

use std::collections::BTreeMap;

use crate::client::Country;
use crate::region::{Family, RegionId};
use crate::snapshot::Snapshot;
use crate::steering::{Route, SteeringId};

/// Which fraction of some clients goes to each region, the largest first. What is missing to one is
/// answered without any address.
pub type Fractions = Vec<(RegionId, f64)>;

/// Where the clients of each country go, over IPv4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Atlas {
    /// By country, as far as the databases and the operator's networks know of clients there.
    pub countries: BTreeMap<Country, Fractions>,
    /// Those of unknown country.
    pub unknown: Fractions,
}

/// Fractions below this are rounding: shares are counted in ten thousandths.
const NEGLIGIBLE: f64 = 0.000_05;

/// Where some clients go, while they are counted.
#[derive(Clone, Debug, Default)]
struct Crowd {
    total: f64,
    by_region: BTreeMap<RegionId, f64>,
}

impl Atlas {
    /// Asks a snapshot where it leads those who ask for the steered name `id`.
    pub fn of(snapshot: &Snapshot, id: SteeringId) -> Self {
        let base = &snapshot.base;
        let fractions = fractions(snapshot, base.partition_of[id.0 as usize]);
        let parts = base.partitions[base.partition_of[id.0 as usize]].view.parts();
        let mut crowds: BTreeMap<Option<Country>, Crowd> = BTreeMap::new();
        for residents in base.table.residents() {
            let part = parts[residents.class.0 as usize];
            let crowd = crowds.entry(residents.country).or_default();
            crowd.add(residents.subnets, &fractions[part as usize]);
        }
        let unknown = crowds.remove(&None).map(Crowd::fractions).unwrap_or_default();
        let countries = crowds.into_iter();
        let countries = countries.filter_map(|(country, crowd)| Some((country?, crowd.fractions())));
        Self { countries: countries.collect(), unknown }
    }
}

/// Returns where the clients of each part of a partition go.
fn fractions(snapshot: &Snapshot, number: usize) -> Vec<Fractions> {
    let base = &snapshot.base;
    let partition = &base.partitions[number];
    let plans = partition.plans.iter().enumerate();
    let routes = plans.map(|(part, plan)| {
        let split = base.demand_of(number, part).and_then(|place| snapshot.splits.of(place));
        Route::find(
            plan,
            partition.policy.all_down,
            snapshot.health.under(partition.policy.max_lag),
            split,
            Family::V4,
        )
    });
    routes.map(|route| route.fractions()).collect()
}

/// What those weigh who are reached over IPv6 alone, whose number is not known: nothing beside
/// the smallest part of a subnet, and everything in a country without others.
const NEARLY_NOTHING: f64 = 1e-9;

impl Crowd {
    fn add(&mut self, subnets: f64, fractions: &[(RegionId, f64)]) {
        let weight = subnets.max(NEARLY_NOTHING);
        self.total += weight;
        for (region, fraction) in fractions {
            *self.by_region.entry(*region).or_default() += weight * fraction;
        }
    }

    fn fractions(self) -> Fractions {
        let total = self.total;
        let fractions = self.by_region.into_iter().map(|(region, weight)| (region, weight / total));
        let mut fractions: Fractions = fractions.filter(|(_, fraction)| *fraction > NEGLIGIBLE).collect();
        fractions.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        fractions
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{self, SourceFile, SourceFiles};
    use crate::geo::{self, Table};
    use crate::health::{SiteShare, View};
    use crate::share::Share;
    use crate::snapshot::Base;

    const SERVER: &str = "\
name: ns1
listen: { dns: ['127.0.0.1:5300'] }
geo:
  networks:
    - { network: 10.1.0.0/16, country: JP }
    - { network: 10.2.0.0/16, country: DE }
    - { network: 10.3.0.0/16, country: DE, latitude: 35, longitude: 139 }
    - { network: '2001:db8::/32', country: FR }
";

    const REGIONS: &str = "\
regions:
  tokyo:
    location: { latitude: 35.68, longitude: 139.69 }
    jurisdiction: JP
    zones: { tokyo-a: { addresses: [192.0.2.1] } }
  paris:
    location: { latitude: 48.86, longitude: 2.35 }
    jurisdiction: FR
    zones: { paris-a: { addresses: [192.0.2.2] } }
";

    /// Writes down where everybody goes, when regions stand at these stages.
    fn check(zone: &str, [tokyo, paris]: [SiteShare; 2], expected: &[&str]) {
        let zone = format!("zone: example.com\nnameservers: [ns1.example.net]\n{zone}");
        let files = [("server.yaml", SERVER), ("regions.yaml", REGIONS), ("example.com.yaml", &zone)];
        let files = files.map(|(name, text)| SourceFile::new(name, text)).to_vec();
        let compiled = config::compile(&SourceFiles::new("zones", files));
        let config = compiled.unwrap_or_else(|problems| panic!("{problems}")).config;
        let sources = geo::TableSources { database: None, asn: None, networks: &config.server.geo.networks };
        let table = Table::compile(sources, &config.regions, &config.groups).expect("no database");
        let base = Arc::new(Base::build(Arc::new(config), table));
        let health = View::all_up(&base.config.regions).with(Vec::new(), &[[tokyo; 2], [paris; 2]]);
        let snapshot = Snapshot::compile(base, health, 1);
        let atlas = Atlas::of(&snapshot, SteeringId(0));
        let line = |place: &str, fractions: &Fractions| {
            let name = |region: RegionId| &snapshot.base.config.regions.region(region).name;
            let parts = fractions.iter();
            let parts = parts.map(|(region, part)| format!(" {} {:.0}", name(*region), part * 100.0));
            format!("{place}:{}", parts.collect::<String>())
        };
        let countries = atlas.countries.iter().map(|(country, fractions)| line(country.as_str(), fractions));
        let lines: Vec<_> = countries.chain([line("unknown", &atlas.unknown)]).collect();
        assert_eq!(lines, expected);
    }

    const NEAREST: &str = "names: { '@': { steer: { regions: [tokyo, paris] } } }";

    #[test]
    fn the_clients_of_a_country_count_where_they_live_by_their_networks() {
        let expected = ["DE: tokyo 50 paris 50", "FR: paris 100", "JP: tokyo 100", "unknown: tokyo 100"];
        check(NEAREST, [SiteShare::Full; 2], &expected);
    }

    #[test]
    fn a_region_on_its_ramp_has_its_share_and_one_that_is_out_nobody() {
        let tenth = SiteShare::Part(Share::percent(10));
        let expected =
            ["DE: paris 95 tokyo 5", "FR: paris 100", "JP: paris 90 tokyo 10", "unknown: paris 90 tokyo 10"];
        check(NEAREST, [tenth, SiteShare::Full], &expected);
        let out = SiteShare::Out { since: crate::moment::Moment(0) };
        let expected = ["DE: paris 100", "FR: paris 100", "JP: paris 100", "unknown: paris 100"];
        check(NEAREST, [out, SiteShare::Full], &expected);
    }

    #[test]
    fn clients_who_may_go_nowhere_go_nowhere() {
        let zone = "groups: { eu: { european_union: true } }\n\
                    names: { '@': { steer: { regions: [tokyo, paris], all_down: nodata, \
                    residency: [{ clients: eu, jurisdictions: [EU] }] } } }";
        let out = SiteShare::Out { since: crate::moment::Moment(0) };
        check(zone, [SiteShare::Full, out], &["DE:", "FR:", "JP: tokyo 100", "unknown: tokyo 100"]);
    }
}
