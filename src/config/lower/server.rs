//! `server.yaml` to [`Server`].

use std::path::{Path, PathBuf};

use super::access;
use super::defined::check_name;
use crate::client::{Coordinates, Location, Prefix};
use crate::config::problem::{Place, Report};
use crate::config::sources::Sources;
use crate::config::spec::{self, Value, given, items, says_nothing, word};
use crate::config::{Geo, Server};
use crate::geo::{self, countries};

/// The most networks an operator may list. Each is a leaf of the geo table.
const MAX_NETWORKS: usize = 100_000;

pub(super) fn lower(
    spec: &spec::ServerSpec,
    file: Place,
    sources: &Sources,
    report: &mut Report,
) -> Option<Server> {
    let directory = &sources.directory;
    let name = required(&spec.name, "name", file, "write `name: ns1`", report);
    if let Some((name, place)) = name {
        check_name(name, place, report);
    }
    let dns = listen(spec, file, report);
    check_admin(spec, &dns, report);
    let access = access::lower(spec, sources, report);
    let geo = spec.geo.as_ref().and_then(|geo| geo.given());
    let geo = geo.map_or_else(Geo::default, |(geo, place)| locations(geo, place, directory, report));
    Some(Server {
        name: name?.0.clone(),
        dns,
        admin: given(&spec.admin).map(|(admin, _)| *admin),
        access,
        geo,
        state: path(&spec.state, directory),
        webhooks: super::webhooks::lower(spec, directory, report),
        log: word(&spec.log).unwrap_or_default(),
    })
}

/// Returns a value that must be there, or reports that it is missing.
pub(super) fn required<'s, T>(
    setting: &'s Value<T>,
    key: &str,
    parent: Place,
    hint: &str,
    report: &mut Report,
) -> Option<(&'s T, Place)> {
    if setting.is_missing() {
        report.error(parent, format!("`{key}` is missing")).hint(hint);
    }
    let (spec::Leaf(value), place) = setting.given()?;
    Some((value, place))
}

fn listen(spec: &spec::ServerSpec, file: Place, report: &mut Report) -> Vec<std::net::SocketAddr> {
    const HINT: &str = "write `listen: { dns: [\"192.0.2.53:53\"] }`";
    if spec.listen.is_missing() {
        report.error(file, "`listen` is missing").hint(HINT);
    }
    let Some((listen, place)) = spec.listen.given() else {
        return Vec::new();
    };
    if listen.dns.is_missing() {
        report.error(place, "`listen.dns` is missing").hint(HINT);
    }
    let mut addresses = Vec::new();
    for (address, place) in items(&listen.dns) {
        if addresses.contains(address) {
            report.error(place, format!("`{address}` is listed twice"));
        }
        addresses.push(*address);
    }
    if listen.dns.given().is_some() && says_nothing(&listen.dns) {
        report.error(place, "the server listens nowhere").hint(HINT);
    }
    addresses
}

/// Refuses an address for `admin` that DNS over TCP already has.
fn check_admin(spec: &spec::ServerSpec, dns: &[std::net::SocketAddr], report: &mut Report) {
    let Some((admin, place)) = given(&spec.admin) else { return };
    // Port 0 is any free port, each time another one.
    if admin.port() != 0 && dns.contains(admin) {
        let draft = report.error(place, format!("`admin` is `{admin}`, where DNS is answered"));
        draft.hint("give it a port of its own, for example 8053");
    }
}

/// Resolves a path that is relative to the configuration directory.
fn path(setting: &Option<Value<PathBuf>>, directory: &Path) -> Option<PathBuf> {
    given(setting).map(|(path, _)| directory.join(path))
}

fn locations(spec: &spec::GeoSpec, place: Place, directory: &Path, report: &mut Report) -> Geo {
    let networks = spec.networks.as_ref().and_then(|networks| networks.given());
    let (networks, networks_place) = networks.map_or((&[][..], place), |(list, place)| (list, place));
    if networks.len() > MAX_NETWORKS {
        report
            .error(networks_place, format!("more than {MAX_NETWORKS} networks"))
            .hint("build a database of them");
    }
    let mut lowered: Vec<(Prefix, Location)> = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for (network, place) in networks.iter().filter_map(|network| network.given()) {
        let Some((prefix, location)) = self::network(network, place, report) else {
            continue;
        };
        if let Some(line) = seen.insert(prefix, place.line) {
            report
                .error(place, format!("network {prefix} is listed twice"))
                .hint(format!("first in line {line}"));
        }
        lowered.push((prefix, location));
    }
    Geo { database: path(&spec.database, directory), asn: path(&spec.asn, directory), networks: lowered }
}

fn network(spec: &spec::NetworkSpec, place: Place, report: &mut Report) -> Option<(Prefix, Location)> {
    let network = required(&spec.network, "network", place, "write `network: 10.0.0.0/8`", report);
    let subdivision = given(&spec.subdivision);
    let country = given(&spec.country);
    if let (Some((subdivision, at)), Some((country, _))) = (subdivision, country)
        && subdivision.country != *country
    {
        report.error(at, format!("`{subdivision}` is not in `{country}`"));
    }
    if let Some((prefix, at)) = network
        && geo::is_embedded(*prefix)
    {
        let draft = report.error(at, format!("{prefix} holds IPv4 addresses in IPv6 ones"));
        draft.hint("their clients are located by the IPv4 address; list the IPv4 network");
    }
    // A subdivision names its country, a country its continent.
    let country = country.map(|(country, _)| *country);
    let country = country.or(subdivision.map(|(subdivision, _)| subdivision.country));
    let continent = given(&spec.continent).map(|(continent, _)| *continent);
    let location = Location {
        continent: continent.or(country.and_then(countries::find).map(|entry| entry.continent)),
        country,
        subdivision: subdivision.map(|(subdivision, _)| *subdivision),
        european_union: country.map(countries::is_in_european_union),
        coordinates: coordinates(spec, place, report),
        asn: given(&spec.asn).map(|(asn, _)| asn.0),
    };
    let says_something = spec.country.is_some()
        || spec.subdivision.is_some()
        || spec.continent.is_some()
        || spec.latitude.is_some()
        || spec.asn.is_some();
    if !says_something {
        let draft = report.error(place, "the network says nothing of its location");
        draft.hint("add `country: JP` or another part of a location");
    }
    Some((*network?.0, location))
}

fn coordinates(spec: &spec::NetworkSpec, place: Place, report: &mut Report) -> Option<Coordinates> {
    match (&spec.latitude, &spec.longitude) {
        (None, None) => None,
        (Some(latitude), Some(longitude)) => self::point(latitude, longitude, place, report),
        (Some(_), None) | (None, Some(_)) => {
            report.error(place, "`latitude` and `longitude` go together");
            None
        }
    }
}

/// Returns a point on the globe, whose bounds it checks.
pub(super) fn point(
    latitude: &Value<f64>,
    longitude: &Value<f64>,
    parent: Place,
    report: &mut Report,
) -> Option<Coordinates> {
    let mut degrees = |value: &Value<f64>, key: &str, bound: f64| {
        let hint = "write `location: { latitude: 35.68, longitude: 139.69 }`";
        let (degrees, place) = required(value, key, parent, hint, report)?;
        if degrees.abs() > bound {
            report.error(place, format!("`{key}` goes from -{bound} to {bound}, not {degrees}"));
        }
        Some(*degrees)
    };
    let latitude = degrees(latitude, "latitude", 90.0);
    let longitude = degrees(longitude, "longitude", 180.0);
    Some(Coordinates { latitude: latitude?, longitude: longitude? })
}
