//! One layer of the table: what a single source says of every address, as runs of numbers.
//!
//! A database is read in one pass over its networks, and each distinct record once: a City database refers to
//! the same few hundred thousand records from millions of networks.

use std::net::IpAddr;

use foldhash::{HashMap, HashMapExt};

use super::Error;
use super::database::{self, Database, DatabaseRecord};
use super::population::subnets;
use super::runs::{Bits, Runs};

/// A number for every address of both families.
pub(super) struct Layer {
    pub(super) v4: Runs<u32>,
    pub(super) v6: Runs<u128>,
}

impl Layer {
    /// Returns the layer in which every address has `value`.
    pub(super) fn all(value: u32) -> Self {
        Self { v4: Runs::all(value), v6: Runs::all(value) }
    }

    /// Reads a database, calling `value_of` once for each of its records. Addresses without a record
    /// get zero. Returns the records too, in the order of the calls, after one for those addresses.
    ///
    /// # Errors
    ///
    /// When the tree or a record cannot be read.
    pub(super) fn of(
        database: &Database,
        mut value_of: impl FnMut(&DatabaseRecord<'_>) -> Result<u32, Error>,
    ) -> Result<(Self, Vec<SeenRecord>), Error> {
        let mut v4 = Filler::<u32>::new();
        let mut v6 = Filler::<u128>::new();
        let mut seen = vec![SeenRecord { value: 0, subnets: 0.0 }];
        let mut known: HashMap<usize, usize> = HashMap::new();
        for record in database.networks()? {
            let record = record.map_err(Error::Damaged)?;
            let number = match record.offset() {
                None => 0,
                Some(offset) => match known.get(&offset) {
                    Some(number) => *number,
                    None => {
                        let value = value_of(&record)?;
                        known.insert(offset, seen.len());
                        seen.push(SeenRecord { value, subnets: 0.0 });
                        seen.len() - 1
                    }
                },
            };
            let network = database::network(&record).expect("the reader gives networks of its own families");
            let here = &mut seen[number];
            match network.address() {
                IpAddr::V4(first) => {
                    let next = v4.put(first.to_bits(), network.length(), here.value);
                    here.subnets += subnets(first.to_bits(), next);
                }
                IpAddr::V6(_) if database::is_ipv4_space(network) => {}
                IpAddr::V6(first) => _ = v6.put(first.to_bits(), network.length(), here.value),
            }
        }
        Ok((Self { v4: v4.finish(), v6: v6.finish() }, seen))
    }
}

/// A record of a database.
pub(super) struct SeenRecord {
    pub(super) value: u32,
    /// The number of IPv4 subnets that it describes.
    pub(super) subnets: f64,
}

/// Fills runs from blocks in ascending order; addresses between them get zero. The reader leaves out the
/// blocks in which a file repeats its IPv4 addresses inside IPv6.
struct Filler<A> {
    runs: Runs<A>,
    /// The address after the last block; `None` when the last address there is was in it.
    next: Option<A>,
}

impl<A: Bits> Filler<A> {
    fn new() -> Self {
        Self { runs: Runs::all(0), next: Some(A::MIN) }
    }

    /// Gives a block its value, and returns the first address after it.
    fn put(&mut self, first: A, length: u8, value: u32) -> Option<A> {
        if let Some(gap) = self.next.filter(|next| *next < first) {
            self.runs.set_from(gap, 0);
        }
        self.runs.set_from(first, value);
        self.next = first.last_of_block(length).successor();
        self.next
    }

    fn finish(mut self) -> Runs<A> {
        if let Some(rest) = self.next {
            self.runs.set_from(rest, 0);
        }
        self.runs
    }
}
