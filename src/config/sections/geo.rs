//! `geo` in `server.yaml`: where the locations of clients come from.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::{Continent, Coordinates, Country, Location, Prefix, Subdivision};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Asn, Value, given, path, point, required};
use crate::config::yaml::Setting;
use crate::geo::{self, countries};

/// How clients are located.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeoSpec {
    /// A Country or City database in MaxMind's format, relative to the configuration directory.
    pub database: Option<Value<PathBuf>>,
    /// An ASN database in MaxMind's format, relative to the configuration directory; needed for
    /// groups by `asns`.
    pub asn: Option<Value<PathBuf>>,
    /// What the databases do not know or get wrong. The most specific network counts.
    pub networks: Option<Setting<Vec<Setting<NetworkSpec>>>>,
}

/// A network whose location the operator knows better.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// The network, for example `10.0.0.0/8` or `2001:db8::/32`.
    pub network: Value<Prefix>,
    /// Its country, by ISO 3166-1 code.
    pub country: Option<Value<Country>>,
    /// Its state or province, by ISO 3166-2 code, for example `US-CA`.
    pub subdivision: Option<Value<Subdivision>>,
    /// Its continent: AF, AN, AS, EU, NA, OC or SA. Needed only where the country is not enough.
    pub continent: Option<Value<Continent>>,
    /// Degrees north of the equator, −90 to 90; together with `longitude`.
    pub latitude: Option<Value<f64>>,
    /// Degrees east of Greenwich, −180 to 180; together with `latitude`.
    pub longitude: Option<Value<f64>>,
    /// The autonomous system that it belongs to.
    pub asn: Option<Value<Asn>>,
}

/// Where locations come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Geo {
    /// A Country or City database in MaxMind's format.
    pub database: Option<PathBuf>,
    /// An ASN database in MaxMind's format.
    pub asn: Option<PathBuf>,
    /// What the operator knows better: later entries lie on top of earlier ones only where they are
    /// more specific.
    pub networks: Vec<(Prefix, Location)>,
}

/// The most networks an operator may list. Each is a leaf of the geo table.
const MAX_NETWORKS: usize = 100_000;

pub(super) fn lower(spec: &GeoSpec, span: Span, directory: &Path, report: &mut Reporter) -> Geo {
    let networks = spec.networks.as_ref().and_then(|networks| networks.given());
    let (networks, networks_span) = networks.map_or((&[][..], span), |(list, span)| (list, span));
    if networks.len() > MAX_NETWORKS {
        report
            .error(networks_span, format!("more than {MAX_NETWORKS} networks"))
            .hint("build a database of them");
    }
    let mut lowered: Vec<(Prefix, Location)> = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for (network, span) in networks.iter().filter_map(|network| network.given()) {
        let Some((prefix, location)) = self::network(network, span, report) else {
            continue;
        };
        if let Some(line) = seen.insert(prefix, span.line) {
            report
                .error(span, format!("network {prefix} is listed twice"))
                .hint(format!("first in line {line}"));
        }
        lowered.push((prefix, location));
    }
    Geo { database: path(&spec.database, directory), asn: path(&spec.asn, directory), networks: lowered }
}

fn network(spec: &NetworkSpec, span: Span, report: &mut Reporter) -> Option<(Prefix, Location)> {
    let network = required(&spec.network, "network", span, "write `network: 10.0.0.0/8`", report);
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
        coordinates: coordinates(spec, span, report),
        asn: given(&spec.asn).map(|(asn, _)| asn.0),
    };
    let says_something = spec.country.is_some()
        || spec.subdivision.is_some()
        || spec.continent.is_some()
        || spec.latitude.is_some()
        || spec.asn.is_some();
    if !says_something {
        let draft = report.error(span, "the network says nothing of its location");
        draft.hint("add `country: JP` or another part of a location");
    }
    Some((*network?.0, location))
}

fn coordinates(spec: &NetworkSpec, span: Span, report: &mut Reporter) -> Option<Coordinates> {
    match (&spec.latitude, &spec.longitude) {
        (None, None) => None,
        (Some(latitude), Some(longitude)) => self::point(latitude, longitude, span, report),
        (Some(_), None) | (None, Some(_)) => {
            report.error(span, "`latitude` and `longitude` go together");
            None
        }
    }
}
