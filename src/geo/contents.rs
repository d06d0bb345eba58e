//! Everything that a database says, for the tools that build databases.

use std::collections::hash_map::Entry;
use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt};

use super::Error;
use super::database::{self, Database};
use crate::client::{Location, Prefix};

/// The networks of a database and their locations.
#[derive(Debug)]
pub struct Contents {
    /// In ascending order, IPv4 first, without overlaps; with the number of the location.
    pub networks: Vec<(Prefix, u32)>,
    /// Number zero is nowhere.
    pub locations: Vec<Location>,
}

impl Contents {
    /// Reads a database from one end to the other, each record once.
    ///
    /// # Errors
    ///
    /// When the tree or a record cannot be read.
    pub fn of(database: &Database) -> Result<Self, Error> {
        let mut contents = Self { networks: Vec::new(), locations: vec![Location::default()] };
        let mut known: HashMap<usize, u32> = HashMap::new();
        for record in database.networks()? {
            let record = record.map_err(Error::Damaged)?;
            let Some(offset) = record.offset() else { continue };
            let number = match known.entry(offset) {
                Entry::Occupied(number) => *number.get(),
                Entry::Vacant(place) => {
                    let number = u32::try_from(contents.locations.len());
                    contents.locations.push(database::location(&record)?);
                    *place.insert(number.expect("a file has fewer records than bytes"))
                }
            };
            let network = database::network(&record).expect("the reader gives networks of its own families");
            match network.address() {
                IpAddr::V6(_) if database::is_ipv4_space(network) => {}
                IpAddr::V4(_) | IpAddr::V6(_) => contents.networks.push((network, number)),
            }
        }
        Ok(contents)
    }
}
