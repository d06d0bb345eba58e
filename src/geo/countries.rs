//! The countries and territories of ISO 3166-1, and Kosovo under its user-assigned code XK: for each
//! a name, a continent, and the point that stands for its population when a database has no coordinates.
//!
//! The points were set by hand, from the published centre of population where one is known (United
//! States, Canada, Australia) and else from where the largest cities lie, weighted by population.
//! They are good to about one degree for small countries and two for large ones. That orders regions
//! a few hundred kilometres apart rightly for most, not all, clients of a large country; a City
//! database does better. Continents follow GeoNames, as MaxMind's databases do.

use std::sync::LazyLock;

use crate::client::{Continent, Coordinates, Country};

/// A country as it is known without any database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CountryEntry {
    /// The two letters of ISO 3166-1.
    pub code: &'static str,
    /// The short English name.
    pub name: &'static str,
    /// The continent on which most of its population lives.
    pub continent: Continent,
    /// The centre of its population.
    pub point: Coordinates,
}

/// Returns the entry of a country, or `None` when the code is not assigned.
pub fn find(country: Country) -> Option<&'static CountryEntry> {
    let place = ALL.binary_search_by_key(&country.as_str(), |entry| entry.code);
    place.ok().map(|index| &ALL[index])
}

/// Codes that databases have for countries under another code: exceptional reservations of ISO 3166-1, some former codes, and
/// `EL`, which the European Union writes for Greece.
const OTHER_CODES: [(&str, &str); 9] = [
    ("AC", "SH"),
    ("BU", "MM"),
    ("EA", "ES"),
    ("EL", "GR"),
    ("FX", "FR"),
    ("IC", "ES"),
    ("TA", "SH"),
    ("TP", "TL"),
    ("UK", "GB"),
];

/// Returns the country that a code stands for in a database, or `None` when it stands for none: `AP` (somewhere in Asia or
/// the Pacific), `EU`, `A1` and others are no place to apply the rules for a country to.
pub fn of_database(code: &str) -> Option<Country> {
    let code = code.to_ascii_uppercase();
    let other = OTHER_CODES.iter().find(|(other, _)| *other == code).map(|(_, country)| *country);
    let country: Country = other.unwrap_or(&code).parse().ok()?;
    find(country).map(|_| country)
}

/// Every country, by code: the table `countries.csv`.
pub static ALL: LazyLock<Vec<CountryEntry>> =
    LazyLock::new(|| include_str!("countries.csv").lines().skip(1).map(entry).collect());

fn entry(line: &'static str) -> CountryEntry {
    // The name comes last, for some have commas.
    let mut fields = line.splitn(5, ',');
    let mut next = || fields.next().expect("every line of the table has five fields");
    let (code, continent) = (next(), Continent::from_code(next()).expect("the table has MaxMind's codes"));
    let mut degrees = || next().parse().expect("the table has degrees");
    let point = Coordinates { latitude: degrees(), longitude: degrees() };
    CountryEntry { code, name: next(), continent, point }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_by_its_code_and_lies_on_the_globe() {
        for entry in ALL.iter() {
            let country: Country = entry.code.parse().expect("codes are well formed");
            assert_eq!(find(country), Some(entry), "{}", entry.code);
            assert!(entry.point.latitude.abs() <= 90.0 && entry.point.longitude.abs() <= 180.0);
        }
        assert_eq!(ALL.len(), 250, "the 249 codes of ISO 3166-1 and XK");
        assert!(OTHER_CODES.iter().all(|(_, country)| of_database(country).is_some()));
    }

    #[test]
    fn codes_that_are_not_assigned_are_not_found() {
        for code in ["EU", "AP", "UK", "ZZ", "AA"] {
            assert_eq!(find(code.parse().expect("two letters")), None, "{code}");
        }
    }
}
