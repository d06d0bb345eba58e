//! `geo` in `server.yaml`: where the locations of clients come from.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::client::{Continent, Coordinates, Country, Location, Prefix, Subdivision};
use crate::config::problem::{Reporter, Span};
use crate::config::values::{Asn, Checked, Degrees, Value, path, point};
use crate::config::yaml::{Setting, Written};
use crate::geo::{self, countries};

/// The most networks an operator may list. Each is a leaf of the geo table.
pub const MAX_NETWORKS: usize = 100_000;

/// How clients are located.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeoSpec {
    /// A Country or City database in MaxMind's format, relative to the configuration directory: with the fields of
    /// MaxMind and DB-IP, or flat as IPinfo and ip-location-db have them. `shipped`: the one that is part of the
    /// program, made from DB-IP City Lite.
    database: Option<Value<PathBuf>>,
    /// An ASN database in MaxMind's format, relative to the configuration directory; needed for
    /// groups by `asns`.
    asn: Option<Value<PathBuf>>,
    /// What the databases do not know or get wrong, at most 100 000 networks. The most specific one counts.
    networks: Option<Setting<Vec<Setting<NetworkSpec>>>>,
}

/// A network whose location the operator knows better.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NetworkSpec {
    /// The network, for example `10.0.0.0/8` or `2001:db8::/32`.
    network: Value<Prefix>,
    /// Its country, by ISO 3166-1 code.
    country: Option<Value<Country>>,
    /// Its state or province, by ISO 3166-2 code, for example `US-CA`.
    subdivision: Option<Value<Subdivision>>,
    /// Its continent: AF, AN, AS, EU, NA, OC or SA. Needed only where the country is not enough.
    continent: Option<Value<Continent>>,
    /// Degrees north of the equator, −90 to 90; together with `longitude`.
    latitude: Option<Value<Degrees>>,
    /// Degrees east of Greenwich, −180 to 180; together with `latitude`.
    longitude: Option<Value<Degrees>>,
    /// The autonomous system that it belongs to.
    asn: Option<Value<Asn>>,
}

/// Where the locations of clients come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Geo {
    /// A Country or City database in MaxMind's format.
    pub database: Option<DatabaseSource>,
    /// An ASN database in MaxMind's format.
    pub asn: Option<PathBuf>,
    /// Networks of the operator, each once; the most specific one counts, and before a database's.
    pub networks: Vec<(Prefix, Location)>,
}

/// Where a Country or City database comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum DatabaseSource {
    /// The program.
    Shipped,
    File(PathBuf),
}

impl DatabaseSource {
    /// The word for the database in the program; a file of that name is `./shipped`.
    const SHIPPED: &str = "shipped";

    fn lower(path: &Path, directory: &Path) -> Self {
        if path.as_os_str() == Self::SHIPPED { Self::Shipped } else { Self::File(directory.join(path)) }
    }

    /// Returns the path of the file; `None` when the database is in the program.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::Shipped => None,
            Self::File(path) => Some(path),
        }
    }
}

impl fmt::Display for DatabaseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.write_str(Self::SHIPPED),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Lowers `geo`.
pub(super) fn lower(spec: &Option<Setting<GeoSpec>>, directory: &Path, report: &mut Reporter) -> Geo {
    let Some(spec) = spec.get() else { return Geo::default() };
    let mut networks: Vec<(Prefix, Location)> = Vec::new();
    let mut seen = HashMap::new();
    for (network, span) in spec.networks.at_most(MAX_NETWORKS, "networks: build a database of them", report) {
        let Some((prefix, location)) = self::network(network, span, report) else {
            continue;
        };
        if let Some(line) = seen.insert(prefix, span.line) {
            let finding = report.error(span, format!("network {prefix} is listed twice"));
            finding.hint(format!("first in line {line}"));
        }
        networks.push((prefix, location));
    }
    let database = spec.database.get().map(|path| DatabaseSource::lower(path, directory));
    Geo { database, asn: path(&spec.asn, directory), networks }
}

fn network(spec: &NetworkSpec, span: Span, report: &mut Reporter) -> Option<(Prefix, Location)> {
    let network = spec.network.required("network", span, "write `network: 10.0.0.0/8`", report);
    if let Some((prefix, at)) = network.filter(|(prefix, _)| geo::is_embedded(**prefix)) {
        let finding = report.error(at, format!("{prefix} holds IPv4 addresses in IPv6 ones"));
        finding.hint("their clients are located by the IPv4 address; list the IPv4 network");
    }
    let country = spec.country.get().copied();
    if let (Some((subdivision, at)), Some(country)) = (spec.subdivision.given(), country)
        && subdivision.country != country
    {
        report.error(at, format!("`{subdivision}` is not in `{country}`"));
    }
    let says_nothing = country.is_none()
        && spec.subdivision.is_none()
        && spec.continent.is_none()
        && spec.latitude.is_none()
        && spec.asn.is_none();
    if says_nothing && spec.country.is_missing() {
        let finding = report.error(span, "the network says nothing of its location");
        finding.hint("add `country: JP` or another part of a location");
    }
    // A subdivision names its country, a country its continent.
    let subdivision = spec.subdivision.get().copied();
    let country = country.or(subdivision.map(|subdivision| subdivision.country));
    let continent = spec.continent.get().copied();
    let location = Location {
        continent: continent.or(country.and_then(countries::find).map(|entry| entry.continent)),
        country,
        subdivision,
        european_union: country.map(Country::is_eu),
        coordinates: coordinates(spec, span, report),
        asn: spec.asn.get().map(|asn| asn.0),
    };
    Some((*network?.0, location))
}

fn coordinates(spec: &NetworkSpec, span: Span, report: &mut Reporter) -> Option<Coordinates> {
    match (&spec.latitude, &spec.longitude) {
        (None, None) => None,
        (Some(latitude), Some(longitude)) => point(latitude, longitude, span, report),
        (Some(_), None) | (None, Some(_)) => {
            report.error(span, "`latitude` and `longitude` go together");
            None
        }
    }
}
