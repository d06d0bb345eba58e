//! What a record of a database that Meridian writes holds: MaxMind's fields of them, so that every reader reads it.

use super::mmdb::DataValue;
use crate::client::{Coordinates, Country};
use crate::geo::countries::CountryEntry;

/// Returns the record of a place in a country.
pub(super) fn record(code: Country, entry: &CountryEntry, point: Coordinates) -> DataValue {
    DataValue::Map(vec![
        continent(entry.continent.code()),
        ("country", country(code, entry)),
        (
            "location",
            DataValue::Map(vec![
                ("latitude", DataValue::Double(point.latitude)),
                ("longitude", DataValue::Double(point.longitude)),
            ]),
        ),
    ])
}

/// Returns the field of a continent.
pub(super) fn continent(code: &str) -> (&'static str, DataValue) {
    ("continent", DataValue::Map(vec![("code", DataValue::text(code))]))
}

fn country(code: Country, entry: &CountryEntry) -> DataValue {
    let names = DataValue::Map(vec![("en", DataValue::text(entry.name))]);
    let mut fields = vec![("iso_code", DataValue::text(entry.code)), ("names", names)];
    if code.is_eu() {
        fields.push(("is_in_european_union", DataValue::Bool(true)));
    }
    DataValue::Map(fields)
}
