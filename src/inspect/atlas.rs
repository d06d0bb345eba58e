//! Where the clients of each country go now, by one steered name: what a map of the world shows.
//!
//! It reads the same routes as the answers, and tracks no client: what it says of a country are fractions
//! of the clients there. It is made when it is read, never when a snapshot is compiled.

use std::collections::BTreeMap;

use crate::client::Country;
use crate::health::View;
use crate::region::{Family, RegionId};
use crate::snapshot::Snapshot;
use crate::steering::{Destination, Plan, Rest, Route, SteeringId};

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
    /// Which fraction of a country's clients gets a region although it is down; only of countries with some.
    pub failing_open: BTreeMap<Country, f64>,
    /// By region: where those go of its clients who are not there. Its clients are those whom it is the best for; what
    /// is missing to one is at home, or answered without any address.
    pub moved: BTreeMap<RegionId, Fractions>,
}

/// Fractions below this are rounding: shares are counted in ten thousandths.
const NEGLIGIBLE: f64 = 0.000_05;

/// Where some clients go, while they are counted.
#[derive(Clone, Debug, Default)]
struct Crowd {
    total: f64,
    by_region: BTreeMap<RegionId, f64>,
    failing_open: f64,
}

/// Where the clients of one part of a partition go.
struct PartRoute {
    /// The region that is the best for them; `None`: none may have them.
    home: Option<RegionId>,
    fractions: Fractions,
    fails_open: bool,
}

impl Atlas {
    /// Asks a snapshot where it leads those who ask for the steered name `id`.
    pub fn of(snapshot: &Snapshot, id: SteeringId) -> Self {
        let base = &snapshot.base;
        let routes = routes(snapshot, base.partition_of[id.0 as usize]);
        let parts = base.partitions[base.partition_of[id.0 as usize]].view.parts();
        let mut crowds: BTreeMap<Option<Country>, Crowd> = BTreeMap::new();
        let mut at_home: BTreeMap<RegionId, Crowd> = BTreeMap::new();
        for residents in base.table.residents() {
            let route = &routes[parts[residents.class.0 as usize] as usize];
            crowds.entry(residents.country).or_default().add(residents.subnets, route);
            if let Some(home) = route.home {
                at_home.entry(home).or_default().add(residents.subnets, route);
            }
        }
        let unknown = crowds.remove(&None).map(Crowd::fractions).unwrap_or_default();
        let failing = crowds.iter().filter(|(_, crowd)| crowd.failing_open > 0.0);
        let failing =
            failing.filter_map(|(country, crowd)| Some(((*country)?, crowd.failing_open / crowd.total)));
        let failing_open = failing.collect();
        let countries = crowds.into_iter();
        let countries = countries.filter_map(|(country, crowd)| Some((country?, crowd.fractions())));
        let moved = at_home.into_iter().map(|(home, crowd)| {
            let away = crowd.fractions().into_iter().filter(|(region, _)| *region != home);
            (home, away.collect::<Fractions>())
        });
        let moved = moved.filter(|(_, away)| !away.is_empty()).collect();
        Self { countries: countries.collect(), unknown, failing_open, moved }
    }
}

/// Returns where the clients of each part of a partition go.
fn routes(snapshot: &Snapshot, number: usize) -> Vec<PartRoute> {
    let base = &snapshot.base;
    let partition = &base.partitions[number];
    let view = snapshot.health.under(partition.policy.terms);
    let plans = partition.plans.iter().enumerate();
    let routes = plans.map(|(part, plan)| {
        let splits = base.splits_of(number, part, &snapshot.splits);
        let route = Route::find(plan, partition.policy.all_down, view, &splits, Family::V4);
        PartRoute {
            home: home(plan, view),
            fractions: route.fractions(),
            fails_open: matches!(route.rest, Rest::Whole(Destination::FailOpen(_))),
        }
    });
    routes.collect()
}

/// Returns the region that a plan's clients go to when all is well.
fn home(plan: &Plan, view: &View) -> Option<RegionId> {
    let with_addresses = plan.order.iter().find(|region| view.status(**region, Family::V4).exists());
    with_addresses.or(plan.order.first()).copied()
}

/// What those weigh who are reached over IPv6 alone, whose number is not known: nothing beside
/// the smallest part of a subnet, and everything in a country without others.
const NEARLY_NOTHING: f64 = 1e-9;

impl Crowd {
    fn add(&mut self, subnets: f64, route: &PartRoute) {
        let weight = subnets.max(NEARLY_NOTHING);
        self.total += weight;
        for (region, fraction) in &route.fractions {
            *self.by_region.entry(*region).or_default() += weight * fraction;
        }
        if route.fails_open {
            self.failing_open += weight;
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
    use crate::health::SiteShare;
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
        let table = Table::compile(sources, &config.distinctions()).expect("no database");
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
        let open =
            atlas.failing_open.iter().map(|(country, part)| format!("{country} open {:.0}", part * 100.0));
        let name = |region: &RegionId| &snapshot.base.config.regions.region(*region).name;
        let moved = atlas.moved.iter().map(|(home, away)| line(&format!("from {}", name(home)), away));
        let lines: Vec<_> =
            countries.chain([line("unknown", &atlas.unknown)]).chain(open).chain(moved).collect();
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
        let expected = [
            "DE: paris 95 tokyo 5",
            "FR: paris 100",
            "JP: paris 90 tokyo 10",
            "unknown: paris 90 tokyo 10",
            "from tokyo: paris 90",
        ];
        check(NEAREST, [tenth, SiteShare::Full], &expected);
        let out = SiteShare::Out { since: crate::moment::Moment(0) };
        let expected = [
            "DE: paris 100",
            "FR: paris 100",
            "JP: paris 100",
            "unknown: paris 100",
            "from tokyo: paris 100",
        ];
        check(NEAREST, [out, SiteShare::Full], &expected);
    }

    #[test]
    fn clients_whose_regions_are_all_down_fail_open_and_those_of_others_do_not() {
        let zone = "groups: { eu: { european_union: true } }\n\
                    names: { '@': { steer: { regions: [tokyo, paris], \
                    residency: [{ clients: eu, jurisdictions: [EU] }] } } }";
        let out = SiteShare::Out { since: crate::moment::Moment(0) };
        let expected = [
            "DE: paris 100",
            "FR: paris 100",
            "JP: tokyo 100",
            "unknown: tokyo 100",
            "DE open 100",
            "FR open 100",
        ];
        check(zone, [SiteShare::Full, out], &expected);
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
