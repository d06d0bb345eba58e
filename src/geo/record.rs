//! The fields of a record, whatever its vendor calls them.
//!
//! MaxMind and DB-IP nest: `country.iso_code`, `location.latitude`. IPinfo and ip-location-db are flat: `country` or
//! `country_code`, `latitude` or `lat`, numbers as texts. What is missing, and what is out of range such as a latitude
//! of 400, is missing from the location: an operator's answer must not depend on a vendor's typing error. A field of
//! a type that cannot be what it is named for means that the layout is another one, and is an error with its name.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Error, countries};
use crate::client::{Continent, Coordinates, Country, Location, Subdivision};

/// The keys that are read, of maps of every depth; the rest, mostly names in eight languages, is skipped unread.
const KEYS: [&str; 17] = [
    "asn",
    "autonomous_system_number",
    "code",
    "continent",
    "continent_code",
    "country",
    "country_code",
    "is_in_european_union",
    "iso_code",
    "lat",
    "latitude",
    "lng",
    "location",
    "lon",
    "longitude",
    "region_code",
    "subdivisions",
];

/// Names of the degrees north in flat layouts and in `location`, and of those east.
const NORTH: [&str; 2] = ["latitude", "lat"];
const EAST: [&str; 3] = ["longitude", "lng", "lon"];

/// A record, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RecordField<'a> {
    Text(&'a str),
    Number(f64),
    Truth(bool),
    /// Those of [`KEYS`].
    Map(Vec<(&'a str, RecordField<'a>)>),
    /// Its first element.
    Array(Option<Box<RecordField<'a>>>),
    /// Of a type that no field has, by name.
    Other(&'static str),
}

impl<'a> RecordField<'a> {
    /// Returns the location that the record gives.
    ///
    /// # Errors
    ///
    /// Names the field that cannot be read.
    pub(super) fn location(&self) -> Result<Location, Error> {
        let code = self.country_code()?;
        let country = code.and_then(countries::of_database);
        // Whose registration says no more than that is bound by the rules for both: its members, and the unknown.
        let is_union = code.is_some_and(|code| code.eq_ignore_ascii_case("EU"));
        Ok(Location {
            continent: self.continent()?.or_else(|| Some(countries::find(country?)?.continent)),
            country,
            subdivision: self.subdivision(country)?,
            european_union: if is_union { Some(true) } else { self.is_in_european_union()? },
            coordinates: self.coordinates()?,
            asn: self.system()?,
        })
    }

    /// Returns the autonomous system that the record gives: a number, or a text such as `AS680`.
    ///
    /// # Errors
    ///
    /// Names the field that cannot be read.
    pub(super) fn system(&self) -> Result<Option<u32>, Error> {
        let name = ["autonomous_system_number", "asn"].into_iter().find(|name| self.get(name).is_some());
        let Some(name) = name else { return Ok(None) };
        let number = match self.get(name) {
            Some(Self::Text(text)) => {
                return Ok(text.strip_prefix("AS").unwrap_or(text).parse().ok());
            }
            _ => self.number(name, || name.to_owned())?,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is in range and whole"
        )]
        Ok(number.filter(|number| (0.0..=f64::from(u32::MAX)).contains(number)).map(|number| number as u32))
    }

    fn continent(&self) -> Result<Option<Continent>, Error> {
        let code = match self.get("continent") {
            Some(continent @ Self::Map(_)) => continent.text("code", "continent.code")?,
            // Some vendors have the name there and the code beside it.
            _ => match self.text("continent_code", "continent_code")? {
                None => self.text("continent", "continent")?,
                code => code,
            },
        };
        Ok(code.and_then(Continent::from_code))
    }

    fn country_code(&self) -> Result<Option<&'a str>, Error> {
        match self.get("country") {
            Some(country @ Self::Map(_)) => country.text("iso_code", "country.iso_code"),
            _ => match self.text("country_code", "country_code")? {
                None => self.text("country", "country"),
                code => Ok(code),
            },
        }
    }

    fn subdivision(&self, country: Option<Country>) -> Result<Option<Subdivision>, Error> {
        let code = match self.get("subdivisions") {
            Some(Self::Array(Some(first))) => first.text("iso_code", "subdivisions.iso_code")?,
            _ => self.text("region_code", "region_code")?,
        };
        let (Some(country), Some(bytes)) = (country, code.map(str::as_bytes)) else {
            return Ok(None);
        };
        let mut code = [0; 3];
        let fits = (1..=3).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric);
        Ok(fits.then(|| {
            code[..bytes.len()].copy_from_slice(bytes);
            Subdivision { country, code }
        }))
    }

    fn is_in_european_union(&self) -> Result<Option<bool>, Error> {
        let Some(country @ Self::Map(_)) = self.get("country") else { return Ok(None) };
        match country.get("is_in_european_union") {
            None => Ok(None),
            Some(Self::Truth(truth)) => Ok(Some(*truth)),
            Some(other) => Err(other.unlike("country.is_in_european_union", "a truth value")),
        }
    }

    /// Returns the coordinates, if both are there. The point 0 N 0 E is in the sea: it stands for none.
    fn coordinates(&self) -> Result<Option<Coordinates>, Error> {
        let (place, prefix) = match self.get("location") {
            Some(location @ Self::Map(_)) => (location, "location."),
            _ => (self, ""),
        };
        let degrees = |names: &[&str]| match names.iter().find(|name| place.get(name).is_some()) {
            Some(name) => place.number(name, || format!("{prefix}{name}")),
            None => Ok(None),
        };
        let (latitude, longitude) = (degrees(&NORTH)?, degrees(&EAST)?);
        Ok(latitude.zip(longitude).and_then(|(latitude, longitude)| {
            let on_the_globe = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
            let is_zero = latitude == 0.0 && longitude == 0.0;
            (on_the_globe && !is_zero).then_some(Coordinates { latitude, longitude })
        }))
    }

    /// Returns a part of a map.
    fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(key, _)| *key == name).map(|(_, field)| field),
            Self::Text(_) | Self::Number(_) | Self::Truth(_) | Self::Array(_) | Self::Other(_) => None,
        }
    }

    fn text(&self, name: &str, path: &str) -> Result<Option<&'a str>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Self::Text(text)) => Ok(Some(text)),
            Some(other) => Err(other.unlike(path, "a text")),
        }
    }

    /// Returns a number, also one that is written as a text. An empty text is none.
    fn number(&self, name: &str, path: impl FnOnce() -> String) -> Result<Option<f64>, Error> {
        match self.get(name) {
            None | Some(Self::Text("")) => Ok(None),
            Some(Self::Number(number)) => Ok(Some(*number)),
            Some(field @ Self::Text(text)) => {
                text.parse().map(Some).map_err(|_| field.unlike(&path(), "a number"))
            }
            Some(other) => Err(other.unlike(&path(), "a number")),
        }
    }

    fn unlike(&self, path: &str, expected: &'static str) -> Error {
        let found = match self {
            Self::Text(text) => format!("the text `{}`", text.chars().take(40).collect::<String>()),
            Self::Number(_) => "a number".to_owned(),
            Self::Truth(_) => "a truth value".to_owned(),
            Self::Map(_) => "a map".to_owned(),
            Self::Array(_) => "an array".to_owned(),
            Self::Other(kind) => (*kind).to_owned(),
        };
        Error::Field { field: path.to_owned(), expected, found }
    }
}

impl<'de> Deserialize<'de> for RecordField<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = RecordField<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the format")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<RecordField<'de>, E> {
        Ok(RecordField::Text(text))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<RecordField<'de>, E> {
        Ok(RecordField::Truth(truth))
    }

    fn visit_f64<E>(self, number: f64) -> Result<RecordField<'de>, E> {
        Ok(RecordField::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<RecordField<'de>, E> {
        Ok(RecordField::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<RecordField<'de>, E> {
        Ok(RecordField::Number(number as f64))
    }

    fn visit_u128<E>(self, _: u128) -> Result<RecordField<'de>, E> {
        Ok(RecordField::Other("a number of 128 bits"))
    }

    fn visit_borrowed_bytes<E>(self, _: &'de [u8]) -> Result<RecordField<'de>, E> {
        Ok(RecordField::Other("bytes"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RecordField<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<&str>()? {
            if KEYS.binary_search(&key).is_ok() {
                entries.push((key, map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(RecordField::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<RecordField<'de>, A::Error> {
        let first = elements.next_element()?.map(Box::new);
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(RecordField::Array(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map<'a>(entries: &[(&'a str, RecordField<'a>)]) -> RecordField<'a> {
        RecordField::Map(entries.to_vec())
    }

    fn check(record: &RecordField<'_>, expected: &str) {
        let text = match record.location() {
            Ok(location) => {
                let continent = location.continent.map_or("-", Continent::code);
                let country = location.country.map_or("-".to_owned(), |country| country.to_string());
                let point = location
                    .coordinates
                    .map_or("-".to_owned(), |point| format!("{:.1} {:.1}", point.latitude, point.longitude));
                let subdivision = location.subdivision.map_or("-".to_owned(), |part| part.to_string());
                format!("{continent} {country} {subdivision} {point} {:?}", location.asn)
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(text, expected, "{record:?}");
    }

    #[test]
    fn keys_are_sorted_for_they_are_searched() {
        assert!(KEYS.is_sorted());
    }

    #[test]
    fn flat_and_nested_layouts_give_the_same_location() {
        use RecordField::{Array, Map, Number, Text};
        let point = || map(&[("latitude", Number(52.5)), ("longitude", Number(13.4))]);
        let part = Array(Some(Box::new(map(&[("iso_code", Text("BE"))]))));
        let nested = map(&[
            ("continent", map(&[("code", Text("EU"))])),
            ("country", map(&[("iso_code", Text("DE"))])),
            ("location", point()),
            ("subdivisions", part),
        ]);
        check(&nested, "EU DE DE-BE 52.5 13.4 None");
        let ip_location_db =
            [("country_code", Text("DE")), ("latitude", Number(52.5)), ("longitude", Number(13.4))];
        check(&map(&ip_location_db), "EU DE - 52.5 13.4 None");
        let ipinfo = [
            ("country", Text("DE")),
            ("continent", Text("EU")),
            ("lat", Text("52.52")),
            ("lng", Text("13.40")),
            ("region_code", Text("BE")),
            ("asn", Text("AS680")),
        ];
        check(&map(&ipinfo), "EU DE DE-BE 52.5 13.4 Some(680)");
        let lite = [
            ("country", Text("Germany")),
            ("country_code", Text("DE")),
            ("continent", Text("Europe")),
            ("continent_code", Text("EU")),
        ];
        check(&map(&lite), "EU DE - - None");
        check(&Map(Vec::new()), "- - - - None");
    }

    #[test]
    fn what_is_out_of_range_or_zero_is_missing() {
        use RecordField::{Number, Text};
        let at = |latitude, longitude| map(&[("latitude", latitude), ("longitude", longitude)]);
        check(&at(Number(95.0), Number(10.0)), "- - - - None");
        check(&at(Number(f64::NAN), Number(10.0)), "- - - - None");
        check(&at(Number(0.0), Number(0.0)), "- - - - None");
        check(&at(Text(""), Text("")), "- - - - None");
        check(&at(Number(-1.0), Number(180.0)), "- - - -1.0 180.0 None");
        check(&map(&[("country_code", Text("-"))]), "- - - - None");
    }

    #[test]
    fn a_field_of_another_type_is_named() {
        use RecordField::{Number, Other, Text};
        let nested = |field| map(&[("location", map(&[("latitude", field), ("longitude", Number(1.0))]))]);
        check(
            &nested(Other("a number of 128 bits")),
            "`location.latitude` is a number of 128 bits and not a number: the layout is not one that is read",
        );
        check(
            &nested(Text("north")),
            "`location.latitude` is the text `north` and not a number: the layout is not one that is read",
        );
        check(
            &map(&[("country", Number(276.0))]),
            "`country` is a number and not a text: the layout is not one that is read",
        );
    }
}
