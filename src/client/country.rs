//! Countries by ISO 3166-1 alpha-2, and the unions that residency rules name.

use std::fmt;
use std::str::FromStr;

/// A country: two upper-case letters of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// Returns the two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a country is two ASCII letters")
    }

    /// Returns whether the law of the European Union holds in the country: the member states, and those parts of
    /// them that have codes of their own. Databases often flag the 27 alone.
    pub fn is_eu(self) -> bool {
        EU.contains(&self.as_str()) || PARTS_OF_MEMBER_STATES.contains(&self.as_str())
    }

    /// Returns whether the country belongs to the European Economic Area: the Union and three more. Svalbard has a
    /// code of its own and does not belong (EEA Agreement, protocol 40).
    pub fn is_eea(self) -> bool {
        self.is_eu() || EEA_BEYOND_EU.contains(&self.as_str())
    }
}

/// The 27 member states since 1 February 2020 (<https://european-union.europa.eu>, country profiles).
const EU: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT",
    "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// The outermost regions (TFEU, article 349; the Azores, Madeira and the Canary Islands have no codes of their own)
/// and Åland (article 355, paragraph 4). The overseas countries and territories of its annex II are not among them.
const PARTS_OF_MEMBER_STATES: [&str; 7] = ["AX", "GF", "GP", "MF", "MQ", "RE", "YT"];

/// The EFTA states of the EEA Agreement (<https://www.efta.int/eea>).
const EEA_BEYOND_EU: [&str; 3] = ["IS", "LI", "NO"];

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is not a country code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an ISO 3166-1 country code of two letters")]
pub struct NotACountry(pub String);

impl FromStr for Country {
    type Err = NotACountry;

    fn from_str(text: &str) -> Result<Self, NotACountry> {
        match text.as_bytes() {
            [first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() => {
                Ok(Self([*first, *second]))
            }
            _ => Err(NotACountry(text.to_owned())),
        }
    }
}

/// What a region's jurisdiction must be: a country, or any member of a union.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Jurisdiction {
    Country(Country),
    /// Any member state of the European Union.
    EuropeanUnion,
    /// Any state of the European Economic Area.
    EuropeanEconomicArea,
}

impl Jurisdiction {
    /// Returns whether a region in `country` is inside.
    pub fn covers(self, country: Country) -> bool {
        match self {
            Self::Country(only) => only == country,
            Self::EuropeanUnion => country.is_eu(),
            Self::EuropeanEconomicArea => country.is_eea(),
        }
    }
}

/// A continent, with MaxMind's two-letter codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Continent {
    /// `AF`
    Africa,
    /// `AN`
    Antarctica,
    /// `AS`
    Asia,
    /// `EU`
    Europe,
    /// `NA`
    NorthAmerica,
    /// `OC`
    Oceania,
    /// `SA`
    SouthAmerica,
}

impl Continent {
    /// Every continent, by code.
    pub const ALL: [Self; 7] = [
        Self::Africa,
        Self::Antarctica,
        Self::Asia,
        Self::Europe,
        Self::NorthAmerica,
        Self::Oceania,
        Self::SouthAmerica,
    ];

    /// Returns the two-letter code that MaxMind's databases use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Africa => "AF",
            Self::Antarctica => "AN",
            Self::Asia => "AS",
            Self::Europe => "EU",
            Self::NorthAmerica => "NA",
            Self::Oceania => "OC",
            Self::SouthAmerica => "SA",
        }
    }

    /// Returns the continent with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|continent| continent.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norway_is_in_the_economic_area_but_not_in_the_union_and_switzerland_in_neither() {
        let country = |code: &str| code.parse::<Country>().expect("a valid code");
        assert!(country("DE").is_eu() && country("DE").is_eea());
        assert!(!country("NO").is_eu() && country("NO").is_eea());
        assert!(!country("CH").is_eu() && !country("CH").is_eea());
        assert!(Jurisdiction::EuropeanUnion.covers(country("IE")));
    }

    #[test]
    fn the_outermost_regions_and_aland_are_in_the_union_and_overseas_territories_are_not() {
        let country = |code: &str| code.parse::<Country>().expect("a valid code");
        for code in ["AX", "GF", "GP", "MF", "MQ", "RE", "YT"] {
            assert!(country(code).is_eu() && country(code).is_eea(), "{code}");
        }
        for code in ["AW", "BL", "CW", "FO", "GI", "GL", "NC", "PF", "PM", "SJ", "SX", "WF"] {
            assert!(!country(code).is_eea(), "{code}");
        }
    }
}
