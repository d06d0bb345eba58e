//! The clients of two tables together: how many are of which class in each, by country.
//!
//! Clients are counted as [`Population`](super::Population) counts them, so that those who are reached over IPv6 alone
//! are there and weigh nothing.

use std::collections::BTreeMap;

use super::database;
use super::layer::Layer;
use super::overlay;
use super::population::subnets;
use super::runs::join;
use super::table::{Table, mark};
use super::{ClassId, Error, TableSources};
use crate::client::Country;

/// The clients in one country who are of one class in each of two tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cohort {
    /// `None`: unknown.
    pub country: Option<Country>,
    pub classes: [ClassId; 2],
    /// How many they are, as [`Population::subnets`](super::Population::subnets) counts.
    pub subnets: f64,
}

impl Cohort {
    /// Counts all clients of two tables, sorted by country and classes. `sources` say which country they are in: those
    /// of one of the tables.
    ///
    /// # Errors
    ///
    /// When the database turns out to be damaged.
    pub fn census(tables: [&Table; 2], sources: TableSources<'_>) -> Result<Vec<Self>, Error> {
        let mut countries: Vec<Option<Country>> = vec![None];
        let places = match sources.database {
            None => Layer::all(0),
            Some(database) => {
                let (layer, _) = Layer::of(database, |record| {
                    countries.push(database::location(record)?.country);
                    Ok(u32::try_from(countries.len() - 1).expect("a file has fewer records than bytes"))
                })?;
                layer
            }
        };
        let (overlays, overlay) = overlay::lay(sources.networks, &[]);
        let country = |place: u32, overlay: u32| {
            let operator = overlays[overlay as usize].operator.and_then(|location| location.country);
            operator.or(countries[place as usize])
        };
        let mut counted: BTreeMap<(Option<Country>, [u32; 2]), f64> = BTreeMap::new();
        let [one, other] = tables.map(|table| table.v4.runs());
        join([&one, &other, &places.v4, &overlay.v4], |start, next, [one, other, place, overlay]| {
            let cohort = (country(place, overlay), [one, other]);
            *counted.entry(cohort).or_default() += subnets(start, next);
            0
        });
        let [one, other] = tables.map(|table| table.v6.runs());
        join([&one, &other, &places.v6, &overlay.v6], |_, _, [one, other, place, overlay]| {
            // Addresses that embed IPv4 ones are located by these, in every table.
            if mark(one).is_none() {
                counted.entry((country(place, overlay), [one, other])).or_default();
            }
            0
        });
        let cohorts = counted.into_iter();
        let cohorts = cohorts.map(|((country, classes), subnets)| Self {
            country,
            classes: classes.map(ClassId),
            subnets,
        });
        Ok(cohorts.collect())
    }
}
