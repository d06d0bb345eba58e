//! The countries and territories of ISO 3166-1, and Kosovo under its user-assigned code XK: for each
//! a name, a continent, and the point that stands for its population when a database has no coordinates.
//!
//! The points were set by hand, from the published centre of population where one is known (United
//! States, Canada, Australia) and else from where the largest cities lie, weighted by population.
//! They are good to about one degree for small countries and two for large ones. That orders regions
//! a few hundred kilometres apart rightly for most, not all, clients of a large country; a City
//! database does better. Continents follow GeoNames, as MaxMind's databases do.

use crate::client::Continent::{self, Africa, Antarctica, Asia, Europe, NorthAmerica, Oceania, SouthAmerica};
use crate::client::{Coordinates, Country};

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

/// Returns whether the law of the European Union holds in a country: the member states, and the parts of
/// them that have ISO codes of their own (the outermost regions of TFEU 349, and Åland).
pub fn is_in_european_union(country: Country) -> bool {
    country.is_eu() || PARTS_OF_MEMBER_STATES.contains(&country.as_str())
}

const PARTS_OF_MEMBER_STATES: [&str; 7] = ["AX", "GF", "GP", "MF", "MQ", "RE", "YT"];

const fn at(
    code: &'static str,
    name: &'static str,
    continent: Continent,
    latitude: f64,
    longitude: f64,
) -> CountryEntry {
    CountryEntry { code, name, continent, point: Coordinates { latitude, longitude } }
}

/// Every country, by code.
#[rustfmt::skip]
pub static ALL: [CountryEntry; 250] = [
    at("AD", "Andorra", Europe, 42.5, 1.5),
    at("AE", "United Arab Emirates", Asia, 24.9, 55.0),
    at("AF", "Afghanistan", Asia, 34.5, 68.3),
    at("AG", "Antigua and Barbuda", NorthAmerica, 17.1, -61.8),
    at("AI", "Anguilla", NorthAmerica, 18.2, -63.1),
    at("AL", "Albania", Europe, 41.2, 19.9),
    at("AM", "Armenia", Asia, 40.2, 44.5),
    at("AO", "Angola", Africa, -10.4, 15.1),
    at("AQ", "Antarctica", Antarctica, -77.8, 166.7),
    at("AR", "Argentina", SouthAmerica, -33.5, -61.0),
    at("AS", "American Samoa", Oceania, -14.3, -170.7),
    at("AT", "Austria", Europe, 47.8, 15.0),
    at("AU", "Australia", Oceania, -33.5, 146.0),
    at("AW", "Aruba", NorthAmerica, 12.5, -70.0),
    at("AX", "Åland Islands", Europe, 60.1, 19.9),
    at("AZ", "Azerbaijan", Asia, 40.4, 48.6),
    at("BA", "Bosnia and Herzegovina", Europe, 44.2, 17.8),
    at("BB", "Barbados", NorthAmerica, 13.1, -59.6),
    at("BD", "Bangladesh", Asia, 23.8, 90.3),
    at("BE", "Belgium", Europe, 50.9, 4.4),
    at("BF", "Burkina Faso", Africa, 12.3, -1.4),
    at("BG", "Bulgaria", Europe, 42.7, 24.8),
    at("BH", "Bahrain", Asia, 26.2, 50.5),
    at("BI", "Burundi", Africa, -3.3, 29.8),
    at("BJ", "Benin", Africa, 7.3, 2.3),
    at("BL", "Saint Barthélemy", NorthAmerica, 17.9, -62.8),
    at("BM", "Bermuda", NorthAmerica, 32.3, -64.8),
    at("BN", "Brunei", Asia, 4.8, 114.8),
    at("BO", "Bolivia", SouthAmerica, -17.2, -65.6),
    at("BQ", "Bonaire, Sint Eustatius and Saba", NorthAmerica, 12.2, -68.3),
    at("BR", "Brazil", SouthAmerica, -16.5, -45.5),
    at("BS", "Bahamas", NorthAmerica, 25.0, -77.4),
    at("BT", "Bhutan", Asia, 27.3, 90.0),
    at("BV", "Bouvet Island", Antarctica, -54.4, 3.4),
    at("BW", "Botswana", Africa, -23.5, 26.3),
    at("BY", "Belarus", Europe, 53.6, 27.9),
    at("BZ", "Belize", NorthAmerica, 17.4, -88.6),
    at("CA", "Canada", NorthAmerica, 46.2, -86.0),
    at("CC", "Cocos (Keeling) Islands", Asia, -12.2, 96.8),
    at("CD", "Congo (Kinshasa)", Africa, -3.9, 23.0),
    at("CF", "Central African Republic", Africa, 5.2, 18.2),
    at("CG", "Congo (Brazzaville)", Africa, -4.0, 14.8),
    at("CH", "Switzerland", Europe, 47.1, 7.9),
    at("CI", "Côte d'Ivoire", Africa, 6.6, -5.4),
    at("CK", "Cook Islands", Oceania, -21.2, -159.8),
    at("CL", "Chile", SouthAmerica, -34.0, -71.2),
    at("CM", "Cameroon", Africa, 5.3, 11.3),
    at("CN", "China", Asia, 32.5, 113.0),
    at("CO", "Colombia", SouthAmerica, 5.6, -74.9),
    at("CR", "Costa Rica", NorthAmerica, 9.9, -84.1),
    at("CU", "Cuba", NorthAmerica, 21.9, -79.5),
    at("CV", "Cabo Verde", Africa, 15.3, -23.9),
    at("CW", "Curaçao", NorthAmerica, 12.2, -69.0),
    at("CX", "Christmas Island", Asia, -10.4, 105.7),
    at("CY", "Cyprus", Europe, 35.0, 33.2),
    at("CZ", "Czechia", Europe, 49.8, 15.7),
    at("DE", "Germany", Europe, 50.8, 9.6),
    at("DJ", "Djibouti", Africa, 11.6, 43.0),
    at("DK", "Denmark", Europe, 55.8, 10.9),
    at("DM", "Dominica", NorthAmerica, 15.4, -61.4),
    at("DO", "Dominican Republic", NorthAmerica, 18.7, -70.2),
    at("DZ", "Algeria", Africa, 35.6, 3.3),
    at("EC", "Ecuador", SouthAmerica, -1.5, -79.2),
    at("EE", "Estonia", Europe, 59.1, 25.3),
    at("EG", "Egypt", Africa, 29.6, 31.3),
    at("EH", "Western Sahara", Africa, 25.9, -14.0),
    at("ER", "Eritrea", Africa, 15.2, 38.8),
    at("ES", "Spain", Europe, 39.8, -3.5),
    at("ET", "Ethiopia", Africa, 8.9, 38.8),
    at("FI", "Finland", Europe, 61.8, 25.0),
    at("FJ", "Fiji", Oceania, -17.9, 178.0),
    at("FK", "Falkland Islands", SouthAmerica, -51.7, -58.0),
    at("FM", "Micronesia", Oceania, 7.1, 155.0),
    at("FO", "Faroe Islands", Europe, 62.0, -6.9),
    at("FR", "France", Europe, 47.2, 2.5),
    at("GA", "Gabon", Africa, -0.3, 10.5),
    at("GB", "United Kingdom", Europe, 52.6, -1.6),
    at("GD", "Grenada", NorthAmerica, 12.1, -61.7),
    at("GE", "Georgia", Asia, 41.9, 43.9),
    at("GF", "French Guiana", SouthAmerica, 4.9, -52.9),
    at("GG", "Guernsey", Europe, 49.5, -2.6),
    at("GH", "Ghana", Africa, 6.6, -1.1),
    at("GI", "Gibraltar", Europe, 36.1, -5.4),
    at("GL", "Greenland", NorthAmerica, 65.5, -51.0),
    at("GM", "Gambia", Africa, 13.4, -16.2),
    at("GN", "Guinea", Africa, 9.9, -11.8),
    at("GP", "Guadeloupe", NorthAmerica, 16.2, -61.5),
    at("GQ", "Equatorial Guinea", Africa, 2.7, 9.6),
    at("GR", "Greece", Europe, 38.6, 23.1),
    at("GS", "South Georgia and the South Sandwich Islands", Antarctica, -54.3, -36.5),
    at("GT", "Guatemala", NorthAmerica, 14.8, -90.9),
    at("GU", "Guam", Oceania, 13.5, 144.8),
    at("GW", "Guinea-Bissau", Africa, 12.0, -15.2),
    at("GY", "Guyana", SouthAmerica, 6.7, -58.1),
    at("HK", "Hong Kong", Asia, 22.3, 114.2),
    at("HM", "Heard Island and McDonald Islands", Antarctica, -53.1, 73.5),
    at("HN", "Honduras", NorthAmerica, 14.7, -87.2),
    at("HR", "Croatia", Europe, 45.4, 16.2),
    at("HT", "Haiti", NorthAmerica, 18.8, -72.6),
    at("HU", "Hungary", Europe, 47.3, 19.3),
    at("ID", "Indonesia", Asia, -5.9, 109.8),
    at("IE", "Ireland", Europe, 53.1, -7.2),
    at("IL", "Israel", Asia, 32.0, 34.9),
    at("IM", "Isle of Man", Europe, 54.2, -4.5),
    at("IN", "India", Asia, 23.2, 80.5),
    at("IO", "British Indian Ocean Territory", Asia, -7.3, 72.4),
    at("IQ", "Iraq", Asia, 33.3, 44.2),
    at("IR", "Iran", Asia, 34.3, 51.4),
    at("IS", "Iceland", Europe, 64.3, -21.4),
    at("IT", "Italy", Europe, 42.9, 12.2),
    at("JE", "Jersey", Europe, 49.2, -2.1),
    at("JM", "Jamaica", NorthAmerica, 18.1, -77.0),
    at("JO", "Jordan", Asia, 32.0, 36.0),
    at("JP", "Japan", Asia, 35.6, 137.2),
    at("KE", "Kenya", Africa, -0.4, 36.8),
    at("KG", "Kyrgyzstan", Asia, 41.6, 73.7),
    at("KH", "Cambodia", Asia, 11.9, 104.9),
    at("KI", "Kiribati", Oceania, 1.5, 173.1),
    at("KM", "Comoros", Africa, -11.9, 43.6),
    at("KN", "Saint Kitts and Nevis", NorthAmerica, 17.3, -62.7),
    at("KP", "North Korea", Asia, 39.3, 126.2),
    at("KR", "South Korea", Asia, 36.6, 127.5),
    at("KW", "Kuwait", Asia, 29.3, 48.0),
    at("KY", "Cayman Islands", NorthAmerica, 19.3, -81.3),
    at("KZ", "Kazakhstan", Asia, 47.5, 71.5),
    at("LA", "Laos", Asia, 17.9, 103.2),
    at("LB", "Lebanon", Asia, 33.8, 35.6),
    at("LC", "Saint Lucia", NorthAmerica, 13.9, -61.0),
    at("LI", "Liechtenstein", Europe, 47.2, 9.5),
    at("LK", "Sri Lanka", Asia, 7.2, 80.4),
    at("LR", "Liberia", Africa, 6.5, -10.3),
    at("LS", "Lesotho", Africa, -29.4, 27.8),
    at("LT", "Lithuania", Europe, 55.2, 23.9),
    at("LU", "Luxembourg", Europe, 49.6, 6.1),
    at("LV", "Latvia", Europe, 56.9, 24.5),
    at("LY", "Libya", Africa, 32.3, 15.3),
    at("MA", "Morocco", Africa, 33.2, -6.7),
    at("MC", "Monaco", Europe, 43.7, 7.4),
    at("MD", "Moldova", Europe, 47.1, 28.7),
    at("ME", "Montenegro", Europe, 42.6, 19.2),
    at("MF", "Saint Martin (French part)", NorthAmerica, 18.1, -63.1),
    at("MG", "Madagascar", Africa, -19.2, 47.0),
    at("MH", "Marshall Islands", Oceania, 7.2, 171.1),
    at("MK", "North Macedonia", Europe, 41.8, 21.4),
    at("ML", "Mali", Africa, 13.2, -6.5),
    at("MM", "Myanmar", Asia, 20.0, 96.1),
    at("MN", "Mongolia", Asia, 47.7, 105.5),
    at("MO", "Macao", Asia, 22.2, 113.5),
    at("MP", "Northern Mariana Islands", Oceania, 15.2, 145.7),
    at("MQ", "Martinique", NorthAmerica, 14.6, -61.0),
    at("MR", "Mauritania", Africa, 17.5, -14.5),
    at("MS", "Montserrat", NorthAmerica, 16.7, -62.2),
    at("MT", "Malta", Europe, 35.9, 14.5),
    at("MU", "Mauritius", Africa, -20.2, 57.5),
    at("MV", "Maldives", Asia, 4.2, 73.5),
    at("MW", "Malawi", Africa, -14.0, 34.4),
    at("MX", "Mexico", NorthAmerica, 20.9, -100.5),
    at("MY", "Malaysia", Asia, 3.5, 103.3),
    at("MZ", "Mozambique", Africa, -17.8, 36.3),
    at("NA", "Namibia", Africa, -19.7, 16.5),
    at("NC", "New Caledonia", Oceania, -22.1, 166.4),
    at("NE", "Niger", Africa, 13.8, 6.0),
    at("NF", "Norfolk Island", Oceania, -29.0, 168.0),
    at("NG", "Nigeria", Africa, 9.0, 7.0),
    at("NI", "Nicaragua", NorthAmerica, 12.5, -86.0),
    at("NL", "Netherlands", Europe, 52.1, 5.2),
    at("NO", "Norway", Europe, 60.8, 9.9),
    at("NP", "Nepal", Asia, 27.6, 84.6),
    at("NR", "Nauru", Oceania, -0.5, 166.9),
    at("NU", "Niue", Oceania, -19.1, -169.9),
    at("NZ", "New Zealand", Oceania, -39.5, 175.0),
    at("OM", "Oman", Asia, 23.0, 57.5),
    at("PA", "Panama", NorthAmerica, 8.8, -79.9),
    at("PE", "Peru", SouthAmerica, -10.2, -76.3),
    at("PF", "French Polynesia", Oceania, -17.4, -149.6),
    at("PG", "Papua New Guinea", Oceania, -6.3, 145.5),
    at("PH", "Philippines", Asia, 12.6, 122.1),
    at("PK", "Pakistan", Asia, 30.9, 72.0),
    at("PL", "Poland", Europe, 51.9, 19.3),
    at("PM", "Saint Pierre and Miquelon", NorthAmerica, 46.8, -56.2),
    at("PN", "Pitcairn Islands", Oceania, -25.1, -130.1),
    at("PR", "Puerto Rico", NorthAmerica, 18.3, -66.3),
    at("PS", "Palestine", Asia, 31.8, 35.0),
    at("PT", "Portugal", Europe, 39.5, -9.2),
    at("PW", "Palau", Oceania, 7.4, 134.5),
    at("PY", "Paraguay", SouthAmerica, -25.2, -57.0),
    at("QA", "Qatar", Asia, 25.3, 51.4),
    at("RE", "Réunion", Africa, -21.1, 55.5),
    at("RO", "Romania", Europe, 45.7, 25.4),
    at("RS", "Serbia", Europe, 44.4, 20.7),
    at("RU", "Russia", Europe, 55.0, 51.0),
    at("RW", "Rwanda", Africa, -1.9, 29.9),
    at("SA", "Saudi Arabia", Asia, 24.2, 43.8),
    at("SB", "Solomon Islands", Oceania, -9.1, 160.0),
    at("SC", "Seychelles", Africa, -4.6, 55.5),
    at("SD", "Sudan", Africa, 14.3, 31.8),
    at("SE", "Sweden", Europe, 58.8, 15.6),
    at("SG", "Singapore", Asia, 1.3, 103.8),
    at("SH", "Saint Helena, Ascension and Tristan da Cunha", Africa, -15.9, -5.7),
    at("SI", "Slovenia", Europe, 46.2, 14.8),
    at("SJ", "Svalbard and Jan Mayen", Europe, 78.2, 15.6),
    at("SK", "Slovakia", Europe, 48.7, 19.2),
    at("SL", "Sierra Leone", Africa, 8.4, -12.1),
    at("SM", "San Marino", Europe, 43.9, 12.5),
    at("SN", "Senegal", Africa, 14.6, -16.2),
    at("SO", "Somalia", Africa, 4.2, 44.8),
    at("SR", "Suriname", SouthAmerica, 5.8, -55.2),
    at("SS", "South Sudan", Africa, 7.0, 30.6),
    at("ST", "São Tomé and Príncipe", Africa, 0.3, 6.7),
    at("SV", "El Salvador", NorthAmerica, 13.7, -89.1),
    at("SX", "Sint Maarten (Dutch part)", NorthAmerica, 18.0, -63.1),
    at("SY", "Syria", Asia, 34.9, 36.9),
    at("SZ", "Eswatini", Africa, -26.5, 31.4),
    at("TC", "Turks and Caicos Islands", NorthAmerica, 21.8, -72.2),
    at("TD", "Chad", Africa, 11.5, 16.5),
    at("TF", "French Southern Territories", Antarctica, -49.4, 70.2),
    at("TG", "Togo", Africa, 7.3, 1.1),
    at("TH", "Thailand", Asia, 14.6, 101.0),
    at("TJ", "Tajikistan", Asia, 38.5, 69.1),
    at("TK", "Tokelau", Oceania, -9.2, -171.8),
    at("TL", "Timor-Leste", Oceania, -8.7, 125.8),
    at("TM", "Turkmenistan", Asia, 38.6, 59.6),
    at("TN", "Tunisia", Africa, 35.8, 10.1),
    at("TO", "Tonga", Oceania, -21.1, -175.2),
    at("TR", "Turkey", Asia, 39.2, 33.5),
    at("TT", "Trinidad and Tobago", NorthAmerica, 10.5, -61.4),
    at("TV", "Tuvalu", Oceania, -8.4, 179.1),
    at("TW", "Taiwan", Asia, 24.3, 120.9),
    at("TZ", "Tanzania", Africa, -5.6, 35.6),
    at("UA", "Ukraine", Europe, 49.2, 31.2),
    at("UG", "Uganda", Africa, 0.9, 32.6),
    at("UM", "United States Minor Outlying Islands", Oceania, 19.3, 166.6),
    at("US", "United States", NorthAmerica, 37.4, -92.3),
    at("UY", "Uruguay", SouthAmerica, -34.5, -56.0),
    at("UZ", "Uzbekistan", Asia, 40.4, 67.6),
    at("VA", "Vatican City", Europe, 41.9, 12.5),
    at("VC", "Saint Vincent and the Grenadines", NorthAmerica, 13.2, -61.2),
    at("VE", "Venezuela", SouthAmerica, 9.8, -67.6),
    at("VG", "British Virgin Islands", NorthAmerica, 18.4, -64.6),
    at("VI", "United States Virgin Islands", NorthAmerica, 18.1, -64.8),
    at("VN", "Vietnam", Asia, 16.5, 106.4),
    at("VU", "Vanuatu", Oceania, -17.0, 168.1),
    at("WF", "Wallis and Futuna", Oceania, -13.3, -176.2),
    at("WS", "Samoa", Oceania, -13.8, -171.8),
    at("XK", "Kosovo", Europe, 42.6, 21.0),
    at("YE", "Yemen", Asia, 14.5, 44.6),
    at("YT", "Mayotte", Africa, -12.8, 45.2),
    at("ZA", "South Africa", Africa, -27.9, 28.5),
    at("ZM", "Zambia", Africa, -13.5, 28.3),
    at("ZW", "Zimbabwe", Africa, -18.7, 30.7),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_by_its_code_and_lies_on_the_globe() {
        for entry in &ALL {
            let country: Country = entry.code.parse().expect("codes are well formed");
            assert_eq!(find(country), Some(entry), "{}", entry.code);
            assert!(entry.point.latitude.abs() <= 90.0 && entry.point.longitude.abs() <= 180.0);
        }
        assert_eq!(ALL.len(), 250, "the 249 codes of ISO 3166-1 and XK");
    }

    #[test]
    fn codes_that_are_not_assigned_are_not_found() {
        for code in ["EU", "AP", "UK", "ZZ", "AA"] {
            assert_eq!(find(code.parse().expect("two letters")), None, "{code}");
        }
    }
}
