//! Regions whose coordinates are far from their jurisdiction: mostly degrees that were swapped, or left at zero.

use crate::client::{Coordinates, Country};
use crate::config::problem::{Reporter, Span};
use crate::geo::countries;

/// Farther than this from the middle of its country a region is hardly in it. Chile and Norway reach 2 200 km.
const FAR_KM: f64 = 2_500.0;

/// So far it is elsewhere, even where no mistake of writing explains it; nearer it may be overseas.
const ELSEWHERE_KM: f64 = 6_000.0;

/// Countries that reach farther from their middle: to Hawaii, Chukotka, the Yukon, Perth, Ürümqi and Acre.
const WIDE: [(&str, f64); 6] =
    [("US", 7_000.0), ("RU", 6_500.0), ("CA", 4_500.0), ("AU", 4_000.0), ("CN", 3_500.0), ("BR", 3_500.0)];

/// Warns when a region is far from the country whose law applies there.
pub(super) fn check(
    name: &str,
    location: Coordinates,
    jurisdiction: Country,
    span: Span,
    report: &mut Reporter,
) {
    if let Some((distance, country, hint)) = far(location, jurisdiction) {
        let text =
            format!("region `{name}` is {distance:.0} km from the middle of {country}, its jurisdiction");
        report.warning(span, text).hint(hint);
    }
}

/// Returns the distance from the middle of a country, its name and a hint, when that is too far.
fn far(location: Coordinates, jurisdiction: Country) -> Option<(f64, &'static str, &'static str)> {
    let country = countries::find(jurisdiction)?;
    let limit = WIDE.iter().find(|(code, _)| *code == country.code).map_or(FAR_KM, |(_, limit)| *limit);
    let distance = location.distance_km(country.point);
    // What is not on the globe has been reported.
    if distance <= limit || location.latitude.abs() > 90.0 || location.longitude.abs() > 180.0 {
        return None;
    }
    let elsewhere = "clients are sent to the nearest region: its coordinates must be those of the site";
    let is_elsewhere = distance > limit.max(ELSEWHERE_KM);
    let hint = mistake(location, country.point, limit).or(is_elsewhere.then_some(elsewhere))?;
    Some((distance, country.name, hint))
}

/// Returns the mistake without which a location would be near enough.
fn mistake(location: Coordinates, middle: Coordinates, limit: f64) -> Option<&'static str> {
    let Coordinates { latitude, longitude } = location;
    let is_near = |latitude: f64, longitude: f64| {
        latitude.abs() <= 90.0 && Coordinates { latitude, longitude }.distance_km(middle) <= limit
    };
    if latitude == 0.0 && longitude == 0.0 {
        Some("0 N 0 E is in the Gulf of Guinea: write the coordinates of the site")
    } else if is_near(longitude, latitude) {
        Some("latitude and longitude are swapped: latitude is degrees north, longitude degrees east")
    } else if is_near(-latitude, longitude) || is_near(latitude, -longitude) || is_near(-latitude, -longitude)
    {
        Some("a sign is wrong: south and west are negative")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_hint(latitude: f64, longitude: f64, country: &str, expected: Option<&str>) {
        let found = far(Coordinates { latitude, longitude }, country.parse().expect("a country"));
        let hint = found.map(|(_, _, hint)| hint);
        assert_eq!(hint.is_some(), expected.is_some(), "{country}: {found:?}");
        assert!(hint.unwrap_or_default().starts_with(expected.unwrap_or_default()), "{country}: {found:?}");
    }

    #[test]
    fn swapped_zero_and_negated_coordinates_are_told_apart() {
        check_hint(8.68, 50.11, "DE", Some("latitude and longitude are swapped"));
        check_hint(0.0, 0.0, "JP", Some("0 N 0 E"));
        check_hint(33.87, 151.21, "AU", Some("a sign is wrong"));
        check_hint(45.84, 119.70, "US", Some("a sign is wrong"));
        check_hint(50.11, 8.68, "JP", Some("clients are sent"));
    }

    #[test]
    fn the_ends_of_wide_countries_are_in_them_and_sites_overseas_may_be() {
        for (latitude, longitude, country) in [
            (21.3, -157.9, "US"),
            (61.2, -149.9, "US"),
            (43.1, 131.9, "RU"),
            (54.7, 20.5, "RU"),
            (-31.95, 115.86, "AU"),
            (43.8, 87.6, "CN"),
            (-53.2, -70.9, "CL"),
            (69.6, 18.9, "NO"),
            (28.1, -15.4, "ES"),
            (48.4, -123.4, "CA"),
            (8.5, 76.9, "IN"),
            (-8.05, -34.9, "BR"),
            (43.0, 141.4, "JP"),
            (13.4, 144.8, "JP"),
            (1.0, 1.0, "IE"),
        ] {
            check_hint(latitude, longitude, country, None);
        }
    }
}
