//! Tests of the module as a whole, with databases that the maker of the shipped one writes.

mod foreign;
mod laws;
mod well_known;

use crate::client::Coordinates;
use crate::region::tests::region;
use crate::region::{Region, Regions};

/// Returns regions at these places: name, latitude, longitude.
fn regions(places: &[(&str, f64, f64)]) -> Regions {
    let at = |(name, latitude, longitude): &(&str, f64, f64)| Region {
        location: Coordinates { latitude: *latitude, longitude: *longitude },
        ..region(name, "JP", &[&["127.0.0.1"]])
    };
    Regions::new(places.iter().map(at).collect())
}
