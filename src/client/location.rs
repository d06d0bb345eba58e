//! What is known about where a client is.

use std::fmt;

use super::country::{Continent, Country};

/// What a database or the operator says about the place of a network. Every part may be missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Location {
    pub continent: Option<Continent>,
    pub country: Option<Country>,
    /// The first-level subdivision, a state or province.
    pub subdivision: Option<Subdivision>,
    /// Whether the database says that the country is a member of the European Union; `None` when it does not carry
    /// that. The table in [`Country`] decides where this is not `true`.
    pub european_union: Option<bool>,
    pub coordinates: Option<Coordinates>,
    /// The autonomous system that announces the network.
    pub asn: Option<u32>,
}

impl Location {
    /// Returns whether so little is known that the client counts as of unknown location: no country
    /// to apply a rule to, whatever else is there.
    pub fn is_unknown(&self) -> bool {
        self.country.is_none()
    }
}

/// A first-level subdivision by ISO 3166-2: the part after the hyphen, for example `CA` in `US-CA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subdivision {
    pub country: Country,
    /// One to three letters or digits, padded with zeros.
    pub code: [u8; 3],
}

impl fmt::Display for Subdivision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code: String =
            self.code.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
        write!(f, "{}-{code}", self.country)
    }
}

/// A point on the globe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinates {
    /// Degrees north of the equator, −90 to 90.
    pub latitude: f64,
    /// Degrees east of Greenwich, −180 to 180.
    pub longitude: f64,
}

impl Coordinates {
    /// The mean radius of the Earth in kilometres (IUGG R1).
    const EARTH_RADIUS_KM: f64 = 6371.0088;

    /// Returns the great-circle distance in kilometres, by the haversine formula.
    pub fn distance_km(self, other: Self) -> f64 {
        let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
        let h = half(self.latitude, other.latitude)
            + self.latitude.to_radians().cos()
                * other.latitude.to_radians().cos()
                * half(self.longitude, other.longitude);
        2.0 * Self::EARTH_RADIUS_KM * h.sqrt().min(1.0).asin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokyo_is_about_396_km_from_osaka_and_9_350_from_frankfurt() {
        let at = |latitude, longitude| Coordinates { latitude, longitude };
        let tokyo = at(35.68, 139.69);
        assert!((tokyo.distance_km(at(34.69, 135.50)) - 396.0).abs() < 3.0);
        assert!((tokyo.distance_km(at(50.11, 8.68)) - 9350.0).abs() < 30.0);
        assert!(tokyo.distance_km(tokyo) < 1e-9);
    }
}
